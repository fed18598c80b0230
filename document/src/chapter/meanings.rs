//! What fields hold, in a line each, for the tables of layouts.

use crate::Outcome;

/// Name and content. Names are those of the standard's tables.
const MEANINGS: &[(&str, &str)] = &[
    ("kind", "what the transaction is"),
    ("key version", "version of the card keys, 01 to FF"),
    ("currency", "ISO 4217 numeric code in BCD, 0 before it: euro is 0978"),
    ("amount", "in minor units; 0 only in a collection"),
    ("from", "number of the payer"),
    ("from sequence", "the payer's sequence of this transaction"),
    ("to", "number of the payee"),
    ("to sequence", "the payee's sequence of this transaction"),
    (
        "time",
        "seconds since 1970-01-01T00:00:00Z by the payee's terminal, the same in every message of a transaction; a card trusts it for nothing",
    ),
    ("PD", "pay details"),
    ("role", "what the card is, or in a record what it did"),
    ("state", "what became of the record's payment"),
    ("balance", "in minor units; 00000000 while the lock is set"),
    ("TAC", "the payer's transaction certificate; eight bytes 00 where the issuer pays"),
    ("version", "version of this standard: 01"),
    ("life cycle", "state of the card"),
    ("purse number", "the card's number; zero on a blank card"),
    ("sequence", "sequence of the card's next transaction"),
    ("exponent", "digits behind the decimal point of the currency"),
    ("expiry", "last month of validity, YYMM in BCD; terminals judge it, the card does not"),
    ("maximum balance", "the most that the pocket may hold; a reversal may exceed it"),
    ("maximum debit", "the most that one purchase or refund may pay"),
    ("one debit without PIN", "the most that one debit may pay when the PIN has not been verified"),
    ("total without PIN", "the most that debits since the last debit under a verified PIN may add up to"),
    ("maximum transfer", "the most that one transfer may pay"),
    (
        "offline receipts",
        "the most that refunds, incoming transfers and reversals of purchases may bring between two loads or unloads",
    ),
    ("initial balance", "what the pocket holds from the start, at most its maximum balance"),
    ("issuer number", "number of the issuer"),
    ("last ADMN counter", "counter of the last accepted script, 00000000 before the first"),
    ("flags", "01: disposable; else 00"),
    ("status block", "as in the answer to SELECT"),
    ("counter", "above every counter that the card has accepted"),
    ("parameter id", "what is changed"),
    ("value", "as the parameter id wants it"),
    ("MAC", "of the issuer, under the ADMN card key"),
    ("PIN block", "ISO 9564 format 2"),
    ("tries left", "PIN tries that are left, 00 to the limit"),
    ("tries allowed", "the limit, 01 to 0F"),
    ("pocket", "00 to 04"),
    ("own sequence", "sequence of the card's own payment"),
    ("resolution", "01: settled; 02: reversed"),
    ("body header", "`7F4E4D`: tag and length of the body"),
    (
        "issuer key index",
        "which of the issuer's keys has signed; of any value, but the same in all certificates that one card takes",
    ),
    ("peer role", "01: a purse"),
    ("peer number", "whose certificate this is"),
    (
        "peer expiry",
        "last month of validity of the certificate, YYMM in BCD; terminals judge it, the card does not",
    ),
    ("public key", "a point of P-256: x 32 bytes, y 32 bytes"),
    ("public key x", "first coordinate of a point of P-256"),
    ("public key y", "second coordinate"),
    ("private key", "a number from 1 to below the order of P-256"),
    ("signature header", "`5F3740`: tag and length of the signature"),
    ("signature", "of the issuer over the body, without its header: r 32 bytes, s 32 bytes"),
    ("certificate body", "tag, length and what is signed"),
    ("tag", "of a data object"),
    ("length", "of its value"),
    ("PAYM master", "the master key of this version"),
];

/// What a field holds.
pub(crate) fn meaning(name: &str) -> Outcome<String> {
    if let Some((_, meaning)) = MEANINGS.iter().find(|(known, _)| *known == name) {
        return Ok((*meaning).to_owned());
    }
    if name.starts_with("pocket ") {
        return Ok("currency, exponent and limits; all zero where the pocket is unused".to_owned());
    }
    if let Some(key) = name.strip_suffix(" card key") {
        return Ok(format!("the card's key {key}"));
    }
    if let Some(key) = name.strip_suffix(" check value") {
        return Ok(format!("check value of the card key {key}"));
    }
    Err(format!("nobody has said what {name} is").into())
}
