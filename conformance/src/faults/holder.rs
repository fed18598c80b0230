//! VERIFY, CHANGE PIN, LOCK, UNLOCK.

use super::place::{Code, Place};

const fn code(command: &'static str) -> Code {
    Code { command, file: "card/src/pin.rs" }
}

const VERIFY: Code = code("VERIFY");
const CHANGE_PIN: Code = code("CHANGE PIN");
const LOCK: Code = code("LOCK");

/// All of them.
pub(super) const PLACES: &[Place] = &[
    VERIFY.place("(true, _) => ",
        "Ok(StatusWord::Success)",
        &[("a verified PIN is not told", "Err(StatusWord::WrongPin(tries))")],
    ),
    VERIFY.place("(false, 0) => ",
        "Err(StatusWord::PinBlocked)",
        &[("no tries are 63C0", "Err(StatusWord::WrongPin(0))")],
    ),
    VERIFY.place("",
        "self.session.pin_verified = false",
        &[("a wrong PIN leaves an earlier one verified", "")],
    ),
    VERIFY.place("pin.tries = ",
        "pin.tries.checked_sub(1).ok_or(StatusWord::PinBlocked)?",
        &[
            ("any number of tries", "pin.tries.saturating_sub(1)"),
            ("no try is taken", "pin.tries.checked_sub(1).ok_or(StatusWord::PinBlocked)? + 1"),
            (
                "the last try is not given",
                "pin.tries.checked_sub(1).filter(|left| *left > 0).ok_or(StatusWord::PinBlocked)?",
            ),
        ],
    ),
    VERIFY.place("",
        "self.store.commit(Entry::Pin(pin.clone()))?",
        &[
            ("the try is not written", ""),
            (
                "the try is written after the comparison",
                "if bool::from(pin.block.ct_eq(&presented.emit())) { pin.tries = pin.limit; return Ok(pin); }
                self.store.commit(Entry::Pin(pin.clone()))?",
            ),
        ],
    ),
    VERIFY.place("if ", "bool::from(pin.block.ct_eq(&*presented))", &[("any PIN is right", "true")]),
    VERIFY.place("", "pin.tries = pin.limit", &[("a right PIN gives the tries not back", "pin.tries += 1")]),
    VERIFY.place("",
        "self.store.commit(Entry::Pin(pin))?",
        &[("a right PIN is not written", "let _ = pin;")],
    ),
    VERIFY.place("", "self.session.pin_verified = true", &[("a right PIN does not count", "")]),
    CHANGE_PIN.place("", "restored.block = new.emit()", &[("the PIN stays", "")]),
    CHANGE_PIN.place("restored.block = new.emit();\n        ",
        "",
        &[(
            "tries first, then the PIN",
            "let block = self.pin()?.block.clone(); let first = Pin { block, ..restored.clone() }; self.accept(first)?;",
        )],
    ),
    LOCK.place("if ", "!self.session.pin_verified", &[("no PIN is needed", "false")]),
    LOCK.place("",
        "self.store.commit(Entry::Parameters(Parameters { locked, ..parameters }))?",
        &[
            ("answered without a commit", ""),
            (
                "UNLOCK locks",
                "self.store.commit(Entry::Parameters(Parameters { locked: true, ..parameters }))?",
            ),
            (
                "it ends what a script said last",
                "self.store.commit(Entry::Parameters(Parameters { locked, administration: crate::store::Administration::default(), ..parameters }))?",
            ),
        ],
    ),
];
