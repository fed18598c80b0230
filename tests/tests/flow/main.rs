//! What a terminal does with cards and issuer, without faults and with every one.

mod again;
mod attacks;
mod collection;
mod cuts;
mod exchange;
mod faults;
mod histories;
mod hostile;
mod middleware;
mod money;
mod order;
mod phases;
mod refusals;
mod relay;
mod strangers;
mod support;
mod transfer;
