//! What a command works with: the home, its scheme, its issuer, and cards with everything around them that the global
//! options ask for.

use std::fs::File;
use std::path::Path;

use apdu_spec::number::PartyNumber;
use apdu_spec::software::Software;
use purse_terminal::amount::Denomination;
use purse_terminal::client::Client;
use purse_terminal::home::Home;
use purse_terminal::issuer::{Issuer, SqliteStore};
use purse_terminal::scheme::Scheme;
use purse_terminal::transport::{InProcess, Trace, TraceFormat, Transport};
use purse_terminal::virtual_card::VirtualCard;

use super::arguments::GlobalArguments;
use super::failure::Failure;
use super::fault::{Faults, FaultySlot};
use super::output::Console;
use super::patience::patiently;
use super::pin::PinSource;

/// The issuer over its file.
pub(crate) type Embedded = Issuer<SqliteStore, Software>;
/// The way to a card of this command.
pub(crate) type Slot = Box<dyn Transport>;

/// The holder's account that `init` opens.
pub(crate) const HOLDER: &str = "holder";
/// The merchant's account that `init` opens.
pub(crate) const MERCHANT: &str = "merchant";

/// A command's surroundings.
pub(crate) struct Context {
    pub(crate) console: Console,
    pub(crate) global: GlobalArguments,
    pub(crate) home: Home,
    pub(crate) scheme: Scheme,
    faults: Faults,
    trace: Option<Trace>,
}

impl Context {
    /// Opens the home that the options name.
    pub(crate) fn open(global: &GlobalArguments, console: Console) -> Result<Self, Failure> {
        let directory = match global.home() {
            Some(directory) => directory.to_owned(),
            None => Home::default_directory()?,
        };
        Self::with_home(Home::open(directory)?, global, console)
    }

    /// With a home that is known to be one.
    pub(crate) fn with_home(home: Home, global: &GlobalArguments, console: Console) -> Result<Self, Failure> {
        let scheme = Scheme::read(&home.scheme()).map_err(|error| Failure::scheme(&home.scheme(), &error))?;
        let trace = global.trace.as_deref().map(trace).transpose()?;
        let faults = Faults::new(global.cut, global.lose);
        Ok(Self { console, global: global.clone(), home, scheme, faults, trace })
    }

    /// The scheme's currency.
    pub(crate) const fn denomination(&self) -> Denomination {
        self.scheme.denomination
    }

    /// The issuer's books.
    pub(crate) fn issuer(&self) -> Result<Embedded, Failure> {
        let path = self.home.issuer();
        // SQLite would begin new books, and the money on the cards would be nobody's.
        if !path.try_exists().unwrap_or(true) {
            return Err(Failure::other(
                format!("the issuer's books {} are missing", path.display()),
                "Restore the file from a copy; the cards are as they were.",
            ));
        }
        let store = SqliteStore::open_existing(&path)?;
        Ok(Issuer::new(store, Software, self.scheme.issuer, self.scheme.keys.clone()))
    }

    /// The purse that the options name.
    pub(crate) fn card(&self) -> Result<Client<Slot>, Failure> {
        self.open_card(&self.global.card)
    }

    /// The SAM that the options name.
    pub(crate) fn sam(&self) -> Result<Client<Slot>, Failure> {
        self.open_card(self.global.sam())
    }

    /// A card of the home by its name, with faults and trace around it, its application selected.
    pub(crate) fn open_card(&self, name: &str) -> Result<Client<Slot>, Failure> {
        Ok(Client::select(self.slot(name)?)?)
    }

    /// A card that is to be used later has to be there before a person is asked for a PIN.
    pub(crate) fn find(&self, name: &str) -> Result<(), Failure> {
        if self.home.card(name)?.exists() { Ok(()) } else { Err(Failure::no_card(name)) }
    }

    /// The way to a card of the home.
    pub(crate) fn slot(&self, name: &str) -> Result<Slot, Failure> {
        let path = self.home.card(name)?;
        let card =
            patiently(|| VirtualCard::open(&path)).map_err(|error| Failure::virtual_card(name, &error))?;
        let slot = FaultySlot::new(InProcess::new(card), self.faults.clone());
        Ok(match &self.trace {
            Some(trace) => Box::new(trace.wrap(slot)),
            None => Box::new(slot),
        })
    }

    /// The name of the home's card with this number, among those that nobody else has open.
    pub(crate) fn name_of(&self, number: PartyNumber) -> Result<Option<String>, Failure> {
        for name in self.home.cards()? {
            let card = super::snapshot::Snapshot::peek(&self.home, &name);
            if card.is_ok_and(|card| card.number() == number) {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// The PIN of the card in question.
    pub(crate) fn pin(&self) -> PinSource {
        PinSource::card(&self.global)
    }

    /// The PIN of the SAM's operator.
    pub(crate) fn operator_pin(&self) -> PinSource {
        PinSource::operator(&self.global)
    }
}

fn trace(path: &Path) -> Result<Trace, Failure> {
    if path == Path::new("-") {
        return Ok(Trace::new(Box::new(anstream::stderr()), TraceFormat::Human));
    }
    let file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|error| Failure::usage(format!("--trace={}: {error}", path.display())))?;
    Ok(Trace::new(Box::new(file), TraceFormat::Human))
}
