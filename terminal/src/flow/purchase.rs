//! Purchase (section 7): a purse pays a merchant SAM.

use apdu_spec::command::InitializeData;
use apdu_spec::element::{Amount, Currency, Kind, Role, Time};
use apdu_spec::pin::PinBlock;

use super::error::{FlowError, Party};
use super::{guard, handover};
use crate::client::Client;
use crate::transport::Transport;

pub use super::handover::Handover;

/// What is to be paid.
#[derive(Debug)]
pub struct Payment<'a> {
    /// Names the pocket.
    pub currency: Currency,
    /// Minor units, not 0.
    pub amount: Amount,
    /// The terminal's clock; expired cards are refused by it.
    pub time: Time,
    /// The holder's PIN, if it has been asked for: an amount above the limits without one is refused with 6982.
    pub pin: Option<&'a PinBlock>,
}

/// A purchase whose money the merchant has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// What was paid, with the payee's ack.
    pub handover: Handover,
    /// The purse has had the ack. Otherwise its record stays open until the next recovery or refund.
    pub acknowledged: bool,
}

/// SAM INITIALIZE, customer DEBIT, SAM CREDIT, and ACKNOWLEDGE if the customer's card is still there.
///
/// Both cards have been selected: the SAM at the start of its session, the purse when it came. Further purchases of
/// the same purse need no other SELECT, unless another program may have used it. Both are released at the end.
pub fn purchase<P: Transport, S: Transport>(
    purse: &mut Client<P>,
    sam: &mut Client<S>,
    payment: &Payment<'_>,
) -> Result<Receipt, FlowError> {
    let handover = sell(purse, sam, payment)?;
    // The merchant has the money; a card that has left hears of it at the next recovery.
    let acknowledged = purse.acknowledge(handover.pay_details.from_sequence, handover.ack).is_ok();
    purse.release();
    sam.release();
    Ok(Receipt { handover, acknowledged })
}

/// A purchase without the ACKNOWLEDGE: 1 APDU for the purse, 2 for the SAM. Both stay held for it, or for the next
/// purchase of the same tap; on an error they are released.
pub fn sell<P: Transport, S: Transport>(
    purse: &mut Client<P>,
    sam: &mut Client<S>,
    payment: &Payment<'_>,
) -> Result<Handover, FlowError> {
    let sold = sell_held(purse, sam, payment);
    if sold.is_err() {
        purse.release();
        sam.release();
    }
    sold
}

/// From INITIALIZE to CREDIT in one phase of both cards: VERIFY holds only in the session of its DEBIT.
fn sell_held<P: Transport, S: Transport>(
    purse: &mut Client<P>,
    sam: &mut Client<S>,
    payment: &Payment<'_>,
) -> Result<Handover, FlowError> {
    guard::role(purse.status(), Role::Purse)?;
    guard::role(sam.status(), Role::Merchant)?;
    guard::validity(purse.status(), payment.time)?;
    guard::validity(sam.status(), payment.time)?;
    handover::hold_both(sam, purse)?;
    if let Some(pin) = payment.pin {
        purse.verify(pin).map_err(FlowError::card(Party::Purse))?;
    }
    let payer = purse.status();
    let request = InitializeData {
        kind: Kind::Purchase,
        key_version: payer.key_version,
        currency: payment.currency,
        amount: payment.amount,
        from: payer.number,
        from_sequence: payer.sequence,
        time: payment.time,
    };
    let (pay_details, req) = sam.initialize(&request).map_err(FlowError::card(Party::Sam))?;
    handover::hand_over((purse, Party::Purse), (sam, Party::Sam), &pay_details, req, payment.pin)
}
