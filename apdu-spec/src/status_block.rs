//! The status block: what SELECT and EF.ID say of a card (section 4).

use crate::element::{Amount, Currency, DataError, Expiry, KeyVersion, Role, Sequence};
use crate::life_cycle::LifeCycle;
use crate::number::PartyNumber;
use crate::wire::{Reader, concatenate};

/// Version of the standard that a card follows, first byte of its status block.
pub const VERSION: u8 = 0x01;

/// 29 bytes: version, life cycle, role, number 8, key version, sequence 4, currency 2, exponent, balance 4,
/// expiry 2, maximum balance 4; the money fields are those of pocket 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusBlock {
    /// Whether it can be used.
    pub life_cycle: LifeCycle,
    /// What it is. A blank card has none and says purse.
    pub role: Role,
    /// Whose it is; zero on a blank card.
    pub number: PartyNumber,
    /// Generation of its keys; zero on a blank card.
    pub key_version: KeyVersion,
    /// Its next transaction.
    pub sequence: Sequence,
    /// Currency of pocket 0; zero on a blank card.
    pub currency: Currency,
    /// Digits behind the decimal point in pocket 0.
    pub exponent: u8,
    /// Balance of pocket 0; 0 while locked.
    pub balance: Amount,
    /// Last month of validity, for the terminal to judge.
    pub expiry: Expiry,
    /// The most that pocket 0 may hold.
    pub maximum_balance: Amount,
}

impl StatusBlock {
    /// Bytes on the wire.
    pub const LENGTH: usize = 29;

    /// From the wire; another version of the standard is refused.
    pub fn parse(bytes: &[u8; Self::LENGTH]) -> Result<Self, DataError> {
        let mut reader = Reader::new(bytes);
        if reader.byte()? != VERSION {
            return Err(DataError::Value);
        }
        Ok(Self {
            life_cycle: LifeCycle::parse(reader.byte()?)?,
            role: Role::parse(reader.byte()?)?,
            number: PartyNumber(reader.take()?),
            key_version: KeyVersion(reader.byte()?),
            sequence: Sequence::parse(reader.take()?),
            currency: Currency(reader.take()?),
            exponent: reader.byte()?,
            balance: Amount::parse(reader.take()?),
            expiry: Expiry(reader.take()?),
            maximum_balance: Amount::parse(reader.take()?),
        })
    }

    /// As bytes of the wire.
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        concatenate(&[
            &[VERSION, self.life_cycle.code(), self.role.code()],
            &self.number.0,
            &[self.key_version.0],
            &self.sequence.emit(),
            &self.currency.0,
            &[self.exponent],
            &self.balance.emit(),
            &self.expiry.0,
            &self.maximum_balance.emit(),
        ])
    }
}
