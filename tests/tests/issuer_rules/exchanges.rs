//! Exchanges: an unload of one currency becomes what is to be loaded in another, once, and each currency balances.

use apdu_spec::element::{Amount, Currency, Sequence, Time};
use apdu_spec::parameter::Parameter;
use apdu_spec::pay_details::PayDetails;
use purse_terminal::issuer::{Bargain, Exchange, ExchangeState, IssuerError, Store, Unloaded, Way};

use crate::support::*;

on_both_stores!(
    an_exchange_goes_over_the_account_once,
    what_is_declined_is_off,
    one_that_nothing_came_of_gives_way,
    half_done_it_is_finished_first,
    a_load_of_something_else_is_not_its_own,
    what_is_no_exchange_is_refused,
);

const BARGAIN: Bargain = Bargain { from: EUR, gives: Amount(1_000), to: JPY, gets: Amount(1_632) };

fn state<S: Store>(scheme: &Scheme<S>) -> Option<ExchangeState> {
    scheme.issuer.open_exchange(purse()).unwrap().map(|open| open.state)
}

/// In each currency the ledger sums to zero; position and account.
fn books<S: Store>(scheme: &Scheme<S>, currency: Currency) -> (i64, i64) {
    let books = scheme.issuer.books().unwrap();
    for books in &books {
        let accounts: i64 = books.accounts.iter().map(|held| held.balance).sum();
        let rest = books.float + books.withheld + books.unclaimed + books.position + books.outside;
        assert_eq!(accounts + rest, 0, "{books:?}");
    }
    let books = books.iter().find(|books| books.currency == currency).unwrap();
    (books.position, scheme.balance("holder", currency))
}

/// Agreed on at this sequence, and unloaded.
fn converted<S: Store>(scheme: &mut Scheme<S>, sequence: u32) -> PayDetails {
    let asked = scheme.issuer.exchange_request(purse(), &BARGAIN, Sequence(sequence), Time(9)).unwrap();
    assert_eq!(asked.req, req(&asked.pay_details));
    assert_eq!(state(scheme), Some(ExchangeState::Agreed));
    let credited = scheme.issuer.unload(&voucher(asked.pay_details)).unwrap();
    assert!(matches!(credited, Unloaded::Credited { credited: Amount(1_000), .. }));
    asked.pay_details
}

fn yen(sequence: u32, amount: u32) -> PayDetails {
    PayDetails { currency: JPY, ..load_details(purse(), sequence, amount) }
}

fn an_exchange_goes_over_the_account_once<S: Store>(mut scheme: Scheme<S>) {
    let unload = converted(&mut scheme, 0);
    let agreed = Exchange {
        unload,
        currency: JPY,
        amount: Amount(1_632),
        state: ExchangeState::Converted,
        load: None,
    };
    assert_eq!(scheme.issuer.open_exchange(purse()).unwrap(), Some(agreed));
    assert_eq!(scheme.issuer.open_exchanges().unwrap(), [agreed]);
    assert_eq!(books(&scheme, EUR), (1_000, OPENING));
    assert_eq!(books(&scheme, JPY), (-1_632, OPENING + 1_632));
    // The unload again, for its ack: nothing more.
    scheme.issuer.unload(&voucher(unload)).unwrap();
    assert_eq!(books(&scheme, JPY), (-1_632, OPENING + 1_632));

    let load = yen(1, 1_632);
    for _ in 0..2 {
        scheme.issuer.load(&load, req(&load), "holder").unwrap();
        assert_eq!(state(&scheme), Some(ExchangeState::Loading));
    }
    assert_eq!(scheme.issuer.end_exchange(purse()), Err(IssuerError::ExchangeUnfinished(purse())));
    // Declined it is to be loaded again.
    scheme.issuer.load_declined(purse(), Sequence(1), nack(&load)).unwrap();
    assert_eq!(state(&scheme), Some(ExchangeState::Converted));
    let load = yen(2, 1_632);
    scheme.issuer.load(&load, req(&load), "holder").unwrap();
    for _ in 0..2 {
        scheme.issuer.load_acknowledged(purse(), Sequence(2), ack(&load)).unwrap();
        assert_eq!(state(&scheme), None);
    }
    assert_eq!(books(&scheme, JPY), (-1_632, OPENING));
    assert_eq!(books(&scheme, EUR), (1_000, OPENING));
}

fn what_is_declined_is_off<S: Store>(mut scheme: Scheme<S>) {
    let asked = scheme.issuer.exchange_request(purse(), &BARGAIN, Sequence(0), Time(9)).unwrap();
    scheme.issuer.decline_unload(&voucher(asked.pay_details)).unwrap();
    assert_eq!(state(&scheme), None);
    assert_eq!(books(&scheme, JPY), (0, OPENING));

    let asked = scheme.issuer.exchange_request(purse(), &BARGAIN, Sequence(1), Time(9)).unwrap();
    assert_eq!(scheme.issuer.end_exchange(purse()), Ok(ExchangeState::Cancelled));
    // The card has debited after all: an unload like any other.
    scheme.issuer.unload(&voucher(asked.pay_details)).unwrap();
    assert_eq!(books(&scheme, EUR), (0, OPENING + 1_000));
    assert_eq!(books(&scheme, JPY), (0, OPENING));
}

fn one_that_nothing_came_of_gives_way<S: Store>(mut scheme: Scheme<S>) {
    let first = scheme.issuer.exchange_request(purse(), &BARGAIN, Sequence(0), Time(9)).unwrap();
    let other = Bargain { gives: Amount(500), gets: Amount(816), ..BARGAIN };
    let second = scheme.issuer.exchange_request(purse(), &other, Sequence(1), Time(10)).unwrap();
    scheme.issuer.unload(&voucher(first.pay_details)).unwrap();
    assert_eq!((books(&scheme, EUR), state(&scheme)), ((0, OPENING + 1_000), Some(ExchangeState::Agreed)));
    scheme.issuer.unload(&voucher(second.pay_details)).unwrap();
    assert_eq!(books(&scheme, JPY), (-816, OPENING + 816));
}

fn half_done_it_is_finished_first<S: Store>(mut scheme: Scheme<S>) {
    converted(&mut scheme, 0);
    let refused = scheme.issuer.exchange_request(purse(), &BARGAIN, Sequence(1), Time(9));
    assert_eq!(refused, Err(IssuerError::ExchangeUnfinished(purse())));
    // Another card's is its own.
    scheme.issuer.exchange_request(other_purse(), &BARGAIN, Sequence(1), Time(9)).unwrap();
    assert_eq!(scheme.issuer.end_exchange(purse()), Ok(ExchangeState::Kept));
    assert_eq!(books(&scheme, JPY), (-1_632, OPENING + 1_632));
    scheme.issuer.exchange_request(purse(), &BARGAIN, Sequence(1), Time(9)).unwrap();
}

fn a_load_of_something_else_is_not_its_own<S: Store>(mut scheme: Scheme<S>) {
    converted(&mut scheme, 0);
    for (load, account) in [
        (yen(1, 1_631), "holder"),
        (load_details(purse(), 2, 1_632), "holder"),
        (PayDetails { to: other_purse(), ..yen(3, 1_632) }, "holder"),
    ] {
        scheme.issuer.load(&load, req(&load), account).unwrap();
        assert_eq!(state(&scheme), Some(ExchangeState::Converted));
        scheme.issuer.load_acknowledged(load.to, load.to_sequence, ack(&load)).unwrap();
        assert_eq!(state(&scheme), Some(ExchangeState::Converted));
    }
}

fn what_is_no_exchange_is_refused<S: Store>(mut scheme: Scheme<S>) {
    let dollar = Currency([0x08, 0x40]);
    let no_account = |error: &IssuerError| matches!(error, IssuerError::UnknownAccount { .. });
    let mut ask = |card, bargain: Bargain| {
        scheme.issuer.exchange_request(card, &bargain, Sequence(0), Time(9)).unwrap_err()
    };
    assert!(matches!(ask(purse(), Bargain { to: EUR, ..BARGAIN }), IssuerError::Exchange(_)));
    assert!(matches!(ask(purse(), Bargain { gets: Amount::ZERO, ..BARGAIN }), IssuerError::Exchange(_)));
    assert!(matches!(ask(purse(), Bargain { gives: Amount::ZERO, ..BARGAIN }), IssuerError::PayDetails(_)));
    assert!(matches!(ask(sam_number(), BARGAIN), IssuerError::Exchange(_)));
    assert!(no_account(&ask(purse(), Bargain { to: dollar, ..BARGAIN })));
    assert!(no_account(&ask(purse(), Bargain { from: dollar, ..BARGAIN })));
    assert_eq!(ask(number(3), BARGAIN), IssuerError::UnknownCard(number(3)));
    scheme.issuer.order(purse(), &Parameter::Block, Way::Queue).unwrap();
    let blocked = scheme.issuer.exchange_request(purse(), &BARGAIN, Sequence(0), Time(9));
    assert!(matches!(blocked, Err(IssuerError::CardState { .. })));
    assert!(scheme.issuer.open_exchanges().unwrap().is_empty());
}
