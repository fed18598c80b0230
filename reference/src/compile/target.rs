//! What LET, FOR, INPUT and RECEIVE give a value to.

use apdu_spec::data_element::{DATA_ELEMENTS, ElementForm, Home, Subscript};

use super::{Compiler, Finding};
use crate::language::syntax::{Place, Target};
use crate::memory::place;
use crate::program::{Code, Kind, Slot};

impl Compiler<'_> {
    /// What LET assigns to: a data element, a known working variable, or a new one of the value's form.
    pub(super) fn target(
        &mut self,
        target: &Target,
        kind: Kind,
    ) -> Result<(Slot, Option<Code>, Kind), Finding> {
        let Target { name, subscript, place: at } = target;
        if let Some(known) = place(name) {
            let element = DATA_ELEMENTS.get(known).copied();
            let is_view = name.starts_with("PD.") || Self::is_log_view(name);
            if is_view || element.is_some_and(|element| matches!(element.home, Home::Maker | Home::Command)) {
                return Err(self.finding(*at, format!("{name} cannot be assigned")));
            }
            let subscript =
                self.subscript(*at, name, element.map(|element| element.subscript), subscript.as_ref())?;
            return Ok((Slot::Element(known), subscript, Self::element_kind(known)));
        }
        if apdu_spec::data_element::constant_named(name).is_some() {
            return Err(self.finding(*at, format!("{name} is a constant")));
        }
        if subscript.is_some() {
            return Err(self.finding(*at, format!("unknown data element {name}")));
        }
        if let Some(known) = self.program.variables.iter().position(|variable| variable == name) {
            let wanted = self.kinds.get(known).copied().unwrap_or(kind);
            return Ok((Slot::Variable(known), None, wanted));
        }
        let kind = match kind {
            Kind::Truth => Kind::Number(None),
            // The next value may be longer.
            Kind::Bytes(_) => Kind::Bytes(None),
            Kind::Number(length) => Kind::Number(length),
        };
        Ok((self.variable(name, kind), None, kind))
    }

    pub(super) fn subscript(
        &mut self,
        at: Place,
        name: &str,
        wanted: Option<Subscript>,
        given: Option<&crate::language::syntax::Expression>,
    ) -> Result<Option<Code>, Finding> {
        match (wanted, given) {
            (None | Some(Subscript::None), None) => Ok(None),
            (None | Some(Subscript::None), Some(_)) => {
                Err(self.finding(at, format!("there is one {name} only")))
            }
            (Some(_), None) => Err(self.finding(at, format!("which {name}?"))),
            (Some(_), Some(given)) => self.number(at, given).map(Some),
        }
    }

    pub(super) fn element_kind(place: usize) -> Kind {
        DATA_ELEMENTS.get(place).map_or(Kind::Bytes(None), |element| kind_of(element.form))
    }

    /// Elements that are parts of LOG.PD.
    pub(super) fn is_log_view(name: &str) -> bool {
        ["LOG.KIND", "LOG.KVN", "LOG.CURRENCY", "LOG.AMOUNT", "LOG.TO"].contains(&name)
    }
}

/// The form of a value.
pub(super) const fn kind_of(form: ElementForm) -> Kind {
    match form {
        ElementForm::Number(length) => Kind::Number(Some(length)),
        ElementForm::Bytes(length) => Kind::Bytes(Some(length as usize)),
        // Also the rest of a message.
        ElementForm::Variable => Kind::Bytes(None),
    }
}
