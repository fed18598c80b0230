//! DEBIT.

use super::place::{Code, Place};

const HERE: Code = Code { command: "DEBIT", file: "card/src/payer.rs" };

/// All of them.
pub(super) const PLACES: &[Place] = &[
    HERE.place(
        "let pay_details = data.pay_details(identity.number);\n        ",
        "",
        &[(
            "the sequence is looked at before the kind",
            "if data.sequence > self.store.next_sequence() { return Err(StatusWord::ConditionsOfUse); }",
        )],
    ),
    HERE.place(
        "let is_unload = pay_details.kind == Kind::Unload;\n        ",
        "",
        &[(
            "the MAC is looked at before the sequence",
            "if !bool::from(self.session(&pay_details)?.req().ct_eq(&data.req)) {
                return Err(StatusWord::WrongMac);
            }",
        )],
    ),
    HERE.place(
        "if ",
        "data.sequence > next",
        &[
            ("a sequence that has not come yet is not refused", "false"),
            ("the next sequence is refused", "data.sequence >= next"),
        ],
    ),
    HERE.place(
        "if ",
        "data.sequence == next && next >= (if is_unload { Sequence::NONE } else { Sequence::EXHAUSTED })",
        &[
            ("the last sequences are used up for anything", "false"),
            (
                "one sequence too many before 9402",
                "data.sequence == next && next > (if is_unload { Sequence::NONE } else { Sequence::EXHAUSTED })",
            ),
            (
                "an unload has no sequences of its own at the end",
                "data.sequence == next && next >= Sequence::EXHAUSTED",
            ),
            ("a repeat is refused at the end", "next >= Sequence::EXHAUSTED && !is_unload"),
        ],
    ),
    HERE.place("if ", "!bool::from(session.req().ct_eq(&data.req))", &[("req is not looked at", "false")]),
    HERE.place(
        "if ",
        "record.pay_details != pay_details",
        &[("a repeat with other data gets an answer", "false")],
    ),
    HERE.place(
        "                return Err(StatusWord::ConditionsOfUse);\n            }\n            ",
        "Proof { val: session.val(record.tac), tac: record.tac }",
        &[
            (
                "a repeat gets another TAC",
                "Proof { val: session.val(record.tac), tac: apdu_spec::cryptography::Tac::NONE }",
            ),
            ("a repeat gets another val", "Proof { val: session.req(), tac: record.tac }"),
        ],
    ),
    HERE.place(
        "Some(record.chain).filter(|_| ",
        "is_unload && role == Role::Merchant",
        &[
            ("a collection's TAC leaves the chain out", "false"),
            ("a purse's unload has the chain in its TAC", "is_unload"),
            ("a refund has the chain in its TAC", "role == Role::Merchant"),
        ],
    ),
    HERE.place(
        "drop(session);\n            ",
        "self.append(record)?",
        &[
            ("answered without a commit", "let _ = record;"),
            (
                "settled at once",
                "let sequence = record.sequence; self.append(record)?; self.store.commit(Entry::Mark(sequence))?",
            ),
        ],
    ),
    HERE.place(
        "let limits = self.limits(place)?;\n        ",
        "",
        &[(
            "the limit comes before the balance",
            "if matches!(kind, Kind::Purchase | Kind::Refund) && amount > limits.maximum_debit {
                return Err(StatusWord::OverLimit);
            }",
        )],
    ),
    HERE.place(
        "let (kind, amount) = (pay_details.kind, pay_details.amount);\n        ",
        "",
        &[("room in the log comes before the balance", "self.check_log(kind)?;")],
    ),
    HERE.place(
        "pocket.balance = ",
        "pocket.balance.checked_sub(amount).ok_or(StatusWord::InsufficientValue)?",
        &[
            ("more than there is", "Amount(pocket.balance.0.saturating_sub(amount.0))"),
            ("the balance stays", "pocket.balance"),
            (
                "the last unit is kept back",
                "pocket.balance.checked_sub(amount).filter(|left| left.0 > 0 || amount.0 == 0).ok_or(StatusWord::InsufficientValue)?",
            ),
        ],
    ),
    HERE.place(
        "if let Some(maximum) = maximum {\n            ",
        "",
        &[(
            "the PIN comes before the limit",
            "if !self.session.pin_verified && amount > limits.debit_without_pin {
                return Err(StatusWord::SecurityStatus);
            }",
        )],
    ),
    HERE.place(
        "if ",
        "amount > maximum",
        &[("no limit of one debit", "false"), ("the limit is one too low", "amount >= maximum")],
    ),
    HERE.place(
        ".filter(|total| ",
        "amount <= limits.debit_without_pin",
        &[
            ("no limit of one debit without PIN", "true"),
            ("the limit of one debit without PIN is one too low", "amount < limits.debit_without_pin"),
        ],
    ),
    HERE.place(
        "amount <= limits.debit_without_pin && ",
        "*total <= limits.total_without_pin",
        &[
            ("no limit of all debits without PIN", "true"),
            ("the limit of all debits without PIN is one too low", "*total < limits.total_without_pin"),
        ],
    ),
    HERE.place(
        "if ",
        "!self.session.pin_verified",
        &[("the PIN does not help", "true"), ("no PIN is needed", "false")],
    ),
    HERE.place(
        "",
        "pocket.debited_without_pin = within.ok_or(StatusWord::SecurityStatus)?",
        &[("the total without PIN is not counted", "within.ok_or(StatusWord::SecurityStatus)?;")],
    ),
    HERE.place(
        "} else {\n            ",
        "pocket.received_offline = Amount::ZERO",
        &[("an unload leaves the count of offline receipts", "")],
    ),
    HERE.place(
        "",
        "pocket.debited_without_pin = Amount::ZERO",
        &[("the total without PIN is not set back by a PIN", "")],
    ),
    HERE.place("", "self.check_log(kind)?", &[("room in the log is not looked at", "")]),
    HERE.place(
        "Kind::Unload => ",
        "EXCEPTIONS",
        &[("the unload's own place is kept from it", "EXCEPTIONS.saturating_sub(1)")],
    ),
    HERE.place(
        "Kind::Transfer | Kind::Refund => ",
        "EXCEPTIONS.saturating_sub(1)",
        &[
            ("a refund takes the unload's place", "EXCEPTIONS"),
            (
                "a transfer takes the unload's place",
                "if kind == Kind::Transfer { EXCEPTIONS } else { EXCEPTIONS.saturating_sub(1) }",
            ),
        ],
    ),
    HERE.place(
        "if ",
        "self.store.open_exceptional() >= places",
        &[
            ("EF.EXC is not looked at", "false"),
            ("one open payment too many for EF.EXC", "self.store.open_exceptional() > places"),
        ],
    ),
    HERE.place(
        "self.check_places(",
        "if kind == Kind::Unload { 1 } else { 2 }",
        &[("a refund takes the collection's place", "1"), ("a collection needs two places", "2")],
    ),
    HERE.place("if ", "pay_details.to == identity.number", &[("a payment to itself is not refused", "false")]),
    HERE.place(
        "|| ",
        "pay_details.amount == Amount::ZERO && !is_collection",
        &[
            ("a payment of nothing", "false"),
            ("a collection of nothing is refused", "pay_details.amount == Amount::ZERO"),
        ],
    ),
    HERE.place("|| ", "!identity.role.pays(kind)", &[("any role pays any kind", "false")]),
    HERE.place(
        "|| ",
        "kind == Kind::Unload && !to_issuer",
        &[
            ("an unload to anybody", "false"),
            ("a collection to anybody", "kind == Kind::Unload && !to_issuer && !is_collection"),
        ],
    ),
    HERE.place("", "pay_details.to == identity.issuer", &[("an unload to who is not the issuer", "true")]),
    HERE.place(
        "",
        "pay_details.to_sequence == pay_details.from_sequence",
        &[("an unload with another sequence of the issuer", "true")],
    ),
    HERE.place(
        "",
        "self.keys.check_peer(kind, pay_details.to)?",
        &[
            ("a transfer to any other than the peer", ""),
            ("the payer must be the peer", "self.keys.check_peer(kind, pay_details.from)?"),
            (
                "the key version comes before the peer",
                "self.keys.check_version(identity, kind, pay_details.key_version)?;
                self.keys.check_peer(kind, pay_details.to)?",
            ),
        ],
    ),
    HERE.place(
        "Kind::Transfer => ",
        "Some(limits.maximum_transfer)",
        &[
            ("a transfer may be as large as a purchase", "Some(limits.maximum_debit)"),
            ("a transfer is as free as an unload", "None"),
            ("no limit of one transfer", "Some(Amount(u32::MAX))"),
        ],
    ),
    HERE.place(
        "",
        "self.keys.check_version(identity, kind, pay_details.key_version)?;\n        self.pocket(pay_details.currency)",
        &[("the key version is not looked at", "self.pocket(pay_details.currency)")],
    ),
];
