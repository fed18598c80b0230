//! The bytes of a short command APDU (ISO/IEC 7816-3 § 12.1.3, ISO/IEC 7816-4 § 5.2).

use crate::status::StatusWord;

/// A command APDU split into its parts, which are not understood yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CommandBytes<'a> {
    /// CLA.
    pub class: u8,
    /// INS.
    pub instruction: u8,
    /// P1.
    pub p1: u8,
    /// P2.
    pub p2: u8,
    /// Everything behind P2: Lc, data and Le.
    body: &'a [u8],
}

impl core::fmt::Debug for CommandBytes<'_> {
    /// The header alone: the data may be a PIN or keys.
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { class, instruction, p1, p2, .. } = self;
        write!(formatter, "CommandBytes({class:02X} {instruction:02X} {p1:02X} {p2:02X} ..)")
    }
}

/// Data field and Le of a command APDU.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Body<'a> {
    /// The data field, empty where Lc is absent.
    pub data: &'a [u8],
    /// Ne, 1 to 256, where Le is present.
    pub expected: Option<u16>,
}

impl core::fmt::Debug for Body<'_> {
    /// Lengths alone: the data may be a PIN or keys.
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "Body({} bytes, expected {:?})", self.data.len(), self.expected)
    }
}

impl<'a> CommandBytes<'a> {
    /// Splits off the header; less than that, and more than a short command, is 6700.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, StatusWord> {
        if bytes.len() > LONGEST_COMMAND {
            return Err(StatusWord::WrongLength);
        }
        let (&[class, instruction, p1, p2], body) =
            bytes.split_first_chunk().ok_or(StatusWord::WrongLength)?;
        Ok(Self { class, instruction, p1, p2, body })
    }

    /// The short cases 1 to 4; extended lengths and lengths that do not add up are 6700.
    pub fn body(&self) -> Result<Body<'a>, StatusWord> {
        let expected = |le: u8| Some(if le == 0 { 256 } else { u16::from(le) });
        match self.body {
            [] => Ok(Body { data: &[], expected: None }),
            [le] => Ok(Body { data: &[], expected: expected(*le) }),
            [0, ..] => Err(StatusWord::WrongLength),
            [lc, rest @ ..] => match rest.split_at_checked(usize::from(*lc)) {
                Some((data, [])) => Ok(Body { data, expected: None }),
                Some((data, [le])) => Ok(Body { data, expected: expected(*le) }),
                _ => Err(StatusWord::WrongLength),
            },
        }
    }
}

/// The longest short command APDU: header, Lc, 255 bytes, Le.
pub const LONGEST_COMMAND: usize = 4 + 1 + 255 + 1;
/// The longest short response APDU: 256 bytes and the status word.
pub const LONGEST_RESPONSE: usize = 256 + StatusWord::LENGTH;

/// A command APDU that is being built; wiped when dropped, for it may hold keys or a PIN.
#[derive(Clone)]
pub struct Apdu {
    bytes: [u8; LONGEST_COMMAND],
    length: usize,
}

impl Apdu {
    /// Header, data field (Lc before it unless it is empty) and Le (256 as 00). At most 255 bytes of data cross.
    pub fn new(class: u8, instruction: u8, p1: u8, p2: u8, data: &[u8], expected: Option<u16>) -> Self {
        let mut bytes = [0; LONGEST_COMMAND];
        let mut writer = crate::wire::Writer::new(&mut bytes);
        writer.put(&[class, instruction, p1, p2]);
        if let Ok(lc @ 1..) = u8::try_from(data.len()) {
            writer.put(&[lc]).put(data);
        }
        if let Some(expected) = expected {
            let [_, le] = expected.to_be_bytes();
            writer.put(&[le]);
        }
        let length = writer.finish().unwrap_or(0);
        Self { bytes, length }
    }

    /// What is sent.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&[])
    }
}

impl Drop for Apdu {
    fn drop(&mut self) {
        // Behind the length nothing was ever written.
        if let Some(written) = self.bytes.get_mut(..self.length) {
            zeroize::Zeroize::zeroize(written);
        }
    }
}

impl core::fmt::Debug for Apdu {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "Apdu({} bytes)", self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_cases_come_back_and_nothing_else() {
        let parse = |bytes: &'static [u8]| CommandBytes::parse(bytes).and_then(|apdu| apdu.body());
        assert_eq!(parse(&[0, 1, 2, 3]), Ok(Body { data: &[], expected: None }));
        assert_eq!(parse(&[0, 1, 2, 3, 0]), Ok(Body { data: &[], expected: Some(256) }));
        assert_eq!(parse(&[0, 1, 2, 3, 1, 9]), Ok(Body { data: &[9], expected: None }));
        assert_eq!(parse(&[0, 1, 2, 3, 1, 9, 7]), Ok(Body { data: &[9], expected: Some(7) }));
        for wrong in [
            &[][..],
            &[0],
            &[0, 1, 2],
            &[0, 1, 2, 3, 2, 9],
            &[0, 1, 2, 3, 1, 9, 0, 0],
            &[0, 1, 2, 3, 0, 0, 1],
        ] {
            assert_eq!(CommandBytes::parse(wrong).and_then(|apdu| apdu.body()), Err(StatusWord::WrongLength));
        }
    }

    #[test]
    fn what_is_longer_than_a_short_command_is_wrong_before_its_class_is_looked_at() {
        let bytes = [0xFF; LONGEST_COMMAND + 1];
        assert_eq!(CommandBytes::parse(&bytes).map(|apdu| apdu.class), Err(StatusWord::WrongLength));
        let (longest, _) = bytes.split_last_chunk::<1>().unwrap();
        assert_eq!(CommandBytes::parse(longest).map(|apdu| apdu.class), Ok(0xFF));
    }

    #[test]
    fn what_is_built_is_what_is_parsed() {
        let data = [5; 255];
        let apdu = Apdu::new(0x80, 0xE2, 0x80, 0x01, &data, Some(256));
        assert_eq!(apdu.as_bytes().len(), LONGEST_COMMAND);
        let parsed = CommandBytes::parse(apdu.as_bytes()).unwrap();
        assert_eq!(parsed.body(), Ok(Body { data: &data, expected: Some(256) }));
    }
}
