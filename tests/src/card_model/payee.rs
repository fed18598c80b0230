//! INITIALIZE, CREDIT, DECLINE.

use apdu_spec::command::{InitializeData, Initialized, Voucher};
use apdu_spec::element::{Amount, Kind, Role, Sequence};
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::{RecordRole, RecordState};
use apdu_spec::status::StatusWord as Status;

use super::{Entry, Model, State};
use crate::scheme::{issuer, session};

/// What the log still knows of an old sequence.
enum Past {
    Credited,
    Other,
    Gone,
}

impl Model {
    pub(super) fn initialize(&self, data: &InitializeData) -> Result<Vec<u8>, Status> {
        let (number, sequence) = (self.number, Sequence(self.next()));
        let pay_details = data.pay_details(number, sequence);
        let pocket = self.check_payee(&pay_details)?;
        self.credited(&pay_details, pocket)?;
        Ok(Initialized { number, sequence, req: session(&pay_details).req() }.emit().to_vec())
    }

    pub(super) fn credit(&mut self, voucher: &Voucher) -> Result<Vec<u8>, Status> {
        let pay_details = voucher.pay_details;
        let only_a_repeat = matches!(self.life_cycle(), LifeCycle::Blocked | LifeCycle::Terminated);
        let pocket = self.check_payee(&pay_details)?;
        let is_next = pay_details.to_sequence.0 == self.next();
        if pay_details.to_sequence.0 > self.next() || is_next && only_a_repeat {
            return Err(Status::ConditionsOfUse);
        }
        check_val(voucher)?;
        if is_next {
            let mut state = self.credited(&pay_details, pocket)?;
            state.append((self.role, self.number), pay_details, RecordRole::Payee, voucher.tac);
            self.state = state;
        } else {
            match self.past(&pay_details) {
                Past::Credited => {}
                Past::Gone if !only_a_repeat => return Err(Status::ReferenceNotFound),
                Past::Gone | Past::Other => return Err(Status::ConditionsOfUse),
            }
        }
        Ok(session(&pay_details).ack().0.to_vec())
    }

    pub(super) fn decline(&mut self, voucher: &Voucher) -> Result<Vec<u8>, Status> {
        let pay_details = voucher.pay_details;
        self.check_payee(&pay_details)?;
        if pay_details.to_sequence.0 > self.next() {
            return Err(Status::ConditionsOfUse);
        }
        check_val(voucher)?;
        if pay_details.to_sequence.0 == self.next() {
            self.check_places(2)?;
            let card = (self.role, self.number);
            self.state.append(card, pay_details, RecordRole::Declined, voucher.tac);
        } else {
            match self.past(&pay_details) {
                Past::Credited => return Err(Status::ConditionsOfUse),
                Past::Gone => return Err(Status::ReferenceNotFound),
                Past::Other => {}
            }
        }
        Ok(session(&pay_details).nack().0.to_vec())
    }

    fn check_payee(&self, pay_details: &PayDetails) -> Result<usize, Status> {
        let kind = pay_details.kind;
        let receives = matches!(
            (self.role, kind),
            (Role::Purse, Kind::Load | Kind::Refund | Kind::Transfer)
                | (Role::Merchant, Kind::Load | Kind::Purchase)
        );
        let from_issuer =
            pay_details.from == issuer() && pay_details.from_sequence == pay_details.to_sequence;
        if !receives
            || pay_details.to != self.number
            || pay_details.from == self.number
            || pay_details.amount == Amount::ZERO
            || kind == Kind::Load && !from_issuer
        {
            return Err(Status::WrongData);
        }
        self.check_peer(kind, pay_details.from)?;
        self.check_version(kind, pay_details.key_version)?;
        self.pocket(pay_details.currency)
    }

    /// What became of a sequence that has been used. Beyond the window only loads are known: the last one credited,
    /// and that none after it was.
    fn past(&self, pay_details: &PayDetails) -> Past {
        let place = pay_details.to_sequence.0 as usize;
        if self.is_in_log(place) {
            let Entry { role, pay_details: known, .. } = self.state.entries[place];
            let credited = (role, known) == (RecordRole::Payee, *pay_details);
            return if credited { Past::Credited } else { Past::Other };
        }
        match (pay_details.kind, self.state.last_load) {
            (Kind::Load, None) => Past::Other,
            (Kind::Load, Some(last)) if last == place => Past::Credited,
            (Kind::Load, Some(last)) if last < place => Past::Other,
            _ => Past::Gone,
        }
    }

    /// The state after crediting, but for its record.
    fn credited(&self, pay_details: &PayDetails, place: usize) -> Result<State, Status> {
        let (kind, Amount(amount)) = (pay_details.kind, pay_details.amount);
        let mut state = self.state.clone();
        if kind == Kind::Refund {
            let purchase = self.purchase(pay_details).ok_or(Status::ReferenceNotFound)?;
            state.entries[purchase].state = RecordState::Refunded;
        }
        let next = state.entries.len();
        let pocket = &mut state.pockets[place];
        let limits = pocket.parameters.limits;
        let within = |sum: Option<u32>, limit: u32| sum.filter(|sum| *sum <= limit).ok_or(Status::OverLimit);
        pocket.balance = within(pocket.balance.checked_add(amount), limits.maximum_balance.0)?;
        match kind {
            Kind::Load => {
                pocket.offline = 0;
                state.last_load = Some(next);
            }
            Kind::Refund | Kind::Transfer => {
                pocket.offline = within(pocket.offline.checked_add(amount), limits.offline_receipts.0)?;
            }
            Kind::Purchase | Kind::Unload => {}
        }
        self.check_places(self.sizes.reserve())?;
        Ok(state)
    }

    /// The smallest settled purchase in the window that suffices, the newest among equals.
    fn purchase(&self, refund: &PayDetails) -> Option<usize> {
        let fits = |place: &usize| {
            let Entry { pay_details, role, state, .. } = self.state.entries[*place];
            self.is_in_window(*place)
                && (role, state, pay_details.kind)
                    == (RecordRole::Payer, RecordState::Settled, Kind::Purchase)
                && (pay_details.to, pay_details.currency) == (refund.from, refund.currency)
                && pay_details.amount >= refund.amount
        };
        let order = |place: &usize| (self.state.entries[*place].pay_details.amount, usize::MAX - place);
        (0..self.state.entries.len()).filter(fits).min_by_key(order)
    }
}

fn check_val(voucher: &Voucher) -> Result<(), Status> {
    let holds = session(&voucher.pay_details).val(voucher.tac) == voucher.val;
    if holds { Ok(()) } else { Err(Status::WrongMac) }
}
