//! From APDUs to what crosses a reader and back (ISO/IEC 7816-3 § 12.2): exactly these bytes, no answer without an end,
//! and the same answers in T=0 as in T=1.

use std::convert::Infallible;

use apdu_spec::answer_to_reset::GET_RESPONSE;
use apdu_spec::command::apdu::{Apdu, CommandBytes};
use apdu_spec::command::{COMMANDS, ResponseLength};
use apdu_spec::status::StatusWord;
use proptest::collection::vec;
use proptest::prelude::*;
use purse_card::transmission::T0;
use purse_terminal::reader::procedure;
use purse_terminal::transport::{EMPTY_RESPONSE, Protocol, ResponseBuffer, TransportError};
use purse_tests::rows::{copy, everywhere, example, lengths, raw};

const PROTOCOLS: [Protocol; 2] = [Protocol::T0, Protocol::T1];
/// More exchanges than any answer may take.
const MOST_EXCHANGES: usize = 16;
/// One command of each case.
const CASE_1: &[u8] = &[0x80, 0x78, 0, 0];
const CASE_2: &[u8] = &[0x80, 0x5C, 0, 0, 0];
const CASE_3: &[u8] = &[0x80, 0x78, 0, 0, 2, 8, 9];
const CASE_4: &[u8] = &[0x80, 0x5A, 0, 0, 2, 8, 9, 0];
const CASES: [&[u8]; 4] = [CASE_1, CASE_2, CASE_3, CASE_4];

/// What it comes to, and what has crossed. A card at the end of its script says nothing any more.
fn send(
    protocol: Protocol,
    command: &[u8],
    answers: &[Vec<u8>],
) -> (Result<Vec<u8>, TransportError>, Vec<Vec<u8>>) {
    let mut sent = Vec::new();
    let mut response = EMPTY_RESPONSE;
    let length = procedure::transmit(protocol, command, &mut response, &mut |command, response| {
        let answer = answers.get(sent.len());
        sent.push(command.to_vec());
        let answer = answer.ok_or(TransportError::ResponseLost)?;
        let length = answer.len().min(response.len());
        response[..length].copy_from_slice(&answer[..length]);
        Ok(answer.len())
    });
    (length.map(|length| response[..length].to_vec()), sent)
}

#[track_caller]
fn succeeds(protocol: Protocol, command: &[u8], answers: &[&[u8]], response: &[u8], crossed: &[&[u8]]) {
    let answers: Vec<Vec<u8>> = answers.iter().map(|answer| answer.to_vec()).collect();
    let (result, sent) = send(protocol, command, &answers);
    assert_eq!(sent, crossed, "{protocol:?} {command:02X?}");
    assert_eq!(result.unwrap(), response, "{protocol:?} {command:02X?}");
}

/// The card breaks the standard after so many exchanges.
#[track_caller]
fn fails(protocol: Protocol, command: &[u8], answers: &[Vec<u8>], exchanges: usize) {
    let (result, sent) = send(protocol, command, answers);
    assert!(matches!(result, Err(TransportError::Malformed(_))), "{protocol:?} {command:02X?}: {result:?}");
    assert_eq!(sent.len(), exchanges, "{protocol:?} {command:02X?}: {sent:02X?}");
}

/// So many bytes that differ, and a status word.
fn answer(length: usize, status: u16) -> Vec<u8> {
    let data = (0..length).map(|place| u8::try_from(place % 251).unwrap());
    data.chain(status.to_be_bytes()).collect()
}

fn get_response(length: u8) -> Vec<u8> {
    vec![0, GET_RESPONSE, 0, 0, length]
}

/// Le of so many bytes.
fn short(length: usize) -> u8 {
    u8::try_from(length % 256).unwrap()
}

#[test]
fn the_four_cases_cross_as_the_protocol_has_them() {
    for (command, in_t0) in [
        (CASE_1, vec![0x80, 0x78, 0, 0, 0]),
        (CASE_2, CASE_2.to_vec()),
        (CASE_3, CASE_3.to_vec()),
        (CASE_4, CASE_4[..7].to_vec()),
    ] {
        succeeds(Protocol::T0, command, &[&[0x90, 0]], &[0x90, 0], &[&in_t0]);
        succeeds(Protocol::T1, command, &[&[0x90, 0]], &[0x90, 0], &[command]);
    }
    let data = [7; 255];
    for length in 1..=data.len() {
        for expected in [None, Some(1), Some(255), Some(256)] {
            let apdu = Apdu::new(0x80, 0xE2, 0, 0, &data[..length], expected);
            let bytes = apdu.as_bytes();
            succeeds(Protocol::T0, bytes, &[&[0x6A, 0x80]], &[0x6A, 0x80], &[&bytes[..5 + length]]);
            succeeds(Protocol::T1, bytes, &[&[0x6A, 0x80]], &[0x6A, 0x80], &[bytes]);
        }
    }
}

#[test]
fn a_command_that_is_none_crosses_as_it_is_and_the_card_says_so() {
    let wrong: [&[u8]; 5] =
        [&[], &[0x80, 0x78], &[0, 1, 2, 3, 2, 9], &[0, 1, 2, 3, 0, 0, 1], &[0, 1, 2, 3, 1, 9, 0, 0]];
    for command in wrong {
        for protocol in PROTOCOLS {
            succeeds(protocol, command, &[&[0x67, 0]], &[0x67, 0], &[command]);
            succeeds(protocol, command, &[&[0x6C, 9]], &[0x6C, 9], &[command]);
        }
    }
}

#[test]
fn an_answer_that_is_announced_is_fetched_in_whatever_pieces() {
    let whole = answer(256, 0x9000);
    for protocol in PROTOCOLS {
        for command in CASES {
            for status in [0x9000, 0x6283, 0x6285, 0x6581, 0x1234] {
                for length in 1..=256 {
                    let expected = answer(length, status);
                    let crossed = send(protocol, command, &[vec![0x61, short(length)], expected.clone()]);
                    assert_eq!(crossed.0.unwrap(), expected);
                    assert_eq!(crossed.1[1..], [get_response(short(length))]);
                }
            }
            // The first piece at once, the others behind it.
            for first in 0..256_usize {
                let pieces = [
                    [&whole[..first], &[0x61, short(256 - first)]].concat(),
                    [&whole[first..255], &[0x61, 1]].concat(),
                    [&whole[255..256], &[0x62, 0x83]].concat(),
                ];
                let (result, sent) = send(protocol, command, &pieces);
                if first == 255 {
                    // The second piece would be none.
                    assert!(matches!(result, Err(TransportError::Malformed(_))), "{result:?}");
                    continue;
                }
                assert_eq!(result.unwrap(), [&whole[..256], &[0x62, 0x83]].concat());
                assert_eq!(sent[1..], [get_response(short(256 - first)), get_response(1)]);
            }
        }
    }
}

#[test]
fn a_command_that_asks_is_sent_once_more_for_the_right_length() {
    for length in 0..=255_u8 {
        for protocol in PROTOCOLS {
            let again = [&CASE_2[..4], &[length]].concat();
            succeeds(protocol, CASE_2, &[&[0x6C, length], &[5, 0x90, 0]], &[5, 0x90, 0], &[CASE_2, &again]);
            fails(protocol, CASE_2, &[vec![0x6C, length], vec![0x6C, length]], 2);
            fails(protocol, CASE_2, &[vec![0x6C, length], vec![0x6C, length ^ 1]], 2);
            // GET RESPONSE asks too, once.
            let [get, correct] = [get_response(1), get_response(length)];
            let answers: [&[u8]; 3] = [&[0x61, 1], &[0x6C, length], &[5, 0x90, 0]];
            let (_, sent) = send(protocol, CASE_4, &answers.map(<[u8]>::to_vec));
            assert_eq!(sent[1..], [get, correct]);
            fails(protocol, CASE_4, &[vec![0x61, 1], vec![0x6C, length], vec![0x6C, 7]], 3);
        }
        let again = [&CASE_4[..7], &[length]].concat();
        succeeds(Protocol::T1, CASE_4, &[&[0x6C, length], &[5, 0x90, 0]], &[5, 0x90, 0], &[CASE_4, &again]);
    }
}

#[test]
fn a_command_that_does_not_ask_is_never_sent_again() {
    for length in 0..=255 {
        let answer: &[u8] = &[0x6C, length];
        for command in [CASE_1, CASE_3] {
            succeeds(Protocol::T1, command, &[answer], answer, &[command]);
        }
        succeeds(Protocol::T0, CASE_1, &[answer], answer, &[&[0x80, 0x78, 0, 0, 0]]);
        succeeds(Protocol::T0, CASE_3, &[answer], answer, &[CASE_3]);
        succeeds(Protocol::T0, CASE_4, &[answer], answer, &[&CASE_4[..7]]);
    }
    // With data it is no question for another length.
    succeeds(Protocol::T1, CASE_2, &[&[1, 0x6C, 5]], &[1, 0x6C, 5], &[CASE_2]);
}

#[test]
fn what_is_no_answer_is_an_error() {
    for protocol in PROTOCOLS {
        for command in CASES {
            fails(protocol, command, &[vec![]], 1);
            fails(protocol, command, &[vec![0x90]], 1);
            fails(protocol, command, &[vec![0x61, 5], vec![]], 2);
            fails(protocol, command, &[vec![0x61, 5], vec![0x61]], 2);
            fails(protocol, command, &[vec![0; 259]], 1);
            fails(protocol, command, &[vec![0; 70_000]], 1);
            // 61xx that brings nothing, at once or later.
            fails(protocol, command, &[vec![0x61, 5], vec![0x61, 5]], 2);
            fails(protocol, command, &[vec![0x61, 5], vec![1, 0x61, 5], vec![0x61, 5]], 3);
            // 61xx without an end: one byte each time, and as many as fit.
            fails(protocol, command, &vec![vec![1, 0x61, 0]; 300], MOST_EXCHANGES);
            fails(protocol, command, &[answer(200, 0x6100), answer(57, 0x9000)], 2);
            fails(protocol, command, &[answer(256, 0x6101), answer(1, 0x9000)], 2);
            // 6Cxx to each GET RESPONSE.
            let turns = [vec![0x61, 1], vec![0x6C, 1], vec![1, 0x61, 1], vec![0x6C, 1]];
            let turns: Vec<_> = turns.iter().chain(turns[2..].iter().cycle().take(100)).cloned().collect();
            fails(protocol, command, &turns, MOST_EXCHANGES);
        }
    }
}

#[test]
fn the_way_that_fails_ends_it_at_once() {
    for protocol in PROTOCOLS {
        for answers in [vec![], vec![vec![0x61, 5]], vec![vec![0x6C, 5]]] {
            let (result, sent) = send(protocol, CASE_2, &answers);
            assert!(matches!(result, Err(TransportError::ResponseLost)), "{result:?}");
            assert_eq!(sent.len(), answers.len() + 1);
        }
    }
}

/// Anything, with more of what makes a terminal ask again.
fn any_answer() -> impl Strategy<Value = Vec<u8>> {
    let status = prop_oneof![
        4 => any::<u8>().prop_map(|low| [0x61, low]),
        3 => any::<u8>().prop_map(|low| [0x6C, low]),
        1 => any::<[u8; 2]>(),
        1 => Just([0x90, 0x00]),
    ];
    let length = prop_oneof![2 => Just(0), 4 => 0..20_usize, 1 => 0..=258_usize];
    let data = length.prop_flat_map(|length| vec(any::<u8>(), length));
    let whole = (data, status).prop_map(|(data, status)| [&data[..], &status].concat());
    prop_oneof![12 => whole, 1 => vec(any::<u8>(), 0..4)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4000) })]

    #[test]
    fn whatever_is_answered_it_ends_with_what_was_answered(
        protocol in prop_oneof![Just(Protocol::T0), Just(Protocol::T1)],
        command in prop_oneof![prop::sample::select(&CASES[..]).prop_map(<[u8]>::to_vec), vec(any::<u8>(), 0..12)],
        answers in vec(any_answer(), MOST_EXCHANGES + 1),
    ) {
        let (result, sent) = send(protocol, &command, &answers);
        prop_assert!((1..=MOST_EXCHANGES).contains(&sent.len()));
        let used = &answers[..sent.len()];
        match result {
            Ok(response) => {
                let data: Vec<u8> = used.iter().flat_map(|answer| &answer[..answer.len() - 2]).copied().collect();
                let last = used.last().unwrap();
                prop_assert_eq!(response, [&data[..], &last[last.len() - 2..]].concat());
                prop_assert!(last[last.len() - 2] != 0x61, "more was waiting");
            }
            Err(error) => prop_assert!(error.may_have_happened(), "{error}"),
        }
        // Nothing crosses but the command, with another Le at most, and GET RESPONSE.
        for again in &sent[1..] {
            let is_get = again[..4] == [0, GET_RESPONSE, 0, 0] && again.len() == 5;
            let (same, unlike) = (again.len() - 1, again.len() == sent[0].len());
            prop_assert!(is_get || (unlike && again[..same] == sent[0][..same]), "{again:02X?}");
        }
    }
}

/// As a reader and a card that speak T=0 do it.
fn in_t0(command: &[u8], mut process: impl FnMut(&[u8], &mut ResponseBuffer) -> usize) -> Vec<u8> {
    let mut t0 = T0::new();
    let mut response = EMPTY_RESPONSE;
    let length = procedure::transmit(Protocol::T0, command, &mut response, &mut |sent, answer| {
        let Ok(length) = t0.exchange(sent, answer, |apdu, answer| Ok::<_, Infallible>(process(apdu, answer)));
        Ok(length)
    });
    response[..length.unwrap()].to_vec()
}

fn in_t1(command: &[u8], mut process: impl FnMut(&[u8], &mut ResponseBuffer) -> usize) -> Vec<u8> {
    let mut response = EMPTY_RESPONSE;
    let length = procedure::transmit(Protocol::T1, command, &mut response, &mut |sent, answer| {
        assert_eq!(sent, command);
        Ok(process(sent, answer))
    });
    response[..length.unwrap()].to_vec()
}

/// A card that answers this to whatever brings these data.
fn says<'a>(data: &'a [u8], bytes: &'a [u8]) -> impl FnMut(&[u8], &mut ResponseBuffer) -> usize + 'a {
    move |apdu, response| {
        let body = CommandBytes::parse(apdu).unwrap().body().unwrap();
        assert_eq!(body.data, data);
        response[..bytes.len()].copy_from_slice(bytes);
        bytes.len()
    }
}

#[test]
fn both_protocols_carry_every_command_to_every_length_of_answer() {
    let data = [0x5A; 255];
    for row in &COMMANDS {
        for form in row.forms {
            for length in lengths(form) {
                let command = raw(row, example(form), form, &data[..length]);
                // Where none is due a card of ours says nothing but its status word.
                let longest = if form.response == ResponseLength::None { 0 } else { 256 };
                for said in 0..=longest {
                    for status in [StatusWord::Success, StatusWord::Blocked, StatusWord::WrongMac] {
                        let bytes = answer(said, status.code());
                        let [t0, t1] = [
                            in_t0(&command, says(&data[..length], &bytes)),
                            in_t1(&command, says(&data[..length], &bytes)),
                        ];
                        assert!(t0 == bytes && t1 == bytes, "{} {length} {said}", row.name);
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn both_protocols_bring_any_answer(
        data in vec(any::<u8>(), 0..=255),
        said in vec(any::<u8>(), 0..=256),
        status in any::<u16>().prop_filter("of T=0 itself", |code| ![0x61, 0x6C].contains(&(code >> 8))),
    ) {
        let command = Apdu::new(0x80, 0x50, 1, 0, &data, Some(256));
        let bytes = [&said[..], &status.to_be_bytes()].concat();
        prop_assert_eq!(&in_t0(command.as_bytes(), says(&data, &bytes)), &bytes);
        prop_assert_eq!(&in_t1(command.as_bytes(), says(&data, &bytes)), &bytes);
    }
}

#[test]
fn a_real_card_answers_every_command_the_same_in_both() {
    let mut answered = 0;
    everywhere(|role, stage, staged, is_selected| {
        for row in &COMMANDS {
            for form in row.forms {
                let all = lengths(form);
                for length in [all[0], all[all.len() - 1]] {
                    let command = raw(row, example(form), form, &vec![0; length]);
                    let mut both = [copy(staged, is_selected), copy(staged, is_selected)];
                    let [t0, t1] = &mut both;
                    let t0 = in_t0(&command, |apdu, response| t0.card.process(apdu, response));
                    let t1 = in_t1(&command, |apdu, response| t1.card.process(apdu, response));
                    assert_eq!(t0, t1, "{} in {role:?} {stage:?}", row.name);
                    answered += usize::from(t1.len() > 2);
                    let [t0, t1] = both.map(|bench| bench.card.memory().counts());
                    assert_eq!(t0, t1, "{} in {role:?} {stage:?} has written", row.name);
                }
            }
        }
    });
    assert!(answered > 20, "{answered}");
}
