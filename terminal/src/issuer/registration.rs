//! Accounts and cards come onto the books.

use apdu_spec::cryptography::{Chain, Engine};
use apdu_spec::element::{Amount, Currency, KeyVersion, Role, Sequence};
use apdu_spec::number::PartyNumber;

use super::Issuer;
use super::error::IssuerError;
use super::ledger::post;
use super::model::{Account, Card, CardState, LedgerAccount, Pocket, Reason};
use super::store::{Store, Tables};

/// Where the value comes from that a card is issued with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Funding {
    /// From the linked account.
    Account,
    /// From outside: the card was paid for when it was sold.
    Outside,
}

/// A card that is being issued.
#[derive(Clone, Debug)]
pub struct NewCard<'a> {
    /// Its number, not given out before.
    pub number: PartyNumber,
    /// Purse or merchant SAM.
    pub role: Role,
    /// Generation of its keys; the issuer has the masters.
    pub key_version: KeyVersion,
    /// Name of the account that its unloads are credited to, one in each of its currencies.
    pub account: &'a str,
    /// Its currencies, each with the minor units that it is issued with.
    pub pockets: &'a [(Currency, Amount)],
    /// Where these come from.
    pub funding: Funding,
}

impl<S: Store, E: Engine> Issuer<S, E> {
    /// Opens an account with money that came in from outside (minor units, not negative). A name may have one
    /// account in each currency.
    pub fn register_account(
        &mut self,
        name: &str,
        currency: Currency,
        initial: i64,
    ) -> Result<(), IssuerError> {
        if name.is_empty() || !currency.is_valid() || initial < 0 {
            return Err(IssuerError::Registration(
                "an account needs a name, a currency and an amount not below 0",
            ));
        }
        let account = Account { name: name.to_owned(), currency };
        self.store.step(|tables| {
            if tables.has_account(&account)? {
                return Err(IssuerError::AlreadyRegistered(format!("account {name}")));
            }
            tables.put_account(&account)?;
            let changes =
                [(LedgerAccount::Holder(name.to_owned()), initial), (LedgerAccount::Outside, -initial)];
            post(tables, Reason::Opening, None, currency, &changes)
        })
    }

    /// Issues a card: from now on the issuer answers for its balances. To be called before the card is
    /// personalised: a card that the books do not know could be spent from, and would not be paid for.
    pub fn register_card(&mut self, new: &NewCard<'_>) -> Result<(), IssuerError> {
        let registration = self.checked(new)?;
        self.store.step(|tables| registration.register(tables))
    }

    /// A card that can be registered, as far as one knows without the books.
    pub(super) fn checked<'a>(&self, new: &'a NewCard<'a>) -> Result<Registration<'a>, IssuerError> {
        if PartyNumber::parse(new.number.0).is_err() || new.number == self.number() {
            return Err(IssuerError::Registration(
                "a card's number has 16 digits with a check digit and is not the issuer's",
            ));
        }
        if new.key_version == KeyVersion::NONE || !self.authority.knows(new.key_version) {
            return Err(IssuerError::UnknownKeyVersion(new.key_version));
        }
        Ok(Registration(new))
    }
}

/// A new card whose number and keys can be.
pub(super) struct Registration<'a>(&'a NewCard<'a>);

impl Registration<'_> {
    /// Puts it onto the books.
    pub(super) fn register(&self, tables: &mut dyn Tables) -> Result<(), IssuerError> {
        let Self(new) = self;
        if tables.card(new.number)?.is_some() {
            return Err(IssuerError::AlreadyRegistered(format!("card {}", new.number)));
        }
        tables.put_card(&Card {
            number: new.number,
            role: new.role,
            key_version: new.key_version,
            account: new.account.to_owned(),
            state: CardState::Active,
            script: None,
            passed: Sequence(0),
            chain: Chain::NONE.0,
        })?;
        let mut pockets = new.pockets.iter();
        pockets.try_for_each(|(currency, issued)| issue_pocket(tables, new, *currency, *issued))
    }
}

fn issue_pocket(
    tables: &mut dyn Tables,
    new: &NewCard<'_>,
    currency: Currency,
    issued: Amount,
) -> Result<(), IssuerError> {
    let amount = i64::from(issued.0);
    account_exists(tables, new.account, currency)?;
    if tables.pocket(new.number, currency)?.is_some() {
        return Err(IssuerError::Registration("a card has one pocket for each currency"));
    }
    let source = match new.funding {
        Funding::Outside => LedgerAccount::Outside,
        Funding::Account => {
            sufficient(tables, new.account, currency, amount)?;
            LedgerAccount::Holder(new.account.to_owned())
        }
    };
    // What a SAM is issued with counts like a load: its first collection brings it back.
    let available = match new.role {
        Role::Merchant => amount,
        Role::Purse => 0,
    };
    tables.put_pocket(new.number, &Pocket { currency, issued, available })?;
    post(tables, Reason::Issuance, None, currency, &[(source, -amount), (LedgerAccount::Float, amount)])
}

/// Another currency of a card, empty, with its account if that is not there yet. The card may have both already.
pub(super) fn open_pocket(
    tables: &mut dyn Tables,
    card: &Card,
    currency: Currency,
) -> Result<(), IssuerError> {
    if !currency.is_valid() {
        return Err(IssuerError::Registration("a pocket needs a currency"));
    }
    let account = Account { name: card.account.clone(), currency };
    if !tables.has_account(&account)? {
        tables.put_account(&account)?;
    }
    if tables.pocket(card.number, currency)?.is_none() {
        tables.put_pocket(card.number, &Pocket { currency, issued: Amount::ZERO, available: 0 })?;
    }
    Ok(())
}

/// The account of this name in this currency, or an error.
pub(super) fn account_exists(tables: &dyn Tables, name: &str, currency: Currency) -> Result<(), IssuerError> {
    if tables.has_account(&Account { name: name.to_owned(), currency })? {
        return Ok(());
    }
    Err(IssuerError::UnknownAccount { name: name.to_owned(), currency: currency.numeric() })
}

/// The account holds at least this much, or an error.
pub(super) fn sufficient(
    tables: &dyn Tables,
    name: &str,
    currency: Currency,
    amount: i64,
) -> Result<(), IssuerError> {
    let balance = tables.balance(&LedgerAccount::Holder(name.to_owned()), currency)?;
    if balance >= amount {
        return Ok(());
    }
    Err(IssuerError::Funds { account: name.to_owned(), balance, amount })
}
