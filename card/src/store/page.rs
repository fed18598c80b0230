//! Pages (section 9): a header, a commit unit, a retire unit, then slots of one entry and its seal unit each.

use apdu_spec::wire::{Reader, Writer};
use xxhash_rust::xxh64::xxh64;
use zeroize::Zeroize;

use super::coding::{BRIEF, Brief, CONTENT, Content, is_secret};
use crate::memory::{Geometry, Memory, MemoryFailure};

/// Bytes of a check: XXH64 of what stands before it.
const CHECK: usize = 8;
/// Bytes of an entry with its check.
pub(super) const ENTRY: usize = CONTENT + CHECK;
/// Bytes of a header without and with its check.
const HEADER_CONTENT: usize = 32;
const HEADER: usize = HEADER_CONTENT + CHECK;
/// Largest unit; an entry and a header each fit into as many bytes.
const UNIT: usize = 256;
/// Entries of personalisation, which one page takes at once, of a card without a key pair; with one it has
/// [`MOST_INITIAL`].
pub(super) const FEWEST_SLOTS: usize = 4;
/// Entries of the personalisation of a purse with a key pair.
pub(super) const MOST_INITIAL: usize = 5;
/// First bytes of a header.
const MAGIC: [u8; 4] = *b"PURS";
/// Version of this layout and of the entries.
const VERSION: u8 = 1;
/// What seal, commit and retire units are programmed with. Only their being blank is ever asked.
const TOUCHED: [u8; UNIT] = [0x5A; UNIT];

/// Where everything stands in a page; follows from the geometry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    unit: usize,
    page_size: usize,
    pub(super) pages: usize,
    pub(super) atomic: bool,
    commit: usize,
    retire: usize,
    first_slot: usize,
    entry: usize,
    slot: usize,
    pub(super) slots: usize,
}

impl Layout {
    /// None where the geometry is not one that [`Geometry`] allows, or a page holds too few slots.
    pub(super) const fn of(geometry: Geometry) -> Option<Self> {
        let Geometry { unit, page_size, pages, atomic } = geometry;
        if !unit.is_power_of_two() || unit > UNIT || !page_size.is_multiple_of(unit) {
            return None;
        }
        // Locations in RAM are of 16 bits.
        if pages > 0xFFFF || page_size > 0xFFFF {
            return None;
        }
        let commit = HEADER.next_multiple_of(unit);
        let retire = commit + unit;
        let first_slot = retire + unit;
        let entry = ENTRY.next_multiple_of(unit);
        let slot = if atomic { entry } else { entry + unit };
        let slots = page_size.saturating_sub(first_slot) / slot;
        if slots < FEWEST_SLOTS {
            return None;
        }
        Some(Self { unit, page_size, pages, atomic, commit, retire, first_slot, entry, slot, slots })
    }

    /// Pages that are the log; one more is spare.
    pub(super) const fn live_pages(&self) -> u64 {
        self.pages.saturating_sub(1) as u64
    }

    /// Where a slot begins.
    const fn offset(&self, slot: usize) -> usize {
        self.first_slot.saturating_add(slot.saturating_mul(self.slot))
    }
}

/// What a committed page says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Window and exception places of the log that wrote it.
    pub(super) form: Form,
    /// Entries that it was built with.
    pub(super) initial: usize,
    /// Its place in the log.
    pub(super) position: u64,
    /// The order in which pages were built.
    pub(super) write_number: u64,
}

/// The parameters of a log that its image must agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    version: u8,
    window: u32,
    exceptions: u16,
}

impl Form {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "no log is that large; equality is all that is asked"
    )]
    pub(super) const fn of(window: usize, exceptions: usize) -> Self {
        Self { version: VERSION, window: window as u32, exceptions: exceptions as u16 }
    }
}

impl Header {
    #[expect(clippy::cast_possible_truncation, reason = "a page has fewer slots than bytes, and those fit")]
    fn encode(&self) -> [u8; HEADER_CONTENT] {
        let mut bytes = [0; HEADER_CONTENT];
        Writer::new(&mut bytes)
            .put(&MAGIC)
            .put(&[self.form.version])
            .put(&self.form.window.to_be_bytes())
            .put(&self.form.exceptions.to_be_bytes())
            .put(&(self.initial as u16).to_be_bytes())
            .put(&self.position.to_be_bytes())
            .put(&self.write_number.to_be_bytes());
        bytes
    }

    fn decode(bytes: &[u8; HEADER_CONTENT]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let magic: [u8; 4] = reader.take().ok()?;
        let header = Self {
            form: Form {
                version: reader.byte().ok()?,
                window: u32::from_be_bytes(reader.take().ok()?),
                exceptions: u16::from_be_bytes(reader.take().ok()?),
            },
            initial: usize::from(u16::from_be_bytes(reader.take().ok()?)),
            position: u64::from_be_bytes(reader.take().ok()?),
            write_number: u64::from_be_bytes(reader.take().ok()?),
        };
        (magic == MAGIC).then_some(header)
    }
}

/// What a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageState {
    /// Never committed since its last erase: whatever it holds is nothing.
    Free,
    /// Committed once and given up since; its erase may have been interrupted.
    Retired,
    /// Part of the log, or just replaced.
    Committed(Header),
    /// Committed, not given up, and yet no header: this memory is damaged.
    Damaged,
}

/// What a slot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SlotState {
    Blank,
    /// Programmed to its end, for good.
    Sealed,
    /// Valid to read now, but perhaps not for ever.
    Unsealed,
    /// An interrupted program.
    Torn,
    /// Sealed and yet invalid: this memory is damaged.
    Damaged,
}

/// A memory seen as pages and slots.
#[derive(Debug)]
pub(super) struct Pages<M> {
    pub(super) memory: M,
    pub(super) layout: Layout,
}

impl<M: Memory> Pages<M> {
    /// Reads what stands before a check; false where the check does not hold.
    fn read_checked<const N: usize>(
        &self,
        page: usize,
        offset: usize,
        seed: u64,
        content: &mut [u8; N],
    ) -> Result<bool, MemoryFailure> {
        let mut check = [0; CHECK];
        let read = self
            .memory
            .read(page, offset, content)
            .and_then(|()| self.memory.read(page, offset.saturating_add(N), &mut check));
        match read {
            Ok(()) => Ok(xxh64(content, seed).to_be_bytes() == check),
            Err(MemoryFailure::Unreadable) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Programs content and check, and zero bytes up to `length`, in one operation.
    fn program_checked(
        &mut self,
        page: usize,
        offset: usize,
        seed: u64,
        content: &[u8],
        length: usize,
    ) -> Result<(), MemoryFailure> {
        let mut bytes = [0; UNIT];
        Writer::new(&mut bytes).put(content).put(&xxh64(content, seed).to_be_bytes());
        let range = bytes.get(..length).ok_or(MemoryFailure::Range)?;
        let programmed = self.memory.program(page, offset, range);
        // Wiping costs as much as the check, so that what is no secret stays.
        if is_secret(content) {
            bytes.zeroize();
        }
        programmed
    }

    /// Programs one unit of which only the being blank counts.
    fn touch(&mut self, page: usize, offset: usize) -> Result<(), MemoryFailure> {
        let unit = TOUCHED.get(..self.layout.unit).ok_or(MemoryFailure::Range)?;
        self.memory.program(page, offset, unit)
    }

    pub(super) fn state(&self, page: usize) -> Result<PageState, MemoryFailure> {
        let Layout { unit, commit, retire, .. } = self.layout;
        if self.memory.blank(page, commit, unit) {
            return Ok(PageState::Free);
        }
        if !self.memory.blank(page, retire, unit) {
            return Ok(PageState::Retired);
        }
        Ok(self.header(page)?.map_or(PageState::Damaged, PageState::Committed))
    }

    fn header(&self, page: usize) -> Result<Option<Header>, MemoryFailure> {
        let mut content = [0; HEADER_CONTENT];
        let valid = self.read_checked(page, 0, page as u64, &mut content)?;
        Ok(if valid { Header::decode(&content) } else { None })
    }

    /// Whether a page that is free or retired counts in truth, because its commit or retire unit is misread: no build
    /// goes beyond the initial entries before its commit, and what is given up is older than what counts. No cut
    /// leaves such a page, for an interrupted erase makes nothing blank. `newest` is the write number of the head.
    pub(super) fn is_lost(&self, page: usize, newest: u64) -> Result<bool, MemoryFailure> {
        let Layout { unit, retire, slot: length, slots, .. } = self.layout;
        let Some(header) = self.header(page)? else { return Ok(false) };
        if !self.memory.blank(page, retire, unit) {
            return Ok(header.write_number >= newest);
        }
        Ok((header.initial..slots).any(|slot| !self.memory.blank(page, self.layout.offset(slot), length)))
    }

    /// Makes a page that holds nothing of the log blank. One that was committed is given up first, so that an
    /// interrupted erase of it never looks like damage, nor damage like an interrupted erase.
    fn clear(&mut self, page: usize) -> Result<(), MemoryFailure> {
        let Layout { unit, commit, retire, page_size, .. } = self.layout;
        if self.memory.blank(page, 0, page_size) {
            return Ok(());
        }
        if !self.memory.blank(page, commit, unit) && self.memory.blank(page, retire, unit) {
            self.touch(page, retire)?;
        }
        self.memory.erase(page)
    }

    /// Clears a page and gives it a header.
    pub(super) fn open(&mut self, page: usize, header: &Header) -> Result<(), MemoryFailure> {
        self.clear(page)?;
        self.program_checked(page, 0, page as u64, &header.encode(), self.layout.commit)
    }

    /// Makes a page count: from the begin of this program on it is committed.
    pub(super) fn commit(&mut self, page: usize) -> Result<(), MemoryFailure> {
        self.touch(page, self.layout.commit)
    }

    /// Whether a slot is blank, valid, sealed. `content` holds the entry if it is valid.
    pub(super) fn slot(
        &self,
        page: usize,
        slot: usize,
        header: &Header,
        content: &mut Content,
    ) -> Result<SlotState, MemoryFailure> {
        let Layout { unit, atomic, entry, slot: length, .. } = self.layout;
        let offset = self.layout.offset(slot);
        let initial = slot < header.initial;
        if !initial && self.memory.blank(page, offset, length) {
            return Ok(SlotState::Blank);
        }
        let sealed = initial || atomic || !self.memory.blank(page, offset.saturating_add(entry), unit);
        let valid = self.read(page, slot, header.write_number, content)?;
        Ok(match (valid, sealed) {
            (true, true) => SlotState::Sealed,
            (true, false) => SlotState::Unsealed,
            (false, true) => SlotState::Damaged,
            (false, false) => SlotState::Torn,
        })
    }

    /// Reads an entry; false where its check does not hold. The write number in the seed lets no entry of another
    /// life of this page read valid.
    pub(super) fn read(
        &self,
        page: usize,
        slot: usize,
        write_number: u64,
        content: &mut Content,
    ) -> Result<bool, MemoryFailure> {
        self.read_checked(page, self.layout.offset(slot), seed(write_number, slot), content)
    }

    /// Reads the front of an entry that has been found valid before.
    pub(super) fn brief(&self, page: usize, slot: usize) -> Result<Brief, MemoryFailure> {
        let mut bytes = [0; BRIEF];
        self.memory.read(page, self.layout.offset(slot), &mut bytes)?;
        Brief::parse(&bytes).map_err(|_| MemoryFailure::Unreadable)
    }

    /// Programs an entry, in one operation.
    pub(super) fn program(
        &mut self,
        page: usize,
        slot: usize,
        write_number: u64,
        content: &Content,
    ) -> Result<(), MemoryFailure> {
        let Layout { entry, .. } = self.layout;
        self.program_checked(page, self.layout.offset(slot), seed(write_number, slot), content, entry)
    }

    /// Programs the seal of an entry.
    pub(super) fn seal(&mut self, page: usize, slot: usize) -> Result<(), MemoryFailure> {
        let offset = self.layout.offset(slot).saturating_add(self.layout.entry);
        self.touch(page, offset)
    }
}

/// Seed of an entry's check.
const fn seed(write_number: u64, slot: usize) -> u64 {
    write_number << 16 | slot as u64
}
