//! How the card and vpcd come together, and how that ends from another thread.

use std::io::{self, ErrorKind};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Between two attempts to reach a vpcd that is not there yet.
const PAUSE: Duration = Duration::from_millis(400);
/// For one attempt.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where vpcd is met.
#[derive(Debug)]
pub enum Plug {
    /// vpcd connects to the card: the reader's DEVICENAME is `127.0.0.1:0x8C7B`. Then nothing listens but on loopback.
    Listen(TcpListener),
    /// The card connects to vpcd, which listens at this host and port: DEVICENAME is `/dev/null:0x8C7B`.
    Connect(String, u16),
}

/// Ends [`super::serve`] from another thread; clones are of one kind. Asked once, it stays asked.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    asked: bool,
    waits_at: Option<SocketAddr>,
    connected: Option<TcpStream>,
}

impl Stop {
    /// Nobody has asked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the serving now, whatever it waits for. An answer that the card is working on is not sent any more.
    pub fn ask(&self) {
        let mut state = self.state();
        state.asked = true;
        if let Some(stream) = state.connected.take() {
            // Its reader finds the end of the stream.
            let _ = stream.shutdown(Shutdown::Both);
        }
        if let Some(address) = state.waits_at {
            // A blocked accept wakes up by nothing but a connection.
            let _ = TcpStream::connect_timeout(&address, PATIENCE);
        }
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Whether somebody has asked.
    pub fn is_asked(&self) -> bool {
        self.state().asked
    }

    /// Keeps a connection, to end it when asked to; false where that has come already.
    fn hold(&self, stream: &TcpStream) -> io::Result<bool> {
        let copy = stream.try_clone()?;
        let mut state = self.state();
        state.waits_at = None;
        state.connected = Some(copy).filter(|_| !state.asked);
        Ok(!state.asked)
    }

    /// The connection has ended.
    pub(super) fn release(&self) {
        self.state().connected = None;
    }

    /// Before an accept at this address; false where nobody may wait any more.
    fn waits_at(&self, address: SocketAddr) -> bool {
        let mut state = self.state();
        state.waits_at = Some(address);
        !state.asked
    }

    /// Waits, less when asked to stop.
    pub(super) fn pause(&self, time: Duration) {
        let state = self.state();
        let _ = self.shared.changed.wait_timeout_while(state, time, |state| !state.asked);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Plug {
    /// Waits for vpcd; none where stopping was asked for.
    pub(super) fn wait(&self, stop: &Stop) -> io::Result<Option<(TcpStream, SocketAddr)>> {
        match self {
            Self::Listen(listener) => listen(listener, stop),
            Self::Connect(host, port) => connect(host, *port, stop),
        }
    }
}

fn listen(listener: &TcpListener, stop: &Stop) -> io::Result<Option<(TcpStream, SocketAddr)>> {
    let address = listener.local_addr()?;
    while stop.waits_at(address) {
        match listener.accept() {
            Ok((stream, peer)) => {
                return Ok(stop.hold(&stream)?.then_some((stream, peer)));
            }
            // One that was given up before it was taken; the next will do.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn connect(host: &str, port: u16, stop: &Stop) -> io::Result<Option<(TcpStream, SocketAddr)>> {
    while !stop.is_asked() {
        for address in (host, port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                // Towards a free port of its own range, a system can connect a socket with itself.
                Ok(stream) if stream.local_addr().is_ok_and(|own| own == address) => {}
                Ok(stream) => return Ok(stop.hold(&stream)?.then_some((stream, address))),
                Err(_) => {}
            }
        }
        stop.pause(PAUSE);
    }
    Ok(None)
}
