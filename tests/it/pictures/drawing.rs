//! Lines of a terminal as a picture, for light and dark pages.

use std::fmt::Write;

/// In pixels.
const COLUMN: f64 = 8.43;
const LINE: usize = 21;
const MARGIN: usize = 20;
const TOP: usize = 58;

/// The colours that cast uses, as classes: bold, red, green, yellow, cyan.
const STYLE: &str = "\
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #1f2328 }
.page { fill: #f6f8fa; stroke: #d1d9e0 } .dot { fill: #c8ccd1 }
.c1 { fill: #000000 } .c31 { fill: #cf222e } .c32 { fill: #1a7f37 } .c33 { fill: #9a6700 } .c36 { fill: #0969da }
@media (prefers-color-scheme: dark) {
text { fill: #c9d1d9 } .page { fill: #0d1117; stroke: #6e7681 } .dot { fill: #484f58 }
.c1 { fill: #ffffff } .c31 { fill: #ff7b72 } .c32 { fill: #7ee787 } .c33 { fill: #e3b341 } .c36 { fill: #79c0ff }
}";

pub struct Picture<'a> {
    pub title: &'a str,
    /// Of the terminal.
    pub columns: usize,
    pub lines: &'a [String],
}

impl Picture<'_> {
    #[allow(clippy::cast_precision_loss)] // columns
    pub fn to_svg(&self) -> String {
        let width = (self.columns as f64 * COLUMN).ceil() + 2.0 * MARGIN as f64;
        let height = TOP + self.lines.len() * LINE;
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             role=\"img\">\n<title>{}</title>\n<style>\n{STYLE}\n</style>\n<rect class=\"page\" x=\".5\" y=\".5\" \
             width=\"{}\" height=\"{}\" rx=\"8\"/>\n",
            self.title,
            width - 1.0,
            height - 1
        );
        for dot in 0..3 {
            writeln!(out, "<circle class=\"dot\" cx=\"{}\" cy=\"20\" r=\"5.5\"/>", 22 + 18 * dot).unwrap();
        }
        for (number, line) in self.lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
            // On each text: Chromium does not take it from a group.
            let place = format!("x=\"{MARGIN}\" y=\"{}\" xml:space=\"preserve\"", TOP + number * LINE);
            writeln!(out, "<text {place}>{}</text>", spans(line)).unwrap();
        }
        out + "</svg>\n"
    }
}

/// A line with the terminal's colours.
fn spans(line: &str) -> String {
    let mut pieces = line.split("\x1b[");
    let mut out = escaped(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (code, text) = piece.split_once('m').expect("only colours stand in a line");
        let colour = code.rsplit(';').next().unwrap_or_default();
        match (text, colour) {
            ("", _) => {}
            (text, "1" | "31" | "32" | "33" | "36") => {
                write!(out, "<tspan class=\"c{colour}\">{}</tspan>", escaped(text)).unwrap();
            }
            (text, _) => out += &escaped(text),
        }
    }
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// With what is different each time left out: times, and what git and a diff say of contents that are encrypted anew.
pub fn without_what_changes(text: &str) -> String {
    // Digits, and hexadecimal digits.
    const SHAPES: [&str; 4] = ["0000-00-00 00:00:00", "0000-00-00T00:00:00Z", "xxxxxxx..xxxxxxx", "#xxxxxxxx"];
    let fits = |shape: &str, text: &str| {
        text.bytes().zip(shape.bytes()).all(|(is, wanted)| match wanted {
            b'0' => is.is_ascii_digit(),
            b'x' => is.is_ascii_hexdigit(),
            _ => is == wanted,
        })
    };
    let mut out = String::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let shape = SHAPES.iter().find(|shape| rest.get(..shape.len()).is_some_and(|text| fits(shape, text)));
        if let Some(shape) = shape {
            rest = &rest[shape.len()..];
        } else {
            out.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    out
}
