//! How the cards whose bits are flipped came to be as they are: short lives with all that section 9 makes a page for.

use std::ops::Range;

use apdu_spec::element::{Kind, Role};
use purse_card::memory::Memory;
use purse_terminal::simulated_memory::{Cut, Flight, SimulatedMemory};

use crate::flips::{Draw, History, PEER, SLOTS, TinyCard, meeting};
use crate::scheme::{Profile, acknowledge, debit, issuer, party, pin, reverse};

fn profile(role: Role) -> Profile {
    match role {
        Role::Purse => Profile::purse(1, 50_00),
        Role::Merchant => Profile::sam(2, 50_00),
    }
}

/// A card with its PIN verified.
fn card(role: Role) -> TinyCard {
    card_of(&profile(role))
}

fn card_of(profile: &Profile) -> TinyCard {
    let mut card = TinyCard::on(TinyCard::small_memory(SLOTS + usize::from(profile.key_pair.is_some())));
    card.select();
    card.personalise(profile);
    card.select();
    card.verify(pin(profile.pin));
    card
}

/// A payment, a load or, on a SAM whose log has no room, a collection: records come, and pages are built.
fn record(card: &mut TinyCard, role: Role, turn: usize) {
    match (role, turn % 3) {
        (Role::Purse, 0) => drop(card.spend_settled(Kind::Purchase, 11, party(2))),
        (Role::Purse, 1) => drop(card.receive(Kind::Load, 20, issuer())),
        (Role::Purse, _) => drop(card.spend_reversed(Kind::Purchase, 12, party(2))),
        (Role::Merchant, 0) => drop(card.receive(Kind::Purchase, 30, party(1))),
        (Role::Merchant, 1) => drop(card.spend_settled(Kind::Refund, 5, party(1))),
        (Role::Merchant, _) => drop(card.spend_settled(Kind::Unload, 10, issuer())),
    }
}

fn history(name: &str, role: Role, card: TinyCard) -> History {
    History {
        name: format!("{role:?}, {name}"),
        profile: profile(role),
        image: card.card.into_memory(),
        unsealed: None,
    }
}

/// Every bench history of a role.
pub fn histories(role: Role) -> Vec<History> {
    let mut all = vec![history("fresh", role, card(role))];
    let mut wrapped = card(role);
    (0..12).for_each(|turn| record(&mut wrapped, role, turn));
    all.push(history("the ring gone round", role, wrapped.copied()));

    let mut exception = card(role);
    exception.spend(Kind::Unload, 15, issuer());
    if role == Role::Purse {
        (0..9).for_each(|turn| record(&mut exception, role, turn));
    }
    all.push(history("an exception kept", role, exception));

    let mut tried = wrapped.copied();
    tried.select();
    tried.try_pin("0000");
    all.push(history("a PIN tried", role, tried));

    all.push(history("the head just built", role, just_built(role, &wrapped)));
    all.push(unsealed(role, &wrapped));
    for (name, operation) in
        [("an erase cut", 1), ("a page half built", 3), ("a page built, not committed", 5)]
    {
        all.push(interrupted(name, role, &wrapped, operation));
    }
    if role == Role::Purse {
        all.extend(with_a_key_pair());
    }
    all
}

/// Of a purse that takes part in transfers: when it is new; and with all places of EF.EXC taken, one by a transfer.
fn with_a_key_pair() -> [History; 2] {
    let profile = profile(Role::Purse).with_key_pair();
    let new = card_of(&profile);
    let mut kept = new.copied();
    kept.select();
    kept.verify(pin(profile.pin));
    kept.succeed(&meeting());
    kept.spend(Kind::Transfer, 15, party(PEER));
    kept.receive(Kind::Transfer, 8, party(PEER));
    kept.spend(Kind::Unload, 6, issuer());
    (0..9).for_each(|turn| record(&mut kept, Role::Purse, turn));
    [("a key pair", new), ("a key pair, a transfer kept", kept)]
        .map(|(name, card)| History { profile: profile.clone(), ..history(name, Role::Purse, card) })
}

/// The same card, ready to go on.
fn ready(role: Role, card: &TinyCard) -> TinyCard {
    let mut copy = card.copied();
    copy.select();
    copy.verify(pin(profile(role).pin));
    copy
}

/// Goes on until a page has just been erased and built.
fn just_built(role: Role, card: &TinyCard) -> TinyCard {
    let mut card = ready(role, card);
    for turn in 0..20 {
        let erases = card.card.memory().counts().erases;
        record(&mut card, role, turn);
        if card.card.memory().counts().erases > erases {
            break;
        }
    }
    card
}

/// The last entry programmed and answered, and the power gone before its seal.
fn unsealed(role: Role, card: &TinyCard) -> History {
    let mut card = ready(role, card);
    let details = card.paying(Kind::Unload, 3, issuer());
    let before = card.card.memory().clone();
    let answer = card.process(debit(&details).emit().as_bytes());
    assert!(!answer.data.is_empty(), "{answer:?}");
    let after = card.card.memory();
    let range = begun_between(&before, after).expect("an entry was programmed");
    History { unsealed: Some((range, before)), ..history("an entry without its seal", role, card) }
}

/// Bytes of the units that have been programmed between the two.
fn begun_between(before: &SimulatedMemory, after: &SimulatedMemory) -> Option<Range<usize>> {
    let unit = before.geometry().unit;
    let mut units = (0..before.begun().len()).filter(|at| !before.begun()[*at] && after.begun()[*at]);
    let first = units.next()?;
    Some(first * unit..(units.next_back().unwrap_or(first) + 1) * unit)
}

/// The power fails while a page is built: at its erase or so many operations after it.
fn interrupted(name: &str, role: Role, card: &TinyCard, operation: u64) -> History {
    for turn in 0..40 {
        let mut trial = ready(role, card);
        (0..turn).for_each(|turn| record(&mut trial, role, turn));
        let before = trial.card.memory().clone();
        record(&mut trial, role, turn);
        if trial.card.memory().counts().erases == before.counts().erases {
            continue;
        }
        // The operations of this record until its erase; then so many more.
        let erase = (0..30).find(|operation| {
            let mut cut = TinyCard::on(before.clone());
            cut.card.memory_mut().reset_counts();
            cut_at(&mut cut, role, turn, *operation);
            cut.card.memory().counts().erases > 0
        });
        let mut cut = TinyCard::on(before);
        cut_at(&mut cut, role, turn, erase.expect("it erases") + operation - 1);
        let mut memory = cut.card.into_memory();
        memory.power_on();
        return History { image: memory, ..history(name, role, ready(role, card)) };
    }
    panic!("no page is built");
}

/// The commands of one record with the power failing at an operation, whatever is answered.
fn cut_at(card: &mut TinyCard, role: Role, turn: usize, operation: u64) {
    card.select();
    let (kind, peer) = match (role, turn % 3) {
        (Role::Purse, 0 | 2) => (Kind::Purchase, party(2)),
        (Role::Merchant, 1) => (Kind::Refund, party(1)),
        _ => (Kind::Unload, issuer()),
    };
    let _ = card.try_pin(profile(role).pin);
    let details = card.paying(kind, 11, peer);
    card.card.memory_mut().cut(Cut { operation, units: 3, flight: Flight::Garbage });
    card.send(&debit(&details));
    let end = if turn.is_multiple_of(3) { acknowledge(&details) } else { reverse(&details) };
    card.send(&end);
    card.send(&debit(&details));
}

/// A life drawn by a seed, of up to forty steps, whose last one may have been cut.
pub fn random_history(role: Role, seed: u64) -> History {
    let mut draw = Draw(seed);
    let mut card = card(role);
    for _ in 0..draw.below(30) {
        step(&mut card, role, &mut draw);
    }
    let mut unsealed = None;
    if draw.below(2) == 0 {
        let units = draw.below(22);
        let flight = [Flight::Old, Flight::New, Flight::Garbage][draw.below(3)];
        let operation = draw.below(12) as u64;
        card.card.memory_mut().cut(Cut { operation, units, flight });
        for _ in 0..6 {
            if card.card.memory().is_off() {
                break;
            }
            let details = card.paying(Kind::Unload, 1, issuer());
            for command in [debit(&details), acknowledge(&details)] {
                let before = card.card.memory().clone();
                card.send(&command);
                if card.card.memory().is_off() {
                    unsealed =
                        unsealed.or_else(|| Some((begun_between(&before, card.card.memory())?, before)));
                }
            }
        }
    }
    let mut memory: SimulatedMemory = card.card.into_memory();
    memory.power_on();
    History { image: memory, unsealed, ..history(&format!("seed {seed}"), role, self::card(role)) }
}

/// Something that may be refused.
fn step(card: &mut TinyCard, role: Role, draw: &mut Draw) {
    let (peer, pays, takes) = crate::flips::business(role);
    let amount = u32::try_from(1 + draw.below(40)).expect("small");
    match draw.below(8) {
        0 | 1 => {
            let details = card.paying(pays, amount, party(peer));
            card.send(&debit(&details));
            match draw.below(3) {
                0 => drop(card.send(&acknowledge(&details))),
                1 => drop(card.send(&reverse(&details))),
                _ => {}
            }
        }
        2 => {
            let details = card.paid(takes, amount, party(peer));
            card.send(&apdu_spec::command::Command::Credit(crate::scheme::voucher(&details)));
        }
        3 | 4 => {
            let details = card.paid(Kind::Load, amount, issuer());
            card.send(&apdu_spec::command::Command::Credit(crate::scheme::voucher(&details)));
        }
        5 => {
            let details = card.paying(Kind::Unload, amount, issuer());
            card.send(&debit(&details));
            if draw.below(2) == 0 {
                card.send(&acknowledge(&details));
            }
        }
        6 => {
            card.try_pin("0000");
            card.try_pin(profile(role).pin);
        }
        _ => {
            *card = card.copied();
            card.select();
            card.try_pin(profile(role).pin);
        }
    }
}
