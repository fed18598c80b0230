//! A slice of what `make conformance` does: the card and the listings agree, and where one of them is changed it shows.

use proptest::prelude::*;
use purse_conformance::coverage::{Coverage, Lines};
use purse_conformance::curve::remembering;
use purse_conformance::history::{self, Plan, Player};
use purse_conformance::issue::{Issue, issues};
use purse_conformance::pair::Event;
use purse_conformance::walk::{Bounds, Walk};
use purse_conformance::{mutants, report};
use purse_reference::language::syntax::{Expression, Statement};
use purse_reference::standard::{Standard, sources};

fn standard() -> Standard {
    remembering(Standard::load().expect("the listings are of the language"))
}

fn issue(name: &str) -> Issue {
    issues().into_iter().find(|issue| issue.name == name).expect("an issue")
}

/// A standard of which one line is changed.
fn changed(listing: &str, line: u32, change: impl Fn(&mut Statement)) -> Standard {
    let mut sources = sources().expect("the listings are of the language");
    let source = sources.iter_mut().find(|source| source.name == listing).expect("a listing");
    let line = source.lines.iter_mut().find(|found| found.number == line).expect("a line");
    change(&mut line.statement);
    Standard::new(sources).expect("it is still of the language")
}

/// The number of the first line whose text begins so.
fn line_of(listing: &str, begins: &str) -> u32 {
    let sources = sources().expect("the listings are of the language");
    let source = sources.iter().find(|source| source.name == listing).expect("a listing");
    source.lines.iter().find(|line| line.text.starts_with(begins)).expect("such a line").number
}

/// What the first disagreement over so many commands is; text for a person.
fn found(standard: &Standard, commands: u64) -> Option<String> {
    let (lines, issues) = (Lines::of(standard), issues());
    let mut given = 0;
    for (seed, issue) in (1_u64..).zip(issues.iter().cycle()) {
        let plan = Plan { length: 150, cuts_once_in: 2 };
        let (coverage, found) = history::make(standard, &lines, issue, seed, plan);
        if let Some(found) = found {
            return Some(report::disagreement(&history::minimised(standard, &lines, issue, found)));
        }
        given += coverage.tried.values().map(|tried| tried.commands).sum::<u64>();
        if given > commands {
            break;
        }
    }
    None
}

#[test]
fn card_and_listings_agree_in_every_way_and_every_line_is_executed() {
    let standard = standard();
    let lines = Lines::of(&standard);
    let mut coverage = Coverage::new(&lines);
    for (name, cuts, scenarios) in [
        ("purse", true, false),
        ("SAM at the very end", true, false),
        ("purse", false, true),
        ("SAM", false, true),
        ("disposable purse with five pockets", false, true),
    ] {
        let issue = issue(name);
        let bounds = Bounds { near: 2, deep: 0, cuts, scenarios };
        let mut walk = Walk::new(&standard, &lines, &issue, bounds, false);
        if let Err(disagreement) = walk.walk(1) {
            panic!("{}", report::disagreement(&disagreement));
        }
        coverage.add(&walk.coverage);
    }
    for row in report::rows(&standard, &lines, &coverage) {
        assert!(row.missing.is_empty(), "{}: lines {:?} have not been executed", row.name, row.missing);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn card_and_listings_agree_over_any_history(
        place in 0..issues().len(),
        seeds in prop::collection::vec(any::<u64>(), 1..90),
        personalised in prop::bool::weighted(0.8),
    ) {
        let (standard, issues) = (standard(), issues());
        let lines = Lines::of(&standard);
        let Ok(mut player) = Player::new(&standard, &lines, &issues[place]) else {
            return Err(TestCaseError::fail("the card does not start"));
        };
        let mut events = if personalised { player.pair.personalisation() } else { Vec::new() };
        events.reverse();
        for seed in seeds {
            let (next, mut choice) = player.next(seed);
            let event = events.pop().unwrap_or(next);
            if let Err(difference) = player.play(event, choice.once_in(4)) {
                let issue = issues[place].name;
                let found = history::Disagreement { issue, events: player.events.clone(), difference };
                return Err(TestCaseError::fail(report::disagreement(&found)));
            }
        }
    }
}

#[test]
fn a_check_that_the_listing_leaves_out_is_found_and_told_so_that_a_person_understands_it() {
    let line = line_of("LOCK", "IF PIN.VERIFIED = 0");
    let standard = changed("LOCK", line, |statement| *statement = Statement::Remark(String::new()));
    let told = found(&standard, 20_000).expect("a difference");
    assert!(told.contains("text and card differ in LOCK"), "{told}");
    assert!(told.contains("the card answers 6982, the text 9000"), "{told}");
    assert!(told.contains("the text answers in: LOCK"), "{told}");
    // SELECT, STORE DATA, SELECT, LOCK: few events are left of hundreds.
    assert!(told.lines().count() <= 8, "{told}");
}

#[test]
fn a_change_of_memory_that_the_listing_leaves_out_is_found() {
    let line = line_of("TAKE.BACK", "LET BALANCE");
    let standard = changed("TAKE.BACK", line, |statement| *statement = Statement::Remark(String::new()));
    let told = found(&standard, 60_000).expect("a difference");
    assert!(told.contains("BALANCE(0)"), "{told}");
}

#[test]
fn a_limit_that_is_off_by_one_is_found() {
    let line = line_of("DEBIT", "IF PD.AMOUNT > BALANCE(P)");
    let standard = changed("DEBIT", line, |statement| {
        let Statement::If(Expression::Binary(operator, ..), _) = statement else { panic!("a comparison") };
        *operator = purse_reference::language::syntax::Operator::AtLeast;
    });
    let told = found(&standard, 60_000).expect("a difference");
    assert!(told.contains("text and card differ in DEBIT"), "{told}");
}

#[test]
fn a_commit_that_the_card_does_not_make_in_that_place_is_found_by_a_cut() {
    // One COMMIT of two: the listing then writes the settled mark and the counter at once.
    let mut all = sources().expect("the listings are of the language");
    let script = all.iter_mut().find(|source| source.name == "UPDATE PARAMETER").expect("a listing");
    let settles = script.lines.iter().position(|line| line.text.starts_with("GOSUB CLOSE.RECORD"));
    let ends = settles.expect("it settles a record") + 1;
    let begins = script.lines[ends..].iter().position(|line| line.statement == Statement::BeginCommit);
    let begins = ends + begins.expect("a second COMMIT");
    assert_eq!(script.lines[ends].statement, Statement::EndCommit);
    for line in [ends, begins] {
        script.lines[line].statement = Statement::Remark(String::new());
    }
    let standard = Standard::new(all).expect("it is still of the language");
    let told = found(&standard, 120_000).expect("a difference");
    assert!(told.contains("text and card differ in UPDATE PARAMETER"), "{told}");
    assert!(told.contains("Cut {"), "{told}");
}

#[test]
fn the_mutants_of_a_listing_are_all_found() {
    let (standard, effort) = (standard(), mutants::Effort { states: 0, histories: 12, seed: 1 });
    let lines = Lines::of(&standard);
    let names = ["purse", "SAM"].map(issue);
    let corpus = mutants::record(&standard, &lines, &names, effort);
    let corpus = corpus.unwrap_or_else(|found| panic!("{}", report::disagreement(&found)));
    for listing in ["TAKE.BACK"] {
        let mutants = mutants::all(&standard, &lines, Some(listing));
        let verdicts = mutants::judge_all(&standard, &lines, &corpus, &mutants, false);
        assert!(mutants.len() > 4, "{listing} has lines to change");
        for (mutant, verdict) in mutants.iter().zip(verdicts) {
            let name = mutant.name(standard.sources());
            assert_ne!(verdict, mutants::Verdict::Survivor, "{name}");
        }
    }
}

#[test]
fn resets_and_cuts_are_among_what_happens() {
    let standard = standard();
    let lines = Lines::of(&standard);
    let issue = issue("purse");
    let mut player = Player::new(&standard, &lines, &issue).unwrap_or_else(|_| panic!("the card starts"));
    let plan = Plan { length: 400, cuts_once_in: 50 };
    history::run(&mut player, 3, plan, &mut |_, _| {}).unwrap_or_else(|found| panic!("{}", found.how));
    assert!(player.events.iter().any(|event| matches!(event, Event::Reset)));
    assert!(player.events.iter().any(|event| matches!(event, Event::Torn(..))));
}
