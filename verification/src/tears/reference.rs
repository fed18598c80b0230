//! What comes of a command, and of the next one, on a card that no cut has touched.

use std::hash::Hasher;

use apdu_spec::command::Command;
use apdu_spec::element::Role;
use apdu_spec::status::StatusWord;
use purse_card::memory::{Geometry, Memory};
use purse_card::store::Store;
use purse_terminal::simulated_memory::{Cut, Flight, SimulatedMemory};
use purse_tests::scheme::{party, pin};
use rustc_hash::FxHasher;

use super::commands::Trial;
use super::histories::Rest;
use super::{COMPLETE, Tears};
use crate::content::{Closing, Content};
use crate::explorer::{PIN, Response, Shipped, boot, process};
use crate::property::{Property, Tally};
use crate::sequel::sequel;

/// What an operation does.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Program { page: usize, offset: usize, data: Vec<u8> },
    Erase { page: usize },
}

/// One program or erase.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) units: usize,
    /// All or nothing, so that it matters only whether it was cut before or after.
    pub(super) is_atomic: bool,
    /// The answer has left when it begins.
    pub(super) is_behind_answer: bool,
    /// The memory in which the shipping card begins it, and what it does there.
    memory: SimulatedMemory,
    change: Change,
}

impl Operation {
    /// What leads from one memory to the next; none where that is nothing.
    fn between(from: &SimulatedMemory, to: &SimulatedMemory, is_behind_answer: bool) -> Option<Self> {
        let Geometry { unit, page_size, atomic, .. } = from.geometry();
        let changed = |begins: bool| {
            let units = from.begun().iter().zip(to.begun());
            units
                .enumerate()
                .filter(move |(_, (was, is))| **is == begins && *was != *is)
                .map(|(unit, _)| unit)
        };
        let per_page = page_size / unit;
        let (units, change) = match (changed(true).min(), changed(true).max(), changed(false).min()) {
            (Some(first), Some(last), None) => {
                let data = to.bytes()[first * unit..(last + 1) * unit].to_vec();
                let (page, offset) = (first / per_page, first % per_page * unit);
                (last + 1 - first, Change::Program { page, offset, data })
            }
            (None, None, Some(blank)) => (per_page, Change::Erase { page: blank / per_page }),
            _ => return None,
        };
        let is_atomic = atomic && matches!(change, Change::Program { .. });
        Some(Self { units, is_atomic, is_behind_answer, memory: from.clone(), change })
    }

    /// Does it, with the power cut in it, as the card does: the memory after that, without power.
    pub(super) fn torn(&self, seed: u64, units: usize, flight: Flight) -> SimulatedMemory {
        let mut memory = self.memory.clone();
        memory.power_on();
        memory.reseed(seed);
        memory.cut(Cut { operation: 0, units, flight });
        let done = match &self.change {
            Change::Program { page, offset, data } => memory.program(*page, *offset, data),
            Change::Erase { page } => memory.erase(*page),
        };
        debug_assert!(done.is_err() && memory.is_off(), "the cut falls in it");
        memory
    }
}

/// A command, and what comes of it on a card that no cut has touched.
#[derive(Debug)]
pub(super) struct Sequel {
    pub(super) command: Vec<u8>,
    pub(super) response: Response,
    pub(super) after: Content,
}

/// A command on a state, and what comes of it without a cut.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) trial: Trial,
    pub(super) before: Content,
    pub(super) after: Content,
    pub(super) response: Response,
    pub(super) operations: Vec<Operation>,
    /// What the card is given if the cut has left it as it was, and if it has left it as after the command.
    pub(super) sequels: [Sequel; 2],
}

/// What tells memories from each other.
pub(super) fn digest(memory: &SimulatedMemory) -> u64 {
    let mut hasher = FxHasher::default();
    memory.digest(&mut hasher);
    hasher.finish()
}

impl<const WINDOW: usize, const EXCEPTIONS: usize> Tears<WINDOW, EXCEPTIONS> {
    pub(super) fn content(
        memory: SimulatedMemory,
        before: Option<&Content>,
        closing: Closing,
    ) -> Result<(Content, SimulatedMemory), Box<SimulatedMemory>> {
        match Store::<_, WINDOW, EXCEPTIONS>::power_up(memory) {
            Ok(store) => Ok((Content::of(&store, before, closing), store.into_memory())),
            Err((memory, _)) => Err(Box::new(memory)),
        }
    }

    /// A card in the session in which a command is tried.
    pub(super) fn session(memory: SimulatedMemory, trial: &Trial) -> Shipped<WINDOW, EXCEPTIONS> {
        let mut card = boot::<WINDOW, EXCEPTIONS>(memory, false);
        Self::prepare(&mut card, trial);
        card
    }

    /// Brings a card that has just been selected into that session.
    fn prepare(card: &mut Shipped<WINDOW, EXCEPTIONS>, trial: &Trial) {
        let verify = trial.verified.then(|| Command::Verify(Some(pin(PIN))).emit().as_bytes().to_vec());
        for command in verify.iter().chain(&trial.preamble) {
            process(card, command);
            card.finish();
        }
    }

    /// The command without a cut, and cut after each operation to learn how long each is.
    pub(super) fn reference(trial: Trial, state: &Rest, number: usize, tally: &mut Tally) -> Reference {
        let closing = trial.closing();
        // A session with a verified PIN has all its tries back.
        let memory = &boot::<WINDOW, EXCEPTIONS>(state.memory.clone(), trial.verified).into_memory();
        let (before, _) = Self::content(memory.clone(), trial.known.as_ref(), Closing::Nothing)
            .expect("a memory at rest is a card");
        let mut card = Self::session(memory.clone(), &trial);
        let mut begins = card.memory().clone();
        card.memory_mut().reset_counts();
        let response = process(&mut card, &trial.command);
        let in_answer = card.memory().counts().operations();
        card.finish();
        let count = card.memory().counts().operations();
        let (after, rested) = Self::content(card.into_memory(), Some(&before), closing)
            .expect("a card that has finished is a card");
        let mut operations = Vec::new();
        for operation in 0..count {
            let mut card = Self::session(memory.clone(), &trial);
            card.memory_mut().cut(Cut { operation, units: COMPLETE, flight: Flight::New });
            let answer = process(&mut card, &trial.command);
            let is_behind_answer = operation >= in_answer;
            let fits =
                if is_behind_answer { answer == response } else { answer.1 == StatusWord::MemoryFailure };
            tally.check(Property::RecordBeforeResponse, fits, || {
                format!("{trial:?} cut in operation {operation} answered {answer:02X?} on {before:?}")
            });
            if !card.memory().is_off() {
                card.finish();
            }
            let ends = card.into_memory();
            if let Some(found) = Operation::between(&begins, &ends, is_behind_answer) {
                let same = digest(&found.torn(0, COMPLETE, Flight::New)) == digest(&ends);
                assert!(same, "{trial:?}: operation {operation} is not {:?}", found.change);
                operations.push(found);
            }
            begins = ends;
        }
        let sequels = [
            Self::sequel(memory.clone(), state.role, &before, number),
            Self::sequel(rested, state.role, &after, number + 1),
        ];
        Reference { trial, before, after, response, operations, sequels }
    }

    /// A payment on a card that no cut has touched.
    fn sequel(memory: SimulatedMemory, role: Role, held: &Content, turn: usize) -> Sequel {
        let number = party(if role == Role::Purse { 1 } else { 2 });
        let any = sequel(turn, role, number, held).or_else(|| sequel(0, role, number, held));
        let command = any.unwrap_or_default();
        let mut card = boot::<WINDOW, EXCEPTIONS>(memory, false);
        let response = process(&mut card, &command);
        card.finish();
        let (after, _) =
            Self::content(card.into_memory(), Some(held), Closing::Nothing).expect("a sound card");
        Sequel { command, response, after }
    }

    /// Whether a torn card, powered up once more from what the cut has left, does with the next command what a card does
    /// that no cut has touched: with the command itself where it was left as it was, every other time, and else with a
    /// payment.
    pub(super) fn goes_on(torn: SimulatedMemory, reference: &Reference, repeat: bool) -> bool {
        let Reference { trial, before, after, response, sequels: [unchanged, changed], .. } = reference;
        let mut card = boot::<WINDOW, EXCEPTIONS>(torn, false);
        let Ok((content, _)) = Self::content(card.memory().clone(), Some(before), trial.closing()) else {
            return false;
        };
        let (command, response, wanted, closing) = if content == *before && repeat {
            Self::prepare(&mut card, trial);
            (&trial.command, response, after, trial.closing())
        } else if content == *before {
            (&unchanged.command, &unchanged.response, &unchanged.after, Closing::Nothing)
        } else if content == *after {
            (&changed.command, &changed.response, &changed.after, Closing::Nothing)
        } else {
            // Between two commits, by design: there is no card to compare it with.
            return trial.allows(before, after, &content);
        };
        let answer = process(&mut card, command);
        card.finish();
        let now = Self::content(card.into_memory(), Some(&content), closing);
        answer == *response && now.is_ok_and(|(now, _)| now == *wanted)
    }
}
