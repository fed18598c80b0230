//! The scheme: who issues, in which currency, within which limits, under which master keys (`scheme.toml`).

mod certification;
mod rates;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use apdu_spec::cryptography::KeyBytes;
use apdu_spec::curve::{Curve as _, PrivateKey};
use apdu_spec::element::{Amount, KeyVersion, Role};
use apdu_spec::number::PartyNumber;
use apdu_spec::pocket::{Limits, PocketParameters};
use apdu_spec::software::Software;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::amount::{AmountError, CurrencyError, Denomination};
use crate::home;
use crate::issuer::{Keyring, MasterKeys};
use certification::random_private_key;

pub use certification::CertificationKeys;

pub use rates::{Rate, Rates};

/// First 15 digits of the numbers of a new scheme: the issuer has the first number, its cards those after it.
pub const FIRST_NUMBER: u64 = 955_500_000_000_000;

/// Why a scheme cannot be read or made.
#[derive(Debug, thiserror::Error)]
pub enum SchemeError {
    /// The file cannot be read or written.
    #[error("{0}")]
    System(#[from] io::Error),
    /// Not the TOML that is expected. Only the place is said: the line may hold a key.
    #[error("line {line}: not a scheme ({reason})")]
    Syntax {
        /// Counted from 1, 0 where it is not known.
        line: usize,
        /// What is wrong, without the file's text.
        reason: String,
    },
    /// The issuer's number has another form or check digit.
    #[error("[issuer] number has to be 16 digits with a valid check digit")]
    Number,
    /// The currency.
    #[error("currency: {0}")]
    Currency(#[from] CurrencyError),
    /// A limit.
    #[error("[limits] {0}: {1}")]
    Limit(&'static str, #[source] AmountError),
    /// The defaults do not fit the currency.
    #[error("the scheme's limits do not fit a currency with {0} digits behind the point")]
    Exponent(u8),
    /// A name below `[keys]` that is no key version.
    #[error("[keys.{0}]: a key version is 1 to 255")]
    KeyVersion(String),
    /// A key below `[certificates]` that is none of P-256, or has no index.
    #[error("[certificates.{0}]: not a private key of P-256")]
    CertificationKey(u8),
    /// A name below `[certificates]` that is no index.
    #[error("[certificates]: the index of a key is 1 to 255")]
    CertificationIndex,
    /// Something in `[rates]`, by its name.
    #[error(
        "[rates] {0}: a rate is more than 0, in decimals, between two currencies: \"EUR/USD\" = \"1.0850\""
    )]
    Rate(String),
    /// A rate that cannot be put into the file without changing more.
    #[error("[rates] cannot be changed by a program as it is written")]
    RatesForm,
    /// No keys at all.
    #[error("there is no [keys.1]")]
    NoKeys,
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(#[from] getrandom::Error),
}

/// Everything in `scheme.toml`.
#[derive(Clone, Debug)]
pub struct Scheme {
    /// The issuer's number.
    pub issuer: PartyNumber,
    /// Currency of pocket 0.
    pub denomination: Denomination,
    /// What a purse may hold and spend.
    pub purse_limits: Limits,
    /// What a merchant SAM may hold and refund.
    pub merchant_limits: Limits,
    /// What the issuer exchanges, and at which rate.
    pub rates: Rates,
    /// Master keys by version, at least one.
    pub keys: Keyring,
    /// Keys that certificates are signed with; none in a scheme from before there were transfers.
    pub certification: CertificationKeys,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemeFile {
    currency: String,
    issuer: IssuerSection,
    limits: LimitsSection,
    #[serde(default)]
    rates: BTreeMap<String, String>,
    keys: BTreeMap<String, KeysSection>,
    #[serde(default)]
    certificates: BTreeMap<String, CertificateSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IssuerSection {
    number: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsSection {
    purse: RoleLimits,
    merchant: RoleLimits,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleLimits {
    balance: String,
    debit: String,
    debit_without_pin: String,
    total_without_pin: String,
    transfer: String,
    offline_receipts: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeysSection {
    load: HexKey,
    paym: HexKey,
    tack: HexKey,
    admn: HexKey,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CertificateSection {
    private: HexPrivateKey,
}

/// A private key in hexadecimal, treated as a [`HexKey`] is.
struct HexPrivateKey(PrivateKey);

impl<'de> Deserialize<'de> for HexPrivateKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        let mut key = PrivateKey([0; PrivateKey::LENGTH]);
        hex::decode_to_slice(&*text, &mut key.0)
            .map_err(|_| serde::de::Error::custom("a private key is 64 hexadecimal digits"))?;
        Ok(Self(key))
    }
}

/// A key in hexadecimal; its text is wiped as soon as it is understood.
struct HexKey(KeyBytes);

impl<'de> Deserialize<'de> for HexKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        let mut key = KeyBytes([0; KeyBytes::LENGTH]);
        hex::decode_to_slice(&*text, &mut key.0)
            .map_err(|_| serde::de::Error::custom("a key is 32 hexadecimal digits"))?;
        Ok(Self(key))
    }
}

impl Scheme {
    /// A new scheme: random keys of version 1 and the default limits, so many major units of the currency.
    pub fn new(denomination: Denomination) -> Result<Self, SchemeError> {
        let major =
            |units| denomination.major(units).ok_or_else(|| SchemeError::Exponent(denomination.exponent()));
        let purse_limits = Limits {
            maximum_balance: major(150)?,
            maximum_debit: major(100)?,
            debit_without_pin: major(25)?,
            total_without_pin: major(50)?,
            maximum_transfer: major(50)?,
            offline_receipts: major(150)?,
        };
        // A SAM gives nothing without its operator's PIN, and takes part in no transfer.
        let merchant_limits = Limits {
            maximum_balance: major(10_000)?,
            maximum_debit: major(100)?,
            debit_without_pin: Amount::ZERO,
            total_without_pin: Amount::ZERO,
            maximum_transfer: Amount::ZERO,
            offline_receipts: major(10_000)?,
        };
        let issuer = PartyNumber::with_check_digit(FIRST_NUMBER).ok_or(SchemeError::Number)?;
        let keys = Keyring::from([(KeyVersion(1), random_keys()?)]);
        let certification = CertificationKeys::from([(1, random_private_key()?)]);
        let rates = Rates::default();
        Ok(Self { issuer, denomination, purse_limits, merchant_limits, rates, keys, certification })
    }

    /// Reads and checks a scheme file.
    pub fn read(path: &Path) -> Result<Self, SchemeError> {
        let text = Zeroizing::new(fs::read_to_string(path)?);
        Self::parse(&text)
    }

    /// Reads and checks the text of a scheme file.
    pub fn parse(text: &str) -> Result<Self, SchemeError> {
        let file: SchemeFile = toml::from_str(text).map_err(|error| SchemeError::Syntax {
            line: error.span().map_or(0, |span| text[..span.start.min(text.len())].lines().count().max(1)),
            reason: without_text(error.message()),
        })?;
        let denomination = Denomination::from_code(&file.currency)?;
        let mut keys = Keyring::new();
        for (name, section) in file.keys {
            let version = name.parse().ok().filter(|version| *version != 0);
            let version = KeyVersion(version.ok_or(SchemeError::KeyVersion(name))?);
            keys.insert(version, section.into());
        }
        if keys.is_empty() {
            return Err(SchemeError::NoKeys);
        }
        let mut certification = CertificationKeys::new();
        for (name, section) in file.certificates {
            let index = name.parse().ok().filter(|index| *index != 0);
            let index = index.ok_or(SchemeError::CertificationIndex)?;
            let key = section.private.0;
            Software.public_key(&key).ok_or(SchemeError::CertificationKey(index))?;
            certification.insert(index, key);
        }
        Ok(Self {
            issuer: file.issuer.number.parse().map_err(|_| SchemeError::Number)?,
            denomination,
            purse_limits: file.limits.purse.parse(denomination)?,
            merchant_limits: file.limits.merchant.parse(denomination)?,
            rates: Rates::parse(&file.rates)?,
            keys,
            certification,
        })
    }

    /// Writes a new scheme file that only its owner may read.
    pub fn write(&self, path: &Path) -> Result<(), SchemeError> {
        Ok(home::write_private(path, self.text().as_bytes())?)
    }

    /// Sets a rate in a scheme file, and leaves the rest of it, comments too, as it is. The file is replaced as a whole.
    /// To be called under the home's lock.
    pub fn set_rate(path: &Path, rate: &Rate) -> Result<(), SchemeError> {
        let text = Zeroizing::new(fs::read_to_string(path)?);
        Self::parse(&text)?;
        let changed = rates::with_rate(&text, rate);
        match Self::parse(&changed) {
            Ok(scheme) if scheme.rates.get(rate.from, rate.to) == Some(rate) => {
                Ok(home::replace_private(path, changed.as_bytes())?)
            }
            Ok(_) | Err(_) => Err(SchemeError::RatesForm),
        }
    }

    /// The text of its file. By hand, for the comments, and because a serialiser would leave copies of the keys in
    /// memory.
    pub fn text(&self) -> Zeroizing<String> {
        // Large enough never to move: a text that moves leaves its keys where it was.
        let keys = self.keys.len() + self.certification.len();
        let mut text =
            Zeroizing::new(String::with_capacity(2048 + 512 * keys + 64 * self.rates.iter().count()));
        text.push_str(
            "# A purse scheme. Whoever can read the keys can make money: keep this file to yourself.\n",
        );
        let _ = write!(
            text,
            "currency = \"{}\"\n\n[issuer]\nnumber = \"{}\"\n",
            self.denomination.code(),
            self.issuer
        );
        for (name, limits) in [("purse", &self.purse_limits), ("merchant", &self.merchant_limits)] {
            let _ = writeln!(text, "\n# For new cards; a card that is there keeps its own.\n[limits.{name}]");
            for (limit, amount) in LIMIT_NAMES.into_iter().zip(in_order(limits)) {
                let _ = writeln!(text, "{limit} = \"{}\"", self.denomination.format(amount));
            }
        }
        text.push_str(&self.rates.text());
        for (version, keys) in &self.keys {
            let _ = writeln!(text, "\n[keys.{}]", version.0);
            let named = [&keys.load, &keys.payment, &keys.tac, &keys.administration];
            for (name, key) in ["load", "paym", "tack", "admn"].into_iter().zip(named) {
                let _ = write!(text, "{name} = \"");
                for byte in key.0 {
                    let _ = write!(text, "{byte:02x}");
                }
                text.push_str("\"\n");
            }
        }
        for (index, key) in &self.certification {
            let _ = write!(
                text,
                "\n# Signs the certificates of purses, by which they pay each other.\n[certificates.{index}]\nprivate = \""
            );
            for byte in key.0 {
                let _ = write!(text, "{byte:02x}");
            }
            text.push_str("\"\n");
        }
        text
    }

    /// The version of new cards' keys: the highest.
    pub fn key_version(&self) -> KeyVersion {
        self.keys.last_key_value().map_or(KeyVersion(1), |(version, _)| *version)
    }

    /// Pocket 0 of a new card.
    pub fn pocket(&self, role: Role) -> PocketParameters {
        let limits = match role {
            Role::Purse => self.purse_limits,
            Role::Merchant => self.merchant_limits,
        };
        PocketParameters {
            currency: self.denomination.element(),
            exponent: self.denomination.exponent(),
            limits,
        }
    }
}

impl Scheme {
    /// The pocket of another currency: the same limits, in as many of its major units, rounded down.
    pub fn pocket_in(&self, role: Role, denomination: Denomination) -> Result<PocketParameters, SchemeError> {
        let PocketParameters { limits, .. } = self.pocket(role);
        let (from, to) = (self.denomination.exponent(), denomination.exponent());
        let too_large = || SchemeError::Exponent(to);
        let scaled = |Amount(minor)| match to.checked_sub(from) {
            Some(more) => {
                let scale = 10_u32.checked_pow(u32::from(more));
                scale.and_then(|scale| minor.checked_mul(scale)).map(Amount).ok_or_else(too_large)
            }
            None => Ok(Amount(minor / 10_u32.pow(u32::from(from - to)))),
        };
        Ok(PocketParameters {
            currency: denomination.element(),
            exponent: to,
            limits: Limits {
                maximum_balance: scaled(limits.maximum_balance)?,
                maximum_debit: scaled(limits.maximum_debit)?,
                debit_without_pin: scaled(limits.debit_without_pin)?,
                total_without_pin: scaled(limits.total_without_pin)?,
                maximum_transfer: scaled(limits.maximum_transfer)?,
                offline_receipts: scaled(limits.offline_receipts)?,
            },
        })
    }
}

/// What a parser says, without the text that it quotes: a string where a section should be may be a key, and so may a
/// name that is none of ours.
fn without_text(message: &str) -> String {
    let without_strings = match (message.find('"'), message.rfind('"')) {
        (Some(first), Some(last)) => format!("{}..{}", &message[..first], &message[last + 1..]),
        _ => message.to_owned(),
    };
    let mut parts = without_strings.split('`');
    let mut reason = parts.next().unwrap_or_default().to_owned();
    while let Some(name) = parts.next() {
        let is_ours = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        reason.push_str(if is_ours { name } else { ".." });
        reason.push_str(parts.next().unwrap_or_default());
    }
    reason
}

/// Four new master keys.
fn random_keys() -> Result<MasterKeys, getrandom::Error> {
    let key = || {
        let mut key = KeyBytes([0; KeyBytes::LENGTH]);
        getrandom::fill(&mut key.0).map(|()| key)
    };
    Ok(MasterKeys { load: key()?, payment: key()?, tac: key()?, administration: key()? })
}

impl From<KeysSection> for MasterKeys {
    fn from(section: KeysSection) -> Self {
        let KeysSection { load, paym, tack, admn } = section;
        Self { load: load.0, payment: paym.0, tac: tack.0, administration: admn.0 }
    }
}

const LIMIT_NAMES: [&str; 6] =
    ["balance", "debit", "debit_without_pin", "total_without_pin", "transfer", "offline_receipts"];

const fn in_order(limits: &Limits) -> [Amount; 6] {
    [
        limits.maximum_balance,
        limits.maximum_debit,
        limits.debit_without_pin,
        limits.total_without_pin,
        limits.maximum_transfer,
        limits.offline_receipts,
    ]
}

impl RoleLimits {
    fn parse(&self, denomination: Denomination) -> Result<Limits, SchemeError> {
        let amount =
            |name, text: &str| denomination.parse(text).map_err(|error| SchemeError::Limit(name, error));
        Ok(Limits {
            maximum_balance: amount("balance", &self.balance)?,
            maximum_debit: amount("debit", &self.debit)?,
            debit_without_pin: amount("debit_without_pin", &self.debit_without_pin)?,
            total_without_pin: amount("total_without_pin", &self.total_without_pin)?,
            maximum_transfer: amount("transfer", &self.transfer)?,
            offline_receipts: amount("offline_receipts", &self.offline_receipts)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apdu_spec::element::Expiry;

    fn scheme(code: &str) -> Scheme {
        Scheme::new(Denomination::from_code(code).unwrap()).unwrap()
    }

    #[test]
    fn what_is_written_is_read_again() {
        for (code, maximum) in [("EUR", 15_000), ("JPY", 150), ("KWD", 150_000)] {
            let scheme = scheme(code);
            let text = scheme.text();
            assert!(text.len() < 2048, "the text must not move");
            let read = Scheme::parse(&text).unwrap();
            assert_eq!(read.purse_limits, scheme.purse_limits);
            assert_eq!(read.merchant_limits, scheme.merchant_limits);
            assert_eq!(read.purse_limits.maximum_balance, Amount(maximum));
            assert_eq!((read.issuer, read.denomination), (scheme.issuer, scheme.denomination));
            let keys = |scheme: &Scheme| {
                let keys = &scheme.keys[&KeyVersion(1)];
                [&keys.load, &keys.payment, &keys.tac, &keys.administration].map(|key| key.0)
            };
            assert_eq!(keys(&read), keys(&scheme));
            assert_eq!(read.certification, scheme.certification);
            assert_eq!(read.certification.len(), 1);
            assert_eq!(std::collections::BTreeSet::from(keys(&read)).len(), 4);
        }
    }

    #[test]
    fn a_scheme_from_before_there_were_transfers_is_read_and_certifies_nobody() {
        let text = scheme("EUR").text();
        let (before, _) = text.split_once("\n# Signs").unwrap();
        let read = Scheme::parse(before).unwrap();
        let number = PartyNumber::with_check_digit(FIRST_NUMBER + 1).unwrap();
        assert!(read.key_pair(number, Expiry([0x30, 0x12])).unwrap().is_none());
    }

    #[test]
    fn a_purse_has_a_key_of_its_own_certified_by_the_issuer() {
        let scheme = scheme("EUR");
        let number = PartyNumber::with_check_digit(FIRST_NUMBER + 1).unwrap();
        let [one, other] = [(); 2].map(|()| scheme.key_pair(number, Expiry([0x30, 0x12])).unwrap().unwrap());
        assert_ne!(one.private_key, other.private_key);
        for pair in [one, other] {
            assert!(pair.certificate.is_signed_by(&Software, &pair.issuer_key));
            assert_eq!(Software.public_key(&pair.private_key), Some(pair.certificate.body.public_key));
            assert_eq!(Software.public_key(&scheme.certification[&1]), Some(pair.issuer_key));
            assert_eq!((pair.certificate.body.number, pair.certificate.body.issuer_key), (number, 1));
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_a_key() {
        let text = scheme("EUR").text();
        let key = text.split('"').rev().nth(1).unwrap();
        let broken = [
            text.replace(key, &key[1..]),
            text.replace(key, &format!("x{}", &key[1..])),
            text.replace("[keys.1]", "[keys.0]"),
            text.replace("[keys.1]", "[keys.256]"),
            text.replace("[keys.1]", "[keys]"),
            text.replace("load =", &format!("{key} =")),
            text.replace("150.00", "150.001"),
            text.replace("\"EUR\"", "\"EURO\""),
            text.replace("number = \"9555", "number = \"9556"),
            text.replace("[issuer]", "[issuers]"),
            text.replace("admn", "other"),
            text.replace("[certificates.1]", "[certificates.0]"),
            text.replace("[certificates.1]", "[certificates.256]"),
            text.replace("private = \"", "private = \"0"),
            text.replace("private", "public"),
            text.replace(key, &"0".repeat(64)),
            text.replace(key, &"f".repeat(64)),
            format!("{}admn", &text[..]),
        ];
        for broken in broken {
            let message = Scheme::parse(&broken).unwrap_err().to_string();
            assert!(!message.contains(&key[1..]), "{message}");
        }
    }
}
