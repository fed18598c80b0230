//! Cards with a past in readers, and clients that nobody here wrote.

#![allow(dead_code, reason = "each test binary uses its part")]

pub(crate) mod expected;

use std::io::Write;
use std::process::{Command as Program, Stdio};

use apdu_spec::command::Command;
use apdu_spec::pin::PinBlock;
use apdu_spec::status::StatusWord;
use serde_json::Value;

pub(crate) use expected::{Exchange, Expected};
use expected::{in_t0, refusal};

use crate::cli_support::{Home, Run};
use crate::support::{Background, Counter, PURSE_SLOT, SAM_SLOT};

/// A card in a reader.
pub(crate) struct Slot {
    pub(crate) reader: &'static str,
    pub(crate) protocol: &'static str,
    /// What it has to say.
    pub(crate) expected: Expected,
    _serving: Background,
}

impl Slot {
    fn new(counter: &Counter, card: &str, reader: &'static str, protocol: &'static str) -> Self {
        // A served card's file is not to be had, so it is asked before.
        let expected = Expected::new(&counter.home, card);
        let options: &[&str] = if protocol == "T=0" { &["--t0"] } else { &[] };
        Self { reader, protocol, expected, _serving: counter.serve(card, reader, options) }
    }

    /// As this card's protocol has it.
    pub(crate) fn translate(&self, exchanges: &[Exchange]) -> Vec<Exchange> {
        if self.protocol == "T=0" { in_t0(exchanges) } else { exchanges.to_vec() }
    }
}

/// A purse and a SAM with a past, one with T=1 and one with T=0.
pub(crate) struct Stage {
    pub(crate) purse: Slot,
    pub(crate) sam: Slot,
    pub(crate) counter: Counter,
}

impl Stage {
    pub(crate) fn new(purse_protocol: &str) -> Self {
        let home = Home::with_money();
        home.run(&["refund", "1"]).exits(0);
        // One purchase stays open: the purse's answer is lost.
        home.run(&["pay", "2.50", "--lose", "4"]).exits(6);
        let counter = Counter::with_home(home);
        let [purse, sam] = if purse_protocol == "T=1" { ["T=1", "T=0"] } else { ["T=0", "T=1"] };
        Self {
            purse: Slot::new(&counter, "card", PURSE_SLOT, purse),
            sam: Slot::new(&counter, "sam", SAM_SLOT, sam),
            counter,
        }
    }

    pub(crate) fn slots(&self) -> [&Slot; 2] {
        [&self.purse, &self.sam]
    }

    /// The cards are alive, and every cent is where it was: the open purchase is still in flight, and settled by the
    /// next payment.
    pub(crate) fn end(self) {
        assert_eq!(self.counter.audit(), "2.50");
        assert_eq!(
            self.counter.run_both(&["pay", "1"]).exits(0).stdout,
            "paid 1.00 EUR\nbalance 27.50 EUR\n"
        );
        assert_eq!(self.counter.audit(), "0.00");
        assert_eq!(self.counter.balance(SAM_SLOT), "22.50");
    }
}

/// VERIFY, or without a PIN the question whether one has been verified.
pub(crate) fn verify(pin: Option<&str>) -> Command<'static> {
    Command::Verify(pin.map(|digits| PinBlock::from_digits(digits).unwrap()))
}

/// Exchanges that have no data in their answers.
pub(crate) fn answers<const N: usize>(expected: [(&Command<'_>, StatusWord); N]) -> Vec<Exchange> {
    expected.map(|(command, status)| refusal(&command.emit(), status)).into()
}

/// A program of somebody else's, with this counter's readers.
pub(crate) fn run(counter: &Counter, program: &str, arguments: &[&str]) -> Run {
    let mut command = Program::new(program);
    command.args(arguments).env("LC_ALL", "C").stdin(Stdio::null());
    let output = counter.service.client(&mut command).output();
    output.unwrap_or_else(|error| panic!("{program} (scripts/setup installs it): {error}")).into()
}

/// All of these in one run of `opensc-tool`. It hides 61xx and 6Cxx.
pub(crate) fn opensc_tool(counter: &Counter, slot: &str, commands: &[&str]) -> Vec<String> {
    let mut arguments = vec!["--reader", slot];
    arguments.extend(commands.iter().flat_map(|command| ["--send-apdu", *command]));
    let run = run(counter, "opensc-tool", &arguments).exits(0);
    let mut answers: Vec<(String, String)> = Vec::new();
    let mut is_answer = false;
    for line in run.stdout.lines() {
        if let Some(words) = line.strip_prefix("Received (SW1=0x") {
            answers.push((String::new(), format!("{}{}", &words[..2], &words[10..12])));
            is_answer = true;
        } else if line.starts_with("Sending: ") {
            is_answer = false;
        } else if is_answer {
            // Up to sixteen bytes, and what they are in ASCII; later lines are as wide as the first.
            let (data, _) = answers.last_mut().expect("an answer has begun");
            let width = if data.is_empty() { line.len() / 4 * 3 } else { 48 };
            data.push_str(&line[..width].replace(' ', ""));
        }
    }
    answers.into_iter().map(|(data, status)| data + &status).collect()
}

/// All of these in one run of `scriptor`, which shows whatever comes. RESET powers the card up again.
pub(crate) fn scriptor(counter: &Counter, slot: &str, protocol: &str, commands: &[&str]) -> Vec<String> {
    let script = counter.home.file("script", &(commands.join("\n") + "\n"));
    let run = run(counter, "scriptor", &["-r", slot, "-p", protocol, &script]).exits(0);
    assert!(run.stdout.starts_with(&format!("Using {protocol} protocol\n")), "{run:?}");
    let mut answers = Vec::new();
    let mut lines = run.stdout.lines();
    while let Some(line) = lines.next() {
        if let Some(answer_to_reset) = line.strip_prefix("< OK: ") {
            answers.push(answer_to_reset.replace(' ', ""));
        } else if let Some(beginning) = line.strip_prefix("< ") {
            let mut answer = beginning.to_owned();
            // What the status word means comes after it.
            while !answer.contains(" : ") {
                answer.push_str(lines.next().unwrap_or_else(|| panic!("cut off: {run:?}")));
            }
            answers.push(answer.split(" : ").next().unwrap_or_default().replace(' ', ""));
        }
    }
    answers
}

/// Sends the commands of these exchanges and compares what comes back.
#[track_caller]
pub(crate) fn holds(exchanges: &[Exchange], send: impl FnOnce(&[&str]) -> Vec<String>) {
    let commands: Vec<&str> = exchanges.iter().map(|(command, _)| &**command).collect();
    let answers = send(&commands);
    let seen: Vec<Exchange> = exchanges.iter().map(|(command, _)| command.clone()).zip(answers).collect();
    assert_eq!(seen, exchanges);
}

/// `tests/clients/purse.py` on the card in this reader, with these lines as PINs.
pub(crate) fn python(counter: &Counter, reader: &str, options: &[&str], pins: &str) -> Run {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/purse.py");
    // Debian's own, for that has pyscard; without what the environment says of another.
    let mut command = Program::new("/usr/bin/python3");
    command.args(["-E", script, reader]).args(options);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = counter.service.client(&mut command).spawn().expect("needs python3-pyscard");
    // It may have ended without reading them.
    let _ = child.stdin.take().expect("a pipe").write_all(pins.as_bytes());
    child.wait_with_output().expect("a child").into()
}

/// Its document, with these PINs tried.
#[track_caller]
pub(crate) fn python_json(counter: &Counter, reader: &str, pins: &str) -> Value {
    let run = python(counter, reader, &["--json", "--verify"], pins).exits(0);
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"))
}
