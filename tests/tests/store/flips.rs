//! A bit of a card's memory is wrong: the card works rightly or says that it is damaged (`purse_tests::flips`). Here a
//! slice of the bits; `cargo run --release -p purse-tests --bin flip-memory` takes every one.

use apdu_spec::command::Command;
use apdu_spec::element::{Kind, Role};
use apdu_spec::record::LogRecord;
use purse_card::memory::Memory;
use purse_tests::flip_histories::{histories, random_history};
use purse_tests::flips::{
    History, Tally, TinyCard, Where, flip_pairs, flip_some_bits, places, transfers_done,
};

/// One bit in so many; a prime, so that all bits of a byte and all bytes of an entry have their turn.
const STRIDE: usize = 53;

fn every_history() -> impl Iterator<Item = History> {
    [Role::Purse, Role::Merchant].into_iter().flat_map(|role| {
        let drawn = (1..=3).map(move |seed| random_history(role, seed));
        histories(role).into_iter().chain(drawn)
    })
}

fn all(mut flip: impl FnMut(&History, usize) -> Tally) -> Tally {
    every_history().enumerate().fold(Tally::default(), |tally, (number, history)| {
        let of_one = flip(&history, number * 7 % STRIDE);
        assert_eq!(of_one.violations, Vec::<String>::new());
        assert!(of_one.forgotten == 0 || history.unsealed.is_some(), "{}", history.name);
        tally.and(of_one)
    })
}

#[test]
fn a_bit_that_changes_at_rest_changes_nothing_or_is_found() {
    let tally = all(|history, first| flip_some_bits(history, Where::AtRest, first, STRIDE, &mut |_, _| {}));
    assert!(tally.worked > 1_000 && tally.damaged > 1_000 && tally.forgotten > 10, "{tally:?}");
}

#[test]
fn a_bit_that_changes_under_power_changes_nothing_or_is_found() {
    let tally = all(|history, first| flip_some_bits(history, Where::Powered, first, STRIDE, &mut |_, _| {}));
    assert!(tally.worked > 1_000 && tally.damaged > 1_000 && tally.forgotten == 0, "{tally:?}");
}

#[test]
fn two_bits_that_change_change_nothing_or_are_found() {
    let tally = all(|history, first| flip_pairs(history, first as u64, 200, &mut |_, _| {}));
    assert!(tally.worked > 100 && tally.damaged > 1_000, "{tally:?}");
}

#[test]
fn a_unit_that_is_taken_for_blank_or_not_changes_nothing_or_is_found() {
    let tally = all(|history, _| flip_some_bits(history, Where::Blank, 0, 1, &mut |_, _| {}));
    assert!(tally.worked > 1_000 && tally.damaged > 10, "{tally:?}");
}

#[test]
fn the_bench_histories_are_what_they_are_called() {
    for role in [Role::Purse, Role::Merchant] {
        let all = histories(role);
        assert_eq!(all.len(), if role == Role::Purse { 11 } else { 9 });
        let distinct: std::collections::BTreeSet<_> =
            all.iter().map(|history| history.image.bytes()).collect();
        assert_eq!(distinct.len(), all.len());
        for history in &all {
            assert_eq!(places(history, Where::AtRest), history.image.bytes().len() * 8);
            assert_eq!(
                places(history, Where::Blank),
                history.image.bytes().len() / history.image.geometry().unit
            );
        }
    }
}

/// What is flipped in has to be there: EF.EXC holds a transfer, and the card of it takes part in more of them.
#[test]
fn a_transfer_is_kept_and_more_are_made_where_bits_are_flipped() {
    let histories = histories(Role::Purse);
    let kept = histories.last().unwrap();
    let of = |card: &mut TinyCard, number| {
        let answer = card.succeed(&Command::ReadRecord(Some(0x19), number));
        LogRecord::parse(&answer.try_into().unwrap()).unwrap()
    };
    let mut card = TinyCard::on(kept.image.clone());
    card.select();
    let kinds = [1, 2].map(|number| of(&mut card, number).pay_details.kind);
    assert!(kinds.contains(&Kind::Transfer) && kinds.contains(&Kind::Unload), "{kinds:?}");
    let transfers = transfers_done(kept);
    // Debited, credited and declined, and each of the first two again, three times over.
    assert_eq!(transfers, 15);
}
