//! Cards in readers: through the real pcscd, with the real program, and with tools that nobody here wrote.

#[cfg(all(feature = "pcsc", target_os = "linux"))]
#[path = "../cli/support/mod.rs"]
mod cli_support;
#[cfg(all(feature = "pcsc", target_os = "linux"))]
mod client_support;
mod clients;
mod controls;
mod hostile;
mod interrupted;
mod others;
mod payment;
mod procedure;
mod sessions;
mod silent;
#[cfg(all(feature = "pcsc", target_os = "linux"))]
mod support;
mod till;
mod transfer;
mod watch;
