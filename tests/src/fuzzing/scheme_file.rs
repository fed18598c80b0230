//! `scheme.toml`: any text gives a clear error, or a scheme that writes a text which gives the same scheme. No error
//! says a key.

use std::sync::LazyLock;

use apdu_spec::cryptography::KeyBytes;
use apdu_spec::element::KeyVersion;
use purse_terminal::amount::Denomination;
use purse_terminal::issuer::MasterKeys;
use purse_terminal::scheme::Scheme;

use super::input::Input;

/// The key of [`TEMPLATE`], which no error may say.
const KEY: &str = "c0ffee11c0ffee22c0ffee33c0ffee44";

/// A scheme as `purse init` writes it, all its keys the same.
static TEMPLATE: LazyLock<String> = LazyLock::new(|| {
    let denomination = Denomination::from_code("EUR").expect("the euro");
    let mut scheme = Scheme::new(denomination).expect("the system has random bytes");
    let mut key = KeyBytes([0; KeyBytes::LENGTH]);
    hex::decode_to_slice(KEY, &mut key.0).expect("hexadecimal");
    let keys = MasterKeys { load: key.clone(), payment: key.clone(), tac: key.clone(), administration: key };
    scheme.keys = [(KeyVersion(1), keys.clone()), (KeyVersion(2), keys)].into();
    scheme.text().as_str().to_owned()
});

/// Runs one text: raw, or a right one with a few places changed.
///
/// # Panics
/// Where a scheme does not come back, and where an error says a key.
pub fn target(data: &[u8]) {
    let mut input = Input::new(data);
    let raw = input.byte() & 1 == 0;
    let bytes = if raw { input.rest().to_vec() } else { input.edited(TEMPLATE.as_bytes().to_vec()) };
    let Ok(text) = std::str::from_utf8(&bytes) else { return };
    match Scheme::parse(text) {
        Ok(scheme) => {
            let written = scheme.text();
            let again = Scheme::parse(&written).expect("what is written is read again");
            assert_eq!(again.text().as_str(), written.as_str());
            assert_eq!((again.issuer, again.denomination), (scheme.issuer, scheme.denomination));
            assert_eq!(again.purse_limits, scheme.purse_limits);
            assert_eq!(again.merchant_limits, scheme.merchant_limits);
            assert!(again.keys.contains_key(&again.key_version()));
        }
        Err(error) => {
            let message = error.to_string();
            assert!(!message.is_empty() && (raw || !message.contains(&KEY[8..24])), "{message}");
        }
    }
}
