//! Recovery (section 7): brings whatever is in the air to exactly one end. At any time, as often as anyone likes, and
//! interrupted anywhere: all that it knows it reads from the cards and the issuer's books.

use apdu_spec::command::Voucher;
use apdu_spec::element::{Kind, Role, Sequence};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;

use super::desk::IssuerDesk;
use super::error::{FlowError, Party};
use super::load::Finished;
use super::payees::{Answer, Answers, ask_payees};
use super::unload::Delivered;
use super::{collection, guard, handover, load, transfer, unload};
use crate::client::{Client, Failure};
use crate::transport::Transport;

/// A card at hand. Cards behind different transports are all reached alike.
pub type CardAtHand<'a> = Client<&'a mut dyn Transport>;

/// What became of one item.
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

/// One transaction that was in the air.
#[derive(Debug)]
pub struct Item {
    /// What was agreed on.
    pub pay_details: PayDetails,
    /// What became of it.
    pub outcome: Outcome,
}

/// What a recovery found and did.
#[derive(Debug, Default)]
pub struct Report {
    /// In the order in which they were taken up: of each card its load, its purchases, its other payments; a purchase
    /// that the load would push out of the log comes before it.
    pub items: Vec<Item>,
    /// What the issuer found in the records of each SAM whose collection was finished, and what it credited.
    pub collections: Vec<collection::Report>,
    /// Cards of which the log could not be read.
    pub unread: Vec<(PartyNumber, FlowError)>,
}

impl Report {
    /// Whether nothing is in the air any more.
    pub fn is_complete(&self) -> bool {
        let open = |item: &Item| matches!(item.outcome, Outcome::PayeeAbsent | Outcome::StillOpen(_));
        self.unread.is_empty() && !self.items.iter().any(open)
    }

    /// The first failure of a card or of the issuer, of which a repeat may help; none where all went as it could.
    pub fn failure(&self) -> Option<Failure> {
        let open = self.items.iter().filter_map(|item| match &item.outcome {
            Outcome::StillOpen(error) => Some(error),
            Outcome::Settled | Outcome::Reversed | Outcome::PayeeAbsent => None,
        });
        self.unread.iter().map(|(_, error)| error).chain(open).map(FlowError::failure).next()
    }
}

/// Finishes every open payer record and every unresolved load of these cards, as far as their payees are at hand.
/// What fails does not keep the rest from being finished: it is in the report. A card is held only while it is talked
/// to, so that programs with the same cards, in whatever order, do not wait for each other for ever.
pub fn recover(cards: &mut [CardAtHand<'_>], mut issuer: Option<&mut (dyn IssuerDesk + '_)>) -> Report {
    let mut report = Report::default();
    cards.iter_mut().for_each(Client::release);
    let answers = &ask_payees(cards);
    for payer in 0..cards.len() {
        let Some(card) = cards.get_mut(payer) else { continue };
        let number = card.status().number;
        let first = report.items.len();
        let open = open_payments(card);
        card.release();
        let Open { before_load, after_load } = open.unwrap_or_else(|error| {
            report.unread.push((number, error));
            Open::default()
        });
        if let Some(pay_details) = before_load {
            let desk = issuer.as_deref_mut();
            let outcome = brought(cards, payer, desk, &pay_details, answers, &mut report.collections);
            report.items.push(Item { pay_details, outcome });
        }
        if let (Some(card), Some(issuer)) = (cards.get_mut(payer), issuer.as_deref_mut()) {
            let finished = finish_load(card, issuer, &mut report);
            card.release();
            // Of a card that cannot be reached it has been said once.
            if let Err(error) = finished
                && report.unread.last().is_none_or(|(unread, _)| *unread != number)
            {
                report.unread.push((number, error));
            }
        }
        for pay_details in after_load {
            let desk = issuer.as_deref_mut();
            let outcome = brought(cards, payer, desk, &pay_details, answers, &mut report.collections);
            report.items.push(Item { pay_details, outcome });
        }
        bring_again(cards, payer, issuer.as_deref_mut(), first, answers, &mut report);
    }
    report
}

/// What a card has to pay, in the order in which it is brought to an end.
#[derive(Debug, Default)]
struct Open {
    /// At most one purchase.
    before_load: Option<PayDetails>,
    after_load: Vec<PayDetails>,
}

/// What a card has to pay. Purchases come first, and oldest first: taking a payment back is a new record, which pushes
/// the oldest one out of the log, and of open ones only a purchase can be lost that way (section 7, "Log window").
///
/// A credited load is a new record too, but one that makes other things possible: it ends the count of offline receipts,
/// in which a purchase that is taken back must find room. And every reversal before it makes it impossible, for it takes
/// the load's sequence. So a load comes first, unless the oldest record of the log is an open purchase.
fn open_payments<T: Transport>(card: &mut Client<T>) -> Result<Open, FlowError> {
    let party = guard::any_role(card.status())?;
    card.reselect().map_err(FlowError::card(party))?;
    let open = card.open_records().map_err(FlowError::card(party))?;
    let mut open: Vec<PayDetails> = open.into_iter().map(|record| record.pay_details).collect();
    open.sort_by_key(|pay_details| pay_details.kind != Kind::Purchase);
    let is_endangered = match open.first() {
        Some(oldest) if oldest.kind == Kind::Purchase => {
            // A card that does not show the record before it, because it is locked, may have none.
            let before = oldest.from_sequence.0.checked_sub(1).map(Sequence);
            !before.is_some_and(|before| matches!(card.entry(before), Ok(Some(_))))
        }
        Some(_) | None => false,
    };
    let before_load = is_endangered.then(|| open.remove(0));
    Ok(Open { before_load, after_load: open })
}

/// What a card has refused once more, if something else of this payer has come to its end since: a load lifts the limit
/// of offline receipts, a collection gives a SAM's log room.
fn bring_again(
    cards: &mut [CardAtHand<'_>],
    payer: usize,
    mut issuer: Option<&mut (dyn IssuerDesk + '_)>,
    first: usize,
    answers: &Answers,
    report: &mut Report,
) {
    let Some(number) = cards.get(payer).map(|card| card.status().number) else { return };
    let Report { items, collections, .. } = report;
    let items = items.get_mut(first..).unwrap_or_default();
    let Some(last) = items.iter().rposition(|item| matches!(item.outcome, Outcome::Settled)) else { return };
    for item in items.iter_mut().take(last) {
        // Of its load the card is not the payer.
        let is_own = item.pay_details.from == number;
        if is_own && matches!(&item.outcome, Outcome::StillOpen(error) if error.is_refusal()) {
            let desk = issuer.as_deref_mut();
            item.outcome = brought(cards, payer, desk, &item.pay_details, answers, collections);
        }
    }
}

/// Finishes a card's load, if one is open.
fn finish_load<T: Transport>(
    card: &mut Client<T>,
    issuer: &mut (dyn IssuerDesk + '_),
    report: &mut Report,
) -> Result<(), FlowError> {
    let Some(voucher) = issuer.unresolved_load(card.status().number)? else { return Ok(()) };
    let party = guard::any_role(card.status())?;
    card.reselect().map_err(FlowError::card(party))?;
    card.release();
    let outcome = match load::finish(card, issuer, &voucher) {
        Ok(Finished::Credited) => Outcome::Settled,
        Ok(Finished::Declined) => Outcome::Reversed,
        Err(error) => Outcome::StillOpen(error),
    };
    report.items.push(Item { pay_details: voucher.pay_details, outcome });
    Ok(())
}

/// What becomes of one open record.
fn brought(
    cards: &mut [CardAtHand<'_>],
    payer: usize,
    issuer: Option<&mut (dyn IssuerDesk + '_)>,
    pay_details: &PayDetails,
    answers: &Answers,
    collections: &mut Vec<collection::Report>,
) -> Outcome {
    bring(cards, payer, issuer, pay_details, answers, collections).unwrap_or_else(Outcome::StillOpen)
}

/// Brings one open record to its payee.
fn bring(
    cards: &mut [CardAtHand<'_>],
    payer: usize,
    issuer: Option<&mut (dyn IssuerDesk + '_)>,
    pay_details: &PayDetails,
    answers: &Answers,
    collections: &mut Vec<collection::Report>,
) -> Result<Outcome, FlowError> {
    if let Some(issuer) = issuer
        && issuer.number() == pay_details.to
    {
        let Some(card) = cards.get_mut(payer) else { return Ok(Outcome::PayeeAbsent) };
        let outcome = settle_with_issuer(card, issuer, pay_details, collections);
        card.release();
        return outcome;
    }
    let payee = cards.iter().position(|card| card.status().number == pay_details.to);
    match payee.map(|payee| cards.get_disjoint_mut([payer, payee])) {
        Some(Ok([payer, payee])) => match answers.iter().find(|(of, _)| of == pay_details) {
            Some((_, answer)) => apart(payer, payee, |payer, payee| {
                meet(payer, payee, pay_details)?;
                tell(payer, pay_details, *answer)
            }),
            None => settle(payer, payee, pay_details),
        },
        Some(Err(_)) | None => Ok(Outcome::PayeeAbsent),
    }
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
fn meet<A: Transport, B: Transport>(
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
fn tell<T: Transport>(
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
fn settle_with_issuer<T: Transport>(
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
