//! The parts of an OpenDocument file: text with what is hidden told apart, and what acts.
//!
//! Hidden is what a style of the same part hides (`text:display`, a height of a point or less, white
//! letters without a background), hidden sections, paragraphs and fields, deleted text, hidden sheets,
//! rows, columns and slides. Limits: [`MAX_STYLES`], [`MAX_DEPTH`], [`MAX_COLUMNS`].

use std::borrow::Cow;
use std::collections::BTreeSet;

use mail::evidence::Active;

use crate::formats::ooxml::acts::open_formula;
use crate::views::{Views, links};
use crate::xml::{Event, Reader, Tag};

/// Most hiding styles of one part.
const MAX_STYLES: usize = 4096;
/// Most ranges of hidden columns of one table.
const MAX_COLUMNS: usize = 256;
/// Deepest element in which text is still told apart as hidden or shown; deeper it is like what is
/// around it.
const MAX_DEPTH: usize = 256;

/// Where the reading is.
#[derive(Default)]
struct State {
    /// Styles that hide.
    hiding: BTreeSet<String>,
    /// The style whose properties are read, and what they said.
    style: Option<String>,
    white: bool,
    shaded: bool,
    /// Elements that are open, up to [`MAX_DEPTH`]: whether each hides what is in it.
    open: Vec<bool>,
    hides: usize,
    deeper: usize,
    /// Columns of the present table that are hidden, and the column that comes next.
    columns: Vec<(u64, u64)>,
    column: u64,
    /// Inside of a page's pattern, but not of its header or footer: prompts, no text.
    pattern: bool,
    /// Inside of a text, of a script.
    texts: usize,
    script: Option<(String, String)>,
}

impl State {
    fn hidden(&self) -> bool {
        self.hides > 0
    }

    fn push(&mut self, hides: bool) {
        if self.open.len() < MAX_DEPTH {
            self.open.push(hides);
            self.hides = self.hides.saturating_add(usize::from(hides));
        } else {
            self.deeper = self.deeper.saturating_add(1);
        }
    }

    fn pop(&mut self) {
        if self.deeper > 0 {
            self.deeper = self.deeper.saturating_sub(1);
        } else if self.open.pop() == Some(true) {
            self.hides = self.hides.saturating_sub(1);
        }
    }

    /// Whether an element hides what is in it.
    fn hides(&self, tag: &Tag<'_>) -> bool {
        match tag.name {
            "tracked-changes" | "hidden-text" => true,
            "hidden-paragraph" => tag.get("is-hidden").is_none_or(|value| value != "false"),
            "section" => tag.get("display").is_some_and(|display| display == "none"),
            "table-row" => tag.get("visibility").is_some_and(|value| value == "collapse"),
            "table-cell" | "covered-table-cell" => {
                self.columns.iter().any(|(first, last)| (*first..*last).contains(&self.column))
            }
            "p" | "h" | "span" | "table" | "page" | "a" => {
                tag.get("style-name").is_some_and(|style| self.hiding.contains(&*style))
            }
            _ => false,
        }
    }

    /// Counts columns, of a table's head or of a row; `cell`: the element is not one of the head.
    fn count(&mut self, tag: &Tag<'_>, cell: bool) {
        let repeated = tag.get("number-columns-repeated").and_then(|count| count.parse().ok()).unwrap_or(1);
        let end = self.column.saturating_add(repeated);
        let hidden = !cell && tag.get("visibility").is_some_and(|value| value == "collapse");
        if hidden && self.columns.len() < MAX_COLUMNS {
            self.columns.push((self.column, end));
        }
        self.column = end;
    }

    /// Properties of a style: whether they hide.
    fn properties(&mut self, tag: &Tag<'_>) {
        let is = |name: &str, value: &str| tag.get(name).is_some_and(|found| found.eq_ignore_ascii_case(value));
        let tiny = tag.get("font-size").is_some_and(|size| {
            size.strip_suffix("pt").and_then(|size| size.parse::<f32>().ok()).is_some_and(|size| size <= 1.0)
        });
        self.white |= is("color", "#ffffff");
        self.shaded |= tag.get("background-color").is_some_and(|colour| colour != "transparent");
        let hides = is("display", "none") || is("display", "false") || is("visibility", "hidden") || tiny;
        if hides && let Some(style) = self.style.clone().filter(|_| self.hiding.len() < MAX_STYLES) {
            self.hiding.insert(style);
        }
    }
}

/// Reads a part.
pub(super) fn read(name: &str, reader: &mut Reader<'_>, views: &mut Views) {
    let mut state = State::default();
    for event in reader.by_ref() {
        match event {
            Event::Start(tag) => {
                start(name, &tag, &mut state, views);
                if !tag.empty {
                    let hides = state.hides(&tag);
                    state.push(hides);
                }
                match tag.name {
                    "table-column" => state.count(&tag, false),
                    "table-cell" | "covered-table-cell" => state.count(&tag, true),
                    _ => {}
                }
            }
            Event::End(end) => {
                ended(end, &mut state, views);
                state.pop();
            }
            Event::Text(text) => {
                if let Some((_, source)) = &mut state.script {
                    source.push_str(&text);
                } else if state.texts > 0 && !state.pattern {
                    views.text.push(&text, state.hidden());
                }
            }
            Event::Instruction(_) => {}
        }
    }
    if let Some((name, source)) = state.script {
        views.act(Active::Script, Some(&name), source);
    }
}

fn start(part: &str, tag: &Tag<'_>, state: &mut State, views: &mut Views) {
    match tag.name {
        "p" | "h" if !tag.empty => state.texts = state.texts.saturating_add(1),
        "tab" | "s" => views.text.push_char(' ', state.hidden()),
        "line-break" => views.text.end_line(state.hidden()),
        "hidden-text" => {
            views.text.push(&tag.get("string-value").unwrap_or_default(), true);
            views.text.end_line(true);
        }
        "style" => {
            state.style = tag.get("name").map(|name| name.into_owned());
            (state.white, state.shaded) = (false, false);
        }
        "text-properties"
        | "table-properties"
        | "drawing-page-properties"
        | "section-properties"
        | "paragraph-properties" => state.properties(tag),
        "master-page" => state.pattern = !tag.empty,
        "header" | "footer" | "header-left" | "footer-left" | "header-first" | "footer-first" => state.pattern = false,
        "table-row" => state.column = 0,
        // A table names its sheet.
        "table" => {
            state.columns.clear();
            state.column = 0;
            if let Some(name) = tag.get("name") {
                let hidden = state.hidden() || state.hides(tag);
                views.text.push(&name, hidden);
                views.text.end_line(hidden);
            }
        }
        "module" | "source-code" if !tag.empty => {
            // In a flat document the module has the name, and the source stands in it.
            let outer = state.script.take().map(|script| script.0);
            let name =
                if part.is_empty() { tag.get("name").map(|name| name.into_owned()) } else { Some(part.to_owned()) };
            state.script = Some((name.or(outer).unwrap_or_default(), String::new()));
        }
        _ => acts(part, tag, views),
    }
}

/// What an element does beside showing text.
fn acts(part: &str, tag: &Tag<'_>, views: &mut Views) {
    let all = |name: &str| tag.all(name).collect();
    for (what, text) in acting(tag.name, &all).into_iter().chain(computing(tag.name, &all)) {
        views.act(what, Some(part).filter(|part| !part.is_empty()), links::kept(&text));
    }
}

/// Attributes, by their local names, in which an element has formulas (ODF 1.3 part 3, 19; `calcext` is LibreOffice's).
#[must_use]
pub fn formulas(element: &str) -> &'static [&'static str] {
    match element {
        "table-cell" | "covered-table-cell" | "change-track-table-cell" => &["formula"],
        "named-expression" => &["expression"],
        "content-validation" | "map" => &["condition"],
        "condition" | "color-scale-entry" | "formatting-entry" => &["value"],
        _ => &[],
    }
}

/// What the formulas of an element with this local name do beside computing, by its attributes, of which all with a
/// local name are asked for: what it is, and the formula.
pub fn computing<'t>(element: &str, all: &dyn Fn(&str) -> Vec<Cow<'t, str>>) -> Vec<(Active, String)> {
    let texts = formulas(element).iter().flat_map(|name| all(name));
    texts.flat_map(|text| open_formula(&text).map(|what| (what, text.to_string())).collect::<Vec<_>>()).collect()
}

/// What an element with this local name does beside showing text, by its attributes, of which all with a local name
/// are asked for: what it is, and the link, action or address. Formulas: [`computing`].
pub fn acting<'t>(element: &str, all: &dyn Fn(&str) -> Vec<Cow<'t, str>>) -> Vec<(Active, String)> {
    let text = |name: &str| all(name).into_iter().next().unwrap_or_default();
    if matches!(element, "dde-source" | "dde-connection-decl") {
        let link = format!("{}|{}!{}", text("dde-application"), text("dde-topic"), text("dde-item"));
        return vec![(Active::Dde, link)];
    }
    let addresses = all("href");
    if addresses.is_empty() {
        return Vec::new();
    }
    let listener = matches!(element, "event-listener" | "event");
    let runs = listener && all("action").iter().any(|action| matches!(&**action, "execute" | "verb"));
    let event = text("event-name");
    addresses.into_iter().filter_map(|address| leads(element, listener, runs, &event, address)).collect()
}

/// What an address of an element does. `runs`: it is that of a listener which starts a program.
fn leads(element: &str, listener: bool, runs: bool, event: &str, address: Cow<'_, str>) -> Option<(Active, String)> {
    let lower = address.to_ascii_lowercase();
    if lower.starts_with("vnd.sun.star.script:") || lower.starts_with("macro:") || lower.starts_with("javascript:") {
        return Some((Active::Script, format!("{event} {address}").trim().to_owned()));
    }
    if runs || listener && links::starts_program(&address) || links::acts(&address) {
        return Some((Active::Launch, address.into_owned()));
    }
    let loads = match element {
        "a" | "event-listener" => false,
        "image" | "plugin" | "fill-image" | "background-image" => !links::is_web(&address),
        _ => true,
    };
    (loads && links::is_remote(&address)).then(|| (Active::RemoteTemplate, address.into_owned()))
}

fn ended(name: &str, state: &mut State, views: &mut Views) {
    match name {
        "p" | "h" => {
            state.texts = state.texts.saturating_sub(1);
            views.text.end_line(false);
            views.text.end_line(true);
        }
        "style" => {
            let hides = state.white && !state.shaded;
            let style = state.style.take().filter(|_| hides && state.hiding.len() < MAX_STYLES);
            state.hiding.extend(style);
        }
        "header" | "footer" | "header-left" | "footer-left" | "header-first" | "footer-first" => state.pattern = true,
        "master-page" => state.pattern = false,
        "module" | "source-code" => {
            if let Some((name, source)) = state.script.take() {
                views.act(Active::Script, Some(&name), source);
            }
        }
        _ => {}
    }
}
