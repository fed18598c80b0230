//! What the shipping card has answered and remembered, command by command, each from the state in which it was given:
//! so that another text can be held to it without the card.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use purse_reference::memory::Memory;
use purse_reference::session::Session;
use rustc_hash::{FxHashMap, FxHasher};

use crate::coverage::{Lines, Watch};

/// A card between two commands.
#[derive(Clone, Debug)]
pub struct State {
    /// What it holds.
    pub memory: Arc<Memory>,
    /// What its session is.
    pub session: Arc<Session>,
}

/// A command, and what the card made of it.
#[derive(Clone, Debug)]
pub struct Transition {
    /// The state before it.
    pub from: u32,
    /// The state after it.
    pub to: u32,
    /// The command.
    pub command: Box<[u8]>,
    /// The answer.
    pub response: Box<[u8]>,
    /// Memories that cuts have left, where it was torn.
    pub torn: Option<Vec<Memory>>,
    /// Card and menu that it was tried in.
    setting: (usize, usize),
    /// Made for one rule of the text: another command by the same lines does not stand for it.
    pub is_single: bool,
    /// Lines of the text that it executes, as bits.
    lines: Box<[u64]>,
}

impl Transition {
    /// Whether it executes a line.
    pub fn executes(&self, line: usize) -> bool {
        self.lines.get(line / 64).is_some_and(|word| word >> (line % 64) & 1 == 1)
    }
}

/// How often the same lines with the same status word are enough, of one card's histories.
const ENOUGH: usize = 8;
/// The same of one state's menu.
const ENOUGH_OF_MENU: usize = 1;

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Corpus {
    /// States.
    pub states: Vec<State>,
    /// Commands.
    pub transitions: Vec<Transition>,
    /// Place of the card whose commands are being kept.
    pub issue: usize,
    /// Number of the menu that they are from, 0 outside of menus.
    pub menu: usize,
    known: FxHashMap<u64, Vec<u32>>,
    /// Commands given in each state.
    pub of_state: Vec<Vec<u32>>,
}

impl Corpus {
    /// The number of a state; and whether it is new.
    ///
    /// # Panics
    /// Above four thousand million states.
    pub fn state(&mut self, memory: &Memory, session: &Session) -> (u32, bool) {
        let session = session.between_commands();
        let mut hasher = FxHasher::default();
        memory.hash(&mut hasher);
        session.hash(&mut hasher);
        let same = self.known.entry(hasher.finish()).or_default();
        for place in same.iter() {
            let state = &self.states[*place as usize];
            if *state.memory == *memory && *state.session == session {
                return (*place, false);
            }
        }
        let place = u32::try_from(self.states.len()).expect("fewer states");
        same.push(place);
        self.states.push(State { memory: Arc::new(memory.clone()), session: Arc::new(session) });
        self.of_state.push(Vec::new());
        (place, true)
    }

    /// Keeps a command.
    ///
    /// # Panics
    /// Above four thousand million.
    pub fn keep(
        &mut self,
        lines: &Lines,
        (from, to): (u32, u32),
        command: &[u8],
        (response, torn): (&[u8], Option<Vec<Memory>>),
        watch: &Watch,
        is_single: bool,
    ) {
        let mut bits = vec![0; lines.count().div_ceil(64)].into_boxed_slice();
        for (listing, line) in &watch.lines {
            let number = lines.number(*listing, *line);
            bits[number / 64] |= 1 << (number % 64);
        }
        let place = u32::try_from(self.transitions.len()).expect("fewer commands");
        self.of_state[from as usize].push(place);
        self.transitions.push(Transition {
            from,
            to,
            command: command.into(),
            response: response.into(),
            torn,
            setting: (self.issue, self.menu),
            is_single,
            lines: bits,
        });
    }

    /// Takes over all of another one; states that both have stay apart.
    ///
    /// # Panics
    /// Above four thousand million.
    pub fn absorb(&mut self, other: Self) {
        let states = u32::try_from(self.states.len()).expect("fewer states");
        let transitions = u32::try_from(self.transitions.len()).expect("fewer commands");
        self.states.extend(other.states);
        let of_state = other.of_state.into_iter();
        self.of_state
            .extend(of_state.map(|places| places.into_iter().map(|place| place + transitions).collect()));
        self.transitions.extend(other.transitions.into_iter().map(|transition| Transition {
            from: transition.from + states,
            to: transition.to + states,
            ..transition
        }));
    }

    /// The order in which another text is held to them: first one command of each way through the text, then another
    /// one of each, up to `ENOUGH` of each; and all those that stand for themselves.
    pub fn order(&self) -> Vec<u32> {
        let mut ways: FxHashMap<u64, usize> = FxHashMap::default();
        let mut ordered: Vec<(usize, u32)> = Vec::new();
        for (transition, place) in self.transitions.iter().zip(0..) {
            let mut hasher = FxHasher::default();
            transition.lines.hash(&mut hasher);
            transition.response.get(transition.response.len().saturating_sub(2)..).hash(&mut hasher);
            transition.torn.is_some().hash(&mut hasher);
            transition.setting.hash(&mut hasher);
            transition.command.get(..3).hash(&mut hasher);
            transition.command.len().hash(&mut hasher);
            let turn = ways.entry(hasher.finish()).or_default();
            *turn += 1;
            let enough = if transition.setting.1 == 0 { ENOUGH } else { ENOUGH_OF_MENU };
            if *turn <= enough || transition.is_single {
                ordered.push((*turn, place));
            }
        }
        ordered.sort_unstable();
        ordered.into_iter().map(|(_, place)| place).collect()
    }
}
