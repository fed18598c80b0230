#![no_main]

use purse_fuzz as _;

libfuzzer_sys::fuzz_target!(|data: &[u8]| purse_tests::fuzzing::letters::target(data));
