//! The data elements of the standard, whoever uses them: their bounds, codes, names and lengths, and what they show to a
//! developer (sections 2, 4, 5 and 6).
#![cfg(feature = "software")]

use apdu_spec::answer_to_reset::{GET_RESPONSE, GET_RESPONSE_CLASSES};
use apdu_spec::command::apdu::{LONGEST_COMMAND, LONGEST_RESPONSE};
use apdu_spec::command::{COMMANDS, Command, CommandBytes, Initialized, PocketBalance, Proof};
use apdu_spec::command::{Request, Row, Script, response::parse_authenticator};
use apdu_spec::cryptography::{Authenticator, Engine, KeyBytes};
use apdu_spec::element::{Amount, Currency, DataError, Expiry, KeyVersion, Kind, Role, Sequence};
use apdu_spec::file::{File, IdentityFile};
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::number::PartyNumber;
use apdu_spec::parameter::{LONGEST_VALUE, SCRIPT_OVERHEAD};
use apdu_spec::personalisation::MASTER_LENGTH;
use apdu_spec::pin::PinBlock;
use apdu_spec::record::{RecordRole, RecordState};
use apdu_spec::software::Software;
use apdu_spec::status::StatusWord;
use apdu_spec::status_block::StatusBlock;
use apdu_spec::wire::Writer;

fn digits(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| byte >> 4 <= 9 && byte & 15 <= 9)
}

/// Two bytes of digits as a number.
fn number(bytes: [u8; 2]) -> u16 {
    format!("{:02x}{:02x}", bytes[0], bytes[1]).parse().unwrap()
}

#[test]
fn a_currency_is_three_digits_but_000() {
    for code in 1..=999_u16 {
        let currency = Currency::from_numeric(code).unwrap();
        assert_eq!((number(currency.0), currency.numeric()), (code, code));
    }
    for code in [0, 1000, u16::MAX] {
        assert!(Currency::from_numeric(code).is_err(), "{code}");
    }
    for bytes in (0..=u16::MAX).map(u16::to_be_bytes) {
        let currency = Currency(bytes);
        let is_valid = digits(&bytes) && (1..=999).contains(&number(bytes));
        assert_eq!(currency.is_valid(), is_valid, "{bytes:02X?}");
        if digits(&bytes) {
            assert_eq!(currency.numeric(), number(bytes));
        }
    }
}

#[test]
fn an_expiry_is_two_digits_of_a_year_and_a_month() {
    for bytes in (0..=u16::MAX).map(u16::to_be_bytes) {
        let is_valid = digits(&bytes) && (1..=12).contains(&(number(bytes) % 100));
        assert_eq!(Expiry(bytes).is_valid(), is_valid, "{bytes:02X?}");
    }
}

#[test]
fn sequences_go_up_by_one_and_end_before_the_last_value() {
    assert_eq!(Sequence(0).next(), Some(Sequence(1)));
    assert_eq!(Sequence(0xFFFF_FF00).next(), Some(Sequence(0xFFFF_FF01)));
    assert_eq!(Sequence(0xFFFF_FFFD).next(), Some(Sequence(0xFFFF_FFFE)));
    assert_eq!(Sequence(0xFFFF_FFFE).next(), None);
    assert_eq!(Sequence(0xFFFF_FFFF).next(), None);
    assert_eq!(Sequence(0x0102_0304).emit(), [1, 2, 3, 4]);
    assert_eq!(Sequence::parse([1, 2, 3, 4]), Sequence(0x0102_0304));
    assert_eq!(Sequence(4711).to_string(), "4711");
}

#[test]
fn amounts_neither_overflow_nor_fall_below_nothing() {
    let most = Amount(u32::MAX);
    assert_eq!(Amount(7).checked_add(Amount(5)), Some(Amount(12)));
    assert_eq!(most.checked_add(Amount(1)), None);
    assert_eq!(Amount(7).checked_sub(Amount(5)), Some(Amount(2)));
    assert_eq!(Amount(5).checked_sub(Amount(7)), None);
    assert_eq!(Amount::parse(Amount(0x0102_0304).emit()), Amount(0x0102_0304));
}

#[test]
fn a_party_has_sixteen_digits_that_add_up() {
    let good: PartyNumber = "9555000000000018".parse().unwrap();
    assert_eq!(good.to_string(), "9555000000000018");
    assert_eq!(good.digits(), 9_555_000_000_000_018);
    assert_eq!(PartyNumber::with_check_digit(955_500_000_000_001), Some(good));
    for payload in [0, 1_000_000_000_000_000] {
        assert_eq!(PartyNumber::with_check_digit(payload), None);
    }
    assert_eq!(
        PartyNumber::with_check_digit(999_999_999_999_999).map(|number| number.to_string().len()),
        Some(16)
    );
    for wrong in ["", "955500000000001", "09555000000000018", "955500000000001x", "+555000000000018"] {
        assert!(wrong.parse::<PartyNumber>().is_err(), "{wrong}");
    }
    // A digit above 9 anywhere, with any other last digit, also where the sum would be right.
    for nibble in 0..15 {
        let shift = if nibble % 2 == 0 { 4 } else { 0 };
        for value in 10..16_u8 {
            for last in 0..10 {
                let mut bytes = good.0;
                bytes[7] = bytes[7] & 0xF0 | last;
                bytes[nibble / 2] = bytes[nibble / 2] & (0x0F_u8.rotate_left(4 - shift)) | value << shift;
                assert!(PartyNumber::parse(bytes).is_err(), "{bytes:02X?}");
            }
        }
    }
}

#[test]
fn every_code_has_one_meaning_and_every_other_none() {
    for code in 0..=255 {
        let kind = Kind::ALL.into_iter().find(|kind| kind.code() == code);
        assert_eq!(Kind::parse(code).ok(), kind);
        assert_eq!(kind.is_some(), (1..=5).contains(&code));
        let life_cycle = LifeCycle::ALL.into_iter().find(|life_cycle| life_cycle.code() == code);
        assert_eq!(LifeCycle::parse(code).ok(), life_cycle);
        assert_eq!(life_cycle.is_some(), [0x01, 0x04, 0x06, 0x07, 0x0C].contains(&code));
        let (role, record, state) = (Role::parse(code), RecordRole::parse(code), RecordState::parse(code));
        assert_eq!(role.map(Role::code).ok(), Some(code).filter(|code| (1..=2).contains(code)));
        assert_eq!(record.map(RecordRole::code).ok(), Some(code).filter(|code| (1..=4).contains(code)));
        assert_eq!(state.map(RecordState::code).ok(), Some(code).filter(|code| *code <= 3));
    }
}

#[test]
fn everything_is_called_as_the_standard_calls_it() {
    assert_eq!(Kind::ALL.map(Kind::name), ["load", "unload", "purchase", "refund", "transfer"]);
    assert_eq!(LifeCycle::ALL.map(LifeCycle::name), ["blank", "blocked", "locked", "active", "terminated"]);
    let roles = [1, 2, 3, 4].map(|code| RecordRole::parse(code).unwrap().name());
    assert_eq!(roles, ["payer", "payee", "declined", "reversal"]);
    let states = [0, 1, 2, 3].map(|code| RecordState::parse(code).unwrap().name());
    assert_eq!(states, ["open", "settled", "reversed", "refunded"]);
    assert_eq!(File::ALL.map(File::name), ["MF", "EF.DIR", "DF.PURSE", "EF.ID", "EF.LOG", "EF.EXC"]);
    let mut names: Vec<_> = COMMANDS.iter().map(|row| row.authorisation.name()).collect();
    names.sort_unstable();
    names.dedup();
    let expected = [
        "MAC by ADMN",
        "PIN in the command",
        "PIN verified",
        "ack",
        "nack",
        "none",
        "req, PIN above the limits",
        "secure room",
        "signature of the issuer",
        "val",
    ];
    assert_eq!(names, expected);
    for (place, status) in StatusWord::ALL.iter().enumerate() {
        let meaning = status.meaning();
        assert!(!meaning.is_empty());
        assert!(StatusWord::ALL[..place].iter().all(|other| other.meaning() != meaning), "{meaning}");
    }
}

#[test]
fn status_words_carry_their_number() {
    for number in 0..=255_u8 {
        let low = u16::from(number);
        assert_eq!(StatusWord::MoreData(number).code(), 0x6100 + low);
        assert_eq!(StatusWord::WrongExpected(number).code(), 0x6C00 + low);
        assert_eq!(StatusWord::from_code(0x6100 + low), Some(StatusWord::MoreData(number)));
        assert_eq!(StatusWord::from_code(0x6C00 + low), Some(StatusWord::WrongExpected(number)));
        assert!(StatusWord::MoreData(number).is_same_kind(StatusWord::MoreData(0)));
        assert!(!StatusWord::MoreData(number).is_same_kind(StatusWord::WrongExpected(number)));
    }
    for left in 0..=15 {
        assert_eq!(StatusWord::WrongPin(left).emit(), [0x63, 0xC0 + left]);
        assert_eq!(StatusWord::from_code(0x63C0 + u16::from(left)), Some(StatusWord::WrongPin(left)));
    }
}

#[test]
fn a_command_answers_what_its_row_lists_and_what_comes_before_every_command() {
    for row in &COMMANDS {
        for status in StatusWord::ALL {
            let listed = |all: &[StatusWord]| all.iter().any(|other| other.is_same_kind(status));
            let expected = listed(row.status_words) || listed(Row::COMMON);
            assert_eq!(row.lists(status), expected, "{} {status:?}", row.name);
        }
        assert!(row.lists(StatusWord::UnknownClass) && !row.lists(StatusWord::MoreData(1)), "{}", row.name);
    }
}

#[test]
fn a_scripts_mac_covers_everything_before_it() {
    for length in 0..=28_u8 {
        let value: Vec<u8> = (1..=length).collect();
        let script = Script { counter: 0x0A0B_0C0D, id: 0x02, value: &value, mac: Authenticator([0; 8]) };
        let covered = script.signed(<[u8]>::to_vec);
        assert_eq!(covered, [&[0x80, 0x58, 0, 0, 0x0A, 0x0B, 0x0C, 0x0D, 0x02], &value[..]].concat());
        let sent = Command::UpdateParameter(script).emit();
        assert_eq!(sent.as_bytes()[..5], [0x80, 0x58, 0, 0, 13 + length]);
        assert_eq!(sent.as_bytes()[5..10 + usize::from(length)], covered[4..]);
    }
}

#[test]
fn lengths_are_those_of_the_tables() {
    // ISO/IEC 7816-4 § 5.2: CLA INS P1 P2, Lc, 255 bytes, Le; 256 bytes and SW1 SW2.
    assert_eq!((LONGEST_COMMAND, LONGEST_RESPONSE), (261, 258));
    assert_eq!(IdentityFile::LENGTH, 0xB1);
    // Counter, id and MAC; pocket, currency, exponent and six limits; key version and key.
    assert_eq!((SCRIPT_OVERHEAD, LONGEST_VALUE, MASTER_LENGTH), (13, 28, 17));
    assert_eq!((GET_RESPONSE, GET_RESPONSE_CLASSES), (0xC0, [0x00, 0x80]));
}

#[test]
fn an_answer_is_as_long_as_it_should_be() {
    for length in 0..64 {
        let bytes = vec![0; length];
        assert_eq!(Initialized::parse(&bytes).is_ok(), length == 20);
        assert_eq!(Proof::parse(&bytes).is_ok(), length == 16);
        assert_eq!(parse_authenticator(&bytes).is_ok(), length == 8);
        assert_eq!(PocketBalance::parse(&bytes).is_ok(), length == 11);
    }
}

#[test]
fn read_binary_says_offset_and_file_in_p1_and_p2() {
    let sent = |command: Command<'_>| command.emit().as_bytes().to_vec();
    assert_eq!(sent(Command::ReadBinary(None, 0x1234)), [0x00, 0xB0, 0x12, 0x34, 0]);
    assert_eq!(sent(Command::ReadBinary(Some(0x15), 0x34)), [0x00, 0xB0, 0x95, 0x34, 0]);
    assert_eq!(sent(Command::ReadRecord(Some(0x18), 7)), [0x00, 0xB2, 7, 0xC4, 50]);
    assert_eq!(sent(Command::ReadRecord(None, 7)), [0x00, 0xB2, 7, 0x04, 50]);
}

#[test]
fn authenticators_are_equal_in_every_byte_or_not_at_all() {
    let good = Authenticator([1, 2, 3, 4, 5, 6, 7, 8]);
    assert!(good == Authenticator(good.0));
    for place in 0..8 {
        for bit in 0..8 {
            let mut other = good;
            other.0[place] ^= 1 << bit;
            assert!(good != other);
        }
    }
}

#[test]
fn what_holds_a_secret_shows_its_name() {
    let key = KeyBytes([0xC7; 16]);
    assert_eq!(format!("{key:?}"), "KeyBytes(..)");
    assert_eq!(format!("{:?}", Software.load(&key)), "SoftwareKey(..)");
    let pin = PinBlock::from_digits("7777").unwrap();
    assert_eq!(format!("{pin:?}"), "PinBlock(..)");
    let command = Command::Verify(Some(pin));
    let apdu = command.emit();
    let bytes = CommandBytes::parse(apdu.as_bytes()).unwrap();
    assert_eq!(format!("{command:?}"), "Command(VERIFY)");
    assert_eq!(format!("{apdu:?}"), "Apdu(13 bytes)");
    assert_eq!(format!("{bytes:?}"), "CommandBytes(00 20 00 80 ..)");
    assert_eq!(format!("{:?}", bytes.body().unwrap()), "Body(8 bytes, expected None)");
    assert_eq!(format!("{:?}", Request::parse(apdu.as_bytes()).unwrap()), "Request(VERIFY, 8 bytes)");
}

#[test]
fn a_status_block_of_another_version_is_refused() {
    let blank = StatusBlock {
        life_cycle: LifeCycle::Blank,
        role: Role::Purse,
        number: PartyNumber::NONE,
        key_version: KeyVersion::NONE,
        sequence: Sequence(0),
        currency: Currency([0; 2]),
        exponent: 0,
        balance: Amount::ZERO,
        expiry: Expiry([0; 2]),
        maximum_balance: Amount::ZERO,
    };
    let mut bytes = blank.emit();
    assert_eq!((StatusBlock::parse(&bytes), bytes[0]), (Ok(blank), 1));
    for version in [0, 2, 0xFF] {
        bytes[0] = version;
        assert_eq!(StatusBlock::parse(&bytes), Err(DataError::Value));
    }
}

#[test]
fn what_finds_no_room_is_not_finished() {
    let mut bytes = [0; 3];
    let mut writer = Writer::new(&mut bytes);
    writer.put(&[1, 2]).put(&[3, 4]);
    assert_eq!(writer.finish(), None);
    writer.clear();
    writer.put(&[5, 6, 7]);
    assert_eq!((writer.finish(), bytes), (Some(3), [5, 6, 7]));
}
