//! Refunds: only against a settled purchase of the same merchant, which each pays back once (section 7).
#![allow(clippy::inconsistent_digit_grouping, reason = "cents stand apart: 150_00 is 150.00")]

use apdu_spec::command::Command;
use apdu_spec::element::{Amount, Kind};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::{RecordRole, RecordState};
use apdu_spec::status::StatusWord as Status;
use proptest::prelude::*;
use purse_tests::bench_card::{BenchCard, CommonCard};
use purse_tests::scheme::{Profile, acknowledge, initialize, issuer, party, pin, reverse, usd, voucher};

fn purse() -> CommonCard {
    let mut bench = CommonCard::new(&Profile::purse(1, 100_00));
    bench.verify(pin("1234"));
    bench
}

#[track_caller]
fn refuse<const W: usize, const X: usize>(bench: &mut BenchCard<W, X>, amount: u32, merchant: u64) {
    let refund = bench.paid(Kind::Refund, amount, party(merchant));
    refuse_details(bench, &refund);
}

/// INITIALIZE and CREDIT look for the purchase alike.
#[track_caller]
fn refuse_details<const W: usize, const X: usize>(bench: &mut BenchCard<W, X>, refund: &PayDetails) {
    bench.refuse(&initialize(refund), Status::ReferenceNotFound);
    bench.refuse(&Command::Credit(voucher(refund)), Status::ReferenceNotFound);
}

/// Refunds, and says which purchase is refunded by it.
#[track_caller]
fn refund<const W: usize, const X: usize>(bench: &mut BenchCard<W, X>, amount: u32, merchant: u64) -> u32 {
    let next = bench.sequence().0;
    let oldest = next.saturating_sub(u32::try_from(W).unwrap());
    let before: Vec<_> = (oldest..next).map(|sequence| bench.entry(sequence).state).collect();
    let pay_details = bench.paid(Kind::Refund, amount, party(merchant));
    bench.succeed(&initialize(&pay_details));
    bench.succeed(&Command::Credit(voucher(&pay_details)));
    let changed: Vec<u32> = (oldest..next)
        .zip(before)
        .filter(|(sequence, before)| {
            *sequence + u32::try_from(W).unwrap() > next && bench.entry(*sequence).state != *before
        })
        .map(|(sequence, _)| sequence)
        .collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert_eq!(bench.entry(changed[0]).state, RecordState::Refunded);
    let record = bench.entry(next);
    assert_eq!(
        (record.role, record.state, record.pay_details),
        (RecordRole::Payee, RecordState::Settled, pay_details)
    );
    changed[0]
}

#[test]
fn without_a_purchase_there_is_no_refund() {
    let mut bench = purse();
    refuse(&mut bench, 1, 2);
    // An unload, a load and a declined refund are no purchases.
    bench.spend_settled(Kind::Unload, 5_00, issuer());
    bench.receive(Kind::Load, 5_00, issuer());
    bench.decline(Kind::Refund, party(2));
    refuse(&mut bench, 1, 2);
}

#[test]
fn only_a_settled_purchase_is_refunded_and_only_once() {
    let mut bench = purse();
    let purchase = bench.spend(Kind::Purchase, 5_00, party(2));
    refuse(&mut bench, 5_00, 2);
    refuse(&mut bench, 1, 2);
    bench.succeed(&acknowledge(&purchase));
    assert_eq!(refund(&mut bench, 1, 2), 0);
    refuse(&mut bench, 1, 2);
    refuse(&mut bench, 4_99, 2);
    let mut bench = bench.power_cycled();
    refuse(&mut bench, 1, 2);
    // A refunded purchase is acknowledged, and does not come back.
    bench.repeat(&acknowledge(&purchase));
    bench.refuse(&reverse(&purchase), Status::ConditionsOfUse);
    assert_eq!(bench.entry(0).state, RecordState::Refunded);

    let reversed = bench.spend_reversed(Kind::Purchase, 5_00, party(2));
    refuse(&mut bench, 1, 2);
    bench.refuse(&acknowledge(&reversed), Status::ConditionsOfUse);
    refuse(&mut bench, 1, 2);
}

#[test]
fn a_refund_is_no_bigger_than_its_purchase_and_from_its_merchant_in_its_currency() {
    let mut bench = purse();
    let load = bench.paid(Kind::Load, 50_00, issuer());
    bench.succeed(&Command::Credit(voucher(&PayDetails { currency: usd(), ..load })));
    bench.spend_settled(Kind::Purchase, 5_00, party(2));
    bench.spend_settled(Kind::Purchase, 6_00, party(3));
    refuse(&mut bench, 5_01, 2);
    refuse(&mut bench, 6_00, 2);
    refuse(&mut bench, 6_01, 3);
    refuse(&mut bench, 1, 4);
    let dollars = PayDetails { currency: usd(), ..bench.paid(Kind::Refund, 1, party(2)) };
    refuse_details(&mut bench, &dollars);
    assert_eq!(refund(&mut bench, 6_00, 3), 2);
    assert_eq!(refund(&mut bench, 5_00, 2), 1);
    assert_eq!(bench.balance(), Amount(100_00));
}

#[test]
fn the_smallest_purchase_that_suffices_the_newest_among_equals() {
    let mut bench = purse();
    for amount in [30, 20, 50, 20, 40, 10] {
        bench.spend_settled(Kind::Purchase, amount, party(2));
    }
    assert_eq!(refund(&mut bench, 15, 2), 3);
    assert_eq!(refund(&mut bench, 15, 2), 1);
    let mut bench = bench.power_cycled();
    assert_eq!(refund(&mut bench, 15, 2), 0);
    assert_eq!(refund(&mut bench, 10, 2), 5);
    assert_eq!(refund(&mut bench, 41, 2), 2);
    assert_eq!(refund(&mut bench, 1, 2), 4);
    refuse(&mut bench, 1, 2);
}

#[test]
fn the_purchase_must_still_be_refundable_when_the_value_comes() {
    let mut bench = purse();
    bench.spend_settled(Kind::Purchase, 5_00, party(2));
    let first = bench.paid(Kind::Refund, 5_00, party(2));
    bench.succeed(&initialize(&first));
    // The same purchase, asked for twice: the second PD is the one that is paid.
    let second = PayDetails { time: apdu_spec::element::Time(1), ..first };
    bench.succeed(&initialize(&second));
    bench.succeed(&Command::Credit(voucher(&second)));
    bench.refuse(&Command::Credit(voucher(&first)), Status::ConditionsOfUse);
    // A refund that was never asked for finds its purchase by itself.
    bench.spend_settled(Kind::Purchase, 4_00, party(2));
    bench.receive(Kind::Refund, 4_00, party(2));
    let third = bench.paid(Kind::Refund, 1, party(2));
    bench.refuse(&Command::Credit(voucher(&third)), Status::ReferenceNotFound);
    bench.succeed(&Command::Decline(voucher(&third)));
}

#[test]
fn a_purchase_outside_of_the_window_is_not_refunded() {
    let mut bench = BenchCard::<4, 2>::new(&Profile::purse(1, 100_00));
    bench.spend_settled(Kind::Purchase, 5_00, party(2));
    for _ in 0..3 {
        bench.decline(Kind::Load, issuer());
    }
    let last = bench.paid(Kind::Refund, 5_00, party(2));
    bench.succeed(&initialize(&last));
    bench.decline(Kind::Load, issuer());
    refuse(&mut bench, 5_00, 2);
    let mut bench = bench.power_cycled();
    refuse(&mut bench, 5_00, 2);
    // The record that the refund itself pushes out still counts while it is there.
    let mut bench = BenchCard::<4, 2>::new(&Profile::purse(1, 100_00));
    bench.spend_settled(Kind::Purchase, 5_00, party(2));
    for _ in 0..3 {
        bench.decline(Kind::Load, issuer());
    }
    bench.receive(Kind::Refund, 5_00, party(2));
    refuse(&mut bench, 5_00, 2);
}

/// A purchase of the model: amount, merchant, settled.
#[derive(Clone, Copy, Debug)]
enum Step {
    Buy(u32, u64, bool),
    Refund(u32, u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let amount = 1_u32..6;
    let merchant = 2_u64..4;
    let buy = (amount.clone(), merchant.clone(), prop::bool::weighted(0.8))
        .prop_map(|(amount, merchant, settled)| Step::Buy(amount, merchant, settled));
    let refund = (amount, merchant).prop_map(|(amount, merchant)| Step::Refund(amount, merchant));
    prop::collection::vec(prop_oneof![3 => buy, 2 => refund], 1..24)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Section 7 word for word: the smallest settled purchase in the window that suffices, the newest among equals.
    #[test]
    fn the_choice_is_that_of_the_protocol(steps in steps()) {
        const WINDOW: u32 = 8;
        let mut bench = BenchCard::<8, 2>::new(&Profile::purse(1, 100_00));
        bench.verify(pin("1234"));
        let mut purchases: Vec<(u32, u32, u64)> = Vec::new();
        for step in steps {
            let next = bench.sequence().0;
            purchases.retain(|(sequence, ..)| sequence + WINDOW >= next);
            match step {
                Step::Buy(amount, merchant, true) => {
                    bench.spend_settled(Kind::Purchase, amount, party(merchant));
                    purchases.push((next, amount, merchant));
                }
                Step::Buy(amount, merchant, false) => {
                    bench.spend(Kind::Purchase, amount, party(merchant));
                }
                Step::Refund(amount, merchant) => {
                    let fits = |of: &&(u32, u32, u64)| of.2 == merchant && of.1 >= amount;
                    let best = purchases.iter().filter(fits).min_by_key(|of| (of.1, u32::MAX - of.0)).copied();
                    let Some((sequence, ..)) = best else {
                        refuse(&mut bench, amount, merchant);
                        continue;
                    };
                    bench.receive(Kind::Refund, amount, party(merchant));
                    purchases.retain(|of| of.0 != sequence);
                    if sequence + WINDOW > next {
                        prop_assert_eq!(bench.entry(sequence).state, RecordState::Refunded);
                    }
                    for (other, ..) in &purchases {
                        if other + WINDOW > next {
                            prop_assert_eq!(bench.entry(*other).state, RecordState::Settled);
                        }
                    }
                }
            }
        }
    }
}
