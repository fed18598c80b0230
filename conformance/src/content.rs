//! The abstract memory of a store: every data element that the reference card's memory has, from what the shipping
//! card has programmed.

use apdu_spec::pocket::PocketParameters;
use purse_card::store::Store;
use purse_reference::memory::{Entry, Memory, Sizes};
use purse_reference::value::Value;
use purse_terminal::simulated_memory::SimulatedMemory;

/// A memory that is being filled.
struct Filling {
    memory: Memory,
    #[cfg(test)]
    filled: std::collections::BTreeSet<&'static str>,
}

impl Filling {
    fn put(&mut self, name: &'static str, place: usize, value: Value) {
        #[cfg(test)]
        self.filled.insert(name);
        self.memory.set(name, place, value);
    }

    fn number(&mut self, name: &'static str, value: impl Into<i64>) {
        self.put(name, 0, Value::Number(value.into()));
    }

    fn bytes(&mut self, name: &'static str, value: &[u8]) {
        self.put(name, 0, Value::Bytes(value.to_vec()));
    }
}

/// What a store holds.
///
/// # Panics
/// If it does not answer for its own log: then nothing else can be said of it.
pub fn of<const WINDOW: usize, const EXCEPTIONS: usize>(
    store: &Store<SimulatedMemory, WINDOW, EXCEPTIONS>,
    sizes: Sizes,
) -> Memory {
    fill(store, sizes).memory
}

fn fill<const WINDOW: usize, const EXCEPTIONS: usize>(
    store: &Store<SimulatedMemory, WINDOW, EXCEPTIONS>,
    sizes: Sizes,
) -> Filling {
    let mut filling = Filling {
        memory: Memory::blank(sizes),
        #[cfg(test)]
        filled: std::collections::BTreeSet::new(),
    };
    let (Some(identity), Some(parameters), Some(pin)) = (store.identity(), store.parameters(), store.pin())
    else {
        assert!(store.is_blank(), "only a blank card has no identity");
        return filling;
    };
    filling.number("ROLE", identity.role.code());
    filling.bytes("OWN.NUMBER", &identity.number.0);
    filling.number("OWN.KVN", identity.key_version.0);
    filling.bytes("ISSUER", &identity.issuer.0);
    filling.number("FLAGS", identity.flags);
    filling.number("FIRST.SEQUENCE", identity.first_sequence.0);
    let keys = ["LOAD.KEY", "PAYM.KEY", "TACK.KEY", "ADMN.KEY"];
    for (name, key) in keys.into_iter().zip(&identity.keys) {
        filling.bytes(name, &key.0);
    }
    let key = store.transfer_key().expect("a memory that reads");
    let certificate = store.certificate().expect("a memory that reads");
    filling.bytes("PRIVATE.KEY", key.as_ref().map_or(&[], |key| &key.private_key.0[..]));
    filling.bytes("ISSUER.KEY", key.as_ref().map_or(&[], |key| &key.issuer_key.0[..]));
    let certificate = certificate.map(|certificate| certificate.emit());
    filling.bytes("CERTIFICATE", certificate.as_ref().map_or(&[], |certificate| &certificate[..]));
    filling.bytes("EXPIRY", &parameters.expiry.0);
    filling.number("BLOCK.FLAG", parameters.blocked);
    filling.number("LOCK.FLAG", parameters.locked);
    filling.number("END.FLAG", parameters.terminated);
    filling.bytes("REFERENCE.PIN", &pin.block);
    filling.number("PIN.TRIES", pin.tries);
    filling.number("PIN.LIMIT", pin.limit);
    filling.number("SEQUENCE", store.next_sequence().0);
    let state = store.state();
    filling.number("LAST.LOAD", state.last_load.0);
    filling.bytes("CHAIN", &state.chain.0);
    let administration = store.administration();
    filling.number("ADMN.COUNTER", administration.counter);
    filling.bytes("ADMN.MAC", &administration.mac);
    for (place, pocket) in parameters.pockets.iter().enumerate() {
        fill_limits(&mut filling, place, pocket);
    }
    for (place, pocket) in state.pockets.iter().enumerate() {
        filling.put("BALANCE", place, Value::Number(pocket.balance.0.into()));
        filling.put("SPENT.WITHOUT.PIN", place, Value::Number(pocket.debited_without_pin.0.into()));
        filling.put("RECEIVED.OFFLINE", place, Value::Number(pocket.received_offline.0.into()));
    }
    let masters = store.masters().map(|masters| &masters.keys);
    for (place, master) in masters.into_iter().flatten().enumerate() {
        let (version, key) = master.as_ref().map_or((0, [0; 16]), |(version, key)| (version.0, key.0));
        filling.put("MASTER.KVN", place, Value::Number(version.into()));
        filling.put("MASTER.KEY", place, Value::Bytes(key.to_vec()));
    }
    for sequence in store.exceptions().chain(store.window_sequences()) {
        let record = store.record(sequence).expect("a memory that reads").expect("a record in its file");
        let standing = store.standing(sequence).expect("a record in its file");
        let currency = record.pay_details.currency;
        let place = parameters.pockets.iter().position(|pocket| pocket.currency == currency);
        let entry = Entry {
            pay_details: record.pay_details.emit().to_vec(),
            role: record.role.code(),
            state: standing.state.code(),
            balance: place.map_or(0, |place| record.pockets[place].balance.0),
            tac: record.tac.0.to_vec(),
        };
        filling.memory.log.insert(sequence.0, entry);
    }
    filling
}

fn fill_limits(filling: &mut Filling, place: usize, pocket: &PocketParameters) {
    let limits = &pocket.limits;
    filling.put("POCKET.CURRENCY", place, Value::Bytes(pocket.currency.0.to_vec()));
    filling.put("POCKET.EXPONENT", place, Value::Number(pocket.exponent.into()));
    for (name, limit) in [
        ("MAXIMUM.BALANCE", limits.maximum_balance),
        ("MAXIMUM.DEBIT", limits.maximum_debit),
        ("DEBIT.WITHOUT.PIN", limits.debit_without_pin),
        ("TOTAL.WITHOUT.PIN", limits.total_without_pin),
        ("MAXIMUM.TRANSFER", limits.maximum_transfer),
        ("OFFLINE.RECEIPTS", limits.offline_receipts),
    ] {
        filling.put(name, place, Value::Number(limit.0.into()));
    }
}

#[cfg(test)]
mod tests {
    use apdu_spec::data_element::{DATA_ELEMENTS, Home, Subscript};
    use purse_card::store::Store;

    use super::fill;
    use crate::issue::issues;
    use crate::specimen::Shape;

    #[test]
    fn every_element_of_the_memory_is_filled_from_the_store() {
        let sam = issues().into_iter().find(|issue| issue.name == "SAM").expect("one is a SAM");
        let memory = Shape::Four.personalised(&sam.parts());
        let store = Store::<_, 4, 2>::power_up(memory).map_err(|(_, error)| error).expect("a sound memory");
        let filling = fill(&store, Shape::Four.sizes());
        for element in DATA_ELEMENTS {
            let kept = matches!(element.home, Home::Memory | Home::Identity);
            if kept && element.subscript != Subscript::Sequence {
                assert!(filling.filled.contains(element.name), "{} is left out", element.name);
            }
        }
    }
}
