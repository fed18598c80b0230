//! What wraps a transport: traces show no secret, faults fall where they were set, counts are right.

use std::io::Write;
use std::sync::{Arc, Mutex};

use crate::support::{OPERATOR, PIN, World, client, payment, personalise};
use apdu_spec::command::apdu::Apdu;
use apdu_spec::command::{CommandName, table};
use apdu_spec::cryptography::KeyPurpose;
use apdu_spec::status::StatusWord;
use purse_terminal::client::Client;
use purse_terminal::flow::purchase;
use purse_terminal::transport::{
    Counted, EMPTY_RESPONSE, Faulty, InProcess, ResponseBuffer, Trace, TraceFormat, Transport, TransportError,
};
use purse_terminal::virtual_card::VirtualCard;
use purse_tests::scheme::{Profile, VERSION, master, own_key, pin};

/// A writer that a test can read.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A card that sends back what it was sent, and says that all is well.
struct Echo;

impl Transport for Echo {
    fn transmit<'a>(
        &mut self,
        command: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError> {
        let data = command.get(5..).unwrap_or(&[]);
        response[..data.len()].copy_from_slice(data);
        response[data.len()..data.len() + 2].copy_from_slice(&StatusWord::Success.emit());
        Ok(&response[..data.len() + 2])
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    fn name(&self) -> &'static str {
        "echo"
    }
}

fn assert_no_secret(text: &str, secrets: &[Vec<u8>]) {
    let plain = text.to_lowercase();
    for secret in secrets {
        assert!(!plain.contains(&hex::encode(secret)), "{secret:02x?} in {text}");
    }
}

fn secrets() -> Vec<Vec<u8>> {
    let mut secrets: Vec<Vec<u8>> = [PIN, OPERATOR, "87654321"]
        .iter()
        // Without its filling, which many fields have.
        .map(|digits| pin(digits).emit()[..=digits.len() / 2].to_vec())
        .collect();
    for number in [1, 2] {
        let number = Profile::purse(number, 0).number;
        secrets.extend(KeyPurpose::ALL.map(|purpose| own_key(purpose, number, VERSION).0.to_vec()));
    }
    secrets.push(master(KeyPurpose::Payment, VERSION).0.to_vec());
    secrets
}

#[test]
fn a_trace_never_holds_a_pin_or_a_key() {
    for format in [TraceFormat::Human, TraceFormat::JsonLines] {
        let shared = Shared::default();
        let trace = Trace::new(Box::new(shared.clone()), format);
        for (name, profile) in [("purse", Profile::purse(1, 10_00)), ("sam", Profile::sam(2, 0))] {
            let mut traced = trace.wrap(InProcess::new(VirtualCard::in_memory(name, profile.role)));
            personalise(&mut traced as &mut dyn Transport, &profile);
            let mut client = Client::select(&mut traced).unwrap();
            client.verify(&pin(profile.pin)).unwrap();
            client.change_pin(&pin(profile.pin), &pin("87654321")).unwrap();
            client.identity().unwrap();
        }
        let text = shared.text();
        assert_no_secret(&text, &secrets());
        assert!(text.contains("STORE DATA") && text.contains("CHANGE PIN") && text.contains("(8 bytes)"));
    }
}

#[test]
fn a_trace_leaves_out_what_the_table_does_not_know() {
    let block = pin(PIN).emit();
    let verify = table::row(CommandName::Verify);
    let commands = [
        // The PIN with a length that does not add up, a byte too many, another P1, another class, an unknown command.
        [&[verify.class, verify.instruction, 0, table::PIN_REFERENCE, 9][..], &block].concat(),
        [&[verify.class, verify.instruction, 0, table::PIN_REFERENCE, 7][..], &block].concat(),
        [&[verify.class, verify.instruction, 0, table::PIN_REFERENCE][..], &block].concat(),
        Apdu::new(
            verify.class,
            verify.instruction,
            0,
            table::PIN_REFERENCE,
            &[&block[..], &[0]].concat(),
            None,
        )
        .as_bytes()
        .to_vec(),
        Apdu::new(verify.class, verify.instruction, 1, 1, &block, None).as_bytes().to_vec(),
        Apdu::new(table::CLASS_PURSE, verify.instruction, 0, table::PIN_REFERENCE, &block, None)
            .as_bytes()
            .to_vec(),
        Apdu::new(0x80, 0x01, 0, 0, &block, None).as_bytes().to_vec(),
        // Right, and a card that sends it back.
        Apdu::new(verify.class, verify.instruction, 0, table::PIN_REFERENCE, &block, None)
            .as_bytes()
            .to_vec(),
        block.to_vec(),
    ];
    for format in [TraceFormat::Human, TraceFormat::JsonLines] {
        let shared = Shared::default();
        let mut traced = Trace::new(Box::new(shared.clone()), format).wrap(Echo);
        // The header of an APDU is shown, so the last one shows its first four bytes: no more than that.
        let (bare, whole) = commands.split_last().unwrap();
        for command in whole {
            traced.transmit(command, &mut EMPTY_RESPONSE.clone()).unwrap();
        }
        assert_no_secret(&shared.text(), &[block[..3].to_vec()]);
        traced.transmit(bare, &mut EMPTY_RESPONSE.clone()).unwrap();
        assert_no_secret(&shared.text(), &[block.to_vec()]);
    }
}

#[test]
fn a_trace_names_commands_fields_and_status_words() {
    let shared = Shared::default();
    let trace = Trace::new(Box::new(shared.clone()), TraceFormat::JsonLines);
    let mut world = World::with_history();
    {
        let mut purse = trace.wrap(&mut world.purse);
        let mut sam = trace.wrap(&mut world.sam);
        let (mut purse, mut sam) = (Client::select(&mut purse).unwrap(), Client::select(&mut sam).unwrap());
        purchase::purchase(&mut purse, &mut sam, &payment(30)).unwrap();
        purse.balance(4).unwrap_err();
    }
    let lines: Vec<serde_json::Value> =
        shared.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said: Vec<String> = lines
        .iter()
        .map(|line| {
            format!(
                "{} {} {}",
                line["card"].as_str().unwrap(),
                line["command"].as_str().unwrap(),
                line["status"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            "purse SELECT 9000",
            "sam SELECT 9000",
            "sam INITIALIZE purchase 9000",
            "purse DEBIT purchase 9000",
            "sam CREDIT 9000",
            "purse ACKNOWLEDGE 9000",
            "purse GET BALANCE 6A88",
        ]
    );
    let debit = lines[3]["data"].as_array().unwrap();
    assert!(debit.iter().any(|field| field["name"] == "amount" && field["value"] == "0000001E"), "{debit:?}");
    assert_eq!(lines[6]["meaning"], StatusWord::ReferenceNotFound.meaning());
}

#[test]
fn a_purchase_costs_the_customer_two_apdus_and_118_bytes() {
    let mut world = World::with_history();
    let mut purse = Counted::new(&mut world.purse);
    let mut sam = Client::select(&mut world.sam).unwrap();
    let mut holder = Client::select(&mut purse).unwrap();
    purchase::sell(&mut holder, &mut sam, &payment(2_00)).unwrap();
    let counts = purse.counts();
    assert_eq!((counts.commands, counts.bytes()), (2, 118), "{counts:?}");
    purse.reset_counts();
    assert_eq!(purse.counts().bytes(), 0);
}

#[test]
fn the_nth_response_is_lost_and_no_other() {
    let mut world = World::new();
    for number in 1..=4 {
        world.purse.lose(number);
        for command in 1..=6 {
            let result = Client::select(&mut world.purse);
            assert_eq!(result.is_err(), command == number, "{number} {command}");
        }
    }
    world.purse.remove(2);
    client(&mut world.purse);
    assert!(Client::select(&mut world.purse).is_err());
    assert!(matches!(world.purse.reset(), Err(TransportError::NoCard(_))));
    assert_eq!(world.purse.commands(), 2);
    world.purse.bring_back().unwrap();
    client(&mut world.purse);
}

#[test]
fn a_lost_response_was_still_executed() {
    let mut card =
        Faulty::new(InProcess::new(VirtualCard::in_memory("purse", apdu_spec::element::Role::Purse)));
    personalise(&mut card as &mut dyn Transport, &Profile::purse(1, 0));
    let mut client = Client::select(&mut card).unwrap();
    client.transport().lose(1);
    client.verify(&pin("0000")).unwrap_err();
    assert_eq!(client.pin_tries().unwrap(), 2);
}

const _: fn() = || {
    fn sendable<T: Send>() {}
    sendable::<VirtualCard>();
    sendable::<Arc<Mutex<Trace>>>();
};
