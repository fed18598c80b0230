//! The transmission protocol T=0 (ISO/IEC 7816-3 § 10 and § 12.2) around a card that knows APDUs only. T=1 carries
//! APDUs as they are and needs nothing of this.

use apdu_spec::answer_to_reset::{GET_RESPONSE, GET_RESPONSE_CLASSES};
use apdu_spec::command::Apdu;
use apdu_spec::command::apdu::LONGEST_RESPONSE;
use apdu_spec::status::StatusWord;
use apdu_spec::wire::Writer;

/// Most bytes of an answer without its status word: Ne, where P3 is 00.
const LONGEST_DATA: usize = LONGEST_RESPONSE - StatusWord::LENGTH;

/// A card's side of T=0: takes a TPDU (header, P3, data) with its data complete, asks the card, and gives what goes
/// back. An answer to a command with data waits here until GET RESPONSE brings it; the power, a reset, and any other
/// command end the wait.
///
/// A command without data may be executed twice: first with a P3 that does not fit, then with that of 6Cxx. None of
/// these writes.
#[derive(Clone, Debug)]
pub struct T0 {
    waiting: [u8; LONGEST_DATA],
    /// Bytes of `waiting` that have been fetched.
    fetched: usize,
    /// Bytes of `waiting` in all.
    length: usize,
    /// What the command ended with; it goes with the last of the bytes.
    status: [u8; StatusWord::LENGTH],
}

impl Default for T0 {
    fn default() -> Self {
        Self::new()
    }
}

/// What the four cases of an APDU are in T=0.
enum Tpdu<'a> {
    /// Cases 1 and 2: P3 is Le, and 00 stands for none too.
    Asking(u8),
    /// Cases 3 and 4: P3 is Lc.
    Bringing(&'a [u8]),
}

impl<'a> Tpdu<'a> {
    /// What is behind P2. An Le behind the data, which T=0 does not have, is cut off.
    fn parse(body: &'a [u8]) -> Result<Self, StatusWord> {
        match body {
            [] => Ok(Self::Asking(0)),
            [expected] => Ok(Self::Asking(*expected)),
            [0, ..] => Err(StatusWord::WrongLength),
            [length, rest @ ..] => match rest.split_at_checked(usize::from(*length)) {
                Some((data, [] | [_])) => Ok(Self::Bringing(data)),
                _ => Err(StatusWord::WrongLength),
            },
        }
    }
}

impl T0 {
    /// Nothing waits.
    pub const fn new() -> Self {
        Self { waiting: [0; LONGEST_DATA], fetched: 0, length: 0, status: [0; StatusWord::LENGTH] }
    }

    /// A reset, or power: nothing waits any more.
    pub const fn reset(&mut self) {
        self.fetched = 0;
        self.length = 0;
    }

    /// Answers one TPDU; gives the length of what goes back. `process` is the card: it answers an APDU and gives the
    /// length of its response.
    ///
    /// # Errors
    /// Those of `process`.
    pub fn exchange<E>(
        &mut self,
        command: &[u8],
        response: &mut [u8; LONGEST_RESPONSE],
        process: impl FnOnce(&[u8], &mut [u8; LONGEST_RESPONSE]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let tpdu = command.split_first_chunk().map_or(Err(StatusWord::WrongLength), |(header, body)| {
            let [class, instruction, p1, p2]: [u8; 4] = *header;
            Tpdu::parse(body).map(|tpdu| (class, instruction, p1, p2, tpdu))
        });
        let (class, instruction, p1, p2, tpdu) = match tpdu {
            Ok(parts) => parts,
            Err(status) => {
                self.reset();
                return Ok(alone(status, response));
            }
        };
        if instruction == GET_RESPONSE && GET_RESPONSE_CLASSES.contains(&class) {
            return Ok(match (p1, p2, tpdu) {
                (0, 0, Tpdu::Asking(expected)) => self.get_response(expected, response),
                (0, 0, Tpdu::Bringing(_)) => alone(StatusWord::WrongLength, response),
                _ => alone(StatusWord::WrongParameters, response),
            });
        }
        self.reset();
        match tpdu {
            Tpdu::Asking(expected) => {
                let apdu = Apdu::new(class, instruction, p1, p2, &[], Some(ne(expected)));
                let length = process(apdu.as_bytes(), response)?;
                let data = length.saturating_sub(StatusWord::LENGTH);
                if data == 0 || data == usize::from(ne(expected)) {
                    return Ok(length);
                }
                Ok(alone(StatusWord::WrongExpected(short(data)), response))
            }
            Tpdu::Bringing(data) => {
                let apdu = Apdu::new(class, instruction, p1, p2, data, Some(ne(0)));
                let length = process(apdu.as_bytes(), response)?;
                Ok(self.keep(length, response))
            }
        }
    }

    /// Keeps an answer that has data, and announces it.
    fn keep(&mut self, length: usize, response: &mut [u8; LONGEST_RESPONSE]) -> usize {
        let Some((data, status)) = response.get(..length).and_then(<[u8]>::split_last_chunk) else {
            return length;
        };
        if data.is_empty() {
            return length;
        }
        let mut waiting = Writer::new(&mut self.waiting);
        self.length = waiting.put(data).length();
        self.status = *status;
        alone(StatusWord::MoreData(short(self.length)), response)
    }

    /// GET RESPONSE: as many bytes as P3 says, never fewer.
    fn get_response(&mut self, expected: u8, response: &mut [u8; LONGEST_RESPONSE]) -> usize {
        let waiting = self.waiting.get(self.fetched..self.length).unwrap_or(&[]);
        if waiting.is_empty() {
            return alone(StatusWord::ConditionsOfUse, response);
        }
        let Some((now, later)) = waiting.split_at_checked(usize::from(ne(expected))) else {
            return alone(StatusWord::WrongExpected(short(waiting.len())), response);
        };
        let status =
            if later.is_empty() { self.status } else { StatusWord::MoreData(short(later.len())).emit() };
        let length = Writer::new(response).put(now).put(&status).length();
        self.fetched = self.fetched.saturating_add(now.len());
        length
    }
}

/// A status word without data.
fn alone(status: StatusWord, response: &mut [u8; LONGEST_RESPONSE]) -> usize {
    Writer::new(response).put(&status.emit()).length()
}

/// Ne of P3.
const fn ne(expected: u8) -> u16 {
    if expected == 0 { 256 } else { expected as u16 }
}

/// As SW2 and P3 have a length: 256 is 00.
fn short(length: usize) -> u8 {
    u8::try_from(length).unwrap_or(0)
}
