//! What a computation leaves on the stack.

use zeroize::Zeroize;

/// Bytes that are overwritten at once.
const STEP: usize = 512;

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
