//! Unloads: one PD for each sequence, credited or declined, for ever.

use apdu_spec::element::{Amount, Kind, Sequence, Time};
use apdu_spec::pay_details::PayDetails;
use purse_terminal::issuer::{IssuerError, Message, Store, Unloaded};

use crate::support::*;

on_both_stores!(
    an_unload_is_credited_once_and_acknowledged_for_ever,
    unloads_come_in_any_order_at_any_time,
    a_declined_unload_is_never_credited,
    a_credited_unload_is_never_declined,
    a_second_unload_under_one_sequence_is_a_fork,
    val_and_tac_are_both_verified,
    a_lost_load_and_an_unload_share_a_sequence,
    a_request_fits_the_card,
);

fn credited(pay_details: &PayDetails) -> Unloaded {
    let (ack, credited) = (ack(pay_details), pay_details.amount);
    Unloaded::Credited { ack, credited, withheld: Amount(0) }
}

fn an_unload_is_credited_once_and_acknowledged_for_ever<S: Store>(mut scheme: Scheme<S>) {
    scheme.load(&load_details(purse(), 0, 2_000));
    let request = scheme.issuer.unload_request(purse(), EUR, Amount(500), Sequence(1), Time(9)).unwrap();
    let details = PayDetails { time: Time(9), ..unload_details(purse(), 1, 500) };
    assert_eq!((request.pay_details, request.req), (details, req(&details)));
    for _ in 0..3 {
        assert_eq!(scheme.issuer.unload(&voucher(details)), Ok(credited(&details)));
        assert_eq!((scheme.balance("holder", EUR), scheme.float()), (OPENING - 1_500, 1_500));
    }
}

fn unloads_come_in_any_order_at_any_time<S: Store>(mut scheme: Scheme<S>) {
    scheme.load(&load_details(purse(), 0, 2_000));
    for sequence in [7, 3, 5, 3, 7] {
        let details = unload_details(purse(), sequence, 100 + sequence);
        assert_eq!(scheme.issuer.unload(&voucher(details)), Ok(credited(&details)));
    }
    assert_eq!(scheme.float(), 2_000 - 315);
}

fn a_declined_unload_is_never_credited<S: Store>(mut scheme: Scheme<S>) {
    scheme.load(&load_details(purse(), 0, 2_000));
    let unload = voucher(unload_details(purse(), 1, 500));
    for _ in 0..2 {
        assert_eq!(scheme.issuer.decline_unload(&unload), Ok(nack(&unload.pay_details)));
        assert_eq!(scheme.issuer.unload(&unload), Err(IssuerError::UnloadDeclined));
    }
    assert_eq!((scheme.balance("holder", EUR), scheme.float()), (OPENING - 2_000, 2_000));
}

fn a_credited_unload_is_never_declined<S: Store>(mut scheme: Scheme<S>) {
    scheme.load(&load_details(purse(), 0, 2_000));
    let unload = voucher(unload_details(purse(), 1, 500));
    scheme.issuer.unload(&unload).unwrap();
    for _ in 0..2 {
        assert_eq!(scheme.issuer.decline_unload(&unload), Err(IssuerError::UnloadCredited));
        assert_eq!(scheme.issuer.unload(&unload), Ok(credited(&unload.pay_details)));
    }
}

fn a_second_unload_under_one_sequence_is_a_fork<S: Store>(mut scheme: Scheme<S>) {
    scheme.load(&load_details(purse(), 0, 2_000));
    let [first, second] = [500, 501].map(|amount| voucher(unload_details(purse(), 1, amount)));
    scheme.issuer.unload(&first).unwrap();
    let other = IssuerError::OtherUnload { card: purse(), sequence: Sequence(1) };
    assert_eq!(scheme.issuer.unload(&second).as_ref(), Err(&other));
    assert_eq!(scheme.issuer.decline_unload(&second).as_ref(), Err(&other));
    let request = scheme.issuer.unload_request(purse(), EUR, Amount(501), Sequence(1), Time(1_700_000_000));
    assert_eq!(request, Err(other));
    assert_eq!(scheme.float(), 1_500);
    let forks = scheme.issuer.forks().unwrap();
    assert_eq!(forks.len(), 1);
    assert_eq!((forks[0].payer, forks[0].sequence, forks[0].debits.len()), (purse(), Sequence(1), 2));
}

fn val_and_tac_are_both_verified<S: Store>(mut scheme: Scheme<S>) {
    let good = voucher(unload_details(purse(), 1, 500));
    let mut other = good;
    other.val = wrong(good.val);
    let refused = Err(IssuerError::Authentication(Message::Val));
    assert_eq!(scheme.issuer.unload(&other), refused);
    other = good;
    other.tac = bad(good.tac);
    assert_eq!(scheme.issuer.unload(&other), refused, "val covers the TAC");
    other.val = val(&good.pay_details, other.tac);
    assert_eq!(scheme.issuer.unload(&other), Err(IssuerError::Authentication(Message::Tac)));
    assert_eq!(scheme.issuer.decline_unload(&other), Err(IssuerError::Authentication(Message::Tac)));
    assert_eq!(scheme.issuer.transfers(None).unwrap(), []);
    let elsewhere = PayDetails { to: sam_number(), ..good.pay_details };
    assert!(matches!(scheme.issuer.unload(&voucher(elsewhere)), Err(IssuerError::PayDetails(_))));
    let purchase = PayDetails { kind: Kind::Purchase, ..good.pay_details };
    assert!(matches!(scheme.issuer.unload(&voucher(purchase)), Err(IssuerError::PayDetails(_))));
}

/// val of the load never arrived; the card's next debit is an unload, and the load is declined afterwards.
fn a_lost_load_and_an_unload_share_a_sequence<S: Store>(mut scheme: Scheme<S>) {
    scheme.load(&load_details(purse(), 0, 2_000));
    let lost = load_details(purse(), 1, 300);
    scheme.issuer.load(&lost, req(&lost), "holder").unwrap();
    let unload = unload_details(purse(), 1, 500);
    assert_eq!(scheme.issuer.unload(&voucher(unload)), Ok(credited(&unload)));
    scheme.issuer.load_declined(purse(), Sequence(1), nack(&lost)).unwrap();
    assert_eq!((scheme.balance("holder", EUR), scheme.float()), (OPENING - 1_500, 1_500));
}

fn a_request_fits_the_card<S: Store>(mut scheme: Scheme<S>) {
    scheme.load(&load_details(purse(), 0, 100));
    let ask = |card, currency, amount| {
        scheme.issuer.unload_request(card, currency, Amount(amount), Sequence(0), Time(1)).map(|_| ())
    };
    assert!(matches!(ask(purse(), EUR, 0), Err(IssuerError::PayDetails(_))), "0 only in a collection");
    assert_eq!(ask(sam_number(), EUR, 0), Ok(()));
    assert_eq!(ask(number(3), EUR, 1), Err(IssuerError::UnknownCard(number(3))));
    let dollars = apdu_spec::element::Currency([0x08, 0x40]);
    assert!(matches!(ask(purse(), dollars, 1), Err(IssuerError::UnknownAccount { .. })));
}
