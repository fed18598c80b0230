//! Money as people write it: exact decimals of a currency, never rounded.

use std::fmt;

use apdu_spec::element::{Amount, Currency};

/// A currency of ISO 4217 that a pocket can have, with the digits of its minor unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denomination {
    currency: iso_currency::Currency,
    exponent: u8,
}

/// An amount and of what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    /// The currency.
    pub denomination: Denomination,
    /// Its minor units.
    pub amount: Amount,
}

impl Money {
    /// The currency as a card carries it.
    pub fn currency(self) -> Currency {
        self.denomination.element()
    }
}

impl fmt::Display for Money {
    /// `3.50 EUR`
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.denomination.display(self.amount))
    }
}

/// Why a currency cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CurrencyError {
    /// ISO 4217 does not have it.
    #[error("`{0}` is not a currency of ISO 4217: three letters such as EUR, USD or JPY are")]
    Unknown(String),
    /// Gold, special drawing rights and the like have no minor unit.
    #[error("`{0}` has no minor unit, so no amount of it can be stored on a card")]
    NoMinorUnit(String),
}

/// Why a text is not an amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Nothing was given.
    #[error("the amount is empty; {0}")]
    Empty(Expected),
    /// Something else than digits and one point: signs, exponents, separators, spaces.
    #[error("`{0}` is not an amount; {1}")]
    Malformed(String, Expected),
    /// More digits behind the point than the currency has. Nothing is ever rounded.
    #[error("`{0}` has more digits behind the point than the currency; {1}")]
    TooPrecise(String, Expected),
    /// More than an amount on the wire can be.
    #[error("`{0}` is more than a card can hold; {1}")]
    TooLarge(String, Expected),
    /// Nothing at all, where something has to be moved.
    #[error("`{0}` is nothing; {1}")]
    Zero(String, Expected),
}

/// What an amount of a currency looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected(Denomination);

impl fmt::Display for Expected {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let example = self.0.format(Amount(10_u32.pow(u32::from(self.0.exponent)).saturating_mul(7) / 2));
        match self.0.exponent {
            0 => write!(formatter, "{} has no digits behind the point, for example {example}", self.0.code()),
            1 => write!(
                formatter,
                "{} has at most one digit behind the point, for example {example}",
                self.0.code()
            ),
            digits => write!(
                formatter,
                "{} has at most {digits} digits behind the point, for example {example}",
                self.0.code()
            ),
        }
    }
}

impl Denomination {
    /// From the letters of ISO 4217, in capitals or not.
    pub fn from_code(code: &str) -> Result<Self, CurrencyError> {
        let currency = iso_currency::Currency::from_code(&code.to_ascii_uppercase())
            .ok_or_else(|| CurrencyError::Unknown(code.to_owned()))?;
        Self::new(currency)
    }

    /// From the numeric code that a card carries.
    pub fn from_element(currency: Currency) -> Result<Self, CurrencyError> {
        let known = iso_currency::Currency::from_numeric(currency.numeric())
            .ok_or_else(|| CurrencyError::Unknown(format!("{:03}", currency.numeric())))?;
        Self::new(known)
    }

    fn new(currency: iso_currency::Currency) -> Result<Self, CurrencyError> {
        let exponent = currency
            .exponent()
            .and_then(|digits| u8::try_from(digits).ok())
            .ok_or_else(|| CurrencyError::NoMinorUnit(currency.code().to_owned()))?;
        Ok(Self { currency, exponent })
    }

    /// Three letters.
    pub fn code(self) -> &'static str {
        self.currency.code()
    }

    /// As a card carries it.
    pub fn element(self) -> Currency {
        // ISO 4217's numeric codes are 1 to 999, which every pocket can have.
        Currency::from_numeric(self.currency.numeric()).unwrap_or(Currency::NONE)
    }

    /// Digits behind the decimal point.
    pub const fn exponent(self) -> u8 {
        self.exponent
    }

    /// So many of the major unit; none where that is more than a card can hold.
    pub fn major(self, units: u32) -> Option<Amount> {
        10_u32.checked_pow(u32::from(self.exponent)).and_then(|scale| units.checked_mul(scale)).map(Amount)
    }

    /// Reads an amount, zero too. Digits, and a point with at least one and at most the currency's number of
    /// digits behind it; nothing else.
    pub fn parse(self, text: &str) -> Result<Amount, AmountError> {
        let expected = Expected(self);
        let malformed = || AmountError::Malformed(text.to_owned(), expected);
        if text.is_empty() {
            return Err(AmountError::Empty(expected));
        }
        let (whole, fraction) = match text.split_once('.') {
            None => (text, None),
            Some((whole, fraction)) => (whole, Some(fraction)),
        };
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !fraction.is_none_or(digits) {
            return Err(malformed());
        }
        let fraction = fraction.unwrap_or("");
        let missing = usize::from(self.exponent)
            .checked_sub(fraction.len())
            .ok_or_else(|| AmountError::TooPrecise(text.to_owned(), expected))?;
        let zeros = std::iter::repeat_n(b'0', missing);
        whole
            .bytes()
            .chain(fraction.bytes())
            .chain(zeros)
            .try_fold(0_u32, |value, digit| value.checked_mul(10)?.checked_add(u32::from(digit - b'0')))
            .map(Amount)
            .ok_or_else(|| AmountError::TooLarge(text.to_owned(), expected))
    }

    /// Reads an amount that has to be more than nothing.
    pub fn parse_positive(self, text: &str) -> Result<Amount, AmountError> {
        match self.parse(text)? {
            Amount::ZERO => Err(AmountError::Zero(text.to_owned(), Expected(self))),
            amount => Ok(amount),
        }
    }

    /// Writes an amount with all of the currency's digits, without its name.
    pub fn format(self, amount: Amount) -> String {
        format_minor(i128::from(amount.0), self.exponent)
    }

    /// Writes a sum, which may be negative, without the currency's name.
    pub fn format_sum(self, minor: i128) -> String {
        format_minor(minor, self.exponent)
    }

    /// Writes an amount with the currency's name: `3.50 EUR`.
    pub fn display(self, amount: Amount) -> String {
        format!("{} {}", self.format(amount), self.code())
    }
}

/// Writes minor units of a currency with that many digits behind the point.
pub fn format_minor(minor: i128, exponent: u8) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", minor.unsigned_abs(), width = usize::from(exponent) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(exponent));
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denomination(code: &str) -> Denomination {
        Denomination::from_code(code).unwrap()
    }

    #[test]
    fn amounts_are_exact_decimals_of_their_currency() {
        let cases = [
            ("EUR", "3.50", 350),
            ("EUR", "3.5", 350),
            ("EUR", "3", 300),
            ("EUR", "0.01", 1),
            ("EUR", "0007.00", 700),
            ("EUR", "42949672.95", u32::MAX),
            ("JPY", "350", 350),
            ("KWD", "1.234", 1234),
        ];
        for (code, text, minor) in cases {
            assert_eq!(denomination(code).parse(text), Ok(Amount(minor)), "{code} {text}");
        }
    }

    #[test]
    fn everything_else_is_an_error() {
        let wrong = [
            "",
            " ",
            "3.505",
            "3.500",
            "-3",
            "+3",
            "3,50",
            "1e2",
            "3.",
            ".5",
            ".",
            "3.5.0",
            "1 000",
            " 3",
            "3 ",
            "0x10",
            "３",
            "NaN",
            "inf",
            "3.5€",
            "42949672.96",
            "99999999999999999999999",
        ];
        for text in wrong {
            assert!(denomination("EUR").parse(text).is_err(), "{text}");
        }
        for text in ["3.5", "3.0", "4294967296"] {
            assert!(denomination("JPY").parse(text).is_err(), "{text}");
        }
        for text in ["0", "0.00"] {
            assert!(matches!(denomination("EUR").parse_positive(text), Err(AmountError::Zero(..))));
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for code in ["EUR", "JPY", "KWD", "CLF"] {
            for minor in [0, 1, 9, 10, 99, 100, 12_345, u32::MAX] {
                let text = denomination(code).format(Amount(minor));
                assert_eq!(denomination(code).parse(&text), Ok(Amount(minor)), "{code} {text}");
            }
        }
        assert_eq!(denomination("EUR").format_sum(-5), "-0.05");
        assert_eq!(denomination("JPY").format_sum(-5), "-5");
    }

    #[test]
    fn currencies_come_from_letters_and_from_numbers() {
        let euro = denomination("eur");
        assert_eq!(euro.element(), Currency([0x09, 0x78]));
        assert_eq!(Denomination::from_element(euro.element()), Ok(euro));
        assert!(matches!(Denomination::from_code("XAU"), Err(CurrencyError::NoMinorUnit(_))));
        for code in ["", "EU", "EURO", "978", "ZZZ"] {
            assert!(matches!(Denomination::from_code(code), Err(CurrencyError::Unknown(_))), "{code}");
        }
    }
}
