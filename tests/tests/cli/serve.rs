//! `purse card serve` as a program: what it says, whom it keeps out, and how it ends.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use crate::support::Home;
use crate::vpcd_support::{POWER_ON, Reader};
use serde_json::Value;

const SELECT: [u8; 13] = [0x00, 0xA4, 0x04, 0x00, 7, 0xF0, 0x50, 0x55, 0x52, 0x53, 0x45, 0x01, 0x00];
const WRONG_PIN: [u8; 13] = [0x00, 0x20, 0x00, 0x80, 8, 0x24, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];

/// A program that serves the card `card` of a home.
struct Serving {
    child: Child,
    line: Value,
}

impl Serving {
    fn start(home: &Home, arguments: &[&str]) -> Self {
        let all: Vec<&str> = ["--json", "card", "serve", "card", "--listen", "--port", "0"]
            .iter()
            .chain(arguments)
            .copied()
            .collect();
        let mut command = home.command(&all);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let line = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Self { child, line }
    }

    fn reader(&self) -> Reader {
        let mut reader = Reader(TcpStream::connect(self.line["address"].as_str().unwrap()).unwrap());
        reader.send(&[POWER_ON]);
        reader
    }

    fn signal(&self, name: &str) {
        let done = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    /// Waits for its end, which has to be a good one; gives what it has said on stderr.
    fn ends(mut self) -> String {
        let mut said = String::new();
        self.child.stderr.as_mut().unwrap().read_to_string(&mut said).unwrap();
        let mut rest = String::new();
        self.child.stdout.as_mut().unwrap().read_to_string(&mut rest).unwrap();
        assert_eq!((self.child.wait().unwrap().code(), rest.as_str()), (Some(0), ""), "{said}");
        said
    }
}

#[test]
fn it_keeps_others_from_the_card_says_why_and_gives_it_back_when_it_is_stopped() {
    for signal in ["INT", "TERM"] {
        let home = Home::new();
        home.run(&["load", "20.00"]).exits(0);
        let serving = Serving::start(&home, &[]);
        assert_eq!(serving.line["schema"], 1);
        assert_eq!(serving.line["command"], "card serve");
        assert_eq!(serving.line["event"], "listening");
        assert_eq!(serving.line["card"], "card");
        let mut reader = serving.reader();
        assert_eq!(reader.ask(&SELECT).len(), 46);
        assert_eq!(reader.ask(&WRONG_PIN), [0x63, 0xC2]);

        let note = home.path().join("served").join("card");
        let word: Value = serde_json::from_str(&fs::read_to_string(&note).unwrap()).unwrap();
        assert_eq!(word["pid"], serving.child.id());
        assert_eq!(word["address"], serving.line["address"]);
        assert_eq!(word["number"].as_str().map(str::len), Some(16));
        assert_eq!(fs::metadata(&note).unwrap().permissions().mode() & 0o777, 0o600);
        let error = home.run(&["--json", "balance"]).exits(3).json();
        let message = error["error"]["message"].as_str().unwrap();
        assert!(
            message.contains("is in a reader") && message.contains(&serving.child.id().to_string()),
            "{message}"
        );
        assert!(error["error"]["next"].as_str().unwrap().contains("--reader"), "{error}");

        serving.signal(signal);
        let said = serving.ends();
        assert!(said.contains("vpcd is there") && said.contains("out of the reader"), "{said}");
        reader.is_closed();
        assert!(!note.exists());
        assert_eq!(home.balance("card"), "20.00");
        assert_eq!(home.json(&["card", "show", "card"])["pin_tries"], 2);
    }
}

#[test]
fn what_a_killed_one_leaves_means_nothing() {
    let home = Home::new();
    let mut serving = Serving::start(&home, &[]);
    serving.child.kill().unwrap();
    serving.child.wait().unwrap();
    assert!(home.path().join("served").join("card").exists());
    assert_eq!(home.balance("card"), "0.00");
    let again = Serving::start(&home, &[]);
    assert!(home.run(&["balance"]).exits(3).stderr.contains(&again.child.id().to_string()));
    again.signal("TERM");
    again.ends();
}

#[test]
fn a_cut_and_a_lost_response_do_what_was_asked() {
    for (option, number, word) in [("--cut", "1", "lost its power"), ("--lose", "2", "pulled out")] {
        let home = Home::new();
        let serving = Serving::start(&home, &[option, number]);
        let mut reader = serving.reader();
        assert_eq!(reader.ask(&SELECT).len(), 46);
        reader.send(&WRONG_PIN);
        reader.is_closed();
        let said = serving.ends();
        assert!(said.contains(word), "{said}");
        assert_eq!(home.json(&["card", "show", "card"])["pin_tries"], if option == "--cut" { 3 } else { 2 });
    }
}

#[test]
fn the_trace_shows_what_crosses_but_no_pin() {
    let home = Home::new();
    let serving = Serving::start(&home, &["--trace"]);
    let mut reader = serving.reader();
    reader.ask(&SELECT);
    reader.ask(&WRONG_PIN);
    serving.signal("TERM");
    let said = serving.ends();
    assert!(said.contains("SELECT [00A40400]") && said.contains("63C2"), "{said}");
    assert!(said.contains("VERIFY") && !said.contains("240000"), "{said}");
}

#[test]
fn a_port_that_is_taken_is_an_error_with_a_way_out() {
    let home = Home::new();
    let serving = Serving::start(&home, &[]);
    let port = serving.line["address"].as_str().unwrap().rsplit(':').next().unwrap();
    let error = home.run(&["card", "serve", "sam", "--listen", "--port", port]).exits(1).stderr;
    assert!(error.contains(port) && error.contains("--port"), "{error}");
    serving.signal("TERM");
    serving.ends();
}
