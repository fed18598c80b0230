//! `demo`: the whole story, told while it happens, with the program's own commands and a home of its own.

use std::fs;
use std::path::PathBuf;

use purse_terminal::amount::Money;
use purse_terminal::home::{Home, write_private};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::arguments::{GlobalArguments, NewCardArguments, RoleArgument};
use super::audit::Audit;
use super::context::{Context, HOLDER, MERCHANT};
use super::failure::{ExitCode, Failure};
use super::output::{Console, Reply};
use super::{collect, init, money, new_card, recovery, transfer, view, words};

/// Responses of a payment up to the purse's DEBIT: SELECT of the SAM, SELECT of the purse, INITIALIZE, DEBIT.
const DEBIT_RESPONSE: u64 = 4;

/// `demo`
pub(crate) fn demo(console: Console) -> Result<Reply, Failure> {
    let mut story = Story::begin(console)?;
    story.play()?;
    let fields = json!({ "steps": story.steps, "adds_up": story.wrong.is_empty(), "wrong": story.wrong });
    if story.wrong.is_empty() {
        story.line("\nEvery cent is accounted for.")?;
        return Ok(Reply::new("", fields));
    }
    for wrong in &story.wrong {
        Console::say(&format!("error: {wrong}"));
    }
    Ok(Reply::new("", fields).with_exit(Some(ExitCode::Other)))
}

/// A home for as long as the story takes, and what has happened in it.
struct Story {
    console: Console,
    directory: TempDir,
    global: GlobalArguments,
    steps: Vec<Value>,
    wrong: Vec<String>,
}

impl Story {
    fn begin(console: Console) -> Result<Self, Failure> {
        let directory = tempfile::tempdir()
            .map_err(|error| Failure::other(format!("no temporary directory: {error}"), "Set TMPDIR."))?;
        let operator_pin = directory.path().join("operator-pin");
        write_private(&operator_pin, b"9999\n").map_err(|error| Failure::file(&operator_pin, &error))?;
        let global = GlobalArguments {
            home: Some(directory.path().join("home")),
            operator_pin_file: Some(operator_pin),
            ..GlobalArguments::default()
        };
        Ok(Self { console, directory, global, steps: Vec::new(), wrong: Vec::new() })
    }

    /// So much of the currency of the story's home.
    fn money(&self, text: &str) -> Result<Money, Failure> {
        let denomination = self.context(None, None)?.denomination();
        Ok(Money { denomination, amount: denomination.parse_positive(text)? })
    }

    fn line(&self, text: &str) -> Result<(), Failure> {
        self.console.tell(text)
    }

    fn heading(&self, text: &str) -> Result<(), Failure> {
        self.line(&format!("\n== {text}"))
    }

    /// A command's output, indented.
    fn show(&self, text: &str) -> Result<(), Failure> {
        text.lines().try_for_each(|line| self.line(&format!("   {line}")))
    }

    fn context(&self, lose: Option<u64>, trace: Option<PathBuf>) -> Result<Context, Failure> {
        let global = GlobalArguments { trace, lose, ..self.global.clone() };
        let home = Home::open(self.directory.path().join("home"))?;
        Context::with_home(home, &global, self.console)
    }

    /// Compares and remembers.
    fn expect(&mut self, what: &str, expected: &str, found: &str) {
        self.steps.push(json!({ "what": what, "expected": expected, "found": found }));
        if expected != found {
            self.wrong.push(format!("{what}: {found} instead of {expected}"));
        }
    }

    fn play(&mut self) -> Result<(), Failure> {
        self.line("An electronic purse is money on a card. The card itself keeps the balance, behind keys that\n\
                   nobody can read; shop and card settle a payment between them, without a bank on the line.\n\
                   This is a home with an issuer, a purse and a shop, all in this program. The cards are virtual,\n\
                   but every byte between them and the terminal is what a real card would see.")?;
        self.heading("The issuer makes a scheme, a purse, and a shop's card (its SAM)")?;
        let made = init::init(&self.global, "EUR")?;
        self.show(made.text.split_once('\n').map_or("", |(_, rest)| rest))?;
        self.load()?;
        self.pay()?;
        self.refund()?;
        self.lost_response()?;
        self.recover()?;
        self.transfer()?;
        self.collect()
    }

    fn load(&mut self) -> Result<(), Failure> {
        self.heading("Load 20.00: from the holder's account onto the purse")?;
        let reply = money::load(&self.context(None, None)?, self.money("20.00")?)?;
        self.show(&reply.text)?;
        self.expect("balance after the load", "20.00", reply.field("balance"));
        self.expect_account(HOLDER, "80.00")
    }

    fn pay(&mut self) -> Result<(), Failure> {
        self.heading("Pay 3.50 in the shop: no bank, no PIN for so little")?;
        let trace = self.directory.path().join("trace");
        let reply = money::pay(&self.context(None, Some(trace.clone()))?, self.money("3.50")?)?;
        self.line(
            "   What crossed, > to a card and < back. The purse needs two commands, SELECT and DEBIT; the",
        )?;
        self.line(
            "   money is on its way with the answer to DEBIT, and has arrived with the answer to CREDIT:",
        )?;
        let text = fs::read_to_string(&trace).map_err(|error| Failure::file(&trace, &error))?;
        text.lines().try_for_each(|line| self.line(&format!("     {}", shortened(line))))?;
        self.show(&reply.text)?;
        self.expect("balance after the payment", "16.50", reply.field("balance"));
        Ok(())
    }

    fn refund(&mut self) -> Result<(), Failure> {
        self.heading("The shop gives 1.00 back: only against that payment, and with its operator's PIN")?;
        let reply = money::refund(&self.context(None, None)?, self.money("1.00")?)?;
        self.show(&reply.text)?;
        self.expect("balance after the refund", "17.50", reply.field("balance"));
        Ok(())
    }

    fn lost_response(&mut self) -> Result<(), Failure> {
        self.heading("Pay 2.50, and pull the card out too early: the answer to DEBIT never arrives")?;
        match money::pay(&self.context(Some(DEBIT_RESPONSE), None)?, self.money("2.50")?) {
            Err(failure) => {
                self.show(&failure.to_string())?;
                self.expect("exit code", "6", &(failure.exit as u8).to_string());
            }
            Ok(_) => self.wrong.push("the payment went through although its response was lost".to_owned()),
        }
        self.line("   Neither side has lost anything. An audit finds the 2.50 on their way:")?;
        self.audit(true)?;
        let balance = view::balance(&self.context(None, None)?)?;
        self.expect("balance after the lost response", "15.00", balance.field("balance"));
        Ok(())
    }

    fn recover(&mut self) -> Result<(), Failure> {
        self.heading("Recover: the purse proves its debit, the shop's card takes the money, once")?;
        let reply = recovery::recover(&self.context(None, None)?)?;
        self.show(&reply.text)?;
        if reply.exit.is_some() {
            self.wrong.push("the recovery is not complete".to_owned());
        }
        let again = recovery::recover(&self.context(None, None)?)?;
        self.expect("a second recovery", "nothing to recover", &again.text);
        self.audit(false)
    }

    fn transfer(&mut self) -> Result<(), Failure> {
        self.heading(
            "6.00 go to a friend's purse, and 2.00 of them on to another: no bank, no shop, no network",
        )?;
        for name in ["bob", "carol"] {
            let card =
                NewCardArguments { role: RoleArgument::Purse, blank: false, disposable: false, value: None };
            self.show(&new_card::new(&self.context(None, None)?, name, &card)?.text)?;
        }
        self.line(
            "   Each purse shows the other its certificate, and computes a key that only these two have:",
        )?;
        for (payer, payee, amount, left, got) in
            [("card", "bob", "6.00", "9.00", "6.00"), ("bob", "carol", "2.00", "4.00", "2.00")]
        {
            let global = GlobalArguments {
                card: Some(payer.to_owned()),
                sam: Some(payee.to_owned()),
                ..self.global.clone()
            };
            let home = Home::open(self.directory.path().join("home"))?;
            let context = Context::with_home(home, &global, self.console)?;
            let reply = transfer::at_hand(&context, self.money(amount)?)?;
            self.show(&reply.text)?;
            self.expect(&format!("balance of {payer} after its transfer"), left, reply.field("balance"));
            self.expect(&format!("balance of {payee}"), got, reply.field("payee_balance"));
        }
        Ok(())
    }

    fn collect(&mut self) -> Result<(), Failure> {
        self.heading("The shop collects: 3.50 - 1.00 + 2.50 go to the merchant's account")?;
        let reply = collect::collect(&self.context(None, None)?, false, None)?;
        self.show(&reply.text)?;
        self.expect_account(MERCHANT, "5.00")?;
        self.heading("The books, at the end")?;
        self.audit(false)
    }

    /// An audit; whether something has to be in flight.
    fn audit(&mut self, in_flight: bool) -> Result<(), Failure> {
        let audit = Audit::take(&self.context(None, None)?)?;
        let text = audit.text();
        // The list of transfers is for those who look for one.
        let sums = text.split_once("\n\n").map_or(text.as_str(), |(sums, _)| sums);
        self.show(sums)?;
        self.expect("the audit adds up", "true", &audit.adds_up().to_string());
        self.expect("value in flight", &in_flight.to_string(), &audit.has_value_in_flight().to_string());
        Ok(())
    }

    fn expect_account(&mut self, name: &str, expected: &str) -> Result<(), Failure> {
        let context = self.context(None, None)?;
        let accounts = context.issuer()?.accounts()?;
        let held = accounts.iter().find(|held| held.account.name == name);
        let found =
            held.map_or_else(String::new, |held| words::decimal(held.account.currency, held.balance.into()));
        self.show(&format!("account `{name}`: {found} EUR"))?;
        self.expect(&format!("account {name}"), expected, &found);
        Ok(())
    }
}

/// A line of the trace without its time, and not longer than a terminal is wide.
fn shortened(line: &str) -> String {
    const WIDTH: usize = 104;
    let line = line.split_once(' ').map_or(line, |(_, rest)| rest);
    if line.chars().count() <= WIDTH {
        return line.to_owned();
    }
    line.chars().take(WIDTH - 2).chain("..".chars()).collect()
}
