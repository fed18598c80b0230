//! One connection with vpcd.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use apdu_spec::command::apdu::{LONGEST_COMMAND, LONGEST_RESPONSE};
use apdu_spec::status::StatusWord;
use zeroize::{Zeroize, Zeroizing};

use super::SlotCard;
use crate::transport::{EMPTY_RESPONSE, TransportError};

/// Bytes of length before each message.
const PREFIX: usize = 2;
const POWER_OFF: u8 = 0;
const POWER_ON: u8 = 1;
const RESET: u8 = 2;
const ANSWER_TO_RESET: u8 = 4;

/// How long vpcd may take to ask for the card.
const FIRST_WORD: Duration = Duration::from_secs(3);

/// How long a vpcd that looks for cards may say nothing after a control.
const SILENCE: Duration = Duration::from_secs(5);

/// Questions for the ATR without power before the first use: pcscd gives power as soon as it has noticed a card.
const UNNOTICED: u32 = 4;

/// Why a connection has ended.
#[derive(Debug)]
pub(super) enum Parted {
    /// vpcd has closed it, between two messages or within one.
    Gone,
    /// The card has.
    Card(TransportError),
    /// The card has: nobody gives it power, or vpcd says nothing any more.
    Unnoticed,
}

/// What vpcd's messages say of how it takes the card.
#[derive(Default)]
struct Attention {
    /// It has given the card power.
    powered: bool,
    /// Questions for the ATR.
    questions: u32,
    /// The last message was a control that is not answered.
    unanswered: bool,
}

impl Attention {
    fn hears(&mut self, message: &[u8]) {
        self.unanswered = matches!(message, [POWER_OFF | POWER_ON | RESET]);
        self.powered |= matches!(message, [POWER_ON | RESET]);
        self.questions = self.questions.saturating_add(u32::from(message == [ANSWER_TO_RESET]));
    }

    /// pcscd asks for the ATR again and again, and does not give power to what it takes for a card that has left.
    const fn is_missing(&self) -> bool {
        !self.powered && self.questions >= UNNOTICED
    }

    /// A client's command of one byte looks like a control. vpcd then waits for an answer to what has none, and does not
    /// even look for cards any more.
    const fn may_be_gone(&self) -> bool {
        self.unanswered && self.questions > 1
    }
}

pub(super) struct Connection {
    stream: TcpStream,
    /// The message that came last. A PIN or keys may be in it.
    message: Zeroizing<Vec<u8>>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, message: Zeroizing::new(vec![0; usize::from(u16::MAX)]) })
    }

    /// Whether vpcd asks for the card at first; it looks for cards about twice a second.
    pub(super) fn is_asked(&self) -> io::Result<bool> {
        self.is_spoken_to(FIRST_WORD)
    }

    /// Waits for vpcd's next word, or its end, but not for ever: false where neither comes.
    fn is_spoken_to(&self, patience: Duration) -> io::Result<bool> {
        self.stream.set_read_timeout(Some(patience))?;
        acknowledge_at_once(&self.stream);
        let next = self.stream.peek(&mut [0]);
        self.stream.set_read_timeout(None)?;
        match next {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(false),
            next => next.map(|_| true),
        }
    }

    /// Does what vpcd says, until one of both ends it. Then it is closed, also for those who hold a copy of the socket.
    /// With `wants_notice` the card leaves too if nobody gives it power, or nobody says anything any more.
    pub(super) fn run(&mut self, card: &mut dyn SlotCard, wants_notice: bool) -> io::Result<Parted> {
        let parted = self.messages(card, wants_notice);
        let _ = self.stream.shutdown(Shutdown::Both);
        parted
    }

    fn messages(&mut self, card: &mut dyn SlotCard, wants_notice: bool) -> io::Result<Parted> {
        let mut attention = Attention::default();
        loop {
            if wants_notice && attention.may_be_gone() && !self.is_spoken_to(SILENCE)? {
                return Ok(Parted::Unnoticed);
            }
            let Some(length) = self.receive()? else { return Ok(Parted::Gone) };
            let message = self.message.get(..length).unwrap_or_default();
            attention.hears(message);
            if wants_notice && attention.is_missing() {
                return Ok(Parted::Unnoticed);
            }
            let answered = match message {
                [POWER_OFF] => {
                    card.power_off();
                    Ok(())
                }
                [POWER_ON] => card.power_on(),
                [RESET] => card.reset(),
                [ANSWER_TO_RESET] => {
                    send(&mut self.stream, card.answer_to_reset())?;
                    Ok(())
                }
                command if command.len() <= LONGEST_COMMAND => {
                    let answered = answer(&mut self.stream, command, card);
                    self.message.get_mut(..length).unwrap_or_default().zeroize();
                    answered?
                }
                _ => {
                    send(&mut self.stream, &StatusWord::WrongLength.emit())?;
                    Ok(())
                }
            };
            if let Err(error) = answered {
                return Ok(Parted::Card(error));
            }
        }
    }

    /// The length of the next message; none where the connection has ended.
    fn receive(&mut self) -> io::Result<Option<usize>> {
        let mut prefix = [0; PREFIX];
        if !self.fill(&mut prefix)? {
            return Ok(None);
        }
        let length = usize::from(u16::from_be_bytes(prefix));
        let mut message = std::mem::take(&mut *self.message);
        let filled = message.get_mut(..length).map_or(Ok(false), |place| self.fill(place));
        *self.message = message;
        Ok(filled?.then_some(length))
    }

    fn fill(&mut self, mut place: &mut [u8]) -> io::Result<bool> {
        while !place.is_empty() {
            acknowledge_at_once(&self.stream);
            match self.stream.read(place) {
                Ok(0) => return Ok(false),
                Ok(length) => place = place.get_mut(length..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        acknowledge_at_once(&self.stream);
        Ok(true)
    }
}

/// The response first, then what it need not wait for.
fn answer(
    stream: &mut TcpStream,
    command: &[u8],
    card: &mut dyn SlotCard,
) -> io::Result<Result<(), TransportError>> {
    let mut buffer = EMPTY_RESPONSE;
    match card.respond(command, &mut buffer) {
        // vpcd's clients wait for ever for an empty answer.
        Ok([]) => Ok(Err(TransportError::Malformed("it is empty"))),
        Ok(response) => {
            send(stream, response)?;
            Ok(card.finish())
        }
        Err(error) => Ok(Err(error)),
    }
}

/// Length and content in one packet.
fn send(stream: &mut TcpStream, content: &[u8]) -> io::Result<()> {
    let length = u16::try_from(content.len()).map_err(|_| ErrorKind::InvalidInput)?;
    let mut packet = Vec::with_capacity(PREFIX + LONGEST_RESPONSE);
    packet.extend(length.to_be_bytes());
    packet.extend(content);
    stream.write_all(&packet)
}

/// vpcd sends the length and the content of a message in two packets, and its kernel keeps the second one back until
/// ours has acknowledged the first: 40 ms for each APDU unless that is at once. The kernel forgets the setting, so it
/// is made again around every read.
#[cfg(target_os = "linux")]
fn acknowledge_at_once(stream: &TcpStream) {
    // Without it everything works, only slowly.
    let _ = socket2::SockRef::from(stream).set_tcp_quickack(true);
}

#[cfg(not(target_os = "linux"))]
fn acknowledge_at_once(_: &TcpStream) {}
