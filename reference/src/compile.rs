//! From the lines of listings to a program: steps are set in where GOSUB calls them, names resolved, forms checked.

mod expression;

use std::collections::BTreeMap;

use apdu_spec::command::row::Field as CommandField;
use apdu_spec::command::table;
use apdu_spec::data_element::{DATA_ELEMENTS, ElementForm, Home, Subscript, field_form};
use apdu_spec::message::{Recipient, input_named, message_named};
use apdu_spec::process::ListingKind;

use crate::language::error::TextError;
use crate::language::syntax::{Line, Place, Statement, Target, Transmission};
use crate::memory::place;
use crate::program::{Code, Field, File, Instruction, Kind, Message, Operation, Program, Received, Slot};

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

    fn transmit(&mut self, at: usize, place: Place, transmission: &Transmission) -> Result<(), Finding> {
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

    fn receive(&mut self, at: usize, place: Place, targets: &[Target]) -> Result<(), Finding> {
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

    /// What LET assigns to: a data element, a known working variable, or a new one of the value's form.
    fn target(&mut self, target: &Target, kind: Kind) -> Result<(Slot, Option<Code>, Kind), Finding> {
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

    fn subscript(
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

    fn element_kind(place: usize) -> Kind {
        DATA_ELEMENTS.get(place).map_or(Kind::Bytes(None), |element| kind_of(element.form))
    }

    /// Elements that are parts of LOG.PD.
    fn is_log_view(name: &str) -> bool {
        ["LOG.KIND", "LOG.KVN", "LOG.CURRENCY", "LOG.AMOUNT", "LOG.TO"].contains(&name)
    }
}

const fn kind_of(form: ElementForm) -> Kind {
    match form {
        ElementForm::Number(length) => Kind::Number(Some(length)),
        ElementForm::Bytes(length) => Kind::Bytes(Some(length as usize)),
        // Also the rest of a message.
        ElementForm::Variable => Kind::Bytes(None),
    }
}
