//! Exchanges: a purse unloads one currency and is loaded another, at a rate that was agreed on before.
//!
//! The value is always in the one pocket or on its way from it, in the account, or on its way to the other pocket or in
//! it; and what it is then, only this decides: the unload and its conversion are one step. All that comes between is an
//! ordinary unload and an ordinary load, with the same rules and the same recovery.

use apdu_spec::cryptography::Engine;
use apdu_spec::element::{Amount, Currency, Role, Sequence, Time};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;

use super::Issuer;
use super::error::IssuerError;
use super::ledger::post_entries;
use super::model::{Card, CardState, Entry, Exchange, ExchangeState, LedgerAccount, Reason};
use super::registration::account_exists;
use super::store::{Store, Tables};
use super::unload::{UnloadRequest, request};

/// What a holder and the issuer agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bargain {
    /// What is unloaded: the currency.
    pub from: Currency,
    /// Its minor units, not 0.
    pub gives: Amount,
    /// What is loaded: another currency.
    pub to: Currency,
    /// Its minor units, not 0.
    pub gets: Amount,
}

impl<S: Store, E: Engine> Issuer<S, E> {
    /// PD and req for the unload of an exchange, which is on the books from now on. One that was agreed on before, and
    /// of which nothing has come, is off; one that is half done has to be finished first.
    pub fn exchange_request(
        &mut self,
        card: PartyNumber,
        bargain: &Bargain,
        sequence: Sequence,
        time: Time,
    ) -> Result<UnloadRequest, IssuerError> {
        let Self { store, authority } = self;
        store.step(|tables| {
            let Bargain { from, gives, to, gets } = *bargain;
            let asked = request(tables, authority, card, from, gives, sequence, time)?;
            let card = tables.card(card)?.ok_or(IssuerError::UnknownCard(card))?;
            if card.role != Role::Purse || from == to || gets == Amount::ZERO {
                return Err(IssuerError::Exchange("a purse exchanges something for something else"));
            }
            if card.state != CardState::Active {
                return Err(IssuerError::CardState { card: card.number, state: card.state });
            }
            account_exists(tables, &card.account, to)?;
            if let Some(open) = tables.open_exchange(card.number)? {
                if open.state != ExchangeState::Agreed {
                    return Err(IssuerError::ExchangeUnfinished(card.number));
                }
                tables.put_exchange(&Exchange { state: ExchangeState::Cancelled, ..open })?;
            }
            tables.put_exchange(&Exchange {
                unload: asked.pay_details,
                currency: to,
                amount: gets,
                state: ExchangeState::Agreed,
                load: None,
            })?;
            Ok(asked)
        })
    }

    /// The exchange of this card that has not come to its end, if there is one.
    pub fn open_exchange(&self, card: PartyNumber) -> Result<Option<Exchange>, IssuerError> {
        self.store.view(|tables| Ok(tables.open_exchange(card)?))
    }

    /// All that have not come to their end, by card.
    pub fn open_exchanges(&self) -> Result<Vec<Exchange>, IssuerError> {
        self.store.view(|tables| Ok(tables.open_exchanges()?))
    }

    /// Goes no further with the exchange of this card: before its unload nothing comes of it; after it the account
    /// keeps what it has become. Not while its load is unresolved.
    pub fn end_exchange(&mut self, card: PartyNumber) -> Result<ExchangeState, IssuerError> {
        self.store.step(|tables| {
            let Some(open) = tables.open_exchange(card)? else { return Ok(ExchangeState::Done) };
            let state = match open.state {
                ExchangeState::Agreed => ExchangeState::Cancelled,
                ExchangeState::Converted => ExchangeState::Kept,
                _ => return Err(IssuerError::ExchangeUnfinished(card)),
            };
            tables.put_exchange(&Exchange { state, ..open })?;
            Ok(state)
        })
    }
}

/// The unload has been credited: if it is that of an exchange, the account has the other currency from now on.
pub(super) fn unloaded(
    tables: &mut dyn Tables,
    card: &Card,
    pay_details: &PayDetails,
) -> Result<(), IssuerError> {
    let Some(agreed) = agreed(tables, card, pay_details)? else { return Ok(()) };
    let holder = LedgerAccount::Holder(card.account.clone());
    let entry =
        |account: &LedgerAccount, currency, amount| Entry { account: account.clone(), currency, amount };
    let (gives, gets) = (i64::from(pay_details.amount.0), i64::from(agreed.amount.0));
    let entries = [
        entry(&holder, pay_details.currency, -gives),
        entry(&LedgerAccount::Position, pay_details.currency, gives),
        entry(&LedgerAccount::Position, agreed.currency, -gets),
        entry(&holder, agreed.currency, gets),
    ];
    post_entries(tables, Reason::Exchange, Some(pay_details), entries.into())?;
    Ok(tables.put_exchange(&Exchange { state: ExchangeState::Converted, ..agreed })?)
}

/// The unload is never credited.
pub(super) fn declined(
    tables: &mut dyn Tables,
    card: &Card,
    pay_details: &PayDetails,
) -> Result<(), IssuerError> {
    let Some(agreed) = agreed(tables, card, pay_details)? else { return Ok(()) };
    Ok(tables.put_exchange(&Exchange { state: ExchangeState::Cancelled, ..agreed })?)
}

/// The exchange that this unload begins.
fn agreed(
    tables: &dyn Tables,
    card: &Card,
    pay_details: &PayDetails,
) -> Result<Option<Exchange>, IssuerError> {
    let open = tables.open_exchange(card.number)?;
    Ok(open.filter(|open| open.state == ExchangeState::Agreed && open.unload == *pay_details))
}

/// A load has been given: if it is of what an exchange waits to bring to the card, it is that.
pub(super) fn load_given(
    tables: &mut dyn Tables,
    card: &Card,
    pay_details: &PayDetails,
    account: &str,
) -> Result<(), IssuerError> {
    match tables.open_exchange(card.number)? {
        Some(open)
            if open.state == ExchangeState::Converted
                && (open.currency, open.amount) == (pay_details.currency, pay_details.amount)
                && card.account == account =>
        {
            let load = Some(pay_details.to_sequence);
            Ok(tables.put_exchange(&Exchange { state: ExchangeState::Loading, load, ..open })?)
        }
        _ => Ok(()),
    }
}

/// A load is resolved: credited ends its exchange; declined, the account has what it became, and it is still to be
/// loaded.
pub(super) fn load_resolved(
    tables: &mut dyn Tables,
    card: &Card,
    sequence: Sequence,
    credited: bool,
) -> Result<(), IssuerError> {
    match tables.open_exchange(card.number)? {
        Some(open) if open.state == ExchangeState::Loading && open.load == Some(sequence) => {
            let after = if credited {
                Exchange { state: ExchangeState::Done, ..open }
            } else {
                Exchange { state: ExchangeState::Converted, load: None, ..open }
            };
            Ok(tables.put_exchange(&after)?)
        }
        _ => Ok(()),
    }
}
