//! The answers, without their status word: built by the card, parsed by the terminal.

use crate::cryptography::{Authenticator, Tac};
use crate::element::{Amount, Currency, DataError, Sequence};
use crate::number::PartyNumber;
use crate::wire::{Reader, concatenate};

/// Answer of INITIALIZE, 20 bytes: own number 8, own sequence 4, req 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Initialized {
    /// The payee.
    pub number: PartyNumber,
    /// The payee's sequence.
    pub sequence: Sequence,
    /// The payee asks.
    pub req: Authenticator,
}

impl Initialized {
    /// Bytes on the wire.
    pub const LENGTH: usize = 20;

    /// From the wire.
    pub fn parse(bytes: &[u8]) -> Result<Self, DataError> {
        let mut reader = Reader::new(bytes);
        let answer = Self {
            number: PartyNumber(reader.take()?),
            sequence: Sequence::parse(reader.take()?),
            req: Authenticator(reader.take()?),
        };
        reader.end().map(|()| answer)
    }

    /// As bytes of the wire.
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        concatenate(&[&self.number.0, &self.sequence.emit(), &self.req.0])
    }
}

/// Answer of DEBIT and GET PROOF, 16 bytes: val 8, TAC 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The payer has debited.
    pub val: Authenticator,
    /// For the issuer.
    pub tac: Tac,
}

impl Proof {
    /// Bytes on the wire.
    pub const LENGTH: usize = 16;

    /// From the wire.
    pub fn parse(bytes: &[u8]) -> Result<Self, DataError> {
        let mut reader = Reader::new(bytes);
        let answer = Self { val: Authenticator(reader.take()?), tac: Tac(reader.take()?) };
        reader.end().map(|()| answer)
    }

    /// As bytes of the wire.
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        concatenate(&[&self.val.0, &self.tac.0])
    }
}

/// Answer of CREDIT and DECLINE, 8 bytes: ack or nack.
pub fn parse_authenticator(bytes: &[u8]) -> Result<Authenticator, DataError> {
    let mut reader = Reader::new(bytes);
    let authenticator = Authenticator(reader.take()?);
    reader.end().map(|()| authenticator)
}

/// Answer of GET BALANCE, 11 bytes: currency 2, exponent 1, balance 4, maximum balance 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PocketBalance {
    /// The pocket's currency.
    pub currency: Currency,
    /// Digits behind the decimal point of the major unit.
    pub exponent: u8,
    /// What it holds.
    pub balance: Amount,
    /// The most that it may hold.
    pub maximum_balance: Amount,
}

impl PocketBalance {
    /// Bytes on the wire.
    pub const LENGTH: usize = 11;

    /// From the wire.
    pub fn parse(bytes: &[u8]) -> Result<Self, DataError> {
        let mut reader = Reader::new(bytes);
        let answer = Self {
            currency: Currency(reader.take()?),
            exponent: reader.byte()?,
            balance: Amount::parse(reader.take()?),
            maximum_balance: Amount::parse(reader.take()?),
        };
        reader.end().map(|()| answer)
    }

    /// As bytes of the wire.
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        concatenate(&[&self.currency.0, &[self.exponent], &self.balance.emit(), &self.maximum_balance.emit()])
    }
}
