//! What is lost at reset, and what the command at hand brings.

use std::collections::BTreeMap;

use apdu_spec::data_element::{DATA_ELEMENTS, Home, Subscript};

use crate::memory::{empty, place};
use crate::value::{Value, decode};

/// Session, command and working elements.
#[derive(Clone, PartialEq, Eq, Debug, Hash)]
pub struct Session {
    /// By place in [`DATA_ELEMENTS`].
    cells: Vec<Option<Value>>,
    groups: BTreeMap<i64, Value>,
}

impl Session {
    /// After a reset.
    pub fn new() -> Self {
        let cells = DATA_ELEMENTS.iter().map(|element| match (element.home, element.subscript) {
            (Home::Session, Subscript::None) => Some(empty(element)),
            _ => None,
        });
        Self { cells: cells.collect(), groups: BTreeMap::new() }
    }

    /// Sets an element by its name; nothing where there is none.
    pub(crate) fn set_named(&mut self, name: &str, value: Value) {
        if let Some(place) = place(name) {
            self.set(place, None, value);
        }
    }

    /// The value of an element by its name.
    pub fn named(&self, name: &str) -> Option<Value> {
        self.value(place(name)?, None)
    }

    /// The value of a data group that STORE DATA has taken; empty where it has taken none.
    pub fn group(&self, identifier: u16) -> &[u8] {
        self.groups.get(&identifier.into()).and_then(Value::bytes).unwrap_or(&[])
    }

    pub(crate) fn set(&mut self, place: usize, subscript: Option<i64>, value: Value) {
        match subscript {
            Some(group) => {
                self.groups.insert(group, value);
            }
            None => {
                if let Some(cell) = self.cells.get_mut(place) {
                    *cell = Some(value);
                }
            }
        }
    }

    pub(crate) fn value(&self, place: usize, subscript: Option<i64>) -> Option<Value> {
        if let Some(group) = subscript {
            return Some(self.groups.get(&group).cloned().unwrap_or_else(|| Value::Bytes(Vec::new())));
        }
        if let Some(value) = self.cells.get(place)?.clone() {
            return Some(value);
        }
        // A part of PD.
        let (from, length) = match DATA_ELEMENTS.get(place)?.name {
            "PD.KIND" => (0, 1),
            "PD.KVN" => (1, 1),
            "PD.CURRENCY" => (2, 2),
            "PD.AMOUNT" => (4, 4),
            "PD.FROM" => (8, 8),
            "PD.FROM.SEQUENCE" => (16, 4),
            "PD.TO" => (20, 8),
            "PD.TO.SEQUENCE" => (28, 4),
            "PD.TIME" => (32, 4),
            _ => return None,
        };
        let pay_details = self.named("PD")?;
        let part = pay_details.bytes()?.get(from..from + length)?;
        match empty(DATA_ELEMENTS.get(place)?) {
            Value::Number(_) => decode(part).map(Value::Number),
            Value::Bytes(_) => Some(Value::Bytes(part.to_vec())),
        }
    }

    /// What the next command can depend on: without the command at hand and what it was worked out with.
    pub fn between_commands(&self) -> Self {
        let cells = self.cells.iter().zip(DATA_ELEMENTS);
        let cells = cells.map(|(cell, element)| cell.clone().filter(|_| element.home == Home::Session));
        let groups = self.groups.iter().filter(|(_, value)| **value != Value::Bytes(Vec::new()));
        Self {
            cells: cells.collect(),
            groups: groups.map(|(group, value)| (*group, value.clone())).collect(),
        }
    }

    /// What a party has answered.
    pub(crate) fn respond(&mut self, response: Vec<u8>, status: u16) {
        self.set_named("SW", Value::Bytes(status.to_be_bytes().to_vec()));
        self.set_named("RESPONSE", Value::Bytes(response));
    }
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}
