//! Data elements: what crosses the wire, and the names that listings use.

use apdu_spec::cryptography::Tac;
use apdu_spec::data_element::{CONSTANTS, DATA_ELEMENTS, DataElement, ElementForm, Home, Subscript};
use apdu_spec::element::{Kind, Role, Sequence};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pin::{MAXIMUM_DIGITS, MINIMUM_DIGITS};
use apdu_spec::record::{LogRecord, RecordRole, RecordState};
use purse_terminal::explain::Object;

use purse_reference::memory::{Memory, Sizes};

use crate::markdown::{Markdown, code, link};
use crate::scheme::{PIN, issuer, pin};
use crate::{Outcome, examples};

use super::{Sources, layouts};

pub(crate) fn write(sources: &Sources<'_>) -> Outcome<Markdown> {
    let mut text = Markdown::new();
    values(&mut text)?;
    text.heading(3, "Pay details").paragraph(
        "Pay details (PD) name one transaction. Payer and payee form them each for itself, from what it is told and from its own number and \
         sequence, and every authenticator covers them. The key version is that of the purse in a load, an unload, a purchase \
         and a refund of a purse, and that of the SAM in a load and an unload of a SAM; in a transfer it is 00. In a load and an unload the issuer's sequence equals the card's.",
    );
    let details = sources.runs.purchase()?;
    layouts::table(&mut text, &details.emit(), Object::PayDetails, 0)?;
    text.heading(3, "Log record").paragraph(
        "A record says what the card did under one sequence number. Every number below the card's sequence has exactly \
         one record, until the log lets it go. A record of a reversal carries PD and TAC of the payment that it takes back.",
    );
    layouts::table(&mut text, &record(&details, examples::tac_of(&details, None)).emit(), Object::Record, 0)?;
    text.heading(3, "Status block").paragraph(
        "What a card says of itself, in the answer to SELECT and in EF.ID. The money fields are those of pocket 0. A blank \
         card says role 01, and zero for all it does not have.",
    );
    layouts::table(&mut text, &sources.runs.status_block()?, Object::StatusBlock, 0)?;
    text.heading(3, "PIN block").paragraph(&format!(
        "8 bytes: `2`, the number of digits, {MINIMUM_DIGITS} to {MAXIMUM_DIGITS} digits, and `F` up to the end. PIN {PIN} is {}. Any other form is 6A80 \
         and costs no try.",
        code(&pin(PIN)?.emit())
    ));
    names(&mut text);
    Ok(text)
}

fn record(details: &PayDetails, tac: Tac) -> LogRecord {
    LogRecord {
        pay_details: *details,
        role: RecordRole::Payer,
        state: RecordState::Settled,
        balance: apdu_spec::element::Amount(4_650),
        tac,
    }
}

/// Numbers, codes and their names.
fn values(text: &mut Markdown) -> Outcome<()> {
    text.heading(3, "Numbers of parties").paragraph(&format!(
        "Every party has a number: 16 decimal digits in 8 bytes of BCD. The last one is a check digit: double every other digit, beginning \
         with the first; of a result above 9 take 9 away; the sum of all digits is a multiple of 10. Zero is no number. The issuer of the examples is {}. \
         A card compares numbers that come over the wire and does not check their digits; it checks those that it is personalised with.",
        code(&issuer()?.0)
    ));
    text.heading(3, "Sequences").paragraph(&format!(
        "A party counts its transactions: a sequence of 4 bytes, from 0, up by one with each record, never back, never around. From {:08X} on \
         a card begins no payment but an unload (9402), so that what is open can still be finished; {:08X} is the last that it uses. \
         {:08X} stands for none. An unload under the last sequence cannot be taken back any more, for that would need another: if the issuer declined it, it would stay open for ever. The issuer does not count: in its messages its own sequence is the card's.",
        Sequence::EXHAUSTED.0, Sequence::LAST.0, Sequence::NONE.0
    ));
    text.heading(3, "Kinds").paragraph("P1 of INITIALIZE and DEBIT, and the first byte of PD.");
    let kinds = Kind::ALL.map(|kind| {
        let roles = |takes_part: fn(Role, Kind) -> bool| {
            let mut names: Vec<&str> = [Role::Purse, Role::Merchant]
                .into_iter()
                .filter(|role| takes_part(*role, kind))
                .map(Role::name)
                .collect();
            if names.is_empty() {
                names.push("issuer");
            }
            names.join(" or ")
        };
        [format!("{:02X}", kind.code()), kind.name().to_owned(), roles(Role::pays), roles(Role::receives)]
    });
    text.table(["code", "kind", "payer", "payee"], &kinds);
    text.paragraph("The unload of a merchant SAM is called a collection.");
    text.heading(3, "Roles and states")
        .paragraph("What a card is, what it did, and what became of it: one byte each.");
    let roles =
        [Role::Purse, Role::Merchant].map(|role| [format!("{:02X}", role.code()), role.name().to_owned()]);
    text.table(["code", "role of a card"], &roles);
    let did = [
        (RecordRole::Payer, "the card paid"),
        (RecordRole::Payee, "the card was paid"),
        (RecordRole::Declined, "the card said that it never will be paid (DECLINE)"),
        (RecordRole::Reversal, "the card took a payment of its own back (REVERSE)"),
    ];
    let rows =
        did.map(|(role, what)| [format!("{:02X}", role.code()), role.name().to_owned(), what.to_owned()]);
    text.table(["code", "role of a record", "meaning"], &rows);
    let states = [
        (RecordState::Open, "the payer does not know yet whether the payee has credited"),
        (RecordState::Settled, "the payee has credited; every record that is not a payer's"),
        (RecordState::Reversed, "the payer has taken it back"),
        (RecordState::Refunded, "a purchase that a refund was paid for"),
    ];
    let rows = states
        .map(|(state, what)| [format!("{:02X}", state.code()), state.name().to_owned(), what.to_owned()]);
    text.table(["code", "state of a record", "meaning"], &rows);
    Ok(())
}

/// The names that listings use.
fn names(text: &mut Markdown) {
    text.heading(3, "Names in the listings").paragraph(&format!(
        "The listings call data elements by these names. *Number* has so many bytes where it is put among others. \
         Fields of a command have the names that its table gives them, in capitals, with a point for a space: `OWN.SEQUENCE`. What is not in these tables is a working \
         variable of the listing. The language is defined in {}.",
        link("The language of the listings")
    ));
    let homes = [
        (Home::Identity, "Set by personalisation, then never changed"),
        (Home::Memory, "Kept in memory, changed in a COMMIT only"),
        (Home::Maker, "Sizes that the maker of the card chooses"),
        (Home::Session, "Lost at reset"),
        (Home::Command, "Of the command at hand"),
        (Home::Working, "Formed while a command is executed"),
    ];
    for (home, title) in homes {
        let rows: Vec<[String; 3]> = DATA_ELEMENTS
            .iter()
            .filter(|element| element.home == home)
            .map(|element| [format!("`{}`", written(element)), form(element), content(element)])
            .collect();
        text.paragraph(&format!("**{title}.**")).table(["name", "form", "content"], &rows);
    }
    text.paragraph(&format!(
        "On a blank card every data element that is kept in memory, and all of the identity, is zero, and the log is empty; but {}. After a reset every element of the session is zero or empty: nothing is selected, and `FILE` is the MF.",
        not_zero().join(" and ")
    ));
    text.heading(3, "Constants").paragraph("Names for numbers.");
    let rows: Vec<[String; 3]> = CONSTANTS
        .iter()
        .map(|constant| {
            let digits = usize::from(constant.length) * 2;
            [
                format!("`{}`", constant.name),
                format!("`{:0digits$X}`", constant.value),
                constant.meaning.to_owned(),
            ]
        })
        .collect();
    text.table(["name", "bytes", "meaning"], &rows);
}

fn written(element: &DataElement) -> String {
    let subscript = match element.subscript {
        Subscript::None => "",
        Subscript::Pocket => "(pocket)",
        Subscript::Master => "(place)",
        Subscript::Sequence => "(sequence)",
        Subscript::Group => "(DGI)",
    };
    format!("{}{subscript}", element.name)
}

fn form(element: &DataElement) -> String {
    match element.form {
        ElementForm::Number(length) => format!("number, {length}"),
        ElementForm::Bytes(length) => format!("bytes, {length}"),
        ElementForm::Variable => "bytes".to_owned(),
    }
}

fn content(element: &DataElement) -> String {
    let secret = if element.secret { "; secret" } else { "" };
    format!("{}{secret}", element.meaning)
}

/// What a blank card has that is not zero, sizes left out.
fn not_zero() -> Vec<String> {
    let blank = Memory::blank(Sizes { window: 32, exceptions: 8 });
    let kept = DATA_ELEMENTS.iter().filter(|element| element.home != Home::Maker);
    let values = kept.filter_map(|element| Some((element.name, blank.value(element.name, 0)?.number()?)));
    values
        .filter(|(_, value)| *value != 0)
        .map(|(name, value)| {
            let constant = CONSTANTS.iter().find(|constant| i64::from(constant.value) == value);
            format!(
                "`{name}` is {}",
                constant.map_or_else(|| value.to_string(), |found| format!("`{}`", found.name))
            )
        })
        .collect()
}
