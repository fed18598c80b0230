//! Cards that are issued with value: between the books and the card there is a moment in which only the books have it.
//!
//! The value goes into the float before the card can exist, for a card that the books do not know could be spent from. So
//! the books also say that the card is being made, until whoever makes it says that it is there, or never will be.

use apdu_spec::cryptography::Engine;
use apdu_spec::element::Amount;
use apdu_spec::number::PartyNumber;

use super::Issuer;
use super::error::IssuerError;
use super::ledger::post;
use super::model::{CardState, Issue, LedgerAccount, Pocket, Reason};
use super::registration::{Funding, NewCard};
use super::store::{Store, Tables};

impl<S: Store, E: Engine> Issuer<S, E> {
    /// Registers a card, as `register_card` does, and remembers that it is being made if it comes with value: which then
    /// comes from the linked account. `name` is what a virtual card is going to be called; none for one in a reader.
    pub fn begin_issue(&mut self, new: &NewCard<'_>, name: Option<&str>) -> Result<(), IssuerError> {
        let card = self.checked(new)?;
        let has_value = new.pockets.iter().any(|(_, issued)| *issued != Amount::ZERO);
        if has_value && new.funding != Funding::Account {
            return Err(IssuerError::Registration("its value has to come from its account"));
        }
        self.store.step(|tables| {
            card.register(tables)?;
            if has_value {
                tables.put_issue(&Issue { card: new.number, name: name.map(str::to_owned) })?;
            }
            Ok(())
        })
    }

    /// The cards with value that are being made, by number.
    pub fn issues(&self) -> Result<Vec<Issue>, IssuerError> {
        self.store.view(|tables| Ok(tables.issues()?))
    }

    /// The card is there, with what it was issued with.
    pub fn issue_ended(&mut self, card: PartyNumber) -> Result<(), IssuerError> {
        self.store.step(|tables| Ok(tables.remove_issue(card)?))
    }

    /// The card is not there and never will be: its value goes back to its account, once, and its number is not used again.
    /// Nothing happens to a card that is not being made.
    pub fn withdraw_issue(&mut self, card: PartyNumber) -> Result<(), IssuerError> {
        self.store.step(|tables| {
            if !tables.issues()?.iter().any(|issue| issue.card == card) {
                return Ok(());
            }
            let mut card = tables.card(card)?.ok_or(IssuerError::UnknownCard(card))?;
            for pocket in tables.pockets(card.number)? {
                give_back(tables, &card.account, card.number, pocket)?;
            }
            card.state = CardState::Terminated;
            tables.put_card(&card)?;
            Ok(tables.remove_issue(card.number)?)
        })
    }
}

fn give_back(
    tables: &mut dyn Tables,
    account: &str,
    card: PartyNumber,
    pocket: Pocket,
) -> Result<(), IssuerError> {
    let amount = i64::from(pocket.issued.0);
    tables.put_pocket(card, &Pocket { issued: Amount::ZERO, available: 0, ..pocket })?;
    let changes = [(LedgerAccount::Float, -amount), (LedgerAccount::Holder(account.to_owned()), amount)];
    post(tables, Reason::IssuanceWithdrawn, None, pocket.currency, &changes)
}
