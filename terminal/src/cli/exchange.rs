//! `exchange` and `rate …`: one currency for another, at the issuer's rate.

use apdu_spec::element::{Currency, Time};
use purse_terminal::amount::{Denomination, Money};
use purse_terminal::client::Client;
use purse_terminal::flow::FlowError;
use purse_terminal::flow::exchange::{self, End, Item};
use purse_terminal::issuer::Bargain;
use purse_terminal::scheme::{Rate, Scheme};
use purse_terminal::transport::Transport;
use serde_json::{Value, json};

use super::arguments::RateCommand;
use super::context::{Context, Embedded, Slot};
use super::failure::{ExitCode, Failure};
use super::money::{now, usable};
use super::output::{Console, Reply};
use super::pending::{self, Note};
use super::receipt::Parties;
use super::view::table;
use super::words;

/// `exchange`
pub(crate) fn exchange(context: &Context, amount: &str, from: &str, to: &str) -> Result<Reply, Failure> {
    let (from, to) = (Context::denomination_of(from)?, Context::denomination_of(to)?);
    if from == to {
        return Err(Failure::usage(format!("{} is exchanged for another currency only", from.code())));
    }
    let gives = Money { denomination: from, amount: from.parse_positive(amount)? };
    let rate = context.scheme.rates.get(from, to).ok_or_else(|| no_rate(from, to))?;
    let gets = rate
        .convert(gives.amount)
        .ok_or_else(|| Failure::usage(format!("{gives} are more {} than a card can hold", to.code())))?;
    if gets.amount.0 == 0 {
        let message = format!("{gives} are less than the smallest amount of {} at {rate}", to.code());
        return Err(Failure::new(ExitCode::Declined, message, "Exchange more."));
    }
    let bargain =
        Bargain { from: gives.currency(), gives: gives.amount, to: gets.currency(), gets: gets.amount };
    let what = format!("{gives} become {gets} at {rate}");
    if !context.console.json() {
        Console::say(&what);
    }
    if !Console::confirms(context, "Exchange it?") {
        return Err(Failure::usage("not confirmed; nothing was exchanged"));
    }
    let mut issuer = context.issuer()?;
    let time = now();
    let note = Note { into: Some(to.code().to_owned()), ..Note::new("exchange", Some(gives), time) };
    pending::under(context, &[context.card_place()?], &note, || {
        exchange_now(context, &mut issuer, &bargain, rate, time)
    })
}

fn no_rate(from: Denomination, to: Denomination) -> Failure {
    let (from, to) = (from.code(), to.code());
    Failure::new(
        ExitCode::Declined,
        format!("the issuer declines: it has no rate for {from} to {to}"),
        format!("`purse rate list` shows those that it has, `purse rate set {from} {to} RATE` sets one."),
    )
}

fn exchange_now(
    context: &Context,
    issuer: &mut Embedded,
    bargain: &Bargain,
    rate: &Rate,
    time: Time,
) -> Result<Reply, Failure> {
    let mut card = context.card()?;
    usable(context, context.card_place()?, card.status())?;
    let Bargain { from, gives, to, gets } = *bargain;
    let (money_from, money_to) = (words::money(from, gives.0.into()), words::money(to, gets.0.into()));
    match exchange::exchange(&mut card, issuer, bargain, time) {
        Ok(End::Done) => {
            let mut lines = vec![format!("exchanged {money_from} for {money_to}")];
            let mut balances = serde_json::Map::new();
            for currency in [from, to] {
                if let Some(balance) = balance(&mut card, currency) {
                    lines.push(format!("balance {}", words::money(currency, balance)));
                    balances.insert(words::currency(currency), words::amount(currency, balance));
                }
            }
            card.release();
            let document = json!({
                "card": context.card_place()?.name(),
                "from": words::currency(from), "gave": words::amount(from, gives.0),
                "to": words::currency(to), "got": words::amount(to, gets.0),
                "rate": rate.to_string(), "balances": balances,
            });
            Ok(Reply::new(lines.join("\n"), document))
        }
        Ok(End::Kept(reason)) => {
            let failure = Failure::from(reason);
            let money = format!("{money_from} have left the card, and {money_to} are in its account.");
            let next = format!(
                "Load them, or less, with `purse load --currency {}` when the card takes them.",
                words::currency(to)
            );
            Err(Failure { next, ..failure.with_money(money) })
        }
        Ok(End::Cancelled) => Err(Failure::other("nothing has come of the exchange", "Try again.")),
        Err(FlowError::Full(currency, maximum)) => {
            let message = format!(
                "the card may hold no more than {}, and would have to take {money_to} more",
                words::money(currency, maximum.0.into())
            );
            Err(Failure::new(ExitCode::Refused, message, "Exchange less."))
        }
        Err(FlowError::NoPocket(currency)) => Err(Failure::no_pocket(context.card_place()?, currency)),
        Err(error) => {
            let denomination =
                Denomination::from_element(from).map_err(|error| Failure::usage(error.to_string()))?;
            let money = Money { denomination, amount: gives };
            Err(Parties::card(context.card_place()?, &mut card).explained(error, money))
        }
    }
}

fn balance(card: &mut Client<Slot>, currency: Currency) -> Option<i128> {
    let pockets = card.hold().and_then(|()| card.identity()).ok()?.pockets;
    let (place, _) = (0..).zip(&pockets).find(|(_, pocket)| pocket.currency == currency)?;
    card.balance(place).ok().map(|pocket| pocket.balance.0.into())
}

/// Finishes the exchange of this purse, if one is not.
pub(crate) fn finish<T: Transport>(card: &mut Client<T>, issuer: &mut Embedded) -> Option<Item> {
    exchange::finish(card, issuer, now())
}

/// What a recovery says of it, and in JSON.
pub(crate) fn describe(Item { exchange, outcome }: &Item) -> (String, Value) {
    let (code, told, reason) = match outcome {
        Ok(End::Done) => ("done", "done, the card has it".to_owned(), None),
        Ok(End::Cancelled) => ("cancelled", "nothing has come of it".to_owned(), None),
        Ok(End::Kept(reason)) => ("kept", format!("its card does not take it ({reason})"), Some(reason)),
        Err(reason) => ("open", format!("open, {reason}"), Some(reason)),
    };
    let reason = reason.map(ToString::to_string);
    let Some(exchange) = exchange else {
        return (format!("exchange: {told}"), json!({ "outcome": code, "reason": reason }));
    };
    let (from, to) = (exchange.unload.currency, exchange.currency);
    let (gives, gets) =
        (words::money(from, exchange.unload.amount.0.into()), words::money(to, exchange.amount.0.into()));
    let rest = if code == "kept" { format!("; {gets} are in its account") } else { String::new() };
    let document = json!({
        "number": exchange.unload.from.to_string(),
        "from": words::currency(from), "gives": words::amount(from, exchange.unload.amount.0),
        "to": words::currency(to), "gets": words::amount(to, exchange.amount.0),
        "outcome": code, "reason": reason,
    });
    (format!("exchange of {gives} for {gets}: {told}{rest}"), document)
}

/// `rate …`
pub(crate) fn rate(context: &Context, command: &RateCommand) -> Result<Reply, Failure> {
    match command {
        RateCommand::List => Ok(list(&context.scheme)),
        RateCommand::Set { from, to, rate } => {
            let (from, to) = (Context::denomination_of(from)?, Context::denomination_of(to)?);
            let rate = Rate::parse(from, to, rate).map_err(|error| Failure::usage(error.to_string()))?;
            let path = context.home.scheme();
            let _lock = context.home.lock()?;
            Scheme::set_rate(&path, &rate).map_err(|error| Failure::scheme(&path, &error))?;
            Ok(Reply::new(described(&rate), document(&rate)))
        }
    }
}

fn list(scheme: &Scheme) -> Reply {
    let mut table = table(&["from", "to", "rate"], &[2]);
    let mut documents = Vec::new();
    for rate in scheme.rates.iter() {
        table.add_row([rate.from.code().to_owned(), rate.to.code().to_owned(), rate.to_string()]);
        documents.push(document(rate));
    }
    let text = if documents.is_empty() {
        "no rates: nothing is exchanged; `purse rate set EUR USD 1.0850` sets one".to_owned()
    } else {
        table.trim_fmt()
    };
    Reply::new(text, json!({ "rates": documents }))
}

fn described(rate: &Rate) -> String {
    format!("1 {} becomes {rate} {}", rate.from.code(), rate.to.code())
}

fn document(rate: &Rate) -> Value {
    json!({ "from": rate.from.code(), "to": rate.to.code(), "rate": rate.to_string() })
}
