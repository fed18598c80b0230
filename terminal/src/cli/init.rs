//! `init` and `card …`: homes and virtual cards.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use apdu_spec::cryptography::{Engine, KeyBytes, KeyPurpose, card_key};
use apdu_spec::element::{Amount, Expiry, KeyVersion, Role};
use apdu_spec::file::log_control;
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::number::PartyNumber;
use apdu_spec::personalisation::{CardProfile, IdentityGroup, PocketGroup};
use apdu_spec::pin::PinBlock;
use apdu_spec::pocket::POCKETS;
use apdu_spec::software::Software;
use purse_terminal::amount::Denomination;
use purse_terminal::client::{CardError, Client};
use purse_terminal::home::{self, Home};
use purse_terminal::issuer::{Funding, Issuer, IssuerError, NewCard, SqliteStore};
use purse_terminal::scheme::{FIRST_NUMBER, Scheme};
use purse_terminal::transport::{InProcess, Transport};
use purse_terminal::virtual_card::{MERCHANT_WINDOW, PURSE_WINDOW, VirtualCard};
use serde_json::json;

use super::arguments::{GlobalArguments, RoleArgument};
use super::context::{Context, Embedded, HOLDER, MERCHANT};
use super::failure::Failure;
use super::output::Reply;
use super::pin::PinSource;

/// Major units in the holder's account of a new home.
const INITIAL: u32 = 100;
/// PIN of a new purse.
const CARD_PIN: &str = "1234";
/// PIN of the SAM of a new home.
const SAM_PIN: &str = "9999";
/// Years that a new card is valid.
const YEARS: i16 = 5;

/// `init`
pub(crate) fn init(global: &GlobalArguments, currency: &str) -> Result<Reply, Failure> {
    let directory = match global.home() {
        Some(directory) => directory.to_owned(),
        None => Home::default_directory()?,
    };
    let denomination =
        Denomination::from_code(currency).map_err(|error| Failure::usage(error.to_string()))?;
    let (home, scheme) = Home::create(&directory, |home| build(home, denomination))?;
    let initial = initial(denomination)?;
    let text = format!(
        "{}: a new home\n\
         scheme.toml       issuer {}, {}, random keys\n\
         issuer.db         account `{HOLDER}` with {}, account `{MERCHANT}` with {}\n\
         cards/card.purse  a purse, PIN {CARD_PIN}\n\
         cards/sam.purse   a merchant's SAM, PIN of its operator {SAM_PIN}",
        home.directory().display(),
        scheme.issuer,
        denomination.code(),
        denomination.display(initial),
        denomination.display(Amount::ZERO),
    );
    Ok(Reply::new(
        text,
        json!({
            "home": home.directory(),
            "issuer": scheme.issuer.to_string(),
            "currency": denomination.code(),
            "accounts": { HOLDER: denomination.format(initial), MERCHANT: denomination.format(Amount::ZERO) },
            "cards": ["card", "sam"],
        }),
    ))
}

fn initial(denomination: Denomination) -> Result<Amount, Failure> {
    denomination
        .major(INITIAL)
        .ok_or_else(|| Failure::usage(format!("{} has too many digits for a card", denomination.code())))
}

/// Fills the directory that is to become the home.
fn build(home: &Home, denomination: Denomination) -> Result<Scheme, Failure> {
    let scheme = Scheme::new(denomination).map_err(|error| Failure::scheme(&home.scheme(), &error))?;
    let cards = home.cards_directory();
    home::private_directory(&cards).map_err(|error| Failure::file(&cards, &error))?;
    // Its owner's alone from the start; SQLite keeps the mode for its other files.
    home::write_private(&home.issuer(), &[]).map_err(|error| Failure::file(&home.issuer(), &error))?;
    let store = SqliteStore::open(&home.issuer())?;
    let mut issuer = Issuer::new(store, Software, scheme.issuer, scheme.keys.clone());
    issuer.register_account(HOLDER, denomination.element(), i64::from(initial(denomination)?.0))?;
    issuer.register_account(MERCHANT, denomination.element(), 0)?;
    let pin = |digits| PinBlock::from_digits(digits).map_err(|_| Failure::usage("not a PIN"));
    issue(home, &scheme, &mut issuer, "card", Role::Purse, pin(CARD_PIN)?)?;
    issue(home, &scheme, &mut issuer, "sam", Role::Merchant, pin(SAM_PIN)?)?;
    scheme.write(&home.scheme()).map_err(|error| Failure::scheme(&home.scheme(), &error))?;
    Ok(scheme)
}

/// `card new`
pub(crate) fn new(context: &Context, name: &str, role: RoleArgument, blank: bool) -> Result<Reply, Failure> {
    let role = role.role();
    let path = context.home.card(name)?;
    if path.try_exists().unwrap_or(true) {
        return Err(Failure::card_exists(name));
    }
    if blank {
        let made = VirtualCard::create(&path, role).and_then(VirtualCard::close);
        made.map_err(|error| Failure::virtual_card(name, &error))?;
        let text = format!("{name}: a blank card; `purse card serve {name}` puts it into a reader");
        let document = json!({ "name": name, "number": null, "role": super::words::role_code(role) });
        return Ok(Reply::new(text, document));
    }
    let (pin, told) = new_pin(context, role)?;
    let mut issuer = context.issuer()?;
    let number = issue(&context.home, &context.scheme, &mut issuer, name, role, pin)?;
    Ok(made(name, number, role, told))
}

/// The PIN of a new card, and how it is called.
fn new_pin(context: &Context, role: Role) -> Result<(PinBlock, &'static str), Failure> {
    let stored = match (PinSource::card(&context.global).stored()?, role) {
        (None, Role::Merchant) => context.operator_pin().stored()?,
        (pin, _) => pin,
    };
    if let Some(pin) = stored {
        return Ok((pin, "the PIN given"));
    }
    let pin = PinBlock::from_digits(CARD_PIN).map_err(|_| Failure::usage("not a PIN"))?;
    Ok((pin, "PIN 1234"))
}

fn made(name: &str, number: PartyNumber, role: Role, told: &str) -> Reply {
    let text = format!("{name}: a new {} with number {number}, {told}", super::words::role(role));
    Reply::new(
        text,
        json!({ "name": name, "number": number.to_string(), "role": super::words::role_code(role) }),
    )
}

/// `card new --reader`: the blank card there becomes one of the scheme's. It stays blank until it has taken the last
/// block, so that this can be interrupted anywhere and begun again.
pub(crate) fn new_in_reader(context: &Context, role: RoleArgument) -> Result<Reply, Failure> {
    let role = role.role();
    let place = context.card_place()?;
    let mut card = context.card()?;
    let status = card.status();
    if status.life_cycle != LifeCycle::Blank {
        return Err(Failure::not_blank(place, status.number));
    }
    let needed = log_control(match role {
        Role::Purse => PURSE_WINDOW,
        Role::Merchant => MERCHANT_WINDOW,
    });
    if card.log_control()? < needed {
        return Err(Failure::too_small(place, role));
    }
    card.release();
    let (pin, told) = new_pin(context, role)?;
    let mut issuer = context.issuer()?;
    let number = register(&context.scheme, &mut issuer, role)?;
    card.hold()?;
    let result = with_profile(&context.scheme, number, role, Amount::ZERO, pin, |profile| {
        Ok(card.personalise(profile, &Software))
    })?;
    if let Err(error) = result {
        // It may have taken the last block all the same.
        let mut slot = card.into_transport();
        let again = slot.reset().map_err(CardError::Reset).and_then(|()| Client::select(slot));
        if !again.is_ok_and(|card| card.status().number == number) {
            let failure = Failure::from(error);
            return Err(Failure {
                next: format!("Try again: a card that is still blank gets another number than {number}."),
                ..failure
            });
        }
    }
    Ok(made(place.name(), number, role, told))
}

/// Registers a card, personalises it beside its place, and puts it there: its name appears with a whole card or not
/// at all, and no card exists that the issuer does not know.
fn issue(
    home: &Home,
    scheme: &Scheme,
    issuer: &mut Embedded,
    name: &str,
    role: Role,
    pin: PinBlock,
) -> Result<PartyNumber, Failure> {
    let path = home.card(name)?;
    let number = register(scheme, issuer, role)?;
    let funds = Amount::ZERO;
    with_profile(scheme, number, role, funds, pin, |profile| personalise(home, name, &path, role, profile))?;
    Ok(number)
}

/// Registers a card under a number that no other has: one that is made at the same time may take it first.
fn register(scheme: &Scheme, issuer: &mut Embedded, role: Role) -> Result<PartyNumber, Failure> {
    loop {
        let number = next_number(issuer)?;
        let registered = issuer.register_card(&NewCard {
            number,
            role,
            key_version: scheme.key_version(),
            account: match role {
                Role::Purse => HOLDER,
                Role::Merchant => MERCHANT,
            },
            pockets: &[(scheme.pocket(role).currency, Amount::ZERO)],
            funding: Funding::Account,
        });
        match registered {
            // There is always another one, or next_number fails.
            Err(IssuerError::AlreadyRegistered(_)) => {}
            Err(error) => return Err(error.into()),
            Ok(()) => return Ok(number),
        }
    }
}

/// Everything that a new card of this scheme is personalised with, under the newest keys.
pub(crate) fn with_profile<T>(
    scheme: &Scheme,
    number: PartyNumber,
    role: Role,
    balance: Amount,
    pin: PinBlock,
    use_it: impl FnOnce(&CardProfile<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let key_version = scheme.key_version();
    let masters = scheme
        .keys
        .get(&key_version)
        .ok_or_else(|| Failure::other("the scheme has no keys", "Restore scheme.toml from a copy."))?;
    let key = |purpose| {
        let mut master = Software.load(masters.key(purpose));
        card_key(&Software, &mut master, purpose, number, key_version)
    };
    let payment_masters: Vec<(KeyVersion, KeyBytes)> = match role {
        Role::Purse => Vec::new(),
        Role::Merchant => {
            scheme.keys.iter().map(|(version, keys)| (*version, keys.payment.clone())).collect()
        }
    };
    let key_pair = match role {
        Role::Purse => scheme.key_pair(number, expiry()).map_err(|error| {
            Failure::other(format!("no key pair for the card: {error}"), "Restore scheme.toml from a copy.")
        })?,
        Role::Merchant => None,
    };
    let mut pockets = [None; POCKETS];
    pockets[0] = Some(PocketGroup { parameters: scheme.pocket(role), balance });
    use_it(&CardProfile {
        identity: IdentityGroup {
            role,
            number,
            key_version,
            expiry: expiry(),
            issuer: scheme.issuer,
            flags: 0,
        },
        pockets,
        keys: KeyPurpose::ALL.map(key),
        masters: &payment_masters,
        pin,
        key_pair: key_pair.as_ref(),
    })
}

fn personalise(
    home: &Home,
    name: &str,
    path: &Path,
    role: Role,
    profile: &CardProfile<'_>,
) -> Result<(), Failure> {
    let cards = home.cards_directory();
    let workshop = tempfile::Builder::new()
        .prefix(".new-")
        .tempdir_in(&cards)
        .map_err(|error| Failure::file(&cards, &error))?;
    let place = workshop.path().join(path.file_name().unwrap_or_default());
    let card = VirtualCard::create(&place, role).map_err(|error| Failure::virtual_card(name, &error))?;
    let mut client = Client::select(InProcess::new(card))?;
    client.personalise(profile, &Software)?;
    let card = client.into_transport().into_card();
    card.close().map_err(|error| Failure::virtual_card(name, &error))?;
    // A link, for a rename would replace a card that has appeared meanwhile.
    match fs::hard_link(&place, path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(Failure::card_exists(name)),
        linked => linked
            .and_then(|()| home::synchronise_directory(&cards))
            .map_err(|error| Failure::file(path, &error)),
    }
}

/// The first number that no card has: the issuer's is the first of all.
fn next_number(issuer: &Embedded) -> Result<PartyNumber, Failure> {
    let given: BTreeSet<PartyNumber> = issuer.cards()?.into_iter().map(|card| card.number).collect();
    (FIRST_NUMBER + 1..)
        .map_while(PartyNumber::with_check_digit)
        .find(|number| !given.contains(number) && *number != issuer.number())
        .ok_or_else(|| Failure::other("the scheme has no card number left", "Make a new home."))
}

/// The last month of validity of a card that is made now.
fn expiry() -> Expiry {
    let today = jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    let decimal = |value: i16| u8::try_from(((value / 10) << 4) | (value % 10)).unwrap_or(0);
    Expiry([decimal((today.year() + YEARS) % 100), decimal(i16::from(today.month()))])
}
