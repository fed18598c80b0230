//! Card files: whole, or refused and left alone; and safe against a kill.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

#[path = "flow/support/mod.rs"]
mod flow_support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use apdu_spec::element::{Amount, Role};
use flow_support::{PIN, personalise};
use purse_terminal::client::Client;
use purse_terminal::simulated_memory::{Cut, Flight};
use purse_terminal::transport::{InProcess, Transport, TransportError};
use purse_terminal::virtual_card::{VirtualCard, VirtualCardError};
use purse_tests::scheme::{Profile, pin};
use tempfile::TempDir;

/// Where the begun bits and the pages of a purse's file stand (see the format in `virtual_card/header.rs`).
const BODY: usize = 56;
const SEAL: usize = 40;

/// Where a test's card is. One test has its turn: a process that another one has just started holds every file that is
/// open here, and its lock, until it has become its own program.
struct Place {
    _directory: TempDir,
    _turn: MutexGuard<'static, ()>,
}

static TURN: Mutex<()> = Mutex::new(());

fn purse_file() -> (Place, PathBuf) {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("card.purse");
    let mut transport = InProcess::new(VirtualCard::create(&path, Role::Purse).unwrap());
    personalise(&mut transport as &mut dyn Transport, &Profile::purse(1, 12_34));
    transport.into_card().close().unwrap();
    (Place { _directory: directory, _turn: turn }, path)
}

fn balance(path: &Path) -> Amount {
    let transport = InProcess::new(VirtualCard::open(path).unwrap());
    Client::select(transport).unwrap().status().balance
}

/// Where the pages stand: one begun bit for each unit of 16 bytes is before them.
fn pages(file: &[u8]) -> usize {
    let units = (file.len() - BODY) * 8 / (8 * 16 + 1);
    BODY + units / 8
}

/// The file is refused and not touched.
#[track_caller]
fn assert_refused(path: &Path, bytes: &[u8]) -> VirtualCardError {
    fs::write(path, bytes).unwrap();
    let error = VirtualCard::open(path).expect_err("a file that does not hold");
    assert_eq!(fs::read(path).unwrap(), bytes, "{error}");
    error
}

#[test]
fn a_closed_card_is_the_same_when_it_is_opened_again() {
    let (_directory, path) = purse_file();
    assert_eq!(balance(&path), Amount(12_34));
    let sam = path.with_file_name("sam.purse");
    let mut transport = InProcess::new(VirtualCard::create(&sam, Role::Merchant).unwrap());
    personalise(&mut transport as &mut dyn Transport, &Profile::sam(2, 1));
    transport.into_card().close().unwrap();
    assert_eq!(balance(&sam), Amount(1));
    assert_eq!(VirtualCard::open(&sam).unwrap().name(), "sam");
}

#[test]
fn whoever_only_reads_writes_nothing() {
    let (_directory, path) = purse_file();
    let before = (fs::read(&path).unwrap(), fs::metadata(&path).unwrap().modified().unwrap());
    let mut client = Client::select(InProcess::new(VirtualCard::open(&path).unwrap())).unwrap();
    client.identity().unwrap();
    client.balance(0).unwrap();
    client.exceptions().unwrap();
    client.into_transport().into_card().close().unwrap();
    assert_eq!((fs::read(&path).unwrap(), fs::metadata(&path).unwrap().modified().unwrap()), before);
}

#[cfg(unix)]
#[test]
fn only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let (_directory, path) = purse_file();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_card_is_never_made_over_another() {
    let (_directory, path) = purse_file();
    let before = fs::read(&path).unwrap();
    let error = VirtualCard::create(&path, Role::Merchant).unwrap_err();
    assert!(matches!(error, VirtualCardError::Exists(_)), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left behind");
    let error = VirtualCard::open(&path.with_file_name("other.purse")).unwrap_err();
    assert!(matches!(error, VirtualCardError::NotFound(_)), "{error}");
}

#[test]
fn a_truncated_file_is_refused() {
    let (_directory, path) = purse_file();
    let whole = fs::read(&path).unwrap();
    let bits = BODY + 100;
    for length in [0, 1, 7, 8, 9, 10, 31, 32, SEAL - 1, SEAL, SEAL + 1, BODY - 1, BODY, BODY + 1, bits] {
        assert_refused(&path, &whole[..length]);
    }
    for missing in [1, 2, 15, 16, 17, 4095, 4096, 4097, whole.len() / 2] {
        let error = assert_refused(&path, &whole[..whole.len() - missing]);
        assert!(matches!(error, VirtualCardError::Damaged { .. }), "{error}");
    }
    assert_refused(&path, &[&whole[..], &[0]].concat());
    fs::write(&path, &whole).unwrap();
    assert_eq!(balance(&path), Amount(12_34));
}

#[test]
fn a_flipped_bit_is_refused() {
    let (_directory, path) = purse_file();
    let whole = fs::read(&path).unwrap();
    // Every bit of the header and of what a card has been given, and some of each of the rest.
    let places = (0..BODY).chain((BODY..whole.len()).step_by(97)).chain(whole.len() - 3..whole.len());
    for place in places {
        let bits: &[u8] = if place < BODY { &[0, 1, 2, 3, 4, 5, 6, 7] } else { &[0, 7] };
        for bit in bits {
            let mut bytes = whole.clone();
            bytes[place] ^= 1 << bit;
            assert_refused(&path, &bytes);
        }
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(balance(&path), Amount(12_34));
}

#[test]
fn a_header_with_a_value_that_no_writer_writes_is_refused() {
    let (_directory, path) = purse_file();
    let mut bytes = fs::read(&path).unwrap();
    // Programs are atomic: neither yes nor no, under a check that holds; and the file is in use.
    bytes[31] = 2;
    let check = xxhash_rust::xxh64::xxh64(&bytes[..32], 0);
    bytes[32..SEAL].copy_from_slice(&check.to_be_bytes());
    bytes[SEAL..BODY].fill(0);
    let error = assert_refused(&path, &bytes);
    assert!(matches!(error, VirtualCardError::Damaged { .. }), "{error}");
}

#[test]
fn another_version_and_something_else_are_named_as_such() {
    let (_directory, path) = purse_file();
    let whole = fs::read(&path).unwrap();
    let mut newer = whole.clone();
    newer[9] = 2;
    let error = assert_refused(&path, &newer);
    assert!(matches!(error, VirtualCardError::OtherVersion { found: 2, .. }), "{error}");
    let error = assert_refused(
        &path,
        b"[issuer]\nnumber = \"9555000000000018\"\n# not a card at all, but long enough",
    );
    assert!(matches!(error, VirtualCardError::NotACard(_)), "{error}");
}

/// Run as a process of its own by the tests below; does nothing in an ordinary run.
#[test]
fn child_process() {
    let Some(path) = std::env::var_os("PURSE_TEST_CARD") else { return };
    let card = match VirtualCard::open(Path::new(&path)) {
        Ok(card) => card,
        Err(error) => {
            println!("refused: {error}");
            return;
        }
    };
    let mut client = Client::select(InProcess::new(card)).unwrap();
    for round in 0_u32.. {
        let (old, new) = if round % 2 == 0 { (PIN, "4321") } else { ("4321", PIN) };
        client.change_pin(&pin(old), &pin(new)).unwrap();
        println!("changed");
    }
}

fn child(path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child_process", "--nocapture"]).env("PURSE_TEST_CARD", path);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

#[test]
fn a_card_in_use_is_refused() {
    let (_directory, path) = purse_file();
    let before = fs::read(&path).unwrap();
    let card = VirtualCard::open(&path).unwrap();
    assert!(matches!(VirtualCard::open(&path), Err(VirtualCardError::InUse(_))));
    let output = child(&path).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("refused:") && said.contains("in use"), "{said}");
    assert_eq!(fs::read(&path).unwrap(), before);
    card.close().unwrap();
    assert!(matches!(TransportError::from(VirtualCardError::InUse(path)), TransportError::InUse(_)));
}

#[test]
fn a_killed_process_leaves_a_card_that_works() {
    let (_directory, path) = purse_file();
    let mut known = PIN;
    for lines in 1..=6 {
        // The child begins with the PIN that the file has.
        let mut client = Client::select(InProcess::new(VirtualCard::open(&path).unwrap())).unwrap();
        client.change_pin(&pin(known), &pin(PIN)).unwrap();
        client.into_transport().into_card().close().unwrap();
        let mut running = child(&path).spawn().unwrap();
        let mut output = BufReader::new(running.stdout.take().unwrap());
        let mut changed = 0;
        let mut line = String::new();
        while changed < lines {
            line.clear();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "the child has ended");
            changed += usize::from(line.contains("changed"));
        }
        running.kill().unwrap();
        running.wait().unwrap();
        let mut client = Client::select(InProcess::new(VirtualCard::open(&path).unwrap())).unwrap();
        assert_eq!(client.status().balance, Amount(12_34));
        assert!(client.pin_tries().unwrap() >= 2);
        // It was killed somewhere in the next change, so it has one of the two.
        known = if client.verify(&pin(PIN)).is_ok() { PIN } else { "4321" };
        client.verify(&pin(known)).unwrap();
        client.into_transport().into_card().abandon();
    }
}

/// The file as a process leaves it that is killed after this program or erase operation, counted from 0.
fn after(whole: &[u8], path: &Path, operation: u64) -> Option<Vec<u8>> {
    fs::write(path, whole).unwrap();
    let mut transport = InProcess::new(VirtualCard::open(path).unwrap());
    transport.card_mut().reset_counts();
    transport.card_mut().cut(Cut { operation, units: usize::MAX, flight: Flight::New });
    let mut client = Client::select(transport).unwrap();
    let mut cut = false;
    for (old, new) in [(PIN, "4321"), ("4321", PIN), (PIN, "4321")] {
        cut |= client.change_pin(&pin(old), &pin(new)).is_err();
    }
    let card = client.into_transport().into_card();
    let done = card.is_powered();
    card.abandon();
    (cut || !done).then(|| fs::read(path).unwrap())
}

#[test]
fn a_kill_between_two_writes_of_one_operation_is_an_interrupted_operation() {
    let (_directory, path) = purse_file();
    let whole = fs::read(&path).unwrap();
    let pages = pages(&whole);
    let mut before = whole.clone();
    let mut seen = 0;
    for operation in 0.. {
        let Some(image) = after(&whole, &path, operation) else { break };
        assert_eq!(image[SEAL..BODY], [0; BODY - SEAL], "marked as in use");
        // The next operation's bits or bytes, without the other.
        let bits_first = [&image[..pages], &before[pages..]].concat();
        let bytes_first = [&image[..BODY], &before[BODY..pages], &image[pages..]].concat();
        // Bytes that read erased again.
        let erased =
            image[pages..].iter().zip(&before[pages..]).any(|(now, then)| *now == 0xFF && *then != 0xFF);
        for bytes in [&image, if erased { &bytes_first } else { &bits_first }] {
            fs::write(&path, bytes).unwrap();
            let card = VirtualCard::open(&path).unwrap();
            let mut client = Client::select(InProcess::new(card)).unwrap();
            assert_eq!(client.status().balance, Amount(12_34), "{operation}");
            // Two at most: the interrupted change may have taken a try.
            let mut tries = [PIN, "4321"].into_iter();
            assert!(tries.any(|digits| client.verify(&pin(digits)).is_ok()), "{operation}");
        }
        before = image;
        seen = operation;
    }
    assert!(seen >= 8, "{seen}");
}

#[test]
fn a_dirty_file_is_sealed_by_whoever_closes_it_next() {
    let (_directory, path) = purse_file();
    let mut client = Client::select(InProcess::new(VirtualCard::open(&path).unwrap())).unwrap();
    client.change_pin(&pin(PIN), &pin("4321")).unwrap();
    client.into_transport().into_card().abandon();
    let dirty = fs::read(&path).unwrap();
    assert_eq!(dirty[SEAL..BODY], [0; BODY - SEAL]);
    VirtualCard::open(&path).unwrap().close().unwrap();
    let sealed = fs::read(&path).unwrap();
    assert_ne!(sealed[SEAL..BODY], [0; BODY - SEAL]);
    assert_refused(&path, &[&sealed[..sealed.len() - 1], &[!sealed[sealed.len() - 1]]].concat());
}

#[test]
fn a_dirty_file_that_does_not_start_is_left_alone() {
    let (_directory, path) = purse_file();
    let mut bytes = fs::read(&path).unwrap();
    bytes[SEAL..BODY].fill(0);
    let pages = pages(&bytes);
    // Damage that no interrupted operation makes: all that was committed is gone.
    bytes[pages..].fill(0);
    let error = assert_refused(&path, &bytes);
    assert!(matches!(error, VirtualCardError::PowerUp { .. }), "{error}");
}

#[test]
fn a_cut_card_stays_without_power_until_it_gets_it_again() {
    let (_directory, path) = purse_file();
    let mut transport = InProcess::new(VirtualCard::open(&path).unwrap());
    transport.card_mut().cut(Cut { operation: 0, units: 1, flight: Flight::New });
    let mut client = Client::select(transport).unwrap();
    client.verify(&pin("0000")).unwrap_err();
    assert!(client.reconnect().is_err());
    let transport = client.transport();
    assert!(!transport.card().is_powered());
    assert!(matches!(transport.reset(), Err(TransportError::NoCard(_))));
    transport.card_mut().power_up().unwrap();
    client.reselect().unwrap();
    client.verify(&pin(PIN)).unwrap();
    client.into_transport().into_card().close().unwrap();
    assert_eq!(balance(&path), Amount(12_34));
}
