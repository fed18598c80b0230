//! P-256 and SHA-256 for the listings: SHA256, POINT, ECDSA, ECDH.

use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::{PublicKey, SecretKey};
use sha2::{Digest as _, Sha256};

pub(super) fn hash(message: &[u8]) -> Vec<u8> {
    Sha256::digest(message).to_vec()
}

/// The key of 64 bytes, x and y.
fn public(bytes: &[u8]) -> Option<PublicKey> {
    let uncompressed = [&[4], bytes].concat();
    PublicKey::from_sec1_bytes(&uncompressed).ok().filter(|_| bytes.len() == 64)
}

/// No bytes where the key is none.
pub(super) fn point(private: &[u8]) -> Vec<u8> {
    let public = SecretKey::from_slice(private).map(|key| key.public_key().to_sec1_point(false));
    public.map_or_else(|_| Vec::new(), |point| point.as_bytes().get(1..).unwrap_or(&[]).to_vec())
}

pub(super) fn verifies(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let signature = Signature::from_slice(signature).ok();
    public(key)
        .zip(signature)
        .is_some_and(|(key, signature)| VerifyingKey::from(key).verify(message, &signature).is_ok())
}

/// No bytes where a key is none.
pub(super) fn agree(private: &[u8], peer: &[u8]) -> Vec<u8> {
    let keys = SecretKey::from_slice(private).ok().zip(public(peer));
    keys.map_or_else(Vec::new, |(private, peer)| {
        p256::ecdh::diffie_hellman(private.to_nonzero_scalar(), peer.as_affine()).raw_secret_bytes().to_vec()
    })
}
