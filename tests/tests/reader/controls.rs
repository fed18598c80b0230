//! The issuer changes a card in a reader: pockets, exchange, scripts here and now, from a file and with a load.
#![cfg(all(feature = "pcsc", target_os = "linux"))]

use crate::cli_support::Home;
use crate::support::{BOTH, Counter, PURSE_SLOT, SAM_SLOT};
use serde_json::json;

#[test]
fn a_card_in_a_reader_is_changed_like_a_file() {
    let counter = Counter::with_home(Home::with_money());
    counter.home.run(&["rate", "set", "EUR", "USD", "1.5"]).exits(0);
    let file = counter.home.path().join("block.json").to_str().unwrap().to_owned();
    let _cards = [counter.serve("card", PURSE_SLOT, &[]), counter.serve("sam", SAM_SLOT, &["--t0"])];
    let purse = |arguments: &[&str]| counter.run(&[arguments, &["--reader", PURSE_SLOT]].concat());

    purse(&["pocket", "add", "USD"]).exits(0);
    purse(&["exchange", "10.00", "EUR", "USD"]).exits(0);
    let poor = counter.run_both(&["pay", "1.00", "--currency", "USD"]).exits(4);
    assert!(poor.stderr.contains("has no pocket for USD"), "{poor:?}");
    counter.run(&["pocket", "add", "USD", "--sam-reader", SAM_SLOT]).exits(0);
    let paid = counter.json(&[&["pay", "1.00", "--currency", "USD"], &BOTH[..]].concat());
    assert_eq!(paid["balance"], "14.00");
    counter.run(&["collect", "--currency", "USD", "--sam-reader", SAM_SLOT]).exits(0);

    counter.home.run(&["control", "block", "--out", &file, "--number", "9555000000000018"]).exits(0);
    purse(&["control", "apply", &file]).exits(0);
    counter.run_both(&["pay", "1.00"]).exits(4);
    counter.home.run(&["control", "unblock", "--queue", "--number", "9555000000000018"]).exits(0);
    purse(&["control", "limits", "--debit", "3.00", "--queue"]).exits(0);
    let loaded = counter.json(&["load", "5.00", "--reader", PURSE_SLOT]);
    let states: Vec<_> =
        loaded["scripts"].as_array().unwrap().iter().map(|one| one["state"].clone()).collect();
    assert_eq!((states, &loaded["balance"]), (vec![json!("done"); 2], &json!("25.00")));
    counter.run_both(&["pay", "3.01"]).exits(4);
    counter.run_both(&["pay", "3.00"]).exits(0);
    assert_eq!(purse(&["history", "--count", "1"]).exits(0).stdout.matches("-3.00 EUR").count(), 1);
    assert_eq!(counter.run_both(&["recover"]).exits(0).stdout, "nothing to recover\n");
    let audit = counter.run_both(&["--json", "audit"]).exits(0).json();
    assert_eq!(audit["currencies"][1]["currency"], "USD");
    assert_eq!(audit["currencies"][1]["purses"], "14.00");
}
