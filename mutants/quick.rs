//! Those that kill most mutants, in a second.

#[path = "../tests/tests/card_authentic.rs"]
mod card_authentic;
#[path = "../tests/tests/card_data.rs"]
mod card_data;
#[path = "../tests/tests/card_failure.rs"]
mod card_failure;
#[path = "../tests/tests/card_files.rs"]
mod card_files;
#[path = "../tests/tests/card_limits.rs"]
mod card_limits;
#[path = "../tests/tests/card_lock.rs"]
mod card_lock;
#[path = "../tests/tests/card_log.rs"]
mod card_log;
#[path = "../tests/tests/card_order.rs"]
mod card_order;
#[path = "../tests/tests/card_payment.rs"]
mod card_payment;
#[path = "../tests/tests/card_personalise.rs"]
mod card_personalise;
#[path = "../tests/tests/card_pin.rs"]
mod card_pin;
#[path = "../tests/tests/card_profile.rs"]
mod card_profile;
#[path = "../tests/tests/card_refund.rs"]
mod card_refund;
#[path = "../tests/tests/card_repeat.rs"]
mod card_repeat;
#[path = "../tests/tests/card_resolve.rs"]
mod card_resolve;
#[path = "../tests/tests/card_script.rs"]
mod card_script;
#[path = "../tests/tests/card_secrets.rs"]
mod card_secrets;
#[path = "../tests/tests/card_select.rs"]
mod card_select;
#[path = "../tests/tests/card_sequence.rs"]
mod card_sequence;
#[path = "../tests/tests/card_t0.rs"]
mod card_t0;
#[path = "../apdu-spec/tests/standard.rs"]
mod standard;
#[path = "../tests/tests/store_contract.rs"]
mod store_contract;
#[path = "../tests/tests/store_damage.rs"]
mod store_damage;
#[path = "../apdu-spec/tests/vectors.rs"]
mod vectors;
