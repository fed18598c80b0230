//! The way to a card in a reader.

use std::time::{Duration, Instant};

use apdu_spec::command::{CommandName, table};

use super::connection::Connection;
use super::procedure;
use super::service::ANSWER_LIMIT;
use crate::transport::{Continuity, Protocol, ResponseBuffer, Transport, TransportError};

/// Whether other programs may have the card at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// They may, between our phases.
    #[default]
    Shared,
    /// Not as long as we are connected.
    Exclusive,
}

/// How a card in a reader is connected to.
#[derive(Clone, Copy, Debug)]
pub struct Connect {
    /// Alone or not.
    pub sharing: Sharing,
    /// How long a card may take for the answer to a command, and other programs for a phase of theirs.
    pub limit: Duration,
}

impl Default for Connect {
    fn default() -> Self {
        Self { sharing: Sharing::Shared, limit: ANSWER_LIMIT }
    }
}

/// A card in a reader. Between [`Transport::begin`] and [`Transport::end`] no other program gets to it; when it is
/// dropped the card is reset, so that no session stays behind.
#[derive(Debug)]
pub struct InReader {
    name: String,
    connection: Connection,
    connect: Connect,
    /// A PIN has been given to the card in this phase.
    pin_given: bool,
}

impl InReader {
    /// Connects to the card in the reader of this exact name.
    pub fn connect(reader: &str, connect: Connect) -> Result<Self, TransportError> {
        let connection = Connection::open(reader, connect.sharing, connect.limit)?;
        Ok(Self { name: reader.to_owned(), connection, connect, pin_given: false })
    }

    /// What card and reader have agreed on.
    pub const fn protocol(&self) -> Protocol {
        self.connection.protocol()
    }
}

impl Transport for InReader {
    fn transmit<'a>(
        &mut self,
        command: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError> {
        let limit = self.connect.limit;
        self.pin_given |= gives_pin(command);
        // One limit for the whole command: a card that sends it on from 61xx to 61xx gets no more.
        let begin = Instant::now();
        let connection = &mut self.connection;
        let length = procedure::transmit(connection.protocol(), command, response, &mut |sent, answer| {
            connection.transmit(sent, answer, limit.saturating_sub(begin.elapsed()))
        })
        .map_err(|error| match error {
            TransportError::TimedOut(reader, _) => TransportError::TimedOut(reader, limit.as_secs()),
            error => error,
        })?;
        response.get(..length).ok_or(TransportError::Malformed("longer than its buffer"))
    }

    /// A warm reset, if the card is still there. A phase that has begun goes on.
    fn reset(&mut self) -> Result<(), TransportError> {
        self.connection.reset(self.connect.limit)
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn begin(&mut self) -> Result<Continuity, TransportError> {
        self.connection.begin(self.connect.limit)
    }

    /// A card that has been given a PIN is reset: no other program shall find it verified.
    fn end(&mut self) -> Result<(), TransportError> {
        self.connection.end(self.pin_given, self.connect.limit)?;
        self.pin_given = false;
        Ok(())
    }
}

/// Whether the PIN may be verified after this command.
fn gives_pin(command: &[u8]) -> bool {
    let instruction = command.get(1).copied();
    [CommandName::Verify, CommandName::ChangePin]
        .into_iter()
        .any(|name| Some(table::row(name).instruction) == instruction)
}
