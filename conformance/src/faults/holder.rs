//! VERIFY, CHANGE PIN, LOCK, UNLOCK.

use super::place::Place;

const fn of(
    command: &'static str,
    before: &'static str,
    text: &'static str,
    faults: &'static [(&'static str, &'static str)],
) -> Place {
    Place { command, file: "card/src/pin.rs", before, text, faults }
}

/// All of them.
pub(super) const PLACES: &[Place] = &[
    of(
        "VERIFY",
        "(true, _) => ",
        "Ok(StatusWord::Success)",
        &[("a verified PIN is not told", "Err(StatusWord::WrongPin(tries))")],
    ),
    of(
        "VERIFY",
        "(false, 0) => ",
        "Err(StatusWord::PinBlocked)",
        &[("no tries are 63C0", "Err(StatusWord::WrongPin(0))")],
    ),
    of(
        "VERIFY",
        "",
        "self.session.pin_verified = false",
        &[("a wrong PIN leaves an earlier one verified", "")],
    ),
    of(
        "VERIFY",
        "pin.tries = ",
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
    of(
        "VERIFY",
        "",
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
    of("VERIFY", "if ", "bool::from(pin.block.ct_eq(&*presented))", &[("any PIN is right", "true")]),
    of("VERIFY", "", "pin.tries = pin.limit", &[("a right PIN gives the tries not back", "pin.tries += 1")]),
    of(
        "VERIFY",
        "",
        "self.store.commit(Entry::Pin(pin))?",
        &[("a right PIN is not written", "let _ = pin;")],
    ),
    of("VERIFY", "", "self.session.pin_verified = true", &[("a right PIN does not count", "")]),
    of("CHANGE PIN", "", "restored.block = new.emit()", &[("the PIN stays", "")]),
    of(
        "CHANGE PIN",
        "restored.block = new.emit();\n        ",
        "",
        &[(
            "tries first, then the PIN",
            "let block = self.pin()?.block.clone(); let first = Pin { block, ..restored.clone() }; self.accept(first)?;",
        )],
    ),
    of("LOCK", "if ", "!self.session.pin_verified", &[("no PIN is needed", "false")]),
    of(
        "LOCK",
        "",
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
