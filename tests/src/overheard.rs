//! What parties say to each other, written down: APDUs to cards, messages to the issuer, which may fail too.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use apdu_spec::command::{CommandName, table};
use purse_terminal::flow::IssuerDesk;
use purse_terminal::issuer::IssuerError;
use purse_terminal::transport::{Continuity, ResponseBuffer, Transport, TransportError};

pub use crate::listened::OverheardIssuer;

use crate::world::Rig;

/// One thing said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// To whom.
    pub to: &'static str,
    /// The APDU, or name and content of the message.
    pub words: Vec<u8>,
    /// What came back; none where nothing did, or a refusal of the issuer.
    pub answer: Option<Vec<u8>>,
}

/// Where it is written.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    said: Rc<RefCell<Vec<Said>>>,
    has_begun: Rc<Cell<bool>>,
}

impl Notes {
    fn write(&self, to: &'static str, words: Vec<u8>, answer: Option<Vec<u8>>) {
        self.said.borrow_mut().push(Said { to, words, answer });
    }

    /// What has been said so far does not count; from now on incidents happen.
    pub fn begin(&self) {
        self.said.take();
        self.has_begun.set(true);
    }

    /// All of it.
    pub fn take(&self) -> Vec<Said> {
        self.said.take()
    }
}

/// What happens to a card.
pub type Event = fn(&mut Rig);

/// What becomes of a command, or of a reset, instead of what should.
#[derive(Clone, Copy, Debug)]
pub enum Mishap {
    /// The card executes it; its answer is lost.
    Lost,
    /// It does not reach the card, and whoever sends it knows.
    Unsent,
    /// It does not reach the card, and somebody else answers this.
    Answered(fn() -> Vec<u8>),
    /// The card's answer is altered on its way.
    Altered(fn(&mut Vec<u8>)),
    /// This happens just before it.
    Before(Event),
    /// From its answer on, another program has the card whenever somebody wants to hold it.
    InUseAfter,
    /// So it is from the beginning on, whatever command is named.
    InUse,
}

/// A mishap and where it happens.
#[derive(Clone, Copy, Debug)]
pub struct Incident {
    /// To which command; none for a reset.
    pub command: Option<CommandName>,
    /// To which of them since this card's incident before, or since the beginning, from 1; 0 for every one.
    pub number: usize,
    /// What happens.
    pub mishap: Mishap,
}

/// A card that is listened to.
#[derive(Debug)]
pub struct Overheard<'a> {
    rig: &'a mut Rig,
    who: &'static str,
    notes: Notes,
    /// The next one last.
    incidents: Vec<Incident>,
    /// What was said when the last one happened.
    since: usize,
    is_in_use: bool,
    is_in_use_from_the_beginning: bool,
}

impl<'a> Overheard<'a> {
    /// Of this name. Incidents happen one after the other; one of every command keeps those behind it from happening.
    pub fn new(rig: &'a mut Rig, who: &'static str, notes: &Notes, mut incidents: Vec<Incident>) -> Self {
        let is_in_use = |incident: &Incident| matches!(incident.mishap, Mishap::InUse);
        let is_in_use_from_the_beginning = incidents.iter().any(is_in_use);
        incidents.retain(|incident| !is_in_use(incident));
        incidents.reverse();
        Self {
            rig,
            who,
            notes: notes.clone(),
            incidents,
            since: 0,
            is_in_use: false,
            is_in_use_from_the_beginning,
        }
    }

    /// What happens to these words.
    fn mishap(&mut self, words: &[u8]) -> Option<Mishap> {
        let instruction = |words: &[u8]| if words == RESET { None } else { words.get(1).copied() };
        let Incident { command, number, mishap } = *self.incidents.last()?;
        let wanted = command.map(|name| table::row(name).instruction);
        if !self.notes.has_begun.get() || instruction(words) != wanted {
            return None;
        }
        let said = self.notes.said.borrow();
        let before = said.iter().skip(self.since);
        let before = before.filter(|said| said.to == self.who && instruction(&said.words) == wanted).count();
        if number != 0 {
            if before + 1 != number {
                return None;
            }
            // What is not sent is not written down.
            self.since = said.len() + usize::from(!matches!(mishap, Mishap::Unsent));
            self.incidents.pop();
        }
        Some(mishap)
    }
}

/// What is written of a reset.
const RESET: &[u8] = b"reset";

impl Transport for Overheard<'_> {
    fn transmit<'b>(
        &mut self,
        command: &[u8],
        response: &'b mut ResponseBuffer,
    ) -> Result<&'b [u8], TransportError> {
        let mishap = self.mishap(command);
        let mut send = |rig: &mut Rig| rig.transmit(command, response).map(<[u8]>::to_vec);
        let result = match mishap {
            Some(Mishap::Lost) => send(self.rig).and(Err(TransportError::ResponseLost)),
            Some(Mishap::Unsent) => Err(TransportError::NoCard(self.who.to_owned())),
            Some(Mishap::Answered(answer)) => Ok(answer()),
            Some(Mishap::Altered(alter)) => send(self.rig).map(|mut answer| {
                alter(&mut answer);
                answer
            }),
            Some(Mishap::Before(event)) => {
                event(self.rig);
                send(self.rig)
            }
            Some(Mishap::InUseAfter) => {
                self.is_in_use = true;
                send(self.rig)
            }
            Some(Mishap::InUse) | None => send(self.rig),
        };
        // What does not reach the card has not been said.
        if !matches!(result, Err(TransportError::NoCard(_))) {
            self.notes.write(self.who, command.to_vec(), result.as_ref().ok().cloned());
        }
        let answer = result?;
        let room = response.get_mut(..answer.len());
        let room = room.ok_or(TransportError::Malformed("longer than its buffer"))?;
        room.copy_from_slice(&answer);
        Ok(room)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        match self.mishap(RESET) {
            Some(Mishap::Unsent) => return Err(TransportError::Mute(self.who.to_owned())),
            Some(Mishap::Before(event)) => event(self.rig),
            _ => {}
        }
        self.rig.reset()?;
        self.notes.write(self.who, RESET.to_vec(), Some(Vec::new()));
        Ok(())
    }

    fn name(&self) -> &str {
        self.rig.name()
    }

    fn begin(&mut self) -> Result<Continuity, TransportError> {
        let is_in_use = self.is_in_use || self.is_in_use_from_the_beginning && self.notes.has_begun.get();
        if is_in_use { Err(TransportError::InUse(self.who.to_owned())) } else { self.rig.begin() }
    }

    fn end(&mut self) -> Result<(), TransportError> {
        self.rig.end()
    }
}

/// How the way to the issuer fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// Message of this number, from 1, does not arrive.
    Before(u32),
    /// Its answer does not arrive.
    After(u32),
    /// The issuer refuses it.
    Refused(u32),
}

/// Writes down what is said to an issuer, and stands in its way.
#[derive(Debug)]
pub(crate) struct Overhearing {
    notes: Notes,
    failing: Option<Failing>,
    count: Cell<u32>,
}

/// This issuer, overheard.
pub fn overheard_issuer<'a>(
    issuer: &'a mut dyn IssuerDesk,
    notes: &Notes,
    failing: Option<Failing>,
) -> OverheardIssuer<'a> {
    OverheardIssuer::new(issuer, Overhearing { notes: notes.clone(), failing, count: Cell::new(0) })
}

impl Overhearing {
    pub(crate) const fn messages(&self) -> u32 {
        self.count.get()
    }

    /// Something is said. An error keeps it from the issuer.
    pub(crate) fn said(&self, message: &'static str, data: &[u8]) -> Result<(), IssuerError> {
        let number = self.count.get() + 1;
        self.count.set(number);
        self.notes.write("issuer", [message.as_bytes(), data].concat(), None);
        match self.failing {
            Some(Failing::Before(failing)) if failing == number => Err(out_of_reach()),
            Some(Failing::Refused(failing)) if failing == number => {
                Err(IssuerError::PayDetails("somebody has said so"))
            }
            _ => Ok(()),
        }
    }

    /// The issuer has answered; no bytes where it refuses. An error keeps that from whoever has asked.
    pub(crate) fn answered(&self, answer: &[u8]) -> Result<(), IssuerError> {
        self.notes.write("terminal", answer.to_vec(), None);
        if self.failing == Some(Failing::After(self.count.get())) { Err(out_of_reach()) } else { Ok(()) }
    }
}

fn out_of_reach() -> IssuerError {
    IssuerError::Unanswered("out of reach")
}
