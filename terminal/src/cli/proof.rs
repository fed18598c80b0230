//! `proof …`: what one card has to say to another goes by letter, as a file, a line of text or a QR code, through as many
//! terminals as it takes.

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use apdu_spec::status_block::StatusBlock;
use purse_terminal::client::Client;
use purse_terminal::flow::FlowError;
use purse_terminal::flow::letter::{Content, Letter};
use purse_terminal::flow::relay::{self, Reply as Answer};
use purse_terminal::flow::transfer::Transfer;
use purse_terminal::home::NewFile;
use purse_terminal::transport::Transport;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use serde_json::{Value, json};

use super::arguments::{LetterOutput, ProofCommand};
use super::context::Context;
use super::failure::Failure;
use super::hot_list::refuse_listed;
use super::money;
use super::output::{Console, Reply};
use super::pending;
use super::receipt::pay_details_document;
use super::transfer::{describe, keepable, letter_refused, wants_pin};
use super::words;

/// Letters are short; a file that is longer is none.
const LONGEST: u64 = 1 << 20;

/// `proof`
pub(crate) fn proof(context: &Context, command: &ProofCommand) -> Result<Reply, Failure> {
    let (ProofCommand::Export { output }
    | ProofCommand::Offer { output, .. }
    | ProofCommand::Import { output, .. }) = command;
    // A letter that cannot be kept is not asked for: it may be money.
    let file = output.out.as_deref().map(new_file).transpose()?;
    match command {
        ProofCommand::Export { .. } => {
            let mut card = context.card()?;
            let letter = relay::introduction(&mut card)?;
            told(vec![said(&letter, "who this card is".to_owned())], output, file)
        }
        ProofCommand::Offer { amount, .. } => {
            let asked = context.money(amount)?;
            let (currency, amount) = (asked.currency(), asked.amount);
            let mut card = context.card()?;
            money::usable(context, context.card_place()?, card.status())?;
            keepable(context.card_place()?, &mut card, asked)?;
            let order = Transfer { currency, amount, time: money::now(), pin: None };
            let letter = relay::offer(&mut card, &order)?;
            let what = format!("an offer of {}; nothing has moved", words::money(currency, amount.0.into()));
            told(vec![said(&letter, what)], output, file)
        }
        ProofCommand::Import { file: from, .. } => {
            let mut answers = Vec::new();
            for letter in read(from)? {
                match carry_out(context, &letter) {
                    Ok(carried_out) => answers.extend(carried_out),
                    Err(failure) if answers.is_empty() => return Err(failure),
                    // What the card has answered to those before may be money.
                    Err(failure) => return Ok(told(answers, output, file)?.stopped_by(&failure)),
                }
            }
            told(answers, output, file)
        }
    }
}

fn new_file(path: &Path) -> Result<(&Path, NewFile), Failure> {
    NewFile::create(path).map(|file| (path, file)).map_err(|error| Failure::new_file(path, &error))
}

/// What a letter came to.
struct Told {
    text: String,
    letter: Option<Letter>,
    outcome: &'static str,
    document: Value,
}

fn said(letter: &Letter, text: String) -> Told {
    let document = letter.pay_details().map_or(Value::Null, pay_details_document);
    Told { text, letter: Some(*letter), outcome: letter.content.name(), document }
}

/// The letters in a file, one on each line.
fn read(file: &Path) -> Result<Vec<Letter>, Failure> {
    let mut text = String::new();
    let opened = if file == Path::new("-") {
        io::stdin().take(LONGEST).read_to_string(&mut text)
    } else {
        fs::File::open(file).and_then(|file| file.take(LONGEST).read_to_string(&mut text))
    };
    opened.map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let letters: Result<Vec<Letter>, Failure> = lines
        .zip(1..)
        .map(|(line, number)| {
            Letter::parse(line).map_err(|error| {
                let place = file.display();
                Failure::usage(format!("{place}, line {number}: no letter of a purse: {error}"))
            })
        })
        .collect();
    match letters?.as_slice() {
        [] => Err(Failure::usage(format!("{}: there is no letter in it", file.display()))),
        letters => Ok(letters.to_vec()),
    }
}

fn carry_out(context: &Context, letter: &Letter) -> Result<Vec<Told>, Failure> {
    let mut card = context.card()?;
    takes(context, &card, letter)?;
    if letter.content == Content::Introduction {
        let open = relay::payments(&mut card, &letter.sender)?;
        let payee = letter.sender.body.number;
        if open.is_empty() {
            let text = format!("nothing is open to {payee}");
            return Ok(vec![Told { text, letter: None, outcome: "nothing_open", document: Value::Null }]);
        }
        return Ok(open.iter().map(sent).collect());
    }
    consent(context, letter)?;
    let answer = match relay::carry_out(&mut card, letter, None, money::now()) {
        Err(error) if wants_pin(&error, None) => {
            // Nobody is asked with the card open.
            drop(card);
            let pin = context.pin().read()?;
            card = context.card()?;
            relay::carry_out(&mut card, letter, Some(&pin), money::now())
        }
        answer => answer,
    };
    let answer = answer.map_err(|error| refused(error, letter, card.status()))?;
    note_end(context, &answer);
    Ok(vec![ended(answer)])
}

/// Neither is on the hot list; and a card that is locked or blocked begins nothing, and finishes what it has begun.
pub(crate) fn takes<T: Transport>(
    context: &Context,
    card: &Client<T>,
    letter: &Letter,
) -> Result<(), Failure> {
    refuse_listed(context, letter.sender.body.number)?;
    match letter.content {
        Content::Offer { .. } | Content::Request(..) => {
            money::usable(context, context.card_place()?, card.status())
        }
        Content::Introduction | Content::Payment(_) | Content::Credited(..) | Content::Declined(..) => {
            refuse_listed(context, card.status().number)
        }
    }
}

/// A transfer that `purse transfer` was interrupted in may end by letter.
pub(crate) fn note_end(context: &Context, answer: &Answer) {
    match answer {
        Answer::Settled(pay_details) | Answer::Reversed(pay_details) => pending::ended(context, pay_details),
        Answer::Letter(letter) => match &letter.content {
            Content::Credited(pay_details, _) | Content::Declined(pay_details, _) => {
                pending::ended(context, pay_details);
            }
            _ => {}
        },
    }
}

/// A payment that this terminal was only told of by a letter is not made unasked.
fn consent(context: &Context, letter: &Letter) -> Result<(), Failure> {
    let Content::Request(pay_details, _) = &letter.content else { return Ok(()) };
    let money = words::money(pay_details.currency, pay_details.amount.0.into());
    if !context.global.yes && (context.console.json() || !io::stdin().is_terminal()) {
        let what = format!("the letter asks for {money}, to be paid to {}", pay_details.to);
        return Err(Failure::usage(format!("{what}: give --yes if that is to be; nothing was paid")));
    }
    if Console::confirms(context, &format!("Pay {money} to {}?", pay_details.to)) {
        Ok(())
    } else {
        Err(Failure::usage("not confirmed; nothing was paid"))
    }
}

fn refused(error: FlowError, letter: &Letter, status: &StatusBlock) -> Failure {
    let card = status.number;
    match error {
        FlowError::WrongPurse(_) => Failure::usage(format!("{error} (card {card})")),
        _ => letter_refused(error, letter),
    }
}

pub(crate) fn ended_text(answer: &Answer) -> String {
    match answer {
        Answer::Letter(letter) => letter_text(letter),
        Answer::Settled(pay_details) => format!("{}: done, the payee has it", describe(pay_details)),
        Answer::Reversed(pay_details) => format!("{}: taken back, the payer has it", describe(pay_details)),
    }
}

fn ended(answer: Answer) -> Told {
    let text = ended_text(&answer);
    match answer {
        Answer::Letter(letter) => said(&letter, text),
        Answer::Settled(pay_details) => {
            Told { text, letter: None, outcome: "settled", document: pay_details_document(&pay_details) }
        }
        Answer::Reversed(pay_details) => {
            Told { text, letter: None, outcome: "reversed", document: pay_details_document(&pay_details) }
        }
    }
}

fn sent(letter: &Letter) -> Told {
    said(letter, letter_text(letter))
}

/// What a letter says, and where the money is then.
pub(crate) fn letter_text(letter: &Letter) -> String {
    let what = letter.pay_details().map(describe).unwrap_or_default();
    match &letter.content {
        Content::Introduction => "who this card is".to_owned(),
        Content::Offer { .. } => "an offer; nothing has moved".to_owned(),
        Content::Request(..) => format!("{what}: asked for, nothing has moved"),
        Content::Payment(_) => format!("{what}: debited, and in flight until the payee has had this letter"),
        Content::Credited(..) => {
            format!("{what}: the payee has it; this letter settles it on the payer's card")
        }
        Content::Declined(..) => {
            format!("{what}: the payee does not take it; with this letter the payer's card takes it back")
        }
    }
}

/// Letters to stdout or a file, and what they are to stderr.
fn told(answers: Vec<Told>, output: &LetterOutput, file: Option<(&Path, NewFile)>) -> Result<Reply, Failure> {
    let mut lines = Vec::new();
    let mut documents = Vec::new();
    for Told { text, letter, outcome, document } in answers {
        Console::say(&text);
        let mut entry = json!({ "outcome": outcome, "pay_details": document });
        if let Some(letter) = letter {
            let line = letter.text();
            if output.qr {
                Console::say(&picture(&line)?);
            }
            entry["letter"] = json!(line);
            lines.push(line);
        }
        documents.push(entry);
    }
    let mut text = lines.join("\n");
    if let Some((path, file)) = file
        && !lines.is_empty()
    {
        file.write(format!("{text}\n").as_bytes()).map_err(|error| {
            let next = "Run the command again with another --out: the card gives the same letter again.";
            Failure::other(format!("{}: {error}", path.display()), next)
                .with_money("The card has done what is said above; only its letter is not in the file.")
        })?;
        let letters = if lines.len() == 1 { "letter" } else { "letters" };
        text = format!("{}: {} {letters}", path.display(), lines.len());
    }
    Ok(Reply::new(text, json!({ "letters": documents })))
}

/// As a QR code, in blocks of text.
fn picture(line: &str) -> Result<String, Failure> {
    let code = QrCode::with_error_correction_level(line, qrcode::EcLevel::L)
        .map_err(|error| Failure::other(format!("no QR code: {error}"), "Report this as a defect."))?;
    Ok(code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build())
}
