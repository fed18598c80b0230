//! What the integration tests share: cards on simulated memory, the issuer's keys, and the other side's formulas.
#![allow(clippy::missing_panics_doc, reason = "a harness panics where its test fails")]
#![allow(clippy::inconsistent_digit_grouping, reason = "cents stand apart: 150_00 is 150.00")]

pub mod bench_card;
pub mod card_model;
pub mod flip_histories;
pub mod flips;
pub mod fuzzing;
mod listened;
pub mod overheard;
#[cfg(target_os = "linux")]
pub mod reader_service;
pub mod reference_memory;
pub mod rows;
pub mod scheme;
pub mod stage;
pub mod steps;
pub mod store_data;
#[cfg(all(feature = "memcheck", target_os = "linux"))]
pub mod watched_comparisons;
pub mod world;
