//! `card new`: cards of the scheme, virtual ones and in readers.
//!
//! A card that is issued with value is on the books before it is there, and only when it is there for good is its issue
//! over. What a kill leaves in between [`settle_issues`] settles: the card is there, or its value goes back.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use apdu_spec::cryptography::{Engine, KeyBytes, KeyPurpose, card_key};
use apdu_spec::element::{Amount, Expiry, KeyVersion, Role};
use apdu_spec::file::{FLAG_DISPOSABLE, log_control};
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::number::PartyNumber;
use apdu_spec::personalisation::{CardProfile, IdentityGroup, PocketGroup};
use apdu_spec::pin::PinBlock;
use apdu_spec::pocket::POCKETS;
use apdu_spec::software::Software;
use purse_terminal::client::{CardError, Client};
use purse_terminal::home::{self, Home};
use purse_terminal::issuer::{Funding, IssuerError, NewCard};
use purse_terminal::scheme::{FIRST_NUMBER, Scheme};
use purse_terminal::transport::{InProcess, Transport};
use purse_terminal::virtual_card::{MERCHANT_WINDOW, PURSE_WINDOW, VirtualCard};
use serde_json::json;

use super::arguments::NewCardArguments;
use super::context::{Context, Embedded, HOLDER, MERCHANT};
use super::failure::{ExitCode, Failure};
use super::issues::{WORKSHOP, settle_issues};
use super::output::Reply;
use super::pin::PinSource;
use super::words;

/// PIN of a new purse.
pub(crate) const CARD_PIN: &str = "1234";
/// Years that a new card is valid.
const YEARS: i16 = 5;

/// What a card is issued as.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Issue {
    pub(crate) role: Role,
    /// Minor units of the scheme's currency that are on it from the start.
    pub(crate) value: Amount,
    /// It takes no loads, and ends when it is empty.
    pub(crate) disposable: bool,
}

impl Issue {
    /// An empty card.
    pub(crate) const fn empty(role: Role) -> Self {
        Self { role, value: Amount::ZERO, disposable: false }
    }

    fn typed(context: &Context, typed: &NewCardArguments) -> Result<Self, Failure> {
        let role = typed.role.role();
        let denomination = context.denomination();
        let value = typed.value.as_deref().map(|text| denomination.parse_positive(text)).transpose()?;
        let maximum = context.scheme.purse_limits.maximum_balance;
        match value {
            Some(_) if role != Role::Purse => Err(Failure::usage("only a purse is disposable")),
            Some(value) if value > maximum => Err(Failure::usage(format!(
                "{} are more than a card of the scheme may hold, {}",
                denomination.display(value),
                denomination.display(maximum)
            ))),
            _ => Ok(Self { role, value: value.unwrap_or(Amount::ZERO), disposable: typed.disposable }),
        }
    }
}

/// `card new NAME`
pub(crate) fn new(context: &Context, name: &str, typed: &NewCardArguments) -> Result<Reply, Failure> {
    let issue = Issue::typed(context, typed)?;
    let path = context.home.card(name)?;
    if path.try_exists().unwrap_or(true) {
        return Err(Failure::card_exists(name));
    }
    if typed.blank {
        let made = VirtualCard::create(&path, issue.role).and_then(VirtualCard::close);
        made.map_err(|error| Failure::virtual_card(name, &error))?;
        let text = format!("{name}: a blank card; `purse card serve {name}` puts it into a reader");
        let document = json!({ "name": name, "number": null, "role": words::role_code(issue.role) });
        return Ok(Reply::new(text, document));
    }
    let (pin, told) = new_pin(context, issue.role)?;
    let mut issuer = context.issuer()?;
    let lock = context.home.lock()?;
    let number = make(&context.home, &context.scheme, &mut issuer, name, issue, pin).or_else(|failure| {
        settle_issues(&context.home, &mut issuer, &[], &lock)?;
        Err(failure)
    })?;
    Ok(made(context, name, number, issue, told))
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

fn made(context: &Context, name: &str, number: PartyNumber, issue: Issue, told: &str) -> Reply {
    let Issue { role, value, disposable } = issue;
    let mut text = format!("{name}: a new {} with number {number}, {told}", words::role(role));
    let mut document = json!({ "name": name, "number": number.to_string(), "role": words::role_code(role) });
    if disposable {
        let denomination = context.denomination();
        text = format!("{text}, disposable, with {}", denomination.display(value));
        document["disposable"] = json!(true);
        document["value"] = json!(denomination.format(value));
        document["currency"] = json!(denomination.code());
    }
    Reply::new(text, document)
}

/// `card new --reader`: the blank card there becomes one of the scheme's. It stays blank until it has taken the last
/// block, so that this can be interrupted anywhere and begun again.
pub(crate) fn new_in_reader(context: &Context, typed: &NewCardArguments) -> Result<Reply, Failure> {
    let issue = Issue::typed(context, typed)?;
    let role = issue.role;
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
    let _lock = context.home.lock()?;
    let number = register(&context.scheme, &mut issuer, issue, None)?;
    if let Err(error) = card.hold() {
        // It has been told nothing yet.
        issuer.withdraw_issue(number)?;
        return Err(error.into());
    }
    let personalise = |profile: &CardProfile<'_>| Ok(card.personalise(profile, &Software));
    let result = with_profile(&context.scheme, number, issue, pin, personalise)?;
    if let Err(error) = result {
        // It may have taken the last block all the same.
        let mut slot = card.into_transport();
        let again = slot.reset().map_err(CardError::Reset).and_then(|()| Client::select(slot));
        let found = again.ok().map(|card| (card.status().number, card.status().life_cycle));
        if found.is_none_or(|(found, _)| found != number) {
            let failure = Failure::from(error);
            if matches!(found, Some((_, LifeCycle::Blank))) {
                issuer.withdraw_issue(number)?;
            } else if issue.value != Amount::ZERO {
                // Nobody knows whether there is a card with value under that number.
                let money = context.denomination().display(issue.value);
                let next = format!(
                    "If the card comes back as {number}, run `purse recover{}` with it.",
                    place.option()
                );
                let failure = Failure { next, ..failure };
                return Err(failure.with_money(format!("{money} are out for card {number}.")));
            }
            return Err(Failure {
                next: format!("Try again: a card that is still blank gets another number than {number}."),
                ..failure
            });
        }
    }
    issuer.issue_ended(number)?;
    Ok(made(context, place.name(), number, issue, told))
}

/// Registers a card, personalises it beside its place, and puts it there: its name appears with a whole card or not
/// at all, and no card exists that the issuer does not know. In a home that is there, to be called under its lock.
pub(crate) fn make(
    home: &Home,
    scheme: &Scheme,
    issuer: &mut Embedded,
    name: &str,
    issue: Issue,
    pin: PinBlock,
) -> Result<PartyNumber, Failure> {
    let path = home.card(name)?;
    let number = register(scheme, issuer, issue, Some(name))?;
    with_profile(scheme, number, issue, pin, |profile| personalise(home, name, &path, issue.role, profile))?;
    issuer.issue_ended(number)?;
    Ok(number)
}

/// Registers a card under a number that no other has: one that is made at the same time may take it first.
fn register(
    scheme: &Scheme,
    issuer: &mut Embedded,
    issue: Issue,
    name: Option<&str>,
) -> Result<PartyNumber, Failure> {
    let Issue { role, value, .. } = issue;
    loop {
        let number = next_number(issuer)?;
        let registered = issuer.begin_issue(
            &NewCard {
                number,
                role,
                key_version: scheme.key_version(),
                account: match role {
                    Role::Purse => HOLDER,
                    Role::Merchant => MERCHANT,
                },
                pockets: &[(scheme.pocket(role).currency, value)],
                funding: Funding::Account,
            },
            name,
        );
        match registered {
            // There is always another one, or next_number fails.
            Err(IssuerError::AlreadyRegistered(_)) => {}
            Err(IssuerError::Funds { account, balance, amount }) => {
                let money = |minor: i64| words::money(scheme.denomination.element(), minor.into());
                let message = format!(
                    "the issuer declines: account `{account}` holds {}, and {} are asked for",
                    money(balance),
                    money(amount)
                );
                return Err(Failure::new(ExitCode::Declined, message, "Ask for less."));
            }
            Err(error) => return Err(error.into()),
            Ok(()) => return Ok(number),
        }
    }
}

/// Everything that a new card of this scheme is personalised with, under the newest keys.
pub(crate) fn with_profile<T>(
    scheme: &Scheme,
    number: PartyNumber,
    issue: Issue,
    pin: PinBlock,
    use_it: impl FnOnce(&CardProfile<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let Issue { role, value, disposable } = issue;
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
    pockets[0] = Some(PocketGroup { parameters: scheme.pocket(role), balance: value });
    use_it(&CardProfile {
        identity: IdentityGroup {
            role,
            number,
            key_version,
            expiry: expiry(),
            issuer: scheme.issuer,
            flags: if disposable { FLAG_DISPOSABLE } else { 0 },
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
        .prefix(WORKSHOP)
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
