//! The payer's half of a transfer of value: DEBIT, GET PROOF, ACKNOWLEDGE, REVERSE (section 7).

use apdu_spec::command::{DebitData, Proof};
use apdu_spec::cryptography::{Authenticator, Engine, KeyPurpose, tac};
use apdu_spec::curve::Curve;
use apdu_spec::element::{Amount, Kind, Role, Sequence};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::{RecordRole, RecordState};
use apdu_spec::status::StatusWord;
use apdu_spec::wire::Writer;
use subtle::ConstantTimeEq;

use crate::card::{Card, Outcome};
use crate::memory::Memory;
use crate::store::{Administration, Entry, Record};

impl<M: Memory, E: Engine + Curve, const WINDOW: usize, const EXCEPTIONS: usize>
    Card<M, E, WINDOW, EXCEPTIONS>
{
    /// DEBIT: one commit, then val and TAC; the same again gives them again.
    pub(crate) fn debit(&mut self, data: &DebitData, answer: &mut Writer<'_>) -> Outcome {
        let identity = self.identity()?;
        let role = identity.role;
        let pay_details = data.pay_details(identity.number);
        let place = self.check_payer(&pay_details)?;
        let next = self.store.next_sequence();
        let is_unload = pay_details.kind == Kind::Unload;
        if data.sequence > next {
            return Err(StatusWord::ConditionsOfUse);
        }
        if data.sequence == next && next >= (if is_unload { Sequence::NONE } else { Sequence::EXHAUSTED }) {
            return Err(StatusWord::SequenceExhausted);
        }
        let mut session = self.keys.session(&self.engine, role, &pay_details)?;
        if !bool::from(session.req().ct_eq(&data.req)) {
            return Err(StatusWord::WrongMac);
        }
        let proof = if data.sequence < next {
            let standing =
                self.store.standing(data.sequence).filter(|standing| standing.role == RecordRole::Payer);
            standing.ok_or(StatusWord::ConditionsOfUse)?;
            let record = self.store.record(data.sequence)?.ok_or(StatusWord::ConditionsOfUse)?;
            if record.pay_details != pay_details {
                return Err(StatusWord::ConditionsOfUse);
            }
            Proof { val: session.val(record.tac), tac: record.tac }
        } else {
            let mut record = self.debited(&pay_details, place)?;
            let chain = Some(record.chain).filter(|_| is_unload && role == Role::Merchant);
            record.tac = tac(&self.engine, self.keys.own(KeyPurpose::Tac)?, &pay_details, chain);
            let proof = Proof { val: session.val(record.tac), tac: record.tac };
            drop(session);
            self.append(record)?;
            proof
        };
        answer.put(&proof.emit());
        Ok(StatusWord::Success)
    }

    /// GET PROOF: what DEBIT answered, so that any terminal can finish what another began.
    pub(crate) fn get_proof(&mut self, sequence: Sequence, answer: &mut Writer<'_>) -> Outcome {
        let Record { tac, pay_details, .. } = self.payer_record_of_peer(sequence)?;
        let val = self.session(&pay_details)?.val(tac);
        answer.put(&Proof { val, tac }.emit());
        Ok(StatusWord::Success)
    }

    /// ACKNOWLEDGE: the payee has credited.
    pub(crate) fn acknowledge(&mut self, sequence: Sequence, ack: Authenticator) -> Outcome {
        let record = self.payer_record_of_peer(sequence)?;
        if !bool::from(self.session(&record.pay_details)?.ack().ct_eq(&ack)) {
            return Err(StatusWord::WrongMac);
        }
        match self.state_of(sequence)? {
            RecordState::Open => self.store.commit(Entry::Mark(sequence))?,
            RecordState::Settled | RecordState::Refunded => {}
            RecordState::Reversed => return Err(StatusWord::ConditionsOfUse),
        }
        Ok(StatusWord::Success)
    }

    /// REVERSE: the payee never will.
    pub(crate) fn reverse(&mut self, sequence: Sequence, nack: Authenticator) -> Outcome {
        let record = self.payer_record_of_peer(sequence)?;
        let state = self.state_of(sequence)?;
        if state == RecordState::Open {
            self.check_last_sequence()?;
        }
        if !bool::from(self.session(&record.pay_details)?.nack().ct_eq(&nack)) {
            return Err(StatusWord::WrongMac);
        }
        match state {
            RecordState::Open => self.take_back(&record, None)?,
            RecordState::Reversed => {}
            RecordState::Settled | RecordState::Refunded => return Err(StatusWord::ConditionsOfUse),
        }
        Ok(StatusWord::Success)
    }

    /// A reversal needs a sequence of its own (9402).
    fn check_last_sequence(&self) -> Result<(), StatusWord> {
        if self.store.next_sequence() > Sequence::LAST { Err(StatusWord::SequenceExhausted) } else { Ok(()) }
    }

    /// Returns the value of an open debit: by its payee's nack, or by the issuer's script, which stands outside the
    /// limit of offline receipts.
    pub(crate) fn take_back(
        &mut self,
        debit: &Record,
        script: Option<Administration>,
    ) -> Result<(), StatusWord> {
        self.check_last_sequence()?;
        let amount = debit.pay_details.amount;
        let place = self.pocket(debit.pay_details.currency)?;
        let limit = self.limits(place)?.offline_receipts;
        let mut record = self.next_record(&debit.pay_details, RecordRole::Reversal);
        record.tac = debit.tac;
        record.reference = Some(debit.sequence);
        let pocket = record.pockets.get_mut(place).ok_or(StatusWord::ReferenceNotFound)?;
        pocket.balance = pocket.balance.checked_add(amount).ok_or(StatusWord::OverLimit)?;
        if debit.pay_details.kind == Kind::Purchase && script.is_none() {
            let sum = pocket.received_offline.checked_add(amount).filter(|sum| *sum <= limit);
            pocket.received_offline = sum.ok_or(StatusWord::OverLimit)?;
        }
        self.check_places(2)?;
        if let Some(administration) = script {
            record.administration = administration;
        }
        self.append(record)
    }

    /// Whether pay details fit this card as their payer: 6A80, 6985, 6A88 in this order. Gives the pocket's place.
    fn check_payer(&self, pay_details: &PayDetails) -> Result<usize, StatusWord> {
        let identity = self.identity()?;
        let kind = pay_details.kind;
        let to_issuer =
            pay_details.to == identity.issuer && pay_details.to_sequence == pay_details.from_sequence;
        let is_collection = kind == Kind::Unload && identity.role == Role::Merchant;
        if pay_details.to == identity.number
            || pay_details.amount == Amount::ZERO && !is_collection
            || !identity.role.pays(kind)
            || kind == Kind::Unload && !to_issuer
        {
            return Err(StatusWord::WrongData);
        }
        self.keys.check_peer(kind, pay_details.to)?;
        self.keys.check_version(identity, kind, pay_details.key_version)?;
        self.pocket(pay_details.currency)
    }

    /// The record that debiting would append, without its TAC; what forbids it: 9401, 9404, 6982, 6A84.
    fn debited(&self, pay_details: &PayDetails, place: usize) -> Result<Record, StatusWord> {
        let (kind, amount) = (pay_details.kind, pay_details.amount);
        let mut record = self.next_record(pay_details, RecordRole::Payer);
        let limits = self.limits(place)?;
        let pocket = record.pockets.get_mut(place).ok_or(StatusWord::ReferenceNotFound)?;
        pocket.balance = pocket.balance.checked_sub(amount).ok_or(StatusWord::InsufficientValue)?;
        let without_pin = pocket.debited_without_pin.checked_add(amount);
        let maximum = match kind {
            Kind::Purchase | Kind::Refund => Some(limits.maximum_debit),
            Kind::Transfer => Some(limits.maximum_transfer),
            Kind::Load | Kind::Unload => None,
        };
        if let Some(maximum) = maximum {
            if amount > maximum {
                return Err(StatusWord::OverLimit);
            }
            let within = without_pin
                .filter(|total| amount <= limits.debit_without_pin && *total <= limits.total_without_pin);
            if !self.session.pin_verified {
                pocket.debited_without_pin = within.ok_or(StatusWord::SecurityStatus)?;
            }
        } else {
            pocket.received_offline = Amount::ZERO;
        }
        if self.session.pin_verified {
            pocket.debited_without_pin = Amount::ZERO;
        }
        self.check_log(kind)?;
        Ok(record)
    }

    /// Whether the log can keep what must not be lost (6A84): every open transfer, unload and refund needs a place in
    /// EF.EXC, the last of which is the unload's; the last place of a SAM's window is the collection's.
    fn check_log(&self, kind: Kind) -> Result<(), StatusWord> {
        let places = match kind {
            Kind::Unload => EXCEPTIONS,
            Kind::Transfer | Kind::Refund => EXCEPTIONS.saturating_sub(1),
            Kind::Purchase | Kind::Load => return Ok(()),
        };
        if self.store.open_exceptional() >= places {
            return Err(StatusWord::NoRoom);
        }
        self.check_places(if kind == Kind::Unload { 1 } else { 2 })
    }

    /// A payer record of this card: 6985 for a sequence not reached yet or a record of another role, 6A88 for one that
    /// has left the log.
    pub(crate) fn payer_record(&self, sequence: Sequence) -> Result<Record, StatusWord> {
        if sequence >= self.store.next_sequence() {
            return Err(StatusWord::ConditionsOfUse);
        }
        let standing = self.store.standing(sequence).ok_or(StatusWord::ReferenceNotFound)?;
        if standing.role != RecordRole::Payer {
            return Err(StatusWord::ConditionsOfUse);
        }
        self.store.record(sequence)?.ok_or(StatusWord::ReferenceNotFound)
    }

    /// The same, for whom it is to be told: of a transfer, only with its payee at hand (6985).
    fn payer_record_of_peer(&self, sequence: Sequence) -> Result<Record, StatusWord> {
        let record = self.payer_record(sequence)?;
        self.keys.check_peer(record.pay_details.kind, record.pay_details.to)?;
        Ok(record)
    }

    pub(crate) fn state_of(&self, sequence: Sequence) -> Result<RecordState, StatusWord> {
        self.store.standing(sequence).map(|standing| standing.state).ok_or(StatusWord::ReferenceNotFound)
    }
}
