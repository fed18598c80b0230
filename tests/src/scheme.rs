//! The issuer's side of a test: master keys, card profiles and every authenticator, from the standard's formulas alone.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use apdu_spec::certificate::{Certificate, CertificateBody};
use apdu_spec::command::{Command, DebitData, InitializeData, ParameterBytes, Script, Voucher};
use apdu_spec::cryptography::{
    Authenticator, Chain, Engine, KeyBytes, KeyPurpose, Session, Tac, card_key, script_mac, tac,
};
use apdu_spec::curve::{Curve, PrivateKey, PublicKey, pair_key};
use apdu_spec::element::{Amount, Currency, Expiry, KeyVersion, Kind, Role, Sequence, Time};
use apdu_spec::number::PartyNumber;
use apdu_spec::parameter::Parameter;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::personalisation::{CardProfile, IdentityGroup, KeyPair, PocketGroup};
use apdu_spec::pin::PinBlock;
use apdu_spec::pocket::{Limits, POCKETS, PocketParameters};
use apdu_spec::software::Software;

/// Key version of every card here; SAMs hold the masters of this one and of [`OTHER_VERSION`].
pub const VERSION: KeyVersion = KeyVersion(1);
/// A generation whose master a SAM holds too, but no card has.
pub const OTHER_VERSION: KeyVersion = KeyVersion(2);
/// A key version that nobody holds.
pub const UNKNOWN_VERSION: KeyVersion = KeyVersion(9);
/// When everything happens.
pub const TIME: Time = Time(1_800_000_000);

/// The euro.
pub fn eur() -> Currency {
    Currency::from_numeric(978).expect("a code")
}

/// The dollar: the second pocket of every card here.
pub fn usd() -> Currency {
    Currency::from_numeric(840).expect("a code")
}

/// A currency that no pocket has.
pub fn jpy() -> Currency {
    Currency::from_numeric(392).expect("a code")
}

/// A party by a small number.
pub fn party(number: u64) -> PartyNumber {
    PartyNumber::with_check_digit(955_500_000_000_000 + number).expect("fifteen digits")
}

/// The issuer of every card here.
pub fn issuer() -> PartyNumber {
    party(0)
}

/// A PIN from its digits.
pub fn pin(digits: &str) -> PinBlock {
    PinBlock::from_digits(digits).expect("digits")
}

/// The limits of a purse that `purse init` makes: 150.00, 100.00, 25.00, 50.00, 50.00, 150.00.
pub const PURSE_LIMITS: Limits = Limits {
    maximum_balance: Amount(150_00),
    maximum_debit: Amount(100_00),
    debit_without_pin: Amount(25_00),
    total_without_pin: Amount(50_00),
    maximum_transfer: Amount(50_00),
    offline_receipts: Amount(150_00),
};

/// The limits of a SAM that `purse init` makes: 10,000.00, and the operator's PIN for each refund.
pub const SAM_LIMITS: Limits = Limits {
    maximum_balance: Amount(10_000_00),
    maximum_debit: Amount(100_00),
    debit_without_pin: Amount(0),
    total_without_pin: Amount(0),
    maximum_transfer: Amount(0),
    offline_receipts: Amount(0),
};

/// Master key of a purpose and version: distinct and fixed.
pub fn master(purpose: KeyPurpose, version: KeyVersion) -> KeyBytes {
    let [first, second, third, fourth] = purpose.label();
    let mut bytes = [version.0; 16];
    bytes[..4].copy_from_slice(&[first, second, third, fourth]);
    KeyBytes(bytes)
}

/// A card's own key.
pub fn own_key(purpose: KeyPurpose, number: PartyNumber, version: KeyVersion) -> KeyBytes {
    let mut master = Software.load(&master(purpose, version));
    card_key(&Software, &mut master, purpose, number, version)
}

/// Index of the issuer's one signature key.
pub const ISSUER_KEY: u8 = 7;

/// The key that the issuer signs certificates with.
pub fn issuer_private_key() -> PrivateKey {
    PrivateKey([0xC5; 32])
}

/// A purse's private key.
pub fn private_key(number: PartyNumber) -> PrivateKey {
    let mut bytes = [0x3A; 32];
    bytes[24..].copy_from_slice(&number.0);
    PrivateKey(bytes)
}

/// The public key of a private one.
pub fn public_key(private: &PrivateKey) -> PublicKey {
    Software.public_key(private).expect("a key")
}

/// A certificate over any body, by any key.
pub fn signed(body: CertificateBody, by: &PrivateKey) -> Certificate {
    Certificate { body, signature: Software::sign(by, &body.emit()).expect("a key") }
}

/// What has been computed for these numbers, computed once: P-256 is slow where it is not optimised.
fn once<K: Ord + Copy, V: Clone>(
    known: &Mutex<BTreeMap<K, V>>,
    numbers: K,
    compute: impl FnOnce() -> V,
) -> V {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    known.entry(numbers).or_insert_with(compute).clone()
}

/// The key pair of the purse of this number.
pub fn key_pair(number: PartyNumber) -> KeyPair {
    static KNOWN: Mutex<BTreeMap<PartyNumber, KeyPair>> = Mutex::new(BTreeMap::new());
    once(&KNOWN, number, || new_key_pair(number))
}

fn new_key_pair(number: PartyNumber) -> KeyPair {
    let private_key = private_key(number);
    let body = CertificateBody {
        issuer_key: ISSUER_KEY,
        role: Role::Purse,
        number,
        expiry: Expiry([0x30, 0x12]),
        public_key: public_key(&private_key),
    };
    let issuer = issuer_private_key();
    KeyPair { private_key, issuer_key: public_key(&issuer), certificate: signed(body, &issuer) }
}

/// What two purses have in common.
pub fn pair(one: PartyNumber, other: PartyNumber) -> KeyBytes {
    static KNOWN: Mutex<BTreeMap<[PartyNumber; 2], KeyBytes>> = Mutex::new(BTreeMap::new());
    once(&KNOWN, [one, other], || {
        let shared = Software.agree(&private_key(one), &public_key(&private_key(other))).expect("keys");
        pair_key(&Software, &shared, one, other)
    })
}

/// The session of pay details, as whoever holds the masters, or one of two purses' private keys, can make it.
pub fn session(pay_details: &PayDetails) -> Session<'static, Software> {
    if pay_details.kind == Kind::Transfer {
        let key = pair(pay_details.from, pay_details.to);
        return Session::new(&Software, &mut Software.load(&key), pay_details);
    }
    let (purpose, number) = match pay_details.kind {
        Kind::Load => (KeyPurpose::Load, pay_details.to),
        Kind::Unload => (KeyPurpose::Load, pay_details.from),
        Kind::Purchase => (KeyPurpose::Payment, pay_details.from),
        Kind::Refund | Kind::Transfer => (KeyPurpose::Payment, pay_details.to),
    };
    let key = own_key(purpose, number, pay_details.key_version);
    Session::new(&Software, &mut Software.load(&key), pay_details)
}

/// The TAC that the payer of these pay details makes under `version`.
pub fn certificate(pay_details: &PayDetails, version: KeyVersion, collection: Option<Chain>) -> Tac {
    let key = own_key(KeyPurpose::Tac, pay_details.from, version);
    tac(&Software, &mut Software.load(&key), pay_details, collection)
}

/// What a payer that has debited these pay details shows.
pub fn voucher(pay_details: &PayDetails) -> Voucher {
    let tac =
        if pay_details.kind == Kind::Load { Tac::NONE } else { certificate(pay_details, VERSION, None) };
    Voucher { pay_details: *pay_details, val: session(pay_details).val(tac), tac }
}

/// DEBIT of these pay details, as their payee asks for it.
pub fn debit(pay_details: &PayDetails) -> Command<'static> {
    Command::Debit(DebitData::new(pay_details, session(pay_details).req()))
}

/// INITIALIZE of these pay details.
pub fn initialize(pay_details: &PayDetails) -> Command<'static> {
    Command::Initialize(InitializeData {
        kind: pay_details.kind,
        key_version: pay_details.key_version,
        currency: pay_details.currency,
        amount: pay_details.amount,
        from: pay_details.from,
        from_sequence: pay_details.from_sequence,
        time: pay_details.time,
    })
}

/// ACKNOWLEDGE of these pay details.
pub fn acknowledge(pay_details: &PayDetails) -> Command<'static> {
    Command::Acknowledge(pay_details.from_sequence, session(pay_details).ack())
}

/// REVERSE of these pay details.
pub fn reverse(pay_details: &PayDetails) -> Command<'static> {
    Command::Reverse(pay_details.from_sequence, session(pay_details).nack())
}

/// Pay details of this scheme's time and key version.
pub fn pay_details(
    kind: Kind,
    amount: u32,
    (from, from_sequence): (PartyNumber, u32),
    (to, to_sequence): (PartyNumber, u32),
) -> PayDetails {
    PayDetails {
        kind,
        key_version: if kind == Kind::Transfer { KeyVersion::NONE } else { VERSION },
        currency: eur(),
        amount: Amount(amount),
        from,
        from_sequence: Sequence(from_sequence),
        to,
        to_sequence: Sequence(to_sequence),
        time: TIME,
    }
}

/// A script of the issuer's for a card: the bytes of UPDATE PARAMETER.
pub fn script(number: PartyNumber, counter: u32, parameter: &Parameter) -> Vec<u8> {
    let bytes = ParameterBytes::new(parameter);
    raw_script(number, counter, parameter.id(), bytes.value())
}

/// A script with any id and value.
pub fn raw_script(number: PartyNumber, counter: u32, id: u8, value: &[u8]) -> Vec<u8> {
    let mut key = Software.load(&own_key(KeyPurpose::Administration, number, VERSION));
    let mut script = Script { counter, id, value, mac: Authenticator::default() };
    script.mac = script.signed(|signed| script_mac(&Software, &mut key, signed));
    Command::UpdateParameter(script).emit().as_bytes().to_vec()
}

/// What a test may want otherwise in a card.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Purse or SAM.
    pub role: Role,
    /// Its number.
    pub number: PartyNumber,
    /// `FLAG_DISPOSABLE` or 0.
    pub flags: u8,
    /// Initial balance of the euro pocket.
    pub balance: Amount,
    /// Of the dollar pocket.
    pub dollars: Amount,
    /// Limits of both pockets.
    pub limits: Limits,
    /// Digits of the PIN.
    pub pin: &'static str,
    /// Of a purse that takes part in transfers.
    pub key_pair: Option<KeyPair>,
}

impl Profile {
    /// A purse with so many cents and PIN 1234.
    pub fn purse(number: u64, balance: u32) -> Self {
        Self {
            role: Role::Purse,
            number: party(number),
            flags: 0,
            balance: Amount(balance),
            dollars: Amount::ZERO,
            limits: PURSE_LIMITS,
            pin: "1234",
            key_pair: None,
        }
    }

    /// The same, with the key pair of its number.
    #[must_use]
    pub fn with_key_pair(self) -> Self {
        Self { key_pair: Some(key_pair(self.number)), ..self }
    }

    /// A merchant SAM with so many cents and PIN 9999.
    pub fn sam(number: u64, balance: u32) -> Self {
        Self {
            role: Role::Merchant,
            number: party(number),
            flags: 0,
            balance: Amount(balance),
            dollars: Amount::ZERO,
            limits: SAM_LIMITS,
            pin: "9999",
            key_pair: None,
        }
    }

    /// Every data group of STORE DATA, in order.
    pub fn groups(&self) -> Vec<Vec<u8>> {
        let masters = [VERSION, OTHER_VERSION].map(|version| (version, master(KeyPurpose::Payment, version)));
        let mut pockets = [None; POCKETS];
        for (place, (currency, balance)) in
            [(eur(), self.balance), (usd(), self.dollars)].into_iter().enumerate()
        {
            let parameters = PocketParameters { currency, exponent: 2, limits: self.limits };
            pockets[place] = Some(PocketGroup { parameters, balance });
        }
        let profile = CardProfile {
            identity: IdentityGroup {
                role: self.role,
                number: self.number,
                key_version: VERSION,
                expiry: Expiry([0x30, 0x12]),
                issuer: issuer(),
                flags: self.flags,
            },
            pockets,
            keys: KeyPurpose::ALL.map(|purpose| own_key(purpose, self.number, VERSION)),
            masters: if self.role == Role::Merchant { &masters } else { &[] },
            pin: pin(self.pin),
            key_pair: self.key_pair.as_ref(),
        };
        let mut groups = Vec::new();
        profile.groups(&Software, |group| groups.push(group.to_vec()));
        groups
    }

    /// The blocks of STORE DATA: as many whole groups in each as fit.
    pub fn blocks(&self) -> Vec<Vec<u8>> {
        let mut blocks: Vec<Vec<u8>> = vec![Vec::new()];
        for group in self.groups() {
            if blocks.last().is_some_and(|block| block.len() + group.len() > 255) {
                blocks.push(Vec::new());
            }
            if let Some(block) = blocks.last_mut() {
                block.extend(group);
            }
        }
        blocks
    }
}
