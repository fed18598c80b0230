//! `purse-document standard` writes the document into the project, `purse-document book FOLDER` the HTML book.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use purse_document::{File, Outcome, book, files};

const USAGE: &str = "usage: purse-document standard [ROOT] | purse-document book FOLDER";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("purse-document: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Outcome<()> {
    match arguments {
        [what] if what == "standard" => write(Path::new("."), &files()?),
        [what, root] if what == "standard" => write(Path::new(root), &files()?),
        [what, folder] if what == "book" => write(Path::new(folder), &book::pages(&files()?)?),
        _ => Err(USAGE.into()),
    }
}

fn write(root: &Path, files: &[File]) -> Outcome<()> {
    for file in files {
        let path = root.join(&file.path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, &file.content)?;
    }
    Ok(())
}
