//! A card as a program with neither std nor an allocator: command APDUs come in on standard input, each behind one
//! byte of length, and the answers go out the same way; an empty one resets the card and lets it speak T=0 instead of
//! T=1, or T=1 again. If any dependency of the card or of the standard needed std or an allocator, it would not link.
//! Nor would it if any path through the card could panic: the panic handler calls a function that does not exist, and
//! the linker finds no use of it only if the compiler has proved every check away.
//!
//! P-256 is that of a chip of which the compiler knows nothing: the software of `p256` cannot be proved so. That it
//! needs neither std nor an allocator, `curve` shows.
#![no_std]
#![no_main]

use core::convert::Infallible;
use core::hint::black_box;
use core::panic::PanicInfo;

use apdu_spec::command::apdu::LONGEST_RESPONSE;
use apdu_spec::cryptography::{Engine, KeyBytes};
use apdu_spec::curve::{Curve, PrivateKey, PublicKey, SharedSecret, Signature};
use apdu_spec::software::{Software, SoftwareKey};
use purse_card::Card;
use purse_card::memory::{Geometry, Memory, MemoryFailure};
use purse_card::transmission::T0;

const UNIT: usize = 8;
const PAGE: usize = 2048;
const PAGES: usize = 8;
const SIZE: usize = PAGE * PAGES;

/// A memory in RAM: bytes, and for each unit whether a program there has begun.
struct Ram {
    bytes: [u8; SIZE],
    begun: [bool; SIZE / UNIT],
}

/// AES in software, P-256 in a chip that may answer anything.
struct Chip;

impl Engine for Chip {
    type Key = SoftwareKey;

    fn load(&self, key: &KeyBytes) -> SoftwareKey {
        Software.load(key)
    }

    fn mac(&self, key: &mut SoftwareKey, message: &[u8]) -> [u8; 16] {
        Software.mac(key, message)
    }

    fn encrypt(&self, key: &KeyBytes, block: [u8; 16]) -> [u8; 16] {
        Software.encrypt(key, block)
    }
}

impl Curve for Chip {
    const DEPTH: usize = 0;

    fn public_key(&self, private: &PrivateKey) -> Option<PublicKey> {
        black_box(private);
        black_box(None)
    }

    fn verify(&self, public: &PublicKey, message: &[u8], signature: &Signature) -> bool {
        black_box((public, message, signature));
        black_box(false)
    }

    fn agree(&self, private: &PrivateKey, peer: &PublicKey) -> Option<SharedSecret> {
        black_box((private, peer));
        black_box(None)
    }

    fn hash(&self, message: &[u8]) -> [u8; 32] {
        black_box(message);
        black_box([0; 32])
    }
}

fn range(page: usize, offset: usize, length: usize) -> core::ops::Range<usize> {
    let start = page.saturating_mul(PAGE).saturating_add(offset);
    start..start.saturating_add(length)
}

fn units(page: usize, offset: usize, length: usize) -> core::ops::Range<usize> {
    let bytes = range(page, offset, length);
    bytes.start / UNIT..bytes.end.div_ceil(UNIT)
}

impl Memory for Ram {
    fn geometry(&self) -> Geometry {
        Geometry { unit: UNIT, page_size: PAGE, pages: PAGES, atomic: false }
    }

    fn read(&self, page: usize, offset: usize, into: &mut [u8]) -> Result<(), MemoryFailure> {
        let source = self.bytes.get(range(page, offset, into.len())).ok_or(MemoryFailure::Range)?;
        into.iter_mut().zip(source).for_each(|(to, from)| *to = *from);
        Ok(())
    }

    fn blank(&self, page: usize, offset: usize, length: usize) -> bool {
        self.begun.get(units(page, offset, length)).is_some_and(|units| units.iter().all(|begun| !begun))
    }

    fn program(&mut self, page: usize, offset: usize, data: &[u8]) -> Result<(), MemoryFailure> {
        self.begun.get_mut(units(page, offset, data.len())).ok_or(MemoryFailure::Range)?.fill(true);
        let target = self.bytes.get_mut(range(page, offset, data.len())).ok_or(MemoryFailure::Range)?;
        target.iter_mut().zip(data).for_each(|(to, from)| *to = *from);
        Ok(())
    }

    fn erase(&mut self, page: usize) -> Result<(), MemoryFailure> {
        self.bytes.get_mut(range(page, 0, PAGE)).ok_or(MemoryFailure::Range)?.fill(0xFF);
        self.begun.get_mut(units(page, 0, PAGE)).ok_or(MemoryFailure::Range)?.fill(false);
        Ok(())
    }
}

unsafe extern "C" {
    fn read(descriptor: i32, buffer: *mut u8, length: usize) -> isize;
    fn write(descriptor: i32, buffer: *const u8, length: usize) -> isize;
    /// Nobody defines it.
    fn the_card_can_panic() -> !;
}

/// Fills a buffer from standard input; false at its end.
fn fill(buffer: &mut [u8]) -> bool {
    buffer.iter_mut().all(|byte| {
        // SAFETY: the pointer is to one byte, and that is how much is read.
        unsafe { read(0, core::ptr::from_mut(byte), 1) == 1 }
    })
}

fn send(bytes: &[u8]) -> bool {
    // SAFETY: pointer and length are those of the slice.
    let written = unsafe { write(1, bytes.as_ptr(), bytes.len()) };
    usize::try_from(written) == Ok(bytes.len())
}

/// Called by the C runtime; 0 when standard input ends.
#[unsafe(no_mangle)]
pub extern "C" fn main() -> i32 {
    let memory = Ram { bytes: [0xFF; SIZE], begun: [false; SIZE / UNIT] };
    let Ok(mut card) = Card::<Ram, Chip, 32, 8>::power_up(memory, Chip) else { return 1 };
    let mut command = [0; u8::MAX as usize];
    let mut response = [0; LONGEST_RESPONSE];
    let mut t0 = T0::new();
    let mut speaks_t0 = false;
    loop {
        let mut length = [0];
        if !fill(&mut length) {
            return 0;
        }
        let Some(command) = command.get_mut(..usize::from(length[0])) else { return 1 };
        if !fill(command) {
            return 1;
        }
        if command.is_empty() {
            card.reset();
            t0.reset();
            speaks_t0 = !speaks_t0;
            continue;
        }
        let length = if speaks_t0 {
            let process = |apdu: &[u8], response: &mut _| Ok::<_, Infallible>(card.process(apdu, response));
            let Ok(length) = t0.exchange(command, &mut response, process);
            length
        } else {
            card.process(command, &mut response)
        };
        let Some(answer) = response.get(..length) else { return 1 };
        let Ok(header) = u8::try_from(answer.len()) else { return 1 };
        if !send(&[header]) || !send(answer) {
            return 1;
        }
        card.finish();
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: it is never linked, so it is never called.
    unsafe { the_card_can_panic() }
}
