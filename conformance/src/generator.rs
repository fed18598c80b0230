//! Generated commands: for the card as it is, mostly right in all but one or two things, and on every edge.

mod meeting;
mod payment;
mod personalise;
mod plain;
mod script;

use crate::draw::Draw;
use crate::issue::Issue;
use crate::view::View;
use purse_reference::session::Session;

pub use personalise::personalisation;
pub use plain::{probes, select};

/// What a command is made for.
#[derive(Debug)]
pub struct Situation<'a> {
    /// The card.
    pub view: &'a View,
    /// What it has been given since its reset.
    pub session: &'a Session,
    /// What it is, or is to become.
    pub issue: &'a Issue,
    /// The last commands, for repeats.
    pub recent: &'a [Vec<u8>],
}

/// One command.
pub fn command(situation: &Situation<'_>, draw: &mut Draw) -> Vec<u8> {
    let Situation { view, recent, .. } = situation;
    if !view.selected && !draw.once_in(4) {
        return select();
    }
    if view.role == 0 && !draw.once_in(6) {
        return personalise::block(situation, draw);
    }
    if let Some(last) = recent.last()
        && draw.once_in(6)
    {
        return plain::following(view, last, draw);
    }
    if view.has_key_pair && view.peer.is_none() && draw.once_in(6) {
        return meeting::meeting(view, draw);
    }
    let made = match draw.below(100) {
        0..8 => plain::selection(draw),
        8..24 => plain::reading(view, draw),
        24..36 => plain::holder(view, draw),
        36..73 => payment::payment(view, draw),
        73..88 => script::script(view, draw),
        88..90 => meeting::meeting(view, draw),
        90..96 if !recent.is_empty() => recent[draw.below(recent.len())].clone(),
        96 => personalise::block(situation, draw),
        _ => plain::unblocking(view, draw),
    };
    if draw.once_in(16) { plain::damaged(made, draw) } else { made }
}
