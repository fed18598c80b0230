//! Each limit below, at and above its edge (sections 4 and 7).
#![allow(clippy::inconsistent_digit_grouping, reason = "cents stand apart: 150_00 is 150.00")]

use apdu_spec::command::Command;
use apdu_spec::element::{Amount, Kind};
use apdu_spec::parameter::Parameter;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pocket::Limits;
use apdu_spec::record::RecordState;
use apdu_spec::status::StatusWord as Status;
use purse_tests::bench_card::CommonCard;
use purse_tests::scheme::{
    Profile, acknowledge, debit, initialize, issuer, party, pin, reverse, usd, voucher,
};

const LIMITS: Limits = Limits {
    maximum_balance: Amount(100),
    maximum_debit: Amount(50),
    debit_without_pin: Amount(20),
    total_without_pin: Amount(30),
    maximum_transfer: Amount(50),
    offline_receipts: Amount(40),
};

const NONE: Limits = Limits {
    maximum_balance: Amount(u32::MAX),
    maximum_debit: Amount(u32::MAX),
    debit_without_pin: Amount(u32::MAX),
    total_without_pin: Amount(u32::MAX),
    maximum_transfer: Amount(u32::MAX),
    offline_receipts: Amount(u32::MAX),
};

fn purse(balance: u32, limits: Limits) -> CommonCard {
    CommonCard::new(&Profile { limits, ..Profile::purse(1, balance) })
}

#[track_caller]
fn refuse_purchase(bench: &mut CommonCard, amount: u32, status: Status) {
    let pay_details = bench.paying(Kind::Purchase, amount, party(2));
    bench.refuse(&debit(&pay_details), status);
}

fn buy(bench: &mut CommonCard, amount: u32) -> PayDetails {
    bench.spend(Kind::Purchase, amount, party(2))
}

/// INITIALIZE and CREDIT refuse alike; DECLINE does not care.
#[track_caller]
fn refuse_receipt(bench: &mut CommonCard, pay_details: &PayDetails, status: Status) {
    bench.refuse(&initialize(pay_details), status);
    bench.refuse(&Command::Credit(voucher(pay_details)), status);
}

#[test]
fn a_purse_spends_all_it_has_and_no_more() {
    for verified in [false, true] {
        let mut bench = purse(20, LIMITS);
        if verified {
            bench.verify(pin("1234"));
        }
        for amount in [21, 50, 51, u32::MAX] {
            refuse_purchase(&mut bench, amount, Status::InsufficientValue);
        }
        buy(&mut bench, 19);
        refuse_purchase(&mut bench, 2, Status::InsufficientValue);
        buy(&mut bench, 1);
        refuse_purchase(&mut bench, 1, Status::InsufficientValue);
        assert_eq!(bench.balance(), Amount(0));
        let unload = bench.paying(Kind::Unload, 1, issuer());
        bench.refuse(&debit(&unload), Status::InsufficientValue);
    }
}

#[test]
fn one_debit_above_the_maximum_is_refused_with_or_without_pin() {
    let mut bench = purse(100, LIMITS);
    refuse_purchase(&mut bench, 51, Status::OverLimit);
    bench.verify(pin("1234"));
    refuse_purchase(&mut bench, 51, Status::OverLimit);
    refuse_purchase(&mut bench, 100, Status::OverLimit);
    buy(&mut bench, 50);
    buy(&mut bench, 49);
}

#[test]
fn one_debit_above_its_limit_needs_the_pin() {
    let mut bench = purse(100, LIMITS);
    refuse_purchase(&mut bench, 21, Status::SecurityStatus);
    refuse_purchase(&mut bench, 50, Status::SecurityStatus);
    buy(&mut bench, 20);
    bench.verify(pin("1234"));
    buy(&mut bench, 21);
    bench.select();
    refuse_purchase(&mut bench, 21, Status::SecurityStatus);
}

#[test]
fn debits_without_pin_add_up_until_the_pin() {
    let mut bench = purse(100, LIMITS);
    buy(&mut bench, 20);
    refuse_purchase(&mut bench, 11, Status::SecurityStatus);
    // What was refused, and what is repeated, does not count.
    let last = buy(&mut bench, 9);
    bench.repeat(&debit(&last));
    bench.succeed(&acknowledge(&last));
    refuse_purchase(&mut bench, 2, Status::SecurityStatus);
    buy(&mut bench, 1);
    let mut bench = bench.power_cycled();
    refuse_purchase(&mut bench, 1, Status::SecurityStatus);
    bench.verify(pin("1234"));
    buy(&mut bench, 1);
    bench.select();
    buy(&mut bench, 20);
    buy(&mut bench, 10);
    refuse_purchase(&mut bench, 1, Status::SecurityStatus);
    let mut bench = bench.power_cycled();
    refuse_purchase(&mut bench, 1, Status::SecurityStatus);
}

#[test]
fn a_wrong_pin_takes_the_verified_state_with_it() {
    let mut bench = purse(100, LIMITS);
    bench.verify(pin("1234"));
    buy(&mut bench, 21);
    assert_eq!(bench.try_pin("9999"), Status::WrongPin(2));
    refuse_purchase(&mut bench, 21, Status::SecurityStatus);
    buy(&mut bench, 20);
}

#[test]
fn an_unload_knows_no_limit_but_the_balance() {
    let mut bench = purse(100, LIMITS);
    buy(&mut bench, 20);
    buy(&mut bench, 10);
    bench.spend(Kind::Unload, 70, issuer());
    assert_eq!(bench.balance(), Amount(0));
}

#[test]
fn the_balance_rises_to_its_maximum_and_no_further() {
    let mut bench = purse(60, LIMITS);
    for amount in [41, 100, u32::MAX] {
        let load = bench.paid(Kind::Load, amount, issuer());
        refuse_receipt(&mut bench, &load, Status::OverLimit);
    }
    bench.receive(Kind::Load, 39, issuer());
    let load = bench.paid(Kind::Load, 2, issuer());
    refuse_receipt(&mut bench, &load, Status::OverLimit);
    // Nor does DECLINE mind: whatever cannot be credited must go back.
    bench.succeed(&Command::Decline(voucher(&load)));
    bench.receive(Kind::Load, 1, issuer());
    assert_eq!(bench.balance(), Amount(100));

    let mut sam = CommonCard::new(&Profile { limits: LIMITS, ..Profile::sam(2, 99) });
    let sale = sam.paid(Kind::Purchase, 2, party(1));
    refuse_receipt(&mut sam, &sale, Status::OverLimit);
    sam.receive(Kind::Purchase, 1, party(1));
    assert_eq!(sam.balance(), Amount(100));
}

#[test]
fn a_sum_that_overflows_is_over_the_limit() {
    let mut bench = purse(u32::MAX - 5, NONE);
    for amount in [6, u32::MAX - 5, u32::MAX] {
        let load = bench.paid(Kind::Load, amount, issuer());
        refuse_receipt(&mut bench, &load, Status::OverLimit);
    }
    bench.receive(Kind::Load, 5, issuer());
    assert_eq!(bench.balance(), Amount(u32::MAX));

    let open = buy(&mut bench, 10);
    bench.receive(Kind::Load, 10, issuer());
    bench.refuse(&reverse(&open), Status::OverLimit);
    assert_eq!(bench.entry(open.from_sequence.0).state, RecordState::Open);
    let other = buy(&mut bench, 9);
    bench.refuse(&reverse(&open), Status::OverLimit);
    bench.succeed(&reverse(&other));
    buy(&mut bench, 10);
    bench.succeed(&reverse(&open));
    assert_eq!(bench.balance(), Amount(u32::MAX));
    assert_eq!(bench.entry(open.from_sequence.0).state, RecordState::Reversed);

    // The receipts' own total overflows first: 2 × 3,000,000,000.
    let mut bench = purse(0, NONE);
    for _ in 0..2 {
        bench.receive(Kind::Load, 3_000_000_000, issuer());
        bench.verify(pin("1234"));
        bench.spend_settled(Kind::Purchase, 3_000_000_000, party(2));
    }
    bench.receive(Kind::Refund, 3_000_000_000, party(2));
    buy(&mut bench, 3_000_000_000);
    let refund = bench.paid(Kind::Refund, 3_000_000_000, party(2));
    refuse_receipt(&mut bench, &refund, Status::OverLimit);
    let small = bench.paid(Kind::Refund, u32::MAX - 3_000_000_000, party(2));
    bench.succeed(&initialize(&small));
}

/// A purse with 50 and four settled purchases of 50 at merchant 2 to be refunded.
fn with_purchases(offline_receipts: u32) -> CommonCard {
    let limits =
        Limits { offline_receipts: Amount(offline_receipts), maximum_balance: Amount(250), ..LIMITS };
    let mut bench = purse(250, limits);
    bench.verify(pin("1234"));
    for _ in 0..4 {
        bench.spend_settled(Kind::Purchase, 50, party(2));
    }
    bench
}

#[test]
fn offline_receipts_add_up_until_the_next_load_or_unload_of_their_pocket() {
    let mut bench = with_purchases(40);
    let refund = bench.paid(Kind::Refund, 41, party(2));
    refuse_receipt(&mut bench, &refund, Status::OverLimit);
    bench.receive(Kind::Refund, 39, party(2));
    let refund = bench.paid(Kind::Refund, 2, party(2));
    refuse_receipt(&mut bench, &refund, Status::OverLimit);
    bench.receive(Kind::Refund, 1, party(2));
    let mut bench = bench.power_cycled();
    let refund = bench.paid(Kind::Refund, 1, party(2));
    refuse_receipt(&mut bench, &refund, Status::OverLimit);

    // A load of the other pocket does not help; nor does a purchase, nor a declined load.
    let load = bench.paid(Kind::Load, 1, issuer());
    bench.succeed(&Command::Credit(voucher(&PayDetails { currency: usd(), ..load })));
    buy(&mut bench, 1);
    bench.decline(Kind::Load, issuer());
    let refund = bench.paid(Kind::Refund, 1, party(2));
    refuse_receipt(&mut bench, &refund, Status::OverLimit);

    let mut loaded = bench.copied();
    loaded.select();
    loaded.receive(Kind::Load, 1, issuer());
    loaded.receive(Kind::Refund, 40, party(2));
    let refund = loaded.paid(Kind::Refund, 1, party(2));
    refuse_receipt(&mut loaded, &refund, Status::OverLimit);

    bench.spend(Kind::Unload, 1, issuer());
    let mut bench = bench.power_cycled();
    bench.receive(Kind::Refund, 40, party(2));
}

#[test]
fn reversals_of_purchases_count_as_offline_receipts_and_stay_open_when_refused() {
    let mut bench = with_purchases(40);
    bench.verify(pin("1234"));
    let first = buy(&mut bench, 30);
    let second = buy(&mut bench, 11);
    bench.succeed(&reverse(&first));
    bench.refuse(&reverse(&second), Status::OverLimit);
    assert_eq!(bench.entry(second.from_sequence.0).state, RecordState::Open);
    let refund = bench.paid(Kind::Refund, 11, party(2));
    refuse_receipt(&mut bench, &refund, Status::OverLimit);
    bench.receive(Kind::Refund, 10, party(2));
    // A repeat of the first does not count again, and is not refused either.
    bench.repeat(&reverse(&first));
    bench.receive(Kind::Load, 1, issuer());
    bench.succeed(&reverse(&second));
    assert_eq!(bench.entry(second.from_sequence.0).state, RecordState::Reversed);
    assert_eq!(bench.balance(), Amount(50 + 10 + 1));
    let refund = bench.paid(Kind::Refund, 30, party(2));
    refuse_receipt(&mut bench, &refund, Status::OverLimit);
    bench.receive(Kind::Refund, 29, party(2));
}

#[test]
fn the_reversal_of_an_unload_is_no_offline_receipt() {
    let mut bench = purse(100, LIMITS);
    let first = bench.spend(Kind::Unload, 41, issuer());
    let second = bench.spend(Kind::Unload, 41, issuer());
    bench.succeed(&reverse(&first));
    bench.succeed(&reverse(&second));
    assert_eq!(bench.balance(), Amount(100));
}

#[test]
fn a_reversal_may_rise_above_the_maximum_balance() {
    let mut bench = purse(100, LIMITS);
    bench.verify(pin("1234"));
    let purchase = buy(&mut bench, 40);
    bench.receive(Kind::Load, 40, issuer());
    bench.succeed(&reverse(&purchase));
    assert_eq!(bench.balance(), Amount(140));
    let load = bench.paid(Kind::Load, 1, issuer());
    refuse_receipt(&mut bench, &load, Status::OverLimit);
    let mut bench = bench.power_cycled();
    assert_eq!(bench.balance(), Amount(140));
    bench.spend(Kind::Unload, 140, issuer());
}

#[test]
fn every_pocket_has_its_own_limits_and_totals() {
    let mut bench = purse(100, LIMITS);
    buy(&mut bench, 20);
    buy(&mut bench, 10);
    let load = bench.paid(Kind::Load, 100, issuer());
    bench.succeed(&Command::Credit(voucher(&PayDetails { currency: usd(), ..load })));
    let dollars = |bench: &mut CommonCard, amount| {
        let euros = bench.paying(Kind::Purchase, amount, party(2));
        PayDetails { currency: usd(), ..euros }
    };
    let first = dollars(&mut bench, 20);
    bench.succeed(&debit(&first));
    refuse_purchase(&mut bench, 1, Status::SecurityStatus);
    let second = dollars(&mut bench, 11);
    bench.refuse(&debit(&second), Status::SecurityStatus);
    let second = dollars(&mut bench, 10);
    bench.succeed(&debit(&second));

    let limits = Limits { maximum_debit: Amount(5), debit_without_pin: Amount(5), ..LIMITS };
    bench.accept_script(1, &Parameter::Limits { pocket: 1, limits });
    bench.verify(pin("1234"));
    let third = dollars(&mut bench, 6);
    bench.refuse(&debit(&third), Status::OverLimit);
    buy(&mut bench, 6);
    assert_eq!(bench.balance(), Amount(64));
}

#[test]
fn a_sam_pays_a_refund_only_with_its_operators_pin_within_its_maximum() {
    let mut sam = CommonCard::new(&Profile::sam(2, 150_00));
    let refund = sam.paying(Kind::Refund, 1, party(1));
    sam.refuse(&debit(&refund), Status::SecurityStatus);
    let large = sam.paying(Kind::Refund, 100_01, party(1));
    sam.refuse(&debit(&large), Status::OverLimit);
    let larger = sam.paying(Kind::Refund, 150_01, party(1));
    sam.refuse(&debit(&larger), Status::InsufficientValue);
    sam.verify(pin("9999"));
    sam.refuse(&debit(&large), Status::OverLimit);
    sam.spend(Kind::Refund, 100_00, party(1));
    sam.select();
    let refund = sam.paying(Kind::Refund, 1, party(1));
    sam.refuse(&debit(&refund), Status::SecurityStatus);
}
