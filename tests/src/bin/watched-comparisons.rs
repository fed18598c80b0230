//! `watched-comparisons CASE...`, for valgrind's memcheck: see `purse_tests::watched_comparisons`. Only where valgrind is.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    return purse_tests::watched_comparisons::run(std::env::args().skip(1));
    #[cfg(not(target_os = "linux"))]
    ExitCode::FAILURE
}
