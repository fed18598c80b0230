//! The power fails: in every program and erase of a command, and in what follows the answer.

use purse_reference::memory::Memory;
use purse_terminal::simulated_memory::{Cut, Flight, SimulatedMemory};

use super::{Agreed, Difference, Pair, hex, memory_difference};
use crate::coverage::Watch;
use crate::message::name_of;

/// An operation that comes to its end, and just then the power fails.
const COMPLETE: usize = usize::MAX;

/// What a card may hold after a cut: what it held before the command, or after one of its COMMITs.
struct Allowed<'m> {
    before: &'m Memory,
    commits: &'m [Memory],
}

impl Allowed<'_> {
    fn last(&self) -> &Memory {
        self.commits.last().unwrap_or(self.before)
    }

    fn has(&self, found: &Memory) -> bool {
        found == self.before || self.commits.contains(found)
    }

    fn describe(&self, found: &Memory) -> String {
        let mut text = memory_difference("from what they were before it", found, self.before);
        for (place, commit) in self.commits.iter().enumerate() {
            let which = format!("from what they are after COMMIT {}", place + 1);
            text = format!("{text}\n    and {}", memory_difference(&which, found, commit));
        }
        text
    }
}

impl Pair<'_> {
    /// A command to both; where it changes the memory, the same is first done to copies of the card, whose power
    /// fails at every operation. `earlier` is what of the session [`super::prelude`] does not bring back.
    ///
    /// # Errors
    /// They differ.
    pub fn command_with_cuts(&mut self, command: &[u8], earlier: &[Vec<u8>]) -> Result<Agreed, Difference> {
        let memory = self.specimen.memory().clone();
        let mut prelude = self.prelude();
        prelude.extend_from_slice(earlier);
        let before = self.reference.memory.clone();
        let session = self.reference.session.clone();
        let mut agreed = self.command(command)?;
        if self.specimen.memory().counts().operations() == memory.counts().operations() {
            return Ok(agreed);
        }
        // The COMMITs of this command, by the text again.
        let after = (self.reference.memory.clone(), self.reference.session.clone());
        (self.reference.memory, self.reference.session) = (before.clone(), session);
        let execution = self.reference.process(command);
        (self.reference.memory, self.reference.session) = after;
        let commits = execution.map(|execution| execution.commits).unwrap_or_default();
        let allowed = Allowed { before: &before, commits: &commits };
        let mut left: Vec<Memory> = Vec::new();
        for operation in 0_u64.. {
            let units = [[0, COMPLETE, 7], [5, COMPLETE, 19]][self.turn % 2];
            let mut reached = false;
            for units in units {
                self.turn += 1;
                let flights =
                    [Flight::AllUnstable, Flight::Garbage, Flight::Unreadable, Flight::Old, Flight::Unstable];
                let cut = Cut { operation, units, flight: flights[self.turn % flights.len()] };
                let trial = Trial { memory: &memory, prelude: &prelude, command, allowed: &allowed };
                let (found, was_cut) = self.trial(&trial, cut, &agreed)?;
                reached |= was_cut;
                if !was_cut {
                    break;
                }
                if !left.contains(&found) {
                    left.push(found);
                }
            }
            if !reached {
                break;
            }
        }
        // Each COMMIT is one of the card's: power that fails just behind it leaves what it says.
        if let Some(place) = commits.iter().position(|commit| *commit != before && !left.contains(commit)) {
            let how = format!(
                "no cut leaves what the text's COMMIT {} says: the card commits otherwise",
                place + 1
            );
            return Err(self.difference(command, how, &agreed.watch));
        }
        agreed.torn = Some(left);
        Ok(agreed)
    }

    fn trial(&mut self, trial: &Trial<'_>, cut: Cut, agreed: &Agreed) -> Result<(Memory, bool), Difference> {
        let Trial { memory, prelude, command, allowed } = trial;
        let started = self.issue.shape.boot((*memory).clone());
        let mut card = started.map_err(|how| self.difference(command, how, &agreed.watch))?;
        for earlier in *prelude {
            card.process(earlier);
            card.finish();
        }
        card.cut(cut);
        let response = card.process(command);
        let answered = !card.memory().is_off();
        if answered {
            card.finish();
        }
        let was_cut = card.memory().is_off();
        self.coverage.tried(name_of(command)).cuts += u64::from(was_cut);
        let found = self.content(card.into_memory(), command, &agreed.watch)?;
        self.judge(command, cut, allowed, &found, answered, &agreed.watch)?;
        if answered && response != agreed.response {
            let how =
                format!("with {cut:?} the card answers {}, not {}", hex(&response), hex(&agreed.response));
            return Err(self.difference(command, how, &agreed.watch));
        }
        Ok((found, was_cut))
    }

    fn judge(
        &self,
        command: &[u8],
        cut: Cut,
        allowed: &Allowed<'_>,
        found: &Memory,
        answered: bool,
        watch: &Watch,
    ) -> Result<(), Difference> {
        let how = if !allowed.has(found) {
            allowed.describe(found)
        } else if answered && found != allowed.last() {
            memory_difference("though the answer is out", found, allowed.last())
        } else {
            return Ok(());
        };
        Err(self.difference(command, format!("with {cut:?}: {how}"), watch))
    }

    /// A command in which the power of this very card fails. What it left is what both go on with.
    ///
    /// # Errors
    /// It is nothing that the text knows.
    pub(super) fn torn(&mut self, command: &[u8], cut: Cut) -> Result<(), Difference> {
        let before = self.reference.memory.clone();
        self.specimen.cut(cut);
        let response = self.specimen.process(command);
        let answered = !self.specimen.memory().is_off();
        if answered {
            self.specimen.finish();
        }
        let was_cut = self.specimen.memory().is_off();
        let (execution, watch) = self.execute(command)?;
        let tried = self.coverage.tried(name_of(command));
        tried.commands += 1;
        tried.cuts += u64::from(was_cut);
        if answered && response != execution.response {
            let how = format!("the card answers {}, the text {}", hex(&response), hex(&execution.response));
            return Err(self.difference(command, how, &watch));
        }
        let blank = self.issue.shape.boot(self.issue.shape.memory());
        let blank = blank.map_err(|how| self.difference(command, how, &watch))?;
        let mut memory = std::mem::replace(&mut self.specimen, blank).into_memory();
        memory.power_on();
        let found = self.issue.shape.content(memory);
        let (found, memory) = found.map_err(|how| self.difference(command, how, &watch))?;
        let allowed = Allowed { before: &before, commits: &execution.commits };
        self.judge(command, cut, &allowed, &found, answered, &watch)?;
        let specimen = self.issue.shape.boot(memory);
        self.specimen = specimen.map_err(|how| self.difference(command, how, &watch))?;
        self.reference.memory = found;
        self.reference.reset();
        Ok(())
    }
}

/// A command that is to be torn, and the card before it.
struct Trial<'m> {
    memory: &'m SimulatedMemory,
    prelude: &'m [Vec<u8>],
    command: &'m [u8],
    allowed: &'m Allowed<'m>,
}
