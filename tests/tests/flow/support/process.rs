//! What a terminal does, with a fault in it.

use purse_terminal::client::Failure;
use purse_terminal::flow::FlowError;

use super::{Money, Rig, World};

/// A process under test: its name, what it does, and what it moves.
pub(crate) struct Process {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&mut World) -> Result<(), FlowError>,
    pub(crate) moves: fn(Money) -> Money,
}

/// Those of section 7.
pub(crate) const PROCESSES: [Process; 5] = [
    Process {
        name: "load",
        run: |world| world.load(5_00).map(|_| ()),
        moves: |money| Money { purse: money.purse + 5_00, holder: money.holder - 5_00, ..money },
    },
    Process {
        name: "purchase",
        run: |world| world.pay(2_00).map(|_| ()),
        moves: |money| Money { purse: money.purse - 2_00, sam: money.sam + 2_00, ..money },
    },
    Process {
        name: "refund",
        run: |world| world.refund(1_00).map(|_| ()),
        moves: |money| Money { purse: money.purse + 1_00, sam: money.sam - 1_00, ..money },
    },
    Process {
        name: "unload",
        run: |world| world.unload(4_00).map(|_| ()),
        moves: |money| Money { purse: money.purse - 4_00, holder: money.holder + 4_00, ..money },
    },
    Process {
        name: "collection",
        run: |world| world.collect().map(|_| ()),
        moves: |money| Money { sam: 0, merchant: money.merchant + money.sam, ..money },
    },
];

/// A purse pays purse 3, which has to be there ([`World::and_other`]).
pub(crate) const TRANSFER: Process = Process {
    name: "transfer",
    run: |world| world.transfer(2_00).map(|_| ()),
    moves: |money| Money { purse: money.purse - 2_00, other: money.other + 2_00, ..money },
};

/// The card that the fault is in.
pub(crate) type Side = fn(&mut World) -> &mut Rig;
/// Both.
pub(crate) const SIDES: [(&str, Side); 2] =
    [("purse", |world| &mut world.purse), ("sam", |world| &mut world.sam)];

/// Payer and payee of a transfer.
pub(crate) const PURSES: [(&str, Side); 2] = [
    ("payer", |world| &mut world.purse),
    ("payee", |world| world.other.as_mut().expect("a world with two purses")),
];

/// Runs a process with a fault, brings everything back, recovers, and looks for the money.
pub(crate) fn check(
    mut world: World,
    process: &Process,
    what: &str,
    fault: impl FnOnce(&mut World),
) -> Result<(), FlowError> {
    let before = world.money();
    fault(&mut world);
    let result = (process.run)(&mut world);
    world.bring_back();
    let report = world.recover();
    assert!(report.is_complete(), "{} {what}: {report:?}", process.name);
    let after = world.assert_settled();
    let moved = (process.moves)(before);
    match &result {
        Ok(()) => assert_eq!(after, moved, "{} {what}", process.name),
        Err(error) if error.failure() == Failure::OutcomeUnknown => {
            assert!(after == before || after == moved, "{} {what}: {after:?}", process.name);
        }
        Err(error) => assert_eq!(after, before, "{} {what}: {error}", process.name),
    }
    let again = world.recover();
    assert!(again.items.is_empty(), "{} {what}: {again:?}", process.name);
    result
}
