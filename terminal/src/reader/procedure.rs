//! From an APDU to what crosses the reader and back (ISO/IEC 7816-3 § 12.2): the forms of T=0, `61xx` with GET RESPONSE,
//! and `6Cxx`. The one place where a terminal knows of them.

use apdu_spec::answer_to_reset::GET_RESPONSE;
use apdu_spec::command::apdu::CommandBytes;
use apdu_spec::command::table::CLASS_STANDARD;
use apdu_spec::status::StatusWord;

use crate::transport::{EMPTY_RESPONSE, Protocol, ResponseBuffer, TransportError};

/// A card that always has more would be asked for ever: no short answer needs so many rounds.
const MOST_ROUNDS: usize = 16;

/// What crosses once.
pub type Exchange<'a> = dyn FnMut(&[u8], &mut ResponseBuffer) -> Result<usize, TransportError> + 'a;

/// Sends a command APDU and collects its whole answer. Gives the length of the response APDU.
///
/// # Errors
/// What `exchange` fails with, and [`TransportError::Malformed`] where the card does not keep to the standard: an
/// answer without a status word, `61xx` that brings nothing, `6Cxx` again, or more than a short APDU holds.
pub fn transmit(
    protocol: Protocol,
    command: &[u8],
    response: &mut ResponseBuffer,
    exchange: &mut Exchange<'_>,
) -> Result<usize, TransportError> {
    let mut sent = Sent::new(match protocol {
        Protocol::T0 => as_transmission_unit(command),
        Protocol::T1 => command.to_vec(),
    });
    // Where T=0 has no place for Le, and in case 1, 6Cxx is an answer: the command is not sent twice.
    let mut asks = asks(command) && sent.0.len() == command.len();
    let mut fetching = false;
    let mut collected = 0;
    let mut corrected = false;
    for _ in 0..MOST_ROUNDS {
        let mut answer = EMPTY_RESPONSE;
        let length = exchange(&sent.0, &mut answer)?;
        let answer = answer.get(..length).ok_or(TransportError::Malformed("longer than a short APDU"))?;
        let (data, status) =
            answer.split_last_chunk::<2>().ok_or(TransportError::Malformed("no status word"))?;
        let code = u16::from_be_bytes(*status);
        match StatusWord::from_code(code) {
            Some(StatusWord::WrongExpected(available)) if data.is_empty() && asks => {
                if corrected {
                    return Err(TransportError::Malformed("6Cxx to the length that the card has asked for"));
                }
                corrected = true;
                sent.ask_for(available);
                continue;
            }
            Some(StatusWord::MoreData(_)) if fetching && data.is_empty() => {
                return Err(TransportError::Malformed("61xx that brings nothing"));
            }
            _ => {}
        }
        let end = collected + data.len();
        let whole = response.get_mut(collected..end + status.len());
        let (place, end_of_it) = whole
            .and_then(|whole| whole.split_at_mut_checked(data.len()))
            .ok_or(TransportError::Malformed("longer than a short APDU"))?;
        place.copy_from_slice(data);
        end_of_it.copy_from_slice(status);
        match StatusWord::from_code(code) {
            Some(StatusWord::MoreData(waiting)) => {
                collected = end;
                (asks, fetching, corrected) = (true, true, false);
                sent = Sent::new(vec![CLASS_STANDARD, GET_RESPONSE, 0, 0, waiting]);
            }
            _ => return Ok(end + status.len()),
        }
    }
    Err(TransportError::Malformed("61xx without an end"))
}

/// What crosses in T=0: a case 1 with P3 = 00, a case 4 without its Le.
fn as_transmission_unit(command: &[u8]) -> Vec<u8> {
    let mut unit = command.to_vec();
    match CommandBytes::parse(command).map(|parsed| parsed.body()) {
        Ok(Ok(body)) if body.data.is_empty() && body.expected.is_none() => unit.push(0),
        Ok(Ok(body)) if !body.data.is_empty() && body.expected.is_some() => {
            unit.pop();
        }
        // The card says what is wrong with it.
        _ => {}
    }
    unit
}

/// Whether it has an Le.
fn asks(command: &[u8]) -> bool {
    matches!(CommandBytes::parse(command).map(|parsed| parsed.body()), Ok(Ok(body)) if body.expected.is_some())
}

/// A command that is being sent; wiped, for it may hold a PIN or keys.
struct Sent(zeroize::Zeroizing<Vec<u8>>);

impl Sent {
    fn new(bytes: Vec<u8>) -> Self {
        Self(zeroize::Zeroizing::new(bytes))
    }

    fn ask_for(&mut self, length: u8) {
        if let Some(last) = self.0.last_mut() {
            *last = length;
        }
    }
}
