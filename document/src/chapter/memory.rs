//! What the memory has to keep.

use crate::markdown::{Markdown, link};

pub(crate) fn write() -> Markdown {
    let mut text = Markdown::new();
    text.paragraph(
        "The standard does not say how a card stores its data. It says what must be true whenever the card is asked, and \
         power may fail at any instant: between two commands, within a command, within the writing of a single byte, and while \
         the card is starting.",
    )
    .paragraph(&format!(
        "The listings mark what belongs together: all that stands between BEGIN COMMIT and END COMMIT (see {}). A card has to \
         keep these promises:", link("The language of the listings")
    ))
    .list(&[
        "**All or nothing.** After a power failure the memory is as it was before a COMMIT, or as it is after it. Nothing in between is ever seen, by any command.",
        "**Before the response.** A COMMIT is complete before the first byte of the response leaves the card. If power fails between the COMMIT and the response, the COMMIT holds, and what the repeated command answers is in REPEATS.".replace("REPEATS", &link("Repeats")).as_str(),
        "**In order.** Where a listing has two COMMITs, the second is never there without the first. So a power failure between the two of VERIFY or CHANGE PIN costs a try, even with the right PIN.",
        "**Decided once.** If power fails while a COMMIT is being written, the card finds out at its next start whether it counts, and makes that decision durable before it answers anything. A cell that was written halfway may read one way today and another way tomorrow; no answer may depend on how it reads.",
        "**Nothing wears away by cutting.** Switching the power off, however often and wherever, removes no record, fills no place and uses up no reserve.",
        "**Damage is not interruption.** A memory that is damaged otherwise is recognised as damaged: the card answers 6581 or nothing, and never with a state of which it is unsure.",
    ])
    .paragraph(
        "A DEBIT should cost one write before its response, and no erasure: whatever has to be erased is erased after a \
         response or at the start. This is a matter of speed, not of safety.",
    )
    .paragraph(
        "What outlives a reset is the table of data elements that change in a COMMIT, those of the identity, and the log; what a \
         reset ends is the session. Between two commands a card remembers nothing else. In particular a payee keeps \
         nothing between INITIALIZE and CREDIT: PD carries all that it needs.",
    );
    text.heading(3, "Sizes").paragraph(
        "The maker of a card chooses how many records the log holds. There are at least 32 on a purse, at least 512 on a merchant SAM, and 8 \
         places in EF.EXC. A blank card does not know yet what it will be, and takes either role: who personalises it chooses a card of the right size. A merchant SAM keeps a reserve of free records before it asks for another payment: a quarter of its log, rounded down, \
         at least 2 and at most 16. Records that were made after the last settled collection are never overwritten on a SAM.",
    );
    text
}
