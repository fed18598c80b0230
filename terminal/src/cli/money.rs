//! `load`, `pay`, `refund`, `unload`: money moves. The flows do it; here are the questions and the words.

use apdu_spec::element::{Amount, Role, Time};
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pin::PinBlock;
use apdu_spec::status::StatusWord;
use apdu_spec::status_block::StatusBlock;
use purse_terminal::client::{CardError, Client};
use purse_terminal::flow::load::{self, Load};
use purse_terminal::flow::purchase::{self, Payment};
use purse_terminal::flow::refund::{self, Refund};
use purse_terminal::flow::unload::{self, Unload};
use purse_terminal::flow::{FlowError, Party};
use purse_terminal::issuer::IssuerError;
use serde_json::{Value, json};

use super::context::{Context, Embedded, HOLDER, MERCHANT, Slot};
use super::failure::{ExitCode, Failure};
use super::output::{Console, Reply};
use super::pending::{self, Note, Outcome};
use super::place::Place;
use super::words;

/// The terminal's clock.
pub(crate) fn now() -> Time {
    Time(u32::try_from(jiff::Timestamp::now().as_second()).unwrap_or(0))
}

/// `load`
pub(crate) fn load(context: &Context, amount: &str) -> Result<Reply, Failure> {
    let amount = context.denomination().parse_positive(amount)?;
    let mut issuer = context.issuer()?;
    let time = now();
    pending::under(context, &[context.card_place()?], &Note::new("load", Some(amount), time), || {
        load_now(context, &mut issuer, amount, time)
    })
}

fn load_now(context: &Context, issuer: &mut Embedded, amount: Amount, time: Time) -> Result<Reply, Failure> {
    let mut card = context.card()?;
    usable(context.card_place()?, card.status())?;
    let account = match card.status().role {
        Role::Purse => HOLDER,
        Role::Merchant => MERCHANT,
    };
    let order = Load { account, currency: context.denomination().element(), amount, time };
    let receipt =
        load::load(&mut card, issuer, &order).map_err(|error| explained(context, error, &mut card))?;
    Ok(receipt_reply(context, "loaded", &receipt.pay_details, card.status(), receipt.acknowledged))
}

/// `pay`
pub(crate) fn pay(context: &Context, amount: &str) -> Result<Reply, Failure> {
    let amount = context.denomination().parse_positive(amount)?;
    two_cards(context)?;
    match pay_once(context, amount, false) {
        // Only the card knows when it wants the PIN. Nobody is asked with the cards open.
        Err(Attempt::NeedsPin) => pay_once(context, amount, true).map_err(Attempt::into_failure),
        other => other.map_err(Attempt::into_failure),
    }
}

/// How an attempt to pay ended.
pub(crate) enum Attempt {
    NeedsPin,
    Failed(Failure),
}

impl Attempt {
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Self::NeedsPin => Failure::new(
                ExitCode::Authentication,
                "the card wants a PIN although it has just had it",
                "Try again with a smaller amount.",
            )
            .with_status(Some(StatusWord::SecurityStatus.code())),
            Self::Failed(failure) => failure,
        }
    }
}

impl Outcome for Attempt {
    fn is_unknown(&self) -> bool {
        matches!(self, Self::Failed(failure) if failure.is_unknown())
    }
}

impl<E: Into<Failure>> From<E> for Attempt {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// One attempt, with the PIN or without.
pub(crate) fn pay_once(context: &Context, amount: Amount, with_pin: bool) -> Result<Reply, Attempt> {
    let pin = if with_pin { Some(context.pin().read()?) } else { None };
    let time = now();
    let cards = two_cards(context)?;
    pending::under(context, &cards, &Note::new("pay", Some(amount), time), || {
        pay_now(context, amount, pin.as_ref(), time)
    })
}

fn pay_now(context: &Context, amount: Amount, pin: Option<&PinBlock>, time: Time) -> Result<Reply, Attempt> {
    let mut sam = context.sam()?;
    usable(context.sam_place()?, sam.status())?;
    let mut card = context.card()?;
    usable(context.card_place()?, card.status())?;
    let currency = context.denomination().element();
    let payment = Payment { currency, amount, time, pin };
    let receipt = match purchase::purchase(&mut card, &mut sam, &payment) {
        Err(FlowError::Card {
            party: Party::Purse,
            source: CardError::Refused { status: StatusWord::SecurityStatus, .. },
        }) => return Err(Attempt::NeedsPin),
        Err(error) => return Err(explained(context, error, &mut card).into()),
        Ok(receipt) => receipt,
    };
    let pay_details = &receipt.handover.pay_details;
    Ok(receipt_reply(context, "paid", pay_details, card.status(), receipt.acknowledged))
}

/// `refund`
pub(crate) fn refund(context: &Context, amount: &str) -> Result<Reply, Failure> {
    let amount = context.denomination().parse_positive(amount)?;
    let cards = two_cards(context)?;
    let operator_pin = context.operator_pin().read()?;
    let time = now();
    pending::under(context, &cards, &Note::new("refund", Some(amount), time), || {
        refund_now(context, amount, &operator_pin, time)
    })
}

fn refund_now(
    context: &Context,
    amount: Amount,
    operator_pin: &PinBlock,
    time: Time,
) -> Result<Reply, Failure> {
    let mut sam = context.sam()?;
    usable(context.sam_place()?, sam.status())?;
    let mut card = context.card()?;
    usable(context.card_place()?, card.status())?;
    let currency = context.denomination().element();
    let order = Refund { currency, amount, time, operator_pin };
    let receipt = refund::refund(&mut card, &mut sam, &order)?;
    let pay_details = &receipt.handover.pay_details;
    Ok(receipt_reply(context, "refunded", pay_details, card.status(), receipt.acknowledged))
}

/// `unload`
pub(crate) fn unload(context: &Context, amount: &str) -> Result<Reply, Failure> {
    let amount = context.denomination().parse_positive(amount)?;
    let mut issuer = context.issuer()?;
    let time = now();
    pending::under(context, &[context.card_place()?], &Note::new("unload", Some(amount), time), || {
        unload_now(context, &mut issuer, amount, time)
    })
}

fn unload_now(
    context: &Context,
    issuer: &mut Embedded,
    amount: Amount,
    time: Time,
) -> Result<Reply, Failure> {
    let mut card = context.card()?;
    usable(context.card_place()?, card.status())?;
    let order = Unload { currency: context.denomination().element(), amount, time };
    let receipt = unload::unload(&mut card, issuer, &order)?;
    Ok(receipt_reply(context, "unloaded", &receipt.pay_details, card.status(), receipt.acknowledged))
}

/// The issuer counts in minor units; a card's limits say which of them an amount is above.
fn explained(context: &Context, error: FlowError, card: &mut Client<Slot>) -> Failure {
    let minor = |amount: i128| words::money(context.denomination().element(), amount);
    match &error {
        FlowError::Issuer(IssuerError::Funds { account, balance, amount }) => Failure::new(
            ExitCode::Declined,
            format!(
                "the issuer declines: account `{account}` holds {}, and {} are asked for",
                minor((*balance).into()),
                minor((*amount).into())
            ),
            "Ask for less.",
        ),
        FlowError::Card { source, .. } if source.status() == Some(StatusWord::OverLimit) => {
            let balance = card.status().balance;
            let limits = card
                .hold()
                .and_then(|()| card.identity())
                .ok()
                .and_then(|identity| identity.pockets.first().copied());
            let mut failure = Failure::from(error);
            if let Some(limits) = limits.map(|pocket| pocket.limits) {
                failure.next = format!(
                    "Ask for less: the card holds {} and may hold {}; one payment is at most {}.",
                    minor(balance.0.into()),
                    minor(limits.maximum_balance.0.into()),
                    minor(limits.maximum_debit.0.into())
                );
            }
            failure
        }
        _ => error.into(),
    }
}

/// The places of card and SAM, which are two.
pub(crate) fn two_cards(context: &Context) -> Result<[&Place; 2], Failure> {
    // A file that is not there needs no reader that is waited for.
    if context.global.sam_reader.is_none() {
        context.find(context.sam_place()?)?;
    }
    let places = [context.card_place()?, context.sam_place()?];
    let mut files = Vec::new();
    for place in places {
        context.find(place)?;
        if let Place::File(name) = place {
            files.push(context.home.card(name)?.canonicalize().map_err(|_| Failure::no_card(name))?);
        }
    }
    match files.as_slice() {
        [card, sam] if card == sam => Err(Failure::usage("card and SAM are the same")),
        _ => Ok(places),
    }
}

/// A card that is locked, blocked, blank or terminated takes part in nothing; its own refusal would say less.
pub(crate) fn usable(place: &Place, status: &StatusBlock) -> Result<(), Failure> {
    let (why, next) = match status.life_cycle {
        LifeCycle::Active => return Ok(()),
        LifeCycle::Locked => return Err(Failure::locked(place)),
        LifeCycle::Blank => return Err(Failure::blank(place)),
        LifeCycle::Blocked => ("blocked by its issuer", "Ask the issuer."),
        LifeCycle::Terminated => ("terminated", "Ask the issuer for another."),
    };
    Err(Failure::new(ExitCode::Refused, format!("{place} is {why}"), next)
        .with_status(Some(StatusWord::ConditionsOfUse.code())))
}

fn receipt_reply(
    context: &Context,
    done: &str,
    pay_details: &PayDetails,
    status: &StatusBlock,
    acknowledged: bool,
) -> Reply {
    let currency = pay_details.currency;
    if !acknowledged {
        Console::say(
            "note: the receipt did not get back to the payer; `purse recover` brings it whenever you like",
        );
    }
    let text = format!(
        "{done} {}\nbalance {}",
        words::money(currency, pay_details.amount.0.into()),
        words::money(currency, status.balance.0.into()),
    );
    let mut document = pay_details_document(pay_details);
    document["card"] = json!(context.card_place().map_or("", Place::name));
    document["balance"] = words::amount(currency, status.balance.0);
    document["acknowledged"] = json!(acknowledged);
    Reply::new(text, document)
}

/// PD in words.
pub(crate) fn pay_details_document(pay_details: &PayDetails) -> Value {
    json!({
        "kind": pay_details.kind.name(),
        "currency": words::currency(pay_details.currency),
        "amount": words::amount(pay_details.currency, pay_details.amount.0),
        "from": pay_details.from.to_string(),
        "from_sequence": pay_details.from_sequence.0,
        "to": pay_details.to.to_string(),
        "to_sequence": pay_details.to_sequence.0,
        "time": words::time(pay_details.time),
    })
}
