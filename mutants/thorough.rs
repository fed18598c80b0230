//! Those that take their time, or cards of many sizes, which take the compiler's.

#[path = "../tests/tests/card/personalise.rs"]
mod card_personalise;
#[path = "../tests/tests/card/t0.rs"]
mod card_t0;
#[path = "../tests/tests/card/table.rs"]
mod card_table;
#[path = "../tests/tests/store/model/mod.rs"]
mod model;
#[path = "../tests/tests/attacks/stolen_sam.rs"]
mod stolen_sam;
#[path = "../tests/tests/store/contract.rs"]
mod store_contract;
#[path = "../tests/tests/store/cuts.rs"]
mod store_cuts;
#[path = "../tests/tests/store/histories.rs"]
mod store_histories;
