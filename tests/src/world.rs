//! A holder, a merchant and their issuer, in RAM.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

use crate::scheme::{
    PURSE_LIMITS, Profile, SAM_LIMITS, TIME, VERSION, eur, issuer, master, own_key, party, pin, usd,
};
use apdu_spec::command::InitializeData;
use apdu_spec::cryptography::KeyPurpose;
use apdu_spec::element::{Amount, Expiry, KeyVersion, Kind, Role};
use apdu_spec::personalisation::{CardProfile, IdentityGroup, PocketGroup};
use apdu_spec::pocket::PocketParameters;
use apdu_spec::software::Software;
use purse_terminal::client::Client;
use purse_terminal::flow::load::{self, Load};
use purse_terminal::flow::purchase::{self, Payment};
use purse_terminal::flow::recovery::{self, Report};
use purse_terminal::flow::refund::{self, Refund};
use purse_terminal::flow::transfer::{self, Transfer};
use purse_terminal::flow::unload::{self, Unload};
use purse_terminal::flow::{FlowError, Party, collection};
use purse_terminal::issuer::{Funding, Issuer, Keyring, MasterKeys, MemoryStore, NewCard};
use purse_terminal::transport::{Faulty, InProcess, Transport};
use purse_terminal::virtual_card::VirtualCard;

/// A virtual card whose responses can be lost.
pub type Rig = Faulty<InProcess>;

/// PIN of every purse.
pub const PIN: &str = "1234";
/// PIN of every SAM's operator.
pub const OPERATOR: &str = "9999";
/// The holder's account.
pub const HOLDER: &str = "holder";
/// The merchant's account.
pub const MERCHANT: &str = "merchant";

/// Everybody.
#[derive(Debug)]
pub struct World {
    /// Purse 1.
    pub purse: Rig,
    /// Merchant SAM 2.
    pub sam: Rig,
    /// Purse 3, where a test needs another one.
    pub other: Option<Rig>,
    /// With 100.00 in the holder's account.
    pub issuer: Issuer<MemoryStore, Software>,
}

/// Where the euros are, minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    /// On the purse.
    pub purse: i64,
    /// In the SAM.
    pub sam: i64,
    /// In the holder's account.
    pub holder: i64,
    /// In the merchant's account.
    pub merchant: i64,
    /// On the other purse.
    pub other: i64,
}

/// A card with its application selected.
pub fn client(rig: &mut Rig) -> Client<&mut dyn Transport> {
    Client::select(rig as &mut dyn Transport).expect("a card that can be selected")
}

/// Personalises over APDUs, as `purse card new` does.
pub fn personalise<T: Transport>(transport: T, profile: &Profile) {
    let masters = [(VERSION, master(KeyPurpose::Payment, VERSION))];
    let pocket = |currency, balance| {
        let limits = if profile.role == Role::Purse { PURSE_LIMITS } else { SAM_LIMITS };
        Some(PocketGroup { parameters: PocketParameters { currency, exponent: 2, limits }, balance })
    };
    let card = CardProfile {
        identity: IdentityGroup {
            role: profile.role,
            number: profile.number,
            key_version: VERSION,
            expiry: Expiry([0x30, 0x12]),
            issuer: issuer(),
            flags: profile.flags,
        },
        pockets: [pocket(eur(), profile.balance), pocket(usd(), Amount::ZERO), None, None, None],
        keys: KeyPurpose::ALL.map(|purpose| own_key(purpose, profile.number, VERSION)),
        masters: if profile.role == Role::Merchant { &masters } else { &[] },
        pin: pin(profile.pin),
        key_pair: profile.key_pair.as_ref(),
    };
    let mut client = Client::select(transport).expect("a blank card");
    client.personalise(&card, &Software).expect("a card that takes its profile");
}

/// Two purses meet.
///
/// # Panics
/// One of them has no key pair, or does not take the other's certificate.
pub fn introduce(payer: &mut Client<&mut dyn Transport>, payee: &mut Client<&mut dyn Transport>) {
    let certificate =
        |card: &mut Client<&mut dyn Transport>| card.certificate().unwrap().expect("a key pair");
    let (of_payer, of_payee) = (certificate(payer), certificate(payee));
    payer.meet(&of_payee).unwrap();
    payee.meet(&of_payer).unwrap();
}

/// What the payee of a transfer by this purse is asked for.
pub fn transfer_data(payer: &Client<&mut dyn Transport>, amount: u32) -> InitializeData {
    InitializeData {
        kind: Kind::Transfer,
        key_version: KeyVersion::NONE,
        currency: eur(),
        amount: Amount(amount),
        from: payer.status().number,
        from_sequence: payer.status().sequence,
        time: TIME,
    }
}

/// The issuer's masters.
pub fn keyring() -> Keyring {
    let keys = MasterKeys {
        load: master(KeyPurpose::Load, VERSION),
        payment: master(KeyPurpose::Payment, VERSION),
        tac: master(KeyPurpose::Tac, VERSION),
        administration: master(KeyPurpose::Administration, VERSION),
    };
    Keyring::from([(VERSION, keys)])
}

/// An issuer that knows no card and no account yet.
pub fn blank_issuer() -> Issuer<MemoryStore, Software> {
    Issuer::new(MemoryStore::new(), Software, issuer(), keyring())
}

/// An issuer that knows purses 1 and 3 and SAM 2.
pub fn new_issuer() -> Issuer<MemoryStore, Software> {
    let mut bank = blank_issuer();
    for (name, initial) in [(HOLDER, 100_00), (MERCHANT, 0)] {
        bank.register_account(name, eur(), initial).unwrap();
        bank.register_account(name, usd(), 0).unwrap();
    }
    for (number, role, account) in
        [(1, Role::Purse, HOLDER), (2, Role::Merchant, MERCHANT), (3, Role::Purse, HOLDER)]
    {
        let pockets = [(eur(), Amount::ZERO), (usd(), Amount::ZERO)];
        let card = NewCard {
            number: party(number),
            role,
            key_version: VERSION,
            account,
            pockets: &pockets,
            funding: Funding::Account,
        };
        bank.register_card(&card).unwrap();
    }
    bank
}

/// A personalised card.
pub fn rig(name: &str, profile: &Profile) -> Rig {
    rig_on(VirtualCard::in_memory(name, profile.role), profile)
}

/// A blank card, personalised.
pub fn rig_on(card: VirtualCard, profile: &Profile) -> Rig {
    let mut rig = Faulty::new(InProcess::new(card));
    personalise(&mut rig as &mut dyn Transport, profile);
    rig
}

impl World {
    /// Empty cards.
    #[allow(clippy::new_without_default, reason = "nothing about a world is a default")]
    pub fn new() -> Self {
        Self::on(VirtualCard::in_memory("purse", Role::Purse), VirtualCard::in_memory("sam", Role::Merchant))
    }

    /// Empty cards on these blank ones.
    pub fn on(purse: VirtualCard, sam: VirtualCard) -> Self {
        Self {
            purse: rig_on(purse, &Profile::purse(1, 0).with_key_pair()),
            sam: rig_on(sam, &Profile::sam(2, 0)),
            other: None,
            issuer: new_issuer(),
        }
    }

    /// 20.00 loaded, a purchase of 3.50 settled, one of 1.00 whose ack was not brought.
    pub fn with_history() -> Self {
        Self::new().and_history()
    }

    /// The same on the cards that are there.
    pub fn and_history(mut self) -> Self {
        self.load(20_00).unwrap();
        self.pay(3_50).unwrap();
        let (mut purse, mut sam) = (client(&mut self.purse), client(&mut self.sam));
        purchase::sell(&mut purse, &mut sam, &payment(1_00)).unwrap();
        self
    }

    /// Purse 3 too, with 10.00.
    pub fn and_other(self) -> Self {
        self.and_other_on(VirtualCard::in_memory("other purse", Role::Purse))
    }

    /// The same on this blank card.
    pub fn and_other_on(mut self, card: VirtualCard) -> Self {
        let mut other = rig_on(card, &Profile::purse(3, 0).with_key_pair());
        let load = Load { account: HOLDER, currency: eur(), amount: Amount(10_00), time: TIME };
        load::load(&mut client(&mut other), &mut self.issuer, &load).unwrap();
        self.other = Some(other);
        self
    }

    /// Loads the purse from the holder's account.
    pub fn load(&mut self, amount: u32) -> Result<load::Receipt, FlowError> {
        let load = Load { account: HOLDER, currency: eur(), amount: Amount(amount), time: TIME };
        load::load(&mut select(&mut self.purse)?, &mut self.issuer, &load)
    }

    /// A purchase without PIN.
    pub fn pay(&mut self, amount: u32) -> Result<purchase::Receipt, FlowError> {
        let mut sam = select(&mut self.sam)?;
        purchase::purchase(&mut select(&mut self.purse)?, &mut sam, &payment(amount))
    }

    /// The purse pays the other one, without PIN.
    pub fn transfer(&mut self, amount: u32) -> Result<purchase::Receipt, FlowError> {
        let order = Transfer { currency: eur(), amount: Amount(amount), time: TIME, pin: None };
        let other = self.other.as_mut().expect("a test with two purses");
        let mut payee = select(other)?;
        transfer::transfer(&mut select(&mut self.purse)?, &mut payee, &order)
    }

    /// The SAM pays the purse back.
    pub fn refund(&mut self, amount: u32) -> Result<purchase::Receipt, FlowError> {
        let operator_pin = &pin(OPERATOR);
        let refund = Refund { currency: eur(), amount: Amount(amount), time: TIME, operator_pin };
        let mut purse = select(&mut self.purse)?;
        refund::refund(&mut purse, &mut select(&mut self.sam)?, &refund)
    }

    /// The purse gives to the holder's account.
    pub fn unload(&mut self, amount: u32) -> Result<unload::Receipt, FlowError> {
        let unload = Unload { currency: eur(), amount: Amount(amount), time: TIME };
        unload::unload(&mut select(&mut self.purse)?, &mut self.issuer, &unload)
    }

    /// The SAM gives all that it holds.
    pub fn collect(&mut self) -> Result<collection::Report, FlowError> {
        collection::collect(&mut select(&mut self.sam)?, &mut self.issuer, TIME)
    }

    /// Everybody at hand recovers.
    pub fn recover(&mut self) -> Report {
        let mut cards = vec![client(&mut self.purse), client(&mut self.sam)];
        cards.extend(self.other.as_mut().map(client));
        recovery::recover(&mut cards, Some(&mut self.issuer))
    }

    /// The cards are back, with power and without faults.
    pub fn bring_back(&mut self) {
        for rig in [&mut self.purse, &mut self.sam].into_iter().chain(&mut self.other) {
            rig.inner_mut().card_mut().power_up().unwrap();
            rig.bring_back().unwrap();
        }
    }

    /// Where the euros are.
    pub fn money(&mut self) -> Money {
        let balance = |rig| i64::from(client(rig).status().balance.0);
        let account = |name: &str| {
            let accounts = self.issuer.accounts().unwrap();
            accounts
                .iter()
                .find(|held| held.account.name == name && held.account.currency == eur())
                .unwrap()
                .balance
        };
        Money {
            purse: balance(&mut self.purse),
            sam: balance(&mut self.sam),
            holder: account(HOLDER),
            merchant: account(MERCHANT),
            other: self.other.as_mut().map_or(0, balance),
        }
    }

    /// The issuer's float in euros, minor units.
    pub fn float(&self) -> i64 {
        self.issuer.books().unwrap().iter().find(|books| books.currency == eur()).unwrap().float
    }

    /// Nothing is in the air, nothing withheld, nothing unclaimed.
    #[track_caller]
    pub fn assert_settled(&mut self) -> Money {
        let money = self.money();
        let Money { purse, sam, holder, merchant, other } = money;
        assert_eq!(self.float(), purse + sam + other, "{money:?}");
        assert_eq!(purse + sam + other + holder + merchant, 100_00, "{money:?}");
        money
    }
}

/// SELECT, for flows that may fail in it.
pub fn select<T: Transport>(transport: T) -> Result<Client<T>, FlowError> {
    Client::select(transport).map_err(|source| FlowError::Card { party: Party::Purse, source })
}

/// A payment without PIN.
pub fn payment(amount: u32) -> Payment<'static> {
    Payment { currency: eur(), amount: Amount(amount), time: TIME, pin: None }
}
