//! What is printed for a developer shows neither keys nor a PIN.

use apdu_spec::command::{Command, CommandBytes, Request};
use apdu_spec::cryptography::KeyPurpose;
use purse_tests::bench_card::CommonCard;
use purse_tests::scheme::{self, Profile, own_key, party};

/// A byte string as `Debug` shows it: a list of decimal numbers.
fn listed(bytes: &[u8]) -> String {
    bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")
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
