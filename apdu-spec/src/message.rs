//! What a terminal says in a process to others than a card: the messages of the issuer, and what it does itself.
//! (Section 7.) Fields are those of the command table, big-endian; how a message travels to the issuer is left open.

use crate::command::row::Field;
use crate::data_element::ElementForm;
use crate::status::StatusWord;

/// Who does what is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// The issuer: one step of its books, durable when it answers.
    Issuer,
    /// The terminal itself, with the cards at hand.
    Terminal,
    /// The terminal with the card behind a party's name.
    Card,
}

/// How a message ended, as a status word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageStatus {
    /// The status word.
    pub code: u16,
    /// What it says here.
    pub meaning: &'static str,
}

/// In a process, instead of a status word: no answer has come that says what has happened.
pub const UNANSWERED: u16 = 0x0000;
/// In a process, instead of a status word: the command has not reached the card, so nothing has happened.
pub const NOT_REACHED: u16 = 0x0001;

/// One message.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// To whom.
    pub recipient: Recipient,
    /// Its name in the listings.
    pub name: &'static str,
    /// Fields of its data; a length of 0 is the rest.
    pub data: &'static [Field],
    /// Fields of its answer where it succeeds.
    pub response: &'static [Field],
    /// How it can end.
    pub status_words: &'static [MessageStatus],
    /// What it does.
    pub description: &'static str,
}

const fn field(name: &'static str, length: u8) -> Field {
    Field { name, length, secret: false }
}

const fn status(word: StatusWord, meaning: &'static str) -> MessageStatus {
    MessageStatus { code: word.code(), meaning }
}

const DONE: MessageStatus = status(StatusWord::Success, "done");
const REFUSED: MessageStatus = status(StatusWord::ConditionsOfUse, "refused; nothing has moved");
const BOOKS_FAILED: MessageStatus =
    status(StatusWord::MemoryFailure, "the books failed, nothing has been recorded; ask again");
const NO_ANSWER: MessageStatus =
    MessageStatus { code: UNANSWERED, meaning: "no answer; it may have been done" };
const CARD: Field = field("own number", 8);
const SEQUENCE: Field = field("own sequence", 4);
const VOUCHER: &[Field] = &[field("PD", 36), field("val", 8), field("TAC", 8)];

/// Every message.
pub static MESSAGES: &[Message] = &[
    Message {
        recipient: Recipient::Issuer,
        name: "UNRESOLVED LOAD",
        data: &[CARD],
        response: VOUCHER,
        status_words: &[
            DONE,
            status(StatusWord::ReferenceNotFound, "there is none"),
            REFUSED,
            BOOKS_FAILED,
            NO_ANSWER,
        ],
        description: "gives the load of a card that has neither ack nor nack, with its val",
    },
    Message {
        recipient: Recipient::Issuer,
        name: "LOAD",
        data: &[field("PD", 36), field("req", 8), field("account", 0)],
        response: &[field("val", 8), field("TAC", 8)],
        status_words: &[DONE, REFUSED, BOOKS_FAILED, NO_ANSWER],
        description: "debits the account and gives val; the same again gives the same answer",
    },
    Message {
        recipient: Recipient::Issuer,
        name: "LOAD ACKNOWLEDGED",
        data: &[CARD, SEQUENCE, field("ack", 8)],
        response: &[],
        status_words: &[DONE, REFUSED, BOOKS_FAILED, NO_ANSWER],
        description: "takes the card's word that it has credited its load",
    },
    Message {
        recipient: Recipient::Issuer,
        name: "LOAD DECLINED",
        data: &[CARD, SEQUENCE, field("nack", 8)],
        response: &[],
        status_words: &[DONE, REFUSED, BOOKS_FAILED, NO_ANSWER],
        description: "takes the card's word that it never credits its load; the account has its money back",
    },
    Message {
        recipient: Recipient::Issuer,
        name: "UNLOAD REQUEST",
        data: &[CARD, field("currency", 2), field("amount", 4), SEQUENCE, field("time", 4)],
        response: &[field("PD", 36), field("req", 8)],
        status_words: &[DONE, REFUSED, BOOKS_FAILED, NO_ANSWER],
        description: "forms PD and req of an unload or a collection; records nothing",
    },
    Message {
        recipient: Recipient::Issuer,
        name: "UNLOAD",
        data: VOUCHER,
        response: &[field("ack", 8), field("credited", 4), field("withheld", 4)],
        status_words: &[
            DONE,
            status(
                StatusWord::ReferenceNotFound,
                "a collection of which records are missing; val is recorded",
            ),
            status(StatusWord::WrongData, "a collection whose records are not the SAM's; val is recorded"),
            REFUSED,
            BOOKS_FAILED,
            NO_ANSWER,
        ],
        description: "credits the account with an unload or a collection, once; the same again gives the same answer",
    },
    Message {
        recipient: Recipient::Issuer,
        name: "DECLINE UNLOAD",
        data: VOUCHER,
        response: &[field("nack", 8)],
        status_words: &[DONE, REFUSED, BOOKS_FAILED, NO_ANSWER],
        description: "says that an unload never will be credited; a credited one and a collection are never declined",
    },
    Message {
        recipient: Recipient::Issuer,
        name: "RECORDS WANTED",
        data: &[CARD],
        response: &[SEQUENCE],
        status_words: &[DONE, REFUSED, BOOKS_FAILED, NO_ANSWER],
        description: "gives the first sequence of a merchant SAM that no collection has passed",
    },
    Message {
        recipient: Recipient::Issuer,
        name: "SUBMIT RECORDS",
        data: &[CARD, SEQUENCE, field("records", 0)],
        response: &[],
        status_words: &[DONE, REFUSED, BOOKS_FAILED, NO_ANSWER],
        description: "takes a merchant SAM's records, each of 50 bytes, from this sequence on",
    },
    Message {
        recipient: Recipient::Terminal,
        name: "NAME PAYER",
        data: &[CARD],
        response: &[],
        status_words: &[DONE, status(StatusWord::FileNotFound, "no such card is at hand")],
        description: "PAYER is from now on the card at hand that has this number, or nobody",
    },
    Message {
        recipient: Recipient::Terminal,
        name: "NAME PAYEE",
        data: &[CARD],
        response: &[],
        status_words: &[DONE, status(StatusWord::FileNotFound, "no such card is at hand")],
        description: "PAYEE is from now on the card at hand that has this number, or nobody",
    },
    Message {
        recipient: Recipient::Card,
        name: "RESET",
        data: &[],
        response: &[],
        status_words: &[DONE, MessageStatus { code: UNANSWERED, meaning: "there is no card" }],
        description: "switches the card off and on; its session is over",
    },
];

/// A message by its name.
pub fn message_named(name: &str) -> Option<&'static Message> {
    MESSAGES.iter().find(|message| message.name == name)
}

/// Something that a terminal is told before a process begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its name in the listings.
    pub name: &'static str,
    /// Its form.
    pub form: ElementForm,
    /// Whether nothing may show it.
    pub secret: bool,
    /// What it is.
    pub meaning: &'static str,
}

const fn input(name: &'static str, form: ElementForm, meaning: &'static str) -> Input {
    Input { name, form, secret: false, meaning }
}

/// Everything that INPUT can name.
pub static INPUTS: &[Input] = &[
    input("AMOUNT", ElementForm::Number(4), "minor units, not 0"),
    input("CURRENCY", ElementForm::Bytes(2), "names the pocket"),
    input("TIME", ElementForm::Number(4), "the terminal's clock, in seconds since 1970"),
    input("MONTH", ElementForm::Number(2), "the month of TIME in UTC, YYMM in BCD"),
    input("ACCOUNT", ElementForm::Variable, "name of the account that pays a load, ASCII"),
    input("ISSUER.NUMBER", ElementForm::Bytes(8), "the issuer's number"),
    input("CARDS", ElementForm::Variable, "the numbers of the cards at hand, 8 bytes each"),
    Input {
        name: "PIN",
        form: ElementForm::Variable,
        secret: true,
        meaning: "the payer's PIN as a format 2 block; no bytes where it has not been asked for",
    },
];

/// An input by its name.
pub fn input_named(name: &str) -> Option<&'static Input> {
    INPUTS.iter().find(|input| input.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::table;

    #[test]
    fn no_message_has_the_name_of_another_or_of_a_command() {
        for message in MESSAGES {
            assert_eq!(
                MESSAGES.iter().filter(|other| other.name == message.name).count(),
                1,
                "{}",
                message.name
            );
            assert!(table::COMMANDS.iter().all(|row| row.name != message.name), "{}", message.name);
        }
    }

    #[test]
    fn messages_and_inputs_are_found_by_their_names_and_nothing_else_is() {
        for message in MESSAGES {
            let found = message_named(message.name).map(|found| found.description);
            assert_eq!(found, Some(message.description));
        }
        for input in INPUTS {
            assert_eq!(input_named(input.name), Some(input));
        }
        assert!(message_named("AMOUNT").is_none() && input_named("LOAD").is_none());
    }

    #[test]
    fn every_message_can_succeed_and_fail() {
        for message in MESSAGES {
            let codes = || message.status_words.iter().map(|status| status.code);
            assert_eq!(
                codes().filter(|code| *code == StatusWord::Success.code()).count(),
                1,
                "{}",
                message.name
            );
            assert!(codes().count() > 1, "{}", message.name);
        }
    }
}
