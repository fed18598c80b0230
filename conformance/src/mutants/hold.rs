//! Whether another text gives the answers that the card has given.

use purse_reference::card::ReferenceCard;
use purse_reference::memory::Sizes;
use purse_reference::session::Session;
use purse_reference::standard::Standard;

use crate::corpus::{Corpus, Transition};

/// Commands that are tried after a session that is another one, for one command.
const PATIENCE: usize = 4000;

/// What betrays a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Betrayal {
    /// It cannot be executed.
    Fault,
    /// Another answer.
    Answer,
    /// Another memory.
    Memory,
    /// A cut has left what its COMMITs do not say.
    Cut,
    /// Another answer or memory to a later command.
    Later,
}

/// A text and what it is held to.
#[derive(Debug)]
pub struct Held<'a> {
    /// The text.
    pub standard: &'a Standard,
    /// What the card has done.
    pub corpus: &'a Corpus,
}

impl Held<'_> {
    /// What betrays the text, and in which command, among those that execute this line.
    pub fn betrayal(&self, line: usize) -> Option<(Betrayal, &Transition)> {
        let executing = self.corpus.transitions.iter().filter(|transition| transition.executes(line));
        executing.into_iter().find_map(|transition| self.betrays(transition).map(|betrayal| (betrayal, transition)))
    }

    fn betrays(&self, transition: &Transition) -> Option<Betrayal> {
        let before = &self.corpus.states[transition.from as usize];
        match self.step(transition, &before.session) {
            Err(betrayal) => Some(betrayal),
            Ok(session) => {
                let mut patience = PATIENCE;
                self.later(transition.to, &session, &mut patience)
            }
        }
    }

    /// What a session that is another one comes to in what follows.
    fn later(&self, state: u32, session: &Session, patience: &mut usize) -> Option<Betrayal> {
        if *self.corpus.states[state as usize].session == *session {
            return None;
        }
        let mut differing = Vec::new();
        for place in &self.corpus.of_state[state as usize] {
            *patience = patience.checked_sub(1)?;
            let transition = &self.corpus.transitions[*place as usize];
            match self.step(transition, session) {
                Err(_) => return Some(Betrayal::Later),
                Ok(session) => differing.push((transition.to, session)),
            }
        }
        differing.into_iter().find_map(|(state, session)| self.later(state, &session, patience))
    }

    /// One command, from what the card held, with this session; gives the session after it.
    fn step(&self, transition: &Transition, session: &Session) -> Result<Session, Betrayal> {
        let before = &self.corpus.states[transition.from as usize].memory;
        let after = &self.corpus.states[transition.to as usize].memory;
        let mut card = ReferenceCard::blank(self.standard, Sizes { window: 0, exceptions: 0 });
        card.memory = (**before).clone();
        card.session = session.clone();
        let execution = card.process(&transition.command).map_err(|_| Betrayal::Fault)?;
        if *execution.response != *transition.response {
            return Err(Betrayal::Answer);
        }
        if card.memory != **after {
            return Err(Betrayal::Memory);
        }
        if let Some(left) = &transition.torn {
            let known = |found: &purse_reference::memory::Memory| *found == **before || execution.commits.contains(found);
            let seen = |commit: &purse_reference::memory::Memory| *commit == **before || left.contains(commit);
            if !left.iter().all(known) || !execution.commits.iter().all(seen) {
                return Err(Betrayal::Cut);
            }
        }
        Ok(card.session.between_commands())
    }
}
