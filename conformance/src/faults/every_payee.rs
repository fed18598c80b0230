//! What INITIALIZE, CREDIT and DECLINE have in common.

use super::place::{Code, Place};

const HERE: Code = Code { command: "every payee", file: "card/src/payee.rs" };

/// All of them.
pub(super) const PLACES: &[Place] = &[
    HERE.place("if ", "pay_details.to != identity.number", &[("a payment to another card", "false")]),
    HERE.place("|| ", "pay_details.from == identity.number", &[("a payment from itself", "false")]),
    HERE.place("|| ", "pay_details.amount == Amount::ZERO", &[("a payment of nothing", "false")]),
    HERE.place("|| ", "!identity.role.receives(kind)", &[("any role receives any kind", "false")]),
    HERE.place("|| ", "kind == Kind::Load && !from_issuer", &[("a load from anybody", "false")]),
    HERE.place("", "pay_details.from == identity.issuer", &[("a load from who is not the issuer", "true")]),
    HERE.place(
        "",
        "pay_details.from_sequence == pay_details.to_sequence",
        &[("a load with another sequence of the issuer", "true")],
    ),
    HERE.place(
        "self.keys.check_peer(kind, pay_details.from)?;\n        ",
        "",
        &[(
            "the key comes before what a disposable card refuses",
            "self.keys.check_version(identity, kind, pay_details.key_version)?;",
        )],
    ),
    HERE.place(
        "",
        "self.keys.check_peer(kind, pay_details.from)?",
        &[
            ("a transfer from any other than the peer", ""),
            ("the payee must be the peer", "self.keys.check_peer(kind, pay_details.to)?"),
        ],
    ),
    HERE.place("if ", "kind == Kind::Load && self.is_disposable()", &[("a disposable card is loaded", "false")]),
    HERE.place(
        "",
        "self.keys.check_version(identity, kind, pay_details.key_version)?;\n        self.pocket(pay_details.currency)",
        &[("the key version is not looked at", "self.pocket(pay_details.currency)")],
    ),
    HERE.place("if ", "standing.role != RecordRole::Payee", &[("what was declined has been credited", "false")]),
    HERE.place(
        "return Ok(if ",
        "record.pay_details == *pay_details",
        &[("other data under a credited sequence has been credited", "true")],
    ),
    HERE.place(
        "_ if ",
        "sequence < self.identity()?.first_sequence",
        &[("what an earlier card did is known", "false")],
    ),
    HERE.place(
        "Kind::Load if ",
        "last_load == sequence",
        &[
            ("the last load is forgotten with its record", "false"),
            ("a load before the last one was credited", "last_load >= sequence"),
        ],
    ),
    HERE.place(
        "Kind::Load if ",
        "last_load == Sequence::NONE",
        &[("before the first load any may have been credited", "false")],
    ),
    HERE.place(
        "|| ",
        "last_load < sequence",
        &[
            ("a load above the last one may have been credited", "false"),
            ("no load may have been credited", "true"),
        ],
    ),
    HERE.place("if ", "pay_details.kind == Kind::Refund", &[("a refund needs no purchase", "false")]),
    HERE.place(
        "let mut record = self.next_record(pay_details, RecordRole::Payee);\n        ",
        "",
        &[
            ("room in the log comes before the limits", "self.check_places(Self::RESERVE)?;"),
            (
                "the limit comes before the purchase that is refunded",
                "if self.store.state().pockets.get(place).and_then(|pocket| pocket.balance.checked_add(pay_details.amount)).is_none_or(|sum| self.limits(place).is_ok_and(|limits| sum > limits.maximum_balance)) { return Err(StatusWord::OverLimit); }",
            ),
        ],
    ),
    HERE.place(
        "sum.filter(|sum| ",
        "*sum <= limit",
        &[("no limits", "true"), ("limits are one too low", "*sum < limit")],
    ),
    HERE.place(
        "pocket.balance = ",
        "within(balance.checked_add(pay_details.amount), limits.maximum_balance)?",
        &[
            ("no maximum balance", "within(balance.checked_add(pay_details.amount), Amount(u32::MAX))?"),
            (
                "the balance stays",
                "within(balance.checked_add(pay_details.amount), limits.maximum_balance).map(|_| balance)?",
            ),
        ],
    ),
    HERE.place(
        "",
        "pocket.received_offline = Amount::ZERO",
        &[("a load leaves the count of offline receipts", "")],
    ),
    HERE.place("", "record.last_load = record.sequence", &[("a load is not noted as the last one", "")]),
    HERE.place(
        "pocket.received_offline = ",
        "within(sum, limits.offline_receipts)?",
        &[
            ("no limit of offline receipts", "sum.ok_or(StatusWord::OverLimit)?"),
            (
                "a refund is no offline receipt",
                "within(sum, limits.offline_receipts).map(|_| received_offline)?",
            ),
            (
                "a transfer is no offline receipt",
                "if pay_details.kind == Kind::Transfer { received_offline } else { within(sum, limits.offline_receipts)? }",
            ),
        ],
    ),
    HERE.place(
        "",
        "self.check_places(Self::RESERVE)?",
        &[
            ("room in the log is not looked at", ""),
            ("a smaller reserve", "self.check_places(Self::RESERVE - 1)?"),
            ("a larger reserve", "self.check_places(Self::RESERVE + 1)?"),
        ],
    ),
    HERE.place(
        "let fits = ",
        "(standing.role, standing.kind, standing.state)
                == (RecordRole::Payer, Kind::Purchase, RecordState::Settled)",
        &[
            (
                "a purchase of any state is refunded",
                "(standing.role, standing.kind) == (RecordRole::Payer, Kind::Purchase)",
            ),
            (
                "a purchase is refunded again",
                "(standing.role, standing.kind) == (RecordRole::Payer, Kind::Purchase)
                    && matches!(standing.state, RecordState::Settled | RecordState::Refunded)",
            ),
            (
                "an unload is refunded",
                "(standing.role, standing.state) == (RecordRole::Payer, RecordState::Settled)",
            ),
        ],
    ),
    HERE.place("let suffices = ", "purchase.to == refund.from", &[("a refund from another merchant", "true")]),
    HERE.place("&& ", "purchase.currency == refund.currency", &[("a refund in another currency", "true")]),
    HERE.place(
        "&& ",
        "purchase.amount >= refund.amount",
        &[
            ("a refund of more than the purchase", "true"),
            ("a refund of all is refused", "purchase.amount > refund.amount"),
        ],
    ),
    HERE.place(
        "best.is_none_or(|(smallest, _)| ",
        "purchase.amount < smallest",
        &[
            ("the oldest of equal purchases", "purchase.amount <= smallest"),
            ("the largest purchase", "purchase.amount > smallest"),
            ("the oldest purchase", "true"),
        ],
    ),
    HERE.place(
        "if ",
        "self.identity()?.role == Role::Merchant && self.store.free_places() < needed",
        &[
            (
                "one place too many is asked for",
                "self.identity()?.role == Role::Merchant && self.store.free_places() <= needed",
            ),
            ("a purse's log can be full", "self.store.free_places() < needed"),
        ],
    ),
];
