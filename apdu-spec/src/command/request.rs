//! Each command as a type: parsed by the card, built by the terminal.

use super::apdu::{Apdu, Body, CommandBytes};
use super::data::{DebitData, InitializeData, Script, Selection, Voucher};
use super::row::{CommandName, ResponseLength, Row};
use super::table::{self, CLASS_PURSE, CLASS_STANDARD, SELECT_CONTROL, STORE_LAST};
use crate::certificate::Certificate;
use crate::cryptography::Authenticator;
use crate::element::{DataError, Kind, Sequence};
use crate::parameter::{LONGEST_VALUE, SCRIPT_OVERHEAD};
use crate::pin::PinBlock;
use crate::status::StatusWord;
use crate::wire::{Reader, Writer, concatenate};

/// A command with its data understood.
#[derive(Clone)]
pub enum Command<'a> {
    /// SELECT; whether the FCI is wanted.
    Select(Selection<'a>, bool),
    /// READ BINARY of a short identifier or the current EF, from an offset.
    ReadBinary(Option<u8>, u16),
    /// READ RECORD of a short identifier or the current EF, by number.
    ReadRecord(Option<u8>, u8),
    /// GET DATA by tag.
    GetData([u8; 2]),
    /// VERIFY with a PIN, or the question whether it is verified.
    Verify(Option<PinBlock>),
    /// CHANGE PIN from old to new.
    ChangePin(PinBlock, PinBlock),
    /// VERIFY CERTIFICATE.
    VerifyCertificate(Certificate),
    /// INITIALIZE.
    Initialize(InitializeData),
    /// CREDIT.
    Credit(Voucher),
    /// DEBIT.
    Debit(DebitData),
    /// UPDATE PARAMETER.
    UpdateParameter(Script<'a>),
    /// GET PROOF.
    GetProof(Sequence),
    /// GET BALANCE of a pocket.
    GetBalance(u8),
    /// READ ENTRY.
    ReadEntry(Sequence),
    /// ACKNOWLEDGE.
    Acknowledge(Sequence, Authenticator),
    /// DECLINE.
    Decline(Voucher),
    /// REVERSE.
    Reverse(Sequence, Authenticator),
    /// LOCK.
    Lock,
    /// UNLOCK.
    Unlock,
    /// STORE DATA: whether it is the last block, its number, its bytes.
    StoreData(bool, u8, &'a [u8]),
}

/// A command APDU of which class, instruction, P1 P2, lengths and Le fit the table. Its data are not looked at
/// yet: selection and life cycle come first.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The table's row.
    pub row: &'static Row,
    /// Ne, where the command has Le.
    pub expected: Option<u16>,
    p1: u8,
    p2: u8,
    data: &'a [u8],
}

impl core::fmt::Debug for Request<'_> {
    /// The name alone: the data may be a PIN or keys.
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "Request({}, {} bytes)", self.row.name, self.data.len())
    }
}

impl core::fmt::Debug for Command<'_> {
    /// The name alone: the data may be a PIN or keys.
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "Command({})", table::row(self.name()).name)
    }
}

impl<'a> Request<'a> {
    /// The first steps of section 6 in their order: 6E00, 6D00, 6A86, 6700 or 6Cxx.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, StatusWord> {
        let apdu = CommandBytes::parse(bytes)?;
        if ![CLASS_STANDARD, CLASS_PURSE].contains(&apdu.class) {
            return Err(StatusWord::UnknownClass);
        }
        let mut status = StatusWord::UnknownInstruction;
        for row in table::rows(apdu.instruction) {
            if row.class != apdu.class {
                return Err(StatusWord::UnknownClass);
            }
            if let Some(form) = row.form(apdu.p1, apdu.p2) {
                let Body { data, expected } = apdu.body()?;
                if !form.data.contains(data.len()) {
                    return Err(StatusWord::WrongLength);
                }
                check_expected(form.response, expected)?;
                return Ok(Self { row, expected, p1: apdu.p1, p2: apdu.p2, data });
            }
            status = StatusWord::WrongParameters;
        }
        Err(status)
    }

    /// The data field as the command has it; a malformed one is 6A80.
    pub fn command(&self) -> Result<Command<'a>, StatusWord> {
        self.understand().map_err(|_| StatusWord::WrongData)
    }

    fn understand(&self) -> Result<Command<'a>, DataError> {
        let Self { p1, p2, data, .. } = *self;
        let mut reader = Reader::new(data);
        Ok(match self.row.command {
            CommandName::Select => {
                let selection =
                    if p1 == 0 { Selection::File(reader.take()?) } else { Selection::Application(data) };
                Command::Select(selection, p2 == SELECT_CONTROL)
            }
            CommandName::ReadBinary if p1 & 0x80 == 0 => {
                Command::ReadBinary(None, u16::from_be_bytes([p1, p2]))
            }
            CommandName::ReadBinary => Command::ReadBinary(Some(p1 & 0x1F), u16::from(p2)),
            CommandName::ReadRecord => Command::ReadRecord(Some(p2 >> 3).filter(|file| *file != 0), p1),
            CommandName::GetData => Command::GetData([p1, p2]),
            CommandName::Verify if data.is_empty() => Command::Verify(None),
            CommandName::Verify => Command::Verify(Some(PinBlock::parse(reader.take()?)?)),
            CommandName::ChangePin => {
                Command::ChangePin(PinBlock::parse(reader.take()?)?, PinBlock::parse(reader.take()?)?)
            }
            CommandName::VerifyCertificate => Command::VerifyCertificate(Certificate::parse(data)?),
            CommandName::Initialize => Command::Initialize(InitializeData::parse(Kind::parse(p1)?, data)?),
            CommandName::Credit => Command::Credit(Voucher::parse(data)?),
            CommandName::Debit => Command::Debit(DebitData::parse(Kind::parse(p1)?, data)?),
            CommandName::UpdateParameter => Command::UpdateParameter(Script::parse(data)?),
            CommandName::GetProof => Command::GetProof(Sequence::parse(reader.take()?)),
            CommandName::GetBalance => Command::GetBalance(p2),
            CommandName::ReadEntry => Command::ReadEntry(Sequence::parse(reader.take()?)),
            CommandName::Acknowledge => {
                Command::Acknowledge(Sequence::parse(reader.take()?), Authenticator(reader.take()?))
            }
            CommandName::Decline => Command::Decline(Voucher::parse(data)?),
            CommandName::Reverse => {
                Command::Reverse(Sequence::parse(reader.take()?), Authenticator(reader.take()?))
            }
            CommandName::Lock => Command::Lock,
            CommandName::Unlock => Command::Unlock,
            CommandName::StoreData => Command::StoreData(p1 == STORE_LAST, p2, data),
        })
    }

    /// Whether Le leaves room for an answer of this length; else 6Cxx. For answers whose length the table does
    /// not know.
    pub fn check_room(&self, length: usize) -> Result<(), StatusWord> {
        match (self.expected, u8::try_from(length)) {
            (Some(expected), Ok(short)) if usize::from(expected) < length => {
                Err(StatusWord::WrongExpected(short))
            }
            _ => Ok(()),
        }
    }
}

fn check_expected(response: ResponseLength, expected: Option<u16>) -> Result<(), StatusWord> {
    match (response, expected) {
        (ResponseLength::None, _) | (ResponseLength::Whole | ResponseLength::Part, Some(_)) => Ok(()),
        (_, None) => Err(StatusWord::WrongLength),
        (ResponseLength::Exactly(length), Some(expected)) if expected < u16::from(length) => {
            Err(StatusWord::WrongExpected(length))
        }
        (ResponseLength::Exactly(_), Some(_)) => Ok(()),
    }
}

impl Command<'_> {
    /// Which row of the table it is.
    pub const fn name(&self) -> CommandName {
        match self {
            Self::Select(..) => CommandName::Select,
            Self::ReadBinary(..) => CommandName::ReadBinary,
            Self::ReadRecord(..) => CommandName::ReadRecord,
            Self::GetData(..) => CommandName::GetData,
            Self::Verify(..) => CommandName::Verify,
            Self::ChangePin(..) => CommandName::ChangePin,
            Self::VerifyCertificate(..) => CommandName::VerifyCertificate,
            Self::Initialize(..) => CommandName::Initialize,
            Self::Credit(..) => CommandName::Credit,
            Self::Debit(..) => CommandName::Debit,
            Self::UpdateParameter(..) => CommandName::UpdateParameter,
            Self::GetProof(..) => CommandName::GetProof,
            Self::GetBalance(..) => CommandName::GetBalance,
            Self::ReadEntry(..) => CommandName::ReadEntry,
            Self::Acknowledge(..) => CommandName::Acknowledge,
            Self::Decline(..) => CommandName::Decline,
            Self::Reverse(..) => CommandName::Reverse,
            Self::Lock => CommandName::Lock,
            Self::Unlock => CommandName::Unlock,
            Self::StoreData(..) => CommandName::StoreData,
        }
    }

    /// The APDU that a terminal sends; Le asks for all there is.
    pub fn emit(&self) -> Apdu {
        match self {
            Self::Select(Selection::Application(identifier), control) => {
                self.apdu(0x04, select_p2(*control), identifier)
            }
            Self::Select(Selection::File(identifier), control) => {
                self.apdu(0, select_p2(*control), identifier)
            }
            Self::ReadBinary(None, offset) => {
                let [high, low] = offset.to_be_bytes();
                self.apdu(high & 0x7F, low, &[])
            }
            Self::ReadBinary(Some(file), offset) => {
                let [_, low] = offset.to_be_bytes();
                self.apdu(0x80 | file, low, &[])
            }
            Self::ReadRecord(file, number) => self.apdu(*number, file.unwrap_or(0) << 3 | 4, &[]),
            Self::GetData([high, low]) => self.apdu(*high, *low, &[]),
            Self::Verify(None) => self.apdu(0, table::PIN_REFERENCE, &[]),
            Self::Verify(Some(pin)) => {
                self.apdu(0, table::PIN_REFERENCE, &*zeroize::Zeroizing::new(pin.emit()))
            }
            Self::ChangePin(old, new) => {
                let blocks: [u8; 2 * PinBlock::LENGTH] = concatenate(&[&old.emit(), &new.emit()]);
                self.apdu(0, table::PIN_REFERENCE, &*zeroize::Zeroizing::new(blocks))
            }
            Self::VerifyCertificate(certificate) => {
                self.apdu(0, table::VERIFY_CERTIFICATE, &certificate.emit())
            }
            Self::Initialize(data) => self.apdu(data.kind.code(), 0, &data.emit()),
            Self::Debit(data) => self.apdu(data.kind.code(), 0, &data.emit()),
            Self::Credit(voucher) | Self::Decline(voucher) => self.apdu(0, 0, &voucher.emit()),
            Self::UpdateParameter(script) => {
                let mut bytes = [0; SCRIPT_OVERHEAD + LONGEST_VALUE];
                let length = Writer::new(&mut bytes)
                    .put(&script.counter.to_be_bytes())
                    .put(&[script.id])
                    .put(script.value)
                    .put(&script.mac.0)
                    .finish();
                self.apdu(0, 0, bytes.get(..length.unwrap_or(0)).unwrap_or(&[]))
            }
            Self::GetProof(sequence) | Self::ReadEntry(sequence) => self.apdu(0, 0, &sequence.emit()),
            Self::GetBalance(pocket) => self.apdu(0, *pocket, &[]),
            Self::Acknowledge(sequence, authenticator) | Self::Reverse(sequence, authenticator) => {
                let data: [u8; Sequence::LENGTH + Authenticator::LENGTH] =
                    concatenate(&[&sequence.emit(), &authenticator.0]);
                self.apdu(0, 0, &data)
            }
            Self::Lock => self.apdu(0, 0, &[]),
            Self::Unlock => self.apdu(1, 0, &[]),
            Self::StoreData(last, number, data) => {
                self.apdu(if *last { STORE_LAST } else { table::STORE_MORE }, *number, data)
            }
        }
    }

    fn apdu(&self, p1: u8, p2: u8, data: &[u8]) -> Apdu {
        apdu(table::row(self.name()), p1, p2, data)
    }
}

/// The APDU of a row with this P1, P2 and data, as a terminal sends it; Le asks for all there is.
pub fn apdu(row: &Row, p1: u8, p2: u8, data: &[u8]) -> Apdu {
    let expected = match row.form(p1, p2).map(|form| form.response) {
        None | Some(ResponseLength::None) => None,
        Some(ResponseLength::Exactly(length)) => Some(u16::from(length)),
        Some(ResponseLength::Whole | ResponseLength::Part) => Some(256),
    };
    Apdu::new(row.class, row.instruction, p1, p2, data, expected)
}

const fn select_p2(control: bool) -> u8 {
    if control { SELECT_CONTROL } else { table::SELECT_SILENT }
}
