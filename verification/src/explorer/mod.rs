//! A breadth-first search through every state of everything within a scope: cards that ship, the issuer that ships,
//! and an attacker who holds every message ever sent, sends any of them to anybody, loses what he likes and cuts power
//! where he likes. What terminals do is part of what he may do.

mod answers;
mod cuts;
mod laboratory;
mod meeting;
mod menu;
mod message;
mod moves;
mod office;
mod post;
mod recover;
pub mod scope;
mod sequels;
mod sessions;
mod specimen;
mod state;

use std::hash::BuildHasherDefault;
use std::time::Instant;

use apdu_spec::element::Kind;
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use indexmap::IndexSet;
use purse_tests::scheme::{party, pay_details, script, session};
use rustc_hash::{FxHashSet, FxHasher};

use laboratory::Laboratory;
pub use message::PIN;
use message::{Message, Order, Word};
use office::Office;
use post::Post;
use scope::Scope;
pub use specimen::{Response, Shipped, boot, personalised, process, select, smallest};
use state::{NOBODY, PLACES, State, Whole};

use crate::chance::Chance;
use crate::content::Content;
use crate::property::{Property, Tally};

/// The uses of one message, by number.
#[derive(Clone, Debug, Default)]
struct NumberedUses {
    orders: Vec<(usize, u32)>,
    errands: Vec<u32>,
}

/// What leads from one state to the next.
#[derive(Clone, Copy, Debug)]
enum Action {
    /// A card gets an order; its answer arrives.
    Order(usize, u32),
    /// The same, and the power fails before the answer.
    Lost(usize, u32),
    /// The issuer is sent on an errand.
    Errand(u32),
}

/// How far a search goes.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// Until when.
    pub until: Instant,
    /// States at most.
    pub most: usize,
    /// It is over when this does not hold.
    pub sought: Option<Property>,
    /// Which of the states that were found is looked at next: with seed 1 the first one, so that the search goes
    /// breadth-first; with every other seed one that it draws.
    pub seed: u64,
}

/// Explores a scope with the window and the EF.EXC that it wants.
///
/// # Panics
/// On sizes that no scope has.
pub fn explore(scope: Scope, search: &Search) -> Explored {
    fn with<const WINDOW: usize, const EXCEPTIONS: usize>(scope: Scope, search: &Search) -> Explored {
        let mut explorer = Explorer::<WINDOW, EXCEPTIONS>::new(scope, search.seed);
        explorer.explore(search);
        explorer.explored()
    }
    match (scope.window, scope.exceptions) {
        (2, 2) => with::<2, 2>(scope, search),
        (3, 2) => with::<3, 2>(scope, search),
        (3, 3) => with::<3, 3>(scope, search),
        (4, 2) => with::<4, 2>(scope, search),
        (5, 2) => with::<5, 2>(scope, search),
        (6, 2) => with::<6, 2>(scope, search),
        sizes => unreachable!("no scope has a window and an EF.EXC of {sizes:?}"),
    }
}

/// One exploration.
#[derive(Debug)]
pub struct Explorer<const WINDOW: usize, const EXCEPTIONS: usize> {
    scope: Scope,
    laboratory: Laboratory<WINDOW, EXCEPTIONS>,
    office: Option<Office>,
    post: Post,
    numbers: Vec<PartyNumber>,
    issued: [i64; 2],
    states: IndexSet<State, BuildHasherDefault<FxHasher>>,
    parents: Vec<u32>,
    expanded: usize,
    /// What draws the next state, and those that it draws from; none: the states in their order.
    chance: Option<(Chance, Vec<u32>)>,
    uses: Vec<Option<NumberedUses>>,
    scripts: Vec<(usize, u32)>,
    recovered: FxHashSet<([u32; PLACES], Option<u32>)>,
    recoveries: u64,
    tally: Tally,
    paths: Vec<String>,
}

/// What an exploration came to.
#[derive(Clone, Debug)]
pub struct Explored {
    /// Name of the scope.
    pub scope: &'static str,
    /// Distinct states found.
    pub states: u64,
    /// Those of which every next one has been found too.
    pub expanded: u64,
    /// Distinct states of single cards.
    pub cards: u64,
    /// Distinct states of the issuer's books.
    pub books: u64,
    /// Commands that cards have processed.
    pub commands: u64,
    /// Power-ups after cuts.
    pub power_ups: u64,
    /// Equal cards that were compared.
    pub merges: u64,
    /// Recoveries played.
    pub recoveries: u64,
    /// Whether no state is left to be looked at.
    pub complete: bool,
    /// What was looked at.
    pub tally: Tally,
    /// Ways to the first violations.
    pub paths: Vec<String>,
}

impl<const WINDOW: usize, const EXCEPTIONS: usize> Explorer<WINDOW, EXCEPTIONS> {
    /// At the start of a scope.
    ///
    /// # Panics
    /// If a scope has more than four parties.
    pub fn new(scope: Scope, seed: u64) -> Self {
        assert!(scope.parties.len() <= PLACES, "a state has so many places");
        let mut laboratory = Laboratory::new(&scope);
        let mut cards = [NOBODY; PLACES];
        let mut numbers = Vec::new();
        let mut registered = Vec::new();
        for (place, taken) in scope.parties.iter().enumerate() {
            let geometry = smallest::<WINDOW, EXCEPTIONS>(16, false);
            let profile = scope.profile(place);
            let memory = personalised::<WINDOW, EXCEPTIONS>(geometry, &profile);
            cards[place] = laboratory.admit(place, &memory);
            numbers.push(profile.number);
            registered.push((profile.number, taken.role, [taken.balance, taken.dollars]));
        }
        let sum =
            |held: fn(&scope::Party) -> u32| scope.parties.iter().map(|party| i64::from(held(party))).sum();
        let issued = [sum(|party| party.balance), sum(|party| party.dollars)];
        let mut books = NOBODY;
        let office = scope.issuer.then(|| {
            let (office, start) = Office::new(&registered, 3);
            books = start;
            office
        });
        let mut explorer = Self {
            scope,
            laboratory,
            office,
            post: Post::default(),
            numbers,
            issued,
            states: IndexSet::default(),
            parents: Vec::new(),
            expanded: 0,
            chance: (seed != 1).then(|| (Chance(seed), Vec::new())),
            uses: Vec::new(),
            scripts: Vec::new(),
            recovered: FxHashSet::default(),
            recoveries: 0,
            tally: Tally::default(),
            paths: Vec::new(),
        };
        let known = explorer.known_from_the_start();
        explorer.find(State { cards, books, known }, 0);
        explorer
    }

    /// What the attacker has before anything happens: nothing, or what stolen masters make.
    fn known_from_the_start(&mut self) -> u32 {
        let mut counters = [0; PLACES];
        for (place, parameter) in self.scope.scripts.clone() {
            counters[place] += 1;
            let bytes = script(self.numbers[place], counters[place], &parameter);
            let order = self.laboratory.order(Order::Script(bytes, None));
            self.scripts.push((place, order));
        }
        let mut messages = Vec::new();
        if self.scope.stolen_masters {
            let own = self.numbers[0];
            let merchant = party(9);
            for sequence in 0..self.scope.parties[0].sequences {
                for &amount in &self.scope.amounts.clone() {
                    for named in 0..self.scope.merchant_sequences {
                        let theirs = (merchant, named);
                        let purchase = pay_details(Kind::Purchase, amount, (own, sequence), theirs);
                        let refund = pay_details(Kind::Refund, amount, theirs, (own, sequence));
                        for pay_details in [purchase, refund] {
                            messages.extend(self.forged(&pay_details));
                        }
                    }
                }
            }
        }
        self.post.know(messages)
    }

    /// All four words for a PD, as whoever holds the PAYM masters makes them. A TAC only the payer can make.
    fn forged(&mut self, pay_details: &PayDetails) -> Vec<u16> {
        let mut session = session(pay_details);
        let tac = apdu_spec::cryptography::Tac([0xA5; 8]);
        let words = [
            (Word::Req, session.req(), [0; 8]),
            (Word::Val, session.val(tac), tac.0),
            (Word::Ack, session.ack(), [0; 8]),
            (Word::Nack, session.nack(), [0; 8]),
        ];
        let mut forged = Vec::new();
        for (word, mac, tac) in words {
            forged.push(self.post.send(Message { pay_details: *pay_details, word, mac: mac.0, tac }));
        }
        forged
    }

    /// Looks at states until none is left, time is over, or what is sought does not hold.
    ///
    /// # Panics
    /// With more than 2^32 states.
    pub fn explore(&mut self, search: &Search) {
        while self.expanded < self.states.len() && self.states.len() < search.most {
            if self.expanded.is_multiple_of(64) {
                let violated =
                    |property| self.tally.violated(property) + self.laboratory.tally.violated(property);
                let is_found = search.sought.is_some_and(|sought| violated(sought) > 0);
                if is_found || Instant::now() >= search.until {
                    return;
                }
            }
            let index = match &mut self.chance {
                None => u32::try_from(self.expanded).expect("fewer states than that"),
                Some((chance, found)) => {
                    let place = chance.draw(found.len());
                    found.swap_remove(place)
                }
            };
            let state = self.states[index as usize];
            let mut next = Vec::new();
            self.expand(state, &mut |after, _| next.push(after));
            for after in next {
                self.find(after, index);
            }
            self.expanded += 1;
        }
    }

    /// What the cards that were met hold, each once.
    pub fn cards(&self) -> impl Iterator<Item = &Content> {
        self.laboratory.contents()
    }

    /// What came of it.
    pub fn explored(&self) -> Explored {
        let mut tally = self.tally.clone();
        tally.add(&self.laboratory.tally);
        Explored {
            scope: self.scope.name,
            states: self.states.len() as u64,
            expanded: self.expanded as u64,
            cards: self.laboratory.states() as u64,
            books: self.office.as_ref().map_or(0, |office| office.states() as u64),
            commands: self.laboratory.counts.commands,
            power_ups: self.laboratory.counts.power_ups,
            merges: self.laboratory.counts.merges,
            recoveries: self.recoveries,
            complete: self.expanded == self.states.len(),
            tally,
            paths: self.paths.clone(),
        }
    }

    /// A state, perhaps a new one: then all must hold of it.
    fn find(&mut self, state: State, parent: u32) {
        let (index, is_new) = self.states.insert_full(state);
        if !is_new {
            return;
        }
        self.parents.push(parent);
        if let Some((_, found)) = &mut self.chance {
            found.push(u32::try_from(index).expect("fewer states than that"));
        }
        let before = self.tally.violations().len();
        let cards = state.cards.iter().filter(|card| **card != NOBODY);
        let whole = Whole {
            cards: cards.map(|card| &self.laboratory.identity(*card).content).collect(),
            ledger: self.office.as_ref().map(|office| office.ledger(state.books)),
            issued: self.issued,
            numbers: &self.numbers,
        };
        whole.inspect(&self.scope, &mut self.tally);
        self.recover(index, &state);
        if self.tally.violations().len() > before && self.paths.len() < 3 {
            let path = self.path(index);
            self.paths.push(path);
        }
    }

    /// How a state is reached.
    fn path(&mut self, mut index: usize) -> String {
        let mut steps = Vec::new();
        while index > 0 {
            let parent = self.parents[index] as usize;
            let (from, to) = (self.states[parent], self.states[index]);
            let mut found = None;
            self.expand(from, &mut |after, action| {
                if after == to && found.is_none() {
                    found = Some(action);
                }
            });
            steps.push(match found {
                Some(Action::Order(place, order)) => {
                    format!("card {}: {:?}", place + 1, self.laboratory.order_of(order))
                }
                Some(Action::Lost(place, order)) => {
                    format!("card {}: {:?}, answer lost", place + 1, self.laboratory.order_of(order))
                }
                Some(Action::Errand(errand)) => match &self.office {
                    Some(office) => format!("issuer: {:?}", office.errand_of(errand)),
                    None => "issuer".to_owned(),
                },
                None => "?".to_owned(),
            });
            index = parent;
        }
        steps.reverse();
        steps.join("\n")
    }
}
