//! Sequence diagrams: who says what to whom, with every byte.

use purse_terminal::explain::Object;

use crate::Outcome;
use crate::fields;
use crate::markdown::hexadecimal;
use crate::picture::{Anchor, Picture};
use crate::recorder::{Exchange, Part};
use crate::run::Run;
use crate::scheme::Who;

/// Digits of a line of bytes.
const DIGITS: usize = 64;
const GAP: i32 = 470;
const MARGIN: i32 = 90;
const LINE: i32 = 14;

/// Who stands in a diagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Party {
    Purse,
    Peer,
    Terminal,
    Sam,
    Issuer,
}

impl Party {
    const fn name(self) -> &'static str {
        match self {
            Self::Purse => "purse",
            Self::Peer => "other purse",
            Self::Terminal => "terminal",
            Self::Sam => "merchant SAM",
            Self::Issuer => "issuer",
        }
    }

    const fn of(exchange: &Exchange) -> Self {
        match exchange {
            Exchange::Card { who: Who::Purse, .. } => Self::Purse,
            Exchange::Card { who: Who::Peer, .. } => Self::Peer,
            Exchange::Card { who: Who::Sam, .. } => Self::Sam,
            Exchange::Issuer { .. } => Self::Issuer,
        }
    }
}

/// The diagram of a run.
pub(crate) fn draw(run: &Run) -> Outcome<String> {
    let parties = parties(run);
    let place = |party: Party| {
        let column = parties.iter().position(|other| *other == party).unwrap_or(0);
        MARGIN + GAP * i32::try_from(column).unwrap_or(0)
    };
    let columns = i32::try_from(parties.len())? - 1;
    let width = usize::try_from(2 * MARGIN + GAP * columns)?;
    let mut picture = Picture::new(width, 0);
    let mut body = Picture::new(width, 0);
    let mut y = 60;
    for exchange in &run.exchanges {
        let (here, there) = (place(Party::Terminal), place(Party::of(exchange)));
        let (name, sent, answered) = texts(exchange)?;
        arrow(&mut body, (here, there), &mut y, "arrow", &name, &sent);
        match exchange {
            Exchange::Card { lost: true, .. } => {
                arrow(&mut body, (there, here), &mut y, "lost", "the response is lost", &answered);
                let x = i32::midpoint(here, there);
                body.line((x - 7, y - 19), (x + 7, y - 5), "cross");
                body.line((x - 7, y - 5), (x + 7, y - 19), "cross");
            }
            _ => arrow(&mut body, (there, here), &mut y, "answer", "", &answered),
        }
        y += 8;
    }
    for party in &parties {
        picture.line((place(*party), 40), (place(*party), y), "life");
        picture.box_around((place(*party), 25), (130, 30), "box");
        picture.text((place(*party), 30), Anchor::Middle, "name", party.name());
    }
    picture.set_height(usize::try_from(y + 20)?);
    picture.append(&body);
    Ok(picture.finish(run.title))
}

/// The terminal in the middle.
fn parties(run: &Run) -> Vec<Party> {
    let takes_part = |party: &Party| run.exchanges.iter().any(|exchange| Party::of(exchange) == *party);
    let mut parties: Vec<Party> = [Party::Purse].into_iter().filter(takes_part).collect();
    let mut others: Vec<Party> =
        [Party::Peer, Party::Sam, Party::Issuer].into_iter().filter(takes_part).collect();
    if parties.is_empty() && others.contains(&Party::Sam) {
        others.retain(|party| *party != Party::Sam);
        parties.push(Party::Sam);
    }
    parties.push(Party::Terminal);
    parties.extend(others);
    parties
}

/// Name, bytes sent, bytes answered.
fn texts(exchange: &Exchange) -> Outcome<(String, Vec<String>, Vec<String>)> {
    Ok(match exchange {
        Exchange::Card { command, response, .. } => {
            let title = fields::reading(command, Object::Command)?.title;
            (title, wrapped(&hexadecimal(command)), wrapped(&hexadecimal(response)))
        }
        Exchange::Issuer { name, sent, answered, status } => {
            let mut answered = of_parts(answered);
            answered.push(format!("{status:04X}"));
            ((*name).to_owned(), of_parts(sent), answered)
        }
    })
}

fn of_parts(parts: &[Part]) -> Vec<String> {
    parts.iter().flat_map(|(name, bytes)| wrapped(&format!("{name} {}", hexadecimal(bytes)))).collect()
}

fn wrapped(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(DIGITS).map(|chunk| chunk.iter().collect()).collect()
}

fn arrow(
    picture: &mut Picture,
    (from, to): (i32, i32),
    y: &mut i32,
    class: &str,
    name: &str,
    lines: &[String],
) {
    let left = from.min(to) + 12;
    if !name.is_empty() {
        *y += LINE;
        picture.text((left, *y), Anchor::Start, "name", name);
    }
    for line in lines {
        *y += LINE;
        picture.text((left, *y), Anchor::Start, "bytes", line);
    }
    *y += 8;
    picture.line((from, *y), (to, *y), class);
    *y += 12;
}
