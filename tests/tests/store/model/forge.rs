//! Images that no store has left so, with checks that hold: units of 16 bytes, not atomic.

use purse_card::memory::{Geometry, Memory};
use purse_terminal::simulated_memory::SimulatedMemory;

/// The unit of these images.
pub(crate) const UNIT: usize = 16;
const HEADER: usize = 32;
const COMMIT: usize = 48;
const RETIRE: usize = 64;
const FIRST_SLOT: usize = 80;
const CONTENT: usize = 152;
const ENTRY: usize = 160;
const SLOT: usize = ENTRY + UNIT;

/// An entry without its check.
pub(crate) type Content = [u8; CONTENT];

/// An image to be changed.
#[derive(Clone)]
pub(crate) struct Forge {
    geometry: Geometry,
    bytes: Vec<u8>,
    begun: Vec<bool>,
}

impl Forge {
    pub(crate) fn of(memory: &SimulatedMemory) -> Self {
        let geometry = memory.geometry();
        assert!(geometry.unit == UNIT && !geometry.atomic);
        Self { geometry, bytes: memory.bytes().to_vec(), begun: memory.begun().to_vec() }
    }

    /// A memory with this image.
    pub(crate) fn memory(&self) -> SimulatedMemory {
        SimulatedMemory::from_parts(self.geometry, self.bytes.clone(), self.begun.clone()).unwrap()
    }

    /// Puts the bytes under a store that has its power on.
    pub(crate) fn put_under(&self, memory: &mut SimulatedMemory) {
        memory.bytes_mut().copy_from_slice(&self.bytes);
    }

    fn at(&self, page: usize, offset: usize) -> usize {
        page * self.geometry.page_size + offset
    }

    fn is_begun(&self, page: usize, offset: usize) -> bool {
        self.begun[self.at(page, offset) / UNIT]
    }

    fn set_begun(&mut self, page: usize, offset: usize, length: usize, begun: bool) {
        let first = self.at(page, offset) / UNIT;
        self.begun[first..first + length / UNIT].fill(begun);
    }

    fn field(&self, page: usize, offset: usize) -> u64 {
        let start = self.at(page, offset);
        u64::from_be_bytes(self.bytes[start..start + 8].try_into().unwrap())
    }

    /// The pages that are the log, in its order.
    pub(crate) fn live(&self) -> Vec<usize> {
        let is_committed = |page: &usize| self.is_begun(*page, COMMIT) && !self.is_begun(*page, RETIRE);
        let mut pages: Vec<_> = (0..self.geometry.pages).filter(is_committed).collect();
        pages.sort_by_key(|page| self.write_number(*page));
        let newest = self.position(*pages.last().unwrap());
        let oldest = (newest + 1).saturating_sub(self.geometry.pages as u64 - 1);
        pages.retain(|page| (oldest..=newest).contains(&self.position(*page)));
        pages
    }

    pub(crate) fn position(&self, page: usize) -> u64 {
        self.field(page, 13)
    }

    pub(crate) fn write_number(&self, page: usize) -> u64 {
        self.field(page, 21)
    }

    /// Entries that the page was built with.
    pub(crate) fn initial(&self, page: usize) -> usize {
        let start = self.at(page, 11);
        usize::from(u16::from_be_bytes([self.bytes[start], self.bytes[start + 1]]))
    }

    /// Writes a header's count of initial entries, position and write number; the page is committed.
    pub(crate) fn set_header(&mut self, page: usize, initial: u16, position: u64, write_number: u64) {
        // Magic, version and form are those of the first live page.
        let from = self.at(self.live()[0], 0);
        let mut header: [u8; HEADER] = self.bytes[from..from + HEADER].try_into().unwrap();
        header[11..13].copy_from_slice(&initial.to_be_bytes());
        header[13..21].copy_from_slice(&position.to_be_bytes());
        header[21..29].copy_from_slice(&write_number.to_be_bytes());
        let start = self.at(page, 0);
        self.bytes[start..start + HEADER].copy_from_slice(&header);
        let check = xxh64(&header, page as u64).to_be_bytes();
        self.bytes[start + HEADER..start + HEADER + 8].copy_from_slice(&check);
        self.set_begun(page, 0, COMMIT + UNIT, true);
    }

    /// Gives the page another write number, and its entries the checks that go with it.
    pub(crate) fn renumber(&mut self, page: usize, write_number: u64) {
        let entries: Vec<_> = (0..self.slots()).map(|slot| self.entry(page, slot)).collect();
        let (initial, position) = (self.initial(page), self.position(page));
        self.set_header(page, u16::try_from(initial).unwrap(), position, write_number);
        for (slot, entry) in entries.iter().enumerate() {
            if self.is_begun(page, FIRST_SLOT + slot * SLOT) {
                self.set_entry(page, slot, entry);
            }
        }
    }

    /// Gives a page up, as the store does before it erases one.
    pub(crate) fn retire(&mut self, page: usize) {
        self.set_begun(page, RETIRE, UNIT, true);
    }

    /// Makes the commit unit of a page read as blank, as that of a page does that is being built.
    pub(crate) fn uncommit(&mut self, page: usize) {
        self.set_begun(page, COMMIT, UNIT, false);
    }

    pub(crate) fn slots(&self) -> usize {
        (self.geometry.page_size - FIRST_SLOT) / SLOT
    }

    pub(crate) fn entry(&self, page: usize, slot: usize) -> Content {
        let start = self.at(page, FIRST_SLOT + slot * SLOT);
        self.bytes[start..start + CONTENT].try_into().unwrap()
    }

    /// Writes an entry with its check; one in a blank slot is sealed too.
    pub(crate) fn set_entry(&mut self, page: usize, slot: usize, content: &Content) {
        let offset = FIRST_SLOT + slot * SLOT;
        let start = self.at(page, offset);
        let check = xxh64(content, self.write_number(page) << 16 | slot as u64).to_be_bytes();
        self.bytes[start..start + CONTENT].copy_from_slice(content);
        self.bytes[start + CONTENT..start + ENTRY].copy_from_slice(&check);
        if !self.is_begun(page, offset) {
            self.set_begun(page, offset, SLOT, true);
        }
    }

    /// Damages an entry, so that its check does not hold.
    pub(crate) fn damage(&mut self, page: usize, slot: usize) {
        let start = self.at(page, FIRST_SLOT + slot * SLOT);
        self.bytes[start + CONTENT - 1] ^= 1;
    }

    /// Damages a header.
    pub(crate) fn damage_header(&mut self, page: usize) {
        let start = self.at(page, 0);
        self.bytes[start + HEADER - 1] ^= 1;
    }

    /// Makes a slot blank, or its seal alone.
    pub(crate) fn erase(&mut self, page: usize, slot: usize, only_seal: bool) {
        let offset = FIRST_SLOT + slot * SLOT + if only_seal { ENTRY } else { 0 };
        let length = if only_seal { UNIT } else { SLOT };
        let start = self.at(page, offset);
        self.bytes[start..start + length].fill(0xFF);
        self.set_begun(page, offset, length, false);
    }
}

/// XXH64 of a header or an entry: a multiple of 8 bytes, 32 or more.
pub(crate) fn xxh64(bytes: &[u8], seed: u64) -> u64 {
    const PRIMES: [u64; 4] =
        [0x9E37_79B1_85EB_CA87, 0xC2B2_AE3D_27D4_EB4F, 0x1656_67B1_9E37_79F9, 0x85EB_CA77_C2B2_AE63];
    let [first, second, third, fourth] = PRIMES;
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
    let round = |lane: u64, word: u64| {
        lane.wrapping_add(word.wrapping_mul(second)).rotate_left(31).wrapping_mul(first)
    };
    let mut lanes = [
        seed.wrapping_add(first).wrapping_add(second),
        seed.wrapping_add(second),
        seed,
        seed.wrapping_sub(first),
    ];
    let stripes = bytes.chunks_exact(32);
    let rest = stripes.remainder();
    for stripe in stripes {
        for (lane, bytes) in lanes.iter_mut().zip(stripe.chunks_exact(8)) {
            *lane = round(*lane, word(bytes));
        }
    }
    let mut hash = lanes
        .iter()
        .zip([1, 7, 12, 18])
        .fold(0_u64, |hash, (lane, turn)| hash.wrapping_add(lane.rotate_left(turn)));
    for lane in lanes {
        hash = (hash ^ round(0, lane)).wrapping_mul(first).wrapping_add(fourth);
    }
    hash = hash.wrapping_add(bytes.len() as u64);
    for bytes in rest.chunks_exact(8) {
        hash = (hash ^ round(0, word(bytes))).rotate_left(27).wrapping_mul(first).wrapping_add(fourth);
    }
    hash = (hash ^ hash >> 33).wrapping_mul(second);
    hash = (hash ^ hash >> 29).wrapping_mul(third);
    hash ^ hash >> 32
}
