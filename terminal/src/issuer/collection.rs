//! Collection: the unload of a merchant SAM, accounted for by its records (section 7 "Collection").
//!
//! Nothing that a merchant submits is believed for itself. Records count when the chain H over all of them, from
//! the SAM's first on, is the one in the TAC of a collection that the SAM has debited: so none can be left out,
//! invented, doubled or put in another order. And a record of a purchase counts only with the purse's own TAC.

use apdu_spec::command::Voucher;
use apdu_spec::cryptography::{Authenticator, Engine, Tac};
use apdu_spec::element::{Amount, Kind, Sequence};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::RecordRole;

use super::authority::Authority;
use super::error::IssuerError;
use super::ledger::post;
use super::model::{Card, ChainRecord, LedgerAccount, Pocket, Reason, Transfer, TransferState};
use super::records;
use super::store::Tables;
use super::unload::Unloaded;

/// A collection that has been credited, now that its records fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collected {
    /// The collection.
    pub pay_details: PayDetails,
    /// For the SAM's ACKNOWLEDGE.
    pub ack: Authenticator,
    /// Minor units that the merchant's account got.
    pub credited: Amount,
    /// Minor units that no good record accounts for.
    pub withheld: Amount,
}

/// How the records submitted go with a collection.
enum Fit {
    Whole,
    Missing(Sequence),
    Different,
    /// The chain has been passed, and had another record here.
    PassedWithAnother,
}

/// Takes the val of a collection, which the caller has verified.
pub(super) fn collect<E: Engine>(
    tables: &mut dyn Tables,
    authority: &Authority<E>,
    mut sam: Card,
    voucher: &Voucher,
) -> Result<Unloaded, IssuerError> {
    let Voucher { pay_details, tac, .. } = *voucher;
    let (number, sequence) = (sam.number, pay_details.from_sequence);
    match tables.transfer(number, sequence, Kind::Unload)? {
        Some(known) if known.state == TransferState::Credited => {
            if known.pay_details != pay_details {
                return Err(IssuerError::OtherUnload { card: number, sequence });
            }
        }
        // One that waits is nothing yet: only the chain says which PD the SAM had.
        _ => tables.put_transfer(&Transfer {
            pay_details,
            tac,
            account: sam.account.clone(),
            state: TransferState::Waiting,
            credited: Amount::ZERO,
            withheld: Amount::ZERO,
        })?,
    }
    complete(tables, authority, &mut sam)?;
    match tables.transfer(number, sequence, Kind::Unload)? {
        Some(Transfer { state: TransferState::Credited, credited, withheld, .. }) => {
            let ack = authority.session(&sam, &pay_details)?.ack();
            Ok(Unloaded::Credited { ack, credited, withheld })
        }
        _ => match fit(tables, authority, &sam, &pay_details, voucher.tac)? {
            Fit::Missing(first) => Ok(Unloaded::RecordsMissing { first }),
            Fit::PassedWithAnother => Err(IssuerError::OtherRecord { sam: number, sequence }),
            Fit::Whole | Fit::Different => Ok(Unloaded::ChainDoesNotFit),
        },
    }
}

/// Credits every waiting collection of this SAM that its records account for by now.
pub(super) fn complete<E: Engine>(
    tables: &mut dyn Tables,
    authority: &Authority<E>,
    sam: &mut Card,
) -> Result<Vec<Collected>, IssuerError> {
    let mut collected = Vec::new();
    // A later collection can prove an earlier one right, which then is found in the next round.
    loop {
        let mut transfers = tables.transfers(Some(sam.number))?;
        transfers.retain(|transfer| transfer.state == TransferState::Waiting);
        let mut changed = false;
        for transfer in transfers {
            if let Fit::Whole = fit(tables, authority, sam, &transfer.pay_details, transfer.tac)? {
                pass(tables, authority, sam, &transfer)?;
                collected.push(credit(tables, authority, sam, transfer)?);
                changed = true;
            }
        }
        if !changed {
            return Ok(collected);
        }
    }
}

fn fit<E: Engine>(
    tables: &dyn Tables,
    authority: &Authority<E>,
    sam: &Card,
    pay_details: &PayDetails,
    tac: Tac,
) -> Result<Fit, IssuerError> {
    let collection = ChainRecord { role: RecordRole::Payer, pay_details: *pay_details, tac };
    let end = pay_details.from_sequence;
    if end < sam.passed {
        let same = tables.record(sam.number, end)? == Some(collection);
        return Ok(if same { Fit::Whole } else { Fit::PassedWithAnother });
    }
    let mut chain = authority.chain(sam)?;
    for sequence in (sam.passed.0..end.0).map(Sequence) {
        match tables.record(sam.number, sequence)? {
            Some(record) => chain.add(&record),
            None => return Ok(Fit::Missing(sequence)),
        }
    }
    Ok(if chain.precedes(pay_details, tac) { Fit::Whole } else { Fit::Different })
}

/// The chain fits up to and with this collection: what its records say is so.
fn pass<E: Engine>(
    tables: &mut dyn Tables,
    authority: &Authority<E>,
    sam: &mut Card,
    collection: &Transfer,
) -> Result<(), IssuerError> {
    let end = collection.sequence();
    let Some(next) = Sequence(end.0).next() else {
        return Err(IssuerError::PayDetails("beyond the last sequence"));
    };
    if end < sam.passed {
        return Ok(());
    }
    let record =
        ChainRecord { role: RecordRole::Payer, pay_details: collection.pay_details, tac: collection.tac };
    tables.put_record(sam.number, end, &record)?;
    let mut chain = authority.chain(sam)?;
    for sequence in (sam.passed.0..=end.0).map(Sequence) {
        if let Some(record) = tables.record(sam.number, sequence)? {
            records::count(tables, authority, sam, sequence, &record)?;
            chain.add(&record);
        }
    }
    sam.chain = chain.value().0;
    sam.passed = next;
    Ok(tables.put_card(sam)?)
}

/// The merchant gets the unload's amount, as far as good records account for it.
fn credit<E: Engine>(
    tables: &mut dyn Tables,
    authority: &Authority<E>,
    sam: &Card,
    mut collection: Transfer,
) -> Result<Collected, IssuerError> {
    let PayDetails { currency, amount, .. } = collection.pay_details;
    let mut pocket = pocket(tables, sam, &collection.pay_details)?;
    let available = u32::try_from(pocket.available.max(0)).unwrap_or(u32::MAX);
    let credited = Amount(amount.0.min(available));
    let withheld = Amount(amount.0 - credited.0);
    pocket.available -= i64::from(credited.0);
    tables.put_pocket(sam.number, &pocket)?;
    collection.state = TransferState::Credited;
    collection.credited = credited;
    collection.withheld = withheld;
    tables.put_transfer(&collection)?;
    let changes = [
        (LedgerAccount::Float, -i64::from(amount.0)),
        (LedgerAccount::Holder(collection.account.clone()), i64::from(credited.0)),
        (LedgerAccount::Withheld, i64::from(withheld.0)),
    ];
    post(tables, Reason::Unload, Some(&collection.pay_details), currency, &changes)?;
    let ack = authority.session(sam, &collection.pay_details)?.ack();
    Ok(Collected { pay_details: collection.pay_details, ack, credited, withheld })
}

/// The SAM's pocket of this currency; one that the issuer was not told of holds nothing.
pub(super) fn pocket(
    tables: &dyn Tables,
    sam: &Card,
    pay_details: &PayDetails,
) -> Result<Pocket, IssuerError> {
    let currency = pay_details.currency;
    let unknown = Pocket { currency, issued: Amount::ZERO, available: 0 };
    Ok(tables.pocket(sam.number, currency)?.unwrap_or(unknown))
}
