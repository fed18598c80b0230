//! What went wrong, as a person and a program get to know it: what happened, where the money is, what to do next.

use std::fmt;

use apdu_spec::status::StatusWord;
use serde_json::{Map, Value, json};

use super::output::SCHEMA;

/// Exit codes of the program, besides 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ExitCode {
    /// Everything else.
    Other = 1,
    /// The command line, an amount, a home that is not there.
    Usage = 2,
    /// No reader or card.
    NoCard = 3,
    /// The card refused.
    Refused = 4,
    /// A PIN or an authenticator.
    Authentication = 5,
    /// Value may have moved.
    OutcomeUnknown = 6,
    /// The issuer declined.
    Declined = 7,
}

impl ExitCode {
    /// Its name in JSON documents.
    const fn kind(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Usage => "usage",
            Self::NoCard => "no_card",
            Self::Refused => "card_refused",
            Self::Authentication => "authentication_failed",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Declined => "issuer_declined",
        }
    }
}

/// Why a command has not done what it was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// How the program ends.
    pub(crate) exit: ExitCode,
    /// What happened.
    pub(crate) message: String,
    /// SW1 SW2, where a card has refused.
    pub(crate) status: Option<u16>,
    /// Where the money is.
    pub(crate) money: String,
    /// What to do.
    pub(crate) next: String,
    /// The transaction whose outcome is unknown, where it is known which.
    pub(crate) transaction: Option<Value>,
}

/// Most errors come before anything has been asked of a card.
pub(crate) const NOTHING_MOVED: &str = "No money has moved.";

/// The same while something may be under way.
pub(crate) const IN_FLIGHT: &str = "No money has moved now; what is in flight still is.";

impl Failure {
    /// An error of this kind, before any money has moved.
    pub(crate) fn new(exit: ExitCode, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            status: None,
            money: NOTHING_MOVED.to_owned(),
            next: next.into(),
            transaction: None,
        }
    }

    /// The command line is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Usage, message, "Correct it and try again; `purse help` explains.")
    }

    /// Everything else.
    pub(crate) fn other(message: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(ExitCode::Other, message, next)
    }

    /// A PIN is needed, and there is nobody to ask.
    pub(crate) fn pin_missing(option: &str, variable: &str) -> Self {
        Self::new(
            ExitCode::Authentication,
            "a PIN is needed, and stdin is no terminal to ask for it",
            format!("Give it by {option} FILE or in the environment variable {variable}."),
        )
    }

    /// The status word that a card has refused with.
    pub(crate) fn with_status(mut self, status: Option<u16>) -> Self {
        self.status = status;
        self
    }

    /// Where the money is.
    pub(crate) fn with_money(mut self, money: impl Into<String>) -> Self {
        self.money = money.into();
        self
    }

    /// As a JSON document.
    pub(crate) fn document(&self, command: Option<&str>) -> Value {
        let mut error = Map::new();
        error.insert("exit_code".to_owned(), json!(self.exit as u8));
        error.insert("kind".to_owned(), json!(self.exit.kind()));
        error.insert("message".to_owned(), json!(self.message));
        if let Some(status) = self.status {
            error.insert("status_word".to_owned(), json!(format!("{status:04X}")));
            error.insert("meaning".to_owned(), json!(meaning(status)));
        }
        error.insert("money".to_owned(), json!(self.money));
        error.insert("next".to_owned(), json!(self.next));
        if let Some(transaction) = &self.transaction {
            error.insert("transaction".to_owned(), transaction.clone());
        }
        json!({ "schema": SCHEMA, "command": command, "error": error })
    }
}

/// What a status word means, in the words of the standard's table.
pub(crate) fn meaning(status: u16) -> String {
    match StatusWord::from_code(status) {
        Some(StatusWord::WrongPin(left)) => {
            format!("{}, tries left: {left}", StatusWord::WrongPin(left).meaning())
        }
        Some(status) => status.meaning().to_owned(),
        None => "not a status word of the standard".to_owned(),
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.message)?;
        match self.status {
            // Most messages say it already.
            Some(status) if !self.message.contains(&format!("{status:04X}")) => {
                writeln!(formatter, " ({status:04X}: {})", meaning(status))?;
            }
            _ => writeln!(formatter)?,
        }
        writeln!(formatter, "{}", self.money)?;
        write!(formatter, "{}", self.next)
    }
}
