//! A listing made ready to run: its steps set in where they are called, every name resolved, every jump a place.

use std::sync::Arc;

use crate::language::syntax::Operator;

/// A command's listing with all that precedes it, or a process.
#[derive(Clone, Debug)]
pub struct Program {
    /// Name of its listing.
    pub name: String,
    pub(crate) instructions: Vec<Instruction>,
    /// Names of the working variables, by place.
    pub(crate) variables: Vec<String>,
    /// Fields of the command's data that become working variables or PD.
    pub(crate) fields: Vec<Field>,
    pub(crate) loops: usize,
}

impl Program {
    /// Whether a listing is part of it: each of its lines is an instruction then.
    pub(crate) fn has(&self, listing: usize) -> bool {
        self.instructions.iter().any(|instruction| instruction.listing == listing)
    }
}

/// A field of a command's data.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) length: usize,
    pub(crate) slot: Slot,
    pub(crate) kind: Kind,
}

/// One operation, and the line that it is from.
#[derive(Clone, Debug)]
pub(crate) struct Instruction {
    /// Which listing.
    pub(crate) listing: usize,
    /// Place of the line in it.
    pub(crate) line: usize,
    pub(crate) operation: Operation,
}

#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Nothing,
    BeginCommit,
    EndCommit,
    Let(Slot, Option<Code>, Code),
    /// On to the next one if it holds, else there.
    Branch(Code, usize),
    Jump(usize),
    Status(u16, Option<Code>),
    Send(Code, u16),
    Append(Vec<Code>),
    Forget(Code),
    /// Begins loop `.0` over a file's sequences.
    Each(usize, File),
    /// Begins loop `.0` over numbers.
    Range(usize, Code, Code),
    /// The next turn of a loop: sets the variable, or goes there.
    Turn(usize, Slot, usize),
    Input(Vec<(String, Slot)>),
    Transmit(Box<Message>),
    Receive(Vec<Received>),
    Stop(String),
    /// A path that ends without an answer: a mistake of the text, which its checks find.
    Fall,
}

/// What TRANSMIT sends.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) party: String,
    pub(crate) name: String,
    pub(crate) p1: Option<Code>,
    pub(crate) p2: Option<Code>,
    pub(crate) data: Option<Code>,
}

/// A field of an answer, and the name that it gets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    pub(crate) slot: Slot,
    /// Bytes; 0 is the rest.
    pub(crate) length: usize,
    pub(crate) is_number: bool,
}

/// Which file FOR EACH goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum File {
    /// Newest first.
    Log,
    /// Oldest first.
    Exceptions,
}

/// Where a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Place in the table of data elements.
    Element(usize),
    /// Place among the working variables.
    Variable(usize),
}

/// Form of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A number, with its length where it has one.
    Number(Option<u8>),
    /// Bytes, with their number where it is known.
    Bytes(Option<usize>),
    /// What IF asks.
    Truth,
}

/// An expression with its names resolved.
#[derive(Clone, Debug)]
pub(crate) enum Code {
    Number(i64),
    Bytes(Arc<[u8]>),
    Read(Slot, Option<Box<Code>>),
    /// A number's bytes.
    Encode(Box<Code>, u8),
    Call(Function, Vec<Code>),
    Not(Box<Code>),
    Binary(Operator, Box<Code>, Box<Code>),
}

/// Built-in functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// PART(bytes, from, length): from 0.
    Part,
    /// FIRST(bytes, length).
    First,
    /// REST(bytes, from).
    Rest,
    /// LENGTH(bytes).
    Length,
    /// NUMBER(bytes): big-endian.
    Number,
    /// BYTE(number): one byte.
    Byte,
    /// NIBBLE(bytes, place): four bits, from 0, the high ones first.
    Nibble,
    /// CMAC(key, bytes): AES-CMAC, 16 bytes.
    Cmac,
    /// KDF(key, label, context): SP 800-108r1 as section 3 has it, 16 bytes.
    Kdf,
    /// AES(key, block).
    Aes,
    /// SHA256(bytes): 32 bytes.
    Sha256,
    /// POINT(private key): its public key on P-256; no bytes where it is none.
    Point,
    /// ECDSA(public key, bytes, signature): 1 where the signature holds.
    Ecdsa,
    /// ECDH(private key, public key): x of what they have in common; no bytes where one is none.
    Ecdh,
    /// IN.LOG(sequence): 1 where the log has a record of it.
    InLog,
    /// MINIMUM(number, number).
    Minimum,
}

/// A function's name, what it takes and gives.
pub(crate) struct Signature {
    pub(crate) name: &'static str,
    pub(crate) function: Function,
    pub(crate) arguments: &'static [Kind],
    pub(crate) result: Kind,
    pub(crate) meaning: &'static str,
}

const NUMBER: Kind = Kind::Number(None);
const BYTES: Kind = Kind::Bytes(None);
const BLOCK: Kind = Kind::Bytes(Some(16));

/// Every function of the language.
pub(crate) static FUNCTIONS: &[Signature] = &[
    Signature {
        name: "PART",
        function: Function::Part,
        arguments: &[BYTES, NUMBER, NUMBER],
        result: BYTES,
        meaning: "so many bytes from there on; the first one is 0",
    },
    Signature {
        name: "FIRST",
        function: Function::First,
        arguments: &[BYTES, NUMBER],
        result: BYTES,
        meaning: "the first so many bytes",
    },
    Signature {
        name: "REST",
        function: Function::Rest,
        arguments: &[BYTES, NUMBER],
        result: BYTES,
        meaning: "all bytes from there on",
    },
    Signature {
        name: "LENGTH",
        function: Function::Length,
        arguments: &[BYTES],
        result: NUMBER,
        meaning: "how many bytes",
    },
    Signature {
        name: "NUMBER",
        function: Function::Number,
        arguments: &[BYTES],
        result: NUMBER,
        meaning: "the number that up to four bytes are, big-endian",
    },
    Signature {
        name: "BYTE",
        function: Function::Byte,
        arguments: &[NUMBER],
        result: Kind::Bytes(Some(1)),
        meaning: "a number up to 255 as one byte",
    },
    Signature {
        name: "NIBBLE",
        function: Function::Nibble,
        arguments: &[BYTES, NUMBER],
        result: NUMBER,
        meaning: "four bits; the high ones of the first byte are 0",
    },
    Signature {
        name: "CMAC",
        function: Function::Cmac,
        arguments: &[BLOCK, BYTES],
        result: BLOCK,
        meaning: "AES-CMAC (SP 800-38B) under a key of 16 bytes",
    },
    Signature {
        name: "KDF",
        function: Function::Kdf,
        arguments: &[BLOCK, BYTES, BYTES],
        result: BLOCK,
        meaning: "CMAC(key, X\"01\" & label & X\"00\" & context & X\"0080\") (SP 800-108r1)",
    },
    Signature {
        name: "AES",
        function: Function::Aes,
        arguments: &[BLOCK, BLOCK],
        result: BLOCK,
        meaning: "one block, enciphered by AES-128",
    },
    Signature {
        name: "SHA256",
        function: Function::Sha256,
        arguments: &[BYTES],
        result: Kind::Bytes(Some(32)),
        meaning: "SHA-256 (FIPS 180-4)",
    },
    Signature {
        name: "POINT",
        function: Function::Point,
        arguments: &[BYTES],
        result: BYTES,
        meaning: "the public key, x & y, to a private key on P-256; no bytes where that is none",
    },
    Signature {
        name: "ECDSA",
        function: Function::Ecdsa,
        arguments: &[BYTES, BYTES, BYTES],
        result: NUMBER,
        meaning: "1 where the third is a signature, r & s, over the second by the public key that the first is: P-256, SHA-256 (FIPS 186-5); else 0",
    },
    Signature {
        name: "ECDH",
        function: Function::Ecdh,
        arguments: &[BYTES, BYTES],
        result: BYTES,
        meaning: "x, 32 bytes, of what a private and a public key on P-256 have in common; no bytes where one of them is none",
    },
    Signature {
        name: "IN.LOG",
        function: Function::InLog,
        arguments: &[NUMBER],
        result: NUMBER,
        meaning: "1 where the log has a record of this sequence",
    },
    Signature {
        name: "MINIMUM",
        function: Function::Minimum,
        arguments: &[NUMBER, NUMBER],
        result: NUMBER,
        meaning: "the smaller one",
    },
];

/// A function as the language page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionEntry {
    /// Its name and the forms of what it takes: `FIRST(bytes, number)`.
    pub call: String,
    /// The form of what it gives.
    pub result: String,
    /// What it does.
    pub meaning: &'static str,
}

/// Every function of the language, for its page.
pub fn functions() -> impl Iterator<Item = FunctionEntry> {
    FUNCTIONS.iter().map(|signature| {
        let arguments: Vec<String> = signature.arguments.iter().map(|kind| form(*kind)).collect();
        let call = format!("{}({})", signature.name, arguments.join(", "));
        FunctionEntry { call, result: form(signature.result), meaning: signature.meaning }
    })
}

fn form(kind: Kind) -> String {
    match kind {
        Kind::Number(_) => "number".to_owned(),
        Kind::Bytes(None) => "bytes".to_owned(),
        Kind::Bytes(Some(1)) => "1 byte".to_owned(),
        Kind::Bytes(Some(length)) => format!("{length} bytes"),
        Kind::Truth => "comparison".to_owned(),
    }
}
