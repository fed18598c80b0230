//! What an attacker may try with what is said between cards, with a card torn away, and with a SAM that is not his.

#[path = "../flow/support/mod.rs"]
mod flow_support;
mod messages;
mod stolen_sam;
mod tearing;
