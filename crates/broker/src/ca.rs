//! The certificate authority of one run. It is for the brokered hosts alone, and says so: a program that trusts it
//! trusts it for nothing else. Its key is only in the memory of cast, and is gone with the run.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SerialNumber,
};
use rustls::crypto::ring::sign::any_ecdsa_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SigningKey};

use crate::authority::Authority;
use crate::random;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The clocks of a program in a container may be behind.
const BEFORE: Duration = HOUR;
const CA_TIME: Duration = DAY.saturating_mul(365);
const LEAF_TIME: Duration = DAY.saturating_mul(7);
/// How old a leaf may become in a run that goes on.
const LEAF_AGE: Duration = DAY.saturating_mul(6);

/// The authority and the leaves that it made.
pub struct Ca {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    names: BTreeSet<String>,
    leaf_pair: KeyPair,
    leaf_key: Arc<dyn SigningKey>,
    leaves: HashMap<String, (SystemTime, Arc<CertifiedKey>)>,
}

impl Ca {
    /// An authority for these hosts, whose ports do not matter. Fails if there is no randomness.
    pub fn new(hosts: &[Authority], now: SystemTime) -> io::Result<Self> {
        let names: BTreeSet<_> = hosts.iter().map(|host| host.host().to_owned()).collect();
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let mut params = params("cast run", now, CA_TIME)?;
        params.distinguished_name.push(DnType::OrganizationName, "cast");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: names.iter().cloned().map(GeneralSubtree::DnsName).collect(),
            excluded_subtrees: vec![
                GeneralSubtree::IpAddress(CidrSubnet::V4([0; 4], [0; 4])),
                GeneralSubtree::IpAddress(CidrSubnet::V6([0; 16], [0; 16])),
            ],
        });
        let certificate = params.self_signed(&key).map_err(io::Error::other)?.der().clone();
        let leaf_pair = KeyPair::generate().map_err(io::Error::other)?;
        let leaf_der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_pair.serialized_der()));
        let leaf_key = any_ecdsa_type(&leaf_der).map_err(io::Error::other)?;
        Ok(Self { issuer: Issuer::new(params, key), certificate, names, leaf_pair, leaf_key, leaves: HashMap::new() })
    }

    /// The public part, as PEM.
    pub fn pem(&self) -> String {
        pem(&self.certificate)
    }

    /// A certificate for one of the hosts, and the key for it. It is made at first use, and anew when it is old. An
    /// error for any other name.
    pub fn leaf(&mut self, host: &str, now: SystemTime) -> io::Result<Arc<CertifiedKey>> {
        if !self.names.contains(host) {
            return Err(io::Error::from(io::ErrorKind::NotFound));
        }
        if let Some((made, leaf)) = self.leaves.get(host)
            && now.duration_since(*made).is_ok_and(|age| age < LEAF_AGE)
        {
            return Ok(leaf.clone());
        }
        let mut params = params("cast run", now, LEAF_TIME)?;
        params.subject_alt_names = vec![rcgen::SanType::DnsName(host.try_into().map_err(io::Error::other)?)];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        // Python 3.13 and later refuse a leaf without it.
        params.use_authority_key_identifier_extension = true;
        let leaf = params.signed_by(&self.leaf_pair, &self.issuer).map_err(io::Error::other)?.der().clone();
        let leaf = Arc::new(CertifiedKey::new(vec![leaf], self.leaf_key.clone()));
        self.leaves.insert(host.to_owned(), (now, leaf.clone()));
        Ok(leaf)
    }
}

/// What the authority and its leaves have alike.
fn params(name: &str, now: SystemTime, time: Duration) -> io::Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = (now - BEFORE).into();
    params.not_after = (now + time).into();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let mut serial = random::bytes::<16>()?;
    // A serial number is positive (RFC 5280 §4.1.2.2), and this one keeps its length.
    serial[0] = serial[0] & 0x7F | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}

/// A certificate as PEM (RFC 7468): base64 in lines of 64.
pub fn pem(certificate: &CertificateDer<'_>) -> String {
    let digits = STANDARD.encode(certificate);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in digits.as_bytes().chunks(64) {
        pem.push_str(str::from_utf8(line).expect("base64 is ASCII"));
        pem.push('\n');
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}

#[cfg(test)]
mod tests;
