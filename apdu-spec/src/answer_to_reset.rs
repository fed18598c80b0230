//! What a card says of itself at reset, and what T=0 adds to the commands (ISO/IEC 7816-3, section 6).

/// What both answers to reset end with: "PURSE", the historical bytes (ISO/IEC 7816-4 § 12.1.1).
pub const HISTORICAL: [u8; 5] = *b"PURSE";

/// ATR of a card that speaks T=1 (ISO/IEC 7816-3 § 8.2):
///
/// | byte | | |
/// |---|---|---|
/// | `3B` | TS | direct convention |
/// | `85` | T0 | TD1 follows; 5 historical bytes |
/// | `81` | TD1 | TD2 follows; T=1 |
/// | `11` | TD2 | TA3 follows; T=1 |
/// | `FE` | TA3 | IFSC: the card takes 254 bytes in one block |
/// | `50 55 52 53 45` | T1 to T5 | "PURSE" |
/// | `AA` | TCK | makes the exclusive or from T0 on zero |
pub const ATR_T1: [u8; 11] = [0x3B, 0x85, 0x81, 0x11, 0xFE, 0x50, 0x55, 0x52, 0x53, 0x45, 0xAA];

/// ATR of a card that speaks T=0: `3B` TS, direct convention; `05` T0, nothing but 5 historical bytes. No TCK: where
/// only T=0 is offered there is none (ISO/IEC 7816-3 § 8.2.5).
pub const ATR_T0: [u8; 7] = [0x3B, 0x05, 0x50, 0x55, 0x52, 0x53, 0x45];

/// INS of GET RESPONSE, which brings what 61xx has announced (ISO/IEC 7816-4 § 11.8.1). A matter of T=0 alone, so it
/// has no row in the command table.
pub const GET_RESPONSE: u8 = 0xC0;

/// CLA of GET RESPONSE: the command's own, or as readers' drivers send it.
pub const GET_RESPONSE_CLASSES: [u8; 2] =
    [crate::command::table::CLASS_STANDARD, crate::command::table::CLASS_PURSE];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::COMMANDS;

    #[test]
    fn the_answers_to_reset_hold() {
        let [_, checked @ ..] = ATR_T1;
        assert_eq!(checked.iter().fold(0, |sum, byte| sum ^ byte), 0, "TCK");
        assert_eq!(ATR_T1[5..10], HISTORICAL);
        assert_eq!(ATR_T0[2..], HISTORICAL);
        for t0 in [ATR_T1[1], ATR_T0[1]] {
            assert_eq!(usize::from(t0 & 15), HISTORICAL.len());
        }
        assert_eq!(ATR_T1[2] & 15, 1, "T=1 comes first");
    }

    #[test]
    fn no_command_has_the_instruction_of_get_response() {
        assert!(COMMANDS.iter().all(|row| row.instruction != GET_RESPONSE));
    }
}
