//! GET PROOF, ACKNOWLEDGE, REVERSE.

use super::place::Place;

const fn of(
    command: &'static str,
    before: &'static str,
    text: &'static str,
    faults: &'static [(&'static str, &'static str)],
) -> Place {
    Place { command, file: "card/src/payer.rs", before, text, faults }
}

/// All of them.
pub(super) const PLACES: &[Place] = &[
    of(
        "GET PROOF",
        "let val = self.session(&pay_details)?.val(tac);\n        ",
        "",
        &[("the payment is marked as settled", "self.store.commit(Entry::Mark(sequence))?;")],
    ),
    of(
        "GET PROOF",
        "answer.put(&",
        "Proof { val, tac }",
        &[("the answer has no TAC", "Proof { val, tac: apdu_spec::cryptography::Tac::NONE }")],
    ),
    of(
        "GET PROOF",
        "let val = ",
        "self.session(&pay_details)?.val(tac)",
        &[("val is over no TAC", "self.session(&pay_details)?.val(apdu_spec::cryptography::Tac::NONE)")],
    ),
    of(
        "GET PROOF",
        "if ",
        "sequence >= self.store.next_sequence()",
        &[
            ("a sequence that has not come yet is one that is gone", "false"),
            ("the next sequence is one that is gone", "sequence > self.store.next_sequence()"),
        ],
    ),
    of(
        "GET PROOF",
        "if ",
        "standing.role != RecordRole::Payer",
        &[
            ("a record of any role has a proof", "false"),
            (
                "a reversal has a proof",
                "standing.role != RecordRole::Payer && standing.role != RecordRole::Reversal",
            ),
        ],
    ),
    of(
        "GET PROOF",
        "self.store.standing(sequence).ok_or(StatusWord::ReferenceNotFound)?;\n        if standing.role != RecordRole::Payer {\n            ",
        "return Err(StatusWord::ConditionsOfUse);",
        &[("another role is refused with another word", "return Err(StatusWord::ReferenceNotFound);")],
    ),
    of(
        "ACKNOWLEDGE",
        "sequence: Sequence, ack: Authenticator) -> Outcome {\n        let record = self.payer_record(sequence)?;\n        ",
        "",
        &[(
            "the state comes before the MAC",
            "if self.state_of(sequence)? == RecordState::Reversed { return Err(StatusWord::ConditionsOfUse); }",
        )],
    ),
    of(
        "ACKNOWLEDGE",
        "if ",
        "!bool::from(self.session(&record.pay_details)?.ack().ct_eq(&ack))",
        &[
            ("ack is not looked at", "false"),
            (
                "nack is taken for ack",
                "!bool::from(self.session(&record.pay_details)?.ack().ct_eq(&ack)) && !bool::from(self.session(&record.pay_details)?.nack().ct_eq(&ack))",
            ),
        ],
    ),
    of(
        "ACKNOWLEDGE",
        "RecordState::Open => ",
        "self.store.commit(Entry::Mark(sequence))?",
        &[("answered without a commit", "")],
    ),
    of(
        "ACKNOWLEDGE",
        "RecordState::Settled | RecordState::Refunded => ",
        "{}",
        &[("a repeat is refused", "return Err(StatusWord::ConditionsOfUse)")],
    ),
    of(
        "ACKNOWLEDGE",
        "RecordState::Reversed => ",
        "return Err(StatusWord::ConditionsOfUse)",
        &[("a reversed payment is acknowledged", "")],
    ),
    of(
        "REVERSE",
        "nack: Authenticator) -> Outcome {\n        let record = self.payer_record(sequence)?;\n        let state = self.state_of(sequence)?;\n        ",
        "",
        &[(
            "the state comes before the MAC",
            "if matches!(state, RecordState::Settled | RecordState::Refunded) { return Err(StatusWord::ConditionsOfUse); }",
        )],
    ),
    of(
        "REVERSE",
        "if ",
        "state == RecordState::Open",
        &[("the last sequence comes after the MAC", "false"), ("a repeat needs a sequence", "true")],
    ),
    of(
        "REVERSE",
        "if ",
        "!bool::from(self.session(&record.pay_details)?.nack().ct_eq(&nack))",
        &[("nack is not looked at", "false")],
    ),
    of(
        "REVERSE",
        "RecordState::Open => ",
        "self.take_back(&record, None)?",
        &[("answered without a commit", "")],
    ),
    of(
        "REVERSE",
        "RecordState::Reversed => ",
        "{}",
        &[
            ("reversed twice", "self.take_back(&record, None)?"),
            ("a repeat is refused", "return Err(StatusWord::ConditionsOfUse)"),
        ],
    ),
    of(
        "REVERSE",
        "            RecordState::Settled | RecordState::Refunded => ",
        "return Err(StatusWord::ConditionsOfUse)",
        &[
            ("a settled payment comes back", "self.take_back(&record, None)?"),
            ("a settled payment is said to have come back", ""),
        ],
    ),
    of(
        "REVERSE",
        "if ",
        "self.store.next_sequence() > Sequence::LAST",
        &[
            ("the last sequence is not looked at", "false"),
            ("the last sequence cannot be used", "self.store.next_sequence() >= Sequence::LAST"),
        ],
    ),
    of("REVERSE", "", "record.tac = debit.tac", &[("the new record has no TAC", "")]),
    of(
        "REVERSE",
        "",
        "record.reference = Some(debit.sequence)",
        &[("the new record does not say what it reverses", "")],
    ),
    of(
        "REVERSE",
        "pocket.balance = ",
        "pocket.balance.checked_add(amount).ok_or(StatusWord::OverLimit)?",
        &[("the balance stays", "pocket.balance")],
    ),
    of(
        "REVERSE",
        "if ",
        "debit.pay_details.kind == Kind::Purchase && script.is_none()",
        &[
            ("it is no offline receipt", "false"),
            ("the issuer's word is an offline receipt", "debit.pay_details.kind == Kind::Purchase"),
            ("any kind is an offline receipt", "script.is_none()"),
        ],
    ),
    of(
        "REVERSE",
        "pocket.received_offline.checked_add(amount).filter(|sum| ",
        "*sum <= limit",
        &[("no limit of offline receipts", "true"), ("the limit is one too low", "*sum < limit")],
    ),
    of(
        "REVERSE",
        "",
        "self.check_places(2)?",
        &[
            ("room in the log is not looked at", ""),
            ("it takes the collection's place", "self.check_places(1)?"),
            ("it needs more places than it takes", "self.check_places(Self::RESERVE + 1)?"),
        ],
    ),
];
