//! The processes of the standard, as text: a listing for each command, for each step that several share, and for each
//! process across parties, in the language of `processes/language.md`.

use crate::command::CommandName;

/// What a listing describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListingKind {
    /// What precedes every command.
    Before,
    /// A command.
    Command(CommandName),
    /// A step that commands and processes call.
    Step,
    /// A process across parties.
    Process,
}

/// One listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Its name, by which GOSUB calls a step.
    pub name: &'static str,
    /// What it describes.
    pub kind: ListingKind,
    /// Its text.
    pub text: &'static str,
}

macro_rules! listings {
    ($($name:literal, $kind:expr, $file:literal;)*) => {
        /// Every listing.
        pub static LISTINGS: &[Listing] = &[
            $(Listing { name: $name, kind: $kind, text: include_str!(concat!("../processes/", $file, ".bas")) },)*
        ];
    };
}

use ListingKind::{Before, Command, Step};

listings! {
    "BEFORE", Before, "before";
    "SELECT", Command(CommandName::Select), "select";
    "READ BINARY", Command(CommandName::ReadBinary), "read-binary";
    "READ RECORD", Command(CommandName::ReadRecord), "read-record";
    "GET DATA", Command(CommandName::GetData), "get-data";
    "VERIFY", Command(CommandName::Verify), "verify";
    "CHANGE PIN", Command(CommandName::ChangePin), "change-pin";
    "INITIALIZE", Command(CommandName::Initialize), "initialize";
    "CREDIT", Command(CommandName::Credit), "credit";
    "DEBIT", Command(CommandName::Debit), "debit";
    "UPDATE PARAMETER", Command(CommandName::UpdateParameter), "update-parameter";
    "GET PROOF", Command(CommandName::GetProof), "get-proof";
    "GET BALANCE", Command(CommandName::GetBalance), "get-balance";
    "READ ENTRY", Command(CommandName::ReadEntry), "read-entry";
    "ACKNOWLEDGE", Command(CommandName::Acknowledge), "acknowledge";
    "DECLINE", Command(CommandName::Decline), "decline";
    "REVERSE", Command(CommandName::Reverse), "reverse";
    "LOCK", Command(CommandName::Lock), "lock";
    "UNLOCK", Command(CommandName::Unlock), "unlock";
    "STORE DATA", Command(CommandName::StoreData), "store-data";
}

/// The listing of a command.
pub fn listing(command: CommandName) -> Option<&'static Listing> {
    LISTINGS.iter().find(|listing| listing.kind == Command(command))
}

/// A listing by its name.
pub fn listing_named(name: &str) -> Option<&'static Listing> {
    LISTINGS.iter().find(|listing| listing.name == name)
}
