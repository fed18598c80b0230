//! Hexadecimal as people and programs write it down.

/// Why a text is no bytes. The text itself is in none of these: a PIN may be in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing was given.
    #[error("there are no bytes")]
    Empty,
    /// Something else than a digit; positions count characters from 1.
    #[error("character {position}, `{}`, is no hexadecimal digit", letter.escape_default())]
    Letter {
        /// Which character.
        position: usize,
        /// What it is.
        letter: char,
    },
    /// Half a byte is left.
    #[error(
        "the number of hexadecimal digits is odd ({digits}): the last one, character {position}, has no partner"
    )]
    Odd {
        /// How many digits.
        digits: usize,
        /// Which character the last one is.
        position: usize,
    },
}

/// The bytes of pairs of hexadecimal digits; white space, colons, and `0x` before a byte are for the reader.
pub fn parse(text: &str) -> Result<Vec<u8>, TextError> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut half = None;
    let mut letters = (1..).zip(text.chars()).peekable();
    while let Some((position, letter)) = letters.next() {
        if letter.is_whitespace() || letter == ':' {
            continue;
        }
        let marks = |(_, next): &(usize, char)| matches!(next, 'x' | 'X');
        if half.is_none() && letter == '0' && letters.next_if(marks).is_some() {
            continue;
        }
        let digit = letter
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
            .ok_or(TextError::Letter { position, letter })?;
        match half.take() {
            None => half = Some((digit, position)),
            Some((high, _)) => bytes.push(high << 4 | digit),
        }
    }
    match half {
        Some((_, position)) => Err(TextError::Odd { digits: 2 * bytes.len() + 1, position }),
        None if bytes.is_empty() => Err(TextError::Empty),
        None => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_the_reader_is_left_out() {
        for text in ["00a4040c", "00 A4 04 0C", "00:a4:04:0c", "0x00A4 0x040c", "0x00 0xa4\n0X04\t0x0c\n"] {
            assert_eq!(parse(text), Ok(vec![0x00, 0xA4, 0x04, 0x0C]), "{text}");
        }
    }

    #[test]
    fn what_is_no_hexadecimal_says_where() {
        assert_eq!(parse("00 g4"), Err(TextError::Letter { position: 4, letter: 'g' }));
        assert_eq!(parse("é"), Err(TextError::Letter { position: 1, letter: 'é' }));
        assert_eq!(parse("00x4"), Err(TextError::Letter { position: 3, letter: 'x' }));
        assert_eq!(parse("00 a4 0"), Err(TextError::Odd { digits: 5, position: 7 }));
        for nothing in ["", " \n", "0x"] {
            assert_eq!(parse(nothing), Err(TextError::Empty));
        }
    }
}
