//! Value from one card to another: the one sequence of messages of section 1, whoever payer and payee are.

use apdu_spec::command::Voucher;
use apdu_spec::cryptography::{Authenticator, Tac};
use apdu_spec::element::Role;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pin::PinBlock;
use apdu_spec::status_block::StatusBlock;

use super::error::{FlowError, Party};
use crate::client::{CardError, Client};
use crate::transport::Transport;

/// Value that has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handover {
    /// What was agreed on.
    pub pay_details: PayDetails,
    /// The payer's certificate.
    pub tac: Tac,
    /// The payee has credited.
    pub ack: Authenticator,
}

/// Holds both cards of a transaction. Always in the same order, the merchant SAM first: two programs that want the same
/// two never wait for each other for ever. On an error either may be held.
pub(super) fn hold_both<A: Transport, B: Transport>(
    one: &mut Client<A>,
    other: &mut Client<B>,
) -> Result<(), FlowError> {
    let place = |status: &StatusBlock| (status.role != Role::Merchant, status.number);
    if place(one.status()) <= place(other.status()) {
        hold_in_order(one, other)
    } else {
        hold_in_order(other, one)
    }
}

fn hold_in_order<A: Transport, B: Transport>(
    first: &mut Client<A>,
    second: &mut Client<B>,
) -> Result<(), FlowError> {
    if !first.is_held() {
        second.release();
    }
    hold(first)?;
    hold(second)
}

/// Holds a card.
pub(super) fn hold<T: Transport>(card: &mut Client<T>) -> Result<(), FlowError> {
    card.hold().map_err(FlowError::card(Party::of(card.status().role)))
}

/// Holds a card again while value of this transaction is in the air, which stays there if the card cannot be held.
/// A SELECT whose response was lost is sent once more.
pub(super) fn hold_again<T: Transport>(
    card: &mut Client<T>,
    pay_details: &PayDetails,
) -> Result<(), FlowError> {
    let failed = FlowError::card(Party::of(card.status().role));
    let held = match card.hold() {
        Err(error) if error.may_have_happened() => card.hold(),
        certain => certain,
    };
    held.map_err(|error| failed(error).unknown(pay_details))
}

/// DEBIT, whose response may be lost: then once more, to the letter, when the card is back. A debit that has
/// happened gives the same answer again; one that has not happens now.
pub(super) fn debit<T: Transport>(
    payer: &mut Client<T>,
    party: Party,
    pay_details: &PayDetails,
    req: Authenticator,
    pin: Option<&PinBlock>,
) -> Result<Voucher, FlowError> {
    let failed = FlowError::card(party);
    let lost = match payer.debit(pay_details, req) {
        Err(error) if error.may_have_happened() => failed(error).unknown(pay_details),
        certain => return certain.map_err(failed),
    };
    // Until the card answers again nobody can know.
    let Ok(status) = payer.reconnect() else { return Err(lost) };
    let has_happened = status.sequence != pay_details.from_sequence;
    if !has_happened && let Some(pin) = pin {
        // It has not happened, and the PIN was verified in a session that is over.
        payer.verify(pin).map_err(failed)?;
    }
    payer.debit(pay_details, req).map_err(|error| {
        // A card that has debited and does not say so again leaves it open, whatever it says instead.
        let unknown = has_happened || error.may_have_happened() || error.is_away();
        if unknown { failed(error).unknown(pay_details) } else { failed(error) }
    })
}

/// A command that can be repeated, whose response may be lost: then once more, to the letter, when the card is back. It
/// gives the same answer again.
pub(super) fn repeated<T: Transport, A>(
    card: &mut Client<T>,
    command: impl Fn(&mut Client<T>) -> Result<A, CardError>,
) -> Result<A, CardError> {
    match command(card) {
        Err(error) if error.may_have_happened() => match card.reconnect() {
            Ok(_) => command(card),
            Err(_) => Err(error),
        },
        certain => certain,
    }
}

/// CREDIT, which is repeated.
pub(super) fn credit<T: Transport>(
    payee: &mut Client<T>,
    voucher: &Voucher,
) -> Result<Authenticator, CardError> {
    repeated(payee, |payee| payee.credit(voucher))
}

/// DECLINE, which is repeated. Safe at any time: a payee that has credited does not decline.
pub(super) fn decline<T: Transport>(
    payee: &mut Client<T>,
    voucher: &Voucher,
) -> Result<Authenticator, CardError> {
    repeated(payee, |payee| payee.decline(voucher))
}

/// ACKNOWLEDGE by a card that was released meanwhile. Whether it has heard of it: the payee has the value in any case,
/// and a card that has left hears of it at the next recovery.
pub(super) fn acknowledge<T: Transport>(
    payer: &mut Client<T>,
    pay_details: &PayDetails,
    ack: Authenticator,
) -> bool {
    payer.hold().and_then(|()| payer.acknowledge(pay_details.from_sequence, ack)).is_ok()
}

/// REVERSE, which is repeated.
pub(super) fn reverse<T: Transport>(
    payer: &mut Client<T>,
    pay_details: &PayDetails,
    nack: Authenticator,
) -> Result<(), CardError> {
    repeated(payer, |payer| payer.reverse(pay_details.from_sequence, nack))
}

/// DEBIT and CREDIT. A payee that refuses declines, and the payer takes its value back at once.
pub(super) fn hand_over<A: Transport, B: Transport>(
    (payer, payer_is): (&mut Client<A>, Party),
    (payee, payee_is): (&mut Client<B>, Party),
    pay_details: &PayDetails,
    req: Authenticator,
    pin: Option<&PinBlock>,
) -> Result<Handover, FlowError> {
    let voucher = debit(payer, payer_is, pay_details, req, pin)?;
    match credit(payee, &voucher) {
        Ok(ack) => Ok(Handover { pay_details: *pay_details, tac: voucher.tac, ack }),
        Err(refusal) => {
            let certain = !refusal.may_have_happened();
            let refusal = FlowError::card(payee_is)(refusal);
            if certain && take_back(payer, payee, &voucher).is_ok() {
                Err(refusal)
            } else {
                Err(refusal.unknown(pay_details))
            }
        }
    }
}

/// DECLINE and REVERSE.
fn take_back<A: Transport, B: Transport>(
    payer: &mut Client<A>,
    payee: &mut Client<B>,
    voucher: &Voucher,
) -> Result<(), CardError> {
    let nack = decline(payee, voucher)?;
    reverse(payer, &voucher.pay_details, nack)
}
