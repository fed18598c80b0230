//! `init`: a new home.

use apdu_spec::element::{Amount, Role};
use apdu_spec::pin::PinBlock;
use apdu_spec::software::Software;
use purse_terminal::amount::Denomination;
use purse_terminal::home::{self, Home};
use purse_terminal::issuer::{Issuer, SqliteStore};
use purse_terminal::scheme::Scheme;
use serde_json::json;

use super::arguments::GlobalArguments;
use super::context::{HOLDER, MERCHANT};
use super::failure::Failure;
use super::new_card::{self, CARD_PIN, Issue};
use super::output::Reply;

/// Major units in the holder's account of a new home.
const INITIAL: u32 = 100;
/// PIN of the SAM of a new home.
const SAM_PIN: &str = "9999";

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
    new_card::make(home, &scheme, &mut issuer, "card", Issue::empty(Role::Purse), pin(CARD_PIN)?)?;
    new_card::make(home, &scheme, &mut issuer, "sam", Issue::empty(Role::Merchant), pin(SAM_PIN)?)?;
    scheme.write(&home.scheme()).map_err(|error| Failure::scheme(&home.scheme(), &error))?;
    Ok(scheme)
}
