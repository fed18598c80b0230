//! A purse beside a model of it that is section 7 word for word, through any history in a tiny window.

use apdu_spec::command::Command;
use apdu_spec::element::{Amount, Kind, Sequence};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pocket::Limits;
use apdu_spec::record::{LogRecord, RecordRole, RecordState};
use apdu_spec::status::StatusWord as Status;
use proptest::prelude::*;
use purse_tests::bench_card::BenchCard;
use purse_tests::scheme::{Profile, acknowledge, debit, initialize, issuer, party, pin, reverse, voucher};

const WINDOW: usize = 6;
const EXCEPTIONS: usize = 2;
const LIMITS: Limits = Limits {
    maximum_balance: Amount(100),
    maximum_debit: Amount(50),
    debit_without_pin: Amount(20),
    total_without_pin: Amount(40),
    maximum_transfer: Amount(0),
    offline_receipts: Amount(60),
};

type Card = BenchCard<WINDOW, EXCEPTIONS>;

#[derive(Clone, Copy, Debug)]
enum Step {
    Pay(Kind, u32),
    Receive(Kind, u32),
    Decline(Kind, u32),
    /// By how far back the record lies.
    Acknowledge(usize),
    Reverse(usize),
    Repeat(usize),
    Verify,
    NewSession,
    PowerCycle,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    pay_details: PayDetails,
    role: RecordRole,
    state: RecordState,
    balance: u32,
}

/// What the card should hold.
#[derive(Clone, Debug, Default)]
struct Model {
    balance: u32,
    without_pin: u32,
    offline: u32,
    verified: bool,
    entries: Vec<Entry>,
}

impl Model {
    fn is_in_window(&self, place: usize) -> bool {
        place + WINDOW >= self.entries.len()
    }

    fn is_open_unload(&self, place: usize) -> bool {
        let Entry { pay_details, role, state, .. } = self.entries[place];
        (role, state, pay_details.kind) == (RecordRole::Payer, RecordState::Open, Kind::Unload)
    }

    fn is_in_log(&self, place: usize) -> bool {
        self.is_in_window(place) || self.is_open_unload(place)
    }

    fn append(&mut self, pay_details: PayDetails, role: RecordRole) {
        let state = if role == RecordRole::Payer { RecordState::Open } else { RecordState::Settled };
        self.entries.push(Entry { pay_details, role, state, balance: self.balance });
    }

    fn pay(&mut self, pay_details: PayDetails) -> Status {
        let (kind, Amount(amount)) = (pay_details.kind, pay_details.amount);
        if amount > self.balance {
            return Status::InsufficientValue;
        }
        if kind == Kind::Unload {
            if (0..self.entries.len()).filter(|place| self.is_open_unload(*place)).count() >= EXCEPTIONS {
                return Status::NoRoom;
            }
            self.offline = 0;
        } else if amount > LIMITS.maximum_debit.0 {
            return Status::OverLimit;
        } else if !self.verified {
            if amount > LIMITS.debit_without_pin.0 || self.without_pin + amount > LIMITS.total_without_pin.0 {
                return Status::SecurityStatus;
            }
            self.without_pin += amount;
        }
        if self.verified {
            self.without_pin = 0;
        }
        self.balance -= amount;
        self.append(pay_details, RecordRole::Payer);
        Status::Success
    }

    /// The smallest settled purchase in the window that suffices, the newest among equals.
    fn purchase(&self, refund: u32) -> Option<usize> {
        let fits = |place: &usize| {
            let Entry { pay_details, role, state, .. } = self.entries[*place];
            self.is_in_window(*place)
                && (role, state, pay_details.kind)
                    == (RecordRole::Payer, RecordState::Settled, Kind::Purchase)
                && pay_details.amount.0 >= refund
        };
        let order = |place: &usize| (self.entries[*place].pay_details.amount, usize::MAX - place);
        (0..self.entries.len()).filter(fits).min_by_key(order)
    }

    fn receive(&mut self, pay_details: PayDetails) -> Status {
        let Amount(amount) = pay_details.amount;
        let purchase = self.purchase(amount);
        let is_refund = pay_details.kind == Kind::Refund;
        if is_refund && purchase.is_none() {
            return Status::ReferenceNotFound;
        }
        let over_offline = is_refund && self.offline + amount > LIMITS.offline_receipts.0;
        if self.balance + amount > LIMITS.maximum_balance.0 || over_offline {
            return Status::OverLimit;
        }
        self.balance += amount;
        self.offline = if is_refund { self.offline + amount } else { 0 };
        if let Some(place) = purchase.filter(|_| is_refund) {
            self.entries[place].state = RecordState::Refunded;
        }
        self.append(pay_details, RecordRole::Payee);
        Status::Success
    }

    /// What a command about an own payment meets, and whether it is open.
    fn payment(&self, place: usize) -> Result<Entry, Status> {
        match self.entries[place] {
            _ if !self.is_in_log(place) => Err(Status::ReferenceNotFound),
            Entry { role: RecordRole::Payer, .. } => Ok(self.entries[place]),
            _ => Err(Status::ConditionsOfUse),
        }
    }

    fn acknowledge(&mut self, place: usize) -> Status {
        match self.payment(place) {
            Err(status) => status,
            Ok(Entry { state: RecordState::Reversed, .. }) => Status::ConditionsOfUse,
            Ok(Entry { state: RecordState::Open, .. }) => {
                self.entries[place].state = RecordState::Settled;
                Status::Success
            }
            Ok(_) => Status::Success,
        }
    }

    fn reverse(&mut self, place: usize) -> Status {
        let entry = match self.payment(place) {
            Err(status) => return status,
            Ok(entry) => entry,
        };
        match entry.state {
            RecordState::Reversed => return Status::Success,
            RecordState::Settled | RecordState::Refunded => return Status::ConditionsOfUse,
            RecordState::Open => {}
        }
        let Amount(amount) = entry.pay_details.amount;
        if entry.pay_details.kind == Kind::Purchase {
            if self.offline + amount > LIMITS.offline_receipts.0 {
                return Status::OverLimit;
            }
            self.offline += amount;
        }
        self.balance += amount;
        self.entries[place].state = RecordState::Reversed;
        self.append(entry.pay_details, RecordRole::Reversal);
        Status::Success
    }
}

fn step() -> impl Strategy<Value = Step> {
    let back = 0..WINDOW * 2;
    let amount = prop_oneof![1_u32..30, 1_u32..110];
    let payment = prop_oneof![3 => Just(Kind::Purchase), 1 => Just(Kind::Unload)];
    let receipt = prop_oneof![Just(Kind::Load), Just(Kind::Refund)];
    prop_oneof![
        6 => (payment, amount.clone()).prop_map(|(kind, amount)| Step::Pay(kind, amount)),
        4 => (receipt.clone(), amount.clone()).prop_map(|(kind, amount)| Step::Receive(kind, amount)),
        1 => (receipt, amount).prop_map(|(kind, amount)| Step::Decline(kind, amount)),
        4 => back.clone().prop_map(Step::Acknowledge),
        3 => back.clone().prop_map(Step::Reverse),
        1 => back.prop_map(Step::Repeat),
        2 => Just(Step::Verify),
        1 => Just(Step::NewSession),
        1 => Just(Step::PowerCycle),
    ]
}

/// Sends it and says how it ended; a refused one must not have written.
fn outcome(card: &mut Card, command: &Command<'_>) -> Status {
    let before = card.card.memory().counts();
    let status = card.send(command).status;
    assert!(status == Status::Success || card.card.memory().counts() == before, "{status:?} wrote");
    status
}

/// One history, compared after every step.
fn run(steps: Vec<Step>) {
    let balance = 80;
    let mut card = Card::new(&Profile { limits: LIMITS, ..Profile::purse(1, balance) });
    let mut model = Model { balance, ..Model::default() };
    for step in steps {
        let place = |back: usize| model.entries.len().checked_sub(back + 1);
        let peer = |kind| if matches!(kind, Kind::Load | Kind::Unload) { issuer() } else { party(2) };
        match step {
            Step::Pay(kind, amount) => {
                let pay_details = card.paying(kind, amount, peer(kind));
                assert_eq!(outcome(&mut card, &debit(&pay_details)), model.pay(pay_details), "{step:?}");
            }
            Step::Receive(kind, amount) => {
                let pay_details = card.paid(kind, amount, peer(kind));
                let asked = card.unwritten(initialize(&pay_details).emit().as_bytes()).status;
                let credited = outcome(&mut card, &Command::Credit(voucher(&pay_details)));
                assert_eq!((asked, credited), (credited, model.receive(pay_details)), "{step:?}");
            }
            Step::Decline(kind, amount) => {
                let pay_details = card.paid(kind, amount, peer(kind));
                card.succeed(&Command::Decline(voucher(&pay_details)));
                model.append(pay_details, RecordRole::Declined);
            }
            Step::Acknowledge(back) => {
                let Some(place) = place(back) else { continue };
                let pay_details = own(place, &model);
                assert_eq!(
                    outcome(&mut card, &acknowledge(&pay_details)),
                    model.acknowledge(place),
                    "{step:?}"
                );
            }
            Step::Reverse(back) => {
                let Some(place) = place(back) else { continue };
                let pay_details = own(place, &model);
                assert_eq!(outcome(&mut card, &reverse(&pay_details)), model.reverse(place), "{step:?}");
            }
            Step::Repeat(back) => {
                let Some(place) = place(back) else { continue };
                let entry = model.entries[place];
                if entry.role == RecordRole::Payer {
                    let good = model.is_in_log(place);
                    let expected = if good { Status::Success } else { Status::ConditionsOfUse };
                    let again = card.unwritten(debit(&entry.pay_details).emit().as_bytes());
                    assert_eq!(again.status, expected, "{step:?}");
                }
            }
            Step::Verify => {
                card.verify(pin("1234"));
                model.verified = true;
            }
            Step::NewSession => {
                card.select();
                model.verified = false;
            }
            Step::PowerCycle => {
                card = card.power_cycled();
                model.verified = false;
            }
        }
        compare(&mut card, &model);
    }
}

/// Pay details whose sequence as the payer is this place's, whatever the record there is.
fn own(place: usize, model: &Model) -> PayDetails {
    let pay_details = model.entries[place].pay_details;
    PayDetails { from_sequence: Sequence(u32::try_from(place).unwrap()), ..pay_details }
}

fn compare(card: &mut Card, model: &Model) {
    let status = card.identity().status;
    let next = u32::try_from(model.entries.len()).unwrap();
    assert_eq!((status.balance.0, status.sequence.0), (model.balance, next));
    for (sequence, entry) in (0..).zip(&model.entries) {
        let answer = card.unwritten(Command::ReadEntry(Sequence(sequence)).emit().as_bytes());
        if !model.is_in_log(sequence as usize) {
            assert_eq!(answer.status, Status::ReferenceNotFound);
            continue;
        }
        let record = LogRecord::parse(&answer.data.try_into().unwrap()).unwrap();
        let found = (record.pay_details, record.role, record.state, record.balance.0);
        assert_eq!(found, (entry.pay_details, entry.role, entry.state, entry.balance), "{sequence}");
    }
    let outside =
        (0..model.entries.len()).filter(|place| model.is_open_unload(*place) && !model.is_in_window(*place));
    let outside: Vec<usize> = outside.collect();
    for number in 1..=3_u8 {
        let answer = card.unwritten(Command::ReadRecord(Some(0x19), number).emit().as_bytes());
        match outside.get(usize::from(number) - 1) {
            None => assert_eq!(answer.status, Status::RecordNotFound),
            Some(place) => assert_eq!(answer.data[..36], model.entries[*place].pay_details.emit()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_purse_does_what_section_7_says(steps in prop::collection::vec(step(), 1..60)) {
        run(steps);
    }
}
