//! Cards in each state of section 5, with the same history behind them.

use apdu_spec::command::Command;
use apdu_spec::element::{Kind, Role};
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::parameter::Parameter;
use apdu_spec::pay_details::PayDetails;

use crate::bench_card::CommonCard;
use crate::scheme::{Profile, acknowledge, issuer, party, pin};

/// A life cycle, with lock and block apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Not personalised.
    Blank,
    /// In use.
    Active,
    /// By its holder.
    Locked,
    /// By its issuer.
    Blocked,
    /// By both.
    BlockedAndLocked,
    /// For ever.
    Terminated,
}

impl Stage {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::Blank, Self::Active, Self::Locked, Self::Blocked, Self::BlockedAndLocked, Self::Terminated];

    /// What the card says of itself.
    pub const fn life_cycle(self) -> LifeCycle {
        match self {
            Self::Blank => LifeCycle::Blank,
            Self::Active => LifeCycle::Active,
            Self::Locked => LifeCycle::Locked,
            Self::Blocked | Self::BlockedAndLocked => LifeCycle::Blocked,
            Self::Terminated => LifeCycle::Terminated,
        }
    }

    /// Whether the holder's flag is set.
    pub const fn is_locked(self) -> bool {
        matches!(self, Self::Locked | Self::BlockedAndLocked)
    }
}

/// A card in some state, its application not selected since power-up.
#[derive(Debug)]
pub struct Staged {
    /// The card.
    pub bench: CommonCard,
    /// The load at sequence 0, credited.
    pub load: PayDetails,
    /// The payment at sequence 1, settled.
    pub settled: PayDetails,
    /// The payment at sequence 2: open, but settled on a terminated card.
    pub open: PayDetails,
}

/// Who a card of this role is, in [`staged`]: 1 is the purse, 2 the SAM.
pub fn profile(role: Role) -> Profile {
    match role {
        Role::Purse => Profile::purse(1, 0).with_key_pair(),
        Role::Merchant => Profile::sam(2, 0),
    }
}

/// A load of 10.00, a payment of 1.00 that is settled, one of 2.00 that is open. A terminated card has settled both
/// and unloaded the rest; a blank one has nothing.
pub fn staged(role: Role, stage: Stage) -> Staged {
    let profile = profile(role);
    let (kind, peer) = match role {
        Role::Purse => (Kind::Purchase, party(2)),
        Role::Merchant => (Kind::Refund, party(1)),
    };
    let mut bench = CommonCard::new(&profile);
    bench.verify(pin(profile.pin));
    let load = bench.receive(Kind::Load, 10_00, issuer());
    let settled = bench.spend_settled(kind, 1_00, peer);
    let open = bench.spend(kind, 2_00, peer);
    match stage {
        Stage::Blank => bench = CommonCard::blank(),
        Stage::Active => {}
        Stage::Locked => {
            bench.succeed(&Command::Lock);
        }
        Stage::Blocked => bench.accept_script(1, &Parameter::Block),
        Stage::BlockedAndLocked => {
            bench.succeed(&Command::Lock);
            bench.accept_script(1, &Parameter::Block);
        }
        Stage::Terminated => {
            bench.succeed(&acknowledge(&open));
            bench.spend_settled(Kind::Unload, 7_00, issuer());
            bench.accept_script(1, &Parameter::Terminate);
        }
    }
    Staged { bench: bench.copied(), load, settled, open }
}
