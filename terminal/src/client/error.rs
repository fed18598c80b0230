//! What a card, or the way to it, can refuse.

use apdu_spec::command::{CommandName, table};
use apdu_spec::element::DataError;
use apdu_spec::status::StatusWord;

use crate::transport::TransportError;

/// What an error comes to, for whoever has to act on it; the command line makes its exit code of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// There is no card or no reader, or somebody else has it. Nothing has happened.
    NoCard,
    /// A card has refused. Nothing has happened.
    Refused,
    /// A PIN or an authenticator does not hold, or a PIN is needed. Nothing has happened.
    Authentication,
    /// Nobody can know now whether value has moved. Recovery finds out.
    OutcomeUnknown,
    /// The issuer has declined. Nothing has happened.
    IssuerDeclined,
    /// The terminal itself refuses: an expired card, one of the wrong kind. Nothing has happened.
    Terminal,
    /// A card does not follow the standard, a file is damaged, the issuer's books cannot be reached.
    Other,
}

/// Why a command to a card has not been done, or is not known to be.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// The card has refused the command.
    #[error("{}: {:04X}, {}", name(*.command), status.code(), meaning(*.status))]
    Refused {
        /// The command.
        command: CommandName,
        /// Why.
        status: StatusWord,
    },
    /// The card has answered with a status word that the standard does not have.
    #[error("{}: {code:04X}, which the standard does not have", name(*.command))]
    UnknownStatus {
        /// The command.
        command: CommandName,
        /// SW1 SW2.
        code: u16,
    },
    /// The card says that it has done it, but its answer is not one.
    #[error("{}: {reason}", name(*.command))]
    Malformed {
        /// The command.
        command: CommandName,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Another card than before the reset, or than before it was released.
    #[error("this is another card than before")]
    OtherCard,
    /// The way to the card has failed.
    #[error("{}: {source}", name(*.command))]
    Transport {
        /// The command under way.
        command: CommandName,
        /// What happened.
        source: TransportError,
    },
    /// The card could not be reset.
    #[error("reset: {0}")]
    Reset(TransportError),
    /// The card could not be held: no command has been sent.
    #[error("{0}")]
    Begin(TransportError),
}

impl CardError {
    /// The status word of a refusal.
    pub const fn status(&self) -> Option<StatusWord> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// SW1 SW2 of a refusal, known to the standard or not.
    pub const fn status_code(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(status.code()),
            Self::UnknownStatus { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// What has happened on the way to the card, if that is what has failed.
    pub const fn transport(&self) -> Option<&TransportError> {
        match self {
            Self::Transport { source, .. } | Self::Reset(source) | Self::Begin(source) => Some(source),
            _ => None,
        }
    }

    /// Whether the card may have executed the command although no valid answer came.
    pub const fn may_have_happened(&self) -> bool {
        match self {
            // The memory has failed in mid-command: whether the record is committed is known at the next power-up.
            Self::Refused { status, .. } => matches!(status, StatusWord::MemoryFailure),
            Self::UnknownStatus { .. } | Self::Malformed { .. } => true,
            Self::OtherCard | Self::Reset(_) | Self::Begin(_) => false,
            Self::Transport { source, .. } => source.may_have_happened(),
        }
    }

    /// Whether the card itself has not spoken: it, or the way to it, is not there.
    pub(crate) const fn is_away(&self) -> bool {
        matches!(self, Self::Transport { .. } | Self::Reset(_) | Self::Begin(_) | Self::OtherCard)
    }

    /// What it comes to.
    pub const fn failure(&self) -> Failure {
        match self {
            Self::Refused { status, .. } => match status {
                StatusWord::WrongPin(_)
                | StatusWord::PinBlocked
                | StatusWord::SecurityStatus
                | StatusWord::WrongMac => Failure::Authentication,
                _ => Failure::Refused,
            },
            Self::UnknownStatus { .. } => Failure::Refused,
            Self::Malformed { .. } | Self::OtherCard => Failure::Other,
            Self::Transport { command, source } if source.may_have_happened() && writes(*command) => {
                Failure::OutcomeUnknown
            }
            Self::Transport { source, .. } | Self::Reset(source) | Self::Begin(source) => match source {
                TransportError::NoCard(_)
                | TransportError::NoReader(_)
                | TransportError::NoService(_)
                | TransportError::Mute(_)
                | TransportError::InUse(_)
                | TransportError::CardRemoved(_)
                | TransportError::CardReset(_)
                | TransportError::ReaderRemoved(_)
                | TransportError::ServiceStopped(_)
                | TransportError::Broken(..)
                | TransportError::TimedOut(..)
                | TransportError::ResponseLost
                | TransportError::PowerLost => Failure::NoCard,
                TransportError::Malformed(_) | TransportError::Damaged(_) | TransportError::Other(_) => {
                    Failure::Other
                }
            },
        }
    }

    pub(super) fn malformed(command: CommandName, error: DataError) -> Self {
        let reason = match error {
            DataError::Length => "the answer has a wrong length",
            DataError::Value => "the answer has a value that the standard does not have",
        };
        Self::Malformed { command, reason }
    }
}

/// Whether the card remembers the command.
const fn writes(command: CommandName) -> bool {
    match command {
        CommandName::Select
        | CommandName::ReadBinary
        | CommandName::ReadRecord
        | CommandName::GetData
        | CommandName::Verify
        | CommandName::VerifyCertificate
        | CommandName::Initialize
        | CommandName::GetProof
        | CommandName::GetBalance
        | CommandName::ReadEntry => false,
        CommandName::ChangePin
        | CommandName::Credit
        | CommandName::Debit
        | CommandName::UpdateParameter
        | CommandName::Acknowledge
        | CommandName::Decline
        | CommandName::Reverse
        | CommandName::Lock
        | CommandName::Unlock
        | CommandName::StoreData => true,
    }
}

fn name(command: CommandName) -> &'static str {
    table::row(command).name
}

fn meaning(status: StatusWord) -> String {
    match status {
        StatusWord::WrongPin(left) => format!("{}; tries left: {left}", status.meaning()),
        _ => status.meaning().to_owned(),
    }
}
