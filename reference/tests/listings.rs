//! The listings of the standard.

use purse_reference::check::{Checked, check};
use purse_reference::language::syntax::Statement;
use purse_reference::standard::Standard;

#[test]
fn every_listing_is_of_the_language_and_keeps_its_rules() {
    if let Err(finding) = Standard::load() {
        panic!("{finding}");
    }
}

#[test]
fn the_text_passes_its_own_checks() {
    let standard = Standard::load().expect("the listings are of the language");
    let findings = check(&standard);
    let findings: Vec<_> = findings.iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{findings:#?}");
}

#[test]
fn a_text_with_other_lines_is_checked_as_if_all_of_it_were_new() {
    let standard = Standard::load().expect("the listings are of the language");
    let checked = Checked::of(&standard);
    let mut wrong = 0;
    for name in ["BEFORE", "LOCK", "PAST", "CHECK.PEER", "PURCHASE"] {
        let listing = standard.sources().iter().position(|source| source.name == name).expect("a listing");
        for at in 0..standard.sources()[listing].lines.len() {
            let mut sources = standard.sources().to_vec();
            sources[listing].lines[at].statement = Statement::Remark(String::new());
            let anew = Standard::new(sources.clone());
            let changed = standard.with_lines(listing, &sources[listing].lines);
            match (anew, changed) {
                (Ok(anew), Ok(changed)) => {
                    let findings = check(&anew);
                    assert_eq!(checked.again(&changed).findings(&changed), findings, "{name}, line {at}");
                    wrong += usize::from(!findings.is_empty());
                }
                (anew, changed) => {
                    assert_eq!(anew.err(), changed.err(), "{name}, line {at}");
                    wrong += 1;
                }
            }
        }
    }
    assert!(wrong > 10, "{wrong} texts have something wrong");
}
