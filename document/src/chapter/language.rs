//! The page about the language, with the table of functions set in.

use purse_reference::program::functions;

use crate::Outcome;
use crate::markdown::Markdown;

/// The page as it is, table of functions included.
const PAGE: &str = include_str!("../../../apdu-spec/processes/language.md");
/// The grammar.
const GRAMMAR: &str = include_str!("../../../apdu-spec/processes/language.pest");

const BEGIN: &str = "<!-- functions: `make standard` writes this table -->";
const END: &str = "<!-- end of functions -->";

/// Where the page is kept.
pub(crate) const fn page() -> &'static str {
    "apdu-spec/processes/language.md"
}

/// The page with the table of functions as the interpreter has them.
pub(crate) fn with_functions() -> Outcome<String> {
    let (front, rest) = PAGE.split_once(BEGIN).ok_or("the page has no place for functions")?;
    let (_, back) = rest.split_once(END).ok_or("the table of functions has no end")?;
    let mut table = Markdown::new();
    let rows: Vec<[String; 3]> = functions()
        .map(|function| [format!("`{}`", function.call), function.result, function.meaning.to_owned()])
        .collect();
    table.table(["function", "gives", "meaning"], &rows);
    Ok(format!("{front}{BEGIN}\n\n{table}\n{END}{back}"))
}

/// As a chapter: without its title, every heading one level down, the grammar behind it.
pub(crate) fn write() -> Markdown {
    let page = with_functions().unwrap_or_default();
    let mut lines = Vec::new();
    let mut is_code = false;
    for line in page.lines().skip_while(|line| !line.starts_with("# ")).skip(1) {
        is_code ^= line.starts_with("```");
        if line.starts_with("<!--") {
            continue;
        }
        let is_heading = !is_code && line.starts_with("##");
        lines.push(if is_heading { format!("#{line}") } else { line.to_owned() });
    }
    let mut text = Markdown::new();
    text.paragraph(&lines.join("\n")).heading(3, "Grammar").paragraph(
        "In the notation of parsing expression grammars: `~` is a sequence, `|` an ordered choice, `?`, `*`, `+` repetitions, `!` and `&` look ahead. A rule with `@` takes no white space within.",
    );
    text.code("text", GRAMMAR);
    text
}
