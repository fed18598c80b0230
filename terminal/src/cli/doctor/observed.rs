//! What was seen on this machine, before anyone judges it.
#![cfg_attr(not(feature = "pcsc"), allow(dead_code, reason = "what only a service can say is never seen"))]

use std::path::PathBuf;

use super::reader_conf::VirtualReader;

/// Everything that the checks go by.
#[derive(Clone, Debug)]
pub(super) struct Observed {
    pub(super) system: System,
    /// What the service said; nothing where this program was built without readers and cannot ask.
    pub(super) service: Option<Service>,
    pub(super) linux: Linux,
}

/// Whose smart card service it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    MacOs,
    Windows,
    /// pcsc-lite, so the BSDs too.
    Linux,
}

/// What the service said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// Nothing, within so many seconds.
    Silent(u64),
    /// It is not there.
    Absent,
    /// It lets this user in no further.
    Denied(String),
    /// It has stopped, or speaks another version of its protocol than the library.
    Stopped,
    /// Another error.
    Failed(String),
    /// Its readers.
    Readers(Vec<Reader>),
}

/// A reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reader {
    pub(super) name: String,
    pub(super) state: ReaderState,
}

/// What is in a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ReaderState {
    Empty,
    Card,
    /// A card that does not answer.
    Mute,
    /// Another program has the card to itself.
    InUse,
    /// This user must not use it.
    Denied(String),
    /// The service does not say.
    Unknown,
}

/// What there is of pcsc-lite, and of the kernel. Nothing anywhere else.
#[derive(Clone, Debug, Default)]
pub(super) struct Linux {
    /// The service's program.
    pub(super) daemon: Option<PathBuf>,
    pub(super) socket: Socket,
    pub(super) has_systemd: bool,
    /// The kernel has a driver of its own for contactless readers.
    pub(super) has_nfc_module: bool,
    /// Where readers are configured.
    pub(super) configuration: PathBuf,
    /// vpcd's driver, where Debian puts it.
    pub(super) has_vpcd: bool,
    pub(super) virtual_readers: Vec<VirtualReader>,
}

/// Where the service is asked.
#[derive(Clone, Debug, Default)]
pub(super) struct Socket {
    pub(super) path: PathBuf,
    /// PCSCLITE_CSOCK_NAME has named it.
    pub(super) is_named: bool,
    pub(super) state: SocketState,
}

/// What became of a connection to the socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SocketState {
    #[default]
    Missing,
    /// The file is there, and nobody listens.
    Refused,
    Denied,
    Open,
}
