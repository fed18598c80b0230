//! What the issuer refuses, in which state the money is then, and what to do next.

use apdu_spec::element::{KeyVersion, Sequence};
use apdu_spec::number::PartyNumber;

use super::model::CardState;
use super::store::StoreError;

/// One of the protocol's authenticators (section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// The payee asks.
    Req,
    /// The payer has debited.
    Val,
    /// The payee has credited.
    Ack,
    /// The payee never credits.
    Nack,
    /// The payer's certificate for the issuer.
    Tac,
}

impl Message {
    /// Its name in the standard.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Req => "req",
            Self::Val => "val",
            Self::Ack => "ack",
            Self::Nack => "nack",
            Self::Tac => "TAC",
        }
    }
}

/// Why the issuer does not resolve a debit in the payee's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not the card's own open payer record.
    #[error("the record is not an open payer record of this card; there is nothing to resolve")]
    NotOpen,
    /// The purchase may still be in the SAM.
    #[error(
        "merchant SAM {sam} has been collected up to sequence {passed}, and this purchase is its {sequence}; the \
         value is with the SAM or in flight; deliver the purchase to the SAM, or collect the SAM first"
    )]
    CollectFirst {
        /// The payee.
        sam: PartyNumber,
        /// First sequence that no fitting collection has passed.
        passed: Sequence,
        /// The payee's sequence of the purchase.
        sequence: Sequence,
    },
    /// A collection is never declined.
    #[error(
        "a collection is never taken back; the value is in flight; submit the SAM's records and deliver the \
         collection's val"
    )]
    DeliverCollection,
    /// A refund or transfer that its payee may still take.
    #[error(
        "a refund or transfer belongs to its payee; the value is in flight; deliver it, or, if the payee is gone \
         for good, `purse resolve --unclaimed` books it as unclaimed"
    )]
    DeliverOrUnclaimed,
}

/// What a step of the issuer ends with when it does not do what was asked. Nothing of it is recorded, but that a
/// debit's TAC was found good.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum IssuerError {
    /// Not one of its cards.
    #[error("card {0} is not this issuer's; no money moved; register the card first")]
    UnknownCard(PartyNumber),
    /// No account of this name in this currency.
    #[error("there is no account {name} in currency {currency:03}; no money moved; register it, then repeat")]
    UnknownAccount {
        /// Whose.
        name: String,
        /// ISO 4217 numeric code.
        currency: u16,
    },
    /// The account or card is there already.
    #[error("{0} is registered already; nothing was changed; choose another name or number")]
    AlreadyRegistered(String),
    /// Something that cannot be registered.
    #[error("this cannot be registered: {0}; nothing was changed")]
    Registration(&'static str),
    /// No master keys of this version.
    #[error("there are no master keys of version {}; no money moved; complete the keys of the issuer", .0.0)]
    UnknownKeyVersion(KeyVersion),
    /// PD that does not fit this card and this process.
    #[error("the issuer declines these pay details: {0}; no money moved; begin again at the card")]
    PayDetails(&'static str),
    /// An authenticator that whoever it should come from did not make.
    #[error("wrong {}; no money moved; read it from the card again", .0.name())]
    Authentication(Message),
    /// The account does not have that much.
    #[error(
        "account {account} holds {balance} minor units and {amount} are asked for; no money moved; ask for less"
    )]
    Funds {
        /// Whose.
        account: String,
        /// Minor units.
        balance: i64,
        /// Minor units.
        amount: i64,
    },
    /// The card was told to be blocked or terminated.
    #[error("card {card} is {state:?} in the issuer's books; no money moved; unblock it first")]
    CardState {
        /// Which.
        card: PartyNumber,
        /// What it was told to be.
        state: CardState,
    },
    /// One load at a time.
    #[error(
        "the load of card {card} at sequence {sequence} is not resolved; its amount is in the float; deliver its val \
         to the card (CREDIT or DECLINE) and bring ack or nack"
    )]
    LoadUnresolved {
        /// Which.
        card: PartyNumber,
        /// Of the load.
        sequence: Sequence,
    },
    /// Loads go upwards.
    #[error(
        "card {card} had a load at sequence {last} and asks for one at {sequence}; no money moved; begin again at \
         the card's current sequence"
    )]
    LoadSequence {
        /// Which.
        card: PartyNumber,
        /// Asked for.
        sequence: Sequence,
        /// Of its last load.
        last: Sequence,
    },
    /// No such load.
    #[error(
        "the issuer gave card {card} no load at sequence {sequence}; no money moved; check card and sequence"
    )]
    UnknownLoad {
        /// Which.
        card: PartyNumber,
        /// Asked for.
        sequence: Sequence,
    },
    /// A nack for a load that was acknowledged.
    #[error("the card credited this load; its amount is on the card; nothing is given back")]
    LoadAcknowledged,
    /// An ack for a load that was declined.
    #[error("the card declined this load; the account has its money back; examine the card")]
    LoadDeclined,
    /// DECLINE of what was credited.
    #[error("this unload was credited; the account has the money; ask for its ack")]
    UnloadCredited,
    /// CREDIT of what was declined.
    #[error(
        "this unload was declined and is never credited; the card takes it back with the nack; ask for that"
    )]
    UnloadDeclined,
    /// A second PD under one sequence.
    #[error(
        "another unload of card {card} at sequence {sequence} is on the books; no money moved; the card may exist \
         twice, examine it"
    )]
    OtherUnload {
        /// Which.
        card: PartyNumber,
        /// Of both.
        sequence: Sequence,
    },
    /// DECLINE of a collection.
    #[error(
        "the issuer never declines a collection; the value is in flight; submit the SAM's records, then CREDIT"
    )]
    CollectionDecline,
    /// A collection of a chain that has been passed, and not the one that the chain had.
    #[error(
        "the chain of SAM {sam} has another record at sequence {sequence}; no money moved; examine the SAM"
    )]
    OtherRecord {
        /// Which.
        sam: PartyNumber,
        /// Of the collection.
        sequence: Sequence,
    },
    /// Records in a batch that are not this SAM's at that sequence.
    #[error(
        "the record submitted as sequence {0} is not of this SAM and sequence; nothing was recorded; read the \
         records again in order"
    )]
    RecordOrder(Sequence),
    /// The issuer does not resolve it.
    #[error("the issuer does not resolve this record: {0}")]
    Resolve(#[from] Refusal),
    /// A resolution is never signed on request.
    #[error("a resolution is signed by `resolve` alone; nothing was signed; bring the open record")]
    ResolutionOnRequest,
    /// A script that this card has no use for.
    #[error("this script does not fit the card: {0}; nothing was signed")]
    Script(&'static str),
    /// Something that is no exchange.
    #[error("this cannot be exchanged: {0}; no money moved")]
    Exchange(&'static str),
    /// One exchange at a time.
    #[error(
        "an exchange of card {0} is half done; what it has given is in the account or on its way; finish it first"
    )]
    ExchangeUnfinished(PartyNumber),
    /// No counter left.
    #[error("card {0} has used up its script counters; nothing was signed; issue a new card")]
    CountersExhausted(PartyNumber),
    /// No answer, for the way to the issuer has failed: it may have heard, and it may not.
    #[error(
        "the issuer has not answered ({0}); it may have recorded this step; repeat it when it can be reached"
    )]
    Unanswered(&'static str),
    /// Entries that do not sum to zero: a mistake of this program.
    #[error("the entries of this step do not sum to zero; nothing was recorded; report this as a defect")]
    Unbalanced,
    /// The books failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IssuerError {
    /// Lets a step that refuses something still record what it has learnt: `Ok` commits. Only refusals that were
    /// found after a TAC had been verified; everything else undoes the step.
    pub(super) fn keeping_evidence<T>(result: Result<T, Self>) -> Result<Result<T, Self>, Self> {
        match result {
            Ok(_)
            | Err(
                Self::Resolve(_) | Self::OtherUnload { .. } | Self::UnloadDeclined | Self::UnloadCredited,
            ) => Ok(result),
            Err(other) => Err(other),
        }
    }
}
