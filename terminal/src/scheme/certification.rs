//! The issuer as certification authority: the keys that it signs certificates with, and the key pair of a new purse
//! (section 8).

use std::collections::BTreeMap;

use apdu_spec::certificate::{Certificate, CertificateBody};
use apdu_spec::curve::{Curve as _, PrivateKey};
use apdu_spec::element::{Expiry, Role};
use apdu_spec::number::PartyNumber;
use apdu_spec::personalisation::KeyPair;
use apdu_spec::software::Software;

use super::{Scheme, SchemeError};

/// The issuer's private keys for certificates, by index.
pub type CertificationKeys = BTreeMap<u8, PrivateKey>;

/// A new private key.
pub(super) fn random_private_key() -> Result<PrivateKey, getrandom::Error> {
    loop {
        let mut key = PrivateKey([0; PrivateKey::LENGTH]);
        getrandom::fill(&mut key.0)?;
        // One in 2^32 is not below the order of the curve.
        if Software.public_key(&key).is_some() {
            return Ok(key);
        }
    }
}

impl Scheme {
    /// A new key pair for the purse of this number, certified under the newest key; none where the scheme has no key for
    /// certificates, as one that was made before there were transfers.
    pub fn key_pair(&self, number: PartyNumber, expiry: Expiry) -> Result<Option<KeyPair>, SchemeError> {
        let Some((index, issuer)) = self.certification.last_key_value() else { return Ok(None) };
        let private_key = random_private_key()?;
        let public = |key| Software.public_key(key).ok_or(SchemeError::CertificationKey(*index));
        let body = CertificateBody {
            issuer_key: *index,
            role: Role::Purse,
            number,
            expiry,
            public_key: public(&private_key)?,
        };
        let signature = Software::sign(issuer, &body.emit()).ok_or(SchemeError::CertificationKey(*index))?;
        let certificate = Certificate { body, signature };
        Ok(Some(KeyPair { issuer_key: public(issuer)?, private_key, certificate }))
    }
}
