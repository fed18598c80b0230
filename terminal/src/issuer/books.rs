//! What the books say: for an audit, and for whoever asks.

use std::collections::BTreeSet;

use apdu_spec::cryptography::Engine;
use apdu_spec::element::{Currency, Kind, Sequence};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;

use super::Issuer;
use super::error::IssuerError;
use super::model::{Account, Card, Debit, LedgerAccount, Pocket, Transfer, TransferState};
use super::store::{Store, Tables};

/// An account and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountBalance {
    /// Which.
    pub account: Account,
    /// Minor units.
    pub balance: i64,
}

/// The ledger in one currency, minor units. `float + accounts + withheld + unclaimed + position +
/// outside` is 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Books {
    /// Of what.
    pub currency: Currency,
    /// What the issuer owes for value on cards and in flight. An audit compares it with the cards: they may have
    /// less between them (value in flight), never more.
    pub float: i64,
    /// Holders and merchants.
    pub accounts: Vec<AccountBalance>,
    /// Collected from SAMs, and not accounted for by good records: value that somebody has made. It went out of
    /// the float, which so stays short by exactly that much.
    pub withheld: i64,
    /// Transfers and refunds that can never be settled.
    pub unclaimed: i64,
    /// What the issuer has got in exchanges less what it has given.
    pub position: i64,
    /// Money that came in from outside, negative.
    pub outside: i64,
}

/// A card that exists twice: one sequence, which a card uses once, has several debits with good TACs, or a debit and
/// a load that the card has credited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    /// The card.
    pub payer: PartyNumber,
    /// Its sequence.
    pub sequence: Sequence,
    /// All its debits under it, by PD.
    pub debits: Vec<Debit>,
    /// The load that it has credited under it.
    pub load: Option<PayDetails>,
}

impl<S: Store, E: Engine> Issuer<S, E> {
    /// The ledger by currency.
    pub fn books(&self) -> Result<Vec<Books>, IssuerError> {
        self.store.view(|tables| {
            let mut books = Vec::<Books>::new();
            let mut place = |currency| {
                books.iter().position(|book| book.currency == currency).unwrap_or_else(|| {
                    let empty = Books {
                        currency,
                        float: 0,
                        accounts: Vec::new(),
                        withheld: 0,
                        unclaimed: 0,
                        position: 0,
                        outside: 0,
                    };
                    books.push(empty);
                    books.len() - 1
                })
            };
            let accounts = balances(tables)?;
            let places: Vec<usize> = accounts.iter().map(|held| place(held.account.currency)).collect();
            let ledger = tables.balances()?;
            let ledger: Vec<_> =
                ledger.into_iter().map(|(account, currency, sum)| (account, place(currency), sum)).collect();
            for (held, place) in accounts.into_iter().zip(places) {
                books[place].accounts.push(held);
            }
            for (account, place, sum) in ledger {
                let book = &mut books[place];
                match account {
                    LedgerAccount::Holder(_) => {}
                    LedgerAccount::Float => book.float = sum,
                    LedgerAccount::Withheld => book.withheld = sum,
                    LedgerAccount::Unclaimed => book.unclaimed = sum,
                    LedgerAccount::Position => book.position = sum,
                    LedgerAccount::Outside => book.outside = sum,
                }
            }
            books.sort_by_key(|book| book.currency);
            Ok(books)
        })
    }

    /// All accounts, by name and currency.
    pub fn accounts(&self) -> Result<Vec<AccountBalance>, IssuerError> {
        self.store.view(balances)
    }

    /// All cards, by number.
    pub fn cards(&self) -> Result<Vec<Card>, IssuerError> {
        self.store.view(|tables| Ok(tables.cards()?))
    }

    /// The card of this number.
    pub fn card(&self, number: PartyNumber) -> Result<Card, IssuerError> {
        self.store.view(|tables| tables.card(number)?.ok_or(IssuerError::UnknownCard(number)))
    }

    /// A card's currencies, with what it was issued with, and what is available to a SAM's next collection.
    pub fn pockets(&self, card: PartyNumber) -> Result<Vec<Pocket>, IssuerError> {
        self.store.view(|tables| Ok(tables.pockets(card)?))
    }

    /// All loads and unloads of a card, or of all, by card and sequence.
    pub fn transfers(&self, card: Option<PartyNumber>) -> Result<Vec<Transfer>, IssuerError> {
        self.store.view(|tables| Ok(tables.transfers(card)?))
    }

    /// Loads without ack and nack, and collections that wait for records.
    pub fn open_transfers(&self) -> Result<Vec<Transfer>, IssuerError> {
        let mut transfers = self.transfers(None)?;
        transfers.retain(|transfer| transfer.state.is_open());
        Ok(transfers)
    }

    /// Every card that was found to exist twice, by number and sequence.
    pub fn forks(&self) -> Result<Vec<Fork>, IssuerError> {
        self.store.view(|tables| {
            let doubled = tables.forked_debits()?.into_iter().map(|debit| {
                let PayDetails { from, from_sequence, .. } = debit.pay_details;
                (from, from_sequence)
            });
            let loaded = tables.transfers(None)?.into_iter().filter(is_credited_load).map(|load| {
                let PayDetails { to, to_sequence, .. } = load.pay_details;
                (to, to_sequence)
            });
            let suspects: BTreeSet<_> = doubled.chain(loaded).collect();
            let forks = suspects.into_iter().map(|(payer, sequence)| fork(tables, payer, sequence));
            forks.filter_map(Result::transpose).collect()
        })
    }
}

fn is_credited_load(transfer: &Transfer) -> bool {
    transfer.pay_details.kind == Kind::Load && transfer.state == TransferState::Acknowledged
}

/// The fork under this payer and sequence, if it is one. A load without an ack is no evidence: the card may have used
/// the sequence for a debit when val was lost.
pub(super) fn fork(
    tables: &dyn Tables,
    payer: PartyNumber,
    sequence: Sequence,
) -> Result<Option<Fork>, IssuerError> {
    let debits = tables.debits(payer, sequence)?;
    let load = tables.transfer(payer, sequence, Kind::Load)?.filter(is_credited_load);
    let load = load.map(|load| load.pay_details);
    let is_fork = debits.len() + usize::from(load.is_some()) > 1;
    Ok(is_fork.then_some(Fork { payer, sequence, debits, load }))
}

fn balances(tables: &dyn Tables) -> Result<Vec<AccountBalance>, IssuerError> {
    let with_balance = |account: Account| {
        let balance = tables.balance(&LedgerAccount::Holder(account.name.clone()), account.currency)?;
        Ok(AccountBalance { account, balance })
    };
    tables.accounts()?.into_iter().map(with_balance).collect()
}
