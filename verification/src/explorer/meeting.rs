//! Certificates that are shown to cards: every purse's, that of a purse which is not there, and forged ones.

use std::cell::RefCell;

use apdu_spec::certificate::{Certificate, CertificateBody};
use apdu_spec::command::Command;
use apdu_spec::curve::PrivateKey;
use apdu_spec::number::PartyNumber;
use purse_tests::scheme::{key_pair, party, public_key, signed};
use rustc_hash::FxHashMap;

/// A certificate, by whose it is, and whether the issuer has signed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shown {
    /// Whose number it names.
    pub number: PartyNumber,
    /// If not, it is over the attacker's key and by it.
    pub is_genuine: bool,
}

/// A purse of the same issuer that takes no part: the attacker has nothing of it but its certificate.
pub(super) fn stranger() -> PartyNumber {
    party(8)
}

impl Shown {
    /// The certificate of this purse.
    pub(super) const fn of(number: PartyNumber) -> Self {
        Self { number, is_genuine: true }
    }

    fn certificate(self) -> Certificate {
        let genuine = key_pair(self.number).certificate;
        if self.is_genuine {
            return genuine;
        }
        let own = PrivateKey([0x66; 32]);
        signed(CertificateBody { public_key: public_key(&own), ..genuine.body }, &own)
    }

    /// VERIFY CERTIFICATE.
    pub(super) fn command(self) -> Vec<u8> {
        thread_local! {
            static COMMANDS: RefCell<FxHashMap<Shown, Vec<u8>>> = RefCell::default();
        }
        COMMANDS.with_borrow_mut(|known| {
            let make = || Command::VerifyCertificate(self.certificate()).emit().as_bytes().to_vec();
            known.entry(self).or_insert_with(make).clone()
        })
    }
}
