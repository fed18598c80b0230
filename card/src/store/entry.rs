//! What the log holds (section 9).

use apdu_spec::cryptography::{Chain, KeyBytes, Tac};
use apdu_spec::curve::{PrivateKey, PublicKey};
use apdu_spec::element::{Amount, Expiry, KeyVersion, Role, Sequence};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::personalisation::MASTERS;
use apdu_spec::pocket::{POCKETS, PocketParameters};
use apdu_spec::record::RecordRole;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The last script that the issuer sent and the card accepted (section 6, UPDATE PARAMETER).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Administration {
    /// Its counter, 0 before the first.
    pub counter: u32,
    /// Its MAC.
    pub mac: [u8; 8],
}

/// What personalisation gave the card for life.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Purse or merchant SAM.
    pub role: Role,
    /// Its number.
    pub number: PartyNumber,
    /// Generation of its keys.
    pub key_version: KeyVersion,
    /// Number of its issuer.
    pub issuer: PartyNumber,
    /// Flags of DGI 1501; bit 1 is a disposable card.
    pub flags: u8,
    /// Card keys in the order of DGI 8000: LOAD, PAYM, TACK, ADMN.
    pub keys: [KeyBytes; 4],
    /// Balances before the first transaction, minor units.
    pub balances: [Amount; POCKETS],
    /// Sequence of the first transaction: 0 on a card that STORE DATA has made. A card that continues another's
    /// sequences begins above theirs.
    pub first_sequence: Sequence,
}

/// What the issuer may change, and the holder's lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Last month of validity.
    pub expiry: Expiry,
    /// Currency, exponent and limits of each pocket.
    pub pockets: [PocketParameters; POCKETS],
    /// The issuer's flag.
    pub blocked: bool,
    /// The holder's flag.
    pub locked: bool,
    /// Terminated by the issuer.
    pub terminated: bool,
    /// Highest of the parameter page.
    pub administration: Administration,
}

/// A merchant SAM's PAYM masters, one for each generation of purses.
#[derive(Debug, Default)]
pub struct Masters {
    /// The masters, in any places; each stays in its own.
    pub keys: [Option<(KeyVersion, KeyBytes)>; MASTERS],
    /// Highest of this entry.
    pub administration: Administration,
}

impl Clone for Masters {
    /// By hand, because the clone of a long array of keys keeps a panic that nothing can reach, and the card has none;
    /// and key by key, because an empty place that is copied brings along what its bytes held before.
    fn clone(&self) -> Self {
        let mut masters = Self::default();
        masters.administration = self.administration;
        for (place, key) in masters.keys.iter_mut().zip(&self.keys) {
            if let Some((version, key)) = key {
                *place = Some((*version, key.clone()));
            }
        }
        masters
    }
}

impl Zeroize for Masters {
    /// Empty places too: their bytes may be those of a key that was there, or of one that was beside them when all of
    /// this was moved.
    fn zeroize(&mut self) {
        for place in &mut self.keys {
            place.zeroize();
        }
    }
}

impl Drop for Masters {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl Masters {
    /// The master of this generation of purses.
    pub fn key(&self, version: KeyVersion) -> Option<&KeyBytes> {
        self.keys.iter().flatten().find(|(of, _)| *of == version).map(|(_, key)| key)
    }
}

/// The holder's PIN and what is left of its tries.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Pin {
    /// ISO 9564 format 2 block.
    pub block: [u8; 8],
    /// Tries left.
    pub tries: u8,
    /// Tries after success.
    pub limit: u8,
    /// Highest of the PIN log.
    #[zeroize(skip)]
    pub administration: Administration,
}

impl core::fmt::Debug for Pin {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter
            .debug_struct("Pin")
            .field("tries", &self.tries)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// What a purse knows other purses by, and shows that it is one with.
#[derive(Clone, Debug, Zeroize, ZeroizeOnDrop)]
pub struct TransferKey {
    /// The purse's own.
    pub private_key: PrivateKey,
    /// Its issuer's, which certificates are signed under.
    #[zeroize(skip)]
    pub issuer_key: PublicKey,
}

/// What a pocket holds; minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PocketState {
    /// Balance.
    pub balance: Amount,
    /// Debited without PIN since the last debit under a verified one.
    pub debited_without_pin: Amount,
    /// Received or restored offline since the pocket's last load or unload.
    pub received_offline: Amount,
}

/// One transaction, and the card's complete state after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its own sequence.
    pub sequence: Sequence,
    /// What was agreed on; a reversal's is that of the debit.
    pub pay_details: PayDetails,
    /// The payer's TAC.
    pub tac: Tac,
    /// What the card did.
    pub role: RecordRole,
    /// Whether a settled mark counts for it; false in a new record.
    pub settled: bool,
    /// The purchase of a refund, the debit of a reversal.
    pub reference: Option<Sequence>,
    /// The last credited load, [`Sequence::NONE`] before the first.
    pub last_load: Sequence,
    /// Highest of the log.
    pub administration: Administration,
    /// Every pocket after it.
    pub pockets: [PocketState; POCKETS],
    /// H of a merchant SAM.
    pub chain: Chain,
}

/// What can be appended to a personalised card's log.
#[derive(Clone, Debug)]
pub enum Entry {
    /// The next transaction.
    Record(Record),
    /// The payer record of this sequence is settled.
    Mark(Sequence),
    /// PIN and tries.
    Pin(Pin),
    /// Parameters and flags.
    Parameters(Parameters),
    /// A merchant SAM's masters.
    Masters(Masters),
}
