//! What a terminal does with cards and issuer, without faults and with every one.

mod again;
mod attacks;
mod collection;
mod cuts;
mod exchange;
mod faults;
mod hostile;
mod middleware;
mod money;
mod order;
mod phases;
mod refusals;
mod strangers;
mod support;
