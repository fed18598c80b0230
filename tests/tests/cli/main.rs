//! The program `purse` as a program: what it is given, prints, leaves behind and ends with.

mod audit;
mod books;
mod commands;
mod control;
mod disposable;
mod doctor;
mod exchange;
mod explain;
mod faults;
mod history;
mod hot_list;
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
