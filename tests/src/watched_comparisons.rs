//! The card's comparisons with its keys and its PIN marked undefined: run it under valgrind's memcheck, which follows
//! every bit that is made of them and reports each jump that depends on one.
//!
//! `watched-comparisons CASE...` presents wrong values that agree with the right one over different lengths, then that
//! one, and prints how many such jumps each took. Where they are memcheck says; the test judges both.

use std::fs::File;
use std::hint::black_box;
use std::io;
use std::os::raw::c_void;
use std::os::unix::fs::FileExt;
use std::process::ExitCode;

use crate::bench_card::CommonCard;
use crate::scheme::{self, Profile, certificate, issuer, party, pin};
use apdu_spec::command::apdu::LONGEST_RESPONSE;
use apdu_spec::command::{Command, Selection};
use apdu_spec::cryptography::{Engine, KeyBytes, Tac};
use apdu_spec::curve::{Curve, PrivateKey, PublicKey, SharedSecret, Signature};
use apdu_spec::element::{Kind, Sequence};
use apdu_spec::file::APPLICATION;
use apdu_spec::parameter::{Parameter, Resolution};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::software::{Software, SoftwareKey};
use crabgrind::memcheck::{MemState, mark_mem};
use purse_card::Card;
use purse_card::memory::{Geometry, Memory, MemoryFailure};
use purse_terminal::simulated_memory::SimulatedMemory;

/// The case that must be caught.
const SEEDED: &str = "ends-early";
/// The case of agreements with other purses.
const AGREE: &str = "agree";
/// The holder's PIN.
const PIN: &str = "12345678";

/// This crabgrind takes memcheck's yes for a no; that marks count is shown by the comparisons that must be caught.
fn mark(address: usize, length: usize, state: MemState) {
    let _ = mark_mem(address as *mut c_void, length, state);
}

fn address(bytes: &[u8]) -> usize {
    bytes.as_ptr() as usize
}

/// The engine that ships; it takes each key for undefined, so that all it computes is.
#[derive(Debug)]
struct Watched;

impl Engine for Watched {
    type Key = SoftwareKey;

    fn load(&self, key: &KeyBytes) -> SoftwareKey {
        mark(address(&key.0), KeyBytes::LENGTH, MemState::Undefined);
        Software.load(key)
    }

    fn mac(&self, key: &mut SoftwareKey, message: &[u8]) -> [u8; 16] {
        Software.mac(key, message)
    }

    fn encrypt(&self, key: &KeyBytes, block: [u8; 16]) -> [u8; 16] {
        Software.encrypt(key, block)
    }
}

/// The curve that ships; a private key is undefined, and so is what it agrees on.
impl Curve for Watched {
    const DEPTH: usize = Software::DEPTH;

    fn public_key(&self, private: &PrivateKey) -> Option<PublicKey> {
        Software.public_key(private)
    }

    fn verify(&self, public: &PublicKey, message: &[u8], signature: &Signature) -> bool {
        Software.verify(public, message, signature)
    }

    fn agree(&self, private: &PrivateKey, peer: &PublicKey) -> Option<SharedSecret> {
        let private = Box::new(private.clone());
        mark(address(&private.0), private.0.len(), MemState::Undefined);
        Software.agree(&private, peer)
    }

    fn hash(&self, message: &[u8]) -> [u8; 32] {
        Software.hash(message)
    }
}

/// A memory that holds what it is given and forgets what that was made of: the checks of the store are not about
/// secrets.
#[derive(Debug)]
struct Chip(SimulatedMemory);

impl Memory for Chip {
    fn geometry(&self) -> Geometry {
        self.0.geometry()
    }

    fn read(&self, page: usize, offset: usize, into: &mut [u8]) -> Result<(), MemoryFailure> {
        self.0.read(page, offset, into)
    }

    fn blank(&self, page: usize, offset: usize, length: usize) -> bool {
        self.0.blank(page, offset, length)
    }

    fn program(&mut self, page: usize, offset: usize, data: &[u8]) -> Result<(), MemoryFailure> {
        let data = data.to_vec();
        mark(address(&data), data.len(), MemState::Defined);
        self.0.program(page, offset, &data)
    }

    fn erase(&mut self, page: usize) -> Result<(), MemoryFailure> {
        self.0.erase(page)
    }
}

type WatchedCard = Card<Chip, Watched, 32, 8>;

/// A card with the memory of this one. Its PIN is found where it lies in RAM, and marked.
fn watched(bench: &CommonCard) -> io::Result<Box<WatchedCard>> {
    let card = Card::power_up(Chip(bench.card.memory().clone()), Watched).map_err(|(_, error)| error);
    let mut card = Box::new(card.expect("the memory is sound"));
    let start = &raw const *card as usize;
    let mut bytes = vec![0; size_of::<WatchedCard>()];
    File::open("/proc/self/mem")?.read_exact_at(&mut bytes, start as u64)?;
    let block = pin(PIN).emit();
    let mut places = bytes.windows(block.len()).enumerate().filter(|(_, window)| *window == block);
    let (place, _) = places.next().ok_or_else(|| io::Error::other("no PIN in the card"))?;
    mark(start + place, block.len(), MemState::Undefined);
    transmit(&mut card, Command::Select(Selection::Application(&APPLICATION), true).emit().as_bytes());
    Ok(card)
}

/// One command; the jumps that it took over undefined bits, and the status word.
fn transmit(card: &mut WatchedCard, command: &[u8]) -> (usize, [u8; 2]) {
    let mut response = [0; LONGEST_RESPONSE];
    let before = crabgrind::count_errors();
    let length = card.process(command, &mut response);
    let jumps = crabgrind::count_errors() - before;
    card.finish();
    (jumps, [response[length - 2], response[length - 1]])
}

/// Every command right, and with one bit wrong in each of these bytes of it.
fn variants(right: &[u8], secret: std::ops::Range<usize>) -> Vec<Vec<u8>> {
    let wrong = secret.map(|place| {
        let mut bytes = right.to_vec();
        bytes[place] ^= 1;
        bytes
    });
    wrong.chain([right.to_vec()]).collect()
}

/// The last 8 bytes of a command without Le are its authenticator.
fn authenticated(command: &Command<'_>, behind: usize) -> Vec<Vec<u8>> {
    let bytes = command.emit().as_bytes().to_vec();
    let end = bytes.len() - behind;
    variants(&bytes, end - 8..end)
}

/// What one case presents.
struct Case {
    /// To copies of this card.
    bench: CommonCard,
    /// First these commands, of which the jumps are not counted.
    before: Vec<Vec<u8>>,
    /// Then one of these.
    presented: Vec<Vec<u8>>,
}

/// The case of this name.
fn case(name: &str) -> Option<Case> {
    let (bench, presented) = match name.strip_suffix("-transfer") {
        Some(name) => return of_a_transfer(name),
        None => without_a_peer(name)?,
    };
    Some(Case { bench, before: Vec::new(), presented })
}

/// A transfer's commands, in a session with the other purse, under the key that both have agreed on.
fn of_a_transfer(name: &str) -> Option<Case> {
    let mut purse = CommonCard::new(&Profile { pin: PIN, ..Profile::purse(1, 100_00) }.with_key_pair());
    let peer = party(3);
    let (le, tac_and_le) = (1, 9);
    purse.succeed(&meeting(3));
    let presented = match name {
        "debit" => authenticated(&scheme::debit(&purse.paying(Kind::Transfer, 1_00, peer)), le),
        "credit" => {
            let details = purse.paid(Kind::Transfer, 1_00, peer);
            authenticated(&Command::Credit(scheme::voucher(&details)), tac_and_le)
        }
        "decline" => {
            let details = purse.paid(Kind::Transfer, 1_00, peer);
            authenticated(&Command::Decline(scheme::voucher(&details)), tac_and_le)
        }
        "acknowledge" => {
            let details = purse.spend(Kind::Transfer, 1_00, peer);
            authenticated(&scheme::acknowledge(&details), 0)
        }
        "reverse" => {
            let details = purse.spend(Kind::Transfer, 1_00, peer);
            authenticated(&scheme::reverse(&details), 0)
        }
        _ => return None,
    };
    Some(Case { bench: purse, before: vec![meeting(3).emit().as_bytes().to_vec()], presented })
}

/// VERIFY CERTIFICATE of another purse.
fn meeting(number: u64) -> Command<'static> {
    Command::VerifyCertificate(scheme::key_pair(party(number)).certificate)
}

/// Purses that differ in their private keys each meet another one: the jumps that agreeing with it takes.
fn agreements() {
    for number in 1..=9 {
        let profile = Profile { pin: PIN, ..Profile::purse(number, 0) }.with_key_pair();
        let mut card = watched(&CommonCard::new(&profile)).expect("a process may read itself");
        let (jumps, status) = transmit(&mut card, meeting(number + 1).emit().as_bytes());
        println!("{AGREE} {jumps} {}", hex::encode(status));
    }
}

/// A card and the commands that are presented to copies of it.
fn without_a_peer(name: &str) -> Option<(CommonCard, Vec<Vec<u8>>)> {
    let mut purse = CommonCard::new(&Profile { pin: PIN, ..Profile::purse(1, 100_00) });
    let mut sam = CommonCard::new(&Profile { pin: PIN, ..Profile::sam(2, 100_00) });
    // Behind the authenticator stand what they are given with.
    let (le, tac_and_le) = (1, 9);
    Some(match name {
        "debit" => {
            let details = purse.paying(Kind::Purchase, 1_00, party(2));
            (purse, authenticated(&scheme::debit(&details), le))
        }
        "credit" => {
            let details = purse.paid(Kind::Load, 1_00, issuer());
            (purse, authenticated(&Command::Credit(scheme::voucher(&details)), tac_and_le))
        }
        "credit-sam" => {
            let details = sam.paid(Kind::Purchase, 1_00, party(1));
            (sam, authenticated(&Command::Credit(scheme::voucher(&details)), tac_and_le))
        }
        "decline" => {
            let details = sam.paid(Kind::Purchase, 1_00, party(1));
            (sam, authenticated(&Command::Decline(scheme::voucher(&details)), tac_and_le))
        }
        "acknowledge" => {
            let details = purse.spend(Kind::Purchase, 1_00, party(2));
            (purse, authenticated(&scheme::acknowledge(&details), 0))
        }
        "reverse" => {
            let details = purse.spend(Kind::Purchase, 1_00, party(2));
            (purse, authenticated(&scheme::reverse(&details), 0))
        }
        "script" => {
            let script = scheme::script(party(1), 1, &Parameter::Block);
            let end = script.len();
            (purse, variants(&script, end - 8..end))
        }
        "resolve" => {
            let details = purse.spend(Kind::Purchase, 1_00, party(2));
            (purse, resolutions(&details))
        }
        "verify" => {
            let presented =
                pins().map(|digits| Command::Verify(Some(pin(digits))).emit().as_bytes().to_vec());
            (purse, presented.to_vec())
        }
        "change-pin" => {
            let presented = pins()
                .map(|digits| Command::ChangePin(pin(digits), pin("87654321")).emit().as_bytes().to_vec());
            (purse, presented.to_vec())
        }
        _ => return None,
    })
}

/// PINs that differ from the right one in one digit, or in their length; the right one.
const fn pins() -> [&'static str; 10] {
    [
        "02345678",
        "13345678",
        "12245678",
        "12355678",
        "12344678",
        "12345778",
        "12345668",
        "12345679",
        "123456789",
        PIN,
    ]
}

/// Scripts of the issuer's that all have a good MAC; the TAC that they name is wrong in one byte of each.
fn resolutions(details: &PayDetails) -> Vec<Vec<u8>> {
    let right = certificate(details, scheme::VERSION, None);
    let wrong = (0..Tac::LENGTH).map(|place| {
        let mut tac = right;
        tac.0[place] ^= 1;
        tac
    });
    wrong
        .chain([right])
        .map(|tac| {
            let resolution = Resolution::Settled;
            scheme::script(party(1), 1, &Parameter::Resolve { sequence: Sequence(0), tac, resolution })
        })
        .collect()
}

/// What the harness must catch: a comparison that ends at the first difference.
#[inline(never)]
fn ends_early(secret: &[u8], presented: &[u8]) -> bool {
    for (secret, presented) in secret.iter().zip(presented) {
        // Else an optimiser compares all eight at once.
        if black_box(*secret) != *presented {
            return false;
        }
    }
    true
}

fn seeded() {
    let secret: Box<[u8; 8]> = Box::new([1, 2, 3, 4, 5, 6, 7, 8]);
    mark(address(&*secret), secret.len(), MemState::Undefined);
    for presented in variants(&[1, 2, 3, 4, 5, 6, 7, 8], 0..8) {
        let presented: [u8; 8] = presented.try_into().expect("eight bytes");
        let before = crabgrind::count_errors();
        let status = if ends_early(&*secret, &presented) { "9000" } else { "6988" };
        println!("{SEEDED} {} {status}", crabgrind::count_errors() - before);
    }
}

/// The program: its arguments are cases.
pub fn run(cases: impl Iterator<Item = String>) -> ExitCode {
    for name in cases {
        if name == SEEDED {
            seeded();
            continue;
        }
        if name == AGREE {
            agreements();
            continue;
        }
        let Some(Case { bench, before, presented }) = case(&name) else { return ExitCode::FAILURE };
        for command in presented {
            let mut card = watched(&bench).expect("a process may read itself");
            for command in &before {
                transmit(&mut card, command);
            }
            let command = if name == "resolve" { tac_marked(command) } else { command };
            let (jumps, status) = transmit(&mut card, &command);
            println!("{name} {jumps} {}", hex::encode(status));
        }
    }
    ExitCode::SUCCESS
}

/// The card has its own TAC from its memory, where everything counts as known; so it is the presented one that is
/// followed: behind header, length, counter, id and sequence.
fn tac_marked(command: Vec<u8>) -> Vec<u8> {
    mark(address(&command[14..]), Tac::LENGTH, MemState::Undefined);
    command
}
