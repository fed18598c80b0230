//! Keys and authenticators.

use crate::Outcome;
use crate::markdown::{Markdown, link};

use super::{Sources, vectors};

pub(crate) fn write(sources: &Sources<'_>) -> Outcome<Markdown> {
    let mut text = Markdown::new();
    text.paragraph(
        "There are two building blocks: AES-128, and AES-CMAC as SP 800-38B defines it. Everything below is written with \
         them. `CMAC(key, bytes)` has 16 bytes; `FIRST(bytes, 8)` are the first 8 of them, and that is what crosses the wire. \
         MACs, req, val, ack, nack and PINs are compared in a time that does not depend on where they differ, and keys are wiped after use.",
    )
    .paragraph(
        "Keys are derived as SP 800-108r1 has it, in counter mode with AES-CMAC and one block: \
         `KDF(key, label, context) = CMAC(key, X\"01\" & label & X\"00\" & context & X\"0080\")`, the label four ASCII letters.",
    );
    text.heading(3, "Keys");
    let row = |key: &str, made: &str, who: &str| [key.to_owned(), made.to_owned(), who.to_owned()];
    text.table(
        ["key", "how it is made", "who has it"],
        &[
            row(
                "masters LOAD, PAYM, TACK, ADMN",
                "16 random bytes each, for each key version",
                "the issuer; merchant SAMs have PAYM masters, up to eight versions",
            ),
            row(
                "card key LOAD",
                "`KDF(LOAD.MASTER, \"LOAD\", NUMBER & KVN)`",
                "card and issuer: load, unload, collection",
            ),
            row(
                "card key PAYM",
                "`KDF(PAYM.MASTER, \"PAYM\", NUMBER & KVN)`",
                "the purse, and whoever has the master: purchase, refund",
            ),
            row(
                "card key TACK",
                "`KDF(TACK.MASTER, \"TACK\", NUMBER & KVN)`",
                "card and issuer: certificates, and the chain of a SAM",
            ),
            row("card key ADMN", "`KDF(ADMN.MASTER, \"ADMN\", NUMBER & KVN)`", "card and issuer: scripts"),
            row("session key", "`KDF(PAIR.KEY, \"SESS\", PD)`", "both sides of one transaction"),
        ],
    );
    text.paragraph(
        "`NUMBER` and `KVN` are number (8 bytes) and key version (1 byte) of the card. The pair key of a transaction is the LOAD card key of the card that is loaded or unloaded, \
         and the PAYM card key of the purse in a purchase and a refund; a SAM makes that from its master.",
    );
    text.heading(3, "Messages");
    text.table(
        ["message", "bytes", "who says it, and what it means"],
        &[
            row("req", "`FIRST(CMAC(SESSION, X\"01\"), 8)`", "the payee: I ask for this"),
            row(
                "val",
                "`FIRST(CMAC(SESSION, X\"02\" & TAC), 8)`",
                "the payer: I have debited it, with this TAC",
            ),
            row("ack", "`FIRST(CMAC(SESSION, X\"03\"), 8)`", "the payee: I have credited it"),
            row("nack", "`FIRST(CMAC(SESSION, X\"04\"), 8)`", "the payee: I have not, and never will"),
            row(
                "TAC",
                "`FIRST(CMAC(TACK.KEY, PD), 8)`",
                "the payer, to the issuer; `X\"0000000000000000\"` where the issuer pays",
            ),
            row(
                "TAC of a collection",
                "`FIRST(CMAC(TACK.KEY, PD & H), 8)`",
                "the SAM, over all it has recorded",
            ),
            row(
                "H",
                "`CMAC(TACK.KEY, H & ROLE & PD & TAC)`",
                "chain of a SAM's records; sixteen bytes 00 before the first",
            ),
            row(
                "MAC of a script",
                "`FIRST(CMAC(ADMN.KEY, CLA & INS & P1 & P2 & COUNTER & ID & VALUE), 8)`",
                "the issuer",
            ),
            row(
                "check value of a key",
                "`FIRST(AES(KEY, X\"01010101010101010101010101010101\"), 3)`",
                "says whether a key has arrived whole",
            ),
        ],
    );
    text.paragraph(
        "The TACK key is the payer's own, under the payer's own number and key version, whatever the pair key is. In H the role is one byte, the record's, and PD and TAC are the record's. \
         A wrong authenticator is 6988; nothing is written and nothing is counted, since a counter would let anybody with a \
         reader make a purse useless, and 64 bits need none.",
    )
    .paragraph(&format!(
        "The vectors that follow belong to the example scheme of the whole document: the transactions are those of the chapter {}.",
        link("Processes")
    ));
    vectors::write(&mut text, sources)?;
    Ok(text)
}
