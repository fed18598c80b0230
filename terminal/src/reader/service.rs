//! The smart card service: which readers there are, what is in them, and waiting for a card.

use std::ffi::CString;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use pcsc::{Context, Error, ReaderState, Scope, State};

use super::choice::{Choice, choose, fitting};
use super::errors;
use super::{Holder, Occupancy, Reader};
use crate::transport::TransportError;

/// How long a card, a reader or the service may take for an answer. A card of ours takes milliseconds; others may ask
/// for more time again and again, without an end.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// The longest time without a look: a service that has died may not wake us.
const GLANCE: Duration = Duration::from_secs(1);

/// The connection to the service.
#[derive(Clone)]
pub struct Service {
    context: Context,
    cancelled: Arc<AtomicBool>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Service(..)")
    }
}

/// How long a card is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Not at all.
    Not,
    /// So long.
    For(Duration),
    /// Until it comes.
    Forever,
}

impl Waiting {
    fn deadline(self) -> Option<Instant> {
        match self {
            Self::Not => Some(Instant::now()),
            Self::For(time) => Instant::now().checked_add(time),
            Self::Forever => None,
        }
    }
}

impl Service {
    /// Connects to the service.
    pub fn connect() -> Result<Self, TransportError> {
        let context = within(Duration::ZERO, || Context::establish(Scope::User))?;
        let context = context.map_err(|error| errors::before(error, "PC/SC"))?;
        Ok(Self { context, cancelled: Arc::default() })
    }

    /// Every reader, in the service's order.
    pub fn readers(&self) -> Result<Vec<Reader>, TransportError> {
        let context = self.context.clone();
        within(Duration::ZERO, move || look(&context))?
    }

    /// The reader that `wanted` means (see [`choose`]) among all but one, with a card in it. `tell` is called once if it
    /// has to be waited for.
    ///
    /// # Errors
    /// No such reader, or none any more; no card in time.
    pub fn find(
        &self,
        wanted: &str,
        except: Option<&str>,
        waiting: Waiting,
        tell: impl FnOnce(&str),
    ) -> Result<String, TransportError> {
        let mut readers = self.readers()?;
        readers.retain(|reader| reader.name == wanted || Some(reader.name.as_str()) != except);
        let (names, exact) = match choose(&readers, wanted)? {
            Choice::Reader(name) => (vec![name], true),
            Choice::AnyOf(names) => (names, false),
        };
        if exact && waiting == Waiting::Not {
            // What is wrong with it, connecting says.
            return Ok(names.concat());
        }
        let deadline = waiting.deadline();
        let mut tell = Some(tell);
        self.watch(&names, deadline, |readers| {
            let ready = readers.iter().find(|reader| reader.has_free_card());
            if ready.is_none()
                && let Some(tell) = tell.take()
                && waiting != Waiting::Not
            {
                tell(&names.join(", "));
            }
            ready.map(|reader| reader.name.clone())
        })?
        .ok_or_else(|| TransportError::NoCard(names.join(", ")))
    }

    /// The first of the readers that `wanted` may mean that has a card which is free; all but one.
    ///
    /// # Errors
    /// No such reader, or none any more; no card in time.
    pub fn next_card(
        &self,
        wanted: &str,
        except: Option<&str>,
        waiting: Waiting,
    ) -> Result<String, TransportError> {
        let mut readers = self.readers()?;
        readers.retain(|reader| Some(reader.name.as_str()) != except);
        let names = fitting(&readers, wanted)?;
        self.watch(&names, waiting.deadline(), |readers| {
            readers.iter().find(|reader| reader.has_free_card()).map(|reader| reader.name.clone())
        })?
        .ok_or_else(|| TransportError::NoCard(names.join(", ")))
    }

    /// The reader with the card that answers its reset so; none if there is none in time.
    pub fn find_answer_to_reset(
        &self,
        wanted: &[u8],
        waiting: Waiting,
    ) -> Result<Option<String>, TransportError> {
        let names: Vec<String> = self.readers()?.into_iter().map(|reader| reader.name).collect();
        self.watch(&names, waiting.deadline(), |readers| {
            let fits = |reader: &&Reader| {
                matches!(&reader.occupancy, Occupancy::Card { answer_to_reset, .. } if answer_to_reset == wanted)
            };
            readers.iter().find(fits).map(|reader| reader.name.clone())
        })
    }

    /// Waits until the card has left this reader. Gives false if it is still there at the end.
    pub fn wait_for_removal(&self, reader: &str, waiting: Waiting) -> Result<bool, TransportError> {
        let names = [reader.to_owned()];
        let gone = self.watch(&names, waiting.deadline(), |readers| {
            readers.iter().all(|reader| reader.occupancy == Occupancy::Empty).then_some(())
        })?;
        Ok(gone.is_some())
    }

    /// Whether waiting was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    /// Ends all waiting of this connection and its clones, now and from now on; from another thread.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        // A service that is gone has nobody waiting.
        let _ = self.context.cancel();
    }

    /// Looks at these readers now and after every change, until `found` finds what it looks for (none at the deadline).
    fn watch<T>(
        &self,
        names: &[String],
        deadline: Option<Instant>,
        mut found: impl FnMut(&[Reader]) -> Option<T>,
    ) -> Result<Option<T>, TransportError> {
        let mut states = states(names);
        let mut time = Duration::ZERO;
        loop {
            let context = self.context.clone();
            let change = within(time, move || (context.get_status_change(time, &mut states), states))?;
            states = change.1;
            match change.0 {
                Ok(()) | Err(Error::Timeout | Error::Cancelled) => {}
                Err(error) => return Err(errors::before(error, &names.join(", "))),
            }
            if self.is_cancelled() {
                return Ok(None);
            }
            let readers: Vec<Reader> = states.iter().map(reader).collect();
            if readers.iter().all(|reader| reader.occupancy == Occupancy::Unavailable) {
                return Err(TransportError::NoReader(format!("reader {} was unplugged", names.join(", "))));
            }
            if let Some(found) = found(&readers) {
                return Ok(Some(found));
            }
            time = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                Some(Duration::ZERO) => return Ok(None),
                Some(left) => left.min(GLANCE),
                None => GLANCE,
            };
            states.iter_mut().for_each(ReaderState::sync_current_state);
        }
    }
}

fn look(context: &Context) -> Result<Vec<Reader>, TransportError> {
    let names = match context.list_readers_owned() {
        Ok(names) => names,
        Err(Error::NoReadersAvailable) => Vec::new(),
        Err(error) => return Err(errors::before(error, "PC/SC")),
    };
    let names: Vec<String> = names.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut states = states(&names);
    match context.get_status_change(Duration::ZERO, &mut states) {
        Ok(()) | Err(Error::Timeout) => Ok(states.iter().map(reader).collect()),
        Err(error) => Err(errors::before(error, "PC/SC")),
    }
}

fn states(names: &[String]) -> Vec<ReaderState> {
    let names = names.iter().filter_map(|name| CString::new(name.as_str()).ok());
    names.map(|name| ReaderState::new(name, State::UNAWARE)).collect()
}

fn reader(state: &ReaderState) -> Reader {
    let events = state.event_state();
    let occupancy = if events.intersects(State::UNKNOWN | State::UNAVAILABLE) {
        Occupancy::Unavailable
    } else if events.contains(State::MUTE) {
        Occupancy::Mute
    } else if events.contains(State::PRESENT) {
        let holder = if events.contains(State::EXCLUSIVE) {
            Holder::Exclusive
        } else if events.contains(State::INUSE) {
            Holder::Shared
        } else {
            Holder::Nobody
        };
        Occupancy::Card { answer_to_reset: state.atr().to_vec(), holder }
    } else {
        Occupancy::Empty
    };
    Reader { name: state.name().to_string_lossy().into_owned(), occupancy }
}

/// Calls the service, which may wait for so long, and gives the call up after a while.
fn within<T: Send + 'static>(
    waiting: Duration,
    call: impl FnOnce() -> T + Send + 'static,
) -> Result<T, TransportError> {
    let (done, answer) = sync_channel(1);
    thread::Builder::new()
        .name("service".to_owned())
        .spawn(move || done.send(call()))
        .map_err(|error| TransportError::NoService(error.to_string()))?;
    answer.recv_timeout(ANSWER_LIMIT.saturating_add(waiting)).map_err(|error| {
        TransportError::NoService(match error {
            RecvTimeoutError::Timeout => {
                let seconds = ANSWER_LIMIT.as_secs();
                format!("the smart card service gave no answer within {seconds} s; restart it")
            }
            // The call has ended in a panic: `pcsc` knows the service's answer not at all.
            RecvTimeoutError::Disconnected => {
                "the smart card service answers as none does; restart it".to_owned()
            }
        })
    })
}
