//! The issuer that ships, over books in memory, each of its states once.

use std::hash::BuildHasherDefault;

use apdu_spec::cryptography::{Authenticator, Tac};
use apdu_spec::element::{Amount, Currency, Kind, Role, Sequence};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::LogRecord;
use apdu_spec::software::Software;
use indexmap::IndexSet;
use purse_terminal::issuer::{
    Funding, Issuer, Keyring, MemoryStore, NewCard, SignedScript, TransferState, Unloaded, Unsettleable,
};
use purse_tests::scheme::{TIME, VERSION, eur, issuer, usd};
use purse_tests::world::keyring;
use rustc_hash::{FxHashMap, FxHasher};

use super::message::{Message, Word};
use super::post::Post;
use crate::content::Past;

/// The issuer that ships.
pub(super) type Bank = Issuer<MemoryStore, Software>;

/// Something that is asked of the issuer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Errand {
    /// What is said to be the req of a load.
    Load(Message),
    /// Card, sequence, and what is said to be an ack.
    Acknowledged(PartyNumber, u32, [u8; 8]),
    /// Card, sequence, and what is said to be a nack.
    Declined(PartyNumber, u32, [u8; 8]),
    /// The issuer is asked to ask for an unload: card, currency, amount, sequence.
    Ask(PartyNumber, Currency, u32, u32),
    /// What is said to be the val of an unload.
    Unload(Message),
    /// The same, to be declined.
    Decline(Message),
    /// The records of a SAM from the first that is wanted on, one of them perhaps altered or left out.
    Submit(PartyNumber, Vec<Past>, Forgery),
    /// An open record of a card, to be resolved.
    Resolve(PartyNumber, Past),
}

/// What a merchant does to the records that he submits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Forgery {
    /// Nothing.
    None,
    /// The first amount is one more.
    Amount,
    /// The first record is in place of the last one, too.
    Double,
    /// The first record is left out.
    Omit,
}

/// What comes of it.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    /// The books after it.
    pub after: u32,
    /// What the answer tells everybody.
    pub message: Option<u16>,
    /// A script for a card: its bytes, and the sequence that it resolves.
    pub script: Option<SignedScript>,
}

/// What the books say that the rest is compared with.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    /// What the issuer answers for on cards and in flight: euros, dollars.
    pub float: [i64; 2],
    /// What the merchant's account holds.
    pub merchant: i64,
    /// Loads and unloads.
    pub transfers: Vec<(PayDetails, TransferState)>,
    /// Whether a collection's parts are its amount.
    pub parts_add_up: bool,
}

/// The holder's account.
pub(super) const HOLDER: &str = "holder";
/// The merchant's account, which starts empty.
pub(super) const MERCHANT: &str = "merchant";

/// The issuer in every state that is met.
#[derive(Debug)]
pub(super) struct Office {
    books: IndexSet<MemoryStore, BuildHasherDefault<FxHasher>>,
    ledgers: Vec<Ledger>,
    errands: IndexSet<Errand, BuildHasherDefault<FxHasher>>,
    replies: FxHashMap<(u32, u32), Reply>,
    keyring: Keyring,
}

impl Office {
    /// An issuer that knows these cards and what they hold, euros and dollars, with so much of both in the holder's
    /// account.
    ///
    /// # Panics
    /// If it refuses one.
    pub(super) fn new(cards: &[(PartyNumber, Role, [u32; 2])], holder: i64) -> (Self, u32) {
        let mut office = Self {
            books: IndexSet::default(),
            ledgers: Vec::new(),
            errands: IndexSet::default(),
            replies: FxHashMap::default(),
            keyring: keyring(),
        };
        let mut bank = office.bank_of(MemoryStore::new());
        for (name, initial) in [(HOLDER, holder), (MERCHANT, 0)] {
            for currency in [eur(), usd()] {
                bank.register_account(name, currency, initial).expect("a new account");
            }
        }
        for &(number, role, [euros, dollars]) in cards {
            let account = if role == Role::Purse { HOLDER } else { MERCHANT };
            let pockets = [(eur(), Amount(euros)), (usd(), Amount(dollars))];
            let card = NewCard {
                number,
                role,
                key_version: VERSION,
                account,
                pockets: &pockets,
                funding: Funding::Outside,
            };
            bank.register_card(&card).expect("a new card");
        }
        let start = office.intern(bank.into_store());
        (office, start)
    }

    fn bank_of(&self, books: MemoryStore) -> Bank {
        Issuer::new(books, Software, issuer(), self.keyring.clone())
    }

    /// The issuer in this state.
    pub(super) fn bank(&self, books: u32) -> Bank {
        self.bank_of(self.books[books as usize].clone())
    }

    /// What its books say.
    pub(super) fn ledger(&self, books: u32) -> &Ledger {
        &self.ledgers[books as usize]
    }

    /// States so far.
    pub(super) fn states(&self) -> usize {
        self.books.len()
    }

    /// Takes in a state of the books.
    ///
    /// # Panics
    /// If the books cannot be read, or are more than fit.
    pub(super) fn intern(&mut self, books: MemoryStore) -> u32 {
        let (index, is_new) = self.books.insert_full(books);
        let number = u32::try_from(index).expect("fewer states than that");
        if is_new {
            self.ledgers.push(ledger(&self.bank(number)));
        }
        number
    }

    /// The number of an errand.
    ///
    /// # Panics
    /// With more than fit.
    pub(super) fn errand(&mut self, errand: Errand) -> u32 {
        u32::try_from(self.errands.insert_full(errand).0).expect("fewer errands than that")
    }

    /// The errand of this number.
    pub(super) fn errand_of(&self, errand: u32) -> &Errand {
        &self.errands[errand as usize]
    }

    /// Runs an errand.
    pub(super) fn run(&mut self, books: u32, errand: u32, post: &mut Post) -> Reply {
        if let Some(reply) = self.replies.get(&(books, errand)) {
            return reply.clone();
        }
        let mut bank = self.bank(books);
        let asked = self.errands[errand as usize].clone();
        let (message, script) = run(&mut bank, &asked);
        let after = self.intern(bank.into_store());
        let message = message.map(|message| post.send(message));
        let reply = Reply { after, message, script };
        self.replies.insert((books, errand), reply.clone());
        reply
    }
}

fn run(bank: &mut Bank, errand: &Errand) -> (Option<Message>, Option<SignedScript>) {
    let said = |pay_details, word, mac: Authenticator, Tac(tac)| {
        (Some(Message { pay_details, word, mac: mac.0, tac }), None)
    };
    match errand {
        Errand::Load(Message { pay_details, mac, .. }) => bank
            .load(pay_details, Authenticator(*mac), HOLDER)
            .map_or((None, None), |proof| said(*pay_details, Word::Val, proof.val, proof.tac)),
        Errand::Acknowledged(card, sequence, mac) => {
            let _ = bank.load_acknowledged(*card, Sequence(*sequence), Authenticator(*mac));
            (None, None)
        }
        Errand::Declined(card, sequence, mac) => {
            let _ = bank.load_declined(*card, Sequence(*sequence), Authenticator(*mac));
            (None, None)
        }
        Errand::Ask(card, currency, amount, sequence) => bank
            .unload_request(*card, *currency, Amount(*amount), Sequence(*sequence), TIME)
            .map_or((None, None), |asked| said(asked.pay_details, Word::Req, asked.req, Tac::NONE)),
        Errand::Unload(message) => match bank.unload(&message.voucher()) {
            Ok(Unloaded::Credited { ack, .. }) => said(message.pay_details, Word::Ack, ack, Tac::NONE),
            Ok(Unloaded::RecordsMissing { .. } | Unloaded::ChainDoesNotFit) | Err(_) => (None, None),
        },
        Errand::Decline(message) => bank
            .decline_unload(&message.voucher())
            .map_or((None, None), |nack| said(message.pay_details, Word::Nack, nack, Tac::NONE)),
        Errand::Submit(sam, history, forgery) => {
            if let Ok(first) = bank.records_wanted(*sam) {
                let mut records: Vec<LogRecord> =
                    history.iter().skip(first.0 as usize).map(log_record).collect();
                forge(&mut records, *forgery);
                let _ = bank.submit_records(*sam, first, &records);
            }
            (None, None)
        }
        Errand::Resolve(card, past) => {
            let script = bank.resolve(*card, &log_record(past), Unsettleable::Refuse).ok();
            (None, script)
        }
    }
}

fn forge(records: &mut Vec<LogRecord>, forgery: Forgery) {
    let Some(first) = records.first_mut() else { return };
    match forgery {
        Forgery::None => {}
        Forgery::Amount => first.pay_details.amount.0 += 1,
        Forgery::Double => {
            let first = *first;
            records.pop();
            records.push(first);
        }
        Forgery::Omit => {
            records.remove(0);
        }
    }
}

/// A record as its card shows it.
fn log_record(past: &Past) -> LogRecord {
    LogRecord {
        pay_details: past.pay_details,
        role: past.role,
        state: past.state,
        balance: Amount(past.balance),
        tac: Tac(past.tac),
    }
}

fn ledger(bank: &Bank) -> Ledger {
    let books = bank.books().expect("books in memory");
    let transfers = bank.transfers(None).expect("books in memory");
    let parts_add_up = transfers.iter().all(|transfer| {
        transfer.state != TransferState::Credited
            || transfer.pay_details.kind != Kind::Unload
            || u64::from(transfer.credited.0) + u64::from(transfer.withheld.0)
                == u64::from(transfer.pay_details.amount.0)
    });
    let of = |currency: Currency| books.iter().find(|books| books.currency == currency);
    let float = [eur(), usd()].map(|currency| of(currency).map_or(0, |books| books.float));
    let merchant = of(eur()).map_or(0, |books| {
        let merchant = books.accounts.iter().find(|held| held.account.name == MERCHANT);
        merchant.map_or(0, |held| held.balance)
    });
    let transfers = transfers.into_iter().map(|transfer| (transfer.pay_details, transfer.state)).collect();
    Ledger { float, merchant, transfers, parts_add_up }
}
