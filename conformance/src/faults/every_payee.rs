//! What INITIALIZE, CREDIT and DECLINE have in common.

use super::place::Place;

const fn every(
    before: &'static str,
    text: &'static str,
    faults: &'static [(&'static str, &'static str)],
) -> Place {
    Place { command: "every payee", file: "card/src/payee.rs", before, text, faults }
}

/// All of them.
pub(super) const PLACES: &[Place] = &[
    every("if ", "pay_details.to != identity.number", &[("a payment to another card", "false")]),
    every("|| ", "pay_details.from == identity.number", &[("a payment from itself", "false")]),
    every("|| ", "pay_details.amount == Amount::ZERO", &[("a payment of nothing", "false")]),
    every("|| ", "!identity.role.receives(kind)", &[("any role receives any kind", "false")]),
    every("|| ", "kind == Kind::Load && !from_issuer", &[("a load from anybody", "false")]),
    every("", "pay_details.from == identity.issuer", &[("a load from who is not the issuer", "true")]),
    every(
        "",
        "pay_details.from_sequence == pay_details.to_sequence",
        &[("a load with another sequence of the issuer", "true")],
    ),
    every(
        "            return Err(StatusWord::WrongData);\n        }\n        ",
        "",
        &[(
            "the key comes before what a disposable card refuses",
            "self.keys.check_version(identity, kind, pay_details.key_version)?;",
        )],
    ),
    every("|| ", "kind == Kind::Load && self.is_disposable()", &[("a disposable card is loaded", "false")]),
    every(
        "",
        "self.keys.check_version(identity, kind, pay_details.key_version)?;\n        self.pocket(pay_details.currency)",
        &[("the key version is not looked at", "self.pocket(pay_details.currency)")],
    ),
    every("if ", "standing.role != RecordRole::Payee", &[("what was declined has been credited", "false")]),
    every(
        "return Ok(if ",
        "record.pay_details == *pay_details",
        &[("other data under a credited sequence has been credited", "true")],
    ),
    every(
        "_ if ",
        "sequence < self.identity()?.first_sequence",
        &[("what an earlier card did is known", "false")],
    ),
    every(
        "Kind::Load if ",
        "last_load == sequence",
        &[
            ("the last load is forgotten with its record", "false"),
            ("a load before the last one was credited", "last_load >= sequence"),
        ],
    ),
    every(
        "Kind::Load if ",
        "last_load == Sequence::NONE",
        &[("before the first load any may have been credited", "false")],
    ),
    every(
        "|| ",
        "last_load < sequence",
        &[
            ("a load above the last one may have been credited", "false"),
            ("no load may have been credited", "true"),
        ],
    ),
    every("if ", "pay_details.kind == Kind::Refund", &[("a refund needs no purchase", "false")]),
    every(
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
    every(
        "sum.filter(|sum| ",
        "*sum <= limit",
        &[("no limits", "true"), ("limits are one too low", "*sum < limit")],
    ),
    every(
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
    every(
        "",
        "pocket.received_offline = Amount::ZERO",
        &[("a load leaves the count of offline receipts", "")],
    ),
    every("", "record.last_load = record.sequence", &[("a load is not noted as the last one", "")]),
    every(
        "pocket.received_offline = ",
        "within(sum, limits.offline_receipts)?",
        &[
            ("no limit of offline receipts", "sum.ok_or(StatusWord::OverLimit)?"),
            (
                "a refund is no offline receipt",
                "within(sum, limits.offline_receipts).map(|_| received_offline)?",
            ),
        ],
    ),
    every(
        "",
        "self.check_places(Self::RESERVE)?",
        &[
            ("room in the log is not looked at", ""),
            ("a smaller reserve", "self.check_places(Self::RESERVE - 1)?"),
            ("a larger reserve", "self.check_places(Self::RESERVE + 1)?"),
        ],
    ),
    every(
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
    every("let suffices = ", "purchase.to == refund.from", &[("a refund from another merchant", "true")]),
    every("&& ", "purchase.currency == refund.currency", &[("a refund in another currency", "true")]),
    every(
        "&& ",
        "purchase.amount >= refund.amount",
        &[
            ("a refund of more than the purchase", "true"),
            ("a refund of all is refused", "purchase.amount > refund.amount"),
        ],
    ),
    every(
        "best.is_none_or(|(smallest, _)| ",
        "purchase.amount < smallest",
        &[
            ("the oldest of equal purchases", "purchase.amount <= smallest"),
            ("the largest purchase", "purchase.amount > smallest"),
            ("the oldest purchase", "true"),
        ],
    ),
    every(
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
