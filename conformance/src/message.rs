//! Command APDUs with everything in them that a terminal, a payee or the issuer would put there, right or not.

use apdu_spec::command::table;
use apdu_spec::command::{CommandName, Row};
use apdu_spec::cryptography::{Authenticator, Chain, KeyPurpose, Tac, script_mac};
use apdu_spec::cryptography::{Engine, tac};
use apdu_spec::element::KeyVersion;
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::software::Software;
use purse_tests::scheme::{own_key, session};

/// The row of the command table that a command APDU is of.
pub fn row_of(command: &[u8]) -> Option<&'static Row> {
    let [class, instruction, p1, p2, ..] = *command else { return None };
    table::rows(instruction).filter(|row| row.class == class).find(|row| row.form(p1, p2).is_some())
}

/// Its name, for a person.
pub fn name_of(command: &[u8]) -> &'static str {
    row_of(command).map_or("no command", |row| row.name)
}

/// A command APDU. Le asks for all there is.
pub fn apdu(command: CommandName, p1: u8, p2: u8, data: &[u8]) -> Vec<u8> {
    let row = table::row(command);
    let mut bytes = vec![row.class, row.instruction, p1, p2];
    if !data.is_empty() {
        bytes.push(u8::try_from(data.len()).unwrap_or(255));
        bytes.extend(data.iter().take(255));
    }
    let response = row.form(p1, p2).map(|form| form.response);
    match response {
        None | Some(apdu_spec::command::row::ResponseLength::None) => {}
        Some(_) => bytes.push(0),
    }
    bytes
}

/// Pay details of which every field may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Details {
    /// Kind.
    pub kind: u8,
    /// Key version.
    pub key_version: u8,
    /// Currency.
    pub currency: [u8; 2],
    /// Amount.
    pub amount: u32,
    /// Payer.
    pub from: [u8; 8],
    /// Its sequence.
    pub from_sequence: u32,
    /// Payee.
    pub to: [u8; 8],
    /// Its sequence.
    pub to_sequence: u32,
    /// Time.
    pub time: u32,
}

impl Details {
    /// The 36 bytes.
    pub fn bytes(&self) -> [u8; 36] {
        let mut bytes = [0; 36];
        bytes[0] = self.kind;
        bytes[1] = self.key_version;
        bytes[2..4].copy_from_slice(&self.currency);
        bytes[4..8].copy_from_slice(&self.amount.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.from);
        bytes[16..20].copy_from_slice(&self.from_sequence.to_be_bytes());
        bytes[20..28].copy_from_slice(&self.to);
        bytes[28..32].copy_from_slice(&self.to_sequence.to_be_bytes());
        bytes[32..36].copy_from_slice(&self.time.to_be_bytes());
        bytes
    }

    /// Of the 36 bytes.
    pub fn of(bytes: &[u8; 36]) -> Self {
        let number = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let party = |at: usize| {
            let mut party = [0; 8];
            party.copy_from_slice(&bytes[at..at + 8]);
            party
        };
        Self {
            kind: bytes[0],
            key_version: bytes[1],
            currency: [bytes[2], bytes[3]],
            amount: number(4),
            from: party(8),
            from_sequence: number(16),
            to: party(20),
            to_sequence: number(28),
            time: number(32),
        }
    }

    fn typed(&self) -> Option<PayDetails> {
        PayDetails::parse(&self.bytes()).ok()
    }

    /// The payee's req; zeros where there is none.
    pub fn req(&self) -> [u8; 8] {
        self.typed().map_or([0; 8], |typed| session(&typed).req().0)
    }

    /// The payer's val over a TAC.
    pub fn val(&self, tac: [u8; 8]) -> [u8; 8] {
        self.typed().map_or([0; 8], |typed| session(&typed).val(Tac(tac)).0)
    }

    /// The payee's ack.
    pub fn ack(&self) -> [u8; 8] {
        self.typed().map_or([0; 8], |typed| session(&typed).ack().0)
    }

    /// The payee's nack.
    pub fn nack(&self) -> [u8; 8] {
        self.typed().map_or([0; 8], |typed| session(&typed).nack().0)
    }

    /// The payer's TAC; zeros where the issuer pays.
    pub fn tac(&self) -> [u8; 8] {
        let made = self.typed().filter(|typed| typed.kind != apdu_spec::element::Kind::Load).map(|typed| {
            let key = own_key(KeyPurpose::Tac, typed.from, typed.key_version);
            tac(&Software, &mut Software.load(&key), &typed, None::<Chain>).0
        });
        made.unwrap_or([0; 8])
    }

    /// INITIALIZE for these.
    pub fn initialize(&self) -> Vec<u8> {
        let bytes = self.bytes();
        apdu(CommandName::Initialize, self.kind, 0, &[&bytes[1..20], &bytes[32..]].concat())
    }

    /// DEBIT for these.
    pub fn debit(&self, req: [u8; 8]) -> Vec<u8> {
        let bytes = self.bytes();
        let data =
            [&bytes[1..2], &bytes[16..20], &bytes[2..8], &bytes[20..28], &bytes[28..36], &req].concat();
        apdu(CommandName::Debit, self.kind, 0, &data)
    }

    /// CREDIT or DECLINE.
    pub fn voucher(&self, command: CommandName, val: [u8; 8], tac: [u8; 8]) -> Vec<u8> {
        apdu(command, 0, 0, &[self.bytes().as_slice(), &val, &tac].concat())
    }
}

/// A command of a sequence and perhaps an authenticator.
pub fn of_sequence(command: CommandName, sequence: u32, authenticator: &[u8]) -> Vec<u8> {
    apdu(command, 0, 0, &[&sequence.to_be_bytes(), authenticator].concat())
}

/// A script of the issuer.
pub fn script(number: [u8; 8], version: u8, counter: u32, id: u8, value: &[u8]) -> Vec<u8> {
    let row = table::row(CommandName::UpdateParameter);
    let data = [&counter.to_be_bytes(), [id].as_slice(), value].concat();
    let key = own_key(KeyPurpose::Administration, PartyNumber(number), KeyVersion(version));
    let header = [row.class, row.instruction, 0, 0];
    let Authenticator(mac) =
        script_mac(&Software, &mut Software.load(&key), &[header.as_slice(), &data].concat());
    apdu(CommandName::UpdateParameter, 0, 0, &[data.as_slice(), &mac].concat())
}
