//! Those that take their time, or cards of many sizes, which take the compiler's.

#[path = "../tests/tests/card_personalise.rs"]
mod card_personalise;
#[path = "../tests/tests/card_t0.rs"]
mod card_t0;
#[path = "../tests/tests/card_table.rs"]
mod card_table;
#[path = "../tests/tests/stolen_sam.rs"]
mod stolen_sam;
#[path = "../tests/tests/store_contract.rs"]
mod store_contract;
#[path = "../tests/tests/store_cuts.rs"]
mod store_cuts;
#[path = "../tests/tests/store_histories.rs"]
mod store_histories;
