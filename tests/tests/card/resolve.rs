//! `resolve`: the issuer closes an open payment in the payee's place (section 6).
#![allow(clippy::inconsistent_digit_grouping, reason = "cents stand apart: 150_00 is 150.00")]

use apdu_spec::command::Command;
use apdu_spec::cryptography::Tac;
use apdu_spec::element::{Amount, Kind, Sequence};
use apdu_spec::parameter::{Parameter, Resolution};
use apdu_spec::pocket::Limits;
use apdu_spec::record::{RecordRole, RecordState};
use apdu_spec::status::StatusWord as Status;
use purse_terminal::simulated_memory::{Cut, Flight};
use purse_tests::bench_card::{BenchCard, CommonCard};
use purse_tests::scheme::{
    PURSE_LIMITS, Profile, acknowledge, issuer, party, pin, raw_script, reverse, script,
};

fn resolve(bench: &mut CommonCard, sequence: u32, resolution: Resolution) -> Parameter {
    Parameter::Resolve { sequence: Sequence(sequence), tac: bench.entry(sequence).tac, resolution }
}

fn purse(balance: u32) -> CommonCard {
    CommonCard::new(&Profile::purse(1, balance))
}

/// The identical script, which succeeds and changes nothing.
#[track_caller]
fn again<const W: usize, const X: usize>(bench: &mut BenchCard<W, X>, bytes: &[u8]) {
    assert_eq!(bench.unwritten(bytes).status, Status::Success);
}

#[test]
fn resolve_settles_an_open_payment_in_any_living_state() {
    for state in 0..3 {
        let mut bench = purse(50_00);
        let open = bench.spend(Kind::Purchase, 5_00, party(2));
        let (settle, back) =
            (resolve(&mut bench, 0, Resolution::Settled), resolve(&mut bench, 0, Resolution::Reversed));
        match state {
            0 => {}
            1 => bench.lock(pin("1234")),
            _ => bench.accept_script(1, &Parameter::Block),
        }
        bench.accept_script(5, &settle);
        again(&mut bench, &script(party(1), 5, &settle));
        // Settled already: nothing is written, and the counter is not used.
        assert_eq!(bench.unwritten(&script(party(1), 6, &settle)).status, Status::Success);
        assert_eq!(bench.identity().administration_counter, 5);
        bench.refuse_script(6, &back, Status::ConditionsOfUse);
        bench.repeat(&acknowledge(&open));
        bench.refuse(&reverse(&open), Status::ConditionsOfUse);
        bench.accept_script(6, &Parameter::ClearLock);
        let mut bench = bench.power_cycled();
        bench.repeat(&acknowledge(&open));
        assert_eq!((bench.entry(0).state, bench.sequence()), (RecordState::Settled, Sequence(1)));
        assert_eq!(bench.balance(), Amount(45_00));
    }
}

#[test]
fn a_settlement_that_power_cut_between_mark_and_counter_is_done() {
    let resolution = Resolution::Settled;
    for operation in 0..4 {
        let mut bench = purse(50_00);
        bench.spend(Kind::Purchase, 5_00, party(2));
        let settle = resolve(&mut bench, 0, resolution);
        let bytes = script(party(1), 5, &settle);
        bench.card.memory_mut().cut(Cut { operation, units: 0, flight: Flight::Old });
        let answer = bench.transmit(&bytes);
        let mut bench = bench.power_cycled();
        let (state, counter) = (bench.entry(0).state, bench.identity().administration_counter);
        match state {
            RecordState::Open => assert_eq!(counter, 0, "the effect comes with its counter or before it"),
            _ => assert_eq!(state, RecordState::Settled),
        }
        if answer.status == Status::Success {
            assert_eq!((state, counter), (RecordState::Settled, 5), "what was answered holds");
        }
        // The issuer sends it again, whatever has become of it.
        assert_eq!(bench.transmit(&bytes).status, Status::Success);
        assert_eq!(bench.entry(0).state, RecordState::Settled);
        // A counter that was not used is still good for another script.
        let counter = bench.identity().administration_counter;
        bench.accept_script(counter + 1, &Parameter::PinTries);
    }
}

#[test]
fn resolve_returns_an_open_payment_outside_the_limit_of_offline_receipts() {
    let limits = Limits { offline_receipts: Amount(0), ..PURSE_LIMITS };
    let mut bench = CommonCard::new(&Profile { limits, ..Profile::purse(1, 50_00) });
    let open = bench.spend(Kind::Purchase, 5_00, party(2));
    bench.refuse(&reverse(&open), Status::OverLimit);
    let (settle, back) =
        (resolve(&mut bench, 0, Resolution::Settled), resolve(&mut bench, 0, Resolution::Reversed));
    bench.accept_script(5, &back);
    again(&mut bench, &script(party(1), 5, &back));
    assert_eq!(bench.unwritten(&script(party(1), 6, &back)).status, Status::Success);
    assert_eq!(bench.identity().administration_counter, 5);
    bench.refuse_script(6, &settle, Status::ConditionsOfUse);
    let mut bench = bench.power_cycled();
    bench.repeat(&reverse(&open));
    bench.refuse(&acknowledge(&open), Status::ConditionsOfUse);
    assert_eq!((bench.entry(0).state, bench.balance()), (RecordState::Reversed, Amount(50_00)));
    let record = bench.entry(1);
    assert_eq!(
        (record.role, record.state, record.pay_details),
        (RecordRole::Reversal, RecordState::Settled, open)
    );
    again(&mut bench, &script(party(1), 5, &back));
    assert_eq!(bench.identity().administration_counter, 5);
    // It has not counted: the next reversal is refused for itself alone.
    let limits = Limits { offline_receipts: Amount(5_00), ..limits };
    bench.accept_script(6, &Parameter::Limits { pocket: 0, limits });
    bench.spend_reversed(Kind::Purchase, 5_00, party(2));
    let open = bench.spend(Kind::Purchase, 1, party(2));
    bench.refuse(&reverse(&open), Status::OverLimit);
}

#[test]
fn resolve_is_about_one_record_of_the_card_as_payer() {
    let mut bench = BenchCard::<4, 2>::new(&Profile::purse(1, 50_00));
    let unload = bench.spend(Kind::Unload, 1_00, issuer());
    let purchase = bench.spend(Kind::Purchase, 1_00, party(2));
    let load = bench.receive(Kind::Load, 1_00, issuer());
    let declined = bench.decline(Kind::Load, issuer());
    let tacs: Vec<Tac> = (0..4).map(|sequence| bench.entry(sequence).tac).collect();
    let with = |sequence: u32, tac: Tac, resolution| Parameter::Resolve {
        sequence: Sequence(sequence),
        tac,
        resolution,
    };
    for resolution in [Resolution::Settled, Resolution::Reversed] {
        for bit in 0..64 {
            let mut tac = tacs[1];
            tac.0[bit / 8] ^= 1 << (bit % 8);
            bench.refuse_script(1, &with(1, tac, resolution), Status::ReferenceNotFound);
        }
        bench.refuse_script(1, &with(1, tacs[0], resolution), Status::ReferenceNotFound);
        for sequence in [load.to_sequence.0, declined.to_sequence.0, 4, 5, u32::MAX] {
            bench.refuse_script(1, &with(sequence, Tac::NONE, resolution), Status::ConditionsOfUse);
        }
    }
    for code in (0..=255).filter(|code| ![1, 2].contains(code)) {
        let value = [&[0, 0, 0, 1][..], &tacs[1].0, &[code]].concat();
        bench.refuse_bytes(&raw_script(party(1), 1, 0x08, &value), Status::WrongData);
    }
    for _ in 0..2 {
        bench.decline(Kind::Load, issuer());
    }
    bench.refuse_script(1, &with(1, tacs[1], Resolution::Settled), Status::ReferenceNotFound);
    bench.refuse(&acknowledge(&purchase), Status::ReferenceNotFound);
    // The unload is in EF.EXC, and can be resolved there.
    bench.accept_script(1, &with(0, tacs[0], Resolution::Reversed));
    assert_eq!(bench.balance(), Amount(50_00));
    bench.refuse(&reverse(&unload), Status::ReferenceNotFound);
    bench.refuse(&Command::ReadRecord(Some(0x19), 1), Status::RecordNotFound);
}

#[test]
fn a_refunded_payment_is_not_returned() {
    let mut bench = purse(50_00);
    bench.spend_settled(Kind::Purchase, 5_00, party(2));
    bench.receive(Kind::Refund, 5_00, party(2));
    let back = resolve(&mut bench, 0, Resolution::Reversed);
    bench.refuse_script(1, &back, Status::ConditionsOfUse);
    assert_eq!(bench.balance(), Amount(50_00));
}

#[test]
fn a_resolution_that_would_overflow_stays_open() {
    let limits = Limits { maximum_balance: Amount(u32::MAX), ..PURSE_LIMITS };
    let mut bench = CommonCard::new(&Profile { limits, ..Profile::purse(1, u32::MAX) });
    let open = bench.spend(Kind::Purchase, 5, party(2));
    bench.receive(Kind::Load, 1, issuer());
    let back = resolve(&mut bench, 0, Resolution::Reversed);
    bench.refuse_script(1, &back, Status::OverLimit);
    assert_eq!(bench.entry(open.from_sequence.0).state, RecordState::Open);
    bench.spend(Kind::Unload, 1, issuer());
    bench.accept_script(1, &back);
    assert_eq!(bench.balance(), Amount(u32::MAX));
}
