//! Pay details (PD): what payer and payee agree on, and what every authenticator covers.

use crate::element::{Amount, Currency, DataError, KeyVersion, Kind, Sequence, Time};
use crate::number::PartyNumber;
use crate::wire::{Reader, concatenate};

/// The 36 bytes that name one transaction (section 2; EN 1546's data of S1, S2 and S3, Mondex's PayDetails).
///
/// kind 1, key version 1, currency 2, amount 4, from 8, from sequence 4, to 8, to sequence 4, time 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PayDetails {
    /// What the transaction is.
    pub kind: Kind,
    /// Version of the key that both sides use: the purse's in load, unload, purchase and refund of
    /// a purse, the SAM's own in its load and unload, 00 in a transfer.
    pub key_version: KeyVersion,
    /// Currency of the amount.
    pub currency: Currency,
    /// Minor units; 0 only in a collection.
    pub amount: Amount,
    /// Number of the payer.
    pub from: PartyNumber,
    /// The payer's sequence.
    pub from_sequence: Sequence,
    /// Number of the payee.
    pub to: PartyNumber,
    /// The payee's sequence.
    pub to_sequence: Sequence,
    /// When the payee's terminal began.
    pub time: Time,
}

impl PayDetails {
    /// Bytes on the wire.
    pub const LENGTH: usize = 36;

    /// From the wire. The only value that no PD has is an unknown kind.
    pub fn parse(bytes: &[u8; Self::LENGTH]) -> Result<Self, DataError> {
        let mut reader = Reader::new(bytes);
        Ok(Self {
            kind: Kind::parse(reader.byte()?)?,
            key_version: KeyVersion(reader.byte()?),
            currency: Currency(reader.take()?),
            amount: Amount::parse(reader.take()?),
            from: PartyNumber(reader.take()?),
            from_sequence: Sequence::parse(reader.take()?),
            to: PartyNumber(reader.take()?),
            to_sequence: Sequence::parse(reader.take()?),
            time: Time::parse(reader.take()?),
        })
    }

    /// As bytes of the wire.
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        concatenate(&[
            &[self.kind.code(), self.key_version.0],
            &self.currency.0,
            &self.amount.emit(),
            &self.from.0,
            &self.from_sequence.emit(),
            &self.to.0,
            &self.to_sequence.emit(),
            &self.time.emit(),
        ])
    }
}
