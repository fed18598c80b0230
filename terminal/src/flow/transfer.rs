//! Transfer (section 8): a purse pays a purse, without the issuer and without a merchant.

use apdu_spec::certificate::Certificate;
use apdu_spec::command::InitializeData;
use apdu_spec::element::{Amount, Currency, KeyVersion, Kind, Role, Time};
use apdu_spec::pin::PinBlock;

use super::error::{FlowError, Party};
use super::purchase::Receipt;
use super::{guard, handover};
use crate::client::Client;
use crate::transport::Transport;

/// What is to be transferred.
#[derive(Debug)]
pub struct Transfer<'a> {
    /// Names the pocket, of both.
    pub currency: Currency,
    /// Minor units, not 0.
    pub amount: Amount,
    /// The terminal's clock; expired cards and certificates are refused by it.
    pub time: Time,
    /// The payer's PIN, if it has been asked for: an amount above the limits without one is refused with 6982.
    pub pin: Option<&'a PinBlock>,
}

/// Both purses show each other their certificates; payee INITIALIZE, payer DEBIT, payee CREDIT, and ACKNOWLEDGE if the
/// payer's card is still there. Both have been selected, and are released at the end.
pub fn transfer<A: Transport, B: Transport>(
    payer: &mut Client<A>,
    payee: &mut Client<B>,
    order: &Transfer<'_>,
) -> Result<Receipt, FlowError> {
    let receipt = transfer_held(payer, payee, order);
    payer.part();
    payee.part();
    payer.release();
    payee.release();
    receipt
}

/// In one phase of both cards: the peers, and VERIFY, hold only in their session.
fn transfer_held<A: Transport, B: Transport>(
    payer: &mut Client<A>,
    payee: &mut Client<B>,
    order: &Transfer<'_>,
) -> Result<Receipt, FlowError> {
    for status in [payer.status(), payee.status()] {
        guard::role(status, Role::Purse)?;
        guard::validity(status, order.time)?;
    }
    if payer.status().number == payee.status().number {
        return Err(FlowError::WrongPurse("a purse cannot pay itself"));
    }
    handover::hold_both(payee, payer)?;
    let certificates = (guard::any_certificate(payer)?, guard::any_certificate(payee)?);
    guard::current(&certificates.0, order.time)?;
    guard::current(&certificates.1, order.time)?;
    introduce((payer, &certificates.0), (payee, &certificates.1))?;
    if let Some(pin) = order.pin {
        payer.verify(pin).map_err(FlowError::card(Party::Purse))?;
    }
    let request = request(payer, order);
    let (pay_details, req) = payee.initialize(&request).map_err(FlowError::card(Party::Receiver))?;
    let paid =
        handover::hand_over((payer, Party::Purse), (payee, Party::Receiver), &pay_details, req, order.pin);
    let handover = paid?;
    // The payee has the money; a payer that has left hears of it at the next recovery.
    let acknowledged = payer.acknowledge(pay_details.from_sequence, handover.ack).is_ok();
    Ok(Receipt { handover, acknowledged })
}

/// What a payee is to ask this payer for.
pub(super) fn request<T: Transport>(payer: &Client<T>, order: &Transfer<'_>) -> InitializeData {
    InitializeData {
        kind: Kind::Transfer,
        key_version: KeyVersion::NONE,
        currency: order.currency,
        amount: order.amount,
        from: payer.status().number,
        from_sequence: payer.status().sequence,
        time: order.time,
    }
}

/// Each verifies the certificate of the other.
fn introduce<A: Transport, B: Transport>(
    (payer, of_payer): (&mut Client<A>, &Certificate),
    (payee, of_payee): (&mut Client<B>, &Certificate),
) -> Result<(), FlowError> {
    payer.meet(of_payee).map_err(FlowError::card(Party::Purse))?;
    payee.meet(of_payer).map_err(FlowError::card(Party::Receiver))
}

/// The same for what is in flight already: it comes to its end also when a certificate has expired.
pub(super) fn introduce_at_any_time<A: Transport, B: Transport>(
    payer: &mut Client<A>,
    payee: &mut Client<B>,
) -> Result<(), FlowError> {
    let certificates = (guard::any_certificate(payer)?, guard::any_certificate(payee)?);
    introduce((payer, &certificates.0), (payee, &certificates.1))
}
