//! Prints what crosses.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use apdu_spec::status::StatusWord;
use jiff::Timestamp;
use serde::Serialize;

use super::redaction::{self, Shown, ShownCommand};
use super::{Continuity, ResponseBuffer, Transport, TransportError};

/// How a trace is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceFormat {
    /// Two lines for each APDU, for a person.
    Human,
    /// One JSON object a line, for each command with its response.
    JsonLines,
}

/// Where traces go; clones write to the same place, so that the APDUs of two cards stay in order.
#[derive(Clone)]
pub struct Trace {
    writer: Arc<Mutex<Box<dyn Write + Send>>>,
    format: TraceFormat,
    clock: fn() -> Timestamp,
}

impl std::fmt::Debug for Trace {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Trace").field("format", &self.format).finish_non_exhaustive()
    }
}

impl Trace {
    /// Writes to this place with the system's time.
    pub fn new(writer: Box<dyn Write + Send>, format: TraceFormat) -> Self {
        Self::with_clock(writer, format, Timestamp::now)
    }

    /// Writes with another clock's time.
    pub fn with_clock(writer: Box<dyn Write + Send>, format: TraceFormat, clock: fn() -> Timestamp) -> Self {
        Self { writer: Arc::new(Mutex::new(writer)), format, clock }
    }

    /// Traces what crosses this transport.
    pub fn wrap<T: Transport>(&self, inner: T) -> Traced<T> {
        Traced { inner, trace: self.clone() }
    }

    /// A command that goes to a card now: what a card's own side traces where no [`Transport`] is wrapped.
    pub fn command(&self, command: &[u8]) -> TracedCommand {
        TracedCommand { shown: redaction::command(command), started: (self.clock)() }
    }

    /// What became of a command at this card.
    pub fn answer(&self, card: &str, command: &TracedCommand, answer: &Result<&[u8], TransportError>) {
        let described = match answer {
            Ok(bytes) => Ok(redaction::response(&command.shown, bytes)),
            Err(error) => Err(error.to_string()),
        };
        self.print(card, command.started, &command.shown, &described);
    }

    /// A trace that cannot be written is no reason to leave a payment half done.
    fn line(&self, text: &str) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(writer, "{text}");
        let _ = writer.flush();
    }
}

/// A command on its way, as its trace will show it.
#[derive(Debug)]
pub struct TracedCommand {
    shown: ShownCommand,
    started: Timestamp,
}

/// Prints each APDU: time, command name and fields by the command table, the meaning of the status word. PINs and keys,
/// and whatever the table does not know, are left out.
#[derive(Debug)]
pub struct Traced<T> {
    inner: T,
    trace: Trace,
}

impl<T> Traced<T> {
    /// The transport inside.
    pub const fn inner(&self) -> &T {
        &self.inner
    }

    /// The transport inside.
    pub const fn inner_mut(&mut self) -> &mut T {
        &mut self.inner
    }

    /// Gives the transport back.
    pub fn into_inner(self) -> T {
        self.inner
    }
}

/// One command with its response, as JSON.
#[derive(Serialize)]
struct Line<'a> {
    schema: u32,
    time: String,
    card: &'a str,
    command: &'a str,
    header: &'a str,
    data: &'a [Shown],
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<&'a [Shown]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meaning: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    microseconds: u64,
}

/// Version of [`Line`].
const SCHEMA: u32 = 1;
const UNKNOWN: &str = "unknown command";

impl Trace {
    fn print(
        &self,
        card: &str,
        started: Timestamp,
        command: &ShownCommand,
        answer: &Result<(Vec<Shown>, Option<u16>), String>,
    ) {
        let ended = (self.clock)();
        let name = command.name.as_deref().unwrap_or(UNKNOWN);
        let status = answer.as_ref().ok().and_then(|(_, code)| *code);
        let meaning = status.map(meaning);
        match self.format {
            TraceFormat::Human => {
                let sent = format!("{name} [{}]{}", command.header, joined(&command.fields));
                self.line(&format!("{} {} > {sent}", time(started), card));
                let received = match (answer, status, meaning) {
                    (Ok((fields, _)), Some(code), Some(meaning)) => {
                        format!("{code:04X} {meaning}{}", joined(fields))
                    }
                    (Ok((fields, _)), ..) => format!("no status word{}", joined(fields)),
                    (Err(error), ..) => format!("no response: {error}"),
                };
                self.line(&format!("{} {} < {received}", time(ended), card));
            }
            TraceFormat::JsonLines => {
                let took = started.duration_until(ended).as_micros();
                let line = Line {
                    schema: SCHEMA,
                    time: started.to_string(),
                    card,
                    command: name,
                    header: &command.header,
                    data: &command.fields,
                    response: answer.as_ref().ok().map(|(fields, _)| fields.as_slice()),
                    status: status.map(|code| format!("{code:04X}")),
                    meaning,
                    error: answer.as_ref().err().cloned(),
                    microseconds: u64::try_from(took).unwrap_or(0),
                };
                // The line has nothing that JSON does not have.
                self.line(&serde_json::to_string(&line).unwrap_or_default());
            }
        }
    }
}

impl<T: Transport> Transport for Traced<T> {
    fn transmit<'a>(
        &mut self,
        command: &[u8],
        response: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], TransportError> {
        let traced = self.trace.command(command);
        let answer = self.inner.transmit(command, response);
        self.trace.answer(self.inner.name(), &traced, &answer);
        answer
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        let result = self.inner.reset();
        if self.trace.format == TraceFormat::Human {
            let outcome = result.as_ref().map_or_else(ToString::to_string, |()| "done".to_owned());
            self.trace.line(&format!(
                "{} {} reset: {outcome}",
                time((self.trace.clock)()),
                self.inner.name()
            ));
        }
        result
    }

    fn name(&self) -> &str {
        self.inner.name()
    }

    fn begin(&mut self) -> Result<Continuity, TransportError> {
        self.inner.begin()
    }

    fn end(&mut self) -> Result<(), TransportError> {
        self.inner.end()
    }
}

fn time(at: Timestamp) -> String {
    at.strftime("%H:%M:%S%.6fZ").to_string()
}

fn meaning(code: u16) -> &'static str {
    StatusWord::from_code(code).map_or("not a status word of the standard", StatusWord::meaning)
}

fn joined(fields: &[Shown]) -> String {
    fields.iter().fold(String::new(), |line, field| line + "  " + field.name + "=" + &field.value)
}
