//! Steps of a process on one card; the other side is the scheme's formulas.

use apdu_spec::command::{Command, Proof};
use apdu_spec::element::Kind;
use apdu_spec::number::PartyNumber;
use apdu_spec::parameter::Parameter;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pin::PinBlock;
use apdu_spec::status::StatusWord;

use crate::bench_card::{Answer, BenchCard};
use crate::scheme::{acknowledge, debit, pay_details, pin, reverse, script, session, voucher};

/// Sequence of a peer that is neither the card nor the issuer.
pub const PEER_SEQUENCE: u32 = 700;

impl<const WINDOW: usize, const EXCEPTIONS: usize> BenchCard<WINDOW, EXCEPTIONS> {
    /// The card's number and next sequence.
    pub fn side(&mut self) -> (PartyNumber, u32) {
        let status = self.identity().status;
        (status.number, status.sequence.0)
    }

    /// Pay details of the card's next transaction, in which it pays `peer`.
    pub fn paying(&mut self, kind: Kind, amount: u32, peer: PartyNumber) -> PayDetails {
        let side = self.side();
        let sequence = if kind == Kind::Unload { side.1 } else { PEER_SEQUENCE };
        pay_details(kind, amount, side, (peer, sequence))
    }

    /// Pay details of the card's next transaction, in which `peer` pays it.
    pub fn paid(&mut self, kind: Kind, amount: u32, peer: PartyNumber) -> PayDetails {
        let side = self.side();
        let sequence = if kind == Kind::Load { side.1 } else { PEER_SEQUENCE };
        pay_details(kind, amount, (peer, sequence), side)
    }

    /// Pays: the record is open.
    #[track_caller]
    pub fn spend(&mut self, kind: Kind, amount: u32, peer: PartyNumber) -> PayDetails {
        let pay_details = self.paying(kind, amount, peer);
        let proof = Proof::parse(&self.succeed(&debit(&pay_details))).expect("16 bytes");
        assert_eq!(proof.val, session(&pay_details).val(proof.tac));
        pay_details
    }

    /// Pays, and the payee has credited.
    #[track_caller]
    pub fn spend_settled(&mut self, kind: Kind, amount: u32, peer: PartyNumber) -> PayDetails {
        let pay_details = self.spend(kind, amount, peer);
        self.succeed(&acknowledge(&pay_details));
        pay_details
    }

    /// Pays, and the payee has declined.
    #[track_caller]
    pub fn spend_reversed(&mut self, kind: Kind, amount: u32, peer: PartyNumber) -> PayDetails {
        let pay_details = self.spend(kind, amount, peer);
        self.succeed(&reverse(&pay_details));
        pay_details
    }

    /// Is paid.
    #[track_caller]
    pub fn receive(&mut self, kind: Kind, amount: u32, peer: PartyNumber) -> PayDetails {
        let pay_details = self.paid(kind, amount, peer);
        let ack = self.succeed(&Command::Credit(voucher(&pay_details)));
        assert_eq!(ack, session(&pay_details).ack().0);
        pay_details
    }

    /// Declines what it never asked for: the cheapest record.
    #[track_caller]
    pub fn decline(&mut self, kind: Kind, peer: PartyNumber) -> PayDetails {
        let pay_details = self.paid(kind, 1, peer);
        let nack = self.succeed(&Command::Decline(voucher(&pay_details)));
        assert_eq!(nack, session(&pay_details).nack().0);
        pay_details
    }

    /// Sends a script of the issuer's.
    pub fn script(&mut self, counter: u32, parameter: &Parameter) -> StatusWord {
        let number = self.identity().status.number;
        self.transmit(&script(number, counter, parameter)).status
    }

    /// A script that must be refused, and change nothing.
    #[track_caller]
    pub fn refuse_script(&mut self, counter: u32, parameter: &Parameter, status: StatusWord) {
        let number = self.identity().status.number;
        self.refuse_bytes(&script(number, counter, parameter), status);
    }

    /// A script that must be accepted.
    #[track_caller]
    pub fn accept_script(&mut self, counter: u32, parameter: &Parameter) {
        assert_eq!(self.script(counter, parameter), StatusWord::Success);
    }

    /// VERIFY, whatever comes of it.
    pub fn try_pin(&mut self, digits: &str) -> StatusWord {
        let Answer { data, status } = self.send(&Command::Verify(Some(pin(digits))));
        assert!(data.is_empty());
        status
    }

    /// LOCK with this PIN.
    #[track_caller]
    pub fn lock(&mut self, pin: PinBlock) {
        self.verify(pin);
        self.succeed(&Command::Lock);
    }
}
