//! A smart card service of a test's own: pcscd with virtual readers, beside whatever the machine runs.
//!
//! pcscd's socket has one place only, so each gets a mount namespace with a `/run` of its own. A client comes to it
//! through `/proc`, by libpcsclite's variable `PCSCLITE_CSOCK_NAME`. Drivers of USB readers are hidden from it: real
//! readers stay with the machine's own service. A vpcd that listens does so on every interface, so it gets a network
//! namespace too, with nothing in it but a loopback: whoever connects to it runs inside.
//!
//! ```no_run
//! use purse_tests::reader_service::{ReaderService, VirtualReader};
//! let service = ReaderService::start(&[VirtualReader::listening("Virtual PCD")]);
//! service.client(&mut std::process::Command::new("pcsc_scan")).arg("-r");
//! service.inside("purse".as_ref()).args(["card", "serve", "card"]);
//! ```

use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// vpcd's driver.
const DRIVER: &str = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";
/// Where pcscd has its socket.
const SOCKET: &str = "/run/pcscd/pcscd.comm";
/// What libpcsclite calls the socket.
const VARIABLE: &str = "PCSCLITE_CSOCK_NAME";
/// Where vpcd listens unless it is told otherwise.
pub const FIRST_SLOT: u16 = 0x8C7B;
/// How long a start or an end may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// Run in the namespace; `$1` is the configuration, `$2` says whether there is a network namespace.
const SCRIPT: &str = "set -e
[ -z \"$2\" ] || ip link set lo up
mount -t tmpfs tmpfs /run
mkdir /run/pcscd
for bundle in /usr/lib/pcsc/drivers/*.bundle; do [ ! -d \"$bundle\" ] || mount -t tmpfs tmpfs \"$bundle\"; done
exec pcscd --foreground --info --config \"$1\"";

/// A reader of vpcd's: two slots, at a port and the next. One for each service: of two entries the driver gives both
/// names the slots of the second.
#[derive(Clone, Debug)]
pub struct VirtualReader {
    name: String,
    host: String,
    port: u16,
    unpluggable: bool,
}

impl VirtualReader {
    /// vpcd's default: it listens, and cards connect.
    pub fn listening(name: &str) -> Self {
        Self::connecting(name, "/dev/null", FIRST_SLOT)
    }

    /// Reversed: vpcd connects to cards. vpcd 3.3 takes pcscd down when a port has no card or a card leaves, so both
    /// cards have to be there before the service starts.
    pub fn connecting(name: &str, host: &str, port: u16) -> Self {
        Self { name: name.to_owned(), host: host.to_owned(), port, unpluggable: false }
    }

    /// One that [`ReaderService::unplug`] takes away.
    pub fn unpluggable(name: &str) -> Self {
        Self { unpluggable: true, ..Self::listening(name) }
    }

    /// What pcscd calls its slots, where it is the only reader.
    pub fn slots(&self) -> [String; 2] {
        ["00", "01"].map(|slot| format!("{} 00 {slot}", self.name))
    }

    fn entry(&self, directory: &Path) -> String {
        let Self { name, host, port, unpluggable } = self;
        let driver = if *unpluggable { unpluggable_driver(directory) } else { DRIVER.into() };
        format!(
            "FRIENDLYNAME \"{name}\"\nDEVICENAME {host}:{port:#x}\nLIBPATH {}\nCHANNELID {port:#x}\n",
            driver.display()
        )
    }

    fn is_listening(&self) -> bool {
        self.host == "/dev/null"
    }
}

/// How pcscd is kept apart from the machine's own.
#[derive(Clone, Copy, Debug)]
enum Apart {
    /// As root.
    Root,
    /// As a user who is root in a namespace of his.
    User,
    /// Not at all: the machine has none, and this is it.
    Alone,
}

impl Apart {
    /// The first that this user may have.
    fn choose(network: bool) -> Self {
        for apart in [Self::Root, Self::User] {
            let mut probe = apart.unshare(network);
            probe.args(["mount", "-t", "tmpfs", "tmpfs", "/run"]).stderr(Stdio::null());
            if probe.status().is_ok_and(|status| status.success()) {
                return apart;
            }
        }
        assert!(
            !Path::new(SOCKET).exists() && !network,
            "a pcscd of the test's own needs root, or user namespaces (`unshare -rmn`)"
        );
        Self::Alone
    }

    fn unshare(self, network: bool) -> Command {
        let mut command = Command::new("unshare");
        if matches!(self, Self::User) {
            command.arg("--map-root-user");
        }
        if network {
            command.arg("--net");
        }
        command.args(["--mount", "--propagation", "private"]);
        command
    }

    fn command(self, configuration: &Path, network: bool) -> Command {
        match self {
            Self::Root | Self::User => {
                let mut command = self.unshare(network);
                command.args(["sh", "-c", SCRIPT, "sh"]).arg(configuration).arg(if network {
                    "net"
                } else {
                    ""
                });
                command
            }
            Self::Alone => {
                let mut command = Command::new("pcscd");
                command.args(["--foreground", "--info", "--config"]).arg(configuration);
                command
            }
        }
    }
}

/// A running pcscd. It ends with this value, also when the test panics.
#[derive(Debug)]
pub struct ReaderService {
    directory: TempDir,
    readers: Vec<VirtualReader>,
    apart: Apart,
    network: bool,
    daemon: Option<Child>,
}

impl ReaderService {
    /// Starts pcscd with this reader or none, and waits until it can be asked.
    pub fn start(readers: &[VirtualReader]) -> Self {
        assert!(readers.len() < 2, "vpcd's driver bears one entry, with two slots");
        assert!(readers.is_empty() || Path::new(DRIVER).is_file(), "needs vsmartcard-vpcd: no {DRIVER}");
        let directory = tempfile::tempdir().expect("a temporary directory");
        let configuration = directory.path().join("reader.conf.d");
        fs::create_dir(&configuration).expect("a directory");
        let mut entries = String::new();
        for reader in readers {
            writeln!(entries, "{}", reader.entry(directory.path())).expect("a String takes everything");
        }
        fs::write(configuration.join("vpcd"), entries).expect("a file");
        let network = readers.iter().any(VirtualReader::is_listening);
        let apart = Apart::choose(network);
        let mut service = Self { directory, readers: readers.to_vec(), apart, network, daemon: None };
        service.restart();
        service
    }

    /// Where clients find it. Another place after each [`restart`](Self::restart).
    pub fn socket(&self) -> PathBuf {
        match (self.apart, &self.daemon) {
            (Apart::Root | Apart::User, Some(daemon)) => format!("/proc/{}/root{SOCKET}", daemon.id()).into(),
            (Apart::Root | Apart::User, None) => self.directory.path().join("stopped"),
            (Apart::Alone, _) => SOCKET.into(),
        }
    }

    /// The directory with the readers' configuration.
    pub fn configuration(&self) -> PathBuf {
        self.directory.path().join("reader.conf.d")
    }

    /// Lets a command be a client of this service.
    pub fn client<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env(VARIABLE, self.socket())
    }

    /// A program in the network of this service, so that it reaches a vpcd that listens. It is a client too, and its
    /// process is the program itself.
    pub fn inside(&self, program: &Path) -> Command {
        let daemon = self.daemon.as_ref().expect("a service that runs");
        let mut command = if self.network {
            let mut command = Command::new("nsenter");
            command.args(["--target", &daemon.id().to_string(), "--net"]);
            if matches!(self.apart, Apart::User) {
                command.args(["--user", "--preserve-credentials"]);
            }
            command.arg("--").arg(program);
            command
        } else {
            Command::new(program)
        };
        self.client(&mut command);
        command
    }

    /// Whether pcscd is still there; a driver can take it down.
    pub fn is_running(&mut self) -> bool {
        self.daemon.as_mut().is_some_and(|daemon| daemon.try_wait().expect("a child").is_none())
    }

    /// Whether pcscd has noticed of each card that it has noticed in this slot that it has left again.
    pub fn has_noticed_removal(&self, slot: &str) -> bool {
        let log = self.log();
        let count = |event: &str| log.matches(&format!("{event} {slot}\n")).count();
        count("Card inserted into") == count("Card Removed From")
    }

    /// What pcscd has printed since its start.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    /// Unplugs a reader that is made for it, with both slots, or plugs it in again.
    pub fn unplug(&self, gone: bool) {
        let process = self.daemon.as_ref().map_or(0, Child::id);
        let mark = format!("/proc/{process}/root/run/unplugged");
        let done = if gone { File::create(mark).map(|_| ()) } else { fs::remove_file(mark) };
        done.expect("pcscd has a /run of its own");
    }

    /// Ends pcscd, and returns when it has ended. Its sessions end as in a crash of the service.
    pub fn stop(&mut self) {
        let Some(mut daemon) = self.daemon.take() else { return };
        let is_over = |daemon: &mut Child| !matches!(daemon.try_wait(), Ok(None));
        // By its own number, and politely: alone, it takes its socket away with it.
        let asked = !is_over(&mut daemon)
            && Command::new("kill")
                .arg(daemon.id().to_string())
                .status()
                .is_ok_and(|status| status.success());
        let deadline = Instant::now() + Duration::from_secs(5);
        while asked && !is_over(&mut daemon) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        // Neither fails for a process that has ended.
        let _ = daemon.kill();
        let _ = daemon.wait();
    }

    /// Ends pcscd if it runs, starts it again, and waits until it can be asked.
    pub fn restart(&mut self) {
        self.stop();
        let log = File::create(self.log_file()).expect("a file");
        let daemon = self
            .apart
            .command(&self.configuration(), self.network)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the file again"))
            .stderr(log)
            .spawn()
            .expect("needs pcscd and, from util-linux, unshare");
        self.daemon = Some(daemon);
        let deadline = Instant::now() + PATIENCE;
        while !self.is_ready() {
            assert!(self.is_running(), "pcscd has ended: {}", self.log());
            assert!(Instant::now() < deadline, "pcscd does not start: {}", self.log());
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn is_ready(&self) -> bool {
        let listening = self.readers.iter().filter(|reader| reader.is_listening());
        let mut ports = listening.flat_map(|reader| [reader.port, reader.port + 1]);
        let process = self.daemon.as_ref().map_or(0, Child::id);
        UnixStream::connect(self.socket()).is_ok() && ports.all(|port| is_listened_to(process, port))
    }
}

impl Drop for ReaderService {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Builds vpcd's driver with a reader that can be unplugged.
fn unpluggable_driver(directory: &Path) -> PathBuf {
    // The name that the driver's own library is looked for by.
    let original = directory.join("libifdvpcd.so.0");
    std::os::unix::fs::symlink(DRIVER, &original).expect("a link");
    let driver = directory.join("unpluggable.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/drivers/unpluggable.c");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-I/usr/include/PCSC", "-Wl,--no-as-needed", "-Wl,-rpath,$ORIGIN", "-o"])
        .args([&driver, Path::new(source), &original])
        .status();
    assert!(built.is_ok_and(|status| status.success()), "needs a C compiler and libpcsclite-dev");
    driver
}

/// Whether somebody listens at a port in this process's network; asking the kernel, for to vpcd a connection is a
/// card.
fn is_listened_to(process: u32, port: u16) -> bool {
    let suffix = format!(":{port:04X}");
    let sockets = fs::read_to_string(format!("/proc/{process}/net/tcp")).unwrap_or_default();
    sockets.lines().skip(1).any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        fields.next().is_some_and(|local| local.ends_with(&suffix)) && fields.nth(1) == Some("0A")
    })
}

/// Two listeners of this machine's at consecutive ports, for cards that vpcd connects to.
pub fn free_listeners() -> [TcpListener; 2] {
    for _ in 0..100 {
        let first = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = first.local_addr().expect("an address").port();
        if let Some(Ok(second)) = port.checked_add(1).map(|next| TcpListener::bind(("127.0.0.1", next))) {
            return [first, second];
        }
    }
    panic!("no two free ports in a row");
}

/// A free port whose next one is free too, as far as anyone can tell: vpcd takes both.
pub fn free_ports() -> u16 {
    free_listeners()[0].local_addr().expect("an address").port()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_of_a_test_that_panics() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let test = thread::spawn(move || {
            let service = ReaderService::start(&[]);
            sender.send(service.daemon.as_ref().map(Child::id).expect("a pcscd")).expect("a receiver");
            panic!("as a test may");
        });
        let process = format!("/proc/{}", receiver.recv().expect("its number"));
        assert!(test.join().is_err());
        assert!(!Path::new(&process).exists());
    }

    #[test]
    fn two_services_do_not_meet() {
        let mut first = ReaderService::start(&[VirtualReader::listening("First")]);
        let second = ReaderService::start(&[VirtualReader::listening("Second")]);
        assert_ne!(first.socket(), second.socket());
        first.stop();
        assert!(!first.is_running() && UnixStream::connect(first.socket()).is_err());
        assert!(UnixStream::connect(second.socket()).is_ok());
        first.restart();
        assert!(first.is_running() && UnixStream::connect(first.socket()).is_ok());
    }

    #[test]
    fn ports_are_consecutive_and_free() {
        let listeners = free_listeners();
        let [first, second] =
            listeners.each_ref().map(|listener| listener.local_addr().expect("an address").port());
        assert_eq!(first + 1, second);
        assert!(is_listened_to(std::process::id(), first) && is_listened_to(std::process::id(), second));
        let port = free_ports();
        assert!(TcpListener::bind(("127.0.0.1", port)).is_ok());
    }
}
