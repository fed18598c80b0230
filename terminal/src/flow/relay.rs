//! A transfer between cards that are never at hand together: each card that comes carries out the letter that is for it,
//! and the answer is the letter for the other one. Offer → request → payment → credited or declined.
//!
//! Nothing is lost with a letter. One that is carried out again gives the same answer again, and a payment that has been
//! debited is asked of its card anew ([`payments`]), for whoever brings the payee's certificate.

use apdu_spec::certificate::Certificate;
use apdu_spec::command::{InitializeData, Voucher};
use apdu_spec::cryptography::Authenticator;
use apdu_spec::element::{KeyVersion, Kind, Role, Time};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pin::PinBlock;
use apdu_spec::status::StatusWord;

use super::error::{FlowError, Party};
use super::letter::{Content, Letter};
use super::transfer::{self, Transfer};
use super::{guard, handover};
use crate::client::{CardError, Client};
use crate::transport::Transport;

/// What a card has come to with a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The letter for the other card.
    Letter(Letter),
    /// The payer knows that the payee has the value: the transfer is over.
    Settled(PayDetails),
    /// The payer has its value back: the transfer is over.
    Reversed(PayDetails),
}

/// Who this card is, for a payer that has debited a transfer to it.
pub fn introduction<T: Transport>(card: &mut Client<T>) -> Result<Letter, FlowError> {
    let sender = released(card, |card| {
        handover::hold(card)?;
        guard::any_certificate(card)
    })?;
    Ok(Letter { sender, content: Content::Introduction })
}

/// The payer's first word. Nothing happens on the card.
pub fn offer<T: Transport>(payer: &mut Client<T>, order: &Transfer<'_>) -> Result<Letter, FlowError> {
    guard::validity(payer.status(), order.time)?;
    released(payer, |payer| {
        handover::hold(payer)?;
        let sender = guard::certificate(payer, order.time)?;
        let InitializeData { from_sequence: sequence, currency, amount, time, .. } =
            transfer::request(payer, order);
        Ok(Letter { sender, content: Content::Offer { sequence, currency, amount, time } })
    })
}

/// Every open transfer of this card to the purse of this certificate, as letters for it.
pub fn payments<T: Transport>(payer: &mut Client<T>, payee: &Certificate) -> Result<Vec<Letter>, FlowError> {
    let failed = FlowError::card(Party::Purse);
    released(payer, |payer| {
        handover::hold(payer)?;
        let sender = guard::any_certificate(payer)?;
        let mut open = payer.open_records().map_err(failed)?.records;
        open.retain(|record| {
            (record.pay_details.kind, record.pay_details.to) == (Kind::Transfer, payee.body.number)
        });
        if !open.is_empty() {
            payer.meet(payee).map_err(failed)?;
        }
        let letters = open.iter().map(|record| {
            let voucher = payer.proof(&record.pay_details).map_err(failed)?;
            Ok(Letter { sender, content: Content::Payment(voucher) })
        });
        letters.collect()
    })
}

/// Carries a letter out with the card that it is for. An introduction is no order: [`payments`] takes it. `pin` is the
/// payer's, for a request.
pub fn carry_out<T: Transport>(
    card: &mut Client<T>,
    letter: &Letter,
    pin: Option<&PinBlock>,
    now: Time,
) -> Result<Reply, FlowError> {
    guard::role(card.status(), Role::Purse)?;
    let number = card.status().number;
    if letter.sender.body.number == number {
        return Err(FlowError::WrongPurse("the letter is from this card"));
    }
    if letter.addressee().is_some_and(|addressee| addressee != number) {
        return Err(FlowError::WrongPurse("the letter is for another card"));
    }
    released(card, |card| match &letter.content {
        Content::Introduction => Err(FlowError::WrongPurse("the letter only says who its sender is")),
        Content::Offer { sequence, currency, amount, time } => {
            let request = InitializeData {
                kind: Kind::Transfer,
                key_version: KeyVersion::NONE,
                currency: *currency,
                amount: *amount,
                from: letter.sender.body.number,
                from_sequence: *sequence,
                time: *time,
            };
            ask(card, letter, &request, now)
        }
        Content::Request(pay_details, req) => pay(card, letter, pay_details, *req, pin, now),
        Content::Payment(voucher) => receive(card, letter, voucher),
        Content::Credited(pay_details, ack) => {
            begin(card, letter)?;
            is_about(card, pay_details)?;
            let done = handover::repeated(card, |card| card.acknowledge(pay_details.from_sequence, *ack));
            done.map_err(|error| FlowError::card(Party::Purse)(error).in_doubt(pay_details))?;
            Ok(Reply::Settled(*pay_details))
        }
        Content::Declined(pay_details, nack) => {
            begin(card, letter)?;
            is_about(card, pay_details)?;
            let done = handover::reverse(card, pay_details, *nack);
            done.map_err(|error| FlowError::card(Party::Purse)(error).in_doubt(pay_details))?;
            Ok(Reply::Reversed(*pay_details))
        }
    })
}

/// The card is held, and its peer is the letter's sender.
fn begin<T: Transport>(card: &mut Client<T>, letter: &Letter) -> Result<Certificate, FlowError> {
    handover::hold(card)?;
    let own = guard::any_certificate(card)?;
    card.meet(&letter.sender).map_err(FlowError::card(Party::Purse))?;
    Ok(own)
}

/// Whether this is what the card has debited under that sequence: ACKNOWLEDGE and REVERSE name nothing else, and so the
/// card alone would not notice that a letter says another amount. A locked card shows only what is open still.
fn is_about<T: Transport>(payer: &mut Client<T>, pay_details: &PayDetails) -> Result<(), FlowError> {
    match payer.entry(pay_details.from_sequence) {
        Ok(Some(record)) if record.pay_details != *pay_details => {
            Err(FlowError::WrongPurse("the letter is about a payment that this card has not made"))
        }
        Ok(_) | Err(CardError::Refused { status: StatusWord::SecurityStatus, .. }) => Ok(()),
        Err(error) => Err(FlowError::card(Party::Purse)(error).in_doubt(pay_details)),
    }
}

/// Lets the card go, whatever comes of it.
fn released<T: Transport, A>(
    card: &mut Client<T>,
    work: impl FnOnce(&mut Client<T>) -> Result<A, FlowError>,
) -> Result<A, FlowError> {
    let done = work(card);
    card.part();
    card.release();
    done
}

/// INITIALIZE.
fn ask<T: Transport>(
    payee: &mut Client<T>,
    offer: &Letter,
    request: &InitializeData,
    now: Time,
) -> Result<Reply, FlowError> {
    guard::validity(payee.status(), now)?;
    guard::current(&offer.sender, now)?;
    let sender = begin(payee, offer)?;
    guard::current(&sender, now)?;
    let (pay_details, req) = payee.initialize(request).map_err(|error| match error.status() {
        Some(StatusWord::ReferenceNotFound) => FlowError::NoPocket(request.currency),
        _ => FlowError::card(Party::Receiver)(error),
    })?;
    Ok(Reply::Letter(Letter { sender, content: Content::Request(pay_details, req) }))
}

/// DEBIT. The same request again gives the same payment again.
fn pay<T: Transport>(
    payer: &mut Client<T>,
    letter: &Letter,
    pay_details: &PayDetails,
    req: Authenticator,
    pin: Option<&PinBlock>,
    now: Time,
) -> Result<Reply, FlowError> {
    guard::validity(payer.status(), now)?;
    guard::current(&letter.sender, now)?;
    let sender = begin(payer, letter)?;
    if let Some(pin) = pin {
        payer.verify(pin).map_err(FlowError::card(Party::Purse))?;
    }
    let is_late = payer.status().sequence > pay_details.from_sequence;
    let voucher =
        handover::debit(payer, Party::Purse, pay_details, req, pin).map_err(|error| match &error {
            FlowError::Card {
                source: CardError::Refused { status: StatusWord::ConditionsOfUse, .. },
                ..
            } if is_late => FlowError::Outrun(*pay_details),
            _ => error,
        })?;
    Ok(Reply::Letter(Letter { sender, content: Content::Payment(voucher) }))
}

/// CREDIT; if that is refused, DECLINE.
fn receive<T: Transport>(
    payee: &mut Client<T>,
    letter: &Letter,
    voucher: &Voucher,
) -> Result<Reply, FlowError> {
    let failed = FlowError::card(Party::Receiver);
    let sender = begin(payee, letter)?;
    let pay_details = voucher.pay_details;
    let content = match handover::credit(payee, voucher) {
        Ok(ack) => Content::Credited(pay_details, ack),
        Err(refusal) if refusal.may_have_happened() || refusal.is_away() => {
            return Err(failed(refusal).in_doubt(&pay_details));
        }
        Err(_) => {
            let nack = handover::decline(payee, voucher);
            Content::Declined(pay_details, nack.map_err(|error| failed(error).in_doubt(&pay_details))?)
        }
    };
    Ok(Reply::Letter(Letter { sender, content }))
}
