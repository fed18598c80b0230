//! Every APDU of a whole story, from a blank card to a collection, in the standard's names; and any bytes at all.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

use std::cell::RefCell;
use std::rc::Rc;

use crate::flow_support::{HOLDER, OPERATOR, PIN, Rig, World, payment, personalise};
use apdu_spec::certificate::TAG_CERTIFICATE;
use apdu_spec::command::table::{TAG_LOG_FORMAT, TAG_PIN_TRIES};
use apdu_spec::command::{COMMANDS, Command, Request, Selection};
use apdu_spec::cryptography::KeyPurpose;
use apdu_spec::element::{Amount, Kind, Role, Sequence};
use apdu_spec::file::{APPLICATION, File};
use apdu_spec::parameter::Parameter;
use apdu_spec::pin::PinBlock;
use proptest::collection::vec;
use proptest::prelude::*;
use purse_terminal::client::Client;
use purse_terminal::explain::{Field, Fit, Hint, Object, Reading, explain};
use purse_terminal::flow::collection::collect;
use purse_terminal::flow::history::history;
use purse_terminal::flow::load::{self, Load};
use purse_terminal::flow::purchase::{purchase, sell};
use purse_terminal::flow::recovery::recover;
use purse_terminal::flow::refund::{self, Refund};
use purse_terminal::flow::unload::{self, Unload};
use purse_terminal::transport::{EMPTY_RESPONSE, InProcess, ResponseBuffer, Transport, TransportError};
use purse_terminal::virtual_card::VirtualCard;
use purse_tests::bench_card::CommonCard;
use purse_tests::scheme::{
    Profile, TIME, VERSION, acknowledge, debit, eur, key_pair, master, own_key, party, pay_details, pin,
    private_key, script,
};

/// Everything that has crossed, in order.
type Exchanges = Rc<RefCell<Vec<(Vec<u8>, Vec<u8>)>>>;

/// Keeps what crosses.
struct Recorded<T>(T, Exchanges);

impl<T: Transport> Transport for Recorded<T> {
    fn transmit<'a>(
        &mut self,
        command: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError> {
        let answer = self.0.transmit(command, response)?;
        self.1.borrow_mut().push((command.to_vec(), answer.to_vec()));
        Ok(answer)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.0.reset()
    }

    fn name(&self) -> &str {
        self.0.name()
    }
}

fn raw(rig: &mut Recorded<&mut Rig>, command: &[u8]) {
    rig.transmit(command, &mut EMPTY_RESPONSE.clone()).unwrap();
}

/// Both cards made, a load, purchases, a refund, an unload, a collection, a recovery; a holder's commands; every file;
/// scripts; and commands that a card refuses.
fn story() -> Vec<(Vec<u8>, Vec<u8>)> {
    let exchanges = Exchanges::default();
    for (role, profile) in [
        (Role::Purse, Profile::purse(1, 0)),
        (Role::Purse, Profile::purse(3, 0).with_key_pair()),
        (Role::Merchant, Profile::sam(2, 0)),
    ] {
        let blank = InProcess::new(VirtualCard::in_memory("blank", role));
        personalise(Recorded(blank, exchanges.clone()), &profile);
    }
    let World { mut purse, mut sam, mut issuer, .. } = World::new();
    {
        let mut purse = Client::select(Recorded(&mut purse, exchanges.clone())).unwrap();
        let mut sam = Client::select(Recorded(&mut sam, exchanges.clone())).unwrap();
        let load = Load { account: HOLDER, currency: eur(), amount: Amount(20_00), time: TIME };
        load::load(&mut purse, &mut issuer, &load).unwrap();
        purchase(&mut purse, &mut sam, &payment(3_50)).unwrap();
        sell(&mut purse, &mut sam, &payment(1_00)).unwrap();
        let operator_pin = &pin(OPERATOR);
        let refund = Refund { currency: eur(), amount: Amount(2_00), time: TIME, operator_pin };
        refund::refund(&mut purse, &mut sam, &refund).unwrap();
        let unload = Unload { currency: eur(), amount: Amount(5_00), time: TIME };
        unload::unload(&mut purse, &mut issuer, &unload).unwrap();
        history(&mut purse).unwrap();
        collect(&mut sam, &mut issuer, TIME).unwrap();
        purse.verify(&pin(PIN)).unwrap();
        purse.lock().unwrap();
        purse.unlock().unwrap();
        purse.balance(0).unwrap();
        sell(&mut purse, &mut sam, &payment(1_00)).unwrap();
    }
    {
        let mut recorded = [&mut purse, &mut sam].map(|rig| Recorded(rig, exchanges.clone()));
        let cards = recorded.iter_mut().map(|card| Client::select(card as &mut dyn Transport).unwrap());
        recover(&mut cards.collect::<Vec<_>>(), Some(&mut issuer));
    }
    {
        let mut payer = CommonCard::new(&Profile::purse(3, 50_00).with_key_pair());
        let transfer = pay_details(Kind::Transfer, 5_00, (party(3), 0), (party(4), 0));
        let mut refused = key_pair(party(3)).certificate;
        refused.body.role = Role::Merchant;
        for command in [
            Command::Select(Selection::Application(&APPLICATION), true),
            Command::GetData(TAG_CERTIFICATE),
            Command::VerifyCertificate(refused),
            Command::VerifyCertificate(key_pair(party(4)).certificate),
            debit(&transfer),
            Command::GetProof(Sequence(0)),
            acknowledge(&transfer),
        ] {
            let answer = payer.transmit(command.emit().as_bytes());
            let response = [answer.data.as_slice(), &answer.status.emit()].concat();
            exchanges.borrow_mut().push((command.emit().as_bytes().to_vec(), response));
        }
    }
    let mut purse = Recorded(&mut purse, exchanges.clone());
    raw(&mut purse, Command::ChangePin(pin(PIN), pin("87654321")).emit().as_bytes());
    raw(&mut purse, Command::Verify(Some(pin(OPERATOR))).emit().as_bytes());
    for tag in [TAG_PIN_TRIES, TAG_LOG_FORMAT, [0x7F, 0x21]] {
        raw(&mut purse, Command::GetData(tag).emit().as_bytes());
    }
    for file in File::ALL {
        if let Some(identifier) = file.identifier() {
            raw(&mut purse, Command::Select(Selection::File(identifier), true).emit().as_bytes());
        }
        if let Some(identifier) = file.short_identifier() {
            raw(&mut purse, Command::ReadBinary(Some(identifier), 0).emit().as_bytes());
            raw(&mut purse, Command::ReadRecord(Some(identifier), 1).emit().as_bytes());
        }
    }
    raw(&mut purse, &script(party(1), 1, &Parameter::PinTries));
    for odd in ["80A40000", "00FF0000", "805403", "0020008009241234FFFFFFFFFF", "80E2000003801008"] {
        raw(&mut purse, &hex::decode(odd).unwrap());
    }
    drop(purse);
    exchanges.take()
}

/// Every byte is in exactly one field without parts, and parts fill their field.
#[track_caller]
fn assert_tiled(bytes: &[u8], reading: &Reading) {
    fn tile(fields: &[Field], from: usize, to: usize) {
        let mut next = from;
        for field in fields {
            assert!(field.length > 0 && field.offset == next, "{field:?} after {next}");
            next += field.length;
            if !field.parts.is_empty() {
                tile(&field.parts, field.offset, next);
            }
        }
        assert_eq!(next, to);
    }
    tile(&reading.fields, 0, bytes.len());
}

/// What nobody knows is called so.
fn is_understood(reading: &Reading) -> bool {
    reading
        .leaves()
        .iter()
        .all(|leaf| !["unknown", "data", "body", "too many bytes"].contains(&leaf.name.as_ref()))
}

#[test]
fn every_byte_of_a_whole_story_has_one_name() {
    let story = story();
    assert!(story.len() > 80, "{}", story.len());
    for (command, response) in &story {
        let readings = explain(command, &Hint { object: Some(Object::Command), response_to: None }).unwrap();
        let [reading] = readings.as_slice() else { panic!("{readings:#?}") };
        assert_tiled(command, reading);
        match Request::parse(command) {
            Ok(_) => assert!(is_understood(reading) && reading.answer.is_none(), "{reading:#?}"),
            Err(status) => {
                assert_eq!(reading.answer, Some(status));
                assert!(response.ends_with(&status.emit()), "a card answers so");
            }
        }
        let readings = explain(response, &Hint { object: None, response_to: Some(command) }).unwrap();
        let [reading] = readings.as_slice() else { panic!("{readings:#?}") };
        assert_tiled(response, reading);
        assert!(is_understood(reading) && reading.notes.is_empty(), "{reading:#?}");
    }
}

#[test]
fn what_crosses_is_recognised_without_a_hint() {
    for (command, response) in story() {
        for (bytes, object) in [(&command, Object::Command), (&response, Object::Response)] {
            if object == Object::Command && Request::parse(bytes).is_err() {
                continue;
            }
            let object = if bytes.len() == 2 { Object::Status } else { object };
            let readings = explain(bytes, &Hint::default()).unwrap();
            assert_eq!(readings[0].object, object, "{readings:#?}");
            assert!(is_understood(&readings[0]), "{readings:#?}");
            for reading in &readings {
                assert_tiled(bytes, reading);
            }
        }
    }
}

#[test]
fn no_reading_of_a_story_leaves_a_pin_or_a_key_in_sight() {
    let mut secrets: Vec<Vec<u8>> = [PIN, OPERATOR, "87654321"]
        .iter()
        .map(|digits| PinBlock::from_digits(digits).unwrap().emit()[..=digits.len() / 2].to_vec())
        .collect();
    for number in [1, 2] {
        secrets.extend(KeyPurpose::ALL.map(|purpose| own_key(purpose, party(number), VERSION).0.to_vec()));
    }
    secrets.push(master(KeyPurpose::Payment, VERSION).0.to_vec());
    secrets.push(private_key(party(3)).0.to_vec());
    let mut seen = vec![false; secrets.len()];
    for (command, _) in story() {
        let hints = Object::ALL.map(Some).into_iter().chain([None]);
        for readings in hints.filter_map(|object| explain(&command, &Hint { object, response_to: None }).ok())
        {
            for (place, secret) in secrets.iter().enumerate() {
                let Some(start) = command.windows(secret.len()).position(|window| window == secret) else {
                    continue;
                };
                seen[place] = true;
                for reading in &readings {
                    let open = reading.leaves().into_iter().find(|leaf| {
                        !leaf.secret && leaf.offset < start + secret.len() && start < leaf.range().end
                    });
                    assert!(open.is_none(), "{open:?} of {reading:#?}");
                }
            }
        }
    }
    assert!(seen.iter().all(|seen| *seen), "{seen:?}");
}

/// Bytes that begin like something.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let command = (0..COMMANDS.len(), vec(any::<u8>(), 0..80)).prop_map(|(row, rest)| {
        let row = &COMMANDS[row];
        [&[row.class, row.instruction][..], &rest].concat()
    });
    let beginnings = prop_oneof![
        Just(vec![0x6F]),
        Just(vec![0x61]),
        Just(vec![0x7F, 0x21]),
        Just(vec![0x3B]),
        Just(vec![0x15, 0x11, 0x1F]),
        Just(vec![0x80, 0x01, 0x11]),
        Just(vec![0x80, 0xE2, 0x00, 0x00]),
        Just(vec![0x9F, 0x4F]),
        Just(vec![0x80, 0x20, 0x20]),
        Just(vec![0x7F, 0x21, 0x93, 0x7F, 0x4E, 0x4D]),
    ];
    let begun = (beginnings, vec(any::<u8>(), 0..64)).prop_map(|(first, rest)| [first, rest].concat());
    let lengths =
        prop_oneof![Just(8), Just(27), Just(29), Just(31), Just(36), Just(50), Just(177), 0..300_usize];
    let any_bytes = lengths.prop_flat_map(|length| vec(prop_oneof![any::<u8>(), 0..8_u8], length));
    prop_oneof![command, begun, any_bytes]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_named_whole_or_refused(bytes in bytes(), command in bytes()) {
        for object in Object::ALL.map(Some).into_iter().chain([None]) {
            for response_to in [None, Some(command.as_slice())] {
                match explain(&bytes, &Hint { object, response_to }) {
                    Ok(readings) => {
                        prop_assert!(!readings.is_empty());
                        prop_assert!(readings.is_sorted_by_key(|reading| std::cmp::Reverse(reading.fit)));
                        for reading in &readings {
                            assert_tiled(&bytes, reading);
                        }
                    }
                    Err(misfit) => prop_assert!(misfit.offset <= bytes.len()),
                }
            }
        }
    }

    #[test]
    fn a_command_is_answered_as_the_table_says(bytes in bytes()) {
        if let Ok(readings) = explain(&bytes, &Hint { object: Some(Object::Command), response_to: None }) {
            prop_assert_eq!(readings[0].answer, Request::parse(&bytes).err());
            prop_assert!(readings[0].fit != Fit::Exact || Request::parse(&bytes).is_ok());
        }
    }

    #[test]
    fn nested_templates_end(depth in 0..400_usize) {
        let mut bytes = Vec::new();
        for level in (0..depth.min(63)).rev() {
            bytes.extend([0x6F, u8::try_from(2 * level).unwrap()]);
        }
        let reading = explain(&bytes, &Hint { object: Some(Object::Control), response_to: None });
        prop_assert_eq!(reading.is_ok(), !bytes.is_empty());
    }
}
