//! stdout is data, stderr is talk: what a command returns, and how it is printed.

use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use serde_json::{Map, Value, json};

use super::context::Context;
use super::failure::{ExitCode, Failure};

/// Version of all JSON documents. It changes when a field changes its meaning or goes; new fields may come.
pub(crate) const SCHEMA: u32 = 1;

/// What a command has found out.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    /// For a person.
    pub(crate) text: String,
    /// For a program: the fields of the document, or all of it.
    pub(crate) document: Document,
    /// Set where the answer is complete and yet not what it should be: an audit that does not add up.
    pub(crate) exit: Option<ExitCode>,
}

/// JSON of a reply.
#[derive(Debug)]
pub(crate) enum Document {
    /// Fields besides `schema` and `command`.
    Fields(Map<String, Value>),
    /// Something of its own.
    Whole(Value),
    /// Nothing: everything has been said, line by line.
    Said,
}

impl Default for Document {
    fn default() -> Self {
        Self::Fields(Map::new())
    }
}

impl Reply {
    /// Text for a person and an object for a program.
    pub(crate) fn new(text: impl Into<String>, fields: Value) -> Self {
        let document = match fields {
            Value::Object(fields) => Document::Fields(fields),
            other => Document::Whole(other),
        };
        Self { text: text.into(), document, exit: None }
    }

    /// A field of the document as text; empty where there is none.
    pub(crate) fn field(&self, name: &str) -> &str {
        match &self.document {
            Document::Fields(fields) => fields.get(name).and_then(Value::as_str).unwrap_or(""),
            Document::Whole(_) | Document::Said => "",
        }
    }

    /// With another field in its document.
    pub(crate) fn with_field(mut self, name: &str, value: Value) -> Self {
        if let Document::Fields(fields) = &mut self.document {
            fields.insert(name.to_owned(), value);
        }
        self
    }

    /// Of a command that has done a part of what it was asked for.
    pub(crate) fn stopped_by(self, failure: &Failure) -> Self {
        Console::say(&format!("error: {failure}"));
        let mut document = failure.document(None);
        self.with_field("error", document["error"].take()).with_exit(Some(failure.exit))
    }

    /// Ends the program with this code after all.
    pub(crate) fn with_exit(mut self, exit: Option<ExitCode>) -> Self {
        self.exit = exit;
        self
    }
}

/// Where a command's output goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    json: bool,
}

impl Console {
    /// Prints JSON or text.
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether a program reads along.
    pub(crate) const fn json(self) -> bool {
        self.json
    }

    /// A line of a story that goes on, on stdout; a program gets it all at the end instead.
    pub(crate) fn tell(self, line: &str) -> Result<(), Failure> {
        if self.json { Ok(()) } else { print(&format!("{line}\n")) }
    }

    /// An event of a command that goes on: a line for a person, or a document on one line for a program.
    pub(crate) fn event(self, command: &str, line: &str, fields: Value) -> Result<(), Failure> {
        if !self.json {
            return print(&format!("{line}\n"));
        }
        let mut document = Map::new();
        document.insert("schema".to_owned(), json!(SCHEMA));
        document.insert("command".to_owned(), json!(command));
        if let Value::Object(fields) = fields {
            document.extend(fields);
        }
        print(&format!("{}\n", Value::Object(document)))
    }

    /// Talk, on stderr.
    pub(crate) fn say(line: &str) {
        // Nobody may be listening; the command goes on all the same.
        let _ = writeln!(anstream::stderr(), "{line}");
    }

    /// Whether a person at a terminal says yes. A script that calls the command has decided.
    pub(crate) fn confirms(context: &Context, question: &str) -> bool {
        if context.global.yes || context.console.json() || !io::stdin().is_terminal() {
            return true;
        }
        let mut stderr = anstream::stderr();
        let _ = write!(stderr, "{question} [y/N] ");
        let _ = stderr.flush();
        let mut answer = String::new();
        let _ = io::stdin().read_line(&mut answer);
        matches!(answer.trim(), "y" | "Y" | "yes")
    }

    /// Prints what a command returned. Returns the program's exit code.
    pub(crate) fn reply(self, command: &str, reply: Reply) -> Result<u8, Failure> {
        if self.json {
            print_document(&match reply.document {
                Document::Said => return Ok(reply.exit.map_or(0, |exit| exit as u8)),
                Document::Whole(value) => value,
                Document::Fields(fields) => {
                    let mut document = Map::new();
                    document.insert("schema".to_owned(), json!(SCHEMA));
                    document.insert("command".to_owned(), json!(command));
                    document.extend(fields);
                    Value::Object(document)
                }
            })?;
        } else if !reply.text.is_empty() {
            let end = if reply.text.ends_with('\n') { "" } else { "\n" };
            print(&format!("{}{end}", reply.text))?;
        }
        Ok(reply.exit.map_or(0, |exit| exit as u8))
    }

    /// Prints an error. Returns the program's exit code.
    pub(crate) fn failure(self, command: Option<&str>, failure: &Failure) -> u8 {
        if self.json && print_document(&failure.document(command)).is_ok() {
            return failure.exit as u8;
        }
        Self::say(&format!("error: {failure}"));
        failure.exit as u8
    }
}

fn print_document(document: &Value) -> Result<(), Failure> {
    print(&format!("{document:#}\n"))
}

/// A pipe whose reader has gone (`purse history | head`) is no error; a full disk is.
fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = AutoStream::new(io::stdout().lock(), ColorChoice::Auto);
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::other(
            format!("the output cannot be written: {error}"),
            "What the command was asked for is done; `purse history` shows it.",
        )
        .with_money("The command has been carried out.")),
        _ => Ok(()),
    }
}
