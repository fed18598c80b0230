//! Puts Markdown together: headings that links find, tables, blocks of text.

use std::fmt;

/// A text that grows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Markdown {
    text: String,
}

impl Markdown {
    pub(crate) const fn new() -> Self {
        Self { text: String::new() }
    }

    /// A heading of this level.
    pub(crate) fn heading(&mut self, level: usize, title: &str) -> &mut Self {
        self.block(&format!("{} {title}", "#".repeat(level)))
    }

    /// One paragraph; the text's own line breaks stay.
    pub(crate) fn paragraph(&mut self, text: &str) -> &mut Self {
        self.block(text.trim())
    }

    /// A list, one item each.
    pub(crate) fn list(&mut self, items: &[impl AsRef<str>]) -> &mut Self {
        let items: Vec<String> = items.iter().map(|item| format!("- {}", item.as_ref())).collect();
        self.block(&items.join("\n"))
    }

    /// A block of fixed width.
    pub(crate) fn code(&mut self, language: &str, text: &str) -> &mut Self {
        self.block(&format!("```{language}\n{}\n```", text.trim_end()))
    }

    /// A table.
    pub(crate) fn table<const N: usize>(&mut self, head: [&str; N], rows: &[[String; N]]) -> &mut Self {
        let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
        let mut lines = vec![line(&head.map(str::to_owned)), format!("|{}", "---|".repeat(N))];
        lines.extend(rows.iter().map(|row| line(&row.clone().map(|cell| cell.replace('|', "\\|")))));
        self.block(&lines.join("\n"))
    }

    /// A picture beside the document.
    pub(crate) fn picture(&mut self, caption: &str, file: &str) -> &mut Self {
        self.block(&format!("![{caption}](standard/{file})"))
    }

    /// What has been written elsewhere.
    pub(crate) fn append(&mut self, other: &Self) -> &mut Self {
        self.block(other.text.trim())
    }

    fn block(&mut self, text: &str) -> &mut Self {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(text);
        self.text.push('\n');
        self
    }
}

impl fmt::Display for Markdown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// The anchor that a heading gets where Markdown is shown: small letters, digits, dashes for spaces.
pub fn anchor(title: &str) -> String {
    let kept = title.to_lowercase();
    let kept = kept.chars().filter(|character| character.is_alphanumeric() || " -_".contains(*character));
    kept.map(|character| if character == ' ' { '-' } else { character }).collect()
}

/// A link to a heading of the document.
pub(crate) fn link(title: &str) -> String {
    link_as(title, title)
}

/// The same, under another name.
pub(crate) fn link_as(text: &str, title: &str) -> String {
    format!("[{text}](#{})", anchor(title))
}

/// Bytes in hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    hex::encode_upper(bytes)
}

/// Bytes as code.
pub(crate) fn code(bytes: &[u8]) -> String {
    format!("`{}`", hexadecimal(bytes))
}
