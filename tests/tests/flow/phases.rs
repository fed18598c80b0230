//! Cards that other programs use too: one is held around each short phase, and never across a call to the issuer. Between
//! the phases anything may happen to it. Whatever is lost, wherever a card cannot be held: every cent is in its place.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

use crate::support::interrupted::at_maximum;
use crate::support::process::SIDES;
use crate::support::shared::{Between, Fault, Terminal, Watch, at_terminal};
use crate::support::{HOLDER, Money, OPERATOR, PIN, World, payment, select};
use apdu_spec::element::Amount;
use purse_terminal::client::{Client, Failure};
use purse_terminal::flow::load::{self, Load};
use purse_terminal::flow::purchase::{self, Payment};
use purse_terminal::flow::recovery::{self, CardAtHand};
use purse_terminal::flow::refund::{self, Refund};
use purse_terminal::flow::unload::{self, Unload};
use purse_terminal::flow::{FlowError, collection};
use purse_terminal::transport::Transport;
use purse_tests::scheme::{TIME, eur, pin};

const BETWEEN: [Between; 3] = [Between::Nobody, Between::Reset, Between::MasterFile];

/// A flow at a terminal.
struct Flow {
    name: &'static str,
    world: fn() -> World,
    run: fn(&mut Terminal<'_>) -> Result<(), FlowError>,
    /// Where it succeeds.
    moves: fn(Money) -> Money,
    /// How it ends where nothing fails.
    ends: Option<Failure>,
    /// What cannot be told if one of [`SIDES`] cannot be held for this time: the issuer has given or got val.
    unknown: &'static [(usize, u64)],
    /// Here only the ack is not brought.
    unacknowledged: &'static [(usize, u64)],
}

fn load(terminal: &mut Terminal<'_>) -> Result<(), FlowError> {
    let load = Load { account: HOLDER, currency: eur(), amount: Amount(5_00), time: TIME };
    load::load(&mut select(&mut terminal.purse)?, &mut terminal.desk, &load).map(|_| ())
}

fn pay(terminal: &mut Terminal<'_>, payment: &Payment<'_>) -> Result<(), FlowError> {
    let mut sam = select(&mut terminal.sam)?;
    let mut purse = match select(&mut terminal.purse) {
        Ok(purse) => purse,
        Err(error) => {
            sam.release();
            return Err(error);
        }
    };
    if payment.pin.is_some() {
        // A person has been asked for it.
        sam.release();
        purse.release();
    }
    purchase::purchase(&mut purse, &mut sam, payment).map(|_| ())
}

fn unload(terminal: &mut Terminal<'_>) -> Result<(), FlowError> {
    let unload = Unload { currency: eur(), amount: Amount(4_00), time: TIME };
    unload::unload(&mut select(&mut terminal.purse)?, &mut terminal.desk, &unload).map(|_| ())
}

static FLOWS: [Flow; 9] = [
    Flow {
        name: "load",
        world: World::with_history,
        run: load,
        moves: |money| Money { purse: money.purse + 5_00, holder: money.holder - 5_00, ..money },
        ends: None,
        unknown: &[(0, 3)],
        unacknowledged: &[],
    },
    Flow {
        name: "load after another in the air",
        world: || {
            let mut world = World::with_history();
            world.purse.remove(3);
            world.load(1_00).unwrap_err();
            world.bring_back();
            world
        },
        run: load,
        moves: |money| Money { purse: money.purse + 5_00, holder: money.holder - 5_00, ..money },
        ends: None,
        unknown: &[(0, 2), (0, 4)],
        unacknowledged: &[],
    },
    Flow {
        name: "load that the purse declines",
        world: World::with_history,
        run: |terminal| {
            terminal.purse.event = Some((3, |purse| at_maximum(purse.inner_mut(), 1)));
            load(terminal)
        },
        moves: |money| Money { purse: money.purse + 5_00, holder: money.holder - 5_00, ..money },
        ends: Some(Failure::Refused),
        unknown: &[(0, 3)],
        unacknowledged: &[],
    },
    Flow {
        name: "purchase",
        world: World::with_history,
        run: |terminal| pay(terminal, &payment(2_00)),
        moves: |money| Money { purse: money.purse - 2_00, sam: money.sam + 2_00, ..money },
        ends: None,
        unknown: &[],
        unacknowledged: &[],
    },
    Flow {
        name: "purchase with PIN",
        world: || {
            let mut world = World::new();
            world.load(40_00).unwrap();
            world
        },
        run: |terminal| pay(terminal, &Payment { pin: Some(&pin(PIN)), ..payment(30_00) }),
        moves: |money| Money { purse: money.purse - 30_00, sam: money.sam + 30_00, ..money },
        ends: None,
        unknown: &[],
        unacknowledged: &[],
    },
    Flow {
        name: "refund",
        world: World::with_history,
        run: |terminal| {
            let operator_pin = &pin(OPERATOR);
            let refund = Refund { currency: eur(), amount: Amount(1_00), time: TIME, operator_pin };
            let mut sam = select(&mut terminal.sam)?;
            // The flow has to hold both by itself.
            sam.release();
            let mut purse = select(&mut terminal.purse)?;
            refund::refund(&mut purse, &mut sam, &refund).map(|_| ())
        },
        moves: |money| Money { purse: money.purse + 1_00, sam: money.sam - 1_00, ..money },
        ends: None,
        unknown: &[],
        unacknowledged: &[],
    },
    Flow {
        name: "unload",
        world: World::with_history,
        run: unload,
        moves: |money| Money { purse: money.purse - 4_00, holder: money.holder + 4_00, ..money },
        ends: None,
        unknown: &[],
        unacknowledged: &[(0, 3)],
    },
    Flow {
        name: "unload that the issuer declines",
        world: World::with_history,
        run: |terminal| {
            terminal.desk.declines = true;
            unload(terminal)
        },
        moves: |money| Money { purse: money.purse - 4_00, holder: money.holder + 4_00, ..money },
        ends: Some(Failure::IssuerDeclined),
        unknown: &[(0, 3)],
        unacknowledged: &[],
    },
    Flow {
        name: "collection",
        world: World::with_history,
        run: |terminal| {
            let mut sam = select(&mut terminal.sam)?;
            collection::collect(&mut sam, &mut terminal.desk, TIME).map(|_| ())
        },
        moves: |money| Money { sam: 0, merchant: money.merchant + money.sam, ..money },
        ends: None,
        unknown: &[],
        unacknowledged: &[(1, 5)],
    },
];

/// Runs a flow with a fault, recovers, and looks for the money.
fn check(flow: &Flow, between: Between, fault: Fault) -> (Result<(), FlowError>, Watch) {
    let what = format!("{}, {between:?}, {fault:?}", flow.name);
    let mut world = (flow.world)();
    let before = world.money();
    let (result, watch) = at_terminal(&mut world, between, fault, flow.run);
    world.bring_back();
    let report = world.recover();
    assert!(report.is_complete(), "{what}: {report:?}");
    let after = world.assert_settled();
    let moved = (flow.moves)(before);
    match &result {
        Ok(()) => assert_eq!(after, moved, "{what}"),
        Err(error) if error.failure() == Failure::OutcomeUnknown => {
            assert!(after == before || after == moved, "{what}: {after:?}");
        }
        Err(error) => assert_eq!(after, before, "{what}: {error}"),
    }
    assert!(world.recover().items.is_empty(), "{what}");
    (result, watch)
}

fn failure(result: Result<(), FlowError>) -> Option<Failure> {
    result.err().map(|error| error.failure())
}

#[test]
fn every_flow_holds_its_cards_and_none_while_the_issuer_is_asked() {
    for flow in &FLOWS {
        for between in BETWEEN {
            let (result, _) = check(flow, between, Fault::None);
            assert_eq!(failure(result), flow.ends, "{}, {between:?}", flow.name);
        }
    }
}

/// Every command of a flow to each card, with this fault: what each comes to.
fn at_every_command(
    flow: &Flow,
    between: Between,
    fault: fn(usize, u64) -> Fault,
) -> Vec<(Fault, Option<Failure>)> {
    let (_, watch) = check(flow, between, Fault::None);
    let mut results = Vec::new();
    for side in 0..SIDES.len() {
        for number in 1..=watch.commands[side] {
            let fault = fault(side, number);
            results.push((fault, failure(check(flow, between, fault).0)));
        }
    }
    results
}

#[test]
fn a_lost_response_is_asked_for_again() {
    for flow in &FLOWS {
        for between in BETWEEN {
            for (fault, failure) in at_every_command(flow, between, Fault::Lose) {
                // The card is still there, so the terminal can ask it.
                assert_ne!(failure, Some(Failure::OutcomeUnknown), "{}, {between:?}, {fault:?}", flow.name);
            }
        }
    }
}

#[test]
fn a_card_that_leaves_is_recovered_when_it_is_back() {
    for between in BETWEEN {
        let unknown: Vec<usize> = FLOWS
            .iter()
            .map(|flow| {
                let results = at_every_command(flow, between, Fault::Leave);
                results.iter().filter(|(_, failure)| *failure == Some(Failure::OutcomeUnknown)).count()
            })
            .collect();
        // Each DEBIT, CREDIT, DECLINE and REVERSE of a transaction between its cards; among strangers also the SELECT
        // before one that comes after the issuer.
        let expected = match between {
            Between::Nobody => [1, 2, 2, 2, 2, 2, 1, 2, 1],
            Between::Reset | Between::MasterFile => [2, 4, 3, 2, 2, 2, 1, 3, 1],
        };
        assert_eq!(unknown, expected, "{between:?}");
    }
}

#[test]
fn a_card_that_cannot_be_held_loses_nothing() {
    for flow in &FLOWS {
        for between in BETWEEN {
            let (_, watch) = check(flow, between, Fault::None);
            for side in 0..SIDES.len() {
                for number in 1..=watch.begins[side] {
                    let (result, _) = check(flow, between, Fault::InUse(side, number));
                    let expected = if flow.unknown.contains(&(side, number)) {
                        Some(Failure::OutcomeUnknown)
                    } else if flow.unacknowledged.contains(&(side, number)) {
                        None
                    } else {
                        Some(Failure::NoCard)
                    };
                    assert_eq!(failure(result), expected, "{}, {between:?}, {side} {number}", flow.name);
                }
            }
        }
    }
}

/// How something of each kind comes into the air: which flow, and what failed.
fn in_the_air() -> Vec<(&'static Flow, Fault)> {
    let mut found = Vec::new();
    for flow in &FLOWS {
        let leaving = at_every_command(flow, Between::Nobody, Fault::Leave);
        let unknown = leaving.into_iter().filter(|(_, failure)| *failure == Some(Failure::OutcomeUnknown));
        found.extend(unknown.map(|(fault, _)| (flow, fault)));
        found.extend(flow.unknown.iter().map(|(side, number)| (flow, Fault::InUse(*side, *number))));
    }
    found
}

/// Recovers at a terminal with a fault, then without, and looks for the money. Where it can be declined, it is.
fn check_recovery(air: (&Flow, Fault), declined: bool, between: Between, fault: Fault) -> Watch {
    let (flow, cause) = air;
    let what = format!("{}, {cause:?}, {between:?}, {fault:?}, {declined}", flow.name);
    let mut world = (flow.world)();
    at_terminal(&mut world, Between::Nobody, cause, flow.run).0.unwrap_err();
    world.bring_back();
    if declined {
        let money = world.money();
        for (number, balance, card) in [(1, money.purse, &mut world.purse), (2, money.sam, &mut world.sam)] {
            if balance != 0 {
                at_maximum(card.inner_mut(), number);
            }
        }
    }
    let (report, watch) = at_terminal(&mut world, between, fault, |terminal| {
        let Terminal { purse, sam, desk } = terminal;
        // A collection is never declined.
        desk.declines = declined && flow.name.starts_with("unload");
        // What cannot be selected takes no part. The rest is held until the recovery begins.
        let cards =
            [sam as &mut dyn Transport, purse].into_iter().filter_map(|card| Client::select(card).ok());
        let mut cards: Vec<CardAtHand<'_>> = cards.collect();
        recovery::recover(&mut cards, Some(desk))
    });
    if fault == Fault::None {
        assert!(report.is_complete() && !report.items.is_empty(), "{what}: {report:?}");
    }
    world.bring_back();
    let report = world.recover();
    assert!(report.is_complete(), "{what}: {report:?}");
    world.assert_settled();
    assert!(world.recover().items.is_empty(), "{what}");
    watch
}

#[test]
fn recovery_holds_its_cards_in_phases_too() {
    let air = in_the_air();
    assert_eq!(air.len(), 20, "{air:?}", air = air.iter().map(|air| (air.0.name, air.1)).collect::<Vec<_>>());
    for air in air {
        for declined in [false, true] {
            for between in BETWEEN {
                let watch = check_recovery(air, declined, between, Fault::None);
                for side in 0..SIDES.len() {
                    for number in 1..=watch.commands[side] {
                        check_recovery(air, declined, between, Fault::Lose(side, number));
                        check_recovery(air, declined, between, Fault::Leave(side, number));
                    }
                    for number in 1..=watch.begins[side] {
                        check_recovery(air, declined, between, Fault::InUse(side, number));
                    }
                }
            }
        }
    }
}
