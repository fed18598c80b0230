//! Files (section 4): EN 1546 names, structure and coding per ISO/IEC 7816-4 § 7.

use crate::element::{DataError, Sequence};
use crate::number::PartyNumber;
use crate::pocket::{POCKETS, PocketParameters};
use crate::status_block::StatusBlock;
use crate::wire::{Reader, concatenate};

/// AID of DF.PURSE: F (proprietary, not registered), then `PURSE` in ASCII and its version 01.
pub const APPLICATION: [u8; 7] = [0xF0, 0x50, 0x55, 0x52, 0x53, 0x45, 0x01];

/// A file that SELECT reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum File {
    /// The master file: current after reset.
    Master,
    /// EF.DIR below the MF: which application is here.
    Directory,
    /// The application.
    Purse,
    /// EF.ID: status block, issuer, flags, pockets.
    Identity,
    /// EF.LOG: one record for each sequence, 1 = newest.
    Log,
    /// EF.EXC: open records that the log had to let go, 1 = oldest.
    Exceptions,
}

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Structure {
    /// Holds files, no data.
    Dedicated,
    /// READ BINARY.
    Transparent,
    /// READ RECORD.
    Records,
}

impl File {
    /// Every file.
    pub const ALL: [Self; 6] =
        [Self::Master, Self::Directory, Self::Purse, Self::Identity, Self::Log, Self::Exceptions];

    /// Two-byte identifier; DF.PURSE is selected by its AID alone.
    pub const fn identifier(self) -> Option<[u8; 2]> {
        match self {
            Self::Master => Some([0x3F, 0x00]),
            Self::Directory => Some([0x2F, 0x00]),
            Self::Purse => None,
            Self::Identity => Some([0x00, 0x15]),
            Self::Log => Some([0x00, 0x18]),
            Self::Exceptions => Some([0x00, 0x19]),
        }
    }

    /// Short file identifier, where the file has one.
    pub const fn short_identifier(self) -> Option<u8> {
        match self {
            Self::Master | Self::Purse => None,
            Self::Directory => Some(0x1E),
            Self::Identity => Some(0x15),
            Self::Log => Some(0x18),
            Self::Exceptions => Some(0x19),
        }
    }

    /// The DF that the file lies in; the MF's own is the MF.
    pub const fn parent(self) -> Self {
        match self {
            Self::Master | Self::Directory | Self::Purse => Self::Master,
            Self::Identity | Self::Log | Self::Exceptions => Self::Purse,
        }
    }

    /// How it is read.
    pub const fn structure(self) -> Structure {
        match self {
            Self::Master | Self::Purse => Structure::Dedicated,
            Self::Directory | Self::Identity => Structure::Transparent,
            Self::Log | Self::Exceptions => Structure::Records,
        }
    }

    /// Its name in the standard.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Master => "MF",
            Self::Directory => "EF.DIR",
            Self::Purse => "DF.PURSE",
            Self::Identity => "EF.ID",
            Self::Log => "EF.LOG",
            Self::Exceptions => "EF.EXC",
        }
    }
}

/// Content of EF.DIR: an application template with AID and label.
pub const DIRECTORY: [u8; 18] = [
    0x61, 0x10, 0x4F, 0x07, 0xF0, 0x50, 0x55, 0x52, 0x53, 0x45, 0x01, 0x50, 0x05, 0x50, 0x55, 0x52, 0x53,
    0x45,
];
/// FCI of the MF.
pub const MASTER_CONTROL: [u8; 9] = [0x6F, 0x07, 0x82, 0x01, 0x38, 0x83, 0x02, 0x3F, 0x00];
/// FCI of EF.DIR.
pub const DIRECTORY_CONTROL: [u8; 16] =
    [0x6F, 0x0E, 0x80, 0x02, 0x00, 0x12, 0x82, 0x01, 0x01, 0x83, 0x02, 0x2F, 0x00, 0x88, 0x01, 0xF0];
/// FCI of EF.ID.
pub const IDENTITY_CONTROL: [u8; 13] =
    [0x6F, 0x0B, 0x80, 0x02, 0x00, 0xB1, 0x82, 0x01, 0x01, 0x83, 0x02, 0x00, 0x15];
/// The longest FCI, that of DF.PURSE.
pub const CONTROL_LENGTH: usize = 44;

/// FCI of DF.PURSE: `6F 2A 84 07 <AID> A5 1F C1 1D <status block>`.
pub fn purse_control(status: &StatusBlock) -> [u8; CONTROL_LENGTH] {
    concatenate(&[
        &[TAG_CONTROL, 0x2A, 0x84, 0x07],
        &APPLICATION,
        &[TAG_PROPRIETARY, 0x1F, TAG_STATUS_BLOCK, 0x1D],
        &status.emit(),
    ])
}

/// Tag of an FCI template (ISO/IEC 7816-4 § 7.4.3).
pub const TAG_CONTROL: u8 = 0x6F;
/// Tag of the proprietary template in it.
pub const TAG_PROPRIETARY: u8 = 0xA5;
/// Tag of the status block in the proprietary template.
pub const TAG_STATUS_BLOCK: u8 = 0xC1;

/// Length of a record as the descriptor of EF.LOG and EF.EXC says it; a test holds it to `LogRecord::LENGTH`.
const RECORD_BYTES: u8 = 0x32;

/// FCI of EF.LOG; its ninth byte says how many records it holds at most, FF for more.
pub fn log_control(records: usize) -> [u8; 13] {
    let records = u8::try_from(records).unwrap_or(u8::MAX);
    [0x6F, 0x0B, 0x82, 0x05, 0x06, 0x21, 0x00, RECORD_BYTES, records, 0x83, 0x02, 0x00, 0x18]
}

/// FCI of EF.EXC.
pub fn exceptions_control(records: usize) -> [u8; 13] {
    let records = u8::try_from(records).unwrap_or(u8::MAX);
    [0x6F, 0x0B, 0x82, 0x05, 0x02, 0x21, 0x00, RECORD_BYTES, records, 0x83, 0x02, 0x00, 0x19]
}

/// Bit of the flags byte (EF.ID, DGI 1501): the card takes no load and terminates itself when it is empty.
pub const FLAG_DISPOSABLE: u8 = 0x01;

/// Content of EF.ID: status block 29, issuer number 8, last ADMN counter 4, flags 1, five pockets of 27.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentityFile {
    /// What SELECT says too.
    pub status: StatusBlock,
    /// Who issued the card.
    pub issuer: PartyNumber,
    /// Highest counter of an accepted UPDATE PARAMETER.
    pub administration_counter: u32,
    /// [`FLAG_DISPOSABLE`], the rest 0.
    pub flags: u8,
    /// Currencies and limits; unused pockets are zero.
    pub pockets: [PocketParameters; POCKETS],
}

impl IdentityFile {
    /// Bytes on the wire.
    pub const LENGTH: usize =
        StatusBlock::LENGTH + PartyNumber::LENGTH + Sequence::LENGTH + 1 + POCKETS * PocketParameters::LENGTH;

    /// From the wire.
    pub fn parse(bytes: &[u8; Self::LENGTH]) -> Result<Self, DataError> {
        let mut reader = Reader::new(bytes);
        let status = StatusBlock::parse(&reader.take()?)?;
        let issuer = PartyNumber(reader.take()?);
        let administration_counter = u32::from_be_bytes(reader.take()?);
        let flags = reader.byte()?;
        let mut pockets = [PocketParameters::UNUSED; POCKETS];
        for pocket in &mut pockets {
            *pocket = PocketParameters::parse(&reader.take()?)?;
        }
        Ok(Self { status, issuer, administration_counter, flags, pockets })
    }

    /// As bytes of the wire.
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        let [first, second, third, fourth, fifth] = self.pockets.map(|pocket| pocket.emit());
        concatenate(&[
            &self.status.emit(),
            &self.issuer.0,
            &self.administration_counter.to_be_bytes(),
            &[self.flags],
            &first,
            &second,
            &third,
            &fourth,
            &fifth,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::LogRecord;

    #[test]
    fn what_the_descriptors_say_is_so() {
        assert_eq!(usize::from(RECORD_BYTES), LogRecord::LENGTH);
        assert_eq!(usize::from(DIRECTORY_CONTROL[5]), DIRECTORY.len());
        assert_eq!(usize::from(IDENTITY_CONTROL[5]), IdentityFile::LENGTH);
    }
}
