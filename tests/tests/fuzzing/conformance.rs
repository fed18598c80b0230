//! The card beside the reference card, which answers by the standard's listings: every answer and the whole memory are
//! the same, after every command and after every cut.

use proptest::prelude::*;
use purse_tests::fuzzing::card;

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_card_does_what_the_listings_say(history in prop::collection::vec(any::<u8>(), 50..1200)) {
        card::target(&history);
    }
}
