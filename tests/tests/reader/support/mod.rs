//! A counter with a reader of two slots: the real pcscd with vpcd, the real program, and cards served to it.

#![allow(dead_code, reason = "each test binary uses its part")]

pub(crate) mod hostile;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use purse_tests::reader_service::{FIRST_SLOT, ReaderService, VirtualReader};
use serde_json::Value;

use crate::cli_support::{Home, Run, program};

/// The reader of the purse.
pub(crate) const PURSE_SLOT: &str = "Virtual PCD 00 00";
/// The reader of the SAM.
pub(crate) const SAM_SLOT: &str = "Virtual PCD 00 01";
/// What every command with both cards is given.
pub(crate) const BOTH: [&str; 4] = ["--reader", PURSE_SLOT, "--sam-reader", SAM_SLOT];

/// How long anything may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// The counter.
pub(crate) struct Counter {
    pub(crate) service: ReaderService,
    pub(crate) home: Home,
}

/// A process in the background, which ends with this value.
#[derive(Debug)]
pub(crate) struct Background {
    pub(crate) child: Child,
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Background {
    /// Starts it and waits until it has printed its first line, which is returned too.
    pub(crate) fn start(command: &mut Command) -> (Self, String) {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program runs");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("a pipe");
        BufReader::with_capacity(1, stdout).read_line(&mut line).expect("a line");
        (Self { child }, line)
    }

    pub(crate) fn stdin(&mut self) -> &mut ChildStdin {
        self.child.stdin.as_mut().expect("a pipe")
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let process = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &process]).status().expect("kill runs").success());
    }

    /// Asks it to end as Ctrl-C does, and gives its exit code.
    pub(crate) fn interrupt(mut self) -> Option<i32> {
        self.signal("INT");
        self.wait()
    }

    /// Lets it end by closing its input, and gives its exit code.
    pub(crate) fn leave(mut self) -> Option<i32> {
        drop(self.child.stdin.take());
        self.wait()
    }

    /// Its exit code, once it has ended by itself.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        until("the process ends", || self.child.try_wait().expect("a child")).code()
    }
}

/// Looks again and again until there is something to see.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "never: {what}");
        sleep(Duration::from_millis(10));
    }
}

impl Counter {
    /// With a home as `init` makes it, and no card in the reader.
    pub(crate) fn new() -> Self {
        Self::with_home(Home::new())
    }

    pub(crate) fn with_home(home: Home) -> Self {
        Self { service: ReaderService::start(&[VirtualReader::listening("Virtual PCD")]), home }
    }

    /// With readers that can be unplugged.
    pub(crate) fn unpluggable(home: Home) -> Self {
        Self { service: ReaderService::start(&[VirtualReader::unpluggable("Virtual PCD")]), home }
    }

    /// Another program with the reader: see `tests/clients/stranger.py`. It has begun.
    pub(crate) fn stranger(&self, what: &str, slot: &str) -> Background {
        let mut command = Command::new("/usr/bin/python3");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/stranger.py");
        command.args([script, what, slot]).stdin(Stdio::piped());
        self.service.client(&mut command);
        let (stranger, line) = Background::start(&mut command);
        assert_eq!(line, "begun\n");
        stranger
    }

    /// `purse card serve` for a card of the home, until its reader has it.
    pub(crate) fn serve(&self, card: &str, slot: &str, options: &[&str]) -> Background {
        let serving = self.start_serving(card, slot, port(slot), options);
        self.wait_for_card(slot);
        serving
    }

    /// The same without waiting for its reader, connected to this port.
    pub(crate) fn start_serving(&self, card: &str, slot: &str, port: u16, options: &[&str]) -> Background {
        let port = port.to_string();
        let mut command = self.service.inside(program());
        command
            .args(["card", "serve", card, "--port", &port])
            .args(options)
            .env("PURSE_HOME", self.home.path())
            .stdin(Stdio::null());
        let (serving, line) = Background::start(&mut command);
        assert!(line.contains("connecting"), "{slot}: {line}");
        serving
    }

    /// Both cards of the home.
    pub(crate) fn serve_both(&self) -> [Background; 2] {
        let both = [
            self.start_serving("card", PURSE_SLOT, port(PURSE_SLOT), &[]),
            self.start_serving("sam", SAM_SLOT, port(SAM_SLOT), &[]),
        ];
        self.wait_for_card(PURSE_SLOT);
        self.wait_for_card(SAM_SLOT);
        both
    }

    /// The program with this counter's readers.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command(arguments);
        self.service.client(&mut command);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.command(arguments).output().expect("the program runs").into()
    }

    /// With both readers named.
    pub(crate) fn run_both(&self, arguments: &[&str]) -> Run {
        self.run(&[arguments, &BOTH].concat())
    }

    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[&["--json"], arguments].concat()).exits(0).json()
    }

    /// What `purse readers` says of a reader.
    pub(crate) fn reader(&self, slot: &str) -> Value {
        let document = self.json(&["readers"]);
        let readers = document["readers"].as_array().expect("readers").clone();
        readers.into_iter().find(|reader| reader["name"] == slot).unwrap_or(Value::Null)
    }

    #[track_caller]
    pub(crate) fn wait_for_card(&self, slot: &str) {
        until(&format!("a card in {slot}"), || (self.reader(slot)["card"] == "purse").then_some(()));
    }

    #[track_caller]
    pub(crate) fn wait_until_empty(&self, slot: &str) {
        // A slot that pcscd calls empty may not have been seen empty yet by its thread that looks for cards: the next
        // card would then not be noticed.
        until(&format!("no card in {slot}"), || {
            (self.service.has_noticed_removal(slot) && self.reader(slot)["card"] == "none").then_some(())
        });
    }

    /// Balance of the card in a reader.
    #[track_caller]
    pub(crate) fn balance(&self, slot: &str) -> String {
        self.json(&["balance", "--reader", slot])["balance"].as_str().expect("a balance").to_owned()
    }

    /// An audit with both cards in their readers, which has to add up. What is in flight.
    #[track_caller]
    pub(crate) fn audit(&self) -> String {
        let document = self.json(&[&["audit"], &BOTH[..]].concat());
        assert_eq!(document["adds_up"], true, "{document:#}");
        document["currencies"][0]["in_flight"].as_str().expect("a sum").to_owned()
    }

    /// A proxy before this slot's port, which kills a card's process at its Nth APDU. Gives the port to serve to.
    pub(crate) fn proxy(&self, slot: &str) -> (Background, u16) {
        let own = port(slot) + 100;
        let mut command = self.service.inside(Path::new(env!("CARGO_BIN_EXE_vpcd-proxy")));
        command.args([own.to_string(), port(slot).to_string()]).stdin(Stdio::piped()).stderr(Stdio::null());
        let (proxy, line) = Background::start(&mut command);
        assert_eq!(line, "ready\n");
        (proxy, own)
    }

    /// A card that answers with these, over and over, whatever it is asked.
    pub(crate) fn scripted_card(&self, slot: &str, answers: &[String]) -> Background {
        let mut command = self.service.inside(Path::new(env!("CARGO_BIN_EXE_scripted-card")));
        command
            .arg(port(slot).to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("the program runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        writeln!(stdin, "{}\n", answers.join("\n")).expect("it reads");
        drop(stdin);
        let card = Background { child };
        self.wait_for_card(slot);
        card
    }
}

/// vpcd's port of a slot.
pub(crate) fn port(slot: &str) -> u16 {
    FIRST_SLOT + u16::from(slot == SAM_SLOT)
}
