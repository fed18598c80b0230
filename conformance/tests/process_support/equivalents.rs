//! Mutants of the processes that say the same as the text, each with the reason.

use purse_conformance::mutants::equivalents::Equivalent;

/// All of them.
pub(crate) const EQUIVALENTS: &[Equivalent] = &[
    Equivalent {
        names: &[
            "AGAIN.PAYER 70: 1 to 2",
            "BACK.PAYEE 100: 1 to 2",
            "BACK.PAYER 100: 1 to 2",
            "OPEN.RECORDS 330: 1 to 2",
            "BRING 30: 1 to 2",
            "RECOVER.LOAD 110: 1 to 2",
            "REFUND 90: 1 to 2",
        ],
        reason: "the text asks only whether it is 0",
    },
    Equivalent {
        names: &["BACK.PAYEE 110: end left out", "BACK.PAYER 110: end left out"],
        reason: "where the card is back, the next command is sent before anything asks for SW",
    },
    Equivalent {
        names: &["PAYEE.STATUS 20: PART: 29 to 28", "PAYER.STATUS 20: PART: 29 to 28"],
        reason: "no process reads the last byte of the status block, which is of the maximum balance",
    },
    Equivalent {
        names: &["BACK.PAYER 130: byte 0 of [00, 00] by one", "BACK.PAYER 130: byte 1 of [00, 00] by one"],
        reason: "PAY asks for PAYER.READY alone, and who calls GIVE.BACK only whether SW is 9000",
    },
    Equivalent {
        names: &["SETTLE.WITH.ISSUER 110: byte 1 of [00, 00] by one"],
        reason: "BRING, which alone asks for it, takes 0001 as it takes 0000",
    },
    Equivalent {
        names: &["CERTIFICATE.SHOWN 60: byte 1 of [00, 00] by one"],
        reason: "the same in a recovery; a transfer asks only whether it is 9000",
    },
    Equivalent {
        names: &["ASK.PAYEE 260: 0 to 1", "SETTLE 70: 0 to 1"],
        reason: "an answer is 9 bytes or none",
    },
    Equivalent {
        names: &[
            "RECOVERY 130: 0 to 1",
            "RECOVERY 150: NUMBER: byte 0 of [00, 00, 00, 00] by one",
            "RECOVERY 150: NUMBER: byte 1 of [00, 00, 00, 00] by one",
            "RECOVERY 150: NUMBER: byte 2 of [00, 00, 00, 00] by one",
            "RECOVERY 150: NUMBER: byte 3 of [00, 00, 00, 00] by one",
        ],
        reason: "each turn of a card begins with AGAIN.PAYER, which gives them their values",
    },
    Equivalent { names: &["HEAR 170: byte 0 of [01] by one"], reason: "SETTLE asks only whether it is 00" },
];
