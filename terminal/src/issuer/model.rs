//! What the issuer remembers: the rows of its books.

use apdu_spec::cryptography::Tac;
use apdu_spec::element::{Amount, Currency, KeyVersion, Kind, Role, Sequence};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::RecordRole;

/// An account with the issuer, a holder's or a merchant's. Its balance is what the ledger says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    /// Whose it is; one name may have an account in each currency.
    pub name: String,
    /// The only currency in it.
    pub currency: Currency,
}

/// What the issuer has told a card to be, as far as it signed scripts for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CardState {
    /// In use.
    Active,
    /// A script that blocks it has been signed.
    Blocked,
    /// A script that terminates it has been signed.
    Terminated,
}

/// The script with the highest counter that a card was given; the same resolution asked again is this script.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LastScript {
    /// Its counter, from 1.
    pub counter: u32,
    /// Parameter id.
    pub id: u8,
    /// Value as the id wants it.
    pub value: Vec<u8>,
}

/// How far a script that was ordered has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderState {
    /// It waits for the card.
    Queued,
    /// It went out in a file; whoever has that may bring it to the card.
    Filed,
    /// The card has carried it out.
    Done,
    /// The card has refused it. It stays valid until the card accepts a later one.
    Refused,
    /// The card has accepted a later one: if it had not carried this one out before, it never will.
    Superseded,
}

/// A script that somebody has ordered for a card.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Order {
    /// The card.
    pub card: PartyNumber,
    /// Of the script.
    pub counter: u32,
    /// Parameter id.
    pub id: u8,
    /// Value as the id wants it.
    pub value: Vec<u8>,
    /// How far it has come.
    pub state: OrderState,
}

/// How far an exchange has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExchangeState {
    /// Agreed on; its unload has not been credited.
    Agreed,
    /// The account has the other currency.
    Converted,
    /// The issuer has given the load of it, and has had no word from the card.
    Loading,
    /// The card has it.
    Done,
    /// Nothing came of it.
    Cancelled,
    /// The account keeps the other currency: the card did not take it.
    Kept,
}

impl ExchangeState {
    /// Whether something is still to happen.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Agreed | Self::Converted | Self::Loading)
    }
}

/// An unload of one currency that becomes a load of another. The key is the card with the unload's sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exchange {
    /// What is unloaded.
    pub unload: PayDetails,
    /// What it becomes.
    pub currency: Currency,
    /// Minor units of that.
    pub amount: Amount,
    /// How far it has come.
    pub state: ExchangeState,
    /// The card's sequence of its load, once that was given.
    pub load: Option<Sequence>,
}

/// A card with value that is being made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Issue {
    /// Its number.
    pub card: PartyNumber,
    /// What a virtual card is going to be called; none for one in a reader.
    pub name: Option<String>,
}

/// A purse or a merchant SAM of this issuer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Card {
    /// Its number.
    pub number: PartyNumber,
    /// Purse or merchant SAM.
    pub role: Role,
    /// Generation of its keys.
    pub key_version: KeyVersion,
    /// Name of the account that its unloads are credited to.
    pub account: String,
    /// What it has been told to be.
    pub state: CardState,
    /// The last script, none yet before the first.
    pub script: Option<LastScript>,
    /// A SAM's: the first sequence that no collection with a fitting chain has passed.
    pub passed: Sequence,
    /// A SAM's: H over all its records below `passed`.
    pub chain: [u8; 16],
}

/// One currency of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pocket {
    /// The currency.
    pub currency: Currency,
    /// Minor units that the card was issued with.
    pub issued: Amount,
    /// A SAM's, minor units: what its verified records account for and no collection has been credited with yet.
    /// Negative where it refunded more than it had from good purchases and loads.
    pub available: i64,
}

/// What became of a load or an unload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransferState {
    /// Load: val was given, neither ack nor nack came back. The money is in the float.
    Given,
    /// Load: the card credited it.
    Acknowledged,
    /// Load: the card never credits it, the account has its money back. Unload: it is never credited.
    Declined,
    /// Unload: credited.
    Credited,
    /// Collection: its val is good, but the records submitted do not account for it yet. Nothing is credited.
    Waiting,
}

impl TransferState {
    /// Whether the issuer still waits for something.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Given | Self::Waiting)
    }
}

/// A load or an unload, keyed by card, sequence and kind. A load whose val got lost leaves the sequence free
/// for an unload, so that one sequence may have both.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Transfer {
    /// What was agreed on.
    pub pay_details: PayDetails,
    /// The payer's; zero in a load.
    pub tac: Tac,
    /// Name of the account debited or credited.
    pub account: String,
    /// What became of it.
    pub state: TransferState,
    /// Unload, minor units: what the account got.
    pub credited: Amount,
    /// Collection, minor units: what was withheld, because no good record accounts for it.
    pub withheld: Amount,
}

impl Transfer {
    /// The card's number: payee of a load, payer of an unload.
    pub const fn card(&self) -> PartyNumber {
        match self.pay_details.kind {
            Kind::Load => self.pay_details.to,
            Kind::Unload | Kind::Purchase | Kind::Refund | Kind::Transfer => self.pay_details.from,
        }
    }

    /// The card's sequence, which is the issuer's too.
    pub const fn sequence(&self) -> Sequence {
        self.pay_details.from_sequence
    }
}

/// A record of a SAM as H covers it: state and balance are the card's own and nobody can vouch for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChainRecord {
    /// What the SAM did.
    pub role: RecordRole,
    /// What was agreed on; in a reversal, that of the debit taken back.
    pub pay_details: PayDetails,
    /// The payer's TAC.
    pub tac: Tac,
}

/// What the issuer has decided about a debit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DebitState {
    /// Its TAC is good, no more is known.
    Verified,
    /// A purchase that a collection with a fitting chain had as credited.
    Collected,
    /// The payer takes it back, signed by the issuer or shown by its chain: it is never honoured again.
    Reversed,
    /// A transfer or refund closed as settled; its amount is booked as unclaimed.
    Unclaimed,
}

/// A debit whose TAC the issuer has verified. Two of one payer and sequence: that card exists twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Debit {
    /// The key: no payer makes two debits of one PD.
    pub pay_details: PayDetails,
    /// The payer's.
    pub tac: Tac,
    /// What was decided.
    pub state: DebitState,
}

/// An account of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LedgerAccount {
    /// Holder or merchant, by name.
    Holder(String),
    /// Value on cards and in flight: what the issuer owes to whoever holds it.
    Float,
    /// Debited by SAMs in collections, and not accounted for by good records.
    Withheld,
    /// Transfers and refunds that can never be settled.
    Unclaimed,
    /// What the issuer has got in exchanges, and, negative, what it has given.
    Position,
    /// Money that came in from outside: the contra account, negative.
    Outside,
}

/// One line of a posting.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Where.
    pub account: LedgerAccount,
    /// Of what.
    pub currency: Currency,
    /// Minor units; positive is what the issuer owes more.
    pub amount: i64,
}

/// Why something was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// An account opened with money in it.
    Opening,
    /// A card issued with value on it.
    Issuance,
    /// The value of such a card that was not made after all.
    IssuanceWithdrawn,
    /// An account debited for a load.
    Load,
    /// A declined load given back.
    LoadDeclined,
    /// An unload or a collection credited.
    Unload,
    /// One currency of an account for another.
    Exchange,
    /// A debit that can never be settled.
    Unclaimed,
    /// Such a debit, after a SAM's chain has shown that it was reversed.
    UnclaimedReturned,
}

impl Reason {
    /// Its name in the books.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Issuance => "issuance",
            Self::IssuanceWithdrawn => "issuance withdrawn",
            Self::Load => "load",
            Self::LoadDeclined => "load declined",
            Self::Unload => "unload",
            Self::Exchange => "exchange",
            Self::Unclaimed => "unclaimed",
            Self::UnclaimedReturned => "unclaimed returned",
        }
    }
}

/// Entries that sum to zero in each currency.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Posting {
    /// Why.
    pub reason: Reason,
    /// The PD behind it, where there is one.
    pub pay_details: Option<PayDetails>,
    /// The lines.
    pub entries: Vec<Entry>,
}
