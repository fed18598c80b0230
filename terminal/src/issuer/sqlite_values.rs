//! Values of the database: what they look like there, and what they mean.

use apdu_spec::element::{Amount, Currency, Sequence};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;

use super::model::LedgerAccount;
use super::store::StoreError;

/// An integer in the range of its type.
pub(super) fn small<T: TryFrom<i64>>(value: i64) -> Result<T, StoreError> {
    T::try_from(value).map_err(|_| StoreError::Damaged("a number out of its range"))
}

/// A sequence.
pub(super) fn sequence(value: i64) -> Result<Sequence, StoreError> {
    small(value).map(Sequence)
}

/// An amount, minor units.
pub(super) fn amount(value: i64) -> Result<Amount, StoreError> {
    small(value).map(Amount)
}

/// A party's number from its 16 digits.
pub(super) fn digits(text: &str) -> Result<PartyNumber, StoreError> {
    bytes(text).map(PartyNumber)
}

/// A currency from its four digits.
pub(super) fn currency(text: &str) -> Result<Currency, StoreError> {
    bytes(text).map(Currency)
}

/// A currency's four digits.
pub(super) fn currency_digits(Currency(bytes): Currency) -> String {
    hex::encode(bytes)
}

fn bytes<const N: usize>(text: &str) -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| StoreError::Damaged("digits"))?;
    Ok(bytes)
}

/// PD from its bytes.
pub(super) fn pay_details(bytes: [u8; PayDetails::LENGTH]) -> Result<PayDetails, StoreError> {
    PayDetails::parse(&bytes).map_err(|_| StoreError::Damaged("pay details"))
}

/// Before the name of a holder's account.
const HOLDER: &str = "holder/";

/// An account of the ledger by name.
pub(super) fn account_name(account: &LedgerAccount) -> String {
    match account {
        LedgerAccount::Holder(name) => format!("{HOLDER}{name}"),
        LedgerAccount::Float => "float".to_owned(),
        LedgerAccount::Withheld => "withheld".to_owned(),
        LedgerAccount::Unclaimed => "unclaimed".to_owned(),
        LedgerAccount::Position => "position".to_owned(),
        LedgerAccount::Outside => "outside".to_owned(),
    }
}

/// The account of the ledger that has this name.
pub(super) fn ledger_account(name: &str) -> Result<LedgerAccount, StoreError> {
    match (name.strip_prefix(HOLDER), name) {
        (Some(holder), _) => Ok(LedgerAccount::Holder(holder.to_owned())),
        (None, "float") => Ok(LedgerAccount::Float),
        (None, "withheld") => Ok(LedgerAccount::Withheld),
        (None, "unclaimed") => Ok(LedgerAccount::Unclaimed),
        (None, "position") => Ok(LedgerAccount::Position),
        (None, "outside") => Ok(LedgerAccount::Outside),
        (None, _) => Err(StoreError::Damaged("an account of the ledger")),
    }
}

/// A module with the names of a state's values, both ways.
macro_rules! state_names {
    ($module:ident, $state:ident, $($value:ident = $name:literal),+) => {
        /// Its values by name.
        pub(super) mod $module {
            use crate::issuer::model::$state;
            use crate::issuer::store::StoreError;

            /// What stands in the database.
            pub(in crate::issuer) const fn name(state: $state) -> &'static str {
                match state {
                    $($state::$value => $name,)+
                }
            }

            /// What that means.
            pub(in crate::issuer) fn parse(name: &str) -> Result<$state, StoreError> {
                match name {
                    $($name => Ok($state::$value),)+
                    _ => Err(StoreError::Damaged("a state")),
                }
            }
        }
    };
}

state_names!(
    order_state,
    OrderState,
    Queued = "queued",
    Filed = "filed",
    Done = "done",
    Refused = "refused",
    Superseded = "superseded"
);
state_names!(
    exchange_state,
    ExchangeState,
    Agreed = "agreed",
    Converted = "converted",
    Loading = "loading",
    Done = "done",
    Cancelled = "cancelled",
    Kept = "kept"
);
state_names!(card_state, CardState, Active = "active", Blocked = "blocked", Terminated = "terminated");
state_names!(
    transfer_state,
    TransferState,
    Given = "given",
    Acknowledged = "acknowledged",
    Declined = "declined",
    Credited = "credited",
    Waiting = "waiting"
);
state_names!(
    debit_state,
    DebitState,
    Verified = "verified",
    Collected = "collected",
    Reversed = "reversed",
    Unclaimed = "unclaimed"
);
