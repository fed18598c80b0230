//! Those that kill most mutants, in a second.

#[path = "../tests/tests/card/authentic.rs"]
mod card_authentic;
#[path = "../tests/tests/card/certificate.rs"]
mod card_certificate;
#[path = "../tests/tests/card/data.rs"]
mod card_data;
#[path = "../tests/tests/card/failure.rs"]
mod card_failure;
#[path = "../tests/tests/card/files.rs"]
mod card_files;
#[path = "../tests/tests/card/limits.rs"]
mod card_limits;
#[path = "../tests/tests/card/lock.rs"]
mod card_lock;
#[path = "../tests/tests/card/log.rs"]
mod card_log;
#[path = "../tests/tests/card/order.rs"]
mod card_order;
#[path = "../tests/tests/card/payment.rs"]
mod card_payment;
#[path = "../tests/tests/card/personalise.rs"]
mod card_personalise;
#[path = "../tests/tests/card/pin.rs"]
mod card_pin;
#[path = "../tests/tests/card/profile.rs"]
mod card_profile;
#[path = "../tests/tests/card/refund.rs"]
mod card_refund;
#[path = "../tests/tests/card/repeat.rs"]
mod card_repeat;
#[path = "../tests/tests/card/resolve.rs"]
mod card_resolve;
#[path = "../tests/tests/card/script.rs"]
mod card_script;
#[path = "../tests/tests/card/secrets.rs"]
mod card_secrets;
#[path = "../tests/tests/card/select.rs"]
mod card_select;
#[path = "../tests/tests/card/sequence.rs"]
mod card_sequence;
#[path = "../tests/tests/card/t0.rs"]
mod card_t0;
#[path = "../tests/tests/card/transfer.rs"]
mod card_transfer;
#[path = "../tests/tests/store/model/mod.rs"]
mod model;
#[path = "../apdu-spec/tests/standard.rs"]
mod standard;
#[path = "../tests/tests/store/contract.rs"]
mod store_contract;
#[path = "../tests/tests/store/damage.rs"]
mod store_damage;
#[path = "../apdu-spec/tests/vectors.rs"]
mod vectors;
