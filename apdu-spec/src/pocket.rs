//! Pockets: up to five, one for each currency (section 4).

use zeroize::Zeroize;

use crate::element::{Amount, Currency, DataError};
use crate::wire::{Reader, concatenate};

/// Pockets of a card.
pub const POCKETS: usize = 5;

/// What a pocket may hold and spend; minor units, 4 bytes each, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Zeroize)]
pub struct Limits {
    /// The balance may not rise above it, but by a reversal.
    pub maximum_balance: Amount,
    /// One purchase or refund may not be above it.
    pub maximum_debit: Amount,
    /// One debit above it needs the PIN.
    pub debit_without_pin: Amount,
    /// Debits since the last one under a verified PIN may not add up to more without another.
    pub total_without_pin: Amount,
    /// One transfer may not be above it.
    pub maximum_transfer: Amount,
    /// Refunds, purchase reversals and incoming transfers may not add up to more between two loads or unloads.
    pub offline_receipts: Amount,
}

impl Limits {
    /// Bytes on the wire.
    pub const LENGTH: usize = 24;

    /// From the wire; every value is possible.
    pub fn parse(bytes: &[u8; Self::LENGTH]) -> Result<Self, DataError> {
        let mut reader = Reader::new(bytes);
        let mut next = || reader.take().map(Amount::parse);
        Ok(Self {
            maximum_balance: next()?,
            maximum_debit: next()?,
            debit_without_pin: next()?,
            total_without_pin: next()?,
            maximum_transfer: next()?,
            offline_receipts: next()?,
        })
    }

    /// As bytes of the wire.
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        concatenate(&[
            &self.maximum_balance.emit(),
            &self.maximum_debit.emit(),
            &self.debit_without_pin.emit(),
            &self.total_without_pin.emit(),
            &self.maximum_transfer.emit(),
            &self.offline_receipts.emit(),
        ])
    }
}

/// Currency, exponent and limits of one pocket as EF.ID gives them; all zero where the pocket is unused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Zeroize)]
pub struct PocketParameters {
    /// ISO 4217 numeric code, 0000 where the pocket is unused.
    pub currency: Currency,
    /// Digits behind the decimal point of the major unit.
    pub exponent: u8,
    /// What it may hold and spend.
    pub limits: Limits,
}

impl PocketParameters {
    /// Bytes on the wire.
    pub const LENGTH: usize = 27;
    /// An unused pocket.
    pub const UNUSED: Self = Self {
        currency: Currency::NONE,
        exponent: 0,
        limits: Limits {
            maximum_balance: Amount::ZERO,
            maximum_debit: Amount::ZERO,
            debit_without_pin: Amount::ZERO,
            total_without_pin: Amount::ZERO,
            maximum_transfer: Amount::ZERO,
            offline_receipts: Amount::ZERO,
        },
    };

    /// Whether the pocket has a currency.
    pub fn is_used(&self) -> bool {
        self.currency != Currency::NONE
    }

    /// From the wire; every value is possible.
    pub fn parse(bytes: &[u8; Self::LENGTH]) -> Result<Self, DataError> {
        let mut reader = Reader::new(bytes);
        Ok(Self {
            currency: Currency(reader.take()?),
            exponent: reader.byte()?,
            limits: Limits::parse(&reader.take()?)?,
        })
    }

    /// As bytes of the wire.
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        concatenate(&[&self.currency.0, &[self.exponent], &self.limits.emit()])
    }
}
