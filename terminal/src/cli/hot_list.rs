//! `hotlist …`, and what a terminal does with a purse that is on the list.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use apdu_spec::curve::Curve as _;
use apdu_spec::number::PartyNumber;
use apdu_spec::software::Software;
use purse_terminal::home::{Home, replace_private, write_private};
use purse_terminal::hot_list::{HotList, HotListError, Range, digits};
use purse_terminal::scheme::Scheme;
use serde_json::{Value, json};

use super::arguments::HotListCommand;
use super::context::Context;
use super::failure::{ExitCode, Failure};
use super::money;
use super::output::{Console, Reply};
use super::words;

/// No list is longer.
const LONGEST: u64 = 1 << 26;

/// `hotlist`
pub(crate) fn hot_list(context: &Context, command: &HotListCommand) -> Result<Reply, Failure> {
    let Context { home, scheme, .. } = context;
    match command {
        HotListCommand::Add { number, to } => {
            let added = range(number, to.as_deref())?;
            change(home, scheme, |ranges| ranges.push(added))
        }
        HotListCommand::Remove { number, to } => {
            let removed = range(number, to.as_deref())?;
            change(home, scheme, |ranges| *ranges = without(ranges, removed))
        }
        HotListCommand::Show => Ok(match current(home, scheme)? {
            Some(list) => shown(&list),
            None => none(),
        }),
        HotListCommand::Export { file } => {
            let list = current(home, scheme)?
                .ok_or_else(|| Failure::usage("there is no hot list here; `purse hotlist add` begins one"))?;
            write_private(file, list.text().as_bytes()).map_err(|error| Failure::new_file(file, &error))?;
            Ok(shown(&list))
        }
        HotListCommand::Import { file } => import(home, scheme, file),
    }
}

/// The home's list, as its issuer has signed it. One that has been changed is an error: who wants to be taken would
/// rather have none.
pub(crate) fn current(home: &Home, scheme: &Scheme) -> Result<Option<HotList>, Failure> {
    let path = home.hot_list();
    match read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::file(&path, &error)),
        Ok(text) => checked(scheme, &text).map(Some).map_err(|error| {
            Failure::other(
                format!("the hot list {} is not taken: {error}", path.display()),
                "Import it again from the issuer: `purse hotlist import FILE`.",
            )
        }),
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::io::Read::read_to_string(&mut std::io::Read::take(fs::File::open(path)?, LONGEST), &mut text)?;
    Ok(text)
}

fn checked(scheme: &Scheme, text: &str) -> Result<HotList, HotListError> {
    let list = HotList::parse(text)?;
    let key = scheme.certification.get(&list.issuer_key).and_then(|key| Software.public_key(key));
    list.check(scheme.issuer, |_| key.as_ref())?;
    Ok(list)
}

fn range(number: &str, to: Option<&str>) -> Result<Range, Failure> {
    let parsed = |text: &str| {
        digits(text).ok_or_else(|| Failure::usage(format!("`{text}` is no number of a purse: 16 digits are")))
    };
    let first = parsed(number)?;
    let last = to.map_or(Ok(first), parsed)?;
    if first <= last {
        Ok(Range { first, last })
    } else {
        Err(Failure::usage(format!("the range ends at {last}, before it begins")))
    }
}

/// The issuer's next list.
fn change(home: &Home, scheme: &Scheme, change: impl FnOnce(&mut Vec<Range>)) -> Result<Reply, Failure> {
    let Some((index, key)) = scheme.certification.last_key_value() else {
        let next = "Lists are signed with a key of [certificates] in scheme.toml; new homes have one.";
        return Err(Failure::new(ExitCode::Usage, "the scheme has no key to sign a hot list with", next));
    };
    let _lock = home.lock()?;
    let before = current(home, scheme)?;
    let mut ranges = before.as_ref().map(|list| list.ranges.clone()).unwrap_or_default();
    change(&mut ranges);
    let version = before.as_ref().map_or(0, |list| list.version).saturating_add(1);
    let list = HotList::sign(scheme.issuer, version, money::now(), &ranges, (*index, key))
        .ok_or_else(|| Failure::other("the list could not be signed", "Restore scheme.toml from a copy."))?;
    // A list that says the same is no other list: who takes a wrong number off sees that nothing has changed.
    let of = |list: &HotList| (list.ranges.clone(), list.issuer_key);
    match before {
        None if list.ranges.is_empty() => return Ok(none()),
        Some(before) if of(&before) == of(&list) => {
            Console::say("note: that changes nothing; the list stays as it is");
            return Ok(shown(&before));
        }
        _ => {}
    }
    keep(home, &list)?;
    Ok(shown(&list))
}

fn none() -> Reply {
    Reply::new("there is no hot list here", json!({ "version": null, "ranges": [] }))
}

fn keep(home: &Home, list: &HotList) -> Result<(), Failure> {
    let path = home.hot_list();
    replace_private(&path, list.text().as_bytes()).map_err(|error| Failure::file(&path, &error))
}

/// What is left of these ranges.
fn without(ranges: &[Range], removed: Range) -> Vec<Range> {
    let neighbour = |number: PartyNumber, up: bool| {
        let value = number.digits();
        let next = if up { value.checked_add(1) } else { value.checked_sub(1) };
        next.and_then(|value| digits(&format!("{value:016}")))
    };
    let mut left = Vec::new();
    for range in ranges {
        let before = neighbour(removed.first, false).filter(|last| *last >= range.first);
        if let Some(last) = before {
            left.push(Range { first: range.first, last: last.min(range.last) });
        }
        let after = neighbour(removed.last, true).filter(|first| *first <= range.last);
        if let Some(first) = after {
            left.push(Range { first: first.max(range.first), last: range.last });
        }
    }
    left
}

fn import(home: &Home, scheme: &Scheme, file: &Path) -> Result<Reply, Failure> {
    let text = match read(file) {
        // No list, like any other text that is none.
        Err(error) if error.kind() == ErrorKind::InvalidData => String::new(),
        text => text.map_err(|error| Failure::file(file, &error))?,
    };
    let list = checked(scheme, &text).map_err(|error| {
        let next = "Ask the issuer for his list; the one that is here stays.";
        Failure::new(ExitCode::Authentication, format!("{}: {error}", file.display()), next)
    })?;
    let _lock = home.lock()?;
    let here = current(home, scheme).unwrap_or(None);
    if let Some(here) = here.filter(|here| here.version >= list.version && *here != list) {
        let (file, version) = (file.display(), list.version);
        let (message, next) = if here.version == version {
            let next = "Ask the issuer for his newest one; the one that is here stays.";
            (format!("{file} is version {version}, and another list of version {version} is here"), next)
        } else {
            let message = format!("{file} is version {version}, and version {} is here", here.version);
            (message, "An older list is not taken.")
        };
        return Err(Failure::new(ExitCode::Usage, message, next));
    }
    keep(home, &list)?;
    Ok(shown(&list))
}

fn shown(list: &HotList) -> Reply {
    let mut text = format!("hot list {} of {}, {}", list.version, list.issuer, words::time(list.time));
    let mut documents: Vec<Value> = Vec::new();
    for Range { first, last } in &list.ranges {
        let line = if first == last { first.to_string() } else { format!("{first} to {last}") };
        text = format!("{text}\n{line}");
        documents.push(json!({ "first": first.to_string(), "last": last.to_string() }));
    }
    if documents.is_empty() {
        text.push_str("\nno purse is on it");
    }
    let document = json!({
        "version": list.version,
        "issuer": list.issuer.to_string(),
        "time": words::time(list.time),
        "ranges": documents,
    });
    Reply::new(text, document)
}

/// Refuses a purse that is on the home's list.
pub(crate) fn refuse_listed(context: &Context, number: PartyNumber) -> Result<(), Failure> {
    match context.hot_list()? {
        Some(list) if list.lists(number) => Err(Failure::new(
            ExitCode::Refused,
            format!("purse {number} is on the issuer's hot list (version {})", list.version),
            "Keep the card if you can, and ask the issuer.",
        )),
        _ => Ok(()),
    }
}
