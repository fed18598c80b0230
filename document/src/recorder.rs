//! Writes down what parties say to each other: APDUs to cards, messages to the issuer.

use std::cell::RefCell;
use std::rc::Rc;

use apdu_spec::command::Field;
use apdu_spec::message::message_named;
use apdu_spec::record::LogRecord;
use purse_reference::process::{Answer, Parties, Sent};
use purse_reference::value::Value;
use purse_terminal::process::AtHand;
use purse_terminal::transport::{InProcess, ResponseBuffer, Transport, TransportError};

use crate::scheme::Who;

/// Bytes of a message to the issuer, with their name.
pub(crate) type Part = (String, Vec<u8>);

/// One command or message with its answer.
#[derive(Clone, Debug)]
pub(crate) enum Exchange {
    /// An APDU to a card and back; the response may have been lost on its way.
    Card { who: Who, command: Vec<u8>, response: Vec<u8>, lost: bool },
    /// A message to the issuer and back.
    Issuer { name: &'static str, sent: Vec<Part>, answered: Vec<Part>, status: u16 },
}

/// Where it is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Protocol(Rc<RefCell<Vec<Exchange>>>);

impl Protocol {
    fn write(&self, exchange: Exchange) {
        self.0.borrow_mut().push(exchange);
    }

    /// Everything since this was called last.
    pub(crate) fn take(&self) -> Vec<Exchange> {
        self.0.take()
    }
}

/// A card whose APDUs are written down.
#[derive(Debug)]
pub(crate) struct RecordedCard {
    pub(crate) who: Who,
    pub(crate) inner: InProcess,
    pub(crate) protocol: Protocol,
    /// The card leaves as it answers a command of this instruction.
    pub(crate) leaves_at: Option<u8>,
    /// It has left.
    pub(crate) is_away: bool,
}

impl RecordedCard {
    pub(crate) fn new(who: Who, inner: InProcess, protocol: &Protocol) -> Self {
        Self { who, inner, protocol: protocol.clone(), leaves_at: None, is_away: false }
    }

    /// The card is here again, and stays.
    pub(crate) fn bring_back(&mut self) -> Result<(), TransportError> {
        self.leaves_at = None;
        self.is_away = false;
        self.inner.reset()
    }
}

impl Transport for RecordedCard {
    fn transmit<'a>(
        &mut self,
        command: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError> {
        if self.is_away {
            return Err(TransportError::NoCard(self.inner.name().to_owned()));
        }
        self.is_away = self.leaves_at.is_some() && command.get(1).copied() == self.leaves_at;
        let answer = self.inner.transmit(command, response)?;
        self.protocol.write(Exchange::Card {
            who: self.who,
            command: command.to_vec(),
            response: answer.to_vec(),
            lost: self.is_away,
        });
        if self.is_away { Err(TransportError::ResponseLost) } else { Ok(answer) }
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        if self.is_away {
            return Err(TransportError::NoCard(self.inner.name().to_owned()));
        }
        self.inner.reset()
    }

    fn name(&self) -> &str {
        self.inner.name()
    }
}

/// A message as it is said, field by field; the names are the table's.
fn parts(fields: &[Field], bytes: &[u8]) -> Vec<Part> {
    let mut rest = bytes;
    let mut parts = Vec::new();
    for field in fields {
        let length = if field.length == 0 { rest.len() } else { field.length.into() };
        let Some((part, behind)) = rest.split_at_checked(length) else { break };
        match field.name {
            "records" => {
                parts.extend(
                    part.chunks(LogRecord::LENGTH).map(|record| ("record".to_owned(), record.to_vec())),
                );
            }
            name => parts.push((name.to_owned(), part.to_vec())),
        }
        rest = behind;
    }
    parts
}

/// Cards and issuer at hand, of which the messages to the issuer are written down.
pub(crate) struct RecordedParties<'a> {
    pub(crate) at_hand: AtHand<'a>,
    pub(crate) protocol: Protocol,
}

impl Parties for RecordedParties<'_> {
    fn transmit(&mut self, message: &Sent<'_>) -> Result<Answer, String> {
        let answer = self.at_hand.transmit(message)?;
        if message.party == "ISSUER"
            && let Some(row) = message_named(message.name)
        {
            self.protocol.write(Exchange::Issuer {
                name: row.name,
                sent: parts(row.data, &message.data),
                answered: parts(row.response, &answer.data),
                status: answer.status,
            });
        }
        Ok(answer)
    }

    fn input(&mut self, name: &str) -> Result<Value, String> {
        self.at_hand.input(name)
    }
}
