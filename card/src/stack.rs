//! What a computation leaves on the stack.

use zeroize::Zeroize;

/// Bytes that are overwritten at once.
const STEP: usize = 512;

/// Bytes that a frame of [`wipe_stack`] takes beside what it overwrites: what is saved, and alignment.
const FRAME: usize = 128;
/// Bytes for the frames between whoever asks for something and the first of [`wipe_stack`].
const CALLERS: usize = 512;

/// Bytes of stack that overwriting so many takes at most, from the caller of the card's own function on.
pub(crate) const fn stack_of_wiping(bytes: usize) -> usize {
    let steps = bytes.div_ceil(STEP);
    steps.saturating_mul(STEP + FRAME).saturating_add(CALLERS)
}

/// Overwrites so many bytes of the stack below the caller, in whole steps.
///
/// A value that is moved, or returned through several hands, leaves copies where it was that nothing wipes when it is
/// dropped; so do the temporaries of AES. So the card does what needs keys in a function of its own, and then this,
/// from the same place. Whoever moves a [`Card`](crate::Card) after power-up does the same.
#[inline(never)]
pub fn wipe_stack(bytes: usize) {
    let mut below = [0_u64; STEP / size_of::<u64>()];
    below.zeroize();
    if bytes > STEP {
        wipe_stack(bytes.saturating_sub(STEP));
    }
    // Else the last call would be a loop in one and the same frame.
    core::hint::black_box(&below);
}
