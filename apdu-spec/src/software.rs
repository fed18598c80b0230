//! The engine in software, on the RustCrypto crates `aes` and `cmac`.

use aes::Aes128Enc;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use cmac::{Cmac, Mac};

use crate::cryptography::{Engine, KeyBytes};

/// AES-128 and AES-CMAC in software; keys are wiped when dropped.
#[derive(Clone, Copy, Debug, Default)]
pub struct Software;

/// A key schedule. The state of a computation is reset after each.
#[derive(Clone)]
pub struct SoftwareKey(Cmac<Aes128Enc>);

impl core::fmt::Debug for SoftwareKey {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("SoftwareKey(..)")
    }
}

impl Engine for Software {
    type Key = SoftwareKey;

    fn load(&self, key: &KeyBytes) -> SoftwareKey {
        SoftwareKey(Cmac::new(&key.0.into()))
    }

    fn mac(&self, key: &mut SoftwareKey, message: &[u8]) -> [u8; 16] {
        key.0.update(message);
        key.0.finalize_reset().into_bytes().into()
    }

    fn encrypt(&self, key: &KeyBytes, block: [u8; 16]) -> [u8; 16] {
        let mut block = block.into();
        Aes128Enc::new(&key.0.into()).encrypt_block(&mut block);
        block.into()
    }
}
