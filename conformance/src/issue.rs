//! The cards that both sides become: small limits, so that every limit is met, and small windows.

use apdu_spec::cryptography::KeyPurpose;
use apdu_spec::element::{Amount, Currency, Expiry, KeyVersion, Role, Sequence};
use apdu_spec::file::FLAG_DISPOSABLE;
use apdu_spec::number::PartyNumber;
use apdu_spec::personalisation::{CardProfile, DGI_PIN_TRIES, IdentityGroup, PocketGroup};
use apdu_spec::pocket::{Limits, POCKETS, PocketParameters};
use apdu_spec::software::Software;
use purse_card::store::{Administration, Identity, Masters, Parameters, Pin};
use purse_tests::scheme::{eur, issuer, key_pair, master, own_key, party, pin, usd};

use crate::specimen::{Parts, Shape};

/// A pocket: currency, balance, limits.
#[derive(Clone, Copy, Debug)]
pub struct Pocket {
    /// Its currency.
    pub currency: Currency,
    /// What it holds at first.
    pub balance: u32,
    /// Maximum balance, maximum debit, one debit without PIN, total without PIN, transfer, offline receipts.
    pub limits: [u32; 6],
}

/// A card that is to be issued.
#[derive(Clone, Debug)]
pub struct Issue {
    /// For a person.
    pub name: &'static str,
    /// Its sizes.
    pub shape: Shape,
    /// Purse or SAM.
    pub role: Role,
    /// Its number.
    pub number: PartyNumber,
    /// Version of its keys.
    pub key_version: KeyVersion,
    /// Disposable or not.
    pub flags: u8,
    /// Its pockets, from place 0.
    pub pockets: Vec<Pocket>,
    /// Versions of the PAYM masters of a SAM.
    pub masters: Vec<u8>,
    /// PIN tries.
    pub tries: u8,
    /// Digits of the PIN.
    pub pin: &'static str,
    /// Where its sequences begin; then it is not personalised by STORE DATA, which begins at 0.
    pub first_sequence: Option<u32>,
    /// Whether it takes part in transfers.
    pub has_key_pair: bool,
}

const NARROW: [u32; 6] = [40, 15, 6, 10, 12, 14];
const WIDE: [u32; 6] = [100, 60, 50, 200, 50, 40];
const WITH_PIN: [u32; 6] = [60, 20, 0, 0, 0, 0];
const ALL: [u32; 6] = [u32::MAX; 6];

impl Issue {
    fn new(name: &'static str, shape: Shape, role: Role, number: u64) -> Self {
        let [euros, dollars] = match role {
            Role::Purse => [NARROW, WIDE],
            Role::Merchant => [WITH_PIN, WIDE],
        };
        Self {
            name,
            shape,
            role,
            number: party(number),
            key_version: KeyVersion(1),
            flags: 0,
            pockets: vec![
                Pocket { currency: eur(), balance: 20, limits: euros },
                Pocket { currency: usd(), balance: 0, limits: dollars },
            ],
            masters: if role == Role::Merchant { vec![1, 2] } else { Vec::new() },
            tries: 3,
            pin: "1234",
            first_sequence: None,
            has_key_pair: false,
        }
    }

    /// The data groups of STORE DATA.
    pub fn groups(&self) -> Vec<Vec<u8>> {
        let masters: Vec<_> = self.masters().collect();
        let key_pair = self.has_key_pair.then(|| key_pair(self.number));
        let mut pockets = [None; POCKETS];
        for (place, pocket) in pockets.iter_mut().zip(&self.pockets) {
            let balance = Amount(pocket.balance);
            *place = Some(PocketGroup { parameters: pocket.parameters(), balance });
        }
        let profile = CardProfile {
            identity: IdentityGroup {
                role: self.role,
                number: self.number,
                key_version: self.key_version,
                expiry: Expiry([0x30, 0x12]),
                issuer: issuer(),
                flags: self.flags,
            },
            pockets,
            keys: KeyPurpose::ALL.map(|purpose| own_key(purpose, self.number, self.key_version)),
            masters: &masters,
            pin: pin(self.pin),
            key_pair: key_pair.as_ref(),
        };
        let mut groups = Vec::new();
        profile.groups(&Software, |group| groups.push(group.to_vec()));
        for group in &mut groups {
            if let [high, low, _, left, limit] = group.as_mut_slice()
                && [*high, *low] == DGI_PIN_TRIES.to_be_bytes()
            {
                (*left, *limit) = (self.tries, self.tries);
            }
        }
        groups
    }

    fn masters(&self) -> impl Iterator<Item = (KeyVersion, apdu_spec::cryptography::KeyBytes)> {
        self.masters.iter().map(|version| {
            let version = KeyVersion(*version);
            (version, master(KeyPurpose::Payment, version))
        })
    }

    /// What the store of a card that begins elsewhere is personalised with.
    pub fn parts(&self) -> Parts {
        let administration = Administration::default();
        let mut balances = [Amount::ZERO; POCKETS];
        let mut pockets = [PocketParameters::UNUSED; POCKETS];
        for ((balance, parameters), pocket) in balances.iter_mut().zip(&mut pockets).zip(&self.pockets) {
            (*balance, *parameters) = (Amount(pocket.balance), pocket.parameters());
        }
        let identity = Identity {
            role: self.role,
            number: self.number,
            key_version: self.key_version,
            issuer: issuer(),
            flags: self.flags,
            keys: KeyPurpose::ALL.map(|purpose| own_key(purpose, self.number, self.key_version)),
            balances,
            first_sequence: Sequence(self.first_sequence.unwrap_or(0)),
        };
        let parameters = Parameters {
            expiry: Expiry([0x30, 0x12]),
            pockets,
            blocked: false,
            locked: false,
            terminated: false,
            administration,
        };
        let mut masters = Masters::default();
        for (place, held) in masters.keys.iter_mut().zip(self.masters()) {
            *place = Some(held);
        }
        let masters = Some(masters).filter(|_| self.role == Role::Merchant);
        let pin = Pin { block: pin(self.pin).emit(), tries: self.tries, limit: self.tries, administration };
        (identity, parameters, masters, pin, self.has_key_pair.then(|| key_pair(self.number)))
    }
}

impl Pocket {
    fn parameters(self) -> PocketParameters {
        let [balance, debit, one, total, transfer, offline] = self.limits.map(Amount);
        let limits = Limits {
            maximum_balance: balance,
            maximum_debit: debit,
            debit_without_pin: one,
            total_without_pin: total,
            maximum_transfer: transfer,
            offline_receipts: offline,
        };
        PocketParameters { currency: self.currency, exponent: 2, limits }
    }
}

/// Every card that is tried.
pub fn issues() -> Vec<Issue> {
    let purse = |name, shape, number| Issue::new(name, shape, Role::Purse, number);
    let with_key_pair =
        |name, shape, number| Issue { has_key_pair: true, ..Issue::new(name, shape, Role::Purse, number) };
    let sam = |name, shape, number| Issue::new(name, shape, Role::Merchant, number);
    let mut all = vec![with_key_pair("purse", Shape::Four, 1), sam("SAM", Shape::Eight, 2)];

    let mut wide = with_key_pair("purse without small limits", Shape::Six, 3);
    wide.pockets[0].limits = WIDE;
    wide.pockets[1].balance = 30;
    wide.key_version = KeyVersion(3);
    wide.tries = 2;
    all.push(wide);

    let mut disposable = with_key_pair("disposable purse", Shape::Four, 4);
    disposable.flags = FLAG_DISPOSABLE;
    disposable.pockets[0].balance = 9;
    disposable.pockets.truncate(1);
    all.push(disposable);

    let mut rich = with_key_pair("purse without limits", Shape::Eight, 12_000_005);
    rich.pockets[0] = Pocket { balance: u32::MAX - 20, limits: ALL, ..rich.pockets[0] };
    rich.tries = 15;
    all.push(rich);

    let mut tight = sam("SAM with the smallest window", Shape::Four, 6);
    tight.pockets[0].limits = NARROW;
    tight.tries = 1;
    all.push(tight);

    let mut roomy = sam("SAM with eight masters", Shape::Twelve, 7);
    roomy.masters = (1..=8).collect();
    roomy.pockets[0].limits = WIDE;
    all.push(roomy);

    let mut five = purse("disposable purse with five pockets", Shape::Four, 10);
    five.flags = FLAG_DISPOSABLE;
    five.pockets[0].balance = 0;
    for (code, balance) in [(392, 0), (826, 0), (756, 5)] {
        let currency = Currency::from_numeric(code).unwrap_or_default();
        five.pockets.push(Pocket { currency, balance, limits: NARROW });
    }
    all.push(five);

    all.push(purse("purse with many records", Shape::Many, 11));

    for (name, first) in
        [("purse near the end", u32::MAX - 0x100 - 2), ("purse at the very end", u32::MAX - 6)]
    {
        all.push(Issue { first_sequence: Some(first), ..with_key_pair(name, Shape::Six, 8) });
    }
    for (name, first) in [("SAM near the end", u32::MAX - 0x100 - 2), ("SAM at the very end", u32::MAX - 6)] {
        let mut late = sam(name, Shape::Twelve, 9);
        late.pockets[0].limits = WIDE;
        late.first_sequence = Some(first);
        all.push(late);
    }
    all
}
