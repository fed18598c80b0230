//! Processes across parties, each as it was played, with every byte.

use apdu_spec::process::{LISTINGS, Listing, ListingKind};
use purse_terminal::explain::Object;

use crate::Outcome;
use crate::fields::{self, lines};
use crate::markdown::{Markdown, code, hexadecimal, link};
use crate::recorder::{Exchange, Part};
use crate::run::Run;
use crate::scheme::{OPERATOR_PIN, PIN, TIME, Who, issuer};

use super::{Sources, listings, messages};

pub(crate) fn write(sources: &Sources<'_>) -> Outcome<Markdown> {
    let mut text = Markdown::new();
    text.paragraph(&format!(
        "These are runs of a card, a terminal and an issuer that follow this standard, one after the other, with the keys of {}: issuer {}, purse {} \
         (PIN {PIN}), another purse {} (the same PIN), merchant SAM {} (PIN of its operator {OPERATOR_PIN}). The time is always {}, the currency the euro. Dashed arrows are answers. \
         How the terminal and the issuer carry their messages to each other is their own matter; {} says what is in them.",
        link("Vectors: keys"), code(&issuer()?.0), code(&Who::Purse.number()?.0), code(&Who::Peer.number()?.0), code(&Who::Sam.number()?.0), code(&TIME.emit()), link("Messages to issuer and terminal")
    ));
    rules(&mut text);
    let runs = sources.runs;
    let about = [
        ("Load", LOAD),
        ("Purchase", PURCHASE),
        ("Refund", REFUND),
        ("Unload", UNLOAD),
        ("Collection", COLLECTION),
        ("Transfer", TRANSFER),
        ("Recovery: the payee takes it", RECOVERY),
        ("Recovery: the payee never will", REVERSAL),
        ("Recovery of a transfer", RECOVERY_OF_TRANSFER),
        ("Personalisation of the purse", PERSONALISATION),
        ("Personalisation of the merchant SAM", "The same, with PAYM masters."),
    ];
    let all = || runs.processes.iter().chain(&runs.recoveries).chain(&runs.personalisations);
    for run in all() {
        let about = about.iter().find(|(title, _)| *title == run.title).map_or("", |(_, about)| about);
        play(&mut text, run, about)?;
    }
    for listing in processes().filter(|listing| !all().any(|run| is_of(listing, run))) {
        text.heading(3, listing.name);
        listings::put(&mut text, listing.text);
    }
    messages::put(&mut text);
    Ok(text)
}

fn processes() -> impl Iterator<Item = &'static Listing> {
    LISTINGS.iter().filter(|listing| listing.kind == ListingKind::Process)
}

/// Whether this run has played the listing; it stands there then.
fn is_of(listing: &Listing, run: &Run) -> bool {
    run.title.eq_ignore_ascii_case(listing.name)
}

const LOAD: &str = "The issuer pays a card. The card asks; the issuer verifies req, takes the amount from the account, records it, and only then gives val. The same PD gets the same val for ever; another PD of \
    that card gets none until the first is resolved by ack or nack. A load is asked for with the issuer's number as payer and the card's own sequence as the payer's.";
const PURCHASE: &str = "A purse pays a merchant SAM. The purse's SELECT tells number, sequence and key version; the SAM asks, the purse debits, the SAM credits. From then on the merchant has the money. ACKNOWLEDGE lets the purse know; \
    nobody waits for it, but an unacknowledged purchase cannot be refunded.";
const REFUND: &str = "A SAM pays a purse back, against a settled purchase in the purse's own log (see FIND.PURCHASE). The operator's PIN is verified, because the limit without PIN of a SAM is 0. First the terminal looks for purchases that are still open, and settles them.";
const UNLOAD: &str = "A purse pays the issuer. The issuer asks, for the card's own number and sequence. It takes at most one PD for each card and sequence, in any order and at any time, credits the account, and gives ack. If it declines one, it records that before it gives nack.";
const COLLECTION: &str = "A SAM pays the issuer all that it holds. The terminal reads every record that the issuer has not passed, with READ ENTRY, and hands them over; then it lets the issuer ask for exactly the balance of the pocket. \
    When val comes, the issuer computes the chain H over the records and compares the TAC of the collection. Only when it fits does the issuer give ack, and only after ack may the SAM overwrite these records. \
    The merchant gets the amount of the collection, once, and never a sum of TACs: an amount that no good records account for is withheld.";
const TRANSFER: &str = "A purse pays another purse; nobody else is needed. The terminal reads both certificates (GET DATA 7F21), judges their expiry and whether either purse is on the list of blocked ones, and has each purse verify the other's. \
    Then the payee asks, with key version 00 and the payer's next sequence, the payer debits, the payee credits, and the payer is told. Both cards need not be in readers at once: PD, req, val with TAC, and ack may wait with the terminal for as long as it takes, and \
    each time that a card comes back it is selected anew and verifies the other's certificate again, before any other command of the transfer. What is interrupted is recovered like a purchase, with VERIFY CERTIFICATE first in either card: GET PROOF, CREDIT, ACKNOWLEDGE; or DECLINE, REVERSE.";
const RECOVERY: &str = "The purse is taken away as it answers to DEBIT: nobody but the purse knows whether it has paid. Later, any terminal with both cards reads the open payments, asks for the proof again, and brings it to the payee. All cards at hand take part. \
    What a card takes, takes back or declines is a new record, which pushes the oldest one out of its log: an open purchase, or what it would have answered of a payment to it. So every card is read first, and asked what it has done with the payments to it under sequences that it has used, which writes nothing; \
    then loads and purchases come to their ends, then the others. That loses none of them, whatever the order of the cards.";
const REVERSAL: &str = "Again a response is lost, but before anybody recovers the SAM takes another purchase, so that its sequence has moved on. It can never credit the first one, and says so by nack; the purse takes its money back.";
const RECOVERY_OF_TRANSFER: &str = "The payee is taken away as it answers to CREDIT: it has the value, and the payer does not know. Nothing is written before each card has said what it has done with the payments to it, for a load or a reversal is a new record and may push out the one from which it knows. \
    What they say is kept until the payer's turn comes: also an ack, for a settled transfer leaves EF.EXC, and its card knows no more of the sequence.";
const PERSONALISATION: &str = "In a secure room, a blank card gets its data groups.";

/// What no single command shows.
fn rules(text: &mut Markdown) {
    text.heading(3, "Rules for terminals and issuers").list(&[
        "A terminal forms PD once and uses it in every message of the transaction, its time included.".to_owned(),
        format!("Whoever has lost a response sends the same command again, byte for byte, or asks for GET PROOF; it never begins the payment anew before it knows. The exceptions are in {}.", link("Repeats")),
        "TRANSMIT sends the Le of the command's row: none where no answer is due, the answer's length where that is always the same, and 00 where all, or up to Le, is given. 6Cxx says that nothing has been executed: the same command again with that Le. With T=0, 61xx says that as many bytes wait: GET RESPONSE brings them.".to_owned(),
        "Which debit needs the PIN, no terminal can know, for only the card knows what has been spent without it: 6982 to DEBIT of an active card asks for it (of a locked one it says that it is locked). Nothing has moved then; the PIN is verified, and the payment begins anew with INITIALIZE.".to_owned(),
        "Recovery works at any time and for any terminal: read the open payments (role 01, state 00) of EF.EXC and EF.LOG; for each, GET PROOF, then CREDIT at the payee, then ACKNOWLEDGE. If the payee refuses for certain, DECLINE at the payee, then REVERSE. Of several cards all are read first, and asked of the payments to them under sequences that they have used; then purchases, the oldest first, because a reversal is a new record and may push out the oldest; then the others.".to_owned(),
        format!("Where the payee cannot be reached any more, the issuer may close the payment with script 08, as {} says; nobody else can.", link("Payments whose payee is gone")),
        "Expiry is judged by the terminal, for load, purchase, refund and transfer, in a transfer that of both certificates too. Unload, collection and recovery work on an expired card, so that the money can get out.".to_owned(),
        format!("Every command about a transfer, GET PROOF of a recovery too, is 6985 until the card has verified the certificate of the other purse in this session: see {}.", link("Certificates and pair keys")),
        "A load that is unresolved is finished before another one begins. The issuer gives val only for sequences above that of every earlier load of the card.".to_owned(),
        "The issuer records what it says before it says it, as a card does.".to_owned(),
    ]);
}

fn play(text: &mut Markdown, run: &Run, about: &str) -> Outcome<()> {
    text.heading(3, run.title)
        .paragraph(about)
        .picture(&format!("Sequence diagram: {}", run.title), run.file);
    for listing in processes().filter(|listing| is_of(listing, run)) {
        listings::put(text, listing.text);
    }
    for (number, exchange) in (1..).zip(&run.exchanges) {
        match exchange {
            Exchange::Card { who, command, response, lost } => {
                let name = match who {
                    Who::Purse => "purse",
                    Who::Peer => "other purse",
                    Who::Sam => "merchant SAM",
                };
                let reading = fields::reading(command, Object::Command)?;
                let end = if *lost { " The response is lost on its way." } else { "" };
                text.paragraph(&format!("**{number}. Terminal to {name}: {}.**{end}", reading.title));
                let answer = fields::response(command, response)?;
                text.code(
                    "text",
                    &format!(
                        "> {}\n< {}\n\n{}\n{}",
                        hexadecimal(command),
                        hexadecimal(response),
                        lines(&reading, command),
                        lines(&answer, response)
                    ),
                );
            }
            Exchange::Issuer { name, sent, answered, status } => {
                text.paragraph(&format!("**{number}. Terminal to issuer: {name}.**"));
                text.code(
                    "text",
                    &format!("{}{}< status word     {status:04X}\n", parts('>', sent), parts('<', answered)),
                );
            }
        }
    }
    Ok(())
}

fn parts(direction: char, parts: &[Part]) -> String {
    let lines = parts.iter().map(|(name, bytes)| format!("{direction} {name:14}  {}\n", hexadecimal(bytes)));
    lines.collect::<Vec<_>>().concat()
}
