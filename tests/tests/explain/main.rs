//! `purse explain`: what it says of any bytes.

#[path = "../flow/support/mod.rs"]
mod flow_support;
mod objects;
mod story;
