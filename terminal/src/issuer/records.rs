//! The records of a merchant SAM: submitted, verified, and counted once the chain fits.

use apdu_spec::cryptography::{Engine, Tac};
use apdu_spec::element::{Amount, Kind, Role, Sequence};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::{LogRecord, RecordRole};

use super::Issuer;
use super::authority::Authority;
use super::books::{Fork, fork};
use super::collection::{Collected, complete, pocket};
use super::error::IssuerError;
use super::ledger::post;
use super::model::{Card, ChainRecord, DebitState, LedgerAccount, Reason, TransferState};
use super::resolve::certify;
use super::store::{Store, Tables};

/// What is wrong with a SAM's record. It still belongs to the chain; it just accounts for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flaw {
    /// The payer is none of the issuer's cards that could pay this.
    UnknownPayer,
    /// The key version in PD is not the payer's.
    KeyVersion,
    /// The payer did not make this TAC.
    Tac,
    /// A load that the issuer never gave, or that was declined.
    UnknownLoad,
    /// The issuer has let the payer take this purchase back.
    Reversed,
    /// Something that a merchant SAM never does.
    Impossible,
    /// A collection with a fitting chain had another record here; this one was not stored.
    OtherRecord,
}

/// A record that accounts for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadRecord {
    /// The SAM's.
    pub sequence: Sequence,
    /// What is wrong.
    pub flaw: Flaw,
    /// As submitted.
    pub record: LogRecord,
}

/// What the issuer found in the records submitted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubmissionReport {
    /// Records that account for nothing.
    pub bad: Vec<BadRecord>,
    /// Two good TACs under one payer and sequence: that payer exists twice.
    pub forks: Vec<Fork>,
    /// Waiting collections that these records have completed.
    pub collected: Vec<Collected>,
}

impl<S: Store, E: Engine> Issuer<S, E> {
    /// The first sequence of this SAM that no fitting collection has passed: submit its records from here on.
    pub fn records_wanted(&self, sam: PartyNumber) -> Result<Sequence, IssuerError> {
        self.store.view(|tables| Ok(merchant(tables, sam)?.passed))
    }

    /// Takes a SAM's records, `first` being the sequence of the first of them, in any number of batches. What was
    /// submitted for a sequence before is replaced until a collection's chain has passed it.
    pub fn submit_records(
        &mut self,
        sam: PartyNumber,
        first: Sequence,
        records: &[LogRecord],
    ) -> Result<SubmissionReport, IssuerError> {
        let Self { store, authority } = self;
        store.step(|tables| {
            let mut sam = merchant(tables, sam)?;
            let mut report = SubmissionReport::default();
            for (sequence, record) in (first.0..=Sequence::LAST.0).map(Sequence).zip(records) {
                submit(tables, authority, &sam, sequence, record, &mut report)?;
            }
            report.collected = complete(tables, authority, &mut sam)?;
            Ok(report)
        })
    }
}

/// The merchant SAM of this number.
fn merchant(tables: &dyn Tables, number: PartyNumber) -> Result<Card, IssuerError> {
    match tables.card(number)? {
        Some(card) if card.role == Role::Merchant => Ok(card),
        _ => Err(IssuerError::UnknownCard(number)),
    }
}

fn submit<E: Engine>(
    tables: &mut dyn Tables,
    authority: &Authority<E>,
    sam: &Card,
    sequence: Sequence,
    submitted: &LogRecord,
    report: &mut SubmissionReport,
) -> Result<(), IssuerError> {
    let LogRecord { pay_details, role, tac, .. } = *submitted;
    let own = match role {
        RecordRole::Payer => pay_details.from == sam.number && pay_details.from_sequence == sequence,
        RecordRole::Payee | RecordRole::Declined => {
            pay_details.to == sam.number && pay_details.to_sequence == sequence
        }
        RecordRole::Reversal => pay_details.from == sam.number && pay_details.from_sequence < sequence,
    };
    if !own {
        return Err(IssuerError::RecordOrder(sequence));
    }
    let record = ChainRecord { role, pay_details, tac };
    let flaw = if sequence < sam.passed {
        // The chain has it; a repeat is welcome and changes nothing.
        (tables.record(sam.number, sequence)? != Some(record)).then_some(Flaw::OtherRecord)
    } else {
        tables.put_record(sam.number, sequence, &record)?;
        let flaw = flaw(tables, authority, sam, &record)?;
        if flaw.is_none() && has_own_tac(&record) {
            certify(tables, &pay_details, tac, DebitState::Verified)?;
            report.forks.extend(fork(tables, pay_details.from, pay_details.from_sequence)?);
        }
        flaw
    };
    report.bad.extend(flaw.map(|flaw| BadRecord { sequence, flaw, record: *submitted }));
    Ok(())
}

/// Whether the record's TAC stands for itself: a load has none, a collection's covers the chain.
const fn has_own_tac(record: &ChainRecord) -> bool {
    !matches!(record.pay_details.kind, Kind::Load | Kind::Unload)
}

/// What is wrong with a record, as far as it can be told without the chain.
fn flaw<E: Engine>(
    tables: &dyn Tables,
    authority: &Authority<E>,
    sam: &Card,
    record: &ChainRecord,
) -> Result<Option<Flaw>, IssuerError> {
    let ChainRecord { role, ref pay_details, tac } = *record;
    match (role, pay_details.kind) {
        (RecordRole::Payee | RecordRole::Declined, Kind::Purchase) => {
            purchase_flaw(tables, authority, role, pay_details, tac)
        }
        (RecordRole::Payee | RecordRole::Declined, Kind::Load) => load_flaw(tables, sam, role, pay_details),
        (RecordRole::Payer | RecordRole::Reversal, Kind::Refund) => {
            Ok((!authority.is_genuine(sam, pay_details, tac)?).then_some(Flaw::Tac))
        }
        (RecordRole::Payer | RecordRole::Reversal, Kind::Unload) => Ok(None),
        (RecordRole::Payee | RecordRole::Declined, Kind::Unload | Kind::Refund | Kind::Transfer)
        | (RecordRole::Payer | RecordRole::Reversal, Kind::Load | Kind::Purchase | Kind::Transfer) => {
            Ok(Some(Flaw::Impossible))
        }
    }
}

fn purchase_flaw<E: Engine>(
    tables: &dyn Tables,
    authority: &Authority<E>,
    role: RecordRole,
    pay_details: &PayDetails,
    tac: Tac,
) -> Result<Option<Flaw>, IssuerError> {
    let Some(purse) = tables.card(pay_details.from)?.filter(|card| card.role == Role::Purse) else {
        return Ok(Some(Flaw::UnknownPayer));
    };
    if purse.key_version != pay_details.key_version {
        return Ok(Some(Flaw::KeyVersion));
    }
    if !authority.is_genuine(&purse, pay_details, tac)? {
        return Ok(Some(Flaw::Tac));
    }
    let reversed = tables.debit(pay_details)?.is_some_and(|debit| debit.state == DebitState::Reversed);
    Ok((reversed && role == RecordRole::Payee).then_some(Flaw::Reversed))
}

fn load_flaw(
    tables: &dyn Tables,
    sam: &Card,
    role: RecordRole,
    pay_details: &PayDetails,
) -> Result<Option<Flaw>, IssuerError> {
    let given = tables.transfer(sam.number, pay_details.to_sequence, Kind::Load)?;
    let known = given.is_some_and(|load| {
        let declined = load.state == TransferState::Declined;
        load.pay_details == *pay_details && (role == RecordRole::Declined || !declined)
    });
    Ok((!known).then_some(Flaw::UnknownLoad))
}

/// Adds what a record of a fitting chain says to what is available in its pocket:
/// + role 02 purchases with a good TAC, + role 02 loads that were given, − role 01 refunds, + role 04 refunds.
pub(super) fn count<E: Engine>(
    tables: &mut dyn Tables,
    authority: &Authority<E>,
    sam: &Card,
    sequence: Sequence,
    record: &ChainRecord,
) -> Result<(), IssuerError> {
    let ChainRecord { role, ref pay_details, tac } = *record;
    let amount = i64::from(pay_details.amount.0);
    let good = flaw(tables, authority, sam, record)?.is_none();
    let change = match (role, pay_details.kind) {
        (RecordRole::Payee, Kind::Purchase) if good => {
            certify(tables, pay_details, tac, DebitState::Collected)?;
            amount
        }
        (RecordRole::Payee, Kind::Load) if good => {
            acknowledge(tables, sam, sequence)?;
            amount
        }
        // Whatever its TAC: the SAM has paid it.
        (RecordRole::Payer, Kind::Refund) => -amount,
        (RecordRole::Reversal, Kind::Refund) if good && take_back(tables, sam, record)? => amount,
        _ => 0,
    };
    if change != 0 {
        let mut pocket = pocket(tables, sam, pay_details)?;
        pocket.available += change;
        tables.put_pocket(sam.number, &pocket)?;
    }
    Ok(())
}

/// The chain proves that the SAM credited this load, so that no nack for it can be real any more.
fn acknowledge(tables: &mut dyn Tables, sam: &Card, sequence: Sequence) -> Result<(), IssuerError> {
    match tables.transfer(sam.number, sequence, Kind::Load)? {
        Some(mut load) if load.state == TransferState::Given => {
            load.state = TransferState::Acknowledged;
            Ok(tables.put_transfer(&load)?)
        }
        _ => Ok(()),
    }
}

/// Marks a refund that the chain has as reversed; false where the chain has no such refund, or had it reversed
/// before. If it was booked as unclaimed meanwhile, that is undone: the SAM has the value again.
fn take_back(tables: &mut dyn Tables, sam: &Card, reversal: &ChainRecord) -> Result<bool, IssuerError> {
    let ChainRecord { ref pay_details, tac, .. } = *reversal;
    let refund = ChainRecord { role: RecordRole::Payer, ..*reversal };
    if tables.record(sam.number, pay_details.from_sequence)? != Some(refund) {
        return Ok(false);
    }
    let before = tables.debit(pay_details)?.map(|debit| debit.state);
    if before == Some(DebitState::Reversed) {
        return Ok(false);
    }
    if before == Some(DebitState::Unclaimed) {
        let Amount(amount) = pay_details.amount;
        let changes =
            [(LedgerAccount::Unclaimed, -i64::from(amount)), (LedgerAccount::Float, i64::from(amount))];
        post(tables, Reason::UnclaimedReturned, Some(pay_details), pay_details.currency, &changes)?;
    }
    certify(tables, pay_details, tac, DebitState::Reversed)?;
    Ok(true)
}
