//! What a terminal does that has not heard the answer.

use crate::markdown::Markdown;

const LIFE_CYCLE: &str = "the life cycle in the answer to SELECT";
const OTHER_PARTY: &str = "the other party";

/// What had been executed, what the same again answers, what says that it was executed.
const EXCEPTIONS: [[&str; 3]; 10] = [
    [
        "VERIFY",
        "9000 if it was right; else 63Cx with another try less, or 6983",
        "VERIFY without data: 9000 in the same session",
    ],
    ["CHANGE PIN", "63Cx, and one try less", "never repeat it: VERIFY with the new PIN"],
    ["DEBIT, and the card has been locked or blocked since", "6982, 6985", "GET PROOF"],
    ["LOCK, UNLOCK", "6982, 6985", LIFE_CYCLE],
    [
        "a block of STORE DATA, and the card was reset since",
        "6985, but 9000 to block 00 of a card that is still blank",
        LIFE_CYCLE,
    ],
    ["a script, and another one has been accepted since", "6985", "the last ADMN counter in EF.ID"],
    [
        "VERIFY, ACKNOWLEDGE, REVERSE or a script, and the card is terminated, by it or since",
        "6985",
        LIFE_CYCLE,
    ],
    [
        "ACKNOWLEDGE, REVERSE, or script 08 before its second COMMIT, of a record in EF.EXC",
        "6A88, for only what is open has a place there",
        "that: the payment is not open any more",
    ],
    [
        "CREDIT, DECLINE, DEBIT, ACKNOWLEDGE or REVERSE, and its record has left the log since",
        "6A88; DEBIT 6985",
        OTHER_PARTY,
    ],
    [
        "the same but DEBIT, and a SAM's master of that key version has been forgotten since (script 0A)",
        "6A88",
        OTHER_PARTY,
    ],
];

pub(super) fn put(text: &mut Markdown) {
    text.heading(3, "Repeats").paragraph(
        "A terminal that has not heard an answer sends the same command once more, byte for byte, in a new session if the card was reset. \
         Nothing happens twice, and it gets the same answer, with these exceptions:",
    );
    let rows = EXCEPTIONS.map(|row| row.map(str::to_owned));
    text.table(["command that had been executed", "the same again", "what says that it was executed"], &rows);
}
