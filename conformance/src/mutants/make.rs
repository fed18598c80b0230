//! Mutants of the listings: the text with one thing changed.

use std::collections::BTreeSet;

use purse_reference::compile::Source;
use purse_reference::language::syntax::{Expression, Line, Operator, Statement};

/// A changed text.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// Which listing.
    pub listing: usize,
    /// Place of the line that is changed.
    pub line: usize,
    /// Place of the line that it is exchanged with.
    pub other: Option<usize>,
    /// What is changed.
    pub change: String,
    /// All lines of the listing, changed.
    pub lines: Vec<Line>,
}

impl Mutant {
    /// All sources, with this one changed.
    pub fn sources(&self, sources: &[Source]) -> Vec<Source> {
        let mut sources = sources.to_vec();
        sources[self.listing].lines.clone_from(&self.lines);
        sources
    }

    /// Its name: listing, line, change.
    pub fn name(&self, sources: &[Source]) -> String {
        let source = &sources[self.listing];
        format!("{} {}: {}", source.name, source.lines[self.line].number, self.change)
    }
}

/// Every mutant of a listing. Two checks that give the same status word are not exchanged: in either order the text says
/// the same, as it does where one of them never answers.
pub fn of(listing: usize, sources: &[Source]) -> Vec<Mutant> {
    let source = &sources[listing];
    let mut maker = Maker { listing, sources, lines: &source.lines, mutants: Vec::new() };
    for at in 0..source.lines.len() {
        maker.of_line(at);
        maker.of_block(at);
        maker.of_neighbours(at);
    }
    maker.mutants
}

struct Maker<'a> {
    listing: usize,
    sources: &'a [Source],
    lines: &'a [Line],
    mutants: Vec<Mutant>,
}

fn nothing() -> Statement {
    Statement::Remark(String::new())
}

impl Maker<'_> {
    fn put(&mut self, at: usize, change: impl Into<String>, lines: Vec<Line>) {
        let (listing, change) = (self.listing, change.into());
        self.mutants.push(Mutant { listing, line: at, other: None, change, lines });
    }

    fn replace(&mut self, at: usize, change: impl Into<String>, statement: Statement) {
        let mut lines = self.lines.to_vec();
        lines[at].statement = statement;
        self.put(at, change, lines);
    }

    fn of_line(&mut self, at: usize) {
        let statement = self.lines[at].statement.clone();
        match &statement {
            Statement::Remark(_) => return,
            Statement::If(condition, then) => {
                let negated = Expression::Not(Box::new(condition.clone()));
                self.replace(at, "IF negated", Statement::If(negated, then.clone()));
                self.replace(at, "IF left out", nothing());
            }
            Statement::Let(..) => self.replace(at, "LET left out", nothing()),
            Statement::Append(_) => self.replace(at, "APPEND left out", nothing()),
            Statement::Forget(_) => self.replace(at, "FORGET left out", nothing()),
            Statement::Gosub(..) => self.replace(at, "GOSUB left out", nothing()),
            Statement::Goto(_) => self.replace(at, "GOTO left out", nothing()),
            Statement::BeginCommit => self.replace(at, "BEGIN COMMIT left out", nothing()),
            Statement::EndCommit => self.replace(at, "END COMMIT left out", nothing()),
            Statement::Return | Statement::Status(..) | Statement::Send(..) => {
                self.replace(at, "end left out", nothing());
            }
            _ => {}
        }
        for (change, changed) in statements(&statement) {
            self.replace(at, change, changed);
        }
    }

    /// A COMMIT left out, and moved behind what answers after it.
    fn of_block(&mut self, at: usize) {
        if self.lines[at].statement != Statement::BeginCommit {
            return;
        }
        let is_end = |line: &Line| line.statement == Statement::EndCommit;
        let Some(end) = self.lines[at..].iter().position(is_end).map(|length| at + length) else { return };
        let mut lines = self.lines.to_vec();
        for line in &mut lines[at..=end] {
            line.statement = nothing();
        }
        self.put(at, "COMMIT left out", lines);
        let answers = |from: usize| {
            let found = self.lines[from..].iter().position(|line| {
                matches!(line.statement, Statement::Send(..) | Statement::Status(..) | Statement::Goto(_))
            });
            found.map(|length| from + length)
        };
        let mut answer = answers(end);
        if let Some(Statement::Goto(number)) = answer.map(|answer| &self.lines[answer].statement) {
            answer = self.lines.iter().position(|line| line.number == *number).and_then(answers);
        }
        let Some(answer) = answer.filter(|answer| *answer > end) else { return };
        let mut lines = self.lines.to_vec();
        lines[at..=answer].rotate_left(end + 1 - at);
        self.put(at, "COMMIT moved behind the answer", lines);
    }

    /// Two checks, one behind the other, exchanged.
    fn of_neighbours(&mut self, at: usize) {
        let is_check = |line: &Line| match &line.statement {
            Statement::If(_, then) => matches!(**then, Statement::Status(..)),
            Statement::Gosub(..) => true,
            _ => false,
        };
        let is_remark = |line: &Line| matches!(line.statement, Statement::Remark(_));
        let Some(next) = (at + 1..self.lines.len()).find(|next| !is_remark(&self.lines[*next])) else {
            return;
        };
        let (one, two) = (&self.lines[at], &self.lines[next]);
        if !is_check(one) || !is_check(two) {
            return;
        }
        let words: BTreeSet<String> =
            [one, two].iter().flat_map(|line| answers(self.sources, &line.statement)).collect();
        let is_silent = |line: &Line| answers(self.sources, &line.statement).is_empty();
        if words.len() == 1 || is_silent(one) || is_silent(two) {
            return;
        }
        let mut lines = self.lines.to_vec();
        (lines[at].statement, lines[next].statement) = (two.statement.clone(), one.statement.clone());
        self.put(at, format!("exchanged with {}", two.number), lines);
        if let Some(mutant) = self.mutants.last_mut() {
            mutant.other = Some(next);
        }
    }
}

/// The status words that a statement may end a command with.
fn answers(sources: &[Source], statement: &Statement) -> BTreeSet<String> {
    match statement {
        Statement::If(_, then) => answers(sources, then),
        Statement::Status(status, added) => BTreeSet::from([format!("{status:04X} {added:?}")]),
        Statement::Send(_, status) => BTreeSet::from([format!("{status:04X}")]),
        Statement::Gosub(step, _) => {
            let called = sources.iter().filter(|source| source.name == *step);
            called
                .flat_map(|source| &source.lines)
                .flat_map(|line| answers(sources, &line.statement))
                .collect()
        }
        _ => BTreeSet::new(),
    }
}

type Changed<T> = Vec<(String, T)>;

/// A statement with one thing in it changed.
fn statements(statement: &Statement) -> Changed<Statement> {
    let mut changed = Vec::new();
    let mut take = |found: Changed<Statement>| changed.extend(found);
    match statement {
        Statement::If(condition, then) => {
            let rebuilt = expressions(condition).into_iter();
            take(rebuilt.map(|(change, new)| (change, Statement::If(new, then.clone()))).collect());
            let rebuilt = statements(then).into_iter();
            take(
                rebuilt
                    .map(|(change, new)| (change, Statement::If(condition.clone(), Box::new(new))))
                    .collect(),
            );
        }
        Statement::Let(target, value) => {
            let rebuilt = expressions(value).into_iter();
            take(rebuilt.map(|(change, new)| (change, Statement::Let(target.clone(), new))).collect());
            let subscripts = target.subscript.as_ref().map(expressions).unwrap_or_default();
            take(
                subscripts
                    .into_iter()
                    .map(|(change, new)| {
                        let mut target = target.clone();
                        target.subscript = Some(new);
                        (change, Statement::Let(target, value.clone()))
                    })
                    .collect(),
            );
        }
        Statement::Status(status, added) => {
            let other = if *status == 0x6985 { 0x6A80 } else { 0x6985 };
            take(vec![(format!("{status:04X} to {other:04X}"), Statement::Status(other, added.clone()))]);
            if let Some(added) = added {
                let rebuilt = expressions(added).into_iter();
                take(rebuilt.map(|(change, new)| (change, Statement::Status(*status, Some(new)))).collect());
            }
        }
        Statement::Send(data, status) => {
            let other = if *status == 0x9000 { 0x6283 } else { 0x9000 };
            take(vec![(format!("{status:04X} to {other:04X}"), Statement::Send(data.clone(), other))]);
            let rebuilt = expressions(data).into_iter();
            take(rebuilt.map(|(change, new)| (change, Statement::Send(new, *status))).collect());
        }
        Statement::Append(values) => {
            take(lists(values).into_iter().map(|(change, new)| (change, Statement::Append(new))).collect());
        }
        Statement::Forget(value) => {
            take(
                expressions(value)
                    .into_iter()
                    .map(|(change, new)| (change, Statement::Forget(new)))
                    .collect(),
            );
        }
        Statement::ForTo(target, first, last) => {
            let rebuilt = expressions(first).into_iter();
            take(
                rebuilt
                    .map(|(change, new)| (change, Statement::ForTo(target.clone(), new, last.clone())))
                    .collect(),
            );
            let rebuilt = expressions(last).into_iter();
            take(
                rebuilt
                    .map(|(change, new)| (change, Statement::ForTo(target.clone(), first.clone(), new)))
                    .collect(),
            );
        }
        _ => {}
    }
    changed
}

fn lists(values: &[Expression]) -> Changed<Vec<Expression>> {
    let mut changed = Vec::new();
    for (place, value) in values.iter().enumerate() {
        for (change, new) in expressions(value) {
            let mut values = values.to_vec();
            values[place] = new;
            changed.push((change, values));
        }
    }
    changed
}

/// What an operator is changed into.
fn neighbour(operator: Operator) -> Option<Operator> {
    Some(match operator {
        Operator::Or => Operator::And,
        Operator::And => Operator::Or,
        Operator::Equal => Operator::NotEqual,
        Operator::NotEqual => Operator::Equal,
        Operator::Below => Operator::AtMost,
        Operator::AtMost => Operator::Below,
        Operator::Above => Operator::AtLeast,
        Operator::AtLeast => Operator::Above,
        Operator::Plus => Operator::Minus,
        Operator::Minus => Operator::Plus,
        Operator::Join | Operator::Times => return None,
    })
}

const fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::Or => "OR",
        Operator::And => "AND",
        Operator::Equal => "=",
        Operator::NotEqual => "<>",
        Operator::Below => "<",
        Operator::AtMost => "<=",
        Operator::Above => ">",
        Operator::AtLeast => ">=",
        Operator::Join => "&",
        Operator::Plus => "+",
        Operator::Minus => "-",
        Operator::Times => "*",
    }
}

/// An expression with one thing in it changed.
fn expressions(expression: &Expression) -> Changed<Expression> {
    let mut changed = Vec::new();
    match expression {
        Expression::Number(number) => {
            for other in [number + 1, number - 1] {
                if other >= 0 {
                    changed.push((format!("{number} to {other}"), Expression::Number(other)));
                }
            }
        }
        Expression::Bytes(bytes) => {
            for (place, byte) in bytes.iter().enumerate() {
                let mut other = bytes.clone();
                other[place] = byte.wrapping_add(1);
                changed.push((format!("byte {place} of {bytes:02X?} by one"), Expression::Bytes(other)));
            }
        }
        Expression::Value { name, arguments, place } => {
            for (change, new) in lists(arguments) {
                let value = Expression::Value { name: name.clone(), arguments: new, place: *place };
                changed.push((format!("{name}: {change}"), value));
            }
        }
        Expression::Not(operand) => {
            changed.push(("NOT left out".into(), (**operand).clone()));
            let rebuilt = expressions(operand).into_iter();
            changed.extend(rebuilt.map(|(change, new)| (change, Expression::Not(Box::new(new)))));
        }
        Expression::Binary(operator, left, right) => {
            if let Some(other) = neighbour(*operator) {
                let change = format!("{} to {}", sign(*operator), sign(other));
                changed.push((change, Expression::Binary(other, left.clone(), right.clone())));
            }
            if matches!(operator, Operator::And | Operator::Or) {
                changed.push((format!("left of {} left out", sign(*operator)), (**right).clone()));
                changed.push((format!("right of {} left out", sign(*operator)), (**left).clone()));
            }
            for (change, new) in expressions(left) {
                changed.push((change, Expression::Binary(*operator, Box::new(new), right.clone())));
            }
            for (change, new) in expressions(right) {
                changed.push((change, Expression::Binary(*operator, left.clone(), Box::new(new))));
            }
        }
    }
    changed
}
