//! `transfer`: a purse pays a purse, both at hand.

use apdu_spec::element::{Role, Time};
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pin::PinBlock;
use apdu_spec::status::StatusWord;
use apdu_spec::status_block::StatusBlock;
use purse_terminal::amount::Money;
use purse_terminal::client::{CardError, Client};
use purse_terminal::flow::transfer::{self, Transfer};
use purse_terminal::flow::{FlowError, Party};
use purse_terminal::transport::Transport;

use super::arguments::TransferArguments;
use super::context::Context;
use super::failure::{ExitCode, Failure};
use super::money::{self, Attempt};
use super::output::Reply;
use super::pending::{self, Note};
use super::place::Place;
use super::receipt::{Parties, transfer_receipt};
use super::taps;
use super::words;

/// `transfer`
pub(crate) fn transfer(context: &Context, arguments: &TransferArguments) -> Result<Reply, Failure> {
    if arguments.taps {
        return taps::transfer(context, arguments);
    }
    if context.global.sam.is_none() && context.global.sam_reader.is_none() {
        return Err(Failure::usage("who is to be paid? --to-card NAME, --to-reader READER, or --taps"));
    }
    let global = &context.global;
    if global.reader.is_some() && global.reader == global.sam_reader {
        return Err(Failure::usage(
            "payer and payee are in the same reader; with one reader it takes --taps",
        ));
    }
    let Some(typed) = arguments.amount() else { return Err(Failure::usage("how much is to be paid?")) };
    at_hand(context, context.money(&typed)?)
}

/// Between the context's two cards.
pub(crate) fn at_hand(context: &Context, money: Money) -> Result<Reply, Failure> {
    two_purses(context)?;
    match once(context, money, false) {
        // Only the card knows when it wants the PIN. Nobody is asked with the cards open.
        Err(Attempt::NeedsPin) => once(context, money, true).map_err(Attempt::into_failure),
        other => other.map_err(Attempt::into_failure),
    }
}

/// The places of payer and payee, which are two.
fn two_purses(context: &Context) -> Result<[&Place; 2], Failure> {
    let places = [context.card_place()?, context.sam_place()?];
    if places[0] == places[1] {
        return Err(Failure::usage("payer and payee are the same card"));
    }
    for place in places {
        context.find(place)?;
    }
    Ok(places)
}

/// One attempt, with the PIN or without.
fn once(context: &Context, money: Money, with_pin: bool) -> Result<Reply, Attempt> {
    let pin = if with_pin { Some(context.pin().read()?) } else { None };
    let time = money::now();
    let cards = two_purses(context)?;
    pending::under(context, &cards, &Note::new("transfer", Some(money), time), || {
        now(context, money, pin.as_ref(), time)
    })
}

fn now(context: &Context, money: Money, pin: Option<&PinBlock>, time: Time) -> Result<Reply, Attempt> {
    let mut payee = context.sam()?;
    purse(context.sam_place()?, payee.status())?;
    money::usable(context, context.sam_place()?, payee.status())?;
    let mut payer = context.card()?;
    purse(context.card_place()?, payer.status())?;
    money::usable(context, context.card_place()?, payer.status())?;
    let order = Transfer { currency: money.currency(), amount: money.amount, time, pin };
    let done = transfer::transfer(&mut payer, &mut payee, &order);
    let mut parties = Parties::both(context, &mut payer, &mut payee)?;
    match done {
        Err(error) if wants_pin(&error, pin) => Err(Attempt::NeedsPin),
        Err(error) => Err(parties.explained(error, money).into()),
        Ok(done) => Ok(transfer_receipt(&done.handover.pay_details, &mut parties, done.acknowledged)),
    }
}

/// There are two cards, and the flow would not say which of them is none.
fn purse(place: &Place, status: &StatusBlock) -> Result<(), Failure> {
    if status.role == Role::Purse || status.life_cycle == LifeCycle::Blank {
        return Ok(());
    }
    let message = format!("{place} is a {}, not a {}", words::role(status.role), words::role(Role::Purse));
    Err(Failure::new(ExitCode::Refused, message, "`purse card list` shows the home's cards."))
}

/// An offer that the payer's card would not keep is not made: its refusal would come only when the payee has answered.
pub(crate) fn keepable<T: Transport>(
    place: &Place,
    card: &mut Client<T>,
    money: Money,
) -> Result<(), Failure> {
    let currency = money.currency();
    let pockets = card.identity()?.pockets;
    let found = (0..).zip(pockets).find(|(_, pocket)| pocket.is_used() && pocket.currency == currency);
    let Some((at, pocket)) = found else { return Err(Failure::no_pocket(place, currency)) };
    let (balance, most) = (card.balance(at)?.balance, pocket.limits.maximum_transfer);
    if money.amount.0 <= balance.0.min(most.0) {
        return Ok(());
    }
    let [balance, most] = [balance, most].map(|amount| words::money(currency, amount.0.into()));
    let message = format!("{place} holds {balance}, and one transfer is at most {most}");
    Err(Failure::new(ExitCode::Refused, message, "Load the card, or offer less."))
}

/// Whether it is the payer's PIN that is missing.
pub(crate) fn wants_pin(error: &FlowError, pin: Option<&PinBlock>) -> bool {
    let refused = matches!(
        error,
        FlowError::Card {
            party: Party::Purse,
            source: CardError::Refused { status: StatusWord::SecurityStatus, .. },
        }
    );
    refused && pin.is_none()
}

/// `transfer of 5.00 EUR from … to …`
pub(crate) fn describe(pay_details: &PayDetails) -> String {
    format!(
        "{} of {} from {} to {}",
        words::kind(pay_details.kind, Role::Purse),
        words::money(pay_details.currency, pay_details.amount.0.into()),
        pay_details.from,
        pay_details.to
    )
}
