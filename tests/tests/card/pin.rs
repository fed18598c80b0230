//! PIN rules (sections 6 and 7).

use apdu_spec::command::Command;
use apdu_spec::parameter::Parameter;
use apdu_spec::pin::PinBlock;
use apdu_spec::status::StatusWord as Status;
use purse_tests::bench_card::CommonCard;
use purse_tests::scheme::{Profile, pin};

fn purse() -> CommonCard {
    CommonCard::new(&Profile::purse(1, 10_00))
}

fn is_verified(bench: &mut CommonCard) -> bool {
    bench.unwritten(Command::Verify(None).emit().as_bytes()).status == Status::Success
}

/// Tries left, as both ways to ask tell them.
fn tries(bench: &mut CommonCard) -> u8 {
    let data = bench.repeat(&Command::GetData([0x9F, 0x17]));
    assert_eq!((&data[..3], data.len()), (&[0x9F, 0x17, 1][..], 4));
    let asked = bench.unwritten(Command::Verify(None).emit().as_bytes()).status;
    assert!(asked == Status::Success || asked == left(data[3], false), "{asked:?}");
    data[3]
}

/// What VERIFY says with so many tries left: after a wrong PIN the last one is 63C0; whoever asks later gets 6983.
fn left(tries: u8, after_a_wrong_one: bool) -> Status {
    if tries == 0 && !after_a_wrong_one { Status::PinBlocked } else { Status::WrongPin(tries) }
}

fn change(old: &str, new: &str) -> Command<'static> {
    Command::ChangePin(pin(old), pin(new))
}

/// VERIFY or CHANGE PIN with any bytes.
fn raw(instruction: u8, blocks: &[u8]) -> Vec<u8> {
    [&[0x00, instruction, 0x00, 0x80, u8::try_from(blocks.len()).unwrap()], blocks].concat()
}

#[test]
fn three_wrong_pins_block_it_and_the_right_one_gives_all_tries_back() {
    let mut bench = purse();
    assert_eq!(tries(&mut bench), 3);
    assert_eq!(bench.try_pin("1235"), Status::WrongPin(2));
    assert_eq!(bench.try_pin("12345"), Status::WrongPin(1));
    assert_eq!(tries(&mut bench), 1);
    assert_eq!(bench.try_pin("1234"), Status::Success);
    assert_eq!(tries(&mut bench), 3);

    assert_eq!(bench.try_pin("0000"), Status::WrongPin(2));
    bench.select();
    assert_eq!(bench.try_pin("0000"), Status::WrongPin(1));
    let mut bench = bench.power_cycled();
    assert_eq!(bench.try_pin("0000"), Status::WrongPin(0));
    for _ in 0..2 {
        for digits in ["0000", "1234"] {
            bench.refuse(&Command::Verify(Some(pin(digits))), Status::PinBlocked);
            bench.refuse(&change(digits, "4321"), Status::PinBlocked);
        }
        bench.refuse(&Command::Verify(None), Status::PinBlocked);
        bench.refuse(&Command::Lock, Status::SecurityStatus);
        assert_eq!(tries(&mut bench), 0);
        bench = bench.power_cycled();
    }
    bench.accept_script(1, &Parameter::PinTries);
    assert_eq!(tries(&mut bench), 3);
    assert!(!is_verified(&mut bench), "the issuer gives tries, no authorisation");
    assert_eq!(bench.try_pin("1234"), Status::Success);
}

#[test]
fn asking_costs_nothing() {
    let mut bench = purse();
    for expected in [3, 2, 1] {
        for _ in 0..5 {
            bench.refuse(&Command::Verify(None), Status::WrongPin(expected));
        }
        bench.try_pin("0000");
    }
}

#[test]
fn a_try_is_used_up_before_the_answer() {
    // The answer is out, and power goes before the card has done anything after it.
    let mut bench = purse();
    for expected in [2, 1, 0] {
        let answer = bench.process(Command::Verify(Some(pin("0000"))).emit().as_bytes());
        assert_eq!(answer.status, Status::WrongPin(expected));
        bench = bench.power_cycled();
        assert_eq!(tries(&mut bench), expected);
    }
}

#[test]
fn the_verified_state_ends_with_a_wrong_pin_and_with_the_session() {
    let mut bench = purse();
    assert!(!is_verified(&mut bench));
    bench.verify(pin("1234"));
    assert!(is_verified(&mut bench));
    assert_eq!(bench.try_pin("4321"), Status::WrongPin(2));
    assert!(!is_verified(&mut bench));
    bench.verify(pin("1234"));
    assert_eq!(bench.send(&change("4321", "5555")).status, Status::WrongPin(2));
    assert!(!is_verified(&mut bench));
    bench.verify(pin("1234"));
    bench.select();
    assert!(!is_verified(&mut bench));
    bench.verify(pin("1234"));
    bench.card.reset();
    bench.select();
    assert!(!is_verified(&mut bench));
}

#[test]
fn a_malformed_block_uses_no_try_and_changes_nothing() {
    let good = pin("1234").emit();
    for verified in [false, true] {
        let mut bench = purse();
        if verified {
            bench.verify(pin("1234"));
        }
        let mut malformed = 0;
        for place in 0..8 {
            for value in 0..=255 {
                let mut block = good;
                block[place] = value;
                if PinBlock::parse(block).is_ok() {
                    continue;
                }
                malformed += 1;
                bench.refuse_bytes(&raw(0x20, &block), Status::WrongData);
                bench.refuse_bytes(&raw(0x24, &[block, good].concat()), Status::WrongData);
                bench.refuse_bytes(&raw(0x24, &[good, block].concat()), Status::WrongData);
            }
        }
        // 255 of the control byte, 156 of each digit pair, 255 of each filling byte.
        assert_eq!(malformed, 255 + 2 * 156 + 5 * 255);
        assert_eq!((tries(&mut bench), is_verified(&mut bench)), (3, verified));
    }
    // Of 3 and 13 digits, with a digit too few for its length, and plain text.
    let mut bench = purse();
    for block in ["23123FFFFFFFFFFF", "2D1234567890123F", "25123 4FFFFFFFFFF", "3132333400000000"] {
        let block = hex::decode(block.replace(' ', "")).unwrap();
        bench.refuse_bytes(&raw(0x20, &block), Status::WrongData);
    }
    assert_eq!(tries(&mut bench), 3);
}

#[test]
fn change_pin_is_a_verify_of_the_old_one() {
    let mut bench = purse();
    assert_eq!(bench.send(&change("0000", "4321")).status, Status::WrongPin(2));
    assert_eq!(bench.send(&change("4321", "0000")).status, Status::WrongPin(1));
    bench.succeed(&change("1234", "4321"));
    assert!(is_verified(&mut bench));
    assert_eq!(tries(&mut bench), 3);
    assert_eq!(bench.try_pin("1234"), Status::WrongPin(2));
    let mut bench = bench.power_cycled();
    assert_eq!(bench.try_pin("4321"), Status::Success);
    // The same PIN again is a change too.
    bench.succeed(&change("4321", "4321"));
    for _ in 0..3 {
        bench.send(&change("1234", "1111"));
    }
    assert_eq!(tries(&mut bench), 0);
    bench.refuse(&change("4321", "1111"), Status::PinBlocked);
}

#[test]
fn a_pin_has_four_to_twelve_digits_and_all_of_them_count() {
    let mut bench = purse();
    let mut old = "1234";
    for new in [
        "1235",
        "12350",
        "123500",
        "0000000",
        "12345678",
        "123456789",
        "1234567890",
        "12345678901",
        "123456789012",
    ] {
        bench.succeed(&change(old, new));
        bench.select();
        assert_eq!(bench.try_pin(old), Status::WrongPin(2));
        assert_eq!(bench.try_pin(new), Status::Success);
        old = new;
    }
    // Every digit that differs is noticed.
    for place in 0..12 {
        let mut digits = old.to_owned().into_bytes();
        digits[place] = b'0' + (digits[place] - b'0' + 1) % 10;
        assert_eq!(bench.try_pin(std::str::from_utf8(&digits).unwrap()), Status::WrongPin(2));
        assert_eq!(bench.try_pin(old), Status::Success);
    }
}

#[test]
fn the_pin_is_known_where_it_can_be_of_use() {
    let mut bench = purse();
    bench.lock(pin("1234"));
    bench.refuse(&change("1234", "4321"), Status::SecurityStatus);
    bench.refuse_bytes(&raw(0x24, &[0; 16]), Status::SecurityStatus);
    assert_eq!(bench.try_pin("0000"), Status::WrongPin(2));
    bench.verify(pin("1234"));
    bench.accept_script(1, &Parameter::Block);
    for command in
        [Command::Verify(None), Command::Verify(Some(pin("0000"))), Command::Verify(Some(pin("1234")))]
    {
        bench.refuse(&command, Status::ConditionsOfUse);
    }
    bench.refuse(&change("1234", "4321"), Status::ConditionsOfUse);
    assert_eq!(bench.succeed(&Command::GetData([0x9F, 0x17])), [0x9F, 0x17, 1, 3]);
    // The issuer can give tries back while it is blocked, and that does not change the PIN.
    bench.accept_script(2, &Parameter::PinTries);
    bench.accept_script(3, &Parameter::Unblock);
    bench.verify(pin("1234"));
}

#[test]
fn both_roles_have_one() {
    let mut sam = CommonCard::new(&Profile::sam(2, 0));
    assert_eq!(sam.try_pin("1234"), Status::WrongPin(2));
    assert_eq!(sam.try_pin("9999"), Status::Success);
    sam.succeed(&change("9999", "1234"));
    assert_eq!(tries(&mut sam), 3);
}
