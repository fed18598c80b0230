//! A vpcd that is none: the reader's side of its protocol over loopback.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use purse_terminal::vpcd::{Ended, Event, Plug, SlotCard, Stop, serve};

pub(crate) const POWER_OFF: u8 = 0;
pub(crate) const POWER_ON: u8 = 1;
pub(crate) const RESET: u8 = 2;
pub(crate) const ANSWER_TO_RESET: u8 = 4;

/// After so long a test has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// The reader's end of a connection.
pub(crate) struct Reader(pub(crate) TcpStream);

impl Reader {
    /// Length and content in two packets, as vpcd sends them.
    pub(crate) fn send(&mut self, content: &[u8]) {
        let length = u16::try_from(content.len()).expect("a short message");
        self.0.write_all(&length.to_be_bytes()).expect("the length is sent");
        self.0.write_all(content).expect("the content is sent");
    }

    /// The next message; none where the card has closed the connection.
    pub(crate) fn receive(&mut self) -> Option<Vec<u8>> {
        let mut length = [0; 2];
        match self.0.read_exact(&mut length) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return None,
            // The card may have closed while something of ours was still on its way.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return None,
            result => result.expect("a length"),
        }
        let mut content = vec![0; u16::from_be_bytes(length).into()];
        self.0.read_exact(&mut content).expect("as much as was announced");
        Some(content)
    }

    /// A command and its answer.
    #[track_caller]
    pub(crate) fn ask(&mut self, command: &[u8]) -> Vec<u8> {
        self.send(command);
        self.receive().expect("an answer")
    }

    /// The card has ended the connection and said nothing more.
    #[track_caller]
    pub(crate) fn is_closed(&mut self) {
        assert_eq!(self.receive(), None);
    }
}

/// A card that is served by another thread.
pub(crate) struct Served<C> {
    pub(crate) address: SocketAddr,
    pub(crate) stop: Stop,
    thread: JoinHandle<(C, io::Result<Ended>, Vec<Event>)>,
}

impl<C: SlotCard + Send + 'static> Served<C> {
    /// Waits for vpcd on a free port.
    pub(crate) fn listening(card: C) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        Self::with(card, Plug::Listen(listener), address)
    }

    /// Goes to a vpcd at this address.
    pub(crate) fn connecting(card: C, address: SocketAddr) -> Self {
        Self::with(card, Plug::Connect(address.ip().to_string(), address.port()), address)
    }

    fn with(mut card: C, plug: Plug, address: SocketAddr) -> Self {
        let stop = Stop::new();
        let asked = stop.clone();
        let thread = thread::spawn(move || {
            let mut events = Vec::new();
            let ended = serve(&mut card, &plug, &asked, &mut |event| events.push(event));
            (card, ended, events)
        });
        Self { address, stop, thread }
    }

    /// A vpcd that connects.
    pub(crate) fn reader(&self) -> Reader {
        let stream = TcpStream::connect(self.address).expect("the card listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        stream.set_nodelay(true).expect("no delay");
        Reader(stream)
    }

    /// The same, and gives power.
    pub(crate) fn powered(&self) -> Reader {
        let mut reader = self.reader();
        reader.send(&[POWER_ON]);
        reader
    }

    /// The card, why its serving has ended, and what was told meanwhile.
    pub(crate) fn ended(self) -> (C, Ended, Vec<Event>) {
        let (card, ended, events) = self.thread.join().expect("no panic");
        (card, ended.expect("the socket works"), events)
    }

    /// Stops it first.
    pub(crate) fn stopped(self) -> (C, Vec<Event>) {
        self.stop.ask();
        let (card, ended, events) = self.ended();
        assert!(matches!(ended, Ended::Stopped), "{ended:?}");
        (card, events)
    }
}
