//! The terminal of the purse: transports, middleware, typed clients, one flow a file, and the embedded issuer.

pub mod issuer;
pub mod simulated_memory;
