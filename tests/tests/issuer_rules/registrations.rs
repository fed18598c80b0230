//! Accounts and cards come onto the books once, and only such as can be.

use apdu_spec::element::{Amount, Currency, KeyVersion, Role};
use apdu_spec::number::PartyNumber;
use purse_terminal::issuer::{Funding, IssuerError, NewCard, Store};

use crate::support::*;

on_both_stores!(
    an_account_is_opened_once_in_each_currency,
    a_card_is_issued_once,
    a_card_that_cannot_be_is_not_issued,
    value_on_a_new_card_comes_from_somewhere,
);

const NOTHING: [(Currency, Amount); 1] = [(EUR, Amount(0))];

fn new_card(number: PartyNumber) -> NewCard<'static> {
    NewCard {
        number,
        role: Role::Purse,
        key_version: KEY_VERSION,
        account: "holder",
        pockets: &NOTHING,
        funding: Funding::Outside,
    }
}

fn an_account_is_opened_once_in_each_currency<S: Store>(mut scheme: Scheme<S>) {
    let again = scheme.issuer.register_account("holder", EUR, 5);
    assert_eq!(again, Err(IssuerError::AlreadyRegistered("account holder".into())));
    assert_eq!(scheme.balance("holder", EUR), OPENING);
    for (name, currency, initial) in [("", EUR, 0), ("new", Currency::NONE, 0), ("new", EUR, -1)] {
        let refused = scheme.issuer.register_account(name, currency, initial);
        assert!(matches!(refused, Err(IssuerError::Registration(_))), "{name} {currency:?} {initial}");
    }
    assert_eq!(scheme.issuer.accounts().unwrap().len(), 4);
}

fn a_card_is_issued_once<S: Store>(mut scheme: Scheme<S>) {
    scheme.load(&load_details(purse(), 0, 100));
    let before = scheme.issuer.card(purse());
    let again = scheme.issuer.register_card(&NewCard { role: Role::Merchant, ..new_card(purse()) });
    assert_eq!(again, Err(IssuerError::AlreadyRegistered(format!("card {}", purse()))));
    assert_eq!(scheme.issuer.card(purse()), before);
    let doubled = [(EUR, Amount(1)), (EUR, Amount(2))];
    let refused = scheme.issuer.register_card(&NewCard { pockets: &doubled, ..new_card(number(7)) });
    assert!(matches!(refused, Err(IssuerError::Registration(_))));
    assert_eq!(scheme.issuer.card(number(7)), Err(IssuerError::UnknownCard(number(7))), "nothing of it");
    assert_eq!(scheme.float(), 100);
}

fn a_card_that_cannot_be_is_not_issued<S: Store>(mut scheme: Scheme<S>) {
    let PartyNumber(mut bytes) = number(7);
    bytes[7] ^= 1;
    for number in [PartyNumber(bytes), issuer_number()] {
        let refused = scheme.issuer.register_card(&new_card(number));
        assert!(matches!(refused, Err(IssuerError::Registration(_))), "{number}");
    }
    for key_version in [KeyVersion::NONE, KeyVersion(9)] {
        let refused = scheme.issuer.register_card(&NewCard { key_version, ..new_card(number(7)) });
        assert_eq!(refused, Err(IssuerError::UnknownKeyVersion(key_version)));
    }
    let refused = scheme.issuer.register_card(&NewCard { account: "nobody", ..new_card(number(7)) });
    assert!(matches!(refused, Err(IssuerError::UnknownAccount { .. })));
    assert_eq!(scheme.issuer.cards().unwrap().len(), 3);
}

fn value_on_a_new_card_comes_from_somewhere<S: Store>(mut scheme: Scheme<S>) {
    let pockets = [(EUR, Amount(400)), (JPY, Amount(9))];
    scheme.issuer.register_card(&NewCard { pockets: &pockets, ..new_card(number(7)) }).unwrap();
    assert_eq!((scheme.balance("holder", EUR), scheme.float()), (OPENING, 400));
    let funded = NewCard { pockets: &pockets, funding: Funding::Account, ..new_card(number(8)) };
    scheme.issuer.register_card(&funded).unwrap();
    assert_eq!((scheme.balance("holder", EUR), scheme.float()), (OPENING - 400, 800));
    assert_eq!(scheme.balance("holder", JPY), OPENING - 9);
    let issued: Vec<_> =
        scheme.issuer.pockets(number(8)).unwrap().iter().map(|pocket| pocket.issued).collect();
    assert_eq!(issued, [Amount(9), Amount(400)]);
    let books = scheme.issuer.books().unwrap();
    assert_eq!(books[1].outside, -(OPENING + 400));
    assert_eq!(books[0].float, 18);
}
