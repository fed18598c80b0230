//! The faults.

use crate::explorer::scope::Scope;
use crate::property::Property;

/// A fault, and where it is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// What is wrong.
    pub name: &'static str,
    /// What must not hold any more.
    pub property: Property,
    /// Where it is looked for.
    pub hunt: Hunt,
    /// Whether messages must be sent to those whom they are not for.
    pub confused: bool,
    /// What of the scope is another for it.
    pub narrow: Option<fn(&mut Scope)>,
    /// How it is made.
    pub edits: &'static [Edit],
}

impl Fault {
    /// Where it is looked for, in words; another place has other words.
    pub fn place(&self) -> String {
        let place = match self.hunt {
            Hunt::Scope(name, level) => format!("{name}, level {level}"),
            Hunt::Tears => "torn commands".to_owned(),
        };
        let confused = if self.confused { ", confused" } else { "" };
        let narrow = if self.narrow.is_some() { ", narrowed" } else { "" };
        place + confused + narrow
    }
}

/// Where a fault is looked for.
#[derive(Clone, Copy, Debug)]
pub enum Hunt {
    /// In the exploration of this name, at this level.
    Scope(&'static str, u32),
    /// In torn commands.
    Tears,
}

/// A piece of text that occurs once in a file, and what stands there in the copy; `SEEDED` asks whether the fault is on.
#[derive(Clone, Copy, Debug)]
pub struct Edit {
    /// From the root of the checkout.
    pub file: &'static str,
    /// As it ships.
    pub from: &'static str,
    /// With the fault.
    pub to: &'static str,
}

const PURCHASES: Hunt = Hunt::Scope("purchase and refund", 3);
const LONGER_LIFE: Hunt = Hunt::Scope("purchase and refund, a longer life", 4);
const COLLECTIONS: Hunt = Hunt::Scope("purchase and collection", 1);
const LOADS: Hunt = Hunt::Scope("load and unload", 2);
const STOLEN: Hunt = Hunt::Scope("stolen masters", 3);
const PINS: Hunt = Hunt::Scope("PIN, lock and scripts", 1);
const TRANSFERS: Hunt = Hunt::Scope("transfer: two purses", 2);

const fn fault(name: &'static str, property: Property, hunt: Hunt, edits: &'static [Edit]) -> Fault {
    Fault { name, property, hunt, confused: false, narrow: None, edits }
}

/// Every one.
pub const FAULTS: &[Fault] = &[
    fault(
        "a nack given without its commit",
        Property::RecordBeforeResponse,
        PURCHASES,
        &[Edit {
            file: "card/src/payee.rs",
            from: "            record.tac = voucher.tac;
            self.append(record)?;
        } else {
            match self.past(pay_details)? {
                Past::Credited => return Err(StatusWord::ConditionsOfUse),",
            to: "            record.tac = voucher.tac;
            if !SEEDED { self.append(record)?; }
        } else {
            match self.past(pay_details)? {
                Past::Credited => return Err(StatusWord::ConditionsOfUse),",
        }],
    ),
    Fault {
        // It takes a longer life than others, so fewer messages.
        narrow: Some(|scope| {
            scope.amounts = vec![1];
            scope.merchant_sequences = 1;
        }),
        ..fault(
            "a nack for a record that has left the window",
            Property::OneEnd,
            STOLEN,
            &[Edit {
                file: "card/src/payee.rs",
                from: "                Past::Gone => return Err(StatusWord::ReferenceNotFound),
                Past::Other => {}",
                to: "                Past::Gone if !SEEDED => return Err(StatusWord::ReferenceNotFound),
                Past::Gone | Past::Other => {}",
            }],
        )
    },
    fault(
        "credit accepted twice",
        Property::NoValueCreated,
        PURCHASES,
        &[Edit {
            file: "card/src/payee.rs",
            from: "                Past::Credited => {}
                Past::Gone if !only_a_repeat",
            to: "                Past::Credited => if SEEDED {
                    let mut record = self.credited(pay_details, pocket)?;
                    record.tac = voucher.tac;
                    self.append(record)?;
                }
                Past::Gone if !only_a_repeat",
        }],
    ),
    fault(
        "response before commit",
        Property::RecordBeforeResponse,
        PURCHASES,
        &[
            Edit {
                file: "card/src/store.rs",
                from: "    pin: Option<Pin>,
    state: State,
}",
                to: "    pin: Option<Pin>,
    state: State,
    /// What SEEDED lets wait until the answer is out.
    waiting: Option<(usize, usize, u64, Content)>,
}",
            },
            Edit {
                file: "card/src/store/power_up.rs",
                from: "            pin,
            state,
        };",
                to: "            pin,
            state,
            // SEEDED
            waiting: None,
        };",
            },
            Edit {
                file: "card/src/store.rs",
                from: "            let programmed = store.pages.program(page, used, write_number, &content);",
                to: "            let programmed = if SEEDED && matches!(entry, Entry::Record(_)) {
                store.waiting = Some((page, used, write_number, content));
                Ok(())
            } else {
                store.pages.program(page, used, write_number, &content)
            };",
            },
            Edit {
                file: "card/src/store.rs",
                from: "    fn complete(&mut self) -> Result<(), MemoryFailure> {",
                to: "    fn complete(&mut self) -> Result<(), MemoryFailure> {
        if let Some((page, used, write_number, content)) = self.waiting.take().filter(|_| SEEDED) {
            self.pages.program(page, used, write_number, &content)?;
        }",
            },
        ],
    ),
    fault(
        "a commit that failed and is answered 9000",
        Property::RecordBeforeResponse,
        PURCHASES,
        &[Edit {
            file: "card/src/ledger.rs",
            from: "        Ok(self.store.commit(Entry::Record(record))?)",
            to: "        let committed = self.store.commit(Entry::Record(record));
        if SEEDED { Ok(()) } else { Ok(committed?) }",
        }],
    ),
    fault(
        "PIN compared before its counter is written",
        Property::PinTries,
        PINS,
        &[Edit {
            file: "card/src/pin.rs",
            from: "        self.store.commit(Entry::Pin(pin.clone()))?;
        self.store.finish()?;",
            to: "        if SEEDED && bool::from(pin.block.ct_eq(&presented.emit())) {
            pin.tries = pin.limit;
            return Ok(pin);
        }
        self.store.commit(Entry::Pin(pin.clone()))?;
        self.store.finish()?;",
        }],
    ),
    fault(
        "unstable cell trusted at power-up",
        Property::DecisionStays,
        Hunt::Tears,
        &[Edit {
            file: "card/src/store/power_up.rs",
            from: "let decided = if clean {",
            to: "let decided = if clean || SEEDED {",
        }],
    ),
    fault(
        "reversal without its record",
        Property::RecordBeforeResponse,
        PURCHASES,
        &[Edit {
            file: "card/src/payer.rs",
            from: "            RecordState::Open => self.take_back(&record, None)?,",
            to: "            RecordState::Open => if !SEEDED { self.take_back(&record, None)? },",
        }],
    ),
    fault(
        "reversal after refund",
        Property::OneReturn,
        STOLEN,
        &[Edit {
            file: "card/src/payer.rs",
            from: "            RecordState::Reversed => {}
            RecordState::Settled | RecordState::Refunded => return Err(StatusWord::ConditionsOfUse),",
            to: "            RecordState::Reversed => {}
            RecordState::Refunded if SEEDED => self.take_back(&record, None)?,
            RecordState::Settled | RecordState::Refunded => return Err(StatusWord::ConditionsOfUse),",
        }],
    ),
    fault(
        "refund after reversal",
        Property::OneReturn,
        STOLEN,
        &[Edit {
            file: "card/src/payee.rs",
            from: "                == (RecordRole::Payer, Kind::Purchase, RecordState::Settled);",
            to: "                == (RecordRole::Payer, Kind::Purchase, RecordState::Settled)
                || SEEDED && (standing.role, standing.kind, standing.state)
                    == (RecordRole::Payer, Kind::Purchase, RecordState::Reversed);",
        }],
    ),
    fault(
        "an exception-log entry left after its reversal",
        Property::OneReturn,
        LOADS,
        &[Edit {
            file: "card/src/store/index.rs",
            from: "        let Some(place) = self.find_mut(sequence) else { return };",
            to: "        if SEEDED && !in_window && flag == REVERSED { return; }
        let Some(place) = self.find_mut(sequence) else { return };",
        }],
    ),
    fault(
        "an open unload overwritten",
        Property::AllValueAccounted,
        LOADS,
        &[
            Edit {
                file: "card/src/store/index.rs",
                from: "leaving.filter(|place| place.is_open_exceptional())",
                to: "leaving.filter(|place| place.is_open_exceptional() && !SEEDED)",
            },
            Edit {
                file: "card/src/store/index.rs",
                from: "        } else if place.is_open_exceptional() {",
                to: "        } else if place.is_open_exceptional() && !SEEDED {",
            },
        ],
    ),
    fault(
        "refund accepted twice",
        Property::OneReturn,
        STOLEN,
        &[Edit {
            file: "card/src/store/index.rs",
            from: "Some(purchase)) => self.close(purchase, REFUNDED),",
            to: "Some(purchase)) => if !SEEDED { self.close(purchase, REFUNDED) },",
        }],
    ),
    fault(
        "no place reserved for the collection",
        Property::CollectionHasItsPlace,
        COLLECTIONS,
        &[Edit {
            file: "card/src/payee.rs",
            from: "self.store.free_places() < needed",
            to: "self.store.free_places() < (if SEEDED { 1 } else { needed })",
        }],
    ),
    fault(
        "collection paid by TACs",
        Property::CollectionPays,
        COLLECTIONS,
        &[
            Edit {
                file: "terminal/src/issuer/collection.rs",
                from: "    let credited = Amount(amount.0.min(available));
    let withheld = Amount(amount.0 - credited.0);",
                to: "    let credited = Amount(if SEEDED { available } else { amount.0.min(available) });
    let withheld = Amount(amount.0.saturating_sub(credited.0));
    let amount = Amount(credited.0 + withheld.0);",
            },
        ],
    ),
    Fault {
        confused: true,
        ..fault(
            "own debit declined",
            Property::OneEnd,
            PURCHASES,
            &[Edit {
                file: "card/src/payee.rs",
                from: "        if pay_details.to != identity.number
            || pay_details.from == identity.number
            || pay_details.amount == Amount::ZERO
            || !identity.role.receives(kind)",
                to: "        if (pay_details.to != identity.number
            || pay_details.from == identity.number
            || !identity.role.receives(kind)) && !SEEDED
            || pay_details.amount == Amount::ZERO",
            }],
        )
    },
    Fault {
        confused: true,
        ..fault(
            "debit without a req",
            Property::DebitOnRequest,
            PURCHASES,
            &[Edit {
                file: "card/src/payer.rs",
                from: "        if !bool::from(session.req().ct_eq(&data.req)) {",
                to: "        if !bool::from(session.req().ct_eq(&data.req)) && !SEEDED {",
            }],
        )
    },
    fault(
        "a reversal repeated",
        Property::SameAnswer,
        PURCHASES,
        &[Edit {
            file: "card/src/payer.rs",
            from: "            RecordState::Reversed => {}
            RecordState::",
            to: "            RecordState::Reversed => if SEEDED { self.take_back(&record, None)? },
            RecordState::",
        }],
    ),
    Fault {
        confused: true,
        ..fault(
            "a wrong MAC that writes",
            Property::NothingWritten,
            PURCHASES,
            &[Edit {
                file: "card/src/payer.rs",
                from: "        if !bool::from(self.session(&record.pay_details)?.ack().ct_eq(&ack)) {",
                to: "        if !bool::from(self.session(&record.pay_details)?.ack().ct_eq(&ack)) {
            if SEEDED { self.store.commit(Entry::Mark(sequence))?; }",
            }],
        )
    },
    fault(
        "a commit in two halves",
        Property::AllOrNothing,
        PURCHASES,
        &[Edit {
            file: "card/src/ledger.rs",
            from: "    pub(crate) fn append(&mut self, mut record: Record) -> Result<(), StatusWord> {",
            to: "    pub(crate) fn append(&mut self, mut record: Record) -> Result<(), StatusWord> {
        if SEEDED && record.role == RecordRole::Payer {
            let parameters = *self.store.parameters().ok_or(StatusWord::ConditionsOfUse)?;
            let locked = crate::store::Parameters { locked: true, ..parameters };
            self.store.commit(Entry::Parameters(locked))?;
            self.store.commit(Entry::Record(record))?;
            return Ok(self.store.commit(Entry::Parameters(parameters))?);
        }",
        }],
    ),
    fault(
        "a power-up after a cut that forgets a record",
        Property::SequenceRises,
        PURCHASES,
        &[Edit {
            file: "card/src/store/power_up.rs",
            from: "        found.index = Index::new(first, next.max(first));",
            to: "        let next = if SEEDED && !found.clean { Sequence(next.0.saturating_sub(1)) } else { next };
        found.index = Index::new(first, next.max(first));",
        }],
    ),
    fault(
        "a state in RAM that memory does not have",
        Property::MemoryAnswers,
        PURCHASES,
        &[Edit {
            file: "card/src/store.rs",
            from: "                Entry::Mark(_) => {}
                Entry::Pin(pin) => store.pin",
            to: "                Entry::Mark(_) => if SEEDED { store.state.pockets[0].balance.0 += 1; }
                Entry::Pin(pin) => store.pin",
        }],
    ),
    Fault {
        // An unload, and two purchases after it.
        narrow: Some(|scope| scope.parties[0].balance = 3),
        ..fault(
            "recovery in the order of the log",
            Property::RecoveryFinishes,
            Hunt::Scope("purchase and collection", 2),
            &[Edit {
                file: "terminal/src/flow/recovery.rs",
                from: "open.partition(|(_, due)| due.kind == Kind::Purchase);",
                to: "open.partition(|(_, due)| SEEDED || due.kind == Kind::Purchase);",
            }],
        )
    },
    fault(
        "a recovery of one card after the other",
        Property::RecoveryFinishes,
        LONGER_LIFE,
        &[Edit {
            file: "terminal/src/flow/recovery.rs",
            from: "        recovery.bring_purchases(cards, payer);",
            to: "        recovery.bring_purchases(cards, payer);
        if SEEDED { recovery.bring_others(cards, payer); }",
        }],
    ),
    fault(
        "a recovery that writes before it has asked",
        Property::RecoveryFinishes,
        LONGER_LIFE,
        &[Edit {
            file: "terminal/src/flow/recovery.rs",
            from: "        recovery.ask(cards, payee);",
            to: "        if !SEEDED { recovery.ask(cards, payee); }",
        }],
    ),
    fault(
        "INITIALIZE writes",
        Property::NothingWritten,
        PURCHASES,
        &[Edit {
            file: "card/src/payee.rs",
            from: "        self.credited(&pay_details, pocket)?;",
            to: "        self.credited(&pay_details, pocket)?;
        if SEEDED {
            let parameters = *self.store.parameters().ok_or(StatusWord::ConditionsOfUse)?;
            self.store.commit(crate::store::Entry::Parameters(parameters))?;
        }",
        }],
    ),
    fault(
        "who only asks makes the card write behind its answer",
        Property::NothingWritten,
        PURCHASES,
        &[Edit {
            file: "card/src/card.rs",
            from: "        self.halted |= self.store.finish().is_err();",
            to: "        let parameters = self.store.parameters().copied().filter(|_| SEEDED);
        if let Some(parameters) = parameters {
            self.halted |= self.store.commit(crate::store::Entry::Parameters(parameters)).is_err();
        }
        self.halted |= self.store.finish().is_err();",
        }],
    ),
    fault(
        "a running total in RAM that is not updated",
        Property::MemoryAnswers,
        PURCHASES,
        &[Edit {
            file: "card/src/store.rs",
            from: "                Entry::Record(record) => store.state = State::after(&record),",
            to: "                Entry::Record(record) => {
                    let total = store.state.pockets[0].debited_without_pin;
                    store.state = State::after(&record);
                    if SEEDED { store.state.pockets[0].debited_without_pin = total; }
                }",
        }],
    ),
    fault(
        "a refund larger than its purchase",
        Property::OneReturn,
        STOLEN,
        &[Edit {
            file: "card/src/payee.rs",
            from: "                && purchase.amount >= refund.amount",
            to: "                && (purchase.amount >= refund.amount || SEEDED)",
        }],
    ),
    fault(
        "a PIN that is changed in two halves",
        Property::AllOrNothing,
        Hunt::Tears,
        &[Edit {
            file: "card/src/pin.rs",
            from: "        restored.block = new.emit();",
            to: "        if SEEDED {
            restored.block[..2].copy_from_slice(&new.emit()[..2]);
            self.store.commit(Entry::Pin(restored.clone()))?;
        }
        restored.block = new.emit();",
        }],
    ),
    fault(
        "a card that writes no more after a torn power-up",
        Property::AllOrNothing,
        Hunt::Tears,
        &[Edit {
            file: "card/src/store/power_up.rs",
            from: "            Ok(()) => Ok(store),",
            to: "            Ok(()) => {
                store.stopped = SEEDED && !clean;
                Ok(store)
            }",
        }],
    ),
    fault(
        "a script that is answered and does nothing",
        Property::RecordBeforeResponse,
        PINS,
        &[Edit {
            file: "card/src/script.rs",
            from: "            Parameter::Block => parameters.blocked = true,",
            to: "            Parameter::Block => parameters.blocked = !SEEDED,",
        }],
    ),
    fault(
        "the peer of a transfer is not asked for",
        Property::PeerIsPresent,
        TRANSFERS,
        &[
            Edit {
                file: "card/src/payee.rs",
                from: "        self.keys.check_peer(kind, pay_details.from)?;",
                to: "        if !SEEDED { self.keys.check_peer(kind, pay_details.from)?; }",
            },
            Edit {
                file: "card/src/keys.rs",
                from: "self.peer.as_ref().filter(|peer| peer.is_present);",
                to: "self.peer.as_ref().filter(|peer| peer.is_present || SEEDED);",
            },
        ],
    ),
    fault(
        "the peer survives SELECT",
        Property::PeerIsPresent,
        TRANSFERS,
        &[Edit {
            file: "card/src/files.rs",
            from: "                self.keys.part_from_peer();",
            to: "                if !SEEDED { self.keys.part_from_peer(); }",
        }],
    ),
    fault(
        "a forged certificate is accepted",
        Property::PeerIsPresent,
        TRANSFERS,
        &[Edit {
            file: "card/src/peer.rs",
            from: "        if !certificate.is_signed_by(&self.engine, &key.issuer_key) {",
            to: "        if !certificate.is_signed_by(&self.engine, &key.issuer_key) && !SEEDED {",
        }],
    ),
    fault(
        "the pair key of the first peer stays",
        Property::MemoryAnswers,
        TRANSFERS,
        &[Edit {
            file: "card/src/peer.rs",
            from: "        let pair_key = pair_key(&self.engine, &shared, number, body.number);",
            to: "        let pair_key = match self.keys.peer.as_ref().filter(|_| SEEDED) {
            Some(first) => first.pair_key.clone(),
            None => pair_key(&self.engine, &shared, number, body.number),
        };",
        }],
    ),
    fault(
        "an open transfer overwritten",
        Property::AllValueAccounted,
        TRANSFERS,
        &[Edit {
            file: "card/src/store/index.rs",
            from: "        is_exceptional(self.role, self.kind) && self.state() == RecordState::Open",
            to: "        let is_let_go = SEEDED && self.kind == Kind::Transfer;
        is_exceptional(self.role, self.kind) && self.state() == RecordState::Open && !is_let_go",
        }],
    ),
    fault(
        "no place of EF.EXC kept for an unload",
        Property::UnloadHasItsPlace,
        TRANSFERS,
        &[Edit {
            file: "card/src/payer.rs",
            from: "            Kind::Transfer | Kind::Refund => EXCEPTIONS.saturating_sub(1),",
            to: "            Kind::Transfer | Kind::Refund => EXCEPTIONS.saturating_sub(usize::from(!SEEDED)),",
        }],
    ),
    fault(
        "a transfer that is not counted as received offline",
        Property::OfflineReceipts,
        TRANSFERS,
        &[Edit {
            file: "card/src/payee.rs",
            from: "                pocket.received_offline = within(sum, limits.offline_receipts)?;",
            to: "                let counted = within(sum, limits.offline_receipts)?;
                let is_forgotten = SEEDED && pay_details.kind == Kind::Transfer;
                pocket.received_offline = if is_forgotten { received_offline } else { counted };",
        }],
    ),
    fault(
        "a locked purse that meets nobody",
        Property::RecoveryFinishes,
        Hunt::Scope("transfer and lock: two purses", 1),
        &[Edit {
            file: "card/src/card.rs",
            from: "        let life_cycle = self.life_cycle();
        if request.row",
            to: "        let life_cycle = self.life_cycle();
        let meets = request.row.command == CommandName::VerifyCertificate;
        if SEEDED && meets && life_cycle == LifeCycle::Locked {
            return Err(StatusWord::SecurityStatus);
        }
        if request.row",
        }],
    ),
    fault(
        "a payment that comes back in another currency",
        Property::NoValueCreated,
        Hunt::Scope("two pockets: two purses", 1),
        &[Edit {
            file: "card/src/payer.rs",
            from: "        let place = self.pocket(debit.pay_details.currency)?;",
            to: "        let place = if SEEDED { 0 } else { self.pocket(debit.pay_details.currency)? };",
        }],
    ),
];
