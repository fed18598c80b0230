//! Resolution: only what the issuer knows for certain, and the same answer again.

use apdu_spec::command::Script;
use apdu_spec::element::{Kind, Role, Sequence};
use apdu_spec::parameter::{Parameter, Resolution};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::{LogRecord, RecordRole, RecordState};
use purse_terminal::issuer::{
    Flaw, IssuerError, Message, Refusal, SignedScript, Store, Unloaded, Unsettleable,
};

use crate::support::*;

on_both_stores!(
    a_purchase_that_the_chain_has_is_settled,
    a_purchase_that_the_chain_has_passed_without_is_reversed,
    a_purchase_is_not_resolved_before_a_fitting_collection,
    a_purchase_from_a_sam_that_never_was_is_reversed_and_never_honoured,
    an_unload_is_resolved_from_the_books,
    a_collection_is_settled_once_credited,
    a_refund_is_closed_only_as_unclaimed,
    an_unclaimed_refund_that_was_reversed_comes_back,
    a_transfer_is_closed_only_as_unclaimed,
    only_an_open_payer_record_with_a_good_tac_is_resolved,
    the_same_resolution_is_the_same_script,
);

fn resolution(script: &SignedScript) -> (u32, Resolution) {
    let Script { counter, id, value, .. } = script.script();
    match Parameter::parse(id, value) {
        Ok(Parameter::Resolve { resolution, .. }) => (counter, resolution),
        other => panic!("not a resolution: {other:?}"),
    }
}

fn refused(result: Result<SignedScript, IssuerError>) -> Refusal {
    match result {
        Err(IssuerError::Resolve(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

fn a_purchase_that_the_chain_has_is_settled<S: Store>(mut scheme: Scheme<S>) {
    let mut sam = Sam::new();
    let sold = sam.sell(0, 100);
    scheme.collect(&mut sam, EUR);
    let script = scheme.resolve(&open_record(sold)).unwrap();
    assert_eq!(resolution(&script), (1, Resolution::Settled));
}

fn a_purchase_that_the_chain_has_passed_without_is_reversed<S: Store>(mut scheme: Scheme<S>) {
    let mut sam = Sam::new();
    let lost = purchase_details(purse(), 0, &sam, 100);
    sam.sell(1, 200);
    let declined = purchase_details(purse(), 2, &sam, 300);
    sam.decline(declined);
    scheme.collect(&mut sam, EUR);
    let script = scheme.resolve(&open_record(lost)).unwrap();
    assert_eq!(resolution(&script), (1, Resolution::Reversed));
    let script = scheme.resolve(&open_record(declined)).unwrap();
    assert_eq!(resolution(&script), (2, Resolution::Reversed));
    // The next one has not been passed: it is where the collection stands, plus one.
    let next = purchase_details(purse(), 3, &sam, 400);
    assert!(matches!(refused(scheme.resolve(&open_record(next))), Refusal::CollectFirst { .. }));
    // The sequence that the collection itself has is passed.
    let instead = PayDetails { to_sequence: Sequence(2), ..next };
    assert_eq!(resolution(&scheme.resolve(&open_record(instead)).unwrap()), (3, Resolution::Reversed));
}

fn a_purchase_is_not_resolved_before_a_fitting_collection<S: Store>(mut scheme: Scheme<S>) {
    let mut sam = Sam::new();
    let lost = purchase_details(purse(), 0, &sam, 100);
    let refusal = Refusal::CollectFirst { sam: sam.number, passed: Sequence(0), sequence: Sequence(0) };
    assert_eq!(refused(scheme.resolve(&open_record(lost))), refusal);
    sam.sell(1, 200);
    scheme.submit(&sam);
    assert_eq!(refused(scheme.resolve(&open_record(lost))), refusal, "records alone prove nothing");
    let collection = scheme.debit(&mut sam, EUR);
    let mut forged = sam.records[0];
    forged.pay_details.amount.0 += 1;
    scheme.issuer.submit_records(sam.number, Sequence(0), &[forged]).unwrap();
    assert_eq!(scheme.issuer.unload(&collection), Ok(Unloaded::ChainDoesNotFit));
    assert_eq!(refused(scheme.resolve(&open_record(lost))), refusal, "nor does a chain that does not fit");
    scheme.submit(&sam);
    scheme.resolve(&open_record(lost)).unwrap();
}

fn a_purchase_from_a_sam_that_never_was_is_reversed_and_never_honoured<S: Store>(mut scheme: Scheme<S>) {
    let mut sam = Sam::issued(number(203), EUR, 0);
    let paid = sam.sell(0, 100);
    let script = scheme.resolve(&open_record(paid)).unwrap();
    assert_eq!(resolution(&script).1, Resolution::Reversed);
    // A card of that number comes after all, with that record.
    scheme.register(number(203), Role::Merchant, "merchant");
    let collection = scheme.debit(&mut sam, EUR);
    let report = scheme.submit(&sam);
    assert_eq!(report.bad.iter().map(|bad| bad.flaw).collect::<Vec<_>>(), [Flaw::Reversed]);
    assert_eq!(amounts(scheme.issuer.unload(&collection).unwrap()), (0, 100));
    assert_eq!(resolution(&scheme.resolve(&open_record(paid)).unwrap()).1, Resolution::Reversed);
}

fn an_unload_is_resolved_from_the_books<S: Store>(mut scheme: Scheme<S>) {
    scheme.load(&load_details(purse(), 0, 2_000));
    let (credited, never_seen) = (unload_details(purse(), 1, 100), unload_details(purse(), 2, 200));
    scheme.issuer.unload(&voucher(credited)).unwrap();
    assert_eq!(resolution(&scheme.resolve(&open_record(credited)).unwrap()).1, Resolution::Settled);
    assert_eq!(resolution(&scheme.resolve(&open_record(never_seen)).unwrap()).1, Resolution::Reversed);
    assert_eq!(scheme.issuer.unload(&voucher(never_seen)), Err(IssuerError::UnloadDeclined));
    assert_eq!(scheme.issuer.decline_unload(&voucher(never_seen)), Ok(nack(&never_seen)));
    assert_eq!(resolution(&scheme.resolve(&open_record(never_seen)).unwrap()).1, Resolution::Reversed);
    assert_eq!((scheme.balance("holder", EUR), scheme.float()), (OPENING - 1_900, 1_900));
    let fork = unload_details(purse(), 2, 201);
    assert!(matches!(scheme.resolve(&open_record(fork)), Err(IssuerError::OtherUnload { .. })));
    assert_eq!(scheme.issuer.forks().unwrap().len(), 1);
}

fn a_collection_is_settled_once_credited<S: Store>(mut scheme: Scheme<S>) {
    let mut sam = Sam::new();
    sam.sell(0, 100);
    let collection = scheme.debit(&mut sam, EUR);
    let record = *sam.records.last().unwrap();
    assert_eq!(refused(scheme.resolve(&record)), Refusal::DeliverCollection);
    scheme.issuer.unload(&collection).unwrap();
    assert_eq!(refused(scheme.resolve(&record)), Refusal::DeliverCollection);
    scheme.submit(&sam);
    assert_eq!(resolution(&scheme.resolve(&record).unwrap()), (1, Resolution::Settled));
    let other = LogRecord { tac: bad(record.tac), ..record };
    assert_eq!(refused(scheme.resolve(&other)), Refusal::DeliverCollection);
}

fn a_refund_is_closed_only_as_unclaimed<S: Store>(mut scheme: Scheme<S>) {
    scheme.load(&load_details(purse(), 0, 2_000));
    let mut sam = Sam::new();
    sam.sell(1, 300);
    let refund = open_record(sam.refund(2, 100));
    assert_eq!(refused(scheme.resolve(&refund)), Refusal::DeliverOrUnclaimed);
    assert_eq!(scheme.unclaimed(), 0);
    for _ in 0..2 {
        let script = scheme.issuer.resolve(sam.number, &refund, Unsettleable::BookAsUnclaimed).unwrap();
        assert_eq!(resolution(&script), (1, Resolution::Settled));
        assert_eq!((scheme.unclaimed(), scheme.float()), (100, 1_900), "booked once");
    }
    assert_eq!(resolution(&scheme.resolve(&refund).unwrap()), (1, Resolution::Settled), "decided already");
    assert_eq!(amounts(scheme.collect(&mut sam, EUR)), (200, 0));
}

/// The operator was wrong: the purse was there after all, and the SAM had its nack before the script.
fn an_unclaimed_refund_that_was_reversed_comes_back<S: Store>(mut scheme: Scheme<S>) {
    scheme.load(&load_details(purse(), 0, 2_000));
    let mut sam = Sam::new();
    sam.sell(1, 300);
    let refund = sam.refund(2, 100);
    let record = open_record(refund);
    scheme.issuer.resolve(sam.number, &record, Unsettleable::BookAsUnclaimed).unwrap();
    sam.reverse(refund);
    assert_eq!(amounts(scheme.collect(&mut sam, EUR)), (300, 0));
    assert_eq!((scheme.unclaimed(), scheme.float()), (0, 1_700));
    let again = scheme.issuer.resolve(sam.number, &record, Unsettleable::BookAsUnclaimed);
    assert_eq!(refused(again), Refusal::NotOpen);
}

fn a_transfer_is_closed_only_as_unclaimed<S: Store>(mut scheme: Scheme<S>) {
    scheme.load(&load_details(purse(), 0, 2_000));
    let details = PayDetails {
        kind: Kind::Transfer,
        key_version: apdu_spec::element::KeyVersion::NONE,
        to: other_purse(),
        ..unload_details(purse(), 1, 250)
    };
    let record = open_record(details);
    assert_eq!(refused(scheme.resolve(&record)), Refusal::DeliverOrUnclaimed);
    let script = scheme.issuer.resolve(purse(), &record, Unsettleable::BookAsUnclaimed).unwrap();
    assert_eq!(resolution(&script).1, Resolution::Settled);
    assert_eq!((scheme.unclaimed(), scheme.float()), (250, 1_750));
}

fn only_an_open_payer_record_with_a_good_tac_is_resolved<S: Store>(mut scheme: Scheme<S>) {
    let mut sam = Sam::new();
    let lost = open_record(purchase_details(purse(), 0, &sam, 100));
    sam.sell(1, 200);
    scheme.collect(&mut sam, EUR);
    for state in [RecordState::Settled, RecordState::Reversed, RecordState::Refunded] {
        assert_eq!(refused(scheme.resolve(&LogRecord { state, ..lost })), Refusal::NotOpen);
    }
    for role in [RecordRole::Payee, RecordRole::Declined, RecordRole::Reversal] {
        assert_eq!(refused(scheme.resolve(&LogRecord { role, ..lost })), Refusal::NotOpen);
    }
    let other = scheme.issuer.resolve(other_purse(), &lost, Unsettleable::Refuse);
    assert_eq!(refused(other), Refusal::NotOpen);
    let wrong_tac = Err(IssuerError::Authentication(Message::Tac));
    assert_eq!(scheme.resolve(&LogRecord { tac: bad(lost.tac), ..lost }), wrong_tac);
    let mut grown = lost;
    grown.pay_details.amount.0 += 1;
    assert_eq!(scheme.resolve(&grown), wrong_tac);
    assert_eq!(scheme.issuer.forks().unwrap(), [], "none of these is proof of anything");
    assert_eq!(scheme.issuer.card(purse()).unwrap().script, None);
    scheme.resolve(&lost).unwrap();
}

fn the_same_resolution_is_the_same_script<S: Store>(mut scheme: Scheme<S>) {
    let mut sam = Sam::new();
    let lost = open_record(purchase_details(purse(), 0, &sam, 100));
    sam.sell(1, 200);
    scheme.collect(&mut sam, EUR);
    let first = scheme.resolve(&lost).unwrap();
    assert_eq!(scheme.resolve(&lost).unwrap(), first);
    let higher = scheme.issuer.script(purse(), &Parameter::PinTries).unwrap();
    assert_eq!(higher.counter, first.counter + 1);
    let again = scheme.resolve(&lost).unwrap();
    assert_eq!(again.counter, higher.counter + 1, "the first has been withdrawn");
    assert_eq!(resolution(&again).1, Resolution::Reversed);
}
