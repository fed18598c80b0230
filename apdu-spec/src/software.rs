//! The engines in software, on the RustCrypto crates `aes`, `cmac`, `p256` and `sha2`.

use aes::Aes128Enc;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use cmac::{Cmac, Mac};

use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{Signature as CurveSignature, SigningKey, VerifyingKey};
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::{PublicKey as Point, Sec1Point, SecretKey};
use sha2::{Digest as _, Sha256};

use crate::cryptography::{Engine, KeyBytes};
use crate::curve::{Curve, PrivateKey, PublicKey, SharedSecret, Signature};

/// AES-128, AES-CMAC, P-256 and SHA-256 in software; keys are wiped when dropped.
#[derive(Clone, Copy, Debug, Default)]
pub struct Software;

/// A key schedule. The state of a computation is reset after each.
#[derive(Clone)]
pub struct SoftwareKey(Cmac<Aes128Enc>);

impl core::fmt::Debug for SoftwareKey {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("SoftwareKey(..)")
    }
}

impl Engine for Software {
    type Key = SoftwareKey;

    fn load(&self, key: &KeyBytes) -> SoftwareKey {
        SoftwareKey(Cmac::new(&key.0.into()))
    }

    fn mac(&self, key: &mut SoftwareKey, message: &[u8]) -> [u8; 16] {
        key.0.update(message);
        key.0.finalize_reset().into_bytes().into()
    }

    fn encrypt(&self, key: &KeyBytes, block: [u8; 16]) -> [u8; 16] {
        let mut block = block.into();
        Aes128Enc::new(&key.0.into()).encrypt_block(&mut block);
        block.into()
    }
}

impl Software {
    /// An issuer's signature over a message: ECDSA with SHA-256, deterministic (RFC 6979); none where the key is none.
    pub fn sign(private: &PrivateKey, message: &[u8]) -> Option<Signature> {
        let key = SigningKey::from_slice(&private.0).ok()?;
        let signature: CurveSignature = key.sign(message);
        Some(Signature(signature.to_bytes().into()))
    }
}

/// The point of a public key; none where it is not on the curve.
fn point(public: &PublicKey) -> Option<Point> {
    Point::try_from(Sec1Point::from_untagged_bytes(&public.0.into())).ok()
}

impl Curve for Software {
    /// Operations take 9 KiB on x86-64 where they are optimised least.
    const DEPTH: usize = 16 * 1024;

    fn public_key(&self, private: &PrivateKey) -> Option<PublicKey> {
        let public = SecretKey::from_slice(&private.0).ok()?.public_key().to_sec1_point(false);
        public.as_bytes().last_chunk().copied().map(PublicKey)
    }

    fn verify(&self, public: &PublicKey, message: &[u8], signature: &Signature) -> bool {
        let Some(point) = point(public) else { return false };
        let Ok(signature) = CurveSignature::from_slice(&signature.0) else { return false };
        VerifyingKey::from(point).verify(message, &signature).is_ok()
    }

    fn agree(&self, private: &PrivateKey, peer: &PublicKey) -> Option<SharedSecret> {
        let private = SecretKey::from_slice(&private.0).ok()?;
        let shared = p256::ecdh::diffie_hellman(private.to_nonzero_scalar(), point(peer)?.as_affine());
        Some(SharedSecret((*shared.raw_secret_bytes()).into()))
    }

    fn hash(&self, message: &[u8]) -> [u8; 32] {
        Sha256::digest(message).into()
    }
}
