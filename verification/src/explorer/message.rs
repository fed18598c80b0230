//! Messages that have been sent, and so are the attacker's; and the orders that he makes of them.

use apdu_spec::command::{Command, DebitData, InitializeData, Voucher};
use apdu_spec::cryptography::{Authenticator, Tac};
use apdu_spec::element::{Amount, Currency, KeyVersion, Kind, Sequence};
use apdu_spec::number::PartyNumber;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pin::PinBlock;
use apdu_spec::status::StatusWord;
use purse_tests::scheme::{TIME, VERSION, pay_details, pin, usd};

use super::meeting::Shown;
use crate::content::{Brief, Content};

/// Pay details in this currency.
pub(super) fn agreed(
    kind: Kind,
    currency: Currency,
    amount: u32,
    from: (PartyNumber, u32),
    to: (PartyNumber, u32),
) -> PayDetails {
    PayDetails { currency, ..pay_details(kind, amount, from, to) }
}

/// The four words of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Word {
    /// The payee asks.
    Req,
    /// The payer has debited.
    Val,
    /// The payee has credited.
    Ack,
    /// The payee never will.
    Nack,
}

/// One of them, for one PD.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Message {
    /// What it is about.
    pub pay_details: PayDetails,
    /// What it says.
    pub word: Word,
    /// The authenticator.
    pub mac: [u8; 8],
    /// With val, the TAC; zero else.
    pub tac: [u8; 8],
}

impl std::fmt::Debug for Message {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { pay_details, word, mac: [first, second, ..], .. } = self;
        write!(formatter, "{word:?}({:?}, {first:02X}{second:02X}..)", Brief(pay_details))
    }
}

impl Message {
    /// What CREDIT and DECLINE take, made of this message whether it fits or not.
    pub(super) const fn voucher(&self) -> Voucher {
        Voucher { pay_details: self.pay_details, val: Authenticator(self.mac), tac: Tac(self.tac) }
    }
}

/// A command for one card.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Order {
    /// The payee is asked to ask: kind, currency, amount, payer and its sequence.
    Initialize(Kind, Currency, u32, PartyNumber, u32),
    /// PD and what is said to be its req.
    Debit(PayDetails, [u8; 8]),
    /// What is said to be a val.
    Credit(Message),
    /// The same.
    Decline(Message),
    /// Own sequence, and what is said to be an ack.
    Acknowledge(u32, [u8; 8]),
    /// Own sequence, and what is said to be a nack.
    Reverse(u32, [u8; 8]),
    /// GET PROOF.
    Prove(u32),
    /// VERIFY CERTIFICATE.
    Meet(Shown),
    /// The right PIN or a wrong one.
    Verify(bool),
    /// LOCK or UNLOCK.
    Lock(bool),
    /// An issuer's script, whole, and the record that it resolves.
    Script(Vec<u8>, Option<u32>),
    /// The session ends.
    Reset,
}

impl std::fmt::Debug for Order {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Initialize(kind, currency, amount, from, sequence) => {
                let dollars = if *currency == usd() { " USD" } else { "" };
                write!(formatter, "INITIALIZE {kind:?} {amount}{dollars} from {from}#{sequence}")
            }
            Self::Debit(pay_details, [first, second, ..]) => {
                write!(formatter, "DEBIT {:?} with {first:02X}{second:02X}..", Brief(pay_details))
            }
            Self::Credit(message) => write!(formatter, "CREDIT {message:?}"),
            Self::Decline(message) => write!(formatter, "DECLINE {message:?}"),
            Self::Acknowledge(sequence, [first, second, ..]) => {
                write!(formatter, "ACKNOWLEDGE {sequence} with {first:02X}{second:02X}..")
            }
            Self::Reverse(sequence, [first, second, ..]) => {
                write!(formatter, "REVERSE {sequence} with {first:02X}{second:02X}..")
            }
            Self::Prove(sequence) => write!(formatter, "GET PROOF {sequence}"),
            Self::Meet(Shown { number, is_genuine }) => {
                let forged = if *is_genuine { "" } else { "forged " };
                write!(formatter, "VERIFY CERTIFICATE, the {forged}one of {number}")
            }
            Self::Verify(true) => formatter.write_str("VERIFY, the right PIN"),
            Self::Verify(false) => formatter.write_str("VERIFY, a wrong PIN"),
            Self::Lock(true) => formatter.write_str("LOCK"),
            Self::Lock(false) => formatter.write_str("UNLOCK"),
            Self::Script(bytes, resolved) => {
                write!(formatter, "UPDATE PARAMETER {bytes:02X?} (record {resolved:?})")
            }
            Self::Reset => formatter.write_str("reset"),
        }
    }
}

/// PIN of every card here.
pub const PIN: &str = "1234";
/// A PIN that no card has.
const WRONG_PIN: &str = "4321";

impl Order {
    /// The command APDU; none for a reset.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let presented: PinBlock;
        let command = match self {
            Self::Initialize(kind, currency, amount, from, from_sequence) => {
                Command::Initialize(InitializeData {
                    kind: *kind,
                    key_version: if *kind == Kind::Transfer { KeyVersion::NONE } else { VERSION },
                    currency: *currency,
                    amount: Amount(*amount),
                    from: *from,
                    from_sequence: Sequence(*from_sequence),
                    time: TIME,
                })
            }
            Self::Debit(pay_details, mac) => Command::Debit(DebitData::new(pay_details, Authenticator(*mac))),
            Self::Credit(message) => Command::Credit(message.voucher()),
            Self::Decline(message) => Command::Decline(message.voucher()),
            Self::Acknowledge(sequence, mac) => {
                Command::Acknowledge(Sequence(*sequence), Authenticator(*mac))
            }
            Self::Reverse(sequence, mac) => Command::Reverse(Sequence(*sequence), Authenticator(*mac)),
            Self::Prove(sequence) => Command::GetProof(Sequence(*sequence)),
            Self::Meet(shown) => return shown.command(),
            Self::Verify(right) => {
                presented = pin(if *right { PIN } else { WRONG_PIN });
                Command::Verify(Some(presented))
            }
            Self::Lock(true) => Command::Lock,
            Self::Lock(false) => Command::Unlock,
            Self::Script(bytes, _) => return bytes.clone(),
            Self::Reset => return Vec::new(),
        };
        command.emit().as_bytes().to_vec()
    }

    /// The other party of the transfer between purses that this is about; none if it is about something else.
    pub(super) fn other(&self, content: &Content) -> Option<PartyNumber> {
        let paid_to = |pay_details: &PayDetails| (pay_details.kind, pay_details.to);
        let (kind, other) = match self {
            Self::Initialize(kind, _, _, from, _) => (*kind, *from),
            Self::Debit(pay_details, _) => paid_to(pay_details),
            Self::Credit(message) | Self::Decline(message) => {
                (message.pay_details.kind, message.pay_details.from)
            }
            Self::Acknowledge(sequence, _) | Self::Reverse(sequence, _) | Self::Prove(sequence) => {
                paid_to(&content.history.get(*sequence as usize)?.pay_details)
            }
            Self::Meet(_) | Self::Verify(_) | Self::Lock(_) | Self::Script(..) | Self::Reset => return None,
        };
        (kind == Kind::Transfer).then_some(other)
    }

    /// The open record that this may close.
    pub(super) const fn closes(&self) -> Option<u32> {
        match self {
            Self::Acknowledge(sequence, _) | Self::Reverse(sequence, _) => Some(*sequence),
            Self::Script(_, resolved) => *resolved,
            _ => None,
        }
    }

    /// Whether a wrong try of it costs something by design.
    pub(super) const fn tries_a_pin(&self) -> bool {
        matches!(self, Self::Verify(_))
    }

    /// Whether this may have written, if it is answered so. What asks never may, also where it answers 9000.
    pub(super) fn may_write(&self, status: StatusWord) -> bool {
        match self {
            Self::Initialize(..) | Self::Prove(_) | Self::Meet(_) | Self::Reset => false,
            Self::Verify(_) => true,
            Self::Debit(..)
            | Self::Credit(_)
            | Self::Decline(_)
            | Self::Acknowledge(..)
            | Self::Reverse(..)
            | Self::Lock(_)
            | Self::Script(..) => status == StatusWord::Success,
        }
    }
}
