//! Limits and new pockets.

use std::collections::BTreeMap;

use apdu_spec::element::{Amount, Currency};
use apdu_spec::parameter::Parameter;
use apdu_spec::pocket::{Limits, POCKETS};
use purse_terminal::amount::Denomination;

use super::{
    Context, Embedded, ExitCode, Failure, LimitArguments, OrderState, Reply, Target, WayArguments, order,
};
use crate::cli::words;

/// The limits by the names of their options.
const NAMES: [&str; 6] =
    ["balance", "debit", "debit-without-pin", "total-without-pin", "transfer", "offline-receipts"];

/// `pocket add`
pub(crate) fn add_pocket(
    context: &Context,
    code: &str,
    typed: &LimitArguments,
    way: &WayArguments,
) -> Result<Reply, Failure> {
    let denomination = Context::denomination_of(code)?;
    let issuer = context.issuer()?;
    order(context, way, |target| {
        let pocket = free_place(&issuer, target, denomination)?;
        let mut parameters = context
            .scheme
            .pocket_in(target.role, denomination)
            .map_err(|error| Failure::scheme(&context.home.scheme(), &error))?;
        parameters.limits = changed(typed, Some(parameters.limits), denomination)?;
        Ok(Parameter::NewPocket { pocket, parameters })
    })
}

/// The next free place of a card that has not this currency, nor a script for it on its way.
fn free_place(issuer: &Embedded, target: &Target, denomination: Denomination) -> Result<u8, Failure> {
    let mut used = BTreeMap::new();
    match &target.here {
        Some(here) => {
            let pockets = (0..).zip(&here.identity.pockets).filter(|(_, pocket)| pocket.is_used());
            used.extend(pockets.map(|(place, pocket)| (place, pocket.currency)));
        }
        // The books say which, and not where; they are as many.
        None => used.extend((0..).zip(issuer.pockets(target.number)?.iter().map(|pocket| pocket.currency))),
    }
    if target.here.is_some() {
        for (parameter, _) in under_way(issuer, target)? {
            if let Parameter::NewPocket { pocket, parameters } = parameter {
                used.insert(pocket, parameters.currency);
            }
        }
    }
    let (name, code) = (target.name(), denomination.code());
    let refused = |message, next| Err(Failure::new(ExitCode::Refused, message, next));
    if used.values().any(|currency| *currency == denomination.element()) {
        return refused(
            format!("{name} has a pocket for {code} already, or a script for it on its way"),
            "It was left as it is; `purse control limits` changes its limits.",
        );
    }
    let places = u8::try_from(POCKETS).unwrap_or(u8::MAX);
    match (0..places).find(|place| !used.contains_key(place)) {
        Some(place) => Ok(place),
        None => refused(
            format!("{name} has {POCKETS} pockets, and a card has no more"),
            "Nothing was changed; use another card for this currency.",
        ),
    }
}

/// What was ordered for the card, newest first, and whether it may still change it. What it has refused is left out.
fn ordered(issuer: &Embedded, target: &Target) -> Result<Vec<(Parameter, bool)>, Failure> {
    let orders = issuer.orders(Some(target.number))?.into_iter().rev();
    let live = orders.filter_map(|order| {
        let is_open = match order.state {
            OrderState::Queued | OrderState::Filed => true,
            OrderState::Done => false,
            OrderState::Refused | OrderState::Superseded => return None,
        };
        Some((Parameter::parse(order.id, &order.value).ok()?, is_open))
    });
    Ok(live.collect())
}

/// Those that may still change it.
fn under_way(issuer: &Embedded, target: &Target) -> Result<Vec<(Parameter, bool)>, Failure> {
    Ok(ordered(issuer, target)?.into_iter().filter(|(_, is_open)| *is_open).collect())
}

/// `control limits`
pub(super) fn change(
    context: &Context,
    code: Option<&str>,
    typed: &LimitArguments,
    way: &WayArguments,
) -> Result<Reply, Failure> {
    let denomination = code.map_or(Ok(context.denomination()), Context::denomination_of)?;
    let currency = denomination.element();
    if in_order(typed).into_iter().all(Option::is_none) {
        let options = NAMES.map(|name| format!("--{name}")).join(", ");
        return Err(Failure::usage(format!("no limit is given; these there are: {options}")));
    }
    let issuer = context.issuer()?;
    order(context, way, |target| {
        let mut found = None;
        if let Some(here) = &target.here {
            let mut pockets = (0..).zip(&here.identity.pockets);
            let on_card = pockets.find(|(_, pocket)| pocket.currency == currency);
            found = on_card.map(|(place, pocket)| (place, Some(pocket.limits)));
        } else if currency == context.denomination().element() {
            found = Some((0, None));
        }
        // What is on its way counts as if it had come, for it comes first; of a card elsewhere that is all one knows.
        for (parameter, is_open) in ordered(&issuer, target)?.into_iter().rev() {
            match parameter {
                _ if target.here.is_some() && !is_open => {}
                Parameter::NewPocket { pocket, parameters } if parameters.currency == currency => {
                    found = Some((pocket, Some(parameters.limits)));
                }
                Parameter::Limits { pocket, limits } if found.is_some_and(|(place, _)| place == pocket) => {
                    found = Some((pocket, Some(limits)));
                }
                _ => {}
            }
        }
        let (pocket, present) = found.ok_or_else(|| {
            if let Some(here) = &target.here {
                return Failure::no_pocket(&here.place, currency);
            }
            let message = format!("no pocket for {} was ordered for {}", denomination.code(), target.number);
            Failure::new(ExitCode::Refused, message, "`purse pocket add` orders one.")
        })?;
        Ok(Parameter::Limits { pocket, limits: changed(typed, present, denomination)? })
    })
}

fn in_order(typed: &LimitArguments) -> [&Option<String>; 6] {
    let LimitArguments { balance, debit, debit_without_pin, total_without_pin, transfer, offline_receipts } =
        typed;
    [balance, debit, debit_without_pin, total_without_pin, transfer, offline_receipts]
}

/// What was typed, and what there is where nothing was. Nobody knows that of a card elsewhere.
fn changed(
    typed: &LimitArguments,
    present: Option<Limits>,
    denomination: Denomination,
) -> Result<Limits, Failure> {
    let typed = in_order(typed);
    let mut limits = [Amount::ZERO; 6];
    for (place, limit) in limits.iter_mut().enumerate() {
        *limit = match (typed[place], present) {
            (Some(text), _) => denomination.parse(text)?,
            (None, Some(present)) => as_array(&present)[place],
            (None, None) => {
                let message = format!(
                    "--{} is missing: what the limits of a card elsewhere are is not known, so all six are needed",
                    NAMES[place]
                );
                return Err(Failure::usage(message));
            }
        };
    }
    let [
        maximum_balance,
        maximum_debit,
        debit_without_pin,
        total_without_pin,
        maximum_transfer,
        offline_receipts,
    ] = limits;
    Ok(Limits {
        maximum_balance,
        maximum_debit,
        debit_without_pin,
        total_without_pin,
        maximum_transfer,
        offline_receipts,
    })
}

const fn as_array(limits: &Limits) -> [Amount; 6] {
    [
        limits.maximum_balance,
        limits.maximum_debit,
        limits.debit_without_pin,
        limits.total_without_pin,
        limits.maximum_transfer,
        limits.offline_receipts,
    ]
}

/// `balance 150.00, debit 100.00, …`
pub(super) fn described(currency: Currency, limits: &Limits) -> String {
    let decimals = as_array(limits).map(|amount| words::decimal(currency, amount.0.into()));
    let named = NAMES.iter().zip(decimals).map(|(name, decimal)| {
        let name = name.replace('-', " ").replace("pin", "PIN");
        format!("{name} {decimal}")
    });
    named.collect::<Vec<_>>().join(", ")
}
