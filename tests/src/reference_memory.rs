//! The memory of a card as the reference card has it: every data element that outlives a reset, read from the store.

use apdu_spec::cryptography::KeyBytes;
use apdu_spec::pocket::Limits;
use purse_card::store::{Record, Store};
use purse_reference::memory::{Entry, Memory, Sizes};
use purse_reference::value::Value;
use purse_terminal::simulated_memory::SimulatedMemory;

/// The sizes of a card.
pub fn sizes<const WINDOW: usize, const EXCEPTIONS: usize>() -> Sizes {
    let size = |size| u32::try_from(size).expect("a log is short");
    Sizes { window: size(WINDOW), exceptions: size(EXCEPTIONS) }
}

/// All that a copy of a memory holds after a power-up.
pub fn memory_of<const WINDOW: usize, const EXCEPTIONS: usize>(memory: &SimulatedMemory) -> Memory {
    let mut copy = memory.clone();
    copy.power_off();
    copy.power_on();
    let store = Store::<_, WINDOW, EXCEPTIONS>::power_up(copy);
    of_store(&store.map_err(|(_, error)| error).expect("the memory is sound"))
}

fn of_store<const WINDOW: usize, const EXCEPTIONS: usize>(
    store: &Store<SimulatedMemory, WINDOW, EXCEPTIONS>,
) -> Memory {
    let mut memory = Memory::blank(sizes::<WINDOW, EXCEPTIONS>());
    let (Some(identity), Some(parameters), Some(pin)) = (store.identity(), store.parameters(), store.pin())
    else {
        return memory;
    };
    let mut number = |name, place, value: u32| memory.set(name, place, Value::Number(value.into()));
    number("ROLE", 0, identity.role.code().into());
    number("OWN.KVN", 0, identity.key_version.0.into());
    number("FLAGS", 0, identity.flags.into());
    number("FIRST.SEQUENCE", 0, identity.first_sequence.0);
    number("PIN.LIMIT", 0, pin.limit.into());
    number("PIN.TRIES", 0, pin.tries.into());
    number("SEQUENCE", 0, store.next_sequence().0);
    number("LAST.LOAD", 0, store.state().last_load.0);
    number("BLOCK.FLAG", 0, parameters.blocked.into());
    number("LOCK.FLAG", 0, parameters.locked.into());
    number("END.FLAG", 0, parameters.terminated.into());
    number("ADMN.COUNTER", 0, store.administration().counter);
    for (place, (pocket, state)) in parameters.pockets.iter().zip(&store.state().pockets).enumerate() {
        let Limits { maximum_balance, maximum_debit, debit_without_pin, .. } = pocket.limits;
        let Limits { total_without_pin, maximum_transfer, offline_receipts, .. } = pocket.limits;
        number("POCKET.EXPONENT", place, pocket.exponent.into());
        number("BALANCE", place, state.balance.0);
        number("SPENT.WITHOUT.PIN", place, state.debited_without_pin.0);
        number("RECEIVED.OFFLINE", place, state.received_offline.0);
        number("MAXIMUM.BALANCE", place, maximum_balance.0);
        number("MAXIMUM.DEBIT", place, maximum_debit.0);
        number("DEBIT.WITHOUT.PIN", place, debit_without_pin.0);
        number("TOTAL.WITHOUT.PIN", place, total_without_pin.0);
        number("MAXIMUM.TRANSFER", place, maximum_transfer.0);
        number("OFFLINE.RECEIPTS", place, offline_receipts.0);
    }
    let masters = || store.masters().map(|masters| masters.keys.iter().enumerate()).into_iter().flatten();
    for (place, master) in masters() {
        number("MASTER.KVN", place, master.as_ref().map_or(0, |(version, _)| version.0.into()));
    }
    let mut bytes = |name, place, value: &[u8]| memory.set(name, place, Value::Bytes(value.to_vec()));
    bytes("OWN.NUMBER", 0, &identity.number.0);
    bytes("ISSUER", 0, &identity.issuer.0);
    for (name, KeyBytes(key)) in ["LOAD.KEY", "PAYM.KEY", "TACK.KEY", "ADMN.KEY"].iter().zip(&identity.keys) {
        bytes(name, 0, key);
    }
    if let Some(key) = store.transfer_key().expect("the memory is sound") {
        bytes("PRIVATE.KEY", 0, &key.private_key.0);
        bytes("ISSUER.KEY", 0, &key.issuer_key.0);
    }
    if let Some(certificate) = store.certificate().expect("the memory is sound") {
        bytes("CERTIFICATE", 0, &certificate.emit());
    }
    bytes("EXPIRY", 0, &parameters.expiry.0);
    bytes("REFERENCE.PIN", 0, &pin.block);
    bytes("ADMN.MAC", 0, &store.administration().mac);
    bytes("CHAIN", 0, &store.state().chain.0);
    for (place, pocket) in parameters.pockets.iter().enumerate() {
        bytes("POCKET.CURRENCY", place, &pocket.currency.0);
    }
    for (place, master) in masters() {
        bytes("MASTER.KEY", place, &master.as_ref().map_or([0; 16], |(_, KeyBytes(key))| *key));
    }
    for sequence in store.exceptions().chain(store.window_sequences()) {
        let Some(standing) = store.standing(sequence) else { continue };
        let record = store.record(sequence).expect("the memory is sound").expect("it is in the log");
        let Record { pay_details, tac, pockets, .. } = record;
        let place = parameters.pockets.iter().position(|pocket| pocket.currency == pay_details.currency);
        let entry = Entry {
            pay_details: pay_details.emit().to_vec(),
            role: standing.role.code(),
            state: standing.state.code(),
            balance: place.map_or(0, |place| pockets[place].balance.0),
            tac: tac.0.to_vec(),
        };
        memory.log.insert(sequence.0, entry);
    }
    memory
}
