//! A bit of a card's memory is wrong: the card works rightly or says that it is damaged (`purse_tests::flips`). Here a
//! slice of the bits; `cargo run --release -p purse-tests --bin flip-memory` takes every one.

use apdu_spec::element::Role;
use purse_card::memory::Memory;
use purse_tests::flip_histories::{histories, random_history};
use purse_tests::flips::{History, Tally, Where, flip_pairs, flip_some_bits, places};

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
        assert_eq!(all.len(), 9);
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
