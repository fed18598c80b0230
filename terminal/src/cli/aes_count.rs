//! Counts AES exactly: the engine of the software, over a block cipher that counts its key schedules and blocks.

use std::cell::Cell;

use aes::Aes128Enc;
use aes::cipher::array::ArraySize;
use aes::cipher::inout::InOut;
use aes::cipher::{
    Block, BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, Key, KeyInit,
    KeySizeUser, ParBlocksSizeUser,
};
use apdu_spec::cryptography::{Engine, KeyBytes};
use cmac::{Cmac, Mac};

thread_local! {
    static COUNTED: Cell<AesCounts> = const { Cell::new(AesCounts { blocks: 0, schedules: 0 }) };
}

/// AES operations of this thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AesCounts {
    /// Blocks encrypted.
    pub(crate) blocks: u64,
    /// Keys expanded.
    pub(crate) schedules: u64,
}

impl AesCounts {
    /// All since the thread began.
    pub(crate) fn now() -> Self {
        COUNTED.get()
    }

    /// Since an earlier moment.
    pub(crate) const fn since(self, earlier: Self) -> Self {
        Self { blocks: self.blocks - earlier.blocks, schedules: self.schedules - earlier.schedules }
    }

    fn add(blocks: u64, schedules: u64) {
        let counted = COUNTED.get();
        COUNTED.set(Self { blocks: counted.blocks + blocks, schedules: counted.schedules + schedules });
    }
}

/// AES-128 that counts.
#[derive(Clone)]
struct CountedAes(Aes128Enc);

impl KeySizeUser for CountedAes {
    type KeySize = <Aes128Enc as KeySizeUser>::KeySize;
}

impl KeyInit for CountedAes {
    fn new(key: &Key<Self>) -> Self {
        AesCounts::add(0, 1);
        Self(Aes128Enc::new(key))
    }
}

impl BlockSizeUser for CountedAes {
    type BlockSize = <Aes128Enc as BlockSizeUser>::BlockSize;
}

impl BlockCipherEncrypt for CountedAes {
    fn encrypt_with_backend(&self, closure: impl BlockCipherEncClosure<BlockSize = Self::BlockSize>) {
        self.0.encrypt_with_backend(CountingClosure(closure));
    }
}

/// Puts the counting backend before the one that it is called with.
struct CountingClosure<C>(C);

impl<C: BlockSizeUser> BlockSizeUser for CountingClosure<C> {
    type BlockSize = C::BlockSize;
}

impl<C: BlockCipherEncClosure> BlockCipherEncClosure for CountingClosure<C> {
    fn call<B: BlockCipherEncBackend<BlockSize = C::BlockSize>>(self, backend: &B) {
        self.0.call(&CountingBackend(backend));
    }
}

/// Every block passes `encrypt_block`: the default methods for several blocks call it for each.
struct CountingBackend<'a, B>(&'a B);

impl<B: BlockSizeUser> BlockSizeUser for CountingBackend<'_, B> {
    type BlockSize = B::BlockSize;
}

impl<B: ParBlocksSizeUser> ParBlocksSizeUser for CountingBackend<'_, B>
where
    B::ParBlocksSize: ArraySize,
{
    type ParBlocksSize = B::ParBlocksSize;
}

impl<B: BlockCipherEncBackend> BlockCipherEncBackend for CountingBackend<'_, B> {
    fn encrypt_block(&self, block: InOut<'_, '_, Block<Self>>) {
        AesCounts::add(1, 0);
        self.0.encrypt_block(block);
    }
}

/// `apdu_spec::software::Software` with the cipher that counts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CountedEngine;

/// A key schedule.
pub(crate) struct CountedKey(Cmac<CountedAes>);

impl Engine for CountedEngine {
    type Key = CountedKey;

    fn load(&self, key: &KeyBytes) -> CountedKey {
        CountedKey(Cmac::new(&key.0.into()))
    }

    fn mac(&self, key: &mut CountedKey, message: &[u8]) -> [u8; 16] {
        key.0.update(message);
        key.0.finalize_reset().into_bytes().into()
    }

    fn encrypt(&self, key: &KeyBytes, block: [u8; 16]) -> [u8; 16] {
        let mut block = block.into();
        CountedAes::new(&key.0.into()).encrypt_block(&mut block);
        block.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apdu_spec::software::Software;

    #[test]
    fn a_cmac_is_its_blocks_and_one_for_the_subkeys() {
        let bytes = KeyBytes(*b"0123456789abcdef");
        for length in 0..=64_usize {
            let message = vec![7; length];
            let before = AesCounts::now();
            let mut key = CountedEngine.load(&bytes);
            assert_eq!(AesCounts::now().since(before).schedules, 1);
            let mac = CountedEngine.mac(&mut key, &message);
            assert_eq!(mac, Software.mac(&mut Software.load(&bytes), &message));
            let blocks = length.div_ceil(16).max(1) as u64 + 1;
            assert_eq!(AesCounts::now().since(before), AesCounts { blocks, schedules: 1 }, "{length}");
        }
    }
}
