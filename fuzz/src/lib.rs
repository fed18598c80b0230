//! What the binaries share: no target may make much memory its own, whatever an input claims.

/// Far more than any input's worth; an allocation beyond it ends the process, and libFuzzer keeps the input.
const MOST_BYTES: usize = 48 << 20;

#[global_allocator]
static ALLOCATOR: cap::Cap<std::alloc::System> = cap::Cap::new(std::alloc::System, MOST_BYTES);
