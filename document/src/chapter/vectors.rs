//! Test vectors: what is given, and what follows from it, each with the formula in the language of the listings.

use apdu_spec::certificate::Certificate;
use apdu_spec::cryptography::{
    Authenticator, Chain, Engine as _, KeyPurpose, check_value, script_mac, session_key,
};
use apdu_spec::element::{Kind, Role};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::RecordRole;
use apdu_spec::software::Software;

use crate::markdown::{Markdown, code};
use crate::scheme::{
    EXPIRY, ISSUER_KEY, VERSION, Who, agreed, issuer_private_key, key, key_pair, master, pair, session,
};
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
        Role::Purse if who == Who::Peer => "PEER",
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
        if details.kind == Kind::Transfer {
            certificates(text)?;
            agreement(text, details)?;
        }
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

/// Key pairs, and the issuer's certificates over them.
fn certificates(text: &mut Markdown) -> Outcome<()> {
    text.heading(3, "Vectors: certificates").paragraph(
        "The issuer's signatures here are deterministic (RFC 6979), so that they can be computed again; a card only verifies, and takes any that holds.",
    );
    let issuer = key_pair(Who::Purse.number()?)?.issuer_key;
    let mut rows = vec![
        given("ISSUER.PRIVATE", &issuer_private_key().0),
        follows("ISSUER.PUBLIC", "POINT(ISSUER.PRIVATE)", &issuer.0),
        given("ISSUER.INDEX", &[ISSUER_KEY]),
        given("EXPIRY", &EXPIRY.0),
    ];
    for who in [Who::Purse, Who::Peer] {
        let (of, number) = (prefix(who), who.number()?);
        let pair = key_pair(number)?;
        let Certificate { body, signature } = pair.certificate;
        rows.extend([
            given(&format!("{of}.NUMBER"), &number.0),
            given(&format!("{of}.PRIVATE"), &pair.private_key.0),
            follows(&format!("{of}.PUBLIC"), &format!("POINT({of}.PRIVATE)"), &body.public_key.0),
            follows(
                &format!("{of}.BODY"),
                &format!("X\"01\" & ISSUER.INDEX & X\"01\" & {of}.NUMBER & EXPIRY & {of}.PUBLIC"),
                &body.emit(),
            ),
            follows(&format!("{of}.SIGNATURE"), &format!("SIGN(ISSUER.PRIVATE, {of}.BODY)"), &signature.0),
            follows(
                &format!("{of}.CERTIFICATE"),
                &format!("X\"7F4E4D\" & {of}.BODY & X\"5F3740\" & {of}.SIGNATURE"),
                &pair.certificate.emit(),
            ),
        ]);
    }
    text.table(HEAD, &rows);
    text.paragraph(
        "`POINT(private)` is the public key, `SIGN(private, bytes)` the signature: ECDSA on P-256 with SHA-256, r and s of 32 bytes each.",
    );
    Ok(())
}

/// What two purses compute when each has verified the other's certificate.
fn agreement(text: &mut Markdown, details: &PayDetails) -> Outcome<()> {
    text.heading(3, "Vectors: pair key").paragraph(
        "Each purse has its own private key and the other's public one, and both come to the same Z. The purse's number is the lower one.",
    );
    let (shared, key) = agreed(details)?;
    let pair = "FIRST(SHA256(X\"00000001\" & TRANSFER.Z & \"PAIR\" & PURSE.NUMBER & PEER.NUMBER), 16)";
    text.table(
        HEAD,
        &[
            follows("TRANSFER.Z", "ECDH(PURSE.PRIVATE, PEER.PUBLIC)", &shared.0),
            follows("TRANSFER.Z", "ECDH(PEER.PRIVATE, PURSE.PUBLIC)", &shared.0),
            follows("TRANSFER.PAIR", pair, &key.0),
        ],
    );
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
    let (pair_name, pair_key) = match pair(details) {
        Some((purpose, number)) => {
            let who = if number == Who::Purse.number()? { Who::Purse } else { Who::Sam };
            (format!("{}.{}.KEY", prefix(who), label(purpose)), key(purpose, number))
        }
        None => ("TRANSFER.PAIR".to_owned(), agreed(details)?.1),
    };
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
    let mut keys = session(details)?;
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
