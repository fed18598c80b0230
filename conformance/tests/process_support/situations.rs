//! What can be the case when a process begins.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

use apdu_spec::element::Time;
use purse_tests::overheard::Event;
use purse_tests::scheme::TIME;
use purse_tests::world::{OPERATOR, PIN, World};

use super::Process;
use super::trouble::*;
use super::worlds::*;

/// One of them.
#[derive(Clone, Copy)]
pub(crate) struct Situation {
    pub(crate) name: &'static str,
    pub(crate) process: Process,
    pub(crate) world: fn() -> World,
    pub(crate) amount: u32,
    pub(crate) time: Time,
    pub(crate) pin: Option<&'static str>,
    /// Just before a CREDIT.
    pub(crate) event: Option<Event>,
    /// The cards stand in each other's place.
    pub(crate) swapped: bool,
    /// The purse is the only card at hand.
    pub(crate) is_alone: bool,
    /// What else may go wrong.
    pub(crate) troubles: &'static [&'static [Trouble]],
    /// What goes wrong of itself.
    pub(crate) usual: Usual,
}

/// Which faults a situation has besides its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usual {
    /// All; in a process that lets its cards go and holds them again, none is taken away.
    All,
    /// They are taken away there too.
    CardsLeave,
    /// It is too long for any.
    None,
}

pub(super) const fn situation(
    name: &'static str,
    process: Process,
    amount: u32,
    world: fn() -> World,
) -> Situation {
    Situation {
        name,
        process,
        world,
        amount,
        time: TIME,
        pin: None,
        event: None,
        swapped: false,
        is_alone: false,
        troubles: &[],
        usual: Usual::All,
    }
}

/// All of them.
pub(crate) fn situations() -> Vec<Situation> {
    [usual(), super::odd::odd(), super::transfers::transfers()].concat()
}

#[allow(clippy::too_many_lines, reason = "a list")]
fn usual() -> Vec<Situation> {
    use Process::{Collection, Load, Purchase, Recovery, Refund, Unload};
    // Some month of 2031: every card has expired.
    let late = Time(1_930_000_000);
    // December 2030: none has.
    let last_month = Time(1_924_000_000);
    let history = World::with_history;
    let load = situation("a load", Load, 5_00, history);
    let purchase = situation("a purchase", Purchase, 2_00, history);
    let refund = Situation { pin: Some(OPERATOR), ..situation("a refund", Refund, 1_00, history) };
    let unload = situation("an unload", Unload, 4_00, history);
    let collection = situation("a collection", Collection, 0, history);
    let recovery = situation("a recovery", Recovery, 0, history);
    vec![
        Situation { troubles: &[PURSE_CREDIT, REFUSED_BY_PURSE, STRANGERS], ..load },
        Situation { name: "a load of a blank card", world: blank_purse, ..load },
        Situation { name: "a load of an expired card", time: late, ..load },
        Situation { name: "a load of more than the account has", amount: 200_00, ..load },
        Situation { name: "a load of more than the purse may hold", amount: 99_000_00, ..load },
        Situation { name: "a load that the purse declines", event: Some(purse_full), ..load },
        Situation {
            name: "a load after one that is open",
            world: open_load,
            troubles: &[UNHEARD_LOAD],
            ..load
        },
        Situation {
            name: "a load after one that the purse declines",
            world: open_load,
            event: Some(purse_full),
            ..load
        },
        Situation {
            name: "a load after one that the issuer has not heard of",
            world: unacknowledged_load,
            ..load
        },
        Situation { name: "a load after one that nothing can finish", world: impossible_load, ..load },
        Situation { troubles: &[SAM_CREDIT, PURSE_DEBIT, REFUSED_BY_SAM, STRANGERS], ..purchase },
        Situation { name: "a purchase with a PIN", pin: Some(PIN), troubles: &[PURSE_DEBIT], ..purchase },
        Situation { name: "a purchase with a wrong PIN", pin: Some("0000"), ..purchase },
        Situation {
            name: "a purchase above the limit without PIN",
            amount: 16_00,
            world: || {
                let mut world = World::with_history();
                world.load(60_00).unwrap();
                world
            },
            ..purchase
        },
        Situation { name: "a purchase of more than there is", amount: 90_00, pin: Some(PIN), ..purchase },
        Situation { name: "a purchase of nothing", amount: 0, ..purchase },
        Situation { name: "a purchase that the SAM declines", event: Some(sam_full), ..purchase },
        Situation { name: "a purchase with expired cards", time: late, ..purchase },
        Situation { name: "a purchase with the cards exchanged", swapped: true, ..purchase },
        Situation { name: "a purchase of a blank purse", world: blank_purse, ..purchase },
        Situation { troubles: &[PURSE_CREDIT, SAM_DEBIT, REFUSED_BY_PURSE, SETTLING, STRANGERS], ..refund },
        Situation { name: "a refund of more than was paid", amount: 50_00, ..refund },
        Situation { name: "a refund with a wrong PIN", pin: Some("0000"), ..refund },
        Situation { name: "a refund that the purse declines", event: Some(purse_full), ..refund },
        Situation { name: "a refund after payments that are declined", world: never_credited, ..refund },
        Situation { name: "a refund with expired cards", time: late, ..refund },
        Situation { name: "a refund with the cards exchanged", swapped: true, ..refund },
        Situation { troubles: &[PURSE_DEBIT, DECLINED_UNLOAD, STRANGERS], ..unload },
        Situation { name: "an unload of more than there is", amount: 90_00, ..unload },
        Situation { name: "an unload of nothing", amount: 0, ..unload },
        Situation { name: "an unload of a SAM", swapped: true, ..unload },
        Situation { name: "an unload of an expired purse", time: late, ..unload },
        Situation { troubles: &[SAM_DEBIT, STRANGERS], ..collection },
        Situation { name: "a collection of nothing", world: World::new, ..collection },
        Situation { name: "a collection of a purse", swapped: true, ..collection },
        Situation { name: "a collection with one open", world: collection_open, ..collection },
        Situation { name: "a load of a blocked purse", world: blocked, ..load },
        Situation { name: "a load of a terminated purse", world: terminated, ..load },
        Situation { name: "a load in the last month", time: last_month, ..load },
        Situation { name: "a purchase of a blocked purse", world: blocked, ..purchase },
        Situation { name: "a purchase of a terminated purse", world: terminated, ..purchase },
        Situation { name: "a purchase from a blocked SAM", world: blocked_sam, ..purchase },
        Situation { name: "a purchase from a blank SAM", world: blank_sam, ..purchase },
        Situation { name: "a purchase in the last month", time: last_month, ..purchase },
        Situation { name: "a refund of a blocked purse", world: blocked, ..refund },
        Situation { name: "a refund of a blank SAM", world: blank_sam, ..refund },
        Situation { name: "a refund in the last month", time: last_month, ..refund },
        Situation { name: "an unload of a blocked purse", world: blocked, ..unload },
        Situation { name: "an unload of a terminated purse", world: terminated, ..unload },
        Situation { name: "a collection of a blocked SAM", world: blocked_sam, ..collection },
        Situation { name: "a recovery of a blocked purse", world: blocked, ..recovery },
        Situation { name: "a recovery of a terminated purse", world: terminated, ..recovery },
        Situation { troubles: &[SETTLING, SETTLING_LATE, TAKEN_BACK], ..recovery },
        Situation { name: "a recovery of nothing", world: World::new, ..recovery },
        Situation { name: "a recovery of a load", world: open_load, ..recovery },
        Situation {
            name: "a recovery of a load that the issuer has not heard of",
            world: unacknowledged_load,
            ..recovery
        },
        Situation {
            name: "a recovery of a load that nothing can finish",
            world: impossible_load,
            ..recovery
        },
        Situation {
            name: "a recovery of a load that is declined",
            world: open_load,
            event: Some(purse_full),
            ..recovery
        },
        Situation { name: "a recovery of payments that are declined", world: never_credited, ..recovery },
        Situation { name: "a recovery of everything", world: everything_open, ..recovery },
        Situation {
            name: "a recovery without the payee",
            world: everything_open,
            is_alone: true,
            ..recovery
        },
        Situation { name: "a recovery of a collection", world: collection_open, ..recovery },
        Situation { name: "a recovery of an unload that was declined", world: declined_unload, ..recovery },
        Situation {
            name: "a recovery of a purchase that a load would push out",
            world: endangered,
            ..recovery
        },
        Situation { name: "a recovery of what has left the log", world: exception, ..recovery },
        Situation { name: "a recovery of a locked purse", world: locked, ..recovery },
        Situation {
            name: "a recovery that a limit keeps from its end",
            world: kept_open_by_a_limit,
            ..recovery
        },
        Situation {
            name: "a recovery that a full log keeps from its end",
            world: kept_open_by_a_full_log,
            ..recovery
        },
        Situation {
            name: "a recovery of three cards",
            world: || World::with_history().and_other(),
            ..recovery
        },
    ]
}
