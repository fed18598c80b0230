//! No answer to any command has a piece of a key or of the PIN in it: every row of the table, in every life cycle and
//! role, with every P1, every P2 and every length, and reading over all there is.

use std::collections::HashMap;

use apdu_spec::command::table::COMMANDS;
use apdu_spec::command::{Command, CommandName, Row, Selection};
use apdu_spec::cryptography::{Engine, KeyPurpose, session_key};
use apdu_spec::curve::Curve;
use apdu_spec::element::{Kind, Role, Sequence};
use apdu_spec::file::APPLICATION;
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::software::Software;
use apdu_spec::status::StatusWord;
use purse_tests::bench_card::CommonCard;
use purse_tests::rows::example;
use purse_tests::scheme::{
    self, OTHER_VERSION, VERSION, initialize, issuer, master, own_key, party, pin, voucher,
};
use purse_tests::stage::{Stage, Staged, profile, staged};

/// The purse that a purse meets.
fn peer() -> PartyNumber {
    party(3)
}

/// A piece of a secret. Everything here is the same in every run, so one that is not there by chance never is.
const RUN: usize = 4;

/// Every piece of every secret of a card, and of the transactions in its log.
struct Secrets(HashMap<[u8; RUN], String>);

impl Secrets {
    fn of(role: Role, staged: &Staged) -> Self {
        let number = profile(role).number;
        let mut secrets = Self(HashMap::new());
        for purpose in KeyPurpose::ALL {
            secrets.add("own key", &own_key(purpose, number, VERSION).0);
            // Those of the issuer are in no card; a SAM has its PAYM masters.
            for version in [VERSION, OTHER_VERSION] {
                secrets.add("master", &master(purpose, version).0);
            }
        }
        // The key that a SAM derives for the purse before it.
        secrets.add("derived key", &own_key(KeyPurpose::Payment, party(1), VERSION).0);
        secrets.add("PIN", &pin(profile(role).pin).emit());
        if role == Role::Purse {
            let private = scheme::private_key(number);
            let shared = Software.agree(&private, &scheme::public_key(&scheme::private_key(peer())));
            // Behind these bytes stands its number, which is no secret.
            secrets.add("private key", &private.0[..27]);
            secrets.add("shared secret", &shared.expect("keys").0);
            secrets.add("pair key", &scheme::pair(number, peer()).0);
        }
        for details in [&staged.load, &staged.settled, &staged.open] {
            secrets.add_session(details);
        }
        secrets
    }

    fn add(&mut self, name: &str, secret: &[u8]) {
        for run in secret.windows(RUN) {
            self.0.insert(run.try_into().unwrap(), name.to_owned());
        }
        // What fills a PIN block is no secret.
        self.0.remove(&[0xFF; RUN]);
    }

    fn add_session(&mut self, details: &PayDetails) {
        let (purpose, number) = match details.kind {
            Kind::Load => (KeyPurpose::Load, details.to),
            Kind::Unload => (KeyPurpose::Load, details.from),
            Kind::Purchase => (KeyPurpose::Payment, details.from),
            Kind::Refund => (KeyPurpose::Payment, details.to),
            Kind::Transfer => {
                let mut key = Software.load(&scheme::pair(details.from, details.to));
                return self.add("session key", &session_key(&Software, &mut key, details).0);
            }
        };
        let mut key = Software.load(&own_key(purpose, number, details.key_version));
        self.add("session key", &session_key(&Software, &mut key, details).0);
    }

    #[track_caller]
    fn assert_absent(&self, answer: &[u8], command: &[u8]) {
        for run in answer.windows(RUN) {
            let found = self.0.get(run);
            assert!(found.is_none(), "a piece of {found:?} in {answer:02X?}, the answer to {command:02X?}");
        }
    }

    /// Sends a command; how many bytes came back, and with which status.
    #[track_caller]
    fn send(&self, bench: &mut CommonCard, command: &[u8]) -> (usize, StatusWord) {
        let answer = bench.transmit(command);
        self.assert_absent(&answer.data, command);
        (answer.data.len(), answer.status)
    }
}

/// A command of this row, with so many bytes of data that are all the same.
fn raw(row: &Row, p1: u8, p2: u8, length: u8, byte: u8) -> Vec<u8> {
    let mut bytes = vec![row.class, row.instruction, p1, p2];
    if length > 0 {
        bytes.push(length);
        bytes.resize(bytes.len() + usize::from(length), byte);
    }
    bytes.push(0);
    bytes
}

/// Each P1 and each P2 beside those of a form, and each length.
fn variations(row: &Row) -> impl Iterator<Item = Vec<u8>> + '_ {
    row.forms.iter().flat_map(move |form| {
        let (p1, p2) = example(form);
        let usual = (0..=255_u8).find(|length| form.data.contains(usize::from(*length))).unwrap_or(0);
        (0..=255).flat_map(move |byte| {
            [
                raw(row, byte, p2, usual, 0),
                raw(row, p1, byte, usual, 0),
                raw(row, p1, p2, byte, 0),
                raw(row, p1, p2, byte, 0x24),
            ]
        })
    })
}

/// Selected, and in a session with the other purse where that can be.
fn at(staged: &Staged) -> CommonCard {
    let mut bench = staged.bench.copied();
    bench.select();
    bench.send(&meeting());
    bench
}

fn meeting() -> Command<'static> {
    Command::VerifyCertificate(scheme::key_pair(peer()).certificate)
}

#[test]
fn no_variation_of_any_command_gives_a_piece_of_a_secret() {
    let (mut commands, mut bytes) = (0, 0);
    for role in [Role::Purse, Role::Merchant] {
        for stage in Stage::ALL {
            let staged = staged(role, stage);
            let secrets = Secrets::of(role, &staged);
            for row in &COMMANDS {
                let mut bench = at(&staged);
                for command in variations(row) {
                    bytes += secrets.send(&mut bench, &command).0;
                    commands += 1;
                }
            }
        }
    }
    println!("{commands} commands, {bytes} bytes of answers");
    assert!(commands > 200_000 && bytes > 10_000, "{commands} commands, {bytes} bytes");
}

#[test]
fn reading_over_everything_there_is_finds_no_piece_of_a_secret() {
    for role in [Role::Purse, Role::Merchant] {
        let staged = staged(role, Stage::Active);
        let secrets = Secrets::of(role, &staged);
        let mut read = 0;
        for (file, instruction) in
            [(None, 0xB0), (None, 0xB2), (None, 0xCA), (Some([0x00, 0x15]), 0xB0), (Some([0x00, 0x18]), 0xB2)]
        {
            let mut bench = at(&staged);
            if let Some(file) = file {
                bench.succeed(&Command::Select(Selection::File(file), true));
            }
            for place in 0..=u16::MAX {
                let [p1, p2] = place.to_be_bytes();
                read += secrets.send(&mut bench, &[0x00, instruction, p1, p2, 0x00]).0;
            }
        }
        assert!(read > 20_000, "{role:?}: {read} bytes");
    }
}

/// What is answered where everything is right, and again, and of what is past.
struct Life {
    /// What an active card does.
    done: Vec<Vec<u8>>,
    /// What it may not have an answer to.
    asked: Vec<Vec<u8>>,
    details: Vec<PayDetails>,
}

/// A reversal has a sequence of its own.
fn right(role: Role, staged: &Staged) -> Life {
    let (own, other) = match role {
        Role::Purse => (party(1), party(2)),
        Role::Merchant => (party(2), party(1)),
    };
    let paying = if role == Role::Purse { Kind::Purchase } else { Kind::Refund };
    let spent = scheme::pay_details(paying, 50, (own, 3), (other, 7));
    let load = scheme::pay_details(Kind::Load, 1_00, (issuer(), 4), (own, 4));
    let unload = scheme::pay_details(Kind::Unload, 40, (own, 5), (issuer(), 5));
    let declined = scheme::pay_details(Kind::Load, 1_00, (issuer(), 7), (own, 7));
    let mut details = vec![spent, load, unload, declined];
    let mut commands = vec![
        Command::Verify(Some(pin(profile(role).pin))),
        scheme::acknowledge(&staged.open),
        scheme::debit(&spent),
        scheme::debit(&spent),
        initialize(&load),
        Command::Credit(voucher(&load)),
        Command::Credit(voucher(&load)),
        scheme::debit(&unload),
        scheme::reverse(&unload),
        Command::Decline(voucher(&declined)),
    ];
    if role == Role::Merchant {
        let bought = scheme::pay_details(Kind::Purchase, 70, (other, 3), (own, 8));
        commands.extend([initialize(&bought), Command::Credit(voucher(&bought))]);
        details.push(bought);
    } else {
        let paid = scheme::pay_details(Kind::Transfer, 30, (own, 8), (peer(), 3));
        let taken = scheme::pay_details(Kind::Transfer, 20, (peer(), 4), (own, 10));
        let refused = scheme::pay_details(Kind::Transfer, 10, (peer(), 5), (own, 11));
        commands.extend([
            meeting(),
            scheme::debit(&paid),
            scheme::reverse(&paid),
            initialize(&taken),
            Command::Credit(voucher(&taken)),
            Command::Decline(voucher(&refused)),
        ]);
        details.extend([paid, taken, refused]);
    }
    commands.push(Command::Select(Selection::Application(&APPLICATION), true));
    let asked = (0..12).flat_map(|sequence| {
        let sequence = Sequence(sequence);
        [Command::GetProof(sequence), Command::ReadEntry(sequence)]
    });
    let bytes = |command: Command<'_>| command.emit().as_bytes().to_vec();
    Life { done: commands.into_iter().map(bytes).collect(), asked: asked.map(bytes).collect(), details }
}

#[test]
fn what_is_answered_in_a_whole_life_has_no_piece_of_a_secret() {
    for role in [Role::Purse, Role::Merchant] {
        for stage in Stage::ALL {
            let staged = staged(role, stage);
            let mut secrets = Secrets::of(role, &staged);
            let life = right(role, &staged);
            for details in &life.details {
                secrets.add_session(details);
            }
            let mut bench = at(&staged);
            let mut read = 0;
            for command in life.done.iter().chain(&life.asked) {
                let (length, status) = secrets.send(&mut bench, command);
                read += length;
                let may_fail = stage != Stage::Active || life.asked.contains(command);
                assert!(may_fail || status == StatusWord::Success, "{role:?}: {status:?} to {command:02X?}");
            }
            assert!(stage != Stage::Active || read > 500, "{role:?}: {read} bytes");
        }
    }
}

#[track_caller]
fn assert_caught(secrets: &Secrets, piece: &[u8]) {
    let answer = [&[0x70; 9], piece, &[0; 3]].concat();
    let caught = std::panic::catch_unwind(|| secrets.assert_absent(&answer, &[]));
    assert!(caught.is_err(), "{piece:02X?}");
}

#[test]
fn a_piece_of_a_secret_would_be_found() {
    let staged = staged(Role::Merchant, Stage::Active);
    let secrets = Secrets::of(Role::Merchant, &staged);
    for key in [
        own_key(KeyPurpose::Administration, party(2), VERSION),
        own_key(KeyPurpose::Payment, party(1), VERSION),
        master(KeyPurpose::Payment, OTHER_VERSION),
    ] {
        assert_caught(&secrets, &key.0[7..11]);
    }
    let purse = Secrets::of(Role::Purse, &self::staged(Role::Purse, Stage::Active));
    assert_caught(&purse, &scheme::private_key(party(1)).0[22..26]);
    assert_caught(&purse, &scheme::pair(party(1), peer()).0[7..11]);
    assert!(COMMANDS.iter().any(|row| row.command == CommandName::GetProof));
}
