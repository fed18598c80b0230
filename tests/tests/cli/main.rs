//! The program `purse` as a program: what it is given, prints, leaves behind and ends with.

mod audit;
mod books;
mod commands;
mod doctor;
mod explain;
mod faults;
mod pending;
mod run;
mod serve;
mod spec;
mod support;
mod transfer;
#[cfg(unix)]
#[path = "../vpcd/support/mod.rs"]
mod vpcd_support;
mod words;
