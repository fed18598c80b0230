//! The non-volatile memory under the card's store (section 9): what a driver of flash, EEPROM or FRAM, or an
//! emulator's file, must promise.

/// The shape of a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Geometry {
    /// Bytes that are programmed at once, a power of two up to 256. Programs begin and end on its multiples.
    pub unit: usize,
    /// Bytes that are erased at once, a multiple of the unit.
    pub page_size: usize,
    /// Pages.
    pub pages: usize,
    /// Whether a cut [`Memory::program`] leaves either nothing or everything, for good (FRAM, guarded EEPROM). The
    /// store then needs no seals. An erase may be torn all the same.
    pub atomic: bool,
}

/// Why a memory, or the store over it, did not do what it was asked for. To the terminal all are 6581.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemoryFailure {
    /// These bytes cannot be read, as the error-correcting code says, or no longer pass their check.
    Unreadable,
    /// A program or erase failed, or the power is gone. What it came to is known at the next power-up.
    Write,
    /// Outside of the memory, or not whole units: a mistake of the caller.
    Range,
    /// The store has failed before and writes nothing more until it is powered up again.
    Stopped,
    /// The entry does not belong into this log (a sequence out of turn, an exception without a place, a mark of an
    /// unknown record, anything on a blank card): a mistake of the caller, and nothing was programmed.
    Refused,
    /// The memory is too small for the log.
    NoRoom,
}

/// Non-volatile memory.
///
/// Power may fail at any instant. During a program each unit of the range may be old, new or neither, and may read
/// differently at every power-up until it is programmed or erased again; an interrupted erase likewise. The store
/// programs each unit at most once between two erases, and asks nothing of what a unit reads while it is blank.
pub trait Memory {
    /// The shape of this memory; it never changes.
    fn geometry(&self) -> Geometry;

    /// Reads bytes. Between two power-ups the same bytes read the same.
    ///
    /// # Errors
    /// [`MemoryFailure::Unreadable`] where an error-correcting code does not hold: the store takes these bytes as
    /// invalid, as it does with any torn ones; so no torn unit may ever be a trap. Any other failure ends a power-up.
    fn read(&self, page: usize, offset: usize, into: &mut [u8]) -> Result<(), MemoryFailure>;

    /// Whether no program has begun anywhere in this range since its last completed erase, also if that program
    /// changed nothing that can be read, and also if an erase of it has since been interrupted (a margin read). Units
    /// never programmed stay blank through an interrupted erase. False outside of the memory.
    fn blank(&self, page: usize, offset: usize, length: usize) -> bool;

    /// Programs whole units of a blank range.
    ///
    /// # Errors
    /// [`MemoryFailure::Write`] if it did not come to its end.
    fn program(&mut self, page: usize, offset: usize, data: &[u8]) -> Result<(), MemoryFailure>;

    /// Erases a page; afterwards all of it is blank.
    ///
    /// # Errors
    /// [`MemoryFailure::Write`] if it did not come to its end.
    fn erase(&mut self, page: usize) -> Result<(), MemoryFailure>;
}
