//! The document in the project is the one that tables, listings and runs make.

use std::fs;
use std::path::{Path, PathBuf};

use purse_document::{File, book, files};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The first line that differs, for a person.
fn difference(kept: &str, made: &str) -> String {
    let lines = kept.lines().zip(made.lines()).enumerate();
    match lines.into_iter().find(|(_, (kept, made))| kept != made) {
        Some((number, (kept, made))) => format!("line {}:\n  kept {kept}\n  made {made}", number + 1),
        None => format!("{} lines are kept, {} are made", kept.lines().count(), made.lines().count()),
    }
}

fn made() -> Vec<File> {
    files().unwrap()
}

#[test]
fn what_is_kept_is_what_make_standard_writes() {
    for File { path, content } in made() {
        let kept = fs::read_to_string(root().join(&path)).unwrap_or_default();
        assert!(
            kept == content,
            "{path} is not current: run `make standard`\n{}",
            difference(&kept, &content)
        );
    }
}

#[test]
fn no_picture_is_left_over() {
    let made = made();
    for entry in fs::read_dir(root().join("docs/standard")).unwrap() {
        let path = format!("docs/standard/{}", entry.unwrap().file_name().to_string_lossy());
        assert!(made.iter().any(|file| file.path == path), "{path} is not made any more: remove it");
    }
}

#[test]
fn the_same_sources_make_the_same_bytes() {
    assert_eq!(made(), made());
}

#[test]
fn every_link_of_the_book_leads_to_one_of_its_pages() {
    let book = book::pages(&made()).unwrap();
    let page = |path: &str| book.iter().find(|file| file.path == path);
    let mut links = 0;
    for file in book.iter().filter(|file| file.content.starts_with("<!DOCTYPE html>")) {
        assert!(!file.content.contains("://"), "{} needs a network", file.path);
        for marked in ["href=\"", "src=\""] {
            for rest in file.content.split(marked).skip(1) {
                let target = rest.split('"').next().unwrap();
                let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
                let path = if path.is_empty() { file.path.as_str() } else { path };
                let led = page(path).unwrap_or_else(|| panic!("{}: no {target}", file.path));
                let is_there = anchor.is_empty() || led.content.contains(&format!("id=\"{anchor}\""));
                assert!(is_there, "{}: no {target}", file.path);
                links += 1;
            }
        }
    }
    assert!(links > 500, "{links} links");
}
