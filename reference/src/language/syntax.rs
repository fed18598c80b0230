//! What a listing says, as a tree.

use std::fmt;

/// Where something stands in a listing's text, both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Line of the text, not its BASIC number.
    pub row: usize,
    /// Character in it.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}, column {}", self.row, self.column)
    }
}

/// One numbered line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its BASIC number.
    pub number: u32,
    /// Where it begins.
    pub place: Place,
    /// What it says.
    pub statement: Statement,
    /// The text behind the number, for a person.
    pub text: String,
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// REM: for people.
    Remark(String),
    /// BEGIN COMMIT.
    BeginCommit,
    /// END COMMIT: all since its BEGIN is in memory now.
    EndCommit,
    /// LET.
    Let(Target, Expression),
    /// IF … THEN.
    If(Expression, Box<Statement>),
    /// GOTO a line.
    Goto(u32),
    /// GOSUB a step.
    Gosub(String, Place),
    /// RETURN from a step.
    Return,
    /// RETURN with a status word, to which a number may be added.
    Status(u16, Option<Expression>),
    /// SEND data and a status word.
    Send(Expression, u16),
    /// APPEND LOG: PD, role, state, balance, TAC.
    Append(Vec<Expression>),
    /// FORGET LOG(sequence).
    Forget(Expression),
    /// FOR EACH variable IN file.
    ForEach(Target, String),
    /// FOR variable = first TO last.
    ForTo(Target, Expression, Expression),
    /// NEXT variable.
    Next(String),
    /// INPUT: what a process is told.
    Input(Vec<Target>),
    /// TRANSMIT a command to a card, or a message to the issuer.
    Transmit(Transmission),
    /// RECEIVE: the fields of the answer.
    Receive(Vec<Target>),
    /// STOP: a process ends, with a word for the terminal.
    Stop(String),
}

/// What TRANSMIT sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmission {
    /// To whom.
    pub party: String,
    /// Name of the command, or of the issuer's message.
    pub message: String,
    /// P1, where it is not 00.
    pub p1: Option<Expression>,
    /// P2, where it is not what the command has.
    pub p2: Option<Expression>,
    /// The data field.
    pub data: Option<Expression>,
    /// Where it stands.
    pub place: Place,
}

/// What LET assigns to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Data element or working variable.
    pub name: String,
    /// Which of several.
    pub subscript: Option<Expression>,
    /// Where it stands.
    pub place: Place,
}

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// A number.
    Number(i64),
    /// X"…" or "…".
    Bytes(Vec<u8>),
    /// A name; or a function, or one of several, with what is in parentheses.
    Value {
        /// The name.
        name: String,
        /// What is in parentheses.
        arguments: Vec<Expression>,
        /// Where it stands.
        place: Place,
    },
    /// NOT.
    Not(Box<Expression>),
    /// Two operands.
    Binary(Operator, Box<Expression>, Box<Expression>),
}

/// What joins two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// OR.
    Or,
    /// AND.
    And,
    /// =
    Equal,
    /// <>
    NotEqual,
    /// <
    Below,
    /// <=
    AtMost,
    /// >
    Above,
    /// >=
    AtLeast,
    /// &: bytes behind bytes.
    Join,
    /// +
    Plus,
    /// -
    Minus,
    /// *
    Times,
}
