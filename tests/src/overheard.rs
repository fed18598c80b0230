//! What parties say to each other, written down: APDUs to cards, messages to the issuer, which may fail too.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use apdu_spec::command::{CommandName, table};
use purse_terminal::flow::IssuerDesk;
use purse_terminal::issuer::IssuerError;
use purse_terminal::transport::{Continuity, ResponseBuffer, Transport, TransportError};

pub use crate::listened::{Listened, Listener};

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
pub struct Notes(Rc<RefCell<Vec<Said>>>);

impl Notes {
    fn write(&self, to: &'static str, words: Vec<u8>, answer: Option<Vec<u8>>) {
        self.0.borrow_mut().push(Said { to, words, answer });
    }

    /// All of it.
    pub fn take(&self) -> Vec<Said> {
        self.0.take()
    }
}

/// What happens to a payee just before its first CREDIT.
pub type Event = fn(&mut Rig);

/// A card that is listened to.
#[derive(Debug)]
pub struct Overheard<'a> {
    rig: &'a mut Rig,
    who: &'static str,
    notes: Notes,
    event: Option<Event>,
}

impl<'a> Overheard<'a> {
    /// Of this name.
    pub fn new(rig: &'a mut Rig, who: &'static str, notes: &Notes, event: Option<Event>) -> Self {
        Self { rig, who, notes: notes.clone(), event }
    }
}

impl Transport for Overheard<'_> {
    fn transmit<'b>(
        &mut self,
        command: &[u8],
        response: &'b mut ResponseBuffer,
    ) -> Result<&'b [u8], TransportError> {
        if command.get(1) == Some(&table::row(CommandName::Credit).instruction)
            && let Some(event) = self.event.take()
        {
            event(self.rig);
        }
        let result = self.rig.transmit(command, response);
        // What does not reach the card has not been said.
        if !matches!(result, Err(TransportError::NoCard(_))) {
            let answer = result.as_ref().ok().map(|answer| answer.to_vec());
            self.notes.write(self.who, command.to_vec(), answer);
        }
        result
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.rig.reset()?;
        self.notes.write(self.who, b"reset".to_vec(), Some(Vec::new()));
        Ok(())
    }

    fn name(&self) -> &str {
        self.rig.name()
    }

    fn begin(&mut self) -> Result<Continuity, TransportError> {
        self.rig.begin()
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
pub struct Overhearing {
    notes: Notes,
    failing: Option<Failing>,
    count: Cell<u32>,
}

/// An issuer that is listened to.
pub type OverheardIssuer<'a> = Listened<'a, Overhearing>;

/// This issuer, overheard.
pub fn overheard_issuer<'a>(
    issuer: &'a mut dyn IssuerDesk,
    notes: &Notes,
    failing: Option<Failing>,
) -> OverheardIssuer<'a> {
    Listened::new(issuer, Overhearing { notes: notes.clone(), failing, count: Cell::new(0) })
}

impl Overhearing {
    /// Messages so far.
    pub const fn messages(&self) -> u32 {
        self.count.get()
    }
}

fn out_of_reach() -> IssuerError {
    IssuerError::Unanswered("out of reach")
}

impl Listener for Overhearing {
    fn said(&self, message: &'static str, data: &[u8]) -> Result<(), IssuerError> {
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

    fn answered(&self, answer: &[u8]) -> Result<(), IssuerError> {
        self.notes.write("terminal", answer.to_vec(), None);
        if self.failing == Some(Failing::After(self.count.get())) { Err(out_of_reach()) } else { Ok(()) }
    }
}
