//! A card whose process another one looks into: `powered-card DIRECTORY`. Its non-volatile memory is in two files, `bytes`
//! and `begun`, so that RAM holds what the card keeps there and nothing else.
//!
//! On stdin comes a length of two bytes and a command, on stdout goes the same of its answer. Length 0 drops the card;
//! then an empty answer says so. Once the card is powered up, the first answer says where it lies: address and size, 8
//! bytes each.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use apdu_spec::command::apdu::LONGEST_RESPONSE;
use apdu_spec::software::Software;
use purse_card::memory::{Geometry, Memory, MemoryFailure};
use purse_card::{Card, wipe_stack};
use purse_tests::bench_card::CommonCard;
use zeroize::Zeroizing;

/// A memory that is read and programmed where it lies, without a copy here.
#[derive(Debug)]
struct Files {
    geometry: Geometry,
    bytes: File,
    /// One byte for each unit.
    begun: File,
}

impl Files {
    fn open(directory: &Path) -> io::Result<Self> {
        let open = |name| OpenOptions::new().read(true).write(true).open(directory.join(name));
        let geometry = CommonCard::memory().geometry();
        Ok(Self { geometry, bytes: open("bytes")?, begun: open("begun")? })
    }

    const fn start(&self, page: usize, offset: usize) -> usize {
        page * self.geometry.page_size + offset
    }

    fn read_at(mut file: &File, into: &mut [u8], start: usize) -> io::Result<()> {
        file.seek(SeekFrom::Start(start as u64))?;
        file.read_exact(into)
    }

    fn write_at(mut file: &File, data: &[u8], start: usize) -> io::Result<()> {
        file.seek(SeekFrom::Start(start as u64))?;
        file.write_all(data)
    }

    /// Marks units of a range, whole or not.
    fn set_begun(&self, start: usize, length: usize, begun: u8) -> io::Result<()> {
        let unit = self.geometry.unit;
        let units = start / unit..(start + length).div_ceil(unit);
        Self::write_at(&self.begun, &vec![begun; units.len()], units.start)
    }
}

fn failed(_: io::Error) -> MemoryFailure {
    MemoryFailure::Write
}

impl Memory for Files {
    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn read(&self, page: usize, offset: usize, into: &mut [u8]) -> Result<(), MemoryFailure> {
        Self::read_at(&self.bytes, into, self.start(page, offset)).map_err(failed)
    }

    fn blank(&self, page: usize, offset: usize, length: usize) -> bool {
        let (start, unit) = (self.start(page, offset), self.geometry.unit);
        let units = start / unit..(start + length).div_ceil(unit);
        let mut begun = vec![1; units.len()];
        Self::read_at(&self.begun, &mut begun, units.start).is_ok() && begun.iter().all(|begun| *begun == 0)
    }

    fn program(&mut self, page: usize, offset: usize, data: &[u8]) -> Result<(), MemoryFailure> {
        let start = self.start(page, offset);
        self.set_begun(start, data.len(), 1).map_err(failed)?;
        Self::write_at(&self.bytes, data, start).map_err(failed)
    }

    fn erase(&mut self, page: usize) -> Result<(), MemoryFailure> {
        let (start, size) = (self.start(page, 0), self.geometry.page_size);
        Self::write_at(&self.bytes, &vec![0xFF; size], start).map_err(failed)?;
        self.set_begun(start, size, 0).map_err(failed)
    }
}

type PoweredCard = Card<Files, Software, 32, 8>;

/// The card at the place where it stays.
fn power_up(directory: &Path) -> io::Result<Box<PoweredCard>> {
    let card = boxed(Files::open(directory)?);
    wipe_stack(4 * size_of::<PoweredCard>());
    card
}

/// A move of a card leaves a copy in the frame that it is made in.
#[inline(never)]
fn boxed(memory: Files) -> io::Result<Box<PoweredCard>> {
    let card = Card::power_up(memory, Software);
    card.map(Box::new).map_err(|(_, error)| io::Error::other(format!("{error:?}")))
}

/// Reads a command into a buffer that is wiped; none at the end of input. Nothing is buffered on the way.
fn read(input: &mut File) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut length = [0; 2];
    if input.read(&mut length[..1])? == 0 {
        return Ok(None);
    }
    input.read_exact(&mut length[1..])?;
    let mut command = Zeroizing::new(vec![0; usize::from(u16::from_be_bytes(length))]);
    input.read_exact(&mut command)?;
    Ok(Some(command))
}

fn write(output: &mut File, answer: &[u8]) -> io::Result<()> {
    let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
    output.write_all(&[&length.to_be_bytes(), answer].concat())
}

/// # Errors
/// Where the card does not power up, or a pipe or file fails.
pub fn main() -> io::Result<()> {
    let directory = std::env::args_os().nth(1).ok_or_else(|| io::Error::other("no directory"))?;
    let mut input = File::open("/dev/stdin")?;
    let mut output = OpenOptions::new().write(true).open("/dev/stdout")?;
    let mut card = Some(power_up(Path::new(&directory))?);
    let place = card.as_deref().map_or(0, |card| std::ptr::from_ref(card).addr() as u64);
    let size = size_of::<PoweredCard>() as u64;
    write(&mut output, &[place.to_be_bytes(), size.to_be_bytes()].concat())?;
    while let Some(command) = read(&mut input)? {
        let mut response = [0; LONGEST_RESPONSE];
        let mut length = 0;
        if let Some(card) = card.as_mut().filter(|_| !command.is_empty()) {
            length = card.process(&command, &mut response);
            card.finish();
        } else {
            card = None;
        }
        // Whoever has the answer looks at once.
        drop(command);
        write(&mut output, &response[..length])?;
    }
    Ok(())
}
