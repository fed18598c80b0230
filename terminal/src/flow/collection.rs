//! Collection (section 7): a merchant SAM's unload of all that it holds.

use apdu_spec::command::{PocketBalance, Voucher};
use apdu_spec::cryptography::Authenticator;
use apdu_spec::element::{Amount, Currency, Role, Sequence, Time};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pocket::POCKETS;

use super::desk::IssuerDesk;
use super::error::{FlowError, Party};
use super::{guard, handover};
use crate::client::{Client, MOST_ENTRIES};
use crate::issuer::{SubmissionReport, Unloaded};
use crate::transport::Transport;

/// One pocket's collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collected {
    /// PD, whose amount is all that the pocket held.
    pub pay_details: PayDetails,
    /// Minor units that the merchant's account got.
    pub credited: Amount,
    /// Minor units that the records do not account for.
    pub withheld: Amount,
    /// The SAM has had the ack: only then is there room in its log again. Otherwise the next recovery brings it.
    pub acknowledged: bool,
}

/// What a collection came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Records submitted.
    pub records: usize,
    /// What the issuer found in them.
    pub submission: SubmissionReport,
    /// Each pocket that was collected.
    pub collected: Vec<Collected>,
}

/// What the issuer said to a collection's val.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) ack: Authenticator,
    pub(super) credited: Amount,
    pub(super) withheld: Amount,
}

impl Answer {
    pub(super) const fn collected(self, pay_details: PayDetails, acknowledged: bool) -> Collected {
        let Self { credited, withheld, .. } = self;
        Collected { pay_details, credited, withheld, acknowledged }
    }
}

/// Reads and submits the records that the issuer has not had, then collects every pocket that holds something; the
/// first one if none does, so that the log has room again. The SAM is released while the issuer is asked, and at the
/// end.
pub fn collect<T: Transport>(
    sam: &mut Client<T>,
    issuer: &mut (dyn IssuerDesk + '_),
    time: Time,
) -> Result<Report, FlowError> {
    let collected = collect_in_phases(sam, issuer, time, None);
    sam.release();
    collected
}

/// The same with the pocket of this currency alone, whatever it holds.
pub fn collect_currency<T: Transport>(
    sam: &mut Client<T>,
    issuer: &mut (dyn IssuerDesk + '_),
    time: Time,
    currency: Currency,
) -> Result<Report, FlowError> {
    let collected = collect_in_phases(sam, issuer, time, Some(currency));
    sam.release();
    collected
}

fn collect_in_phases<T: Transport>(
    sam: &mut Client<T>,
    issuer: &mut (dyn IssuerDesk + '_),
    time: Time,
    only: Option<Currency>,
) -> Result<Report, FlowError> {
    sam.reselect().map_err(FlowError::card(Party::Sam))?;
    let party = guard::role(sam.status(), Role::Merchant)?;
    let (records, submission) = submit(sam, issuer)?;
    let mut report = Report { records, submission, collected: Vec::new() };
    for PocketBalance { currency, balance: amount, .. } in holdings(sam, only)? {
        sam.release();
        let payer = sam.status();
        let asked = issuer.unload_request(payer.number, currency, amount, payer.sequence, time)?;
        handover::hold(sam)?;
        let voucher = handover::debit(sam, party, &asked.pay_details, asked.req, None)?;
        let (answer, records, submission) =
            deliver(sam, issuer, &voucher).map_err(|error| error.unknown(&voucher.pay_details))?;
        report.records += records;
        report.submission.bad.extend(submission.bad);
        report.submission.forks.extend(submission.forks);
        report.submission.collected.extend(submission.collected);
        let acknowledged = handover::acknowledge(sam, &voucher.pay_details, answer.ack);
        report.collected.push(answer.collected(voucher.pay_details, acknowledged));
    }
    Ok(report)
}

/// Val to the issuer. If records are missing it gets them, and is asked once more. Its answer, how many records it
/// got, and what it found in them. The SAM is released.
pub(super) fn deliver<T: Transport>(
    sam: &mut Client<T>,
    issuer: &mut (dyn IssuerDesk + '_),
    voucher: &Voucher,
) -> Result<(Answer, usize, SubmissionReport), FlowError> {
    let (mut records, mut submission) = (0, SubmissionReport::default());
    for attempt in 0..2 {
        sam.release();
        if let Unloaded::Credited { ack, credited, withheld } = issuer.unload(voucher)? {
            return Ok((Answer { ack, credited, withheld }, records, submission));
        }
        if attempt == 0 {
            (records, submission) = submit(sam, issuer)?;
        }
    }
    Err(FlowError::CollectionWaits(voucher.pay_details))
}

/// Submits every record that the issuer has not passed, in order of sequence. How many, and what it found. The SAM is
/// released.
fn submit<T: Transport>(
    sam: &mut Client<T>,
    issuer: &mut (dyn IssuerDesk + '_),
) -> Result<(usize, SubmissionReport), FlowError> {
    let number = sam.status().number;
    sam.release();
    let first = issuer.records_wanted(number)?;
    handover::hold(sam)?;
    if sam.status().sequence.0.saturating_sub(first.0) > MOST_ENTRIES {
        // No card has so many, whatever it says: the first would have to be gone.
        return Err(FlowError::RecordGone(first));
    }
    let mut records = Vec::new();
    for sequence in (first.0..sam.status().sequence.0).map(Sequence) {
        let record = sam.entry(sequence).map_err(FlowError::card(Party::Sam))?;
        records.push(record.ok_or(FlowError::RecordGone(sequence))?);
    }
    sam.release();
    let report = issuer.submit_records(number, first, &records)?;
    Ok((records.len(), report))
}

/// Each pocket to collect.
///
/// As the card has said it, and not as pairs of currency and amount: of these, LLVM 18 to 22 can add what is left in the
/// upper half of a register to the amount (llvm/llvm-project issue 205291), and did.
fn holdings<T: Transport>(
    sam: &mut Client<T>,
    only: Option<Currency>,
) -> Result<Vec<PocketBalance>, FlowError> {
    let failed = FlowError::card(Party::Sam);
    handover::hold(sam)?;
    let pockets = sam.identity().map_err(failed)?.pockets;
    let mut holdings = Vec::with_capacity(POCKETS);
    for (pocket, _) in (0..).zip(pockets).filter(|(_, parameters)| parameters.is_used()) {
        holdings.push(sam.balance(pocket).map_err(failed)?);
    }
    if let Some(currency) = only {
        holdings.retain(|pocket| pocket.currency == currency);
        if holdings.is_empty() {
            return Err(FlowError::NoPocket(currency));
        }
    } else if holdings.iter().any(|pocket| pocket.balance != Amount::ZERO) {
        holdings.retain(|pocket| pocket.balance != Amount::ZERO);
    } else {
        holdings.truncate(1);
    }
    Ok(holdings)
}
