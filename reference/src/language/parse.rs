//! From text to tree, by the grammar in `apdu-spec/processes/language.pest`.

use std::sync::LazyLock;

use pest::Parser as _;
use pest::error::LineColLocation;
use pest::iterators::{Pair, Pairs};
use pest::pratt_parser::{Assoc, Op, PrattParser};

use super::error::TextError;
use super::syntax::{Expression, Line, Operator, Place, Statement, Target, Transmission};

// The derived parser has items without documentation.
#[allow(missing_docs, missing_debug_implementations)]
mod grammar {
    #[derive(pest_derive::Parser)]
    #[grammar = "../apdu-spec/processes/language.pest"]
    pub(super) struct Grammar;
}

use grammar::{Grammar, Rule};

static PRECEDENCE: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    let left = |rule| Op::infix(rule, Assoc::Left);
    PrattParser::new()
        .op(left(Rule::or))
        .op(left(Rule::and))
        .op(Op::prefix(Rule::not))
        .op(left(Rule::equal)
            | left(Rule::not_equal)
            | left(Rule::below)
            | left(Rule::at_most)
            | left(Rule::above)
            | left(Rule::at_least))
        .op(left(Rule::join))
        .op(left(Rule::plus) | left(Rule::minus))
        .op(left(Rule::times))
});

/// Reads a listing: every line with its number and statement.
///
/// # Errors
/// The text is not of the language, or a line's number is not above the one before it.
pub fn parse(text: &str) -> Result<Vec<Line>, TextError> {
    let mut pairs = Grammar::parse(Rule::listing, text).map_err(|error| {
        let (row, column) = match error.line_col {
            LineColLocation::Pos(place) | LineColLocation::Span(place, _) => place,
        };
        TextError::new(Place { row, column }, error.variant.message().into_owned())
    })?;
    let listing = pairs.next().map(Pair::into_inner).into_iter().flatten();
    let mut lines: Vec<Line> = Vec::new();
    for pair in listing.filter(|pair| pair.as_rule() == Rule::line) {
        let place = place(&pair);
        let mut inner = pair.into_inner();
        let number = inner.next().map_or("", |number| number.as_str());
        let number = number.parse().map_err(|_| TextError::new(place, "no such line number"))?;
        if lines.last().is_some_and(|before| before.number >= number) {
            return Err(TextError::new(
                place,
                format!("line {number} does not come after the line before it"),
            ));
        }
        let Some(pair) = inner.next() else { return Err(TextError::new(place, "an empty line")) };
        let text = pair.as_str().trim_end().to_owned();
        lines.push(Line { number, place, statement: statement(pair)?, text });
    }
    Ok(lines)
}

fn place(pair: &Pair<'_, Rule>) -> Place {
    let (row, column) = pair.line_col();
    Place { row, column }
}

fn statement(pair: Pair<'_, Rule>) -> Result<Statement, TextError> {
    let here = place(&pair);
    let rule = pair.as_rule();
    if rule == Rule::remark {
        return Ok(Statement::Remark(pair.as_str().get(3..).unwrap_or("").trim().to_owned()));
    }
    let mut inner = Children { here, pairs: pair.into_inner() };
    Ok(match rule {
        Rule::begin => Statement::BeginCommit,
        Rule::end => Statement::EndCommit,
        Rule::assign => Statement::Let(inner.target()?, inner.expression()?),
        Rule::condition => Statement::If(inner.expression()?, Box::new(statement(inner.next()?)?)),
        Rule::goto => Statement::Goto(inner.number()?),
        Rule::gosub => {
            let step = inner.next()?;
            Statement::Gosub(step.as_str().to_owned(), place(&step))
        }
        Rule::return_ => match inner.pairs.next() {
            None => Statement::Return,
            Some(status) => Statement::Status(hexadecimal(&status)?, inner.optional()?),
        },
        Rule::send => {
            let data = inner.expression()?;
            let status = inner.pairs.next().map_or(Ok(0x9000), |status| hexadecimal(&status))?;
            Statement::Send(data, status)
        }
        Rule::append => Statement::Append(inner.pairs.map(expression).collect::<Result<_, _>>()?),
        Rule::forget => Statement::Forget(inner.expression()?),
        Rule::for_each => {
            let variable = inner.variable()?;
            Statement::ForEach(variable, inner.next()?.as_str().to_owned())
        }
        Rule::for_to => Statement::ForTo(inner.variable()?, inner.expression()?, inner.expression()?),
        Rule::next => Statement::Next(inner.next()?.as_str().to_owned()),
        Rule::input => Statement::Input(inner.pairs.map(|pair| variable(&pair)).collect()),
        Rule::receive => Statement::Receive(inner.pairs.map(|pair| variable(&pair)).collect()),
        Rule::transmit => transmit(inner)?,
        Rule::stop => {
            let text = inner.pairs.next().map(|text| text.as_str().trim_matches('"').to_owned());
            Statement::Stop(text.unwrap_or_default())
        }
        other => return Err(TextError::new(here, format!("{other:?} is no statement"))),
    })
}

fn transmit(mut inner: Children<'_>) -> Result<Statement, TextError> {
    let mut transmission = Transmission {
        place: inner.here,
        party: inner.next()?.as_str().to_owned(),
        message: inner.next()?.as_str().to_owned(),
        p1: None,
        p2: None,
        data: None,
    };
    for argument in inner.pairs {
        let here = place(&argument);
        let mut parts = Children { here, pairs: argument.into_inner() };
        let name = parts.next()?;
        let field = match name.as_str() {
            "P1" => &mut transmission.p1,
            "P2" => &mut transmission.p2,
            _ => &mut transmission.data,
        };
        if field.replace(parts.expression()?).is_some() {
            return Err(TextError::new(here, format!("{} twice", name.as_str())));
        }
    }
    Ok(Statement::Transmit(transmission))
}

fn expression(pair: Pair<'_, Rule>) -> Result<Expression, TextError> {
    PRECEDENCE
        .map_primary(primary)
        .map_prefix(|_, operand| Ok(Expression::Not(Box::new(operand?))))
        .map_infix(|left, operator, right| {
            let operator = match operator.as_rule() {
                Rule::or => Operator::Or,
                Rule::and => Operator::And,
                Rule::equal => Operator::Equal,
                Rule::not_equal => Operator::NotEqual,
                Rule::below => Operator::Below,
                Rule::at_most => Operator::AtMost,
                Rule::above => Operator::Above,
                Rule::at_least => Operator::AtLeast,
                Rule::join => Operator::Join,
                Rule::plus => Operator::Plus,
                Rule::minus => Operator::Minus,
                Rule::times => Operator::Times,
                _ => return Err(TextError::new(place(&operator), "no operator")),
            };
            Ok(Expression::Binary(operator, Box::new(left?), Box::new(right?)))
        })
        .parse(pair.into_inner())
}

fn primary(pair: Pair<'_, Rule>) -> Result<Expression, TextError> {
    let here = place(&pair);
    let text = pair.as_str();
    Ok(match pair.as_rule() {
        Rule::bytes => {
            let digits = text.trim_start_matches('X').trim_matches('"');
            let bytes = (0..digits.len() / 2).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16));
            Expression::Bytes(
                bytes.collect::<Result<_, _>>().map_err(|_| TextError::new(here, "not hexadecimal"))?,
            )
        }
        Rule::text => Expression::Bytes(text.trim_matches('"').as_bytes().to_vec()),
        Rule::integer => {
            Expression::Number(text.parse().map_err(|_| TextError::new(here, "the number is too large"))?)
        }
        Rule::value => {
            let mut inner = Children { here, pairs: pair.into_inner() };
            let name = inner.next()?.as_str().to_owned();
            let arguments = inner.pairs.map(expression).collect::<Result<_, _>>()?;
            Expression::Value { name, arguments, place: here }
        }
        _ => expression(pair)?,
    })
}

fn hexadecimal(pair: &Pair<'_, Rule>) -> Result<u16, TextError> {
    u16::from_str_radix(pair.as_str(), 16).map_err(|_| TextError::new(place(pair), "not a status word"))
}

fn variable(pair: &Pair<'_, Rule>) -> Target {
    Target { name: pair.as_str().to_owned(), subscript: None, place: place(pair) }
}

/// What a rule consists of, in order.
struct Children<'a> {
    here: Place,
    pairs: Pairs<'a, Rule>,
}

impl<'a> Children<'a> {
    fn next(&mut self) -> Result<Pair<'a, Rule>, TextError> {
        self.pairs.next().ok_or_else(|| TextError::new(self.here, "the statement is not whole"))
    }

    fn expression(&mut self) -> Result<Expression, TextError> {
        expression(self.next()?)
    }

    fn optional(&mut self) -> Result<Option<Expression>, TextError> {
        self.pairs.next().map(expression).transpose()
    }

    fn number(&mut self) -> Result<u32, TextError> {
        let number = self.next()?;
        number.as_str().parse().map_err(|_| TextError::new(place(&number), "no such line number"))
    }

    fn variable(&mut self) -> Result<Target, TextError> {
        self.next().map(|pair| variable(&pair))
    }

    fn target(&mut self) -> Result<Target, TextError> {
        let pair = self.next()?;
        let here = place(&pair);
        let mut inner = Children { here, pairs: pair.into_inner() };
        let name = inner.next()?.as_str().to_owned();
        Ok(Target { name, subscript: inner.optional()?, place: here })
    }
}
