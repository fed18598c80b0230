//! Says what happens, line by line, and waits for whoever reads.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use apdu_spec::command::CommandName;
use purse_reference::machine::Observer;
use purse_reference::standard::Standard;
use purse_reference::value::Value;
use serde_json::json;

use crate::cli::failure::Failure;
use crate::cli::output::Console;

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// Nothing: what has to happen before.
    Nothing,
    /// The process, and what the cards do in it where that is wanted.
    Process { cards: bool },
    /// The first execution of this command.
    Command(CommandName),
    /// That has been.
    Over,
}

/// Says what happens, and waits for the reader.
pub(super) struct Teller<'a> {
    pub(super) standard: &'a Standard,
    pub(super) console: Console,
    pub(super) shown: Shown,
    /// Within an APDU that is shown.
    pub(super) in_card: bool,
    pub(super) step: bool,
    pub(super) events: Vec<serde_json::Value>,
    pub(super) failure: Option<Failure>,
}

impl Teller<'_> {
    pub(super) fn tell(&mut self, indent: usize, text: &str, event: serde_json::Value) {
        self.events.push(event);
        if self.failure.is_some() {
            return;
        }
        if let Err(failure) = self.console.tell(&format!("{:indent$}{text}", "")) {
            self.failure = Some(failure);
        }
    }

    const fn shows(&self, is_card: bool) -> bool {
        match self.shown {
            Shown::Nothing | Shown::Over => false,
            Shown::Process { cards } => !is_card || cards,
            Shown::Command(_) => is_card && self.in_card,
        }
    }

    pub(super) const fn indent(&self, is_card: bool) -> usize {
        if is_card && matches!(self.shown, Shown::Process { .. }) { 6 } else { 0 }
    }

    fn line(&mut self, is_card: bool, listing: usize, line: usize) {
        if !self.shows(is_card) {
            return;
        }
        let Some(source) = self.standard.sources().get(listing) else { return };
        let Some(line) = source.lines.get(line) else { return };
        if line.text.starts_with("REM") && line.number != 10 {
            return;
        }
        let event = json!({ "listing": source.name, "line": line.number, "text": line.text });
        let text = format!("{} {} {}", source.name, line.number, line.text);
        self.tell(self.indent(is_card), &text, event);
        if self.step && !self.console.json() {
            // At the end of the input it goes on without waiting.
            self.step = io::stdin().read_line(&mut String::new()).is_ok_and(|read| read != 0);
        }
    }

    fn assigned(&mut self, is_card: bool, name: &str, subscript: Option<i64>, value: &Value) {
        if self.shows(is_card) {
            let name = subscript.map_or_else(|| name.to_owned(), |place| format!("{name}({place})"));
            let value = written(value);
            let event = json!({ "name": name, "value": value });
            self.tell(self.indent(is_card), &format!("    {name} = {value}"), event);
        }
    }

    fn committed(&mut self, is_card: bool) {
        if self.shows(is_card) {
            let text = "    all of this is in memory now, for ever";
            self.tell(self.indent(is_card), text, json!({ "committed": true }));
        }
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Bytes(bytes) => format!("X\"{}\"", hex::encode_upper(bytes)),
    }
}

/// The teller as it listens to a card, or to the process.
pub(super) struct Ear<'a> {
    pub(super) teller: Rc<RefCell<Teller<'a>>>,
    pub(super) is_card: bool,
}

impl Observer for Ear<'_> {
    fn line(&mut self, listing: usize, line: usize) {
        self.teller.borrow_mut().line(self.is_card, listing, line);
    }

    fn assigned(&mut self, name: &str, subscript: Option<i64>, value: &Value) {
        self.teller.borrow_mut().assigned(self.is_card, name, subscript, value);
    }

    fn committed(&mut self) {
        self.teller.borrow_mut().committed(self.is_card);
    }
}
