//! Transfers between two purses, whatever is lost and wherever the power fails.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

use crate::support::process::{PURSES, Side, TRANSFER, check};
use crate::support::{Money, World, client};
use apdu_spec::element::{Amount, Expiry, Kind, Time};
use apdu_spec::status::StatusWord;
use purse_terminal::client::Failure;
use purse_terminal::flow::recovery::{self, Outcome};
use purse_terminal::flow::transfer::{self, Transfer};
use purse_terminal::flow::{FlowError, Party};
use purse_terminal::simulated_memory::{Cut, Flight};
use purse_tests::scheme::{self, Profile, TIME, eur, key_pair, party, pin};
use purse_tests::world::{PIN, rig};

fn world() -> World {
    World::with_history().and_other()
}

fn order(amount: u32) -> Transfer<'static> {
    Transfer { currency: eur(), amount: Amount(amount), time: TIME, pin: None }
}

/// Commands that a card gets in a transfer.
fn commands(side: Side) -> u64 {
    let mut world = world();
    side(&mut world).lose(u64::MAX);
    (TRANSFER.run)(&mut world).unwrap();
    side(&mut world).commands()
}

#[test]
fn a_transfer_costs_each_side_what_it_must() {
    // SELECT, GET DATA, VERIFY CERTIFICATE, DEBIT, ACKNOWLEDGE; SELECT, GET DATA, VERIFY CERTIFICATE, INITIALIZE, CREDIT.
    assert_eq!(PURSES.map(|(_, side)| commands(side)), [5, 5]);
    let mut world = world();
    let receipt = world.transfer(2_00).unwrap();
    assert!(receipt.acknowledged);
    assert_eq!(
        world.assert_settled(),
        Money { purse: 13_50, sam: 4_50, holder: 70_00, merchant: 0, other: 12_00 }
    );
}

#[test]
fn a_lost_response_is_repeated_or_recovered() {
    for (name, side) in PURSES {
        for number in 1..=commands(side) {
            let what = format!("without response {number} of the {name}");
            let result = check(world(), &TRANSFER, &what, |world| side(world).lose(number));
            // The card is still there, so the terminal can ask it.
            let unknown = result.is_err_and(|error| error.failure() == Failure::OutcomeUnknown);
            assert!(!unknown, "{what}");
        }
    }
}

#[test]
fn a_card_that_leaves_is_recovered_when_it_is_back() {
    let mut unknown = Vec::new();
    for (name, side) in PURSES {
        for number in 1..=commands(side) {
            let what = format!("when the {name} leaves at response {number}");
            let result = check(world(), &TRANSFER, &what, |world| side(world).remove(number));
            if result.is_err_and(|error| error.failure() == Failure::OutcomeUnknown) {
                unknown.push((name, number));
            }
        }
    }
    // DEBIT and CREDIT: the terminal must not pretend to know. Never anywhere else.
    assert_eq!(unknown, [("payer", 4), ("payee", 5)]);
}

#[test]
fn a_cut_in_any_operation_is_recovered() {
    for (name, side) in PURSES {
        let mut counted = world();
        side(&mut counted).inner_mut().card_mut().reset_counts();
        (TRANSFER.run)(&mut counted).unwrap();
        let operations = side(&mut counted).inner().card().counts().operations();
        assert!(operations >= 2, "a record and its seal");
        for operation in 0..operations {
            for units in 0..=10 {
                for flight in [Flight::Old, Flight::New, Flight::Garbage, Flight::AllUnstable] {
                    let cut = Cut { operation, units, flight };
                    let what = format!("with a cut of the {name}: {cut:?}");
                    let _ = check(world(), &TRANSFER, &what, |world| {
                        side(world).inner_mut().card_mut().cut(cut);
                    });
                }
            }
        }
    }
}

/// A transfer whose payee has gone after the DEBIT.
fn interrupted(world: &mut World) {
    let other = world.other.as_mut().unwrap();
    other.remove(5);
    assert_eq!(world.transfer(2_00).unwrap_err().failure(), Failure::OutcomeUnknown);
    world.bring_back();
}

#[test]
fn a_transfer_is_open_until_its_payee_is_there_and_a_third_card_does_not_help() {
    let mut world = world();
    world.other.as_mut().unwrap().remove(4);
    // The payee left before it credited: only the payer knows of it.
    assert!(world.transfer(2_00).is_err());
    world.bring_back();
    let agreed = scheme::pay_details(Kind::Transfer, 3_00, (party(1), 3), (party(3), 1));
    let mut payer = client(&mut world.purse);
    payer.meet(&key_pair(party(3)).certificate).unwrap();
    payer.debit(&agreed, scheme::session(&agreed).req()).unwrap();
    let mut stranger = rig("stranger", &Profile::purse(4, 0).with_key_pair());
    let mut cards = [client(&mut world.purse), client(&mut stranger)];
    let report = recovery::recover(&mut cards, None);
    let outcomes: Vec<_> = report.items.iter().map(|item| (item.pay_details.kind, &item.outcome)).collect();
    assert!(
        matches!(
            outcomes.as_slice(),
            [(Kind::Purchase, Outcome::PayeeAbsent), (Kind::Transfer, Outcome::PayeeAbsent)]
        ),
        "{outcomes:?}"
    );
    assert!(world.recover().is_complete());
    let money = world.assert_settled();
    assert_eq!((money.purse, money.other), (12_50, 13_00));
}

#[test]
fn what_is_in_flight_comes_to_its_end_although_a_certificate_has_expired() {
    let mut world = world();
    interrupted(&mut world);
    let late = Time(u32::MAX);
    let mut payee = client(world.other.as_mut().unwrap());
    let refused =
        transfer::transfer(&mut client(&mut world.purse), &mut payee, &Transfer { time: late, ..order(1) });
    assert!(matches!(refused, Err(FlowError::Expired { .. })), "{refused:?}");
    assert!(world.recover().is_complete());
    world.assert_settled();
}

#[test]
fn an_expired_certificate_is_refused_before_anything_happens() {
    let mut expired = key_pair(party(4));
    let body =
        apdu_spec::certificate::CertificateBody { expiry: Expiry([0x20, 0x01]), ..expired.certificate.body };
    expired.certificate = scheme::signed(body, &scheme::issuer_private_key());
    let mut one = rig("expired", &Profile { key_pair: Some(expired), ..Profile::purse(4, 5_00) });
    let mut other = rig("other", &Profile::purse(5, 5_00).with_key_pair());
    for payer_first in [true, false] {
        let (mut one, mut other) = (client(&mut one), client(&mut other));
        let done = if payer_first {
            transfer::transfer(&mut one, &mut other, &order(1_00))
        } else {
            transfer::transfer(&mut other, &mut one, &order(1_00))
        };
        let expected = party(4);
        assert!(
            matches!(&done, Err(FlowError::CertificateExpired { number, .. }) if *number == expected),
            "{done:?}"
        );
    }
}

#[test]
fn who_cannot_take_part_is_told_why() {
    let mut world = world();
    let mut without = rig("without", &Profile::purse(4, 5_00));
    let done = transfer::transfer(&mut client(&mut world.purse), &mut client(&mut without), &order(1_00));
    assert!(matches!(&done, Err(FlowError::NoKeyPair(number)) if *number == party(4)), "{done:?}");
    let done = transfer::transfer(&mut client(&mut world.purse), &mut client(&mut world.sam), &order(1_00));
    assert!(matches!(&done, Err(FlowError::WrongRole { wanted: Party::Purse, .. })), "{done:?}");
    let mut copy = rig("copy", &Profile::purse(1, 5_00).with_key_pair());
    let done = transfer::transfer(&mut client(&mut world.purse), &mut client(&mut copy), &order(1_00));
    assert!(matches!(&done, Err(FlowError::WrongPurse(_))), "{done:?}");
}

#[test]
fn above_the_limits_the_payer_wants_its_pin() {
    let mut payer = rig("payer", &Profile::purse(4, 100_00).with_key_pair());
    let mut payee = rig("payee", &Profile::purse(5, 0).with_key_pair());
    let (mut payer, mut payee) = (client(&mut payer), client(&mut payee));
    let done = transfer::transfer(&mut payer, &mut payee, &order(30_00));
    assert_eq!(done.unwrap_err().status_code(), Some(StatusWord::SecurityStatus.code()));
    let pin = pin(PIN);
    let order = Transfer { pin: Some(&pin), ..order(30_00) };
    transfer::transfer(&mut payer, &mut payee, &order).unwrap();
    assert_eq!((payer.status().balance, payee.status().balance), (Amount(70_00), Amount(30_00)));
}
