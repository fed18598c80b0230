//! A connection to a card, kept by a thread of its own: a call that hangs hangs there.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use zeroize::Zeroizing;

use super::in_reader::Sharing;
use super::worker::Worker;
use crate::transport::{Continuity, Protocol, ResponseBuffer, TransportError};

/// What the thread is asked for.
pub(super) enum Job {
    Transmit(Zeroizing<Vec<u8>>),
    Begin,
    /// The card is left as it is, or reset.
    End {
        reset: bool,
    },
    Reset,
}

/// What it answers.
pub(super) enum Answer {
    Connected(Protocol),
    Response(Box<ResponseBuffer>, usize),
    Begun(Continuity),
    Done,
}

/// An answer, or why there is none.
pub(super) type Outcome = Result<Answer, TransportError>;

/// The near end.
#[derive(Debug)]
pub(super) struct Connection {
    reader: String,
    jobs: Option<SyncSender<Job>>,
    answers: Receiver<Outcome>,
    protocol: Protocol,
    /// A call did not come back in time: the connection is of no use any more.
    stuck: bool,
}

impl Connection {
    /// Connects to the card in this reader.
    pub(super) fn open(reader: &str, sharing: Sharing, limit: Duration) -> Result<Self, TransportError> {
        let (jobs, todo) = sync_channel(1);
        let (done, answers) = sync_channel(1);
        let name = reader.to_owned();
        thread::Builder::new()
            .name("card".to_owned())
            .spawn(move || Worker::new(name, sharing, limit, todo, done).run())
            .map_err(|error| TransportError::NoReader(format!("{reader}: {error}")))?;
        let mut connection = Self {
            reader: reader.to_owned(),
            jobs: Some(jobs),
            answers,
            protocol: Protocol::T1,
            stuck: false,
        };
        match connection.answer(limit) {
            Ok(Answer::Connected(protocol)) => {
                connection.protocol = protocol;
                Ok(connection)
            }
            Ok(_) => Err(TransportError::NoReader(format!("{reader}: no connection"))),
            // Another program's phase that does not end, or a card that keeps its reader busy.
            Err(TransportError::TimedOut(..)) => Err(TransportError::InUse(reader.to_owned())),
            Err(error) => Err(error),
        }
    }

    pub(super) const fn protocol(&self) -> Protocol {
        self.protocol
    }

    pub(super) fn transmit(
        &mut self,
        command: &[u8],
        response: &mut ResponseBuffer,
        limit: Duration,
    ) -> Result<usize, TransportError> {
        match self.ask(Job::Transmit(Zeroizing::new(command.to_vec())), limit)? {
            Answer::Response(bytes, length) => {
                *response = *bytes;
                Ok(length)
            }
            _ => Err(TransportError::Malformed("no response")),
        }
    }

    /// Waits for other programs to end their phases, but not for ever.
    pub(super) fn begin(&mut self, limit: Duration) -> Result<Continuity, TransportError> {
        match self.ask(Job::Begin, limit) {
            Ok(Answer::Begun(continuity)) => Ok(continuity),
            Ok(_) | Err(TransportError::TimedOut(..)) => Err(TransportError::InUse(self.reader.clone())),
            Err(error) => Err(error),
        }
    }

    pub(super) fn end(&mut self, reset: bool, limit: Duration) -> Result<(), TransportError> {
        self.ask(Job::End { reset }, limit).map(|_| ())
    }

    pub(super) fn reset(&mut self, limit: Duration) -> Result<(), TransportError> {
        if let Answer::Connected(protocol) = self.ask(Job::Reset, limit)? {
            self.protocol = protocol;
        }
        Ok(())
    }

    fn ask(&mut self, job: Job, limit: Duration) -> Outcome {
        let sent = !self.stuck && self.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
        if sent { self.answer(limit) } else { Err(TransportError::InUse(self.reader.clone())) }
    }

    fn answer(&mut self, limit: Duration) -> Outcome {
        match self.answers.recv_timeout(limit) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Timeout) => {
                // What the call may get after all, a transaction above all, is given back at once.
                self.jobs = None;
                self.stuck = true;
                Err(TransportError::TimedOut(self.reader.clone(), limit.as_secs()))
            }
            Err(RecvTimeoutError::Disconnected) => {
                self.stuck = true;
                Err(TransportError::Other(format!("{}: the connection has ended", self.reader)))
            }
        }
    }
}

/// How long the card's reset at the end is waited for.
const FAREWELL: Duration = Duration::from_secs(2);

impl Drop for Connection {
    fn drop(&mut self) {
        self.jobs = None;
        if !self.stuck {
            // Disconnected, or given up.
            let _ = self.answers.recv_timeout(FAREWELL);
        }
    }
}
