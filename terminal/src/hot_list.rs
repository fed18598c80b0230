//! The hot list: numbers of purses that no terminal takes any more, stolen, lost or opened up. The issuer signs it, and
//! terminals without a line to him check it (section 8: the card has no clock and no list).
//!
//! A list is a text: its head, a number or a range of numbers on each line, and the signature over all of that before it.

use std::fmt::Write as _;

use apdu_spec::curve::{Curve as _, PrivateKey, PublicKey, Signature};
use apdu_spec::element::Time;
use apdu_spec::number::PartyNumber;
use apdu_spec::software::Software;

/// First line.
const HEAD: &str = "purse hot list 1";

/// Numbers from the first to the last, both too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// The lowest.
    pub first: PartyNumber,
    /// The highest.
    pub last: PartyNumber,
}

/// A list that its issuer has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HotList {
    /// Whose purses.
    pub issuer: PartyNumber,
    /// Rises with each list; a terminal takes no older one than it has.
    pub version: u32,
    /// When it was made.
    pub time: Time,
    /// Index of the issuer's key.
    pub issuer_key: u8,
    /// Sorted, none touching another.
    pub ranges: Vec<Range>,
    signature: Signature,
}

/// Why a list is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HotListError {
    /// Not the text of a list, from this line on; 0 where it ends too early.
    #[error("it is no hot list{}", if *.0 == 0 { String::new() } else { format!(": line {}", .0) })]
    Syntax(usize),
    /// Of another issuer.
    #[error("it is of another issuer")]
    Issuer,
    /// Signed with a key that the scheme does not know, or not with that key.
    #[error("the issuer has not signed it, or it has been changed")]
    Signature,
}

impl HotList {
    /// Whether a purse is on it.
    pub fn lists(&self, number: PartyNumber) -> bool {
        self.ranges.iter().any(|range| range.first <= number && number <= range.last)
    }

    /// A new list, signed; none where the key is none. Ranges may be in any order and overlap.
    pub fn sign(
        issuer: PartyNumber,
        version: u32,
        time: Time,
        ranges: &[Range],
        (issuer_key, key): (u8, &PrivateKey),
    ) -> Option<Self> {
        let unsigned = Self {
            issuer,
            version,
            time,
            issuer_key,
            ranges: merged(ranges.to_vec()),
            signature: Signature([0; Signature::LENGTH]),
        };
        let signature = Software::sign(key, unsigned.body().as_bytes())?;
        Some(Self { signature, ..unsigned })
    }

    /// Whether the issuer whose public keys these are has signed it.
    pub fn check<'a>(
        &self,
        issuer: PartyNumber,
        mut key: impl FnMut(u8) -> Option<&'a PublicKey>,
    ) -> Result<(), HotListError> {
        if self.issuer != issuer {
            return Err(HotListError::Issuer);
        }
        let key = key(self.issuer_key).ok_or(HotListError::Signature)?;
        let holds = Software.verify(key, self.body().as_bytes(), &self.signature);
        if holds { Ok(()) } else { Err(HotListError::Signature) }
    }

    /// What is signed.
    fn body(&self) -> String {
        let Self { issuer, version, time, issuer_key, .. } = self;
        let mut text =
            format!("{HEAD}\nissuer {issuer}\nversion {version}\ntime {}\nkey {issuer_key}\n", time.0);
        for Range { first, last } in &self.ranges {
            let _ = if first == last { writeln!(text, "{first}") } else { writeln!(text, "{first} {last}") };
        }
        text
    }

    /// As text.
    pub fn text(&self) -> String {
        format!("{}signature {}\n", self.body(), hex::encode(self.signature.0))
    }

    /// From its text. Whether it is signed, [`Self::check`] says.
    pub fn parse(text: &str) -> Result<Self, HotListError> {
        let mut lines = (1..).zip(text.lines());
        let mut field = |name: &str| {
            let (number, line) = lines.next().ok_or(HotListError::Syntax(0))?;
            let value = line.strip_prefix(name).ok_or(HotListError::Syntax(number))?;
            Ok((number, value.to_owned()))
        };
        let (number, rest) = field(HEAD)?;
        if !rest.is_empty() {
            return Err(HotListError::Syntax(number));
        }
        let issuer = parsed(field("issuer ")?)?;
        let version = parsed(field("version ")?)?;
        let time = parsed(field("time ")?).map(Time)?;
        let issuer_key = parsed(field("key ")?)?;
        let mut ranges = Vec::new();
        for (number, line) in lines.by_ref() {
            let wrong = HotListError::Syntax(number);
            if let Some(signature) = line.strip_prefix("signature ") {
                let mut bytes = [0; Signature::LENGTH];
                hex::decode_to_slice(signature, &mut bytes).map_err(|_| wrong)?;
                let list = Self { issuer, version, time, issuer_key, ranges, signature: Signature(bytes) };
                // One list has one text: whatever else stands there was not signed.
                return if list.text() == text { Ok(list) } else { Err(wrong) };
            }
            let (first, last) = line.split_once(' ').unwrap_or((line, line));
            let range = Range { first: digits(first).ok_or(wrong)?, last: digits(last).ok_or(wrong)? };
            if range.first > range.last {
                return Err(wrong);
            }
            ranges.push(range);
        }
        Err(HotListError::Syntax(0))
    }
}

fn parsed<T: std::str::FromStr>((number, value): (usize, String)) -> Result<T, HotListError> {
    value.parse().map_err(|_| HotListError::Syntax(number))
}

/// Sixteen digits, which need no check digit: where a range ends there may be no purse.
pub fn digits(text: &str) -> Option<PartyNumber> {
    let mut bytes = [0; PartyNumber::LENGTH];
    let all = text.len() == 2 * bytes.len() && text.bytes().all(|byte| byte.is_ascii_digit());
    hex::decode_to_slice(text, &mut bytes).ok().filter(|()| all)?;
    Some(PartyNumber(bytes))
}

/// Sorted, and those that touch made one.
fn merged(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.sort_unstable();
    let mut merged: Vec<Range> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.first.digits() <= last.last.digits() + 1 => {
                last.last = last.last.max(range.last);
            }
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> PartyNumber {
        digits(text).unwrap()
    }

    fn range(first: &str, last: &str) -> Range {
        Range { first: number(first), last: number(last) }
    }

    const ISSUER: &str = "9555000000000000";

    fn list() -> (HotList, PublicKey) {
        let key = PrivateKey([7; 32]);
        let ranges = [
            range("9555000000000100", "9555000000000200"),
            range("9555000000000018", "9555000000000018"),
            range("9555000000000150", "9555000000000300"),
            range("9555000000000301", "9555000000000301"),
        ];
        let list = HotList::sign(number(ISSUER), 3, Time(1_800_000_000), &ranges, (1, &key)).unwrap();
        (list, Software.public_key(&key).unwrap())
    }

    #[test]
    fn a_list_lists_what_is_in_its_ranges_and_nothing_else() {
        let (list, _) = list();
        assert_eq!(
            list.ranges,
            [range("9555000000000018", "9555000000000018"), range("9555000000000100", "9555000000000301")]
        );
        for (text, listed) in [
            ("9555000000000017", false),
            ("9555000000000018", true),
            ("9555000000000019", false),
            ("9555000000000099", false),
            ("9555000000000100", true),
            ("9555000000000250", true),
            ("9555000000000301", true),
            ("9555000000000302", false),
        ] {
            assert_eq!(list.lists(number(text)), listed, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_and_holds_only_if_no_byte_is_changed() {
        let (list, key) = list();
        let text = list.text();
        let read = HotList::parse(&text).unwrap();
        assert_eq!(read, list);
        let check = |list: &HotList| list.check(number(ISSUER), |index| (index == 1).then_some(&key));
        assert_eq!(check(&read), Ok(()));
        for place in 0..text.len() {
            for other in [b'0', b'7', b' ', b'\n'] {
                let mut changed = text.clone().into_bytes();
                if std::mem::replace(&mut changed[place], other) == other {
                    continue;
                }
                let changed = String::from_utf8(changed).unwrap();
                let taken = HotList::parse(&changed).and_then(|list| check(&list));
                assert!(taken.is_err(), "{changed}");
            }
        }
        for length in 0..text.len() {
            assert!(HotList::parse(&text[..length]).is_err(), "{length}");
        }
        assert_eq!(read.check(number("9555000000000018"), |_| Some(&key)), Err(HotListError::Issuer));
        assert_eq!(read.check(number(ISSUER), |_| None), Err(HotListError::Signature));
    }
}
