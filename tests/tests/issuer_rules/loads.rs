//! Loads: one at a time, upwards, and the same answer for ever.

use apdu_spec::command::Voucher;
use apdu_spec::cryptography::Tac;
use apdu_spec::element::{Amount, Currency, KeyVersion, Kind, Sequence};
use apdu_spec::pay_details::PayDetails;
use purse_terminal::issuer::{IssuerError, Message, Store, TransferState};

use crate::support::*;

on_both_stores!(
    the_same_load_has_the_same_val_for_ever,
    a_second_load_waits_for_ack_or_nack_of_the_first,
    ack_and_nack_are_welcome_late_and_again,
    a_contradicting_ack_or_nack_is_refused,
    a_load_lies_above_every_earlier_one,
    any_terminal_can_finish_an_unresolved_load,
    a_wrong_authenticator_moves_nothing,
    pay_details_that_do_not_fit_are_refused,
    an_account_is_never_overdrawn,
    a_card_told_to_be_blocked_gets_no_new_load,
);

fn the_same_load_has_the_same_val_for_ever<S: Store>(mut scheme: Scheme<S>) {
    let first = load_details(purse(), 0, 2_000);
    let give = |scheme: &mut Scheme<S>| scheme.issuer.load(&first, req(&first), "holder").unwrap();
    let proof = give(&mut scheme);
    assert_eq!((proof.val, proof.tac), (val(&first, Tac::NONE), Tac::NONE));
    assert_eq!(give(&mut scheme), proof);
    assert_eq!((scheme.balance("holder", EUR), scheme.float()), (OPENING - 2_000, 2_000), "debited once");
    scheme.issuer.load_acknowledged(purse(), Sequence(0), ack(&first)).unwrap();
    assert_eq!(give(&mut scheme), proof);
    let second = load_details(purse(), 1, 100);
    scheme.issuer.load(&second, req(&second), "holder").unwrap();
    scheme.issuer.load_declined(purse(), Sequence(1), nack(&second)).unwrap();
    assert_eq!(give(&mut scheme), proof);
    let again = scheme.issuer.load(&second, req(&second), "holder").unwrap();
    assert_eq!(again.val, val(&second, Tac::NONE));
    assert_eq!((scheme.balance("holder", EUR), scheme.float()), (OPENING - 2_000, 2_000));
}

fn a_second_load_waits_for_ack_or_nack_of_the_first<S: Store>(mut scheme: Scheme<S>) {
    let first = load_details(purse(), 4, 100);
    scheme.issuer.load(&first, req(&first), "holder").unwrap();
    for second in [load_details(purse(), 5, 100), load_details(purse(), 4, 99), load_details(purse(), 3, 100)]
    {
        let refused = scheme.issuer.load(&second, req(&second), "holder");
        assert_eq!(refused, Err(IssuerError::LoadUnresolved { card: purse(), sequence: Sequence(4) }));
    }
    assert_eq!(scheme.float(), 100);
    let elsewhere = load_details(other_purse(), 0, 50);
    scheme.issuer.load(&elsewhere, req(&elsewhere), "holder").unwrap();
    assert_eq!(scheme.issuer.open_transfers().unwrap().len(), 2);
    scheme.issuer.load_declined(purse(), Sequence(4), nack(&first)).unwrap();
    scheme.load(&load_details(purse(), 5, 100));
    assert_eq!((scheme.balance("holder", EUR), scheme.float()), (OPENING - 150, 150));
}

fn ack_and_nack_are_welcome_late_and_again<S: Store>(mut scheme: Scheme<S>) {
    let (first, second) = (load_details(purse(), 0, 100), load_details(purse(), 9, 200));
    scheme.load(&first);
    scheme.issuer.load(&second, req(&second), "holder").unwrap();
    scheme.issuer.load_declined(purse(), Sequence(9), nack(&second)).unwrap();
    scheme.load(&load_details(purse(), 10, 300));
    for _ in 0..2 {
        scheme.issuer.load_acknowledged(purse(), Sequence(0), ack(&first)).unwrap();
        scheme.issuer.load_declined(purse(), Sequence(9), nack(&second)).unwrap();
    }
    assert_eq!((scheme.balance("holder", EUR), scheme.float()), (OPENING - 400, 400), "given back once");
}

fn a_contradicting_ack_or_nack_is_refused<S: Store>(mut scheme: Scheme<S>) {
    let (first, second) = (load_details(purse(), 0, 100), load_details(purse(), 1, 200));
    scheme.load(&first);
    let nacked = scheme.issuer.load_declined(purse(), Sequence(0), nack(&first));
    assert_eq!(nacked, Err(IssuerError::LoadAcknowledged));
    scheme.issuer.load(&second, req(&second), "holder").unwrap();
    scheme.issuer.load_declined(purse(), Sequence(1), nack(&second)).unwrap();
    let acked = scheme.issuer.load_acknowledged(purse(), Sequence(1), ack(&second));
    assert_eq!(acked, Err(IssuerError::LoadDeclined));
    assert_eq!((scheme.balance("holder", EUR), scheme.float()), (OPENING - 100, 100));
    let states: Vec<_> =
        scheme.issuer.transfers(Some(purse())).unwrap().iter().map(|transfer| transfer.state).collect();
    assert_eq!(states, [TransferState::Acknowledged, TransferState::Declined]);
}

fn a_load_lies_above_every_earlier_one<S: Store>(mut scheme: Scheme<S>) {
    scheme.load(&load_details(purse(), 7, 100));
    for (sequence, amount) in [(7, 99), (6, 100), (0, 100)] {
        let earlier = load_details(purse(), sequence, amount);
        let refused = scheme.issuer.load(&earlier, req(&earlier), "holder");
        let (sequence, last) = (Sequence(sequence), Sequence(7));
        assert_eq!(refused, Err(IssuerError::LoadSequence { card: purse(), sequence, last }));
    }
    scheme.load(&load_details(purse(), 8, 100));
    let again = load_details(purse(), 8, 101);
    let last = IssuerError::LoadSequence { card: purse(), sequence: Sequence(8), last: Sequence(8) };
    assert_eq!(scheme.issuer.load(&again, req(&again), "holder"), Err(last));
}

/// val was lost on its way, and with it whatever terminal had asked for it.
fn any_terminal_can_finish_an_unresolved_load<S: Store>(mut scheme: Scheme<S>) {
    assert_eq!(scheme.issuer.unresolved_load(purse()), Ok(None));
    scheme.load(&load_details(purse(), 0, 50));
    let load = load_details(purse(), 1, 100);
    let proof = scheme.issuer.load(&load, req(&load), "holder").unwrap();
    let voucher = Voucher { pay_details: load, val: proof.val, tac: proof.tac };
    assert_eq!(scheme.issuer.unresolved_load(purse()), Ok(Some(voucher)));
    assert_eq!(scheme.issuer.unresolved_load(other_purse()), Ok(None));
    assert_eq!(scheme.issuer.unresolved_load(number(3)), Err(IssuerError::UnknownCard(number(3))));
    scheme.issuer.load_declined(purse(), Sequence(1), nack(&load)).unwrap();
    assert_eq!(scheme.issuer.unresolved_load(purse()), Ok(None));
}

fn a_wrong_authenticator_moves_nothing<S: Store>(mut scheme: Scheme<S>) {
    let load = load_details(purse(), 0, 100);
    let issuer = &mut scheme.issuer;
    let refusal = |message| Err(IssuerError::Authentication(message));
    assert_eq!(issuer.load(&load, wrong(req(&load)), "holder").map(|_| ()), refusal(Message::Req));
    assert!(matches!(
        issuer.load_acknowledged(purse(), Sequence(0), ack(&load)),
        Err(IssuerError::UnknownLoad { .. })
    ));
    issuer.load(&load, req(&load), "holder").unwrap();
    assert_eq!(issuer.load(&load, wrong(req(&load)), "holder").map(|_| ()), refusal(Message::Req));
    for other in [nack(&load), wrong(ack(&load))] {
        assert_eq!(issuer.load_acknowledged(purse(), Sequence(0), other), refusal(Message::Ack));
    }
    for other in [ack(&load), wrong(nack(&load))] {
        assert_eq!(issuer.load_declined(purse(), Sequence(0), other), refusal(Message::Nack));
    }
    assert_eq!(scheme.issuer.open_transfers().unwrap().len(), 1);
}

fn pay_details_that_do_not_fit_are_refused<S: Store>(mut scheme: Scheme<S>) {
    let good = load_details(purse(), 3, 100);
    let unknown = number(3);
    for other in [
        PayDetails { kind: Kind::Unload, ..good },
        PayDetails { from: unknown, ..good },
        PayDetails { from_sequence: Sequence(4), ..good },
        PayDetails { amount: Amount(0), ..good },
        PayDetails { key_version: KeyVersion(2), ..good },
    ] {
        let refused = scheme.issuer.load(&other, req(&other), "holder");
        assert!(matches!(refused, Err(IssuerError::PayDetails(_))), "{other:?}: {refused:?}");
    }
    let other = PayDetails { to: unknown, ..good };
    let refused = scheme.issuer.load(&other, req(&other), "holder");
    assert_eq!(refused, Err(IssuerError::UnknownCard(unknown)));
    let other = PayDetails { currency: Currency([0x08, 0x40]), ..good };
    let refused = scheme.issuer.load(&other, req(&other), "holder");
    assert_eq!(refused, Err(IssuerError::UnknownAccount { name: "holder".into(), currency: 840 }));
    assert_eq!(scheme.issuer.transfers(None).unwrap(), []);
}

fn an_account_is_never_overdrawn<S: Store>(mut scheme: Scheme<S>) {
    let load = load_details(purse(), 0, 10_001);
    let refused = scheme.issuer.load(&load, req(&load), "holder");
    let funds = IssuerError::Funds { account: "holder".into(), balance: OPENING, amount: 10_001 };
    assert_eq!(refused, Err(funds));
    scheme.load(&load_details(purse(), 0, 10_000));
    assert_eq!(scheme.balance("holder", EUR), 0);
    let refused =
        scheme.issuer.load(&load_details(purse(), 1, 1), req(&load_details(purse(), 1, 1)), "nobody");
    assert!(matches!(refused, Err(IssuerError::UnknownAccount { .. })));
}

fn a_card_told_to_be_blocked_gets_no_new_load<S: Store>(mut scheme: Scheme<S>) {
    use apdu_spec::parameter::Parameter;
    let (first, second) = (load_details(purse(), 0, 100), load_details(purse(), 1, 100));
    scheme.load(&first);
    scheme.issuer.script(purse(), &Parameter::Block).unwrap();
    assert!(matches!(
        scheme.issuer.load(&second, req(&second), "holder"),
        Err(IssuerError::CardState { .. })
    ));
    scheme.issuer.load(&first, req(&first), "holder").unwrap();
    scheme.issuer.script(purse(), &Parameter::Unblock).unwrap();
    scheme.load(&second);
}
