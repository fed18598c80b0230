//! TRANSMIT and RECEIVE: held to the tables of commands and of messages.

use apdu_spec::command::table;
use apdu_spec::data_element::field_form;
use apdu_spec::message::{Recipient, message_named};

use super::target::kind_of;
use super::{Compiler, Finding};
use crate::language::syntax::{Place, Target, Transmission};
use crate::program::{Kind, Message, Operation, Received};

impl Compiler<'_> {
    pub(super) fn transmit(
        &mut self,
        at: usize,
        place: Place,
        transmission: &Transmission,
    ) -> Result<(), Finding> {
        let Transmission { party, message, p1, p2, data, .. } = transmission;
        let mut number =
            |value: &Option<_>| value.as_ref().map(|value| self.number(place, value)).transpose();
        let (p1, p2) = (number(p1)?, number(p2)?);
        let (data, kind) = match data {
            None => (None, Kind::Bytes(Some(0))),
            Some(value) => {
                let (code, kind) = self.expression(place, value)?;
                let code = self.convert(place, code, kind, Kind::Bytes(None))?;
                let length = match kind {
                    Kind::Number(length) => length.map(usize::from),
                    Kind::Bytes(length) => length,
                    Kind::Truth => None,
                };
                (Some(code), Kind::Bytes(length))
            }
        };
        let row = table::COMMANDS.iter().find(|row| row.name == message);
        let is_card = ["PAYER", "PAYEE"].contains(&party.as_str());
        let takes = |length: usize| match (row.filter(|_| is_card), message_named(message)) {
            (Some(row), _) => row.forms.iter().any(|form| form.data.contains(length)),
            (None, Some(message)) => {
                let known: usize = message.data.iter().map(|field| usize::from(field.length)).sum();
                let is_open = message.data.iter().any(|field| field.length == 0);
                if is_open { known <= length } else { known == length }
            }
            (None, None) => false,
        };
        let wrong = |compiler: &Self, message: String| compiler.finding(transmission.place, message);
        self.response = match (is_card, row, message_named(message)) {
            (true, Some(row), _) => Some(row.response),
            (_, _, Some(known)) => {
                let fits = match known.recipient {
                    Recipient::Issuer => party == "ISSUER",
                    Recipient::Terminal => party == "TERMINAL",
                    Recipient::Card => is_card,
                };
                if !fits {
                    return Err(wrong(self, format!("{message} does not go to {party}")));
                }
                Some(known.response)
            }
            _ => return Err(wrong(self, format!("there is no command or message {message} to {party}"))),
        };
        if let Kind::Bytes(Some(length)) = kind
            && !takes(length)
        {
            return Err(wrong(self, format!("{message} does not take {length} bytes")));
        }
        let message = Message { party: party.clone(), name: message.clone(), p1, p2, data };
        self.emit(at, Operation::Transmit(Box::new(message)));
        Ok(())
    }

    pub(super) fn receive(&mut self, at: usize, place: Place, targets: &[Target]) -> Result<(), Finding> {
        let response = self.response.unwrap_or_default();
        if response.len() != targets.len() {
            let message = format!("the answer has {} fields, not {}", response.len(), targets.len());
            return Err(self.finding(place, message));
        }
        let mut fields = Vec::new();
        for (target, field) in targets.iter().zip(response) {
            let kind = kind_of(field_form(field.name, field.length));
            let (slot, _, wanted) = self.target(target, kind)?;
            let is_number = matches!(kind, Kind::Number(_));
            if is_number != matches!(wanted, Kind::Number(_)) {
                return Err(self.finding(target.place, format!("{} is of another form", target.name)));
            }
            fields.push(Received { slot, length: field.length.into(), is_number });
        }
        self.emit(at, Operation::Receive(fields));
        Ok(())
    }
}
