//! The reference card: answers APDUs by the text of the standard.

use apdu_spec::command::apdu::LONGEST_COMMAND;
use apdu_spec::command::row::ResponseLength;
use apdu_spec::command::{CommandName, table};

use crate::machine::{Alone, End, Fault, Machine, Observer, Unobserved};
use crate::memory::{Memory, Sizes};
use crate::session::Session;
use crate::standard::Standard;
use crate::value::Value;

/// A card on an abstract memory.
#[derive(Clone, Debug)]
pub struct ReferenceCard<'a> {
    standard: &'a Standard,
    /// What outlives a reset.
    pub memory: Memory,
    /// What does not.
    pub session: Session,
}

/// What a command came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// Data and status word.
    pub response: Vec<u8>,
    /// The memory after each COMMIT, in order; a cut leaves one of these, or what was before.
    pub commits: Vec<Memory>,
}

/// What BEFORE asks of the command table.
struct Header<'a> {
    command: Option<CommandName>,
    data: &'a [u8],
}

impl<'a> ReferenceCard<'a> {
    /// A blank card.
    pub fn blank(standard: &'a Standard, sizes: Sizes) -> Self {
        Self { standard, memory: Memory::blank(sizes), session: Session::new() }
    }

    /// A card in the midst of its life.
    pub const fn with(standard: &'a Standard, memory: Memory, session: Session) -> Self {
        Self { standard, memory, session }
    }

    /// A reset, or a loss of power between commands.
    pub fn reset(&mut self) {
        self.session = Session::new();
    }

    /// The text it answers by.
    pub const fn standard(&self) -> &'a Standard {
        self.standard
    }

    /// Answers one command APDU.
    ///
    /// # Errors
    /// A mistake of the text.
    pub fn process(&mut self, command: &[u8]) -> Result<Execution, Fault> {
        self.process_observed(command, &mut Unobserved)
    }

    /// The same, watched.
    ///
    /// # Errors
    /// A mistake of the text.
    pub fn process_observed(
        &mut self,
        command: &[u8],
        observer: &mut dyn Observer,
    ) -> Result<Execution, Fault> {
        let header = self.read_header(command);
        // A command that is none has only what precedes every command; SELECT's program begins with it too.
        let name = header.command.unwrap_or(CommandName::Select);
        let standard = self.standard;
        let Some(program) = standard.command(name) else {
            return Err(Fault {
                listing: String::new(),
                line: 0,
                message: format!("{name:?} has no listing"),
            });
        };
        let mut parties = Alone;
        let mut machine = Machine::new(&mut self.memory, &mut self.session, observer, &mut parties);
        machine.curve = standard.curve;
        let end = machine.run(program, header.data, &|listing, line| standard.line(listing, line))?;
        let commits = std::mem::take(&mut machine.commits);
        match end {
            End::Answer(mut response, status) => {
                response.extend(status.to_be_bytes());
                Ok(Execution { response, commits })
            }
            End::Stopped(_) => Err(Fault {
                listing: program.name.clone(),
                line: 0,
                message: "a command does not STOP".into(),
            }),
        }
    }

    /// Splits the APDU (ISO/IEC 7816-3 § 12.1.3) and asks the command table about it.
    fn read_header<'b>(&mut self, command: &'b [u8]) -> Header<'b> {
        let byte = |at: usize| command.get(at).copied().unwrap_or(0);
        let (class, instruction, p1, p2) = (byte(0), byte(1), byte(2), byte(3));
        let body = command.get(4..).unwrap_or(&[]);
        let le = |byte: u8| if byte == 0 { 256 } else { i64::from(byte) };
        let (data, expected, whole): (&[u8], i64, bool) = match body {
            [] => (&[], 0, true),
            [only] => (&[], le(*only), true),
            [0, ..] => (&[], 0, false),
            [length, rest @ ..] => match rest.split_at_checked(usize::from(*length)) {
                Some((data, [])) => (data, 0, true),
                Some((data, [last])) => (data, le(*last), true),
                _ => (&[], 0, false),
            },
        };
        let of_instruction = || table::COMMANDS.iter().filter(move |row| row.instruction == instruction);
        let row = of_instruction().filter(|row| row.class == class).find(|row| row.form(p1, p2).is_some());
        let form = row.and_then(|row| row.form(p1, p2));
        let (due, length) = match form.map(|form| form.response) {
            None | Some(ResponseLength::None) => (false, 0),
            Some(ResponseLength::Exactly(length)) => (true, length),
            Some(ResponseLength::Whole | ResponseLength::Part) => (true, 0),
        };
        let session = &mut self.session;
        let mut number = |name, value| session.set_named(name, Value::Number(value));
        number("CLA", class.into());
        number("INS", instruction.into());
        number("P1", p1.into());
        number("P2", p2.into());
        number("LE", expected);
        number("WHOLE.HEADER", i64::from((4..=LONGEST_COMMAND).contains(&command.len())));
        number("WHOLE.BODY", i64::from(whole));
        number("KNOWN.INSTRUCTION", i64::from(of_instruction().next().is_some()));
        number("KNOWN.CLASS", i64::from(of_instruction().any(|row| row.class == class)));
        number("KNOWN.PARAMETERS", i64::from(row.is_some()));
        number("KNOWN.LENGTH", i64::from(form.is_some_and(|form| form.data.contains(data.len()))));
        number("RESPONSE.DUE", i64::from(due));
        number("RESPONSE.LENGTH", length.into());
        session.set_named("DATA", Value::Bytes(data.to_vec()));
        Header { command: row.map(|row| row.command), data }
    }
}
