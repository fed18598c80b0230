//! The card's answers and memories over histories that reach everything, recorded once.

use purse_reference::standard::Standard;

use crate::corpus::Corpus;
use crate::coverage::Lines;
use crate::draw::Draw;
use crate::history::{self, Disagreement, Plan, Player};
use crate::issue::Issue;
use crate::pair::Event;
use crate::walk::{Bounds, Walk};

/// How much is recorded of each card.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// States whose menu is tried.
    pub states: usize,
    /// Generated histories.
    pub histories: usize,
    /// What they are generated from.
    pub seed: u64,
}

/// Records what these cards answer.
///
/// # Errors
/// Text and card differ.
pub fn record(
    standard: &Standard,
    lines: &Lines,
    issues: &[Issue],
    effort: Effort,
) -> Result<Corpus, Disagreement> {
    let halves: Vec<Vec<(usize, &Issue)>> = [0, 1]
        .iter()
        .map(|half| issues.iter().enumerate().filter(|(place, _)| place % 2 == *half).collect())
        .collect();
    let recorded: Vec<Result<Corpus, Disagreement>> = std::thread::scope(|scope| {
        let workers: Vec<_> = halves
            .iter()
            .map(|issues| {
                scope.spawn(move || {
                    let mut corpus = Corpus::default();
                    for (place, issue) in issues {
                        corpus.issue = *place;
                        histories(standard, lines, issue, effort, &mut corpus)?;
                        let bounds =
                            Bounds { near: effort.states, deep: effort.states, cuts: true, scenarios: true };
                        let mut walk = Walk::new(standard, lines, issue, bounds, true);
                        walk.corpus = std::mem::take(&mut corpus);
                        walk.walk(effort.seed)?;
                        corpus = walk.corpus;
                    }
                    Ok(corpus)
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let mut all = Corpus::default();
    for corpus in recorded {
        all.absorb(corpus?);
    }
    Ok(all)
}

fn histories(
    standard: &Standard,
    lines: &Lines,
    issue: &Issue,
    effort: Effort,
    corpus: &mut Corpus,
) -> Result<(), Disagreement> {
    let mut draw = Draw::new(effort.seed ^ 0x4157);
    for _ in 0..effort.histories {
        let differs = |events: Vec<Event>, difference| Disagreement { issue: issue.name, events, difference };
        let player = Player::new(standard, lines, issue);
        let mut player = player.map_err(|difference| differs(Vec::new(), difference))?;
        let pair = &player.pair;
        let (mut from, _) = corpus.state(&pair.reference.memory, &pair.reference.session);
        let plan = Plan { length: 150, cuts_once_in: 8 };
        let played = history::run(&mut player, draw.bits(), plan, &mut |player, agreed| {
            let reference = &player.pair.reference;
            let (to, _) = corpus.state(&reference.memory, &reference.session);
            if let (Some(agreed), Some(Event::Command(command))) = (agreed, player.events.last()) {
                let response = (agreed.response.as_slice(), agreed.torn.clone());
                corpus.keep(lines, (from, to), command, response, &agreed.watch, false);
            }
            from = to;
        });
        played.map_err(|difference| differs(player.events.clone(), difference))?;
    }
    Ok(())
}
