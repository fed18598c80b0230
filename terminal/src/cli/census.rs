//! Every card that an audit can see, read at one moment: the home's files, and the cards in the readers that were named.
//!
//! Files are read from copies, so that an audit changes nothing: not a record, not a PIN try, not a power-up. A card in a
//! reader is asked what it shows to anybody.

use std::fs::{File, TryLockError};

use apdu_spec::command::Voucher;
use apdu_spec::element::Sequence;
use apdu_spec::number::PartyNumber;
use apdu_spec::status::StatusWord;
use purse_terminal::client::{CardError, Client};
use purse_terminal::home::Home;
use purse_terminal::issuer::IssuerError;

use super::context::{Context, Embedded, Slot};
use super::failure::Failure;
use super::patience::while_busy;
use super::place::Place;
use super::served;
use super::snapshot::{self, Snapshot};
use super::whereabouts::Card;

/// Readings of cards and books until both are of one moment.
const MOST_READINGS: usize = 5;

/// What was found.
pub(crate) struct Census {
    pub(crate) cards: Vec<Card>,
    /// Why a card is not counted.
    pub(crate) findings: Vec<String>,
    pub(crate) remarks: Vec<String>,
    /// Cards that are there, and are not counted.
    pub(crate) uncounted: Vec<PartyNumber>,
    /// Locks that keep the files as they are for as long as they live.
    pub(crate) held: Vec<File>,
}

/// Counts the cards. Nobody moves money between them while they are read, nor between them and the books.
pub(crate) fn take(context: &Context, issuer: &Embedded) -> Result<Census, Failure> {
    let readers = readers(context)?;
    for _ in 0..MOST_READINGS {
        let before = issuer.transfers(None)?;
        let census = read(context, issuer, &readers)?;
        // Files are locked. A card in a reader is not, while the issuer is asked: a load may have begun or ended.
        if readers.is_empty() || before == issuer.transfers(None)? {
            return Ok(census);
        }
    }
    Err(readers.first().map_or_else(|| Failure::other("busy", ""), Failure::in_use))
}

/// The readers that the options name.
fn readers(context: &Context) -> Result<Vec<Place>, Failure> {
    let mut places = Vec::new();
    // The SAM first, as every flow takes its cards.
    if context.global.sam_reader.is_some() {
        places.push(context.sam_place()?.clone());
    }
    if context.global.reader.is_some() {
        places.push(context.card_place()?.clone());
    }
    Ok(places)
}

fn read(context: &Context, issuer: &Embedded, readers: &[Place]) -> Result<Census, Failure> {
    let mut clients = readers.iter().map(|place| context.open_card(place)).collect::<Result<Vec<_>, _>>()?;
    // Held again once the files are: whoever has a file may want these cards.
    clients.iter_mut().for_each(Client::release);
    let numbers: Vec<String> = clients.iter().map(|client| client.status().number.to_string()).collect();
    let served = served::served(&context.home);
    let is_in_reader = |name: &str| {
        served.iter().any(|served| {
            served.name == name && served.number.as_ref().is_some_and(|number| numbers.contains(number))
        })
    };
    let names: Vec<String> = context.home.cards()?.into_iter().filter(|name| !is_in_reader(name)).collect();
    let held = hold(&context.home, &names)?;
    let mut census =
        Census { cards: Vec::new(), findings: Vec::new(), remarks: Vec::new(), uncounted: Vec::new(), held };
    // All of them, so that no money gets from one to another in between.
    clients.iter_mut().try_for_each(Client::hold)?;
    let mut in_readers = Vec::new();
    for (place, client) in readers.iter().zip(&mut clients) {
        in_readers.push((place, client.status().number, read_in_reader(place, client)?));
    }
    drop(clients);
    for name in &names {
        census.read_file(context, issuer, name)?;
    }
    for (place, number, card) in in_readers {
        match card {
            Ok(card) => census.add_in_reader(issuer, place, card)?,
            Err(reason) => {
                census.findings.push(reason);
                census.uncounted.push(number);
            }
        }
    }
    Ok(census)
}

/// Keeps these files as they are until the books have been read too: sums of two moments do not add up. None is kept
/// while another is waited for, or a payment that has the one and wants the other would wait for ever.
fn hold(home: &Home, names: &[String]) -> Result<Vec<File>, Failure> {
    let attempt = || {
        let mut held = Vec::with_capacity(names.len());
        for name in names {
            // What cannot be opened is a finding when it is read.
            let Some(file) = home.card(name).ok().and_then(|path| File::open(path).ok()) else { continue };
            match file.try_lock_shared() {
                Err(TryLockError::WouldBlock) => return Err(name),
                Ok(()) | Err(TryLockError::Error(_)) => held.push(file),
            }
        }
        Ok(held)
    };
    while_busy(attempt, |_| true)
        .map_err(|name| served::explained(home, name, Failure::in_use(&Place::file(name))))
}

/// A card in a reader; the reason if it does not show what it holds. None of either is an error of the way to it.
fn read_in_reader(place: &Place, client: &mut Client<Slot>) -> Result<Result<Card, String>, Failure> {
    let status = *client.status();
    let read = client.identity().and_then(|identity| snapshot::read(client, &identity));
    match read {
        Ok(holdings) => Ok(Ok(Card {
            name: place.name().to_owned(),
            number: status.number,
            role: status.role,
            holdings,
            has_credited_load: false,
        })),
        Err(CardError::Refused { status: StatusWord::SecurityStatus, .. }) => {
            Ok(Err(format!("{place} is locked, so that what it holds is not counted: unlock it first")))
        }
        Err(CardError::Refused { status: StatusWord::ConditionsOfUse, .. }) => {
            Ok(Err(format!("{place} is blank")))
        }
        Err(error) => Err(error.into()),
    }
}

impl Census {
    fn read_file(&mut self, context: &Context, issuer: &Embedded, name: &str) -> Result<(), Failure> {
        let read = Snapshot::take(&context.home, name)
            .and_then(|mut card| card.holdings(&context.scheme.keys).map(|holdings| (card, holdings)));
        let (mut card, holdings) = match read {
            Ok(read) => read,
            // Somebody is paying right now: any sums would be of two moments.
            Err(failure) if failure.message == Failure::in_use(&Place::file(name)).message => {
                return Err(served::explained(&context.home, name, failure));
            }
            // One bad file does not hide the others.
            Err(failure) => {
                self.findings.push(unreadable(name, &failure));
                return Ok(());
            }
        };
        if card.identity().is_none() {
            return Ok(());
        }
        let status = card.client().status();
        let (number, role) = (status.number, status.role);
        let load = unresolved_load(issuer, number)?;
        let has_credited_load = load.is_some_and(|load| card.has_credited(&load).unwrap_or(false));
        self.cards.push(Card { name: name.to_owned(), number, role, holdings, has_credited_load });
        Ok(())
    }

    fn add_in_reader(&mut self, issuer: &Embedded, place: &Place, card: Card) -> Result<(), Failure> {
        let oldest = card.holdings.entries.iter().map(|(sequence, _)| *sequence).min();
        if let Some(load) = unresolved_load(issuer, card.number)?
            && load.pay_details.to_sequence < oldest.unwrap_or(Sequence(0))
        {
            // Only a command that could change it would tell; a copy of a file can be asked that, a card cannot.
            self.remarks.push(format!(
                "{place} has had its last load too long ago to show whether it came: `purse recover` finds out"
            ));
        }
        self.cards.push(card);
        Ok(())
    }
}

fn unresolved_load(issuer: &Embedded, number: PartyNumber) -> Result<Option<Voucher>, Failure> {
    match issuer.unresolved_load(number) {
        // One of another issuer's: a finding further on.
        Err(IssuerError::UnknownCard(_)) => Ok(None),
        load => Ok(load?),
    }
}

fn unreadable(name: &str, failure: &Failure) -> String {
    let subject = format!("the file of card `{name}` cannot be used: ");
    let reason = failure.message.strip_prefix(&subject).unwrap_or(&failure.message);
    format!("card `{name}` cannot be read: {reason}: not counted")
}
