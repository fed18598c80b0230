//! Whatever the tables of the standard have stands in the document, and what stands there can be used.

mod support;

use std::collections::BTreeSet;

use apdu_spec::command::COMMANDS;
use apdu_spec::data_element::{CONSTANTS, DATA_ELEMENTS};
use apdu_spec::file::File;
use apdu_spec::life_cycle::LifeCycle;
use apdu_spec::parameter;
use apdu_spec::personalisation::group_name;
use apdu_spec::process::{LISTINGS, ListingKind};
use apdu_spec::status::StatusWord;
use purse_document::anchor;
use purse_reference::language::parse::parse;
use support::{blocks, document, headings, prose, rows, section};

/// As a table has it: what carries a number has x for its digits.
fn written(status: StatusWord) -> String {
    match status {
        StatusWord::MoreData(_) => "61xx".to_owned(),
        StatusWord::WrongPin(_) => "63Cx".to_owned(),
        StatusWord::WrongExpected(_) => "6Cxx".to_owned(),
        status => format!("{:04X}", status.code()),
    }
}

#[test]
fn every_command_has_a_section_with_its_fields_its_status_words_and_its_listing() {
    let document = document();
    for row in &COMMANDS {
        let section = section(&document, row.name);
        let rows = rows(&section);
        let has = |cell: &str, other: &str| {
            rows.iter().any(|row| row.iter().any(|c| c == cell) && row.iter().any(|c| c.contains(other)))
        };
        assert!(has("CLA", &format!("{:02X}", row.class)), "{}", row.name);
        assert!(has("INS", &format!("{:02X}", row.instruction)), "{}", row.name);
        for status in row.status_words {
            assert!(has(&written(*status), status.meaning()), "{}: {status:?}", row.name);
        }
        for field in row.data.iter().chain(row.response) {
            assert!(has(field.name, field.name), "{}: {}", row.name, field.name);
        }
        for life_cycle in row.life_cycles {
            assert!(has("executed when", life_cycle.name()), "{}: {life_cycle:?}", row.name);
        }
    }
}

#[test]
fn every_status_word_of_a_command_has_a_line_that_answers_it() {
    let document = document();
    for row in &COMMANDS {
        for status in row.status_words {
            let rows = rows(&section(&document, row.name));
            let line = rows.iter().find(|cells| cells[0] == written(*status)).expect("a row");
            assert!(line[2].chars().any(|digit| digit.is_ascii_digit()), "{}: {line:?}", row.name);
        }
    }
}

#[test]
fn every_listing_stands_in_the_document() {
    let document = document();
    let blocks = blocks(&document, "basic");
    for listing in LISTINGS {
        let title = if listing.kind == ListingKind::Before { "Order of checks" } else { listing.name };
        assert!(blocks.iter().any(|block| block.trim() == listing.text.trim()), "{}", listing.name);
        assert!(
            headings(&document).iter().any(|(_, heading)| heading.eq_ignore_ascii_case(title)),
            "{title}"
        );
    }
}

#[test]
fn every_data_element_and_constant_has_a_row() {
    let rows = rows(&section(&document(), "Names in the listings"));
    for element in DATA_ELEMENTS {
        let is_it = |cell: &str| cell.trim_matches('`').split('(').next() == Some(element.name);
        let row = rows.iter().find(|row| is_it(&row[0])).unwrap_or_else(|| panic!("no {}", element.name));
        assert!(row[2].contains(element.meaning), "{row:?}");
    }
    let rows = self::rows(&section(&document(), "Constants"));
    for constant in CONSTANTS {
        assert!(rows.iter().any(|row| row[0].trim_matches('`') == constant.name), "no {}", constant.name);
    }
}

#[test]
fn every_file_state_data_group_script_and_status_word_has_its_place() {
    let document = document();
    for file in File::ALL {
        let section = section(&document, file.name());
        assert!(section.contains("File control information"), "{}", file.name());
    }
    let states = rows(&section(&document, "Life cycle and session"));
    for life_cycle in LifeCycle::ALL {
        let byte = format!("{:02X}", life_cycle.code());
        assert!(states.iter().any(|row| row[0] == byte && row[1] == life_cycle.name()), "{life_cycle:?}");
    }
    let groups = section(&document, "Data groups");
    for identifier in (0..=u16::MAX).filter(|identifier| group_name(*identifier).is_some()) {
        let is_pocket = (0x1512..=0x1514).contains(&identifier);
        assert!(is_pocket || groups.contains(&format!("{identifier:04X}")), "{identifier:04X}");
    }
    let scripts = section(&document, "Scripts");
    for id in 0..=u8::MAX {
        if let Some(name) = parameter::name(id) {
            assert!(scripts.contains(&format!("Script {id:02X}, {name}.")), "{id:02X}");
        }
    }
    let words = rows(&section(&document, "Status words"));
    for status in StatusWord::ALL {
        let row = words.iter().find(|row| row[0] == written(status)).unwrap_or_else(|| panic!("{status:?}"));
        assert_eq!(row[1], status.meaning());
        assert!(!row[2].is_empty(), "nothing answers {status:?}");
    }
}

#[test]
fn every_link_leads_to_a_heading_and_every_heading_has_its_own() {
    let document = document();
    let mut anchors = BTreeSet::new();
    for (_, title) in headings(&document) {
        assert!(anchors.insert(anchor(&title)), "two headings are {title}");
    }
    let mut links = 0;
    for line in prose(&document) {
        for rest in line.split("](").skip(1) {
            let target = rest.split(')').next().unwrap();
            if let Some(wanted) = target.strip_prefix('#') {
                assert!(anchors.contains(wanted), "no heading for {target}: {line}");
            } else {
                let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(target);
                assert!(path.exists(), "no {target}");
            }
            links += 1;
        }
    }
    assert!(links > 200, "{links} links");
}

#[test]
fn nobody_needs_rust_to_read_it() {
    let document = document();
    for line in document.lines().filter(|line| !line.contains("word_")) {
        for wrong in ["::", ".rs", "u8", "u32", "fn ", "pub ", "Option", "Result", "unwrap"] {
            assert!(!line.contains(wrong), "{wrong}: {line}");
        }
        for word in line.split(|character: char| !character.is_alphanumeric()) {
            // A capital, a small letter, and another capital somewhere behind.
            let letters: Vec<char> = word.chars().collect();
            let [first, second, rest @ ..] = letters.as_slice() else { continue };
            let is_type = first.is_uppercase() && second.is_lowercase();
            let is_type = is_type && rest.iter().any(|letter| letter.is_uppercase());
            assert!(!is_type, "{word} is a name of a type: {line}");
        }
    }
}

#[test]
fn the_page_of_the_language_explains_every_rule_and_its_examples_are_of_the_language() {
    let page = include_str!("../../apdu-spec/processes/language.md");
    let grammar = include_str!("../../apdu-spec/processes/language.pest");
    let rules = grammar.lines().filter_map(|line| line.split_once(" = ")).map(|(rule, _)| rule.trim());
    let is_inner = |rule: &str| {
        rule.starts_with("word_")
            || ["WHITESPACE", "more", "whole", "//"].iter().any(|inner| rule.starts_with(inner))
    };
    for rule in rules.filter(|rule| !is_inner(rule)) {
        assert!(page.contains(&format!("`{rule}`")), "no word about {rule}");
    }
    let examples = blocks(page, "basic");
    assert!(examples.len() >= 8, "{} examples", examples.len());
    for example in examples {
        parse(&example).unwrap_or_else(|error| panic!("{error} in\n{example}"));
    }
    for function in purse_reference::program::functions() {
        assert!(page.contains(&format!("| `{}` |", function.call)), "{}", function.call);
    }
}
