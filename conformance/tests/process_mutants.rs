//! Every change of a process's text is noticed: by the text's own checks, or because parties then say something else than
//! the terminal's flows. What says the same stands by name, with the reason, in `process_support/equivalents.rs`.
//!
//! One mutant of `PROCESS_MUTANTS` (20) is tried, `PROCESS_MUTANTS=1` tries all; `PROCESS_LISTING=NAME` those of one listing.

mod process_support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use process_support::equivalents::EQUIVALENTS;
use process_support::situations::situations;
use process_support::{Fault, Played, by_flow, faults, try_text};
use purse_conformance::coverage::Lines;
use purse_conformance::mutants::make::{self, Mutant};
use purse_reference::check::Checked;
use purse_reference::compile::Source;
use purse_reference::standard::Standard;

#[derive(Debug, Default)]
struct Count {
    checks: usize,
    flows: usize,
    survivors: Vec<String>,
}

/// Every mutant of the processes. Two changes of one line may have one name; they are told apart by a number.
fn mutants_of(sources: &[Source], lines: &Lines) -> Vec<Mutant> {
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let listings = (0..sources.len()).filter(|listing| !lines.is_of_card(*listing));
    let mut mutants: Vec<Mutant> = listings.flat_map(|listing| make::of(listing, sources)).collect();
    for mutant in &mut mutants {
        let count = names.entry(mutant.name(sources)).or_default();
        *count += 1;
        if *count > 1 {
            mutant.change = format!("{} ({count})", mutant.change);
        }
    }
    mutants
}

#[test]
fn every_change_of_a_process_is_noticed() {
    let stride: usize = std::env::var("PROCESS_MUTANTS").map_or(20, |stride| stride.parse().unwrap());
    let standard = Standard::load().unwrap();
    let checked = Checked::of(&standard);
    // Else the checks would seem to notice everything.
    assert_eq!(checked.findings(&standard), [], "the text itself");
    let lines = Lines::of(&standard);
    let mut recorded: Vec<(_, Fault, Played)> = Vec::new();
    for situation in situations() {
        let whole = by_flow(&situation, Fault::None);
        for fault in faults(&situation, &whole) {
            recorded.push((situation, fault, by_flow(&situation, fault)));
        }
    }
    let sources = standard.sources();
    let listing = std::env::var("PROCESS_LISTING").ok();
    let mut mutants = mutants_of(sources, &lines);
    mutants.retain(|mutant| listing.as_ref().is_none_or(|name| sources[mutant.listing].name == *name));
    let mutants: Vec<Mutant> = mutants.into_iter().step_by(stride).collect();
    // The runs in which a line is executed come first.
    let executed: Vec<BTreeSet<(usize, usize)>> = recorded
        .iter()
        .map(|(situation, fault, flow)| {
            let mut executed = BTreeSet::new();
            let text = try_text(&standard, situation, *fault, &mut executed).unwrap();
            // Else every mutant of these lines would seem to be noticed.
            let is_same = text.said == flow.said && text.outcome == flow.outcome;
            assert!(is_same, "{} with {fault:?}: {flow:02X?}, {text:02X?}", situation.name);
            executed
        })
        .collect();
    let (count, turn) = (Mutex::new(Count::default()), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(mutant) = mutants.get(turn.fetch_add(1, Ordering::Relaxed)) {
                    let changed = standard.with_lines(mutant.listing, &mutant.lines).ok();
                    let changed = changed.filter(|new| checked.again(new).findings(new).is_empty());
                    let place = (mutant.listing, mutant.line);
                    let is_noticed = |changed: &Standard| {
                        recorded.iter().zip(&executed).filter(|(_, lines)| lines.contains(&place)).any(
                            |((situation, fault, flow), _)| {
                                let text = try_text(changed, situation, *fault, &mut BTreeSet::new());
                                !text.is_ok_and(|text| text.said == flow.said && text.outcome == flow.outcome)
                            },
                        )
                    };
                    let noticed = changed.as_ref().map(is_noticed);
                    let mut count = count.lock().unwrap();
                    match noticed {
                        None => count.checks += 1,
                        Some(true) => count.flows += 1,
                        Some(false) => count.survivors.push(mutant.name(sources)),
                    }
                }
            });
        }
    });
    let Count { checks, flows, mut survivors } = count.into_inner().unwrap();
    survivors.sort();
    let equivalents: BTreeSet<&str> = EQUIVALENTS.iter().flat_map(|one| one.names).copied().collect();
    let (same, new): (Vec<String>, Vec<String>) =
        survivors.into_iter().partition(|name| equivalents.contains(name.as_str()));
    println!(
        "{} mutants, {checks} by checks, {flows} by the flows, {} say the same, {} survivors",
        mutants.len(),
        same.len(),
        new.len()
    );
    assert!(new.is_empty(), "nothing notices {new:#?}");
    if stride == 1 && listing.is_none() {
        let stale: Vec<_> = equivalents.iter().filter(|name| !same.iter().any(|one| one == **name)).collect();
        assert!(stale.is_empty(), "noticed after all, or no mutant: {stale:#?}");
    }
}
