//! Data elements and working variables: what LET puts there, what a name stands for.

use apdu_spec::data_element::{DATA_ELEMENTS, ElementForm, Home, Subscript};

use super::{Machine, Outcome};
use crate::memory::empty;
use crate::program::{Program, Slot};
use crate::value::{Value, encode};

impl Machine<'_> {
    pub(super) fn put(
        &mut self,
        program: &Program,
        slot: Slot,
        subscript: Option<i64>,
        value: Value,
    ) -> Outcome<()> {
        let place = match slot {
            Slot::Variable(place) => {
                if let Some(name) = program.variables.get(place) {
                    self.observer.assigned(name, None, &value);
                }
                *self.variables.get_mut(place).ok_or("no such variable")? = Some(value);
                return Ok(());
            }
            Slot::Element(place) => place,
        };
        let element = DATA_ELEMENTS.get(place).ok_or("no such element")?;
        let fits = match (&value, empty(element)) {
            (Value::Number(number), Value::Number(_)) => match element.form {
                ElementForm::Number(length) => encode(*number, length).is_some(),
                _ => false,
            },
            (Value::Bytes(bytes), Value::Bytes(room)) => room.is_empty() || room.len() == bytes.len(),
            _ => false,
        };
        if !fits {
            // It may be a secret, so it is not told.
            return Err(format!("{} has another form or length", element.name));
        }
        self.observer.assigned(element.name, subscript, &value);
        match (element.home, element.subscript) {
            (_, Subscript::Sequence) => {
                let sequence =
                    subscript.and_then(|sequence| u32::try_from(sequence).ok()).ok_or("no sequence")?;
                let entry = self.memory.log.get_mut(&sequence).ok_or("the log has no such record")?;
                match (element.name, value.number().and_then(|number| u8::try_from(number).ok())) {
                    ("LOG.STATE", Some(state)) => entry.state = state,
                    _ => return Err("of a record only the state changes".into()),
                }
            }
            (Home::Session | Home::Command | Home::Working, _) => self.session.set(place, subscript, value),
            (Home::Memory | Home::Identity | Home::Maker, _) => {
                let subscript = usize::try_from(subscript.unwrap_or(0)).map_err(|_| "no subscript")?;
                *self
                    .memory
                    .cell_mut(place, subscript)
                    .ok_or_else(|| format!("no {}({subscript})", element.name))? = value;
            }
        }
        Ok(())
    }

    pub(super) fn read(&self, slot: Slot, subscript: Option<i64>) -> Outcome<Value> {
        let place = match slot {
            Slot::Variable(place) => {
                return self
                    .variables
                    .get(place)
                    .cloned()
                    .flatten()
                    .ok_or_else(|| "a working variable without value".into());
            }
            Slot::Element(place) => place,
        };
        let element = DATA_ELEMENTS.get(place).ok_or("no such element")?;
        let found = match (element.home, element.subscript) {
            (_, Subscript::Sequence) => subscript
                .and_then(|sequence| u32::try_from(sequence).ok())
                .and_then(|sequence| self.memory.record_value(element.name, sequence)),
            (Home::Session | Home::Command | Home::Working, _) => self.session.value(place, subscript),
            (Home::Memory | Home::Identity | Home::Maker, _) => {
                let subscript = usize::try_from(subscript.unwrap_or(0)).map_err(|_| "no subscript")?;
                self.memory.cell(place, subscript).cloned()
            }
        };
        found.ok_or_else(|| match subscript {
            Some(subscript) => format!("no {}({subscript})", element.name),
            None => format!("no {}", element.name),
        })
    }
}
