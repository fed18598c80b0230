//! Holds the shipping card to the standard's listings: every command goes to it and to the reference card, and after
//! each one, and after every power cut, answers and whole abstract memory must be equal. See `docs/conformance.md`.

pub mod certificate;
pub mod content;
pub mod corpus;
pub mod coverage;
pub mod curve;
pub mod draw;
pub mod faults;
pub mod generator;
pub mod history;
pub mod issue;
pub mod menu;
pub mod message;
pub mod mutants;
pub mod pair;
pub mod report;
pub mod room;
pub mod run;
pub mod scenario;
pub mod specimen;
pub mod view;
pub mod walk;
