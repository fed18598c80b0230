//! One command at a time, torn everywhere: each command on each state of a memory that goes round all the time, cut at
//! each unit of each operation, and cut again while the card recovers, with every outcome of the units in flight.

mod commands;
mod histories;
mod reference;

use std::panic::{self, AssertUnwindSafe};
use std::time::Instant;

use purse_card::memory::Geometry;
use purse_terminal::simulated_memory::{Cut, Flight};
use rustc_hash::FxHashSet;

pub use commands::Trial;
pub use histories::COMMANDS;
use reference::{Operation, Reference, digest};

use crate::chance::Chance;
use crate::content::Content;
use crate::property::{Property, Tally};

/// What the tearing came to.
#[derive(Clone, Debug, Default)]
pub struct Torn {
    /// States of memories.
    pub states: u64,
    /// Commands on them.
    pub trials: u64,
    /// Power-ups after a cut: one for each cut that has really fallen, and of which this command on this state had not
    /// left the very same memory before. Power-ups without a new cut before them are not counted, though they are made.
    pub power_ups: u64,
    /// Cuts that have left a memory that was known.
    pub repeats: u64,
    /// Torn cards that were given the next command: each for which the first power-up has left a memory that is new, or
    /// unstable; and one of eight straight from what the cut has left.
    pub continued: u64,
    /// Whether every first cut has been made, with every outcome.
    pub first_cuts_complete: bool,
    /// Whether every second cut of the grid has been made.
    pub second_cuts_complete: bool,
    /// Cuts at random, drawn from the seed.
    pub random: u64,
    /// What was looked at.
    pub tally: Tally,
}

/// Everything to be torn, for a card with this window.
#[derive(Debug)]
pub struct Tears<const WINDOW: usize, const EXCEPTIONS: usize> {
    references: Vec<Reference>,
    /// What came of it.
    pub torn: Torn,
    chance: Chance,
    /// Where a run begins: each seed with another part, so that short runs come to all of it in time.
    first: usize,
    /// Commands with the memories that they have left, by digest.
    seen: FxHashSet<(u32, u64)>,
    /// The same of the memories that the power-up after the cut has made of those.
    rested: FxHashSet<(u32, u64)>,
}

/// Parts that seeds begin at, one after the other.
const PARTS: u64 = 16;
/// Power goes just when the operation has ended.
const COMPLETE: usize = usize::MAX;
/// What the units in flight come to in a second cut.
const SECOND_FLIGHTS: [Flight; 2] = [Flight::AllUnstable, Flight::Garbage];
/// Units of an operation of a recovery that are done when it is cut.
const SECOND_UNITS: [usize; 8] = [0, 1, 7, 19, 40, 101, 159, COMPLETE];
/// Draws of one round, and how many of them must show something new for another one: with fewer, the time shows more on
/// another memory.
const ROUND: u64 = 50_000;
const ENOUGH: u64 = ROUND / 5;
/// One of so many torn cards goes on straight from what the cut has left.
const CONTINUED: u64 = 8;
/// Memories that are remembered at most; what comes after them is not counted.
const REMEMBERED: usize = 58_000_000;

impl<const WINDOW: usize, const EXCEPTIONS: usize> Tears<WINDOW, EXCEPTIONS> {
    /// Every command on every state of histories of so many commands on such a memory: of those, each `share`th.
    pub fn new(geometry: Geometry, seed: u64, (share, shares): (usize, usize), commands: usize) -> Self {
        let mut tears = Self {
            references: Vec::new(),
            torn: Torn::default(),
            chance: Chance(seed),
            first: 0,
            seen: FxHashSet::default(),
            rested: FxHashSet::default(),
        };
        for (place, state) in
            histories::states::<WINDOW, EXCEPTIONS>(geometry, commands).into_iter().enumerate()
        {
            if place % shares != share {
                continue;
            }
            tears.torn.states += 1;
            for trial in commands::trials(&state) {
                tears.torn.trials += 1;
                let number = tears.references.len();
                let reference = Self::reference(trial, &state, number, &mut tears.torn.tally);
                tears.references.push(reference);
            }
        }
        let parts = usize::try_from(seed.saturating_sub(1) % PARTS).unwrap_or(0);
        tears.first = tears.references.len() * parts / usize::try_from(PARTS).unwrap_or(1);
        tears
    }

    /// Every first cut: each unit of each operation, each outcome. Then every second cut of the grid. Then cuts at
    /// random, up to three in a row, until time is over or hardly anything new is left; or until what is sought does not hold.
    pub fn run(&mut self, until: Instant, sought: Option<Property>) {
        let is_over = |tears: &Self| {
            Instant::now() >= until || sought.is_some_and(|sought| tears.torn.tally.violated(sought) > 0)
        };
        for place in self.places() {
            for operation in 0..self.references[place].operations.len() {
                let Operation { units, is_atomic, .. } = self.references[place].operations[operation];
                let all: Vec<usize> = (0..if is_atomic { 1 } else { units }).chain([COMPLETE]).collect();
                let flights = if is_atomic { &[Flight::New][..] } else { &Flight::ALL };
                for unit in all {
                    if is_over(self) {
                        return;
                    }
                    for flight in flights {
                        self.tear(place, cut(operation, unit, *flight), &[]);
                    }
                }
            }
        }
        self.torn.first_cuts_complete = true;
        for place in self.places() {
            for operation in 0..self.references[place].operations.len() {
                let units = self.references[place].operations[operation].units;
                for unit in [0, units / 2, units.saturating_sub(1), COMPLETE] {
                    if is_over(self) {
                        return;
                    }
                    for flight in SECOND_FLIGHTS {
                        self.tear_twice(place, cut(operation, unit, flight));
                    }
                }
            }
        }
        self.torn.second_cuts_complete = true;
        let mut found = ENOUGH;
        while found >= ENOUGH && !is_over(self) {
            let known = self.torn.power_ups;
            for draw in 0..ROUND {
                if draw.is_multiple_of(64) && is_over(self) {
                    return;
                }
                self.tear_at_random();
            }
            found = self.torn.power_ups - known;
        }
    }

    /// Every reference once, from the first one of this seed on.
    fn places(&self) -> impl Iterator<Item = usize> + use<WINDOW, EXCEPTIONS> {
        let (first, count) = (self.first, self.references.len());
        (0..count).map(move |place| (first + place) % count)
    }

    /// A cut, then one at each operation of what the card does about it. What that is depends on what the cells read
    /// then, so operations are gone through until no cut falls any more.
    fn tear_twice(&mut self, place: usize, first: Cut) {
        for operation in 0.. {
            let mut fell = false;
            for unit in SECOND_UNITS {
                for flight in SECOND_FLIGHTS {
                    fell |= self.tear(place, first, &[cut(operation, unit, flight)]);
                }
            }
            if !fell {
                return;
            }
        }
    }

    fn tear_at_random(&mut self) {
        let place = self.chance.draw(self.references.len());
        let operations = self.references[place].operations.len();
        if operations == 0 {
            return;
        }
        let operation = self.chance.draw(operations);
        let unit = self.chance.draw(self.references[place].operations[operation].units + 1);
        let first = cut(operation, unit, self.flight());
        let mut again = Vec::new();
        for _ in 0..self.chance.draw(3) {
            again.push(cut(self.chance.draw(3), self.chance.draw(200), self.flight()));
        }
        self.torn.random += 1;
        self.tear(place, first, &again);
    }

    fn flight(&mut self) -> Flight {
        Flight::ALL[self.chance.draw(Flight::ALL.len())]
    }

    /// A command with its cut, power-ups with theirs, and what the card then is, three times over. Says whether all of
    /// the cuts have fallen.
    fn tear(&mut self, place: usize, first: Cut, again: &[Cut]) -> bool {
        let seed = self.chance.0 ^ (self.torn.power_ups + self.torn.repeats);
        let Torn { power_ups, repeats, continued, tally, .. } = &mut self.torn;
        let reference = &self.references[place];
        let Reference { trial, before, after, operations, .. } = reference;
        let Some(operation) = usize::try_from(first.operation).ok().and_then(|place| operations.get(place))
        else {
            return false;
        };
        let mut memory = operation.torn(seed, first.units, first.flight);
        let describe = |what: &str| format!("{what}: {trial:?} cut {first:?}, then {again:?}, on {before:?}");
        // A card that a power-up made answer has decided.
        let mut decided: Option<Content> = None;
        let mut fallen = 0;
        for second in again {
            memory.power_on();
            memory.cut(*second);
            memory = match Self::content(memory, Some(before), trial.closing()) {
                Ok((content, memory)) => {
                    let stays = decided.as_ref().is_none_or(|decided| *decided == content);
                    tally.check(Property::DecisionStays, stays, || describe("a decision changed"));
                    decided = Some(content);
                    memory
                }
                Err(memory) => {
                    tally.check(Property::AllOrNothing, memory.is_off(), || describe("a power-up failed"));
                    *memory
                }
            };
            if !memory.is_off() {
                break;
            }
            fallen += 1;
        }
        let all = fallen == again.len();
        memory.power_off();
        let key = (u32::try_from(place).unwrap_or(u32::MAX), digest(&memory));
        let is_known = !remember(&mut self.seen, key);
        // What does not fall is another cut with fewer in a row.
        if is_known || !all {
            *repeats += 1;
            return all;
        }
        *power_ups += 1;
        let mut torn = memory.clone();
        let is_own_turn = power_ups.is_multiple_of(CONTINUED);
        for turn in 0..3 {
            memory.power_on();
            memory.reset_counts();
            let Ok((content, rested)) = Self::content(memory, Some(before), trial.closing()) else {
                tally.check(Property::AllOrNothing, false, || describe("no power-up without a cut"));
                return all;
            };
            memory = rested;
            if turn > 0 || decided.is_some() {
                let quiet = turn == 0 || memory.counts().operations() == 0;
                let stays = decided.as_ref() == Some(&content) && quiet;
                tally.check(Property::DecisionStays, stays, || describe("a decision changed"));
            }
            if turn == 0 {
                let allowed =
                    content == *before || content == *after || trial.allows(before, after, &content);
                tally.check(Property::AllOrNothing, allowed, || describe("neither before nor after"));
                let rises = content.next() >= before.next();
                tally.check(Property::SequenceRises, rises, || describe("a sequence went back"));
                let tries = content.tries[0] <= before.tries[0] || trial.restores_tries();
                tally.check(Property::PinTries, tries, || describe("a try came back"));
                if operation.is_behind_answer {
                    let kept = content == *after;
                    tally.check(Property::RecordBeforeResponse, kept, || describe("an answer is not kept"));
                }
            }
            decided = Some(content);
            memory.power_off();
            // From the very same memory nothing else can follow, unless it has unstable cells.
            let key = (key.0, digest(&memory));
            if turn == 0 && !memory.is_unstable() && !remember(&mut self.rested, key) {
                break;
            }
            if turn == 0 {
                *continued += 1;
                let mut rested = memory.clone();
                rested.power_on();
                let goes_on = goes_on(|| Self::goes_on(rested, reference, continued.is_multiple_of(2)));
                tally.check(Property::AllOrNothing, goes_on, || describe("goes on as no untorn card does"));
            }
        }
        if is_own_turn {
            *continued += 1;
            // Unstable cells may read otherwise here than above.
            torn.reseed(*power_ups);
            torn.power_on();
            let goes_on = goes_on(|| Self::goes_on(torn, reference, continued.is_multiple_of(2)));
            tally.check(Property::AllOrNothing, goes_on, || describe("goes on as no untorn card does"));
        }
        all
    }
}

/// A card that was not mended programs over what is there already, and the memory says so.
fn goes_on(card: impl FnOnce() -> bool) -> bool {
    panic::catch_unwind(AssertUnwindSafe(card)).unwrap_or(false)
}

/// Whether this one is certainly new.
fn remember(known: &mut FxHashSet<(u32, u64)>, key: (u32, u64)) -> bool {
    known.len() < REMEMBERED && known.insert(key)
}

const fn cut(operation: usize, units: usize, flight: Flight) -> Cut {
    Cut { operation: operation as u64, units, flight }
}
