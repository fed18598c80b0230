//! The client: one method for each command.

use apdu_spec::certificate::{Certificate, TAG_CERTIFICATE};
use apdu_spec::command::response::parse_authenticator;
use apdu_spec::command::{
    Command, CommandName, DebitData, InitializeData, Initialized, PocketBalance, Proof, ResponseLength,
    Script, Voucher, table,
};
use apdu_spec::cryptography::Authenticator;
use apdu_spec::element::Sequence;
use apdu_spec::file::{File, IdentityFile};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pin::PinBlock;
use apdu_spec::status::StatusWord;
use apdu_spec::status_block::StatusBlock;

use super::error::CardError;
use crate::transport::{EMPTY_RESPONSE, ResponseBuffer, Transport};

/// A card whose application is selected. It exists only so: [`Client::select`] makes it, and after a reset
/// [`Client::reconnect`] selects again.
///
/// From then on it is held: no other program can talk to the card, until [`Client::release`]. Whoever is going to wait,
/// for a person or the issuer, releases before, and calls [`Client::hold`] before the next command. A client that is
/// dropped releases nothing; its transport does, if it goes too.
#[derive(Debug)]
pub struct Client<T> {
    pub(super) transport: T,
    pub(super) status: StatusBlock,
    pub(super) held: bool,
    /// The session is that of the last SELECT, as far as anyone can know.
    pub(super) selected: bool,
    /// Whom the card has met, and meets again after every SELECT.
    pub(super) peer: Option<Certificate>,
}

impl<T: Transport> Client<T> {
    /// What the card said of itself at the last SELECT; the sequence, and pocket 0's balance, as they are after the
    /// debits and credits since.
    pub const fn status(&self) -> &StatusBlock {
        &self.status
    }

    /// The transport, for raw APDUs.
    pub const fn transport(&mut self) -> &mut T {
        &mut self.transport
    }

    /// EF.ID: status, issuer, flags, limits of every pocket.
    pub fn identity(&mut self) -> Result<IdentityFile, CardError> {
        let mut buffer = EMPTY_RESPONSE;
        let command = Command::ReadBinary(File::Identity.short_identifier(), 0);
        let data = self.exchange(&command, &mut buffer)?;
        let data = data.try_into().map_err(|_| wrong_length(command.name()))?;
        IdentityFile::parse(data).map_err(|error| CardError::malformed(command.name(), error))
    }

    /// GET BALANCE of pocket 0 to 4; an unused one is 6A88.
    pub fn balance(&mut self, pocket: u8) -> Result<PocketBalance, CardError> {
        let mut buffer = EMPTY_RESPONSE;
        let data = self.exchange(&Command::GetBalance(pocket), &mut buffer)?;
        PocketBalance::parse(data).map_err(|error| CardError::malformed(CommandName::GetBalance, error))
    }

    /// GET DATA: the value of a data object, without its tag and length of one byte.
    pub fn data_object(&mut self, tag: [u8; 2]) -> Result<Vec<u8>, CardError> {
        let mut buffer = EMPTY_RESPONSE;
        let data = self.exchange(&Command::GetData(tag), &mut buffer)?;
        match data.strip_prefix(&tag) {
            Some([length, value @ ..]) if usize::from(*length) == value.len() && *length < 0x80 => {
                Ok(value.to_vec())
            }
            _ => Err(CardError::Malformed { command: CommandName::GetData, reason: "not the data object" }),
        }
    }

    /// PIN tries left, by GET DATA 9F17.
    pub fn pin_tries(&mut self) -> Result<u8, CardError> {
        match self.data_object(table::TAG_PIN_TRIES)?.as_slice() {
            [tries] => Ok(*tries),
            _ => Err(wrong_length(CommandName::GetData)),
        }
    }

    /// VERIFY. A wrong PIN costs a try.
    pub fn verify(&mut self, pin: &PinBlock) -> Result<(), CardError> {
        self.execute(&Command::Verify(Some(pin.clone())))
    }

    /// CHANGE PIN. A wrong old PIN costs a try.
    pub fn change_pin(&mut self, old: &PinBlock, new: &PinBlock) -> Result<(), CardError> {
        self.execute(&Command::ChangePin(old.clone(), new.clone()))
    }

    /// LOCK; the PIN has to be verified before.
    pub fn lock(&mut self) -> Result<(), CardError> {
        self.execute(&Command::Lock)
    }

    /// UNLOCK; the PIN has to be verified before.
    pub fn unlock(&mut self) -> Result<(), CardError> {
        self.execute(&Command::Unlock)
    }

    /// GET DATA 7F21: the certificate of the card's key; none where it has no key.
    pub fn certificate(&mut self) -> Result<Option<Certificate>, CardError> {
        let mut buffer = EMPTY_RESPONSE;
        let command = Command::GetData(TAG_CERTIFICATE);
        let object = match self.exchange(&command, &mut buffer) {
            Err(CardError::Refused { status: StatusWord::ReferenceNotFound, .. }) => return Ok(None),
            other => other?,
        };
        let certificate = Certificate::parse_object(object)
            .map_err(|error| CardError::malformed(CommandName::GetData, error))?;
        if certificate.body.number != self.status.number {
            let reason = "the certificate names another card";
            return Err(CardError::Malformed { command: CommandName::GetData, reason });
        }
        Ok(Some(certificate))
    }

    /// VERIFY CERTIFICATE: its purse is the card's peer, for a transfer. A SELECT ends that, and so it is sent again after
    /// each, until [`Client::part`].
    pub fn meet(&mut self, certificate: &Certificate) -> Result<(), CardError> {
        self.peer = None;
        self.execute(&Command::VerifyCertificate(*certificate))?;
        self.peer = Some(*certificate);
        Ok(())
    }

    /// The peer of the card is its peer until the next SELECT only.
    pub const fn part(&mut self) {
        self.peer = None;
    }

    /// INITIALIZE: the card asks as payee. It must answer with the number of its status block.
    pub fn initialize(&mut self, data: &InitializeData) -> Result<(PayDetails, Authenticator), CardError> {
        let mut buffer = EMPTY_RESPONSE;
        let answer = self.exchange(&Command::Initialize(*data), &mut buffer)?;
        let answer = Initialized::parse(answer)
            .map_err(|error| CardError::malformed(CommandName::Initialize, error))?;
        if answer.number != self.status.number {
            let reason = "the answer names another card";
            return Err(CardError::Malformed { command: CommandName::Initialize, reason });
        }
        Ok((data.pay_details(answer.number, answer.sequence), answer.req))
    }

    /// DEBIT: the card pays. The identical call again gets the identical answer.
    pub fn debit(&mut self, pay_details: &PayDetails, req: Authenticator) -> Result<Voucher, CardError> {
        let mut buffer = EMPTY_RESPONSE;
        let answer = self.exchange(&Command::Debit(DebitData::new(pay_details, req)), &mut buffer)?;
        let proof = Proof::parse(answer).map_err(|error| CardError::malformed(CommandName::Debit, error))?;
        self.advance(pay_details.from_sequence, pay_details, false);
        Ok(Voucher { pay_details: *pay_details, val: proof.val, tac: proof.tac })
    }

    /// GET PROOF: the voucher of a debit that the log holds, again.
    pub fn proof(&mut self, pay_details: &PayDetails) -> Result<Voucher, CardError> {
        let mut buffer = EMPTY_RESPONSE;
        let answer = self.exchange(&Command::GetProof(pay_details.from_sequence), &mut buffer)?;
        let proof =
            Proof::parse(answer).map_err(|error| CardError::malformed(CommandName::GetProof, error))?;
        Ok(Voucher { pay_details: *pay_details, val: proof.val, tac: proof.tac })
    }

    /// CREDIT: the card is paid. Returns ack. The identical call again gets the identical answer.
    pub fn credit(&mut self, voucher: &Voucher) -> Result<Authenticator, CardError> {
        let mut buffer = EMPTY_RESPONSE;
        let answer = self.exchange(&Command::Credit(*voucher), &mut buffer)?;
        let ack =
            parse_authenticator(answer).map_err(|error| CardError::malformed(CommandName::Credit, error))?;
        self.advance(voucher.pay_details.to_sequence, &voucher.pay_details, true);
        Ok(ack)
    }

    /// DECLINE: the card never will be paid this. Returns nack.
    pub fn decline(&mut self, voucher: &Voucher) -> Result<Authenticator, CardError> {
        let mut buffer = EMPTY_RESPONSE;
        let answer = self.exchange(&Command::Decline(*voucher), &mut buffer)?;
        let nack =
            parse_authenticator(answer).map_err(|error| CardError::malformed(CommandName::Decline, error))?;
        if voucher.pay_details.to_sequence == self.status.sequence {
            self.status.sequence = next(self.status.sequence);
        }
        Ok(nack)
    }

    /// ACKNOWLEDGE: marks a debit of the card as settled.
    pub fn acknowledge(&mut self, sequence: Sequence, ack: Authenticator) -> Result<(), CardError> {
        self.execute(&Command::Acknowledge(sequence, ack))
    }

    /// REVERSE: the card takes a debit back. What it holds afterwards, SELECT says.
    pub fn reverse(&mut self, sequence: Sequence, nack: Authenticator) -> Result<(), CardError> {
        self.execute(&Command::Reverse(sequence, nack))
    }

    /// UPDATE PARAMETER: delivers a script of the issuer.
    pub fn update_parameter(&mut self, script: &Script<'_>) -> Result<(), CardError> {
        self.execute(&Command::UpdateParameter(*script))
    }

    /// Sends a command whose answer has no data.
    pub(super) fn execute(&mut self, command: &Command<'_>) -> Result<(), CardError> {
        let mut buffer = EMPTY_RESPONSE;
        self.exchange(command, &mut buffer).map(|_| ())
    }

    /// Sends a command. Returns the data of a successful answer, of which the length is what the table says.
    pub(super) fn exchange<'a>(
        &mut self,
        command: &Command<'_>,
        buffer: &'a mut ResponseBuffer,
    ) -> Result<&'a [u8], CardError> {
        let (data, status) = transmit(&mut self.transport, command, buffer)?;
        match status {
            StatusWord::Success => Ok(data),
            status => Err(CardError::Refused { command: command.name(), status }),
        }
    }

    /// The terminal's own arithmetic after a debit or credit at the card's current sequence; a repeat changes nothing.
    fn advance(&mut self, sequence: Sequence, pay_details: &PayDetails, received: bool) {
        if sequence != self.status.sequence {
            return;
        }
        self.status.sequence = next(sequence);
        if pay_details.currency == self.status.currency {
            let balance = self.status.balance;
            let balance = if received {
                balance.checked_add(pay_details.amount)
            } else {
                balance.checked_sub(pay_details.amount)
            };
            self.status.balance = balance.unwrap_or(self.status.balance);
        }
    }
}

fn next(sequence: Sequence) -> Sequence {
    sequence.next().unwrap_or(Sequence::NONE)
}

/// Sends a command and takes the answer apart.
pub(super) fn transmit<'a, T: Transport>(
    transport: &mut T,
    command: &Command<'_>,
    buffer: &'a mut ResponseBuffer,
) -> Result<(&'a [u8], StatusWord), CardError> {
    let name = command.name();
    let apdu = command.emit();
    let response = transport
        .transmit(apdu.as_bytes(), buffer)
        .map_err(|source| CardError::Transport { command: name, source })?;
    let (data, code) = response.split_last_chunk().ok_or(wrong_length(name))?;
    let code = u16::from_be_bytes(*code);
    let status = StatusWord::from_code(code).ok_or(CardError::UnknownStatus { command: name, code })?;
    let length_holds = match expected_length(command) {
        _ if status != StatusWord::Success => true,
        ResponseLength::None => data.is_empty(),
        ResponseLength::Exactly(length) => data.len() == usize::from(length),
        ResponseLength::Whole | ResponseLength::Part => true,
    };
    if length_holds { Ok((data, status)) } else { Err(wrong_length(name)) }
}

/// Every form of a command whose answer has a fixed length has the same one.
fn expected_length(command: &Command<'_>) -> ResponseLength {
    let row = table::row(command.name());
    row.forms.first().map_or(ResponseLength::Whole, |form| form.response)
}

fn wrong_length(command: CommandName) -> CardError {
    CardError::Malformed { command, reason: "the answer has a wrong length" }
}
