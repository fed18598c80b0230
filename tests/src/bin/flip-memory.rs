//! Flips bits of cards' memories and counts what comes of it: `flip-memory [STRIDE [SEEDS [FIRST SEED]]]`. Every STRIDEth
//! bit (1: every bit) of each bench history of both roles and of so many drawn ones; as many pairs of bits as there are
//! kilobits; every unit taken for blank, or not. It ends with 1 if a card did what it must not.

use std::process::ExitCode;

use apdu_spec::element::Role;
use purse_tests::flip_histories::{histories, random_history};
use purse_tests::flips::{Tally, Where, flip_pairs, flip_some_bits, places};

fn show(name: &str, tally: &Tally) {
    let Tally { flips, power_ups, commands, worked, damaged, forgotten, violations } = tally;
    println!(
        "{name}: {flips} flips, {power_ups} power-ups, {commands} commands: {worked} worked, {damaged} damaged, \
         {forgotten} forgotten, {} wrong",
        violations.len()
    );
    for violation in violations.iter().take(5) {
        println!("  {}", violation.chars().take(400).collect::<String>());
    }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>().expect("a number"));
    let stride = usize::try_from(arguments.next().unwrap_or(1)).expect("a stride");
    let seeds = arguments.next().unwrap_or(8);
    let first_seed = arguments.next().unwrap_or(1);
    let (mut bytes, mut blank) = (Tally::default(), Tally::default());
    for role in [Role::Purse, Role::Merchant] {
        let drawn = (first_seed..first_seed + seeds).map(|seed| random_history(role, seed));
        for history in histories(role).into_iter().chain(drawn) {
            for place in [Where::AtRest, Where::Powered] {
                let tally = flip_some_bits(&history, place, 0, stride, &mut |_, _| {});
                show(&format!("{}, {place:?}", history.name), &tally);
                bytes = bytes.and(tally);
            }
            let pairs = places(&history, Where::AtRest) / 1000;
            let tally = flip_pairs(&history, first_seed, pairs, &mut |_, _| {});
            show(&format!("{}, pairs", history.name), &tally);
            bytes = bytes.and(tally);
            let tally = flip_some_bits(&history, Where::Blank, 0, 1, &mut |_, _| {});
            show(&format!("{}, blank", history.name), &tally);
            blank = blank.and(tally);
        }
    }
    show("all bits", &bytes);
    show("all units taken for blank or not", &blank);
    if bytes.violations.is_empty() && blank.violations.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
