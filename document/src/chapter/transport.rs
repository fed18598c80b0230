//! Answers to reset, APDUs, T=0.

use apdu_spec::answer_to_reset::{ATR_T0, ATR_T1, GET_RESPONSE, GET_RESPONSE_CLASSES};
use apdu_spec::command::apdu::LONGEST_COMMAND;
use purse_terminal::explain::Object;

use crate::Outcome;
use crate::fields::{lines, reading};
use crate::markdown::{Markdown, code, link};

pub(crate) fn write() -> Outcome<Markdown> {
    let mut text = Markdown::new();
    text.paragraph(
        "A card speaks T=1 or T=0, and offers one of them in its answer to reset. With T=1 it takes blocks of up to 254 \
         bytes of information and may chain them; APDUs cross unchanged.",
    );
    for (name, bytes) in [("T=1", &ATR_T1[..]), ("T=0", &ATR_T0[..])] {
        text.paragraph(&format!("Answer to reset for {name}: {}", code(bytes)));
        text.code("text", &lines(&reading(bytes, Object::Reset)?, bytes));
    }
    text.heading(3, "Short commands").paragraph(&format!(
        "All commands are short. A command is CLA, INS, P1, P2, and then one of four forms; more than {LONGEST_COMMAND} bytes in all, and extended \
         lengths, are refused with 6700.",
    ));
    let row = |case: &str, body: &str, meaning: &str| [case.to_owned(), body.to_owned(), meaning.to_owned()];
    text.table(
        ["case", "behind P2", "meaning"],
        &[
            row("1", "nothing", "no data, no answer expected"),
            row("2", "Le", "no data; up to Le bytes are expected, 00 stands for 256"),
            row("3", "Lc, Lc bytes", "data; no answer expected"),
            row("4", "Lc, Lc bytes, Le", "data, and an answer expected"),
        ],
    );
    text.paragraph(
        "Lc is 01 to FF. A body of two or more bytes that begins with 00, or whose length does not add up, is 6700; so are fewer \
         than four bytes in all. What a card does with Le stands with each command: where an answer is due and Le is absent, 6700; where \
         Le is too small for an answer of known length, `6C` and that length, and nothing has been executed; \
         a larger Le is fine.",
    );
    text.heading(3, "T=0").paragraph(
        "T=0 carries a header of four bytes and P3. A card keeps the answer to a command with data back until it is fetched. \
         The rules, in their order:",
    );
    let classes = GET_RESPONSE_CLASSES.map(|class| format!("{class:02X}")).join(" or ");
    let rules = [
        "Fewer than four bytes, a P3 of 00 with bytes behind it, or bytes behind P3 that are neither as many as P3 says nor one more, are 6700, whatever the command is; what waits is forgotten.".to_owned(),
        format!("GET RESPONSE is CLA {classes}, INS {GET_RESPONSE:02X}, P1 00, P2 00, P3 = bytes wanted (00: 256). With other P1 or P2 it is 6A86, with P3 bytes of data 6700; in both cases what waits goes on waiting."),
        "If nothing waits, GET RESPONSE is 6985. If fewer bytes wait than are wanted, it is `6C` with their number, and they go on waiting.".to_owned(),
        "Otherwise it gives as many bytes as are wanted. With the last of them goes the status word of the command; before that, `61` and the number that is left (00 for 256).".to_owned(),
        "Any other command ends the wait, as a reset does, and is executed as follows.".to_owned(),
        "Four bytes alone, or with a P3 and nothing behind it: P3 is Le, and a missing P3 counts as 00. The card executes the command with that Le. If the answer has data, and their number is not exactly Le, the card answers `6C` with that number instead, and forgets the data. A command without data that answers with data never writes, so the repetition is harmless.".to_owned(),
        "More bytes: P3 is Lc. One byte behind the data, an Le of case 4, is cut off. The card executes the command as if Le were 00. If the answer has data, they wait, and the card answers `61` with their number (00 for 256). Otherwise it answers the status word.".to_owned(),
    ];
    text.list(&rules);
    text.paragraph(&format!(
        "Everything else in this document speaks of APDUs, whatever carries them. The commands are in {}.",
        link("Commands")
    ));
    Ok(text)
}
