//! One command at a time, torn everywhere: each command on each state of a memory that goes round all the time, cut at
//! each unit of each operation, and cut again while the card recovers, with every outcome of the units in flight.

mod commands;
mod histories;

use std::time::Instant;

use apdu_spec::status::StatusWord;
use purse_card::memory::Geometry;
use purse_card::store::Store;
use purse_terminal::simulated_memory::{Cut, Flight, SimulatedMemory};

pub use commands::Trial;

use crate::content::{Closing, Content};
use crate::explorer::{Response, boot, process};
use crate::property::{Property, Tally};

/// What the tearing came to.
#[derive(Clone, Debug, Default)]
pub struct Torn {
    /// States of memories.
    pub states: u64,
    /// Commands on them.
    pub trials: u64,
    /// Power-ups after a cut.
    pub power_ups: u64,
    /// Whether every first cut has been made, with every outcome.
    pub first_cuts_complete: bool,
    /// Whether every second cut of the grid has been made.
    pub second_cuts_complete: bool,
    /// Cuts at random, drawn from the seed.
    pub random: u64,
    /// What was looked at.
    pub tally: Tally,
}

/// A command on a state, and what comes of it without a cut.
#[derive(Debug)]
struct Reference {
    trial: Trial,
    memory: SimulatedMemory,
    before: Content,
    after: Content,
    response: Response,
    /// Units of each operation.
    operations: Vec<usize>,
}

/// Everything to be torn, for a card with this window.
#[derive(Debug)]
pub struct Tears<const WINDOW: usize, const EXCEPTIONS: usize> {
    references: Vec<Reference>,
    /// What came of it.
    pub torn: Torn,
    luck: u64,
    /// Where a run begins: each seed with another part, so that short runs come to all of it in time.
    first: usize,
}

/// Parts that seeds begin at, one after the other.
const PARTS: u64 = 16;
/// Power goes just when the operation has ended.
const COMPLETE: usize = usize::MAX;
/// What the units in flight come to in a second cut.
const SECOND_FLIGHTS: [Flight; 2] = [Flight::AllUnstable, Flight::Garbage];

impl<const WINDOW: usize, const EXCEPTIONS: usize> Tears<WINDOW, EXCEPTIONS> {
    /// Every command on every state of a purse's and a SAM's history on such a memory: of those, each `share`th.
    pub fn new(geometry: Geometry, seed: u64, (share, shares): (usize, usize)) -> Self {
        let mut tears = Self { references: Vec::new(), torn: Torn::default(), luck: seed, first: 0 };
        for (place, state) in histories::states::<WINDOW, EXCEPTIONS>(geometry).into_iter().enumerate() {
            if place % shares != share {
                continue;
            }
            tears.torn.states += 1;
            for trial in commands::trials(&state) {
                tears.torn.trials += 1;
                let reference = Self::reference(trial, &state.memory);
                tears.references.push(reference);
            }
        }
        let parts = usize::try_from(seed.saturating_sub(1) % PARTS).unwrap_or(0);
        tears.first = tears.references.len() * parts / usize::try_from(PARTS).unwrap_or(1);
        tears
    }

    fn content(
        memory: SimulatedMemory,
        before: Option<&Content>,
        closing: Closing,
    ) -> Result<(Content, SimulatedMemory), Box<SimulatedMemory>> {
        match Store::<_, WINDOW, EXCEPTIONS>::power_up(memory) {
            Ok(store) => Ok((Content::of(&store, before, closing), store.into_memory())),
            Err((memory, _)) => Err(Box::new(memory)),
        }
    }

    /// The command without a cut, and cut after each operation to learn how long each is.
    fn reference(trial: Trial, memory: &SimulatedMemory) -> Reference {
        let closing = trial.closing();
        // A session with a verified PIN has all its tries back.
        let memory = &boot::<WINDOW, EXCEPTIONS>(memory.clone(), trial.verified).into_memory();
        let (before, _) = Self::content(memory.clone(), trial.known.as_ref(), Closing::Nothing)
            .expect("a memory at rest is a card");
        let mut card = boot::<WINDOW, EXCEPTIONS>(memory.clone(), trial.verified);
        card.memory_mut().reset_counts();
        let response = process(&mut card, &trial.command);
        card.finish();
        let count = card.memory().counts().operations();
        let rested = card.into_memory();
        let (after, _) =
            Self::content(rested, Some(&before), closing).expect("a card that has finished is a card");
        let mut operations = Vec::new();
        let mut bytes_before = 0;
        for operation in 0..count {
            let mut card = boot::<WINDOW, EXCEPTIONS>(memory.clone(), trial.verified);
            card.memory_mut().reset_counts();
            card.memory_mut().cut(Cut { operation, units: COMPLETE, flight: Flight::New });
            process(&mut card, &trial.command);
            if !card.memory().is_off() {
                card.finish();
            }
            let counts = card.memory().counts();
            let geometry = purse_card::memory::Memory::geometry(card.memory());
            let bytes = usize::try_from(counts.bytes_programmed).unwrap_or(usize::MAX);
            let programmed = bytes - bytes_before;
            bytes_before = bytes;
            let length = if programmed == 0 { geometry.page_size } else { programmed };
            operations.push(length / geometry.unit);
        }
        Reference { trial, memory: memory.clone(), before, after, response, operations }
    }

    /// Every first cut: each unit of each operation, each outcome. Then every second cut of the grid. Then cuts at
    /// random, three in a row, until time is over.
    pub fn run(&mut self, until: Instant) {
        for place in self.places() {
            for operation in 0..self.references[place].operations.len() {
                let units = self.references[place].operations[operation];
                for unit in (0..units).chain([COMPLETE]) {
                    if Instant::now() >= until {
                        return;
                    }
                    for flight in Flight::ALL {
                        self.tear(place, cut(operation, unit, flight), &[]);
                    }
                }
            }
        }
        self.torn.first_cuts_complete = true;
        for place in self.places() {
            for operation in 0..self.references[place].operations.len() {
                let units = self.references[place].operations[operation];
                for unit in [0, units / 2, units.saturating_sub(1), COMPLETE] {
                    if Instant::now() >= until {
                        return;
                    }
                    for flight in SECOND_FLIGHTS {
                        self.tear_twice(place, cut(operation, unit, flight));
                    }
                }
            }
        }
        self.torn.second_cuts_complete = true;
        while Instant::now() < until {
            for _ in 0..64 {
                self.tear_at_random();
            }
        }
    }

    /// Every reference once, from the first one of this seed on.
    fn places(&self) -> impl Iterator<Item = usize> + use<WINDOW, EXCEPTIONS> {
        let (first, count) = (self.first, self.references.len());
        (0..count).map(move |place| (first + place) % count)
    }

    /// A cut, then one at each operation of what the card does about it.
    fn tear_twice(&mut self, place: usize, first: Cut) {
        let (torn, _) = self.torn_memory(place, first);
        let mut counted = torn.clone();
        counted.power_on();
        counted.reset_counts();
        let Ok((_, counted)) = Self::content(counted, Some(&self.references[place].before), Closing::Any)
        else {
            self.torn.power_ups += 1;
            self.torn.tally.check(Property::AllOrNothing, false, || format!("{first:?} hinders a power-up"));
            return;
        };
        let recovery = usize::try_from(counted.counts().operations()).unwrap_or(usize::MAX);
        self.torn.power_ups += 1;
        for operation in 0..recovery {
            for unit in [0, 1, 7, 19, 40, 101, 159, COMPLETE] {
                for flight in SECOND_FLIGHTS {
                    self.tear(place, first, &[cut(operation, unit, flight)]);
                }
            }
        }
    }

    fn tear_at_random(&mut self) {
        let place = self.draw(self.references.len());
        let operations = self.references[place].operations.len();
        if operations == 0 {
            return;
        }
        let operation = self.draw(operations);
        let unit = self.draw(self.references[place].operations[operation] + 1);
        let first = cut(operation, unit, Flight::ALL[self.draw(Flight::ALL.len())]);
        let mut again = Vec::new();
        for _ in 0..self.draw(3) {
            again.push(cut(self.draw(12), self.draw(200), Flight::ALL[self.draw(Flight::ALL.len())]));
        }
        self.torn.random += 1;
        self.tear(place, first, &again);
    }

    /// SplitMix64, below a bound.
    fn draw(&mut self, below: usize) -> usize {
        self.luck = self.luck.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.luck ^ self.luck >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from(mixed >> 33).unwrap_or(0) % below.max(1)
    }

    /// The memory that a cut command leaves, and the answer that left before the cut.
    fn torn_memory(&mut self, place: usize, first: Cut) -> (SimulatedMemory, Option<Response>) {
        let seed = self.luck ^ self.torn.power_ups;
        let Reference { trial, memory, .. } = &self.references[place];
        let mut card = boot::<WINDOW, EXCEPTIONS>(memory.clone(), trial.verified);
        card.memory_mut().reseed(seed);
        card.memory_mut().cut(first);
        let answer = process(&mut card, &trial.command);
        let answered = !card.memory().is_off() || answer.1 != StatusWord::MemoryFailure;
        if !card.memory().is_off() {
            card.finish();
        }
        let mut memory = card.into_memory();
        memory.power_off();
        (memory, Some(answer).filter(|_| answered))
    }

    /// A command with its cut, power-ups with theirs, and what the card then is, three times over.
    fn tear(&mut self, place: usize, first: Cut, again: &[Cut]) {
        let (mut memory, answer) = self.torn_memory(place, first);
        let Torn { power_ups, tally, .. } = &mut self.torn;
        let Reference { trial, before, after, response, .. } = &self.references[place];
        let describe = |what: &str| format!("{what}: {trial:?} cut {first:?}, then {again:?}, on {before:?}");
        // A card that a power-up made answer has decided.
        let mut decided: Option<Content> = None;
        for second in again {
            memory.power_on();
            memory.cut(*second);
            *power_ups += 1;
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
            memory.power_off();
        }
        for turn in 0..3 {
            memory.power_on();
            memory.reset_counts();
            *power_ups += 1;
            let Ok((content, rested)) = Self::content(memory, Some(before), trial.closing()) else {
                tally.check(Property::AllOrNothing, false, || describe("no power-up without a cut"));
                return;
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
                if let Some(answer) = &answer {
                    let kept = answer == response && content == *after;
                    tally.check(Property::RecordBeforeResponse, kept, || describe("an answer is not kept"));
                }
            }
            decided = Some(content);
            memory.power_off();
        }
    }
}

const fn cut(operation: usize, units: usize, flight: Flight) -> Cut {
    Cut { operation: operation as u64, units, flight }
}
