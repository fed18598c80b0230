//! One open payment comes to its one end (section 7): what its payee says of it, and the payer hears it.

use apdu_spec::command::Voucher;
use apdu_spec::cryptography::Authenticator;
use apdu_spec::element::{Kind, Role};
use apdu_spec::pay_details::PayDetails;

use super::desk::IssuerDesk;
use super::error::{FlowError, Party};
use super::unload::Delivered;
use super::{collection, handover, transfer, unload};
use crate::client::Client;
use crate::transport::Transport;

/// What became of one payment.
#[derive(Debug)]
pub enum Outcome {
    /// The payee has the value, and the payer knows.
    Settled,
    /// The payer has its value back.
    Reversed,
    /// The payee is not at hand: bring it, or ask the issuer to resolve the record.
    PayeeAbsent,
    /// Still open, for this reason. Where no repeat helps, the issuer resolves it.
    StillOpen(FlowError),
}

/// What a payee says of a payment.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    /// ack: it has the value.
    Credited(Authenticator),
    /// nack: it never will have it.
    Declined(Authenticator),
}

/// GET PROOF; CREDIT → ack → ACKNOWLEDGE, or DECLINE → nack → REVERSE. After a REVERSE the payer is selected again,
/// for only its status block says what it holds then. Both are held for all of it, and released at the end.
pub fn settle<A: Transport, B: Transport>(
    payer: &mut Client<A>,
    payee: &mut Client<B>,
    pay_details: &PayDetails,
) -> Result<Outcome, FlowError> {
    apart(payer, payee, |payer, payee| settle_held(payer, payee, pay_details))
}

/// Holds both cards for something that is done with both; then they part, and are released.
pub(super) fn apart<A: Transport, B: Transport, R>(
    payer: &mut Client<A>,
    payee: &mut Client<B>,
    together: impl FnOnce(&mut Client<A>, &mut Client<B>) -> Result<R, FlowError>,
) -> Result<R, FlowError> {
    let outcome = handover::hold_both(payee, payer).and_then(|()| together(payer, payee));
    payer.part();
    payee.part();
    payer.release();
    payee.release();
    outcome
}

/// The same with both held.
pub(super) fn settle_held<A: Transport, B: Transport>(
    payer: &mut Client<A>,
    payee: &mut Client<B>,
    pay_details: &PayDetails,
) -> Result<Outcome, FlowError> {
    let answer = hear(payer, payee, pay_details)?;
    tell(payer, pay_details, answer)
}

/// Purses must meet for a transfer. The record is open: whatever a card does not answer to leaves it so.
pub(super) fn meet<A: Transport, B: Transport>(
    payer: &mut Client<A>,
    payee: &mut Client<B>,
    pay_details: &PayDetails,
) -> Result<(), FlowError> {
    if pay_details.kind == Kind::Transfer {
        transfer::introduce_at_any_time(payer, payee).map_err(|error| error.in_doubt(pay_details))?;
    }
    Ok(())
}

/// What the payee says, of which the payer has not heard yet.
pub(super) fn hear<A: Transport, B: Transport>(
    payer: &mut Client<A>,
    payee: &mut Client<B>,
    pay_details: &PayDetails,
) -> Result<Answer, FlowError> {
    let of_payer = FlowError::card(Party::of(payer.status().role));
    let of_payee = FlowError::card(Party::of(payee.status().role));
    meet(payer, payee, pay_details)?;
    let voucher = payer.proof(pay_details).map_err(|error| of_payer(error).in_doubt(pay_details))?;
    match handover::credit(payee, &voucher) {
        Ok(ack) => Ok(Answer::Credited(ack)),
        Err(refusal) if refusal.may_have_happened() || refusal.is_away() => {
            Err(of_payee(refusal).in_doubt(pay_details))
        }
        Err(_) => {
            // A payee that has credited after all does not decline.
            let nack = payee.decline(&voucher).map_err(|error| of_payee(error).in_doubt(pay_details))?;
            Ok(Answer::Declined(nack))
        }
    }
}

/// The payer hears it.
pub(super) fn tell<T: Transport>(
    payer: &mut Client<T>,
    pay_details: &PayDetails,
    answer: Answer,
) -> Result<Outcome, FlowError> {
    let of_payer = FlowError::card(Party::of(payer.status().role));
    match answer {
        Answer::Credited(ack) => {
            let acknowledged = payer.acknowledge(pay_details.from_sequence, ack);
            acknowledged.map_err(|error| of_payer(error).in_doubt(pay_details))?;
            Ok(Outcome::Settled)
        }
        Answer::Declined(nack) => {
            let reversed = payer.reverse(pay_details.from_sequence, nack);
            reversed.map_err(|error| of_payer(error).in_doubt(pay_details))?;
            // Of the payment nothing is left to be said.
            payer.part();
            payer.reselect().map_err(of_payer)?;
            Ok(Outcome::Reversed)
        }
    }
}

/// The same with the issuer as payee. The payer is released while the issuer is asked.
pub(super) fn settle_with_issuer<T: Transport>(
    payer: &mut Client<T>,
    issuer: &mut (dyn IssuerDesk + '_),
    pay_details: &PayDetails,
    collections: &mut Vec<collection::Report>,
) -> Result<Outcome, FlowError> {
    let failed = FlowError::card(Party::of(payer.status().role));
    handover::hold(payer)?;
    let voucher: Voucher = payer.proof(pay_details).map_err(failed)?;
    let delivered = if (pay_details.kind, payer.status().role) == (Kind::Unload, Role::Merchant) {
        let (answer, records, submission) = collection::deliver(payer, issuer, &voucher)?;
        let collected = vec![answer.collected(*pay_details, false)];
        collections.push(collection::Report { records, submission, collected });
        Delivered::Credited(answer.ack)
    } else {
        payer.release();
        unload::deliver(issuer, &voucher)?
    };
    handover::hold_again(payer, pay_details)?;
    match delivered {
        Delivered::Credited(ack) => {
            let acknowledged = payer.acknowledge(pay_details.from_sequence, ack);
            acknowledged.map_err(|error| failed(error).in_doubt(pay_details))?;
            for collected in collections.iter_mut().flat_map(|report| &mut report.collected) {
                collected.acknowledged |= collected.pay_details == *pay_details;
            }
            Ok(Outcome::Settled)
        }
        Delivered::Declined(nack, _) => {
            let reversed = payer.reverse(pay_details.from_sequence, nack);
            reversed.map_err(|error| failed(error).in_doubt(pay_details))?;
            payer.reselect().map_err(failed)?;
            Ok(Outcome::Reversed)
        }
    }
}
