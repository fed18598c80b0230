//! What commands are called in JSON documents.

use super::transfer::ProofCommand;
use super::{CardCommand, Command, HotListCommand, PinCommand, PocketCommand, RateCommand};

impl Command {
    /// The name in JSON documents.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Init { .. } => "init",
            Self::Card(CardCommand::New { .. }) => "card new",
            Self::Card(CardCommand::Withdraw { .. }) => "card withdraw",
            Self::Card(CardCommand::List) => "card list",
            Self::Card(CardCommand::Show { .. }) => "card show",
            Self::Card(CardCommand::Serve { .. }) => "card serve",
            Self::Balance { .. } => "balance",
            Self::Load(_) => "load",
            Self::Pay(_) => "pay",
            Self::Transfer(_) => "transfer",
            Self::Proof(ProofCommand::Export { .. }) => "proof export",
            Self::Proof(ProofCommand::Import { .. }) => "proof import",
            Self::Proof(ProofCommand::Offer { .. }) => "proof offer",
            Self::HotList(HotListCommand::Add { .. }) => "hotlist add",
            Self::HotList(HotListCommand::Remove { .. }) => "hotlist remove",
            Self::HotList(HotListCommand::Show) => "hotlist show",
            Self::HotList(HotListCommand::Export { .. }) => "hotlist export",
            Self::HotList(HotListCommand::Import { .. }) => "hotlist import",
            Self::Refund(_) => "refund",
            Self::Unload(_) => "unload",
            Self::Collect { .. } => "collect",
            Self::Exchange(_) => "exchange",
            Self::Rate(RateCommand::Set { .. }) => "rate set",
            Self::Rate(RateCommand::List) => "rate list",
            Self::Control(command) => command.name(),
            Self::Pocket(PocketCommand::Add { .. }) => "pocket add",
            Self::History { .. } => "history",
            Self::Recover => "recover",
            Self::Pin(PinCommand::Change { .. }) => "pin change",
            Self::Pin(PinCommand::Unblock) => "pin unblock",
            Self::Lock => "lock",
            Self::Unlock { .. } => "unlock",
            Self::Apdu { .. } => "apdu",
            Self::Explain(_) => "explain",
            Self::Spec { .. } => "spec",
            Self::Run(_) => "run",
            Self::Till { .. } => "till",
            Self::Readers => "readers",
            Self::Resolve { .. } => "resolve",
            Self::Audit => "audit",
            Self::Doctor { .. } => "doctor",
            Self::Demo => "demo",
            Self::Bench { .. } => "bench",
            Self::Completions { .. } => "completions",
            Self::Man { .. } => "man",
        }
    }
}
