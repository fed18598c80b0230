//! The language of the listings.

pub mod error;
pub mod parse;
pub mod syntax;
