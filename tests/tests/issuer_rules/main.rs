//! The issuer's rules (section 7 of the protocol), on books in memory and in a database. The tests play the cards'
//! side with the formulas of the standard.

#[macro_use]
mod support;

mod collections;
mod database;
mod exchanges;
mod fraud;
mod histories;
mod loads;
mod orders;
mod registrations;
mod resolutions;
mod scripts;
mod unloads;
