//! Brokered secrets, as a user has them: the built binary, a program that it runs, and a host over loopback. The test
//! itself speaks for the program, with what the program found in its environment.

mod audit;
mod client;
mod credential;
mod hosts;
mod life;
mod oracle;
mod outer;
mod places;
mod refusals;
mod stand_in;
mod upstream;
mod way_out;
pub mod world;
