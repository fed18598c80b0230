//! Scripts in words.

use apdu_spec::element::Currency;
use apdu_spec::file::IdentityFile;
use apdu_spec::parameter::{self, Parameter};
use purse_terminal::flow::scripts::{Delivery, Undone};
use serde_json::{Value, json};

use super::limits;
use crate::cli::words;

/// A delivery in one line.
pub(super) fn told(Delivery { script, outcome }: &Delivery) -> String {
    let what = Parameter::parse(script.id, &script.value)
        .map_or_else(|_| words::UNKNOWN.to_owned(), |parameter| describe(&parameter, None));
    let counter = script.counter;
    match outcome {
        Ok(()) => format!("the issuer's script {counter} was carried out: {what}"),
        Err(Undone::Refused(error)) => {
            format!("the issuer's script {counter} was refused ({error}): {what}")
        }
        Err(Undone::Superseded) => {
            format!("the issuer's script {counter} came too late, a later one was accepted: {what}")
        }
    }
}

pub(super) fn documents(deliveries: &[Delivery]) -> Vec<Value> {
    let document = |Delivery { script, outcome }: &Delivery| {
        let mut document = json!({ "counter": script.counter, "parameter": parameter::name(script.id) });
        document["state"] = json!(match outcome {
            Ok(()) => "done",
            Err(Undone::Refused(_)) => "refused",
            Err(Undone::Superseded) => "superseded",
        });
        if let Err(Undone::Refused(error)) = outcome {
            document["reason"] = json!(error.to_string());
        }
        document
    };
    deliveries.iter().map(document).collect()
}

/// What a script does, in a line. A pocket's currency is what the card says of that place.
pub(super) fn describe(parameter: &Parameter, identity: Option<&IdentityFile>) -> String {
    let currency = |pocket: u8| {
        let known = identity.and_then(|identity| identity.pockets.get(usize::from(pocket)));
        known.map(|pocket| pocket.currency).filter(|currency| *currency != Currency::NONE)
    };
    match parameter {
        Parameter::Limits { pocket, limits } => match currency(*pocket) {
            Some(currency) => {
                format!("limits of {}: {}", words::currency(currency), limits::described(currency, limits))
            }
            None => format!("limits of pocket {pocket}"),
        },
        Parameter::NewPocket { pocket, parameters } => format!(
            "pocket {pocket} for {}: {}",
            words::currency(parameters.currency),
            limits::described(parameters.currency, &parameters.limits)
        ),
        Parameter::Expiry(expiry) => format!("valid to the end of {}", words::expiry(*expiry)),
        Parameter::PinTries => "the PIN has its tries again".to_owned(),
        Parameter::Block => "blocked".to_owned(),
        Parameter::Unblock => "not blocked".to_owned(),
        Parameter::Terminate => "terminated".to_owned(),
        Parameter::Resolve { sequence, .. } => format!("transaction {sequence} resolved"),
        Parameter::ClearLock => "not locked by its holder".to_owned(),
        Parameter::ForgetMaster(version) => format!("keys of version {} forgotten", version.0),
    }
}
