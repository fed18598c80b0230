//! Power-up on any memory: the pages of a card with a history, changed anywhere, with every check made right again where
//! the input wants it. The card refuses it and writes nothing, or starts, and holds no more than some record in it says;
//! and where no check was forged, it has decided for good.

use std::sync::LazyLock;

use apdu_spec::command::Command;
use apdu_spec::element::{Kind, Sequence};
use apdu_spec::file::IdentityFile;
use apdu_spec::number::PartyNumber;
use apdu_spec::software::Software;
use apdu_spec::status::StatusWord as Status;
use purse_card::memory::Geometry;
use purse_card::store::minimum_pages;
use purse_card::{Card, PowerUpError};
use purse_terminal::simulated_memory::SimulatedMemory;
use xxhash_rust::xxh64::xxh64;

use super::input::Input;
use crate::bench_card::{Answer, BenchCard};
use crate::scheme::{Profile, acknowledge, debit, issuer, party, pay_details, pin, voucher};

const WINDOW: usize = 3;
const EXCEPTIONS: usize = 2;
const UNIT: usize = 8;
const PAGE: usize = 1064;
/// The layout of a page of such units: header, commit unit, retire unit, slots.
const HEADER: usize = 32;
const WRITE_NUMBER: usize = 21;
const CHECK: usize = 8;
const COMMIT: usize = HEADER + CHECK;
const FIRST_SLOT: usize = COMMIT + 2 * UNIT;
const CONTENT: usize = 152;
const ENTRY: usize = CONTENT + CHECK;
const SLOT: usize = ENTRY + UNIT;
const SLOTS: usize = (PAGE - FIRST_SLOT) / SLOT;
/// Types of entries, their first byte, and where the balances of pocket 0 stand in them.
const TYPE_IDENTITY: u8 = 1;
const TYPE_RECORD: u8 = 5;
const IDENTITY_BALANCE: usize = 2 + 8 + 1 + 8 + 1 + 64;
const RECORD_BALANCE: usize = 3 + 4 + 4 + 36 + 8 + 4 + 12;

type Bench = BenchCard<WINDOW, EXCEPTIONS>;

/// Bytes and begun bits of cards of different ages.
static IMAGES: LazyLock<Vec<Image>> = LazyLock::new(|| (0..4).map(Image::of_age).collect());

#[derive(Clone)]
struct Image {
    geometry: Geometry,
    bytes: Vec<u8>,
    begun: Vec<bool>,
}

/// Runs one memory: a byte for the card, then changes.
///
/// # Panics
/// Where the card panics, writes to what it refuses, has more value than any record in it, or changes its mind.
pub fn target(data: &[u8]) {
    let mut input = Input::new(data);
    let mut image = input.pick(&[0, 1, 2, 3].map(|age| &IMAGES[age])).clone();
    let mut forged = false;
    for _ in 0..32 {
        if input.is_empty() {
            break;
        }
        forged |= image.change(&mut input);
    }
    let balances = image.balances();
    let memory = SimulatedMemory::from_parts(image.geometry, image.bytes.clone(), image.begun.clone());
    let card = match Card::power_up(memory.expect("of this geometry"), Software) {
        Ok(card) => card,
        Err((memory, error)) => {
            let untouched = memory.counts().operations() == 0;
            assert!(untouched || !matches!(error, PowerUpError::Damaged | PowerUpError::Form), "{error:?}");
            return;
        }
    };
    assert!(!image.has_damaged_page(), "a page that counts and has no header");
    let mut bench = Bench { card };
    let shown = Shown::of(&mut bench);
    if bench.card.number().is_none() {
        assert_eq!(shown.identity.status.balance.0, 0, "a blank card with value");
    } else if shown.balance != Err(Status::SecurityStatus) {
        let balance = shown.identity.status.balance.0;
        assert!(balances.contains(&balance), "{balance} is none of {balances:?}");
    }
    // The window is whole: every record in it is there, also one that cannot be read any more.
    assert!(shown.records[..WINDOW].iter().all(|record| record.status != Status::ReferenceNotFound));
    let mut memory = bench.card.into_memory();
    memory.power_off();
    memory.power_on();
    memory.reset_counts();
    let mut bench = match Card::power_up(memory, Software) {
        Ok(card) => Bench { card },
        // Entries that no store would have written there, under checks that hold: they may contradict each other.
        Err(_) if forged => return,
        Err((_, error)) => panic!("{error:?} where it has been before"),
    };
    if !forged {
        assert_eq!(bench.card.memory().counts().operations(), 0, "a clean power-up writes nothing");
        assert_eq!(Shown::of(&mut bench), shown, "it has changed its mind");
    }
    live_on(&mut bench, &shown);
}

/// What such a card shows; it may have as many sequences behind it as there are.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    identity: IdentityFile,
    tries: Answer,
    balance: Result<Vec<u8>, Status>,
    records: Vec<Answer>,
}

impl Shown {
    fn of(bench: &mut Bench) -> Self {
        bench.select();
        let mut ask = |command: &Command<'_>| bench.unwritten(command.emit().as_bytes());
        let identity = ask(&Command::ReadBinary(Some(0x15), 0)).data;
        let identity = IdentityFile::parse(&identity.try_into().expect("EF.ID")).expect("EF.ID holds");
        let tries = ask(&Command::GetData([0x9F, 0x17]));
        let balance = ask(&Command::GetBalance(0));
        let balance = if balance.status == Status::Success { Ok(balance.data) } else { Err(balance.status) };
        let mut records = Vec::new();
        for file in [0x18, 0x19] {
            for number in 1..=WINDOW + 1 {
                let number = u8::try_from(number).expect("small");
                records.push(ask(&Command::ReadRecord(Some(file), number)));
            }
        }
        Self { identity, tries, balance, records }
    }
}

/// Whatever it is, it goes on without a panic.
fn live_on(bench: &mut Bench, shown: &Shown) {
    let number = shown.identity.status.number;
    let next = shown.identity.status.sequence.0;
    let other = if number == PartyNumber::NONE { party(2) } else { number };
    for round in 0..6 {
        let sequence = next.wrapping_add(round);
        let buys = pay_details(Kind::Purchase, 1, (other, sequence), (party(2), 7));
        let loads = pay_details(Kind::Load, 1, (issuer(), sequence), (other, sequence));
        for command in [
            Command::Verify(Some(pin("1234"))),
            debit(&buys),
            Command::Credit(voucher(&loads)),
            Command::Decline(voucher(&loads)),
            acknowledge(&buys),
            Command::GetProof(Sequence(sequence)),
        ] {
            bench.send(&command);
        }
    }
    let memory = bench.card.memory().clone();
    // 6581 halts a card until its power-up, which then may find damage, but not more.
    drop(Card::<_, _, WINDOW, EXCEPTIONS>::power_up(memory, Software).map_err(|(_, error)| error));
}

impl Image {
    /// The card after so many rounds of payments of each kind.
    fn of_age(age: u32) -> Self {
        let shape = Geometry { unit: UNIT, page_size: PAGE, pages: 0, atomic: false };
        let pages = minimum_pages(shape, WINDOW, EXCEPTIONS).expect("a page holds slots") + 1;
        let geometry = Geometry { pages, ..shape };
        let mut bench = Bench::on(SimulatedMemory::new(geometry, 1));
        bench.select();
        if age > 0 {
            bench.personalise(&Profile::purse(1, 80_00));
            bench.select();
            for _ in 1..age * 2 {
                let unload = bench.spend(Kind::Unload, 3, issuer());
                let last = bench.spend_settled(Kind::Purchase, 5, party(2));
                bench.receive(Kind::Refund, 2, last.to);
                bench.spend_reversed(Kind::Purchase, 7, party(2));
                bench.receive(Kind::Load, 11, issuer());
                bench.verify(pin("1234"));
                bench.succeed(&acknowledge(&unload));
            }
            bench.spend(Kind::Unload, 3, issuer());
            // The last entry has no seal yet.
            let last = bench.paying(Kind::Purchase, 4, party(2));
            bench.process(debit(&last).emit().as_bytes());
        }
        let memory = bench.card.into_memory();
        Self { geometry, bytes: memory.bytes().to_vec(), begun: memory.begun().to_vec() }
    }

    fn page(&self, input: &mut Input<'_>) -> usize {
        usize::from(input.byte()) % self.geometry.pages
    }

    /// One change; whether it makes a check hold for what no store has written.
    fn change(&mut self, input: &mut Input<'_>) -> bool {
        let form = input.byte();
        let page = self.page(input);
        let slot = usize::from(input.byte()) % SLOTS;
        let start = page * PAGE + FIRST_SLOT + slot * SLOT;
        let change = form % 10;
        match change {
            // A byte of an entry.
            0 | 1 => {
                let place = start + usize::from(input.byte()) % CONTENT;
                self.bytes[place] ^= input.byte();
                self.seal_entry(page, slot);
            }
            // A field of a header. Its entries may go along.
            2 | 3 => {
                let place = page * PAGE + usize::from(input.byte()) % HEADER;
                self.bytes[place] ^= input.byte();
                self.check_header(page);
                if form & 0x80 != 0 {
                    (0..SLOTS).for_each(|slot| self.seal_entry(page, slot));
                }
            }
            // A unit that has begun or not.
            4 => {
                let unit = page * PAGE / UNIT + usize::from(input.byte()) % (PAGE / UNIT);
                self.begun[unit] ^= true;
            }
            // Commit, retire, seal.
            5 => {
                let offset = [COMMIT, COMMIT + UNIT, FIRST_SLOT + slot * SLOT + ENTRY];
                let unit = (page * PAGE + offset[usize::from(form >> 4) % 3]) / UNIT;
                self.begun[unit] ^= true;
            }
            // Any byte, and no check made right.
            6 => {
                let place = usize::from(input.number()) % self.bytes.len();
                self.bytes[place] ^= input.byte();
            }
            // A page on another.
            7 => {
                let from = self.page(input);
                self.bytes.copy_within(from * PAGE..(from + 1) * PAGE, page * PAGE);
                let units = PAGE / UNIT;
                self.begun.copy_within(from * units..(from + 1) * units, page * units);
                self.check_header(page);
            }
            // An entry on another.
            8 => {
                let (from, other) = (self.page(input), usize::from(input.byte()) % SLOTS);
                let from = from * PAGE + FIRST_SLOT + other * SLOT;
                self.bytes.copy_within(from..from + SLOT, start);
                self.begun.copy_within(from / UNIT..(from + SLOT) / UNIT, start / UNIT);
                self.seal_entry(page, slot);
            }
            // Nothing any more: a slot, or a page.
            _ => {
                let range =
                    if form & 0x80 == 0 { start..start + SLOT } else { page * PAGE..(page + 1) * PAGE };
                self.bytes[range.clone()].fill(0xFF);
                self.begun[range.start / UNIT..range.end / UNIT].fill(false);
            }
        }
        matches!(change, 0..=3 | 7 | 8)
    }

    fn write_number(&self, page: usize) -> u64 {
        let start = page * PAGE + WRITE_NUMBER;
        let field = &self.bytes[start..start + 8];
        u64::from_be_bytes(field.try_into().expect("8 bytes"))
    }

    fn seed(&self, page: usize, slot: usize) -> u64 {
        self.write_number(page) << 16 | slot as u64
    }

    fn check_header(&mut self, page: usize) {
        let (content, check) = self.bytes[page * PAGE..page * PAGE + COMMIT].split_at_mut(HEADER);
        check.copy_from_slice(&xxh64(content, page as u64).to_be_bytes());
    }

    fn entry(&self, page: usize, slot: usize) -> (&[u8], &[u8]) {
        let start = page * PAGE + FIRST_SLOT + slot * SLOT;
        self.bytes[start..start + ENTRY].split_at(CONTENT)
    }

    fn seal_entry(&mut self, page: usize, slot: usize) {
        let seed = self.seed(page, slot);
        let start = page * PAGE + FIRST_SLOT + slot * SLOT;
        let (content, check) = self.bytes[start..start + ENTRY].split_at_mut(CONTENT);
        check.copy_from_slice(&xxh64(content, seed).to_be_bytes());
    }

    /// Whether a page was committed, was not given up, and has no header.
    fn has_damaged_page(&self) -> bool {
        (0..self.geometry.pages).any(|page| {
            let unit = |offset| self.begun[(page * PAGE + offset) / UNIT];
            let (content, check) = self.bytes[page * PAGE..page * PAGE + COMMIT].split_at(HEADER);
            let holds = xxh64(content, page as u64).to_be_bytes() == check && content.starts_with(b"PURS");
            unit(COMMIT) && !unit(COMMIT + UNIT) && !holds
        })
    }

    /// What a card on this memory may hold in pocket 0.
    fn balances(&self) -> Vec<u32> {
        let mut balances = Vec::new();
        for (page, slot) in (0..self.geometry.pages).flat_map(|page| (0..SLOTS).map(move |slot| (page, slot)))
        {
            let (content, check) = self.entry(page, slot);
            if xxh64(content, self.seed(page, slot)).to_be_bytes() != check {
                continue;
            }
            let place = match content[0] {
                TYPE_IDENTITY => IDENTITY_BALANCE,
                TYPE_RECORD => RECORD_BALANCE,
                _ => continue,
            };
            let balance = content[place..place + 4].try_into().expect("4 bytes");
            balances.push(u32::from_be_bytes(balance));
        }
        balances
    }
}
