//! The thread that keeps a connection to a card: it does one job after the other, and ends with its near end.

use std::cell::Cell;
use std::ffi::CString;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use pcsc::{
    Card, CardStatusOwned, Context, Disposition, Error, Protocols, Scope, ShareMode, State, Transaction,
};

use super::connection::{Answer, Job, Outcome};
use super::errors;
use super::in_reader::Sharing;
use crate::transport::{Continuity, EMPTY_RESPONSE, Protocol, TransportError};

/// How long a card may look mute before it is taken for one.
const MUTE: Duration = Duration::from_secs(1);
/// Before a card that another program has reset is taken up again: it may be about to do so once more.
const PAUSE: Duration = Duration::from_millis(2);
/// pcscd tells of another program's reset before it does it, and does not ask then whose transaction it is by now. What is
/// on its way comes within this time, and no more of them are let through.
const SETTLED: Duration = Duration::from_millis(20);

/// The far end of a connection.
pub(super) struct Worker {
    reader: String,
    sharing: Sharing,
    /// Others may keep resetting the card for so long.
    limit: Duration,
    todo: Receiver<Job>,
    done: SyncSender<Outcome>,
    /// Card and reader have agreed on a protocol: the crate `pcsc` panics at a command without one.
    agreed: Cell<bool>,
    /// No session of ours is known on the card: it has just been connected to, or reset.
    fresh: Cell<bool>,
    /// Another program may have begun to reset the card when it was connected to.
    disturbed: Cell<bool>,
}

/// Jobs end with the near end, or with one that has nobody left to answer.
type Flow = ControlFlow<()>;

impl Worker {
    pub(super) const fn new(
        reader: String,
        sharing: Sharing,
        limit: Duration,
        todo: Receiver<Job>,
        done: SyncSender<Outcome>,
    ) -> Self {
        let (agreed, fresh, disturbed) = (Cell::new(true), Cell::new(true), Cell::new(false));
        Self { reader, sharing, limit, todo, done, agreed, fresh, disturbed }
    }

    /// Connects, and does what it is asked for until nobody asks any more. Then the card is reset.
    pub(super) fn run(self) {
        let mut card = match self.connect() {
            Ok((card, protocol)) => {
                if self.done.send(Ok(Answer::Connected(protocol))).is_err() {
                    return;
                }
                card
            }
            Err(error) => {
                let _ = self.done.send(Err(error));
                return;
            }
        };
        while let Ok(job) = self.todo.recv() {
            let flow = match job {
                Job::Transmit(command) => self.answer(self.transmit(&card, &command)),
                Job::End { .. } => self.answer(Ok(Answer::Done)),
                Job::Reset => {
                    let outcome = self
                        .reset(|share, protocols| card.reconnect(share, protocols, Disposition::ResetCard));
                    self.answer(outcome.and_then(|()| self.protocol(&card)).map(Answer::Connected))
                }
                Job::Begin => self.phase(&mut card),
            };
            if flow.is_break() {
                break;
            }
        }
        // Whoever comes next finds no session of ours, no verified PIN above all.
        let _ = card.disconnect(Disposition::ResetCard);
    }

    fn connect(&self) -> Result<(Card, Protocol), TransportError> {
        let failed = |error| errors::before(error, &self.reader);
        let context = Context::establish(Scope::User).map_err(failed)?;
        let name = CString::new(self.reader.as_str())
            .map_err(|_| TransportError::NoReader(format!("no reader is called `{}`", self.reader)))?;
        let in_use = errors::state(&context, &name).is_ok_and(|state| state.contains(State::INUSE));
        self.disturbed.set(in_use);
        let begin = Instant::now();
        let mut card = loop {
            match context.connect(&name, self.share_mode(), Protocols::ANY) {
                // A card that another program resets just now looks like one that is mute.
                Err(error) if is_passing(error) && begin.elapsed() < MUTE => thread::sleep(PAUSE),
                connected => break connected.map_err(failed)?,
            }
        };
        loop {
            match self.protocol(&card) {
                Ok(protocol) => return Ok((card, protocol)),
                Err(error) if begin.elapsed() > self.limit => return Err(error),
                Err(_) => self.retake(|share, protocols, how| card.reconnect(share, protocols, how))?,
            }
        }
    }

    /// Takes a card up again that another program has reset since it was connected to.
    fn retake(
        &self,
        reconnect: impl FnOnce(ShareMode, Protocols, Disposition) -> Result<(), Error>,
    ) -> Result<(), TransportError> {
        thread::sleep(PAUSE);
        match reconnect(self.share_mode(), Protocols::ANY, Disposition::LeaveCard) {
            // The next attempt shows.
            Err(error) if is_passing(error) => Ok(()),
            done => done.map_err(|error| errors::before(error, &self.reader)),
        }
    }

    const fn share_mode(&self) -> ShareMode {
        match self.sharing {
            Sharing::Shared => ShareMode::Shared,
            Sharing::Exclusive => ShareMode::Exclusive,
        }
    }

    /// What card and reader have agreed on.
    fn protocol(&self, card: &Card) -> Result<Protocol, TransportError> {
        let status = card.status2_owned().map_err(|error| errors::before(error, &self.reader));
        let protocol = status.map(|status| agreed(&status));
        self.agreed.set(matches!(protocol, Ok(Some(_))));
        protocol?.ok_or_else(|| TransportError::Mute(self.reader.clone()))
    }

    fn answer(&self, outcome: Outcome) -> Flow {
        if self.done.send(outcome).is_ok() { Flow::Continue(()) } else { Flow::Break(()) }
    }

    fn transmit(&self, card: &Card, command: &[u8]) -> Outcome {
        if !self.agreed.get() {
            return Err(TransportError::Mute(self.reader.clone()));
        }
        let mut response = Box::new(EMPTY_RESPONSE);
        match card.transmit(command, response.as_mut_slice()).map(<[u8]>::len) {
            // vpcd's word for a card that has left; no card answers so.
            Ok(0) => Err(errors::look(&self.reader)),
            Ok(length) => Ok(Answer::Response(response, length)),
            Err(error) => Err(errors::during(error, &self.reader)),
        }
    }

    fn reset(
        &self,
        reconnect: impl FnOnce(ShareMode, Protocols) -> Result<(), Error>,
    ) -> Result<(), TransportError> {
        reconnect(self.share_mode(), Protocols::ANY).map_err(|error| errors::before(error, &self.reader))
    }

    /// A phase, from its begin to its end: the transaction borrows the card for as long.
    fn phase(&self, card: &mut Card) -> Flow {
        let mut reconnected = false;
        let begin = Instant::now();
        while begin.elapsed() < self.limit {
            match card.transaction2() {
                Ok(transaction) => {
                    if self.disturbed.replace(false) || reconnected {
                        thread::sleep(SETTLED);
                    }
                    if !reconnected || self.protocol(&transaction).is_ok() {
                        let alone = self.sharing == Sharing::Exclusive && !self.fresh.get() && !reconnected;
                        let continuity = if alone { Continuity::Kept } else { Continuity::Unsure };
                        self.answer(Ok(Answer::Begun(continuity)))?;
                        return self.in_phase(transaction);
                    }
                }
                // Somebody has reset the card since: it is taken as it is now.
                Err((_, Error::ResetCard)) => {}
                Err((_, error)) => return self.answer(Err(errors::before(error, &self.reader))),
            }
            reconnected = true;
            if let Err(error) = self.retake(|share, protocols, how| card.reconnect(share, protocols, how)) {
                return self.answer(Err(error));
            }
        }
        self.answer(Err(TransportError::InUse(self.reader.clone())))
    }

    /// Every way out ends the transaction by a word of ours: dropped, it would leave the card's session to the next.
    fn in_phase(&self, mut transaction: Transaction<'_>) -> Flow {
        let reset = loop {
            let Ok(job) = self.todo.recv() else { break None };
            let flow = match job {
                Job::Transmit(command) => self.answer(self.transmit(&transaction, &command)),
                Job::Reset => {
                    let outcome = self.reset(|share, protocols| {
                        transaction.reconnect(share, protocols, Disposition::ResetCard)
                    });
                    self.answer(outcome.and_then(|()| self.protocol(&transaction)).map(Answer::Connected))
                }
                // In one already.
                Job::Begin => self.answer(Ok(Answer::Begun(Continuity::Kept))),
                Job::End { reset } => break Some(reset),
            };
            if flow.is_break() {
                break None;
            }
        };
        let keeps_session = reset == Some(false);
        self.fresh.set(!keeps_session);
        let ended =
            transaction.end(if keeps_session { Disposition::LeaveCard } else { Disposition::ResetCard });
        if reset.is_none() {
            return Flow::Break(());
        }
        let outcome = ended.map_err(|(_, error)| errors::before(error, &self.reader));
        self.answer(outcome.map(|()| Answer::Done))
    }
}

/// What card and reader have agreed on. With none of both no command would cross.
fn agreed(status: &CardStatusOwned) -> Option<Protocol> {
    match status.protocol2()? {
        pcsc::Protocol::T0 => Some(Protocol::T0),
        pcsc::Protocol::T1 => Some(Protocol::T1),
        pcsc::Protocol::RAW => None,
    }
}

/// Whether an error may come from another program's reset, and be over in a moment.
const fn is_passing(error: Error) -> bool {
    matches!(error, Error::ResetCard | Error::UnpoweredCard | Error::UnresponsiveCard | Error::ProtoMismatch)
}
