//! `run`: a process of the standard, or one command of the card, line by line on reference cards.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use apdu_spec::command::{COMMANDS, CommandName};
use apdu_spec::element::Role;
use apdu_spec::parameter::Parameter;
use apdu_spec::process::{LISTINGS, ListingKind};
use purse_reference::card::ReferenceCard;
use purse_reference::machine::Observer;
use purse_reference::memory::Sizes;
use purse_reference::process::run as carry_out;
use purse_reference::standard::Standard;
use purse_reference::value::Value;
use purse_terminal::client::Client;
use purse_terminal::process::{AtHand, InReference, example};
use purse_terminal::transport::{ResponseBuffer, Transport, TransportError};
use serde_json::json;

use super::arguments::RunArguments;
use super::failure::{ExitCode, Failure};
use super::output::{Console, Reply};

/// A log that is short enough to be read.
const SIZES: Sizes = Sizes { window: 32, exceptions: 8 };
/// When it happens: 2027-01-15T08:00:00Z, and its month.
const TIME: i64 = 1_800_000_000;
const MONTH: i64 = 0x2701;
/// INS of DEBIT, whose answer is lost before a recovery.
const DEBIT: u8 = 0x54;

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// Nothing: what has to happen before.
    Nothing,
    /// The process, and what the cards do in it where that is wanted.
    Process { cards: bool },
    /// The first execution of this command.
    Command(CommandName),
    /// That has been.
    Over,
}

/// Says what happens, and waits for the reader.
struct Teller<'a> {
    standard: &'a Standard,
    console: Console,
    shown: Shown,
    /// Within an APDU that is shown.
    in_card: bool,
    step: bool,
    events: Vec<serde_json::Value>,
    failure: Option<Failure>,
}

impl Teller<'_> {
    fn tell(&mut self, indent: usize, text: &str, event: serde_json::Value) {
        self.events.push(event);
        if self.failure.is_some() {
            return;
        }
        if let Err(failure) = self.console.tell(&format!("{:indent$}{text}", "")) {
            self.failure = Some(failure);
        }
    }

    const fn shows(&self, is_card: bool) -> bool {
        match self.shown {
            Shown::Nothing | Shown::Over => false,
            Shown::Process { cards } => !is_card || cards,
            Shown::Command(_) => is_card && self.in_card,
        }
    }

    const fn indent(&self, is_card: bool) -> usize {
        if is_card && matches!(self.shown, Shown::Process { .. }) { 6 } else { 0 }
    }

    fn line(&mut self, is_card: bool, listing: usize, line: usize) {
        if !self.shows(is_card) {
            return;
        }
        let Some(source) = self.standard.sources().get(listing) else { return };
        let Some(line) = source.lines.get(line) else { return };
        if line.text.starts_with("REM") && line.number != 10 {
            return;
        }
        let event = json!({ "listing": source.name, "line": line.number, "text": line.text });
        let text = format!("{} {} {}", source.name, line.number, line.text);
        self.tell(self.indent(is_card), &text, event);
        if self.step && !self.console.json() {
            // At the end of the input it goes on without waiting.
            self.step = io::stdin().read_line(&mut String::new()).is_ok_and(|read| read != 0);
        }
    }

    fn assigned(&mut self, is_card: bool, name: &str, subscript: Option<i64>, value: &Value) {
        if self.shows(is_card) {
            let name = subscript.map_or_else(|| name.to_owned(), |place| format!("{name}({place})"));
            let value = written(value);
            let event = json!({ "name": name, "value": value });
            self.tell(self.indent(is_card), &format!("    {name} = {value}"), event);
        }
    }

    fn committed(&mut self, is_card: bool) {
        if self.shows(is_card) {
            let text = "    all of this is in memory now, for ever";
            self.tell(self.indent(is_card), text, json!({ "committed": true }));
        }
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Bytes(bytes) => format!("X\"{}\"", hex::encode_upper(bytes)),
    }
}

/// The teller as it listens to a card, or to the process.
struct Ear<'a> {
    teller: Rc<RefCell<Teller<'a>>>,
    is_card: bool,
}

impl Observer for Ear<'_> {
    fn line(&mut self, listing: usize, line: usize) {
        self.teller.borrow_mut().line(self.is_card, listing, line);
    }

    fn assigned(&mut self, name: &str, subscript: Option<i64>, value: &Value) {
        self.teller.borrow_mut().assigned(self.is_card, name, subscript, value);
    }

    fn committed(&mut self) {
        self.teller.borrow_mut().committed(self.is_card);
    }
}

/// A reference card of which the APDUs are shown too, and which can leave at one of them.
struct Table<'a> {
    inner: InReference<'a>,
    teller: Rc<RefCell<Teller<'a>>>,
    leaves_at: Option<u8>,
}

impl Transport for Table<'_> {
    fn transmit<'b>(
        &mut self,
        command: &[u8],
        response: &'b mut ResponseBuffer,
    ) -> Result<&'b [u8], TransportError> {
        let instruction = command.get(1).copied();
        let row = COMMANDS.iter().find(|row| {
            Some(row.instruction) == instruction
                && Some(row.class) == command.first().copied()
                && command.get(2).zip(command.get(3)).is_some_and(|(p1, p2)| row.form(*p1, *p2).is_some())
        });
        let name = self.inner.name().to_owned();
        {
            let mut teller = self.teller.borrow_mut();
            teller.in_card = match teller.shown {
                Shown::Command(wanted) => row.is_some_and(|row| row.command == wanted),
                Shown::Process { .. } => true,
                Shown::Nothing | Shown::Over => false,
            };
            if teller.in_card {
                let (command, indent) = (hex::encode_upper(command), teller.indent(true).min(4));
                let event = json!({ "to": name, "command": command });
                teller.tell(indent, &format!("> {name}: {command}"), event);
            }
        }
        let answer = self.inner.transmit(command, response)?;
        let mut teller = self.teller.borrow_mut();
        if teller.in_card {
            let (answer, indent) = (hex::encode_upper(answer), teller.indent(true).min(4));
            let event = json!({ "from": name, "response": answer });
            teller.tell(indent, &format!("< {name}: {answer}"), event);
            if matches!(teller.shown, Shown::Command(_)) {
                teller.shown = Shown::Over;
            }
            teller.in_card = false;
        }
        if self.leaves_at.is_some() && self.leaves_at == instruction {
            return Err(TransportError::ResponseLost);
        }
        Ok(answer)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        if self.leaves_at.is_some() {
            return Err(TransportError::NoCard(self.inner.name().to_owned()));
        }
        self.inner.reset()
    }

    fn name(&self) -> &str {
        self.inner.name()
    }
}

/// A process by its name, in capitals or not.
fn process(name: &str) -> Option<&'static str> {
    let found = LISTINGS.iter().find(|listing| {
        listing.kind == ListingKind::Process && listing.name.eq_ignore_ascii_case(name.trim())
    });
    found.map(|listing| listing.name)
}

fn unknown(name: &str) -> Failure {
    let wanted = name.trim().to_uppercase();
    let processes = LISTINGS.iter().filter(|listing| listing.kind == ListingKind::Process);
    let mut names: Vec<&str> =
        processes.map(|listing| listing.name).chain(COMMANDS.iter().map(|row| row.name)).collect();
    names.sort_by_key(|name| (!name.starts_with(&wanted), strsim::damerau_levenshtein(name, &wanted)));
    Failure::new(
        ExitCode::Usage,
        format!("nothing of the standard is called `{}`", name.escape_debug()),
        format!("Nearest first: {}.", names.join(", ")),
    )
}

fn wrong(error: impl std::fmt::Display) -> Failure {
    Failure::new(ExitCode::Other, error.to_string(), "Report this as a defect.")
}

/// `run`
pub(crate) fn run(arguments: &RunArguments, console: Console) -> Result<Reply, Failure> {
    let name = arguments.listing.join(" ");
    let wanted = match process(&name) {
        Some(name) => Ok(name),
        None => Err(super::spec::find(&name).map_err(|_| unknown(&name))?),
    };
    let standard = Standard::load().map_err(wrong)?;
    let teller = Rc::new(RefCell::new(Teller {
        standard: &standard,
        console,
        shown: Shown::Nothing,
        in_card: false,
        step: arguments.step,
        events: Vec::new(),
        failure: None,
    }));
    let mut story = Story::begin(&standard, &teller)?;
    let end = match wanted {
        Ok(process) => story.up_to(process, Shown::Process { cards: !arguments.brief })?,
        Err(row) => {
            teller.borrow_mut().shown = Shown::Command(row.command);
            story.all()?;
            if teller.borrow().shown != Shown::Over {
                return Err(wrong(format!("the example does not use {}", row.name)));
            }
            String::new()
        }
    };
    let mut teller = teller.borrow_mut();
    if let Some(failure) = teller.failure.take() {
        return Err(failure);
    }
    let name = wanted.unwrap_or_else(|row| row.name);
    let fields = json!({ "listing": name, "events": std::mem::take(&mut teller.events), "end": end });
    Ok(Reply::new(if end.is_empty() { end } else { format!("STOP: {end}") }, fields))
}

/// A purse, a SAM, an issuer.
struct Story<'a> {
    standard: &'a Standard,
    teller: Rc<RefCell<Teller<'a>>>,
    purse: Table<'a>,
    sam: Table<'a>,
    issuer:
        purse_terminal::issuer::Issuer<purse_terminal::issuer::MemoryStore, apdu_spec::software::Software>,
}

impl<'a> Story<'a> {
    fn begin(standard: &'a Standard, teller: &Rc<RefCell<Teller<'a>>>) -> Result<Self, Failure> {
        let table = |name: &str| {
            let ear: Rc<RefCell<dyn Observer + 'a>> =
                Rc::new(RefCell::new(Ear { teller: teller.clone(), is_card: true }));
            let inner = InReference::new(ReferenceCard::blank(standard, SIZES), name, ear);
            Table { inner, teller: teller.clone(), leaves_at: None }
        };
        let issuer = example::issuer().map_err(wrong)?;
        Ok(Self { standard, teller: teller.clone(), purse: table("purse"), sam: table("SAM"), issuer })
    }

    fn personalise(&mut self) -> Result<(), Failure> {
        example::personalise(&mut self.purse, Role::Purse).map_err(wrong)?;
        example::personalise(&mut self.sam, Role::Merchant).map_err(wrong)
    }

    /// One process, as the teller shows it.
    fn play(&mut self, name: &str, amount: i64, pin: Option<&str>) -> Result<String, Failure> {
        let pin = match pin {
            None => Vec::new(),
            Some(digits) => example::pin(digits).map_err(wrong)?.emit().to_vec(),
        };
        let number = |role| example::number(role).map_err(wrong);
        let (purse, sam) = (number(Some(Role::Purse))?, number(Some(Role::Merchant))?);
        let mut at_hand = match name {
            "LOAD" | "UNLOAD" => AtHand::alone(purse, &mut self.purse, Some(&mut self.issuer)),
            "COLLECTION" => AtHand::alone(sam, &mut self.sam, Some(&mut self.issuer)),
            _ => {
                let cards: Vec<(_, &mut dyn Transport)> =
                    vec![(purse, &mut self.purse), (sam, &mut self.sam)];
                AtHand::new(cards, Some(&mut self.issuer))
            }
        }
        .told("AMOUNT", Value::Number(amount))
        .told("CURRENCY", Value::Bytes(example::currency().map_err(wrong)?.0.to_vec()))
        .told("TIME", Value::Number(TIME))
        .told("MONTH", Value::Number(MONTH))
        .told("ACCOUNT", Value::Bytes(example::HOLDER.as_bytes().to_vec()))
        .told("ISSUER.NUMBER", Value::Bytes(number(None)?.0.to_vec()))
        .told("CARD", Value::Bytes(purse.0.to_vec()))
        .told("PIN", Value::Bytes(pin));
        let mut ear = Ear { teller: self.teller.clone(), is_card: false };
        carry_out(self.standard, name, &mut at_hand, &mut ear).map_err(wrong)
    }

    /// The purse pays and leaves before anybody hears of it.
    fn pay_and_leave(&mut self) -> Result<(), Failure> {
        self.purse.leaves_at = Some(DEBIT);
        self.play("PURCHASE", 500, None)?;
        self.purse.leaves_at = None;
        self.purse.reset().map_err(wrong)
    }

    /// All that comes before a process, then the process as it is to be shown.
    fn up_to(&mut self, process: &str, shown: Shown) -> Result<String, Failure> {
        self.personalise()?;
        if process != "LOAD" {
            self.play("LOAD", 5_000, None)?;
        }
        if ["REFUND", "COLLECTION"].contains(&process) {
            self.play("PURCHASE", 350, None)?;
        }
        if process == "RECOVERY" {
            self.pay_and_leave()?;
        }
        self.teller.borrow_mut().shown = shown;
        let (amount, pin) = match process {
            "LOAD" => (5_000, None),
            "PURCHASE" => (350, Some(example::PIN)),
            "REFUND" => (150, Some(example::OPERATOR_PIN)),
            _ => (1_000, None),
        };
        self.play(process, amount, pin)
    }

    /// Everything, so that every command comes up that processes use.
    fn all(&mut self) -> Result<(), Failure> {
        self.personalise()?;
        self.play("LOAD", 5_000, None)?;
        self.play("PURCHASE", 350, Some(example::PIN))?;
        self.play("REFUND", 150, Some(example::OPERATOR_PIN))?;
        self.play("UNLOAD", 1_000, None)?;
        self.play("COLLECTION", 0, None)?;
        self.pay_and_leave()?;
        // The SAM's sequence is used by another payment, so that it declines this one.
        self.play("PURCHASE", 100, None)?;
        self.play("RECOVERY", 0, None)?;
        self.hold()
    }

    /// What a holder and the issuer do outside of processes.
    fn hold(&mut self) -> Result<(), Failure> {
        let pin = example::pin(example::PIN).map_err(wrong)?;
        let script =
            self.issuer.script(example::number(Some(Role::Purse)).map_err(wrong)?, &Parameter::Unblock);
        let script = script.map_err(wrong)?;
        let mut purse = Client::select(&mut self.purse).map_err(wrong)?;
        purse.pin_tries().map_err(wrong)?;
        purse.change_pin(&pin, &pin).map_err(wrong)?;
        purse.verify(&pin).map_err(wrong)?;
        purse.lock().map_err(wrong)?;
        purse.verify(&pin).map_err(wrong)?;
        purse.unlock().map_err(wrong)?;
        purse.update_parameter(&script.script()).map_err(wrong)
    }
}
