//! The same document as a book of HTML pages, which need nothing from anywhere else.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use crate::{DOCUMENT, File, Outcome, anchor};

const STYLE: &str = include_str!("book.css");

/// A page before it is written.
struct Page<'a> {
    file: String,
    title: String,
    events: Vec<Event<'a>>,
    /// Title and anchor of its sections.
    sections: Vec<(String, String)>,
}

/// The book's files, made of the document and its pictures.
///
/// # Errors
/// There is no document among them.
pub fn pages(files: &[File]) -> Outcome<Vec<File>> {
    let document = files.iter().find(|file| file.path == DOCUMENT).ok_or("no document")?;
    let mut pages = split(&document.content);
    let places: Vec<(String, String)> = pages
        .iter()
        .flat_map(|page| page.sections.iter().map(|(_, anchor)| (anchor.clone(), page.file.clone())))
        .collect();
    let contents: Vec<(String, String)> =
        pages.iter().map(|page| (page.file.clone(), page.title.clone())).collect();
    let mut book = vec![File { path: "book.css".to_owned(), content: STYLE.to_owned() }];
    for page in &mut pages {
        for event in &mut page.events {
            relink(event, &places);
        }
        let file = page.file.clone();
        book.push(File { path: file, content: write(page, &contents) });
    }
    for picture in files.iter().filter(|file| file.path.starts_with("docs/standard/")) {
        let path = picture.path.trim_start_matches("docs/").to_owned();
        book.push(File { path, content: picture.content.clone() });
    }
    Ok(book)
}

/// One page for each chapter; what precedes the first is the index.
fn split(document: &str) -> Vec<Page<'_>> {
    let mut pages = Vec::new();
    let mut page = Page {
        file: "index.html".to_owned(),
        title: String::new(),
        events: Vec::new(),
        sections: Vec::new(),
    };
    let mut heading: Option<(HeadingLevel, String)> = None;
    let mut held = Vec::new();
    for event in Parser::new_ext(document, Options::ENABLE_TABLES) {
        match &event {
            Event::Start(Tag::Heading { level, .. }) => {
                if *level == HeadingLevel::H2 {
                    let number = pages.len() + 1;
                    let next = Page {
                        file: format!("{number:02}.html"),
                        title: String::new(),
                        events: Vec::new(),
                        sections: Vec::new(),
                    };
                    pages.push(std::mem::replace(&mut page, next));
                }
                heading = Some((*level, String::new()));
            }
            Event::End(TagEnd::Heading(_)) => {
                if let Some((level, title)) = heading.take() {
                    let id = anchor(&title);
                    let start = Tag::Heading {
                        level,
                        id: Some(CowStr::from(id.clone())),
                        classes: Vec::new(),
                        attrs: Vec::new(),
                    };
                    page.events.push(Event::Start(start));
                    page.events.append(&mut held);
                    page.events.push(event);
                    if page.title.is_empty() {
                        page.title.clone_from(&title);
                    }
                    page.sections.push((title, id));
                }
            }
            _ if heading.is_some() => {
                if let (Event::Text(text) | Event::Code(text), Some((_, title))) = (&event, &mut heading) {
                    title.push_str(text);
                }
                held.push(event);
            }
            _ => page.events.push(event),
        }
    }
    pages.push(page);
    pages
}

/// Links within the document lead to the page where their heading is now.
fn relink(event: &mut Event<'_>, places: &[(String, String)]) {
    if let Event::Start(Tag::Link { dest_url, .. }) = event
        && let Some(wanted) = dest_url.strip_prefix('#')
        && let Some((_, file)) = places.iter().find(|(anchor, _)| anchor == wanted)
    {
        *dest_url = CowStr::from(format!("{file}#{wanted}"));
    }
}

fn write(page: &Page<'_>, contents: &[(String, String)]) -> String {
    let mut body = String::new();
    html::push_html(&mut body, page.events.iter().cloned());
    let list: Vec<String> = contents
        .iter()
        .map(|(file, title)| {
            let link = format!("<a href=\"{file}\">{title}</a>");
            if *file == page.file {
                format!("<li class=\"here\">{link}\n{}</li>\n", sections(page))
            } else {
                format!("<li>{link}</li>\n")
            }
        })
        .collect();
    let list = list.concat();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<link rel=\"stylesheet\" href=\"book.css\">\n</head>\n<body>\n<nav><ol>\n{list}</ol></nav>\n<main>\n{body}</main>\n</body>\n</html>\n",
        page.title
    )
}

/// The contents of one page.
fn sections(page: &Page<'_>) -> String {
    let links = page.sections.iter().skip(1);
    let links = links.map(|(title, anchor)| format!("<li><a href=\"#{anchor}\">{title}</a></li>\n"));
    format!("<ul>\n{}</ul>", links.collect::<Vec<_>>().concat())
}
