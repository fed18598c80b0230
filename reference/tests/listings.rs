//! The listings of the standard.

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
    let findings = purse_reference::check::check(&standard);
    let findings: Vec<_> = findings.iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{findings:#?}");
}
