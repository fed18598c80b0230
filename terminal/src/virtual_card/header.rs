//! The first bytes of a card's file.
//!
//! | offset | bytes | content |
//! |---|---|---|
//! | 0 | 8 | magic |
//! | 8 | 2 | version of the format |
//! | 10 | 2 | bytes of a unit |
//! | 12 | 4 | bytes of a page |
//! | 16 | 4 | pages |
//! | 20 | 4 | records of EF.LOG |
//! | 24 | 4 | places of EF.EXC |
//! | 28 | 4 | 1 if programs are atomic, else 0 |
//! | 32 | 8 | XXH64 of all before |
//! | 40 | 8 | `CLEAN` and zeros, or zeros while a process writes to the card |
//! | 48 | 8 | XXH64 of the first 40 bytes and of all from 56 on, or zeros |
//! | 56 | | begun bits, one for each unit, lowest bit first; then the pages |
//!
//! Integers are big-endian.

use apdu_spec::element::DataError;
use apdu_spec::wire::{Reader, concatenate};
use purse_card::memory::Geometry;
use xxhash_rust::xxh64::Xxh64;

use super::Model;

/// Not text, and cut short by what turns line ends about.
pub(super) const MAGIC: [u8; 8] = *b"\x89PURSE\r\n";
/// Version of the format.
pub(super) const VERSION: u16 = 1;
/// Where the seal stands.
pub(super) const SEAL_OFFSET: u64 = 40;
/// Where the begun bits stand.
pub(super) const BODY_OFFSET: usize = 56;

const FIXED: usize = 40;
const CHECKED: usize = 32;
const CLEAN: [u8; 8] = *b"CLEAN\0\0\0";
/// The longest unit and the largest memory that a file may claim: what is read for it is allocated first.
const LONGEST_UNIT: usize = 256;
const LARGEST_MEMORY: usize = 1 << 26;

/// Whether the file has been closed since it was last written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seal {
    /// Closed; this is the check over all of it.
    Clean(u64),
    /// A process writes to it, or was killed while it did: the card finds out at its power-up what holds.
    InUse,
}

impl Seal {
    pub(super) fn emit(self) -> [u8; 16] {
        match self {
            Self::Clean(check) => concatenate(&[&CLEAN, &check.to_be_bytes()]),
            Self::InUse => [0; 16],
        }
    }

    /// None where it is neither.
    pub(super) fn parse(bytes: [u8; 16]) -> Option<Self> {
        if bytes == [0; 16] {
            return Some(Self::InUse);
        }
        let mut reader = Reader::new(&bytes);
        let word: [u8; 8] = reader.take().ok()?;
        let check = u64::from_be_bytes(reader.take().ok()?);
        (word == CLEAN).then_some(Self::Clean(check))
    }
}

/// What is wrong with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderError {
    Magic,
    Version(u16),
    Damaged(&'static str),
}

impl From<DataError> for HeaderError {
    fn from(_: DataError) -> Self {
        Self::Damaged("it is shorter than its header")
    }
}

/// The fixed part of a header.
pub(super) fn emit(model: &Model) -> [u8; FIXED] {
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX).to_be_bytes();
    let Model { geometry, window, exceptions } = *model;
    let unit = u16::try_from(geometry.unit).unwrap_or(u16::MAX).to_be_bytes();
    let checked: [u8; CHECKED] = concatenate(&[
        &MAGIC,
        &VERSION.to_be_bytes(),
        &unit,
        &number(geometry.page_size),
        &number(geometry.pages),
        &number(window),
        &number(exceptions),
        &u32::from(geometry.atomic).to_be_bytes(),
    ]);
    concatenate(&[&checked, &xxhash_rust::xxh64::xxh64(&checked, 0).to_be_bytes()])
}

/// The header of a file.
pub(super) fn parse(bytes: &[u8]) -> Result<(Model, Seal), HeaderError> {
    let mut reader = Reader::new(bytes);
    if reader.take::<8>()? != MAGIC {
        return Err(HeaderError::Magic);
    }
    let version = u16::from_be_bytes(reader.take()?);
    if version != VERSION {
        return Err(HeaderError::Version(version));
    }
    let unit = usize::from(u16::from_be_bytes(reader.take()?));
    let mut number = || reader.take().map(|bytes| u32::from_be_bytes(bytes) as usize);
    let (page_size, pages, window, exceptions, atomic) =
        (number()?, number()?, number()?, number()?, number()?);
    let check = u64::from_be_bytes(reader.take()?);
    let seal = Seal::parse(reader.take()?).ok_or(HeaderError::Damaged("its seal does not hold"))?;
    if bytes.get(..CHECKED).map(|checked| xxhash_rust::xxh64::xxh64(checked, 0)) != Some(check) {
        return Err(HeaderError::Damaged("its header does not hold"));
    }
    let geometry = Geometry { unit, page_size, pages, atomic: atomic == 1 };
    let possible = atomic <= 1
        && unit.is_power_of_two()
        && unit <= LONGEST_UNIT
        && page_size.is_multiple_of(unit)
        && page_size.checked_mul(pages).is_some_and(|size| size <= LARGEST_MEMORY);
    if possible {
        Ok((Model { geometry, window, exceptions }, seal))
    } else {
        Err(HeaderError::Damaged("no card has this memory"))
    }
}

/// The check that a seal carries.
pub(super) fn check(fixed: &[u8; FIXED], body: &[u8]) -> u64 {
    let mut hash = Xxh64::new(0);
    hash.update(fixed);
    hash.update(body);
    hash.digest()
}
