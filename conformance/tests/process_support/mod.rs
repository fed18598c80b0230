//! A process, carried out by the terminal's flow and by the standard's listing, overheard both times.

#![allow(dead_code, reason = "each test uses its own part")]

pub(crate) mod equivalents;
mod odd;
mod odd_worlds;
pub(crate) mod situations;
mod transfers;
mod trouble;
mod worlds;

use std::collections::BTreeSet;

use apdu_spec::command::CommandName;
use apdu_spec::element::{Amount, Time};
use purse_reference::machine::Observer;
use purse_reference::process::run;
use purse_reference::standard::Standard;
use purse_reference::value::Value;
use purse_terminal::client::{Client, Failure};
use purse_terminal::flow::load::{self, Load};
use purse_terminal::flow::purchase::{self, Payment};
use purse_terminal::flow::refund::{self, Refund};
use purse_terminal::flow::transfer::{self, Transfer};
use purse_terminal::flow::unload::{self, Unload};
use purse_terminal::flow::{FlowError, collection, recovery};
use purse_terminal::process::AtHand;
use purse_terminal::simulated_memory::{Cut, Flight};
use purse_terminal::transport::Transport;
use purse_tests::overheard::{Failing, Incident, Mishap, Notes, Overheard, Said, overheard_issuer};
use purse_tests::scheme::{eur, issuer, party, pin};
use purse_tests::world::{HOLDER, Rig, World, select};

use self::situations::{Situation, Usual};
use self::trouble::Trouble;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Process {
    Load,
    Purchase,
    Refund,
    Unload,
    Collection,
    Transfer,
    Recovery,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    None,
    /// Of this card, this response.
    Lose(Side, u64),
    /// This card is taken away as it gives this response.
    Remove(Side, u64),
    /// The power of this card fails in this operation of its memory, with nothing or all of it done.
    Cut(Side, u64, usize),
    /// On the way to the issuer.
    Issuer(Failing),
    /// Something of this situation's own.
    Own(&'static Trouble),
}

/// A card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Purse,
    Sam,
    /// The other purse, in a world that has one.
    Other,
}

impl Side {
    const ALL: [Self; 3] = [Self::Purse, Self::Sam, Self::Other];

    const fn name(self) -> &'static str {
        match self {
            Self::Purse => "purse",
            Self::Sam => "sam",
            Self::Other => "other",
        }
    }

    fn rig(self, world: &mut World) -> &mut Rig {
        match self {
            Self::Purse => &mut world.purse,
            Self::Sam => &mut world.sam,
            Self::Other => world.other.as_mut().expect("a world with two purses"),
        }
    }
}

/// What was said, and what it came to.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) said: Vec<Said>,
    pub(crate) outcome: &'static str,
    /// Messages to the issuer.
    pub(crate) messages: u32,
    /// Operations of each card's memory.
    pub(crate) operations: [u64; 3],
}

/// Units of a cut after everything.
const ALL: usize = 10_000;

fn set(world: &mut World, fault: Fault, selected_before: u64) -> Option<Failing> {
    match fault {
        Fault::None => {}
        Fault::Lose(side, number) => side.rig(world).lose(number + selected_before),
        Fault::Remove(side, number) => side.rig(world).remove(number + selected_before),
        Fault::Cut(side, operation, units) => {
            side.rig(world).inner_mut().card_mut().cut(Cut { operation, units, flight: Flight::Old });
        }
        Fault::Issuer(failing) => return Some(failing),
        Fault::Own(trouble) => return trouble.issuer,
    }
    None
}

/// What happens to this card.
fn incidents(situation: &Situation, fault: Fault, who: &'static str) -> Vec<Incident> {
    let payee = match situation.process {
        Process::Purchase => "sam",
        Process::Transfer => "other",
        _ => "purse",
    };
    let event = situation.event.filter(|_| who == payee).map(|event| Incident {
        command: Some(CommandName::Credit),
        number: 1,
        mishap: Mishap::Before(event),
    });
    let mut incidents: Vec<Incident> = event.into_iter().collect();
    if let Fault::Own(trouble) = fault {
        incidents.extend(trouble.cards.iter().filter(|(of, _)| *of == who).map(|(_, incident)| *incident));
    }
    incidents
}

/// Every fault that this situation can have.
pub(crate) fn faults(situation: &Situation, whole: &Played) -> Vec<Fault> {
    let mut faults = vec![Fault::None];
    faults.extend(situation.troubles.iter().copied().flatten().map(Fault::Own));
    if situation.usual == Usual::None {
        return faults;
    }
    let said =
        |name: &str| whole.said.iter().filter(|said| said.to == name && said.words != b"reset").count();
    for (side, operations) in Side::ALL.into_iter().zip(whole.operations) {
        for number in 1..=u64::try_from(said(side.name())).unwrap() {
            faults.push(Fault::Lose(side, number));
            // Whoever holds two cards at once notices that one is gone before it asks the other.
            let holds_again =
                matches!(situation.process, Process::Refund | Process::Collection | Process::Recovery);
            if !holds_again || situation.usual == Usual::CardsLeave {
                faults.push(Fault::Remove(side, number));
            }
        }
        for operation in 0..operations {
            faults.extend([0, ALL].map(|units| Fault::Cut(side, operation, units)));
        }
    }
    for number in 1..=whole.messages {
        let ways = [Failing::Before(number), Failing::After(number), Failing::Refused(number)];
        faults.extend(ways.map(Fault::Issuer));
    }
    faults
}

fn operations(world: &World) -> [u64; 3] {
    [Some(&world.purse), Some(&world.sam), world.other.as_ref()]
        .map(|rig| rig.map_or(0, |rig| rig.inner().card().counts().operations()))
}

fn class(result: Result<bool, FlowError>) -> &'static str {
    match result {
        Ok(true) => "done",
        Ok(false) => "done: not everybody knows",
        Err(error) if error.failure() == Failure::OutcomeUnknown => "in the air",
        Err(_) => "refused",
    }
}

/// The terminal's flow.
pub(crate) fn by_flow(situation: &Situation, fault: Fault) -> Played {
    let mut world = (situation.world)();
    let Situation { process, amount, time, swapped, .. } = *situation;
    // Recovery and collection select again at their beginning: the first SELECT was when the card came.
    let selected_before = u64::from(matches!(process, Process::Collection | Process::Recovery));
    let failing = set(&mut world, fault, selected_before);
    let notes = Notes::default();
    let before = operations(&world);
    let World { purse, sam, other, issuer: bank } = &mut world;
    let (purse, sam) = if swapped { (sam, purse) } else { (purse, sam) };
    let names = if swapped { ["sam", "purse"] } else { ["purse", "sam"] };
    let mut purse = Overheard::new(purse, names[0], &notes, incidents(situation, fault, names[0]));
    let mut sam = Overheard::new(sam, names[1], &notes, incidents(situation, fault, names[1]));
    let mut other =
        other.as_mut().map(|rig| Overheard::new(rig, "other", &notes, incidents(situation, fault, "other")));
    let mut desk = overheard_issuer(bank, &notes, failing);
    let payer_pin = situation.pin.map(pin);
    if selected_before == 0 {
        notes.begin();
    }
    let outcome = match process {
        Process::Load => class((|| {
            let load = Load { account: HOLDER, currency: eur(), amount: Amount(amount), time };
            Ok(load::load(&mut select(&mut purse)?, &mut desk, &load)?.acknowledged)
        })()),
        Process::Purchase => class((|| {
            let mut sam = select(&mut sam)?;
            let payment = Payment { currency: eur(), amount: Amount(amount), time, pin: payer_pin.as_ref() };
            Ok(purchase::purchase(&mut select(&mut purse)?, &mut sam, &payment)?.acknowledged)
        })()),
        Process::Refund => class((|| {
            let mut sam = select(&mut sam)?;
            let operator_pin = payer_pin.as_ref().expect("an operator");
            let refund = Refund { currency: eur(), amount: Amount(amount), time, operator_pin };
            Ok(refund::refund(&mut select(&mut purse)?, &mut sam, &refund)?.acknowledged)
        })()),
        Process::Unload => class((|| {
            let unload = Unload { currency: eur(), amount: Amount(amount), time };
            Ok(unload::unload(&mut select(&mut purse)?, &mut desk, &unload)?.acknowledged)
        })()),
        Process::Collection => {
            let mut sam = select(&mut sam as &mut dyn Transport).expect("a SAM");
            notes.begin();
            // Whether it knows is of no consequence for what it says.
            class(collection::collect(&mut sam, &mut desk, time).map(|_| true))
        }
        Process::Transfer => class((|| {
            let mut payee = select(other.as_mut().unwrap_or(&mut sam))?;
            let order = Transfer { currency: eur(), amount: Amount(amount), time, pin: payer_pin.as_ref() };
            Ok(transfer::transfer(&mut select(&mut purse)?, &mut payee, &order)?.acknowledged)
        })()),
        Process::Recovery => {
            let mut cards: Vec<Client<&mut dyn Transport>> = vec![
                select(&mut purse as &mut dyn Transport).expect("a purse"),
                select(&mut sam as &mut dyn Transport).expect("a SAM"),
            ];
            cards.extend(other.as_mut().map(|card| select(card as &mut dyn Transport).expect("a purse")));
            if situation.is_alone {
                cards.truncate(1);
            }
            notes.begin();
            recovery::recover(&mut cards, Some(&mut desk));
            "done"
        }
    };
    let messages = desk.messages();
    let after = operations(&world);
    let operations = [0, 1, 2].map(|card: usize| after[card].saturating_sub(before[card]));
    Played { said: notes.take(), outcome, messages, operations }
}

struct Lines<'a>(&'a mut BTreeSet<(usize, usize)>);

impl Observer for Lines<'_> {
    fn line(&mut self, listing: usize, line: usize) {
        self.0.insert((listing, line));
    }
}

/// The month of a time, YYMM in BCD.
fn month(time: Time) -> i64 {
    let moment = jiff::Timestamp::from_second(i64::from(time.0)).unwrap();
    let date = jiff::tz::Offset::UTC.to_datetime(moment);
    let bcd = |number: i16| i64::from(number / 10 * 16 + number % 10);
    bcd(date.year() % 100) * 256 + bcd(i16::from(date.month()))
}

/// The standard's listing.
pub(crate) fn by_text(
    standard: &Standard,
    situation: &Situation,
    fault: Fault,
    executed: &mut BTreeSet<(usize, usize)>,
) -> Played {
    try_text(standard, situation, fault, executed).expect("a text that can be carried out")
}

/// A listing that may be wrong.
pub(crate) fn try_text(
    standard: &Standard,
    situation: &Situation,
    fault: Fault,
    executed: &mut BTreeSet<(usize, usize)>,
) -> Result<Played, purse_reference::machine::Fault> {
    let mut world = (situation.world)();
    let Situation { process, amount, time, swapped, .. } = *situation;
    let failing = set(&mut world, fault, 0);
    let notes = Notes::default();
    notes.begin();
    let World { purse, sam, other, issuer: bank } = &mut world;
    let (purse, sam) = if swapped { (sam, purse) } else { (purse, sam) };
    let names = if swapped { ["sam", "purse"] } else { ["purse", "sam"] };
    let numbers = if swapped { [party(2), party(1)] } else { [party(1), party(2)] };
    let mut purse = Overheard::new(purse, names[0], &notes, incidents(situation, fault, names[0]));
    let mut sam = Overheard::new(sam, names[1], &notes, incidents(situation, fault, names[1]));
    let mut other =
        other.as_mut().map(|rig| Overheard::new(rig, "other", &notes, incidents(situation, fault, "other")));
    let mut desk = overheard_issuer(bank, &notes, failing);
    let payer_pin = situation.pin.map_or_else(Vec::new, |digits| pin(digits).emit().to_vec());
    let name = match process {
        Process::Load => "LOAD",
        Process::Purchase => "PURCHASE",
        Process::Refund => "REFUND",
        Process::Unload => "UNLOAD",
        Process::Collection => "COLLECTION",
        Process::Transfer => "TRANSFER",
        Process::Recovery => "RECOVERY",
    };
    let mut cards = vec![numbers[0].0];
    if !situation.is_alone {
        cards.push(numbers[1].0);
        cards.extend(other.is_some().then_some(party(3).0));
    }
    let at_hand = match process {
        Process::Load | Process::Unload => AtHand::alone(numbers[0], &mut purse, Some(&mut desk)),
        Process::Collection => AtHand::alone(numbers[1], &mut sam, Some(&mut desk)),
        Process::Transfer => {
            let payee = match &mut other {
                Some(other) => (party(3), other as &mut dyn Transport),
                None => (numbers[1], &mut sam as &mut dyn Transport),
            };
            AtHand::new(vec![(numbers[0], &mut purse), payee], Some(&mut desk))
        }
        Process::Purchase | Process::Refund | Process::Recovery => {
            let mut cards: Vec<(_, &mut dyn Transport)> = vec![(numbers[0], &mut purse)];
            if !situation.is_alone {
                cards.push((numbers[1], &mut sam));
                cards.extend(other.as_mut().map(|card| (party(3), card as &mut dyn Transport)));
            }
            AtHand::new(cards, Some(&mut desk))
        }
    };
    let mut at_hand = at_hand
        .told("AMOUNT", Value::Number(amount.into()))
        .told("CURRENCY", Value::Bytes(eur().0.to_vec()))
        .told("TIME", Value::Number(time.0.into()))
        .told("MONTH", Value::Number(month(time)))
        .told("ACCOUNT", Value::Bytes(HOLDER.as_bytes().to_vec()))
        .told("ISSUER.NUMBER", Value::Bytes(issuer().0.to_vec()))
        .told("PIN", Value::Bytes(payer_pin))
        .told("CARDS", Value::Bytes(cards.concat()));
    let text = run(standard, name, &mut at_hand, &mut Lines(executed))?;
    let outcome = match text.as_str() {
        "done" => "done",
        text if text.starts_with("done: ") => "done: not everybody knows",
        text if text.starts_with("in the air: ") => "in the air",
        text if text.starts_with("refused: ") => "refused",
        _ => "an end that nobody knows",
    };
    drop(at_hand);
    Ok(Played { said: notes.take(), outcome, messages: desk.messages(), operations: [0; 3] })
}
