//! Whatever the program prints, on stdout, on stderr and into a trace, and however a command ends, no key and no PIN is
//! in it: real runs of the real program. And no type shows one when it is printed for a developer.

use std::collections::BTreeMap;
use std::fs;

use crate::cli_support::{Home, Run};
use apdu_spec::cryptography::{Engine, KeyBytes, KeyPurpose, card_key, session_key};
use apdu_spec::element::{KeyVersion, Kind};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pin::PinBlock;
use apdu_spec::software::Software;
use purse_terminal::issuer::MasterKeys;

/// PINs of ten digits do not come up by chance.
const PINS: [(&str, &str); 4] =
    [("purse", "8031726459"), ("new", "5926471380"), ("operator", "6147258039"), ("wrong", "7205938164")];
/// Bytes of a key that may not stand in an output one after the other. Numbers and times differ from run to run, so a
/// shorter piece would come up by chance some day.
const RUN: usize = 6;

/// What may not be printed.
struct Secrets(BTreeMap<String, String>);

impl Secrets {
    /// The keys of this home's scheme, and of its cards.
    fn of(home: &Home) -> Self {
        let mut secrets = Self(BTreeMap::new());
        let scheme = fs::read_to_string(home.path().join("scheme.toml")).unwrap();
        let master = |purpose: KeyPurpose| {
            let name = String::from_utf8(purpose.label().to_vec()).unwrap().to_lowercase();
            let line = scheme.lines().find(|line| line.starts_with(&format!("{name} = "))).unwrap();
            let bytes = hex::decode(line.split('"').nth(1).unwrap()).unwrap();
            KeyBytes(bytes.try_into().unwrap())
        };
        let numbers = home.json(&["card", "list"]);
        for purpose in KeyPurpose::ALL {
            let master = master(purpose);
            secrets.add(&format!("master {purpose:?}"), &master.0);
            for card in numbers["cards"].as_array().unwrap() {
                let number = number(card["number"].as_str().unwrap());
                let key = card_key(&Software, &mut Software.load(&master), purpose, number, KeyVersion(1));
                secrets.add(&format!("{purpose:?} key of {number}"), &key.0);
            }
        }
        for (name, digits) in PINS {
            secrets.0.insert(digits.to_owned(), format!("PIN {name}"));
            secrets.add(&format!("PIN block {name}"), &PinBlock::from_digits(digits).unwrap().emit()[..7]);
        }
        secrets
    }

    /// In hexadecimal, and as a list of numbers.
    fn add(&mut self, name: &str, secret: &[u8]) {
        for run in secret.windows(RUN) {
            let decimal: Vec<_> = run.iter().map(u8::to_string).collect();
            let spaced: Vec<_> = run.iter().map(|byte| format!("{byte:02x}")).collect();
            for text in [hex::encode(run), decimal.join(","), spaced.join(" ")] {
                self.0.insert(text, name.to_owned());
            }
        }
    }

    /// The keys of the transactions that a trace tells of.
    fn add_sessions(&mut self, trace: &str, home: &Home) {
        let scheme = fs::read_to_string(home.path().join("scheme.toml")).unwrap();
        for details in trace.split("PD=").skip(1).filter_map(|rest| hex::decode(rest.get(..72)?).ok()) {
            let details = PayDetails::parse(&details.try_into().unwrap()).unwrap();
            let (purpose, name, number) = match details.kind {
                Kind::Load => (KeyPurpose::Load, "load", details.to),
                Kind::Unload => (KeyPurpose::Load, "load", details.from),
                Kind::Purchase => (KeyPurpose::Payment, "paym", details.from),
                Kind::Refund | Kind::Transfer => (KeyPurpose::Payment, "paym", details.to),
            };
            let line = scheme.lines().find(|line| line.starts_with(&format!("{name} = "))).unwrap();
            let master = KeyBytes(hex::decode(line.split('"').nth(1).unwrap()).unwrap().try_into().unwrap());
            let mut master = Software.load(&master);
            let key = card_key(&Software, &mut master, purpose, number, details.key_version);
            let session = session_key(&Software, &mut Software.load(&key), &details);
            self.add("session key", &session.0);
        }
    }

    #[track_caller]
    fn assert_absent(&self, text: &str, what: &dyn std::fmt::Debug) {
        let dense = text.to_lowercase().replace(", ", ",");
        for (secret, name) in &self.0 {
            assert!(!dense.contains(secret), "{name} in what {what:?} printed:\n{text}");
        }
    }
}

fn number(text: &str) -> PartyNumber {
    PartyNumber::parse(hex::decode(text.replace(' ', "")).unwrap().try_into().unwrap()).unwrap()
}

/// A home whose cards have the PINs of this file: `bob`, and the SAM `kiosk`.
fn home() -> Home {
    let home = Home::new();
    let pin = home.file("pin", PINS[0].1);
    let operator = home.file("operator", PINS[2].1);
    home.run(&["card", "new", "bob", "--pin-file", &pin]).exits(0);
    home.run(&["card", "new", "kiosk", "--role", "merchant", "--pin-file", &operator]).exits(0);
    home
}

/// What a command printed and traced.
fn printed(home: &Home, global: &[&str], arguments: &[&str]) -> (Run, String) {
    let all: Vec<&str> =
        global.iter().chain(&["--card", "bob", "--sam", "kiosk"]).chain(arguments).copied().collect();
    let mut command = home.command(&all);
    command.env("PURSE_OPERATOR_PIN", PINS[2].1).env("RUST_BACKTRACE", "full").env("RUST_LOG", "trace");
    let run = Run::from(command.output().unwrap());
    let trace = fs::read_to_string(home.path().join("../trace")).unwrap_or_default();
    let text = format!("{}\n{}\n{trace}", run.stdout, run.stderr);
    (run, text)
}

/// Everything that the program does, with what makes it fail among it; and how it has to end.
fn story(files: &[String; 4]) -> Vec<(Vec<&str>, i32)> {
    let [pin, new, wrong, letters] = files.each_ref().map(String::as_str);
    vec![
        (vec!["load", "90.00"], 0),
        (vec!["pay", "5.00"], 0),
        (vec!["pay", "30.00", "--pin-file", pin], 0),
        (vec!["pay", "26.00", "--pin-file", wrong], 5),
        (vec!["pay", "26.00", "--pin-file", letters], 2),
        (vec!["pay", "26.00"], 5),
        (vec!["refund", "2.00"], 0),
        (vec!["refund", "1.00", "--operator-pin-file", wrong], 5),
        (vec!["pay", "2.00", "--lose", "4"], 6),
        (vec!["recover"], 0),
        (vec!["pay", "2.00", "--cut", "1"], 6),
        (vec!["recover"], 0),
        (vec!["pay", "900.00", "--pin-file", pin], 4),
        (vec!["unload", "3.00"], 0),
        (vec!["collect"], 0),
        (vec!["history"], 0),
        (vec!["balance"], 0),
        (vec!["card", "show", "bob"], 0),
        (vec!["card", "list"], 0),
        (vec!["audit"], 0),
        (vec!["resolve"], 0),
        (vec!["pin", "change", "--pin-file", pin, "--new-pin-file", new], 0),
        (vec!["lock", "--pin-file", pin], 5),
        (vec!["lock", "--pin-file", new], 0),
        (vec!["unlock", "--by-issuer"], 0),
        (vec!["lock", "--pin-file", wrong], 5),
        (vec!["lock", "--pin-file", wrong], 5),
        (vec!["lock", "--pin-file", wrong], 5),
        (vec!["lock", "--pin-file", new], 5),
        (vec!["pin", "unblock"], 0),
        (vec!["pin", "change", "--pin-file", new, "--new-pin-file", pin], 0),
        (vec!["apdu", "00A4040007F050555253450100", "00200080082A8031726459FFFF"], 0),
        (vec!["apdu", "00A4040007F050555253450100", "00200080072A8031726459FF", "8020008008"], 0),
        (vec!["apdu", "00200080082A8031726459FFFx"], 2),
        (vec!["card", "new", "late", "--pin-file", pin], 0),
        (vec!["pocket", "add", "USD"], 0),
        (vec!["rate", "set", "EUR", "USD", "1.0850"], 0),
        (vec!["rate", "list"], 0),
        (vec!["exchange", "1.00", "EUR", "USD", "--lose", "5"], 6),
        (vec!["recover"], 0),
        (vec!["exchange", "1.00", "EUR", "USD"], 0),
        (vec!["control", "limits", "--debit", "90.00", "--queue"], 0),
        (vec!["control", "block"], 0),
        (vec!["control", "unblock"], 0),
        (vec!["control", "list"], 0),
        (vec!["card", "new", "gift", "--disposable", "--value", "2.00", "--pin-file", pin], 0),
        (vec!["bench", "--time", "1"], 0),
        (vec!["man"], 0),
    ]
}

#[test]
fn nothing_that_the_program_prints_has_a_key_or_a_pin() {
    let names = ["pin", "new", "wrong", "letters"];
    for level in [&[][..], &["--trace"], &["--json"], &["--json", "--trace"], &["--trace=TRACE"]] {
        let home = home();
        let files: [String; 4] = std::array::from_fn(|place| {
            let content = [PINS[0].1, PINS[1].1, PINS[3].1, "80317264x9"][place];
            home.file(names[place], content)
        });
        let trace = format!("--trace={}", home.path().join("../trace").display());
        let global: Vec<&str> =
            level.iter().map(|option| if *option == "--trace=TRACE" { &trace } else { *option }).collect();
        let mut secrets = Secrets::of(&home);
        for (arguments, code) in story(&files) {
            let (run, text) = printed(&home, &global, &arguments);
            assert_eq!(run.code, code, "{global:?} {arguments:?} {run:#?}");
            secrets.add_sessions(&text, &home);
            secrets.assert_absent(&text, &(level, &arguments));
            assert!(global.is_empty() || !text.trim().is_empty());
        }
        assert!(
            level.len() != 1 || level[0] == "--json" || secrets.0.values().any(|name| name == "session key")
        );
    }
}

#[test]
fn the_demo_and_a_new_home_print_no_pin_block_and_no_key() {
    let home = Home::none();
    for arguments in [&["--trace", "demo"][..], &["--json", "--trace", "demo"], &["--trace", "init"]] {
        let run = home.run(arguments).exits(0);
        let text = format!("{}{}", run.stdout, run.stderr);
        for digits in ["1234", "9999"] {
            let block = PinBlock::from_digits(digits).unwrap().emit();
            assert!(!text.to_uppercase().contains(&hex::encode_upper(&block[..4])), "{arguments:?}: {text}");
        }
        assert!(text.len() > 100, "{arguments:?}: {text}");
    }
    // Of that new home the keys are known.
    let scheme = fs::read_to_string(home.path().join("scheme.toml")).unwrap();
    let run = home.run(&["--trace", "card", "new", "another"]).exits(0);
    let text = format!("{}{}", run.stdout, run.stderr);
    for key in scheme.lines().filter_map(|line| line.split('"').nth(1)).filter(|value| value.len() == 32) {
        assert!(!text.to_lowercase().contains(&key[..12]), "{text}");
    }
}

#[test]
fn nothing_that_is_said_of_damage_has_a_key_or_a_pin() {
    let home = home();
    let secrets = Secrets::of(&home);
    home.run(&["--card", "bob", "load", "10.00"]).exits(0);
    let card = fs::read(home.card("bob")).unwrap();
    let scheme = fs::read(home.path().join("scheme.toml")).unwrap();
    let files = [(home.card("bob"), card, 16), (home.path().join("scheme.toml"), scheme, 24)];
    for (path, content, pieces) in files {
        for piece in 0..pieces {
            let mut damaged = content.clone();
            let place = piece * content.len() / pieces;
            damaged[place] ^= 0x41;
            damaged[place + 1] = b'"';
            fs::write(&path, &damaged).unwrap();
            for arguments in [&["balance"][..], &["--json", "balance"], &["--trace", "card", "show", "bob"]] {
                let (_, text) = printed(&home, &[], arguments);
                secrets.assert_absent(&text, &(piece, arguments));
            }
        }
        // Cut short.
        fs::write(&path, &content[..content.len() - 9]).unwrap();
        let (run, text) = printed(&home, &["--trace"], &["balance"]);
        secrets.assert_absent(&text, &"cut short");
        assert_ne!((run.code, path.ends_with("scheme.toml")), (0, false), "{run:#?}");
        fs::write(&path, &content).unwrap();
    }
}

#[test]
fn a_secret_that_is_printed_would_be_found() {
    let home = home();
    let secrets = Secrets::of(&home);
    let scheme = fs::read_to_string(home.path().join("scheme.toml")).unwrap();
    for text in [&scheme, "PIN is 8031726459", "2A 80 31 72 64 59 FF", "[42, 128, 49, 114, 100, 89]"] {
        let found = std::panic::catch_unwind(|| secrets.assert_absent(text, &"nobody"));
        assert!(found.is_err(), "{text}");
    }
}

#[test]
fn the_issuers_master_keys_show_nothing_of_themselves() {
    let key = || KeyBytes([0xC7; 16]);
    let keys = MasterKeys { load: key(), payment: key(), tac: key(), administration: key() };
    for text in [format!("{keys:?}"), format!("{keys:#?}"), format!("{keys:x?}"), format!("{keys:02X?}")] {
        assert!(text.contains("KeyBytes(..)"), "{text}");
        assert!(!["199", "c7", "C7"].iter().any(|byte| text.contains(byte)), "{text}");
    }
}
