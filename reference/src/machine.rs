//! Runs a program, line by line, over a memory and a session.

mod curve;
mod elements;
mod evaluate;

pub use curve::Curve;

use crate::memory::{Entry, Memory};
use crate::process::{Answer, Parties, Sent};
use crate::program::{Code, File, Kind, Operation, Program, Received};
use crate::session::Session;
use crate::value::{Value, decode};

/// A text that asks for what cannot be: a mistake of the listing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{listing}, line {line}: {message}")]
pub struct Fault {
    /// Name of the listing.
    pub listing: String,
    /// Number of its line.
    pub line: u32,
    /// What.
    pub message: String,
}

/// Watches a program run.
pub trait Observer {
    /// A line is about to be executed: place of its listing, place of the line in it.
    fn line(&mut self, listing: usize, line: usize);
    /// An element or variable has got a value.
    fn assigned(&mut self, name: &str, subscript: Option<i64>, value: &Value) {
        let _ = (name, subscript, value);
    }
    /// A COMMIT has ended.
    fn committed(&mut self) {}
}

/// Watches nothing.
#[derive(Clone, Copy, Debug)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn line(&mut self, _listing: usize, _line: usize) {}
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Answer(Vec<u8>, u16),
    Stopped(String),
}

/// No parties: a command runs within its card.
pub(crate) struct Alone;

impl Parties for Alone {
    fn transmit(&mut self, _message: &Sent<'_>) -> Result<Answer, String> {
        Err("a command sends to nobody".into())
    }

    fn input(&mut self, name: &str) -> Result<Value, String> {
        Err(format!("a command is not told {name}"))
    }
}

/// A loop that is under way.
enum Turns {
    Sequences(std::vec::IntoIter<u32>),
    Numbers(i64, i64),
}

/// What a program runs over.
pub(crate) struct Machine<'a> {
    pub(crate) memory: &'a mut Memory,
    pub(crate) session: &'a mut Session,
    pub(crate) commits: Vec<Memory>,
    pub(crate) observer: &'a mut dyn Observer,
    pub(crate) parties: &'a mut dyn Parties,
    /// Whether the states after each COMMIT are wanted.
    pub(crate) keeps_commits: bool,
    pub(crate) curve: Curve,
    answer: Answer,
    variables: Vec<Option<Value>>,
    loops: Vec<Option<Turns>>,
}

type Outcome<T> = Result<T, String>;

impl<'a> Machine<'a> {
    pub(crate) fn new(
        memory: &'a mut Memory,
        session: &'a mut Session,
        observer: &'a mut dyn Observer,
        parties: &'a mut dyn Parties,
    ) -> Self {
        Self {
            memory,
            session,
            commits: Vec::new(),
            observer,
            parties,
            keeps_commits: true,
            curve: Curve::SOFTWARE,
            answer: Answer { data: Vec::new(), status: 0 },
            variables: Vec::new(),
            loops: Vec::new(),
        }
    }

    /// Runs to the end. `data` is a command's data field, whose fields get their names.
    pub(crate) fn run(
        &mut self,
        program: &Program,
        data: &[u8],
        lines: &dyn Fn(usize, usize) -> (String, u32),
    ) -> Result<End, Fault> {
        self.variables = vec![None; program.variables.len()];
        self.loops = (0..program.loops).map(|_| None).collect();
        let fault = |at: usize, message: String| {
            let instruction = program.instructions.get(at);
            let (listing, line) =
                instruction.map_or((String::new(), 0), |found| lines(found.listing, found.line));
            Fault { listing, line, message }
        };
        self.bind(program, data).map_err(|message| fault(0, message))?;
        let mut at = 0;
        let mut last = None;
        // More than any listing needs: a loop without an end is a mistake of the text too.
        for _ in 0..1_000_000 {
            let Some(instruction) = program.instructions.get(at) else {
                return Err(fault(at, "beyond the last line".into()));
            };
            let line = (instruction.listing, instruction.line);
            if last != Some(line) || matches!(instruction.operation, Operation::Turn(..)) {
                self.observer.line(line.0, line.1);
                last = Some(line);
            }
            match self.step(program, &instruction.operation, at) {
                Ok(Step::To(next)) => at = next,
                Ok(Step::End(end)) => return Ok(end),
                Err(message) => return Err(fault(at, message)),
            }
        }
        Err(fault(at, "does not come to an end".into()))
    }

    /// Fields get their names only where all of them are there; a command of another length ends before them.
    fn bind(&mut self, program: &Program, data: &[u8]) -> Outcome<()> {
        let mut rest = data;
        for field in &program.fields {
            let Some((bytes, behind)) = rest.split_at_checked(field.length) else { return Ok(()) };
            let value = match field.kind {
                Kind::Number(_) => Value::Number(decode(bytes).ok_or("a field is no number")?),
                Kind::Bytes(_) | Kind::Truth => Value::Bytes(bytes.to_vec()),
            };
            self.put(program, field.slot, None, value)?;
            rest = behind;
        }
        Ok(())
    }

    fn step(&mut self, program: &Program, operation: &Operation, at: usize) -> Outcome<Step> {
        match operation {
            Operation::Nothing | Operation::BeginCommit => {}
            Operation::EndCommit => {
                if self.keeps_commits {
                    self.commits.push(self.memory.clone());
                }
                self.observer.committed();
            }
            Operation::Let(slot, subscript, value) => {
                let subscript = subscript.as_ref().map(|subscript| self.number(subscript)).transpose()?;
                let value = self.value(value)?;
                self.put(program, *slot, subscript, value)?;
            }
            Operation::Branch(condition, otherwise) => {
                if self.number(condition)? == 0 {
                    return Ok(Step::To(*otherwise));
                }
            }
            Operation::Jump(target) => return Ok(Step::To(*target)),
            Operation::Status(status, added) => {
                let added = added.as_ref().map(|added| self.number(added)).transpose()?.unwrap_or(0);
                let status = u16::try_from(i64::from(*status) + added).map_err(|_| "no status word")?;
                return Ok(Step::End(End::Answer(Vec::new(), status)));
            }
            Operation::Send(data, status) => return Ok(Step::End(End::Answer(self.bytes(data)?, *status))),
            Operation::Append(values) => self.append(values)?,
            Operation::Forget(sequence) => {
                let sequence = u32::try_from(self.number(sequence)?).map_err(|_| "no sequence")?;
                self.memory.log.remove(&sequence).ok_or("the log has no such record")?;
            }
            Operation::Each(number, file) => {
                let sequences = self.sequences(*file)?;
                self.begin(*number, Turns::Sequences(sequences.into_iter()));
            }
            Operation::Range(number, first, last) => {
                let turns = Turns::Numbers(self.number(first)?, self.number(last)?);
                self.begin(*number, turns);
            }
            Operation::Turn(number, slot, end) => {
                let next = match self.loops.get_mut(*number) {
                    Some(Some(Turns::Sequences(sequences))) => sequences.next().map(i64::from),
                    Some(Some(Turns::Numbers(next, last))) if *next <= *last => {
                        *next += 1;
                        Some(*next - 1)
                    }
                    _ => None,
                };
                let Some(next) = next else { return Ok(Step::To(*end)) };
                self.put(program, *slot, None, Value::Number(next))?;
            }
            Operation::Input(inputs) => {
                for (name, slot) in inputs {
                    let value = self.parties.input(name)?;
                    self.put(program, *slot, None, value)?;
                }
            }
            Operation::Transmit(message) => {
                let byte = |value: i64| u8::try_from(value).map_err(|_| "P1 and P2 are bytes");
                let p1 = message
                    .p1
                    .as_ref()
                    .map(|value| byte(self.number(value)?).map_err(String::from))
                    .transpose()?;
                let p2 = message
                    .p2
                    .as_ref()
                    .map(|value| byte(self.number(value)?).map_err(String::from))
                    .transpose()?;
                let data =
                    message.data.as_ref().map(|data| self.bytes(data)).transpose()?.unwrap_or_default();
                let sent = Sent { party: &message.party, name: &message.name, p1, p2, data };
                self.answer = self.parties.transmit(&sent)?;
                self.session.respond(self.answer.data.clone(), self.answer.status);
            }
            Operation::Receive(fields) => {
                // Where there is no answer, or one without these fields, no name gets a value.
                let answer = std::mem::take(&mut self.answer.data);
                let mut rest = answer.as_slice();
                if !fits(fields, rest.len()) {
                    return Ok(Step::To(at + 1));
                }
                for Received { slot, length, is_number } in fields {
                    let length = if *length == 0 { rest.len() } else { *length };
                    let (field, behind) = rest.split_at_checked(length).ok_or("the answer is too short")?;
                    let value = if *is_number {
                        Value::Number(decode(field).ok_or("a field is no number")?)
                    } else {
                        Value::Bytes(field.to_vec())
                    };
                    self.put(program, *slot, None, value)?;
                    rest = behind;
                }
            }
            Operation::Stop(word) => return Ok(Step::End(End::Stopped(word.clone()))),
            Operation::Fall => return Err("ends without an answer".into()),
        }
        Ok(Step::To(at + 1))
    }

    fn begin(&mut self, number: usize, turns: Turns) {
        if let Some(place) = self.loops.get_mut(number) {
            *place = Some(turns);
        }
    }

    /// The window's sequences, newest first, or the older ones that the log still has, oldest first.
    fn sequences(&self, file: File) -> Outcome<Vec<u32>> {
        let element = |name| self.memory.value(name, 0).and_then(Value::number).ok_or("no such element");
        let oldest = element("SEQUENCE")? - element("WINDOW")?;
        let in_window = |sequence: &u32| i64::from(*sequence) >= oldest;
        let known = self.memory.log.keys().copied();
        Ok(match file {
            File::Log => known.rev().filter(in_window).collect(),
            File::Exceptions => known.filter(|sequence| !in_window(sequence)).collect(),
        })
    }

    fn append(&mut self, values: &[Code]) -> Outcome<()> {
        let [pay_details, role, state, balance, tac] = values else { return Err("no record".into()) };
        let byte = |number: i64| u8::try_from(number).map_err(|_| String::from("no byte"));
        let entry = Entry {
            pay_details: self.bytes(pay_details)?,
            role: byte(self.number(role)?)?,
            state: byte(self.number(state)?)?,
            balance: u32::try_from(self.number(balance)?).map_err(|_| "no amount")?,
            tac: self.bytes(tac)?,
        };
        if entry.pay_details.len() != 36 || entry.tac.len() != 8 {
            return Err("a record has a PD of 36 bytes and a TAC of 8".into());
        }
        let sequence = self.memory.value("SEQUENCE", 0).and_then(Value::number);
        let sequence = sequence.and_then(|sequence| u32::try_from(sequence).ok()).ok_or("no sequence")?;
        if self.memory.log.insert(sequence, entry).is_some() {
            return Err(format!("sequence {sequence} has a record already"));
        }
        Ok(())
    }
}

/// Whether an answer of this length has these fields.
fn fits(fields: &[Received], length: usize) -> bool {
    let known: usize = fields.iter().map(|field| field.length).sum();
    let is_open = fields.iter().any(|field| field.length == 0);
    length != 0 && if is_open { known <= length } else { known == length }
}

/// What comes after an operation.
enum Step {
    To(usize),
    End(End),
}
