//! The order of checks of section 6: of any faults at once the first one decides.
#![allow(clippy::inconsistent_digit_grouping, reason = "cents stand apart: 150_00 is 150.00")]

use apdu_spec::command::{Command, DebitData, Voucher};
use apdu_spec::cryptography::Authenticator;
use apdu_spec::element::{Amount, Kind, Sequence};
use apdu_spec::parameter::{Parameter, Resolution};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pocket::Limits;
use apdu_spec::status::StatusWord as Status;
use purse_tests::bench_card::BenchCard;
use purse_tests::scheme::{
    PURSE_LIMITS, Profile, SAM_LIMITS, UNKNOWN_VERSION, debit, initialize, issuer, jpy, party, pin,
    raw_script, reverse, script, session, usd, voucher,
};

type Card = BenchCard<8, 2>;

/// Everything that can be wrong at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The application is not selected.
    Unselected,
    /// The life cycle forbids it: 06.
    Locked,
    /// The life cycle forbids it: 04.
    Blocked,
    /// The card is its own peer.
    OwnNumber,
    /// Kind 05, and nobody is authenticated.
    NoPeer,
    /// No pocket has the currency.
    Currency,
    /// Nobody has the key version.
    Version,
    /// A sequence not reached yet.
    Future,
    /// req or val.
    Mac,
    /// No purchase of that merchant.
    Reference,
    /// More than the balance.
    Value,
    /// More than a limit.
    Limit,
    /// The PIN is not verified.
    Pin,
    /// The log is full up to the last place.
    Room,
}

impl Fault {
    const fn status(self) -> Status {
        match self {
            Self::Unselected | Self::Blocked | Self::NoPeer | Self::Future => Status::ConditionsOfUse,
            Self::Locked | Self::Pin => Status::SecurityStatus,
            Self::OwnNumber => Status::WrongData,
            Self::Currency | Self::Version | Self::Reference => Status::ReferenceNotFound,
            Self::Mac => Status::WrongMac,
            Self::Value => Status::InsufficientValue,
            Self::Limit => Status::OverLimit,
            Self::Room => Status::NoRoom,
        }
    }
}

/// A card for every combination of what its state can have wrong, made once.
struct Bases {
    digits: &'static str,
    cards: Vec<(Vec<Fault>, Card)>,
}

impl Bases {
    fn new(profile: &Profile, in_state: &[Fault], prepare: impl Fn(&mut Card)) -> Self {
        let digits = profile.pin;
        let cards = subsets(in_state).map(|faults| {
            let mut card = Card::new(profile);
            card.verify(pin(digits));
            prepare(&mut card);
            if faults.contains(&Fault::Room) {
                while card.sequence().0 < 7 {
                    card.decline(Kind::Load, issuer());
                }
            }
            if faults.contains(&Fault::Locked) {
                card.lock(pin(digits));
            }
            if faults.contains(&Fault::Blocked) {
                card.accept_script(1, &Parameter::Block);
            }
            (faults, card)
        });
        Self { digits, cards: cards.collect() }
    }

    /// A fresh card with these faults of `faults` that lie in its state.
    fn card(&self, faults: &[Fault]) -> Card {
        let all = [Fault::Room, Fault::Locked, Fault::Blocked];
        let same = |of: &[Fault]| all.iter().all(|fault| of.contains(fault) == faults.contains(fault));
        let (_, card) = self.cards.iter().find(|(of, _)| same(of)).expect("every combination is made");
        let mut card = card.copied();
        if !faults.contains(&Fault::Unselected) {
            card.select();
            if !faults.contains(&Fault::Pin) && !faults.contains(&Fault::Blocked) {
                card.verify(pin(self.digits));
            }
        }
        card
    }
}

fn subsets(faults: &[Fault]) -> impl Iterator<Item = Vec<Fault>> {
    (0..1_u32 << faults.len()).map(move |mask| {
        faults
            .iter()
            .enumerate()
            .filter(|(place, _)| mask >> place & 1 == 1)
            .map(|(_, fault)| *fault)
            .collect()
    })
}

/// Pay details with their faults.
fn spoiled(good: PayDetails, own_as_payee: bool, faults: &[Fault]) -> PayDetails {
    let mut pay_details = good;
    for fault in faults {
        match fault {
            Fault::OwnNumber if own_as_payee => pay_details.from = good.to,
            Fault::OwnNumber => pay_details.to = good.from,
            Fault::NoPeer => pay_details.kind = Kind::Transfer,
            Fault::Currency => pay_details.currency = jpy(),
            Fault::Version => pay_details.key_version = UNKNOWN_VERSION,
            Fault::Future if own_as_payee => pay_details.to_sequence = Sequence(good.to_sequence.0 + 1),
            Fault::Future => pay_details.from_sequence = Sequence(good.from_sequence.0 + 1),
            Fault::Reference => pay_details.from = party(9),
            Fault::Limit if !faults.contains(&Fault::Value) => pay_details.amount = Amount(101_00),
            Fault::Value => pay_details.amount = Amount(200_00),
            _ => {}
        }
    }
    pay_details
}

const WRONG: Authenticator = Authenticator([0xA5; 8]);

/// Every subset of the faults: the first of `order` decides.
fn check(bases: &Bases, order: &[Fault], command: impl Fn(&mut Card, &[Fault]) -> Command<'static>) {
    for faults in subsets(order) {
        let Some(first) = faults.first() else { continue };
        let mut card = bases.card(&faults);
        let before = card.card.memory().counts();
        let sent = command(&mut card, &faults);
        let answer = card.send(&sent);
        assert_eq!(answer.status, first.status(), "{:?} with {faults:?}", sent.name());
        assert!(answer.data.is_empty());
        assert_eq!(card.card.memory().counts(), before, "{faults:?}");
    }
    let mut card = bases.card(&[]);
    let sent = command(&mut card, &[]);
    card.succeed(&sent);
}

/// EF.ID cannot be asked on a card that is not selected: sequence and numbers are known here.
fn side(card: &Card, number: u64) -> (apdu_spec::number::PartyNumber, u32) {
    let mut other = card.copied();
    other.select();
    (party(number), other.sequence().0)
}

#[test]
fn debit_of_a_sams_refund() {
    use Fault::{Currency, Future, Limit, Locked, Mac, OwnNumber, Pin, Room, Unselected, Value};
    let bases = Bases::new(&Profile::sam(2, 150_00), &[Room, Locked], |_| {});
    let order = [Unselected, Locked, OwnNumber, Currency, Future, Mac, Value, Limit, Pin, Room];
    check(&bases, &order, |card, faults| {
        let good = purse_tests::scheme::pay_details(Kind::Refund, 1_00, side(card, 2), (party(1), 9));
        let pay_details = spoiled(good, false, faults);
        let req = if faults.contains(&Mac) { WRONG } else { session(&pay_details).req() };
        Command::Debit(DebitData::new(&pay_details, req))
    });
}

#[test]
fn debit_of_a_purse() {
    use Fault::{Blocked, Future, Limit, Mac, NoPeer, OwnNumber, Pin, Unselected, Value, Version};
    let bases = Bases::new(&Profile::purse(1, 150_00), &[Blocked], |_| {});
    let order = [Unselected, Blocked, OwnNumber, NoPeer, Version, Future, Mac, Value, Limit, Pin];
    check(&bases, &order, |card, faults| {
        let good = purse_tests::scheme::pay_details(Kind::Purchase, 26_00, side(card, 1), (party(2), 9));
        let pay_details = spoiled(good, false, faults);
        let req = if faults.contains(&Mac) { WRONG } else { session(&pay_details).req() };
        Command::Debit(DebitData::new(&pay_details, req))
    });
}

/// A SAM that may hold 101.00 and has 1.00, so that a sale of 101.00 is too much.
fn small_sam() -> Profile {
    let limits = Limits { maximum_balance: Amount(101_00), ..SAM_LIMITS };
    Profile { limits, ..Profile::sam(2, 1_00) }
}

#[test]
fn initialize_of_a_sams_sale() {
    use Fault::{Currency, Limit, Locked, OwnNumber, Room, Unselected, Version};
    let bases = Bases::new(&small_sam(), &[Room, Locked], |_| {});
    for unknown in [Currency, Version] {
        check(&bases, &[Unselected, Locked, OwnNumber, unknown, Limit, Room], |card, faults| {
            let good = purse_tests::scheme::pay_details(Kind::Purchase, 1_00, (party(1), 9), side(card, 2));
            initialize(&spoiled(good, true, faults))
        });
    }
}

fn credit_or_decline(is_credit: bool, pay_details: &PayDetails, faults: &[Fault]) -> Command<'static> {
    let mut voucher = voucher(pay_details);
    if faults.contains(&Fault::Mac) {
        voucher = Voucher { val: WRONG, ..voucher };
    }
    if is_credit { Command::Credit(voucher) } else { Command::Decline(voucher) }
}

#[test]
fn credit_and_decline_of_a_sams_sale() {
    use Fault::{Currency, Future, Limit, Mac, OwnNumber, Room, Unselected};
    let bases = Bases::new(&small_sam(), &[Room], |_| {});
    let credit = [Unselected, OwnNumber, Currency, Future, Mac, Limit, Room];
    let decline = [Unselected, OwnNumber, Currency, Future, Mac, Room];
    for (is_credit, order) in [(true, &credit[..]), (false, &decline)] {
        check(&bases, order, |card, faults| {
            let good = purse_tests::scheme::pay_details(Kind::Purchase, 1_00, (party(1), 9), side(card, 2));
            credit_or_decline(is_credit, &spoiled(good, true, faults), faults)
        });
    }
}

/// A purse with a settled purchase of 110.00 that may be given back 100.00.
fn purse_with_purchase() -> Bases {
    let limits = Limits { maximum_debit: Amount(110_00), offline_receipts: Amount(100_00), ..PURSE_LIMITS };
    let profile = Profile { limits, ..Profile::purse(1, 110_00) };
    Bases::new(&profile, &[Fault::Locked], |card| {
        card.spend_settled(Kind::Purchase, 110_00, party(2));
    })
}

#[test]
fn initialize_and_credit_of_a_refund() {
    use Fault::{Future, Limit, Locked, Mac, NoPeer, OwnNumber, Reference, Unselected, Version};
    let bases = purse_with_purchase();
    let refund = |card: &mut Card, faults: &[Fault]| {
        let good = purse_tests::scheme::pay_details(Kind::Refund, 1_00, (party(2), 9), side(card, 1));
        let mut spoiled = spoiled(good, true, faults);
        if faults.contains(&OwnNumber) {
            spoiled.from = party(1);
        }
        spoiled
    };
    check(&bases, &[Unselected, Locked, OwnNumber, NoPeer, Version, Reference, Limit], |card, faults| {
        initialize(&refund(card, faults))
    });
    check(
        &bases,
        &[Unselected, OwnNumber, NoPeer, Version, Future, Mac, Reference, Limit],
        |card, faults| {
            let pay_details = refund(card, faults);
            credit_or_decline(true, &pay_details, faults)
        },
    );
}

#[test]
fn reverse_looks_at_the_record_the_mac_the_sum_and_the_room() {
    let limits = Limits { maximum_balance: Amount(u32::MAX), maximum_debit: Amount(u32::MAX), ..SAM_LIMITS };
    let mut sam = Card::new(&Profile { limits, ..Profile::sam(2, u32::MAX) });
    sam.verify(pin("9999"));
    let open = sam.spend(Kind::Refund, 10, party(1));
    sam.receive(Kind::Load, 10, issuer());
    while sam.sequence().0 < 7 {
        sam.decline(Kind::Load, issuer());
    }
    for sequence in [1, 7, 8, u32::MAX] {
        sam.refuse(&Command::Reverse(Sequence(sequence), WRONG), Status::ConditionsOfUse);
        sam.refuse(&Command::Acknowledge(Sequence(sequence), WRONG), Status::ConditionsOfUse);
    }
    sam.refuse(&Command::Reverse(Sequence(0), WRONG), Status::WrongMac);
    sam.refuse(&reverse(&open), Status::OverLimit);
    let mut unselected = sam.copied();
    unselected.refuse(&reverse(&open), Status::ConditionsOfUse);
    unselected.refuse(&Command::Reverse(Sequence(0), WRONG), Status::ConditionsOfUse);
    let tac = sam.entry(0).tac;
    let resolve = Parameter::Resolve { sequence: Sequence(0), tac, resolution: Resolution::Reversed };
    sam.refuse_script(1, &resolve, Status::OverLimit);

    // The same with room in the balance: now the log's last place is missed.
    let mut sam = Card::new(&Profile::sam(2, 1_00));
    sam.verify(pin("9999"));
    let open = sam.spend(Kind::Refund, 10, party(1));
    while sam.sequence().0 < 7 {
        sam.decline(Kind::Load, issuer());
    }
    sam.refuse(&reverse(&open), Status::NoRoom);
    sam.refuse(&Command::Reverse(Sequence(0), WRONG), Status::WrongMac);
}

#[test]
fn update_parameter_mac_counter_id_length_conditions() {
    let own = party(1);
    let mut card = Card::new(&Profile::purse(1, 1_00));
    card.accept_script(5, &Parameter::Expiry(apdu_spec::element::Expiry([0x31, 0x01])));
    let forged = |mut bytes: Vec<u8>| {
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        bytes
    };
    // Id unknown, length wrong, condition unmet (the balance is not 0): with an old counter, and with a wrong MAC.
    for (id, value, status) in [
        (0x0B, &[][..], Status::WrongData),
        (0x07, &[1], Status::WrongData),
        (0x07, &[], Status::ConditionsOfUse),
    ] {
        for counter in [4, 5, 6] {
            let bytes = raw_script(own, counter, id, value);
            card.refuse_bytes(&bytes, if counter < 6 { Status::ConditionsOfUse } else { status });
            card.refuse_bytes(&forged(bytes), Status::WrongMac);
        }
    }
    let resolve = |code: u8, tac: u8, sequence: u8| [&[0, 0, 0, sequence][..], &[tac; 8], &[code]].concat();
    let open = card.spend(Kind::Purchase, 10, party(2));
    let unknown_code = raw_script(own, 6, 0x08, &resolve(3, 0xAA, 9));
    card.refuse_bytes(&unknown_code, Status::WrongData);
    card.refuse_bytes(&raw_script(own, 6, 0x08, &resolve(1, 0xAA, 9)), Status::ConditionsOfUse);
    card.refuse_bytes(&raw_script(own, 6, 0x08, &resolve(1, 0xAA, 0)), Status::ReferenceNotFound);
    let unselected = card.copied();
    let mut terminated = Card::new(&Profile::purse(1, 0));
    terminated.accept_script(1, &Parameter::Terminate);
    for mut card in [unselected, terminated] {
        for bytes in [script(own, 6, &Parameter::Block), forged(script(own, 6, &Parameter::Block))] {
            card.refuse_bytes(&bytes, Status::ConditionsOfUse);
        }
    }
    card.succeed(&reverse(&open));
}

#[test]
fn selection_comes_before_the_lock() {
    let mut card = Card::new(&Profile::purse(1, 1_00));
    card.lock(pin("1234"));
    let mut unselected = card.copied();
    for command in [
        Command::GetBalance(0),
        Command::ReadRecord(Some(0x18), 1),
        Command::ReadEntry(Sequence(0)),
        Command::Lock,
        Command::ChangePin(pin("1234"), pin("4321")),
    ] {
        unselected.refuse(&command, Status::ConditionsOfUse);
        card.refuse(&command, Status::SecurityStatus);
    }
    // Of two wrong data one is as good as the other; the pocket comes behind them.
    let mut card = Card::new(&Profile::purse(1, 1_00));
    let purchase = PayDetails { currency: jpy(), ..card.paying(Kind::Purchase, 0, party(2)) };
    card.refuse(&debit(&purchase), Status::WrongData);
    let unload = PayDetails { to: party(7), currency: usd(), ..card.paying(Kind::Unload, 2, issuer()) };
    card.refuse(&debit(&unload), Status::WrongData);
}
