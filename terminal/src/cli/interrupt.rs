//! Ctrl-C, for commands that go on until then.

use purse_terminal::reader::Service;

use super::failure::Failure;

/// Ctrl-C cancels whatever waits for the service; a second one ends the program at once. Nothing needs tidying up: see
/// `purse recover`.
pub(crate) fn cancels(service: &Service) -> Result<(), Failure> {
    let stopping = service.clone();
    let handler = move || {
        if stopping.is_cancelled() {
            std::process::exit(130);
        }
        stopping.cancel();
    };
    ctrlc::set_handler(handler)
        .map_err(|error| Failure::other(format!("Ctrl-C cannot be caught: {error}"), "Try again."))
}
