//! T=0 from both sides: the card's layer beside a model of it, the terminal's procedure over that layer, and the
//! procedure alone against a card that answers anything.

use apdu_spec::command::apdu::{CommandBytes, LONGEST_RESPONSE};
use purse_card::transmission::T0;
use purse_terminal::reader::procedure;
use purse_terminal::transport::{EMPTY_RESPONSE, Protocol, TransportError};

use super::input::Input;

/// Rounds of one command that the terminal bears.
const MOST_ROUNDS: usize = 16;

/// Runs one input.
///
/// # Panics
/// Where a byte of an answer gets lost or comes from nowhere, and where somebody would wait for ever.
pub fn target(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 3 {
        0 => card_side(&mut input),
        1 => both_sides(&mut input),
        _ => terminal_side(&mut input),
    }
}

/// An answer of the application behind the layer: so many bytes and a status word.
fn answer(input: &mut Input<'_>) -> Vec<u8> {
    let length = usize::from(input.number()) % 257;
    let mut answer: Vec<u8> = (0..length).map(|place| short(place * 7)).collect();
    answer.extend(status(input));
    answer
}

/// As a status word and P3 have a length: 256 is 00.
const fn short(length: usize) -> u8 {
    length.to_le_bytes()[0]
}

fn status(input: &mut Input<'_>) -> [u8; 2] {
    input.pick(&[[0x90, 0x00], [0x62, 0x83], [0x6A, 0x80], [0x69, 0x85], [0x6C, 0x10], [0x61, 0x10]])
}

/// What waits for GET RESPONSE in the model.
#[derive(Default)]
struct Waiting {
    data: Vec<u8>,
    status: [u8; 2],
}

impl Waiting {
    /// What goes back for a TPDU, where the application answers an APDU with `answer`.
    fn exchange(&mut self, unit: &[u8], answer: &[u8]) -> Vec<u8> {
        let (header, data, expected) = match unit {
            [a, b, c, d] | [a, b, c, d, 0] => ([*a, *b, *c, *d], None, 256),
            [a, b, c, d, expected] => ([*a, *b, *c, *d], None, usize::from(*expected)),
            // An Le behind the data is cut off.
            [a, b, c, d, length, data @ ..]
                if *length > 0 && [0, 1].contains(&data.len().wrapping_sub(usize::from(*length))) =>
            {
                ([*a, *b, *c, *d], Some(data), 0)
            }
            _ => {
                self.data.clear();
                return vec![0x67, 0x00];
            }
        };
        if let [0x00 | 0x80, 0xC0, p1, p2] = header {
            return match (p1, p2, data) {
                (0, 0, Some(_)) => vec![0x67, 0x00],
                (0, 0, None) => self.fetch(expected),
                _ => vec![0x6A, 0x86],
            };
        }
        self.data.clear();
        let (content, status) = answer.split_last_chunk().expect("an answer has a status word");
        match data {
            Some(_) if !content.is_empty() => {
                self.data = content.to_vec();
                self.status = *status;
                vec![0x61, short(content.len())]
            }
            None if !content.is_empty() && content.len() != expected => vec![0x6C, short(content.len())],
            _ => answer.to_vec(),
        }
    }

    fn fetch(&mut self, expected: usize) -> Vec<u8> {
        if self.data.is_empty() {
            return vec![0x69, 0x85];
        }
        if self.data.len() < expected {
            return vec![0x6C, short(self.data.len())];
        }
        let later = self.data.split_off(expected);
        let mut now = std::mem::replace(&mut self.data, later);
        now.extend(if self.data.is_empty() { self.status } else { [0x61, short(self.data.len())] });
        now
    }
}

/// Any TPDUs.
fn card_side(input: &mut Input<'_>) {
    let mut layer = T0::new();
    let mut model = Waiting::default();
    for _ in 0..64 {
        if input.is_empty() {
            break;
        }
        let length = input.byte();
        if length == 0xFF {
            layer.reset();
            model.data.clear();
            continue;
        }
        let unit = input.slice(usize::from(length)).to_vec();
        let answer = answer(input);
        let mut response = [0; LONGEST_RESPONSE];
        let length = layer.exchange(&unit, &mut response, |_, into| {
            into[..answer.len()].copy_from_slice(&answer);
            Ok::<usize, ()>(answer.len())
        });
        let length = length.expect("the application answers");
        assert_eq!(response[..length], model.exchange(&unit, &answer), "to {unit:02X?}");
    }
}

/// One command through the terminal's procedure and the card's layer: the answer is the application's, and it is asked
/// with the terminal's data.
fn both_sides(input: &mut Input<'_>) {
    let answer = answer(input);
    let status = *answer.last_chunk::<2>().expect("an answer has a status word");
    let command = input.rest();
    let Ok(Ok(body)) = CommandBytes::parse(command).map(|parsed| parsed.body()) else { return };
    let mut layer = T0::new();
    let mut asked = 0;
    let mut crossed = 0;
    let mut response = EMPTY_RESPONSE;
    let length = procedure::transmit(Protocol::T0, command, &mut response, &mut |unit, into| {
        crossed += 1;
        layer.exchange(unit, into, |apdu, into| {
            asked += 1;
            let heard = CommandBytes::parse(apdu).expect("whole").body().expect("whole");
            assert_eq!((&apdu[..4], heard.data), (&command[..4], body.data));
            into[..answer.len()].copy_from_slice(&answer);
            Ok(answer.len())
        })
    });
    assert!(crossed <= MOST_ROUNDS && asked <= if body.data.is_empty() { 2 } else { 1 });
    let is_get_response = command[1] == 0xC0;
    let has_place = !body.data.is_empty() || body.expected == Some(256) || answer.len() == 2;
    let is_final = !matches!(status, [0x61 | 0x6C, _]);
    if is_final && has_place && !is_get_response {
        let length = length.expect("the card keeps to the standard");
        assert_eq!(response[..length], answer[..], "to {command:02X?}");
    }
}

/// A card that answers anything.
fn terminal_side(input: &mut Input<'_>) {
    let protocol = input.pick(&[Protocol::T0, Protocol::T1]);
    let length = usize::from(input.byte()) + 6;
    let command = input.slice(length);
    let mut rounds = 0;
    let mut given = Vec::new();
    let mut response = EMPTY_RESPONSE;
    let result = procedure::transmit(protocol, command, &mut response, &mut |_, into| {
        rounds += 1;
        if input.is_empty() {
            return Err(TransportError::ResponseLost);
        }
        let length = usize::from(input.number()) % (LONGEST_RESPONSE + 4);
        let bytes = input.slice(length.min(LONGEST_RESPONSE));
        into[..bytes.len()].copy_from_slice(bytes);
        given.push(bytes.to_vec());
        Ok(if length > LONGEST_RESPONSE { length } else { bytes.len() })
    });
    assert!(rounds <= MOST_ROUNDS);
    if let Ok(length) = result {
        // 61xx and 6Cxx announce; what counts are the data, and the last status word.
        let mut whole: Vec<u8> =
            given.iter().flat_map(|answer| &answer[..answer.len() - 2]).copied().collect();
        whole.extend(given.last().and_then(|answer| answer.last_chunk::<2>()).expect("the last one"));
        assert_eq!(response[..length], whole);
    }
}
