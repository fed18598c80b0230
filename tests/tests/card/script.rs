//! The issuer's scripts: each executed once, upwards, with its own conditions (section 6).
#![allow(clippy::inconsistent_digit_grouping, reason = "cents stand apart: 150_00 is 150.00")]

use apdu_spec::command::Command;
use apdu_spec::element::{Amount, Currency, Expiry, KeyVersion, Kind};
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::parameter::{Parameter, Resolution};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pocket::{Limits, PocketParameters};
use apdu_spec::status::StatusWord as Status;
use purse_tests::bench_card::{BenchCard, CommonCard};
use purse_tests::scheme::{
    OTHER_VERSION, PURSE_LIMITS, Profile, UNKNOWN_VERSION, VERSION, acknowledge, debit, eur, initialize,
    issuer, jpy, party, pin, raw_script, reverse, script, usd, voucher,
};

fn purse(balance: u32) -> CommonCard {
    CommonCard::new(&Profile::purse(1, balance))
}

fn sam(balance: u32) -> CommonCard {
    let mut bench = CommonCard::new(&Profile::sam(2, balance));
    bench.verify(pin("9999"));
    bench
}

fn life_cycle(bench: &mut CommonCard) -> LifeCycle {
    bench.identity().status.life_cycle
}

/// The identical script, which succeeds and changes nothing.
#[track_caller]
fn again<const W: usize, const X: usize>(bench: &mut BenchCard<W, X>, bytes: &[u8]) {
    assert_eq!(bench.unwritten(bytes).status, Status::Success);
}

#[test]
fn counters_only_rise() {
    let mut bench = purse(0);
    let own = party(1);
    bench.refuse_script(0, &Parameter::Block, Status::ConditionsOfUse);
    bench.accept_script(5, &Parameter::Block);
    again(&mut bench, &script(own, 5, &Parameter::Block));
    bench.refuse_script(5, &Parameter::Unblock, Status::ConditionsOfUse);
    bench.refuse_script(4, &Parameter::Unblock, Status::ConditionsOfUse);
    bench.accept_script(6, &Parameter::Unblock);
    // The repeat of an older one is no repeat any more: it would block again.
    bench.refuse_script(5, &Parameter::Block, Status::ConditionsOfUse);
    assert_eq!(life_cycle(&mut bench), LifeCycle::Active);
    bench.accept_script(0xFFFF_FFFE, &Parameter::PinTries);
    bench.accept_script(0xFFFF_FFFF, &Parameter::PinTries);
    again(&mut bench, &script(own, 0xFFFF_FFFF, &Parameter::PinTries));
    bench.refuse_script(0xFFFF_FFFE, &Parameter::PinTries, Status::ConditionsOfUse);
    assert_eq!(bench.identity().administration_counter, 0xFFFF_FFFF);
}

#[test]
fn a_refused_command_leaves_its_counter_to_another() {
    let mut bench = purse(1);
    bench.refuse_script(7, &Parameter::Terminate, Status::ConditionsOfUse);
    bench.refuse_script(7, &Parameter::Limits { pocket: 3, limits: PURSE_LIMITS }, Status::ReferenceNotFound);
    bench.refuse_script(7, &Parameter::Expiry(Expiry([0x30, 0x13])), Status::WrongData);
    assert_eq!(bench.identity().administration_counter, 0);
    bench.accept_script(7, &Parameter::PinTries);
    // It stays valid until a higher one is accepted.
    let mut bench = purse(1);
    bench.refuse_script(7, &Parameter::Terminate, Status::ConditionsOfUse);
    bench.accept_script(6, &Parameter::PinTries);
    bench.spend_settled(Kind::Purchase, 1, party(2));
    bench.accept_script(7, &Parameter::Terminate);
}

/// One script for each store that keeps counters: parameters, PIN, log, masters.
#[test]
fn the_highest_counter_survives_in_every_store() {
    let resolution = Resolution::Reversed;
    for store in 0..5 {
        let mut bench = sam(10_00);
        let open = bench.spend(Kind::Refund, 1_00, party(1));
        let tac = bench.entry(0).tac;
        let parameter = match store {
            0 => Parameter::Expiry(Expiry([0x31, 0x01])),
            1 => Parameter::PinTries,
            2 => Parameter::Resolve { sequence: open.from_sequence, tac, resolution },
            3 => Parameter::Resolve { sequence: open.from_sequence, tac, resolution: Resolution::Settled },
            _ => Parameter::ForgetMaster(OTHER_VERSION),
        };
        bench.accept_script(10, &parameter);
        let bytes = script(party(2), 10, &parameter);
        let check = |bench: &mut CommonCard| {
            again(bench, &bytes);
            bench.refuse_script(10, &Parameter::Block, Status::ConditionsOfUse);
            bench.refuse_script(9, &Parameter::Block, Status::ConditionsOfUse);
            assert_eq!(bench.identity().administration_counter, 10);
        };
        check(&mut bench);
        // Later entries of each store repeat it, over many pages.
        for turn in 0..60 {
            match turn % 4 {
                0 => assert_eq!(bench.try_pin("1111"), Status::WrongPin(2)),
                1 => {
                    bench.lock(pin("9999"));
                    bench.succeed(&Command::Unlock);
                }
                2 => drop(bench.succeed(&Command::ChangePin(pin("9999"), pin("9999")))),
                _ if bench.sequence().0 < 14 => drop(bench.decline(Kind::Load, issuer())),
                _ => drop(bench.spend_settled(Kind::Unload, 0, issuer())),
            }
            check(&mut bench);
            if turn % 5 == 0 {
                bench = bench.power_cycled();
                check(&mut bench);
            }
        }
        // A higher one in another store takes over.
        for (counter, parameter) in (11..).zip([
            Parameter::PinTries,
            Parameter::Expiry(Expiry([0x32, 0x01])),
            Parameter::Block,
            Parameter::PinTries,
        ]) {
            bench.accept_script(counter, &parameter);
            bench.refuse_bytes(&bytes, Status::ConditionsOfUse);
            bench = bench.power_cycled();
            again(&mut bench, &script(party(2), counter, &parameter));
            bench.refuse_script(counter, &Parameter::Unblock, Status::ConditionsOfUse);
        }
    }
}

#[test]
fn unknown_ids_and_wrong_lengths_are_wrong_data() {
    for number in [1, 2] {
        let own = party(number);
        let mut bench = if number == 1 { purse(1) } else { sam(1) };
        for id in (0..=255).filter(|id| !(0x01..=0x0A).contains(id)) {
            for length in [0, 1, 28] {
                bench.refuse_bytes(&raw_script(own, 1, id, &vec![0; length]), Status::WrongData);
            }
        }
        for (id, right) in
            [(1, 25), (2, 28), (3, 2), (4, 0), (5, 0), (6, 0), (7, 0), (8, 13), (9, 0), (10, 1)]
        {
            for length in (0..=28).filter(|length| *length != right) {
                bench.refuse_bytes(&raw_script(own, 1, id, &vec![0; length]), Status::WrongData);
            }
        }
    }
}

#[test]
fn limits_of_a_pocket_in_use() {
    let mut bench = purse(50_00);
    let limits = Limits { maximum_balance: Amount(60_00), maximum_debit: Amount(7), ..PURSE_LIMITS };
    for pocket in [2, 3, 4, 5, 255] {
        bench.refuse_script(1, &Parameter::Limits { pocket, limits }, Status::ReferenceNotFound);
    }
    bench.accept_script(1, &Parameter::Limits { pocket: 0, limits });
    let mut bench = bench.power_cycled();
    let identity = bench.identity();
    assert_eq!((identity.pockets[0].limits, identity.pockets[1].limits), (limits, PURSE_LIMITS));
    assert_eq!(identity.status.maximum_balance, Amount(60_00));
    let load = bench.paid(Kind::Load, 10_01, issuer());
    bench.refuse(&initialize(&load), Status::OverLimit);
    let purchase = bench.paying(Kind::Purchase, 8, party(2));
    bench.refuse(&debit(&purchase), Status::OverLimit);
    bench.spend(Kind::Purchase, 7, party(2));
    // Below the balance is possible too: nothing is lost by it.
    let limits = Limits { maximum_balance: Amount(1), ..limits };
    bench.accept_script(2, &Parameter::Limits { pocket: 0, limits });
    assert_eq!(bench.balance(), Amount(49_93));
}

#[test]
fn a_new_pocket_in_a_free_place_for_a_new_currency() {
    let mut bench = purse(50_00);
    let new = |pocket, currency| Parameter::NewPocket {
        pocket,
        parameters: PocketParameters { currency, exponent: 0, limits: PURSE_LIMITS },
    };
    for pocket in [5, 6, 255] {
        bench.refuse_script(1, &new(pocket, jpy()), Status::ReferenceNotFound);
    }
    for (pocket, currency) in [
        (0, jpy()),
        (1, jpy()),
        (2, eur()),
        (4, usd()),
        (2, Currency([0, 0])),
        (2, Currency([0x0A, 0])),
        (2, Currency([0x13, 0])),
    ] {
        bench.refuse_script(1, &new(pocket, currency), Status::WrongData);
    }
    let load = PayDetails { currency: jpy(), ..bench.paid(Kind::Load, 1_000, issuer()) };
    bench.refuse(&initialize(&load), Status::ReferenceNotFound);
    bench.accept_script(1, &new(3, jpy()));
    let mut bench = bench.power_cycled();
    bench.refuse_script(2, &new(2, jpy()), Status::WrongData);
    bench.refuse(&Command::GetBalance(2), Status::ReferenceNotFound);
    let empty = bench.repeat(&Command::GetBalance(3));
    assert_eq!(empty, [&[0x03, 0x92, 0, 0, 0, 0, 0][..], &150_00_u32.to_be_bytes()].concat());
    bench.succeed(&Command::Credit(voucher(&load)));
    let mut bench = bench.power_cycled();
    assert_eq!(bench.repeat(&Command::GetBalance(3))[3..7], 1_000_u32.to_be_bytes());
    assert_eq!((bench.balance(), bench.entry(0).balance), (Amount(50_00), Amount(1_000)));
    bench.refuse_script(2, &Parameter::Terminate, Status::ConditionsOfUse);
}

#[test]
fn expiry_tries_block_and_lock() {
    let mut bench = purse(50_00);
    for expiry in
        [[0x30, 0x00], [0x30, 0x13], [0x30, 0x0A], [0x3A, 0x01], [0xFF, 0xFF], [0xA0, 0x01], [0x30, 0x20]]
    {
        bench.refuse_script(1, &Parameter::Expiry(Expiry(expiry)), Status::WrongData);
    }
    for (counter, expiry) in (1..).zip([[0x00, 0x01], [0x99, 0x12], [0x31, 0x10], [0x29, 0x09]]) {
        bench.accept_script(counter, &Parameter::Expiry(Expiry(expiry)));
        assert_eq!(bench.identity().status.expiry, Expiry(expiry));
    }
    let mut bench = bench.power_cycled();
    assert_eq!(bench.identity().status.expiry, Expiry([0x29, 0x09]));
    bench.try_pin("0000");
    bench.accept_script(5, &Parameter::PinTries);
    assert_eq!(bench.repeat(&Command::GetData([0x9F, 0x17])), [0x9F, 0x17, 1, 3]);
    // What is so already is accepted, and uses its counter.
    for (counter, parameter) in
        (6..).zip([Parameter::Unblock, Parameter::ClearLock, Parameter::Block, Parameter::Block])
    {
        bench.accept_script(counter, &parameter);
        assert_eq!(bench.identity().administration_counter, counter);
    }
    assert_eq!(life_cycle(&mut bench), LifeCycle::Blocked);
    for (counter, parameter) in (10..).zip([
        Parameter::Expiry(Expiry([0x33, 0x01])),
        Parameter::Limits { pocket: 0, limits: PURSE_LIMITS },
        Parameter::PinTries,
        Parameter::Unblock,
    ]) {
        bench.accept_script(counter, &parameter);
    }
    bench.lock(pin("1234"));
    bench.accept_script(20, &Parameter::Expiry(Expiry([0x34, 0x01])));
    bench.accept_script(21, &Parameter::ClearLock);
    assert_eq!((life_cycle(&mut bench), bench.balance()), (LifeCycle::Active, Amount(50_00)));
}

#[test]
fn termination_with_nothing_left_and_for_ever() {
    for locked in [false, true] {
        let mut bench = purse(2_00);
        bench.refuse_script(1, &Parameter::Terminate, Status::ConditionsOfUse);
        let open = bench.spend(Kind::Purchase, 2_00, party(2));
        bench.refuse_script(1, &Parameter::Terminate, Status::ConditionsOfUse);
        bench.succeed(&acknowledge(&open));
        if locked {
            bench.lock(pin("1234"));
        }
        bench.accept_script(1, &Parameter::Terminate);
        assert_eq!(life_cycle(&mut bench), LifeCycle::Terminated);
        for mut bench in [bench.copied(), bench.power_cycled()] {
            assert_eq!(bench.select(), Status::Terminated);
            bench.refuse_script(1, &Parameter::Terminate, Status::ConditionsOfUse);
            bench.refuse_script(2, &Parameter::Unblock, Status::ConditionsOfUse);
            assert_eq!(life_cycle(&mut bench), LifeCycle::Terminated);
        }
    }
    // An open unload outside of the window counts too.
    let mut bench = BenchCard::<4, 2>::new(&Profile::purse(1, 2_00));
    let open = bench.spend(Kind::Unload, 2_00, issuer());
    for _ in 0..5 {
        bench.decline(Kind::Load, issuer());
    }
    bench.refuse_script(1, &Parameter::Terminate, Status::ConditionsOfUse);
    bench.succeed(&acknowledge(&open));
    bench.accept_script(1, &Parameter::Terminate);
}

#[test]
fn a_sam_forgets_a_generation_of_purses() {
    let mut bench = sam(10_00);
    let refund = PayDetails { key_version: OTHER_VERSION, ..bench.paying(Kind::Refund, 1_00, party(1)) };
    bench.succeed(&debit(&refund));
    bench.refuse_script(1, &Parameter::ForgetMaster(OTHER_VERSION), Status::ConditionsOfUse);
    for unknown in [UNKNOWN_VERSION, KeyVersion::NONE] {
        bench.refuse_script(1, &Parameter::ForgetMaster(unknown), Status::ReferenceNotFound);
    }
    bench.succeed(&acknowledge(&refund));
    bench.accept_script(1, &Parameter::ForgetMaster(OTHER_VERSION));
    let mut bench = bench.power_cycled();
    bench.verify(pin("9999"));
    bench.refuse_script(2, &Parameter::ForgetMaster(OTHER_VERSION), Status::ReferenceNotFound);
    let sale = PayDetails { key_version: OTHER_VERSION, ..bench.paid(Kind::Purchase, 1_00, party(1)) };
    bench.refuse(&initialize(&sale), Status::ReferenceNotFound);
    bench.refuse(&Command::Credit(voucher(&sale)), Status::ReferenceNotFound);
    bench.receive(Kind::Purchase, 1_00, party(1));
    // An open collection is under the SAM's own key, not under a purse's master, though its version is the same.
    let collection = bench.spend(Kind::Unload, 1_00, issuer());
    let open = bench.spend(Kind::Refund, 1_00, party(1));
    bench.refuse_script(2, &Parameter::ForgetMaster(VERSION), Status::ConditionsOfUse);
    bench.succeed(&reverse(&open));
    bench.accept_script(2, &Parameter::ForgetMaster(VERSION));
    let sale = bench.paid(Kind::Purchase, 1_00, party(1));
    bench.refuse(&initialize(&sale), Status::ReferenceNotFound);
    bench.succeed(&acknowledge(&collection));
    bench.receive(Kind::Load, 1_00, issuer());

    // A purse has none to forget.
    let mut bench = purse(1);
    let answer = bench.unwritten(&script(party(1), 1, &Parameter::ForgetMaster(VERSION)));
    assert_ne!(answer.status, Status::Success);
    assert_eq!(bench.identity().administration_counter, 0);
}
