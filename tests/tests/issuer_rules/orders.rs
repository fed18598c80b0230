//! Scripts that were ordered wait for their card, in order, and end.

use apdu_spec::element::{Currency, Expiry, Sequence};
use apdu_spec::parameter::Parameter;
use apdu_spec::pocket::{Limits, PocketParameters};
use purse_terminal::issuer::{IssuerError, OrderState, Store, Way};

use crate::support::*;

on_both_stores!(
    what_waits_is_what_was_signed,
    a_script_that_is_done_ends_those_before_it,
    a_new_pocket_comes_with_its_account,
    what_is_not_signed_is_not_ordered,
);

fn states<S: Store>(scheme: &Scheme<S>) -> Vec<(u32, OrderState)> {
    let orders = scheme.issuer.orders(Some(purse())).unwrap();
    orders.into_iter().map(|order| (order.counter, order.state)).collect()
}

fn what_waits_is_what_was_signed<S: Store>(mut scheme: Scheme<S>) {
    let block = scheme.issuer.order(purse(), &Parameter::Block, Way::Queue).unwrap();
    let file = scheme.issuer.order(purse(), &Parameter::PinTries, Way::File).unwrap();
    scheme.issuer.order(other_purse(), &Parameter::PinTries, Way::Queue).unwrap();
    let expiry = scheme.issuer.order(purse(), &Parameter::Expiry(Expiry([0x30, 0x12])), Way::Queue).unwrap();
    assert_eq!([block.counter, file.counter, expiry.counter], [1, 2, 3]);
    assert_eq!(scheme.issuer.waiting(purse()).unwrap(), [block, expiry], "to the letter, MAC and all");
    let expected = [(1, OrderState::Queued), (2, OrderState::Filed), (3, OrderState::Queued)];
    assert_eq!(states(&scheme), expected);
    assert_eq!(scheme.issuer.orders(None).unwrap().len(), 4);
    assert!(scheme.issuer.waiting(number(3)).unwrap().is_empty());
}

fn a_script_that_is_done_ends_those_before_it<S: Store>(mut scheme: Scheme<S>) {
    for way in [Way::Queue, Way::File, Way::Queue, Way::Queue] {
        scheme.issuer.order(purse(), &Parameter::PinTries, way).unwrap();
    }
    scheme.issuer.order_ended(purse(), 1, OrderState::Done).unwrap();
    scheme.issuer.order_ended(purse(), 3, OrderState::Refused).unwrap();
    let so_far =
        [(1, OrderState::Done), (2, OrderState::Filed), (3, OrderState::Refused), (4, OrderState::Queued)];
    assert_eq!(states(&scheme), so_far, "a refused one ends nothing");
    assert_eq!(scheme.issuer.waiting(purse()).unwrap().len(), 1);
    scheme.issuer.order_ended(purse(), 4, OrderState::Done).unwrap();
    let ended = [
        (1, OrderState::Done),
        (2, OrderState::Superseded),
        (3, OrderState::Superseded),
        (4, OrderState::Done),
    ];
    assert_eq!(states(&scheme), ended);
    // What is done stays done, whatever a later bringing comes to.
    scheme.issuer.order_ended(purse(), 1, OrderState::Superseded).unwrap();
    scheme.issuer.order_ended(purse(), 9, OrderState::Refused).unwrap();
    assert_eq!(states(&scheme), ended);
}

fn a_new_pocket_comes_with_its_account<S: Store>(mut scheme: Scheme<S>) {
    let dollar = Currency([0x08, 0x40]);
    let parameters = PocketParameters { currency: dollar, exponent: 2, limits: Limits::default() };
    let parameter = Parameter::NewPocket { pocket: 2, parameters };
    let asked = scheme.issuer.unload_request(
        purse(),
        dollar,
        unload_details(purse(), 0, 1).amount,
        Sequence(0),
        unload_details(purse(), 0, 1).time,
    );
    assert!(matches!(asked, Err(IssuerError::UnknownAccount { .. })));
    for _ in 0..2 {
        scheme.issuer.order(purse(), &parameter, Way::Queue).unwrap();
    }
    let accounts = scheme.issuer.accounts().unwrap();
    let dollars: Vec<i64> =
        accounts.iter().filter(|held| held.account.currency == dollar).map(|held| held.balance).collect();
    assert_eq!(dollars, [0], "the card's, once and empty");
    let pockets = scheme.issuer.pockets(purse()).unwrap();
    assert_eq!(pockets.iter().filter(|pocket| pocket.currency == dollar).count(), 1);
}

fn what_is_not_signed_is_not_ordered<S: Store>(mut scheme: Scheme<S>) {
    let load = load_details(purse(), 0, 100);
    scheme.issuer.load(&load, req(&load), "holder").unwrap();
    scheme.issuer.order(purse(), &Parameter::Terminate, Way::Queue).unwrap_err();
    scheme.issuer.order(number(3), &Parameter::Block, Way::Queue).unwrap_err();
    assert!(scheme.issuer.orders(None).unwrap().is_empty());
}
