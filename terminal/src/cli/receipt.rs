//! What a flow came to, in words: a receipt, or an error that says more than the card did.

use apdu_spec::command::CommandName;
use apdu_spec::element::{Amount, Currency};
use apdu_spec::file::FLAG_DISPOSABLE;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pocket::PocketParameters;
use apdu_spec::status::StatusWord;
use purse_terminal::amount::Money;
use purse_terminal::client::{CardError, Client};
use purse_terminal::flow::{FlowError, Party};
use purse_terminal::issuer::IssuerError;
use serde_json::{Value, json};

use super::context::{Context, Slot};
use super::failure::{ExitCode, Failure};
use super::output::{Console, Reply};
use super::place::Place;
use super::words;

/// A card that took part, and where it is.
struct Participant<'a> {
    place: &'a Place,
    client: &'a mut Client<Slot>,
}

/// The cards of a flow, the one that the options call the card first.
pub(crate) struct Parties<'a>(Vec<Participant<'a>>);

impl<'a> Parties<'a> {
    /// The card alone.
    pub(crate) fn card(place: &'a Place, client: &'a mut Client<Slot>) -> Self {
        Self(vec![Participant { place, client }])
    }

    /// Card and SAM.
    pub(crate) fn both(
        context: &'a Context,
        card: &'a mut Client<Slot>,
        sam: &'a mut Client<Slot>,
    ) -> Result<Self, Failure> {
        let card = Participant { place: context.card_place()?, client: card };
        Ok(Self(vec![card, Participant { place: context.sam_place()?, client: sam }]))
    }

    /// The issuer counts in minor units; a card's limits say which of them an amount is above, and its pockets whether
    /// it has the currency.
    pub(crate) fn explained(&mut self, error: FlowError, money: Money) -> Failure {
        let currency = money.currency();
        match &error {
            FlowError::Issuer(IssuerError::Funds { account, balance, amount }) => Failure::new(
                ExitCode::Declined,
                format!(
                    "the issuer declines: account `{account}` holds {}, and {} are asked for",
                    words::money(currency, (*balance).into()),
                    words::money(currency, (*amount).into())
                ),
                "Ask for less.",
            ),
            FlowError::Issuer(IssuerError::UnknownAccount { name, .. }) => {
                Failure::no_account(name, currency)
            }
            FlowError::Expired { expiry, .. } => {
                let expired = self.0.iter().find(|one| one.client.status().expiry == *expiry);
                let message = expired.map(|one| {
                    let month = words::expiry(*expiry);
                    format!("{} has expired (last month of validity {month})", one.place)
                });
                let failure = Failure::from(error);
                Failure { message: message.unwrap_or_else(|| failure.message.clone()), ..failure }
            }
            FlowError::Card { party, source } => {
                let (party, status) = (*party, source.status());
                let is_payee = matches!(source, CardError::Refused { command: CommandName::Initialize, .. });
                let failure = Failure::from(error);
                let found = match party {
                    Party::Receiver => self.0.last_mut(),
                    Party::Purse | Party::Sam => {
                        self.0.iter_mut().find(|one| Party::of(one.client.status().role) == party)
                    }
                };
                match (found, status) {
                    (Some(one), Some(StatusWord::OverLimit)) => one.over_limit(failure, currency),
                    (Some(one), Some(StatusWord::ReferenceNotFound)) => one.not_found(failure, currency),
                    (Some(one), Some(StatusWord::ConditionsOfUse)) if is_payee => one.not_loaded(failure),
                    _ => failure,
                }
            }
            _ => error.into(),
        }
    }

    /// The card of the options.
    fn first(&mut self) -> Option<&mut Participant<'a>> {
        self.0.first_mut()
    }
}

impl Participant<'_> {
    fn over_limit(&mut self, failure: Failure, currency: Currency) -> Failure {
        let Ok(Some((place, pocket))) = self.pocket(currency) else { return failure };
        let Ok(balance) = self.client.balance(place) else { return failure };
        let limits = pocket.limits;
        let money = |amount: Amount| words::money(currency, amount.0.into());
        let next = format!(
            "Ask for less: {} holds {} and may hold {}; one payment is at most {}, one transfer {}.",
            self.place,
            money(balance.balance),
            money(limits.maximum_balance),
            money(limits.maximum_debit),
            money(limits.maximum_transfer)
        );
        Failure { next, ..failure }
    }

    fn not_found(&mut self, failure: Failure, currency: Currency) -> Failure {
        match self.pocket(currency) {
            Ok(None) => Failure { status: failure.status, ..Failure::no_pocket(self.place, currency) },
            Ok(Some(_)) | Err(_) => failure,
        }
    }

    /// A card that would not be paid may be a disposable one.
    fn not_loaded(&mut self, failure: Failure) -> Failure {
        let identity = self.client.hold().and_then(|()| self.client.identity());
        match identity {
            Ok(identity) if identity.flags & FLAG_DISPOSABLE != 0 => Failure {
                message: format!("{} is a disposable card: it takes no load", self.place),
                next: "Spend what it holds, and take another card for more.".to_owned(),
                ..failure
            },
            _ => failure,
        }
    }

    /// The card's pocket of this currency, with its place.
    fn pocket(&mut self, currency: Currency) -> Result<Option<(u8, PocketParameters)>, CardError> {
        let identity = self.client.hold().and_then(|()| self.client.identity())?;
        Ok((0..).zip(identity.pockets).find(|(_, pocket)| pocket.currency == currency))
    }

    /// What its pocket of this currency holds now; none if the card does not say. Of pocket 0 the client knows it.
    fn balance(&mut self, currency: Currency) -> Option<Amount> {
        let status = *self.client.status();
        if status.currency == currency {
            return Some(status.balance);
        }
        let (place, _) = self.pocket(currency).ok()??;
        let balance = self.client.balance(place).ok();
        self.client.release();
        balance.map(|pocket| pocket.balance)
    }
}

/// The receipt of a flow that has come to its end.
pub(crate) fn receipt(
    done: &str,
    pay_details: &PayDetails,
    parties: &mut Parties<'_>,
    acknowledged: bool,
) -> Reply {
    let currency = pay_details.currency;
    note_unacknowledged(acknowledged);
    let mut text = format!("{done} {}", words::money(currency, pay_details.amount.0.into()));
    let mut document = pay_details_document(pay_details);
    document["acknowledged"] = json!(acknowledged);
    if let Some(card) = parties.first() {
        document["card"] = json!(card.place.name());
        let balance = card.balance(currency);
        if let Some(balance) = balance {
            text = format!("{text}\nbalance {}", words::money(currency, balance.0.into()));
        }
        document["balance"] = balance.map_or(Value::Null, |balance| words::amount(currency, balance.0));
    }
    Reply::new(text, document)
}

fn note_unacknowledged(acknowledged: bool) {
    if !acknowledged {
        Console::say(
            "note: the receipt did not get back to the payer; `purse recover` brings it whenever you like",
        );
    }
}

/// The receipt of a transfer: payer and payee, and what each of them holds then.
pub(crate) fn transfer_receipt(
    pay_details: &PayDetails,
    parties: &mut Parties<'_>,
    acknowledged: bool,
) -> Reply {
    let currency = pay_details.currency;
    note_unacknowledged(acknowledged);
    let mut document = pay_details_document(pay_details);
    document["acknowledged"] = json!(acknowledged);
    let (mut names, mut balances) = (Vec::new(), Vec::new());
    for (party, [name, holds]) in
        parties.0.iter_mut().zip([["card", "balance"], ["to_card", "payee_balance"]])
    {
        let balance = party.balance(currency);
        document[name] = json!(party.place.name());
        document[holds] = balance.map_or(Value::Null, |balance| words::amount(currency, balance.0));
        names.push(party.place.name());
        if let Some(balance) = balance {
            let of = format!("of {} {}", party.place.name(), words::money(currency, balance.0.into()));
            balances.push(of);
        }
    }
    let amount = words::money(currency, pay_details.amount.0.into());
    let text = format!("transferred {amount} from {}\nbalance {}", names.join(" to "), balances.join(", "));
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
