//! `load`, `pay`, `refund`, `unload`, `collect`: money moves. The flows do it; here are the questions and the words.

use apdu_spec::element::{Amount, Time};
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::status::StatusWord;
use apdu_spec::status_block::StatusBlock;
use purse_terminal::client::CardError;
use purse_terminal::flow::collection::{self, Report};
use purse_terminal::flow::load::{self, Load};
use purse_terminal::flow::purchase::{self, Payment};
use purse_terminal::flow::refund::{self, Refund};
use purse_terminal::flow::unload::{self, Unload};
use purse_terminal::flow::{FlowError, Party};
use purse_terminal::issuer::Flaw;
use serde_json::{Value, json};

use super::context::{Context, HOLDER, MERCHANT};
use super::failure::{ExitCode, Failure};
use super::output::{Console, Reply};
use super::words;

/// The terminal's clock.
pub(crate) fn now() -> Time {
    Time(u32::try_from(jiff::Timestamp::now().as_second()).unwrap_or(0))
}

/// `load`
pub(crate) fn load(context: &Context, amount: &str) -> Result<Reply, Failure> {
    let amount = context.denomination().parse_positive(amount)?;
    let mut issuer = context.issuer()?;
    let mut card = context.card()?;
    usable(&context.global.card, card.status())?;
    let account = match card.status().role {
        apdu_spec::element::Role::Purse => HOLDER,
        apdu_spec::element::Role::Merchant => MERCHANT,
    };
    let order = Load { account, currency: context.denomination().element(), amount, time: now() };
    let receipt = load::load(&mut card, &mut issuer, &order)?;
    Ok(receipt_reply(context, "loaded", &receipt.pay_details, card.status(), receipt.acknowledged))
}

/// `pay`
pub(crate) fn pay(context: &Context, amount: &str) -> Result<Reply, Failure> {
    let amount = context.denomination().parse_positive(amount)?;
    match pay_once(context, amount, false) {
        // Only the card knows when it wants the PIN. Nobody is asked with the cards open.
        Err(Attempt::NeedsPin) => pay_once(context, amount, true).map_err(Attempt::into_failure),
        other => other.map_err(Attempt::into_failure),
    }
}

/// How an attempt to pay ended.
enum Attempt {
    NeedsPin,
    Failed(Failure),
}

impl Attempt {
    fn into_failure(self) -> Failure {
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

impl<E: Into<Failure>> From<E> for Attempt {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

fn pay_once(context: &Context, amount: Amount, with_pin: bool) -> Result<Reply, Attempt> {
    let pin = if with_pin { Some(context.pin().read()?) } else { None };
    let mut sam = context.sam()?;
    usable(&context.global.sam, sam.status())?;
    let mut card = context.card()?;
    usable(&context.global.card, card.status())?;
    let currency = context.denomination().element();
    let payment = Payment { currency, amount, time: now(), pin: pin.as_ref() };
    let receipt = match purchase::purchase(&mut card, &mut sam, &payment) {
        Err(FlowError::Card {
            party: Party::Purse,
            source: CardError::Refused { status: StatusWord::SecurityStatus, .. },
        }) => return Err(Attempt::NeedsPin),
        result => result?,
    };
    let pay_details = &receipt.handover.pay_details;
    Ok(receipt_reply(context, "paid", pay_details, card.status(), receipt.acknowledged))
}

/// `refund`
pub(crate) fn refund(context: &Context, amount: &str) -> Result<Reply, Failure> {
    let amount = context.denomination().parse_positive(amount)?;
    let operator_pin = context.operator_pin().read()?;
    let mut sam = context.sam()?;
    usable(&context.global.sam, sam.status())?;
    let mut card = context.card()?;
    usable(&context.global.card, card.status())?;
    let currency = context.denomination().element();
    let order = Refund { currency, amount, time: now(), operator_pin: &operator_pin };
    let receipt = refund::refund(&mut card, &mut sam, &order)?;
    let pay_details = &receipt.handover.pay_details;
    Ok(receipt_reply(context, "refunded", pay_details, card.status(), receipt.acknowledged))
}

/// `unload`
pub(crate) fn unload(context: &Context, amount: &str) -> Result<Reply, Failure> {
    let amount = context.denomination().parse_positive(amount)?;
    let mut issuer = context.issuer()?;
    let mut card = context.card()?;
    usable(&context.global.card, card.status())?;
    let order = Unload { currency: context.denomination().element(), amount, time: now() };
    let receipt = unload::unload(&mut card, &mut issuer, &order)?;
    Ok(receipt_reply(context, "unloaded", &receipt.pay_details, card.status(), receipt.acknowledged))
}

/// `collect`
pub(crate) fn collect(context: &Context) -> Result<Reply, Failure> {
    let mut issuer = context.issuer()?;
    let mut sam = context.sam()?;
    usable(&context.global.sam, sam.status())?;
    let report = collection::collect(&mut sam, &mut issuer, now())?;
    let withheld = report.collected.iter().any(|collected| collected.withheld != Amount::ZERO);
    // Credited is credited, but a merchant whose records do not hold must not think that all is well.
    let wrong = withheld || !report.submission.bad.is_empty() || !report.submission.forks.is_empty();
    Ok(collection_reply(&report).with_exit(wrong.then_some(ExitCode::Declined)))
}

/// A card that is locked, blocked, blank or terminated takes part in nothing; its own refusal would say less.
fn usable(name: &str, status: &StatusBlock) -> Result<(), Failure> {
    let (why, next) = match status.life_cycle {
        LifeCycle::Active => return Ok(()),
        LifeCycle::Locked => return Err(Failure::locked(name)),
        LifeCycle::Blank => return Err(Failure::blank(name)),
        LifeCycle::Blocked => ("blocked by its issuer", "Ask the issuer."),
        LifeCycle::Terminated => ("terminated", "Ask the issuer for another."),
    };
    Err(Failure::new(ExitCode::Refused, format!("card `{name}` is {why}"), next)
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
    document["card"] = json!(context.global.card);
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

fn collection_reply(report: &Report) -> Reply {
    let mut lines = vec![format!("records read {}", report.records)];
    let mut pockets = Vec::new();
    for collected in &report.collected {
        let currency = collected.pay_details.currency;
        lines.push(format!("collected {}", words::money(currency, collected.credited.0.into())));
        if collected.withheld != Amount::ZERO {
            lines.push(format!("WITHHELD  {}", words::money(currency, collected.withheld.0.into())));
        }
        let mut document = pay_details_document(&collected.pay_details);
        document["credited"] = words::amount(currency, collected.credited.0);
        document["withheld"] = words::amount(currency, collected.withheld.0);
        document["acknowledged"] = json!(collected.acknowledged);
        pockets.push(document);
    }
    let mut bad = Vec::new();
    for record in &report.submission.bad {
        lines.push(format!("BAD RECORD {}: {}", record.sequence, flaw(record.flaw)));
        let mut document = pay_details_document(&record.record.pay_details);
        document["sequence"] = json!(record.sequence.0);
        document["flaw"] = json!(flaw(record.flaw));
        bad.push(document);
    }
    let mut forks = Vec::new();
    for fork in &report.submission.forks {
        lines.push(format!("FORK: card {} exists twice, sequence {}", fork.payer, fork.sequence));
        forks.push(json!({ "number": fork.payer.to_string(), "sequence": fork.sequence.0 }));
    }
    let document = json!({
        "records": report.records, "collected": pockets, "bad_records": bad, "forks": forks,
    });
    Reply::new(lines.join("\n"), document)
}

const fn flaw(flaw: Flaw) -> &'static str {
    match flaw {
        Flaw::UnknownPayer => "its payer is none of the issuer's cards",
        Flaw::KeyVersion => "its key version is not the payer's",
        Flaw::Tac => "its payer did not make its TAC",
        Flaw::UnknownLoad => "a load that the issuer never gave",
        Flaw::Reversed => "a purchase that the issuer has let the payer take back",
        Flaw::Impossible => "something that no SAM does",
        Flaw::OtherRecord => "another record than was collected before",
    }
}
