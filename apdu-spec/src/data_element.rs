//! The data elements that the listings of `processes/` name: what a card holds, what a session holds, what a command
//! brings, and the constants. (Section 2, and EN 1546-3's data elements.)

/// Form of a data element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementForm {
    /// An unsigned number, big-endian, of so many bytes.
    Number(u8),
    /// So many bytes.
    Bytes(u8),
    /// Bytes, of which there may be more or fewer.
    Variable,
}

/// Where a data element lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// In non-volatile memory: changes in a COMMIT only.
    Memory,
    /// In non-volatile memory, from personalisation on the same.
    Identity,
    /// A size of the card that its maker chose.
    Maker,
    /// Lost at reset.
    Session,
    /// The command at hand: header, data field, Le, and what the command table says of them.
    Command,
    /// Formed while a command is executed.
    Working,
}

/// Which of several a subscript picks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscript {
    /// There is one.
    None,
    /// A pocket, from 0.
    Pocket,
    /// A place for a PAYM master, from 0.
    Master,
    /// A sequence of the log.
    Sequence,
    /// A data group identifier.
    Group,
}

/// One data element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataElement {
    /// Its name in the listings.
    pub name: &'static str,
    /// Its form.
    pub form: ElementForm,
    /// Where it lives.
    pub home: Home,
    /// Which of several.
    pub subscript: Subscript,
    /// Whether nothing may show its bytes.
    pub secret: bool,
    /// What it is.
    pub meaning: &'static str,
}

/// A named number of the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Constant {
    /// Its name in the listings.
    pub name: &'static str,
    /// Its value.
    pub value: u32,
    /// Its bytes where it is one byte among others.
    pub length: u8,
    /// What it stands for.
    pub meaning: &'static str,
}

const fn element(
    name: &'static str,
    form: ElementForm,
    home: Home,
    subscript: Subscript,
    meaning: &'static str,
) -> DataElement {
    DataElement { name, form, home, subscript, secret: false, meaning }
}

const fn secret(
    name: &'static str,
    form: ElementForm,
    home: Home,
    subscript: Subscript,
    meaning: &'static str,
) -> DataElement {
    DataElement { name, form, home, subscript, secret: true, meaning }
}

use ElementForm::{Bytes, Number, Variable};
use Home::{Command, Identity, Maker, Memory, Session, Working};
use Subscript::{Group, Master, None as One, Pocket, Sequence};

/// Every data element but the fields of commands, which the command table names.
pub static DATA_ELEMENTS: &[DataElement] = &[
    element("ROLE", Number(1), Identity, One, "PURSE or MERCHANT; 0 on a blank card"),
    element("OWN.NUMBER", Bytes(8), Identity, One, "the card's number"),
    element("OWN.KVN", Number(1), Identity, One, "version of the card's keys"),
    element("ISSUER", Bytes(8), Identity, One, "number of the card's issuer"),
    element("FLAGS", Number(1), Identity, One, "01: disposable, else 00"),
    element(
        "FIRST.SEQUENCE",
        Number(4),
        Identity,
        One,
        "0; a maker may let a purse begin later, SEQUENCE too, where it continues another that had its number",
    ),
    element("PIN.LIMIT", Number(1), Identity, One, "PIN tries that there are after a right one"),
    secret("LOAD.KEY", Bytes(16), Identity, One, "LOAD card key"),
    secret("PAYM.KEY", Bytes(16), Identity, One, "PAYM card key; a SAM's is not used"),
    secret("TACK.KEY", Bytes(16), Identity, One, "TACK card key"),
    secret("ADMN.KEY", Bytes(16), Identity, One, "ADMN card key"),
    secret(
        "PRIVATE.KEY",
        Variable,
        Identity,
        One,
        "private key of a purse, 32 bytes; none: it takes part in no transfer",
    ),
    element(
        "ISSUER.KEY",
        Variable,
        Identity,
        One,
        "the issuer's public key, x and y, 64 bytes; none where there is no PRIVATE.KEY",
    ),
    element(
        "CERTIFICATE",
        Variable,
        Identity,
        One,
        "inside of the purse's certificate, 147 bytes; none where there is no PRIVATE.KEY",
    ),
    element("EXPIRY", Bytes(2), Memory, One, "last month of validity, YYMM in BCD"),
    element("SEQUENCE", Number(4), Memory, One, "sequence of the card's next transaction"),
    element(
        "LAST.LOAD",
        Number(4),
        Memory,
        One,
        "sequence of the last credited load; NO.SEQUENCE before the first",
    ),
    element("BLOCK.FLAG", Number(1), Memory, One, "1: blocked by the issuer"),
    element("LOCK.FLAG", Number(1), Memory, One, "1: locked by the holder"),
    element("END.FLAG", Number(1), Memory, One, "1: terminated by the issuer"),
    secret("REFERENCE.PIN", Bytes(8), Memory, One, "the PIN, as an ISO 9564 format 2 block"),
    element("PIN.TRIES", Number(1), Memory, One, "PIN tries left"),
    element("ADMN.COUNTER", Number(4), Memory, One, "counter of the last accepted script"),
    element("ADMN.MAC", Bytes(8), Memory, One, "MAC of the last accepted script"),
    element("CHAIN", Bytes(16), Memory, One, "H of a SAM's newest record"),
    element(
        "POCKET.CURRENCY",
        Bytes(2),
        Memory,
        Pocket,
        "ISO 4217 numeric code in BCD; 0000 where the pocket is unused",
    ),
    element("POCKET.EXPONENT", Number(1), Memory, Pocket, "digits behind the decimal point"),
    element("BALANCE", Number(4), Memory, Pocket, "what the pocket holds, in minor units"),
    element("MAXIMUM.BALANCE", Number(4), Memory, Pocket, "limit of the balance"),
    element("MAXIMUM.DEBIT", Number(4), Memory, Pocket, "limit of one purchase or refund"),
    element("DEBIT.WITHOUT.PIN", Number(4), Memory, Pocket, "limit of one debit without PIN"),
    element(
        "TOTAL.WITHOUT.PIN",
        Number(4),
        Memory,
        Pocket,
        "limit of all debits since the last one under a verified PIN",
    ),
    element("MAXIMUM.TRANSFER", Number(4), Memory, Pocket, "limit of one transfer"),
    element(
        "OFFLINE.RECEIPTS",
        Number(4),
        Memory,
        Pocket,
        "limit of what is received offline between two loads or unloads",
    ),
    element(
        "SPENT.WITHOUT.PIN",
        Number(4),
        Memory,
        Pocket,
        "debited without PIN since the last debit under a verified one",
    ),
    element(
        "RECEIVED.OFFLINE",
        Number(4),
        Memory,
        Pocket,
        "received or restored offline since the last load or unload",
    ),
    element(
        "MASTER.KVN",
        Number(1),
        Memory,
        Master,
        "version of a SAM's PAYM master; 00 where there is none",
    ),
    secret("MASTER.KEY", Bytes(16), Memory, Master, "a SAM's PAYM master"),
    element("LOG.PD", Bytes(36), Memory, Sequence, "pay details of a record"),
    element("LOG.ROLE", Number(1), Memory, Sequence, "PAYER, PAYEE, DECLINED or REVERSAL"),
    element("LOG.STATE", Number(1), Memory, Sequence, "OPEN, SETTLED, REVERSED or REFUNDED"),
    element("LOG.BALANCE", Number(4), Memory, Sequence, "balance of the record's pocket after it"),
    element("LOG.TAC", Bytes(8), Memory, Sequence, "TAC of a record"),
    element("LOG.KIND", Number(1), Memory, Sequence, "kind in LOG.PD"),
    element("LOG.KVN", Number(1), Memory, Sequence, "key version in LOG.PD"),
    element("LOG.CURRENCY", Bytes(2), Memory, Sequence, "currency in LOG.PD"),
    element("LOG.AMOUNT", Number(4), Memory, Sequence, "amount in LOG.PD"),
    element("LOG.TO", Bytes(8), Memory, Sequence, "payee in LOG.PD"),
    element("WINDOW", Number(4), Maker, One, "records of EF.LOG; at least 32 on a purse, 512 on a SAM"),
    element("EXCEPTIONS", Number(4), Maker, One, "places of EF.EXC; 8"),
    element(
        "RESERVE",
        Number(4),
        Maker,
        One,
        "free places that a SAM needs to ask for a payment: a quarter of WINDOW, at least 2, at most 16",
    ),
    element("SELECTED", Number(1), Session, One, "1: the application is selected"),
    element("FILE", Number(1), Session, One, "the current file"),
    element("PIN.VERIFIED", Number(1), Session, One, "1: the PIN has been verified since the SELECT"),
    element("PEER.VERIFIED", Number(1), Session, One, "1: a certificate has been verified since the SELECT"),
    element("PEER", Bytes(8), Session, One, "number of the purse whose certificate was verified last"),
    secret("PEER.KEY", Bytes(16), Session, One, "pair key of this purse and that one"),
    element("BLOCKS", Number(2), Session, One, "blocks of STORE DATA that have been taken"),
    secret("LAST.BLOCK", Variable, Session, One, "P1, P2 and data of the last of them"),
    element("COMPLETE", Number(1), Session, One, "1: that was the last block of all"),
    secret("GROUP", Variable, Session, Group, "value of a data group that has been taken; no bytes: not yet"),
    element("CLA", Number(1), Command, One, "class"),
    element("INS", Number(1), Command, One, "instruction"),
    element("P1", Number(1), Command, One, "parameter 1"),
    element("P2", Number(1), Command, One, "parameter 2"),
    secret("DATA", Variable, Command, One, "the data field"),
    element("LE", Number(2), Command, One, "how many bytes are asked for, 1 to 256; 0: Le is absent"),
    element(
        "WHOLE.HEADER",
        Number(1),
        Command,
        One,
        "1: there are CLA, INS, P1 and P2, and not more than 261 bytes in all",
    ),
    element(
        "WHOLE.BODY",
        Number(1),
        Command,
        One,
        "1: Lc, data and Le add up to a short command (ISO/IEC 7816-3)",
    ),
    element("KNOWN.INSTRUCTION", Number(1), Command, One, "1: a command has this INS"),
    element("KNOWN.CLASS", Number(1), Command, One, "1: its class is this CLA"),
    element("KNOWN.PARAMETERS", Number(1), Command, One, "1: it has this P1 and P2"),
    element("KNOWN.LENGTH", Number(1), Command, One, "1: with these it has data of this length"),
    element("RESPONSE.DUE", Number(1), Command, One, "1: with these it answers with data"),
    element(
        "RESPONSE.LENGTH",
        Number(2),
        Command,
        One,
        "length of these, where it is always the same, else 0",
    ),
    element("LIFE.CYCLE", Number(1), Working, One, "BLANK, ACTIVE, LOCKED, BLOCKED or TERMINATED"),
    element("RESPONSE", Variable, Working, One, "in a process: the data of the last answer"),
    element(
        "SW",
        Bytes(2),
        Working,
        One,
        "in a process: the status word of the last answer; 0000: none has come that says what has happened; 0001: the command has not reached the card",
    ),
    element("PD", Bytes(36), Working, One, "pay details"),
    element("PD.KIND", Number(1), Working, One, "byte 0 of PD"),
    element("PD.KVN", Number(1), Working, One, "byte 1 of PD: key version"),
    element("PD.CURRENCY", Bytes(2), Working, One, "bytes 2 and 3 of PD"),
    element("PD.AMOUNT", Number(4), Working, One, "bytes 4 to 7 of PD"),
    element("PD.FROM", Bytes(8), Working, One, "bytes 8 to 15 of PD: the payer's number"),
    element("PD.FROM.SEQUENCE", Number(4), Working, One, "bytes 16 to 19 of PD: the payer's sequence"),
    element("PD.TO", Bytes(8), Working, One, "bytes 20 to 27 of PD: the payee's number"),
    element("PD.TO.SEQUENCE", Number(4), Working, One, "bytes 28 to 31 of PD: the payee's sequence"),
    element("PD.TIME", Number(4), Working, One, "bytes 32 to 35 of PD"),
];

const fn constant(name: &'static str, value: u32, length: u8, meaning: &'static str) -> Constant {
    Constant { name, value, length, meaning }
}

/// The numbers that have names.
pub static CONSTANTS: &[Constant] = &[
    constant("PURSE", crate::element::Role::Purse.code() as u32, 1, "ROLE: a holder's purse"),
    constant("MERCHANT", crate::element::Role::Merchant.code() as u32, 1, "ROLE: a merchant's SAM"),
    constant("LOAD", crate::element::Kind::Load.code() as u32, 1, "kind: the issuer pays a card"),
    constant(
        "UNLOAD",
        crate::element::Kind::Unload.code() as u32,
        1,
        "kind: a card pays the issuer; a SAM's is a collection",
    ),
    constant("PURCHASE", crate::element::Kind::Purchase.code() as u32, 1, "kind: a purse pays a SAM"),
    constant("REFUND", crate::element::Kind::Refund.code() as u32, 1, "kind: a SAM pays a purse back"),
    constant("TRANSFER", crate::element::Kind::Transfer.code() as u32, 1, "kind: a purse pays a purse"),
    constant("PAYER", crate::record::RecordRole::Payer.code() as u32, 1, "LOG.ROLE: the card paid"),
    constant("PAYEE", crate::record::RecordRole::Payee.code() as u32, 1, "LOG.ROLE: the card was paid"),
    constant(
        "DECLINED",
        crate::record::RecordRole::Declined.code() as u32,
        1,
        "LOG.ROLE: the card never will be paid",
    ),
    constant(
        "REVERSAL",
        crate::record::RecordRole::Reversal.code() as u32,
        1,
        "LOG.ROLE: the card took a payment back",
    ),
    constant(
        "OPEN",
        crate::record::RecordState::Open.code() as u32,
        1,
        "LOG.STATE: the payer does not know yet",
    ),
    constant(
        "SETTLED",
        crate::record::RecordState::Settled.code() as u32,
        1,
        "LOG.STATE: credited; every record of another role",
    ),
    constant("REVERSED", crate::record::RecordState::Reversed.code() as u32, 1, "LOG.STATE: taken back"),
    constant(
        "REFUNDED",
        crate::record::RecordState::Refunded.code() as u32,
        1,
        "LOG.STATE: a purchase that was refunded",
    ),
    constant("BLANK", crate::life_cycle::LifeCycle::Blank.code() as u32, 1, "LIFE.CYCLE: not personalised"),
    constant("BLOCKED", crate::life_cycle::LifeCycle::Blocked.code() as u32, 1, "LIFE.CYCLE: by the issuer"),
    constant("LOCKED", crate::life_cycle::LifeCycle::Locked.code() as u32, 1, "LIFE.CYCLE: by the holder"),
    constant("ACTIVE", crate::life_cycle::LifeCycle::Active.code() as u32, 1, "LIFE.CYCLE: in use"),
    constant("TERMINATED", crate::life_cycle::LifeCycle::Terminated.code() as u32, 1, "LIFE.CYCLE: for ever"),
    constant("MF", 0, 1, "FILE: the master file"),
    constant("EF.DIR", 1, 1, "FILE: EF.DIR"),
    constant("DF.PURSE", 2, 1, "FILE: the application itself"),
    constant("EF.ID", 3, 1, "FILE: EF.ID"),
    constant("EF.LOG", 4, 1, "FILE: EF.LOG"),
    constant("EF.EXC", 5, 1, "FILE: EF.EXC"),
    constant("POCKETS", 5, 1, "pockets of a card"),
    constant("MASTERS", 8, 1, "places for PAYM masters"),
    constant("EXHAUSTED", crate::element::Sequence::EXHAUSTED.0, 4, "from here on no new payment is begun"),
    constant("LAST.SEQUENCE", crate::element::Sequence::LAST.0, 4, "the last sequence that there is"),
    constant("NO.SEQUENCE", crate::element::Sequence::NONE.0, 4, "no sequence"),
    constant("LARGEST.AMOUNT", u32::MAX, 4, "the largest amount that four bytes hold"),
];

/// Fields of commands and answers that are numbers; the others are bytes.
const NUMERIC_FIELDS: &[&str] = &[
    "key version",
    "amount",
    "from sequence",
    "to sequence",
    "own sequence",
    "time",
    "counter",
    "role",
    "peer role",
    "state",
    "exponent",
    "balance",
    "maximum balance",
    "credited",
    "withheld",
];

/// The form of a field in the listings; a length of 0 is the rest.
pub fn field_form(name: &str, length: u8) -> ElementForm {
    match length {
        0 => Variable,
        _ if NUMERIC_FIELDS.contains(&name) => Number(length),
        _ => Bytes(length),
    }
}

/// A data element by its name.
pub fn data_element(name: &str) -> Option<&'static DataElement> {
    DATA_ELEMENTS.iter().find(|element| element.name == name)
}

/// A constant by its name.
pub fn constant_named(name: &str) -> Option<&'static Constant> {
    CONSTANTS.iter().find(|constant| constant.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_are_those_of_the_card() {
        let value = |name| constant_named(name).map(|constant| usize::try_from(constant.value));
        assert_eq!(value("POCKETS"), Some(Ok(crate::pocket::POCKETS)));
        assert_eq!(value("MASTERS"), Some(Ok(crate::personalisation::MASTERS)));
    }

    #[test]
    fn every_element_and_constant_is_found_by_its_name_and_nothing_else_is() {
        for element in DATA_ELEMENTS {
            assert_eq!(data_element(element.name).map(|found| found.meaning), Some(element.meaning));
        }
        for constant in CONSTANTS {
            assert_eq!(constant_named(constant.name).map(|found| found.value), Some(constant.value));
        }
        assert!(data_element("OPEN").is_none() && constant_named("PD").is_none());
    }

    #[test]
    fn a_field_is_a_number_where_the_standard_counts_with_it() {
        assert_eq!(field_form("amount", 4), Number(4));
        assert_eq!(field_form("own number", 8), Bytes(8));
        for name in ["records", "amount"] {
            assert_eq!(field_form(name, 0), Variable, "{name}");
        }
    }

    #[test]
    fn every_name_stands_for_one_thing() {
        let names = || {
            DATA_ELEMENTS
                .iter()
                .map(|element| element.name)
                .chain(CONSTANTS.iter().map(|constant| constant.name))
        };
        for name in names() {
            assert_eq!(names().filter(|other| *other == name).count(), 1, "{name}");
        }
    }
}
