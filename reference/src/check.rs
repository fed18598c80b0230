//! What the text itself must keep, whatever a card does: every line can be reached, what reaches memory does so within
//! a COMMIT, nothing is sent before or within one, every path ends with an answer, every name has a value before it is
//! read, and the status words are those of the command table.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apdu_spec::command::row::ResponseLength;
use apdu_spec::command::table;
use apdu_spec::data_element::{DATA_ELEMENTS, Home};
use apdu_spec::process::ListingKind;
use apdu_spec::status::StatusWord;

use crate::compile::Finding;
use crate::language::error::TextError;
use crate::language::syntax::Place;
use crate::program::{Code, Instruction, Operation, Program, Slot};
use crate::standard::Standard;

/// Everything that is wrong with the text.
pub fn check(standard: &Standard) -> Vec<Finding> {
    Checked::of(standard).findings(standard)
}

/// A text whose programs have been looked at.
#[derive(Debug)]
pub struct Checked {
    programs: Vec<Option<(Arc<Program>, Arc<Look>)>>,
}

/// What one program shows.
#[derive(Debug)]
struct Look {
    /// Listing and line.
    reached: BTreeSet<(usize, usize)>,
    findings: Vec<Finding>,
}

impl Checked {
    /// Looks at every program.
    pub fn of(standard: &Standard) -> Self {
        Self { programs: Vec::new() }.again(standard)
    }

    /// Looks at what another text has other programs of ([`Standard::with_lines`]).
    #[must_use]
    pub fn again(&self, standard: &Standard) -> Self {
        let programs = standard.sources.iter().zip(&standard.programs).enumerate();
        let programs = programs.map(|(place, (source, program))| {
            let program = program.as_ref()?;
            let known = self.programs.get(place).and_then(Option::as_ref);
            let look = match known.filter(|(known, _)| Arc::ptr_eq(known, program)) {
                Some((_, look)) => Arc::clone(look),
                None => Arc::new(look_at(standard, source.kind, program)),
            };
            Some((Arc::clone(program), look))
        });
        Self { programs: programs.collect() }
    }

    /// Everything that is wrong with the text.
    pub fn findings(&self, standard: &Standard) -> Vec<Finding> {
        let looks: Vec<&Look> = self.programs.iter().flatten().map(|(_, look)| &**look).collect();
        let mut findings: Vec<Finding> = looks.iter().flat_map(|look| look.findings.clone()).collect();
        for (listing, source) in standard.sources.iter().enumerate() {
            for (at, line) in source.lines.iter().enumerate() {
                if !looks.iter().any(|look| look.reached.contains(&(listing, at))) {
                    let error = TextError {
                        place: line.place,
                        message: format!("line {} is never reached", line.number),
                    };
                    findings.push(Finding { listing: source.name.clone(), error });
                }
            }
        }
        findings.sort_by(|one, two| {
            (&one.listing, one.error.place, &one.error.message).cmp(&(
                &two.listing,
                two.error.place,
                &two.error.message,
            ))
        });
        findings.dedup();
        findings
    }
}

fn look_at(standard: &Standard, kind: ListingKind, program: &Program) -> Look {
    let walk = Walk::through(program);
    let instructions = walk.states.keys().filter_map(|at| program.instructions.get(*at));
    let reached = instructions.map(|found| (found.listing, found.line)).collect();
    let findings = walk.findings.into_iter().map(|(at, message)| finding(standard, program, at, message));
    let mut findings: Vec<Finding> = findings.collect();
    if let ListingKind::Command(command) = kind {
        let row = table::row(command);
        let answers_fully = row.forms.iter().any(|form| matches!(form.response, ResponseLength::Exactly(_)));
        check_status_words(
            standard,
            program,
            row.status_words,
            answers_fully,
            &walk.states.keys().copied().collect(),
            &mut findings,
        );
    }
    Look { reached, findings }
}

fn finding(standard: &Standard, program: &Program, at: usize, message: String) -> Finding {
    let instruction = program.instructions.get(at);
    let source = instruction.and_then(|found| standard.sources.get(found.listing));
    let line = source.zip(instruction).and_then(|(source, found)| source.lines.get(found.line));
    let place = line.map_or(Place::default(), |line| line.place);
    Finding {
        listing: source.map_or_else(String::new, |source| source.name.clone()),
        error: TextError { place, message },
    }
}

/// What a path has done before an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Past {
    /// Within a COMMIT.
    commits: bool,
}

/// All that is true before an instruction, on whatever path.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    pasts: BTreeSet<Past>,
    /// Names that have a value on every path.
    known: BTreeSet<Name>,
}

/// A working variable or a working data element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Element(usize),
    Variable(usize),
}

struct Walk<'a> {
    program: &'a Program,
    states: BTreeMap<usize, State>,
    findings: BTreeSet<(usize, String)>,
}

impl<'a> Walk<'a> {
    fn through(program: &'a Program) -> Self {
        let known = program.fields.iter().map(|field| name_of(field.slot)).collect();
        let first = State { pasts: BTreeSet::from([Past { commits: false }]), known };
        let mut walk = Self { program, states: BTreeMap::from([(0, first)]), findings: BTreeSet::new() };
        let mut waiting = vec![0];
        while let Some(at) = waiting.pop() {
            let Some((instruction, state)) = program.instructions.get(at).zip(walk.states.get(&at).cloned())
            else {
                continue;
            };
            for (next, after) in walk.step(at, instruction, &state) {
                let merged = match walk.states.get(&next) {
                    None => after,
                    Some(known) => State {
                        pasts: known.pasts.union(&after.pasts).copied().collect(),
                        known: known.known.intersection(&after.known).copied().collect(),
                    },
                };
                if walk.states.get(&next) != Some(&merged) {
                    walk.states.insert(next, merged);
                    waiting.push(next);
                }
            }
        }
        // Only what the last, weakest knowledge says is wrong.
        walk.findings.clear();
        for (at, state) in walk.states.clone() {
            if let Some(instruction) = program.instructions.get(at) {
                walk.step(at, instruction, &state);
            }
        }
        walk
    }

    fn wrong(&mut self, at: usize, message: impl Into<String>) {
        self.findings.insert((at, message.into()));
    }

    /// What can come next, with what is true then.
    fn step(&mut self, at: usize, instruction: &Instruction, state: &State) -> Vec<(usize, State)> {
        let within = state.pasts.iter().any(|past| past.commits);
        let without = state.pasts.iter().any(|past| !past.commits);
        let mut after = state.clone();
        for code in codes(&instruction.operation) {
            self.reads(at, code, &state.known);
        }
        match &instruction.operation {
            Operation::Nothing | Operation::Transmit(_) | Operation::Each(..) | Operation::Range(..) => {}
            Operation::BeginCommit => {
                if within {
                    self.wrong(at, "a COMMIT within a COMMIT");
                }
                after.pasts = BTreeSet::from([Past { commits: true }]);
            }
            Operation::EndCommit => {
                if without {
                    self.wrong(at, "END COMMIT without its BEGIN");
                }
                after.pasts = BTreeSet::from([Past { commits: false }]);
            }
            Operation::Let(slot, _, _) => {
                if is_memory(*slot) && without {
                    self.wrong(at, "memory changes in a COMMIT only");
                }
                after.known.insert(name_of(*slot));
            }
            Operation::Append(_) | Operation::Forget(_) => {
                if without {
                    self.wrong(at, "memory changes in a COMMIT only");
                }
            }
            Operation::Branch(_, otherwise) => return vec![(at + 1, after.clone()), (*otherwise, after)],
            Operation::Jump(target) => return vec![(*target, after)],
            Operation::Turn(_, slot, end) => {
                let leaves = (*end, after.clone());
                after.known.insert(name_of(*slot));
                return vec![(at + 1, after), leaves];
            }
            Operation::Input(inputs) => after.known.extend(inputs.iter().map(|(_, slot)| name_of(*slot))),
            Operation::Receive(fields) => after.known.extend(fields.iter().map(|field| name_of(field.slot))),
            Operation::Status(..) | Operation::Send(..) | Operation::Stop(_) => {
                if within {
                    self.wrong(at, "an answer within a COMMIT: what it says may not be in memory");
                }
                self.nothing_follows(at);
                return Vec::new();
            }
            Operation::Fall => {
                self.wrong(at, "a path ends without an answer");
                return Vec::new();
            }
        }
        vec![(at + 1, after)]
    }

    /// Behind a SEND in the text, no COMMIT may stand that nothing else leads to.
    fn nothing_follows(&mut self, at: usize) {
        let follows = self.program.instructions.get(at + 1).map(|next| &next.operation);
        if matches!(
            self.program.instructions.get(at).map(|found| &found.operation),
            Some(Operation::Send(..))
        ) && matches!(follows, Some(Operation::BeginCommit))
        {
            self.wrong(at, "SEND before a COMMIT: the record is always updated before the response is sent");
        }
    }

    fn reads(&mut self, at: usize, code: &Code, known: &BTreeSet<Name>) {
        match code {
            Code::Number(_) | Code::Bytes(_) => {}
            Code::Read(slot, subscript) => {
                if let Some(subscript) = subscript {
                    self.reads(at, subscript, known);
                }
                let (needed, label) = match slot {
                    Slot::Variable(place) => (
                        Name::Variable(*place),
                        self.program.variables.get(*place).cloned().unwrap_or_default(),
                    ),
                    Slot::Element(place) => match DATA_ELEMENTS.get(*place) {
                        Some(element) if element.home == Home::Working => {
                            let whole = if element.name.starts_with("PD.") { "PD" } else { element.name };
                            let place = crate::memory::place(whole).unwrap_or(*place);
                            (Name::Element(place), element.name.to_owned())
                        }
                        _ => return,
                    },
                };
                let always = ["RESPONSE", "SW"].contains(&label.as_str());
                if !always && !known.contains(&needed) {
                    self.wrong(at, format!("{label} has no value on some path"));
                }
            }
            Code::Encode(code, _) | Code::Not(code) => self.reads(at, code, known),
            Code::Call(_, arguments) => arguments.iter().for_each(|code| self.reads(at, code, known)),
            Code::Binary(_, left, right) => {
                self.reads(at, left, known);
                self.reads(at, right, known);
            }
        }
    }
}

const fn name_of(slot: Slot) -> Name {
    match slot {
        Slot::Element(place) => Name::Element(place),
        Slot::Variable(place) => Name::Variable(place),
    }
}

fn is_memory(slot: Slot) -> bool {
    match slot {
        Slot::Variable(_) => false,
        Slot::Element(place) => DATA_ELEMENTS
            .get(place)
            .is_some_and(|element| matches!(element.home, Home::Memory | Home::Identity | Home::Maker)),
    }
}

fn codes(operation: &Operation) -> Vec<&Code> {
    match operation {
        Operation::Let(_, subscript, value) => subscript.iter().chain([value]).collect(),
        Operation::Branch(code, _) | Operation::Send(code, _) | Operation::Forget(code) => vec![code],
        Operation::Status(_, added) => added.iter().collect(),
        Operation::Append(codes) => codes.iter().collect(),
        Operation::Range(_, first, last) => vec![first, last],
        Operation::Transmit(message) => {
            [&message.p1, &message.p2, &message.data].into_iter().flatten().collect()
        }
        Operation::Nothing
        | Operation::BeginCommit
        | Operation::EndCommit
        | Operation::Jump(_)
        | Operation::Each(..)
        | Operation::Turn(..)
        | Operation::Input(_)
        | Operation::Receive(_)
        | Operation::Stop(_)
        | Operation::Fall => Vec::new(),
    }
}

/// Every status word that a path returns is listed, and every listed one is returned. What precedes every command is
/// the same for all: of it only 6Cxx is in the rows, where an answer has one length.
fn check_status_words(
    standard: &Standard,
    program: &Program,
    listed: &[StatusWord],
    has_fixed_answer: bool,
    reached: &BTreeSet<usize>,
    findings: &mut Vec<Finding>,
) {
    let before = standard.sources.iter().position(|source| source.kind == ListingKind::Before);
    let mut returned = Vec::new();
    for (at, instruction) in program.instructions.iter().enumerate() {
        let code = match &instruction.operation {
            Operation::Status(code, _) | Operation::Send(_, code) => *code,
            _ => continue,
        };
        if !reached.contains(&at) || Some(instruction.listing) == before {
            continue;
        }
        match StatusWord::from_code(code) {
            Some(status) if listed.iter().any(|known| known.is_same_kind(status)) => returned.push(status),
            _ => findings.push(finding(
                standard,
                program,
                at,
                format!("the command table does not list {code:04X} for {}", program.name),
            )),
        }
    }
    if has_fixed_answer {
        returned.push(StatusWord::WrongExpected(0));
    }
    for status in listed {
        if !returned.iter().any(|known| known.is_same_kind(*status)) {
            let code = status.code();
            let message =
                format!("the command table lists {code:04X} for {}, and no path returns it", program.name);
            findings.push(finding(standard, program, usize::MAX, message));
        }
    }
}
