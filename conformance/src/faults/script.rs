//! UPDATE PARAMETER.

use super::place::{Code, Place};

const HERE: Code = Code { command: "UPDATE PARAMETER", file: "card/src/script.rs" };

/// All of them.
pub(super) const PLACES: &[Place] = &[
    HERE.place(
        "pub(crate) fn update_parameter(&mut self, script: &Script<'_>) -> Outcome {\n        ",
        "",
        &[
            (
                "the counter comes before the MAC",
                "if script.counter < self.store.administration().counter { return Err(StatusWord::ConditionsOfUse); }",
            ),
            (
                "the form comes before the MAC",
                "Parameter::parse(script.id, script.value).map_err(|_| StatusWord::WrongData)?;",
            ),
        ],
    ),
    HERE.place("if ", "!bool::from(expected.ct_eq(&script.mac))", &[("the MAC is not looked at", "false")]),
    HERE.place(
        "if ",
        "script.counter == accepted.counter && bool::from(script.mac.0.ct_eq(&accepted.mac))",
        &[
            ("a repeat is refused", "false"),
            ("another script under the last counter is a repeat", "script.counter == accepted.counter"),
            (
                "an older counter with the same MAC",
                "script.counter <= accepted.counter && script.counter != 0",
            ),
        ],
    ),
    HERE.place(
        "            return Ok(StatusWord::Success);\n        }\n        ",
        "",
        &[(
            "the form comes before the counter",
            "Parameter::parse(script.id, script.value).map_err(|_| StatusWord::WrongData)?;",
        )],
    ),
    HERE.place(
        "if ",
        "script.counter <= accepted.counter",
        &[
            ("any counter", "false"),
            ("the same counter again", "script.counter < accepted.counter"),
            ("counters without gaps", "script.counter != accepted.counter + 1"),
        ],
    ),
    HERE.place(
        "",
        "parameters.administration = administration",
        &[
            ("the counter is not written", ""),
            ("the MAC is not written", "parameters.administration.counter = administration.counter"),
        ],
    ),
    HERE.place(
        "place(&mut parameters, pocket).filter(|pocket| ",
        "pocket.is_used()",
        &[("limits of a pocket that is not there", "true")],
    ),
    HERE.place(
        "place.ok_or(StatusWord::ReferenceNotFound)?.limits = ",
        "limits",
        &[(
            "maximum debit stays",
            "apdu_spec::pocket::Limits { maximum_debit: self.limits(usize::from(pocket))?.maximum_debit, ..limits }",
        )],
    ),
    HERE.place("if ", "known", &[("a currency that there is already", "false")]),
    HERE.place("|| ", "free.is_used()", &[("a pocket that there is already", "false")]),
    HERE.place("|| ", "!new.currency.is_valid()", &[("a pocket without a currency", "false")]),
    HERE.place("", "*free = new", &[("the new pocket is not kept", "")]),
    HERE.place("Parameter::Expiry(expiry) if ", "expiry.is_valid()", &[("any month", "true")]),
    HERE.place("", "parameters.expiry = expiry", &[("the expiry stays", "")]),
    HERE.place("Parameter::Block => ", "parameters.blocked = true", &[("the card is not blocked", "")]),
    HERE.place(
        "Parameter::Unblock => ",
        "parameters.blocked = false",
        &[
            ("the card stays blocked", ""),
            ("the lock goes with the block", "parameters.blocked = false; parameters.locked = false;"),
        ],
    ),
    HERE.place(
        "Parameter::Terminate if ",
        "self.is_used_up()",
        &[
            ("a card with value ends", "true"),
            (
                "a card with an open payment ends",
                "self.store.state().pockets.iter().all(|pocket| pocket.balance.0 == 0)",
            ),
        ],
    ),
    HERE.place("", "parameters.terminated = true", &[("the card is not terminated", "")]),
    HERE.place("Parameter::ClearLock => ", "parameters.locked = false", &[("the lock stays", "")]),
    HERE.place("", "pin.tries = pin.limit", &[("the tries stay", "")]),
    HERE.place("", "pin.administration = administration", &[("the counter is not written with the PIN", "")]),
    HERE.place("", "self.store.commit(Entry::Pin(pin))?", &[("tries answered without a commit", "let _ = pin;")]),
    HERE.place("if ", "!bool::from(record.tac.ct_eq(&tac))", &[("the TAC is not looked at", "false")]),
    HERE.place(
        "| (Resolution::Reversed, RecordState::Reversed) => ",
        "Ok(())",
        &[
            (
                "what is settled already uses the counter",
                "Ok(self.store.commit(Entry::Parameters(*parameters))?)",
            ),
            ("what is settled already is refused", "Err(StatusWord::ConditionsOfUse)"),
        ],
    ),
    HERE.place(
        "",
        "self.store.commit(Entry::Mark(sequence))?",
        &[
            ("the payment stays open", ""),
            (
                "the counter comes before the payment",
                "self.store.commit(Entry::Parameters(*parameters))?; self.store.commit(Entry::Mark(sequence))?",
            ),
        ],
    ),
    HERE.place(
        "self.store.commit(Entry::Mark(sequence))?;\n                ",
        "Ok(self.store.commit(Entry::Parameters(*parameters))?)",
        &[("the counter is not written with the payment", "Ok(())")],
    ),
    HERE.place(
        "self.take_back(&record, ",
        "Some(parameters.administration)",
        &[
            ("the counter is not written with the reversal", "Some(self.store.administration())"),
            ("the issuer's word is the payee's", "None"),
        ],
    ),
    HERE.place(
        "| (Resolution::Reversed, RecordState::Settled | RecordState::Refunded) => ",
        "{
                Err(StatusWord::ConditionsOfUse)
            }",
        &[("what came otherwise is accepted", "Ok(())")],
    ),
    Place {
        command: "UPDATE PARAMETER",
        file: "card/src/payer.rs",
        before: ") -> Result<(), StatusWord> {\n        ",
        text: "self.check_last_sequence()?",
        faults: &[("a reversal without a sequence", "")],
    },
    Place {
        command: "UPDATE PARAMETER",
        file: "card/src/payer.rs",
        before: "",
        text: "record.administration = administration",
        faults: &[("the counter is not in the reversal", "")],
    },
    HERE.place("if ", "self.identity()?.role != Role::Merchant", &[("a purse forgets masters", "false")]),
    HERE.place(
        "let mut masters = self.store.masters().ok_or(StatusWord::ConditionsOfUse)?.clone();\n        ",
        "",
        &[(
            "the open payment comes before the version",
            "if self.sequences().any(|sequence| self.is_open_payment(sequence)) { return Err(StatusWord::ConditionsOfUse); }",
        )],
    ),
    HERE.place(
        "",
        "place.ok_or(StatusWord::ReferenceNotFound)?.zeroize()",
        &[("the master stays", "place.ok_or(StatusWord::ReferenceNotFound)?;")],
    ),
    HERE.place(
        "record.is_some_and(|record| ",
        "is_under_master(&record.pay_details, version)",
        &[
            ("a master with an open payment is forgotten", "false"),
            ("any open payment keeps a master", "true"),
            ("an open unload keeps a master", "record.pay_details.key_version == version"),
            ("an open payment keeps any master", "record.pay_details.kind == Kind::Refund"),
        ],
    ),
    HERE.place(
        "",
        "masters.administration = administration",
        &[("the counter is not written with the masters", "")],
    ),
    HERE.place(
        "",
        "self.store.commit(Entry::Masters(masters))?",
        &[("masters answered without a commit", "let _ = masters;")],
    ),
    HERE.place(
        "",
        "self.keys = Keys::new(&self.engine, &self.store)",
        &[("a forgotten master works until power goes", "")],
    ),
];
