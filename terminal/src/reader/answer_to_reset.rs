//! Reads an answer to reset (ISO/IEC 7816-3 § 8.2), as far as a person wants to know.

use apdu_spec::answer_to_reset as standard;

/// What an answer to reset says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerToReset {
    /// Transmission protocols that the card offers, by number; T=0 where it names none.
    pub protocols: Vec<u8>,
    /// Historical bytes.
    pub historical: Vec<u8>,
}

impl AnswerToReset {
    /// None where the bytes are no answer to reset.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (&[_, format], mut rest) = bytes.split_first_chunk()?;
        let mut protocols = Vec::new();
        let mut following = format >> 4;
        while following != 0 {
            // TA, TB and TC of this round, as far as they are there, then TD.
            let skipped = (following & 0b0111).count_ones() as usize;
            rest = rest.get(skipped..)?;
            following = if following & 0b1000 == 0 {
                0
            } else {
                let (&interface, behind) = rest.split_first()?;
                rest = behind;
                let protocol = interface & 15;
                // T=15 names no protocol: it announces global interface bytes.
                if protocol != 15 && !protocols.contains(&protocol) {
                    protocols.push(protocol);
                }
                interface >> 4
            };
        }
        if protocols.is_empty() {
            protocols.push(0);
        }
        let historical = rest.get(..usize::from(format & 15))?.to_vec();
        Some(Self { protocols, historical })
    }

    /// Whether it is that of a purse.
    pub fn is_purse(&self) -> bool {
        self.historical == standard::HISTORICAL
    }

    /// `T=0, T=1`
    pub fn protocols_in_words(&self) -> String {
        let names: Vec<String> = self.protocols.iter().map(|number| format!("T={number}")).collect();
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(hexadecimal: &str) -> Option<AnswerToReset> {
        AnswerToReset::parse(&hex::decode(hexadecimal).unwrap())
    }

    #[test]
    fn the_purse_is_known_in_both_protocols() {
        for (bytes, protocols) in [(standard::ATR_T1.as_slice(), "T=1"), (standard::ATR_T0.as_slice(), "T=0")]
        {
            let answer = AnswerToReset::parse(bytes).unwrap();
            assert!(answer.is_purse());
            assert_eq!(answer.protocols_in_words(), protocols);
        }
    }

    #[test]
    fn interface_bytes_are_skipped() {
        let both = parse("3BBA96008131865D0064057B0203319000 7D".replace(' ', "").as_str()).unwrap();
        assert_eq!(both.protocols, [1]);
        let global = parse("3BD518FF8191FE1FC38073C8211309").unwrap();
        assert_eq!(global.protocols, [1]);
        assert!(!global.is_purse());
        assert_eq!(parse("3B00").unwrap().protocols, [0]);
    }

    #[test]
    fn what_is_cut_short_is_none() {
        for bytes in ["", "3B", "3B85", "3B8581", "3B05505552", "3BF0000000"] {
            assert_eq!(parse(bytes), None, "{bytes}");
        }
        for first in 0..=255 {
            for length in 0..24 {
                let mut bytes = vec![first; length];
                bytes.insert(0, 0x3B);
                let _ = AnswerToReset::parse(&bytes);
            }
        }
    }
}
