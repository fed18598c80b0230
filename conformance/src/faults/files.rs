//! SELECT, READ BINARY, READ RECORD, READ ENTRY, GET DATA, GET BALANCE.

use super::place::Place;

const fn of(
    command: &'static str,
    before: &'static str,
    text: &'static str,
    faults: &'static [(&'static str, &'static str)],
) -> Place {
    Place { command, file: "card/src/files.rs", before, text, faults }
}

/// All of them.
pub(super) const PLACES: &[Place] = &[
    of(
        "SELECT",
        "Selection::Application(identifier) if ",
        "identifier == file::APPLICATION",
        &[("the beginning of the name is enough", "file::APPLICATION.starts_with(identifier)")],
    ),
    of(
        "SELECT",
        "File::Exceptions => answer.put(&file::exceptions_control(EXCEPTIONS)),\n            };\n            ",
        "request.check_room(answer.length())?",
        &[
            ("Le is not looked at", ""),
            (
                "the file is current before Le is looked at",
                "if file.parent() == File::Purse { self.session.file = file; } request.check_room(answer.length())?",
            ),
        ],
    ),
    of(
        "SELECT",
        "File::Purse => ",
        "self.session = Session { file, ..Session::NEW }",
        &[("a PIN stays verified", "self.session.file = file")],
    ),
    of(
        "SELECT",
        "File::Directory | File::Identity | File::Log | File::Exceptions => ",
        "self.session.file = file",
        &[
            ("the EF is not made current", ""),
            ("an EF ends the session", "self.session = Session { file, ..Session::NEW }"),
        ],
    ),
    of(
        "SELECT",
        "(File::Purse, LifeCycle::Blocked) => ",
        "StatusWord::Blocked",
        &[("a blocked card says 9000", "StatusWord::Success")],
    ),
    of(
        "SELECT",
        "(File::Purse, LifeCycle::Terminated) => ",
        "StatusWord::Terminated",
        &[("a terminated card says 6283", "StatusWord::Blocked")],
    ),
    of("SELECT", "*file == File::Master || ", "file.parent() == directory", &[("a file anywhere", "true")]),
    of(
        "READ BINARY",
        "Structure::Dedicated => ",
        "Err(StatusWord::NoCurrentFile)",
        &[("without a file it says 6981", "Err(StatusWord::FileStructure)")],
    ),
    of("READ BINARY", "found if ", "found == structure", &[("a file of records", "true")]),
    of(
        "READ BINARY",
        ".filter(|rest| ",
        "!rest.is_empty()",
        &[("nothing is read at the end of the file", "true")],
    ),
    of(
        "READ BINARY",
        "answer.put(rest.get(..length).unwrap_or(rest));\n        ",
        "self.session.file = file",
        &[("the file is not made current", "")],
    ),
    of(
        "READ BINARY",
        "",
        "rest.len().min(usize::from(request.expected.unwrap_or(0)))",
        &[("all is read whatever Le says", "rest.len()")],
    ),
    of(
        "READ BINARY",
        "administration_counter: ",
        "self.store.administration().counter",
        &[("the counter of the log only", "self.store.state().administration.counter")],
    ),
    of(
        "READ RECORD",
        "if ",
        "self.is_locked() && file != Ok(File::Exceptions)",
        &[
            ("a locked card shows all", "false"),
            ("a locked card shows nothing", "self.is_locked()"),
            ("the file comes before the lock", "self.is_locked() && file? != File::Exceptions"),
        ],
    ),
    of(
        "READ RECORD",
        "let place = ",
        "usize::from(number).saturating_sub(1)",
        &[("records count from 0", "usize::from(number)")],
    ),
    of(
        "READ RECORD",
        "answer.put(&self.log_record(sequence.ok_or(StatusWord::RecordNotFound)?)?.emit());\n        ",
        "self.session.file = file",
        &[("the file is not made current", "")],
    ),
    of(
        "READ RECORD",
        "let place = usize::from(number).saturating_sub(1);\n        ",
        "",
        &[("a record that is not there makes its file current", "self.session.file = file;")],
    ),
    of(
        "READ RECORD",
        "",
        "self.store.exceptions().nth(place)",
        &[(
            "EF.EXC newest first",
            "self.store.exceptions().nth(self.store.exceptions().count().wrapping_sub(place).wrapping_sub(1))",
        )],
    ),
    of(
        "READ RECORD",
        "let state = ",
        "self.store.standing(sequence).map_or(RecordState::Settled, |standing| standing.state)",
        &[
            ("every record is settled", "RecordState::Settled"),
            (
                "a refunded payment is settled",
                "self.store.standing(sequence).map(|standing| standing.state).filter(|state| *state != RecordState::Refunded).unwrap_or(RecordState::Settled)",
            ),
        ],
    ),
    of(
        "READ RECORD",
        "balance: ",
        "if self.is_locked() { Amount::ZERO } else { balance }",
        &[("a locked card shows balances in its log", "balance")],
    ),
    of(
        "READ RECORD",
        "parameters.pockets.iter().position(|pocket| ",
        "pocket.currency == record.pay_details.currency",
        &[("the balance of pocket 0", "pocket.is_used()")],
    ),
    of(
        "READ ENTRY",
        "if ",
        "self.is_locked() && !self.is_open_payment(sequence)",
        &[("a locked card shows all", "false"), ("a locked card shows nothing", "self.is_locked()")],
    ),
    of(
        "READ ENTRY",
        "pub(crate) fn read_entry(&mut self, sequence: Sequence, answer: &mut Writer<'_>) -> Outcome {\n        ",
        "",
        &[(
            "the sequence comes before the lock",
            "if sequence >= self.store.next_sequence() { return Err(StatusWord::ConditionsOfUse); }",
        )],
    ),
    of(
        "READ ENTRY",
        "if ",
        "sequence >= self.store.next_sequence()",
        &[
            ("a sequence that has not come yet is one that is gone", "false"),
            ("the next sequence is one that is gone", "sequence > self.store.next_sequence()"),
        ],
    ),
    of(
        "GET DATA",
        "_ => return Err(StatusWord::ReferenceNotFound),\n        };\n        ",
        "request.check_room(answer.length())?",
        &[("Le is not looked at", "")],
    ),
    of(
        "GET DATA",
        "answer.put(&TAG_PIN_TRIES).put(&[1, ",
        "pin.tries",
        &[("the limit of tries", "pin.limit")],
    ),
    of(
        "GET BALANCE",
        "parameters.filter(|pocket| ",
        "pocket.is_used()",
        &[("a pocket that is not there", "true")],
    ),
    of(
        "GET BALANCE",
        "pub(crate) fn get_balance(&mut self, pocket: u8, answer: &mut Writer<'_>) -> Outcome {\n        if ",
        "self.is_locked()",
        &[("a locked card shows balances", "false")],
    ),
    of(
        "GET BALANCE",
        "pub(crate) fn get_balance(&mut self, pocket: u8, answer: &mut Writer<'_>) -> Outcome {\n        ",
        "",
        &[(
            "the pocket comes before the lock",
            "if self.store.parameters().and_then(|parameters| parameters.pockets.get(usize::from(pocket))).is_none_or(|pocket| !pocket.is_used()) { return Err(StatusWord::ReferenceNotFound); }",
        )],
    ),
    of(
        "GET BALANCE",
        "balance: ",
        "self.store.state().pockets.get(place).map_or(Amount::ZERO, |pocket| pocket.balance)",
        &[(
            "the balance of pocket 0",
            "self.store.state().pockets.first().map_or(Amount::ZERO, |pocket| pocket.balance)",
        )],
    ),
    of(
        "SELECT",
        "balance: ",
        "if self.is_locked() { Amount::ZERO } else { state.balance }",
        &[("a locked card shows its balance", "state.balance")],
    ),
    of(
        "SELECT",
        "sequence: ",
        "self.store.next_sequence()",
        &[("the sequence of the last record", "Sequence(self.store.next_sequence().0.saturating_sub(1))")],
    ),
];
