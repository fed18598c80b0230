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

/// Known answers, computed by Python's `cryptography` 48.0.0 (OpenSSL 3): ECDH, and deterministic ECDSA (RFC 6979), of
/// three private keys; the pair key by its `hashlib`.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::{Certificate, CertificateBody};
    use crate::curve::pair_key;
    use crate::element::{Expiry, Role};
    use crate::number::PartyNumber;

    const ALICE: PartyNumber = PartyNumber([0x95, 0x55, 0, 0, 0, 0, 0, 0x18]);
    const BOB: PartyNumber = PartyNumber([0x95, 0x55, 0, 0, 0, 0, 0, 0x26]);
    const PUBLIC_OF_ALICE: &str = "515c3d6eb9e396b904d3feca7f54fdcd0cc1e997bf375dca515ad0a6c3b4035f\
                                   4536be3a50f318fbf9a5475902a221502bef0d57e08c53b2cc0a56f17d9f9354";
    const PUBLIC_OF_BOB: &str = "13503389436c38c8cb1a381569d72dcb01bb3b99d105d81ffbdb0e2a15f71a0d\
                                 b15fc2d6ce1cae3f34e5bf216bab21a0482a674f313723b4dba076fc8e01c992";
    const PUBLIC_OF_ISSUER: &str = "f68b1de0f5ce686192f4bd0fd34163863f2e89d385f8bcfb85979533a57ac9b0\
                                    4f022ab6b096c8bf42804d8e67d38b3f88866980cc903f68fde9d2e143d93267";
    const SIGNATURE_OF_ALICE: &str = "960a2fb791a66841428bd6740d2d7755833801436bb00546922294596ad82815\
                                      542718a84042455c81aab4a6f00ba6f212b45b8550a9963cbaa3cf47f00e02b1";
    const SHARED: &str = "b92763a633a2103f8fb5d605176729994b670b79933bb5dfbd6c1d32023389fd";
    const PAIR: &str = "f8608ba99434cd8dc14a333c5d730e22";

    fn bytes<const LENGTH: usize>(text: &str) -> [u8; LENGTH] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    fn counting_from(first: u8) -> PrivateKey {
        let mut key = [0; 32];
        for (byte, value) in key.iter_mut().zip(first..) {
            *byte = value;
        }
        PrivateKey(key)
    }

    fn alice() -> PrivateKey {
        counting_from(0x01)
    }

    fn bob() -> PrivateKey {
        counting_from(0x80)
    }

    fn certificate_of_alice() -> Certificate {
        let body = CertificateBody {
            issuer_key: 7,
            role: Role::Purse,
            number: ALICE,
            expiry: Expiry([0x30, 0x12]),
            public_key: PublicKey(bytes(PUBLIC_OF_ALICE)),
        };
        Certificate { body, signature: Signature(bytes(SIGNATURE_OF_ALICE)) }
    }

    #[test]
    fn public_keys_are_those_of_another_library() {
        let issuer = PrivateKey([0x5A; 32]);
        for (private, public) in
            [(alice(), PUBLIC_OF_ALICE), (bob(), PUBLIC_OF_BOB), (issuer, PUBLIC_OF_ISSUER)]
        {
            assert_eq!(Software.public_key(&private), Some(PublicKey(bytes(public))));
        }
        for none in [[0; 32], [0xFF; 32]] {
            assert_eq!(Software.public_key(&PrivateKey(none)), None);
        }
    }

    #[test]
    fn a_signature_is_that_of_another_library_and_holds_for_nothing_else() {
        let certificate = certificate_of_alice();
        let signature = Software::sign(&PrivateKey([0x5A; 32]), &certificate.body.emit());
        assert_eq!(signature, Some(certificate.signature));
        assert_eq!(Software::sign(&PrivateKey([0; 32]), &[]), None);
        let issuer = PublicKey(bytes(PUBLIC_OF_ISSUER));
        assert!(certificate.is_signed_by(&Software, &issuer));
        assert!(!certificate.is_signed_by(&Software, &certificate.body.public_key));
        assert!(!certificate.is_signed_by(&Software, &PublicKey([1; 64])), "no point of the curve");
        let mut other = certificate;
        other.body.issuer_key ^= 1;
        assert!(!other.is_signed_by(&Software, &issuer));
        for at in [0, 31, 32, 63] {
            let mut other = certificate;
            other.signature.0[at] ^= 1;
            assert!(!other.is_signed_by(&Software, &issuer));
        }
    }

    #[test]
    fn both_purses_have_the_pair_key_of_another_library() {
        let [of_alice, of_bob] = [PUBLIC_OF_ALICE, PUBLIC_OF_BOB].map(|key| PublicKey(bytes(key)));
        for (private, peer, own, other) in [(alice(), of_bob, ALICE, BOB), (bob(), of_alice, BOB, ALICE)] {
            let shared = Software.agree(&private, &peer).unwrap();
            assert_eq!(shared.0, bytes(SHARED));
            assert_eq!(pair_key(&Software, &shared, own, other).0, bytes(PAIR));
        }
    }

    #[test]
    fn nothing_is_agreed_with_what_is_no_key() {
        let peer = PublicKey(bytes(PUBLIC_OF_BOB));
        assert!(Software.agree(&PrivateKey([0; 32]), &peer).is_none());
        let [mut off, zero, above] = [peer.0, [0; 64], [0xFF; 64]];
        off[63] ^= 1;
        for point in [off, zero, above] {
            assert!(Software.agree(&alice(), &PublicKey(point)).is_none());
        }
    }
}
