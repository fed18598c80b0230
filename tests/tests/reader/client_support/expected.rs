//! What a home's books and keys say that a card's bytes have to be, whoever reads them.

use apdu_spec::command::table::{LOG_FORMAT, TAG_LOG_FORMAT, TAG_PIN_TRIES};
use apdu_spec::command::{Apdu, Command, PocketBalance, Selection};
use apdu_spec::cryptography::{Engine, KeyPurpose, Tac, card_key, tac};
use apdu_spec::element::{Amount, Currency, Expiry, KeyVersion, Kind, Role, Sequence, Time};
use apdu_spec::file::{self, APPLICATION, File, IdentityFile};
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pin::TRIES;
use apdu_spec::pocket::{Limits, POCKETS, PocketParameters};
use apdu_spec::record::{LogRecord, RecordRole, RecordState};
use apdu_spec::software::Software;
use apdu_spec::status::StatusWord;
use apdu_spec::status_block::StatusBlock;
use purse_terminal::amount::Denomination;
use purse_terminal::scheme::Scheme;
use purse_terminal::virtual_card::{EXCEPTIONS, MERCHANT_WINDOW, PURSE_WINDOW};
use serde_json::Value;

use crate::cli_support::Home;

/// A command and its response in hexadecimal, as clients take and print them.
pub(crate) type Exchange = (String, String);

/// What a card has to say, put together from what the program said of it before it was in a reader.
pub(crate) struct Expected {
    pub(crate) shown: Value,
    /// Newest first.
    pub(crate) history: Vec<Value>,
    pub(crate) identity: IdentityFile,
    pub(crate) log: Vec<LogRecord>,
}

impl Expected {
    pub(crate) fn new(home: &Home, card: &str) -> Self {
        let scheme = Scheme::read(&home.path().join("scheme.toml")).unwrap();
        let shown = home.json(&["card", "show", card]);
        let history = home.json(&["history", "--card", card])["records"].as_array().unwrap().clone();
        let log = history.iter().map(|line| record(&scheme, line)).collect();
        Self { identity: identity(&shown), shown, history, log }
    }

    pub(crate) fn status(&self) -> &StatusBlock {
        &self.identity.status
    }

    /// What SELECT of the application answers.
    pub(crate) fn selection(&self) -> Exchange {
        exchange(&SELECT.emit(), &file::purse_control(self.status()))
    }

    /// Everything that can be read without a PIN, and what is not there.
    pub(crate) fn tour(&self) -> Vec<Exchange> {
        let select = |file: File| Command::Select(Selection::File(file.identifier().unwrap()), true);
        let read = |file: File| Command::ReadBinary(file.short_identifier(), 0);
        let record = |file: Option<File>, place: usize| {
            let file = file.and_then(File::short_identifier);
            Command::ReadRecord(file, u8::try_from(place + 1).unwrap())
        };
        let window = match self.status().role {
            Role::Purse => PURSE_WINDOW,
            Role::Merchant => MERCHANT_WINDOW,
        };
        let balance = PocketBalance {
            currency: self.status().currency,
            exponent: self.status().exponent,
            balance: self.status().balance,
            maximum_balance: self.status().maximum_balance,
        };
        let [high, low] = TAG_PIN_TRIES;
        let mut tour = vec![
            exchange(&select(File::Master).emit(), &file::MASTER_CONTROL),
            exchange(&select(File::Directory).emit(), &file::DIRECTORY_CONTROL),
            exchange(&Command::ReadBinary(None, 0).emit(), &file::DIRECTORY),
            self.selection(),
            exchange(&read(File::Identity).emit(), &self.identity.emit()),
            exchange(&Command::GetData(TAG_PIN_TRIES).emit(), &[high, low, 1, TRIES]),
            exchange(&Command::GetData(TAG_LOG_FORMAT).emit(), &LOG_FORMAT),
            exchange(&Command::GetBalance(0).emit(), &balance.emit()),
            refusal(&Command::Verify(None).emit(), StatusWord::WrongPin(TRIES)),
            exchange(&select(File::Log).emit(), &file::log_control(window)),
        ];
        for (place, entry) in self.log.iter().enumerate() {
            tour.push(exchange(&record(None, place).emit(), &entry.emit()));
            tour.push(exchange(&record(Some(File::Log), place).emit(), &entry.emit()));
            let sequence = Sequence(self.history[place]["sequence"].as_u64().unwrap().try_into().unwrap());
            tour.push(exchange(&Command::ReadEntry(sequence).emit(), &entry.emit()));
        }
        let beyond = record(None, self.log.len()).emit();
        tour.push(refusal(&beyond, StatusWord::RecordNotFound));
        tour.push(exchange(&select(File::Exceptions).emit(), &file::exceptions_control(EXCEPTIONS)));
        tour.push(refusal(&record(Some(File::Exceptions), 0).emit(), StatusWord::RecordNotFound));
        tour
    }
}

/// SELECT of the application.
pub(crate) const SELECT: Command<'static> = Command::Select(Selection::Application(&APPLICATION), true);

pub(crate) fn exchange(command: &Apdu, data: &[u8]) -> Exchange {
    let answer = [data, &StatusWord::Success.emit()].concat();
    (hex::encode_upper(command.as_bytes()), hex::encode_upper(answer))
}

pub(crate) fn refusal(command: &Apdu, status: StatusWord) -> Exchange {
    (hex::encode_upper(command.as_bytes()), hex::encode_upper(status.emit()))
}

/// The same as T=0 has it (ISO/IEC 7816-3, 12.2): an answer to data is announced and fetched, and one whose length was
/// not given is asked for again with it.
pub(crate) fn in_t0(exchanges: &[Exchange]) -> Vec<Exchange> {
    let mut tpdus = Vec::new();
    for (command, answer) in exchanges {
        let length = answer.len() / 2 - StatusWord::LENGTH;
        let header_and_p3 = 10;
        if length == 0 {
            tpdus.push((command.clone(), answer.clone()));
        } else if command.len() > header_and_p3 {
            tpdus.push((command.clone(), format!("61{length:02X}")));
            tpdus.push((format!("00C00000{length:02X}"), answer.clone()));
        } else {
            let header = &command[..header_and_p3 - 2];
            tpdus.push((format!("{header}00"), format!("6C{length:02X}")));
            tpdus.push((format!("{header}{length:02X}"), answer.clone()));
        }
    }
    tpdus
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value:#}"))
}

fn number(value: &Value, name: &str) -> u32 {
    value[name].as_u64().unwrap_or_else(|| panic!("no {name}: {value:#}")).try_into().unwrap()
}

fn party(value: &Value, name: &str) -> PartyNumber {
    text(value, name).parse().unwrap()
}

fn denomination(value: &Value) -> Denomination {
    Denomination::from_code(text(value, "currency")).unwrap()
}

fn amount(value: &Value, name: &str) -> Amount {
    denomination(value).parse(text(value, name)).unwrap()
}

/// What `card show` says.
fn identity(shown: &Value) -> IdentityFile {
    let pocket = &shown["pockets"][0];
    let limits = Limits {
        maximum_balance: amount(pocket, "maximum_balance"),
        maximum_debit: amount(pocket, "maximum_debit"),
        debit_without_pin: amount(pocket, "debit_without_pin"),
        total_without_pin: amount(pocket, "total_without_pin"),
        maximum_transfer: amount(pocket, "maximum_transfer"),
        offline_receipts: amount(pocket, "offline_receipts"),
    };
    let currency: Currency = denomination(shown).element();
    let exponent = denomination(shown).exponent();
    let mut pockets = [PocketParameters::UNUSED; POCKETS];
    pockets[0] = PocketParameters { currency, exponent, limits };
    let mut expiry = [0; Expiry::LENGTH];
    let month = text(shown, "expiry").strip_prefix("20").unwrap().replace('-', "");
    hex::decode_to_slice(month, &mut expiry).unwrap();
    let role = if text(shown, "role") == "purse" { Role::Purse } else { Role::Merchant };
    let life_cycle = text(shown, "life_cycle");
    let status = StatusBlock {
        life_cycle: LifeCycle::ALL.into_iter().find(|state| state.name() == life_cycle).unwrap(),
        role,
        number: party(shown, "number"),
        key_version: KeyVersion(number(shown, "key_version").try_into().unwrap()),
        sequence: Sequence(number(shown, "sequence")),
        currency,
        exponent,
        balance: amount(shown, "balance"),
        expiry: Expiry(expiry),
        maximum_balance: limits.maximum_balance,
    };
    // No script has been to a new card, and it has no flags.
    IdentityFile { status, issuer: party(shown, "issuer"), administration_counter: 0, flags: 0, pockets }
}

/// What a line of `history` says, with the TAC that the payer's key makes of it.
fn record(scheme: &Scheme, line: &Value) -> LogRecord {
    let roles = [RecordRole::Payer, RecordRole::Payee, RecordRole::Declined, RecordRole::Reversal];
    let states = [RecordState::Open, RecordState::Settled, RecordState::Reversed, RecordState::Refunded];
    let time: jiff::Timestamp = text(line, "time").parse().unwrap();
    let pay_details = PayDetails {
        kind: Kind::ALL.into_iter().find(|kind| kind.name() == text(line, "kind")).unwrap(),
        key_version: scheme.key_version(),
        currency: denomination(line).element(),
        amount: amount(line, "amount"),
        from: party(line, "from"),
        from_sequence: Sequence(number(line, "from_sequence")),
        to: party(line, "to"),
        to_sequence: Sequence(number(line, "to_sequence")),
        time: Time(time.as_second().try_into().unwrap()),
    };
    LogRecord {
        pay_details,
        role: roles.into_iter().find(|role| role.name() == text(line, "role")).unwrap(),
        state: states.into_iter().find(|state| state.name() == text(line, "state")).unwrap(),
        balance: amount(line, "balance"),
        tac: certificate(scheme, &pay_details),
    }
}

fn certificate(scheme: &Scheme, pay_details: &PayDetails) -> Tac {
    if pay_details.kind == Kind::Load {
        return Tac::NONE;
    }
    let version = scheme.key_version();
    let mut master = Software.load(&scheme.keys[&version].tac);
    let key = card_key(&Software, &mut master, KeyPurpose::Tac, pay_details.from, version);
    tac(&Software, &mut Software.load(&key), pay_details, None)
}
