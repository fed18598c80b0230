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
    post_entries(tables, reason, pay_details, entries)
}

/// Posts entries in any currencies; in each they have to sum to zero.
pub(super) fn post_entries(
    tables: &mut dyn Tables,
    reason: Reason,
    pay_details: Option<&PayDetails>,
    entries: Vec<Entry>,
) -> Result<(), IssuerError> {
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

#[cfg(test)]
mod tests {
    use super::super::memory::MemoryStore;
    use super::super::store::Tables;
    use super::*;

    #[test]
    fn what_does_not_sum_to_zero_is_not_posted() {
        let mut tables = MemoryStore::new();
        let currency = Currency([0x09, 0x78]);
        let mut book =
            |changes: &[(LedgerAccount, i64)]| post(&mut tables, Reason::Load, None, currency, changes);
        let unbalanced = [(LedgerAccount::Float, 5), (LedgerAccount::Outside, -4)];
        assert_eq!(book(&unbalanced), Err(IssuerError::Unbalanced));
        assert_eq!(book(&[(LedgerAccount::Float, 5), (LedgerAccount::Outside, -5)]), Ok(()));
        assert_eq!(tables.balance(&LedgerAccount::Float, currency), Ok(5));
    }
}
