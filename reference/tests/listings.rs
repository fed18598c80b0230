//! The listings of the standard.

use purse_reference::standard::Standard;

#[test]
fn every_listing_is_of_the_language_and_keeps_its_rules() {
    if let Err(finding) = Standard::load() {
        panic!("{finding}");
    }
}
