//! What a transfer costs payer and payee: with two purses that have never met, and with two that have since they got
//! power.

use std::collections::BTreeMap;

use apdu_spec::element::{Amount, Role, Time};
use purse_terminal::flow::transfer::{self, Transfer};
use purse_terminal::scheme::Scheme;

use super::aes_count::CountedEngine;
use super::bench::{Cost, Purse, card};
use super::failure::Failure;

/// Two transfers between the same purses.
pub(super) fn flows(scheme: &Scheme, time: Time) -> Result<Vec<Cost>, Failure> {
    let new = |place, balance| card(scheme, (Role::Purse, place), CountedEngine, true, balance);
    let mut payer: Purse<_> = new(0, Amount(5000))?;
    let mut payee: Purse<_> = new(1, Amount::ZERO)?;
    let order = Transfer { currency: scheme.denomination.element(), amount: Amount(350), time, pin: None };
    let mut costs = Vec::new();
    for flow in ["transfer", "transfer_to_the_same"] {
        payer.reselect()?;
        payee.reselect()?;
        transfer::transfer(&mut payer, &mut payee, &order)?;
        let both = [("payer", payer.transport().take_work()), ("payee", payee.transport().take_work())];
        costs.push((flow, BTreeMap::from(both)));
    }
    Ok(costs)
}
