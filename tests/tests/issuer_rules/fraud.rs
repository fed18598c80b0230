//! What a merchant or a forger gains by leaving out, inventing, doubling or reordering records: nothing.

use apdu_spec::element::{Amount, KeyVersion, Role, Sequence};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::{LogRecord, RecordRole};
use purse_terminal::issuer::{Flaw, IssuerError, Store, SubmissionReport, Unloaded};

use crate::support::*;

on_both_stores!(
    a_record_left_out_or_exchanged_credits_nothing_until_it_is_there,
    records_out_of_order_are_refused_or_do_not_fit,
    an_invented_record_does_not_fit,
    an_invented_purchase_is_withheld,
    every_flaw_is_named,
    a_withheld_debit_stays_withheld,
    refunds_beyond_good_purchases_are_paid_back_first,
    a_reversal_without_its_refund_counts_nothing,
    a_copied_purse_is_found,
    a_declined_load_does_not_count,
    a_load_counts_with_the_amount_that_was_given,
    a_reversal_comes_after_its_refund,
    records_that_were_passed_stay,
    a_collection_asked_for_less_than_the_balance_gains_nothing,
);

fn flaws(report: &SubmissionReport) -> Vec<(u32, Flaw)> {
    report.bad.iter().map(|bad| (bad.sequence.0, bad.flaw)).collect()
}

fn submit<S: Store>(
    scheme: &mut Scheme<S>,
    sam: &Sam,
    first: u32,
    records: &[LogRecord],
) -> Result<SubmissionReport, IssuerError> {
    scheme.issuer.submit_records(sam.number, Sequence(first), records)
}

fn a_record_left_out_or_exchanged_credits_nothing_until_it_is_there<S: Store>(mut scheme: Scheme<S>) {
    scheme.load(&load_details(purse(), 0, 2_000));
    let mut sam = Sam::new();
    sam.sell(1, 500);
    sam.refund(2, 400);
    sam.sell(3, 50);
    let collection = scheme.debit(&mut sam, EUR);
    // The refund is to be forgotten: in its place stands a purchase that the SAM declined, or another refund.
    let mut records = sam.records.clone();
    let mut other = purchase_details(purse(), 9, &Sam::new(), 1);
    other.to_sequence = Sequence(1);
    records[1] =
        LogRecord { pay_details: other, role: RecordRole::Declined, tac: certificate(&other), ..records[1] };
    submit(&mut scheme, &sam, 0, &records[..3]).unwrap();
    assert_eq!(scheme.issuer.unload(&collection), Ok(Unloaded::ChainDoesNotFit));
    let mut smaller = sam.records[1];
    smaller.pay_details.amount = Amount(1);
    submit(&mut scheme, &sam, 1, &[smaller]).unwrap();
    assert_eq!(scheme.issuer.unload(&collection), Ok(Unloaded::ChainDoesNotFit));
    assert_eq!((scheme.balance("merchant", EUR), scheme.float()), (0, 2_000));
    assert_eq!(scheme.issuer.records_wanted(sam.number), Ok(Sequence(0)), "nothing has been passed");
    let report = submit(&mut scheme, &sam, 1, &sam.records[1..2]).unwrap();
    assert_eq!(report.collected.len(), 1);
    assert_eq!(amounts(scheme.issuer.unload(&collection).unwrap()), (150, 0));
}

fn records_out_of_order_are_refused_or_do_not_fit<S: Store>(mut scheme: Scheme<S>) {
    scheme.load(&load_details(purse(), 0, 2_000));
    let mut sam = Sam::new();
    sam.sell(1, 100);
    sam.sell(2, 200);
    let collection = scheme.debit(&mut sam, EUR);
    let swapped = [sam.records[1], sam.records[0]];
    assert_eq!(submit(&mut scheme, &sam, 0, &swapped), Err(IssuerError::RecordOrder(Sequence(0))));
    let doubled = [sam.records[0], sam.records[0]];
    assert_eq!(submit(&mut scheme, &sam, 0, &doubled), Err(IssuerError::RecordOrder(Sequence(1))));
    // A refused batch leaves nothing behind.
    assert_eq!(scheme.issuer.unload(&collection), Ok(Unloaded::RecordsMissing { first: Sequence(0) }));
    let [mut first, mut second] = swapped;
    first.pay_details.to_sequence = Sequence(0);
    second.pay_details.to_sequence = Sequence(1);
    submit(&mut scheme, &sam, 0, &[first, second]).unwrap();
    assert_eq!(scheme.issuer.unload(&collection), Ok(Unloaded::ChainDoesNotFit));
    let other_sam = LogRecord {
        pay_details: PayDetails { to: number(77), ..sam.records[0].pay_details },
        ..sam.records[0]
    };
    assert_eq!(submit(&mut scheme, &sam, 0, &[other_sam]), Err(IssuerError::RecordOrder(Sequence(0))));
    assert_eq!(
        scheme.issuer.submit_records(purse(), Sequence(0), &[]),
        Err(IssuerError::UnknownCard(purse())),
        "a purse is not collected"
    );
}

/// A good TAC that the SAM never credited, in place of a small sale.
fn an_invented_record_does_not_fit<S: Store>(mut scheme: Scheme<S>) {
    scheme.load(&load_details(purse(), 0, 2_000));
    let mut sam = Sam::new();
    let lost = purchase_details(purse(), 1, &sam, 900);
    sam.sell(2, 1);
    let collection = scheme.debit(&mut sam, EUR);
    let invented = LogRecord { pay_details: lost, tac: certificate(&lost), ..sam.records[0] };
    let report = submit(&mut scheme, &sam, 0, &[invented]).unwrap();
    assert_eq!(report.bad, [], "it is good, but not the SAM's");
    assert_eq!(scheme.issuer.unload(&collection), Ok(Unloaded::ChainDoesNotFit));
    scheme.submit(&sam);
    assert_eq!(amounts(scheme.issuer.unload(&collection).unwrap()), (1, 0));
}

/// Somebody has extracted PAYM masters: SAMs credit what no purse has debited.
fn an_invented_purchase_is_withheld<S: Store>(mut scheme: Scheme<S>) {
    scheme.load(&load_details(purse(), 0, 2_000));
    let mut sam = Sam::new();
    sam.sell(1, 300);
    let forged = purchase_details(other_purse(), 5, &sam, 1_000);
    sam.credit_with(forged, bad(certificate(&forged)));
    let collection = scheme.debit(&mut sam, EUR);
    assert_eq!(flaws(&scheme.submit(&sam)), [(1, Flaw::Tac)]);
    assert_eq!(amounts(scheme.issuer.unload(&collection).unwrap()), (300, 1_000));
    assert_eq!((scheme.balance("merchant", EUR), scheme.withheld()), (300, 1_000));
    assert_eq!(scheme.float(), 2_000 - 1_300, "short of what is on cards by what was made");
}

fn every_flaw_is_named<S: Store>(mut scheme: Scheme<S>) {
    let mut sam = Sam::new();
    sam.credit(purchase_details(number(42), 0, &sam, 10));
    sam.credit(PayDetails { key_version: KeyVersion(2), ..purchase_details(purse(), 0, &sam, 10) });
    let mut impossible = purchase_details(purse(), 0, &sam, 10);
    impossible.kind = apdu_spec::element::Kind::Transfer;
    sam.credit(impossible);
    sam.credit_load(load_details(sam.number, 3, 10));
    let payer_is_a_sam = PayDetails { from: sam.number, ..purchase_details(purse(), 0, &sam, 10) };
    sam.credit(payer_is_a_sam);
    let expected = [
        (0, Flaw::UnknownPayer),
        (1, Flaw::KeyVersion),
        (2, Flaw::Impossible),
        (3, Flaw::UnknownLoad),
        (4, Flaw::UnknownPayer),
    ];
    assert_eq!(flaws(&scheme.submit(&sam)), expected);
    assert_eq!(amounts(scheme.collect(&mut sam, EUR)), (0, 50));
}

fn a_withheld_debit_stays_withheld<S: Store>(mut scheme: Scheme<S>) {
    scheme.load(&load_details(purse(), 0, 2_000));
    let mut sam = Sam::new();
    let forged = purchase_details(purse(), 70, &sam, 500);
    sam.credit_with(forged, bad(certificate(&forged)));
    assert_eq!(amounts(scheme.collect(&mut sam, EUR)), (0, 500));
    sam.sell(1, 500);
    assert_eq!(amounts(scheme.collect(&mut sam, EUR)), (500, 0), "good records pay for themselves only");
    assert_eq!((scheme.balance("merchant", EUR), scheme.withheld()), (500, 500));
}

/// Collected real sales, then refunds of them out of invented ones: the purse has the value again, so that the
/// merchant's next real sales pay for it.
fn refunds_beyond_good_purchases_are_paid_back_first<S: Store>(mut scheme: Scheme<S>) {
    scheme.load(&load_details(purse(), 0, 2_000));
    let mut sam = Sam::new();
    sam.sell(1, 500);
    assert_eq!(amounts(scheme.collect(&mut sam, EUR)), (500, 0));
    let forged = purchase_details(purse(), 70, &sam, 500);
    sam.credit_with(forged, bad(certificate(&forged)));
    sam.refund(2, 500);
    assert_eq!(amounts(scheme.collect(&mut sam, EUR)), (0, 0));
    assert_eq!(scheme.issuer.pockets(sam.number).unwrap()[1].available, -500);
    sam.sell(3, 600);
    assert_eq!(amounts(scheme.collect(&mut sam, EUR)), (100, 500));
    assert_eq!(scheme.balance("merchant", EUR), 600, "of 1,100 sold and 500 refunded");
}

fn a_reversal_without_its_refund_counts_nothing<S: Store>(mut scheme: Scheme<S>) {
    scheme.load(&load_details(purse(), 0, 2_000));
    let mut sam = Sam::new();
    sam.sell(1, 300);
    let refund = sam.refund(2, 100);
    sam.reverse(refund);
    sam.reverse(refund);
    sam.reverse(PayDetails { from_sequence: Sequence(0), ..refund });
    assert_eq!(sam.balance(EUR), Amount(500));
    assert_eq!(amounts(scheme.collect(&mut sam, EUR)), (300, 200));
}

fn a_reversal_comes_after_its_refund<S: Store>(mut scheme: Scheme<S>) {
    scheme.load(&load_details(purse(), 0, 2_000));
    let mut sam = Sam::new();
    sam.sell(1, 300);
    let refund = sam.refund(2, 100);
    sam.reverse(refund);
    let reversal = sam.records[2];
    let refused = Err(IssuerError::RecordOrder(Sequence(1)));
    assert_eq!(submit(&mut scheme, &sam, 1, &[reversal]), refused);
    submit(&mut scheme, &sam, 2, &[reversal]).unwrap();
}

/// A card file was copied, and both copies pay.
fn a_copied_purse_is_found<S: Store>(mut scheme: Scheme<S>) {
    scheme.load(&load_details(purse(), 0, 2_000));
    scheme.register(number(202), Role::Merchant, "merchant");
    let (mut sam, mut other) = (Sam::new(), Sam::issued(number(202), EUR, 0));
    let (first, second) = (sam.sell(1, 100), other.sell(1, 150));
    assert_ne!(first, second);
    assert_eq!(scheme.submit(&sam).forks, []);
    let forks = scheme.submit(&other).forks;
    assert_eq!(forks.len(), 1);
    let found: Vec<_> = forks[0].debits.iter().map(|debit| debit.pay_details).collect();
    assert_eq!(found, [first, second]);
    assert_eq!(scheme.issuer.forks().unwrap(), forks);
    assert_eq!(amounts(scheme.collect(&mut sam, EUR)), (100, 0));
    assert_eq!(amounts(scheme.collect(&mut other, EUR)), (150, 0), "the merchants are not to blame");
    // A third copy unloads.
    scheme.issuer.unload(&voucher(unload_details(purse(), 1, 200))).unwrap();
    assert_eq!(scheme.issuer.forks().unwrap()[0].debits.len(), 3);
}

fn a_declined_load_does_not_count<S: Store>(mut scheme: Scheme<S>) {
    let mut sam = Sam::new();
    let load = load_details(sam.number, 0, 700);
    scheme.issuer.load(&load, req(&load), "holder").unwrap();
    scheme.issuer.load_declined(sam.number, Sequence(0), nack(&load)).unwrap();
    sam.credit_load(load);
    assert_eq!(flaws(&scheme.submit(&sam)), [(0, Flaw::UnknownLoad)]);
    assert_eq!(amounts(scheme.collect(&mut sam, EUR)), (0, 700));
}

fn a_load_counts_with_the_amount_that_was_given<S: Store>(mut scheme: Scheme<S>) {
    let mut sam = Sam::new();
    scheme.load(&load_details(sam.number, 0, 100));
    sam.credit_load(load_details(sam.number, 0, 700));
    assert_eq!(flaws(&scheme.submit(&sam)), [(0, Flaw::UnknownLoad)]);
    assert_eq!(amounts(scheme.collect(&mut sam, EUR)), (0, 700));
}

fn records_that_were_passed_stay<S: Store>(mut scheme: Scheme<S>) {
    scheme.load(&load_details(purse(), 0, 2_000));
    let mut sam = Sam::new();
    sam.sell(1, 100);
    scheme.collect(&mut sam, EUR);
    let mut other = sam.records[0];
    other.pay_details.amount = Amount(900);
    other.tac = certificate(&other.pay_details);
    assert_eq!(flaws(&submit(&mut scheme, &sam, 0, &[other]).unwrap()), [(0, Flaw::OtherRecord)]);
    sam.sell(2, 50);
    assert_eq!(amounts(scheme.collect(&mut sam, EUR)), (50, 0));
    assert_eq!(scheme.issuer.forks().unwrap(), []);
}

fn a_collection_asked_for_less_than_the_balance_gains_nothing<S: Store>(mut scheme: Scheme<S>) {
    scheme.load(&load_details(purse(), 0, 2_000));
    let mut sam = Sam::new();
    sam.sell(1, 300);
    let forged = purchase_details(purse(), 70, &sam, 500);
    sam.credit_with(forged, bad(certificate(&forged)));
    for (asked, expected) in [(100, (100, 0)), (450, (200, 250)), (250, (0, 250))] {
        let details = unload_details(sam.number, sam.sequence().0, asked);
        let collection = sam.collection(details);
        scheme.submit(&sam);
        assert_eq!(amounts(scheme.issuer.unload(&collection).unwrap()), expected);
    }
    assert_eq!(scheme.balance("merchant", EUR), 300);
}
