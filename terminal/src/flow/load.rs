//! Load (section 7): the issuer pays a purse or a merchant SAM.

use apdu_spec::command::{InitializeData, Voucher};
use apdu_spec::element::{Amount, Currency, Kind, Time};
use apdu_spec::pay_details::PayDetails;

use super::desk::IssuerDesk;
use super::error::{FlowError, Party};
use super::{guard, handover};
use crate::client::Client;
use crate::issuer::IssuerError;
use crate::transport::Transport;

/// What is to be loaded.
#[derive(Clone, Copy, Debug)]
pub struct Load<'a> {
    /// Name of the account that pays.
    pub account: &'a str,
    /// Names the pocket.
    pub currency: Currency,
    /// Minor units, not 0.
    pub amount: Amount,
    /// The terminal's clock; an expired card is refused by it.
    pub time: Time,
}

/// A load that the card has credited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// What was loaded.
    pub pay_details: PayDetails,
    /// The issuer has had the ack. Otherwise the next recovery brings it.
    pub acknowledged: bool,
}

/// What became of a load that was in the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// The card has it.
    Credited,
    /// The card never takes it; the account has its money back.
    Declined,
}

/// INITIALIZE, the issuer's val, CREDIT, and the ack to the issuer. A load of this card that is not resolved yet is
/// finished first. The card is released while the issuer is asked, and at the end.
pub fn load<T: Transport>(
    card: &mut Client<T>,
    issuer: &mut (dyn IssuerDesk + '_),
    load: &Load<'_>,
) -> Result<Receipt, FlowError> {
    let loaded = load_in_phases(card, issuer, load);
    card.release();
    loaded
}

fn load_in_phases<T: Transport>(
    card: &mut Client<T>,
    issuer: &mut (dyn IssuerDesk + '_),
    load: &Load<'_>,
) -> Result<Receipt, FlowError> {
    let party = guard::any_role(card.status())?;
    guard::validity(card.status(), load.time)?;
    card.release();
    if let Some(voucher) = issuer.unresolved_load(card.status().number)? {
        finish(card, issuer, &voucher)?;
    }
    let from = issuer.number();
    handover::hold(card)?;
    let payee = card.status();
    let request = InitializeData {
        kind: Kind::Load,
        key_version: payee.key_version,
        currency: load.currency,
        amount: load.amount,
        from,
        from_sequence: payee.sequence,
        time: load.time,
    };
    let (pay_details, req) = card.initialize(&request).map_err(FlowError::card(party))?;
    card.release();
    let proof = issuer.load(&pay_details, req, load.account).map_err(|error| match error {
        IssuerError::Unanswered(_) => FlowError::from(error).unknown(&pay_details),
        refusal => refusal.into(),
    })?;
    let voucher = Voucher { pay_details, val: proof.val, tac: proof.tac };
    credit(card, issuer, &voucher)
}

/// Brings an unresolved load to its end: CREDIT, else DECLINE, and the card's word to the issuer. The card is released
/// at the end.
pub fn finish<T: Transport>(
    card: &mut Client<T>,
    issuer: &mut (dyn IssuerDesk + '_),
    voucher: &Voucher,
) -> Result<Finished, FlowError> {
    let finished = finish_in_phases(card, issuer, voucher);
    card.release();
    finished
}

fn finish_in_phases<T: Transport>(
    card: &mut Client<T>,
    issuer: &mut (dyn IssuerDesk + '_),
    voucher: &Voucher,
) -> Result<Finished, FlowError> {
    let party = guard::any_role(card.status())?;
    match credit(card, issuer, voucher) {
        Ok(Receipt { acknowledged: true, .. }) => Ok(Finished::Credited),
        // Told again, so that its reason is known. The card has credited; until the issuer knows, this load is open.
        Ok(Receipt { acknowledged: false, pay_details }) => {
            let in_the_air = |error: FlowError| error.unknown(&pay_details);
            handover::hold_again(card, &pay_details)?;
            let credited = handover::credit(card, voucher).map_err(FlowError::card(party));
            let ack = credited.map_err(in_the_air)?;
            card.release();
            let told = issuer.load_acknowledged(pay_details.to, pay_details.to_sequence, ack);
            told.map_err(|error| in_the_air(error.into()))?;
            Ok(Finished::Credited)
        }
        Err(FlowError::OutcomeUnknown { pay_details, source }) => {
            Err(FlowError::OutcomeUnknown { pay_details, source })
        }
        Err(_) => Ok(Finished::Declined),
    }
}

/// CREDIT and ack to the issuer. A card that refuses declines, and the account has its money back: that error is
/// certain. Nothing is sent to a card that is another one by now, or cannot be held: the value stays in the air.
fn credit<T: Transport>(
    card: &mut Client<T>,
    issuer: &mut (dyn IssuerDesk + '_),
    voucher: &Voucher,
) -> Result<Receipt, FlowError> {
    let PayDetails { to, to_sequence, .. } = voucher.pay_details;
    handover::hold_again(card, &voucher.pay_details)?;
    match handover::credit(card, voucher) {
        Ok(ack) => {
            card.release();
            let acknowledged = issuer.load_acknowledged(to, to_sequence, ack).is_ok();
            Ok(Receipt { pay_details: voucher.pay_details, acknowledged })
        }
        Err(refusal) => {
            let certain = !refusal.may_have_happened();
            let refusal = FlowError::card(Party::of(card.status().role))(refusal);
            let nack = if certain { handover::decline(card, voucher).ok() } else { None };
            card.release();
            let taken_back = nack.is_some_and(|nack| issuer.load_declined(to, to_sequence, nack).is_ok());
            if taken_back { Err(refusal) } else { Err(refusal.unknown(&voucher.pay_details)) }
        }
    }
}
