//! Writes the inputs that fuzzing begins with: `fuzz-seeds DIRECTORY` makes a directory for each target there.

use std::path::Path;

use purse_tests::fuzzing::{TARGETS, seeds::seeds};

fn main() -> std::io::Result<()> {
    let Some(directory) = std::env::args_os().nth(1) else {
        eprintln!("usage: fuzz-seeds DIRECTORY");
        std::process::exit(2);
    };
    for target in TARGETS {
        let directory = Path::new(&directory).join(target.name);
        std::fs::create_dir_all(&directory)?;
        for (number, seed) in seeds(target.name).into_iter().enumerate() {
            std::fs::write(directory.join(format!("seed-{number:03}")), seed)?;
        }
    }
    Ok(())
}
