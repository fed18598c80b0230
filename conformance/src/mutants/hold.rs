//! Whether another text gives the answers that the card has given.

use std::hash::{Hash as _, Hasher as _};

use purse_reference::card::ReferenceCard;
use purse_reference::session::Session;
use purse_reference::standard::Standard;
use rustc_hash::{FxHashSet, FxHasher};

use crate::corpus::{Corpus, Transition};

/// Commands that are tried after sessions that are other ones, for one text.
const PATIENCE: usize = 100_000;

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
    /// In which order it is looked at.
    pub order: &'a [u32],
}

/// Sessions of another text that have been followed, and how many commands may still be.
#[derive(Debug, Default)]
struct Followed {
    seen: FxHashSet<(u32, u64)>,
    commands: usize,
}

impl Held<'_> {
    /// What betrays the text, and in which command, among those that execute one of these lines.
    pub fn betrayal(&self, lines: &[usize]) -> Option<(Betrayal, &Transition)> {
        let executing = self.order.iter().map(|place| &self.corpus.transitions[*place as usize]);
        let executing = executing.filter(|transition| lines.iter().any(|line| transition.executes(*line)));
        let mut followed = Followed::default();
        let mut other_sessions = Vec::new();
        for transition in executing {
            let before = &self.corpus.states[transition.from as usize];
            match self.step(transition, &before.session) {
                Err(betrayal) => return Some((betrayal, transition)),
                Ok(session) if *self.corpus.states[transition.to as usize].session == session => {}
                Ok(session) => other_sessions.push((transition, session)),
            }
        }
        other_sessions.into_iter().find_map(|(transition, session)| {
            self.later(transition.to, &session, &mut followed).map(|betrayal| (betrayal, transition))
        })
    }

    /// What a session that is another one comes to in what follows.
    fn later(&self, state: u32, session: &Session, followed: &mut Followed) -> Option<Betrayal> {
        let mut hasher = FxHasher::default();
        session.hash(&mut hasher);
        if *self.corpus.states[state as usize].session == *session
            || !followed.seen.insert((state, hasher.finish()))
        {
            return None;
        }
        let mut differing = Vec::new();
        for place in &self.corpus.of_state[state as usize] {
            followed.commands += 1;
            if followed.commands > PATIENCE {
                return None;
            }
            let transition = &self.corpus.transitions[*place as usize];
            match self.step(transition, session) {
                Err(_) => return Some(Betrayal::Later),
                Ok(session) => differing.push((transition.to, session)),
            }
        }
        differing.into_iter().find_map(|(state, session)| self.later(state, &session, followed))
    }

    /// One command, from what the card held, with this session; gives the session after it.
    fn step(&self, transition: &Transition, session: &Session) -> Result<Session, Betrayal> {
        let before = &self.corpus.states[transition.from as usize].memory;
        let after = &self.corpus.states[transition.to as usize].memory;
        let mut card = ReferenceCard::with(self.standard, (**before).clone(), session.clone());
        let execution = card.process(&transition.command).map_err(|_| Betrayal::Fault)?;
        if *execution.response != *transition.response {
            return Err(Betrayal::Answer);
        }
        if card.memory != **after {
            return Err(Betrayal::Memory);
        }
        if let Some(left) = &transition.torn {
            let known = |found: &purse_reference::memory::Memory| {
                *found == **before || execution.commits.contains(found)
            };
            let seen =
                |commit: &purse_reference::memory::Memory| *commit == **before || left.contains(commit);
            if !left.iter().all(known) || !execution.commits.iter().all(seen) {
                return Err(Betrayal::Cut);
            }
        }
        Ok(card.session.between_commands())
    }
}
