//! P-256 and SHA-256 for the listings: SHA256, POINT, ECDSA, ECDH.

use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::{PublicKey, SecretKey};
use sha2::{Digest as _, Sha256};

/// POINT, ECDSA and ECDH of the listings: whoever executes a text very often may bring ones that remember.
#[derive(Clone, Copy, Debug)]
pub struct Curve {
    /// POINT: the public key of a private one, x and y; no bytes where it is none.
    pub point: fn(&[u8]) -> Vec<u8>,
    /// ECDSA: whether a public key's signature, the third, is over the second.
    pub verifies: fn(&[u8], &[u8], &[u8]) -> bool,
    /// ECDH: what a private and a public key have in common; no bytes where one is none.
    pub agree: fn(&[u8], &[u8]) -> Vec<u8>,
}

impl Curve {
    /// Each computed anew.
    pub const SOFTWARE: Self = Self { point, verifies, agree };
}

pub(super) fn hash(message: &[u8]) -> Vec<u8> {
    Sha256::digest(message).to_vec()
}

/// The key of 64 bytes, x and y.
fn public(bytes: &[u8]) -> Option<PublicKey> {
    let uncompressed = [&[4], bytes].concat();
    PublicKey::from_sec1_bytes(&uncompressed).ok().filter(|_| bytes.len() == 64)
}

fn point(private: &[u8]) -> Vec<u8> {
    let public = SecretKey::from_slice(private).map(|key| key.public_key().to_sec1_point(false));
    public.map_or_else(|_| Vec::new(), |point| point.as_bytes().get(1..).unwrap_or(&[]).to_vec())
}

fn verifies(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let signature = Signature::from_slice(signature).ok();
    public(key)
        .zip(signature)
        .is_some_and(|(key, signature)| VerifyingKey::from(key).verify(message, &signature).is_ok())
}

fn agree(private: &[u8], peer: &[u8]) -> Vec<u8> {
    let keys = SecretKey::from_slice(private).ok().zip(public(peer));
    keys.map_or_else(Vec::new, |(private, peer)| {
        p256::ecdh::diffie_hellman(private.to_nonzero_scalar(), peer.as_affine()).raw_secret_bytes().to_vec()
    })
}
