//! P-256 between purses (section 8): ECDSA with SHA-256 (FIPS 186-5), ECDH and the one-step KDF of SP 800-56C. Whoever
//! computes brings the engine, in software or hardware, behind [`Curve`].

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::cryptography::KeyBytes;
use crate::number::PartyNumber;
use crate::wire::concatenate;

/// A point of P-256, 64 bytes: x 32, y 32. Whether it is on the curve, only an engine says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Zeroize)]
pub struct PublicKey(pub [u8; 64]);

impl PublicKey {
    /// Bytes on the wire.
    pub const LENGTH: usize = 64;
}

/// A scalar of P-256, 32 bytes, wiped when dropped.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct PrivateKey(pub [u8; 32]);

impl PrivateKey {
    /// Bytes in DGI 8020.
    pub const LENGTH: usize = 32;
}

impl core::fmt::Debug for PrivateKey {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("PrivateKey(..)")
    }
}

/// An ECDSA signature, 64 bytes: r 32, s 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Zeroize)]
pub struct Signature(pub [u8; 64]);

impl Signature {
    /// Bytes on the wire.
    pub const LENGTH: usize = 64;
}

/// What two private keys have in common: Z, the x coordinate of ECDH, 32 bytes, wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SharedSecret(pub [u8; 32]);

impl core::fmt::Debug for SharedSecret {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("SharedSecret(..)")
    }
}

/// An engine for P-256 and SHA-256.
pub trait Curve {
    /// How far down the stack an operation leaves secrets, in bytes, by measure; 0 where they never leave a chip of
    /// their own. Who calls it overwrites so much.
    const DEPTH: usize;

    /// The public key of a private one; none for 0 and for what is not below the order of the curve.
    fn public_key(&self, private: &PrivateKey) -> Option<PublicKey>;

    /// Whether this is a signature over the message, by ECDSA with SHA-256, of whoever has the private key to this
    /// public one. A point that is not on the curve signs nothing.
    fn verify(&self, public: &PublicKey, message: &[u8], signature: &Signature) -> bool;

    /// ECDH with a peer; none where the peer's point is not on the curve, or the private key is none.
    fn agree(&self, private: &PrivateKey, peer: &PublicKey) -> Option<SharedSecret>;

    /// SHA-256.
    fn hash(&self, message: &[u8]) -> [u8; 32];
}

/// What the one-step KDF has behind its counter and Z.
const PAIR_LABEL: [u8; 4] = *b"PAIR";

/// The pair key of two purses: the first 16 bytes of `SHA-256(00000001 ‖ Z ‖ "PAIR" ‖ lower number ‖ higher number)`,
/// the same on both sides (SP 800-56C, one-step).
pub fn pair_key<C: Curve>(
    curve: &C,
    shared: &SharedSecret,
    one: PartyNumber,
    other: PartyNumber,
) -> KeyBytes {
    let (lower, higher) = if one < other { (one, other) } else { (other, one) };
    let mut input: [u8; 4 + 32 + PAIR_LABEL.len() + 2 * PartyNumber::LENGTH] =
        concatenate(&[&1_u32.to_be_bytes(), &shared.0, &PAIR_LABEL, &lower.0, &higher.0]);
    let mut digest = curve.hash(&input);
    input.zeroize();
    let mut key = KeyBytes([0; KeyBytes::LENGTH]);
    for (byte, from) in key.0.iter_mut().zip(&digest) {
        *byte = *from;
    }
    digest.zeroize();
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashes to what it is given, the first 32 bytes from `self.0` on; agrees on nothing.
    struct Seen(usize);

    impl Curve for Seen {
        const DEPTH: usize = 0;

        fn public_key(&self, _: &PrivateKey) -> Option<PublicKey> {
            None
        }

        fn verify(&self, _: &PublicKey, _: &[u8], _: &Signature) -> bool {
            false
        }

        fn agree(&self, _: &PrivateKey, _: &PublicKey) -> Option<SharedSecret> {
            None
        }

        fn hash(&self, message: &[u8]) -> [u8; 32] {
            assert_eq!(message.len(), 56);
            let mut seen = [0; 32];
            for (byte, from) in seen.iter_mut().zip(message.iter().skip(self.0)) {
                *byte = *from;
            }
            seen
        }
    }

    const LOWER: PartyNumber = PartyNumber([0x95, 0x55, 0, 0, 0, 0, 0, 0x18]);
    const HIGHER: PartyNumber = PartyNumber([0x95, 0x55, 0, 0, 0, 0, 0, 0x26]);

    #[test]
    fn what_is_hashed_is_counter_secret_label_and_both_numbers_the_lower_first() {
        let shared = SharedSecret([0x5C; 32]);
        let expected = [
            [0, 0, 0, 1].as_slice(),
            &[0x5C; 32],
            b"PAIR",
            &[0x95, 0x55, 0, 0, 0, 0, 0, 0x18],
            &[0x95, 0x55, 0, 0, 0, 0, 0, 0x26],
        ]
        .concat();
        for (one, other) in [(LOWER, HIGHER), (HIGHER, LOWER)] {
            for from in 0..=40 {
                let key = pair_key(&Seen(from), &shared, one, other);
                assert_eq!(key.0, expected[from..from + 16], "from {from}");
            }
        }
    }

    #[test]
    fn secrets_show_nothing_of_themselves() {
        assert_eq!(format!("{:?}", PrivateKey([0xA7; 32])), "PrivateKey(..)");
        assert_eq!(format!("{:?}", SharedSecret([0xA7; 32])), "SharedSecret(..)");
    }

    #[test]
    fn lengths_are_those_of_p_256() {
        assert_eq!([PrivateKey::LENGTH, PublicKey::LENGTH, Signature::LENGTH], [32, 64, 64]);
    }
}
