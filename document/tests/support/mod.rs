//! The document as someone reads it who has nothing else: text, tables, headings.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::fs;
use std::path::Path;

/// docs/standard.md.
pub(crate) fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/standard.md");
    fs::read_to_string(path).unwrap()
}

/// Lines outside of blocks of fixed width.
pub(crate) fn prose(document: &str) -> Vec<&str> {
    let mut is_code = false;
    let mut lines = Vec::new();
    for line in document.lines() {
        let is_fence = line.starts_with("```");
        is_code ^= is_fence;
        if !is_code && !is_fence {
            lines.push(line);
        }
    }
    lines
}

/// Blocks of fixed width in this language.
pub(crate) fn blocks(document: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    for part in document.split(&format!("\n```{language}\n")).skip(1) {
        blocks.push(part.split("\n```").next().unwrap().to_owned());
    }
    blocks
}

/// Titles of headings, with their level.
pub(crate) fn headings(document: &str) -> Vec<(usize, String)> {
    let lines = prose(document);
    let headings = lines.into_iter().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let level = line.chars().take_while(|character| *character == '#').count();
            (level, line[level..].trim().to_owned())
        })
        .collect()
}

/// What stands below a heading, up to the next one.
pub(crate) fn section(document: &str, title: &str) -> String {
    let mut is_in = false;
    let mut is_code = false;
    let mut lines = Vec::new();
    for line in document.lines() {
        is_code ^= line.starts_with("```");
        if !is_code && line.starts_with('#') {
            is_in = line.trim_start_matches('#').trim() == title;
        } else if is_in {
            lines.push(line);
        }
    }
    assert!(!lines.is_empty(), "no section {title}");
    lines.join("\n")
}

/// Cells of every row of every table.
pub(crate) fn rows(text: &str) -> Vec<Vec<String>> {
    let lines = prose(text).into_iter().filter(|line| line.starts_with('|') && !line.starts_with("|-"));
    lines
        .map(|line| {
            let line = line.trim_matches('|').replace("\\|", "\u{1}");
            line.split('|').map(|cell| cell.trim().replace('\u{1}', "|")).collect()
        })
        .collect()
}
