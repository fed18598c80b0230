//! Recovery (section 7): brings whatever is in the air to exactly one end. At any time, as often as anyone likes, and
//! interrupted anywhere: all that it knows it reads from the cards and the issuer's books.

use apdu_spec::element::{Kind, Sequence};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;

use super::desk::IssuerDesk;
use super::error::FlowError;
use super::load::Finished;
use super::payees::{Answers, Payment, ask_payee};
pub use super::settlement::Outcome;
use super::settlement::{apart, meet, settle, settle_with_issuer, tell};
use super::{collection, guard, load};
use crate::client::{Client, Failure};
use crate::transport::Transport;

/// A card at hand. Cards behind different transports are all reached alike.
pub type CardAtHand<'a> = Client<&'a mut dyn Transport>;

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
    /// In the order in which they were taken up: of each card its load and its purchases, then of each card its other
    /// payments. A purchase that the load would push out of the log comes before it.
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
///
/// Each thing that a card takes, takes back or declines is a new record, which pushes the oldest one out of its log: an open
/// purchase, or what it would have answered of a payment to it. So that none of them is lost by the recovery itself, whatever
/// the order of the cards,
/// 1. every card is looked at, and asked of the payments to it under sequences that it has used, which writes nothing;
/// 2. loads and purchases come to their ends. But for what SAMs take in, a card is written for its own payments only;
/// 3. so do the others. Before a card takes back any of these, it is asked again.
pub fn recover(cards: &mut [CardAtHand<'_>], issuer: Option<&mut (dyn IssuerDesk + '_)>) -> Report {
    let mut recovery = Recovery {
        issuer,
        report: Report::default(),
        due: Due::default(),
        answers: Vec::new(),
        begun: false,
    };
    cards.iter_mut().for_each(Client::release);
    for (payer, card) in cards.iter_mut().enumerate() {
        recovery.look(payer, card);
    }
    for payee in 0..cards.len() {
        recovery.ask(cards, payee);
    }
    for payer in 0..cards.len() {
        recovery.bring_purchases(cards, payer);
    }
    for payer in 0..cards.len() {
        recovery.ask(cards, payer);
        recovery.bring_others(cards, payer);
    }
    recovery.bring_again(cards);
    recovery.report
}

/// What cards still have to pay, in the order in which it is brought to an end. Purchases are brought oldest first: taking
/// one back is a new record, which pushes the oldest one out of the log, and of open ones only a purchase can be lost that
/// way (section 7, "Log window").
///
/// A credited load is a new record too, but one that makes other things possible: it ends the count of offline receipts,
/// in which a purchase that is taken back must find room. And every reversal before it makes it impossible, for it takes
/// the load's sequence. So a load comes first, unless the oldest record of the log is an open purchase.
#[derive(Debug, Default)]
struct Due {
    /// At most one purchase of a card.
    before_load: Vec<Payment>,
    purchases: Vec<Payment>,
    others: Vec<Payment>,
}

/// Those of this payer, which are taken up now.
fn of(due: &mut Vec<Payment>, payer: usize) -> Vec<PayDetails> {
    due.extract_if(.., |(place, _)| *place == payer).map(|(_, pay_details)| pay_details).collect()
}

/// A recovery under way.
struct Recovery<'a, 'desk> {
    issuer: Option<&'a mut (dyn IssuerDesk + 'desk)>,
    report: Report,
    due: Due,
    answers: Answers,
    /// Something has been brought in this turn of its payer.
    begun: bool,
}

impl Recovery<'_, '_> {
    fn look(&mut self, payer: usize, card: &mut CardAtHand<'_>) {
        if let Err(error) = look(payer, card, &mut self.due) {
            self.report.unread.push((card.status().number, error));
        }
        card.release();
    }

    /// What is due to this card, and has not been answered.
    fn ask(&mut self, cards: &mut [CardAtHand<'_>], payee: usize) {
        let Some(number) = cards.get(payee).map(|card| card.status().number) else { return };
        let Due { before_load, purchases, others } = &self.due;
        let is_asked = |(_, due): &&Payment| {
            due.to == number && !self.answers.iter().any(|(answered, _)| answered == due)
        };
        let asked: Vec<Payment> =
            before_load.iter().chain(purchases).chain(others).filter(is_asked).copied().collect();
        ask_payee(cards, payee, &asked, &mut self.answers);
    }

    /// A card's load, and its purchases.
    fn bring_purchases(&mut self, cards: &mut [CardAtHand<'_>], payer: usize) {
        self.begun = false;
        for pay_details in of(&mut self.due.before_load, payer) {
            self.bring_new(cards, payer, pay_details);
        }
        if let Some(card) = cards.get_mut(payer) {
            self.finish_load(card);
        }
        for pay_details in of(&mut self.due.purchases, payer) {
            self.bring_new(cards, payer, pay_details);
        }
    }

    fn bring_others(&mut self, cards: &mut [CardAtHand<'_>], payer: usize) {
        self.begun = false;
        for pay_details in of(&mut self.due.others, payer) {
            self.bring_new(cards, payer, pay_details);
        }
    }

    /// What a card has refused once more, if something else has come to its end since: a load lifts the limit of offline
    /// receipts, a collection gives a SAM's log room.
    fn bring_again(&mut self, cards: &mut [CardAtHand<'_>]) {
        let settled = |item: &Item| matches!(item.outcome, Outcome::Settled);
        let last = self.report.items.iter().rposition(settled).unwrap_or(0);
        for place in 0..last {
            let Some(Item { pay_details, outcome: Outcome::StillOpen(error) }) = self.report.items.get(place)
            else {
                continue;
            };
            let pay_details = *pay_details;
            // Of its load no card is the payer.
            let payer = cards.iter().position(|card| card.status().number == pay_details.from);
            let Some(payer) = payer.filter(|_| error.is_refusal()) else { continue };
            self.begun = false;
            let outcome = self.brought(cards, payer, &pay_details);
            if let Some(item) = self.report.items.get_mut(place) {
                item.outcome = outcome;
            }
        }
    }

    /// Finishes a card's load, if one is open.
    fn finish_load(&mut self, card: &mut CardAtHand<'_>) {
        let number = card.status().number;
        let Some(issuer) = self.issuer.as_deref_mut() else { return };
        let finished = finish_load(card, issuer);
        card.release();
        match finished {
            Ok(item) => self.report.items.extend(item),
            // Of a card that cannot be reached it has been said once.
            Err(_) if self.report.unread.iter().any(|(unread, _)| *unread == number) => {}
            Err(error) => self.report.unread.push((number, error)),
        }
    }

    fn bring_new(&mut self, cards: &mut [CardAtHand<'_>], payer: usize, pay_details: PayDetails) {
        let outcome = self.brought(cards, payer, &pay_details);
        self.report.items.push(Item { pay_details, outcome });
    }

    /// What becomes of one open record.
    fn brought(&mut self, cards: &mut [CardAtHand<'_>], payer: usize, pay_details: &PayDetails) -> Outcome {
        self.bring(cards, payer, pay_details).unwrap_or_else(Outcome::StillOpen)
    }

    /// Brings one open record to its payee.
    fn bring(
        &mut self,
        cards: &mut [CardAtHand<'_>],
        payer: usize,
        pay_details: &PayDetails,
    ) -> Result<Outcome, FlowError> {
        let issuer = self.issuer.as_deref_mut().filter(|issuer| issuer.number() == pay_details.to);
        let payee = cards.iter().position(|card| card.status().number == pay_details.to);
        if let Some(payer) = cards.get_mut(payer).filter(|_| !std::mem::replace(&mut self.begun, true)) {
            // Whatever it has said in another card's turn, its own begins with SELECT. What is wrong is said when it is held.
            let _ = payer.reselect();
            payer.release();
        }
        if let (Some(issuer), Some(payer)) = (issuer, cards.get_mut(payer)) {
            let outcome = settle_with_issuer(payer, issuer, pay_details, &mut self.report.collections);
            payer.release();
            return outcome;
        }
        match payee.map(|payee| cards.get_disjoint_mut([payer, payee])) {
            Some(Ok([payer, payee])) => match self.answers.iter().find(|(of, _)| of == pay_details) {
                Some((_, answer)) => apart(payer, payee, |payer, payee| {
                    meet(payer, payee, pay_details)?;
                    tell(payer, pay_details, *answer)
                }),
                None => settle(payer, payee, pay_details),
            },
            Some(Err(_)) | None => Ok(Outcome::PayeeAbsent),
        }
    }
}

/// What a card has to pay.
fn look<T: Transport>(payer: usize, card: &mut Client<T>, due: &mut Due) -> Result<(), FlowError> {
    let party = guard::any_role(card.status())?;
    card.reselect().map_err(FlowError::card(party))?;
    let open = card.open_records().map_err(FlowError::card(party))?;
    let in_log = open.in_log;
    let open = open.records.into_iter().map(|record| (payer, record.pay_details));
    let (mut purchases, others): (Vec<_>, Vec<_>) = open.partition(|(_, due)| due.kind == Kind::Purchase);
    let is_endangered = purchases.first().is_some_and(|(_, oldest)| {
        // What comes before it is in EF.EXC, or is shown; a card that does not show it, because it is locked, may have none.
        let before = oldest.from_sequence.0.checked_sub(1).map(Sequence).filter(|before| *before >= in_log);
        !before.is_some_and(|before| matches!(card.entry(before), Ok(Some(_))))
    });
    if is_endangered {
        due.before_load.push(purchases.remove(0));
    }
    due.purchases.append(&mut purchases);
    due.others.extend(others);
    Ok(())
}

/// Finishes a card's load, if one is open.
fn finish_load<T: Transport>(
    card: &mut Client<T>,
    issuer: &mut (dyn IssuerDesk + '_),
) -> Result<Option<Item>, FlowError> {
    let Some(voucher) = issuer.unresolved_load(card.status().number)? else { return Ok(None) };
    let party = guard::any_role(card.status())?;
    card.reselect().map_err(FlowError::card(party))?;
    card.release();
    let outcome = match load::finish(card, issuer, &voucher) {
        Ok(Finished::Credited) => Outcome::Settled,
        Ok(Finished::Declined) => Outcome::Reversed,
        Err(error) => Outcome::StillOpen(error),
    };
    Ok(Some(Item { pay_details: voucher.pay_details, outcome }))
}
