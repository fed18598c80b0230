//! A card's non-volatile memory in RAM, as bad as section 9 of the protocol allows one to be: the power can be cut
//! inside any operation, and what was in flight then may read differently at every power-up.
//!
//! A file layer wraps it: it implements [`Memory`] too, hands every call on, and after each [`Memory::program`] or
//! [`Memory::erase`], *also after one that failed*, writes that range (or page) of [`SimulatedMemory::bytes`] and
//! [`SimulatedMemory::begun`] to its file before it returns; nothing else ever changes. [`SimulatedMemory::from_parts`]
//! makes a memory of the two again. The file must tell a unit's begun bit before its bytes: a kill between the two
//! is then an interrupted program, as the card expects it; on erase, bytes first. Which units are unstable or
//! unreadable need not be kept. The card finds damage in what it has committed, but only the file can tell whether
//! its begun bits are intact: give it a check of its own.

mod doubts;

use std::hash::Hasher;

use purse_card::memory::{Geometry, Memory, MemoryFailure};

use doubts::{Doubt, Doubts};

/// What an erased byte reads.
const ERASED: u8 = 0xFF;

/// What a unit in flight, at the moment of a cut, comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flight {
    /// It reads what it read before.
    Old,
    /// It reads what it should.
    New,
    /// It reads something else, always the same.
    Garbage,
    /// An error-correcting code refuses to read it.
    Unreadable,
    /// It reads old, new or something between, anew at each power-up.
    Unstable,
    /// All units of the operation that have begun are unstable, one by one and bit by bit.
    AllUnstable,
}

impl Flight {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::Old, Self::New, Self::Garbage, Self::Unreadable, Self::Unstable, Self::AllUnstable];
}

/// When the power fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cut {
    /// Operations (programs and erases) from now on that still succeed.
    pub operation: u64,
    /// Units of the next one that are done; the one after them is in flight, and the rest is untouched. As many as
    /// the operation has, or more: it comes to its end, and fails just then.
    pub units: usize,
    /// What the unit in flight comes to.
    pub flight: Flight,
}

/// What a memory has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Program operations begun.
    pub programs: u64,
    /// Bytes of them.
    pub bytes_programmed: u64,
    /// Erase operations begun.
    pub erases: u64,
}

impl Counts {
    /// Programs and erases.
    pub const fn operations(&self) -> u64 {
        self.programs + self.erases
    }
}

/// A memory in RAM.
#[derive(Clone)]
pub struct SimulatedMemory {
    geometry: Geometry,
    bytes: Vec<u8>,
    begun: Vec<bool>,
    doubts: Doubts,
    counts: Counts,
    cut: Option<Cut>,
    powered: bool,
    random: u64,
}

impl std::fmt::Debug for SimulatedMemory {
    /// Not what it holds: among it are a card's keys.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { geometry, counts, cut, powered, .. } = self;
        let mut fields = formatter.debug_struct("SimulatedMemory");
        fields
            .field("geometry", geometry)
            .field("counts", counts)
            .field("cut", cut)
            .field("powered", powered);
        fields.finish_non_exhaustive()
    }
}

impl SimulatedMemory {
    /// A blank memory. A seed gives the garbage of its cuts.
    ///
    /// # Panics
    /// If the unit is 0 or does not divide the page.
    pub fn new(geometry: Geometry, seed: u64) -> Self {
        assert!(geometry.page_size.is_multiple_of(geometry.unit), "pages are whole units");
        let size = geometry.page_size * geometry.pages;
        Self {
            geometry,
            bytes: vec![ERASED; size],
            begun: vec![false; size / geometry.unit],
            doubts: Doubts::new(geometry.unit),
            counts: Counts::default(),
            cut: None,
            powered: true,
            random: seed,
        }
    }

    /// A memory as a file has kept it; none where the lengths are not those of the geometry.
    pub fn from_parts(geometry: Geometry, bytes: Vec<u8>, begun: Vec<bool>) -> Option<Self> {
        let size = geometry.page_size.checked_mul(geometry.pages)?;
        let whole = geometry.unit > 0 && geometry.page_size.is_multiple_of(geometry.unit);
        if !whole || bytes.len() != size || begun.len() != size / geometry.unit {
            return None;
        }
        Some(Self {
            geometry,
            bytes,
            begun,
            doubts: Doubts::new(geometry.unit),
            counts: Counts::default(),
            cut: None,
            powered: true,
            random: 0,
        })
    }

    /// Gives the garbage and the unstable cells of later cuts another seed.
    pub const fn reseed(&mut self, seed: u64) {
        self.random = seed;
    }

    /// All bytes, page by page.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// For each unit, page by page, whether a program there has begun since its last completed erase.
    pub fn begun(&self) -> &[bool] {
        &self.begun
    }

    /// Whether a cut has left units that read differently at every power-up.
    pub fn is_unstable(&self) -> bool {
        self.doubts.iter().any(|(doubt, ..)| doubt.is_unstable())
    }

    /// Hashes all by which a card could tell this memory from another one when it gets power: bytes, what has been
    /// begun, and which units are unstable or unreadable. What those read just now is not in it.
    pub fn digest(&self, hasher: &mut impl Hasher) {
        for units in self.begun.chunks(64) {
            hasher.write_u64(units.iter().fold(0, |bits, begun| bits << 1 | u64::from(*begun)));
        }
        let mut start = 0;
        for (doubt, old, new) in self.doubts.iter() {
            let is_unreadable = doubt.flight == Flight::Unreadable;
            if !is_unreadable && !doubt.is_unstable() {
                continue;
            }
            hasher.write(&self.bytes[start..doubt.unit * self.geometry.unit]);
            start = (doubt.unit + 1) * self.geometry.unit;
            hasher.write_usize(doubt.unit);
            if !is_unreadable {
                hasher.write(old);
                hasher.write(new);
                hasher.write_usize(doubt.place);
            }
        }
        hasher.write(&self.bytes[start..]);
    }

    /// Changes bytes behind the card's back, as damage does.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// What has been done since the last [`Self::reset_counts`].
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Counts from zero.
    pub fn reset_counts(&mut self) {
        self.counts = Counts::default();
    }

    /// Lets the power fail later. From then on every operation fails until [`Self::power_on`].
    pub const fn cut(&mut self, cut: Cut) {
        self.cut = Some(cut);
    }

    /// Whether the power has failed.
    pub const fn is_off(&self) -> bool {
        !self.powered
    }

    /// Takes the power between two operations.
    pub const fn power_off(&mut self) {
        self.powered = false;
    }

    /// Gives power back; a cut that has not come yet is forgotten. What is unstable reads as it likes this time.
    pub fn power_on(&mut self) {
        self.powered = true;
        self.cut = None;
        if self.doubts.is_empty() {
            return;
        }
        // All old, all new, new up to some unit, or each by itself: else a whole entry would never read valid.
        let mode = self.draw() % 5;
        let places = self.doubts.iter().map(|(doubt, ..)| doubt.place + 1).max().unwrap_or(1);
        let new_places = match mode {
            0 => 0,
            1 | 2 => places,
            _ => usize::try_from(self.draw()).unwrap_or(0) % places,
        };
        let Self { geometry, bytes, doubts, random, .. } = self;
        for (doubt, old, new) in doubts.iter().filter(|(doubt, ..)| doubt.is_unstable()) {
            let start = doubt.unit * geometry.unit;
            let unit = &mut bytes[start..start + geometry.unit];
            match mode {
                4 => mix(unit, old, new, random),
                _ if doubt.place < new_places => unit.copy_from_slice(new),
                _ => unit.copy_from_slice(old),
            }
        }
    }

    const fn draw(&mut self) -> u64 {
        draw(&mut self.random)
    }

    /// First byte of a range in the memory; none outside of its page.
    const fn start(&self, page: usize, offset: usize, length: usize) -> Option<usize> {
        let Geometry { page_size, pages, .. } = self.geometry;
        if page < pages && offset <= page_size && length <= page_size - offset {
            Some(page * page_size + offset)
        } else {
            None
        }
    }

    /// Whether this operation is the one that is cut.
    fn falls_now(&mut self) -> Option<Cut> {
        let cut = self.cut.as_mut()?;
        if cut.operation > 0 {
            cut.operation -= 1;
            return None;
        }
        self.powered = false;
        self.cut.take()
    }

    /// Leaves a range as a cut does: some units done, one in flight, the others as they were.
    fn interrupt(&mut self, start: usize, data: &[u8], cut: Cut) {
        let unit = self.geometry.unit;
        // Every cut of a history has its own luck.
        let mixed = data
            .rchunks(8)
            .take(1)
            .flatten()
            .fold(cut.operation, |mixed, byte| mixed << 8 ^ u64::from(*byte));
        self.random ^= mixed ^ (self.counts.operations() << 32) ^ (cut.units as u64) << 48;
        for (place, new) in data.chunks_exact(unit).enumerate().take(cut.units.saturating_add(1)) {
            let index = start / unit + place;
            let now = &mut self.bytes[start + place * unit..start + (place + 1) * unit];
            if place != cut.units && cut.flight != Flight::AllUnstable {
                now.copy_from_slice(new);
                self.doubts.remove(index, index + 1);
                continue;
            }
            self.doubts.insert(Doubt { unit: index, flight: cut.flight, place }, now, new);
            match cut.flight {
                Flight::Old => {}
                Flight::New => now.copy_from_slice(new),
                Flight::Garbage | Flight::Unreadable => {
                    now.fill_with(|| draw(&mut self.random).to_be_bytes()[0]);
                }
                Flight::Unstable | Flight::AllUnstable => {
                    for (now, new) in now.iter_mut().zip(new) {
                        *now = between(*now, *new, &mut self.random);
                    }
                }
            }
        }
    }
}

/// SplitMix64.
const fn draw(random: &mut u64) -> u64 {
    *random = random.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*random ^ *random >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ mixed >> 31
}

/// Bits of the one and of the other.
const fn between(old: u8, new: u8, random: &mut u64) -> u8 {
    let [mask, ..] = draw(random).to_be_bytes();
    old & mask | new & !mask
}

/// The same for all bytes of a unit.
fn mix(unit: &mut [u8], old: &[u8], new: &[u8], random: &mut u64) {
    for (now, (old, new)) in unit.iter_mut().zip(old.iter().zip(new)) {
        *now = between(*old, *new, random);
    }
}

impl Memory for SimulatedMemory {
    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn read(&self, page: usize, offset: usize, into: &mut [u8]) -> Result<(), MemoryFailure> {
        let start = self.start(page, offset, into.len()).ok_or(MemoryFailure::Range)?;
        if !self.powered {
            return Err(MemoryFailure::Write);
        }
        let unit = self.geometry.unit;
        if self.doubts.is_unreadable(start / unit, (start + into.len()).div_ceil(unit)) {
            return Err(MemoryFailure::Unreadable);
        }
        into.copy_from_slice(&self.bytes[start..start + into.len()]);
        Ok(())
    }

    fn blank(&self, page: usize, offset: usize, length: usize) -> bool {
        let unit = self.geometry.unit;
        self.start(page, offset, length).is_some_and(|start| {
            let units = start / unit..(start + length).div_ceil(unit);
            self.begun[units].iter().all(|begun| !begun)
        })
    }

    fn program(&mut self, page: usize, offset: usize, data: &[u8]) -> Result<(), MemoryFailure> {
        let Geometry { unit, atomic, .. } = self.geometry;
        let start = self.start(page, offset, data.len()).ok_or(MemoryFailure::Range)?;
        if !start.is_multiple_of(unit) || !data.len().is_multiple_of(unit) {
            return Err(MemoryFailure::Range);
        }
        // No store of ours programs twice without an erase: that is a defect, not bad luck.
        debug_assert!(!self.powered || self.blank(page, offset, data.len()), "programmed twice");
        if !self.powered {
            return Err(MemoryFailure::Write);
        }
        self.counts.programs += 1;
        self.counts.bytes_programmed += data.len() as u64;
        let units = start / unit..(start + data.len()) / unit;
        if let Some(cut) = self.falls_now() {
            let begun = cut.units.saturating_add(1).min(units.len());
            let complete = cut.units >= units.len();
            if atomic && !complete {
                return Err(MemoryFailure::Write);
            }
            self.begun[units.start..units.start + begun].fill(true);
            let flight = if atomic { Flight::New } else { cut.flight };
            self.interrupt(start, data, Cut { flight, ..cut });
            return Err(MemoryFailure::Write);
        }
        self.doubts.remove(units.start, units.end);
        self.begun[units].fill(true);
        self.bytes[start..start + data.len()].copy_from_slice(data);
        Ok(())
    }

    fn erase(&mut self, page: usize) -> Result<(), MemoryFailure> {
        let Geometry { unit, page_size, .. } = self.geometry;
        let start = self.start(page, 0, page_size).ok_or(MemoryFailure::Range)?;
        if !self.powered {
            return Err(MemoryFailure::Write);
        }
        self.counts.erases += 1;
        let units = start / unit..(start + page_size) / unit;
        let cut = self.falls_now();
        if let Some(cut) = cut.filter(|cut| cut.units < units.len()) {
            // The begun bits stay: only a completed erase makes blank.
            self.interrupt(start, &vec![ERASED; page_size], cut);
            return Err(MemoryFailure::Write);
        }
        self.doubts.remove(units.start, units.end);
        self.begun[units].fill(false);
        self.bytes[start..start + page_size].fill(ERASED);
        if cut.is_some() { Err(MemoryFailure::Write) } else { Ok(()) }
    }
}
