//! A merchant who does not know how a payment ended simply asks for it again, before any recovery: of the same purse, or
//! of the next one in the queue. No payment is credited twice, and the recovery afterwards finds every cent.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

use crate::support::process::SIDES;
use crate::support::{Money, World, client, payment};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::RecordRole;
use purse_terminal::client::Failure;
use purse_terminal::flow::FlowError;
use purse_terminal::flow::history::history;
use purse_terminal::flow::purchase::purchase;
use purse_terminal::simulated_memory::{Cut, Flight};

/// Who is asked next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    SamePurse,
    OtherPurse,
}

/// Nothing is open.
fn world() -> World {
    let mut world = World::with_history().and_other();
    assert!(world.recover().is_complete());
    world
}

/// How often the SAM has credited it.
fn credits(world: &mut World, pay_details: &PayDetails) -> usize {
    let entries = history(&mut client(&mut world.sam)).unwrap();
    let credited = |role, of: &PayDetails| role == RecordRole::Payee && of == pay_details;
    entries.iter().filter(|entry| credited(entry.record.role, &entry.record.pay_details)).count()
}

/// What the unknown payment had come to when it was asked for again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    credited: usize,
    given_back: usize,
    never_debited: usize,
}

/// A first payment of 2.00 with a fault; if its outcome is unknown a second one, of as much.
fn check(what: &str, next: Next, fault: impl FnOnce(&mut World), seen: &mut Seen) {
    let mut world = world();
    let before = world.assert_settled();
    fault(&mut world);
    let result = world.pay(2_00);
    world.bring_back();
    let error = match result {
        Err(error) if error.failure() == Failure::OutcomeUnknown => error,
        _ => return,
    };
    let FlowError::OutcomeUnknown { pay_details: first, .. } = error else { panic!("{what}: {error}") };
    let credited = credits(&mut world, &first);
    let debited = client(&mut world.purse).status().sequence > first.from_sequence;

    let World { purse, sam, other, .. } = &mut world;
    let payer = if next == Next::SamePurse { purse } else { other.as_mut().unwrap() };
    let second = purchase(&mut client(payer), &mut client(sam), &payment(2_00)).unwrap().handover.pay_details;
    assert_eq!(first == second, next == Next::SamePurse && !debited, "{what}");

    let report = world.recover();
    assert!(report.is_complete(), "{what}: {report:?}");
    assert_eq!(credits(&mut world, &second), 1, "{what}");
    let paid = Money { sam: before.sam + 2_00, ..before };
    let paid = match next {
        Next::SamePurse => Money { purse: paid.purse - 2_00, ..paid },
        Next::OtherPurse => Money { other: paid.other - 2_00, ..paid },
    };
    let after = world.assert_settled();
    if credited > 0 {
        // It had come to its end, only nobody knew. Now it is on record once.
        assert_eq!(credits(&mut world, &first), 1, "{what}");
        assert_eq!(after, Money { purse: paid.purse - 2_00, sam: paid.sam + 2_00, ..paid }, "{what}");
        seen.credited += 1;
    } else {
        assert_eq!(credits(&mut world, &first), usize::from(first == second), "{what}");
        assert_eq!(after, paid, "{what}");
        seen.given_back += usize::from(debited);
        seen.never_debited += usize::from(!debited);
    }
    assert!(world.recover().items.is_empty(), "{what}");
    world.collect().unwrap();
    assert_eq!(
        world.assert_settled(),
        Money { sam: 0, merchant: before.merchant + after.sam, ..after },
        "{what}"
    );
}

/// A first payment that fails in every way, then `next`.
fn ask_again(next: Next) {
    let mut whole = world();
    for (_, side) in SIDES {
        side(&mut whole).lose(u64::MAX);
        side(&mut whole).inner_mut().card_mut().reset_counts();
    }
    whole.pay(2_00).unwrap();
    let mut seen = Seen::default();
    for (name, side) in SIDES {
        for number in 1..=side(&mut whole).commands() {
            let what = format!("{next:?} after the {name} left at response {number}");
            check(&what, next, |world| side(world).remove(number), &mut seen);
        }
        for operation in 0..side(&mut whole).inner().card().counts().operations() {
            for units in 0..11 {
                for flight in [Flight::Old, Flight::New, Flight::AllUnstable] {
                    let cut = Cut { operation, units, flight };
                    let what = format!("{next:?} after a cut of the {name}: {cut:?}");
                    check(&what, next, |world| side(world).inner_mut().card_mut().cut(cut), &mut seen);
                }
            }
        }
    }
    assert!(seen.credited > 0 && seen.given_back > 0 && seen.never_debited > 0, "{seen:?}");
}

#[test]
fn the_same_purse_is_asked_again() {
    ask_again(Next::SamePurse);
}

#[test]
fn the_next_purse_is_asked() {
    ask_again(Next::OtherPurse);
}

#[test]
fn a_payment_that_is_asked_for_until_it_works_is_one_payment() {
    let mut world = world();
    let before = world.assert_settled();
    // The SAM is gone before each CREDIT reaches it: debited, and never credited.
    for _ in 0..3 {
        world.sam.inner_mut().card_mut().cut(Cut { operation: 0, units: 0, flight: Flight::Old });
        assert_eq!(world.pay(2_00).unwrap_err().failure(), Failure::OutcomeUnknown);
        world.bring_back();
    }
    assert_eq!(world.money(), Money { purse: before.purse - 6_00, ..before });
    world.pay(2_00).unwrap();
    let report = world.recover();
    assert_eq!((report.items.len(), report.is_complete()), (3, true), "{report:?}");
    assert_eq!(
        world.assert_settled(),
        Money { purse: before.purse - 2_00, sam: before.sam + 2_00, ..before }
    );
    assert!(world.recover().items.is_empty());
}
