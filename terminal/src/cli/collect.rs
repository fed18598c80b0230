//! `collect`: what the merchant's SAM has taken goes to the merchant's account.

use apdu_spec::element::{Amount, Currency, Kind, Role, Time};
use apdu_spec::pocket::PocketParameters;
use apdu_spec::record::{RecordRole, RecordState};
use purse_terminal::amount::Denomination;
use purse_terminal::client::Client;
use purse_terminal::flow::FlowError;
use purse_terminal::flow::collection::{self, Report};
use purse_terminal::issuer::Flaw;
use serde_json::{Value, json};

use super::context::{Context, Embedded, Slot};
use super::failure::{ExitCode, Failure};
use super::money::{now, usable};
use super::output::Reply;
use super::pending::{self, Note};
use super::receipt::pay_details_document;
use super::words;

/// `collect`: all currencies that the SAM has, or only this one.
pub(crate) fn collect(
    context: &Context,
    even_empty: bool,
    only: Option<Denomination>,
) -> Result<Reply, Failure> {
    let mut issuer = context.issuer()?;
    let time = now();
    let currency = only.map(|only| only.code().to_owned());
    let note = Note { currency, ..Note::new("collect", None, time) };
    pending::under(context, &[context.sam_place()?], &note, || {
        collect_now(context, &mut issuer, time, even_empty, only)
    })
}

fn collect_now(
    context: &Context,
    issuer: &mut Embedded,
    time: Time,
    even_empty: bool,
    only: Option<Denomination>,
) -> Result<Reply, Failure> {
    let only = only.map(Denomination::element);
    let mut sam = context.sam()?;
    usable(context, context.sam_place()?, sam.status())?;
    if !even_empty && is_collected(&mut sam, only)? {
        let nothing = json!({ "records": 0, "collected": [], "bad_records": [], "forks": [] });
        return Ok(Reply::new("nothing to collect", nothing));
    }
    let report = match only {
        None => collection::collect(&mut sam, issuer, time),
        Some(currency) => collection::collect_currency(&mut sam, issuer, time, currency),
    };
    let report = report.map_err(|error| match (error, context.sam_place()) {
        (FlowError::NoPocket(currency), Ok(place)) => Failure::no_pocket(place, currency),
        (error, _) => error.into(),
    })?;
    let (lines, document) = describe(&report);
    Ok(Reply::new(lines.join("\n"), document).with_exit(is_wrong(&report).then_some(ExitCode::Declined)))
}

/// Credited is credited, but a merchant whose records do not hold must not think that all is well.
pub(crate) fn is_wrong(report: &Report) -> bool {
    let withheld = report.collected.iter().any(|collected| collected.withheld != Amount::ZERO);
    withheld || !report.submission.bad.is_empty() || !report.submission.forks.is_empty()
}

/// Whether a SAM holds nothing (of this currency), and has done nothing since its last settled collection.
fn is_collected(sam: &mut Client<Slot>, only: Option<Currency>) -> Result<bool, Failure> {
    if sam.status().role != Role::Merchant {
        return Ok(false);
    }
    let pockets = sam.identity()?.pockets;
    let is_wanted = |pocket: &PocketParameters| {
        only.map_or(pocket.is_used(), |only| pocket.is_used() && pocket.currency == only)
    };
    let wanted: Vec<u8> =
        (0..).zip(&pockets).filter(|(_, pocket)| is_wanted(pocket)).map(|(place, _)| place).collect();
    if wanted.is_empty() {
        return Ok(false);
    }
    for pocket in wanted {
        if sam.balance(pocket)?.balance != Amount::ZERO {
            return Ok(false);
        }
    }
    let newest = sam.entries(|_| true)?;
    Ok(newest.first().is_none_or(|(_, record)| {
        (record.role, record.state, record.pay_details.kind)
            == (RecordRole::Payer, RecordState::Settled, Kind::Unload)
    }))
}

/// What a collection came to, in lines and in JSON.
pub(crate) fn describe(report: &Report) -> (Vec<String>, Value) {
    let mut lines = vec![format!("records read {}", report.records)];
    let mut pockets = Vec::new();
    for collected in &report.collected {
        let currency = collected.pay_details.currency;
        lines.push(format!("collected {}", words::money(currency, collected.credited.0.into())));
        if collected.withheld != Amount::ZERO {
            lines.push(format!("WITHHELD  {}", words::money(currency, collected.withheld.0.into())));
        }
        let mut document = pay_details_document(&collected.pay_details);
        document["credited"] = words::amount(currency, collected.credited.0);
        document["withheld"] = words::amount(currency, collected.withheld.0);
        document["acknowledged"] = json!(collected.acknowledged);
        pockets.push(document);
    }
    let mut bad = Vec::new();
    for record in &report.submission.bad {
        lines.push(format!("BAD RECORD {}: {}", record.sequence, flaw(record.flaw)));
        let mut document = pay_details_document(&record.record.pay_details);
        document["sequence"] = json!(record.sequence.0);
        document["flaw"] = json!(flaw(record.flaw));
        bad.push(document);
    }
    let mut forks = Vec::new();
    for fork in &report.submission.forks {
        lines.push(format!("FORK: card {} exists twice, sequence {}", fork.payer, fork.sequence));
        forks.push(json!({ "number": fork.payer.to_string(), "sequence": fork.sequence.0 }));
    }
    let document = json!({
        "records": report.records, "collected": pockets, "bad_records": bad, "forks": forks,
    });
    (lines, document)
}

const fn flaw(flaw: Flaw) -> &'static str {
    match flaw {
        Flaw::UnknownPayer => "its payer is none of the issuer's cards",
        Flaw::KeyVersion => "its key version is not the payer's",
        Flaw::Tac => "its payer did not make its TAC",
        Flaw::UnknownLoad => "a load that the issuer never gave",
        Flaw::Reversed => "a purchase that the issuer has let the payer take back",
        Flaw::Impossible => "something that no SAM does",
        Flaw::OtherRecord => "another record than was collected before",
    }
}
