//! What a card in a reader keeps of one client for the next, and what it makes of commands that are wrong.
#![cfg(all(feature = "pcsc", target_os = "linux"))]

use crate::cli_support::Run;
use crate::client_support::expected::SELECT;
use crate::client_support::{Exchange, Stage, answers, holds, opensc_tool, python_json, scriptor, verify};
use crate::support::{Counter, PURSE_SLOT, SAM_SLOT};
use apdu_spec::answer_to_reset::ATR_T0;
use apdu_spec::command::response::parse_authenticator;
use apdu_spec::command::{Command, DebitData, InitializeData, Initialized, Proof, Voucher};
use apdu_spec::element::{Amount, Kind, Time};
use apdu_spec::pin::TRIES;
use apdu_spec::status::StatusWord;
use serde_json::json;

const PIN: &str = "1234";

#[test]
fn what_one_client_has_verified_is_gone_for_the_next() {
    let stage = Stage::new("T=0");
    let counter = &stage.counter;
    let send = |exchanges: &[Exchange]| {
        holds(exchanges, |commands| scriptor(counter, PURSE_SLOT, "T=0", commands));
    };
    let selection = stage.purse.translate(&[stage.purse.expected.selection()]);
    let (right, wrong, ask) = (verify(Some(PIN)), verify(Some("9876")), verify(None));
    let left = StatusWord::WrongPin;
    let verified = answers([(&right, StatusWord::Success), (&ask, StatusWord::Success)]);
    let not_verified = answers([(&ask, left(TRIES))]);
    let nothing_selected = answers([(&ask, StatusWord::ConditionsOfUse)]);
    // scriptor leaves the card as it is. SELECT ends the session, whoever began it; so does a reset.
    send(&[&selection[..], &verified].concat());
    send(&[&selection[..], &not_verified, &verified].concat());
    let reset = [("RESET".to_owned(), hex::encode_upper(ATR_T0))];
    send(&[&reset[..], &nothing_selected, &selection, &not_verified].concat());
    // A client that resets or powers down leaves no session, not even to one that does not begin with SELECT.
    let seen = python_json(counter, PURSE_SLOT, PIN);
    assert_eq!(seen["verify"][0]["verified"], "9000");
    send(&[&nothing_selected[..], &selection, &not_verified].concat());
    let locked = counter.command(&["lock", "--reader", PURSE_SLOT]).env("PURSE_PIN", PIN).output().unwrap();
    Run::from(locked).exits(0);
    send(&nothing_selected);
    let unlocked =
        counter.command(&["unlock", "--reader", PURSE_SLOT]).env("PURSE_PIN", PIN).output().unwrap();
    Run::from(unlocked).exits(0);
    send(&nothing_selected);
    // Tries are the card's own and outlive every client.
    let once_wrong = answers([(&wrong, left(TRIES - 1))]);
    send(&[&selection[..], &verified, &once_wrong, &answers([(&ask, left(TRIES - 1))])].concat());
    let seen = python_json(counter, PURSE_SLOT, "");
    assert_eq!((&seen["verified"], &seen["pin_tries"]), (&json!("63C2"), &json!(2)));
    send(&[&selection[..], &verified, &answers([(&right, StatusWord::Success)])].concat());
    stage.end();
}

#[test]
fn wrong_commands_are_refused_and_the_card_lives_on() {
    use StatusWord as Status;
    let wrong = |command: &str, status: Status| (command.to_owned(), hex::encode_upper(status.emit()));
    for protocol in ["T=1", "T=0"] {
        let stage = Stage::new(protocol);
        for slot in stage.slots() {
            let selection = slot.translate(&[slot.expected.selection()]);
            let before = [
                ("RESET", None),
                // An application and a file that are not here; the application's own files before it is selected.
                ("00A4040005A00000000300", Some(Status::FileNotFound)),
                ("00A4040005F05055525300", Some(Status::FileNotFound)),
                ("00A4000002001800", Some(Status::FileNotFound)),
                ("805C000000", Some(Status::ConditionsOfUse)),
                ("00200080", Some(Status::ConditionsOfUse)),
            ];
            let after = [
                // Classes, instructions (6X and 9X are never one), parameters.
                ("F0A4040000", Status::UnknownClass),
                ("80200080", Status::UnknownClass),
                ("00500300", Status::UnknownClass),
                ("80FF000000", Status::UnknownInstruction),
                ("006C000000", Status::UnknownInstruction),
                ("8094000000", Status::UnknownInstruction),
                ("00A4050000", Status::WrongParameters),
                ("00200081", Status::WrongParameters),
                ("805C000500", Status::WrongParameters),
                ("00B200C432", Status::WrongParameters),
                // Lengths: a PIN block that is cut off or too short, Lc beyond the end, extended ones.
                ("0020008008241234", Status::WrongLength),
                ("0020008001AA", Status::WrongLength),
                ("00A4040008F0", Status::WrongLength),
                ("00A404000000071234", Status::WrongLength),
                ("80540300", Status::WrongLength),
                ("805C00000A", Status::WrongExpected(11)),
                ("00B0951E0200", Status::WrongLength),
                // References, offsets, data.
                ("00CA9F1804", Status::ReferenceNotFound),
                ("805C000100", Status::ReferenceNotFound),
                ("00B095B101", Status::WrongOffset),
                ("00B2FEC432", Status::RecordNotFound),
                ("00B201AC32", Status::FileStructure),
                ("00B0980001", Status::FileStructure),
                ("002000800824123400FFFFFFFF", Status::WrongData),
                // A PIN's block that counts more digits than it has costs no try.
                ("00200080082C1234FFFFFFFFFF", Status::WrongData),
                ("00200080", Status::WrongPin(TRIES)),
                ("8078000000", Status::SecurityStatus),
            ];
            let reset = stage.counter.reader(slot.reader)["answer_to_reset"].as_str().unwrap().to_owned();
            let mut exchanges: Vec<Exchange> = before
                .map(|(command, status)| match status {
                    None => (command.to_owned(), reset.clone()),
                    Some(status) => wrong(command, status),
                })
                .into();
            exchanges.extend(selection.clone());
            exchanges.extend(after.map(|(command, status)| wrong(command, status)));
            exchanges.extend(selection);
            holds(&exchanges, |commands| scriptor(&stage.counter, slot.reader, slot.protocol, commands));
        }
        stage.end();
    }
}

/// The data of the second answer, after SELECT; the status word has to be good.
fn ask(counter: &Counter, slot: &str, command: &Command<'_>) -> Vec<u8> {
    let [select, command] = [&SELECT, command].map(|command| hex::encode_upper(command.emit().as_bytes()));
    let answers = opensc_tool(counter, slot, &[&select, &command]);
    let data = answers[1].strip_suffix("9000").unwrap_or_else(|| panic!("{command}: {answers:?}"));
    hex::decode(data).unwrap()
}

#[test]
fn opensc_tool_makes_a_payment() {
    for protocol in ["T=1", "T=0"] {
        let stage = Stage::new(protocol);
        let counter = &stage.counter;
        let status = stage.purse.expected.status();
        let initialize = InitializeData {
            kind: Kind::Purchase,
            key_version: status.key_version,
            currency: status.currency,
            amount: Amount(5_00),
            from: status.number,
            from_sequence: status.sequence,
            time: Time(1_800_000_000),
        };
        // Each of these is a process of its own: the cards remember nothing in between.
        let asked = Initialized::parse(&ask(counter, SAM_SLOT, &Command::Initialize(initialize))).unwrap();
        let pay_details = initialize.pay_details(asked.number, asked.sequence);
        let debit = Command::Debit(DebitData::new(&pay_details, asked.req));
        let Proof { val, tac } = Proof::parse(&ask(counter, PURSE_SLOT, &debit)).unwrap();
        assert_eq!(counter.audit(), "7.50", "both are in flight");
        let credit = Command::Credit(Voucher { pay_details, val, tac });
        let ack = parse_authenticator(&ask(counter, SAM_SLOT, &credit)).unwrap();
        assert_eq!(ask(counter, PURSE_SLOT, &Command::Acknowledge(status.sequence, ack)), [0; 0]);
        // The same commands again have no second effect.
        ask(counter, SAM_SLOT, &credit);
        ask(counter, PURSE_SLOT, &debit);
        assert_eq!(
            (counter.balance(PURSE_SLOT), counter.balance(SAM_SLOT)),
            ("23.50".into(), "24.00".into())
        );
        assert_eq!(counter.audit(), "2.50");
        // The SAM has used the sequence for which the open purchase was meant, so that one can only be taken back.
        let recovered = counter.run_both(&["recover"]).exits(0).stdout;
        assert!(recovered.contains("taken back"), "{recovered}");
        assert_eq!(counter.balance(PURSE_SLOT), "26.00");
        let collected = counter.run(&["collect", "--sam-reader", SAM_SLOT]).exits(0).stdout;
        assert!(collected.contains("collected 24.00 EUR"), "{collected}");
        assert_eq!(counter.audit(), "0.00");
    }
}
