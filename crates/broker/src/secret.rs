//! A brokered secret of one run.

use secrecy::SecretString;

use crate::authority::Authority;
use crate::place::Place;
use crate::stand_in::StandIn;

/// A brokered secret. `Debug` shows neither its value nor its stand-in.
#[derive(Debug)]
pub struct Secret {
    /// The KEY under which CMD has the stand-in.
    pub name: String,
    /// The value, 0x21 to 0x7E, which `stand_in::check` found fit.
    pub value: SecretString,
    /// What CMD has instead, derived from this value.
    pub stand_in: StandIn,
    /// The hosts that it goes to.
    pub hosts: Vec<Authority>,
    /// Where the owner allows it besides the usual headers.
    pub places: Vec<Place>,
}
