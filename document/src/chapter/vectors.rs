//! Test vectors: what is given, and what follows from it, each with the formula in the language of the listings.

use apdu_spec::cryptography::{
    Authenticator, Chain, Engine as _, KeyPurpose, check_value, script_mac, session_key,
};
use apdu_spec::element::{Kind, Role};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::RecordRole;
use apdu_spec::software::Software;

use crate::markdown::{Markdown, code};
use crate::scheme::{VERSION, Who, key, master, pair, session};
use crate::{Outcome, examples};

use super::Sources;

/// Name, formula, value.
type Row = [String; 3];

const HEAD: [&str; 3] = ["name", "formula", "value"];

fn given(name: &str, value: &[u8]) -> Row {
    [format!("`{name}`"), "given".to_owned(), code(value)]
}

fn follows(name: &str, formula: &str, value: &[u8]) -> Row {
    [format!("`{name}`"), format!("`{formula}`"), code(value)]
}

/// Name of a card in the vectors.
fn prefix(who: Who) -> &'static str {
    match who.role() {
        Role::Purse => "PURSE",
        Role::Merchant => "SAM",
    }
}

fn label(purpose: KeyPurpose) -> String {
    String::from_utf8_lossy(&purpose.label()).into_owned()
}

pub(crate) fn write(text: &mut Markdown, sources: &Sources<'_>) -> Outcome<()> {
    keys(text)?;
    text.paragraph("Transactions: each table holds PD, the pair key, and everything that is said about it.");
    let mut chain = Chain::NONE;
    let mut records = vec![given("H0", &chain.0)];
    for (name, details) in &sources.runs.transactions {
        text.heading(3, &format!("Vectors: {name}"));
        transaction(text, name, details, chain)?;
        // What the SAM has recorded: it was paid, it paid, it was collected.
        let role = match details.kind {
            Kind::Purchase => RecordRole::Payee,
            Kind::Refund => RecordRole::Payer,
            Kind::Unload if *name == "collection" => RecordRole::Payer,
            _ => continue,
        };
        let collection = (*name == "collection").then_some(chain);
        let tac = examples::tac_of(details, collection);
        let (before, after) = (records.len() - 1, records.len());
        chain = examples::chain_after(chain, role, details, tac)?;
        let (pd, tac_name) = (pd_name(name), tac_name(name));
        let formula = format!("CMAC(SAM.TACK.KEY, H{before} & X\"{:02X}\" & {pd} & {tac_name})", role.code());
        records.push(follows(&format!("H{after}"), &formula, &chain.0));
    }
    text.heading(3, "Vectors: chain").paragraph(
        "The SAM's records so far: it was paid, it paid a refund, it was collected. The TAC of the collection is over the H before it.",
    );
    text.table(HEAD, &records);
    script(text)
}

fn keys(text: &mut Markdown) -> Outcome<()> {
    text.heading(3, "Vectors: keys");
    let mut rows: Vec<Row> = KeyPurpose::ALL
        .iter()
        .map(|purpose| given(&format!("{}.MASTER", label(*purpose)), &master(*purpose).0))
        .collect();
    rows.push(given("KVN", &[VERSION.0]));
    for who in [Who::Purse, Who::Sam] {
        rows.push(given(&format!("{}.NUMBER", prefix(who)), &who.number()?.0));
    }
    for who in [Who::Purse, Who::Sam] {
        let of = prefix(who);
        for purpose in KeyPurpose::ALL {
            let label = label(purpose);
            let formula = format!("KDF({label}.MASTER, \"{label}\", {of}.NUMBER & KVN)");
            rows.push(follows(&format!("{of}.{label}.KEY"), &formula, &key(purpose, who.number()?).0));
        }
    }
    for who in [Who::Purse, Who::Sam] {
        let of = prefix(who);
        for purpose in KeyPurpose::ALL {
            let name = format!("{of}.{}", label(purpose));
            let formula = format!("FIRST(AES({name}.KEY, X\"{}\"), 3)", "01".repeat(16));
            let value = check_value(&Software, &key(purpose, who.number()?));
            rows.push(follows(&format!("{name}.CHECK"), &formula, &value));
        }
    }
    text.table(HEAD, &rows);
    Ok(())
}

fn upper(name: &str) -> String {
    name.to_uppercase()
}

fn pd_name(name: &str) -> String {
    format!("{}.PD", upper(name))
}

fn tac_name(name: &str) -> String {
    format!("{}.TAC", upper(name))
}

fn transaction(text: &mut Markdown, name: &str, details: &PayDetails, chain: Chain) -> Outcome<()> {
    let of = upper(name);
    let (purpose, number) = pair(details);
    let who = if number == Who::Purse.number()? { Who::Purse } else { Who::Sam };
    let pair_key = key(purpose, number);
    let session_bytes = session_key(&Software, &mut Software.load(&pair_key), details);
    let payer = if details.from == Who::Purse.number()? { "PURSE" } else { "SAM" };
    let collection = (name == "collection").then_some(chain);
    let tac = examples::tac_of(details, collection);
    let pd = pd_name(name);
    let tac_formula = match (details.kind, name) {
        (Kind::Load, _) => "X\"0000000000000000\"".to_owned(),
        (_, "collection") => format!("FIRST(CMAC({payer}.TACK.KEY, {pd} & COLLECTION.H), 8)"),
        _ => format!("FIRST(CMAC({payer}.TACK.KEY, {pd}), 8)"),
    };
    let mut keys = session(details);
    let pair_name = format!("{}.{}.KEY", prefix(who), label(purpose));
    let session_name = format!("{of}.SESSION");
    let said = |message: u8, more: &str| format!("FIRST(CMAC({session_name}, X\"{message:02X}\"{more}), 8)");
    let mut rows = vec![given(&pd, &details.emit())];
    if collection.is_some() {
        rows.push(given("COLLECTION.H", &chain.0));
    }
    rows.extend([
        follows(&session_name, &format!("KDF({pair_name}, \"SESS\", {pd})"), &session_bytes.0),
        follows(&format!("{of}.REQ"), &said(1, ""), &keys.req().0),
        follows(&format!("{of}.TAC"), &tac_formula, &tac.0),
        follows(&format!("{of}.VAL"), &said(2, &format!(" & {of}.TAC")), &keys.val(tac).0),
        follows(&format!("{of}.ACK"), &said(3, ""), &keys.ack().0),
        follows(&format!("{of}.NACK"), &said(4, ""), &keys.nack().0),
    ]);
    text.table(HEAD, &rows);
    Ok(())
}

/// The MAC of a script: block, counter 5.
fn script(text: &mut Markdown) -> Outcome<()> {
    text.heading(3, "Vectors: script")
        .paragraph("Script 05 (block) with counter 00000001 for the example purse.");
    let signed = [0x80, 0x58, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x05];
    let mut key = Software.load(&key(KeyPurpose::Administration, Who::Purse.number()?));
    let Authenticator(mac) = script_mac(&Software, &mut key, &signed);
    text.table(
        HEAD,
        &[given("SCRIPT", &signed), follows("SCRIPT.MAC", "FIRST(CMAC(PURSE.ADMN.KEY, SCRIPT), 8)", &mac)],
    );
    Ok(())
}
