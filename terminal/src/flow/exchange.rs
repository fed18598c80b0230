//! Exchange: a purse unloads one currency and is loaded another, in one session with the issuer.
//!
//! Both halves are the ordinary processes. In between the account has the other currency, and the issuer's books say that
//! it is to be loaded: so whoever comes next can finish it.

use apdu_spec::cryptography::Engine;
use apdu_spec::element::{Amount, Currency, Role, Sequence, Time};
use apdu_spec::file::FLAG_DISPOSABLE;
use apdu_spec::number::PartyNumber;
use apdu_spec::status::StatusWord;

use super::desk::IssuerDesk;
use super::error::{FlowError, Party};
use super::load::Load;
use super::{guard, handover, load, unload};
use crate::client::Client;
use crate::issuer::{Bargain, Exchange, ExchangeState, Issuer, IssuerError, Store, UnloadRequest};
use crate::transport::Transport;

/// What a terminal asks of the issuer about exchanges.
pub trait ExchangeDesk: IssuerDesk {
    /// PD and req for the unload of an exchange, which is on the books from now on.
    fn exchange_request(
        &mut self,
        card: PartyNumber,
        bargain: &Bargain,
        sequence: Sequence,
        time: Time,
    ) -> Result<UnloadRequest, IssuerError>;

    /// The exchange of this card that has not come to its end.
    fn open_exchange(&self, card: PartyNumber) -> Result<Option<Exchange>, IssuerError>;

    /// Goes no further with it.
    fn end_exchange(&mut self, card: PartyNumber) -> Result<ExchangeState, IssuerError>;

    /// Name of the account that the card's unloads are credited to.
    fn account(&self, card: PartyNumber) -> Result<String, IssuerError>;
}

impl<S: Store, E: Engine> ExchangeDesk for Issuer<S, E> {
    fn exchange_request(
        &mut self,
        card: PartyNumber,
        bargain: &Bargain,
        sequence: Sequence,
        time: Time,
    ) -> Result<UnloadRequest, IssuerError> {
        self.exchange_request(card, bargain, sequence, time)
    }

    fn open_exchange(&self, card: PartyNumber) -> Result<Option<Exchange>, IssuerError> {
        self.open_exchange(card)
    }

    fn end_exchange(&mut self, card: PartyNumber) -> Result<ExchangeState, IssuerError> {
        self.end_exchange(card)
    }

    fn account(&self, card: PartyNumber) -> Result<String, IssuerError> {
        self.card(card).map(|card| card.account)
    }
}

/// How an exchange has ended.
#[derive(Debug)]
pub enum End {
    /// The other pocket has it.
    Done,
    /// The account has it, in the other currency: the card did not take it, for this reason.
    Kept(FlowError),
    /// Nothing has come of it.
    Cancelled,
}

/// Unload and load. An exchange or a load of this card that is not finished comes first. Whatever can be known to stand
/// in the way of the load is looked for before the unload. The purse is released while the issuer is asked, and at the
/// end.
pub fn exchange<T: Transport>(
    purse: &mut Client<T>,
    issuer: &mut (dyn ExchangeDesk + '_),
    bargain: &Bargain,
    time: Time,
) -> Result<End, FlowError> {
    let ended = exchange_in_phases(purse, issuer, bargain, time);
    purse.release();
    ended
}

fn exchange_in_phases<T: Transport>(
    purse: &mut Client<T>,
    issuer: &mut (dyn ExchangeDesk + '_),
    bargain: &Bargain,
    time: Time,
) -> Result<End, FlowError> {
    guard::role(purse.status(), Role::Purse)?;
    guard::validity(purse.status(), time)?;
    finish_in_phases(purse, issuer, time)?;
    has_room(purse, bargain)?;
    purse.release();
    let payer = purse.status();
    let asked = issuer.exchange_request(payer.number, bargain, payer.sequence, time)?;
    if let Err(error) = unload::unload_as_asked(purse, issuer, &asked) {
        if !matches!(error, FlowError::OutcomeUnknown { .. }) {
            // Nothing was debited, or it was taken back.
            issuer.end_exchange(asked.pay_details.from)?;
        }
        return Err(error);
    }
    purse.release();
    load_rest(purse, issuer, bargain.to, bargain.gets, time)
}

/// The purse has both pockets, room in the one for what comes, and takes loads.
fn has_room<T: Transport>(purse: &mut Client<T>, bargain: &Bargain) -> Result<(), FlowError> {
    let failed = FlowError::card(Party::Purse);
    handover::hold(purse)?;
    let identity = purse.identity().map_err(failed)?;
    if identity.flags & FLAG_DISPOSABLE != 0 {
        return Err(FlowError::Disposable);
    }
    let place = |currency: Currency| {
        let found = (0..).zip(&identity.pockets).find(|(_, pocket)| pocket.currency == currency);
        found.map(|(place, _)| place).ok_or(FlowError::NoPocket(currency))
    };
    place(bargain.from)?;
    let pocket = purse.balance(place(bargain.to)?).map_err(failed)?;
    match pocket.balance.checked_add(bargain.gets) {
        Some(after) if after <= pocket.maximum_balance => Ok(()),
        _ => Err(FlowError::Full(bargain.to, pocket.maximum_balance)),
    }
}

/// Brings what the account has got to the card. A card that refuses leaves it there, and that is the end; what fails
/// otherwise leaves it to be brought.
fn load_rest<T: Transport>(
    purse: &mut Client<T>,
    issuer: &mut (dyn ExchangeDesk + '_),
    currency: Currency,
    amount: Amount,
    time: Time,
) -> Result<End, FlowError> {
    let card = purse.status().number;
    let half_done = |error| FlowError::ExchangeHalfDone { currency, amount, source: Box::new(error) };
    let account = issuer.account(card).map_err(|error| half_done(error.into()))?;
    match load::load(purse, issuer, &Load { account: &account, currency, amount, time }) {
        Ok(load::Receipt { acknowledged: true, .. }) => Ok(End::Done),
        // The issuer has not heard of it, so its books go on waiting.
        Ok(load::Receipt { acknowledged: false, pay_details }) => {
            let unheard = IssuerError::Unanswered("the card's word has not reached it");
            Err(FlowError::Issuer(unheard).unknown(&pay_details))
        }
        Err(unknown @ FlowError::OutcomeUnknown { .. }) => Err(unknown),
        Err(refusal) if is_final(&refusal) => {
            issuer.end_exchange(card).map_err(|error| half_done(error.into()))?;
            Ok(End::Kept(refusal))
        }
        Err(error) => Err(half_done(error)),
    }
}

/// No repeat helps: the card, the terminal or the issuer does not take this load. A locked card does, once it is
/// unlocked.
fn is_final(refusal: &FlowError) -> bool {
    let is_locked = refusal.status_code() == Some(StatusWord::SecurityStatus.code());
    let is_declined = matches!(
        refusal,
        FlowError::Expired { .. }
            | FlowError::Issuer(IssuerError::CardState { .. } | IssuerError::Funds { .. })
    );
    is_declined || refusal.status_code().is_some() && !is_locked
}

/// An exchange that was not finished.
#[derive(Debug)]
pub struct Item {
    /// What it was; none where the issuer could not be asked.
    pub exchange: Option<Exchange>,
    /// How it has ended, or what keeps it from that.
    pub outcome: Result<End, FlowError>,
}

/// Brings the exchange of this card that is not finished to its end, if there is one. To be called when the card's own
/// open records are settled, as far as they can be. The purse is released at the end.
pub fn finish<T: Transport>(
    purse: &mut Client<T>,
    issuer: &mut (dyn ExchangeDesk + '_),
    time: Time,
) -> Option<Item> {
    let exchange = match issuer.open_exchange(purse.status().number) {
        Ok(open) => Some(open?),
        Err(error) => return Some(Item { exchange: None, outcome: Err(error.into()) }),
    };
    let ended = finish_in_phases(purse, issuer, time);
    purse.release();
    Some(Item { exchange, outcome: ended.transpose()? })
}

fn finish_in_phases<T: Transport>(
    purse: &mut Client<T>,
    issuer: &mut (dyn ExchangeDesk + '_),
    time: Time,
) -> Result<Option<End>, FlowError> {
    purse.release();
    let card = purse.status().number;
    if issuer.open_exchange(card)?.is_none() {
        return Ok(None);
    }
    // A load that is in the air is its own, or in the way of its own.
    if let Some(voucher) = issuer.unresolved_load(card)? {
        load::finish(purse, issuer, &voucher)?;
    }
    let Some(open) = issuer.open_exchange(card)? else { return Ok(Some(End::Done)) };
    match open.state {
        ExchangeState::Agreed => {
            if is_under_way(purse, &open)? {
                return Err(FlowError::Issuer(IssuerError::ExchangeUnfinished(card)).unknown(&open.unload));
            }
            issuer.end_exchange(card)?;
            Ok(Some(End::Cancelled))
        }
        ExchangeState::Converted => load_rest(purse, issuer, open.currency, open.amount, time).map(Some),
        ExchangeState::Loading | ExchangeState::Done | ExchangeState::Cancelled | ExchangeState::Kept => {
            Ok(None)
        }
    }
}

/// Whether the purse has debited the unload of this exchange, and the issuer has not had it yet.
fn is_under_way<T: Transport>(purse: &mut Client<T>, open: &Exchange) -> Result<bool, FlowError> {
    let failed = FlowError::card(Party::Purse);
    purse.reselect().map_err(failed)?;
    let records = purse.open_records().map_err(failed)?.records;
    purse.release();
    Ok(records.iter().any(|record| record.pay_details == open.unload))
}
