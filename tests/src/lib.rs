//! What the integration tests share: cards on simulated memory, the issuer's keys, and the other side's formulas.

pub mod bench_card;
pub mod scheme;
pub mod stage;
pub mod steps;
