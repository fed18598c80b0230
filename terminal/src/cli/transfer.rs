//! `transfer`: a purse pays a purse, both at hand.

use apdu_spec::element::{Amount, Role};
use apdu_spec::pin::PinBlock;
use apdu_spec::status::StatusWord;
use purse_terminal::client::CardError;
use purse_terminal::flow::purchase::Receipt;
use purse_terminal::flow::transfer::{self, Transfer};
use purse_terminal::flow::{FlowError, Party};
use serde_json::json;

use super::context::Context;
use super::failure::Failure;
use super::money::{self, Attempt};
use super::output::{Console, Reply};
use super::pending::{self, Note};
use super::place::Place;
use super::taps;
use super::transfer_arguments::TransferArguments;
use super::words;

/// `transfer`
pub(crate) fn transfer(context: &Context, arguments: &TransferArguments) -> Result<Reply, Failure> {
    if arguments.taps {
        return taps::transfer(context, arguments);
    }
    if context.global.sam.is_none() && context.global.sam_reader.is_none() {
        return Err(Failure::usage("who is to be paid? --to-card NAME, --to-reader READER, or --taps"));
    }
    let amount = context.denomination().parse_positive(arguments.amount.as_deref().unwrap_or_default())?;
    two_purses(context)?;
    match once(context, amount, false) {
        // Only the card knows when it wants the PIN. Nobody is asked with the cards open.
        Err(Attempt::NeedsPin) => once(context, amount, true).map_err(Attempt::into_failure),
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
fn once(context: &Context, amount: Amount, with_pin: bool) -> Result<Reply, Attempt> {
    let pin = if with_pin { Some(context.pin().read()?) } else { None };
    let time = money::now();
    let cards = two_purses(context)?;
    pending::under(context, &cards, &Note::new("transfer", Some(amount), time), || {
        let order = Transfer { currency: context.denomination().element(), amount, time, pin: pin.as_ref() };
        now(context, &order)
    })
}

fn now(context: &Context, order: &Transfer<'_>) -> Result<Reply, Attempt> {
    let mut payee = context.sam()?;
    money::usable(context.sam_place()?, payee.status())?;
    let mut payer = context.card()?;
    money::usable(context.card_place()?, payer.status())?;
    let receipt = match transfer::transfer(&mut payer, &mut payee, order) {
        Err(error) if wants_pin(&error, order.pin) => return Err(Attempt::NeedsPin),
        receipt => receipt?,
    };
    Ok(reply(context, &receipt, payer.status().balance, payee.status().balance))
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

fn reply(context: &Context, receipt: &Receipt, payer: Amount, payee: Amount) -> Reply {
    let pay_details = &receipt.handover.pay_details;
    let money = |amount: Amount| words::money(pay_details.currency, amount.0.into());
    if !receipt.acknowledged {
        Console::say(
            "note: the receipt did not get back to the payer; `purse recover` brings it whenever you like",
        );
    }
    let place = |place: Result<&Place, Failure>| place.map_or(String::new(), |place| place.name().to_owned());
    let (from, to) = (place(context.card_place()), place(context.sam_place()));
    let text = format!(
        "transferred {} from {from} to {to}\nbalance of {from} {}, of {to} {}",
        money(pay_details.amount),
        money(payer),
        money(payee)
    );
    let mut document = money::pay_details_document(pay_details);
    document["card"] = json!(from);
    document["to_card"] = json!(to);
    document["balance"] = words::amount(pay_details.currency, payer.0);
    document["payee_balance"] = words::amount(pay_details.currency, payee.0);
    document["acknowledged"] = json!(receipt.acknowledged);
    Reply::new(text, document)
}

/// `transfer of 5.00 EUR from … to …`
pub(crate) fn describe(pay_details: &apdu_spec::pay_details::PayDetails) -> String {
    format!(
        "{} of {} from {} to {}",
        words::kind(pay_details.kind, Role::Purse),
        words::money(pay_details.currency, pay_details.amount.0.into()),
        pay_details.from,
        pay_details.to
    )
}
