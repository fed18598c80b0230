//! The payee's half of a transfer of value: INITIALIZE, CREDIT, DECLINE (section 7).

use apdu_spec::command::{InitializeData, Initialized, Voucher};
use apdu_spec::cryptography::{Engine, Session};
use apdu_spec::curve::Curve;
use apdu_spec::element::{Amount, Kind, Role, Sequence};
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::{RecordRole, RecordState};
use apdu_spec::status::StatusWord;
use apdu_spec::wire::Writer;
use subtle::ConstantTimeEq;

use crate::card::{Card, Outcome};
use crate::memory::Memory;
use crate::store::{PocketState, Record};

/// What the log still knows of pay details that name an old sequence of this payee.
enum Past {
    /// They have been credited.
    Credited,
    /// They have not been, and never will be.
    Other,
    /// The record is gone, and nothing else tells.
    Gone,
}

impl<M: Memory, E: Engine + Curve, const WINDOW: usize, const EXCEPTIONS: usize>
    Card<M, E, WINDOW, EXCEPTIONS>
{
    /// INITIALIZE: writes nothing, remembers nothing.
    pub(crate) fn initialize(&mut self, data: &InitializeData, answer: &mut Writer<'_>) -> Outcome {
        let identity = self.identity()?;
        let sequence = self.store.next_sequence();
        let number = identity.number;
        let pay_details = data.pay_details(number, sequence);
        let pocket = self.check_payee(&pay_details)?;
        if sequence >= Sequence::EXHAUSTED {
            return Err(StatusWord::SequenceExhausted);
        }
        self.credited(&pay_details, pocket)?;
        let req = self.session(&pay_details)?.req();
        answer.put(&Initialized { number, sequence, req }.emit());
        Ok(StatusWord::Success)
    }

    /// CREDIT: one commit, then ack; the same again gives ack again.
    pub(crate) fn credit(&mut self, voucher: &Voucher, answer: &mut Writer<'_>) -> Outcome {
        let pay_details = &voucher.pay_details;
        let only_a_repeat = matches!(self.life_cycle(), LifeCycle::Blocked | LifeCycle::Terminated);
        let pocket = self.check_payee(pay_details)?;
        let next = self.store.next_sequence();
        if pay_details.to_sequence > next || only_a_repeat && pay_details.to_sequence == next {
            return Err(StatusWord::ConditionsOfUse);
        }
        if pay_details.to_sequence == next && next >= Sequence::EXHAUSTED {
            return Err(StatusWord::SequenceExhausted);
        }
        let ack = self.verified(voucher)?.ack();
        if pay_details.to_sequence == next {
            let mut record = self.credited(pay_details, pocket)?;
            record.tac = voucher.tac;
            self.append(record)?;
        } else {
            match self.past(pay_details)? {
                Past::Credited => {}
                Past::Gone if !only_a_repeat => return Err(StatusWord::ReferenceNotFound),
                Past::Gone | Past::Other => return Err(StatusWord::ConditionsOfUse),
            }
        }
        answer.put(&ack.0);
        Ok(StatusWord::Success)
    }

    /// DECLINE: one commit, then nack. Never a nack for what may have been credited.
    pub(crate) fn decline(&mut self, voucher: &Voucher, answer: &mut Writer<'_>) -> Outcome {
        let pay_details = &voucher.pay_details;
        self.check_payee(pay_details)?;
        let next = self.store.next_sequence();
        if pay_details.to_sequence > next {
            return Err(StatusWord::ConditionsOfUse);
        }
        if pay_details.to_sequence == next && next > Sequence::LAST {
            return Err(StatusWord::SequenceExhausted);
        }
        let nack = self.verified(voucher)?.nack();
        if pay_details.to_sequence == next {
            self.check_places(2)?;
            let mut record = self.next_record(pay_details, RecordRole::Declined);
            record.tac = voucher.tac;
            self.append(record)?;
        } else {
            match self.past(pay_details)? {
                Past::Credited => return Err(StatusWord::ConditionsOfUse),
                Past::Gone => return Err(StatusWord::ReferenceNotFound),
                Past::Other => {}
            }
        }
        answer.put(&nack.0);
        Ok(StatusWord::Success)
    }

    /// Whether pay details fit this card as their payee: 6A80, 6985, 6A88 in this order. Gives the pocket's place.
    fn check_payee(&self, pay_details: &PayDetails) -> Result<usize, StatusWord> {
        let identity = self.identity()?;
        let kind = pay_details.kind;
        let from_issuer =
            pay_details.from == identity.issuer && pay_details.from_sequence == pay_details.to_sequence;
        if pay_details.to != identity.number
            || pay_details.from == identity.number
            || pay_details.amount == Amount::ZERO
            || !identity.role.receives(kind)
            || kind == Kind::Load && !from_issuer
        {
            return Err(StatusWord::WrongData);
        }
        self.keys.check_peer(kind, pay_details.from)?;
        if kind == Kind::Load && self.is_disposable() {
            return Err(StatusWord::ConditionsOfUse);
        }
        self.keys.check_version(identity, kind, pay_details.key_version)?;
        self.pocket(pay_details.currency)
    }

    /// The session of a voucher whose val holds.
    fn verified(&mut self, voucher: &Voucher) -> Result<Session<'_, E>, StatusWord> {
        let mut session = self.session(&voucher.pay_details)?;
        if bool::from(session.val(voucher.tac).ct_eq(&voucher.val)) {
            Ok(session)
        } else {
            Err(StatusWord::WrongMac)
        }
    }

    /// What pay details with an old sequence came to. For a load whose record is gone the last credited load tells,
    /// which every record carries: the issuer gives val only above every earlier load.
    fn past(&self, pay_details: &PayDetails) -> Result<Past, StatusWord> {
        let sequence = pay_details.to_sequence;
        if let Some(standing) = self.store.standing(sequence) {
            if standing.role != RecordRole::Payee {
                return Ok(Past::Other);
            }
            let record = self.store.record(sequence)?.ok_or(StatusWord::ReferenceNotFound)?;
            return Ok(if record.pay_details == *pay_details { Past::Credited } else { Past::Other });
        }
        let last_load = self.store.state().last_load;
        Ok(match pay_details.kind {
            // What happened under the sequences of a card that this one continues, it cannot say.
            _ if sequence < self.identity()?.first_sequence => Past::Gone,
            Kind::Load if last_load == sequence => Past::Credited,
            Kind::Load if last_load == Sequence::NONE || last_load < sequence => Past::Other,
            _ => Past::Gone,
        })
    }

    /// The record that crediting would append, without its TAC; what forbids it: 6A88 (no purchase to refund), 9404,
    /// 6A84.
    fn credited(&self, pay_details: &PayDetails, place: usize) -> Result<Record, StatusWord> {
        let mut record = self.next_record(pay_details, RecordRole::Payee);
        if pay_details.kind == Kind::Refund {
            record.reference = Some(self.purchase_to_refund(pay_details)?);
        }
        let limits = self.limits(place)?;
        let pocket = record.pockets.get_mut(place).ok_or(StatusWord::ReferenceNotFound)?;
        let PocketState { balance, received_offline, .. } = *pocket;
        let within =
            |sum: Option<Amount>, limit: Amount| sum.filter(|sum| *sum <= limit).ok_or(StatusWord::OverLimit);
        pocket.balance = within(balance.checked_add(pay_details.amount), limits.maximum_balance)?;
        match pay_details.kind {
            Kind::Load => {
                pocket.received_offline = Amount::ZERO;
                record.last_load = record.sequence;
            }
            Kind::Refund | Kind::Transfer => {
                let sum = received_offline.checked_add(pay_details.amount);
                pocket.received_offline = within(sum, limits.offline_receipts)?;
            }
            Kind::Purchase | Kind::Unload => {}
        }
        self.check_places(Self::RESERVE)?;
        Ok(record)
    }

    /// The settled purchase that a refund refers to: to that merchant, in that currency, of at least that amount, not
    /// yet refunded; the smallest that suffices, the newest among equals.
    fn purchase_to_refund(&self, refund: &PayDetails) -> Result<Sequence, StatusWord> {
        let mut best: Option<(Amount, Sequence)> = None;
        for sequence in self.store.window_sequences() {
            let Some(standing) = self.store.standing(sequence) else { continue };
            let fits = (standing.role, standing.kind, standing.state)
                == (RecordRole::Payer, Kind::Purchase, RecordState::Settled);
            if !fits {
                continue;
            }
            let Some(purchase) = self.store.record(sequence)?.map(|record| record.pay_details) else {
                continue;
            };
            let suffices = purchase.to == refund.from
                && purchase.currency == refund.currency
                && purchase.amount >= refund.amount
                && best.is_none_or(|(smallest, _)| purchase.amount < smallest);
            if suffices {
                best = Some((purchase.amount, sequence));
            }
        }
        best.map(|(_, sequence)| sequence).ok_or(StatusWord::ReferenceNotFound)
    }

    /// A merchant SAM must have so many places that lie not after its last settled collection (6A84).
    pub(crate) fn check_places(&self, needed: usize) -> Result<(), StatusWord> {
        if self.identity()?.role == Role::Merchant && self.store.free_places() < needed {
            return Err(StatusWord::NoRoom);
        }
        Ok(())
    }
}
