//! Which lines of the listings have been executed, and how often each command has been tried.

use std::collections::{BTreeMap, BTreeSet};

use apdu_spec::process::ListingKind;
use purse_reference::language::syntax::Statement;
use purse_reference::machine::Observer;
use purse_reference::standard::Standard;

/// A number for each line of the listings.
#[derive(Clone, Debug)]
pub struct Lines {
    /// First number of each listing.
    first: Vec<usize>,
    count: usize,
    /// Whether a command leads to the listing at all.
    of_card: Vec<bool>,
}

impl Lines {
    /// Of these listings.
    pub fn of(standard: &Standard) -> Self {
        let mut first = Vec::new();
        let mut count = 0;
        for source in standard.sources() {
            first.push(count);
            count += source.lines.len();
        }
        let mut of_card: Vec<bool> = standard
            .sources()
            .iter()
            .map(|source| matches!(source.kind, ListingKind::Before | ListingKind::Command(_)))
            .collect();
        let calls = |from: usize| {
            let lines = standard.sources().get(from).map(|source| &source.lines);
            lines.into_iter().flatten().filter_map(|line| called(&line.statement))
        };
        let mut waiting: Vec<usize> = (0..of_card.len()).filter(|listing| of_card[*listing]).collect();
        while let Some(listing) = waiting.pop() {
            for step in calls(listing) {
                let place = standard.sources().iter().position(|source| source.name == step);
                if let Some(place) = place.filter(|place| !of_card[*place]) {
                    of_card[place] = true;
                    waiting.push(place);
                }
            }
        }
        Self { first, count, of_card }
    }

    /// How many.
    pub const fn count(&self) -> usize {
        self.count
    }

    /// The number of a line.
    pub fn number(&self, listing: usize, line: usize) -> usize {
        self.first.get(listing).map_or(0, |first| first + line)
    }

    /// Whether commands lead to this listing.
    pub fn is_of_card(&self, listing: usize) -> bool {
        self.of_card.get(listing).copied().unwrap_or(false)
    }
}

/// The step that a statement calls.
fn called(statement: &Statement) -> Option<&str> {
    match statement {
        Statement::Gosub(step, _) => Some(step),
        Statement::If(_, then) => called(then),
        _ => None,
    }
}

/// The lines of one command.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// Listing and line, in order.
    pub lines: Vec<(usize, usize)>,
}

impl Observer for Watch {
    fn line(&mut self, listing: usize, line: usize) {
        self.lines.push((listing, line));
    }
}

/// What has been tried of one command.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub struct Tried {
    /// Sequences of commands that it was in.
    pub sequences: u64,
    /// Commands.
    pub commands: u64,
    /// Of them such that changed the memory.
    pub writes: u64,
    /// Times that the power failed in one.
    pub cuts: u64,
    /// Disagreements.
    pub disagreements: u64,
}

/// What has been tried of all.
#[derive(Clone, Debug)]
pub struct Coverage {
    /// Executions of each line.
    pub hits: Vec<u64>,
    /// By name of the command.
    pub tried: BTreeMap<&'static str, Tried>,
    /// Times that a listing was executed.
    pub calls: Vec<u64>,
}

impl Coverage {
    /// Nothing yet.
    pub fn new(lines: &Lines) -> Self {
        Self { hits: vec![0; lines.count()], tried: BTreeMap::new(), calls: vec![0; lines.first.len()] }
    }

    /// Counts what one command has executed.
    pub fn count(&mut self, lines: &Lines, watch: &Watch) {
        let mut listings = BTreeSet::new();
        for (listing, line) in &watch.lines {
            if let Some(hits) = self.hits.get_mut(lines.number(*listing, *line)) {
                *hits += 1;
            }
            listings.insert(*listing);
        }
        for listing in listings {
            if let Some(calls) = self.calls.get_mut(listing) {
                *calls += 1;
            }
        }
    }

    /// Of a command.
    pub fn tried(&mut self, name: &'static str) -> &mut Tried {
        self.tried.entry(name).or_default()
    }

    /// Adds what one sequence of commands has seen.
    pub fn add_sequence(&mut self, other: &Self) {
        self.add(other);
        for (name, _) in other.tried.iter().filter(|(_, tried)| tried.commands > 0) {
            self.tried(name).sequences += 1;
        }
    }

    /// Adds what another one has seen.
    pub fn add(&mut self, other: &Self) {
        for (ours, theirs) in self.hits.iter_mut().zip(&other.hits) {
            *ours += theirs;
        }
        for (ours, theirs) in self.calls.iter_mut().zip(&other.calls) {
            *ours += theirs;
        }
        for (name, theirs) in &other.tried {
            let ours = self.tried(name);
            ours.sequences += theirs.sequences;
            ours.commands += theirs.commands;
            ours.writes += theirs.writes;
            ours.cuts += theirs.cuts;
            ours.disagreements += theirs.disagreements;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use purse_reference::compile::Source;
    use purse_reference::language::parse::parse;
    use purse_reference::standard::sources;

    #[test]
    fn what_only_processes_lead_to_is_none_of_the_cards_lines() {
        let mut sources = sources().expect("the listings are of the language");
        let count = sources.len();
        for (name, kind, text) in [
            ("A.STEP.OF.PROCESSES", ListingKind::Step, "10 REM A step\n20 GOSUB USED.UP\n"),
            ("A PROCESS", ListingKind::Process, "10 GOSUB A.STEP.OF.PROCESSES\n20 RETURN 9000\n"),
        ] {
            let lines = parse(text).expect("of the language");
            sources.push(Source { name: name.into(), kind, lines });
        }
        let standard = Standard::new(sources).expect("of the language");
        let lines = Lines::of(&standard);
        assert!(!lines.is_of_card(count) && !lines.is_of_card(count + 1));
        let used_up = standard.sources().iter().position(|source| source.name == "USED.UP");
        assert!(lines.is_of_card(used_up.expect("a step of commands")), "commands lead to it too");
        let mutants = crate::mutants::all(&standard, &lines, None);
        assert!(!mutants.is_empty() && mutants.iter().all(|mutant| mutant.listing < count));
    }
}
