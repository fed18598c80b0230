//! Resolution: the issuer closes an open debit in the payee's place (section 7 "Recovery").

use apdu_spec::cryptography::{Engine, Tac};
use apdu_spec::element::{Kind, Role};
use apdu_spec::number::PartyNumber;
use apdu_spec::parameter::{Parameter, Resolution};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::{LogRecord, RecordRole, RecordState};

use super::Issuer;
use super::authority::Authority;
use super::error::{IssuerError, Message, Refusal};
use super::ledger::post;
use super::model::{Card, Debit, DebitState, LedgerAccount, Reason, TransferState};
use super::script::{SignedScript, same_or_next};
use super::store::{Store, Tables};
use super::unload::decline;

/// What to do with a refund or transfer that is still open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unsettleable {
    /// Refuse: its payee may still take it.
    Refuse,
    /// The operator knows that the payee is gone for good: close it as settled, and book its amount as unclaimed.
    BookAsUnclaimed,
}

impl<S: Store, E: Engine> Issuer<S, E> {
    /// Signs how `card` closes its open payer record. Asked again it says the same, with the same counter as long
    /// as the card was given no later script.
    pub fn resolve(
        &mut self,
        card: PartyNumber,
        record: &LogRecord,
        unsettleable: Unsettleable,
    ) -> Result<SignedScript, IssuerError> {
        let Self { store, authority } = self;
        store.step(|tables| {
            let card = tables.card(card)?.ok_or(IssuerError::UnknownCard(card))?;
            let LogRecord { pay_details, role, state, tac, .. } = *record;
            if role != RecordRole::Payer || state != RecordState::Open || pay_details.from != card.number {
                return Err(Refusal::NotOpen.into());
            }
            let is_collection = pay_details.kind == Kind::Unload && card.role == Role::Merchant;
            // A collection's TAC covers the chain: it has been verified exactly if it was credited.
            if !is_collection {
                if !card.role.pays(pay_details.kind) || !authority.is_genuine(&card, &pay_details, tac)? {
                    return Err(IssuerError::Authentication(Message::Tac));
                }
                certify(tables, &pay_details, tac, DebitState::Verified)?;
            }
            let decided = match pay_details.kind {
                Kind::Load => Err(IssuerError::from(Refusal::NotOpen)),
                Kind::Unload if is_collection => collection(tables, &card, &pay_details, tac),
                Kind::Unload => unload(tables, authority, &card, &pay_details, tac),
                Kind::Purchase => purchase(tables, &pay_details, tac),
                Kind::Refund | Kind::Transfer => close(tables, &pay_details, tac, unsettleable),
            };
            let signed = decided.and_then(|resolution| {
                let parameter = Parameter::Resolve { sequence: pay_details.from_sequence, tac, resolution };
                same_or_next(tables, authority, card, &parameter)
            });
            IssuerError::keeping_evidence(signed)
        })?
    }
}

fn collection(
    tables: &dyn Tables,
    sam: &Card,
    pay_details: &PayDetails,
    tac: Tac,
) -> Result<Resolution, IssuerError> {
    match tables.transfer(sam.number, pay_details.from_sequence, Kind::Unload)? {
        Some(known)
            if known.state == TransferState::Credited
                && known.pay_details == *pay_details
                && known.tac == tac =>
        {
            Ok(Resolution::Settled)
        }
        _ => Err(Refusal::DeliverCollection.into()),
    }
}

/// From the issuer's own books; one that it never saw is recorded as declined before it is signed so.
fn unload<E: Engine>(
    tables: &mut dyn Tables,
    authority: &Authority<E>,
    card: &Card,
    pay_details: &PayDetails,
    tac: Tac,
) -> Result<Resolution, IssuerError> {
    if pay_details.to != authority.number() {
        return Err(IssuerError::PayDetails("not an unload to this issuer"));
    }
    Ok(match decline(tables, card, pay_details, tac)? {
        TransferState::Declined => Resolution::Reversed,
        _ => Resolution::Settled,
    })
}

/// A collection whose chain fits says whether the SAM has it; a SAM that was never issued has nothing.
fn purchase(tables: &mut dyn Tables, pay_details: &PayDetails, tac: Tac) -> Result<Resolution, IssuerError> {
    let reversed = tables.debit(pay_details)?.is_some_and(|debit| debit.state == DebitState::Reversed);
    let sam = tables.card(pay_details.to)?.filter(|card| card.role == Role::Merchant);
    if let Some(sam) = sam
        && !reversed
    {
        let sequence = pay_details.to_sequence;
        if sam.passed <= sequence {
            return Err(Refusal::CollectFirst { sam: sam.number, passed: sam.passed, sequence }.into());
        }
        let credited = tables
            .record(sam.number, sequence)?
            .is_some_and(|record| record.role == RecordRole::Payee && record.pay_details == *pay_details);
        if credited {
            return Ok(Resolution::Settled);
        }
    }
    // Before it is signed: from now on this TAC is worth nothing to any SAM.
    certify(tables, pay_details, tac, DebitState::Reversed)?;
    Ok(Resolution::Reversed)
}

fn close(
    tables: &mut dyn Tables,
    pay_details: &PayDetails,
    tac: Tac,
    unsettleable: Unsettleable,
) -> Result<Resolution, IssuerError> {
    match tables.debit(pay_details)?.map(|debit| debit.state) {
        Some(DebitState::Unclaimed) => return Ok(Resolution::Settled),
        // The chain has the SAM's reversal of it.
        Some(DebitState::Reversed) => return Err(Refusal::NotOpen.into()),
        Some(DebitState::Verified | DebitState::Collected) | None => {}
    }
    if unsettleable == Unsettleable::Refuse {
        return Err(Refusal::DeliverOrUnclaimed.into());
    }
    certify(tables, pay_details, tac, DebitState::Unclaimed)?;
    let amount = i64::from(pay_details.amount.0);
    let changes = [(LedgerAccount::Float, -amount), (LedgerAccount::Unclaimed, amount)];
    post(tables, Reason::Unclaimed, Some(pay_details), pay_details.currency, &changes)?;
    Ok(Resolution::Settled)
}

/// Records a debit whose TAC has been verified. That it is good is no news for one of which more is known.
pub(super) fn certify(
    tables: &mut dyn Tables,
    pay_details: &PayDetails,
    tac: Tac,
    state: DebitState,
) -> Result<(), IssuerError> {
    if state == DebitState::Verified && tables.debit(pay_details)?.is_some() {
        return Ok(());
    }
    Ok(tables.put_debit(&Debit { pay_details: *pay_details, tac, state })?)
}
