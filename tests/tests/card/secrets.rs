//! What is printed for a developer shows neither keys nor a PIN.

use apdu_spec::command::{Command, CommandBytes, Request};
use apdu_spec::cryptography::{Engine, KeyPurpose};
use apdu_spec::element::{Expiry, Kind};
use apdu_spec::personalisation::{CardProfile, IdentityGroup};
use apdu_spec::software::Software;
use purse_card::store::{Administration, Entry, Masters, Pin, Store};
use purse_tests::bench_card::CommonCard;
use purse_tests::scheme::{self, Profile, VERSION, issuer, master, own_key, party};

/// A byte string as `Debug` shows it: a list of decimal numbers.
fn listed(bytes: &[u8]) -> String {
    bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")
}

/// Whether a text has these bytes, in one of the forms in which bytes are printed.
fn shows(text: &str, secret: &[u8]) -> bool {
    let dense = text.replace(['\n', ' '], "").replace(",]", "]");
    let hexed: Vec<_> = secret.iter().map(|byte| format!("{byte:x}")).collect();
    let forms =
        [listed(secret).replace(' ', ""), hex::encode(secret), hex::encode_upper(secret), hexed.join(",")];
    forms.iter().any(|form| dense.contains(form))
}

#[test]
fn no_type_that_holds_a_secret_shows_it() {
    let profile = Profile::sam(2, 0);
    let keys = || KeyPurpose::ALL.map(|purpose| own_key(purpose, party(2), VERSION));
    let [load, ..] = keys();
    let card = CommonCard::new(&profile);
    let store = Store::<_, 32, 8>::power_up(card.card.memory().clone()).map_err(|(_, error)| error).unwrap();
    let held = [(VERSION, master(KeyPurpose::Payment, VERSION))];
    let mut masters = Masters::default();
    masters.keys[3] = Some((VERSION, master(KeyPurpose::Payment, VERSION)));
    let block = scheme::pin(profile.pin);
    let pin = Pin { block: block.emit(), tries: 3, limit: 3, administration: Administration::default() };
    let groups = CardProfile {
        identity: IdentityGroup {
            role: profile.role,
            number: profile.number,
            key_version: VERSION,
            expiry: Expiry([0x30, 0x12]),
            issuer: issuer(),
            flags: 0,
        },
        pockets: [None; 5],
        keys: keys(),
        masters: &held,
        pin: block.clone(),
        key_pair: None,
    };
    let mut half = CommonCard::blank();
    half.select();
    for (number, group) in (0..).zip(profile.groups()) {
        half.succeed(&Command::StoreData(false, number, &group));
    }
    let session = scheme::session(&scheme::pay_details(Kind::Purchase, 1, (party(1), 0), (party(2), 0)));
    let secrets: Vec<Vec<u8>> = keys()
        .iter()
        .map(|key| key.0.to_vec())
        .chain([held[0].1.0.to_vec(), block.emit().to_vec(), profile.pin.as_bytes().to_vec()])
        .collect();
    let software_key = Software.load(&load);
    let shown: [&dyn std::fmt::Debug; 11] = [
        &load,
        &software_key,
        &session,
        &block,
        &pin,
        &Entry::Pin(pin.clone()),
        &masters,
        &Entry::Masters(masters.clone()),
        &store,
        &groups,
        &half,
    ];
    for value in shown {
        for text in
            [format!("{value:?}"), format!("{value:#?}"), format!("{value:x?}"), format!("{value:02X?}")]
        {
            for secret in &secrets {
                assert!(!shows(&text, secret), "{text}");
            }
        }
    }
    for (format, secret) in [(format!("{:?}", load.0), load.0), (format!("{:#?}", load.0), load.0)] {
        assert!(shows(&format, &secret), "{format} would be found");
    }
    assert!(shows(&format!("{:x?}", load.0), &load.0));
}

#[test]
fn a_card_shows_no_key_and_no_pin() {
    let profile = Profile::sam(2, 0);
    let card = CommonCard::new(&profile);
    let shown = [
        format!("{card:?}"),
        format!("{:?}", card.card.memory()),
        format!("{card:#?}").replace(['\n', ' '], ""),
    ];
    assert!(shown[0].contains("Keys(..)"), "{}", shown[0]);
    let secrets = KeyPurpose::ALL.map(|purpose| own_key(purpose, party(2), scheme::VERSION).0.to_vec());
    let masters = vec![scheme::master(KeyPurpose::Payment, scheme::VERSION).0.to_vec()];
    let pin = vec![scheme::pin("9999").emit().to_vec()];
    for secret in secrets.into_iter().chain(masters).chain(pin) {
        for shown in &shown {
            let (spaced, dense) = (listed(&secret), listed(&secret).replace(' ', ""));
            assert!(
                !shown.contains(&spaced) && !shown.contains(&dense) && !shown.contains(&hex::encode(&secret))
            );
        }
    }
}

#[test]
fn a_command_shows_its_name_and_not_its_data() {
    let block = vec![0xC7; 40];
    let commands = [
        Command::Verify(Some(scheme::pin("7777"))),
        Command::ChangePin(scheme::pin("7777"), scheme::pin("77777")),
        Command::StoreData(false, 0, &block),
    ];
    for command in commands {
        let apdu = command.emit();
        let bytes = CommandBytes::parse(apdu.as_bytes()).unwrap();
        let request = Request::parse(apdu.as_bytes()).unwrap();
        let shown = format!("{command:?} {apdu:?} {bytes:?} {:?} {request:?}", bytes.body().unwrap());
        for secret in ["119", "199", "0x77", "7777", "c7", "C7"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
