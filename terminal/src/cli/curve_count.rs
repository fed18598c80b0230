//! Counts operations on P-256: the curve of the software, behind a counter.

use std::cell::Cell;

use apdu_spec::curve::{Curve, PrivateKey, PublicKey, SharedSecret, Signature};
use apdu_spec::software::Software;

use super::aes_count::CountedEngine;

thread_local! {
    static COUNTED: Cell<CurveCounts> =
        const { Cell::new(CurveCounts { verifications: 0, agreements: 0, public_keys: 0 }) };
}

/// P-256 operations of this thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CurveCounts {
    /// Signatures verified.
    pub(crate) verifications: u64,
    /// ECDH.
    pub(crate) agreements: u64,
    /// Public keys computed.
    pub(crate) public_keys: u64,
}

impl CurveCounts {
    /// All since the thread began.
    pub(crate) fn now() -> Self {
        COUNTED.get()
    }

    /// Since an earlier moment.
    pub(crate) const fn since(self, earlier: Self) -> Self {
        Self {
            verifications: self.verifications - earlier.verifications,
            agreements: self.agreements - earlier.agreements,
            public_keys: self.public_keys - earlier.public_keys,
        }
    }

    /// With those of another piece of work.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self {
            verifications: self.verifications + other.verifications,
            agreements: self.agreements + other.agreements,
            public_keys: self.public_keys + other.public_keys,
        }
    }
}

fn count(change: impl FnOnce(&mut CurveCounts)) {
    let mut counted = COUNTED.get();
    change(&mut counted);
    COUNTED.set(counted);
}

impl Curve for CountedEngine {
    const DEPTH: usize = Software::DEPTH;

    fn public_key(&self, private: &PrivateKey) -> Option<PublicKey> {
        count(|counts| counts.public_keys += 1);
        Software.public_key(private)
    }

    fn verify(&self, public: &PublicKey, message: &[u8], signature: &Signature) -> bool {
        count(|counts| counts.verifications += 1);
        Software.verify(public, message, signature)
    }

    fn agree(&self, private: &PrivateKey, peer: &PublicKey) -> Option<SharedSecret> {
        count(|counts| counts.agreements += 1);
        Software.agree(private, peer)
    }

    fn hash(&self, message: &[u8]) -> [u8; 32] {
        Software.hash(message)
    }
}
