//! What acts, or is loaded from elsewhere: a document with nothing of it stays as it is.

use std::collections::BTreeSet;

use mail::evidence::Active;
use memchr::memmem;
use unpack::formats::html::{MAX_ATTRIBUTES, Tokens, undone};

use super::address::{is_picture, is_victim, leads_out};
use super::css;

/// Elements that run something, or show a document of their own.
const RUNS: [&str; 11] =
    ["script", "iframe", "frame", "frameset", "object", "embed", "applet", "portal", "handler", "listener", "base"];
/// Elements that ask for something and send it.
const FORMS: [&str; 10] =
    ["form", "isindex", "input", "button", "select", "textarea", "keygen", "option", "optgroup", "datalist"];
/// Attributes that say where a form is sent.
const SENDS: [&str; 2] = ["action", "formaction"];
/// Elements that change an attribute later.
const CHANGES: [&str; 5] = ["set", "animate", "animatetransform", "animatemotion", "animatecolor"];
/// Attributes whose address is loaded when the document is shown, but on links.
const LOADS: [&str; 10] =
    ["src", "srcset", "imagesrcset", "background", "poster", "data", "lowsrc", "dynsrc", "longdesc", "icon"];
/// Elements whose `href` is a link that somebody has to follow.
const LINKS: [&str; 2] = ["a", "area"];
/// Longest start of an address that is looked at to see its scheme, in bytes as written.
const MAX_SCHEME: usize = 512;

/// What goes.
pub(super) struct Rules<'a> {
    script: bool,
    form: bool,
    open: bool,
    /// Whether what is loaded from elsewhere goes.
    pub(super) remote: bool,
    /// Contents of `data:` addresses that go, whatever they are.
    pub(super) victims: Vec<&'a [u8]>,
}

fn lower(name: &[u8]) -> String {
    let local = name.rsplit(|byte| *byte == b':').next().unwrap_or(name);
    String::from_utf8_lossy(local).to_ascii_lowercase()
}

/// How a value begins that some program may run or open, wherever it stands.
const OPENS: [&str; 3] = ["javascript:", "vbscript:", "data:"];

/// Whether some program may run or open a value, wherever it stands.
pub(super) fn opens(value: &[u8]) -> bool {
    let read = letters(value);
    OPENS.iter().any(|start| read.starts_with(start))
}

/// The start of a value as a program reads it: references undone, blanks and control characters gone.
pub(super) fn letters(value: &[u8]) -> String {
    let start = value.get(..MAX_SCHEME).unwrap_or(value);
    undone(start).chars().filter(|letter| *letter > ' ').collect::<String>().to_ascii_lowercase()
}

impl<'a> Rules<'a> {
    pub(super) fn new(active: &BTreeSet<Active>, victims: Vec<&'a [u8]>) -> Self {
        let has = |what| active.contains(&what);
        Self {
            // What scripts put together goes with them.
            script: has(Active::Script) || !victims.is_empty(),
            form: has(Active::Form),
            open: has(Active::OpenUri),
            remote: has(Active::RemoteContent),
            victims,
        }
    }

    /// Whether an element acts by itself.
    pub(super) fn element_acts(&self, name: &[u8]) -> bool {
        let name = lower(name);
        self.script && RUNS.contains(&name.as_str()) || self.form && FORMS.contains(&name.as_str())
    }

    /// Whether a start tag acts.
    pub(super) fn tag_acts(&self, name: &[u8], tokens: &Tokens<'_>) -> bool {
        let attributes = tokens.attributes();
        // There may be more of them than were read.
        if self.element_acts(name) || attributes.len() >= MAX_ATTRIBUTES {
            return true;
        }
        let find =
            |wanted: &str| attributes.iter().find(|(key, _)| lower(key) == wanted).map(|(_, value)| letters(value));
        match lower(name).as_str() {
            "meta" => (self.open || self.script) && find("http-equiv").is_some_and(|kind| kind == "refresh"),
            "link" => {
                let kind = find("rel").unwrap_or_default();
                let remote = find("href").is_some_and(|address| leads_out(&address));
                self.script && kind.contains("import") || self.remote && remote
            }
            name if CHANGES.contains(&name) => {
                let target = find("attributename").unwrap_or_default();
                self.script && (target.starts_with("on") || target.ends_with("href"))
            }
            _ => false,
        }
    }

    /// Whether an attribute acts.
    pub(super) fn attribute_acts(&self, element: &[u8], key: &[u8], value: &[u8]) -> bool {
        let (element, key) = (lower(element), lower(key));
        let starts = letters(value);
        if self.script {
            let handler = key.len() > 2 && key.starts_with("on");
            let scheme =
                ["javascript:", "vbscript:", "livescript:", "mocha:"].iter().any(|scheme| starts.starts_with(scheme));
            // Lists of values, one of which is taken later.
            let later =
                CHANGES.contains(&element.as_str()) && memmem::find(letters_of(value).as_bytes(), b"script:").is_some();
            if handler || scheme || later || key == "srcdoc" || self.carries(&starts, value) {
                return true;
            }
        }
        if self.form && SENDS.contains(&key.as_str()) {
            return true;
        }
        if key == "style" {
            let text = undone(value);
            return self.script && css::acts(&text) || self.remote && css::loads(&text);
        }
        if !self.remote {
            return false;
        }
        let link = LINKS.contains(&element.as_str());
        let loads = LOADS.contains(&key.as_str()) || key == "href" && !link || key == "ping";
        loads && leads_out(&starts) || key.ends_with("srcset") && letters_of(value).contains("//")
    }

    /// Whether an address carries a file that is no picture, or one that goes.
    fn carries(&self, starts: &str, value: &[u8]) -> bool {
        let listed = starts.find("data:").is_some_and(|at| at > 0) && starts.contains(";base64,");
        let Some(kind) = starts.strip_prefix("data:") else {
            return listed && starts.split("data:").skip(1).any(|rest| !is_picture(rest));
        };
        if !is_picture(kind) {
            return true;
        }
        is_victim(value, self)
    }

    /// Whether something between tags acts: what gives XML a style from elsewhere, or attributes to elements.
    pub(super) fn declaration_acts(&self, gap: &[u8]) -> bool {
        let lower = gap.to_ascii_lowercase();
        let has = |word: &[u8]| memmem::find(&lower, word).is_some();
        (self.script || self.remote) && has(b"<?xml-stylesheet") || self.script && has(b"<!attlist")
    }

    /// Whether a style sheet acts.
    pub(super) fn style_acts(&self, raw: &[u8]) -> bool {
        let text = String::from_utf8_lossy(raw);
        self.script && css::acts(&text) || self.remote && css::loads(&text)
    }
}

fn letters_of(value: &[u8]) -> String {
    undone(value).chars().filter(|letter| *letter > ' ').collect::<String>().to_ascii_lowercase()
}
