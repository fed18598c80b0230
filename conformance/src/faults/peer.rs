//! VERIFY CERTIFICATE, and who the peer of a transfer is.

use super::place::{Code, Place};

const fn code(file: &'static str) -> Code {
    Code { command: "VERIFY CERTIFICATE", file }
}

const HERE: Code = code("card/src/peer.rs");
const FILES: Code = code("card/src/files.rs");
const KEYS: Code = code("card/src/keys.rs");

/// All of them.
pub(super) const PLACES: &[Place] = &[
    HERE.place(
        "let own = ",
        "self.store.certificate()?.ok_or(StatusWord::ConditionsOfUse)?",
        &[(
            "a card without a key pair has nothing to refer to",
            "self.store.certificate()?.ok_or(StatusWord::ReferenceNotFound)?",
        )],
    ),
    HERE.place(
        "let number = self.identity()?.number;\n        ",
        "",
        &[("a refused certificate ends the peer", "self.keys.part_from_peer();")],
    ),
    HERE.place(
        "let body = &certificate.body;\n        ",
        "",
        &[
            (
                "the key index comes before role and number",
                "if body.issuer_key != own.body.issuer_key { return Err(StatusWord::ReferenceNotFound); }",
            ),
        ],
    ),
    HERE.place("if ", "body.role != Role::Purse", &[("a certificate of a SAM", "false")]),
    HERE.place("|| ", "body.number == number", &[("its own certificate", "false")]),
    HERE.place(
        "if ",
        "body.issuer_key != own.body.issuer_key",
        &[("any key index", "false"), ("no key index but 0", "body.issuer_key != 0")],
    ),
    HERE.place(
        "self.keys.peer.as_mut().filter(|peer| ",
        "peer.certificate == *certificate",
        &[
            ("a number that was verified once is believed", "peer.certificate.body.number == body.number"),
            ("a body that was verified once is believed", "peer.certificate.body == *body"),
            ("any purse after the first is believed", "{ let _ = &peer; true }"),
        ],
    ),
    HERE.place(
        "peer.certificate == *certificate) {\n            ",
        "peer.is_present = true",
        &[("the same purse again is no peer", "let _ = peer;")],
    ),
    HERE.place(
        "let key = self.store.transfer_key()?.ok_or(StatusWord::ConditionsOfUse)?;\n        ",
        "",
        &[(
            "the point comes before the signature",
            "self.engine.agree(&key.private_key, &body.public_key).ok_or(StatusWord::WrongData)?;",
        )],
    ),
    HERE.place(
        "if ",
        "!certificate.is_signed_by(&self.engine, &key.issuer_key)",
        &[
            ("the signature is not looked at", "false"),
            (
                "what the own key has signed is believed too",
                "!certificate.is_signed_by(&self.engine, &key.issuer_key) && !certificate.is_signed_by(&self.engine, &own.body.public_key)",
            ),
        ],
    ),
    HERE.place(
        "let shared = ",
        "self.engine.agree(&key.private_key, &body.public_key).ok_or(StatusWord::WrongData)?",
        &[
            (
                "a point off the curve is a wrong signature",
                "self.engine.agree(&key.private_key, &body.public_key).ok_or(StatusWord::WrongMac)?",
            ),
            (
                "the pair key is made of the own public key",
                "self.engine.agree(&key.private_key, &own.body.public_key).ok_or(StatusWord::WrongData)?",
            ),
        ],
    ),
    HERE.place(
        "let pair_key = ",
        "pair_key(&self.engine, &shared, number, body.number)",
        &[
            ("the pair key leaves the own number out", "pair_key(&self.engine, &shared, body.number, body.number)"),
            ("the pair key leaves the peer's number out", "pair_key(&self.engine, &shared, number, number)"),
        ],
    ),
    HERE.place(
        "",
        "self.keys.peer = Some(Peer { certificate: *certificate, pair_key, is_present: true })",
        &[
            ("answered without a peer", "let _ = pair_key;"),
            (
                "a peer is not replaced",
                "if self.keys.peer.as_ref().is_none_or(|peer| !peer.is_present) {
                    self.keys.peer = Some(Peer { certificate: *certificate, pair_key, is_present: true });
                }",
            ),
        ],
    ),
    HERE.place(
        "let is_peer = |peer: &Peer| ",
        "peer.is_present",
        &[("a peer of an earlier session is asked for its key version", "true")],
    ),
    HERE.place(
        "peer.is_present && ",
        "peer.certificate.body.number == number",
        &[("any peer is the right one", "{ let _ = number; true }")],
    ),
    HERE.place(
        "if ",
        "kind != Kind::Transfer || self.peer.as_ref().is_some_and(is_peer)",
        &[
            ("a transfer needs no peer", "{ let _ = is_peer; true }"),
            ("every kind needs a peer", "self.peer.as_ref().is_some_and(is_peer)"),
        ],
    ),
    FILES.place(
        "self.session = Session { file, ..Session::NEW };\n                ",
        "self.keys.part_from_peer()",
        &[("a SELECT leaves the peer", "")],
    ),
    KEYS.place(
        "(Kind::Transfer, _) => ",
        "version == KeyVersion::NONE",
        &[
            ("a transfer of any key version", "true"),
            ("a transfer has the card's key version", "version == identity.key_version"),
        ],
    ),
];
