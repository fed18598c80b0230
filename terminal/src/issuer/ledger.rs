//! Postings: entries that sum to zero in each currency, or nothing.

use std::collections::BTreeMap;

use apdu_spec::element::Currency;
use apdu_spec::pay_details::PayDetails;

use super::error::IssuerError;
use super::model::{Entry, LedgerAccount, Posting, Reason};
use super::store::Tables;

/// Posts changes of accounts in one currency. Changes of nothing leave no line.
pub(super) fn post(
    tables: &mut dyn Tables,
    reason: Reason,
    pay_details: Option<&PayDetails>,
    currency: Currency,
    changes: &[(LedgerAccount, i64)],
) -> Result<(), IssuerError> {
    let entries: Vec<Entry> = changes
        .iter()
        .filter(|(_, amount)| *amount != 0)
        .map(|(account, amount)| Entry { account: account.clone(), currency, amount: *amount })
        .collect();
    let posting = Posting { reason, pay_details: pay_details.copied(), entries };
    if !sums_to_zero(&posting) {
        return Err(IssuerError::Unbalanced);
    }
    if posting.entries.is_empty() {
        return Ok(());
    }
    Ok(tables.post(&posting)?)
}

fn sums_to_zero(posting: &Posting) -> bool {
    let mut sums = BTreeMap::<Currency, i64>::new();
    posting.entries.iter().for_each(|entry| *sums.entry(entry.currency).or_default() += entry.amount);
    sums.values().all(|sum| *sum == 0)
}
