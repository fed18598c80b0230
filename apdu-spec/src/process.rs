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

use ListingKind::{Before, Command, Process, Step};

listings! {
    "BEFORE", Before, "before";
    "SELECT", Command(CommandName::Select), "select";
    "READ BINARY", Command(CommandName::ReadBinary), "read-binary";
    "READ RECORD", Command(CommandName::ReadRecord), "read-record";
    "GET DATA", Command(CommandName::GetData), "get-data";
    "VERIFY", Command(CommandName::Verify), "verify";
    "CHANGE PIN", Command(CommandName::ChangePin), "change-pin";
    "VERIFY CERTIFICATE", Command(CommandName::VerifyCertificate), "verify-certificate";
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
    "LOAD", Process, "load";
    "PURCHASE", Process, "purchase";
    "REFUND", Process, "refund";
    "UNLOAD", Process, "unload";
    "COLLECTION", Process, "collection";
    "TRANSFER", Process, "transfer";
    "RECOVERY", Process, "recovery";
    "APPEND.RECORD", Step, "append";
    "CERTIFICATE.FORM", Step, "certificate-form";
    "CHECK.CREDIT", Step, "check-credit";
    "CHECK.GROUPS", Step, "check-groups";
    "CHECK.LIMITS", Step, "check-limits";
    "CHECK.PAYEE", Step, "check-payee";
    "CHECK.PAYER", Step, "check-payer";
    "CHECK.PEER", Step, "check-peer";
    "CHECK.PLACES", Step, "check-places";
    "CHECK.PROFILE", Step, "check-profile";
    "CHECK.ROOM", Step, "check-room";
    "CHECK.TAKE.BACK", Step, "check-take-back";
    "CLOSE.RECORD", Step, "close-record";
    "CURRENCY.FORM", Step, "currency-form";
    "DERIVE.SESSION", Step, "derive-session";
    "DROP.GROUPS", Step, "drop-groups";
    "FILE.CONTROL", Step, "file-control";
    "FIND.KEY", Step, "find-key";
    "FIND.MASTER", Step, "find-master";
    "FIND.POCKET", Step, "find-pocket";
    "FIND.PURCHASE", Step, "find-purchase";
    "FORGET.GROUPS", Step, "forget-groups";
    "GROUP.FORM", Step, "group-form";
    "LIFE.CYCLE", Step, "life-cycle";
    "MONTH.FORM", Step, "month-form";
    "NEXT.GROUP", Step, "next-group";
    "NUMBER.FORM", Step, "number-form";
    "PARAMETER.FORM", Step, "parameter-form";
    "PAST", Step, "past";
    "PAYER.RECORD", Step, "payer-record";
    "PERSONALISE", Step, "personalise";
    "PIN.FORM", Step, "pin-form";
    "RECORD", Step, "record";
    "SET.LIMITS", Step, "set-limits";
    "SHORT.FILE", Step, "short-file";
    "STATUS.BLOCK", Step, "status-block";
    "TAKE.BACK", Step, "take-back";
    "TAKE.GROUPS", Step, "take-groups";
    "TAKE.LIMITS", Step, "take-limits";
    "TAKE.TRY", Step, "take-try";
    "USED.UP", Step, "used-up";
    "AGAIN.PAYER", Step, "again-payer";
    "ASK", Step, "ask";
    "ASK.PAYEE", Step, "ask-payee";
    "BACK.PAYEE", Step, "back-payee";
    "BACK.PAYER", Step, "back-payer";
    "BRING", Step, "bring";
    "BRING.OTHERS", Step, "bring-others";
    "BRING.PURCHASES", Step, "bring-purchases";
    "CERTIFICATE.SHOWN", Step, "certificate-shown";
    "CERTIFICATES", Step, "certificates";
    "CREDIT.LOAD", Step, "credit-load";
    "DELIVER.COLLECTION", Step, "deliver-collection";
    "DELIVER.UNLOAD", Step, "deliver-unload";
    "ENTER.PIN", Step, "enter-pin";
    "FIND.ANSWER", Step, "find-answer";
    "FINISH.LOAD", Step, "finish-load";
    "GIVE.BACK", Step, "give-back";
    "HAND.OVER", Step, "hand-over";
    "HEAR", Step, "hear";
    "HOLDINGS", Step, "holdings";
    "INTRODUCE", Step, "introduce";
    "LOOK", Step, "look";
    "MEET", Step, "meet";
    "OPEN.RECORDS", Step, "open-records";
    "PAY", Step, "pay";
    "PAYEE.STATUS", Step, "payee-status";
    "PAYER.STATUS", Step, "payer-status";
    "RECOVER.LOAD", Step, "recover-load";
    "REFUSE", Step, "refuse";
    "SELECT.PAYEE", Step, "select-payee";
    "SELECT.PAYER", Step, "select-payer";
    "SETTLE", Step, "settle";
    "SETTLE.WITH.ISSUER", Step, "settle-with-issuer";
    "SUBMIT", Step, "submit";
    "TAKE", Step, "take";
}

/// The listing of a command.
pub fn listing(command: CommandName) -> Option<&'static Listing> {
    LISTINGS.iter().find(|listing| listing.kind == Command(command))
}

/// A listing by its name.
pub fn listing_named(name: &str) -> Option<&'static Listing> {
    LISTINGS.iter().find(|listing| listing.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::COMMANDS;

    #[test]
    fn every_command_has_its_listing_and_every_listing_is_found_by_its_name() {
        for row in &COMMANDS {
            assert_eq!(listing(row.command).map(|found| found.name), Some(row.name));
        }
        for listing in LISTINGS {
            assert_eq!(listing_named(listing.name).map(|found| found.text), Some(listing.text));
        }
        assert!(listing_named("NO LISTING").is_none());
    }
}
