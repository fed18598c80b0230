//! STORE DATA.

use super::place::{Code, Place};

const HERE: Code = Code { command: "STORE DATA", file: "card/src/personalisation.rs" };

/// All of them.
pub(super) const PLACES: &[Place] = &[
    HERE.place("if ", "self.personalisation.is_last(last, number, data)", &[("a repeat is refused", "false")]),
    HERE.place(
        "Ok(Command::StoreData(last, number, data)) => self.complete && ",
        "self.is_last(last, number, data)",
        &[("any block repeats the last one", "true")],
    ),
    HERE.place("if ", "number == 0", &[("block 00 does not begin anew", "false")]),
    HERE.place(
        "if ",
        "u16::from(number) != self.personalisation.blocks",
        &[
            ("blocks in any order", "false"),
            ("a block may be left out", "u16::from(number) < self.personalisation.blocks"),
        ],
    ),
    HERE.place(
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
    HERE.place(
        "groups.read(data).map_err(|_| StatusWord::WrongData)?;\n        if ",
        "last",
        &[(
            "a block that is complete waits for no last one",
            "last || groups.complete(&self.engine).is_some()",
        )],
    ),
    HERE.place("", "self.keys = Keys::new(&self.engine, &self.store)", &[("keys work only after power-up", "")]),
    HERE.place("complete: ", "last", &[("no repeat of the last block", "false")]),
    HERE.place(
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
    HERE.place(
        "let is_unused = ",
        "identity.role == Role::Merchant && purpose == KeyPurpose::Payment",
        &[("a SAM has a PAYM key", "false"), ("a purse needs no PAYM key", "purpose == KeyPurpose::Payment")],
    ),
    HERE.place(
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
    HERE.place(
        "let masters_hold = ",
        "self.masters.is_some() == (identity.role == Role::Merchant)",
        &[
            ("masters for anybody or nobody", "true"),
            ("a SAM without masters", "self.masters.is_none() || identity.role == Role::Merchant"),
            ("a purse with masters", "self.masters.is_some() || identity.role != Role::Merchant"),
        ],
    ),
    HERE.place(
        "let fits = ",
        "(identity.role, body.role, body.number)
                    == (Role::Purse, Role::Purse, identity.number)",
        &[
            (
                "a SAM with a key pair",
                "(body.role, body.number) == (Role::Purse, identity.number)",
            ),
            (
                "a purse with the certificate of a SAM",
                "(identity.role, body.number) == (Role::Purse, identity.number)",
            ),
            (
                "a purse with the certificate of another",
                "(identity.role, body.role) == (Role::Purse, Role::Purse)",
            ),
        ],
    ),
    HERE.place(
        "&& ",
        "curve.public_key(private_key) == Some(body.public_key)",
        &[("a private key of another certificate", "true")],
    ),
    HERE.place(
        "&& ",
        "certificate.is_signed_by(curve, &issuer_key)",
        &[("a certificate of another issuer", "true")],
    ),
    HERE.place(
        "if fits { Ok(Some(pair)) } else { Err(DataError::Value) }\n            }\n            _ => ",
        "Err(DataError::Value)",
        &[("a key pair by halves is left out", "Ok(None)")],
    ),
    HERE.place("", "*balance = group.balance", &[("pockets begin empty", "")]),
    HERE.place("first_sequence: ", "Sequence(0)", &[("sequences begin at 1", "Sequence(1)")]),
    HERE.place(
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
    HERE.place("if ", "place.is_some()", &[("a group twice", "false")]),
    HERE.place(
        "if ",
        "version == KeyVersion::NONE || is_known",
        &[
            ("a master of version 00", "is_known"),
            ("two masters of a version", "version == KeyVersion::NONE"),
        ],
    ),
    HERE.place(
        "let group = read(&mut reader)?;\n    ",
        "reader.end().map(|()| group)",
        &[("a group that is too long", "Ok(group)")],
    ),
];
