//! The store of a card over memories that fail.

mod contract;
mod cuts;
mod damage;
mod flips;
mod histories;
mod memory;
mod model;
