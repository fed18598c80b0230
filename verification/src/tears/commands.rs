//! Every command that a card in a given state can be given and that writes, with the right authenticators.

use apdu_spec::command::{Command, DebitData};
use apdu_spec::element::{Expiry, KeyVersion, Kind, Role};
use apdu_spec::parameter::{Parameter, Resolution};
use apdu_spec::pay_details::PayDetails;
use apdu_spec::pocket::PocketParameters;
use apdu_spec::record::RecordState;
use purse_tests::scheme::{
    PURSE_LIMITS, acknowledge, issuer, jpy, key_pair, party, pay_details, pin, reverse, script, session,
    voucher,
};

use super::histories::{Rest, newest_open, profile};
use crate::content::{Closing, Content};
use crate::explorer::PIN;

/// A command for a card at rest.
#[derive(Clone)]
pub struct Trial {
    /// What it is.
    pub name: &'static str,
    /// Commands of the same session before it, which write nothing.
    pub preamble: Vec<Vec<u8>>,
    /// The command APDU.
    pub command: Vec<u8>,
    /// The session has the PIN.
    pub verified: bool,
    /// The record that it closes.
    closes: Option<u32>,
    /// What the card held before, for what has left its log.
    pub known: Option<Content>,
}

impl std::fmt::Debug for Trial {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {:02X?}", self.name, self.command)
    }
}

impl Trial {
    /// Which record may be closed by it.
    pub fn closing(&self) -> Closing {
        self.closes.map_or(Closing::Nothing, Closing::One)
    }

    /// Whether it gives PIN tries back.
    pub fn restores_tries(&self) -> bool {
        matches!(self.name, "right PIN" | "change PIN" | "PIN tries" | "personalise")
    }

    /// What a cut between the two commits of a command may leave: a try taken before the PIN is compared; a settled
    /// mark before the script that it is by.
    pub fn allows(&self, before: &Content, after: &Content, found: &Content) -> bool {
        match self.name {
            "right PIN" | "wrong PIN" | "change PIN" => {
                let [left, limit] = before.tries;
                *found == Content { tries: [left.saturating_sub(1), limit], ..before.clone() }
            }
            "resolve as settled" => {
                let script = before.script;
                *found == Content { script, parameters: before.parameters.clone(), ..after.clone() }
            }
            _ => false,
        }
    }
}

/// All that fit this card now.
pub(super) fn trials(rest: &Rest) -> Vec<Trial> {
    let mut trials = Trials { rest, list: Vec::new() };
    if rest.is_blank {
        trials.of_a_blank_card();
        return trials.list;
    }
    match rest.role {
        Role::Purse => trials.of_a_purse(),
        Role::Merchant => trials.of_a_sam(),
    }
    trials.of_both();
    trials.list
}

struct Trials<'a> {
    rest: &'a Rest,
    list: Vec<Trial>,
}

/// The merchant that a purse pays, the purse that pays a SAM, and the other purse of a transfer.
const OTHER: u64 = 7;

impl Trials<'_> {
    fn next(&self) -> u32 {
        self.rest.content.next()
    }

    fn number(&self) -> u64 {
        if self.rest.role == Role::Purse { 1 } else { 2 }
    }

    fn add(&mut self, name: &'static str, command: &Command<'_>) {
        self.put(name, command.emit().as_bytes().to_vec(), false, None);
    }

    fn put(&mut self, name: &'static str, command: Vec<u8>, verified: bool, closes: Option<u32>) {
        let [blocked, _, terminated] = self.rest.content.flags;
        // No PIN can be given to such a card.
        if verified && (blocked || terminated) {
            return;
        }
        let known = Some(self.rest.content.clone());
        self.list.push(Trial { name, preamble: Vec::new(), command, verified, closes, known });
    }

    /// The other purse must be met before the last command, if it is about a transfer.
    fn meet(&mut self, kind: Kind) {
        let meet =
            || Command::VerifyCertificate(key_pair(party(OTHER)).certificate).emit().as_bytes().to_vec();
        if let Some(trial) = self.list.last_mut().filter(|_| kind == Kind::Transfer) {
            trial.preamble.push(meet());
        }
    }

    fn paying(&self, kind: Kind, amount: u32) -> PayDetails {
        let to = if kind == Kind::Unload { (issuer(), self.next()) } else { (party(OTHER), self.next() / 2) };
        pay_details(kind, amount, (party(self.number()), self.next()), to)
    }

    fn paid(&self, kind: Kind, amount: u32) -> PayDetails {
        let from = if kind == Kind::Load { (issuer(), self.next()) } else { (party(OTHER), self.next()) };
        pay_details(kind, amount, from, (party(self.number()), self.next()))
    }

    fn debit(&mut self, name: &'static str, kind: Kind, amount: u32, verified: bool) {
        let pay_details = self.paying(kind, amount);
        let command = Command::Debit(DebitData::new(&pay_details, session(&pay_details).req()));
        self.put(name, command.emit().as_bytes().to_vec(), verified, None);
        self.meet(kind);
    }

    /// All blocks of STORE DATA but the last write nothing, so they are the session of the last one.
    fn of_a_blank_card(&mut self) {
        let profile = profile(self.rest.role, 20, self.rest.has_key_pair);
        let blocks = profile.blocks();
        let mut commands = Vec::new();
        for (place, block) in blocks.iter().enumerate() {
            let number = u8::try_from(place).unwrap_or(u8::MAX);
            let command = Command::StoreData(place + 1 == blocks.len(), number, block).emit();
            commands.push(command.as_bytes().to_vec());
        }
        if let Some(last) = commands.pop() {
            self.put("personalise", last, false, None);
            self.list.iter_mut().for_each(|trial| trial.preamble.clone_from(&commands));
        }
    }

    fn of_a_purse(&mut self) {
        self.debit("purchase", Kind::Purchase, 2, false);
        self.debit("purchase with PIN", Kind::Purchase, 2, true);
        self.debit("unload", Kind::Unload, 1, false);
        let load = self.paid(Kind::Load, 5);
        self.add("load", &Command::Credit(voucher(&load)));
        let refund = self.paid(Kind::Refund, 1);
        self.add("refund", &Command::Credit(voucher(&refund)));
        let declined = self.paid(Kind::Refund, 3);
        self.add("decline", &Command::Decline(voucher(&declined)));
        if self.rest.has_key_pair {
            self.debit("transfer", Kind::Transfer, 2, false);
            self.debit("transfer with PIN", Kind::Transfer, 1, true);
            let received = voucher(&self.paid(Kind::Transfer, 3));
            self.add("receive a transfer", &Command::Credit(received));
            self.meet(Kind::Transfer);
            self.add("decline a transfer", &Command::Decline(received));
            self.meet(Kind::Transfer);
        }
    }

    fn of_a_sam(&mut self) {
        let purchase = self.paid(Kind::Purchase, 3);
        self.add("purchase", &Command::Credit(voucher(&purchase)));
        self.add("decline", &Command::Decline(voucher(&purchase)));
        self.debit("refund out", Kind::Refund, 1, true);
        let balance = self.rest.content.balance();
        self.debit("collect", Kind::Unload, balance, false);
        let load = self.paid(Kind::Load, 4);
        self.add("load", &Command::Credit(voucher(&load)));
        self.script("forget a master", &Parameter::ForgetMaster(KeyVersion(2)), None);
    }

    fn of_both(&mut self) {
        for (kind, acknowledged, reversed) in [
            (None, "acknowledge", "reverse"),
            (Some(Kind::Unload), "acknowledge an unload", "reverse an unload"),
            (Some(Kind::Transfer), "acknowledge a transfer", "reverse a transfer"),
        ] {
            let Some(sequence) = newest_open(&self.rest.content, kind) else { continue };
            let past = self.rest.content.history[sequence as usize].clone();
            let acknowledge = acknowledge(&past.pay_details).emit().as_bytes().to_vec();
            self.put(acknowledged, acknowledge, false, Some(sequence));
            self.meet(past.pay_details.kind);
            self.put(reversed, reverse(&past.pay_details).emit().as_bytes().to_vec(), false, Some(sequence));
            self.meet(past.pay_details.kind);
            if kind.is_none() && past.state == RecordState::Open {
                for (name, resolution) in [
                    ("resolve as settled", Resolution::Settled),
                    ("resolve as reversed", Resolution::Reversed),
                ] {
                    let tac = apdu_spec::cryptography::Tac(past.tac);
                    let parameter =
                        Parameter::Resolve { sequence: past.pay_details.from_sequence, tac, resolution };
                    self.script(name, &parameter, Some(sequence));
                }
            }
        }
        self.add("right PIN", &Command::Verify(Some(pin(PIN))));
        self.add("wrong PIN", &Command::Verify(Some(pin("4321"))));
        self.add("change PIN", &Command::ChangePin(pin(PIN), pin("2468")));
        self.put("lock", Command::Lock.emit().as_bytes().to_vec(), true, None);
        self.put("unlock", Command::Unlock.emit().as_bytes().to_vec(), true, None);
        self.script("PIN tries", &Parameter::PinTries, None);
        self.script("block", &Parameter::Block, None);
        self.script("unblock", &Parameter::Unblock, None);
        self.script("terminate", &Parameter::Terminate, None);
        self.script("clear the lock", &Parameter::ClearLock, None);
        let parameters = PocketParameters { currency: jpy(), exponent: 0, limits: PURSE_LIMITS };
        self.script("new pocket", &Parameter::NewPocket { pocket: 4, parameters }, None);
        self.script("expiry", &Parameter::Expiry(Expiry([0x31, 0x01])), None);
        self.script("limits", &Parameter::Limits { pocket: 0, limits: PURSE_LIMITS }, None);
    }

    fn script(&mut self, name: &'static str, parameter: &Parameter, closes: Option<u32>) {
        let counter = self.rest.content.script.0 + 1;
        let bytes = script(party(self.number()), counter, parameter);
        self.put(name, bytes, false, closes);
    }
}
