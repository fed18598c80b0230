//! The issuer's rules (section 7 of the protocol), on books in memory and in a database. The tests play the cards'
//! side with the formulas of the standard.

#[path = "issuer_rules/support.rs"]
#[macro_use]
mod support;

#[path = "issuer_rules/collections.rs"]
mod collections;
#[path = "issuer_rules/database.rs"]
mod database;
#[path = "issuer_rules/fraud.rs"]
mod fraud;
#[path = "issuer_rules/histories.rs"]
mod histories;
#[path = "issuer_rules/loads.rs"]
mod loads;
#[path = "issuer_rules/registrations.rs"]
mod registrations;
#[path = "issuer_rules/resolutions.rs"]
mod resolutions;
#[path = "issuer_rules/scripts.rs"]
mod scripts;
#[path = "issuer_rules/unloads.rs"]
mod unloads;
