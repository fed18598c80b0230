//! What can be wrong with a card's file.

use std::io;
use std::path::{Path, PathBuf};

use crate::transport::TransportError;

/// Why a card's file cannot be made, opened or closed. The file is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VirtualCardError {
    /// There is no such file.
    #[error("there is no card {}", .0.display())]
    NotFound(PathBuf),
    /// There is a file of that name already.
    #[error("there is a card {} already", .0.display())]
    Exists(PathBuf),
    /// Another process has it.
    #[error("{} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// It is something else.
    #[error("{} is not a card's file", .0.display())]
    NotACard(PathBuf),
    /// It is of another version of the format.
    #[error("{} is of version {found} of the format; this program knows version {known}", .path.display())]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u16,
        /// Ours.
        known: u16,
    },
    /// It is not as it was left.
    #[error("{} is damaged: {reason}; it has been left untouched", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not hold.
        reason: &'static str,
    },
    /// The card in it does not start.
    #[error("the card in {} does not start ({reason})", .path.display())]
    PowerUp {
        /// The file.
        path: PathBuf,
        /// The card's reason.
        reason: String,
    },
    /// The file system has failed.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
}

impl VirtualCardError {
    pub(super) fn damaged(path: &Path, reason: &'static str) -> Self {
        Self::Damaged { path: path.to_owned(), reason }
    }

    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound(path),
            io::ErrorKind::AlreadyExists => Self::Exists(path),
            _ => Self::Io { path, source },
        }
    }
}

impl From<VirtualCardError> for TransportError {
    fn from(error: VirtualCardError) -> Self {
        match error {
            VirtualCardError::NotFound(path) => Self::NoCard(path.display().to_string()),
            VirtualCardError::InUse(path) => Self::InUse(path.display().to_string()),
            VirtualCardError::Damaged { .. }
            | VirtualCardError::PowerUp { .. }
            | VirtualCardError::NotACard(_)
            | VirtualCardError::OtherVersion { .. } => Self::Damaged(error.to_string()),
            VirtualCardError::Exists(_) | VirtualCardError::Io { .. } => Self::Other(error.to_string()),
        }
    }
}
