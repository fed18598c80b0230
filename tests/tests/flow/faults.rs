//! Whatever is lost, and wherever the power fails: after a recovery every cent is in its place.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

use crate::support::process::{PROCESSES, Process, SIDES, Side, check};
use crate::support::{HOLDER, World, client};
use apdu_spec::element::Amount;
use purse_terminal::client::Failure;
use purse_terminal::flow::load::{Load, load};
use purse_terminal::simulated_memory::{Cut, Flight};
use purse_tests::overheard::{Failing, Notes, overheard_issuer};
use purse_tests::scheme::{TIME, eur};

/// Commands that each card gets in a process.
fn commands(process: &Process, side: Side) -> u64 {
    let mut world = World::with_history();
    side(&mut world).lose(u64::MAX);
    (process.run)(&mut world).unwrap();
    side(&mut world).commands()
}

#[test]
fn a_lost_response_is_repeated_or_recovered() {
    for process in &PROCESSES {
        for (name, side) in SIDES {
            for number in 1..=commands(process, side) {
                let what = format!("without response {number} of the {name}");
                let result = check(World::with_history(), process, &what, |world| side(world).lose(number));
                // The card is still there, so the terminal can ask it.
                let unknown = result.is_err_and(|error| error.failure() == Failure::OutcomeUnknown);
                assert!(!unknown, "{} {what}", process.name);
            }
        }
    }
}

#[test]
fn a_card_that_leaves_is_recovered_when_it_is_back() {
    let mut unknown = 0;
    for process in &PROCESSES {
        for (name, side) in SIDES {
            for number in 1..=commands(process, side) {
                let what = format!("when the {name} leaves at response {number}");
                let result = check(World::with_history(), process, &what, |world| side(world).remove(number));
                unknown += usize::from(result.is_err_and(|error| error.failure() == Failure::OutcomeUnknown));
            }
        }
    }
    // Each DEBIT and each CREDIT of a card: the terminal must not pretend to know. Never anywhere else.
    assert_eq!(unknown, 7);
}

/// The issuer has debited the account, and nobody knows: that must not be called a refusal.
#[test]
fn a_load_that_the_issuer_does_not_answer_is_in_doubt_and_recovered() {
    let ways: [fn(u32) -> Failing; 2] = [Failing::Before, Failing::After];
    for (failing, arrives) in ways.map(|way| way(2)).into_iter().zip([0, 5_00]) {
        let mut world = World::with_history();
        let before = world.money();
        let World { purse, issuer, .. } = &mut world;
        let mut desk = overheard_issuer(issuer, &Notes::default(), Some(failing));
        let order = Load { account: HOLDER, currency: eur(), amount: Amount(5_00), time: TIME };
        let error = load(&mut client(purse), &mut desk, &order).unwrap_err();
        assert_eq!(error.failure(), Failure::OutcomeUnknown, "{error}");
        assert_eq!(world.money().purse, before.purse);
        world.recover();
        let after = world.money();
        assert_eq!((after.purse, after.holder), (before.purse + arrives, before.holder - arrives));
    }
}

/// Operations that a card's memory does in a process, and the most units of one.
fn operations(process: &Process, side: Side) -> u64 {
    let mut world = World::with_history();
    side(&mut world).inner_mut().card_mut().reset_counts();
    (process.run)(&mut world).unwrap();
    side(&mut world).inner().card().counts().operations()
}

/// A record of 160 bytes has ten units; as many and one more is a cut just after it.
const UNITS: usize = 11;

fn cuts(process: &Process) {
    let mut failed = 0;
    for (name, side) in SIDES {
        for operation in 0..operations(process, side) {
            for units in 0..UNITS {
                for flight in [Flight::Old, Flight::New, Flight::AllUnstable] {
                    let cut = Cut { operation, units, flight };
                    let what = format!("with a cut of the {name}: {cut:?}");
                    let result = check(World::with_history(), process, &what, |world| {
                        side(world).inner_mut().card_mut().cut(cut);
                    });
                    failed += usize::from(result.is_err());
                }
            }
        }
    }
    // Every cut before a response is one that the terminal hears of.
    assert!(failed >= UNITS * 3, "{failed}");
}

#[test]
fn a_load_survives_every_cut() {
    cuts(&PROCESSES[0]);
}

#[test]
fn a_purchase_survives_every_cut() {
    cuts(&PROCESSES[1]);
}

#[test]
fn a_refund_survives_every_cut() {
    cuts(&PROCESSES[2]);
}

#[test]
fn an_unload_survives_every_cut() {
    cuts(&PROCESSES[3]);
}

#[test]
fn a_collection_survives_every_cut() {
    cuts(&PROCESSES[4]);
}
