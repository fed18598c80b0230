//! What a row of the command table says.

use crate::life_cycle::LifeCycle;
use crate::status::StatusWord;

/// The commands of the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommandName {
    /// SELECT (ISO/IEC 7816-4 § 11.2.2).
    Select,
    /// READ BINARY (ISO/IEC 7816-4 § 11.3.3).
    ReadBinary,
    /// READ RECORD (ISO/IEC 7816-4 § 11.4.3).
    ReadRecord,
    /// GET DATA (ISO/IEC 7816-4 § 11.5.3).
    GetData,
    /// VERIFY (ISO/IEC 7816-4 § 11.6.6).
    Verify,
    /// CHANGE REFERENCE DATA (ISO/IEC 7816-4 § 11.6.7).
    ChangePin,
    /// PERFORM SECURITY OPERATION, verify certificate (ISO/IEC 7816-8 § 11.14): who the peer of a transfer is.
    VerifyCertificate,
    /// INITIALIZE: the payee asks.
    Initialize,
    /// CREDIT: the payee takes.
    Credit,
    /// DEBIT: the payer gives.
    Debit,
    /// UPDATE PARAMETER: the issuer's script.
    UpdateParameter,
    /// GET PROOF: val and TAC of a debit, again.
    GetProof,
    /// GET BALANCE of one pocket.
    GetBalance,
    /// READ ENTRY: a log record by its sequence.
    ReadEntry,
    /// ACKNOWLEDGE: the payee has credited.
    Acknowledge,
    /// DECLINE: the payee never will.
    Decline,
    /// REVERSE: the payer takes back.
    Reverse,
    /// LOCK by the holder.
    Lock,
    /// UNLOCK by the holder.
    Unlock,
    /// STORE DATA (EMV CPS).
    StoreData,
}

/// Values that P1 or P2 may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteSet {
    /// One of these.
    OneOf(&'static [u8]),
    /// From the first to the last.
    Between(u8, u8),
    /// (Short file identifier << 3) | 4, for identifiers 0 to 30.
    ShortFile,
}

impl ByteSet {
    /// Whether the byte is one of them.
    pub fn contains(&self, byte: u8) -> bool {
        match self {
            Self::OneOf(values) => values.contains(&byte),
            Self::Between(first, last) => (*first..=*last).contains(&byte),
            Self::ShortFile => byte & 7 == 4 && byte >> 3 <= 30,
        }
    }
}

/// One pair of P1 and P2 that a command takes.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// P1.
    pub p1: ByteSet,
    /// P2.
    pub p2: ByteSet,
    /// Length of the data field with these.
    pub data: DataLength,
    /// Length of the answer with these.
    pub response: ResponseLength,
    /// What P1 and P2 ask for.
    pub description: &'static str,
}

/// Length of a data field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataLength {
    /// One of these; 0 is no data field.
    OneOf(&'static [u8]),
    /// From the first to the last.
    Between(u8, u8),
}

impl DataLength {
    /// Whether a data field may be so long.
    pub fn contains(&self, length: usize) -> bool {
        u8::try_from(length).is_ok_and(|length| match self {
            Self::OneOf(lengths) => lengths.contains(&length),
            Self::Between(first, last) => (*first..=*last).contains(&length),
        })
    }
}

/// Length of an answer without its status word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseLength {
    /// No data: Le may be left out.
    None,
    /// Always so many; a shorter Le is 6Cxx.
    Exactly(u8),
    /// As long as what is asked for; a shorter Le is 6Cxx.
    Whole,
    /// As much as Le asks for.
    Part,
}

/// What authorises a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Authorisation {
    /// Anyone may.
    Open,
    /// The command carries the PIN.
    PresentsPin,
    /// The PIN has been verified in this session.
    VerifiedPin,
    /// The payee's req; above the limits without PIN, the PIN too.
    Req,
    /// The payer's val.
    Val,
    /// The payee's ack.
    Ack,
    /// The payee's nack.
    Nack,
    /// The issuer's MAC under the ADMN card key.
    Script,
    /// The issuer's signature over a certificate.
    Certificate,
    /// A secure room: the card is blank.
    SecureRoom,
}

impl Authorisation {
    /// In the words of the standard.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "none",
            Self::PresentsPin => "PIN in the command",
            Self::VerifiedPin => "PIN verified",
            Self::Req => "req, PIN above the limits",
            Self::Val => "val",
            Self::Ack => "ack",
            Self::Nack => "nack",
            Self::Script => "MAC by ADMN",
            Self::Certificate => "signature of the issuer",
            Self::SecureRoom => "secure room",
        }
    }
}

/// A field of a command's data or of its answer, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name in the standard.
    pub name: &'static str,
    /// Bytes; 0 stands for the rest.
    pub length: u8,
    /// Whether a trace has to leave the bytes out.
    pub secret: bool,
}

/// One row of the command table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Which command.
    pub command: CommandName,
    /// Name in the standard.
    pub name: &'static str,
    /// CLA.
    pub class: u8,
    /// INS.
    pub instruction: u8,
    /// Every pair of P1 and P2.
    pub forms: &'static [Form],
    /// Fields of the data.
    pub data: &'static [Field],
    /// Fields of the answer.
    pub response: &'static [Field],
    /// States in which it is executed.
    pub life_cycles: &'static [LifeCycle],
    /// What it needs.
    pub authorisation: Authorisation,
    /// Status words that it may answer besides [`Row::COMMON`].
    pub status_words: &'static [StatusWord],
    /// One line for a person.
    pub description: &'static str,
}

impl Row {
    /// Status words of the steps before every command: class, instruction, P1 P2, length, memory.
    pub const COMMON: &'static [StatusWord] = &[
        StatusWord::UnknownClass,
        StatusWord::UnknownInstruction,
        StatusWord::WrongParameters,
        StatusWord::WrongLength,
        StatusWord::MemoryFailure,
    ];

    /// The form that P1 and P2 fit.
    pub fn form(&self, p1: u8, p2: u8) -> Option<&'static Form> {
        self.forms.iter().find(|form| form.p1.contains(p1) && form.p2.contains(p2))
    }

    /// Whether the command may answer with this status word.
    pub fn lists(&self, status: StatusWord) -> bool {
        self.status_words.iter().chain(Self::COMMON).any(|listed| listed.is_same_kind(status))
    }

    /// Whether the command is executed in this state.
    pub fn is_allowed(&self, life_cycle: LifeCycle) -> bool {
        self.life_cycles.contains(&life_cycle)
    }
}
