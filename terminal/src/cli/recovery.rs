//! `recover` and `resolve`: what was interrupted comes to exactly one end.

use std::collections::BTreeSet;

use apdu_spec::element::{Kind, Role};
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::number::PartyNumber;
use apdu_spec::parameter::Resolution;
use apdu_spec::pay_details::PayDetails;
use apdu_spec::record::{LogRecord, RecordRole, RecordState};
use purse_terminal::client::Client;
use purse_terminal::flow::recovery::{self, Item, Outcome, Report};
use purse_terminal::flow::resolve;
use purse_terminal::flow::{self, FlowError};
use purse_terminal::issuer::Unsettleable;
use purse_terminal::transport::Transport;
use serde_json::{Value, json};

use super::collect;
use super::context::{Context, Slot};
use super::control;
use super::convert::exit_code;
use super::exchange;
use super::failure::{ExitCode, Failure, IN_FLIGHT};
use super::hot_list::refuse_listed;
use super::issues::settle_issues;
use super::output::{Console, Reply};
use super::pending::{self, Note, Pending};
use super::place::Place;
use super::receipt::pay_details_document;
use super::served;
use super::snapshot;
use super::words;

/// What a recovery has come to.
struct Recovered {
    report: Report,
    /// The exchanges that were not finished.
    exchanges: Vec<flow::exchange::Item>,
    /// The purses that took part.
    purses: Vec<PartyNumber>,
    /// Those that did not, because they are on the hot list.
    listed: Vec<PartyNumber>,
}

fn attempt(context: &Context, required: &[&Place], optional: &[&Place]) -> Result<Recovered, Failure> {
    // Who is on a list that is not taken nobody knows: then nothing is done, and nothing forgotten.
    context.hot_list()?;
    let mut issuer = context.issuer()?;
    let mut slots = slots(context, required, optional)?;
    let mut cards = Vec::new();
    let mut refused = Vec::new();
    for slot in &mut slots {
        let transport: &mut dyn Transport = &mut **slot;
        let mut card = Client::select(transport)?;
        if let Err(listed) = refuse_listed(context, card.status().number) {
            Console::say(&format!(
                "note: {}; what it has under way is the issuer's to resolve",
                listed.message
            ));
            refused.push(card.status().number);
            card.release();
            continue;
        }
        // Nobody keeps one card while he waits for another: somebody else may have taken them the other way round.
        card.release();
        cards.push(card);
    }
    let statuses = cards.iter().map(Client::status);
    let purses = statuses.filter(|status| status.role == Role::Purse).map(|status| status.number).collect();
    let report = recovery::recover(&mut cards, Some(&mut issuer));
    let ended = |item: &&Item| matches!(item.outcome, Outcome::Settled | Outcome::Reversed);
    report.items.iter().filter(ended).for_each(|item| pending::ended(context, &item.pay_details));
    // Their unloads and loads have come as far as they can.
    let is_purse = |card: &&mut Client<&mut dyn Transport>| card.status().role == Role::Purse;
    let exchanges =
        cards.iter_mut().filter(is_purse).filter_map(|card| exchange::finish(card, &mut issuer)).collect();
    Ok(Recovered { report, exchanges, purses, listed: refused })
}

/// Finishes what an interrupted command has left with these cards. An error if a purse among them has still
/// something under way: its next payments could push the record of it out of its log. A transfer whose payee is away is
/// no reason to wait for him.
pub(crate) fn before_money_moves(context: &Context, cards: &[&Place]) -> Result<(), Failure> {
    // Nobody is kept from a card while another one is looked for, and none is waited for.
    context.release_parked();
    let mut others = context.places_at_hand();
    others.retain(|place| !cards.contains(place));
    let Recovered { report, exchanges, purses, .. } = attempt(context, cards, &others)?;
    report.items.iter().for_each(|item| Console::say(&format!("note: {}", describe(item))));
    let exchanged: Vec<String> = exchanges.iter().map(|found| exchange::describe(found).0).collect();
    for told in &exchanged {
        Console::say(&format!("note: {told}"));
    }
    let half_done =
        exchanges.iter().position(|item| item.outcome.is_err()).and_then(|place| exchanged.get(place));
    let open = report.items.iter().find(|item| {
        let PayDetails { from, to, .. } = item.pay_details;
        is_open(item) && !may_stay_open(item) && (purses.contains(&from) || purses.contains(&to))
    });
    let message = match (open, report.unread.first(), half_done) {
        (Some(item), ..) => format!("an earlier transaction is not finished: {}", describe(item)),
        (None, Some((number, reason)), _) => format!("card {number} could not be read: {reason}"),
        (None, None, Some(told)) => format!("an earlier transaction is not finished: {told}"),
        (None, None, None) => return Ok(()),
    };
    let next = "Run `purse recover` with both its cards there. If one is gone for good, run `purse collect` for \
                the SAM and then `purse resolve`, with --unclaimed for a transfer. Nothing else moves until then.";
    Err(Failure::new(ExitCode::OutcomeUnknown, message, next).with_money(IN_FLIGHT))
}

/// Whether what an interrupted command began is in a card's log, after a recovery that has finished everything. None
/// where that cannot be told.
pub(crate) fn has_happened(
    context: &Context,
    place: &Place,
    number: PartyNumber,
    note: &Note,
) -> Option<bool> {
    let kind = match note.command.as_str() {
        "load" => Kind::Load,
        "pay" => Kind::Purchase,
        "refund" => Kind::Refund,
        "transfer" => Kind::Transfer,
        "unload" | "collect" | "exchange" => Kind::Unload,
        _ => return None,
    };
    let holdings = snapshot::holdings(context, place).ok()?;
    // Before it began the card may have done the very same in the same second.
    let first = note.cards.get(&number.to_string()).copied().unwrap_or(0);
    let since = holdings.entries.iter().filter(|(sequence, _)| sequence.0 >= first).map(|(_, record)| record);
    let has_happened = since.chain(&holdings.exceptions).any(|record| {
        let PayDetails { time, amount, currency, kind: found, from, to, .. } = record.pay_details;
        // Others may have done the same in the same second.
        let is_theirs =
            note.cards.keys().all(|card| [from, to].iter().any(|party| party.to_string() == *card));
        let moved = match record.role {
            RecordRole::Payee => true,
            RecordRole::Payer => record.state != RecordState::Reversed,
            RecordRole::Declined | RecordRole::Reversal => false,
        };
        moved
            && is_theirs
            && found == kind
            && time.0 == note.time
            && note.amount.is_none_or(|noted| noted == amount.0)
            && note.currency.as_ref().is_none_or(|noted| *noted == words::currency(currency))
    });
    // What is not there may have left the log.
    let reaches_back = holdings.entries.last().is_none_or(|(oldest, _)| oldest.0 <= first);
    (has_happened || reaches_back).then_some(has_happened)
}

const fn is_open(item: &Item) -> bool {
    matches!(item.outcome, Outcome::PayeeAbsent | Outcome::StillOpen(_))
}

/// A transfer stays in the payer's log until its payee has been met, and that may be long after.
fn may_stay_open(item: &Item) -> bool {
    item.pay_details.kind == Kind::Transfer && matches!(item.outcome, Outcome::PayeeAbsent)
}

/// What became of the commands that were interrupted, where nothing is open any more; and whether a card is missing that
/// would tell.
fn what_was_interrupted(context: &Context, pending: &Pending, lines: &mut Vec<String>) -> (Vec<Value>, bool) {
    let mut is_untold = false;
    let mut documents = Vec::new();
    for (place, note) in pending.notes() {
        let (outcome, told) = match pending.has_happened(context, note) {
            Some(true) => ("done", "was done"),
            Some(false) => ("not_done", "was not done: no money has moved"),
            None if pending.lacks(note) => {
                is_untold = true;
                ("unknown", "may have been done or not: run `purse recover` with its other card there too")
            }
            None => (
                "unknown",
                "may have been done or not: the cards' logs do not tell any more; `purse audit` says what is missing",
            ),
        };
        documents.push(json!({ "card": place.name(), "command": note.command, "outcome": outcome }));
        // One line for both cards, and none where the recovery has a line for it.
        if lines.is_empty() {
            lines.push(format!("the interrupted `purse {}` {told}", note.command));
        }
    }
    (documents, is_untold)
}

/// `recover`
pub(crate) fn recover(context: &Context) -> Result<Reply, Failure> {
    let mut places = vec![context.card_place()?];
    let sam = context.sam_place()?;
    if context.global.sam.is_some() || context.find(sam).is_ok() {
        places.push(sam);
    }
    places.dedup();
    let mut in_readers = Vec::new();
    for place in places.iter().filter(|place| matches!(place, Place::Reader(_))) {
        in_readers.push(context.identify(place)?.0);
    }
    let lock = context.home.lock()?;
    let mut lines = settle_issues(&context.home, &mut context.issuer()?, &in_readers, &lock)?;
    drop(lock);
    let marked = Pending::with_companions(context, &places)?;
    let marked: Vec<&Place> = marked.iter().collect();
    let pending = Pending::take(context, &marked)?;
    let companions = marked.get(places.len()..).unwrap_or_default();
    let Recovered { report, exchanges, listed, .. } = attempt(context, &places, companions)?;
    lines.extend(report.items.iter().map(describe));
    let (told, exchanged): (Vec<_>, Vec<_>) = exchanges.iter().map(exchange::describe).unzip();
    lines.extend(told);
    let half_done = exchanges.iter().find_map(|item| item.outcome.as_ref().err()).map(FlowError::failure);
    let is_settled = report.is_complete() && half_done.is_none();
    let is_complete = is_settled && listed.is_empty();
    let mut interrupted = Vec::new();
    let mut is_untold = false;
    if is_complete {
        (interrupted, is_untold) = what_was_interrupted(context, &pending, &mut lines);
        if !is_untold {
            pending.remove();
        }
    }
    let items: Vec<_> = report
        .items
        .iter()
        .map(|item| {
            let mut document = pay_details_document(&item.pay_details);
            document["outcome"] = json!(outcome_code(&item.outcome));
            if let Outcome::StillOpen(reason) = &item.outcome {
                document["reason"] = json!(reason.to_string());
            }
            document
        })
        .collect();
    let unread: Vec<_> = report
        .unread
        .iter()
        .map(|(number, reason)| {
            lines.push(format!("card {number} could not be read: {reason}"));
            json!({ "number": number.to_string(), "reason": reason.to_string() })
        })
        .collect();
    let mut collections = Vec::new();
    for collection in &report.collections {
        let (told, document) = collect::describe(collection);
        lines.extend(told);
        collections.push(document);
    }
    if lines.is_empty() {
        let nothing = if is_complete { "nothing to recover" } else { "nothing was recovered" };
        lines.push(nothing.to_owned());
    }
    let listed_documents: Vec<_> = listed.iter().map(ToString::to_string).collect();
    let exit = if is_settled && !listed.is_empty() {
        Some(ExitCode::Refused)
    } else if is_untold {
        Some(ExitCode::OutcomeUnknown)
    } else if is_complete {
        report.collections.iter().any(collect::is_wrong).then_some(ExitCode::Declined)
    } else {
        Console::say(
            "note: not everything is settled; run `purse recover` again with all cards there, or `purse resolve`",
        );
        if report.items.iter().any(may_stay_open) {
            Console::say(
                "note: a payee that is elsewhere is reached by letter: `purse proof export` with its card there, \
                 `purse proof import` here; if it is gone for good, `purse resolve --unclaimed` closes the transfer",
            );
        }
        Some(report.failure().or(half_done).map_or(ExitCode::OutcomeUnknown, exit_code))
    };
    let document = json!({ "complete": is_complete && !is_untold, "items": items, "unread": unread, "interrupted": interrupted,
        "collections": collections, "exchanges": exchanged, "listed": listed_documents });
    Ok(Reply::new(lines.join("\n"), document).with_exit(exit))
}

/// These cards, and whatever other cards of the home their open records name.
fn slots(context: &Context, required: &[&Place], optional: &[&Place]) -> Result<Vec<Slot>, Failure> {
    let mut wanted = BTreeSet::new();
    let mut here = BTreeSet::new();
    let mut slots = Vec::new();
    for (place, is_required) in
        required.iter().map(|place| (place, true)).chain(optional.iter().map(|place| (place, false)))
    {
        let mut card = match context.open_card(place) {
            Err(_) if !is_required => continue,
            card => card?,
        };
        if card.status().life_cycle == LifeCycle::Blank {
            Console::say(&format!("note: {place} is blank: it has nothing under way"));
            continue;
        }
        here.insert(card.status().number);
        wanted.extend(card.open_records()?.records.iter().map(|record| record.pay_details.to));
        slots.push(card.into_transport());
    }
    let missing: Vec<PartyNumber> =
        wanted.difference(&here).copied().filter(|number| *number != context.scheme.issuer).collect();
    for number in missing {
        if let Some(place) = context.place_of(number)? {
            slots.push(context.slot(&place)?);
        } else if let Some(name) = served::name_of(&context.home, number) {
            Console::say(&format!(
                "note: card `{name}` ({number}) is in a reader; name it by --reader or --sam-reader"
            ));
        }
    }
    Ok(slots)
}

fn describe(item: &Item) -> String {
    let pay_details = &item.pay_details;
    let what = format!(
        "{} of {} from {} to {}",
        words::kind(pay_details.kind, Role::Purse),
        words::money(pay_details.currency, pay_details.amount.0.into()),
        pay_details.from,
        pay_details.to
    );
    match &item.outcome {
        Outcome::Settled => format!("{what}: done, the payee has it"),
        Outcome::Reversed => format!("{what}: taken back, the payer has it"),
        Outcome::PayeeAbsent => format!("{what}: open, the payee is not here"),
        Outcome::StillOpen(reason) => format!("{what}: open, {reason}"),
    }
}

const fn outcome_code(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Settled => "settled",
        Outcome::Reversed => "reversed",
        Outcome::PayeeAbsent => "payee_absent",
        Outcome::StillOpen(_) => "open",
    }
}

/// `resolve`
pub(crate) fn resolve(context: &Context, unclaimed: bool) -> Result<Reply, Failure> {
    let mut issuer = context.issuer()?;
    let mut card = context.card()?;
    let open = card.open_records()?.records;
    drop(card);
    if open.is_empty() {
        return Ok(Reply::new("nothing is stuck", json!({ "items": [] })));
    }
    confirm(context, &open, unclaimed)?;
    let mut card = context.card()?;
    // A resolution is a script too, and a card that has accepted it takes none of those before it any more.
    control::bring_waiting(context.card_place()?, &mut issuer, &mut card)?;
    let mut lines = Vec::new();
    let mut items = Vec::new();
    let mut exit = None;
    let unsettleable = if unclaimed { Unsettleable::BookAsUnclaimed } else { Unsettleable::Refuse };
    for item in resolve::resolve(&mut card, &mut issuer, unsettleable)? {
        let pay_details = &item.record.pay_details;
        let money = words::money(pay_details.currency, pay_details.amount.0.into());
        let what = format!("{} of {money} to {}", pay_details.kind.name(), pay_details.to);
        let mut document = pay_details_document(pay_details);
        match item.outcome {
            Ok(script) => {
                // The value of a resolution ends with how (section 6).
                let reversed = script.value.last() == Some(&Resolution::Reversed.code());
                // What only its payee can settle the issuer settles in no other way.
                let is_between_cards = matches!(pay_details.kind, Kind::Transfer | Kind::Refund);
                let (words, code) = match (reversed, is_between_cards) {
                    (true, _) => ("taken back in the issuer's name", "reversed"),
                    (false, false) => ("settled in the issuer's name", "settled"),
                    (false, true) => ("booked as unclaimed", "unclaimed"),
                };
                lines.push(format!("{what}: {words}"));
                document["outcome"] = json!(code);
            }
            Err(error) => {
                lines.push(format!("{what}: open, {error}"));
                document["outcome"] = json!("open");
                document["reason"] = json!(error.to_string());
                let code = exit_code(error.failure());
                exit = exit.or(Some(code));
            }
        }
        items.push(document);
    }
    Ok(Reply::new(lines.join("\n"), json!({ "items": items })).with_exit(exit))
}

/// A resolution is final.
fn confirm(context: &Context, open: &[LogRecord], unclaimed: bool) -> Result<(), Failure> {
    let lost = if unclaimed { " Of transfers and refunds neither card has the value then." } else { "" };
    let question = format!("Ask the issuer to close {} open records for good?{lost}", open.len());
    if Console::confirms(context, &question) {
        Ok(())
    } else {
        Err(Failure::usage("not confirmed; nothing was asked of the issuer"))
    }
}
