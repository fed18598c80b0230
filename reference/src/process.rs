//! Processes across parties: a listing is carried out as a terminal would, with whatever cards and issuer it is given.

use apdu_spec::process::ListingKind;

use crate::machine::{End, Fault, Machine, Observer};
use crate::memory::{Memory, Sizes};
use crate::session::Session;
use crate::standard::Standard;
use crate::value::Value;

/// What TRANSMIT and INPUT are carried out by.
pub trait Parties {
    /// Sends a command to a card, or a message.
    ///
    /// # Errors
    /// There is no such party or message: a mistake of the listing, or of whoever runs it.
    fn transmit(&mut self, message: &Sent<'_>) -> Result<Answer, String>;

    /// What the process is told.
    ///
    /// # Errors
    /// Nobody has told it.
    fn input(&mut self, name: &str) -> Result<Value, String>;
}

/// A message on its way.
#[derive(Debug)]
pub struct Sent<'a> {
    /// To whom: PAYER, PAYEE, ISSUER or TERMINAL.
    pub party: &'a str,
    /// Command, or message of `apdu_spec::message`.
    pub name: &'a str,
    /// P1, where it is given.
    pub p1: Option<u8>,
    /// P2, where it is given.
    pub p2: Option<u8>,
    /// The data field.
    pub data: Vec<u8>,
}

/// What has come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Without the status word.
    pub data: Vec<u8>,
    /// Status word; 0000 where no answer came that says what has happened.
    pub status: u16,
}

/// Carries out the process of this name. Returns the text of the STOP that it ended with.
///
/// # Errors
/// There is no such process, a mistake of its text, or what the parties cannot do.
pub fn run(
    standard: &Standard,
    name: &str,
    parties: &mut dyn Parties,
    observer: &mut dyn Observer,
) -> Result<String, Fault> {
    let fault = |message: String| Fault { listing: name.to_owned(), line: 0, message };
    let place = standard
        .sources
        .iter()
        .position(|source| source.kind == ListingKind::Process && source.name == name)
        .ok_or_else(|| fault("there is no such process".into()))?;
    let Some(Some(program)) = standard.programs.get(place) else {
        return Err(fault("the process has no program".into()));
    };
    // A terminal keeps nothing that the standard speaks of: only its working elements are used.
    let mut memory = Memory::blank(Sizes { window: 0, exceptions: 0 });
    let mut session = Session::new();
    let mut machine = Machine::new(&mut memory, &mut session, observer, parties);
    machine.keeps_commits = false;
    match machine.run(program, &[], &|listing, line| standard.line(listing, line))? {
        End::Stopped(text) => Ok(text),
        End::Answer(..) => Err(fault("a process ends with STOP".into())),
    }
}
