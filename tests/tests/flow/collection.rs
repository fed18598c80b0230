//! Collections of more than one pocket, of more records than READ RECORD reaches, and one after the other: the merchant's
//! account is right each time.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

use crate::support::{MERCHANT, World, client, payment};
use apdu_spec::element::{Amount, Currency};
use purse_terminal::client::Failure;
use purse_terminal::flow::collection::Report;
use purse_terminal::flow::load::{self, Load};
use purse_terminal::flow::purchase::{Payment, purchase};
use purse_terminal::simulated_memory::{Cut, Flight};
use purse_tests::scheme::{TIME, eur, usd};

/// An account with 50.00 dollars.
const TRAVELLER: &str = "traveller";

/// 20.00 euros and 20.00 dollars in the purse.
fn world() -> World {
    let mut world = World::new();
    world.issuer.register_account(TRAVELLER, usd(), 50_00).unwrap();
    world.load(20_00).unwrap();
    let load = Load { account: TRAVELLER, currency: usd(), amount: Amount(20_00), time: TIME };
    load::load(&mut client(&mut world.purse), &mut world.issuer, &load).unwrap();
    world
}

fn pay(world: &mut World, currency: Currency, amount: u32) {
    let (mut purse, mut sam) = (client(&mut world.purse), client(&mut world.sam));
    purchase(&mut purse, &mut sam, &Payment { currency, ..payment(amount) }).unwrap();
}

/// What the merchant's account has.
fn merchant(world: &World) -> [i64; 2] {
    let accounts = world.issuer.accounts().unwrap();
    [eur(), usd()].map(|currency| {
        let held = accounts
            .iter()
            .find(|held| (held.account.name.as_str(), held.account.currency) == (MERCHANT, currency));
        held.unwrap().balance
    })
}

/// The books in both currencies are what the cards hold, and nothing has been withheld.
#[track_caller]
fn assert_books(world: &mut World) {
    let books = world.issuer.books().unwrap();
    for (pocket, currency) in [(0, eur()), (1, usd())] {
        let books = books.iter().find(|books| books.currency == currency).unwrap();
        let held = [&mut world.purse, &mut world.sam]
            .map(|rig| i64::from(client(rig).balance(pocket).unwrap().balance.0));
        assert_eq!(books.float, held.iter().sum::<i64>(), "{books:?}");
        assert_eq!((books.withheld, books.unclaimed), (0, 0), "{books:?}");
    }
}

/// Amounts credited, which are all that was there.
#[track_caller]
fn credited(report: &Report) -> Vec<(Currency, u32)> {
    for collected in &report.collected {
        assert_eq!(collected.credited, collected.pay_details.amount);
        assert!(collected.acknowledged && collected.withheld == Amount::ZERO);
    }
    report.collected.iter().map(|collected| (collected.pay_details.currency, collected.credited.0)).collect()
}

#[test]
fn euros_and_dollars_are_collected_together_and_go_on() {
    let mut world = world();
    pay(&mut world, eur(), 3_00);
    pay(&mut world, usd(), 4_00);
    pay(&mut world, usd(), 50);
    let report = world.collect().unwrap();
    assert_eq!((report.records, credited(&report)), (3, vec![(eur(), 3_00), (usd(), 4_50)]));
    assert_eq!(merchant(&world), [3_00, 4_50]);
    assert_books(&mut world);

    let report = world.collect().unwrap();
    assert_eq!((report.records, credited(&report)), (0, vec![(eur(), 0)]));
    assert_eq!(merchant(&world), [3_00, 4_50]);

    pay(&mut world, usd(), 1_00);
    let report = world.collect().unwrap();
    assert_eq!((report.records, credited(&report)), (1, vec![(usd(), 1_00)]));
    assert_eq!(merchant(&world), [3_00, 5_50]);

    pay(&mut world, eur(), 2_00);
    world.refund(1_00).unwrap();
    pay(&mut world, usd(), 25);
    let report = world.collect().unwrap();
    assert_eq!((report.records, credited(&report)), (3, vec![(eur(), 1_00), (usd(), 25)]));
    assert_eq!(merchant(&world), [4_00, 5_75]);
    assert_books(&mut world);
    assert!(world.recover().items.is_empty());
}

#[test]
fn more_records_than_read_record_reaches_are_collected() {
    let mut world = world();
    let mut due = [0; 2];
    for round in 1..=3_u32 {
        let (mut purse, mut sam) = (client(&mut world.purse), client(&mut world.sam));
        for place in 0..300 {
            let (pocket, currency) = if place % 3 == 0 { (1, usd()) } else { (0, eur()) };
            purchase(&mut purse, &mut sam, &Payment { currency, ..payment(round) }).unwrap();
            due[pocket] += i64::from(round);
        }
        let report = world.collect().unwrap();
        assert_eq!((report.records, credited(&report).len()), (300, 2));
        assert_eq!(merchant(&world), due);
        assert_books(&mut world);
        let report = world.collect().unwrap();
        assert_eq!((report.records, credited(&report)), (0, vec![(eur(), 0)]));
        assert_eq!(merchant(&world), due);
    }
    assert_eq!(due, [200 * 6, 100 * 6]);
    assert!(world.recover().items.is_empty());
}

type Fault<'a> = &'a dyn Fn(&mut World);

/// A collection of both pockets with a fault, then a recovery, then another collection.
fn check(what: &str, fault: Fault<'_>) -> bool {
    let mut world = world();
    pay(&mut world, eur(), 3_00);
    pay(&mut world, usd(), 4_00);
    fault(&mut world);
    let result = world.collect();
    world.bring_back();
    let report = world.recover();
    assert!(report.is_complete(), "{what}: {report:?}");
    assert_books(&mut world);
    let now = merchant(&world);
    match &result {
        Ok(_) => assert_eq!(now, [3_00, 4_00], "{what}"),
        // The euros may have come to their end already.
        Err(error) => {
            let unknown = error.failure() == Failure::OutcomeUnknown;
            assert!(
                [[0, 0], [3_00, 0]].contains(&now) || unknown && now == [3_00, 4_00],
                "{what}: {error} {now:?}"
            );
        }
    }
    assert!(world.recover().items.is_empty(), "{what}");
    pay(&mut world, usd(), 1_00);
    world.collect().unwrap();
    assert_eq!(merchant(&world), [3_00, 5_00], "{what}");
    assert_books(&mut world);
    result.is_err() && now == [3_00, 0]
}

/// A collection of both pockets with a fault, then another purchase and another collection, and only then a recovery.
fn check_again(what: &str, fault: Fault<'_>) -> bool {
    let mut world = world();
    pay(&mut world, eur(), 3_00);
    pay(&mut world, usd(), 4_00);
    fault(&mut world);
    let _ = world.collect();
    world.bring_back();
    pay(&mut world, usd(), 1_00);
    world.collect().unwrap();
    let before_recovery = merchant(&world);
    let report = world.recover();
    assert!(report.is_complete(), "{what}: {report:?}");
    assert_eq!(merchant(&world), [3_00, 5_00], "{what}");
    assert_books(&mut world);
    assert!(world.recover().items.is_empty(), "{what}");
    before_recovery != [3_00, 5_00]
}

/// Every fault of the SAM in a collection of both pockets. How often `check` says yes.
fn interruptions(check: fn(&str, Fault<'_>) -> bool) -> usize {
    let mut whole = world();
    pay(&mut whole, eur(), 3_00);
    pay(&mut whole, usd(), 4_00);
    whole.sam.lose(u64::MAX);
    whole.sam.inner_mut().card_mut().reset_counts();
    whole.collect().unwrap();
    let mut count = 0;
    for number in 1..=whole.sam.commands() {
        count += usize::from(check(&format!("without response {number}"), &|world| world.sam.lose(number)));
        count += usize::from(check(&format!("left at response {number}"), &|world| world.sam.remove(number)));
    }
    for operation in 0..whole.sam.inner().card().counts().operations() {
        for units in 0..11 {
            for flight in [Flight::Old, Flight::New, Flight::AllUnstable] {
                let cut = Cut { operation, units, flight };
                count += usize::from(check(&format!("{cut:?}"), &|world| {
                    world.sam.inner_mut().card_mut().cut(cut);
                }));
            }
        }
    }
    count
}

#[test]
fn a_collection_of_both_is_finished_wherever_it_is_interrupted() {
    let half = interruptions(check);
    assert!(half > 0, "the second pocket alone was in the air");
}

#[test]
fn a_collection_that_another_one_overtakes_is_finished_too() {
    let overtaken = interruptions(check_again);
    assert!(overtaken > 0, "one was overtaken");
}
