//! The card alone: its commands, states, limits and log, one file for each.

mod authentic;
mod certificate;
mod data;
mod failure;
mod files;
mod limits;
mod lock;
mod log;
mod mixed;
mod model;
mod order;
mod payment;
mod personalise;
mod pin;
mod profile;
mod refund;
mod repeat;
mod resolve;
mod script;
mod secrets;
mod select;
mod sequence;
mod stack;
mod t0;
mod table;
mod transfer;
