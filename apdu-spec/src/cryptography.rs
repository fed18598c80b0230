//! Keys and authenticators (section 3): AES-CMAC (SP 800-38B) and the KDF of SP 800-108r1 in counter
//! mode. Whoever computes them brings the engine, in software or hardware, behind [`Engine`].

use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::element::KeyVersion;
use crate::number::PartyNumber;
use crate::pay_details::PayDetails;
use crate::record::RecordRole;
use crate::wire::{Writer, concatenate};

/// 16 bytes of an AES-128 key, wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct KeyBytes(pub [u8; 16]);

impl KeyBytes {
    /// Bytes of a key.
    pub const LENGTH: usize = 16;
}

impl core::fmt::Debug for KeyBytes {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("KeyBytes(..)")
    }
}

/// An engine for AES-128 and AES-CMAC. A hardware engine keeps a slot number in `Key`, software a
/// key schedule; either may hold it for as long as the key is in use and wipes it when dropped.
pub trait Engine {
    /// A key that is ready for use.
    type Key;

    /// Makes a key ready.
    fn load(&self, key: &KeyBytes) -> Self::Key;

    /// AES-CMAC of `message`, all 16 bytes.
    fn mac(&self, key: &mut Self::Key, message: &[u8]) -> [u8; 16];

    /// One block, as a key check value needs it.
    fn encrypt(&self, key: &KeyBytes, block: [u8; 16]) -> [u8; 16];
}

/// First 8 bytes of an AES-CMAC: an authenticator as it crosses the wire. Compared in constant time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Authenticator(pub [u8; 8]);

impl Authenticator {
    /// Bytes on the wire.
    pub const LENGTH: usize = 8;

    fn truncate(mac: [u8; 16]) -> Self {
        let [first @ .., _, _, _, _, _, _, _, _] = mac;
        Self(first)
    }
}

impl ConstantTimeEq for Authenticator {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for Authenticator {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for Authenticator {}

/// The payer's transaction certificate (EN 1546 TAC): only the issuer can check it. Eight zero bytes where the
/// issuer pays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tac(pub [u8; 8]);

impl Tac {
    /// Bytes on the wire.
    pub const LENGTH: usize = 8;
    /// The issuer's.
    pub const NONE: Self = Self([0; 8]);
}

impl ConstantTimeEq for Tac {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

/// The chain over a merchant SAM's records (H of section 3): 16 bytes, zero before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chain(pub [u8; 16]);

impl Chain {
    /// Bytes in memory; it never crosses the wire.
    pub const LENGTH: usize = 16;
    /// H of nothing.
    pub const NONE: Self = Self([0; 16]);
}

/// What a key is for; the label is the KDF's and the order is that of DGI 8000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyPurpose {
    /// Load and unload, with the issuer.
    Load,
    /// Purchase and refund, with a merchant SAM.
    Payment,
    /// Transaction certificates for the issuer, and a SAM's chain.
    Tac,
    /// The issuer's scripts.
    Administration,
}

impl KeyPurpose {
    /// Every purpose, in the order of DGI 8000.
    pub const ALL: [Self; 4] = [Self::Load, Self::Payment, Self::Tac, Self::Administration];

    /// The KDF's label.
    pub const fn label(self) -> [u8; 4] {
        match self {
            Self::Load => *b"LOAD",
            Self::Payment => *b"PAYM",
            Self::Tac => *b"TACK",
            Self::Administration => *b"ADMN",
        }
    }
}

/// Label of a session key's derivation.
const SESSION_LABEL: [u8; 4] = *b"SESS";
/// Label, separator, counter and length around the context.
const KDF_OVERHEAD: usize = 8;

/// `CMAC(key, 01 ‖ label ‖ 00 ‖ context ‖ 0080)`: SP 800-108r1, counter mode, one block.
fn derive<E: Engine>(engine: &E, key: &mut E::Key, label: [u8; 4], context: &[u8]) -> KeyBytes {
    let mut input = [0_u8; KDF_OVERHEAD + PayDetails::LENGTH];
    let length =
        Writer::new(&mut input).put(&[1]).put(&label).put(&[0]).put(context).put(&[0, 0x80]).finish();
    debug_assert!(length.is_some(), "no context is longer than PD");
    KeyBytes(engine.mac(key, input.get(..length.unwrap_or(0)).unwrap_or(&[])))
}

/// The key of one card: `KDF(master X, "X", number ‖ key version)`.
pub fn card_key<E: Engine>(
    engine: &E,
    master: &mut E::Key,
    purpose: KeyPurpose,
    number: PartyNumber,
    key_version: KeyVersion,
) -> KeyBytes {
    let context: [u8; 9] = concatenate(&[&number.0, &[key_version.0]]);
    derive(engine, master, purpose.label(), &context)
}

/// The key of one transaction: `KDF(pair key, "SESS", PD)`.
pub fn session_key<E: Engine>(engine: &E, pair_key: &mut E::Key, pay_details: &PayDetails) -> KeyBytes {
    derive(engine, pair_key, SESSION_LABEL, &pay_details.emit())
}

/// First three bytes of `AES(key, 16 × 01)`: a key check value of DGI 9000.
pub fn check_value<E: Engine>(engine: &E, key: &KeyBytes) -> [u8; 3] {
    let [first, second, third, ..] = engine.encrypt(key, [1; 16]);
    [first, second, third]
}

/// `CMAC(payer's TACK card key, PD)`; a collection's is over PD ‖ H of the record before it.
pub fn tac<E: Engine>(
    engine: &E,
    tac_key: &mut E::Key,
    pay_details: &PayDetails,
    collection: Option<Chain>,
) -> Tac {
    let Authenticator(bytes) = Authenticator::truncate(match collection {
        None => engine.mac(tac_key, &pay_details.emit()),
        Some(Chain(previous)) => {
            let input: [u8; PayDetails::LENGTH + Chain::LENGTH] =
                concatenate(&[&pay_details.emit(), &previous]);
            engine.mac(tac_key, &input)
        }
    });
    Tac(bytes)
}

/// H of a SAM's next record: `CMAC(SAM's TACK card key, previous H ‖ role ‖ PD ‖ TAC)`.
pub fn chain<E: Engine>(
    engine: &E,
    tac_key: &mut E::Key,
    previous: Chain,
    role: RecordRole,
    pay_details: &PayDetails,
    tac: Tac,
) -> Chain {
    let input: [u8; Chain::LENGTH + 1 + PayDetails::LENGTH + Tac::LENGTH] =
        concatenate(&[&previous.0, &[role.code()], &pay_details.emit(), &tac.0]);
    Chain(engine.mac(tac_key, &input))
}

/// First 8 bytes of `CMAC(ADMN card key, command up to the MAC)`.
pub fn script_mac<E: Engine>(engine: &E, administration_key: &mut E::Key, command: &[u8]) -> Authenticator {
    Authenticator::truncate(engine.mac(administration_key, command))
}

/// Whoever has the session key of one PD can make and check its four messages.
#[derive(Debug)]
pub struct Session<'a, E: Engine> {
    engine: &'a E,
    key: E::Key,
}

impl<'a, E: Engine> Session<'a, E> {
    /// Derives the session key for this PD.
    pub fn new(engine: &'a E, pair_key: &mut E::Key, pay_details: &PayDetails) -> Self {
        Self { engine, key: engine.load(&session_key(engine, pair_key, pay_details)) }
    }

    fn message(&mut self, input: &[u8]) -> Authenticator {
        Authenticator::truncate(self.engine.mac(&mut self.key, input))
    }

    /// The payee asks (S1 or S2 of EN 1546).
    pub fn req(&mut self) -> Authenticator {
        self.message(&[1])
    }

    /// The payer has debited (S2 or S3). It covers the TAC, which so cannot be exchanged under way.
    pub fn val(&mut self, tac: Tac) -> Authenticator {
        let input: [u8; 1 + Tac::LENGTH] = concatenate(&[&[2], &tac.0]);
        self.message(&input)
    }

    /// The payee has credited.
    pub fn ack(&mut self) -> Authenticator {
        self.message(&[3])
    }

    /// The payee has not credited and never will.
    pub fn nack(&mut self) -> Authenticator {
        self.message(&[4])
    }
}
