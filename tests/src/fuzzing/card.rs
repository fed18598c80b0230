//! A whole card beside the model of it and beside the reference card, which runs the standard's listings: any sequence of commands, right ones, slightly wrong ones and raw bytes, with
//! the power cut within any operation of its memory. After a cut the card must be where it was before the command or
//! where the command leads; an answer that was given must hold; what is refused must write nothing.

mod step;

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

use apdu_spec::command::{Command, Selection};
use apdu_spec::element::{Amount, Role};
use apdu_spec::file::APPLICATION;
use apdu_spec::pin::PinBlock;
use apdu_spec::pocket::Limits;
use apdu_spec::software::Software;
use apdu_spec::status::StatusWord as Status;
use purse_card::Card;
use purse_card::memory::Geometry;
use purse_card::store::minimum_pages;
use purse_reference::card::ReferenceCard;
use purse_reference::memory::Memory;
use purse_reference::standard::Standard;
use purse_terminal::simulated_memory::{Cut, SimulatedMemory};

use super::input::Input;
use crate::bench_card::BenchCard;
use crate::card_model::{Model, Sizes, State, View};
use crate::reference_memory::{memory_of, sizes};
use crate::scheme::Profile;
use step::Action;

/// Steps of one history.
const MOST_STEPS: usize = 80;

/// Small, so that every limit is met.
const LIMITS: Limits = Limits {
    maximum_balance: Amount(100),
    maximum_debit: Amount(50),
    debit_without_pin: Amount(20),
    total_without_pin: Amount(40),
    maximum_transfer: Amount(30),
    offline_receipts: Amount(60),
};

/// Number of the card; its peers have others.
const NUMBER: u64 = 1;

/// Runs one history.
///
/// # Panics
/// Where the card does anything else than the model.
pub fn target(data: &[u8]) {
    let mut input = Input::new(data);
    let card = input.byte();
    match card & 3 {
        0 => World::<2, 1>::new(Role::Purse, card >> 2).run(input),
        1 => World::<6, 2>::new(Role::Purse, card >> 2).run(input),
        2 => World::<12, 3>::new(Role::Merchant, card >> 2).run(input),
        _ => World::<8, 2>::new(Role::Merchant, card >> 2).run(input),
    }
}

struct World<const WINDOW: usize, const EXCEPTIONS: usize> {
    /// None only while the power is away.
    card: Option<BenchCard<WINDOW, EXCEPTIONS>>,
    model: Model,
    /// Answers by the text of the standard.
    reference: ReferenceCard<'static>,
    /// The last command, to be sent again.
    last: Vec<u8>,
    initial: u32,
}

impl<const WINDOW: usize, const EXCEPTIONS: usize> World<WINDOW, EXCEPTIONS> {
    /// A card of a profile that depends on the role alone, over one of a few memories.
    fn new(role: Role, geometry: u8) -> Self {
        let limits = match role {
            Role::Purse => LIMITS,
            Role::Merchant => Limits { maximum_balance: Amount(250), ..LIMITS },
        };
        let initial = 80;
        let profile = match role {
            Role::Purse => Profile { limits, ..Profile::purse(NUMBER, initial) }.with_key_pair(),
            Role::Merchant => Profile { limits, ..Profile::sam(NUMBER, initial) },
        };
        let card = personalised(&profile, geometry % 8);
        let model = Model::new(&profile, Sizes { window: WINDOW, exceptions: EXCEPTIONS });
        let reference = reference::<WINDOW, EXCEPTIONS>(&profile);
        let world = Self { card: Some(card), model, reference, last: Vec::new(), initial };
        world.compare_memory("STORE DATA");
        world
    }

    fn run(mut self, mut input: Input<'_>) {
        for _ in 0..MOST_STEPS {
            if input.is_empty() {
                break;
            }
            let step = step::next(&mut input, &self.model, &self.last);
            match step.action {
                Action::Send(command) => self.send(command, step.cut, step.finish, &mut input),
                Action::Reset => {
                    self.card().card.reset();
                    self.model.reset();
                    self.reference.reset();
                }
                Action::PowerCycle => {
                    let state = self.model.state.clone();
                    self.power_lost(&[state], &[], &mut input);
                }
                Action::Nothing => {}
            }
        }
        let state = self.model.state.clone();
        self.power_lost(&[state], &[], &mut Input::new(&[]));
        self.check_value();
    }

    fn card(&mut self) -> &mut BenchCard<WINDOW, EXCEPTIONS> {
        self.card.as_mut().expect("it has power")
    }

    fn send(&mut self, command: Vec<u8>, cut: Option<Cut>, finish: bool, input: &mut Input<'_>) {
        let mut model = self.model.clone();
        let prediction = model.answer(&command);
        let mut reference = self.reference.clone();
        let execution = reference.process(&command).unwrap_or_else(|fault| panic!("{fault}"));
        let card = self.card();
        if let Some(cut) = cut {
            card.card.memory_mut().cut(cut);
        }
        let before = card.card.memory().counts();
        let answer = card.process(&command);
        if card.card.memory().is_off() {
            // Nobody has heard it; but it must not have meant to say that it is done.
            assert_eq!(answer.status, Status::MemoryFailure, "to {command:02X?}");
            let states = [Some(prediction.before), prediction.between, Some(model.state.clone())];
            let states: Vec<State> = states.into_iter().flatten().collect();
            self.power_lost(&states, &execution.commits, input);
        } else {
            let written = card.card.memory().counts() != before;
            assert_eq!(written, prediction.writes, "{command:02X?} answered {answer:?}");
            match prediction.answer {
                Some(expected) => assert_eq!(answer, expected, "to {command:02X?}"),
                None => assert!(answer.status == Status::Success || answer.data.is_empty()),
            }
            let mut response = answer.data;
            response.extend(answer.status.emit());
            assert_eq!(response, execution.response, "the text's answer to {command:02X?}");
            self.model = model;
            self.reference = reference;
            self.compare_memory(&command);
            if finish {
                let card = self.card();
                card.card.finish();
                if card.card.memory().is_off() {
                    let state = self.model.state.clone();
                    self.power_lost(&[state], &[], input);
                }
            }
        }
        self.last = command;
    }

    fn compare_memory(&self, after: impl std::fmt::Debug) {
        let Some(bench) = &self.card else { return };
        let memory = memory_of::<WINDOW, EXCEPTIONS>(bench.card.memory());
        let differences = memory.differences(&self.reference.memory);
        assert!(differences.is_empty(), "card and text differ after {after:02X?}: {differences:#?}");
    }

    /// The power is gone and comes back; the card must be in one of these states and stay there. By the text its memory
    /// is what it was, or what a COMMIT has made of it.
    fn power_lost(&mut self, states: &[State], commits: &[Memory], input: &mut Input<'_>) {
        let mut memory = self.card.take().expect("it had power").card.into_memory();
        memory.power_off();
        let mut card = loop {
            memory.power_on();
            if input.byte() & 0x81 == 0x81 {
                memory.cut(input.cut());
            }
            match Card::power_up(memory, Software) {
                Ok(card) => break BenchCard { card },
                Err((lost, error)) => {
                    assert!(lost.is_off(), "{error:?} after {states:?}");
                    memory = lost;
                }
            }
        };
        card.select();
        let memory = memory_of::<WINDOW, EXCEPTIONS>(card.card.memory());
        let before = self.reference.memory.clone();
        let kept = commits.iter().chain([&before]).find(|kept| **kept == memory);
        self.reference.memory = kept.unwrap_or_else(|| panic!("{memory:#?} is no state of the text")).clone();
        self.reference.reset();
        select(&mut self.reference);
        let view = View::of(&mut card);
        let mut found: Vec<Model> = Vec::new();
        for state in states {
            let model = self.model.with(state.clone());
            if model.view() == view && !found.iter().any(|other| other.state == model.state) {
                found.push(model);
            }
        }
        assert!(!found.is_empty(), "{view:#?} is none of {states:#?}");
        // Only the PIN does not show.
        if found.len() > 1 {
            found.retain(|model| has_pin(&card, model.state.pin));
        }
        let [model, ..] = &found[..] else { panic!("its PIN is none of those of {states:?}") };
        self.model = model.clone();
        // However often power fails now, it has decided.
        for _ in 0..2 {
            let mut memory = card.card.into_memory();
            memory.power_off();
            memory.power_on();
            memory.reset_counts();
            card = BenchCard::on(memory);
            assert_eq!(card.card.memory().counts().operations(), 0, "a clean power-up writes nothing");
            card.select();
            assert_eq!(View::of(&mut card), view, "it has changed its mind");
        }
        // Looking at it has made another file current.
        card.select();
        self.card = Some(card);
    }

    /// Every pocket holds what it was issued with and what it was paid, less what it has paid and not taken back.
    fn check_value(&mut self) {
        use apdu_spec::record::{RecordRole, RecordState};
        for (place, pocket) in self.model.state.pockets.iter().enumerate() {
            let mut expected = if place == 0 { i64::from(self.initial) } else { 0 };
            for entry in &self.model.state.entries {
                if entry.pay_details.currency != pocket.parameters.currency {
                    continue;
                }
                let amount = i64::from(entry.pay_details.amount.0);
                expected += match (entry.role, entry.state) {
                    (RecordRole::Payee, _) => amount,
                    (RecordRole::Payer, state) if state != RecordState::Reversed => -amount,
                    _ => 0,
                };
            }
            assert_eq!(i64::from(pocket.balance), expected, "pocket {place}");
        }
    }
}

/// The same card by the text: personalised by the same commands, the application selected.
fn reference<const WINDOW: usize, const EXCEPTIONS: usize>(profile: &Profile) -> ReferenceCard<'static> {
    static STANDARD: LazyLock<Standard> =
        LazyLock::new(|| Standard::load().unwrap_or_else(|finding| panic!("{finding}")));
    let mut card = ReferenceCard::blank(&STANDARD, sizes::<WINDOW, EXCEPTIONS>());
    select(&mut card);
    let blocks = profile.blocks();
    for (place, block) in blocks.iter().enumerate() {
        let number = u8::try_from(place).expect("few blocks");
        let command = Command::StoreData(place + 1 == blocks.len(), number, block);
        let execution = card.process(command.emit().as_bytes()).unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(execution.response, Status::Success.emit(), "block {place}");
    }
    card.reset();
    select(&mut card);
    card
}

fn select(card: &mut ReferenceCard<'_>) {
    let command = Command::Select(Selection::Application(&APPLICATION), true);
    card.process(command.emit().as_bytes()).unwrap_or_else(|fault| panic!("{fault}"));
}

/// Whether a copy of the card takes this PIN. Where it takes none now, by its state, none can have been changed either.
fn has_pin<const WINDOW: usize, const EXCEPTIONS: usize>(
    card: &BenchCard<WINDOW, EXCEPTIONS>,
    block: [u8; PinBlock::LENGTH],
) -> bool {
    let mut memory = card.card.memory().clone();
    memory.power_off();
    memory.power_on();
    let mut copy = BenchCard::<WINDOW, EXCEPTIONS>::on(memory);
    copy.select();
    let block = PinBlock::parse(block).expect("a PIN of the model");
    let status = copy.send(&Command::Verify(Some(block))).status;
    matches!(status, Status::Success | Status::ConditionsOfUse)
}

/// A personalised card, the application selected. Personalising costs more than most histories, so it is done once.
fn personalised<const WINDOW: usize, const EXCEPTIONS: usize>(
    profile: &Profile,
    geometry: u8,
) -> BenchCard<WINDOW, EXCEPTIONS> {
    type Key = (usize, u8);
    static MEMORIES: Mutex<BTreeMap<Key, SimulatedMemory>> = Mutex::new(BTreeMap::new());
    let mut memories = MEMORIES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let memory = memories.entry((WINDOW, geometry)).or_insert_with(|| {
        let (unit, page_size, atomic) =
            [(8, 896, false), (8, 2048, false), (16, 1024, false), (16, 896, true)]
                [usize::from(geometry) / 2];
        let shape = Geometry { unit, page_size, pages: 0, atomic };
        let pages = minimum_pages(shape, WINDOW, EXCEPTIONS).expect("a page holds slots");
        let pages = pages + usize::from(geometry) % 2;
        let mut bench =
            BenchCard::<WINDOW, EXCEPTIONS>::on(SimulatedMemory::new(Geometry { pages, ..shape }, 1));
        bench.select();
        bench.personalise(profile);
        bench.card.into_memory()
    });
    let mut bench = BenchCard::on(memory.clone());
    bench.select();
    bench
}
