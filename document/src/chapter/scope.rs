//! What the standard is about, and where it comes from.

use crate::markdown::{Markdown, link};

/// Where something is taken from, and what.
const SOURCES: [(&str, &str); 12] = [
    (
        "EN 1546",
        "the idea of an inter-sector electronic purse, the names of its files and data elements, the three signatures S1, S2, S3",
    ),
    ("ISO/IEC 7816-3", "answers to reset, T=0 and T=1, the four cases of a command"),
    (
        "ISO/IEC 7816-4",
        "SELECT, READ BINARY, READ RECORD, GET DATA, VERIFY, file control information, the life cycle byte, status words",
    ),
    ("ISO 9564, format 2", "the PIN block"),
    ("ISO/IEC 7812-1", "the check digit of a number"),
    ("ISO/IEC 7816-8", "PERFORM SECURITY OPERATION with P1 00 and P2 BE: verify a certificate"),
    ("NIST SP 800-38B", "AES-CMAC"),
    ("NIST SP 800-108r1", "key derivation in counter mode with AES-CMAC"),
    ("FIPS 186-5, SP 800-186", "ECDSA on the curve P-256, with SHA-256 (FIPS 180-4)"),
    ("NIST SP 800-56A", "ECDH on P-256: Z is the x coordinate of the common point"),
    ("NIST SP 800-56C", "the one-step key derivation with SHA-256, from Z"),
    ("EMV CPS", "the framing of personalisation data: DGI, length, value"),
];

pub(crate) fn write() -> Markdown {
    let mut text = Markdown::new();
    text.paragraph(
        "An electronic purse keeps money on a card and pays without a connection. Three kinds of party exist. A *purse* \
         belongs to a holder. A *merchant SAM* is the same card application in another role; it stands in a till and \
         takes payments. The *issuer* is a computer with books; it puts value on cards and takes it back.",
    )
    .paragraph(
        "Every movement of value is one exchange between a *payer* and a *payee*. The payee asks (`req`), the payer \
         debits itself and says so (`val`), the payee credits itself and says so (`ack`). If the payee will never credit, \
         it says that instead (`nack`), and the payer takes its money back. Which of the parties pays which depends on \
         the kind of the transaction: see KINDS.".replace("KINDS", &link("Kinds")).as_str(),
    )
    .paragraph("Six rules hold for every card of this standard. The rest of the document is how they are kept.")
    .list(&[
        "No value is created: all balances together never exceed what the issuer has paid in.",
        "No value is lost: what is missing from the balances is in payments of which the payer keeps an open record. Only an open purchase can be pushed out of the log, by as many later records as the log holds, if nobody has brought it to its end until then.",
        "What a response says is in memory before the response leaves the card.",
        "A command that arrives twice, byte for byte, has one effect, and gets the same answer or an error that says why not any more: see REPEATS. Only VERIFY and CHANGE PIN count each wrong PIN.".replace("REPEATS", &link("Repeats")).as_str(),
        "Nothing is written for somebody who has shown neither a right MAC nor a PIN, except the PIN's try counter, and the data groups of a blank card.",
        "What was interrupted can be finished offline, as long as both cards meet again before their logs have moved on.",
    ])
    .paragraph(
        "Where this document takes another standard over, it says here what it takes. The bytes of commands, files and messages are all \
         defined below; the blocks of T=1, the characters of T=0 and the algorithms AES, CMAC, SHA-256, ECDSA and ECDH are those of their \
         standards, as any reader and any library has them.",
    );
    let rows = SOURCES.map(|(source, what)| [source.to_owned(), what.to_owned()]);
    text.table(["source", "what is taken from it"], &rows);
    text.paragraph(
        "Numbers are written in decimal, bytes in hexadecimal. All numbers on the wire are unsigned and big-endian, all \
         fields have the length that is given, and `‖` puts bytes behind bytes. A purse need not take part in transfers: \
         one that has been personalised without a key pair answers 6985 wherever a transfer is asked for.",
    );
    text
}
