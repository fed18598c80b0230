//! INITIALIZE, CREDIT, DECLINE.

use super::place::Place;

const fn of(
    command: &'static str,
    before: &'static str,
    text: &'static str,
    faults: &'static [(&'static str, &'static str)],
) -> Place {
    Place { command, file: "card/src/payee.rs", before, text, faults }
}

/// All of them.
pub(super) const PLACES: &[Place] = &[
    of(
        "INITIALIZE",
        "let pocket = ",
        "self.check_payee(&pay_details)?",
        &[("kind, parties and key are not looked at", "self.pocket(pay_details.currency)?")],
    ),
    of(
        "INITIALIZE",
        "let pay_details = data.pay_details(number, sequence);\n        ",
        "",
        &[(
            "the last sequence comes before the kind",
            "if sequence >= Sequence::EXHAUSTED { return Err(StatusWord::SequenceExhausted); }",
        )],
    ),
    of(
        "INITIALIZE",
        "let pocket = self.check_payee(&pay_details)?;\n        ",
        "",
        &[("limits come before the last sequence", "self.credited(&pay_details, pocket)?;")],
    ),
    of(
        "INITIALIZE",
        "if ",
        "sequence >= Sequence::EXHAUSTED",
        &[
            ("the last sequences are not looked at", "false"),
            ("one sequence too many before 9402", "sequence > Sequence::EXHAUSTED"),
        ],
    ),
    of(
        "INITIALIZE",
        "",
        "self.credited(&pay_details, pocket)?;",
        &[("limits and room are not looked at", "")],
    ),
    of(
        "INITIALIZE",
        "let req = ",
        "self.session(&pay_details)?.req()",
        &[("req is an ack", "self.session(&pay_details)?.ack()")],
    ),
    of(
        "INITIALIZE",
        "answer.put(&",
        "Initialized { number, sequence, req }",
        &[(
            "another sequence in the answer",
            "Initialized { number, sequence: Sequence(sequence.0 ^ 1), req }",
        )],
    ),
    of(
        "CREDIT",
        "let only_a_repeat = ",
        "matches!(self.life_cycle(), LifeCycle::Blocked | LifeCycle::Terminated)",
        &[
            ("a blocked card credits", "false"),
            ("a terminated card credits", "matches!(self.life_cycle(), LifeCycle::Blocked)"),
            (
                "a blocked card credits, a terminated one does not",
                "matches!(self.life_cycle(), LifeCycle::Terminated)",
            ),
        ],
    ),
    of(
        "CREDIT",
        "let pocket = self.check_payee(pay_details)?;\n        ",
        "",
        &[("the MAC comes before the sequence", "self.verified(voucher)?;")],
    ),
    of(
        "CREDIT",
        "if ",
        "pay_details.to_sequence > next || only_a_repeat && pay_details.to_sequence == next",
        &[
            (
                "a sequence that has not come yet is not refused",
                "only_a_repeat && pay_details.to_sequence == next",
            ),
            ("a blocked card is asked for its MAC first", "pay_details.to_sequence > next"),
            ("the next sequence is refused", "pay_details.to_sequence >= next"),
        ],
    ),
    of(
        "CREDIT",
        "if ",
        "pay_details.to_sequence == next && next >= Sequence::EXHAUSTED",
        &[
            ("the last sequences are not looked at", "false"),
            (
                "one sequence too many before 9402",
                "pay_details.to_sequence == next && next > Sequence::EXHAUSTED",
            ),
            ("a repeat is refused at the end", "next >= Sequence::EXHAUSTED"),
        ],
    ),
    of(
        "CREDIT",
        "next >= Sequence::EXHAUSTED {\n            return Err(StatusWord::SequenceExhausted);\n        }\n        ",
        "",
        &[(
            "limits come before the MAC",
            "if pay_details.to_sequence == next { self.credited(pay_details, pocket)?; }",
        )],
    ),
    of(
        "CREDIT",
        "if ",
        "bool::from(session.val(voucher.tac).ct_eq(&voucher.val))",
        &[
            ("val is not looked at", "true"),
            (
                "val is taken whatever TAC it is over",
                "bool::from(session.val(voucher.tac).ct_eq(&voucher.val)) || bool::from(session.val(apdu_spec::cryptography::Tac::NONE).ct_eq(&voucher.val)) || bool::from(session.nack().ct_eq(&voucher.val))",
            ),
        ],
    ),
    of(
        "CREDIT",
        "self.credited(pay_details, pocket)?;\n            ",
        "record.tac = voucher.tac",
        &[("the record has no TAC", "")],
    ),
    of(
        "CREDIT",
        "self.credited(pay_details, pocket)?;\n            record.tac = voucher.tac;\n            ",
        "self.append(record)?",
        &[("answered without a commit", "let _ = record;")],
    ),
    of(
        "CREDIT",
        "Past::Credited => ",
        "{}",
        &[
            ("a repeat is refused", "return Err(StatusWord::ConditionsOfUse)"),
            (
                "a repeat credits again",
                "let record = self.credited(pay_details, pocket)?; self.append(record)?",
            ),
        ],
    ),
    of(
        "CREDIT",
        "Past::Gone if ",
        "!only_a_repeat",
        &[
            ("a blocked card says that the record is gone", "true"),
            ("a record that is gone is a wrong state", "false"),
        ],
    ),
    of(
        "CREDIT",
        "Past::Gone | Past::Other => ",
        "return Err(StatusWord::ConditionsOfUse)",
        &[("an ack for what was never credited", "")],
    ),
    of(
        "DECLINE",
        "let pay_details = &voucher.pay_details;\n        ",
        "self.check_payee(pay_details)?;",
        &[("kind, parties and key are not looked at", "")],
    ),
    of(
        "DECLINE",
        "        self.check_payee(pay_details)?;\n        let next = self.store.next_sequence();\n        ",
        "",
        &[("the MAC comes before the sequence", "self.verified(voucher)?;")],
    ),
    of(
        "DECLINE",
        "        self.check_payee(pay_details)?;\n        let next = self.store.next_sequence();\n        if ",
        "pay_details.to_sequence > next",
        &[
            ("a sequence that has not come yet is not refused", "false"),
            ("the next sequence is refused", "pay_details.to_sequence >= next"),
        ],
    ),
    of(
        "DECLINE",
        "pay_details.to_sequence == next && ",
        "next > Sequence::LAST",
        &[
            ("the last sequence is not looked at", "false"),
            ("the last sequence cannot be used", "next >= Sequence::LAST"),
            ("sequences are used up as early as for CREDIT", "next >= Sequence::EXHAUSTED"),
        ],
    ),
    of(
        "DECLINE",
        "next > Sequence::LAST {\n            return Err(StatusWord::SequenceExhausted);\n        }\n        ",
        "",
        &[(
            "room in the log comes before the MAC",
            "if pay_details.to_sequence == next { self.check_places(2)?; }",
        )],
    ),
    of(
        "DECLINE",
        "let nack = ",
        "self.verified(voucher)?.nack()",
        &[("ack instead of nack", "self.verified(voucher)?.ack()")],
    ),
    of(
        "DECLINE",
        "",
        "self.check_places(2)?",
        &[
            ("room in the log is not looked at", ""),
            ("it takes the collection's place", "self.check_places(1)?"),
            ("it stops with the reserve", "self.check_places(Self::RESERVE + 1)?"),
        ],
    ),
    of(
        "DECLINE",
        "self.next_record(pay_details, RecordRole::Declined);\n            ",
        "record.tac = voucher.tac",
        &[("the record has no TAC", "")],
    ),
    of(
        "DECLINE",
        "self.next_record(pay_details, RecordRole::Declined);\n            record.tac = voucher.tac;\n            ",
        "self.append(record)?",
        &[("answered without a commit", "let _ = record;")],
    ),
    of(
        "DECLINE",
        "Past::Credited => ",
        "return Err(StatusWord::ConditionsOfUse)",
        &[("a nack for what was credited", "")],
    ),
    of(
        "DECLINE",
        "Past::Gone => ",
        "return Err(StatusWord::ReferenceNotFound)",
        &[("a nack for what may have been credited", "")],
    ),
    of(
        "DECLINE",
        "Past::Other => ",
        "{}",
        &[("a repeat is refused", "return Err(StatusWord::ConditionsOfUse)")],
    ),
];
