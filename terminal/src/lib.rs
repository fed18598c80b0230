//! The terminal of the purse: transports, middleware, typed clients, one flow a file, and the embedded issuer.

pub mod amount;
pub mod client;
pub mod explain;
pub mod flow;
pub mod home;
pub mod hot_list;
pub mod issuer;
pub mod process;
pub mod reader;
pub mod scheme;
pub mod simulated_memory;
pub mod transport;
pub mod virtual_card;
pub mod vpcd;
