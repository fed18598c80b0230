//! Any bytes of the purse in the standard's names: a pure function from bytes to named, located fields.
//!
//! What the bytes are is found out by their form: their length, how they begin, the command table. Where more than one
//! reading fits, all are given, the likeliest first. A [`Field`] says where it lies and what it means, and never holds
//! the bytes themselves, so a PIN cannot leave this module.

mod command;
mod cursor;
mod element;
mod group;
mod layout;
mod reset;
mod response;
mod script;
mod template;
pub mod text;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use apdu_spec::status::StatusWord;

pub use response::meaning as status_meaning;
pub use text::TextError;

/// What bytes can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Object {
    /// A command APDU.
    Command,
    /// SW1 SW2.
    Status,
    /// A response APDU.
    Response,
    /// PD.
    PayDetails,
    /// A record of EF.LOG or EF.EXC.
    Record,
    /// What SELECT says of a file.
    Control,
    /// Content of EF.ID.
    Identity,
    /// Content of EF.DIR.
    Directory,
    /// The status block.
    StatusBlock,
    /// What GET DATA gives.
    DataObject,
    /// Data groups of STORE DATA.
    Groups,
    /// Data of UPDATE PARAMETER.
    Script,
    /// Parameters of a pocket, of EF.ID or of STORE DATA.
    Pocket,
    /// Answer to reset.
    Reset,
    /// Number of a purse, merchant SAM or issuer.
    Number,
    /// A PIN block.
    PinBlock,
}

impl Object {
    /// Every one, the likelier first where nothing else tells them apart.
    pub const ALL: [Self; 16] = [
        Self::Command,
        Self::Status,
        Self::Response,
        Self::PayDetails,
        Self::Record,
        Self::Control,
        Self::Identity,
        Self::Directory,
        Self::StatusBlock,
        Self::DataObject,
        Self::Groups,
        Self::Script,
        Self::Pocket,
        Self::Reset,
        Self::Number,
        Self::PinBlock,
    ];

    /// Its name on the command line and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Status => "status",
            Self::Response => "response",
            Self::PayDetails => "pd",
            Self::Record => "record",
            Self::Control => "fci",
            Self::Identity => "ef-id",
            Self::Directory => "ef-dir",
            Self::StatusBlock => "status-block",
            Self::DataObject => "data-object",
            Self::Groups => "dgi",
            Self::Script => "script",
            Self::Pocket => "pocket",
            Self::Reset => "atr",
            Self::Number => "number",
            Self::PinBlock => "pin-block",
        }
    }

    /// From its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|object| object.name() == name)
    }
}

/// How well bytes fit a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// Only if one asks for it.
    Asked,
    /// Nothing speaks against it.
    Possible,
    /// Its form is there, with something out of the ordinary.
    Likely,
    /// Its form and its values are there.
    Exact,
}

impl Fit {
    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Exact => "exact",
        }
    }
}

/// A part of the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// In the standard.
    pub name: Cow<'static, str>,
    /// Of its first byte, from 0.
    pub offset: usize,
    /// Bytes, at least one.
    pub length: usize,
    /// What the value means, where it does not stand for itself. Of a secret, only its form.
    pub meaning: Option<String>,
    /// A PIN or a key: its bytes are not shown unless someone insists.
    pub secret: bool,
    /// What it is made of, in order and without gaps; none for a field that is one value.
    pub parts: Vec<Self>,
}

impl Field {
    /// Where it lies.
    pub const fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.length
    }

    /// Calls `with` on every field without parts, in order.
    pub fn leaves<'a>(&'a self, with: &mut dyn FnMut(&'a Self)) {
        if self.parts.is_empty() {
            with(self);
        }
        self.parts.iter().for_each(|part| part.leaves(with));
    }

    /// What overlaps one of these is a secret too, whatever this reading takes it for.
    fn hide(&mut self, secrets: &[Range<usize>]) {
        let Range { start, end } = self.range();
        if self.secret || !secrets.iter().any(|secret| secret.start < end && start < secret.end) {
            return;
        }
        self.meaning = None;
        self.secret = self.parts.is_empty();
        self.parts.iter_mut().for_each(|part| part.hide(secrets));
    }
}

/// What bytes say if they are taken for one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What they are taken for.
    pub object: Object,
    /// Which one: `DEBIT purchase`, `FCI of EF.LOG`.
    pub title: String,
    /// How well they fit.
    pub fit: Fit,
    /// All bytes, in order and without gaps.
    pub fields: Vec<Field>,
    /// With which status word a card answers a command that it does not execute.
    pub answer: Option<StatusWord>,
    /// What else there is to say.
    pub notes: Vec<String>,
}

impl Reading {
    fn new(object: Object, title: impl Into<String>, fit: Fit, fields: Vec<Field>) -> Self {
        Self { object, title: title.into(), fit, fields, answer: None, notes: Vec::new() }
    }

    /// Every field without parts, in order.
    pub fn leaves(&self) -> Vec<&Field> {
        let mut leaves = Vec::new();
        self.fields.iter().for_each(|field| field.leaves(&mut |leaf| leaves.push(leaf)));
        leaves
    }
}

/// Why bytes cannot be what they were taken for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Misfit {
    /// What they were taken for.
    pub object: Option<Object>,
    /// Where it shows.
    pub offset: usize,
    /// What is wrong there.
    pub reason: String,
}

impl fmt::Display for Misfit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.object {
            Some(object) => {
                write!(formatter, "as {}, at offset {}: {}", object.name(), self.offset, self.reason)
            }
            None => write!(formatter, "at offset {}: {}", self.offset, self.reason),
        }
    }
}

/// What is known of the bytes beforehand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hint<'a> {
    /// What they are to be taken for.
    pub object: Option<Object>,
    /// They answer this command.
    pub response_to: Option<&'a [u8]>,
}

/// Every reading of the bytes that fits, the likeliest first; at least one. What is merely possible is left out where
/// another reading is exact.
pub fn explain(bytes: &[u8], hint: &Hint<'_>) -> Result<Vec<Reading>, Misfit> {
    let every = Object::ALL.map(|object| read(object, bytes, hint.response_to));
    let fitting = || every.iter().flatten().filter(|reading| reading.fit > Fit::Asked);
    let best = fitting().map(|reading| reading.fit).max();
    let asked = hint.object.or(hint.response_to.map(|_| Object::Response));
    let mut readings: Vec<Reading> = match asked {
        Some(object) => vec![read(object, bytes, hint.response_to)?],
        // Form and values together leave no room for what merely could be.
        None if best == Some(Fit::Exact) => {
            fitting().filter(|reading| reading.fit > Fit::Possible).cloned().collect()
        }
        None => fitting().cloned().collect(),
    };
    // A PIN that one reading finds stays hidden in the others.
    let secrets: Vec<Range<usize>> = readings
        .iter()
        .chain(fitting().filter(|reading| Some(reading.fit) == best))
        .flat_map(Reading::leaves)
        .filter(|leaf| leaf.secret)
        .map(Field::range)
        .collect();
    for field in readings.iter_mut().flat_map(|reading| &mut reading.fields) {
        field.hide(&secrets);
    }
    readings.sort_by_key(|reading| std::cmp::Reverse(reading.fit));
    if readings.is_empty() {
        return Err(nothing(bytes, every.into_iter().filter_map(Result::err)));
    }
    Ok(readings)
}

fn read(object: Object, bytes: &[u8], response_to: Option<&[u8]>) -> Result<Reading, Misfit> {
    let reading = match object {
        Object::Command => command::read(bytes),
        Object::Status => response::status(bytes),
        Object::Response => response::read(bytes, response_to),
        Object::PayDetails => layout::pay_details(bytes),
        Object::Record => layout::record(bytes),
        Object::Control => template::control(bytes),
        Object::Identity => layout::identity(bytes),
        Object::Directory => template::directory(bytes),
        Object::StatusBlock => layout::status_block(bytes),
        Object::DataObject => template::data_object(bytes),
        Object::Groups => group::read(bytes),
        Object::Script => script::read(bytes),
        Object::Pocket => layout::pocket(bytes),
        Object::Reset => reset::read(bytes),
        Object::Number => layout::number(bytes),
        Object::PinBlock => layout::pin_block(bytes),
    };
    reading.map_err(|misfit| Misfit { object: Some(object), ..misfit })
}

/// The reading that came furthest says most.
fn nothing(bytes: &[u8], misfits: impl Iterator<Item = Misfit>) -> Misfit {
    let of = cursor::bytes_of(bytes.len());
    let nearest = misfits.filter(|misfit| misfit.offset > 0).max_by_key(|misfit| misfit.offset);
    let (offset, reason) = match nearest {
        Some(misfit) => (misfit.offset, format!("; nearest, {misfit}")),
        None => (0, String::new()),
    };
    Misfit { object: None, offset, reason: format!("nothing of the standard is {of} of this form{reason}") }
}
