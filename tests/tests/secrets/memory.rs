//! Where keys, session keys and PIN are in a card's RAM while it is powered, and that they are nowhere once it is not:
//! the card runs in a process of its own, and every byte of that process that can be written is searched. The card's
//! non-volatile memory is in a file there, so what is found is what the card itself keeps or leaves behind.

#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::process::{Child, Command as Process, Stdio};

use apdu_spec::command::apdu::Apdu;
use apdu_spec::command::{Command, CommandName, Selection};
use apdu_spec::cryptography::{Engine, KeyPurpose, session_key};
use apdu_spec::curve::Curve as _;
use apdu_spec::element::{Kind, Role};
use apdu_spec::file::APPLICATION;
use apdu_spec::parameter::Parameter;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::software::Software;
use purse_card::memory::Memory;
use purse_tests::bench_card::CommonCard;
use purse_tests::scheme::{
    self, OTHER_VERSION, Profile, VERSION, initialize, issuer, master, own_key, party, pin, voucher,
};
use tempfile::TempDir;

/// Pages of a process are read in pieces of this size, each a little into the next.
const PIECE: usize = 1 << 20;
/// The longest secret.
const OVERLAP: usize = 32;

/// The holder's PIN, and what it is changed to.
const PIN: &str = "20938475";
const NEW_PIN: &str = "75849302";

/// Where a secret was found: how often in the card, and how often anywhere else in its process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Places {
    card: usize,
    elsewhere: usize,
}

impl Places {
    const NONE: Self = Self { card: 0, elsewhere: 0 };
}

type Secrets = BTreeMap<String, Vec<u8>>;

/// A card in a process of its own.
struct PoweredCard {
    process: Child,
    /// The addresses that the card takes.
    place: Range<usize>,
    _directory: TempDir,
}

impl PoweredCard {
    fn power_up(bench: &CommonCard) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let memory = bench.card.memory();
        fs::write(directory.path().join("bytes"), memory.bytes()).unwrap();
        let begun: Vec<u8> = memory.begun().iter().map(|begun| u8::from(*begun)).collect();
        fs::write(directory.path().join("begun"), begun).unwrap();
        let process = Process::new(crate::POWERED_CARD)
            .arg(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut card = Self { process, place: 0..0, _directory: directory };
        let answer = card.answer();
        let [address, size] = [&answer[..8], &answer[8..]]
            .map(|bytes| usize::try_from(u64::from_be_bytes(bytes.try_into().unwrap())).unwrap());
        card.place = address..address + size;
        card
    }

    fn answer(&mut self) -> Vec<u8> {
        let output = self.process.stdout.as_mut().unwrap();
        let mut length = [0; 2];
        output.read_exact(&mut length).unwrap();
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        output.read_exact(&mut answer).unwrap();
        answer
    }

    fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        let length = u16::try_from(command.len()).unwrap();
        self.process.stdin.as_mut().unwrap().write_all(&[&length.to_be_bytes(), command].concat()).unwrap();
        self.answer()
    }

    #[track_caller]
    fn succeed(&mut self, command: &Command<'_>) {
        let answer = self.transmit(command.emit().as_bytes());
        assert!(answer.ends_with(&[0x90, 0x00]), "{:?}: {answer:02X?}", command.name());
    }

    /// Takes the card's power: it is dropped, its process stays.
    fn power_off(&mut self) {
        assert!(self.transmit(&[]).is_empty());
    }

    /// Searches all that the process may write.
    fn search(&self, secrets: &Secrets) -> BTreeMap<String, Places> {
        let id = self.process.id();
        let maps = fs::read_to_string(format!("/proc/{id}/maps")).unwrap();
        let memory = File::open(format!("/proc/{id}/mem")).expect("a process may read its child");
        let mut found: BTreeMap<_, _> = secrets.keys().map(|name| (name.clone(), Places::NONE)).collect();
        let mut searched = 0;
        for line in maps.lines() {
            let mut fields = line.split_whitespace();
            let (range, permissions) = (fields.next().unwrap(), fields.next().unwrap());
            if !permissions.starts_with("rw") {
                continue;
            }
            let (start, end) = range.split_once('-').unwrap();
            let [start, end] = [start, end].map(|text| usize::from_str_radix(text, 16).unwrap());
            let mut bytes = vec![0; end - start];
            for (piece, bytes) in bytes.chunks_mut(PIECE).enumerate() {
                memory.read_exact_at(bytes, (start + piece * PIECE) as u64).unwrap();
            }
            searched += bytes.len();
            for (name, secret) in secrets {
                assert!(secret.len() <= OVERLAP);
                let places = found.get_mut(name).unwrap();
                let windows = bytes.windows(secret.len()).zip(start..);
                for (_, address) in windows.filter(|(window, _)| window == secret) {
                    let count =
                        if self.place.contains(&address) { &mut places.card } else { &mut places.elsewhere };
                    *count += 1;
                }
            }
        }
        assert!(searched > 100_000, "{searched} bytes are no process");
        found
    }
}

impl Drop for PoweredCard {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// The session key of these pay details.
fn of_session(details: &PayDetails) -> Vec<u8> {
    let (purpose, number) = match details.kind {
        Kind::Load => (KeyPurpose::Load, details.to),
        Kind::Unload => (KeyPurpose::Load, details.from),
        Kind::Purchase => (KeyPurpose::Payment, details.from),
        Kind::Refund => (KeyPurpose::Payment, details.to),
        Kind::Transfer => {
            let key = scheme::pair(details.from, details.to);
            return session_key(&Software, &mut Software.load(&key), details).0.to_vec();
        }
    };
    let mut key = Software.load(&own_key(purpose, number, details.key_version));
    session_key(&Software, &mut key, details).0.to_vec()
}

/// What one card's life holds: its memory, what it is told, and every secret that passes through it.
fn life(role: Role) -> (CommonCard, Vec<Command<'static>>, Secrets) {
    let profile = match role {
        Role::Purse => Profile { pin: PIN, ..Profile::purse(1, 100_00) }.with_key_pair(),
        Role::Merchant => Profile { pin: PIN, ..Profile::sam(2, 100_00) },
    };
    let mut bench = CommonCard::new(&profile);
    let (own, other) = (profile.number, if role == Role::Purse { party(2) } else { party(1) });
    let spent = bench.spend(
        if role == Role::Purse { Kind::Purchase } else { Kind::Unload },
        1_00,
        if role == Role::Purse { other } else { issuer() },
    );
    let load = bench.paid(Kind::Load, 2_00, issuer());
    let mut commands = vec![
        Command::Select(Selection::Application(&APPLICATION), true),
        Command::Verify(Some(pin(profile.pin))),
        scheme::acknowledge(&spent),
        initialize(&load),
        Command::Credit(voucher(&load)),
    ];
    let mut after = scheme::pay_details(
        if role == Role::Purse { Kind::Purchase } else { Kind::Refund },
        3_00,
        (own, load.to_sequence.0 + 1),
        (other, 7),
    );
    commands.push(scheme::debit(&after));
    let mut sessions = vec![("session of the debit", spent), ("session of the load", load)];
    if role == Role::Merchant {
        sessions.push(("session of the refund", after));
        after = scheme::pay_details(Kind::Purchase, 4_00, (other, 8), (own, after.from_sequence.0 + 1));
        commands.extend([initialize(&after), Command::Credit(voucher(&after))]);
    }
    sessions.push(("session of the purchase", after));
    if role == Role::Purse {
        let transfer =
            scheme::pay_details(Kind::Transfer, 4_00, (own, after.from_sequence.0 + 1), (party(3), 5));
        commands.push(Command::VerifyCertificate(scheme::key_pair(party(3)).certificate));
        commands.push(scheme::debit(&transfer));
        sessions.push(("session of the transfer", transfer));
    }
    commands.push(Command::ChangePin(pin(profile.pin), pin(NEW_PIN)));

    let mut secrets: Secrets =
        sessions.into_iter().map(|(name, details)| (name.to_owned(), of_session(&details))).collect();
    for purpose in KeyPurpose::ALL {
        secrets.insert(format!("own {purpose:?}"), own_key(purpose, own, VERSION).0.to_vec());
    }
    secrets.insert("PIN".to_owned(), pin(profile.pin).emit().to_vec());
    secrets.insert("new PIN".to_owned(), pin(NEW_PIN).emit().to_vec());
    if role == Role::Purse {
        let private = scheme::private_key(own);
        let shared = Software.agree(&private, &scheme::public_key(&scheme::private_key(party(3))));
        secrets.insert("private key".to_owned(), private.0.to_vec());
        secrets.insert("private key, backwards".to_owned(), private.0.iter().rev().copied().collect());
        secrets.insert("shared secret".to_owned(), shared.expect("keys").0.to_vec());
        secrets.insert("pair key".to_owned(), scheme::pair(own, party(3)).0.to_vec());
    }
    if role == Role::Merchant {
        for version in [VERSION, OTHER_VERSION] {
            let name = format!("master {}", version.0);
            secrets.insert(name, master(KeyPurpose::Payment, version).0.to_vec());
        }
        secrets.insert(
            "derived key of a purse".to_owned(),
            own_key(KeyPurpose::Payment, other, VERSION).0.to_vec(),
        );
    }
    (bench, commands, secrets)
}

/// What of these secrets was found somewhere.
fn present(found: &BTreeMap<String, Places>) -> Vec<&str> {
    found.iter().filter(|(_, places)| **places != Places::NONE).map(|(name, _)| name.as_str()).collect()
}

/// A powered card has its static secrets at hand: at the addresses that the card takes, and at no other.
#[track_caller]
fn assert_kept(card: &PoweredCard, secrets: &Secrets, kept: &[&str], when: &str) {
    let found = card.search(secrets);
    assert_eq!(present(&found), kept, "{when}: {found:#?}");
    assert!(found.values().all(|places| places.elsewhere == 0), "{when}: left behind: {found:#?}");
}

#[test]
fn nothing_secret_stays_where_a_card_was_powered() {
    for role in [Role::Purse, Role::Merchant] {
        let (bench, commands, secrets) = life(role);
        let is_static = |name: &&str| *name == "PIN" || name.starts_with("own") || name.starts_with("master");
        let mut kept: Vec<&str> = secrets.keys().map(String::as_str).filter(is_static).collect();
        let mut card = PoweredCard::power_up(&bench);
        assert_kept(&card, &secrets, &kept, "powered up");
        for command in &commands {
            card.succeed(command);
            if command.name() == CommandName::ChangePin {
                kept.iter_mut().filter(|name| **name == "PIN").for_each(|name| *name = "new PIN");
            }
            if command.name() == CommandName::VerifyCertificate {
                kept.push("pair key");
            }
            kept.sort_unstable();
            assert_kept(&card, &secrets, &kept, &format!("{role:?} after {:?}", command.name()));
        }
        card.power_off();
        assert_kept(&card, &secrets, &[], &format!("{role:?} off"));
    }
}

/// A page is built behind an answer, of entries that hold keys and PIN.
#[test]
fn a_page_that_is_built_leaves_nothing_secret_behind() {
    for role in [Role::Purse, Role::Merchant] {
        let (mut bench, commands, mut secrets) = life(role);
        secrets.retain(|name, _| !name.starts_with("session") && !name.starts_with("derived"));
        let mut card = PoweredCard::power_up(&bench);
        card.succeed(&commands[0]);
        bench.send(&commands[0]);
        let (mut built, pages) = (0, bench.card.memory().geometry().pages);
        let mut pins = [PIN, NEW_PIN];
        // Until each page has left the log once, and what it kept was copied.
        while built <= 2 * pages {
            let change = Command::ChangePin(pin(pins[0]), pin(pins[1]));
            pins.reverse();
            let before = bench.card.memory().counts();
            card.succeed(&change);
            bench.succeed(&change);
            // The try and the new PIN are an entry and a seal each; an erase is for a page that is built.
            let counts = bench.card.memory().counts();
            if counts.programs > before.programs + 4 || counts.erases > before.erases {
                built += 1;
                let found = card.search(&secrets);
                assert!(found.values().all(|places| places.elsewhere == 0), "{role:?}, {built}: {found:#?}");
            }
        }
    }
}

#[test]
fn a_forgotten_master_is_in_no_ram() {
    let (bench, commands, secrets) = life(Role::Merchant);
    let mut card = PoweredCard::power_up(&bench);
    card.succeed(&commands[0]);
    assert!(present(&card.search(&secrets)).contains(&"master 2"));
    let script = scheme::script(party(2), 1, &Parameter::ForgetMaster(OTHER_VERSION));
    assert_eq!(card.transmit(&script), [0x90, 0x00]);
    let found = card.search(&secrets);
    assert!(!present(&found).contains(&"master 2"), "{found:#?}");
    assert!(present(&found).contains(&"master 1"));
}

/// An APDU that a terminal has made, which may hold a PIN or keys; what its place holds once it is given back is looked at
/// through the file in which the system shows a process its memory.
#[test]
fn a_command_that_is_dropped_leaves_no_data_behind() {
    const BYTE: u8 = 0xC7;
    // What the allocator writes into memory that is given back.
    const OWN: usize = 32;
    let apdu = Box::new(Command::StoreData(false, 0, &[BYTE; 100]).emit());
    let address = std::ptr::from_ref(&*apdu).addr() as u64;
    let memory = File::open("/proc/self/mem").expect("a process may read itself");
    let is_there = || {
        let mut bytes = [0; size_of::<Apdu>()];
        memory.read_exact_at(&mut bytes, address).unwrap();
        bytes[OWN..].contains(&BYTE)
    };
    assert!(is_there());
    drop(apdu);
    assert!(!is_there());
}

/// What cards are personalised with, each with its secrets.
fn of_personalisation() -> [(Profile, Secrets); 2] {
    let later = ["session", "new PIN", "derived", "shared", "pair"];
    [Profile::purse(1, 0).with_key_pair(), Profile::sam(2, 0)].map(|profile| {
        let (_, _, mut secrets) = life(profile.role);
        secrets.retain(|name, _| !later.iter().any(|later| name.starts_with(later)));
        (Profile { pin: PIN, ..profile }, secrets)
    })
}

/// The card has not committed them yet, and has them in its RAM alone.
#[test]
fn a_personalisation_that_is_given_up_leaves_nothing() {
    for (profile, mut secrets) in of_personalisation() {
        secrets.remove("private key, backwards");
        let mut card = PoweredCard::power_up(&CommonCard::blank());
        card.succeed(&Command::Select(Selection::Application(&APPLICATION), true));
        for (number, group) in (0..).zip(profile.groups()) {
            card.succeed(&Command::StoreData(false, number, &group));
        }
        assert!(card.search(&secrets).values().all(|places| places.card > 0 && places.elsewhere == 0));
        card.power_off();
        assert_kept(&card, &secrets, &[], "given up");
    }
}

#[test]
fn personalisation_leaves_nothing_but_the_card() {
    for (profile, secrets) in of_personalisation() {
        assert_personalised(&profile, &secrets);
    }
}

fn assert_personalised(profile: &Profile, secrets: &Secrets) {
    // The private key is in the non-volatile memory alone.
    let all: Vec<String> = secrets.keys().filter(|name| !name.starts_with("private")).cloned().collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let mut card = PoweredCard::power_up(&CommonCard::blank());
    card.succeed(&Command::Select(Selection::Application(&APPLICATION), true));
    assert_kept(&card, secrets, &[], "blank");
    let blocks = profile.blocks();
    for (number, block) in (0..).zip(&blocks) {
        card.succeed(&Command::StoreData(usize::from(number) + 1 == blocks.len(), number, block));
        let found = card.search(secrets);
        assert!(found.values().all(|places| places.elsewhere == 0), "block {number}: {found:#?}");
    }
    assert_kept(&card, secrets, &all, "personalised");
    card.power_off();
    assert_kept(&card, secrets, &[], "off");
}
