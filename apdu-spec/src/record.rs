//! The log record as READ RECORD and READ ENTRY give it (section 4; EN 1546 EF.LOG).

use crate::cryptography::Tac;
use crate::element::{Amount, DataError};
use crate::pay_details::PayDetails;
use crate::wire::{Reader, concatenate};

/// What the card did under the record's sequence number: 1 byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RecordRole {
    /// It paid.
    Payer = 1,
    /// It was paid.
    Payee = 2,
    /// It said that it never will be paid: DECLINE.
    Declined = 3,
    /// It took a payment of its own back: REVERSE. PD and TAC are those of that payment.
    Reversal = 4,
}

impl RecordRole {
    /// From its code.
    pub const fn parse(code: u8) -> Result<Self, DataError> {
        match code {
            1 => Ok(Self::Payer),
            2 => Ok(Self::Payee),
            3 => Ok(Self::Declined),
            4 => Ok(Self::Reversal),
            _ => Err(DataError::Value),
        }
    }

    /// Its code on the wire.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Its name in the standard.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Payer => "payer",
            Self::Payee => "payee",
            Self::Declined => "declined",
            Self::Reversal => "reversal",
        }
    }
}

/// What became of a payment: 1 byte. Records of other roles are settled from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RecordState {
    /// The payer does not know yet whether the payee has credited.
    Open = 0,
    /// Acknowledged.
    Settled = 1,
    /// Taken back.
    Reversed = 2,
    /// A purchase that a later refund refers to.
    Refunded = 3,
}

impl RecordState {
    /// From its code.
    pub const fn parse(code: u8) -> Result<Self, DataError> {
        match code {
            0 => Ok(Self::Open),
            1 => Ok(Self::Settled),
            2 => Ok(Self::Reversed),
            3 => Ok(Self::Refunded),
            _ => Err(DataError::Value),
        }
    }

    /// Its code on the wire.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Its name in the standard.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Settled => "settled",
            Self::Reversed => "reversed",
            Self::Refunded => "refunded",
        }
    }
}

/// One record of EF.LOG or EF.EXC: PD 36, role 1, state 1, balance after 4, TAC 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// What was agreed on.
    pub pay_details: PayDetails,
    /// What this card did.
    pub role: RecordRole,
    /// What became of it.
    pub state: RecordState,
    /// Balance of the record's pocket after it; 0 while the purse is locked.
    pub balance: Amount,
    /// The payer's TAC.
    pub tac: Tac,
}

impl LogRecord {
    /// Bytes on the wire.
    pub const LENGTH: usize = 50;

    /// From the wire.
    pub fn parse(bytes: &[u8; Self::LENGTH]) -> Result<Self, DataError> {
        let mut reader = Reader::new(bytes);
        Ok(Self {
            pay_details: PayDetails::parse(&reader.take()?)?,
            role: RecordRole::parse(reader.byte()?)?,
            state: RecordState::parse(reader.byte()?)?,
            balance: Amount::parse(reader.take()?),
            tac: Tac(reader.take()?),
        })
    }

    /// As bytes of the wire.
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        concatenate(&[
            &self.pay_details.emit(),
            &[self.role.code(), self.state.code()],
            &self.balance.emit(),
            &self.tac.0,
        ])
    }
}
