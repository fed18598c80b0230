//! `doctor`: what stands between this machine and a card in a reader, and what to do about it.
//!
//! Looking ([`look`]) and judging ([`checks`]) are apart: the judgement is a pure function of what was seen.

mod checks;
mod look;
mod observed;
mod reader_conf;

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::failure::ExitCode;
use super::output::Reply;

/// How a finding bears on cards in readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// As it should be.
    Ok,
    /// Nothing is in the way, but it is worth to know.
    Note,
    /// Cards in readers cannot be used before this is mended.
    Problem,
}

impl State {
    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Problem => "problem",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    check: &'static str,
    state: State,
    found: String,
    remedy: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, state: State::Ok, found: found.into(), remedy: None }
    }

    fn note(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, state: State::Note, found: found.into(), remedy: Some(remedy.into()) }
    }

    fn problem(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, state: State::Problem, found: found.into(), remedy: Some(remedy.into()) }
    }

    fn document(&self) -> Value {
        json!({ "check": self.check, "state": self.state.name(), "found": self.found, "remedy": self.remedy })
    }
}

/// `doctor`; `configuration` is where pcscd's readers that are not on USB are configured.
pub(crate) fn doctor(configuration: &Path) -> Reply {
    reply(&checks::findings(&look::look(configuration)))
}

fn reply(findings: &[Finding]) -> Reply {
    let ready = findings.iter().all(|finding| finding.state != State::Problem);
    let documents: Vec<Value> = findings.iter().map(Finding::document).collect();
    Reply::new(text(findings, ready), json!({ "findings": documents, "ready": ready }))
        .with_exit((!ready).then_some(ExitCode::NoCard))
}

fn text(findings: &[Finding], ready: bool) -> String {
    let mut text = String::new();
    for Finding { check, state, found, remedy } in findings {
        // A String takes everything.
        let _ = writeln!(text, "{:<8} {check:<10}  {found}", state.name());
        for line in remedy.iter().flat_map(|remedy| remedy.lines()) {
            let _ = writeln!(text, "{:21}{line}", "");
        }
    }
    text.push_str(if ready { "Ready for cards in readers." } else { "Not ready for cards in readers." });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_problem_is_not_ready() {
        let findings = [
            Finding::ok("a", "fine"),
            Finding::note("b", "hm", "look"),
            Finding::problem("c", "bad", "do\nthis"),
        ];
        let good = reply(&findings[..2]);
        assert_eq!((good.exit, good.text.lines().last()), (None, Some("Ready for cards in readers.")));
        let bad = reply(&findings);
        assert_eq!(bad.exit, Some(ExitCode::NoCard));
        assert_eq!(
            bad.text,
            "ok       a           fine\n\
             note     b           hm\n                     look\n\
             problem  c           bad\n                     do\n                     this\n\
             Not ready for cards in readers."
        );
    }

    #[test]
    fn a_finding_without_remedy_has_null() {
        let document = Finding::ok("a", "fine").document();
        assert_eq!(document, json!({ "check": "a", "state": "ok", "found": "fine", "remedy": null }));
    }
}
