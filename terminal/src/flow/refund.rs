//! Refund (section 7): a merchant SAM pays a purse back, against a purchase in the purse's own log.

use apdu_spec::command::InitializeData;
use apdu_spec::element::{Amount, Currency, Kind, Role, Time};
use apdu_spec::pin::PinBlock;

use super::error::{FlowError, Party};
use super::purchase::Receipt;
use super::{guard, handover, settlement};
use crate::client::Client;
use crate::transport::Transport;

/// What is to be paid back.
#[derive(Debug)]
pub struct Refund<'a> {
    /// Names the pocket.
    pub currency: Currency,
    /// Minor units, not 0, at most those of a settled purchase from this SAM that has not been refunded.
    pub amount: Amount,
    /// The terminal's clock; expired cards are refused by it.
    pub time: Time,
    /// The SAM's operator's.
    pub operator_pin: &'a PinBlock,
}

/// Open purchases of this purse from this SAM are settled first; then SAM SELECT and VERIFY, purse INITIALIZE, SAM DEBIT,
/// purse CREDIT, SAM ACKNOWLEDGE. Both cards are held for all of it, and released at the end.
pub fn refund<P: Transport, S: Transport>(
    purse: &mut Client<P>,
    sam: &mut Client<S>,
    refund: &Refund<'_>,
) -> Result<Receipt, FlowError> {
    let refunded = refund_held(purse, sam, refund);
    purse.release();
    sam.release();
    refunded
}

fn refund_held<P: Transport, S: Transport>(
    purse: &mut Client<P>,
    sam: &mut Client<S>,
    refund: &Refund<'_>,
) -> Result<Receipt, FlowError> {
    let of_purse = FlowError::card(Party::Purse);
    let of_sam = FlowError::card(Party::Sam);
    guard::role(purse.status(), Role::Purse)?;
    guard::role(sam.status(), Role::Merchant)?;
    guard::validity(purse.status(), refund.time)?;
    guard::validity(sam.status(), refund.time)?;
    handover::hold_both(sam, purse)?;
    for record in purse.open_records().map_err(of_purse)?.records {
        if record.pay_details.to == sam.status().number {
            // One that cannot be settled now is not the purchase that is paid back, or INITIALIZE says so. A purse
            // that did not answer to its last SELECT is not held, and nothing is sent to it.
            let _ =
                handover::hold(purse).and_then(|()| settlement::settle_held(purse, sam, &record.pay_details));
        }
    }
    // One that could not be reached in this is not held any more.
    handover::hold_both(sam, purse)?;
    sam.reselect().map_err(of_sam)?;
    sam.verify(refund.operator_pin).map_err(of_sam)?;
    let payer = sam.status();
    let request = InitializeData {
        kind: Kind::Refund,
        key_version: purse.status().key_version,
        currency: refund.currency,
        amount: refund.amount,
        from: payer.number,
        from_sequence: payer.sequence,
        time: refund.time,
    };
    let (pay_details, req) = purse.initialize(&request).map_err(of_purse)?;
    let pin = Some(refund.operator_pin);
    let handover = handover::hand_over((sam, Party::Sam), (purse, Party::Purse), &pay_details, req, pin)?;
    // The holder has the money; a SAM that has not heard of it hears of it at the next recovery.
    let acknowledged = sam.acknowledge(pay_details.from_sequence, handover.ack).is_ok();
    Ok(Receipt { handover, acknowledged })
}
