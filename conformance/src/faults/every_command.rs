//! What comes before every command, and what many commands ask for.

use super::place::{Code, Place};

const fn code(file: &'static str) -> Code {
    Code { command: "every command", file }
}

const CARD: Code = code("card/src/card.rs");

/// All of them.
pub(super) const PLACES: &[Place] = &[
    CARD.place("if ",
        "!free && !self.session.is_selected()",
        &[("without a selected application", "false")],
    ),
    CARD.place("let life_cycle = self.life_cycle();\n        if ",
        "request.row.is_allowed(life_cycle) || self.personalisation.is_repeat(request)",
        &[
            ("in any state of the life cycle", "true"),
            ("no repeat of the last STORE DATA", "request.row.is_allowed(life_cycle)"),
            (
                "a blocked card as an active one",
                "request.row.is_allowed(life_cycle) || self.personalisation.is_repeat(request) || life_cycle == LifeCycle::Blocked && request.row.is_allowed(LifeCycle::Active)",
            ),
        ],
    ),
    CARD.place("} else if ", "life_cycle == LifeCycle::Locked", &[("a locked card says 6985", "false")]),
    CARD.place("if ",
        "parameters.terminated || identity.flags & FLAG_DISPOSABLE != 0 && self.is_used_up()",
        &[
            ("a card never ends", "false"),
            ("a disposable card never ends", "parameters.terminated"),
            ("every used-up card ends", "parameters.terminated || self.is_used_up()"),
        ],
    ),
    CARD.place("} else if ",
        "parameters.blocked",
        &[
            ("a block counts for nothing", "false"),
            ("the lock hides the block", "parameters.blocked && !parameters.locked"),
        ],
    ),
    CARD.place("let empty = ",
        "self.store.state().pockets.iter().all(|pocket| pocket.balance.0 == 0)",
        &[(
            "only pocket 0 counts for being used up",
            "self.store.state().pockets.iter().take(1).all(|pocket| pocket.balance.0 == 0)",
        )],
    ),
    CARD.place("empty && ",
        "self.sequences().all(|sequence| !self.is_open_payment(sequence))",
        &[
            ("open payments do not count for being used up", "true"),
            (
                "EF.EXC does not count for being used up",
                "self.store.window_sequences().all(|sequence| !self.is_open_payment(sequence))",
            ),
        ],
    ),
    code("card/src/ledger.rs").place("parameters.pockets.iter().position(|pocket| ",
        "pocket.is_used() && pocket.currency == currency",
        &[("an unused pocket has a currency", "pocket.currency == currency")],
    ),
    code("card/src/ledger.rs").place("if ",
        "self.identity()?.role == Role::Merchant",
        &[("a SAM has no chain", "false"), ("a purse has a chain", "true")],
    ),
    code("card/src/keys.rs").place("self.masters.iter().flatten().any(|(held, _)| ",
        "*held == version",
        &[("any master is held", "true")],
    ),
    code("card/src/keys.rs").place("if held { Ok(()) } else { ",
        "Err(StatusWord::ReferenceNotFound)",
        &[("another word for a key that is not held", "Err(StatusWord::WrongData)")],
    ),
];
