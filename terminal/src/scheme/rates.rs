//! `[rates]` of the scheme: what the issuer gives for one currency in another. Exact decimals, no floating point.

use std::collections::BTreeMap;
use std::fmt;

use apdu_spec::element::Amount;
use zeroize::Zeroizing;

use super::SchemeError;
use crate::amount::{Denomination, Money};

/// Most digits of a rate: with the largest amount and the most decimals of a currency it stays far below 128 bits.
const MOST_DIGITS: usize = 18;
/// The heading of the section.
const SECTION: &str = "[rates]";

/// So many major units of one currency for one of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// What is given.
    pub from: Denomination,
    /// What it becomes.
    pub to: Denomination,
    /// Without its point.
    digits: u64,
    /// Behind the point.
    decimals: u32,
}

impl Rate {
    /// Digits, and a point with at least one behind it; more than 0.
    pub fn parse(from: Denomination, to: Denomination, text: &str) -> Result<Self, SchemeError> {
        let wrong = || SchemeError::Rate(format!("{}/{}", from.code(), to.code()));
        let (whole, fraction) = match text.split_once('.') {
            None => (text, ""),
            Some((_, "")) => return Err(wrong()),
            Some(parts) => parts,
        };
        let digits = format!("{whole}{fraction}");
        let is_number = !whole.is_empty()
            && digits.len() <= MOST_DIGITS
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        let digits = digits.parse().ok().filter(|digits| is_number && *digits != 0).ok_or_else(wrong)?;
        let decimals = u32::try_from(fraction.len()).map_err(|_| wrong())?;
        if from == to {
            return Err(wrong());
        }
        Ok(Self { from, to, digits, decimals })
    }

    /// What so much becomes, rounded down to the minor unit: the rest is the issuer's. None where a card cannot hold it.
    pub fn convert(&self, amount: Amount) -> Option<Money> {
        let ten = |power: u32| 10_u128.checked_pow(power);
        let above = u128::from(amount.0)
            .checked_mul(u128::from(self.digits))?
            .checked_mul(ten(u32::from(self.to.exponent()))?)?;
        let below = ten(self.decimals)?.checked_mul(ten(u32::from(self.from.exponent()))?)?;
        let minor = u32::try_from(above.checked_div(below)?).ok()?;
        Some(Money { denomination: self.to, amount: Amount(minor) })
    }

    fn name(&self) -> String {
        format!("\"{}/{}\"", self.from.code(), self.to.code())
    }
}

impl fmt::Display for Rate {
    /// The number alone, as it was written.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = u8::try_from(self.decimals).unwrap_or(0);
        formatter.write_str(&crate::amount::format_minor(self.digits.into(), decimals))
    }
}

/// All rates, by their currencies. The way back has a rate of its own, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates(BTreeMap<(&'static str, &'static str), Rate>);

impl Rates {
    /// From the section's lines: `"EUR/USD" = "1.0850"`.
    pub(super) fn parse(section: &BTreeMap<String, String>) -> Result<Self, SchemeError> {
        let mut rates = Self::default();
        for (name, text) in section {
            // What is no pair of codes may be anything, and be it a key, so it is not said.
            let is_pair = name.split('/').all(|code| code.len() == 3 && code.is_ascii());
            let wrong = || SchemeError::Rate(if is_pair { name.clone() } else { "..".to_owned() });
            let (from, to) = name.split_once('/').filter(|_| is_pair).ok_or_else(wrong)?;
            let denomination = |code| Denomination::from_code(code).map_err(|_| wrong());
            let rate = Rate::parse(denomination(from)?, denomination(to)?, text)?;
            rates.0.insert((rate.from.code(), rate.to.code()), rate);
        }
        Ok(rates)
    }

    /// The rate of this way, if there is one.
    pub fn get(&self, from: Denomination, to: Denomination) -> Option<&Rate> {
        self.0.get(&(from.code(), to.code()))
    }

    /// All, by their currencies.
    pub fn iter(&self) -> impl Iterator<Item = &Rate> {
        self.0.values()
    }

    /// The section's text; nothing where there are none.
    pub(super) fn text(&self) -> String {
        let lines = self.iter().map(|rate| format!("{} = \"{rate}\"\n", rate.name()));
        let lines: String = lines.collect();
        if lines.is_empty() { lines } else { format!("\n{SECTION}\n{lines}") }
    }
}

/// The text of a scheme's file with this rate in it, and everything else, comments too, as it was.
pub(super) fn with_rate(text: &str, rate: &Rate) -> Zeroizing<String> {
    let line = format!("{} = \"{rate}\"", rate.name());
    // Large enough never to move: there are keys in it.
    let mut changed = Zeroizing::new(String::with_capacity(text.len() + line.len() + SECTION.len() + 8));
    let (double, single) = (rate.name(), rate.name().replace('"', "'"));
    let is_old = |known: &str| {
        let name = known.split_once('=').map_or("", |(name, _)| name.trim());
        name == double || name == single
    };
    let mut within = false;
    // Each line, and whether it is one of the section.
    let lines: Vec<(bool, &str)> = text
        .lines()
        .map(|known| {
            let is_heading = known.trim_start().starts_with('[');
            if is_heading {
                within = known.split('#').next().is_some_and(|heading| heading.trim() == SECTION);
            }
            (within && !is_heading, known)
        })
        .collect();
    let replaces = lines.iter().any(|(within, known)| *within && is_old(known));
    let mut is_set = replaces;
    let mut put = |line: &str| {
        changed.push_str(line);
        changed.push('\n');
    };
    for (within, known) in lines {
        if within && is_old(known) {
            put(&line);
        } else {
            put(known);
        }
        let is_section = known.split('#').next().is_some_and(|heading| heading.trim() == SECTION);
        if is_section && !is_set {
            put(&line);
            is_set = true;
        }
    }
    if !is_set {
        put("");
        put(SECTION);
        put(&line);
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(from: &str, to: &str, text: &str) -> Result<Rate, SchemeError> {
        let denomination = |code| Denomination::from_code(code).unwrap();
        Rate::parse(denomination(from), denomination(to), text)
    }

    #[test]
    fn an_exchange_is_exact_and_rounds_down() {
        let cases = [
            ("EUR", "USD", "1.0850", 1_000, Some(1_085)),
            ("EUR", "USD", "1.0850", 1, Some(1)),
            ("EUR", "USD", "0.9999", 1, Some(0)),
            ("EUR", "USD", "1.0859", 999, Some(1_084)),
            ("EUR", "JPY", "163.27", 1_000, Some(1_632)),
            ("JPY", "EUR", "0.0061", 1_632, Some(995)),
            ("JPY", "KWD", "0.002", 1, Some(2)),
            ("KWD", "JPY", "489.99", 1_999, Some(979)),
            ("EUR", "USD", "1", u32::MAX, Some(u32::MAX)),
            ("EUR", "USD", "1.0000000003", u32::MAX, None),
            ("EUR", "USD", "999999999999999999", u32::MAX, None),
            // A float would make 28.999999999999996 of it.
            ("EUR", "USD", "0.29", 100, Some(29)),
        ];
        for (from, to, text, amount, expected) in cases {
            let converted = rate(from, to, text).unwrap().convert(Amount(amount));
            assert_eq!(converted.map(|money| money.amount.0), expected, "{from} {to} {text} {amount}");
        }
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in
            ["", "0", "0.000", "1.", ".5", "-1", "+1", "1,5", "1e3", " 1", "1234567890123456789", "NaN"]
        {
            assert!(rate("EUR", "USD", text).is_err(), "{text}");
        }
        assert!(rate("EUR", "EUR", "1").is_err());
        assert_eq!(rate("EUR", "USD", "1.0850").unwrap().to_string(), "1.0850");
        assert_eq!(rate("EUR", "JPY", "163").unwrap().to_string(), "163");
    }

    #[test]
    fn what_is_wrong_with_a_rate_is_said_without_what_may_be_a_key() {
        let key = "00112233445566778899aabbccddeeff";
        let parse = |name: &str, text: &str| {
            Rates::parse(&BTreeMap::from([(name.to_owned(), text.to_owned())]))
                .map(|rates| rates.iter().count())
        };
        assert_eq!(parse("EUR/USD", "1.0850").unwrap(), 1);
        let wrong = [
            (key, "1"),
            ("EUR/00112233445566778899aabbccddeeff", "1"),
            ("EUR/USD", key),
            ("EUR/USD/CHF", "1"),
        ];
        for (name, text) in wrong {
            let message = parse(name, text).unwrap_err().to_string();
            assert!(!message.contains("0011"), "{message}");
        }
        assert!(parse("EUR/XAU", "1").unwrap_err().to_string().contains("EUR/XAU"));
    }

    #[test]
    fn a_rate_is_set_and_all_else_stays() {
        let set = |text: &str, from, to, number| with_rate(text, &rate(from, to, number).unwrap());
        let first = set("# mine\na = 1 # one\n\n[keys.1]\nload = \"00\"\n", "EUR", "USD", "1.08");
        let text = "# mine\na = 1 # one\n\n[keys.1]\nload = \"00\"\n\n[rates]\n\"EUR/USD\" = \"1.08\"\n";
        assert_eq!(*first, text);
        let second = set(&first, "USD", "EUR", "0.9");
        assert_eq!(second.split("[rates]").nth(1), Some("\n\"USD/EUR\" = \"0.9\"\n\"EUR/USD\" = \"1.08\"\n"));
        let third = set(&second, "EUR", "USD", "1.10");
        assert_eq!(*third, second.replace("1.08", "1.10"));
        let spaced = "[rates] # of today\n'EUR/USD'  =  '1' # old\n[other]\n'EUR/USD' = '7'\n";
        let expected = "[rates] # of today\n\"EUR/USD\" = \"2\"\n[other]\n'EUR/USD' = '7'\n";
        assert_eq!(*set(spaced, "EUR", "USD", "2"), expected);
        let elsewhere = "[other]\n'EUR/USD' = '7'\n";
        assert_eq!(
            *set(elsewhere, "EUR", "USD", "2"),
            format!("{elsewhere}\n[rates]\n\"EUR/USD\" = \"2\"\n")
        );
    }
}
