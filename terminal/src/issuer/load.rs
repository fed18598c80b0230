//! Loads: the issuer pays a card (section 7 "Load" and "Loads outside the window").

use apdu_spec::command::{Proof, Voucher};
use apdu_spec::cryptography::{Authenticator, Engine, Tac};
use apdu_spec::element::{Amount, Kind, Sequence};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;

use super::Issuer;
use super::authority::Authority;
use super::error::{IssuerError, Message};
use super::exchange;
use super::ledger::post;
use super::model::{Card, CardState, LedgerAccount, Reason, Transfer, TransferState};
use super::registration::{account_exists, sufficient};
use super::store::{Store, Tables};

impl<S: Store, E: Engine> Issuer<S, E> {
    /// Debits the account and gives val for this PD; TAC is zero. The same PD has the same val for ever, whatever
    /// became of it: the card knows whether it still takes it. Another PD is refused until this one is resolved.
    pub fn load(
        &mut self,
        pay_details: &PayDetails,
        req: Authenticator,
        account: &str,
    ) -> Result<Proof, IssuerError> {
        let Self { store, authority } = self;
        store.step(|tables| {
            let card = payee(tables, authority, pay_details)?;
            let mut session = authority.session(&card, pay_details)?;
            if session.req() != req {
                return Err(IssuerError::Authentication(Message::Req));
            }
            let given = tables.transfer(card.number, pay_details.from_sequence, Kind::Load)?;
            if given.is_none_or(|given| given.pay_details != *pay_details) {
                debit(tables, &card, pay_details, account)?;
            }
            Ok(Proof { val: session.val(Tac::NONE), tac: Tac::NONE })
        })
    }

    /// The load of this card that has neither ack nor nack, with its val, so that any terminal can finish what
    /// another began. It was given against req: to give it again tells nobody anything new.
    pub fn unresolved_load(&self, card: PartyNumber) -> Result<Option<Voucher>, IssuerError> {
        self.store.view(|tables| {
            let card = tables.card(card)?.ok_or(IssuerError::UnknownCard(card))?;
            let last = tables.last_load(card.number)?;
            last.filter(|load| load.state == TransferState::Given)
                .map(|Transfer { pay_details, .. }| {
                    let val = self.authority.session(&card, &pay_details)?.val(Tac::NONE);
                    Ok(Voucher { pay_details, val, tac: Tac::NONE })
                })
                .transpose()
        })
    }

    /// The card has credited the load of this sequence. Again, and late: welcome.
    pub fn load_acknowledged(
        &mut self,
        card: PartyNumber,
        sequence: Sequence,
        ack: Authenticator,
    ) -> Result<(), IssuerError> {
        let Self { store, authority } = self;
        store.step(|tables| {
            let (card, mut load) = given(tables, card, sequence)?;
            if authority.session(&card, &load.pay_details)?.ack() != ack {
                return Err(IssuerError::Authentication(Message::Ack));
            }
            match load.state {
                TransferState::Given => {
                    load.state = TransferState::Acknowledged;
                    tables.put_transfer(&load)?;
                    exchange::load_resolved(tables, &card, sequence, true)
                }
                TransferState::Declined => Err(IssuerError::LoadDeclined),
                TransferState::Acknowledged | TransferState::Credited | TransferState::Waiting => Ok(()),
            }
        })
    }

    /// The card never credits the load of this sequence: the account has its money back, once.
    pub fn load_declined(
        &mut self,
        card: PartyNumber,
        sequence: Sequence,
        nack: Authenticator,
    ) -> Result<(), IssuerError> {
        let Self { store, authority } = self;
        store.step(|tables| {
            let (card, mut load) = given(tables, card, sequence)?;
            let PayDetails { currency, amount, .. } = load.pay_details;
            if authority.session(&card, &load.pay_details)?.nack() != nack {
                return Err(IssuerError::Authentication(Message::Nack));
            }
            match load.state {
                TransferState::Given => {
                    load.state = TransferState::Declined;
                    tables.put_transfer(&load)?;
                    let amount = i64::from(amount.0);
                    exchange::load_resolved(tables, &card, sequence, false)?;
                    let account = LedgerAccount::Holder(load.account);
                    let changes = [(account, amount), (LedgerAccount::Float, -amount)];
                    post(tables, Reason::LoadDeclined, Some(&load.pay_details), currency, &changes)
                }
                TransferState::Acknowledged => Err(IssuerError::LoadAcknowledged),
                TransferState::Declined | TransferState::Credited | TransferState::Waiting => Ok(()),
            }
        })
    }
}

/// The card that PD loads, if PD is a load of this issuer.
fn payee<E: Engine>(
    tables: &dyn Tables,
    authority: &Authority<E>,
    pay_details: &PayDetails,
) -> Result<Card, IssuerError> {
    if pay_details.kind != Kind::Load || pay_details.from != authority.number() {
        return Err(IssuerError::PayDetails("not a load by this issuer"));
    }
    if pay_details.from_sequence != pay_details.to_sequence {
        return Err(IssuerError::PayDetails("the issuer's sequence is not the card's"));
    }
    if pay_details.amount == Amount::ZERO {
        return Err(IssuerError::PayDetails("a load of nothing"));
    }
    let card = tables.card(pay_details.to)?.ok_or(IssuerError::UnknownCard(pay_details.to))?;
    if pay_details.key_version != card.key_version {
        return Err(IssuerError::PayDetails("not the card's key version"));
    }
    Ok(card)
}

/// Moves the amount of a new load from the account into the float.
fn debit(
    tables: &mut dyn Tables,
    card: &Card,
    pay_details: &PayDetails,
    account: &str,
) -> Result<(), IssuerError> {
    let (sequence, amount) = (pay_details.from_sequence, i64::from(pay_details.amount.0));
    no_load_unresolved(tables, card.number)?;
    if let Some(last) = tables.last_load(card.number)?
        && last.sequence() >= sequence
    {
        return Err(IssuerError::LoadSequence { card: card.number, sequence, last: last.sequence() });
    }
    if card.state != CardState::Active {
        return Err(IssuerError::CardState { card: card.number, state: card.state });
    }
    account_exists(tables, account, pay_details.currency)?;
    sufficient(tables, account, pay_details.currency, amount)?;
    tables.put_transfer(&Transfer {
        pay_details: *pay_details,
        tac: Tac::NONE,
        account: account.to_owned(),
        state: TransferState::Given,
        credited: Amount::ZERO,
        withheld: Amount::ZERO,
    })?;
    let changes = [(LedgerAccount::Holder(account.to_owned()), -amount), (LedgerAccount::Float, amount)];
    post(tables, Reason::Load, Some(pay_details), pay_details.currency, &changes)?;
    exchange::load_given(tables, card, pay_details, account)
}

/// No load of this card is without ack and nack. Only its last can be: the next one waits for that.
pub(super) fn no_load_unresolved(tables: &dyn Tables, card: PartyNumber) -> Result<(), IssuerError> {
    match tables.last_load(card)? {
        Some(load) if load.state == TransferState::Given => {
            Err(IssuerError::LoadUnresolved { card, sequence: load.sequence() })
        }
        _ => Ok(()),
    }
}

fn given(
    tables: &dyn Tables,
    number: PartyNumber,
    sequence: Sequence,
) -> Result<(Card, Transfer), IssuerError> {
    let card = tables.card(number)?.ok_or(IssuerError::UnknownCard(number))?;
    match tables.transfer(number, sequence, Kind::Load)? {
        Some(load) => Ok((card, load)),
        None => Err(IssuerError::UnknownLoad { card: number, sequence }),
    }
}
