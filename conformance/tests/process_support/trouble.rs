//! What else may go wrong: several things one after the other, or something that no card of ours does, but another may.

use apdu_spec::command::CommandName::{
    self, Acknowledge, Credit, Debit, Decline, GetData, GetProof, Initialize, ReadEntry, ReadRecord, Reverse,
    Select, VerifyCertificate,
};
use apdu_spec::element::{Amount, Kind, Sequence};
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::{LogRecord, RecordRole, RecordState};
use apdu_spec::status::StatusWord;
use purse_tests::overheard::Mishap::{Altered, Answered, Before, InUse, InUseAfter, Lost, Unsent};
use purse_tests::overheard::{Failing, Incident, Mishap};
use purse_tests::scheme::{Profile, TIME, VERSION, certificate, eur, party};
use purse_tests::world::{Rig, rig};

/// All that goes wrong in one run.
#[derive(Debug)]
pub(crate) struct Trouble {
    /// To which card, and what.
    pub(crate) cards: &'static [(&'static str, Incident)],
    /// On the way to the issuer.
    pub(crate) issuer: Option<Failing>,
}

/// Place of the status block in the answer to SELECT.
const BLOCK: usize = 15;
/// Places in it.
const LIFE_CYCLE: usize = BLOCK + 1;
const NUMBER: usize = BLOCK + 3;
const SEQUENCE: usize = BLOCK + 12;
/// Places in a record.
const ROLE: usize = PayDetails::LENGTH;
const STATE: usize = PayDetails::LENGTH + 1;
/// Places in the object 7F21: the purse's number, the header of the signature.
const OWNER: usize = 10;
const SIGNATURE: usize = 84;
/// More than the sequences that a locked purse is asked for without success.
const MANY: u32 = 1_035;

const fn at(command: CommandName, number: usize, mishap: Mishap) -> Incident {
    Incident { command: Some(command), number, mishap }
}

/// The next of these commands.
const fn next(command: CommandName, mishap: Mishap) -> Incident {
    at(command, 1, mishap)
}

/// The next reset.
const fn reset(mishap: Mishap) -> Incident {
    Incident { command: None, number: 1, mishap }
}

const fn of_cards(cards: &'static [(&'static str, Incident)]) -> Trouble {
    Trouble { cards, issuer: None }
}

fn word(word: StatusWord) -> Vec<u8> {
    word.emit().to_vec()
}

/// As ever.
const ANSWERS: Mishap = Altered(|_| {});
/// It does not do it.
const REFUSED: Mishap = Answered(|| word(StatusWord::ConditionsOfUse));
/// Another application is on the card, or none.
const NOT_FOUND: Mishap = Answered(|| word(StatusWord::FileNotFound));
/// A word of no standard.
const STRANGE: Mishap = Answered(|| vec![0x6F, 0x00]);
const SAYS_BLOCKED: Mishap = Altered(|answer| says(answer, StatusWord::Blocked));
const SAYS_TERMINATED: Mishap = Altered(|answer| says(answer, StatusWord::Terminated));
/// Blank, though it has a number and a month.
const SAYS_BLANK: Mishap = Altered(|answer| put(answer, LIFE_CYCLE, &[LifeCycle::Blank.code()]));
const HAS_DONE_MUCH: Mishap = Altered(|answer| put(answer, SEQUENCE, &MANY.to_be_bytes()));
const IS_ANOTHER: Mishap = Altered(|answer| put(answer, NUMBER, &party(7).0));
const NAMES_ANOTHER: Mishap = Altered(|answer| put(answer, 0, &party(7).0));
/// The card has no such data object.
const ABSENT: Mishap = Answered(|| word(StatusWord::ReferenceNotFound));
/// What stands where a certificate should, or another purse's.
const NO_OBJECT: Mishap = Altered(|answer| put(answer, 1, &[0x22]));
const NO_SIGNATURE: Mishap = Altered(|answer| put(answer, SIGNATURE, &[0x5F, 0x38]));
const OF_ANOTHER: Mishap = Altered(|answer| put(answer, OWNER, &party(7).0));
const NOTHING: Mishap = Answered(|| word(StatusWord::Success));
const TOO_SHORT: Mishap = Altered(|answer| {
    answer.remove(SIGNATURE + 10);
});
const TOO_LONG: Mishap = Altered(|answer| answer.insert(SIGNATURE + 10, 0));
/// A record that says that it is open, although this card was paid in it.
const OPEN_PAYEE: Mishap = Altered(|answer| {
    if answer.get(ROLE) == Some(&RecordRole::Payee.code()) {
        put(answer, STATE, &[RecordState::Open.code()]);
    }
});
/// An open payment to somebody who is not there, whatever is asked for.
const SAME_RECORD: Mishap = Answered(|| {
    let pay_details = PayDetails {
        kind: Kind::Unload,
        key_version: VERSION,
        currency: eur(),
        amount: Amount(1_00),
        from: party(1),
        from_sequence: Sequence(0),
        to: party(9),
        to_sequence: Sequence(0),
        time: TIME,
    };
    let tac = certificate(&pay_details, VERSION, None);
    let (role, state) = (RecordRole::Payer, RecordState::Open);
    let record = LogRecord { pay_details, role, state, balance: Amount(0), tac };
    [record.emit().as_slice(), &StatusWord::Success.emit()].concat()
});

fn says(answer: &mut [u8], status: StatusWord) {
    let place = answer.len() - 2;
    put(answer, place, &status.emit());
}

/// What answers with a refusal stays as it is.
fn put(answer: &mut [u8], place: usize, bytes: &[u8]) {
    if let Some(found) = answer.get_mut(place..place + bytes.len()) {
        found.copy_from_slice(bytes);
    }
}

/// Another purse comes in its place.
fn other_purse(found: &mut Rig) {
    *found = rig("another purse", &Profile::purse(3, 20_00));
}

/// Another SAM comes in its place.
fn other_sam(found: &mut Rig) {
    *found = rig("another SAM", &Profile::sam(4, 0));
}

/// The other purse of a transfer gives place to a third one.
fn third_purse(found: &mut Rig) {
    *found = rig("a third purse", &Profile::purse(5, 20_00).with_key_pair());
}

/// The answer to a command is lost, and the way back to the card is not as usual.
macro_rules! back {
    ($name:ident, $who:literal, $command:ident, $other:ident) => {
        pub(crate) const $name: &[Trouble] = &[
            of_cards(&[($who, next($command, Lost)), ($who, next(Select, Lost))]),
            of_cards(&[($who, next($command, Lost)), ($who, next(Select, NOT_FOUND))]),
            of_cards(&[($who, next($command, Lost)), ($who, next(Select, SAYS_BLOCKED))]),
            of_cards(&[($who, next($command, Lost)), ($who, next(Select, SAYS_TERMINATED))]),
            of_cards(&[($who, next($command, Lost)), ($who, reset(Unsent))]),
            of_cards(&[($who, next($command, Lost)), ($who, reset(Before($other)))]),
            // It does not come so far as to do it.
            of_cards(&[($who, next($command, STRANGE)), ($who, next($command, Lost))]),
            of_cards(&[($who, next($command, STRANGE)), ($who, next($command, STRANGE))]),
            of_cards(&[($who, next($command, STRANGE)), ($who, next($command, REFUSED))]),
            // It has done it, and does not say so again.
            of_cards(&[($who, next($command, Lost)), ($who, next($command, REFUSED))]),
            of_cards(&[($who, next($command, Lost)), ($who, next($command, STRANGE))]),
            of_cards(&[($who, next($command, Unsent))]),
            of_cards(&[($who, next($command, REFUSED))]),
        ];
    };
}

back!(PURSE_CREDIT, "purse", Credit, other_purse);
back!(SAM_CREDIT, "sam", Credit, other_sam);
back!(PURSE_DEBIT, "purse", Debit, other_purse);
back!(SAM_DEBIT, "sam", Debit, other_sam);
back!(OTHER_CREDIT, "other", Credit, third_purse);

/// A payee that refuses, and then something is lost.
macro_rules! refusals {
    ($name:ident, $payee:literal, $payer:literal, $other:ident) => {
        pub(crate) const $name: &[Trouble] = &[
            of_cards(&[
                ($payee, next(Credit, REFUSED)),
                ($payee, next(Decline, Lost)),
                ($payee, next(Select, Lost)),
            ]),
            of_cards(&[($payee, next(Credit, REFUSED)), ($payee, next(Decline, REFUSED))]),
            of_cards(&[
                ($payee, next(Credit, REFUSED)),
                ($payer, next(Reverse, Lost)),
                ($payer, next(Select, Lost)),
            ]),
            of_cards(&[
                ($payee, next(Credit, REFUSED)),
                ($payer, next(Reverse, Lost)),
                ($payer, reset(Before($other))),
            ]),
            of_cards(&[($payee, next(Credit, REFUSED)), ($payer, next(Reverse, REFUSED))]),
        ];
    };
}

refusals!(REFUSED_BY_PURSE, "purse", "sam", other_sam);
refusals!(REFUSED_BY_SAM, "sam", "purse", other_purse);
refusals!(REFUSED_BY_OTHER, "other", "purse", third_purse);

/// Cards that say what no card of ours says.
pub(crate) const STRANGERS: &[Trouble] = &[
    of_cards(&[("purse", next(Select, SAYS_BLANK))]),
    of_cards(&[("sam", next(Select, SAYS_BLANK))]),
    of_cards(&[("purse", next(Initialize, NAMES_ANOTHER))]),
    of_cards(&[("sam", next(Initialize, NAMES_ANOTHER))]),
];

/// The same of two purses.
pub(crate) const STRANGE_PURSES: &[Trouble] = &[
    of_cards(&[("purse", next(Select, SAYS_BLANK))]),
    of_cards(&[("other", next(Select, SAYS_BLANK))]),
    of_cards(&[("other", next(Initialize, NAMES_ANOTHER))]),
];

/// Purses that say of themselves what they do not always say, or are not there.
pub(crate) const ODD_PURSES: &[Trouble] = &[
    of_cards(&[("purse", next(Select, SAYS_BLOCKED))]),
    of_cards(&[("purse", next(Select, SAYS_TERMINATED))]),
    of_cards(&[("other", next(Select, SAYS_BLOCKED))]),
    of_cards(&[("other", next(Select, SAYS_TERMINATED))]),
    of_cards(&[("other", next(Select, IS_ANOTHER))]),
    of_cards(&[("other", next(Select, InUse))]),
    of_cards(&[("purse", next(Select, InUse))]),
];

/// The issuer does not take an unload.
pub(crate) const DECLINED_UNLOAD: &[Trouble] = &[
    Trouble {
        cards: &[("purse", next(Reverse, Lost)), ("purse", next(Select, Lost))],
        issuer: Some(Failing::Refused(2)),
    },
    Trouble { cards: &[("purse", next(Reverse, REFUSED))], issuer: Some(Failing::Refused(2)) },
];

/// A load has been credited, the issuer does not hear it, and the card does not say it again.
pub(crate) const UNHEARD_LOAD: &[Trouble] = &[Trouble {
    cards: &[("purse", at(Credit, 2, Lost)), ("purse", next(Select, Lost))],
    issuer: Some(Failing::Before(2)),
}];

/// While a payment comes to its end.
pub(crate) const SETTLING: &[Trouble] = &[
    of_cards(&[("sam", next(Credit, Unsent))]),
    of_cards(&[("sam", next(Credit, REFUSED)), ("purse", next(Reverse, REFUSED))]),
    of_cards(&[("purse", next(Acknowledge, REFUSED))]),
    of_cards(&[("purse", next(Acknowledge, Unsent))]),
];

/// The same, and the payee is not there again at once.
pub(crate) const SETTLING_LATE: &[Trouble] = &[
    of_cards(&[("sam", next(Credit, Lost)), ("sam", next(Select, Lost))]),
    of_cards(&[("sam", next(Credit, Lost)), ("sam", next(Select, NOT_FOUND))]),
];

/// After a payment was taken back the card says something else of its state.
pub(crate) const TAKEN_BACK: &[Trouble] = &[
    of_cards(&[("purse", next(Reverse, ANSWERS)), ("purse", next(Select, SAYS_BLOCKED))]),
    of_cards(&[("purse", next(Reverse, ANSWERS)), ("purse", next(Select, SAYS_TERMINATED))]),
    of_cards(&[("purse", next(Reverse, REFUSED))]),
];

/// After a payment was taken back the card does not answer twice.
pub(crate) const NOT_AGAIN: &[Trouble] = &[
    of_cards(&[
        ("purse", next(Reverse, ANSWERS)),
        ("purse", next(Select, Lost)),
        ("purse", next(Select, Lost)),
    ]),
    of_cards(&[
        ("purse", next(Reverse, ANSWERS)),
        ("purse", next(Select, NOT_FOUND)),
        ("purse", next(Select, NOT_FOUND)),
    ]),
];

/// What is in the card's place is another one.
pub(crate) const ANOTHER_CARD: &[Trouble] = &[
    of_cards(&[("purse", next(Select, Before(other_purse)))]),
    of_cards(&[("purse", at(Select, 2, SAYS_BLOCKED))]),
    of_cards(&[("purse", at(Select, 2, SAYS_TERMINATED))]),
];

/// When it is asked what it has done with payments to it, another card answers.
pub(crate) const ASKED_ANOTHER: &[Trouble] = &[of_cards(&[("sam", at(Select, 2, IS_ANOTHER))])];

/// Another program takes the card before its load can come.
pub(crate) const IN_USE: &[Trouble] = &[of_cards(&[("purse", at(Select, 2, InUseAfter))])];

/// A log that says more than a log can.
pub(crate) const STRANGE_LOG: &[Trouble] = &[of_cards(&[("purse", at(ReadEntry, 0, OPEN_PAYEE))])];
/// Exceptions without end.
pub(crate) const ENDLESS: &[Trouble] = &[of_cards(&[("purse", at(ReadRecord, 0, SAME_RECORD))])];
/// A locked purse with a long history.
pub(crate) const LONG_HISTORY: &[Trouble] = &[of_cards(&[("purse", next(Select, HAS_DONE_MUCH))])];

/// Two purses show each other their certificates.
macro_rules! meeting {
    ($name:ident, $who:literal) => {
        const $name: [Trouble; 15] = [
            of_cards(&[($who, next(GetData, Lost))]),
            of_cards(&[($who, next(GetData, Unsent))]),
            of_cards(&[($who, next(GetData, ABSENT))]),
            of_cards(&[($who, next(GetData, REFUSED))]),
            of_cards(&[($who, next(GetData, STRANGE))]),
            of_cards(&[($who, next(GetData, NO_OBJECT))]),
            of_cards(&[($who, next(GetData, NO_SIGNATURE))]),
            of_cards(&[($who, next(GetData, OF_ANOTHER))]),
            of_cards(&[($who, next(GetData, NOTHING))]),
            of_cards(&[($who, next(GetData, TOO_SHORT))]),
            of_cards(&[($who, next(GetData, TOO_LONG))]),
            of_cards(&[($who, next(VerifyCertificate, Lost))]),
            of_cards(&[($who, next(VerifyCertificate, Unsent))]),
            of_cards(&[($who, next(VerifyCertificate, REFUSED))]),
            of_cards(&[($who, next(VerifyCertificate, STRANGE))]),
        ];
    };
}

meeting!(MEETING_OF_PURSE, "purse");
meeting!(MEETING_OF_OTHER, "other");
pub(crate) const PURSE_MEETS: &[Trouble] = &MEETING_OF_PURSE;
pub(crate) const OTHER_MEETS: &[Trouble] = &MEETING_OF_OTHER;

/// After a lost answer each verifies the other's certificate again, or does not.
pub(crate) const MEETING_AGAIN: &[Trouble] = &[
    of_cards(&[("purse", next(Debit, Lost)), ("purse", next(VerifyCertificate, Lost))]),
    of_cards(&[("purse", next(Debit, Lost)), ("purse", next(VerifyCertificate, REFUSED))]),
    of_cards(&[("purse", next(Debit, STRANGE)), ("purse", next(VerifyCertificate, Unsent))]),
    of_cards(&[("other", next(Credit, Lost)), ("other", next(VerifyCertificate, Lost))]),
    of_cards(&[("other", next(Credit, Lost)), ("other", next(VerifyCertificate, REFUSED))]),
    of_cards(&[("other", next(Credit, STRANGE)), ("other", next(VerifyCertificate, Unsent))]),
    of_cards(&[("other", next(Credit, REFUSED)), ("other", next(Decline, Lost))]),
    of_cards(&[
        ("other", next(Credit, REFUSED)),
        ("other", next(Decline, Lost)),
        ("other", next(VerifyCertificate, REFUSED)),
    ]),
    of_cards(&[("other", next(Credit, REFUSED)), ("purse", next(Reverse, Lost))]),
    of_cards(&[
        ("other", next(Credit, REFUSED)),
        ("purse", next(Reverse, Lost)),
        ("purse", next(VerifyCertificate, REFUSED)),
    ]),
];

/// While an open transfer comes to its end.
pub(crate) const SETTLING_TRANSFER: &[Trouble] = &[
    of_cards(&[("purse", next(GetProof, REFUSED))]),
    of_cards(&[("purse", next(GetProof, Lost))]),
    of_cards(&[("other", next(Credit, Unsent))]),
    of_cards(&[("other", next(Credit, REFUSED))]),
    of_cards(&[("other", next(Credit, REFUSED)), ("other", next(Decline, REFUSED))]),
    of_cards(&[("other", next(Credit, REFUSED)), ("other", next(Decline, Lost))]),
    of_cards(&[("other", next(Credit, REFUSED)), ("purse", next(Reverse, REFUSED))]),
    of_cards(&[("other", next(Credit, REFUSED)), ("purse", next(Reverse, Lost))]),
    of_cards(&[("purse", next(Acknowledge, REFUSED))]),
    of_cards(&[("purse", next(Acknowledge, Unsent))]),
];

/// After a lost answer the purse that is paid is not there again at once, or does not verify the certificate again.
pub(crate) const MEETING_LATE: &[Trouble] = &[
    of_cards(&[("other", next(Credit, Lost)), ("other", next(Select, Lost))]),
    of_cards(&[("other", next(Credit, Lost)), ("other", next(Select, NOT_FOUND))]),
    of_cards(&[("other", next(Credit, Lost)), ("other", next(VerifyCertificate, Lost))]),
    of_cards(&[("other", next(Credit, Lost)), ("other", next(VerifyCertificate, REFUSED))]),
];
