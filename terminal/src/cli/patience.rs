//! Waiting for another `purse` to be done with a card. A command takes a fraction of a second, so this is enough for
//! nearly all; who waits for a person does so with the cards closed.

use std::thread::sleep;
use std::time::{Duration, Instant};

use purse_terminal::virtual_card::VirtualCardError;

/// How long.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// Tries again as long as another program has the card's file.
pub(crate) fn patiently<T>(open: impl FnMut() -> Result<T, VirtualCardError>) -> Result<T, VirtualCardError> {
    while_busy(open, |error| matches!(error, VirtualCardError::InUse(_)))
}

/// Tries again as long as it fails for this reason, for a while.
pub(crate) fn while_busy<T, E>(
    mut attempt: impl FnMut() -> Result<T, E>,
    is_busy: impl Fn(&E) -> bool,
) -> Result<T, E> {
    let begin = Instant::now();
    loop {
        match attempt() {
            Err(error) if is_busy(&error) && begin.elapsed() < PATIENCE => sleep(PAUSE),
            result => return result,
        }
    }
}
