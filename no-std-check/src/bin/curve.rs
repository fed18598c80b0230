//! P-256 in software as a program with neither std nor an allocator: two parties make their keys, one signs and the
//! other verifies, and both agree on a secret. It ends with 0 if all of that comes out as it must.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::panic::PanicInfo;

use apdu_spec::curve::{Curve, PrivateKey, Signature, pair_key};
use apdu_spec::number::PartyNumber;
use apdu_spec::software::Software;

unsafe extern "C" {
    fn abort() -> !;
}

fn check() -> Option<bool> {
    let (one, other) = (PrivateKey(black_box([1; 32])), PrivateKey(black_box([2; 32])));
    let (public, public_other) = (Software.public_key(&one)?, Software.public_key(&other)?);
    let signature = Software::sign(&one, b"purse")?;
    let mut wrong = signature;
    wrong.0[63] ^= 1;
    let holds = Software.verify(&public, b"purse", &signature)
        && !Software.verify(&public, b"purse", &wrong)
        && !Software.verify(&public_other, b"purse", &signature)
        && !Software.verify(&public, b"purse", &Signature([0; 64]));
    let (secret, same) = (Software.agree(&one, &public_other)?, Software.agree(&other, &public)?);
    let numbers = (PartyNumber([1; 8]), PartyNumber([2; 8]));
    let key = pair_key(&Software, &secret, numbers.0, numbers.1);
    let same_key = pair_key(&Software, &same, numbers.1, numbers.0);
    Some(holds && key.0 == same_key.0 && Software.public_key(&PrivateKey([0; 32])).is_none())
}

/// Called by the C runtime.
#[unsafe(no_mangle)]
pub extern "C" fn main() -> i32 {
    i32::from(check() != Some(true))
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: it takes nothing and does not come back.
    unsafe { abort() }
}
