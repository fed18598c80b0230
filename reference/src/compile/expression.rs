//! Expressions: names resolved, forms checked.

use apdu_spec::data_element::{DATA_ELEMENTS, constant_named};

use super::{Compiler, Finding};
use crate::language::syntax::{Expression, Operator, Place};
use crate::memory::place;
use crate::program::{Code, FUNCTIONS, Kind, Slot};
use crate::value::{decode, encode};

impl Compiler<'_> {
    pub(super) fn condition(&mut self, at: Place, expression: &Expression) -> Result<Code, Finding> {
        match self.expression(at, expression)? {
            (code, Kind::Truth) => Ok(code),
            _ => Err(self.finding(at, "IF asks for a comparison")),
        }
    }

    pub(super) fn number(&mut self, at: Place, expression: &Expression) -> Result<Code, Finding> {
        let (code, kind) = self.expression(at, expression)?;
        self.convert(at, code, kind, Kind::Number(None))
    }

    pub(super) fn bytes(&mut self, at: Place, expression: &Expression) -> Result<Code, Finding> {
        let (code, kind) = self.expression(at, expression)?;
        self.convert(at, code, kind, Kind::Bytes(None))
    }

    /// A value in the form in which it is wanted.
    pub(super) fn convert(&self, at: Place, code: Code, kind: Kind, wanted: Kind) -> Result<Code, Finding> {
        match (kind, wanted) {
            (Kind::Bytes(Some(one)), Kind::Bytes(Some(two))) if one != two => {
                Err(self.finding(at, format!("{one} bytes where {two} belong")))
            }
            (Kind::Number(_), Kind::Number(_)) | (Kind::Bytes(_), Kind::Bytes(_)) => Ok(code),
            (Kind::Number(Some(length)), Kind::Bytes(room))
                if room.is_none_or(|room| room == length.into()) =>
            {
                Ok(match code {
                    Code::Number(number) => Code::Bytes(encode(number, length).unwrap_or_default().into()),
                    code => Code::Encode(Box::new(code), length),
                })
            }
            (Kind::Bytes(_), Kind::Number(_)) => match &code {
                Code::Bytes(literal) => match decode(literal) {
                    Some(number) => Ok(Code::Number(number)),
                    None => Err(self.finding(at, "no number of the standard has so many bytes")),
                },
                _ => Err(self.finding(at, "bytes where a number belongs: NUMBER() makes one of them")),
            },
            (Kind::Number(_), Kind::Bytes(_)) => {
                Err(self.finding(at, "a number where bytes belong: it has no length"))
            }
            (Kind::Truth, _) | (_, Kind::Truth) => Err(self.finding(at, "a comparison belongs behind IF")),
        }
    }

    pub(super) fn expression(&mut self, at: Place, expression: &Expression) -> Result<(Code, Kind), Finding> {
        match expression {
            Expression::Number(number) => Ok((Code::Number(*number), Kind::Number(None))),
            Expression::Bytes(bytes) => {
                Ok((Code::Bytes(bytes.clone().into()), Kind::Bytes(Some(bytes.len()))))
            }
            Expression::Value { name, arguments, place: here } => self.value(*here, name, arguments),
            Expression::Not(operand) => {
                let operand = self.condition(at, operand)?;
                Ok((Code::Not(Box::new(operand)), Kind::Truth))
            }
            Expression::Binary(operator, left, right) => self.binary(at, *operator, left, right),
        }
    }

    fn value(&mut self, at: Place, name: &str, arguments: &[Expression]) -> Result<(Code, Kind), Finding> {
        if let Some(constant) = constant_named(name).filter(|_| arguments.is_empty()) {
            return Ok((Code::Number(constant.value.into()), Kind::Number(Some(constant.length))));
        }
        if let Some(known) = place(name) {
            let subscript = DATA_ELEMENTS.get(known).map(|element| element.subscript);
            let subscript = self.subscript(at, name, subscript, arguments.first())?;
            let kind = Self::element_kind(known);
            return Ok((Code::Read(Slot::Element(known), subscript.map(Box::new)), kind));
        }
        if let Some(signature) = FUNCTIONS.iter().find(|signature| signature.name == name) {
            if signature.arguments.len() != arguments.len() {
                return Err(self.finding(at, format!("{name} takes {} values", signature.arguments.len())));
            }
            let mut values = Vec::new();
            let mut lengths = Vec::new();
            for (argument, wanted) in arguments.iter().zip(signature.arguments) {
                let (code, kind) = self.expression(at, argument)?;
                values.push(self.convert(at, code, kind, *wanted)?);
                lengths.push(kind);
            }
            // How much is cut out is often written down, and then known.
            let result = match (values.as_slice(), signature.name) {
                (_, "NUMBER") => match lengths.first() {
                    Some(Kind::Bytes(Some(length))) => Kind::Number(u8::try_from(*length).ok()),
                    _ => signature.result,
                },
                ([_, _, Code::Number(length)], "PART") | ([_, Code::Number(length)], "FIRST") => {
                    Kind::Bytes(usize::try_from(*length).ok())
                }
                _ => signature.result,
            };
            return Ok((Code::Call(signature.function, values), result));
        }
        let known = self.program.variables.iter().position(|variable| variable == name);
        match known.filter(|_| arguments.is_empty()) {
            Some(known) => {
                let kind = self.kinds.get(known).copied().unwrap_or(Kind::Bytes(None));
                Ok((Code::Read(Slot::Variable(known), None), kind))
            }
            None => Err(self.finding(at, format!("unknown data element {name}"))),
        }
    }

    fn binary(
        &mut self,
        at: Place,
        operator: Operator,
        left: &Expression,
        right: &Expression,
    ) -> Result<(Code, Kind), Finding> {
        let join = |one, two| Code::Binary(operator, Box::new(one), Box::new(two));
        match operator {
            Operator::And | Operator::Or => {
                let (one, two) = (self.condition(at, left)?, self.condition(at, right)?);
                Ok((join(one, two), Kind::Truth))
            }
            Operator::Plus | Operator::Minus | Operator::Times => {
                let (one, two) = (self.number(at, left)?, self.number(at, right)?);
                Ok((join(one, two), Kind::Number(None)))
            }
            Operator::Below | Operator::AtMost | Operator::Above | Operator::AtLeast => {
                let (one, two) = (self.number(at, left)?, self.number(at, right)?);
                Ok((join(one, two), Kind::Truth))
            }
            Operator::Join => {
                let ((one, left_kind), (two, right_kind)) =
                    (self.expression(at, left)?, self.expression(at, right)?);
                let one = self.convert(at, one, left_kind, Kind::Bytes(None))?;
                let two = self.convert(at, two, right_kind, Kind::Bytes(None))?;
                let length = |kind| match kind {
                    Kind::Number(length) => length.map(usize::from),
                    Kind::Bytes(length) => length,
                    Kind::Truth => None,
                };
                let total = length(left_kind).zip(length(right_kind)).map(|(one, two)| one + two);
                Ok((join(one, two), Kind::Bytes(total)))
            }
            Operator::Equal | Operator::NotEqual => {
                let ((one, left_kind), (two, right_kind)) =
                    (self.expression(at, left)?, self.expression(at, right)?);
                let wanted = match (left_kind, right_kind) {
                    (Kind::Number(_), _) | (_, Kind::Number(_)) => Kind::Number(None),
                    (Kind::Bytes(length), _) => Kind::Bytes(length),
                    (Kind::Truth, _) => Kind::Truth,
                };
                let one = self.convert(at, one, left_kind, wanted)?;
                let two = self.convert(at, two, right_kind, wanted)?;
                Ok((join(one, two), Kind::Truth))
            }
        }
    }
}
