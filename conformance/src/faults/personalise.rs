//! STORE DATA.

use super::place::Place;

const fn of(
    before: &'static str,
    text: &'static str,
    faults: &'static [(&'static str, &'static str)],
) -> Place {
    Place { command: "STORE DATA", file: "card/src/personalisation.rs", before, text, faults }
}

/// All of them.
pub(super) const PLACES: &[Place] = &[
    of("if ", "self.personalisation.is_last(last, number, data)", &[("a repeat is refused", "false")]),
    of(
        "Ok(Command::StoreData(last, number, data)) => self.complete && ",
        "self.is_last(last, number, data)",
        &[("any block repeats the last one", "true")],
    ),
    of("if ", "number == 0", &[("block 00 does not begin anew", "false")]),
    of(
        "if ",
        "u16::from(number) != self.personalisation.blocks",
        &[
            ("blocks in any order", "false"),
            ("a block may be left out", "u16::from(number) < self.personalisation.blocks"),
        ],
    ),
    of(
        "",
        "groups.read(data).map_err(|_| StatusWord::WrongData)?",
        &[
            ("what cannot be read is left out", "let _ = groups.read(data);"),
            (
                "a refused block leaves its groups behind",
                "if groups.read(data).is_err() { self.personalisation.groups = groups; return Err(StatusWord::WrongData); }",
            ),
        ],
    ),
    of(
        "groups.read(data).map_err(|_| StatusWord::WrongData)?;\n        if ",
        "last",
        &[(
            "a block that is complete waits for no last one",
            "last || groups.complete(&self.engine).is_some()",
        )],
    ),
    of("", "self.keys = Keys::new(&self.engine, &self.store)", &[("keys work only after power-up", "")]),
    of("complete: ", "last", &[("no repeat of the last block", "false")]),
    of(
        "is_unused || ",
        "check_value(engine, key) == value",
        &[
            ("check values are not looked at", "true"),
            (
                "the first key's check value only",
                "purpose != KeyPurpose::Load || check_value(engine, key) == value",
            ),
        ],
    ),
    of(
        "let is_unused = ",
        "identity.role == Role::Merchant && purpose == KeyPurpose::Payment",
        &[("a SAM has a PAYM key", "false"), ("a purse needs no PAYM key", "purpose == KeyPurpose::Payment")],
    ),
    of(
        "let tries_hold = ",
        "(1..=MOST_TRIES).contains(&limit) && tries <= limit",
        &[
            ("any number of tries", "true"),
            ("a limit of no tries", "limit <= MOST_TRIES && tries <= limit"),
            ("a limit above fifteen", "limit >= 1 && tries <= limit"),
            ("more tries than the limit", "(1..=MOST_TRIES).contains(&limit)"),
            ("fifteen tries are too many", "(1..MOST_TRIES).contains(&limit) && tries <= limit"),
        ],
    ),
    of(
        "let masters_hold = ",
        "self.masters.is_some() == (identity.role == Role::Merchant)",
        &[
            ("masters for anybody or nobody", "true"),
            ("a SAM without masters", "self.masters.is_none() || identity.role == Role::Merchant"),
            ("a purse with masters", "self.masters.is_some() || identity.role != Role::Merchant"),
        ],
    ),
    of("", "*balance = group.balance", &[("pockets begin empty", "")]),
    of("first_sequence: ", "Sequence(0)", &[("sequences begin at 1", "Sequence(1)")]),
    of(
        "",
        "first.is_some()
            && currencies().all(|wanted| currencies().filter(|other| *other == wanted).count() == 1)",
        &[
            (
                "no pocket 0",
                "let _ = first; currencies().all(|wanted| currencies().filter(|other| *other == wanted).count() == 1)",
            ),
            ("a currency twice", "first.is_some()"),
        ],
    ),
    of("if ", "place.is_some()", &[("a group twice", "false")]),
    of(
        "if ",
        "version == KeyVersion::NONE || is_known",
        &[
            ("a master of version 00", "is_known"),
            ("two masters of a version", "version == KeyVersion::NONE"),
        ],
    ),
    of(
        "let group = read(&mut reader)?;\n    ",
        "reader.end().map(|()| group)",
        &[("a group that is too long", "Ok(group)")],
    ),
];
