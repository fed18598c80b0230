//! Data fields of commands that have a shape of their own.

use super::row::CommandName;
use super::table;
use crate::cryptography::{Authenticator, Tac};
use crate::element::{Amount, Currency, DataError, KeyVersion, Kind, Sequence, Time};
use crate::number::PartyNumber;
use crate::parameter::{LONGEST_VALUE, Parameter, SCRIPT_OVERHEAD};
use crate::pay_details::PayDetails;
use crate::wire::{Reader, Writer, concatenate};

/// What SELECT asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection<'a> {
    /// P1 04: an application by its AID.
    Application(&'a [u8]),
    /// P1 00: a file by its identifier.
    File([u8; 2]),
}

/// Data of INITIALIZE, 23 bytes; the rest of PD is the payee's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitializeData {
    /// P1.
    pub kind: Kind,
    /// The payer's in a purchase, the card's own in load and refund, 00 in a transfer.
    pub key_version: KeyVersion,
    /// Names the pocket.
    pub currency: Currency,
    /// What is asked for.
    pub amount: Amount,
    /// The payer.
    pub from: PartyNumber,
    /// The payer's sequence.
    pub from_sequence: Sequence,
    /// The terminal's clock.
    pub time: Time,
}

impl InitializeData {
    /// Bytes of the data field.
    pub const LENGTH: usize = 23;

    pub(super) fn parse(kind: Kind, data: &[u8]) -> Result<Self, DataError> {
        let mut reader = Reader::new(data);
        Ok(Self {
            kind,
            key_version: KeyVersion(reader.byte()?),
            currency: Currency(reader.take()?),
            amount: Amount::parse(reader.take()?),
            from: PartyNumber(reader.take()?),
            from_sequence: Sequence::parse(reader.take()?),
            time: Time::parse(reader.take()?),
        })
    }

    pub(super) fn emit(&self) -> [u8; Self::LENGTH] {
        concatenate(&[
            &[self.key_version.0],
            &self.currency.0,
            &self.amount.emit(),
            &self.from.0,
            &self.from_sequence.emit(),
            &self.time.emit(),
        ])
    }

    /// The PD that the payee of this number forms at this sequence.
    pub const fn pay_details(&self, to: PartyNumber, to_sequence: Sequence) -> PayDetails {
        PayDetails {
            kind: self.kind,
            key_version: self.key_version,
            currency: self.currency,
            amount: self.amount,
            from: self.from,
            from_sequence: self.from_sequence,
            to,
            to_sequence,
            time: self.time,
        }
    }
}

/// Data of DEBIT, 35 bytes; the payer's own number completes PD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DebitData {
    /// P1.
    pub kind: Kind,
    /// The card's own in unload and purchase, the payee's in a refund, 00 in a transfer.
    pub key_version: KeyVersion,
    /// The card's own sequence; an old one repeats a debit.
    pub sequence: Sequence,
    /// Names the pocket.
    pub currency: Currency,
    /// What is given.
    pub amount: Amount,
    /// The payee.
    pub to: PartyNumber,
    /// The payee's sequence.
    pub to_sequence: Sequence,
    /// As in INITIALIZE, to the letter.
    pub time: Time,
    /// The payee's authenticator.
    pub req: Authenticator,
}

impl DebitData {
    /// Bytes of the data field.
    pub const LENGTH: usize = 35;

    pub(super) fn parse(kind: Kind, data: &[u8]) -> Result<Self, DataError> {
        let mut reader = Reader::new(data);
        Ok(Self {
            kind,
            key_version: KeyVersion(reader.byte()?),
            sequence: Sequence::parse(reader.take()?),
            currency: Currency(reader.take()?),
            amount: Amount::parse(reader.take()?),
            to: PartyNumber(reader.take()?),
            to_sequence: Sequence::parse(reader.take()?),
            time: Time::parse(reader.take()?),
            req: Authenticator(reader.take()?),
        })
    }

    pub(super) fn emit(&self) -> [u8; Self::LENGTH] {
        concatenate(&[
            &[self.key_version.0],
            &self.sequence.emit(),
            &self.currency.0,
            &self.amount.emit(),
            &self.to.0,
            &self.to_sequence.emit(),
            &self.time.emit(),
            &self.req.0,
        ])
    }

    /// The data that debits this PD.
    pub const fn new(pay_details: &PayDetails, req: Authenticator) -> Self {
        Self {
            kind: pay_details.kind,
            key_version: pay_details.key_version,
            sequence: pay_details.from_sequence,
            currency: pay_details.currency,
            amount: pay_details.amount,
            to: pay_details.to,
            to_sequence: pay_details.to_sequence,
            time: pay_details.time,
            req,
        }
    }

    /// The PD that the payer of this number forms.
    pub const fn pay_details(&self, from: PartyNumber) -> PayDetails {
        PayDetails {
            kind: self.kind,
            key_version: self.key_version,
            currency: self.currency,
            amount: self.amount,
            from,
            from_sequence: self.sequence,
            to: self.to,
            to_sequence: self.to_sequence,
            time: self.time,
        }
    }
}

/// Data of CREDIT and DECLINE, 52 bytes: what a payer's debit proves to its payee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voucher {
    /// What was agreed on.
    pub pay_details: PayDetails,
    /// The payer has debited it.
    pub val: Authenticator,
    /// For the issuer.
    pub tac: Tac,
}

impl Voucher {
    /// Bytes of the data field.
    pub const LENGTH: usize = 52;

    /// From the wire.
    pub fn parse(data: &[u8]) -> Result<Self, DataError> {
        let mut reader = Reader::new(data);
        Ok(Self {
            pay_details: PayDetails::parse(&reader.take()?)?,
            val: Authenticator(reader.take()?),
            tac: Tac(reader.take()?),
        })
    }

    /// As bytes of the wire.
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        concatenate(&[&self.pay_details.emit(), &self.val.0, &self.tac.0])
    }
}

/// Data of UPDATE PARAMETER: counter 4, parameter id 1, value, MAC 8. The MAC covers the header too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Script<'a> {
    /// Each is used once, upwards.
    pub counter: u32,
    /// Parameter id.
    pub id: u8,
    /// As the id wants it.
    pub value: &'a [u8],
    /// The issuer's.
    pub mac: Authenticator,
}

/// Header and Lc do not count: CLA INS P1 P2, counter, id and the longest value.
const LONGEST_SIGNED: usize = 4 + 4 + 1 + LONGEST_VALUE;

impl<'a> Script<'a> {
    pub(super) fn parse(data: &'a [u8]) -> Result<Self, DataError> {
        let mut reader = Reader::new(data);
        let counter = u32::from_be_bytes(reader.take()?);
        let id = reader.byte()?;
        let value = reader.slice(data.len().saturating_sub(SCRIPT_OVERHEAD))?;
        Ok(Self { counter, id, value, mac: Authenticator(reader.take()?) })
    }

    /// Passes what the MAC covers to `with`: `CLA ‖ INS ‖ P1 ‖ P2 ‖ counter ‖ id ‖ value`.
    pub fn signed<T>(&self, with: impl FnOnce(&[u8]) -> T) -> T {
        let mut bytes = [0; LONGEST_SIGNED];
        let row = table::row(CommandName::UpdateParameter);
        let length = Writer::new(&mut bytes)
            .put(&[row.class, row.instruction, 0, 0])
            .put(&self.counter.to_be_bytes())
            .put(&[self.id])
            .put(self.value)
            .finish();
        with(bytes.get(..length.unwrap_or(0)).unwrap_or(&[]))
    }
}

/// A parameter's value in bytes, for a [`Script`] to borrow.
#[derive(Clone, Copy, Debug)]
pub struct ParameterBytes {
    bytes: [u8; 1 + LONGEST_VALUE],
    length: usize,
}

impl ParameterBytes {
    /// Emits id and value.
    pub fn new(parameter: &Parameter) -> Self {
        let mut bytes = [0; 1 + LONGEST_VALUE];
        let mut writer = Writer::new(&mut bytes);
        parameter.emit(&mut writer);
        let length = writer.finish().unwrap_or(0);
        Self { bytes, length }
    }

    /// The value without its id.
    pub fn value(&self) -> &[u8] {
        self.bytes.get(1..self.length).unwrap_or(&[])
    }
}
