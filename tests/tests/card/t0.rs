//! T=0 around a card (section 6): what it announces and fetches byte for byte, and that no data is other than in T=1.

use std::convert::Infallible;

use apdu_spec::answer_to_reset::GET_RESPONSE;
use apdu_spec::command::apdu::LONGEST_RESPONSE;
use apdu_spec::command::{COMMANDS, Command, ResponseLength};
use apdu_spec::element::Kind;
use purse_card::transmission::T0;
use purse_tests::bench_card::CommonCard;
use purse_tests::rows::{copy, everywhere};
use purse_tests::scheme::{
    Profile, acknowledge, debit, initialize, issuer, party, pay_details, pin, voucher,
};

/// Sends a TPDU to a card that answers so many data bytes (01, 02, ...) and this status word, and takes what
/// comes back, with the APDU that the card has seen.
fn exchange(t0: &mut T0, tpdu: &[u8], length: usize, status: u16) -> (Vec<u8>, Option<Vec<u8>>) {
    let mut response = [0; LONGEST_RESPONSE];
    let mut seen = None;
    let written = t0.exchange(tpdu, &mut response, |command, response| {
        seen = Some(command.to_vec());
        for (place, byte) in response[..length].iter_mut().enumerate() {
            *byte = u8::try_from((place + 1) & 0xFF).unwrap();
        }
        response[length..length + 2].copy_from_slice(&status.to_be_bytes());
        Ok::<_, Infallible>(length + 2)
    });
    let Ok(written) = written;
    (response[..written].to_vec(), seen)
}

#[test]
fn case_1_and_2_are_one_and_give_exactly_what_is_asked_for() {
    for length in [0, 1, 49, 50, 255, 256] {
        for p3 in 0..=255 {
            let (answer, seen) = exchange(&mut T0::new(), &[0, 0xB2, 1, 4, p3], length, 0x9000);
            assert_eq!(seen.unwrap(), [0, 0xB2, 1, 4, p3]);
            let asked = if p3 == 0 { 256 } else { usize::from(p3) };
            if length == 0 || length == asked {
                assert_eq!((answer.len(), &answer[length..]), (length + 2, &[0x90, 0][..]));
            } else {
                assert_eq!(answer, [0x6C, u8::try_from(length % 256).unwrap()]);
            }
        }
    }
    let (answer, seen) = exchange(&mut T0::new(), &[0x80, 0x78, 0, 0], 0, 0x9000);
    assert_eq!((answer, seen.unwrap()), (vec![0x90, 0], vec![0x80, 0x78, 0, 0, 0]));
}

#[test]
fn an_answer_waits_for_get_response_in_any_pieces() {
    for le in [&[][..], &[0], &[7]] {
        let mut t0 = T0::new();
        let command = [&[0, 0xA4, 0, 0, 2, 0x3F, 0][..], le].concat();
        let (answer, seen) = exchange(&mut t0, &command, 5, 0x6283);
        assert_eq!((answer, seen.unwrap()), (vec![0x61, 5], vec![0, 0xA4, 0, 0, 2, 0x3F, 0, 0]));
        let get = |p3| [0x80, GET_RESPONSE, 0, 0, p3];
        for too_much in [0, 6, 255] {
            assert_eq!(exchange(&mut t0, &get(too_much), 9, 0x9000), (vec![0x6C, 5], None));
        }
        assert_eq!(exchange(&mut t0, &[0, GET_RESPONSE, 0, 1, 5], 9, 0x9000).0, [0x6A, 0x86]);
        assert_eq!(exchange(&mut t0, &get(2), 9, 0x9000), (vec![1, 2, 0x61, 3], None));
        assert_eq!(exchange(&mut t0, &get(4), 9, 0x9000), (vec![0x6C, 3], None));
        assert_eq!(exchange(&mut t0, &get(3), 9, 0x9000), (vec![3, 4, 5, 0x62, 0x83], None));
        assert_eq!(exchange(&mut t0, &get(3), 9, 0x9000), (vec![0x69, 0x85], None));
    }
}

#[test]
fn a_card_that_gives_less_than_a_status_word_has_nothing_that_waits() {
    for given in [0, 1] {
        let mut t0 = T0::default();
        let mut response = [0; LONGEST_RESPONSE];
        let short = |_: &[u8], _: &mut _| Ok::<_, Infallible>(given);
        assert_eq!(t0.exchange(&[0, 0xA4, 0, 0, 1, 9], &mut response, short), Ok(given));
        assert_eq!(exchange(&mut t0, &[0, GET_RESPONSE, 0, 0, 0], 0, 0).0, [0x69, 0x85]);
    }
}

#[test]
fn the_longest_answer_is_announced_as_00() {
    let mut t0 = T0::new();
    assert_eq!(exchange(&mut t0, &[0, 0xA4, 0, 0, 1, 9], 256, 0x9000).0, [0x61, 0]);
    assert_eq!(exchange(&mut t0, &[0, GET_RESPONSE, 0, 0], 0, 0).0.len(), 258);
}

#[test]
fn any_other_command_and_a_reset_end_the_wait() {
    let others: [&[u8]; 5] =
        [&[0, 0xB2, 1, 4, 0], &[0, 0xB2, 1, 4], &[0, 0xA4, 0, 0, 1, 9], &[0], &[0x40, GET_RESPONSE, 0, 0, 5]];
    for other in others {
        let mut t0 = T0::new();
        exchange(&mut t0, &[0, 0xA4, 0, 0, 1, 9], 5, 0x9000);
        exchange(&mut t0, other, 0, 0x9000);
        assert_eq!(exchange(&mut t0, &[0, GET_RESPONSE, 0, 0, 5], 0, 0).0, [0x69, 0x85], "{other:02X?}");
    }
    let mut t0 = T0::new();
    exchange(&mut t0, &[0, 0xA4, 0, 0, 1, 9], 5, 0x9000);
    t0.reset();
    assert_eq!(exchange(&mut t0, &[0, GET_RESPONSE, 0, 0, 5], 0, 0).0, [0x69, 0x85]);
}

#[test]
fn lengths_that_do_not_add_up_never_reach_the_card() {
    let wrong: [&[u8]; 7] = [
        &[],
        &[0, 0xA4, 0],
        &[0, 0xA4, 0, 0, 2, 9],
        &[0, 0xA4, 0, 0, 1, 9, 0, 0],
        &[0, 0xA4, 0, 0, 0, 0, 1, 9],
        &[0, 0xA4, 0, 0, 0, 9],
        &[0, GET_RESPONSE, 0, 0, 1, 9],
    ];
    for wrong in wrong {
        assert_eq!(exchange(&mut T0::new(), wrong, 5, 0x9000), (vec![0x67, 0], None), "{wrong:02X?}");
    }
}

/// One TPDU to a card on the bench.
fn tpdu(t0: &mut T0, bench: &mut CommonCard, command: &[u8]) -> Vec<u8> {
    let mut response = [0; LONGEST_RESPONSE];
    let process = |apdu: &[u8], response: &mut _| Ok::<_, Infallible>(bench.card.process(apdu, response));
    let Ok(length) = t0.exchange(command, &mut response, process);
    bench.card.finish();
    response[..length].to_vec()
}

/// As a driver does it for an APDU: cuts Le off, and follows 6Cxx and 61xx.
fn apdu(t0: &mut T0, bench: &mut CommonCard, command: &[u8]) -> Vec<u8> {
    let with_data = command.len() > 5;
    let end = if with_data { 5 + usize::from(command[4]) } else { command.len() };
    let mut answer = tpdu(t0, bench, &command[..end]);
    if let [0x6C, length] = answer[..] {
        assert!(!with_data, "only a command without data is asked for another length");
        answer = tpdu(t0, bench, &[&command[..4], &[length]].concat());
    }
    let mut data = Vec::new();
    loop {
        let (part, status) = answer.split_at(answer.len() - 2);
        data.extend_from_slice(part);
        let [0x61, length] = *status else { return [&data, status].concat() };
        answer = tpdu(t0, bench, &[0, GET_RESPONSE, 0, 0, length]);
    }
}

#[test]
fn commands_that_t0_may_send_twice_write_nothing() {
    let mut found = 0;
    everywhere(|role, stage, staged, is_selected| {
        let mut bench = copy(staged, is_selected);
        for row in &COMMANDS {
            let twice = |form: &&apdu_spec::command::Form| {
                form.data.contains(0) && form.response != ResponseLength::None
            };
            for form in row.forms.iter().filter(twice) {
                let pairs = (0..=255).flat_map(|p1| (0..=255).map(move |p2| (p1, p2)));
                for (p1, p2) in pairs.filter(|(p1, p2)| form.p1.contains(*p1) && form.p2.contains(*p2)) {
                    let before = bench.card.memory().counts();
                    let first = bench.transmit(&[row.class, row.instruction, p1, p2, 0]);
                    let again = bench.transmit(&[row.class, row.instruction, p1, p2, 0]);
                    assert_eq!(first, again, "{} {p1:02X} {p2:02X} in {role:?} {stage:?}", row.name);
                    assert_eq!(bench.card.memory().counts(), before, "{} {p1:02X} {p2:02X}", row.name);
                    found += usize::from(!first.data.is_empty());
                }
            }
        }
    });
    assert!(found > 0, "no command answers, which is no test");
}

#[test]
fn read_record_gives_50_bytes_for_32_and_nothing_for_any_other_p3() {
    let mut bench = CommonCard::new(&Profile::purse(1, 0));
    bench.receive(Kind::Load, 10_00, issuer());
    let record = bench.transmit(&[0, 0xB2, 1, 0xC4, 0]).data;
    for p3 in 0..=255 {
        let answer = tpdu(&mut T0::new(), &mut bench, &[0, 0xB2, 1, 0xC4, p3]);
        if p3 == 0x32 {
            assert_eq!(answer, [&record[..], &[0x90, 0]].concat());
        } else {
            assert_eq!(answer, [0x6C, 0x32], "{p3:02X}");
        }
    }
}

#[test]
fn select_keeps_the_fci_for_get_response_of_any_length() {
    let mut bench = CommonCard::new(&Profile::purse(1, 0));
    let select = [0, 0xA4, 0, 0, 2, 0x3F, 0];
    let fci = bench.transmit(&[&select[..], &[0]].concat()).data;
    for p3 in 0..=255_u8 {
        let mut t0 = T0::new();
        assert_eq!(tpdu(&mut t0, &mut bench, &select), [0x61, 9]);
        let answer = tpdu(&mut t0, &mut bench, &[0, GET_RESPONSE, 0, 0, p3]);
        match p3 {
            9 => assert_eq!(answer, [&fci[..], &[0x90, 0]].concat()),
            1..9 => assert_eq!(answer, [&fci[..p3.into()], &[0x61, 9 - p3]].concat()),
            _ => assert_eq!(answer, [0x6C, 9]),
        }
    }
}

#[test]
fn every_command_of_a_purchase_gives_the_same_in_both_protocols() {
    let mut purse = CommonCard::new(&Profile::purse(1, 50_00));
    let mut sam = CommonCard::new(&Profile::sam(2, 0));
    let mut t0 = [T0::new(), T0::new()];
    let (mut purse_t0, mut sam_t0) = (purse.copied(), sam.copied());
    let payment = pay_details(Kind::Purchase, 12_00, (party(1), 0), (party(2), 0));
    let commands = [
        (
            false,
            Command::Select(apdu_spec::command::Selection::Application(&apdu_spec::file::APPLICATION), true),
        ),
        (
            true,
            Command::Select(apdu_spec::command::Selection::Application(&apdu_spec::file::APPLICATION), true),
        ),
        (false, Command::ReadBinary(Some(0x15), 0)),
        (false, Command::GetData([0x9F, 0x17])),
        (true, initialize(&payment)),
        (false, Command::Verify(None)),
        (false, Command::Verify(Some(pin("0000")))),
        (false, Command::Verify(Some(pin("1234")))),
        (false, debit(&payment)),
        (false, debit(&payment)),
        (true, Command::Credit(voucher(&payment))),
        (false, acknowledge(&payment)),
        (false, Command::GetProof(payment.from_sequence)),
        (false, Command::ReadRecord(Some(0x18), 1)),
        (true, Command::ReadEntry(payment.to_sequence)),
        (false, Command::GetBalance(0)),
        (false, Command::Unlock),
        (false, Command::Lock),
    ];
    for (at_sam, command) in commands {
        let bytes = command.emit().as_bytes().to_vec();
        let (bench, bench_t0) = if at_sam { (&mut sam, &mut sam_t0) } else { (&mut purse, &mut purse_t0) };
        let expected = bench.transmit(&bytes);
        let answer = apdu(&mut t0[usize::from(at_sam)], bench_t0, &bytes);
        assert_eq!(answer, [&expected.data[..], &expected.status.emit()].concat(), "{command:?}");
    }
    assert_eq!(purse.card.memory().bytes(), purse_t0.card.memory().bytes());
    assert_eq!(sam.card.memory().bytes(), sam_t0.card.memory().bytes());
}
