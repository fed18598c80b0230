//! Faults in a card's memory: each bit of an image flipped, one at a time, and then everything that a card can be asked.
//!
//! The card must work rightly, with the same answers and the same effects as one whose bit was not flipped, or say that it
//! is damaged: at power-up, or with 6581 from some command on, and then it must still be where it was before that
//! command or after it. Nothing else is allowed, and so no value comes from nowhere.

mod script;

use std::ops::Range;

use apdu_spec::command::{Command, Request};
use apdu_spec::element::Kind;
use apdu_spec::software::Software;
use apdu_spec::status::StatusWord;
use purse_card::memory::Memory;
use purse_card::{Card, PowerUpError};
use purse_terminal::simulated_memory::SimulatedMemory;

use crate::bench_card::{Answer, BenchCard};
use crate::scheme::Profile;
pub(crate) use script::{PEER, business, meeting};
use script::{Script, look, script_of};

/// Records in EF.LOG.
pub const WINDOW: usize = 4;
/// Places in EF.EXC.
pub const EXCEPTIONS: usize = 2;
/// Slots of a page: as few as a card can have, so that pages are built all the time; a key pair needs one more.
pub(crate) const SLOTS: usize = 4;

/// A card whose every bit can be tried.
pub type TinyCard = BenchCard<WINDOW, EXCEPTIONS>;

/// An image of a card, and how it came about.
#[derive(Clone, Debug)]
pub struct History {
    /// For messages.
    pub name: String,
    /// Who the card is.
    pub profile: Profile,
    /// Its memory without power.
    pub image: SimulatedMemory,
    /// Bytes of a last entry that has no seal, and the memory before it: as long as the seal is missing the card takes
    /// an invalid entry for one that was cut, and answers as before it. Two faults at once, a cut and a flip.
    pub unsealed: Option<(Range<usize>, SimulatedMemory)>,
}

/// What is flipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// A bit of a byte while the card has no power.
    AtRest,
    /// A bit of a byte after power-up.
    Powered,
    /// Whether a unit counts as blank, while the card has no power.
    Blank,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Bits, or pairs of bits.
    pub flips: u64,
    /// Power-ups, those that are refused included.
    pub power_ups: u64,
    /// Commands answered.
    pub commands: u64,
    /// The card did everything as it should have.
    pub worked: u64,
    /// It said that it is damaged, at power-up or with 6581.
    pub damaged: u64,
    /// Of an entry without its seal: the card did everything as it should have before that entry.
    pub forgotten: u64,
    /// What must not be: history, flip and what happened.
    pub violations: Vec<String>,
}

impl Tally {
    /// Both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.flips += other.flips;
        self.power_ups += other.power_ups;
        self.commands += other.commands;
        self.worked += other.worked;
        self.damaged += other.damaged;
        self.forgotten += other.forgotten;
        self.violations.extend(other.violations);
        self
    }
}

/// The same bytes with power and without a past.
pub(crate) fn fresh(memory: &SimulatedMemory) -> SimulatedMemory {
    let parts = (memory.bytes().to_vec(), memory.begun().to_vec());
    SimulatedMemory::from_parts(memory.geometry(), parts.0, parts.1).expect("the same lengths")
}

pub(crate) fn power_up(memory: SimulatedMemory) -> Option<TinyCard> {
    Card::power_up(memory, Software).ok().map(|card| TinyCard { card })
}

/// How one flip ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Worked,
    Damaged,
    Wrong(String),
}

/// Everything over again on a card with a flip; every answer must be the right one, or the card must say that it is
/// damaged and be where it was before that command, or after it.
fn judge(script: &Script, mut card: TinyCard, tally: &mut Tally) -> Verdict {
    let mut before = &script.before;
    for step in &script.steps {
        tally.commands += 1;
        let answer = card.transmit(&step.command);
        if answer.status == StatusWord::MemoryFailure && answer.data.is_empty() {
            if card.transmit(&step.command).status != StatusWord::MemoryFailure {
                return Verdict::Wrong(format!("goes on after 6581 to {:02X?}", step.command));
            }
            return again(&card, &[before, &step.after], tally, Verdict::Damaged);
        }
        if answer != step.answer {
            return Verdict::Wrong(format!(
                "{:02X?}: {answer:02X?} is not {:02X?}",
                step.command, step.answer
            ));
        }
        before = &step.after;
    }
    again(&card, &[before], tally, Verdict::Worked)
}

/// After another power-up the card is in one of these states, or says that it is damaged.
fn again(card: &TinyCard, allowed: &[&Vec<Answer>], tally: &mut Tally, well: Verdict) -> Verdict {
    tally.power_ups += 1;
    let Some(mut card) = power_up(fresh(card.card.memory())) else { return Verdict::Damaged };
    let found = look(&mut card);
    if allowed.contains(&&found) {
        well
    } else if found.iter().any(|answer| answer.status == StatusWord::MemoryFailure) {
        Verdict::Damaged
    } else {
        Verdict::Wrong(format!("another state after power-up: {found:02X?}"))
    }
}

/// One history with its scripts.
struct Trial<'a> {
    history: &'a History,
    script: Script,
    /// What is right for an entry without its seal that has been taken for a cut one.
    forgotten: Option<(Range<usize>, Script)>,
}

impl<'a> Trial<'a> {
    fn new(history: &'a History) -> Self {
        let script = script_of(&history.profile, &history.image);
        let forgotten = history.unsealed.as_ref();
        let forgotten = forgotten.map(|(range, before)| (range.clone(), script_of(&history.profile, before)));
        Self { history, script, forgotten }
    }

    fn flip(&self, place: Where, bits: &[usize], tally: &mut Tally) {
        tally.flips += 1;
        let verdict = self.verdict(&self.script, place, bits, tally);
        let in_doubt = self
            .forgotten
            .as_ref()
            .filter(|(range, _)| place == Where::AtRest && bits.iter().any(|bit| range.contains(&(bit / 8))));
        match (verdict, in_doubt) {
            (Verdict::Worked, _) => tally.worked += 1,
            (Verdict::Damaged, _) => tally.damaged += 1,
            (Verdict::Wrong(_), Some((_, script)))
                if self.verdict(script, place, bits, tally) == Verdict::Worked =>
            {
                tally.forgotten += 1;
            }
            (Verdict::Wrong(what), _) => {
                tally.violations.push(format!("{}, {place:?} {bits:?}: {what}", self.history.name));
            }
        }
    }

    fn verdict(&self, script: &Script, place: Where, bits: &[usize], tally: &mut Tally) -> Verdict {
        let mut memory = fresh(&self.history.image);
        match place {
            Where::AtRest => flip_bytes(&mut memory, bits),
            Where::Blank => {
                let mut begun = memory.begun().to_vec();
                for unit in bits {
                    begun[*unit] = !begun[*unit];
                }
                let bytes = memory.bytes().to_vec();
                memory =
                    SimulatedMemory::from_parts(memory.geometry(), bytes, begun).expect("the same lengths");
            }
            Where::Powered => {}
        }
        tally.power_ups += 1;
        let damaged = memory.clone();
        match Card::power_up(memory, Software) {
            Ok(mut card) => {
                if place == Where::Powered {
                    flip_bytes(card.memory_mut(), bits);
                }
                judge(script, TinyCard { card }, tally)
            }
            Err((memory, PowerUpError::Damaged | PowerUpError::Form))
                if memory.bytes() != damaged.bytes() || memory.begun() != damaged.begun() =>
            {
                Verdict::Wrong("refused at power-up, and yet written".to_owned())
            }
            Err(_) => Verdict::Damaged,
        }
    }
}

fn flip_bytes(memory: &mut SimulatedMemory, bits: &[usize]) {
    for bit in bits {
        memory.bytes_mut()[bit / 8] ^= 1 << (bit % 8);
    }
}

/// Bits, or units, that an image has.
pub fn places(history: &History, place: Where) -> usize {
    match place {
        Where::AtRest | Where::Powered => history.image.bytes().len() * 8,
        Where::Blank => history.image.begun().len(),
    }
}

/// How many times a card of this history debits, credits or declines a transfer while nothing is flipped.
pub fn transfers_done(history: &History) -> usize {
    let steps = script_of(&history.profile, &history.image).steps;
    let done = steps.iter().filter(|step| step.answer.status == StatusWord::Success);
    let of_transfers = done.filter(|step| {
        let kind = match Request::parse(&step.command).and_then(|request| request.command()) {
            Ok(Command::Debit(data)) => data.kind,
            Ok(Command::Credit(voucher) | Command::Decline(voucher)) => voucher.pay_details.kind,
            _ => return false,
        };
        kind == Kind::Transfer
    });
    of_transfers.count()
}

/// Flips every `stride`th bit from `first` on, each by itself. `progress` is told after each how many are done, of how
/// many.
pub fn flip_some_bits(
    history: &History,
    place: Where,
    first: usize,
    stride: usize,
    progress: &mut dyn FnMut(usize, usize),
) -> Tally {
    let trial = Trial::new(history);
    let mut tally = Tally::default();
    let all = places(history, place);
    for bit in (first..all).step_by(stride) {
        trial.flip(place, &[bit], &mut tally);
        progress(bit + 1, all);
    }
    tally
}

/// Flips every bit of an image, each by itself.
pub fn flip_every_bit(history: &History, place: Where, progress: &mut dyn FnMut(usize, usize)) -> Tally {
    flip_some_bits(history, place, 0, 1, progress)
}

/// Flips so many pairs of bits, drawn by a seed, while the card has no power.
pub fn flip_pairs(
    history: &History,
    seed: u64,
    pairs: usize,
    progress: &mut dyn FnMut(usize, usize),
) -> Tally {
    let trial = Trial::new(history);
    let mut tally = Tally::default();
    let mut draw = Draw(seed);
    let all = places(history, Where::AtRest);
    for done in 0..pairs {
        let (first, second) = (draw.below(all), draw.below(all));
        if first != second {
            trial.flip(Where::AtRest, &[first, second], &mut tally);
        }
        progress(done + 1, pairs);
    }
    tally
}

/// SplitMix64.
#[derive(Debug)]
pub(crate) struct Draw(pub(crate) u64);

impl Draw {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ mixed >> 31) % bound.max(1) as u64).expect("below a usize")
    }
}
