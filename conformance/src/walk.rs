//! The exhaustive walk: from each state of a card every command of the menu, each in a state of its own, breadth first.

use std::collections::VecDeque;

use apdu_spec::command::CommandName;
use purse_reference::standard::Standard;
use purse_terminal::simulated_memory::SimulatedMemory;

use crate::corpus::Corpus;
use crate::coverage::{Coverage, Lines};
use crate::draw::Draw;
use crate::generator::{probes, select};
use crate::history::{self, Disagreement, Plan, Player};
use crate::issue::Issue;
use crate::menu::menu;
use crate::message::row_of;
use crate::pair::{Difference, Event, Pair};
use crate::room::rooms;
use crate::scenario::scenarios;

/// How far a walk goes.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// States whose menu is tried, in the walk from the card as it is issued.
    pub near: usize,
    /// States from the midst of generated histories whose menu is tried too.
    pub deep: usize,
    /// Whether every command that writes is cut.
    pub cuts: bool,
    /// Whether the scenarios are played, and every way to personalise a card.
    pub scenarios: bool,
}

/// A state that waits for its menu.
struct Node {
    memory: SimulatedMemory,
    /// What brings a card with power to its session.
    prelude: Vec<Vec<u8>>,
    /// The way to it, from the card as it is issued.
    path: Vec<Event>,
}

/// A walk over one card's states.
#[derive(Debug)]
pub struct Walk<'a> {
    standard: &'a Standard,
    lines: &'a Lines,
    issue: &'a Issue,
    bounds: Bounds,
    /// What has been tried.
    pub coverage: Coverage,
    /// What the card has answered, where that is kept.
    pub corpus: Corpus,
    keeps: bool,
    /// States whose menu has been tried.
    pub expanded: usize,
    /// Blank cards that have been personalised, each in another way.
    pub personalised: usize,
}

impl<'a> Walk<'a> {
    /// Not begun. `keeps` all that the card answers.
    pub fn new(
        standard: &'a Standard,
        lines: &'a Lines,
        issue: &'a Issue,
        bounds: Bounds,
        keeps: bool,
    ) -> Self {
        let coverage = Coverage::new(lines);
        let corpus = Corpus::default();
        Self { standard, lines, issue, bounds, coverage, corpus, keeps, expanded: 0, personalised: 0 }
    }

    /// Walks to its bounds.
    ///
    /// # Errors
    /// Text and card differ.
    pub fn walk(&mut self, seed: u64) -> Result<(), Disagreement> {
        let mut waiting = VecDeque::new();
        let first = self.player(&[])?;
        waiting.push_back(Self::node(&first, Vec::new()));
        if self.issue.first_sequence.is_none() {
            let events = first.pair.personalisation();
            let issued = self.player(&events)?;
            let blank = self.player(&[Event::Command(select())])?;
            waiting.push_front(Self::node(&blank, vec![Event::Command(select())]));
            waiting.push_front(Self::node(&issued, events));
        }
        while self.expanded < self.bounds.near {
            let Some(node) = waiting.pop_front() else { break };
            let found = self.expand(&node, seed)?;
            if waiting.len() < self.bounds.near {
                waiting.extend(found);
            }
        }
        if self.bounds.scenarios {
            self.scenarios(seed)?;
            if self.issue.first_sequence.is_none() {
                self.rooms()?;
            }
        }
        self.dive(seed)
    }

    /// Plays each scenario, and tries the menu in its last states.
    fn scenarios(&mut self, seed: u64) -> Result<(), Disagreement> {
        for (wanted, steps) in scenarios(self.issue) {
            let mut player = self.player(&[])?;
            let events = player.pair.personalisation();
            self.play(&mut player, events, false)?;
            let count = steps.len();
            for (place, step) in steps.into_iter().enumerate() {
                let command = step.command(&player.pair.view());
                self.play(&mut player, vec![Event::Command(command)], false)?;
                if place + wanted >= count {
                    let node = Self::node(&player, player.events.clone());
                    self.expand(&node, seed)?;
                }
            }
            self.coverage.add_sequence(&player.pair.coverage);
        }
        Ok(())
    }

    /// Every way to personalise this card.
    fn rooms(&mut self) -> Result<(), Disagreement> {
        for commands in rooms(self.issue) {
            let mut player = self.player(&[])?;
            self.play(&mut player, commands.into_iter().map(Event::Command).collect(), true)?;
            self.personalised += 1;
            self.coverage.add_sequence(&player.pair.coverage);
        }
        Ok(())
    }

    /// Plays events, with cuts, and keeps what the card answers.
    fn play(
        &mut self,
        player: &mut Player<'a>,
        events: Vec<Event>,
        is_single: bool,
    ) -> Result<(), Disagreement> {
        for event in events {
            let reference = &player.pair.reference;
            let (from, _) = self.corpus.state(&reference.memory, &reference.session);
            let agreed = player.play(event, self.bounds.cuts);
            let agreed = agreed.map_err(|difference| {
                self.coverage.tried(difference.command).disagreements += 1;
                self.differs(&player.events, difference)
            })?;
            let reference = &player.pair.reference;
            let (to, _) = self.corpus.state(&reference.memory, &reference.session);
            if let (Some(agreed), Some(Event::Command(command)), true) =
                (agreed, player.events.last(), self.keeps)
            {
                let response = (agreed.response.as_slice(), agreed.torn);
                self.corpus.keep(self.lines, (from, to), command, response, &agreed.watch, is_single);
            }
        }
        Ok(())
    }

    /// Plays generated histories, and tries the menu in some of their states.
    fn dive(&mut self, seed: u64) -> Result<(), Disagreement> {
        let mut left = self.bounds.deep;
        let mut draw = Draw::new(seed ^ 0xD1FE);
        while left > 0 {
            let mut choice = Draw::new(draw.bits());
            let length = 20 + choice.below(120);
            let plan = Plan { length, cuts_once_in: usize::MAX };
            let mut player = self.player(&[])?;
            let played = history::run(&mut player, choice.bits(), plan, &mut |_, _| {});
            played.map_err(|difference| self.differs(&player.events, difference))?;
            let node = Self::node(&player, player.events.clone());
            self.coverage.add_sequence(&player.pair.coverage);
            self.expand(&node, choice.bits())?;
            left -= 1;
        }
        Ok(())
    }

    fn differs(&self, events: &[Event], difference: Difference) -> Disagreement {
        Disagreement { issue: self.issue.name, events: events.to_vec(), difference }
    }

    fn player(&self, events: &[Event]) -> Result<Player<'a>, Disagreement> {
        let player = Player::new(self.standard, self.lines, self.issue);
        let mut player = player.map_err(|difference| self.differs(&[], difference))?;
        for event in events {
            let played = player.play(event.clone(), false);
            played.map_err(|difference| self.differs(&player.events, difference))?;
        }
        Ok(player)
    }

    fn node(player: &Player<'_>, path: Vec<Event>) -> Node {
        let mut prelude = player.pair.prelude();
        prelude.extend_from_slice(player.blocks());
        Node { memory: player.pair.specimen.memory().clone(), prelude, path }
    }

    /// A pair in the state of a node.
    fn pair(&self, node: &Node) -> Result<Pair<'a>, Disagreement> {
        let pair = Pair::on(self.standard, self.lines, self.issue, node.memory.clone());
        let mut pair = pair.map_err(|difference| self.differs(&node.path, difference))?;
        for command in &node.prelude {
            pair.command(command).map_err(|difference| self.differs(&node.path, difference))?;
        }
        Ok(pair)
    }

    /// Tries the whole menu of a state; gives the states that it leads to and that have not been met.
    fn expand(&mut self, node: &Node, seed: u64) -> Result<Vec<Node>, Disagreement> {
        self.expanded += 1;
        self.corpus.menu = self.expanded;
        let mut pair = self.pair(node)?;
        let view = pair.view();
        let recent: Vec<Vec<u8>> = node
            .path
            .iter()
            .rev()
            .filter_map(|event| match event {
                Event::Command(command) => Some(command.clone()),
                Event::Reset | Event::Torn(..) => None,
            })
            .take(3)
            .collect();
        let blocks: Vec<Vec<u8>> = node.prelude.iter().filter(|command| is_block(command)).cloned().collect();
        let (from, _) = self.corpus.state(&pair.reference.memory, &pair.reference.session);
        let mut found = Vec::new();
        for command in menu(&view, &pair.reference.session, self.issue, &recent, seed ^ self.expanded as u64)
        {
            let agreed = if self.bounds.cuts {
                pair.command_with_cuts(&command, &blocks)
            } else {
                pair.command(&command)
            };
            let agreed = agreed.map_err(|difference| {
                self.coverage.tried(difference.command).disagreements += 1;
                let mut events = node.path.clone();
                events.push(Event::Command(command.clone()));
                self.differs(&events, difference)
            })?;
            let (to, is_new) = self.corpus.state(&pair.reference.memory, &pair.reference.session);
            if self.keeps {
                let response = (agreed.response.as_slice(), agreed.torn);
                self.corpus.keep(self.lines, (from, to), &command, response, &agreed.watch, false);
            }
            if to != from || is_of_session(&command) {
                for probe in probes(&view) {
                    let agreed = pair.command(&probe).map_err(|difference| {
                        self.coverage.tried(difference.command).disagreements += 1;
                        let events = [&command, &probe].map(|command| Event::Command(command.clone()));
                        self.differs(&[node.path.as_slice(), &events].concat(), difference)
                    })?;
                    if self.keeps {
                        let response = (agreed.response.as_slice(), None);
                        self.corpus.keep(self.lines, (to, to), &probe, response, &agreed.watch, false);
                    }
                }
            }
            if is_new {
                let mut prelude = pair.prelude();
                prelude.extend_from_slice(&blocks);
                if is_block(&command) && view.selected {
                    prelude.push(command.clone());
                }
                let path = node.path.iter().cloned().chain([Event::Command(command.clone())]).collect();
                found.push(Node { memory: pair.specimen.memory().clone(), prelude, path });
            }
            if to != from {
                self.coverage.add_sequence(&pair.coverage);
                pair = self.pair(node)?;
            }
        }
        self.coverage.add_sequence(&pair.coverage);
        self.corpus.menu = 0;
        Ok(found)
    }
}

/// Whether a command may change which file is current, whether the PIN is verified, or who the peer is.
fn is_of_session(command: &[u8]) -> bool {
    use CommandName::{ChangePin, ReadBinary, ReadRecord, Select, Verify, VerifyCertificate};
    let all = [Select, ReadBinary, ReadRecord, Verify, ChangePin, VerifyCertificate];
    row_of(command).is_some_and(|row| all.contains(&row.command))
}

fn is_block(command: &[u8]) -> bool {
    row_of(command).is_some_and(|row| row.command == CommandName::StoreData)
}
