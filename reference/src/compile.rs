//! From the lines of listings to a program: steps are set in where GOSUB calls them, names resolved, forms checked.

mod exchange;
mod expression;
mod target;

use std::collections::BTreeMap;

use apdu_spec::command::row::Field as CommandField;
use apdu_spec::command::table;
use apdu_spec::data_element::field_form;
use apdu_spec::message::input_named;
use apdu_spec::process::ListingKind;

use self::target::kind_of;
use crate::language::error::TextError;
use crate::language::syntax::{Line, Place, Statement, Target};
use crate::memory::place;
use crate::program::{Field, File, Instruction, Kind, Operation, Program, Slot};

/// A listing, parsed.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// What it describes.
    pub kind: ListingKind,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// What is wrong with a listing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{listing}: {error}")]
pub struct Finding {
    /// In which one.
    pub listing: String,
    /// What, and where.
    pub error: TextError,
}

/// Makes a program of the listing at this place among all of them.
pub(crate) fn compile(sources: &[Source], of: usize) -> Result<Program, Finding> {
    let mut compiler = Compiler {
        sources,
        program: Program {
            name: String::new(),
            instructions: Vec::new(),
            variables: Vec::new(),
            fields: Vec::new(),
            loops: 0,
        },
        kinds: Vec::new(),
        calls: Vec::new(),
        listing: of,
        response: None,
    };
    let Some(source) = sources.get(of) else { return Ok(compiler.program) };
    compiler.program.name.clone_from(&source.name);
    if let ListingKind::Command(command) = source.kind {
        compiler.bind_fields(table::row(command).data);
        if let Some(before) = sources.iter().position(|source| source.kind == ListingKind::Before) {
            compiler.set_in(before, Place::default())?;
        }
    }
    compiler.set_in(of, Place::default())?;
    compiler.emit(0, Operation::Fall);
    Ok(compiler.program)
}

struct Compiler<'a> {
    sources: &'a [Source],
    program: Program,
    /// Forms of the working variables.
    kinds: Vec<Kind>,
    /// Listings that are being set in, the outermost first.
    calls: Vec<usize>,
    listing: usize,
    /// Fields that the last TRANSMIT is answered with.
    response: Option<&'static [CommandField]>,
}

/// A loop whose NEXT has not come yet.
struct Loop {
    variable: String,
    turn: usize,
}

/// Jumps of one listing as it is set in once.
#[derive(Default)]
struct Frame {
    starts: BTreeMap<u32, usize>,
    jumps: Vec<(usize, u32, Place)>,
    returns: Vec<usize>,
    loops: Vec<Loop>,
}

impl Compiler<'_> {
    fn finding(&self, place: Place, message: impl Into<String>) -> Finding {
        let listing = self.sources.get(self.listing).map_or(String::new(), |source| source.name.clone());
        Finding { listing, error: TextError::new(place, message) }
    }

    /// Fields of fixed length become names; the rest of the data is DATA.
    fn bind_fields(&mut self, fields: &[CommandField]) {
        for field in fields.iter().filter(|field| field.length != 0) {
            let name = field.name.to_uppercase().replace(' ', ".");
            let kind = kind_of(field_form(field.name, field.length));
            let slot = place(&name).map_or_else(|| self.variable(&name, kind), Slot::Element);
            self.program.fields.push(Field { length: field.length.into(), slot, kind });
        }
    }

    /// The place of a new working variable.
    fn variable(&mut self, name: &str, kind: Kind) -> Slot {
        self.program.variables.push(name.to_owned());
        self.kinds.push(kind);
        Slot::Variable(self.kinds.len() - 1)
    }

    fn emit(&mut self, line: usize, operation: Operation) -> usize {
        self.program.instructions.push(Instruction { listing: self.listing, line, operation });
        self.program.instructions.len() - 1
    }

    fn here(&self) -> usize {
        self.program.instructions.len()
    }

    /// Sets a listing in.
    fn set_in(&mut self, listing: usize, called: Place) -> Result<(), Finding> {
        if self.calls.contains(&listing) {
            return Err(self.finding(called, "a step calls itself"));
        }
        let Some(source) = self.sources.get(listing) else { return Ok(()) };
        let outer = std::mem::replace(&mut self.listing, listing);
        self.calls.push(listing);
        let mut frame = Frame::default();
        for (at, line) in source.lines.iter().enumerate() {
            frame.starts.insert(line.number, self.here());
            self.statement(&mut frame, at, line.place, &line.statement)?;
        }
        if let Some(open) = frame.loops.last() {
            return Err(self.finding(called, format!("FOR {} without NEXT", open.variable)));
        }
        let is_answering = matches!(source.kind, ListingKind::Command(_) | ListingKind::Process);
        if is_answering {
            self.emit(source.lines.len().saturating_sub(1), Operation::Fall);
        }
        let end = self.here();
        for (at, number, place) in std::mem::take(&mut frame.jumps) {
            let Some(target) = frame.starts.get(&number) else {
                return Err(self.finding(place, format!("there is no line {number}")));
            };
            self.set_target(at, *target);
        }
        for at in frame.returns {
            self.set_target(at, end);
        }
        self.calls.pop();
        self.listing = outer;
        Ok(())
    }

    fn set_target(&mut self, at: usize, target: usize) {
        let found = self.program.instructions.get_mut(at).map(|instruction| &mut instruction.operation);
        if let Some(Operation::Jump(to) | Operation::Branch(_, to) | Operation::Turn(_, _, to)) = found {
            *to = target;
        }
    }

    #[allow(clippy::too_many_lines, reason = "one arm for each statement of the language")]
    fn statement(
        &mut self,
        frame: &mut Frame,
        at: usize,
        place: Place,
        statement: &Statement,
    ) -> Result<(), Finding> {
        match statement {
            Statement::Remark(_) => {
                self.emit(at, Operation::Nothing);
            }
            Statement::BeginCommit => {
                self.emit(at, Operation::BeginCommit);
            }
            Statement::EndCommit => {
                self.emit(at, Operation::EndCommit);
            }
            Statement::Let(target, value) => {
                let (value, kind) = self.expression(place, value)?;
                let (slot, subscript, wanted) = self.target(target, kind)?;
                let value = self.convert(place, value, kind, wanted)?;
                self.emit(at, Operation::Let(slot, subscript, value));
            }
            Statement::If(condition, then) => {
                let condition = self.condition(place, condition)?;
                let branch = self.emit(at, Operation::Branch(condition, 0));
                self.statement(frame, at, place, then)?;
                let after = self.here();
                self.set_target(branch, after);
            }
            Statement::Goto(number) => {
                let jump = self.emit(at, Operation::Jump(0));
                frame.jumps.push((jump, *number, place));
            }
            Statement::Gosub(step, called) => {
                self.emit(at, Operation::Nothing);
                let is_it = |source: &Source| source.kind == ListingKind::Step && source.name == *step;
                let Some(listing) = self.sources.iter().position(is_it) else {
                    return Err(self.finding(*called, format!("there is no step {step}")));
                };
                self.set_in(listing, *called)?;
            }
            Statement::Return => {
                if !matches!(
                    self.sources.get(self.listing).map(|source| source.kind),
                    Some(ListingKind::Step | ListingKind::Before)
                ) {
                    return Err(
                        self.finding(place, "RETURN without a status word ends a step, and this is none")
                    );
                }
                let jump = self.emit(at, Operation::Jump(0));
                frame.returns.push(jump);
            }
            Statement::Status(status, added) => {
                let added = match added {
                    None => None,
                    Some(added) => Some(self.number(place, added)?),
                };
                self.emit(at, Operation::Status(*status, added));
            }
            Statement::Send(data, status) => {
                let data = self.bytes(place, data)?;
                self.emit(at, Operation::Send(data, *status));
            }
            Statement::Append(values) => {
                let wanted = [
                    Kind::Bytes(Some(36)),
                    Kind::Number(Some(1)),
                    Kind::Number(Some(1)),
                    Kind::Number(Some(4)),
                    Kind::Bytes(Some(8)),
                ];
                if values.len() != wanted.len() {
                    return Err(self.finding(place, "a record has PD, role, state, balance and TAC"));
                }
                let mut fields = Vec::new();
                for (value, wanted) in values.iter().zip(wanted) {
                    let (value, kind) = self.expression(place, value)?;
                    fields.push(self.convert(place, value, kind, wanted)?);
                }
                self.emit(at, Operation::Append(fields));
            }
            Statement::Forget(sequence) => {
                let sequence = self.number(place, sequence)?;
                self.emit(at, Operation::Forget(sequence));
            }
            Statement::ForEach(variable, file) => {
                let file = match file.as_str() {
                    "EF.LOG" => File::Log,
                    "EF.EXC" => File::Exceptions,
                    _ => return Err(self.finding(variable.place, format!("{file} is no file with records"))),
                };
                let number = self.new_loop();
                self.emit(at, Operation::Each(number, file));
                self.turn(frame, at, number, variable, Kind::Number(Some(4)))?;
            }
            Statement::ForTo(variable, first, last) => {
                // The variable has the length of the first number.
                let (first, kind) = self.expression(place, first)?;
                let first = self.convert(place, first, kind, Kind::Number(None))?;
                let kind = if matches!(kind, Kind::Number(_)) { kind } else { Kind::Number(None) };
                let last = self.number(place, last)?;
                let number = self.new_loop();
                self.emit(at, Operation::Range(number, first, last));
                self.turn(frame, at, number, variable, kind)?;
            }
            Statement::Next(variable) => {
                let Some(innermost) = frame.loops.pop().filter(|innermost| innermost.variable == *variable)
                else {
                    return Err(self.finding(place, format!("NEXT {variable} without its FOR")));
                };
                self.emit(at, Operation::Jump(innermost.turn));
                let after = self.here();
                self.set_target(innermost.turn, after);
            }
            Statement::Input(targets) => {
                let mut inputs = Vec::new();
                for target in targets {
                    let Some(input) = input_named(&target.name) else {
                        return Err(
                            self.finding(target.place, format!("a terminal is not told {}", target.name))
                        );
                    };
                    let kind = kind_of(input.form);
                    let (slot, _, _) = self.target(target, kind)?;
                    inputs.push((target.name.clone(), slot));
                }
                self.emit(at, Operation::Input(inputs));
            }
            Statement::Transmit(transmission) => self.transmit(at, place, transmission)?,
            Statement::Receive(targets) => self.receive(at, place, targets)?,
            Statement::Stop(word) => {
                self.emit(at, Operation::Stop(word.clone()));
            }
        }
        Ok(())
    }

    fn new_loop(&mut self) -> usize {
        self.program.loops += 1;
        self.program.loops - 1
    }

    fn turn(
        &mut self,
        frame: &mut Frame,
        at: usize,
        number: usize,
        variable: &Target,
        kind: Kind,
    ) -> Result<(), Finding> {
        let (slot, _, _) = self.target(variable, kind)?;
        let turn = self.emit(at, Operation::Turn(number, slot, 0));
        frame.loops.push(Loop { variable: variable.name.clone(), turn });
        Ok(())
    }
}
