//! The reference card's memory: every data element that outlives a reset, and the log. It knows no pages and no slots;
//! a COMMIT changes it at once.

use std::collections::BTreeMap;

use apdu_spec::data_element::{DATA_ELEMENTS, DataElement, ElementForm, Home, Subscript};
use apdu_spec::element::Sequence;
use apdu_spec::personalisation::MASTERS;
use apdu_spec::pocket::POCKETS;

use crate::value::{Value, decode};

/// Sizes that the maker of a card chooses (section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Records of EF.LOG.
    pub window: u32,
    /// Places of EF.EXC.
    pub exceptions: u32,
}

impl Sizes {
    /// Places that a SAM keeps free when it asks for a payment: a quarter of the window, at least 2, at most 16.
    pub fn reserve(self) -> u32 {
        (self.window / 4).clamp(2, 16)
    }
}

/// One record.
#[derive(Clone, PartialEq, Eq, Debug, Hash)]
pub struct Entry {
    /// Pay details, 36 bytes.
    pub pay_details: Vec<u8>,
    /// What the card did.
    pub role: u8,
    /// What became of it.
    pub state: u8,
    /// Balance of its pocket after it.
    pub balance: u32,
    /// TAC, 8 bytes.
    pub tac: Vec<u8>,
}

/// The memory.
#[derive(Clone, PartialEq, Eq, Debug, Hash)]
pub struct Memory {
    /// By place in [`DATA_ELEMENTS`]; one value, or one for each subscript.
    cells: Vec<Vec<Value>>,
    /// Records that the log has, by sequence.
    pub log: BTreeMap<u32, Entry>,
}

impl Memory {
    /// A blank card's.
    pub fn blank(sizes: Sizes) -> Self {
        let cells = DATA_ELEMENTS.iter().map(|element| {
            let count = match (element.home, element.subscript) {
                (Home::Session | Home::Command | Home::Working, _)
                | (_, Subscript::Sequence | Subscript::Group) => 0,
                (_, Subscript::None) => 1,
                (_, Subscript::Pocket) => POCKETS,
                (_, Subscript::Master) => MASTERS,
            };
            vec![empty(element); count]
        });
        let mut memory = Self { cells: cells.collect(), log: BTreeMap::new() };
        memory.set("WINDOW", 0, Value::Number(sizes.window.into()));
        memory.set("EXCEPTIONS", 0, Value::Number(sizes.exceptions.into()));
        memory.set("RESERVE", 0, Value::Number(sizes.reserve().into()));
        memory.set("LAST.LOAD", 0, Value::Number(Sequence::NONE.0.into()));
        memory
    }

    /// The value of an element, for those who compare; none where the memory has no such element.
    pub fn value(&self, name: &str, subscript: usize) -> Option<&Value> {
        self.cell(place(name)?, subscript)
    }

    /// Sets an element, for those who build a memory that no listing has made. Nothing happens where there is none.
    pub fn set(&mut self, name: &str, subscript: usize, value: Value) {
        if let Some(cell) = place(name).and_then(|place| self.cell_mut(place, subscript)) {
            *cell = value;
        }
    }

    /// Names and values of every element that differs, for a person.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for ((element, ours), theirs) in DATA_ELEMENTS.iter().zip(&self.cells).zip(&other.cells) {
            for (subscript, (one, two)) in ours.iter().zip(theirs).enumerate() {
                if one != two {
                    let which = if element.subscript == Subscript::None {
                        String::new()
                    } else {
                        format!("({subscript})")
                    };
                    found.push(format!("{}{which}: {one:?}, {two:?}", element.name));
                }
            }
        }
        let sequences: std::collections::BTreeSet<_> = self.log.keys().chain(other.log.keys()).collect();
        for sequence in sequences {
            let (one, two) = (self.log.get(sequence), other.log.get(sequence));
            if one != two {
                found.push(format!("LOG({sequence}): {one:?}, {two:?}"));
            }
        }
        found
    }

    pub(crate) fn cell(&self, place: usize, subscript: usize) -> Option<&Value> {
        self.cells.get(place)?.get(subscript)
    }

    pub(crate) fn cell_mut(&mut self, place: usize, subscript: usize) -> Option<&mut Value> {
        self.cells.get_mut(place)?.get_mut(subscript)
    }

    /// A field of a record.
    pub(crate) fn record_value(&self, name: &str, sequence: u32) -> Option<Value> {
        let entry = self.log.get(&sequence)?;
        let part = |from: usize, length: usize| entry.pay_details.get(from..from + length);
        let number = |from, length| part(from, length).and_then(decode).map(Value::Number);
        let bytes = |from, length| part(from, length).map(|bytes| Value::Bytes(bytes.to_vec()));
        match name {
            "LOG.PD" => Some(Value::Bytes(entry.pay_details.clone())),
            "LOG.ROLE" => Some(Value::Number(entry.role.into())),
            "LOG.STATE" => Some(Value::Number(entry.state.into())),
            "LOG.BALANCE" => Some(Value::Number(entry.balance.into())),
            "LOG.TAC" => Some(Value::Bytes(entry.tac.clone())),
            "LOG.KIND" => number(0, 1),
            "LOG.KVN" => number(1, 1),
            "LOG.CURRENCY" => bytes(2, 2),
            "LOG.AMOUNT" => number(4, 4),
            "LOG.TO" => bytes(20, 8),
            _ => None,
        }
    }
}

/// What an element holds before anything was put into it.
pub(crate) fn empty(element: &DataElement) -> Value {
    match element.form {
        ElementForm::Number(_) => Value::Number(0),
        ElementForm::Bytes(length) => Value::Bytes(vec![0; length.into()]),
        ElementForm::Variable => Value::Bytes(Vec::new()),
    }
}

/// Place of a name in [`DATA_ELEMENTS`].
pub(crate) fn place(name: &str) -> Option<usize> {
    DATA_ELEMENTS.iter().position(|element| element.name == name)
}
