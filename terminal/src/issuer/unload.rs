//! Unloads: a card pays the issuer (section 7 "Unload"); a merchant SAM's goes on as a collection.

use apdu_spec::command::Voucher;
use apdu_spec::cryptography::{Authenticator, Engine, Tac};
use apdu_spec::element::{Amount, Currency, Kind, Role, Sequence, Time};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;

use super::Issuer;
use super::authority::Authority;
use super::collection;
use super::error::{IssuerError, Message};
use super::exchange;
use super::ledger::post;
use super::model::{Card, DebitState, LedgerAccount, Reason, Transfer, TransferState};
use super::registration::account_exists;
use super::resolve::certify;
use super::store::{Store, Tables};

/// The issuer as payee: what INITIALIZE would answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnloadRequest {
    /// PD with the issuer as payee, its sequence the card's.
    pub pay_details: PayDetails,
    /// The issuer asks for it.
    pub req: Authenticator,
}

/// What became of an unload's val.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unloaded {
    /// Credited, now or before.
    Credited {
        /// For the card's ACKNOWLEDGE.
        ack: Authenticator,
        /// Minor units that the account got.
        credited: Amount,
        /// Minor units that a collection could not account for.
        withheld: Amount,
    },
    /// A collection whose val is good and recorded; records are missing. Submit them, then ask again.
    RecordsMissing {
        /// The first that is missing.
        first: Sequence,
    },
    /// A collection whose val is good and recorded; the records submitted are not the SAM's. Submit the right
    /// ones, then ask again.
    ChainDoesNotFit,
}

impl<S: Store, E: Engine> Issuer<S, E> {
    /// Forms PD and req for an unload of a purse (above 0), or for a collection of exactly the balance of a SAM's
    /// pocket (0 allowed). Nothing is recorded: PD says it all.
    pub fn unload_request(
        &self,
        card: PartyNumber,
        currency: Currency,
        amount: Amount,
        sequence: Sequence,
        time: Time,
    ) -> Result<UnloadRequest, IssuerError> {
        self.store.view(|tables| request(tables, &self.authority, card, currency, amount, sequence, time))
    }

    /// CREDIT in the issuer: verifies val and TAC, credits the card's account once, gives ack. A collection is
    /// credited only when the records submitted fit its chain.
    pub fn unload(&mut self, voucher: &Voucher) -> Result<Unloaded, IssuerError> {
        let Self { store, authority } = self;
        store.step(|tables| {
            let card = debited(tables, authority, voucher)?;
            match card.role {
                Role::Merchant => collection::collect(tables, authority, card, voucher).map(Ok),
                Role::Purse => {
                    genuine(authority, &card, voucher)?;
                    // The proof of a fork stays recorded, although this unload is refused.
                    certify(tables, &voucher.pay_details, voucher.tac, DebitState::Verified)?;
                    IssuerError::keeping_evidence(credit(tables, authority, &card, voucher))
                }
            }
        })?
    }

    /// DECLINE in the issuer: records that this unload is never credited, then gives nack. Never of a
    /// collection.
    pub fn decline_unload(&mut self, voucher: &Voucher) -> Result<Authenticator, IssuerError> {
        let Self { store, authority } = self;
        store.step(|tables| {
            let card = debited(tables, authority, voucher)?;
            if card.role == Role::Merchant {
                return Err(IssuerError::CollectionDecline);
            }
            genuine(authority, &card, voucher)?;
            certify(tables, &voucher.pay_details, voucher.tac, DebitState::Verified)?;
            let declined = decline(tables, &card, &voucher.pay_details, voucher.tac);
            IssuerError::keeping_evidence(declined.and_then(|state| match state {
                TransferState::Declined => Ok(authority.session(&card, &voucher.pay_details)?.nack()),
                _ => Err(IssuerError::UnloadCredited),
            }))
        })?
    }
}

/// PD and req.
pub(super) fn request<E: Engine>(
    tables: &dyn Tables,
    authority: &Authority<E>,
    card: PartyNumber,
    currency: Currency,
    amount: Amount,
    sequence: Sequence,
    time: Time,
) -> Result<UnloadRequest, IssuerError> {
    let card = tables.card(card)?.ok_or(IssuerError::UnknownCard(card))?;
    let pay_details = PayDetails {
        kind: Kind::Unload,
        key_version: card.key_version,
        currency,
        amount,
        from: card.number,
        from_sequence: sequence,
        to: authority.number(),
        to_sequence: sequence,
        time,
    };
    payer(tables, authority, &pay_details)?;
    account_exists(tables, &card.account, currency)?;
    if let Some(known) = tables.transfer(card.number, sequence, Kind::Unload)?
        && known.pay_details != pay_details
        && known.state != TransferState::Waiting
    {
        return Err(IssuerError::OtherUnload { card: card.number, sequence });
    }
    let req = authority.session(&card, &pay_details)?.req();
    Ok(UnloadRequest { pay_details, req })
}

/// The card that PD unloads, if PD is an unload to this issuer.
fn payer<E: Engine>(
    tables: &dyn Tables,
    authority: &Authority<E>,
    pay_details: &PayDetails,
) -> Result<Card, IssuerError> {
    if pay_details.kind != Kind::Unload || pay_details.to != authority.number() {
        return Err(IssuerError::PayDetails("not an unload to this issuer"));
    }
    if pay_details.from_sequence != pay_details.to_sequence {
        return Err(IssuerError::PayDetails("the issuer's sequence is not the card's"));
    }
    let card = tables.card(pay_details.from)?.ok_or(IssuerError::UnknownCard(pay_details.from))?;
    if pay_details.key_version != card.key_version {
        return Err(IssuerError::PayDetails("not the card's key version"));
    }
    if pay_details.amount == Amount::ZERO && card.role == Role::Purse {
        return Err(IssuerError::PayDetails("an unload of nothing"));
    }
    Ok(card)
}

/// The card whose val this is.
fn debited<E: Engine>(
    tables: &dyn Tables,
    authority: &Authority<E>,
    voucher: &Voucher,
) -> Result<Card, IssuerError> {
    let card = payer(tables, authority, &voucher.pay_details)?;
    account_exists(tables, &card.account, voucher.pay_details.currency)?;
    if authority.session(&card, &voucher.pay_details)?.val(voucher.tac) == voucher.val {
        Ok(card)
    } else {
        Err(IssuerError::Authentication(Message::Val))
    }
}

fn genuine<E: Engine>(authority: &Authority<E>, card: &Card, voucher: &Voucher) -> Result<(), IssuerError> {
    if authority.is_genuine(card, &voucher.pay_details, voucher.tac)? {
        Ok(())
    } else {
        Err(IssuerError::Authentication(Message::Tac))
    }
}

fn credit<E: Engine>(
    tables: &mut dyn Tables,
    authority: &Authority<E>,
    card: &Card,
    voucher: &Voucher,
) -> Result<Unloaded, IssuerError> {
    let Voucher { pay_details, tac, .. } = voucher;
    match known(tables, card, pay_details)? {
        Some(TransferState::Declined) => return Err(IssuerError::UnloadDeclined),
        Some(_) => {}
        None => {
            let (currency, amount) = (pay_details.currency, i64::from(pay_details.amount.0));
            tables.put_transfer(&Transfer {
                pay_details: *pay_details,
                tac: *tac,
                account: card.account.clone(),
                state: TransferState::Credited,
                credited: pay_details.amount,
                withheld: Amount::ZERO,
            })?;
            let account = LedgerAccount::Holder(card.account.clone());
            let changes = [(LedgerAccount::Float, -amount), (account, amount)];
            post(tables, Reason::Unload, Some(pay_details), currency, &changes)?;
            exchange::unloaded(tables, card, pay_details)?;
        }
    }
    Ok(Unloaded::Credited {
        ack: authority.session(card, pay_details)?.ack(),
        credited: pay_details.amount,
        withheld: Amount::ZERO,
    })
}

/// Records that a purse's unload is never credited, unless it was; the state it has now.
pub(super) fn decline(
    tables: &mut dyn Tables,
    card: &Card,
    pay_details: &PayDetails,
    tac: Tac,
) -> Result<TransferState, IssuerError> {
    if let Some(state) = known(tables, card, pay_details)? {
        return Ok(state);
    }
    tables.put_transfer(&Transfer {
        pay_details: *pay_details,
        tac,
        account: card.account.clone(),
        state: TransferState::Declined,
        credited: Amount::ZERO,
        withheld: Amount::ZERO,
    })?;
    exchange::declined(tables, card, pay_details)?;
    Ok(TransferState::Declined)
}

/// What is on the books under this card and sequence: nothing, this very unload, or, an error, another one.
fn known(
    tables: &dyn Tables,
    card: &Card,
    pay_details: &PayDetails,
) -> Result<Option<TransferState>, IssuerError> {
    let sequence = pay_details.from_sequence;
    match tables.transfer(card.number, sequence, Kind::Unload)? {
        None => Ok(None),
        Some(known) if known.pay_details == *pay_details => Ok(Some(known.state)),
        Some(_) => Err(IssuerError::OtherUnload { card: card.number, sequence }),
    }
}
