//! `proof …`: what one card has to say to another goes by letter, as a file, a line of text or a QR code, through as many
//! terminals as it takes.

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use purse_terminal::client::Client;
use purse_terminal::flow::FlowError;
use purse_terminal::flow::letter::{Content, Letter};
use purse_terminal::flow::relay::{self, Reply as Answer};
use purse_terminal::flow::transfer::Transfer;
use purse_terminal::home::NewFile;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use serde_json::{Value, json};

use super::arguments::ProofCommand;
use super::context::{Context, Slot};
use super::failure::{Failure, NOTHING_MOVED};
use super::hot_list::refuse_listed;
use super::money;
use super::output::{Console, Reply};
use super::pending;
use super::receipt::pay_details_document;
use super::transfer::{describe, keepable, wants_pin};
use super::words;

/// Letters are short; a file that is longer is none.
const LONGEST: u64 = 1 << 20;

/// `proof`
pub(crate) fn proof(context: &Context, command: &ProofCommand) -> Result<Reply, Failure> {
    let (ProofCommand::Export { output }
    | ProofCommand::Offer { output, .. }
    | ProofCommand::Import { output, .. }) = command;
    // A letter that cannot be kept is not asked for: it may be money.
    let new_file = |path: &Path| NewFile::create(path).map_err(|error| Failure::new_file(path, &error));
    let place = output.out.as_deref().map(new_file).transpose()?;
    let put = Put { place, qr: output.qr };
    match command {
        ProofCommand::Export { .. } => {
            let mut card = context.card()?;
            let letter = relay::introduction(&mut card)?;
            Ok(told(vec![sent(&letter)], None, put))
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
            Ok(told(vec![said(&letter, what)], None, put))
        }
        ProofCommand::Import { file, .. } => {
            let mut answers = Vec::new();
            for letter in read(file)? {
                match carry_out(context, &letter) {
                    Ok(more) => answers.extend(more),
                    Err(failure) if answers.is_empty() => return Err(failure),
                    // What the letters before it have come to is not kept back.
                    Err(failure) => return Ok(told(answers, Some(failure), put)),
                }
            }
            Ok(told(answers, None, put))
        }
    }
}

/// Where letters go to.
struct Put {
    /// Instead of standard output.
    place: Option<NewFile>,
    qr: bool,
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
    let mut card = card_for(context, letter)?;
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
    let number = card.status().number;
    let answer = carried_out(context, card, letter)?.map_err(|error| {
        let failure = refused(context, error);
        Failure { message: format!("{} (card {number})", failure.message), ..failure }
    })?;
    Ok(vec![ended(answer)])
}

/// The card at hand, if neither it nor the letter's sender is on the hot list; one that is locked or blocked begins nothing,
/// and finishes what it has begun. What an earlier command has left with it is finished before it gets another record.
pub(crate) fn card_for(context: &Context, letter: &Letter) -> Result<Client<Slot>, Failure> {
    refuse_listed(context, letter.sender.body.number)?;
    if matches!(letter.content, Content::Request(..) | Content::Payment(_) | Content::Declined(..)) {
        pending::finish_left(context, context.card_place()?)?;
    }
    let card = context.card()?;
    match letter.content {
        Content::Offer { .. } | Content::Request(..) => {
            money::usable(context, context.card_place()?, card.status())?;
        }
        Content::Introduction | Content::Payment(_) | Content::Credited(..) | Content::Declined(..) => {
            refuse_listed(context, card.status().number)?;
        }
    }
    Ok(card)
}

/// The letter, with the PIN where the card wants it. A transfer that `purse transfer` was interrupted in may end by it.
pub(crate) fn carried_out(
    context: &Context,
    mut card: Client<Slot>,
    letter: &Letter,
) -> Result<Result<Answer, FlowError>, Failure> {
    let answer = match relay::carry_out(&mut card, letter, None, money::now()) {
        Err(error) if wants_pin(&error, None) => {
            // Nobody is asked with the card open.
            drop(card);
            let pin = context.pin().read()?;
            let mut card = context.card()?;
            relay::carry_out(&mut card, letter, Some(&pin), money::now())
        }
        answer => answer,
    };
    if let Ok(answer) = &answer {
        note_end(context, answer);
    }
    Ok(answer)
}

fn note_end(context: &Context, answer: &Answer) {
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

/// A letter that was not carried out.
pub(crate) fn refused(context: &Context, error: FlowError) -> Failure {
    match (error, context.card_place()) {
        (error @ FlowError::WrongPurse(_), _) => Failure::usage(error.to_string()),
        (FlowError::NoPocket(currency), Ok(place)) => Failure::no_pocket(place, currency),
        (error @ FlowError::OutcomeUnknown { .. }, _) => Failure {
            next: "Carry the same letter out again: the card says the same again, and does nothing twice."
                .to_owned(),
            ..error.into()
        },
        (error, _) => error.into(),
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

/// Letters to stdout or a file, and what they are to stderr; and why there are no more. Whatever fails here, the cards have
/// done what they say, so they are printed in any case.
fn told(answers: Vec<Told>, failure: Option<Failure>, put: Put) -> Reply {
    let mut failure = failure.map(|failure| match failure.money.as_str() {
        NOTHING_MOVED => {
            failure.with_money("By this letter no money has moved; those before it are carried out.")
        }
        _ => failure,
    });
    let mut lines = Vec::new();
    let mut documents = Vec::new();
    for Told { text, letter, outcome, document } in answers {
        Console::say(&text);
        let mut entry = json!({ "outcome": outcome, "pay_details": document });
        if let Some(letter) = letter {
            let line = letter.text();
            if put.qr {
                Console::say(&picture(&line));
            }
            entry["letter"] = json!(line);
            lines.push(line);
        }
        documents.push(entry);
    }
    let mut text = lines.join("\n");
    if let Some(place) = put.place
        && !lines.is_empty()
    {
        let path = place.path().to_owned();
        match place.write(format!("{text}\n").as_bytes()) {
            Ok(()) => {
                let letters = if lines.len() == 1 { "letter" } else { "letters" };
                text = format!("{}: {} {letters}", path.display(), lines.len());
            }
            Err(error) => {
                let next = "The letters are on standard output instead.";
                let unwritten = Failure::other(format!("{}: {error}", path.display()), next)
                    .with_money("What the letters say has happened all the same.");
                if failure.is_some() {
                    Console::say(&format!("error: {unwritten}"));
                }
                failure = failure.or(Some(unwritten));
            }
        }
    }
    let reply = Reply::new(text, json!({ "letters": documents }));
    match failure {
        Some(failure) => reply.stopped_by(&failure),
        None => reply,
    }
}

/// As a QR code, in blocks of text.
fn picture(line: &str) -> String {
    match QrCode::with_error_correction_level(line, qrcode::EcLevel::L) {
        Ok(code) => code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build(),
        Err(error) => format!("note: no QR code: {error}"),
    }
}
