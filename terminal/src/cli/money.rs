//! `load`, `pay`, `refund`, `unload`: money moves. The flows do it; here are the questions and the words.

use apdu_spec::element::{Role, Time};
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::pin::PinBlock;
use apdu_spec::status::StatusWord;
use apdu_spec::status_block::StatusBlock;
use purse_terminal::amount::Money;
use purse_terminal::client::CardError;
use purse_terminal::flow::load::{self, Load};
use purse_terminal::flow::purchase::{self, Payment};
use purse_terminal::flow::refund::{self, Refund};
use purse_terminal::flow::unload::{self, Unload};
use purse_terminal::flow::{FlowError, Party};
use serde_json::json;

use super::context::{Context, Embedded, HOLDER, MERCHANT};
use super::control;
use super::failure::{ExitCode, Failure};
use super::hot_list::refuse_listed;
use super::output::Reply;
use super::pending::{self, Note, Outcome};
use super::place::Place;
use super::receipt::{Parties, receipt};

/// The terminal's clock.
pub(crate) fn now() -> Time {
    Time(u32::try_from(jiff::Timestamp::now().as_second()).unwrap_or(0))
}

/// `load`
pub(crate) fn load(context: &Context, money: Money) -> Result<Reply, Failure> {
    let mut issuer = context.issuer()?;
    let time = now();
    pending::under(context, &[context.card_place()?], &Note::new("load", Some(money), time), || {
        load_now(context, &mut issuer, money, time)
    })
}

fn load_now(context: &Context, issuer: &mut Embedded, money: Money, time: Time) -> Result<Reply, Failure> {
    let mut card = context.card()?;
    let scripts = control::bring_waiting(context.card_place()?, issuer, &mut card)?;
    usable(context, context.card_place()?, card.status())?;
    let account = match card.status().role {
        Role::Purse => HOLDER,
        Role::Merchant => MERCHANT,
    };
    let order = Load { account, currency: money.currency(), amount: money.amount, time };
    let loaded = load::load(&mut card, issuer, &order);
    let mut parties = Parties::card(context.card_place()?, &mut card);
    let done = loaded.map_err(|error| parties.explained(error, money))?;
    Ok(receipt("loaded", &done.pay_details, &mut parties, done.acknowledged)
        .with_field("scripts", json!(scripts)))
}

/// `pay`
pub(crate) fn pay(context: &Context, money: Money) -> Result<Reply, Failure> {
    two_cards(context)?;
    match pay_once(context, money, false) {
        // Only the card knows when it wants the PIN. Nobody is asked with the cards open.
        Err(Attempt::NeedsPin) => pay_once(context, money, true).map_err(Attempt::into_failure),
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
pub(crate) fn pay_once(context: &Context, money: Money, with_pin: bool) -> Result<Reply, Attempt> {
    let pin = if with_pin { Some(context.pin().read()?) } else { None };
    let time = now();
    let cards = two_cards(context)?;
    pending::under(context, &cards, &Note::new("pay", Some(money), time), || {
        pay_now(context, money, pin.as_ref(), time)
    })
}

fn pay_now(context: &Context, money: Money, pin: Option<&PinBlock>, time: Time) -> Result<Reply, Attempt> {
    let mut sam = context.sam()?;
    usable(context, context.sam_place()?, sam.status())?;
    let mut card = context.card()?;
    usable(context, context.card_place()?, card.status())?;
    let payment = Payment { currency: money.currency(), amount: money.amount, time, pin };
    let paid = purchase::purchase(&mut card, &mut sam, &payment);
    let mut parties = Parties::both(context, &mut card, &mut sam)?;
    let done = match paid {
        Err(FlowError::Card {
            party: Party::Purse,
            source: CardError::Refused { status: StatusWord::SecurityStatus, .. },
        }) => return Err(Attempt::NeedsPin),
        Err(error) => return Err(parties.explained(error, money).into()),
        Ok(done) => done,
    };
    Ok(receipt("paid", &done.handover.pay_details, &mut parties, done.acknowledged))
}

/// `refund`
pub(crate) fn refund(context: &Context, money: Money) -> Result<Reply, Failure> {
    let cards = two_cards(context)?;
    let operator_pin = context.operator_pin().read()?;
    let time = now();
    pending::under(context, &cards, &Note::new("refund", Some(money), time), || {
        refund_now(context, money, &operator_pin, time)
    })
}

fn refund_now(
    context: &Context,
    money: Money,
    operator_pin: &PinBlock,
    time: Time,
) -> Result<Reply, Failure> {
    let mut sam = context.sam()?;
    usable(context, context.sam_place()?, sam.status())?;
    let mut card = context.card()?;
    usable(context, context.card_place()?, card.status())?;
    let order = Refund { currency: money.currency(), amount: money.amount, time, operator_pin };
    let refunded = refund::refund(&mut card, &mut sam, &order);
    let mut parties = Parties::both(context, &mut card, &mut sam)?;
    let done = refunded.map_err(|error| parties.explained(error, money))?;
    Ok(receipt("refunded", &done.handover.pay_details, &mut parties, done.acknowledged))
}

/// `unload`
pub(crate) fn unload(context: &Context, money: Money) -> Result<Reply, Failure> {
    let mut issuer = context.issuer()?;
    let time = now();
    pending::under(context, &[context.card_place()?], &Note::new("unload", Some(money), time), || {
        unload_now(context, &mut issuer, money, time)
    })
}

fn unload_now(context: &Context, issuer: &mut Embedded, money: Money, time: Time) -> Result<Reply, Failure> {
    let mut card = context.card()?;
    usable(context, context.card_place()?, card.status())?;
    let order = Unload { currency: money.currency(), amount: money.amount, time };
    let unloaded = unload::unload(&mut card, issuer, &order);
    let mut parties = Parties::card(context.card_place()?, &mut card);
    let done = unloaded.map_err(|error| parties.explained(error, money))?;
    Ok(receipt("unloaded", &done.pay_details, &mut parties, done.acknowledged))
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

/// A card that is locked, blocked, blank or terminated takes part in nothing; its own refusal would say less. Nor does one
/// that is on the hot list.
pub(crate) fn usable(context: &Context, place: &Place, status: &StatusBlock) -> Result<(), Failure> {
    refuse_listed(context, status.number)?;
    let (why, next) = match status.life_cycle {
        LifeCycle::Active => return Ok(()),
        LifeCycle::Locked => return Err(Failure::locked(place)),
        LifeCycle::Blank => return Err(Failure::blank(place)),
        LifeCycle::Blocked => {
            ("blocked by its issuer", format!("Ask the issuer: `purse control unblock{}`.", place.option()))
        }
        LifeCycle::Terminated => ("terminated", "Ask the issuer for another.".to_owned()),
    };
    Err(Failure::new(ExitCode::Refused, format!("{place} is {why}"), next)
        .with_status(Some(StatusWord::ConditionsOfUse.code())))
}
