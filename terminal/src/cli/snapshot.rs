//! A look at a card file that leaves it as it is: a copy in RAM is powered up and asked, by the same APDUs as ever.

use std::collections::BTreeMap;

use apdu_spec::command::{CommandName, ParameterBytes, Script, Voucher};
use apdu_spec::cryptography::{Authenticator, Engine, KeyPurpose, card_key, script_mac};
use apdu_spec::element::{Amount, Currency, Sequence};
use apdu_spec::file::IdentityFile;
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::number::PartyNumber;
use apdu_spec::parameter::Parameter;
use apdu_spec::record::LogRecord;
use apdu_spec::software::Software;
use apdu_spec::status::StatusWord;
use purse_terminal::client::{CardError, Client};
use purse_terminal::home::Home;
use purse_terminal::issuer::Keyring;
use purse_terminal::transport::{InProcess, Transport};
use purse_terminal::virtual_card::{VirtualCard, VirtualCardError};

use super::context::Context;
use super::failure::{ExitCode, Failure};
use super::patience::patiently;
use super::place::Place;

/// The copy of a card, powered up.
pub(crate) struct Snapshot {
    name: String,
    client: Client<InProcess>,
    identity: Option<IdentityFile>,
}

/// Everything that a card can tell of its money.
#[derive(Debug)]
pub(crate) struct Holdings {
    /// By currency.
    pub(crate) balances: BTreeMap<Currency, Amount>,
    /// EF.LOG with sequences, newest first.
    pub(crate) entries: Vec<(Sequence, LogRecord)>,
    /// EF.EXC.
    pub(crate) exceptions: Vec<LogRecord>,
}

impl Snapshot {
    /// Reads a card's file into RAM and powers the copy up. Nothing of it, above all no key, gets to the disk.
    pub(crate) fn take(home: &Home, name: &str) -> Result<Self, Failure> {
        let path = home.card(name)?;
        Self::of(name, patiently(|| VirtualCard::copy(&path)))
    }

    /// The same, of a card that nobody has open now.
    pub(crate) fn peek(home: &Home, name: &str) -> Result<Self, Failure> {
        Self::of(name, VirtualCard::copy(&home.card(name)?))
    }

    fn of(name: &str, card: Result<VirtualCard, VirtualCardError>) -> Result<Self, Failure> {
        let card = card.map_err(|error| Failure::virtual_card(name, &error))?;
        let mut client = Client::select(InProcess::new(card))?;
        let blank = client.status().life_cycle == LifeCycle::Blank;
        let identity = if blank { None } else { Some(client.identity()?) };
        Ok(Self { name: name.to_owned(), client, identity })
    }

    /// The card's number; zero while it is blank.
    pub(crate) fn number(&self) -> PartyNumber {
        self.client.status().number
    }

    /// What SELECT says.
    pub(crate) const fn client(&self) -> &Client<InProcess> {
        &self.client
    }

    /// To ask the copy for more.
    pub(crate) const fn client_mut(&mut self) -> &mut Client<InProcess> {
        &mut self.client
    }

    /// EF.ID; none on a blank card.
    pub(crate) const fn identity(&self) -> Option<&IdentityFile> {
        self.identity.as_ref()
    }

    /// Balances and logs. A locked card shows neither; the copy of one is unlocked by a script that no card ever
    /// sees: it is made here, for the copy, and forgotten with it.
    pub(crate) fn holdings(&mut self, keyring: &Keyring) -> Result<Holdings, Failure> {
        let Some(identity) = self.identity else {
            return Ok(Holdings { balances: BTreeMap::new(), entries: Vec::new(), exceptions: Vec::new() });
        };
        match self.read(&identity) {
            Err(CardError::Refused { status: StatusWord::SecurityStatus, .. }) => {
                self.clear_lock(&identity, keyring)?;
                Ok(self.read(&identity)?)
            }
            holdings => Ok(holdings?),
        }
    }

    /// Whether the card has credited this load, also if its log is past it. To be asked last: if it has not, the copy
    /// never will (section 7, "Loads outside the window").
    pub(crate) fn has_credited(&mut self, load: &Voucher) -> Result<bool, Failure> {
        match self.client.decline(load) {
            Ok(_) => Ok(false),
            Err(CardError::Refused { status: StatusWord::ConditionsOfUse, .. }) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    fn read(&mut self, identity: &IdentityFile) -> Result<Holdings, CardError> {
        read(&mut self.client, identity)
    }

    fn clear_lock(&mut self, identity: &IdentityFile, keyring: &Keyring) -> Result<(), Failure> {
        let status = identity.status;
        let unreadable = || {
            Failure::new(
                ExitCode::Refused,
                format!("card `{}` is locked and not one of this scheme", self.name),
                "Unlock it, then repeat.",
            )
        };
        let masters = keyring.get(&status.key_version).ok_or_else(unreadable)?;
        let mut master = Software.load(&masters.administration);
        let purpose = KeyPurpose::Administration;
        let key = card_key(&Software, &mut master, purpose, status.number, status.key_version);
        let counter = identity.administration_counter.checked_add(1).ok_or_else(unreadable)?;
        let value = ParameterBytes::new(&Parameter::ClearLock);
        let unsigned = Script {
            counter,
            id: Parameter::ClearLock.id(),
            value: value.value(),
            mac: Authenticator::default(),
        };
        let mac = unsigned.signed(|bytes| script_mac(&Software, &mut Software.load(&key), bytes));
        match self.client.update_parameter(&Script { mac, ..unsigned }) {
            Err(CardError::Refused { command: CommandName::UpdateParameter, .. }) => Err(unreadable()),
            done => Ok(done?),
        }
    }
}

/// Balances and logs of a card, which it shows unless it is locked.
pub(crate) fn read<T: Transport>(
    client: &mut Client<T>,
    identity: &IdentityFile,
) -> Result<Holdings, CardError> {
    let mut balances = BTreeMap::new();
    for (place, pocket) in (0..).zip(&identity.pockets) {
        if pocket.is_used() {
            balances.insert(pocket.currency, client.balance(place)?.balance);
        }
    }
    Ok(Holdings { balances, entries: client.entries(|_| false)?, exceptions: client.exceptions()? })
}

/// Balances and logs of the card in this place.
pub(crate) fn holdings(context: &Context, place: &Place) -> Result<Holdings, Failure> {
    match place {
        Place::File(name) => Snapshot::peek(&context.home, name)?.holdings(&context.scheme.keys),
        Place::Reader(_) => {
            let mut card = context.open_card(place)?;
            let identity = card.identity()?;
            Ok(read(&mut card, &identity)?)
        }
    }
}
