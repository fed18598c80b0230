//! What the tests of flows share.

#![allow(dead_code, unused_imports, reason = "each test file uses its own part")]

pub(crate) mod hostile;
pub(crate) mod interrupted;
pub(crate) mod process;
pub(crate) mod shared;

pub(crate) use purse_tests::world::{
    HOLDER, MERCHANT, Money, OPERATOR, PIN, Rig, World, blank_issuer, client, introduce, new_issuer, payment,
    personalise, rig, rig_on, select, transfer_data,
};
