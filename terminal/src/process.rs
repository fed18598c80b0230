//! The standard's own processes (`apdu-spec/processes`), carried out with real parties: cards behind any transport, and
//! an issuer. The flows of [`crate::flow`] send the same; tests hold them to it.

mod desk;
pub mod example;
mod reference_card;

use std::collections::{BTreeMap, BTreeSet};

use apdu_spec::command::request::apdu;
use apdu_spec::command::{ResponseLength, table};
use apdu_spec::file::APPLICATION;
use apdu_spec::message::{NOT_REACHED, UNANSWERED};
use apdu_spec::number::PartyNumber;
use apdu_spec::status::StatusWord;
use purse_reference::process::{Answer, Parties, Sent};
use purse_reference::value::Value;

use crate::client::control::status_block;
use crate::flow::IssuerDesk;
use crate::transport::{EMPTY_RESPONSE, Transport};

pub use reference_card::{InReference, SharedObserver};

/// No answer that says what has happened.
const UNKNOWN: Answer = Answer { data: Vec::new(), status: UNANSWERED };
/// Nothing has been sent.
const UNSENT: Answer = Answer { data: Vec::new(), status: NOT_REACHED };

const fn status(word: StatusWord) -> Answer {
    Answer { data: Vec::new(), status: word.code() }
}

/// Cards at hand by their numbers, and the issuer, for one process.
pub struct AtHand<'a> {
    cards: Vec<(PartyNumber, &'a mut dyn Transport)>,
    payer: Option<usize>,
    payee: Option<usize>,
    issuer: Option<&'a mut dyn IssuerDesk>,
    inputs: BTreeMap<&'static str, Value>,
    /// Places of cards whose last SELECT has not been answered, or by another card.
    unselected: BTreeSet<usize>,
    /// Places of cards that the process has named, so that it is known which they have to be.
    named: BTreeSet<usize>,
}

impl std::fmt::Debug for AtHand<'_> {
    /// Numbers alone: an input may be a PIN.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let numbers: Vec<&PartyNumber> = self.cards.iter().map(|(number, _)| number).collect();
        write!(formatter, "AtHand({numbers:?})")
    }
}

impl<'a> AtHand<'a> {
    /// These cards, of which the first is PAYER and the second PAYEE until the process says otherwise.
    pub fn new(
        cards: Vec<(PartyNumber, &'a mut dyn Transport)>,
        issuer: Option<&'a mut dyn IssuerDesk>,
    ) -> Self {
        let payee = (cards.len() > 1).then_some(1);
        Self { payee, ..Self::with(cards, issuer) }
    }

    /// One card, which is both.
    pub fn alone(
        number: PartyNumber,
        card: &'a mut dyn Transport,
        issuer: Option<&'a mut dyn IssuerDesk>,
    ) -> Self {
        Self { payee: Some(0), ..Self::with(vec![(number, card)], issuer) }
    }

    fn with(
        cards: Vec<(PartyNumber, &'a mut dyn Transport)>,
        issuer: Option<&'a mut dyn IssuerDesk>,
    ) -> Self {
        Self {
            cards,
            payer: Some(0),
            payee: None,
            issuer,
            inputs: BTreeMap::new(),
            unselected: BTreeSet::new(),
            named: BTreeSet::new(),
        }
    }

    /// Tells the process something; names as in [`apdu_spec::message::INPUTS`].
    #[must_use]
    pub fn told(mut self, name: &'static str, value: Value) -> Self {
        self.inputs.insert(name, value);
        self
    }

    fn place(&self, party: &str) -> Option<usize> {
        if party == "PAYER" { self.payer } else { self.payee }
    }

    fn tell_terminal(&mut self, message: &Sent<'_>) -> Result<Answer, String> {
        let place = self.cards.iter().position(|(number, _)| number.0.as_slice() == message.data);
        let place = match place {
            Some(place) if self.is_at_hand(place, message.name == "NAME PAYEE")? => Some(place),
            _ => None,
        };
        match message.name {
            "NAME PAYER" => self.payer = place,
            "NAME PAYEE" => self.payee = place,
            other => return Err(format!("a terminal knows no {other}")),
        }
        self.named.extend(place);
        Ok(status(if place.is_some() { StatusWord::Success } else { StatusWord::FileNotFound }))
    }

    /// A card that is not there, or as payee does not take a SELECT that it has missed, is not at hand.
    fn is_at_hand(&mut self, place: usize, as_payee: bool) -> Result<bool, String> {
        let Some((_, card)) = self.cards.get_mut(place) else { return Ok(false) };
        let is_there = card.begin().is_ok();
        // It is held for nothing: whoever talks to it does so in this program.
        let _ = card.end();
        Ok(is_there && (!as_payee || self.select_again(place)?))
    }

    /// Selects a card whose last SELECT has not been answered by it, for nobody knows its session. Whether it is selected.
    fn select_again(&mut self, place: usize) -> Result<bool, String> {
        if !self.unselected.contains(&place) {
            return Ok(true);
        }
        let Some((_, card)) = self.cards.get_mut(place) else { return Ok(false) };
        let data = APPLICATION.to_vec();
        let select = Sent { party: "PAYER", name: "SELECT", p1: Some(4), p2: None, data };
        let answer = exchange(&mut **card, &select)?;
        Ok(self.note_selection(place, &answer))
    }

    /// Whether this answer to SELECT is one of a card that is selected, and of the card that was named.
    fn note_selection(&mut self, place: usize, answer: &Answer) -> bool {
        let number = self.cards.get(place).map(|(number, _)| *number);
        let is_this_one = !self.named.contains(&place)
            || status_block(&answer.data).is_ok_and(|status| Some(status.number) == number);
        let is_selected = is_selected(answer) && is_this_one;
        if is_selected {
            self.unselected.remove(&place);
        } else {
            self.unselected.insert(place);
        }
        is_selected
    }

    fn tell_card(&mut self, message: &Sent<'_>) -> Result<Answer, String> {
        let Some(place) = self.place(message.party) else { return Ok(UNSENT) };
        let Some((_, card)) = self.cards.get_mut(place) else { return Ok(UNSENT) };
        if message.name == "RESET" {
            // Whatever becomes of it, the session is over.
            self.unselected.insert(place);
            return Ok(if card.reset().is_ok() { status(StatusWord::Success) } else { UNKNOWN });
        }
        let is_select = message.name == "SELECT";
        if !is_select && !self.select_again(place)? {
            return Ok(UNSENT);
        }
        let Some((_, card)) = self.cards.get_mut(place) else { return Ok(UNSENT) };
        let answer = exchange(&mut **card, message)?;
        if is_select {
            self.note_selection(place, &answer);
        }
        Ok(answer)
    }
}

fn is_selected(answer: &Answer) -> bool {
    matches!(
        StatusWord::from_code(answer.status),
        Some(StatusWord::Success | StatusWord::Blocked | StatusWord::Terminated)
    )
}

/// A command and its answer.
fn exchange(card: &mut dyn Transport, message: &Sent<'_>) -> Result<Answer, String> {
    let row = table::COMMANDS.iter().find(|row| row.name == message.name);
    let row = row.ok_or_else(|| format!("there is no command {}", message.name))?;
    let (p1, p2) = (message.p1.unwrap_or(0), message.p2.unwrap_or(0));
    let form = row.form(p1, p2).ok_or_else(|| format!("{} has no P1 P2 {p1:02X} {p2:02X}", row.name))?;
    let mut buffer = EMPTY_RESPONSE;
    let command = apdu(row, p1, p2, &message.data);
    let response = match card.transmit(command.as_bytes(), &mut buffer) {
        Ok(response) => response,
        Err(error) if error.may_have_happened() => return Ok(UNKNOWN),
        Err(_) => return Ok(UNSENT),
    };
    let Some((data, code)) = response.split_last_chunk() else { return Ok(UNKNOWN) };
    let length_holds = match form.response {
        ResponseLength::None => data.is_empty(),
        ResponseLength::Exactly(length) => data.len() == usize::from(length),
        ResponseLength::Whole | ResponseLength::Part => true,
    };
    Ok(match StatusWord::from_code(u16::from_be_bytes(*code)) {
        // Whether the record is in memory is known at the next power-up.
        None | Some(StatusWord::MemoryFailure) => UNKNOWN,
        Some(StatusWord::Success) if !length_holds => UNKNOWN,
        Some(word) => Answer { data: data.to_vec(), status: word.code() },
    })
}

impl Parties for AtHand<'_> {
    fn transmit(&mut self, message: &Sent<'_>) -> Result<Answer, String> {
        match message.party {
            "PAYER" | "PAYEE" => self.tell_card(message),
            "TERMINAL" => self.tell_terminal(message),
            "ISSUER" => match self.issuer.as_deref_mut() {
                Some(issuer) => desk::ask(issuer, message),
                None => Ok(UNKNOWN),
            },
            other => Err(format!("there is no party {other}")),
        }
    }

    fn input(&mut self, name: &str) -> Result<Value, String> {
        self.inputs.get(name).cloned().ok_or_else(|| format!("{name} has not been told"))
    }
}
