//! Mutants that say the same as the text, each with the reason.

/// Changed texts that nothing can tell from the text.
#[derive(Clone, Copy, Debug)]
pub struct Equivalent {
    /// Their names, as [`super::make::Mutant::name`] has them.
    pub names: &'static [&'static str],
    /// Why nothing can tell.
    pub reason: &'static str,
}

/// All of them.
pub const EQUIVALENTS: &[Equivalent] = &[
    Equivalent {
        names: &["SELECT 270: 1 to 2", "CHECK.PROFILE 340: 1 to 2", "VERIFY CERTIFICATE 180: 1 to 2"],
        reason: "the text asks only whether it is 0",
    },
    Equivalent {
        names: &["VERIFY CERTIFICATE 150: > to >="],
        reason: "a card does not verify its own number, so the two are never equal",
    },
    Equivalent {
        names: &["USED.UP 110: + to -", "USED.UP 110: 1 to 2"],
        reason: "the text asks only whether the count is 0, and it never comes back to it",
    },
    Equivalent {
        names: &["READ BINARY 30: 256 to 257", "READ BINARY 30: 256 to 255"],
        reason: "no file reaches an offset with P1 above 00",
    },
    Equivalent {
        names: &["READ BINARY 40: < to <=", "READ BINARY 40: byte 0 of [80] by one"],
        reason: "the command table has no P1 80",
    },
    Equivalent {
        names: &[
            "READ BINARY 80: exchanged with 90",
            "READ RECORD 100: exchanged with 110",
            "VERIFY 50: exchanged with 60",
            "GET BALANCE 30: exchanged with 40",
            "GET BALANCE 40: exchanged with 50",
            "DECLINE 50: exchanged with 60",
            "DECLINE 190: exchanged with 200",
            "STORE DATA 70: exchanged with 80",
            "CHECK.PAYEE 60: exchanged with 80",
            "CHECK.PAYER 80: exchanged with 90",
        ],
        reason: "no card, file, kind or sequence is both at once",
    },
    Equivalent {
        names: &["READ RECORD 80: exchanged with 90"],
        reason: "without a short identifier SHORT.FILE never answers",
    },
    Equivalent {
        names: &["GET DATA 56: 0 to 1"],
        reason: "a certificate has one length; what a card without one has is empty",
    },
    Equivalent {
        names: &["GET PROOF 35: exchanged with 40", "ACKNOWLEDGE 35: exchanged with 40"],
        reason: "only a transfer needs a peer, and no record of one has another key version than 00",
    },
    Equivalent {
        names: &["REVERSE 40: exchanged with 50"],
        reason: "the key of an open payment is never given up",
    },
    Equivalent {
        names: &["CHECK.TAKE.BACK 20: exchanged with 30"],
        reason: "the pocket of a record is never given up",
    },
    Equivalent {
        names: &[
            "READ RECORD 40: NIBBLE: byte 0 of [00] by one",
            "READ RECORD 50: NIBBLE: byte 0 of [00] by one",
        ],
        reason: "the byte only makes bytes of P2",
    },
    Equivalent {
        names: &["READ RECORD 50: > to >=", "READ RECORD 50: 7 to 8", "READ RECORD 50: 7 to 6"],
        reason: "the command table has P2 that end in 4 or C only",
    },
    Equivalent {
        names: &[
            "CHANGE PIN 50: PART: 8 to 9",
            "GROUP.FORM 160: PART: 2 to 3",
            "CERTIFICATE.FORM 80: PART: 2 to 3",
        ],
        reason: "the form looks at its own length only",
    },
    Equivalent {
        names: &[
            "CREDIT 30: IF left out",
            "CREDIT 30: OR to AND",
            "CREDIT 30: left of OR left out",
            "CREDIT 30: right of OR left out",
            "CREDIT 30: exchanged with 40",
            "DECLINE 30: IF left out",
            "DECLINE 30: OR to AND",
            "DECLINE 30: left of OR left out",
            "DECLINE 30: right of OR left out",
            "DECLINE 30: exchanged with 40",
        ],
        reason: "CHECK.PAYEE refuses an unknown kind with the same word, before any other",
    },
    Equivalent {
        names: &["CREDIT 240: GOTO left out", "DEBIT 370: GOTO left out", "DECLINE 170: GOTO left out"],
        reason: "what has just been recorded is its own repeat",
    },
    Equivalent {
        names: &["UPDATE PARAMETER 115: 0 to 1", "UPDATE PARAMETER 117: 0 to 1"],
        reason: "nobody uses them before they get another value",
    },
    Equivalent { names: &["GET BALANCE 30: IF left out"], reason: "line 50 says the same" },
    Equivalent {
        names: &[
            "STORE DATA 240: GOSUB left out",
            "STORE DATA 250: LET left out",
            "STORE DATA 250: 1 to 2",
            "STORE DATA 250: 1 to 0",
        ],
        reason: "a card that is not blank takes no more blocks",
    },
    Equivalent {
        names: &["APPEND.RECORD 60: IF left out", "APPEND.RECORD 60: <= to <"],
        reason: "the log has no record of a number below 0",
    },
    Equivalent {
        names: &[
            "CHECK.GROUPS 50: 0 to 1",
            "CHECK.PROFILE 80: 0 to 1",
            "NEXT.GROUP 20: > to >=",
            "NEXT.GROUP 20: 3 to 4",
        ],
        reason: "no data group is so short",
    },
    Equivalent {
        names: &[
            "CHECK.PROFILE 100: - to +",
            "CHECK.PROFILE 100: 1 to 0",
            "FORGET.GROUPS 50: - to +",
            "FORGET.GROUPS 50: 1 to 0",
            "PERSONALISE 150: - to +",
            "PERSONALISE 150: 1 to 0",
        ],
        reason: "there is no group 1516",
    },
    Equivalent { names: &["CHECK.PROFILE 100: 0 to 1"], reason: "no pocket comes before pocket 0" },
    Equivalent {
        names: &["PERSONALISE 230: - to +", "PERSONALISE 230: 1 to 0", "PERSONALISE 240: 17 to 18"],
        reason: "the group ends with its last master, the eighth at most",
    },
    Equivalent { names: &["CURRENCY.FORM 30: 1 to 0"], reason: "line 20 has looked at it" },
    Equivalent {
        names: &["DROP.GROUPS 60: < to <="],
        reason: "NEXT.GROUP then refuses the block with the same word",
    },
    Equivalent { names: &["FIND.PURCHASE 30: 1 to 2"], reason: "both are above every amount" },
    Equivalent {
        names: &["LIFE.CYCLE 60: IF left out"],
        reason: "a blank card is not disposable and not terminated",
    },
    Equivalent {
        names: &["NUMBER.FORM 130: 0 to 1", "NUMBER.FORM 130: 14 to 15"],
        reason: "only the number 0 has the sum 0, and none has 150",
    },
    Equivalent { names: &["PAST 110: < to <="], reason: "the same line asks for equality first" },
    Equivalent {
        names: &[
            "SHORT.FILE 40: AND to OR",
            "SHORT.FILE 40: left of AND left out",
            "SHORT.FILE 40: right of AND left out",
        ],
        reason: "lines 50 to 100 leave nothing of it",
    },
    Equivalent {
        names: &["SELECT 250: left of OR left out", "SELECT 255: left of OR left out"],
        reason: "below the MF neither PIN nor peer counts, and the way back is a new session",
    },
    Equivalent {
        names: &["SELECT 260: right of OR left out"],
        reason: "EF.DIR can be selected only where nothing else is",
    },
    Equivalent {
        names: &["DEBIT 430: left of OR left out"],
        reason: "no other record holds a payment of this card under the record's own sequence",
    },
    Equivalent {
        names: &["UPDATE PARAMETER 70: left of AND left out"],
        reason: "the MAC is over the counter too",
    },
    Equivalent {
        names: &[
            "GET PROOF 20: right of OR left out",
            "READ ENTRY 20: right of OR left out",
            "ACKNOWLEDGE 20: right of OR left out (2)",
            "REVERSE 20: right of OR left out (2)",
        ],
        reason: "no sequence of a blank card has come yet, which has the same word",
    },
    Equivalent {
        names: &[
            "READ ENTRY 60: left of OR left out",
            "APPEND.RECORD 90: left of AND left out (2)",
            "CHECK.ROOM 90: left of AND left out (2)",
            "FIND.MASTER 100: left of AND left out (3)",
            "USED.UP 70: left of AND left out",
        ],
        reason: "only payer's records are open",
    },
    Equivalent {
        names: &["STORE DATA 50: left of AND left out"],
        reason: "a block that was taken and not the last leaves the card blank, and line 80 says the same",
    },
    Equivalent {
        names: &["CHECK.CREDIT 70: left of AND left out"],
        reason: "a load sets the count to 0, and a SAM has nothing to count",
    },
];

/// Why this one is equivalent, if it is.
pub fn reason(name: &str) -> Option<&'static str> {
    EQUIVALENTS.iter().find(|equivalent| equivalent.names.contains(&name)).map(|equivalent| equivalent.reason)
}
