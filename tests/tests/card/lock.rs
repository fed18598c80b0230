//! Locked by its holder, blocked by its issuer, both, terminated, disposable (section 5).

use apdu_spec::command::{Command, Selection};
use apdu_spec::element::{Amount, Kind, Role, Sequence};
use apdu_spec::file::{APPLICATION, FLAG_DISPOSABLE};
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::parameter::{Parameter, Resolution};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::status::StatusWord as Status;
use purse_tests::bench_card::{BenchCard, CommonCard};
use purse_tests::scheme::{
    Profile, acknowledge, debit, initialize, issuer, party, pin, reverse, session, usd, voucher,
};
use purse_tests::stage::{Stage, staged};

fn life_cycle<const W: usize, const X: usize>(bench: &mut BenchCard<W, X>) -> LifeCycle {
    bench.identity().status.life_cycle
}

#[test]
fn lock_and_block_are_two_flags() {
    let mut bench = CommonCard::new(&Profile::purse(1, 10_00));
    bench.refuse(&Command::Lock, Status::SecurityStatus);
    bench.refuse(&Command::Unlock, Status::ConditionsOfUse);
    bench.verify(pin("1234"));
    bench.refuse(&Command::Unlock, Status::ConditionsOfUse);
    bench.succeed(&Command::Lock);
    bench.refuse(&Command::Lock, Status::SecurityStatus);
    assert_eq!((life_cycle(&mut bench), bench.balance()), (LifeCycle::Locked, Amount(0)));
    let mut bench = bench.power_cycled();
    assert_eq!(life_cycle(&mut bench), LifeCycle::Locked);
    bench.refuse(&Command::Unlock, Status::SecurityStatus);

    bench.accept_script(1, &Parameter::Block);
    assert_eq!((life_cycle(&mut bench), bench.balance()), (LifeCycle::Blocked, Amount(0)));
    bench.refuse(&Command::Lock, Status::ConditionsOfUse);
    bench.refuse(&Command::Unlock, Status::ConditionsOfUse);
    let mut bench = bench.power_cycled();
    bench.accept_script(2, &Parameter::Unblock);
    assert_eq!((life_cycle(&mut bench), bench.balance()), (LifeCycle::Locked, Amount(0)));
    bench.verify(pin("1234"));
    bench.succeed(&Command::Unlock);
    assert_eq!((life_cycle(&mut bench), bench.balance()), (LifeCycle::Active, Amount(10_00)));

    bench.accept_script(3, &Parameter::Block);
    assert_eq!((life_cycle(&mut bench), bench.balance()), (LifeCycle::Blocked, Amount(10_00)));
    bench.accept_script(4, &Parameter::Unblock);
    assert_eq!(life_cycle(&mut bench), LifeCycle::Active);
    // The lock can be cleared behind a block.
    bench.lock(pin("1234"));
    bench.accept_script(5, &Parameter::Block);
    bench.accept_script(6, &Parameter::ClearLock);
    assert_eq!((life_cycle(&mut bench), bench.balance()), (LifeCycle::Blocked, Amount(10_00)));
    bench.repeat(&Command::GetBalance(0));
    bench.accept_script(7, &Parameter::Unblock);
    assert_eq!(life_cycle(&mut bench), LifeCycle::Active);
    // And on its own.
    bench.lock(pin("1234"));
    bench.accept_script(8, &Parameter::ClearLock);
    assert_eq!(life_cycle(&mut bench.power_cycled()), LifeCycle::Active);
}

#[test]
fn the_lock_hides_the_history_of_a_terminated_purse_too() {
    let mut bench = CommonCard::new(&Profile::purse(1, 5_00));
    bench.spend_settled(Kind::Purchase, 5_00, party(2));
    bench.lock(pin("1234"));
    bench.accept_script(1, &Parameter::Terminate);
    for mut bench in [bench.copied(), bench.power_cycled()] {
        assert_eq!(bench.select(), Status::Terminated);
        bench.refuse(&Command::ReadRecord(Some(0x18), 1), Status::SecurityStatus);
        bench.refuse(&Command::ReadEntry(Sequence(0)), Status::SecurityStatus);
        bench.refuse(&Command::GetBalance(0), Status::SecurityStatus);
    }
}

#[test]
fn unlocking_needs_the_pin_of_this_session() {
    let mut bench = CommonCard::new(&Profile::purse(1, 10_00));
    bench.lock(pin("1234"));
    bench.select();
    bench.refuse(&Command::Unlock, Status::SecurityStatus);
    assert_eq!(bench.try_pin("0000"), Status::WrongPin(2));
    bench.refuse(&Command::Unlock, Status::SecurityStatus);
    bench.verify(pin("1234"));
    bench.succeed(&Command::Unlock);
    bench.refuse(&Command::Unlock, Status::ConditionsOfUse);
}

/// What each life cycle still does with value under way; the open payment of 2.00 is at sequence 2.
#[test]
fn value_under_way_is_finished_in_any_life_cycle_and_nothing_begins() {
    for role in [Role::Purse, Role::Merchant] {
        let (peer, receipt, payment) = match role {
            Role::Purse => (party(2), Kind::Refund, Kind::Purchase),
            Role::Merchant => (party(1), Kind::Purchase, Kind::Refund),
        };
        for stage in Stage::ALL.into_iter().skip(1) {
            let history = staged(role, stage);
            let fresh = || {
                let mut bench = history.bench.copied();
                bench.select();
                bench
            };
            let mut bench = fresh();
            let next = bench.sequence();
            let load = bench.paid(Kind::Load, 50, issuer());
            let received = bench.paid(receipt, 50, peer);
            let paid = bench.paying(payment, 50, peer);
            let unload = bench.paying(Kind::Unload, 50, issuer());
            if stage != Stage::Active {
                let status =
                    if stage == Stage::Locked { Status::SecurityStatus } else { Status::ConditionsOfUse };
                bench.refuse(&initialize(&load), status);
                bench.refuse(&initialize(&received), status);
                for pay_details in [&paid, &unload, &history.open, &history.settled] {
                    bench.refuse(&debit(pay_details), status);
                }
            }
            // What was credited is acknowledged again, everywhere.
            let ack = bench.repeat(&Command::Credit(voucher(&history.load)));
            assert_eq!(ack, session(&history.load).ack().0);
            bench.refuse(&Command::Decline(voucher(&history.load)), Status::ConditionsOfUse);
            bench.repeat(&Command::GetProof(Sequence(2)));
            // A new credit only while it is not blocked, a nack always.
            for pay_details in [&load, &received] {
                let mut bench = fresh();
                let credit = Command::Credit(voucher(pay_details));
                match stage {
                    Stage::Active | Stage::Locked => {
                        bench.succeed(&credit);
                        continue;
                    }
                    Stage::Blank | Stage::Blocked | Stage::BlockedAndLocked | Stage::Terminated => {
                        bench.refuse(&credit, Status::ConditionsOfUse);
                    }
                }
                let decline = Command::Decline(voucher(pay_details));
                assert_eq!(bench.succeed(&decline), session(pay_details).nack().0);
                assert_eq!(bench.repeat(&decline), session(pay_details).nack().0);
                assert_eq!(bench.sequence().0, next.0 + 1);
                bench.refuse(&credit, Status::ConditionsOfUse);
            }
            for command in [acknowledge(&history.open), reverse(&history.open)] {
                let mut bench = fresh();
                if stage == Stage::Terminated {
                    bench.refuse(&command, Status::ConditionsOfUse);
                } else {
                    bench.succeed(&command);
                    bench.repeat(&command);
                }
            }
        }
    }
}

#[test]
fn a_credit_in_the_locked_state_counts_and_does_not_show() {
    let mut bench = CommonCard::new(&Profile::purse(1, 10_00));
    let load = bench.paid(Kind::Load, 5_00, issuer());
    bench.succeed(&initialize(&load));
    bench.lock(pin("1234"));
    bench.succeed(&Command::Credit(voucher(&load)));
    assert_eq!(bench.balance(), Amount(0));
    bench.succeed(&Command::Unlock);
    assert_eq!(bench.balance(), Amount(15_00));
    // The record was written in between, and tells its balance only now.
    assert_eq!(bench.entry(0).balance, Amount(15_00));
}

#[test]
fn a_blocked_or_terminated_card_repeats_the_last_credited_load_after_its_record_is_gone() {
    for terminated in [false, true] {
        let mut bench = BenchCard::<4, 2>::new(&Profile::purse(1, 0));
        let first = bench.receive(Kind::Load, 1_00, issuer());
        let last = bench.receive(Kind::Load, 1_00, issuer());
        let declined = bench.decline(Kind::Load, issuer());
        for _ in 0..3 {
            bench.spend_settled(Kind::Purchase, 50, party(2));
        }
        let refunded = bench.receive(Kind::Refund, 50, party(2));
        bench.spend_settled(Kind::Unload, 1_00, issuer());
        bench.accept_script(1, if terminated { &Parameter::Terminate } else { &Parameter::Block });
        assert_eq!(bench.repeat(&Command::Credit(voucher(&last))), session(&last).ack().0);
        assert_eq!(bench.repeat(&Command::Credit(voucher(&refunded))), session(&refunded).ack().0);
        // Anything else is no repeat here, whatever the reason.
        bench.refuse(&Command::Credit(voucher(&first)), Status::ConditionsOfUse);
        bench.refuse(&Command::Credit(voucher(&declined)), Status::ConditionsOfUse);
        assert_eq!(bench.repeat(&Command::Decline(voucher(&declined))), session(&declined).nack().0);
        bench.refuse(&Command::Decline(voucher(&last)), Status::ConditionsOfUse);
        bench.refuse(&Command::Decline(voucher(&first)), Status::ReferenceNotFound);
        bench.refuse(&Command::Decline(voucher(&refunded)), Status::ConditionsOfUse);
    }
}

fn disposable(balance: u32) -> CommonCard {
    CommonCard::new(&Profile { flags: FLAG_DISPOSABLE, ..Profile::purse(1, balance) })
}

#[test]
fn a_disposable_card_takes_no_load_and_ends_with_its_last_cent() {
    let mut bench = disposable(5_00);
    let load = bench.paid(Kind::Load, 1, issuer());
    bench.refuse(&initialize(&load), Status::ConditionsOfUse);
    bench.refuse(&Command::Credit(voucher(&load)), Status::ConditionsOfUse);
    bench.spend_settled(Kind::Purchase, 2_00, party(2));
    bench.receive(Kind::Refund, 1_00, party(2));
    let last = bench.spend(Kind::Purchase, 4_00, party(2));
    assert_eq!(life_cycle(&mut bench), LifeCycle::Active, "an open payment may come back");
    bench.succeed(&reverse(&last));
    assert_eq!((life_cycle(&mut bench), bench.balance()), (LifeCycle::Active, Amount(4_00)));
    let last = bench.spend(Kind::Purchase, 4_00, party(2));
    bench.succeed(&acknowledge(&last));
    assert_eq!(life_cycle(&mut bench), LifeCycle::Terminated);
    for mut bench in [bench.copied(), bench.power_cycled()] {
        assert_eq!(
            bench.send(&Command::Select(Selection::Application(&APPLICATION), true)).status,
            Status::Terminated
        );
        let purchase = bench.paying(Kind::Purchase, 1, party(2));
        bench.refuse(&debit(&purchase), Status::ConditionsOfUse);
        bench.refuse(&debit(&last), Status::ConditionsOfUse);
        let refund = bench.paid(Kind::Refund, 1, party(2));
        bench.refuse(&initialize(&refund), Status::ConditionsOfUse);
        bench.refuse(&Command::Credit(voucher(&refund)), Status::ConditionsOfUse);
        bench.refuse(&acknowledge(&last), Status::ConditionsOfUse);
        bench.repeat(&Command::GetProof(last.from_sequence));
        bench.refuse_script(1, &Parameter::PinTries, Status::ConditionsOfUse);
    }
}

#[test]
fn a_disposable_card_ends_with_the_resolution_of_its_last_payment() {
    let mut bench = disposable(5_00);
    let open = bench.spend(Kind::Purchase, 5_00, party(2));
    let tac = bench.entry(0).tac;
    let resolution = Resolution::Settled;
    bench.accept_script(1, &Parameter::Resolve { sequence: open.from_sequence, tac, resolution });
    assert_eq!(life_cycle(&mut bench), LifeCycle::Terminated);
    assert_eq!(bench.identity().administration_counter, 1);
}

#[test]
fn every_pocket_counts_for_the_end_of_a_card() {
    // Five euros and seven cents of a dollar from the start: DGI 1512 has its balance behind currency and exponent.
    let profile = Profile { flags: FLAG_DISPOSABLE, ..Profile::purse(1, 5_00) };
    let mut groups = profile.groups();
    groups[2][6..10].copy_from_slice(&[0, 0, 0, 7]);
    let mut bench = CommonCard::blank();
    bench.select();
    bench.succeed(&Command::StoreData(true, 0, &groups.concat()));
    bench.select();
    bench.spend_settled(Kind::Purchase, 5_00, party(2));
    assert_eq!(life_cycle(&mut bench), LifeCycle::Active);
    bench.refuse_script(1, &Parameter::Terminate, Status::ConditionsOfUse);
    let dollars = PayDetails { currency: usd(), ..bench.paying(Kind::Purchase, 7, party(2)) };
    bench.succeed(&debit(&dollars));
    assert_eq!(life_cycle(&mut bench), LifeCycle::Active);
    bench.succeed(&acknowledge(&dollars));
    assert_eq!(life_cycle(&mut bench), LifeCycle::Terminated);

    // A card that is not disposable stays as it is.
    let mut bench = CommonCard::new(&Profile::purse(1, 5_00));
    bench.spend_settled(Kind::Purchase, 5_00, party(2));
    assert_eq!(life_cycle(&mut bench.power_cycled()), LifeCycle::Active);
}
