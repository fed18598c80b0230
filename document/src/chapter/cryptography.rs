//! Keys and authenticators.

use apdu_spec::command::{CommandName, table};

use crate::Outcome;
use crate::markdown::{Markdown, code, link};
use crate::scheme::{Who, key_pair};

use super::{Sources, meanings, vectors};

pub(crate) fn write(sources: &Sources<'_>) -> Outcome<Markdown> {
    let mut text = Markdown::new();
    text.paragraph(
        "There are two building blocks: AES-128, and AES-CMAC as SP 800-38B defines it. Everything below is written with \
         them; transfers between purses add SHA-256 and the curve P-256. `CMAC(key, bytes)` has 16 bytes; `FIRST(bytes, 8)` are the first 8 of them, and that is what crosses the wire. \
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
            row("private key", "a random number from 1 to below the order of P-256", "the purse alone"),
            row(
                "pair key of two purses",
                "`FIRST(SHA256(X\"00000001\" & Z & \"PAIR\" & LOWER & HIGHER), 16)`",
                "both purses: transfer",
            ),
            row("session key", "`KDF(PAIR.KEY, \"SESS\", PD)`", "both sides of one transaction"),
        ],
    );
    text.paragraph(
        "`NUMBER` and `KVN` are number (8 bytes) and key version (1 byte) of the card. The pair key of a transaction is the LOAD card key of the card that is loaded or unloaded, \
         and the PAYM card key of the purse in a purchase and a refund; a SAM makes that from its master. In a transfer it is what the two purses agree on, as follows.",
    );
    transfers(&mut text)?;
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

/// What lets two purses speak with each other.
fn transfers(text: &mut Markdown) -> Outcome<()> {
    text.heading(3, "Certificates and pair keys").paragraph(
        "A purse has a key pair of its own on the curve P-256, and a *certificate*: the issuer's word that this number has this public key. \
         GET DATA 7F21 gives the certificate as the data object `7F21 81 93` with what follows in it, and VERIFY CERTIFICATE takes that inside, 147 bytes:",
    );
    let pair = key_pair(Who::Purse.number()?)?;
    let inside = pair.certificate.emit();
    let mut offset = 0;
    let mut rows = Vec::new();
    for field in table::row(CommandName::VerifyCertificate).data {
        let value = inside.get(offset..offset + usize::from(field.length)).unwrap_or(&[]);
        let (name, length) = (field.name.to_owned(), field.length.to_string());
        rows.push([offset.to_string(), length, name, meanings::meaning(field.name)?, code(value)]);
        offset += usize::from(field.length);
    }
    text.table(["offset", "bytes", "field", "content", "example"], &rows);
    text.paragraph(
        "The signature is ECDSA with SHA-256 over the 77 bytes of the body, from version to public key, without the two headers. A card knows one public key of its issuer, and by its own certificate that key's index: \
         it takes certificates of that index alone. An issuer that changes its key gives the new one another index, and purses of different indices do not pay each other.",
    )
    .paragraph(&format!(
        "A card that verifies a certificate asks in this order, as {} says: the form, that is lengths, headers, version, role 01 or 02, number with its check digit and month (6A80); whether it has a key pair itself (6985); role 01 and another number than its own (6A80); the key index (6A88); \
         the signature (6988); that the public key is a point of the curve (6A80). Expiry it does not judge, for it has no clock; neither does it know which purses are blocked. Both are the terminal's, as often as it pays.",
        link("VERIFY CERTIFICATE")
    ))
    .paragraph(
        "Then both purses have the same secret. Z is the x coordinate, 32 bytes, of the point that one's private key and the other's public key make (ECDH). The pair key is the first 16 bytes of SHA-256 over \
         the counter 00000001, Z, the four letters `PAIR`, and the numbers of both purses, 8 bytes each, the lower one first whoever pays (the one-step key derivation of SP 800-56C). It is the same in both directions and for ever; \
         what makes each transfer its own is PD, from which the session key is derived. PD of a transfer has key version 00.",
    );
    Ok(())
}
