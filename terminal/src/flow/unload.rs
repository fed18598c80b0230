//! Unload (section 7): a purse pays the issuer.

use apdu_spec::command::Voucher;
use apdu_spec::cryptography::Authenticator;
use apdu_spec::element::{Amount, Currency, Role, Time};
use apdu_spec::pay_details::PayDetails;

use super::desk::IssuerDesk;
use super::error::{FlowError, Party};
use super::{guard, handover};
use crate::client::Client;
use crate::issuer::{IssuerError, UnloadRequest, Unloaded};
use crate::transport::Transport;

/// What is to be unloaded.
#[derive(Clone, Copy, Debug)]
pub struct Unload {
    /// Names the pocket.
    pub currency: Currency,
    /// Minor units, not 0.
    pub amount: Amount,
    /// The terminal's clock. An expired purse gives its money back all the same.
    pub time: Time,
}

/// An unload that the account was credited with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// What was unloaded.
    pub pay_details: PayDetails,
    /// The purse has had the ack. Otherwise the next recovery brings it.
    pub acknowledged: bool,
}

/// The issuer's req, DEBIT, val to the issuer, ACKNOWLEDGE. The purse is released while the issuer is asked, and at the
/// end.
pub fn unload<T: Transport>(
    purse: &mut Client<T>,
    issuer: &mut (dyn IssuerDesk + '_),
    unload: &Unload,
) -> Result<Receipt, FlowError> {
    let unloaded = unload_in_phases(purse, issuer, unload);
    purse.release();
    unloaded
}

fn unload_in_phases<T: Transport>(
    purse: &mut Client<T>,
    issuer: &mut (dyn IssuerDesk + '_),
    unload: &Unload,
) -> Result<Receipt, FlowError> {
    guard::role(purse.status(), Role::Purse)?;
    let Unload { currency, amount, time } = *unload;
    purse.release();
    let payer = purse.status();
    let asked = issuer.unload_request(payer.number, currency, amount, payer.sequence, time)?;
    unload_as_asked(purse, issuer, &asked)
}

/// From DEBIT on.
pub(super) fn unload_as_asked<T: Transport>(
    purse: &mut Client<T>,
    issuer: &mut (dyn IssuerDesk + '_),
    asked: &UnloadRequest,
) -> Result<Receipt, FlowError> {
    let party = guard::role(purse.status(), Role::Purse)?;
    handover::hold(purse)?;
    let voucher = handover::debit(purse, party, &asked.pay_details, asked.req, None)?;
    purse.release();
    match deliver(issuer, &voucher) {
        Ok(Delivered::Credited(ack)) => {
            // The account has the money; a card that has left hears of it at the next recovery.
            let acknowledged = handover::acknowledge(purse, &asked.pay_details, ack);
            Ok(Receipt { pay_details: asked.pay_details, acknowledged })
        }
        Ok(Delivered::Declined(nack, refusal)) => {
            let refusal = FlowError::Issuer(refusal);
            handover::hold_again(purse, &asked.pay_details)?;
            match handover::reverse(purse, &asked.pay_details, nack) {
                Ok(()) => Err(refusal),
                Err(error) => Err(FlowError::card(Party::Purse)(error).unknown(&asked.pay_details)),
            }
        }
        Err(error) => Err(FlowError::Issuer(error).unknown(&asked.pay_details)),
    }
}

/// The issuer's word about a val.
pub(super) enum Delivered {
    Credited(Authenticator),
    /// With the reason that it was not credited for.
    Declined(Authenticator, IssuerError),
}

/// Val to the issuer: it credits, or it declines for ever, or (an error) neither is known or possible.
pub(super) fn deliver(
    issuer: &mut (dyn IssuerDesk + '_),
    voucher: &Voucher,
) -> Result<Delivered, IssuerError> {
    match issuer.unload(voucher) {
        Ok(Unloaded::Credited { ack, .. }) => Ok(Delivered::Credited(ack)),
        // Not of a purse's unload.
        Ok(Unloaded::RecordsMissing { .. } | Unloaded::ChainDoesNotFit) => {
            Err(IssuerError::CollectionDecline)
        }
        Err(error @ (IssuerError::Store(_) | IssuerError::Unanswered(_))) => Err(error),
        Err(refusal) => {
            let nack = issuer.decline_unload(voucher)?;
            Ok(Delivered::Declined(nack, refusal))
        }
    }
}
