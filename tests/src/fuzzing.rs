//! Fuzz targets: each takes any bytes and panics where something that must hold does not. libFuzzer drives them
//! (`make fuzz`), and an ordinary test runs every input that is kept in `fuzz/corpus`.

pub mod answers;
pub mod apdu;
pub mod card;
pub mod card_file;
pub mod elements;
mod input;
pub mod letters;
pub mod memory_image;
pub mod scheme_file;
pub mod seeds;
pub mod transmission;

/// A target by its name, which is also that of its libFuzzer binary and its corpus.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// Runs one input.
    pub run: fn(&[u8]),
}

/// Every target. `fuzz/Cargo.toml` and `fuzz/corpus` must have the same ones, and a test holds them to it.
pub const TARGETS: [Target; 9] = [
    Target { name: "answers", run: answers::target },
    Target { name: "apdu", run: apdu::target },
    Target { name: "card", run: card::target },
    Target { name: "card_file", run: card_file::target },
    Target { name: "elements", run: elements::target },
    Target { name: "letters", run: letters::target },
    Target { name: "memory_image", run: memory_image::target },
    Target { name: "scheme_file", run: scheme_file::target },
    Target { name: "transmission", run: transmission::target },
];
