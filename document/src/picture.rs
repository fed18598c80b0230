//! Pictures: what all SVG files have in common.

use std::fmt::Write as _;

/// A picture that grows.
#[derive(Debug)]
pub(crate) struct Picture {
    width: usize,
    height: usize,
    body: String,
}

/// How text stands to its point.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Anchor {
    Start,
    Middle,
}

impl Picture {
    pub(crate) const fn new(width: usize, height: usize) -> Self {
        Self { width, height, body: String::new() }
    }

    /// Sets the height, once it is known.
    pub(crate) const fn set_height(&mut self, height: usize) {
        self.height = height;
    }

    /// Puts another picture's elements over this one's.
    pub(crate) fn append(&mut self, other: &Self) {
        self.body.push_str(&other.body);
    }

    fn put(&mut self, element: &str) {
        self.body.push_str(element);
        self.body.push('\n');
    }

    pub(crate) fn line(&mut self, from: (i32, i32), to: (i32, i32), class: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.put(&format!(r#"<line class="{class}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#));
    }

    pub(crate) fn box_around(&mut self, (x, y): (i32, i32), (width, height): (i32, i32), class: &str) {
        let (left, top) = (x - width / 2, y - height / 2);
        self.put(&format!(
            r#"<rect class="{class}" x="{left}" y="{top}" width="{width}" height="{height}" rx="6"/>"#
        ));
    }

    pub(crate) fn text(&mut self, (x, y): (i32, i32), anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
        };
        let text = escape(text);
        self.put(&format!(r#"<text class="{class}" x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>"#));
    }

    /// The file: it needs nothing else, and is as readable on a dark page as on a light one.
    pub(crate) fn finish(self, title: &str) -> String {
        let Self { width, height, body } = self;
        let mut file = String::new();
        // Writing to a string cannot fail.
        let _ = write!(
            file,
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">
<title>{}</title>
<style>
text {{ font-family: sans-serif; font-size: 13px; fill: #222; }}
.name {{ font-weight: bold; }}
.bytes {{ font-family: monospace; font-size: 11px; fill: #444; }}
.small {{ font-size: 11px; }}
.life {{ stroke: #999; stroke-dasharray: 4 4; }}
.arrow {{ stroke: #222; stroke-width: 1.4; marker-end: url(#head); }}
.answer {{ stroke: #222; stroke-dasharray: 6 3; marker-end: url(#head); }}
.lost {{ stroke: #b00; stroke-dasharray: 6 3; }}
.cross {{ stroke: #b00; stroke-width: 2; }}
.box {{ fill: #eef3fb; stroke: #446; }}
.end {{ fill: #f6e8e8; stroke: #844; }}
.label {{ fill: #fff; }}
</style>
<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="#222"/></marker></defs>
<rect width="{width}" height="{height}" fill="#fff"/>
{body}</svg>
"##,
            escape(title)
        );
        file
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
