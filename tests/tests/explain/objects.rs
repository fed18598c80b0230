//! Each kind of object, in the standard's names.

use apdu_spec::answer_to_reset::{ATR_T0, ATR_T1};
use apdu_spec::certificate::TAG_CERTIFICATE;
use apdu_spec::command::table::LOG_FORMAT;
use apdu_spec::command::{Command, DebitData, InitializeData, Initialized, PocketBalance, Proof, Voucher};
use apdu_spec::cryptography::{Authenticator, Tac};
use apdu_spec::element::{Amount, Expiry, KeyVersion, Kind, Role, Sequence};
use apdu_spec::file::{
    DIRECTORY, DIRECTORY_CONTROL, IDENTITY_CONTROL, IdentityFile, MASTER_CONTROL, exceptions_control,
    log_control, purse_control,
};
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::parameter::{Parameter, Resolution};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::personalisation::PocketGroup;
use apdu_spec::pocket::PocketParameters;
use apdu_spec::record::{LogRecord, RecordRole, RecordState};
use apdu_spec::status::StatusWord;
use apdu_spec::status_block::StatusBlock;
use purse_terminal::explain::{Fit, Hint, Object, Reading, explain, status_meaning};
use purse_tests::scheme::{PURSE_LIMITS, Profile, TIME, eur, issuer, key_pair, party, pin, script};

const TAC: Tac = Tac([0x77; 8]);
const WORD: Authenticator = Authenticator([0x55; 8]);

fn details() -> PayDetails {
    PayDetails {
        kind: Kind::Purchase,
        key_version: KeyVersion(1),
        currency: eur(),
        amount: Amount(350),
        from: party(1),
        from_sequence: Sequence(7),
        to: party(2),
        to_sequence: Sequence(700),
        time: TIME,
    }
}

fn status() -> StatusBlock {
    StatusBlock {
        life_cycle: LifeCycle::Active,
        role: Role::Merchant,
        number: party(2),
        key_version: KeyVersion(1),
        sequence: Sequence(4),
        currency: eur(),
        exponent: 2,
        balance: Amount(12_34),
        expiry: Expiry([0x31, 0x11]),
        maximum_balance: Amount(150_00),
    }
}

/// The one reading, found without a hint.
#[track_caller]
fn only(bytes: &[u8], object: Object) -> Reading {
    let readings = explain(bytes, &Hint::default()).unwrap();
    let [reading] = readings.as_slice() else { panic!("{readings:#?}") };
    assert_eq!(reading.object, object, "{reading:#?}");
    reading.clone()
}

#[track_caller]
fn answering(response: &[u8], command: &[u8]) -> Reading {
    explain(response, &Hint { object: None, response_to: Some(command) }).unwrap().remove(0)
}

/// Name, hexadecimal and meaning of fields.
type Fields = &'static [(&'static str, &'static str, &'static str)];

/// Has these fields, in this order, among others: name, hexadecimal, meaning.
#[track_caller]
fn says(bytes: &[u8], reading: &Reading, expected: &[(&str, &str, &str)]) {
    let mut leaves = reading.leaves().into_iter();
    for (name, value, meaning) in expected {
        let found = leaves.any(|leaf| {
            leaf.name == *name
                && hex::encode_upper(&bytes[leaf.range()]) == *value
                && leaf.meaning.as_deref().unwrap_or("") == *meaning
        });
        assert!(found, "no {name} {value} {meaning}, in its place, in {reading:#?}");
    }
}

fn done(data: &[u8]) -> Vec<u8> {
    [data, &StatusWord::Success.emit()].concat()
}

const PD_FIELDS: [(&str, &str, &str); 9] = [
    ("kind", "03", "purchase"),
    ("key version", "01", "1"),
    ("currency", "0978", "EUR, Euro"),
    ("amount", "0000015E", "3.50 EUR"),
    ("from", "9555000000000018", "9555000000000018"),
    ("from sequence", "00000007", "7"),
    ("to", "9555000000000026", "9555000000000026"),
    ("to sequence", "000002BC", "700"),
    ("time", "6B49D200", "2027-01-15T08:00:00Z"),
];

#[test]
fn pay_details_say_all_that_was_agreed_on() {
    let bytes = details().emit();
    let reading = only(&bytes, Object::PayDetails);
    assert_eq!((reading.title.as_str(), reading.fit), ("PD of a purchase", Fit::Exact));
    says(&bytes, &reading, &PD_FIELDS);
}

#[test]
fn a_log_record_says_its_role_state_and_balance() {
    let record = LogRecord {
        pay_details: details(),
        role: RecordRole::Payer,
        state: RecordState::Open,
        balance: Amount(16_50),
        tac: TAC,
    };
    let behind = [("role", "01", "payer"), ("state", "00", "open"), ("balance", "00000672", "16.50 EUR")];
    let fields = [&PD_FIELDS[..], &behind].concat();
    let reading = only(&record.emit(), Object::Record);
    assert_eq!(reading.title, "log record of a purchase, payer, open");
    says(&record.emit(), &reading, &fields);
    let response = done(&record.emit());
    says(&response, &only(&response, Object::Response), &fields);
    says(&response, &answering(&response, Command::ReadEntry(Sequence(7)).emit().as_bytes()), &fields);
}

#[test]
fn every_fci_says_whose_it_is() {
    let control = purse_control(&status());
    let cases: [(&[u8], &str); 6] = [
        (&MASTER_CONTROL, "FCI of MF"),
        (&DIRECTORY_CONTROL, "FCI of EF.DIR"),
        (&control, "FCI of DF.PURSE"),
        (&IDENTITY_CONTROL, "FCI of EF.ID"),
        (&log_control(32), "FCI of EF.LOG"),
        (&exceptions_control(8), "FCI of EF.EXC"),
    ];
    for (bytes, title) in cases {
        assert_eq!(only(bytes, Object::Control).title, title);
        assert_eq!(only(&done(bytes), Object::Response).title, format!("response to SELECT, {title}"));
    }
    let expected = [
        ("value", "F0505552534501", "DF.PURSE"),
        ("life cycle", "07", "active"),
        ("role", "02", "merchant SAM"),
        ("balance", "000004D2", "12.34 EUR"),
        ("expiry", "3111", "2031-11"),
    ];
    says(&control, &only(&control, Object::Control), &expected);
    says(&status().emit(), &only(&status().emit(), Object::StatusBlock), &expected[1..]);
    let log = log_control(512);
    let expected = [
        ("descriptor byte", "06", "cyclic EF, records of fixed length"),
        ("record length", "0032", "50 bytes"),
        ("number of records", "FF", "255 or more"),
        ("value", "0018", "EF.LOG"),
    ];
    says(&log, &only(&log, Object::Control), &expected);
}

#[test]
fn files_and_data_objects_are_known_by_their_form() {
    let mut pockets = [PocketParameters::UNUSED; 5];
    pockets[0] = PocketParameters { currency: eur(), exponent: 2, limits: PURSE_LIMITS };
    let file =
        IdentityFile { status: status(), issuer: issuer(), administration_counter: 9, flags: 1, pockets };
    let reading = only(&file.emit(), Object::Identity);
    let expected = [
        ("sequence", "00000004", "4"),
        ("issuer number", "9555000000000000", "9555000000000000"),
        ("last ADMN counter", "00000009", "9"),
        ("flags", "01", "disposable"),
        ("one debit without PIN", "000009C4", "25.00 EUR"),
        ("currency", "0000", "none"),
    ];
    says(&file.emit(), &reading, &expected);
    assert_eq!(reading.fields.last().unwrap().meaning.as_deref(), Some("unused"));
    let expected = [("value", "F0505552534501", "DF.PURSE"), ("value", "5055525345", "\"PURSE\"")];
    says(&DIRECTORY, &only(&DIRECTORY, Object::Directory), &expected);
    let tries = [0x9F, 0x17, 0x01, 0x02];
    says(&tries, &only(&tries, Object::DataObject), &[("value", "02", "tries left: 2")]);
    let expected = [("PD", "C224", "36 bytes"), ("TAC", "C608", "8 bytes")];
    says(&LOG_FORMAT, &only(&LOG_FORMAT, Object::DataObject), &expected);
}

#[test]
fn a_pocket_and_a_number_stand_for_themselves() {
    let parameters = PocketParameters { currency: eur(), exponent: 2, limits: PURSE_LIMITS };
    let pocket = parameters.emit();
    says(&pocket, &only(&pocket, Object::Pocket), &[("maximum balance", "00003A98", "150.00 EUR")]);
    let group = PocketGroup { parameters, balance: Amount(5) }.emit();
    says(&group, &only(&group, Object::Pocket), &[("initial balance", "00000005", "0.05 EUR")]);
    assert_eq!(only(&party(1).0, Object::Number).fit, Fit::Exact);
    let wrong = hex::decode("9555000000000019").unwrap();
    let meaning = "nobody's: its digits or its check digit are wrong";
    says(&wrong, &only(&wrong, Object::Number), &[("purse number", "9555000000000019", meaning)]);
}

#[test]
fn the_exponent_of_a_card_comes_before_that_of_the_currency() {
    let balance =
        PocketBalance { currency: eur(), exponent: 3, balance: Amount(1234), maximum_balance: Amount(0) };
    let response = done(&balance.emit());
    says(&response, &only(&response, Object::Response), &[("balance", "000004D2", "1.234 EUR")]);
    let unknown = PayDetails { currency: apdu_spec::element::Currency([0x09, 0x98]), ..details() }.emit();
    let expected =
        [("currency", "0998", "not a currency of ISO 4217"), ("amount", "0000015E", "minor units: 350")];
    says(&unknown, &only(&unknown, Object::PayDetails), &expected);
}

#[test]
fn answers_to_reset_are_taken_apart() {
    assert_eq!(only(&ATR_T1, Object::Reset).title, "answer to reset of a purse, T=1");
    assert_eq!(only(&ATR_T0, Object::Reset).title, "answer to reset of a purse, T=0");
    says(&ATR_T1, &only(&ATR_T1, Object::Reset), &[("TA3", "FE", "IFSC: 254 bytes in one block")]);
    let mut wrong = ATR_T1;
    wrong[10] ^= 1;
    let meaning = "wrong: the exclusive or from T0 on is not 0";
    says(&wrong, &only(&wrong, Object::Reset), &[("TCK", "AB", meaning)]);
    let other = hex::decode("3B9F96801FC78031E073FE211B65D001770F3B810F11").unwrap();
    let other = explain(&other, &Hint { object: Some(Object::Reset), response_to: None });
    assert!(other.is_err() || other.unwrap()[0].title.contains("another card"));
}

#[test]
fn every_status_word_says_what_it_means() {
    for status in StatusWord::ALL {
        let reading = only(&status.emit(), Object::Status);
        assert!(reading.leaves()[0].meaning.as_deref().unwrap().starts_with(status.meaning()));
    }
    assert_eq!(status_meaning(0x63C2), "wrong PIN, or none given yet, tries left: 2");
    assert_eq!(status_meaning(0x6C32), "wrong Le: 50 bytes");
    assert_eq!(status_meaning(0x6100), "more data wait for GET RESPONSE: 256 bytes");
    assert_eq!(status_meaning(0x6F00), "not a status word of the standard");
    assert_eq!(only(&[0x6F, 0x00], Object::Status).fit, Fit::Possible);
}

#[test]
fn commands_name_their_data_by_the_table() {
    let initialize = Command::Initialize(InitializeData {
        kind: Kind::Purchase,
        key_version: KeyVersion(1),
        currency: eur(),
        amount: Amount(350),
        from: party(1),
        from_sequence: Sequence(7),
        time: TIME,
    });
    let debit = Command::Debit(DebitData::new(&details(), WORD));
    let voucher = Voucher { pay_details: details(), val: WORD, tac: TAC };
    for (command, title, count) in [
        (initialize, "INITIALIZE purchase", 12),
        (debit, "DEBIT purchase", 14),
        (Command::Credit(voucher), "CREDIT", 17),
        (Command::Decline(voucher), "DECLINE", 17),
    ] {
        let bytes = command.emit();
        let reading = only(bytes.as_bytes(), Object::Command);
        assert_eq!((reading.title.as_str(), reading.fit, reading.answer), (title, Fit::Exact, None));
        assert_eq!(reading.leaves().len(), count, "{reading:#?}");
        says(bytes.as_bytes(), &reading, &[PD_FIELDS[2], PD_FIELDS[3]]);
    }
}

#[test]
fn every_script_names_its_parameter() {
    let parameters = PocketParameters { currency: eur(), exponent: 2, limits: PURSE_LIMITS };
    let resolution = Resolution::Reversed;
    let cases: [(Parameter, &str, Fields); 6] = [
        (
            Parameter::Limits { pocket: 1, limits: PURSE_LIMITS },
            "limits of a pocket",
            &[("pocket", "01", "pocket 1"), ("maximum balance", "00003A98", "minor units: 15000")],
        ),
        (
            Parameter::NewPocket { pocket: 2, parameters },
            "new pocket",
            &[("currency", "0978", "EUR, Euro"), ("maximum balance", "00003A98", "150.00 EUR")],
        ),
        (Parameter::Expiry(Expiry([0x30, 0x13])), "expiry", &[("expiry", "3013", "not a month")]),
        (Parameter::Block, "block", &[("parameter id", "05", "block")]),
        (
            Parameter::Resolve { sequence: Sequence(3), tac: TAC, resolution },
            "resolve an open record",
            &[("own sequence", "00000003", "3"), ("resolution", "02", "reversed")],
        ),
        (Parameter::ForgetMaster(KeyVersion(2)), "forget a PAYM master", &[("key version", "02", "2")]),
    ];
    for (parameter, name, fields) in cases {
        let command = script(party(1), 5, &parameter);
        let reading = only(&command, Object::Command);
        says(&command, &reading, &[&[("counter", "00000005", "5")], fields].concat());
        let data = reading.fields.iter().find(|field| field.name == "data").unwrap();
        assert_eq!(data.meaning.as_deref(), Some(format!("script: {name}").as_str()));
        let alone = &command[5..];
        let readings = explain(alone, &Hint { object: Some(Object::Script), response_to: None }).unwrap();
        says(alone, &readings[0], fields);
    }
}

const BODY_FIELDS: [(&str, &str, &str); 3] =
    [("version", "01", "of the standard"), ("issuer key index", "07", ""), ("role", "01", "purse")];

#[test]
fn a_certificate_says_whose_key_it_is() {
    let pair = key_pair(party(3));
    let object = pair.certificate.object();
    let reading = only(&object, Object::DataObject);
    assert_eq!(reading.title, "data object: certificate");
    let public = hex::encode_upper(pair.certificate.body.public_key.0);
    let behind = [
        ("purse number", "9555000000000034", "9555000000000034"),
        ("expiry", "3012", "2030-12"),
        ("public key x", &public[..64], ""),
        ("public key y", &public[64..], ""),
        ("tag", "5F37", ""),
        ("value", &hex::encode_upper(pair.certificate.signature.0), ""),
    ];
    says(&object, &reading, &[&BODY_FIELDS[..], &behind].concat());
    let response = done(&object);
    let command = Command::GetData(TAG_CERTIFICATE).emit();
    says(&response, &answering(&response, command.as_bytes()), &BODY_FIELDS);
}

#[test]
fn verify_certificate_names_every_field_of_the_certificate() {
    let certificate = key_pair(party(3)).certificate;
    let command = Command::VerifyCertificate(certificate).emit();
    let bytes = command.as_bytes();
    let reading = only(bytes, Object::Command);
    assert_eq!(reading.title, "VERIFY CERTIFICATE");
    let key = hex::encode_upper(certificate.body.public_key.0);
    let signature = hex::encode_upper(certificate.signature.0);
    let expected = [
        ("P2", "BE", "a certificate in plain"),
        ("body header", "7F4E4D", "certificate body, 77 bytes"),
        ("version", "01", "of the standard"),
        ("issuer key index", "07", ""),
        ("peer role", "01", "purse"),
        ("peer number", "9555000000000034", "9555000000000034"),
        ("peer expiry", "3012", "2030-12"),
        ("public key", &key, ""),
        ("signature header", "5F3740", "signature, 64 bytes"),
        ("signature", &signature, ""),
    ];
    says(bytes, &reading, &expected);
}

#[test]
fn the_groups_of_a_key_pair_show_everything_but_the_private_key() {
    let pair = key_pair(party(3));
    let groups = Profile::purse(3, 0).with_key_pair().groups().concat();
    let reading = only(&groups, Object::Groups);
    let issuer_key = hex::encode_upper(pair.issuer_key.0);
    let expected = [("public key x", &issuer_key[..64], ""), ("public key y", &issuer_key[64..], "")];
    says(&groups, &reading, &expected);
    says(&groups, &reading, &BODY_FIELDS);
    let private = reading.leaves().into_iter().find(|leaf| leaf.name == "private key").unwrap();
    assert!(private.secret);
    assert_eq!(groups[private.range()], pair.private_key.0);
}

#[test]
fn data_groups_show_everything_but_keys_and_pin() {
    let groups = Profile::sam(2, 12_34).groups().concat();
    let reading = only(&groups, Object::Groups);
    let hidden: Vec<&str> =
        reading.leaves().iter().filter(|leaf| leaf.secret).map(|leaf| leaf.name.as_ref()).collect();
    let keys = ["LOAD card key", "PAYM card key", "TACK card key", "ADMN card key"];
    assert_eq!(hidden.iter().filter(|name| keys.contains(name)).count(), 4);
    assert_eq!(hidden.iter().filter(|name| **name == "PAYM master").count() + 4 + 1, hidden.len());
    let expected = [("role", "02", "merchant SAM"), ("initial balance", "000004D2", "12.34 EUR")];
    says(&groups, &reading, &expected);
    says(&groups, &reading, &[("tries left", "03", "3")]);
    // A group that nobody knows may hold a key.
    let command = Command::StoreData(true, 0, &[0x80, 0x77, 0x01, 0x42]).emit();
    let reading = only(command.as_bytes(), Object::Command);
    assert!(reading.leaves().iter().any(|leaf| leaf.name == "value" && leaf.secret));
}

#[test]
fn a_response_is_named_by_its_command_or_by_its_length() {
    let proof = done(&Proof { val: WORD, tac: TAC }.emit());
    let initialized = Initialized { number: party(2), sequence: Sequence(9), req: WORD };
    let asked = done(&initialized.emit());
    let ack = done(&WORD.0);
    let title = |bytes: &[u8]| only(bytes, Object::Response).title;
    assert_eq!(title(&proof), "response to DEBIT or GET PROOF");
    assert_eq!(title(&asked), "response to INITIALIZE");
    assert_eq!(title(&ack), "response to CREDIT or DECLINE");
    assert_eq!(only(&ack, Object::Response).leaves()[0].name, "ack or nack");
    let voucher = Voucher { pay_details: details(), val: WORD, tac: TAC };
    for (command, name, meaning) in [
        (Command::Credit(voucher), "ack", "the payee has credited"),
        (Command::Decline(voucher), "nack", "the payee never will credit"),
    ] {
        let reading = answering(&ack, command.emit().as_bytes());
        says(&ack, &reading, &[(name, "5555555555555555", meaning), ("status word", "9000", "done")]);
    }
    // A status word that the command does not have, and data that it does not bring.
    let lock = Command::Lock.emit();
    assert_eq!(answering(&[0x6A, 0x84], lock.as_bytes()).notes, ["LOCK does not answer 6A84"]);
    assert_eq!(answering(&proof, lock.as_bytes()).notes.len(), 1);
}

#[test]
fn what_a_card_does_not_execute_says_why() {
    let cases = [
        ("90A40400", StatusWord::UnknownClass),
        ("00FF0000", StatusWord::UnknownInstruction),
        ("8054060000", StatusWord::WrongParameters),
        ("8054000000", StatusWord::WrongParameters),
        ("805A00000400000001", StatusWord::WrongLength),
        ("805A0000040000000108", StatusWord::WrongExpected(16)),
        ("805A00000500000001", StatusWord::WrongLength),
        ("805A000000000400000001", StatusWord::WrongLength),
        ("00A404000000", StatusWord::WrongLength),
        ("80", StatusWord::WrongLength),
    ];
    for (text, status) in cases {
        let bytes = hex::decode(text).unwrap();
        let readings = explain(&bytes, &Hint { object: Some(Object::Command), response_to: None }).unwrap();
        assert_eq!(readings[0].answer, Some(status), "{text}");
    }
    let extended = hex::decode("805A0000000004000000010000").unwrap();
    let reading = only(&extended, Object::Command);
    says(&extended, &reading, &[("extended Lc", "000004", "4 bytes"), ("own sequence", "00000001", "1")]);
    assert_eq!(reading.notes, ["an extended length: cards take short ones alone"]);
    let short = hex::decode("805A0000040000").unwrap();
    assert_eq!(only(&short, Object::Command).notes, ["Lc says 4 bytes, and 2 follow"]);
}

#[test]
fn a_pin_stays_hidden_however_its_command_is_bent_or_taken() {
    let block = pin("1234").emit();
    let verify = [&[0x00, 0x20, 0x00, 0x80, 0x08][..], &block].concat();
    let mut bent = vec![verify.clone(), [&verify[..], &[0x00, 0x00]].concat(), verify[..12].to_vec()];
    for (place, value) in [(0, 0x80), (2, 0x01), (3, 0x00), (4, 0x09), (4, 0x00), (1, 0x24)] {
        let mut other = verify.clone();
        other[place] = value;
        bent.push(other);
    }
    bent.push([&verify[..4], &[0, 0, 8], &block].concat());
    for bytes in bent {
        for object in Object::ALL.map(Some).into_iter().chain([None]) {
            for reading in explain(&bytes, &Hint { object, response_to: None }).unwrap_or_default() {
                // Lc may be anything; from the block's first byte on nothing is shown.
                let place = bytes.windows(4).position(|window| *window == block[..4]).unwrap();
                let shown =
                    reading.leaves().into_iter().find(|leaf| !leaf.secret && leaf.range().end > place);
                let shown = shown.filter(|leaf| leaf.offset < place + 4);
                assert!(shown.is_none(), "{shown:?} of {reading:#?}");
            }
        }
    }
    let echoed = answering(&done(&block), &verify);
    assert!(echoed.leaves()[0].secret);
    assert!(only(&block, Object::PinBlock).leaves()[0].secret);
}

#[test]
fn what_fits_nothing_says_where_it_came_to_an_end() {
    let error = explain(&ATR_T1[..3], &Hint::default()).unwrap_err();
    assert_eq!(error.offset, 3);
    assert!(error.to_string().contains("nearest, as atr, at offset 3: TD2 has 1 byte"), "{error}");
    let error = explain(&[1; 35], &Hint { object: Some(Object::PayDetails), response_to: None }).unwrap_err();
    assert_eq!(error.to_string(), "as pd, at offset 0: PD has 36 bytes, not 35");
    assert!(explain(&[], &Hint::default()).is_err());
}
