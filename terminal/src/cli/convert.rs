//! From the library's errors to what a person has to know.

use std::io;
use std::path::Path;

use apdu_spec::command::CommandName;
use apdu_spec::element::{Currency, Role};
use apdu_spec::number::PartyNumber;
use apdu_spec::status::StatusWord;
use purse_terminal::amount::AmountError;
use purse_terminal::client::{CardError, Failure as Category};
use purse_terminal::flow::{FlowError, Party};
use purse_terminal::home::HomeError;
use purse_terminal::issuer::{IssuerError, Refusal, StoreError};
use purse_terminal::scheme::SchemeError;
use purse_terminal::transport::TransportError;
use purse_terminal::virtual_card::VirtualCardError;

use super::failure::{ExitCode, Failure, IN_FLIGHT};
use super::place::Place;
use super::words;

const TRY_AGAIN: &str = "Try again.";
/// A card does not take the other one's certificate.
const NOT_PEERS: &str =
    "The two cards have no certificates of the same issuer and key: they pay each other nothing.";

impl Failure {
    /// A file that cannot be used.
    pub(crate) fn file(path: &Path, error: &io::Error) -> Self {
        Self::other(format!("{}: {error}", path.display()), "Mend that, then try again.")
    }

    /// A file that is to be a new one.
    pub(crate) fn new_file(path: &Path, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AlreadyExists => {
                Self::usage(format!("{} exists already; it was left as it is", path.display()))
            }
            _ => Self::file(path, error),
        }
    }

    /// The scheme file.
    pub(crate) fn scheme(path: &Path, error: &SchemeError) -> Self {
        let next = "Mend the file, or restore it from a copy; without its keys the cards are of no use.";
        Self::other(format!("{}: {error}", path.display()), next)
    }

    /// No card of this name.
    pub(crate) fn no_card(name: &str) -> Self {
        Self::new(
            ExitCode::NoCard,
            format!("there is no card `{name}` in this home"),
            "`purse card list` shows those that there are, `purse card new` makes one.",
        )
    }

    /// Another program has it.
    pub(crate) fn in_use(place: &Place) -> Self {
        let message = format!("{place} is in use by another program");
        Self::new(ExitCode::NoCard, message, "Wait until that has ended, then try again.")
    }

    /// Another card than the one that was there before.
    pub(crate) fn other_card(place: &Place, before: PartyNumber, now: PartyNumber) -> Self {
        let message = format!("{place} is another one than before: {now}, not {before}");
        Self::new(ExitCode::NoCard, message, "Put the first one back, then try again.")
    }

    /// Built without the feature `pcsc`.
    #[cfg(not(feature = "pcsc"))]
    pub(crate) fn no_readers() -> Self {
        let message = "this program was built without readers";
        Self::new(ExitCode::NoCard, message, "Build it with its feature `pcsc`; `purse doctor` tells more.")
    }

    /// One of this name is there.
    pub(crate) fn card_exists(name: &str) -> Self {
        Self::usage(format!("there is a card `{name}` already; it was left as it is"))
    }

    /// Locked by its holder.
    pub(crate) fn locked(place: &Place) -> Self {
        let message = format!("{place} is locked by its holder");
        let next = format!("Unlock it with `purse unlock{}` and its PIN.", place.option());
        Self::new(ExitCode::Refused, message, next).with_status(Some(StatusWord::SecurityStatus.code()))
    }

    /// Not personalised.
    pub(crate) fn blank(place: &Place) -> Self {
        let message = format!("{place} is blank: it has never become a purse");
        let next = match place {
            Place::File(_) => "Remove its file and make a new one with `purse card new`, or serve it to a reader and personalise it there.".to_owned(),
            Place::Reader(_) => format!("Make it one with `purse card new{}`.", place.option()),
        };
        Self::new(ExitCode::Refused, message, next).with_status(Some(StatusWord::ConditionsOfUse.code()))
    }

    /// A card that is to become one and is one already.
    pub(crate) fn not_blank(place: &Place, number: PartyNumber) -> Self {
        let message = format!("{place} is not blank: it is {number} already");
        Self::new(ExitCode::Refused, message, "It was left as it is. Put a blank card in.")
            .with_status(Some(StatusWord::ConditionsOfUse.code()))
    }

    /// A blank card whose log is too small for what it is to become.
    pub(crate) fn too_small(place: &Place, role: Role) -> Self {
        let message = format!("the log of {place} is too small for a {}", words::role(role));
        Self::new(ExitCode::Refused, message, "It was left as it is. Put a larger card in.")
    }

    /// No pocket of this currency.
    pub(crate) fn no_pocket(place: &Place, currency: Currency) -> Self {
        let code = words::currency(currency);
        let next = format!("`purse pocket add {code}{}` gives it one.", place.option());
        Self::new(ExitCode::Refused, format!("{place} has no pocket for {code}"), next)
    }

    /// No account of this name in this currency.
    pub(crate) fn no_account(name: &str, currency: Currency) -> Self {
        let code = words::currency(currency);
        let message = format!("the issuer declines: there is no account `{name}` in {code}");
        Self::new(ExitCode::Declined, message, format!("`purse pocket add {code}` opens it."))
    }

    /// A card's file.
    pub(crate) fn virtual_card(name: &str, error: &VirtualCardError) -> Self {
        let damaged = |reason: &str| {
            Self::new(
                ExitCode::NoCard,
                format!("the file of card `{name}` cannot be used: {reason}"),
                "It was left untouched. Restore it from a copy only if nothing was done with the card since: \
                 a copy is a second card with the same money, and the issuer finds that.",
            )
        };
        match error {
            VirtualCardError::NotFound(_) => Self::no_card(name),
            VirtualCardError::InUse(_) => Self::in_use(&Place::file(name)),
            VirtualCardError::Exists(_) => Self::card_exists(name),
            VirtualCardError::NotACard(_) => damaged("it is not a card's file"),
            VirtualCardError::OtherVersion { found, known, .. } => {
                damaged(&format!("it is of version {found}, this program knows version {known}"))
            }
            VirtualCardError::Damaged { reason, .. } => damaged(reason),
            VirtualCardError::PowerUp { reason, .. } => {
                damaged(&format!("the card does not start ({reason})"))
            }
            other => Self::new(ExitCode::NoCard, format!("card `{name}`: {other}"), TRY_AGAIN),
        }
    }

    /// The way to a card failed, in a command that the terminal does not understand.
    pub(crate) fn transport(error: &TransportError, doing: &str) -> Self {
        let message = format!("{doing}: {error}");
        if error.may_have_happened() {
            Self::new(ExitCode::OutcomeUnknown, message, "Run `purse recover`.")
                .with_money("If the command moved money, whether it did is not known.")
        } else {
            Self::new(ExitCode::NoCard, message, TRY_AGAIN)
        }
    }
}

impl From<TransportError> for Failure {
    /// Before anything was asked of a card.
    fn from(error: TransportError) -> Self {
        Self::new(ExitCode::NoCard, error.to_string(), way_back(&error))
    }
}

/// What to do about a card that cannot be reached.
const fn way_back(error: &TransportError) -> &'static str {
    match error {
        TransportError::NoCard(_) => "Put a card in, or wait for one with --wait SECONDS.",
        TransportError::NoReader(_) => "`purse readers` lists those that there are.",
        TransportError::NoService(_) | TransportError::ServiceStopped(_) => "Run `purse doctor`.",
        TransportError::InUse(_) => "Wait until the other program has ended, then try again.",
        TransportError::TimedOut(..) => {
            "Take the card out; if that does not help, restart the smart card service."
        }
        _ => "Try again when the card is back.",
    }
}

impl From<AmountError> for Failure {
    fn from(error: AmountError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<HomeError> for Failure {
    fn from(error: HomeError) -> Self {
        let message = error.to_string();
        match error {
            HomeError::Missing(_) => {
                Self::new(ExitCode::Usage, message, "Make one with `purse init`, or name another by --home.")
            }
            HomeError::Exists(_) => Self::new(
                ExitCode::Usage,
                message,
                "Nothing in it was changed. Use it as it is, or name another place by --home.",
            ),
            HomeError::Name(_) => Self::usage(message),
            HomeError::Busy(_) | HomeError::NoDataDirectory(_) | HomeError::System(..) => {
                Self::other(message, "Mend that, or name another place by --home.")
            }
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        if error == StoreError::Foreign {
            return Self::other(
                "the issuer's books are empty or not ours; the file was left as it is",
                "Restore issuer.db from a copy; the cards are as they were. Only `purse init` makes new books.",
            );
        }
        Self::other(error.to_string(), TRY_AGAIN)
    }
}

impl From<IssuerError> for Failure {
    /// The issuer's messages say where the money is and what to do, one behind the other.
    fn from(error: IssuerError) -> Self {
        let exit = match &error {
            IssuerError::Store(_) | IssuerError::Unanswered(_) | IssuerError::Unbalanced => ExitCode::Other,
            IssuerError::Authentication(_) => ExitCode::Authentication,
            _ => ExitCode::Declined,
        };
        let next = match &error {
            IssuerError::LoadUnresolved { .. } => Some("Run `purse recover`."),
            IssuerError::Resolve(Refusal::CollectFirst { .. }) => {
                Some("Run `purse collect --even-empty`, then `purse resolve`.")
            }
            IssuerError::Funds { .. } => Some("Ask for less."),
            _ => None,
        };
        let money = match &error {
            IssuerError::LoadUnresolved { .. } | IssuerError::Resolve(_) => IN_FLIGHT,
            _ => super::failure::NOTHING_MOVED,
        };
        // What happened; where the money is; what to do.
        let text = error.to_string();
        let parts: Vec<&str> = text.split("; ").collect();
        let (what, next) = match (parts.as_slice(), next) {
            ([what, .., last], None) => (*what, sentence(last)),
            ([what, ..], Some(next)) => (*what, next.to_owned()),
            (_, None) => (text.as_str(), "`purse audit` shows what the books say.".to_owned()),
            ([], Some(next)) => (text.as_str(), next.to_owned()),
        };
        Self::new(exit, format!("the issuer declines: {what}"), next).with_money(money)
    }
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

/// A PIN was given and is wrong: the standard's words for that status word leave more open.
fn card_message(error: &CardError) -> String {
    match error {
        CardError::Refused {
            command: CommandName::Verify | CommandName::ChangePin,
            status: status @ StatusWord::WrongPin(left),
        } => {
            format!("{:04X}, wrong PIN, {left} tries left", status.code())
        }
        CardError::Transport { command: CommandName::Verify | CommandName::ChangePin, source } => {
            format!("{source} while the PIN was checked: one of its tries may have been used")
        }
        other => other.to_string(),
    }
}

impl From<CardError> for Failure {
    /// Outside of a payment. A flow knows more.
    fn from(error: CardError) -> Self {
        let status = error.status_code();
        let exit = match error.failure() {
            Category::OutcomeUnknown if !has_effect(&error) => ExitCode::NoCard,
            category => exit_code(category),
        };
        let (money, next) = match exit {
            ExitCode::OutcomeUnknown => {
                ("Whether the card has carried the command out is not known.", "Run `purse recover`.")
            }
            ExitCode::NoCard => {
                (super::failure::NOTHING_MOVED, error.transport().map_or(TRY_AGAIN, way_back))
            }
            _ => (super::failure::NOTHING_MOVED, advice(error.status())),
        };
        Self::new(exit, card_message(&error), next).with_status(status).with_money(money)
    }
}

/// Whether a card did not believe who another one is.
fn is_certificate(error: &CardError) -> bool {
    matches!(error, CardError::Refused { command: CommandName::VerifyCertificate, .. })
}

impl From<FlowError> for Failure {
    fn from(error: FlowError) -> Self {
        let exit = exit_code(error.failure());
        let (status, message) = (error.status_code(), error.to_string());
        let pay_details = match error {
            FlowError::Issuer(error) => return Self::from(error),
            FlowError::OutcomeUnknown { pay_details, .. } | FlowError::CollectionWaits(pay_details) => {
                pay_details
            }
            FlowError::Card { party, source } => {
                let next = match (exit, source.status(), party) {
                    (ExitCode::NoCard, ..) => source.transport().map_or(TRY_AGAIN, way_back),
                    (_, Some(StatusWord::InsufficientValue), Party::Sam) => {
                        "The SAM's float is too small: fill it with `purse load --card sam AMOUNT`."
                    }
                    // Of a purchase: in a refund it is the purse that looks for something.
                    (_, Some(StatusWord::ReferenceNotFound), Party::Sam) => {
                        "The SAM has no keys of this purse's version, or has forgotten them: pay another SAM."
                    }
                    _ if is_certificate(&source) => NOT_PEERS,
                    (_, status, _) => advice(status),
                };
                let message = format!("{}: {}", party.name(), card_message(&source));
                return Self::new(exit, message, next).with_status(status);
            }
            FlowError::ExchangeHalfDone { currency, amount, .. } => {
                let money = words::money(currency, amount.0.into());
                return Self::new(exit, message, "Run `purse recover`: it brings them to the card.")
                    .with_status(status)
                    .with_money(format!("{money} are in the card's account or on their way to it."));
            }
            FlowError::Disposable => {
                let next = "Spend what it holds; use another card for more.";
                return Self::new(exit, message, next);
            }
            FlowError::Expired { .. } => {
                let next = "Ask the issuer for another card; a purse can still be unloaded.";
                return Self::new(exit, message, next);
            }
            FlowError::NoKeyPair(_) => {
                let next = "Only cards that were made with a key pair pay each other: a new one by `purse card new`, where scheme.toml has [certificates].";
                return Self::new(exit, message, next);
            }
            FlowError::Outrun(_) => {
                let next = "Make a new offer: the old one comes to nothing any more.";
                return Self::new(exit, message, next).with_status(status);
            }
            FlowError::CertificateExpired { .. } => {
                return Self::new(exit, message, "Ask the issuer for another card.");
            }
            _ => return Self::new(exit, message, "`purse card list` shows the home's cards."),
        };
        let money = words::money(pay_details.currency, pay_details.amount.0.into());
        let transaction = Some(super::receipt::pay_details_document(&pay_details));
        let failure =
            Self::new(exit, message, "Run `purse recover`; `purse audit` shows where the money is.")
                .with_status(status)
                .with_money(format!(
                    "{money} are with {} or with {} or on their way, and nowhere twice.",
                    pay_details.from, pay_details.to
                ));
        Self { transaction, ..failure }
    }
}

/// The exit code of what an error comes to.
pub(crate) const fn exit_code(category: Category) -> ExitCode {
    match category {
        Category::NoCard => ExitCode::NoCard,
        Category::Refused | Category::Terminal => ExitCode::Refused,
        Category::Authentication => ExitCode::Authentication,
        Category::OutcomeUnknown => ExitCode::OutcomeUnknown,
        Category::IssuerDeclined => ExitCode::Declined,
        Category::Other => ExitCode::Other,
    }
}

/// Whether the command under way could change anything on the card.
const fn has_effect(error: &CardError) -> bool {
    match error {
        CardError::Transport { command, .. } => !matches!(
            command,
            CommandName::Select
                | CommandName::ReadBinary
                | CommandName::ReadRecord
                | CommandName::ReadEntry
                | CommandName::GetData
                | CommandName::GetBalance
                | CommandName::GetProof
                | CommandName::VerifyCertificate
                | CommandName::Initialize
        ),
        _ => false,
    }
}

/// What to do about a status word.
pub(crate) const fn advice(status: Option<StatusWord>) -> &'static str {
    match status {
        Some(StatusWord::WrongPin(0) | StatusWord::PinBlocked) => {
            "Only the issuer can give the PIN its tries back: `purse pin unblock`, with --card for another card."
        }
        Some(StatusWord::WrongPin(_)) => "Try again with the right PIN; few tries are left.",
        Some(StatusWord::SecurityStatus) => "Give the PIN, or unlock the card.",
        Some(StatusWord::InsufficientValue) => "Load the card, or ask for less.",
        Some(StatusWord::OverLimit) => "Ask for less; `purse card show` gives the card's limits.",
        Some(StatusWord::NoRoom) => "Its log is full: collect the SAM, or recover what is open.",
        Some(StatusWord::ReferenceNotFound) => {
            "A refund needs an earlier purchase from the same merchant of at least that amount, settled and not refunded."
        }
        Some(StatusWord::Blocked | StatusWord::Terminated) => "Ask the issuer.",
        Some(StatusWord::SequenceExhausted) => {
            "The card has done all the transactions of its life: unload it."
        }
        _ => "`purse card show` tells more of the card.",
    }
}
