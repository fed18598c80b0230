//! Situations that are seldom, each for what it alone shows.

#![allow(clippy::inconsistent_digit_grouping, reason = "euros and cents")]

use purse_tests::world::{OPERATOR, World};

use super::Process::{Collection, Load, Purchase, Recovery, Refund, Unload};
use super::odd_worlds::*;
use super::situations::{Situation, Usual, situation};
use super::trouble::*;
use super::worlds::*;

/// All of them.
#[allow(clippy::too_many_lines, reason = "a list")]
pub(super) fn odd() -> Vec<Situation> {
    let history = World::with_history;
    let load = situation("a load", Load, 5_00, history);
    let purchase = situation("a purchase", Purchase, 2_00, history);
    let refund = Situation { pin: Some(OPERATOR), ..situation("a refund", Refund, 1_00, history) };
    let unload = situation("an unload", Unload, 4_00, history);
    let collection = situation("a collection", Collection, 0, history);
    let recovery = situation("a recovery", Recovery, 0, history);
    vec![
        Situation { name: "a purchase of a SAM", world: sam_for_purse, ..purchase },
        Situation { name: "a purchase from a purse", world: purse_for_sam, ..purchase },
        Situation { name: "a purchase of an expired purse", world: expired_purse, ..purchase },
        Situation { name: "a purchase from an expired SAM", world: expired_sam, ..purchase },
        Situation { name: "a refund of a SAM", world: sam_for_purse, ..refund },
        Situation { name: "a refund from a purse", world: purse_for_sam, ..refund },
        Situation { name: "a refund of an expired purse", world: expired_purse, ..refund },
        Situation { name: "a refund from an expired SAM", world: expired_sam, ..refund },
        Situation {
            name: "a refund after a payment that a card takes back and is then another in its state",
            world: never_credited,
            troubles: &[TAKEN_BACK],
            ..refund
        },
        Situation { name: "a refund after two payments that are declined", world: two_declined, ..refund },
        Situation { name: "an unload of a blank purse", world: blank_purse, ..unload },
        Situation { name: "a collection of a blank SAM", world: blank_sam, ..collection },
        Situation {
            name: "a collection of three pockets",
            world: three_pockets,
            troubles: &[SAM_DEBIT],
            ..collection
        },
        Situation {
            name: "a collection of all but the first pocket",
            world: first_pocket_empty,
            ..collection
        },
        Situation { name: "a collection of empty pockets", world: pockets_empty, ..collection },
        Situation {
            name: "a recovery of a collection whose records are wrong",
            world: wrong_records,
            ..recovery
        },
        Situation { name: "a recovery of the first of all", world: first_of_all, ..recovery },
        Situation {
            name: "a recovery of a load of a terminated purse",
            world: terminated_with_a_load,
            ..recovery
        },
        Situation { name: "a load after one of a terminated purse", world: terminated_with_a_load, ..load },
        Situation {
            name: "a recovery of a refund and a collection",
            world: refund_and_collection,
            ..recovery
        },
        Situation { name: "a recovery of two unloads", world: two_unloads, ..recovery },
        Situation {
            name: "a recovery of an unload that was declined and another",
            world: declined_and_unloaded,
            troubles: &[TAKEN_BACK, NOT_AGAIN],
            ..recovery
        },
        Situation { name: "a recovery of two that stay open", world: two_kept_open, ..recovery },
        Situation {
            name: "a recovery of the oldest, which a load lets come back",
            world: endangered_and_kept_open,
            ..recovery
        },
        Situation { name: "a recovery of what has just left the log", world: just_left, ..recovery },
        Situation {
            name: "a recovery of another card's load",
            world: open_load,
            troubles: &[ANOTHER_CARD],
            ..recovery
        },
        Situation {
            name: "a recovery of everything, of which more is lost",
            world: everything_open,
            troubles: &[SETTLING, SETTLING_LATE, TAKEN_BACK, STRANGE_LOG],
            ..recovery
        },
        Situation { name: "a recovery of a load alone", world: load_alone, troubles: &[IN_USE], ..recovery },
        Situation {
            name: "a recovery of the oldest and of a load that the issuer has not heard of",
            world: endangered_and_unheard,
            troubles: &[UNHEARD_LOAD],
            ..recovery
        },
        Situation {
            name: "a recovery of two that are declined",
            world: two_declined,
            troubles: &[NOT_AGAIN],
            ..recovery
        },
        Situation {
            name: "a recovery of two purses that have paid",
            world: two_have_paid,
            troubles: &[ASKED_ANOTHER],
            ..recovery
        },
        Situation {
            name: "a recovery of a SAM's load and collection",
            world: load_and_collection,
            ..recovery
        },
        Situation {
            name: "a recovery of exceptions without end",
            troubles: &[ENDLESS],
            usual: Usual::None,
            ..recovery
        },
        Situation {
            name: "a recovery of a locked purse with a long history",
            world: locked_with_exception,
            troubles: &[LONG_HISTORY],
            usual: Usual::None,
            ..recovery
        },
    ]
}
