//! The processes of the standard are what the terminal's flows do: the same listings that a person reads, carried out
//! with the same cards and the same issuer, say the same to everybody in the same order, whatever gets lost on the way.

mod process_support;

use std::collections::BTreeSet;

use apdu_spec::process::ListingKind;
use process_support::situations::{Situation, situations};
use process_support::{Fault, Played, by_flow, by_text, faults};
use purse_reference::language::syntax::Statement;
use purse_reference::standard::Standard;

/// Plays a situation both ways, without a fault and with each. How often, and where the two differ.
fn play(
    standard: &Standard,
    situation: &Situation,
    executed: &mut BTreeSet<(usize, usize)>,
) -> (usize, Vec<String>) {
    let whole = by_flow(situation, Fault::None);
    let faults = faults(situation, &whole);
    let mut differences = Vec::new();
    for fault in &faults {
        let flow = by_flow(situation, *fault);
        let Played { said, outcome, .. } = by_text(standard, situation, *fault, executed);
        let what = format!("{} with {fault:?}", situation.name);
        let length = flow.said.len().max(said.len());
        if let Some(at) = (0..length).find(|at| flow.said.get(*at) != said.get(*at)) {
            differences.push(format!("{what}: {at}: {:02X?} of {:02X?}", flow.said.get(at), said.get(at)));
        } else if flow.outcome != outcome {
            differences.push(format!("{what}: {:?}, but the text {outcome:?}", flow.outcome));
        }
    }
    (faults.len(), differences)
}

#[test]
fn the_flows_say_what_the_standards_processes_say_and_every_line_is_executed() {
    let standard = Standard::load().unwrap();
    let mut executed = BTreeSet::new();
    let (mut runs, mut differences) = (0, Vec::new());
    for situation in &situations() {
        let (played, found) = play(&standard, situation, &mut executed);
        runs += played;
        differences.extend(found);
    }
    assert!(differences.is_empty(), "flow first, then text: {differences:#?}");
    let is_of_process = |name: &str| {
        let mut waiting: Vec<&str> = Vec::new();
        let mut seen = BTreeSet::new();
        let processes = standard.sources().iter().filter(|source| source.kind == ListingKind::Process);
        waiting.extend(processes.map(|source| source.name.as_str()));
        while let Some(next) = waiting.pop() {
            if !seen.insert(next) {
                continue;
            }
            let source = standard.sources().iter().find(|source| source.name == next).unwrap();
            for line in &source.lines {
                let mut statement = &line.statement;
                while let Statement::If(_, then) = statement {
                    statement = then;
                }
                if let Statement::Gosub(step, _) = statement {
                    waiting.push(step);
                }
            }
        }
        seen.contains(name)
    };
    let mut missing = Vec::new();
    let mut lines = 0;
    for (listing, source) in standard.sources().iter().enumerate() {
        if !is_of_process(&source.name) {
            continue;
        }
        for (at, line) in source.lines.iter().enumerate() {
            lines += 1;
            if !executed.contains(&(listing, at)) {
                missing.push(format!("{} {}", source.name, line.number));
            }
        }
    }
    println!("{runs} runs, {} of {lines} lines of processes executed", lines - missing.len());
    assert!(missing.is_empty(), "never executed: {missing:?}");
}
