//! What a generator of commands knows of the card: all of it, from the reference card.

use purse_reference::card::ReferenceCard;
use purse_reference::memory::Memory;
use purse_reference::session::Session;
use purse_reference::value::Value;

use crate::message::Details;

/// A pocket.
#[derive(Clone, Copy, Debug, Default)]
pub struct PocketView {
    /// Currency, 0000 where it is unused.
    pub currency: [u8; 2],
    /// What it holds.
    pub balance: u32,
    /// The six limits.
    pub limits: [u32; 6],
    /// Spent without PIN.
    pub spent: u32,
    /// Received offline.
    pub received: u32,
}

/// A record.
#[derive(Clone, Copy, Debug)]
pub struct RecordView {
    /// Its sequence.
    pub sequence: u32,
    /// Its PD.
    pub details: Details,
    /// Its role.
    pub role: u8,
    /// Its state.
    pub state: u8,
    /// Its TAC.
    pub tac: [u8; 8],
}

/// The card.
#[expect(clippy::struct_excessive_bools, reason = "they are the card's flags")]
#[derive(Clone, Debug)]
pub struct View {
    /// 0 blank, 1 purse, 2 SAM.
    pub role: u8,
    /// Its number.
    pub number: [u8; 8],
    /// Its key version.
    pub key_version: u8,
    /// Its issuer.
    pub issuer: [u8; 8],
    /// The next sequence.
    pub sequence: u32,
    /// Last credited load.
    pub last_load: u32,
    /// Last script.
    pub counter: u32,
    /// The PIN.
    pub pin: [u8; 8],
    /// Tries left.
    pub tries: u8,
    /// The holder's lock.
    pub locked: bool,
    /// The issuer's block.
    pub blocked: bool,
    /// Terminated.
    pub ended: bool,
    /// The pockets.
    pub pockets: [PocketView; 5],
    /// Versions of the masters, 0 where there is none.
    pub masters: [u8; 8],
    /// The log, oldest first.
    pub records: Vec<RecordView>,
    /// The application is selected.
    pub selected: bool,
    /// The PIN is verified.
    pub verified: bool,
    /// It takes part in transfers.
    pub has_key_pair: bool,
    /// The purse whose certificate is verified.
    pub peer: Option<[u8; 8]>,
    /// The key of that pair.
    pub peer_key: [u8; 16],
    /// Blocks of STORE DATA taken.
    pub blocks: u32,
}

fn number(value: Option<&Value>) -> u32 {
    value.and_then(Value::number).and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}

fn small(value: Option<&Value>) -> u8 {
    u8::try_from(number(value)).unwrap_or(u8::MAX)
}

fn bytes<const LENGTH: usize>(value: Option<&Value>) -> [u8; LENGTH] {
    value.and_then(Value::bytes).and_then(|bytes| bytes.try_into().ok()).unwrap_or([0; LENGTH])
}

impl View {
    /// Of a card.
    pub fn of(card: &ReferenceCard<'_>) -> Self {
        Self::of_parts(&card.memory, &card.session)
    }

    /// Of its memory and session.
    pub fn of_parts(memory: &Memory, session: &Session) -> Self {
        let at = |name, place| memory.value(name, place);
        let held = |name| number(session.named(name).as_ref());
        let limits = [
            "MAXIMUM.BALANCE",
            "MAXIMUM.DEBIT",
            "DEBIT.WITHOUT.PIN",
            "TOTAL.WITHOUT.PIN",
            "MAXIMUM.TRANSFER",
            "OFFLINE.RECEIPTS",
        ];
        let places = [0, 1, 2, 3, 4];
        Self {
            role: small(at("ROLE", 0)),
            number: bytes(at("OWN.NUMBER", 0)),
            key_version: small(at("OWN.KVN", 0)),
            issuer: bytes(at("ISSUER", 0)),
            sequence: number(at("SEQUENCE", 0)),
            last_load: number(at("LAST.LOAD", 0)),
            counter: number(at("ADMN.COUNTER", 0)),
            pin: bytes(at("REFERENCE.PIN", 0)),
            tries: small(at("PIN.TRIES", 0)),
            locked: number(at("LOCK.FLAG", 0)) == 1,
            blocked: number(at("BLOCK.FLAG", 0)) == 1,
            ended: number(at("END.FLAG", 0)) == 1,
            pockets: places.map(|place| PocketView {
                currency: bytes(at("POCKET.CURRENCY", place)),
                balance: number(at("BALANCE", place)),
                limits: limits.map(|name| number(at(name, place))),
                spent: number(at("SPENT.WITHOUT.PIN", place)),
                received: number(at("RECEIVED.OFFLINE", place)),
            }),
            masters: [0, 1, 2, 3, 4, 5, 6, 7].map(|place| small(at("MASTER.KVN", place))),
            records: memory
                .log
                .iter()
                .map(|(sequence, entry)| RecordView {
                    sequence: *sequence,
                    details: Details::of(entry.pay_details.as_slice().try_into().unwrap_or(&[0; 36])),
                    role: entry.role,
                    state: entry.state,
                    tac: entry.tac.as_slice().try_into().unwrap_or([0; 8]),
                })
                .collect(),
            selected: held("SELECTED") == 1,
            verified: held("PIN.VERIFIED") == 1,
            has_key_pair: at("CERTIFICATE", 0).and_then(Value::bytes).is_some_and(|bytes| !bytes.is_empty()),
            peer: Some(bytes(session.named("PEER").as_ref())).filter(|_| held("PEER.VERIFIED") == 1),
            peer_key: bytes(session.named("PEER.KEY").as_ref()),
            blocks: held("BLOCKS"),
        }
    }

    /// Whether it is a purse.
    pub const fn is_purse(&self) -> bool {
        self.role == 1
    }

    /// Payments of its own.
    pub fn payments(&self) -> impl Iterator<Item = &RecordView> {
        self.records.iter().filter(|record| record.role == 1)
    }
}
