//! What a command works with: the home, its scheme, its issuer, and cards with everything around them that the global
//! options ask for.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use apdu_spec::element::Sequence;
use apdu_spec::number::PartyNumber;
use apdu_spec::software::Software;
use apdu_spec::status_block::StatusBlock;
use purse_terminal::amount::{Denomination, Money};
use purse_terminal::client::Client;
use purse_terminal::home::Home;
use purse_terminal::hot_list::HotList;
use purse_terminal::issuer::{Issuer, SqliteStore};
use purse_terminal::scheme::Scheme;
use purse_terminal::transport::{InProcess, Trace, TraceFormat, Transport};
use purse_terminal::virtual_card::VirtualCard;

use super::arguments::{AmountArgument, GlobalArguments};
use super::failure::Failure;
use super::fault::{Faults, FaultySlot};
use super::hot_list;
use super::output::Console;
use super::patience::patiently;
use super::pin::PinSource;
use super::place::Place;
use super::readers;
use super::served;
use super::snapshot::Snapshot;

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
    /// The places of card and SAM, once they have been looked for.
    card_place: OnceCell<Place>,
    sam_place: OnceCell<Place>,
    /// Which card was found where: at the next look it has to be the same.
    numbers: RefCell<BTreeMap<Place, PartyNumber>>,
    hot_list: OnceCell<Option<HotList>>,
    /// Cards that were opened to learn their numbers, until they are used.
    parked: RefCell<BTreeMap<Place, Client<Slot>>>,
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
        if (global.cut.is_some() || global.lose.is_some())
            && (global.reader.is_some() || global.sam_reader.is_some())
        {
            return Err(Failure::usage(
                "--cut and --lose are for virtual cards; for one in a reader give them to `purse card serve`",
            ));
        }
        let scheme = Scheme::read(&home.scheme()).map_err(|error| Failure::scheme(&home.scheme(), &error))?;
        let trace = global.trace.as_deref().map(trace).transpose()?;
        let faults = Faults::new(global.cut, global.lose);
        Ok(Self {
            console,
            global: global.clone(),
            home,
            scheme,
            faults,
            trace,
            card_place: OnceCell::new(),
            sam_place: OnceCell::new(),
            numbers: RefCell::default(),
            hot_list: OnceCell::new(),
            parked: RefCell::default(),
        })
    }

    /// The scheme's currency.
    pub(crate) const fn denomination(&self) -> Denomination {
        self.scheme.denomination
    }

    /// A currency by its letters.
    pub(crate) fn denomination_of(code: &str) -> Result<Denomination, Failure> {
        Denomination::from_code(code).map_err(|error| Failure::usage(error.to_string()))
    }

    /// An amount above 0 as it was typed, of the scheme's currency if none was named.
    pub(crate) fn money(&self, typed: &AmountArgument) -> Result<Money, Failure> {
        let code = typed.currency.currency.as_deref();
        let denomination = code.map_or(Ok(self.denomination()), Self::denomination_of)?;
        Ok(Money { denomination, amount: denomination.parse_positive(&typed.amount)? })
    }

    /// The list of purses that are not taken, if the home has one.
    pub(crate) fn hot_list(&self) -> Result<Option<&HotList>, Failure> {
        if self.hot_list.get().is_none() {
            let list = hot_list::current(&self.home, &self.scheme)?;
            return Ok(self.hot_list.get_or_init(|| list).as_ref());
        }
        Ok(self.hot_list.get().and_then(Option::as_ref))
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

    /// Where the card is that the options name; a card in a reader is waited for if they say so.
    pub(crate) fn card_place(&self) -> Result<&Place, Failure> {
        if self.card_place.get().is_none() && self.global.reader.is_some() && self.global.sam_reader.is_some()
        {
            // The merchant's is there before the customer's comes, and is none of those that could be meant.
            self.sam_place()?;
        }
        self.place(&self.card_place, self.global.reader.as_deref(), self.global.card())
    }

    /// Where the SAM is that the options name.
    pub(crate) fn sam_place(&self) -> Result<&Place, Failure> {
        self.place(&self.sam_place, self.global.sam_reader.as_deref(), self.global.sam())
    }

    /// These places in the order in which every flow takes its cards.
    pub(crate) fn sam_first<'a>(&self, places: &[&'a Place]) -> Vec<&'a Place> {
        let mut places = places.to_vec();
        places.sort_by_key(|place| self.sam_place.get() != Some(*place));
        places
    }

    /// Those of the two that need not be looked for any more.
    pub(crate) fn places_at_hand(&self) -> Vec<&Place> {
        let known =
            |place: &OnceCell<Place>, reader: Option<&String>| place.get().is_some() || reader.is_none();
        let card = known(&self.card_place, self.global.reader.as_ref()).then(|| self.card_place());
        let sam = known(&self.sam_place, self.global.sam_reader.as_ref()).then(|| self.sam_place());
        card.into_iter().chain(sam).flatten().collect()
    }

    fn place<'a>(
        &self,
        known: &'a OnceCell<Place>,
        reader: Option<&str>,
        name: &str,
    ) -> Result<&'a Place, Failure> {
        if let Some(place) = known.get() {
            return Ok(place);
        }
        let mut others = [&self.card_place, &self.sam_place].into_iter().filter_map(OnceCell::get);
        let other = others.find(|place| matches!(place, Place::Reader(_))).map(Place::name);
        let place = match reader {
            Some(wanted) => Place::Reader(readers::find(wanted, other, self.global.wait)?),
            None => Place::file(name),
        };
        if matches!(place, Place::Reader(_)) && other == Some(place.name()) {
            return Err(Failure::usage(format!("card and SAM are to be in one reader, {}", place.name())));
        }
        Ok(known.get_or_init(|| place))
    }

    /// The purse that the options name.
    pub(crate) fn card(&self) -> Result<Client<Slot>, Failure> {
        self.open_card(self.card_place()?)
    }

    /// The SAM that the options name.
    pub(crate) fn sam(&self) -> Result<Client<Slot>, Failure> {
        self.open_card(self.sam_place()?)
    }

    /// A card with faults and trace around it, its application selected. One that was there before has to be the same.
    pub(crate) fn open_card(&self, place: &Place) -> Result<Client<Slot>, Failure> {
        let parked = self.parked.borrow_mut().remove(place);
        if let Some(mut client) = parked {
            client.hold()?;
            return Ok(client);
        }
        let client = Client::select(self.slot(place)?)?;
        let number = client.status().number;
        match self.numbers.borrow_mut().insert(place.clone(), number) {
            Some(before) if before != number => Err(Failure::other_card(place, before, number)),
            _ => Ok(client),
        }
    }

    /// The number of a card, zero while it is blank, and its next sequence. A virtual card is only looked at; one in a
    /// reader stays connected until it is used.
    pub(crate) fn identify(&self, place: &Place) -> Result<(PartyNumber, Sequence), Failure> {
        let identity = |status: &StatusBlock| (status.number, status.sequence);
        match place {
            Place::File(name) => match Snapshot::take(&self.home, name) {
                Ok(card) => Ok(identity(card.client().status())),
                Err(failure) => Err(served::explained(&self.home, name, failure)),
            },
            Place::Reader(_) => {
                let client = self.open_card(place)?;
                let identity = identity(client.status());
                self.parked.borrow_mut().insert(place.clone(), client);
                Ok(identity)
            }
        }
    }

    /// With the readers that were named in what is to be done next.
    pub(crate) fn with_readers(&self, failure: Failure) -> Failure {
        let reader = |known: &OnceCell<Place>, option: &str| match known.get() {
            Some(Place::Reader(name)) => format!(" {option} '{name}'"),
            Some(Place::File(_)) | None => String::new(),
        };
        let options = reader(&self.card_place, "--reader") + &reader(&self.sam_place, "--sam-reader");
        let named = |text: String| {
            ["recover", "audit"].into_iter().fold(text, |text, command| {
                text.replace(&format!("`purse {command}`"), &format!("`purse {command}{options}`"))
            })
        };
        Failure { message: named(failure.message), next: named(failure.next), ..failure }
    }

    /// Lets other programs at the cards that wait to be used.
    pub(crate) fn release_parked(&self) {
        self.parked.borrow_mut().values_mut().for_each(Client::release);
    }

    /// A card that is to be used later has to be there before a person is asked for a PIN.
    pub(crate) fn find(&self, place: &Place) -> Result<(), Failure> {
        match place {
            Place::File(name) if !self.home.card(name)?.exists() => Err(Failure::no_card(name)),
            Place::File(_) | Place::Reader(_) => Ok(()),
        }
    }

    /// A card of the home, powered up, without anything around it.
    pub(crate) fn virtual_card(&self, name: &str) -> Result<VirtualCard, Failure> {
        let path = self.home.card(name)?;
        patiently(|| VirtualCard::open(&path))
            .map_err(|error| served::explained(&self.home, name, Failure::virtual_card(name, &error)))
    }

    /// Where every APDU is to be shown, if anywhere.
    pub(crate) const fn trace(&self) -> Option<&Trace> {
        self.trace.as_ref()
    }

    /// The way to a card.
    pub(crate) fn slot(&self, place: &Place) -> Result<Slot, Failure> {
        match place {
            Place::File(name) => {
                let card = self.virtual_card(name)?;
                Ok(self.traced(FaultySlot::new(InProcess::new(card), self.faults.clone())))
            }
            #[cfg(feature = "pcsc")]
            Place::Reader(reader) => Ok(self.traced(readers::connect(reader, self.global.exclusive)?)),
            #[cfg(not(feature = "pcsc"))]
            Place::Reader(_) => Err(Failure::no_readers()),
        }
    }

    fn traced<T: Transport + 'static>(&self, slot: T) -> Slot {
        match &self.trace {
            Some(trace) => Box::new(trace.wrap(slot)),
            None => Box::new(slot),
        }
    }

    /// The place of the home's card with this number, among those that nobody else has open.
    pub(crate) fn place_of(&self, number: PartyNumber) -> Result<Option<Place>, Failure> {
        for name in self.home.cards()? {
            let card = Snapshot::peek(&self.home, &name);
            if card.is_ok_and(|card| card.number() == number) {
                return Ok(Some(Place::File(name)));
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
