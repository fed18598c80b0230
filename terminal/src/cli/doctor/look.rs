//! Looks at this machine. Whatever could wait for somebody waits in a thread of its own, and only so long.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, io, thread};

#[cfg(feature = "pcsc")]
use super::observed::Service;
use super::observed::{Linux, Observed, Socket, SocketState, System};
use super::reader_conf;

/// How long the service may take for an answer; it needs milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where Debian has vpcd's driver.
const VPCD: &str = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";

/// Looks at everything.
pub(super) fn look(configuration: &Path) -> Observed {
    let system = if cfg!(windows) {
        System::Windows
    } else if cfg!(target_os = "macos") {
        System::MacOs
    } else {
        System::Linux
    };
    Observed {
        system,
        linux: if system == System::Linux { linux(configuration) } else { Linux::default() },
        #[cfg(feature = "pcsc")]
        service: Some(in_time(pcsc::ask).unwrap_or(Service::Silent(PATIENCE.as_secs()))),
        #[cfg(not(feature = "pcsc"))]
        service: None,
    }
}

/// The result of `work`, if it is there in time. A thread that still waits ends with the program.
fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, receiver) = mpsc::channel();
    // Nobody may be waiting any more.
    thread::spawn(move || drop(sender.send(work())));
    receiver.recv_timeout(PATIENCE).ok()
}

fn linux(configuration: &Path) -> Linux {
    let name = env::var_os("PCSCLITE_CSOCK_NAME");
    let is_named = name.is_some();
    let path = name.map_or_else(|| PathBuf::from("/run/pcscd/pcscd.comm"), PathBuf::from);
    let state = in_time({
        let path = path.clone();
        move || socket(&path)
    });
    Linux {
        daemon: daemon(),
        // A queue that is full: somebody has the socket, and the service says the rest.
        socket: Socket { path, is_named, state: state.unwrap_or(SocketState::Open) },
        has_systemd: Path::new("/run/systemd/system").is_dir(),
        has_nfc_module: ["pn533", "pn533_usb"]
            .iter()
            .any(|name| Path::new("/sys/module").join(name).is_dir()),
        configuration: configuration.to_owned(),
        has_vpcd: Path::new(VPCD).is_file(),
        virtual_readers: reader_conf::virtual_readers(configuration),
    }
}

/// The service's program: often where only root's path leads.
fn daemon() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let places = ["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path).chain(places).map(|place| place.join("pcscd")).find(|path| path.is_file())
}

#[cfg(unix)]
fn socket(path: &Path) -> SocketState {
    match std::os::unix::net::UnixStream::connect(path).map_err(|error| error.kind()) {
        Ok(_) => SocketState::Open,
        Err(io::ErrorKind::PermissionDenied) => SocketState::Denied,
        Err(io::ErrorKind::NotFound) => SocketState::Missing,
        Err(_) => SocketState::Refused,
    }
}

#[cfg(not(unix))]
fn socket(_path: &Path) -> SocketState {
    SocketState::Missing
}

#[cfg(feature = "pcsc")]
mod pcsc {
    use std::ffi::CStr;
    use std::time::Duration;

    use ::pcsc::{Context, Disposition, Error, Protocols, Scope, ShareMode, State};

    use super::super::observed::{Reader, ReaderState, Service};

    /// Asks the service for its readers, and what is in them.
    pub(super) fn ask() -> Service {
        match readers() {
            Ok(readers) => Service::Readers(readers),
            Err(Error::NoService) => Service::Absent,
            Err(Error::ServiceStopped) => Service::Stopped,
            Err(error) if is_denial(error) => Service::Denied(error.to_string()),
            Err(error) => Service::Failed(error.to_string()),
        }
    }

    fn is_denial(error: Error) -> bool {
        matches!(error, Error::NoAccess | Error::SecurityViolation)
    }

    fn readers() -> Result<Vec<Reader>, Error> {
        let context = Context::establish(Scope::User)?;
        let names = match context.list_readers_owned() {
            Err(Error::NoReadersAvailable) => Vec::new(),
            names => names?,
        };
        Ok(names
            .into_iter()
            .map(|name| Reader {
                name: name.to_string_lossy().into_owned(),
                state: denial(&context, &name).unwrap_or_else(|| state(&context, &name)),
            })
            .collect())
    }

    fn state(context: &Context, name: &CStr) -> ReaderState {
        let mut states = [::pcsc::ReaderState::new(name, State::UNAWARE)];
        match context.get_status_change(Duration::ZERO, &mut states) {
            Ok(()) => reading(states[0].event_state()),
            Err(_) => ReaderState::Unknown,
        }
    }

    fn reading(state: State) -> ReaderState {
        if state.intersects(State::UNKNOWN | State::UNAVAILABLE | State::IGNORE) {
            ReaderState::Unknown
        } else if state.intersects(State::EXCLUSIVE) {
            ReaderState::InUse
        } else if state.intersects(State::MUTE) {
            ReaderState::Mute
        } else if state.intersects(State::PRESENT) {
            ReaderState::Card
        } else {
            ReaderState::Empty
        }
    }

    /// pcsc-lite asks polkit once more for each reader, and only a connection shows the answer. This one is to the
    /// reader, wakes no card and resets none. Elsewhere it would keep others out, and there is no polkit.
    fn denial(context: &Context, name: &CStr) -> Option<ReaderState> {
        if cfg!(any(windows, target_os = "macos")) {
            return None;
        }
        match context.connect(name, ShareMode::Direct, Protocols::UNDEFINED) {
            Ok(card) => {
                if let Err((card, _)) = card.disconnect(Disposition::LeaveCard) {
                    // Dropped, it would be reset, in front of others who may be using it.
                    std::mem::forget(card);
                }
                None
            }
            Err(error) if is_denial(error) => Some(ReaderState::Denied(error.to_string())),
            Err(_) => None,
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn states_are_read() {
            for (state, expected) in [
                (State::EMPTY, ReaderState::Empty),
                (State::PRESENT, ReaderState::Card),
                (State::PRESENT | State::INUSE, ReaderState::Card),
                (State::PRESENT | State::INUSE | State::EXCLUSIVE, ReaderState::InUse),
                (State::PRESENT | State::MUTE, ReaderState::Mute),
                (State::UNKNOWN, ReaderState::Unknown),
                (State::UNAVAILABLE, ReaderState::Unknown),
            ] {
                assert_eq!(reading(state), expected, "{state:?}");
            }
        }

        #[test]
        fn both_errors_of_access_are_a_denial() {
            assert!(is_denial(Error::NoAccess) && is_denial(Error::SecurityViolation));
            assert!(!is_denial(Error::NoService) && !is_denial(Error::SharingViolation));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_waited_for_longer_than_patience() {
        assert_eq!(in_time(|| 1), Some(1));
        let begin = std::time::Instant::now();
        let (_kept, never) = mpsc::channel::<()>();
        assert_eq!(in_time(move || never.recv()), None);
        assert!((PATIENCE..PATIENCE * 2).contains(&begin.elapsed()));
    }

    #[cfg(unix)]
    #[test]
    fn a_socket_says_why_it_does_not_open() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        assert_eq!(socket(&path), SocketState::Missing);
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert_eq!(socket(&path), SocketState::Open);
        drop(listener);
        assert_eq!(socket(&path), SocketState::Refused);
    }
}
