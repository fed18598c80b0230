//! Generated histories of one card: long sequences of commands, resets and cuts.

use purse_reference::standard::Standard;

use crate::coverage::{Coverage, Lines};
use crate::draw::Draw;
use crate::generator::{self, Situation};
use crate::issue::Issue;
use crate::message::row_of;
use crate::pair::{Agreed, Difference, Event, Pair};

/// A disagreement and the way to it.
#[derive(Clone, Debug)]
pub struct Disagreement {
    /// Which card.
    pub issue: &'static str,
    /// What leads to it; the last event is the one in which they differ.
    pub events: Vec<Event>,
    /// How they differ.
    pub difference: Difference,
}

/// What a history is made by.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Its events after personalisation.
    pub length: usize,
    /// One command of so many that write is tried with a cut at every operation.
    pub cuts_once_in: usize,
}

/// A card whose history is being made.
#[derive(Debug)]
pub struct Player<'a> {
    /// Both cards.
    pub pair: Pair<'a>,
    /// What has happened.
    pub events: Vec<Event>,
    recent: Vec<Vec<u8>>,
    /// STORE DATA since the last reset, to the selected application.
    blocks: Vec<Vec<u8>>,
}

impl<'a> Player<'a> {
    /// A card that is blank, or has just been issued.
    ///
    /// # Errors
    /// They differ.
    pub fn new(standard: &'a Standard, lines: &'a Lines, issue: &'a Issue) -> Result<Self, Difference> {
        let pair = Pair::new(standard, lines, issue)?;
        Ok(Self { pair, events: Vec::new(), recent: Vec::new(), blocks: Vec::new() })
    }

    /// The next event, from this seed and the card as it is.
    pub fn next(&self, seed: u64) -> (Event, Draw) {
        let mut draw = Draw::new(seed);
        let view = self.pair.view();
        if draw.once_in(40) {
            return (Event::Reset, draw);
        }
        let situation = Situation {
            view: &view,
            session: &self.pair.reference.session,
            issue: self.pair.issue(),
            recent: &self.recent,
        };
        let command = generator::command(&situation, &mut draw);
        if draw.once_in(25) {
            return (Event::Torn(command, Pair::any_cut(&mut draw)), draw);
        }
        (Event::Command(command), draw)
    }

    /// Lets it happen; with cuts at every operation, on copies, if asked for.
    ///
    /// # Errors
    /// They differ.
    pub fn play(&mut self, event: Event, with_cuts: bool) -> Result<Option<Agreed>, Difference> {
        let is_selected = self.pair.is_selected();
        let happened = match &event {
            Event::Command(command) if with_cuts => {
                self.pair.command_with_cuts(command, &self.blocks).map(Some)
            }
            _ => self.pair.happen(&event),
        };
        match &event {
            Event::Command(command) => {
                let is_block = row_of(command)
                    .is_some_and(|row| row.command == apdu_spec::command::CommandName::StoreData);
                // Another one has left nothing behind.
                if is_block && is_selected {
                    self.blocks.push(command.clone());
                }
                if self.recent.len() >= 6 {
                    self.recent.remove(0);
                }
                self.recent.push(command.clone());
            }
            Event::Reset | Event::Torn(..) => self.blocks.clear(),
        }
        self.events.push(event);
        happened
    }

    /// STORE DATA since the last reset.
    pub fn blocks(&self) -> &[Vec<u8>] {
        &self.blocks
    }

    fn disagreement(&self, difference: Difference) -> Disagreement {
        Disagreement { issue: self.pair.issue().name, events: self.events.clone(), difference }
    }
}

/// Whether a history personalises its card by the blocks that do, or is left to find its way.
const fn is_personalised_at_once(seed: u64) -> bool {
    !seed.is_multiple_of(5)
}

/// Makes one history. Gives what has been seen, and a disagreement if there was one.
pub fn make(
    standard: &Standard,
    lines: &Lines,
    issue: &Issue,
    seed: u64,
    plan: Plan,
) -> (Coverage, Option<Disagreement>) {
    let mut player = match Player::new(standard, lines, issue) {
        Ok(player) => player,
        Err(difference) => {
            let found = Disagreement { issue: issue.name, events: Vec::new(), difference };
            return (Coverage::new(lines), Some(found));
        }
    };
    let outcome = run(&mut player, seed, plan, &mut |_, _| {});
    let found = outcome.err().map(|difference| player.disagreement(difference));
    let mut coverage = player.pair.coverage;
    if let Some(found) = &found {
        coverage.tried(found.difference.command).disagreements += 1;
    }
    (coverage, found)
}

/// Plays a history to its end; `seen` is told of each event after it, and of what both have answered to a command.
///
/// # Errors
/// They differ.
pub fn run<'a>(
    player: &mut Player<'a>,
    seed: u64,
    plan: Plan,
    seen: &mut dyn FnMut(&Player<'a>, Option<&Agreed>),
) -> Result<(), Difference> {
    let mut draw = Draw::new(seed);
    if is_personalised_at_once(seed) {
        for event in player.pair.personalisation() {
            let agreed = player.play(event, false)?;
            seen(player, agreed.as_ref());
        }
    }
    let mut ended = 0;
    for _ in 0..plan.length {
        let (event, mut choice) = player.next(draw.bits());
        let agreed = player.play(event, choice.once_in(plan.cuts_once_in.max(1)))?;
        seen(player, agreed.as_ref());
        // Of a card that is terminated little more is to be learned.
        let view = player.pair.view();
        ended += usize::from(view.ended);
        if ended > 20 {
            break;
        }
    }
    Ok(())
}

/// Whether these events still lead to a disagreement; as soon as they do.
pub fn replay(standard: &Standard, lines: &Lines, issue: &Issue, events: &[Event]) -> Option<Disagreement> {
    let differs = |events: &[Event], difference| Disagreement {
        issue: issue.name,
        events: events.to_vec(),
        difference,
    };
    let mut player = match Player::new(standard, lines, issue) {
        Ok(player) => player,
        Err(difference) => return Some(differs(&[], difference)),
    };
    for (place, event) in events.iter().enumerate() {
        let is_last = place + 1 == events.len();
        if let Err(difference) = player.play(event.clone(), is_last) {
            return Some(differs(&events[..=place], difference));
        }
    }
    None
}

/// The same disagreement with as few events as can be found: whole stretches first, then one by one.
pub fn minimised(standard: &Standard, lines: &Lines, issue: &Issue, found: Disagreement) -> Disagreement {
    let mut smallest = found;
    let mut stretch = smallest.events.len() / 2;
    let mut patience = 2000;
    while stretch > 0 {
        let mut from = 0;
        while from < smallest.events.len() && patience > 0 {
            patience -= 1;
            let to = (from + stretch).min(smallest.events.len());
            let mut fewer = smallest.events.clone();
            fewer.drain(from..to);
            match replay(standard, lines, issue, &fewer) {
                Some(still) if still.difference.command == smallest.difference.command => smallest = still,
                _ => from = to,
            }
        }
        stretch /= 2;
    }
    smallest
}
