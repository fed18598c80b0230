//! The command table of section 6. INS with high half 6 or 9 are not allowed by ISO/IEC 7816-3.

use super::row::{Authorisation, ByteSet, CommandName, DataLength, Field, Form, ResponseLength, Row};
use crate::life_cycle::LifeCycle;
use crate::status::StatusWord as Status;

/// CLA of the commands of ISO/IEC 7816-4.
pub const CLASS_STANDARD: u8 = 0x00;
/// CLA of the purse's own commands.
pub const CLASS_PURSE: u8 = 0x80;
/// P2 of VERIFY and CHANGE PIN: the application's one PIN.
pub const PIN_REFERENCE: u8 = 0x80;
/// P2 of SELECT: give the FCI.
pub const SELECT_CONTROL: u8 = 0x00;
/// P2 of SELECT: give nothing.
pub const SELECT_SILENT: u8 = 0x0C;
/// READ RECORD reaches records 1 to this one.
pub const LAST_RECORD: u8 = 254;
/// Most bytes of a data field, and so of a block of STORE DATA.
pub const LONGEST_DATA: u8 = 255;
/// P2 of VERIFY CERTIFICATE: a certificate in plain, of which nothing is to be given back (ISO/IEC 7816-8).
pub const VERIFY_CERTIFICATE: u8 = 0xBE;
/// P1 of STORE DATA: more blocks follow.
pub const STORE_MORE: u8 = 0x00;
/// P1 of STORE DATA: the last block.
pub const STORE_LAST: u8 = 0x80;
/// Tag of GET DATA: PIN tries left.
pub const TAG_PIN_TRIES: [u8; 2] = [0x9F, 0x17];
/// Tag of GET DATA: format of a log record.
pub const TAG_LOG_FORMAT: [u8; 2] = [0x9F, 0x4F];
/// GET DATA 9F4F, the whole data object: PD 36, role 1, state 1, balance 4, TAC 8.
pub const LOG_FORMAT: [u8; 13] =
    [0x9F, 0x4F, 0x0A, 0xC2, 0x24, 0xC3, 0x01, 0xC4, 0x01, 0xC5, 0x04, 0xC6, 0x08];

const NO_DATA: DataLength = DataLength::OneOf(&[0]);
const ZERO: ByteSet = ByteSet::OneOf(&[0]);
const ANY_KIND: ByteSet = ByteSet::Between(1, 5);
const WHERE_ALIVE: &[LifeCycle] = &[LifeCycle::Active, LifeCycle::Locked, LifeCycle::Blocked];
const WHERE_ISSUED: &[LifeCycle] =
    &[LifeCycle::Active, LifeCycle::Locked, LifeCycle::Blocked, LifeCycle::Terminated];
const WHERE_READABLE: &[LifeCycle] = &[LifeCycle::Active, LifeCycle::Blocked, LifeCycle::Terminated];
const WHERE_ACTIVE: &[LifeCycle] = &[LifeCycle::Active];
const WHERE_LOCKED: &[LifeCycle] = &[LifeCycle::Locked];
const WHERE_BLANK: &[LifeCycle] = &[LifeCycle::Blank];

const fn field(name: &'static str, length: u8) -> Field {
    Field { name, length, secret: false }
}

const fn secret(name: &'static str, length: u8) -> Field {
    Field { name, length, secret: true }
}

const fn plain(data: DataLength, response: ResponseLength) -> Form {
    Form { p1: ZERO, p2: ZERO, data, response, description: "" }
}

const SEQUENCE: Field = field("own sequence", 4);
const VOUCHER: &[Field] = &[field("PD", 36), field("val", 8), field("TAC", 8)];
const PROOF: &[Field] = &[field("val", 8), field("TAC", 8)];
const RECORD: &[Field] =
    &[field("PD", 36), field("role", 1), field("state", 1), field("balance", 4), field("TAC", 8)];

/// Every command, ISO/IEC 7816-4's first, then by INS.
pub static COMMANDS: [Row; 20] = [
    Row {
        command: CommandName::Select,
        name: "SELECT",
        class: CLASS_STANDARD,
        instruction: 0xA4,
        forms: &[
            Form {
                p1: ByteSet::OneOf(&[0x04]),
                p2: ByteSet::OneOf(&[SELECT_CONTROL]),
                data: DataLength::Between(1, 16),
                response: ResponseLength::Whole,
                description: "by AID, with FCI",
            },
            Form {
                p1: ByteSet::OneOf(&[0x04]),
                p2: ByteSet::OneOf(&[SELECT_SILENT]),
                data: DataLength::Between(1, 16),
                response: ResponseLength::None,
                description: "by AID",
            },
            Form {
                p1: ZERO,
                p2: ByteSet::OneOf(&[SELECT_CONTROL]),
                data: DataLength::OneOf(&[2]),
                response: ResponseLength::Whole,
                description: "by file identifier, with FCI",
            },
            Form {
                p1: ZERO,
                p2: ByteSet::OneOf(&[SELECT_SILENT]),
                data: DataLength::OneOf(&[2]),
                response: ResponseLength::None,
                description: "by file identifier",
            },
        ],
        data: &[field("AID or file identifier", 0)],
        response: &[field("FCI", 0)],
        life_cycles: &LifeCycle::ALL,
        authorisation: Authorisation::Open,
        status_words: &[
            Status::Success,
            Status::Blocked,
            Status::Terminated,
            Status::FileNotFound,
            Status::WrongExpected(0),
        ],
        description: "makes the application or a file current; a session begins with it",
    },
    Row {
        command: CommandName::ReadBinary,
        name: "READ BINARY",
        class: CLASS_STANDARD,
        instruction: 0xB0,
        forms: &[
            Form {
                p1: ByteSet::Between(0x00, 0x7F),
                p2: ByteSet::Between(0x00, 0xFF),
                data: NO_DATA,
                response: ResponseLength::Part,
                description: "the current EF, from offset P1 P2",
            },
            Form {
                p1: ByteSet::Between(0x81, 0x9E),
                p2: ByteSet::Between(0x00, 0xFF),
                data: NO_DATA,
                response: ResponseLength::Part,
                description: "the EF of the short identifier in P1, from offset P2",
            },
        ],
        data: &[],
        response: &[field("data", 0)],
        life_cycles: &LifeCycle::ALL,
        authorisation: Authorisation::Open,
        status_words: &[
            Status::Success,
            Status::FileStructure,
            Status::NoCurrentFile,
            Status::FileNotFound,
            Status::WrongOffset,
        ],
        description: "reads a transparent file",
    },
    Row {
        command: CommandName::ReadRecord,
        name: "READ RECORD",
        class: CLASS_STANDARD,
        instruction: 0xB2,
        forms: &[Form {
            p1: ByteSet::Between(1, LAST_RECORD),
            p2: ByteSet::ShortFile,
            data: NO_DATA,
            response: ResponseLength::Exactly(50),
            description: "record P1 of the current EF or of the short identifier in P2",
        }],
        data: &[],
        response: RECORD,
        life_cycles: WHERE_ISSUED,
        authorisation: Authorisation::Open,
        status_words: &[
            Status::Success,
            Status::WrongExpected(0),
            Status::ConditionsOfUse,
            Status::FileStructure,
            Status::SecurityStatus,
            Status::NoCurrentFile,
            Status::FileNotFound,
            Status::RecordNotFound,
        ],
        description: "reads a record of EF.LOG or EF.EXC; while locked, of EF.EXC only",
    },
    Row {
        command: CommandName::GetData,
        name: "GET DATA",
        class: CLASS_STANDARD,
        instruction: 0xCA,
        forms: &[Form {
            p1: ByteSet::Between(0x00, 0xFF),
            p2: ByteSet::Between(0x00, 0xFF),
            data: NO_DATA,
            response: ResponseLength::Whole,
            description: "the data object with tag P1 P2",
        }],
        data: &[],
        response: &[field("data object", 0)],
        life_cycles: &LifeCycle::ALL,
        authorisation: Authorisation::Open,
        status_words: &[
            Status::Success,
            Status::WrongExpected(0),
            Status::ConditionsOfUse,
            Status::ReferenceNotFound,
        ],
        description: "reads PIN tries (9F17), log format (9F4F) or the certificate (7F21)",
    },
    Row {
        command: CommandName::Verify,
        name: "VERIFY",
        class: CLASS_STANDARD,
        instruction: 0x20,
        forms: &[Form {
            p1: ZERO,
            p2: ByteSet::OneOf(&[PIN_REFERENCE]),
            data: DataLength::OneOf(&[0, 8]),
            response: ResponseLength::None,
            description: "",
        }],
        data: &[secret("PIN block", 8)],
        response: &[],
        life_cycles: &[LifeCycle::Active, LifeCycle::Locked],
        authorisation: Authorisation::PresentsPin,
        status_words: &[
            Status::Success,
            Status::WrongPin(0),
            Status::PinBlocked,
            Status::ConditionsOfUse,
            Status::WrongData,
        ],
        description: "verifies the PIN for this session; without data, asks whether it is",
    },
    Row {
        command: CommandName::ChangePin,
        name: "CHANGE PIN",
        class: CLASS_STANDARD,
        instruction: 0x24,
        forms: &[Form {
            p1: ZERO,
            p2: ByteSet::OneOf(&[PIN_REFERENCE]),
            data: DataLength::OneOf(&[16]),
            response: ResponseLength::None,
            description: "",
        }],
        data: &[secret("old PIN block", 8), secret("new PIN block", 8)],
        response: &[],
        life_cycles: WHERE_ACTIVE,
        authorisation: Authorisation::PresentsPin,
        status_words: &[
            Status::Success,
            Status::WrongPin(0),
            Status::SecurityStatus,
            Status::PinBlocked,
            Status::ConditionsOfUse,
            Status::WrongData,
        ],
        description: "verifies the old PIN and sets a new one",
    },
    Row {
        command: CommandName::VerifyCertificate,
        name: "VERIFY CERTIFICATE",
        class: CLASS_STANDARD,
        instruction: 0x2A,
        forms: &[Form {
            p1: ZERO,
            p2: ByteSet::OneOf(&[VERIFY_CERTIFICATE]),
            data: DataLength::OneOf(&[147]),
            response: ResponseLength::None,
            description: "",
        }],
        data: &[
            field("body header", 3),
            field("version", 1),
            field("issuer key index", 1),
            field("peer role", 1),
            field("peer number", 8),
            field("peer expiry", 2),
            field("public key", 64),
            field("signature header", 3),
            field("signature", 64),
        ],
        response: &[],
        life_cycles: WHERE_ISSUED,
        authorisation: Authorisation::Certificate,
        status_words: &[
            Status::Success,
            Status::ConditionsOfUse,
            Status::WrongMac,
            Status::WrongData,
            Status::ReferenceNotFound,
        ],
        description: "makes the purse of a certificate the peer of this session, for a transfer",
    },
    Row {
        command: CommandName::Initialize,
        name: "INITIALIZE",
        class: CLASS_PURSE,
        instruction: 0x50,
        forms: &[Form {
            p1: ANY_KIND,
            p2: ZERO,
            data: DataLength::OneOf(&[23]),
            response: ResponseLength::Exactly(20),
            description: "P1 is the kind",
        }],
        data: &[
            field("key version", 1),
            field("currency", 2),
            field("amount", 4),
            field("from", 8),
            field("from sequence", 4),
            field("time", 4),
        ],
        response: &[field("own number", 8), field("own sequence", 4), field("req", 8)],
        life_cycles: WHERE_ACTIVE,
        authorisation: Authorisation::Open,
        status_words: &[
            Status::Success,
            Status::WrongExpected(0),
            Status::SecurityStatus,
            Status::ConditionsOfUse,
            Status::WrongData,
            Status::NoRoom,
            Status::ReferenceNotFound,
            Status::SequenceExhausted,
            Status::OverLimit,
        ],
        description: "payee: asks a payer for an amount; writes nothing",
    },
    Row {
        command: CommandName::Credit,
        name: "CREDIT",
        class: CLASS_PURSE,
        instruction: 0x52,
        forms: &[plain(DataLength::OneOf(&[52]), ResponseLength::Exactly(8))],
        data: VOUCHER,
        response: &[field("ack", 8)],
        life_cycles: WHERE_ISSUED,
        authorisation: Authorisation::Val,
        status_words: &[
            Status::Success,
            Status::WrongExpected(0),
            Status::ConditionsOfUse,
            Status::WrongMac,
            Status::WrongData,
            Status::NoRoom,
            Status::ReferenceNotFound,
            Status::SequenceExhausted,
            Status::OverLimit,
        ],
        description: "payee: credits what the payer has debited, once",
    },
    Row {
        command: CommandName::Debit,
        name: "DEBIT",
        class: CLASS_PURSE,
        instruction: 0x54,
        forms: &[Form {
            p1: ANY_KIND,
            p2: ZERO,
            data: DataLength::OneOf(&[35]),
            response: ResponseLength::Exactly(16),
            description: "P1 is the kind",
        }],
        data: &[
            field("key version", 1),
            SEQUENCE,
            field("currency", 2),
            field("amount", 4),
            field("to", 8),
            field("to sequence", 4),
            field("time", 4),
            field("req", 8),
        ],
        response: PROOF,
        life_cycles: WHERE_ACTIVE,
        authorisation: Authorisation::Req,
        status_words: &[
            Status::Success,
            Status::WrongExpected(0),
            Status::SecurityStatus,
            Status::ConditionsOfUse,
            Status::WrongMac,
            Status::WrongData,
            Status::NoRoom,
            Status::ReferenceNotFound,
            Status::InsufficientValue,
            Status::SequenceExhausted,
            Status::OverLimit,
        ],
        description: "payer: debits an amount for a payee that has asked, once",
    },
    Row {
        command: CommandName::UpdateParameter,
        name: "UPDATE PARAMETER",
        class: CLASS_PURSE,
        instruction: 0x58,
        forms: &[plain(DataLength::Between(13, 41), ResponseLength::None)],
        data: &[field("counter", 4), field("parameter, value and MAC", 0)],
        response: &[],
        life_cycles: WHERE_ALIVE,
        authorisation: Authorisation::Script,
        status_words: &[
            Status::Success,
            Status::ConditionsOfUse,
            Status::WrongMac,
            Status::WrongData,
            Status::NoRoom,
            Status::ReferenceNotFound,
            Status::SequenceExhausted,
            Status::OverLimit,
        ],
        description: "executes a script of the issuer, once",
    },
    Row {
        command: CommandName::GetProof,
        name: "GET PROOF",
        class: CLASS_PURSE,
        instruction: 0x5A,
        forms: &[plain(DataLength::OneOf(&[4]), ResponseLength::Exactly(16))],
        data: &[SEQUENCE],
        response: PROOF,
        life_cycles: WHERE_ISSUED,
        authorisation: Authorisation::Open,
        status_words: &[
            Status::Success,
            Status::WrongExpected(0),
            Status::ConditionsOfUse,
            Status::ReferenceNotFound,
        ],
        description: "payer: val and TAC of a debit that the log holds, again",
    },
    Row {
        command: CommandName::GetBalance,
        name: "GET BALANCE",
        class: CLASS_PURSE,
        instruction: 0x5C,
        forms: &[Form {
            p1: ZERO,
            p2: ByteSet::Between(0, 4),
            data: NO_DATA,
            response: ResponseLength::Exactly(11),
            description: "P2 is the pocket",
        }],
        data: &[],
        response: &[
            field("currency", 2),
            field("exponent", 1),
            field("balance", 4),
            field("maximum balance", 4),
        ],
        life_cycles: WHERE_READABLE,
        authorisation: Authorisation::Open,
        status_words: &[
            Status::Success,
            Status::WrongExpected(0),
            Status::SecurityStatus,
            Status::ConditionsOfUse,
            Status::ReferenceNotFound,
        ],
        description: "reads one pocket",
    },
    Row {
        command: CommandName::ReadEntry,
        name: "READ ENTRY",
        class: CLASS_PURSE,
        instruction: 0x5E,
        forms: &[plain(DataLength::OneOf(&[4]), ResponseLength::Exactly(50))],
        data: &[SEQUENCE],
        response: RECORD,
        life_cycles: WHERE_ISSUED,
        authorisation: Authorisation::Open,
        status_words: &[
            Status::Success,
            Status::WrongExpected(0),
            Status::SecurityStatus,
            Status::ConditionsOfUse,
            Status::ReferenceNotFound,
        ],
        description: "reads a log record by its sequence; while locked, an open payer record only",
    },
    Row {
        command: CommandName::Acknowledge,
        name: "ACKNOWLEDGE",
        class: CLASS_PURSE,
        instruction: 0x72,
        forms: &[plain(DataLength::OneOf(&[12]), ResponseLength::None)],
        data: &[SEQUENCE, field("ack", 8)],
        response: &[],
        life_cycles: WHERE_ALIVE,
        authorisation: Authorisation::Ack,
        status_words: &[
            Status::Success,
            Status::ConditionsOfUse,
            Status::WrongMac,
            Status::ReferenceNotFound,
        ],
        description: "payer: marks a debit as settled",
    },
    Row {
        command: CommandName::Decline,
        name: "DECLINE",
        class: CLASS_PURSE,
        instruction: 0x74,
        forms: &[plain(DataLength::OneOf(&[52]), ResponseLength::Exactly(8))],
        data: VOUCHER,
        response: &[field("nack", 8)],
        life_cycles: WHERE_ISSUED,
        authorisation: Authorisation::Val,
        status_words: &[
            Status::Success,
            Status::WrongExpected(0),
            Status::ConditionsOfUse,
            Status::WrongMac,
            Status::WrongData,
            Status::NoRoom,
            Status::ReferenceNotFound,
            Status::SequenceExhausted,
        ],
        description: "payee: says that it never will credit what the payer has debited",
    },
    Row {
        command: CommandName::Reverse,
        name: "REVERSE",
        class: CLASS_PURSE,
        instruction: 0x76,
        forms: &[plain(DataLength::OneOf(&[12]), ResponseLength::None)],
        data: &[SEQUENCE, field("nack", 8)],
        response: &[],
        life_cycles: WHERE_ALIVE,
        authorisation: Authorisation::Nack,
        status_words: &[
            Status::Success,
            Status::ConditionsOfUse,
            Status::WrongMac,
            Status::NoRoom,
            Status::ReferenceNotFound,
            Status::SequenceExhausted,
            Status::OverLimit,
        ],
        description: "payer: takes back what the payee has declined, once",
    },
    Row {
        command: CommandName::Lock,
        name: "LOCK",
        class: CLASS_PURSE,
        instruction: 0x78,
        forms: &[plain(NO_DATA, ResponseLength::None)],
        data: &[],
        response: &[],
        life_cycles: WHERE_ACTIVE,
        authorisation: Authorisation::VerifiedPin,
        status_words: &[Status::Success, Status::SecurityStatus, Status::ConditionsOfUse],
        description: "locks the purse: no balance, no spending",
    },
    Row {
        command: CommandName::Unlock,
        name: "UNLOCK",
        class: CLASS_PURSE,
        instruction: 0x78,
        forms: &[Form {
            p1: ByteSet::OneOf(&[0x01]),
            p2: ZERO,
            data: NO_DATA,
            response: ResponseLength::None,
            description: "",
        }],
        data: &[],
        response: &[],
        life_cycles: WHERE_LOCKED,
        authorisation: Authorisation::VerifiedPin,
        status_words: &[Status::Success, Status::SecurityStatus, Status::ConditionsOfUse],
        description: "unlocks the purse",
    },
    Row {
        command: CommandName::StoreData,
        name: "STORE DATA",
        class: CLASS_PURSE,
        instruction: 0xE2,
        forms: &[Form {
            p1: ByteSet::OneOf(&[STORE_MORE, STORE_LAST]),
            p2: ByteSet::Between(0x00, 0xFF),
            data: DataLength::Between(1, LONGEST_DATA),
            response: ResponseLength::None,
            description: "P1 says whether it is the last block, P2 counts from 00",
        }],
        data: &[secret("data groups", 0)],
        response: &[],
        life_cycles: WHERE_BLANK,
        authorisation: Authorisation::SecureRoom,
        status_words: &[Status::Success, Status::SecurityStatus, Status::ConditionsOfUse, Status::WrongData],
        description: "personalises a blank card, all or nothing",
    },
];

/// The rows of an instruction; LOCK and UNLOCK share one and differ in P1.
pub fn rows(instruction: u8) -> impl Iterator<Item = &'static Row> {
    COMMANDS.iter().filter(move |row| row.instruction == instruction)
}

/// The row of a command.
pub fn row(command: CommandName) -> &'static Row {
    // The table lists every command, which a test holds; the first row stands in for none.
    let [first, ..] = &COMMANDS;
    COMMANDS.iter().find(|row| row.command == command).unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_one_row_and_an_instruction_that_iso_7816_3_allows() {
        for (place, of) in COMMANDS.iter().enumerate() {
            assert_eq!(row(of.command).name, of.name, "the first row is this command's only one");
            assert!(
                COMMANDS[..place].iter().all(|other| other.command != of.command && other.name != of.name)
            );
            assert!(![6, 9].contains(&(of.instruction >> 4)), "{}", of.name);
            assert!([CLASS_STANDARD, CLASS_PURSE].contains(&of.class));
        }
    }

    #[test]
    fn the_fields_of_a_row_add_up_to_its_lengths() {
        let total = |fields: &[Field]| fields.iter().map(|field| field.length).sum::<u8>();
        let is_fixed = |fields: &[Field]| fields.iter().all(|field| field.length != 0);
        for of in &COMMANDS {
            for form in of.forms {
                if is_fixed(of.data) {
                    assert!(form.data.contains(usize::from(total(of.data))), "{}", of.name);
                }
                if let ResponseLength::Exactly(length) = form.response {
                    assert_eq!(total(of.response), length, "{}", of.name);
                }
            }
        }
    }
}
