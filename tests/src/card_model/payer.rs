//! DEBIT, GET PROOF, ACKNOWLEDGE, REVERSE.

use apdu_spec::command::{DebitData, Proof};
use apdu_spec::cryptography::Authenticator;
use apdu_spec::element::{Amount, Kind, Role, Sequence};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::{RecordRole, RecordState};
use apdu_spec::status::StatusWord as Status;

use super::{Entry, Model, State};
use crate::scheme::{VERSION, certificate, issuer, session};

impl Model {
    pub(super) fn debit(&mut self, data: &DebitData) -> Result<Vec<u8>, Status> {
        let pay_details = data.pay_details(self.number);
        let pocket = self.check_payer(&pay_details)?;
        let place = data.sequence.0 as usize;
        if place > self.state.entries.len() {
            return Err(Status::ConditionsOfUse);
        }
        if session(&pay_details).req() != data.req {
            return Err(Status::WrongMac);
        }
        let tac = if place < self.state.entries.len() {
            let known = self.state.entries[place];
            let same = (known.role, known.pay_details) == (RecordRole::Payer, pay_details);
            if !same || !self.is_in_log(place) {
                return Err(Status::ConditionsOfUse);
            }
            known.tac
        } else {
            let mut state = self.debited(&pay_details, pocket)?;
            let is_collection = (self.role, pay_details.kind) == (Role::Merchant, Kind::Unload);
            let tac = certificate(&pay_details, VERSION, is_collection.then_some(state.chain));
            state.append((self.role, self.number), pay_details, RecordRole::Payer, tac);
            self.state = state;
            tac
        };
        Ok(proof_of(&pay_details, tac))
    }

    fn check_payer(&self, pay_details: &PayDetails) -> Result<usize, Status> {
        let kind = pay_details.kind;
        let pays = matches!(
            (self.role, kind),
            (Role::Purse, Kind::Purchase | Kind::Unload | Kind::Transfer)
                | (Role::Merchant, Kind::Refund | Kind::Unload)
        );
        let to_issuer = pay_details.to == issuer() && pay_details.to_sequence == pay_details.from_sequence;
        let nothing = pay_details.amount == Amount::ZERO;
        let is_collection = (self.role, kind) == (Role::Merchant, Kind::Unload);
        if !pays
            || pay_details.to == self.number
            || nothing && !is_collection
            || kind == Kind::Unload && !to_issuer
        {
            return Err(Status::WrongData);
        }
        self.check_peer(kind, pay_details.to)?;
        self.check_version(kind, pay_details.key_version)?;
        self.pocket(pay_details.currency)
    }

    /// The state after debiting, but for its record.
    fn debited(&self, pay_details: &PayDetails, place: usize) -> Result<State, Status> {
        let (kind, Amount(amount)) = (pay_details.kind, pay_details.amount);
        let mut state = self.state.clone();
        let pocket = &mut state.pockets[place];
        let limits = pocket.parameters.limits;
        if amount > pocket.balance {
            return Err(Status::InsufficientValue);
        }
        if kind == Kind::Unload {
            pocket.offline = 0;
        } else if amount
            > (if kind == Kind::Transfer { limits.maximum_transfer } else { limits.maximum_debit }).0
        {
            return Err(Status::OverLimit);
        } else if !self.verified {
            let total = pocket.without_pin.checked_add(amount);
            let total = total.filter(|total| *total <= limits.total_without_pin.0);
            if amount > limits.debit_without_pin.0 {
                return Err(Status::SecurityStatus);
            }
            pocket.without_pin = total.ok_or(Status::SecurityStatus)?;
        }
        if self.verified {
            pocket.without_pin = 0;
        }
        pocket.balance -= amount;
        let open = (0..self.state.entries.len()).filter(|place| self.is_open_exceptional(*place)).count();
        match kind {
            Kind::Unload if open >= self.sizes.exceptions => return Err(Status::NoRoom),
            // The last place is an unload's.
            Kind::Refund | Kind::Transfer if open + 1 >= self.sizes.exceptions => return Err(Status::NoRoom),
            Kind::Unload => self.check_places(1)?,
            Kind::Refund | Kind::Transfer => self.check_places(2)?,
            Kind::Purchase | Kind::Load => {}
        }
        Ok(state)
    }

    pub(super) fn proof(&self, sequence: Sequence) -> Result<Vec<u8>, Status> {
        let (_, Entry { pay_details, tac, .. }) = self.payment(sequence)?;
        self.check_peer(pay_details.kind, pay_details.to)?;
        self.check_version(pay_details.kind, pay_details.key_version)?;
        Ok(proof_of(&pay_details, tac))
    }

    pub(super) fn acknowledge(&mut self, sequence: Sequence, ack: Authenticator) -> Result<Vec<u8>, Status> {
        let (place, entry) = self.payment(sequence)?;
        self.check_peer(entry.pay_details.kind, entry.pay_details.to)?;
        // A master that the SAM has forgotten since.
        self.check_version(entry.pay_details.kind, entry.pay_details.key_version)?;
        if session(&entry.pay_details).ack() != ack {
            return Err(Status::WrongMac);
        }
        match entry.state {
            RecordState::Reversed => return Err(Status::ConditionsOfUse),
            RecordState::Open => self.state.entries[place].state = RecordState::Settled,
            RecordState::Settled | RecordState::Refunded => {}
        }
        Ok(Vec::new())
    }

    pub(super) fn reverse(&mut self, sequence: Sequence, nack: Authenticator) -> Result<Vec<u8>, Status> {
        let (place, entry) = self.payment(sequence)?;
        self.check_peer(entry.pay_details.kind, entry.pay_details.to)?;
        // A master that the SAM has forgotten since.
        self.check_version(entry.pay_details.kind, entry.pay_details.key_version)?;
        if session(&entry.pay_details).nack() != nack {
            return Err(Status::WrongMac);
        }
        match entry.state {
            RecordState::Reversed => {}
            RecordState::Settled | RecordState::Refunded => return Err(Status::ConditionsOfUse),
            RecordState::Open => self.state = self.taken_back(place, false)?,
        }
        Ok(Vec::new())
    }

    /// The state after the value of an open payment came back.
    pub(super) fn taken_back(&self, place: usize, by_issuer: bool) -> Result<State, Status> {
        let Entry { pay_details, tac, .. } = self.state.entries[place];
        let Amount(amount) = pay_details.amount;
        let pocket = self.pocket(pay_details.currency)?;
        let mut state = self.state.clone();
        let pocket = &mut state.pockets[pocket];
        pocket.balance = pocket.balance.checked_add(amount).ok_or(Status::OverLimit)?;
        if pay_details.kind == Kind::Purchase && !by_issuer {
            let sum = pocket.offline.checked_add(amount);
            let limit = pocket.parameters.limits.offline_receipts.0;
            pocket.offline = sum.filter(|sum| *sum <= limit).ok_or(Status::OverLimit)?;
        }
        self.check_places(2)?;
        state.entries[place].state = RecordState::Reversed;
        state.append((self.role, self.number), pay_details, RecordRole::Reversal, tac);
        Ok(state)
    }
}

fn proof_of(pay_details: &PayDetails, tac: apdu_spec::cryptography::Tac) -> Vec<u8> {
    Proof { val: session(pay_details).val(tac), tac }.emit().to_vec()
}
