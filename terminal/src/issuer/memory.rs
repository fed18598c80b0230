//! Books in memory, for tests and for exploring every state: two of the same content are equal.

use std::collections::{BTreeMap, BTreeSet};

use apdu_spec::element::{Currency, Kind, Sequence};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;

use super::error::IssuerError;
use super::model::{
    Account, Card, ChainRecord, Debit, Exchange, Issue, LedgerAccount, Order, Pocket, Posting, Transfer,
};
use super::store::{Store, StoreError, Tables};

/// All tables. The ledger keeps sums only, so that histories that come to the same are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct MemoryStore {
    accounts: BTreeSet<Account>,
    cards: BTreeMap<PartyNumber, Card>,
    issues: BTreeMap<PartyNumber, Issue>,
    orders: BTreeMap<(PartyNumber, u32), Order>,
    pockets: BTreeMap<(PartyNumber, Currency), Pocket>,
    transfers: BTreeMap<(PartyNumber, Sequence, Kind), Transfer>,
    exchanges: BTreeMap<(PartyNumber, Sequence), Exchange>,
    records: BTreeMap<(PartyNumber, Sequence), ChainRecord>,
    debits: BTreeMap<(PartyNumber, Sequence, PayDetails), Debit>,
    balances: BTreeMap<(LedgerAccount, Currency), i64>,
}

impl MemoryStore {
    /// Empty books.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Store for MemoryStore {
    fn step<T>(
        &mut self,
        action: impl FnOnce(&mut dyn Tables) -> Result<T, IssuerError>,
    ) -> Result<T, IssuerError> {
        let mut after = self.clone();
        let result = action(&mut after)?;
        *self = after;
        Ok(result)
    }

    fn view<T>(&self, action: impl FnOnce(&dyn Tables) -> Result<T, IssuerError>) -> Result<T, IssuerError> {
        action(self)
    }
}

impl Tables for MemoryStore {
    fn has_account(&self, account: &Account) -> Result<bool, StoreError> {
        Ok(self.accounts.contains(account))
    }

    fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        Ok(self.accounts.iter().cloned().collect())
    }

    fn put_account(&mut self, account: &Account) -> Result<(), StoreError> {
        self.accounts.insert(account.clone());
        Ok(())
    }

    fn card(&self, number: PartyNumber) -> Result<Option<Card>, StoreError> {
        Ok(self.cards.get(&number).cloned())
    }

    fn cards(&self) -> Result<Vec<Card>, StoreError> {
        Ok(self.cards.values().cloned().collect())
    }

    fn put_card(&mut self, card: &Card) -> Result<(), StoreError> {
        self.cards.insert(card.number, card.clone());
        Ok(())
    }

    fn issues(&self) -> Result<Vec<Issue>, StoreError> {
        Ok(self.issues.values().cloned().collect())
    }

    fn put_issue(&mut self, issue: &Issue) -> Result<(), StoreError> {
        self.issues.insert(issue.card, issue.clone());
        Ok(())
    }

    fn remove_issue(&mut self, card: PartyNumber) -> Result<(), StoreError> {
        self.issues.remove(&card);
        Ok(())
    }

    fn orders(&self, card: Option<PartyNumber>) -> Result<Vec<Order>, StoreError> {
        let all = self.orders.values().filter(|order| card.is_none_or(|card| card == order.card));
        Ok(all.cloned().collect())
    }

    fn put_order(&mut self, order: &Order) -> Result<(), StoreError> {
        self.orders.insert((order.card, order.counter), order.clone());
        Ok(())
    }

    fn pocket(&self, card: PartyNumber, currency: Currency) -> Result<Option<Pocket>, StoreError> {
        Ok(self.pockets.get(&(card, currency)).copied())
    }

    fn pockets(&self, card: PartyNumber) -> Result<Vec<Pocket>, StoreError> {
        let all = self.pockets.iter();
        Ok(all.filter(|((number, _), _)| *number == card).map(|(_, pocket)| *pocket).collect())
    }

    fn put_pocket(&mut self, card: PartyNumber, pocket: &Pocket) -> Result<(), StoreError> {
        self.pockets.insert((card, pocket.currency), *pocket);
        Ok(())
    }

    fn transfer(
        &self,
        card: PartyNumber,
        sequence: Sequence,
        kind: Kind,
    ) -> Result<Option<Transfer>, StoreError> {
        Ok(self.transfers.get(&(card, sequence, kind)).cloned())
    }

    fn transfers(&self, card: Option<PartyNumber>) -> Result<Vec<Transfer>, StoreError> {
        let wanted = |number: PartyNumber| card.is_none_or(|card| card == number);
        let all = self.transfers.iter().filter(|((number, ..), _)| wanted(*number));
        Ok(all.map(|(_, transfer)| transfer.clone()).collect())
    }

    fn last_load(&self, card: PartyNumber) -> Result<Option<Transfer>, StoreError> {
        let mut all = self.transfers.values().rev();
        Ok(all.find(|load| load.pay_details.kind == Kind::Load && load.card() == card).cloned())
    }

    fn put_transfer(&mut self, transfer: &Transfer) -> Result<(), StoreError> {
        let key = (transfer.card(), transfer.sequence(), transfer.pay_details.kind);
        self.transfers.insert(key, transfer.clone());
        Ok(())
    }

    fn open_exchange(&self, card: PartyNumber) -> Result<Option<Exchange>, StoreError> {
        let mut open = self.exchanges.iter().filter(|(_, exchange)| exchange.state.is_open());
        Ok(open.find(|((number, _), _)| *number == card).map(|(_, exchange)| *exchange))
    }

    fn open_exchanges(&self) -> Result<Vec<Exchange>, StoreError> {
        Ok(self.exchanges.values().filter(|exchange| exchange.state.is_open()).copied().collect())
    }

    fn put_exchange(&mut self, exchange: &Exchange) -> Result<(), StoreError> {
        let key = (exchange.unload.from, exchange.unload.from_sequence);
        self.exchanges.insert(key, *exchange);
        Ok(())
    }

    fn record(&self, sam: PartyNumber, sequence: Sequence) -> Result<Option<ChainRecord>, StoreError> {
        Ok(self.records.get(&(sam, sequence)).copied())
    }

    fn put_record(
        &mut self,
        sam: PartyNumber,
        sequence: Sequence,
        record: &ChainRecord,
    ) -> Result<(), StoreError> {
        self.records.insert((sam, sequence), *record);
        Ok(())
    }

    fn debit(&self, pay_details: &PayDetails) -> Result<Option<Debit>, StoreError> {
        let key = (pay_details.from, pay_details.from_sequence, *pay_details);
        Ok(self.debits.get(&key).copied())
    }

    fn debits(&self, payer: PartyNumber, sequence: Sequence) -> Result<Vec<Debit>, StoreError> {
        let same = |key: &(PartyNumber, Sequence, PayDetails)| key.0 == payer && key.1 == sequence;
        Ok(self.debits.iter().filter(|(key, _)| same(key)).map(|(_, debit)| *debit).collect())
    }

    fn forked_debits(&self) -> Result<Vec<Debit>, StoreError> {
        let mut count = BTreeMap::<(PartyNumber, Sequence), usize>::new();
        self.debits.keys().for_each(|key| *count.entry((key.0, key.1)).or_default() += 1);
        let forked = self.debits.iter().filter(|(key, _)| count.get(&(key.0, key.1)).is_some_and(|n| *n > 1));
        Ok(forked.map(|(_, debit)| *debit).collect())
    }

    fn put_debit(&mut self, debit: &Debit) -> Result<(), StoreError> {
        let PayDetails { from, from_sequence, .. } = debit.pay_details;
        self.debits.insert((from, from_sequence, debit.pay_details), *debit);
        Ok(())
    }

    fn post(&mut self, posting: &Posting) -> Result<(), StoreError> {
        for entry in &posting.entries {
            *self.balances.entry((entry.account.clone(), entry.currency)).or_default() += entry.amount;
        }
        Ok(())
    }

    fn balance(&self, account: &LedgerAccount, currency: Currency) -> Result<i64, StoreError> {
        Ok(self.balances.get(&(account.clone(), currency)).copied().unwrap_or(0))
    }

    fn balances(&self) -> Result<Vec<(LedgerAccount, Currency, i64)>, StoreError> {
        let all = self.balances.iter();
        Ok(all.map(|((account, currency), sum)| (account.clone(), *currency, *sum)).collect())
    }
}
