//! What is taken out of a document while its tags are read.

use std::collections::BTreeMap;

use mail::evidence::{Active, FileKind, Role, UnscannedReason};

use super::{MAX_DOCUMENTS, MAX_FILES, MAX_SCRIPTS};
use crate::budget::Budget;
use crate::bytes::between;
use crate::detect;
use crate::formats::texts::encoded;
use crate::views::html::entities::undone;
use crate::views::html::text::Page;
use crate::views::html::{Mode, Token, Tokens, local};
use crate::views::script::{Dialect, data_url};
use crate::views::{MAX_ACTIVE, Views};

/// Most bytes of event handlers and `javascript:` addresses, which come as one.
const MAX_HANDLERS: usize = 1024 * 1024;
/// Longest kind of a `script` element that is looked at, in bytes.
const MAX_KIND: usize = 100;
/// Attributes that hold an address which a click, a load or a sending opens.
const FORM: [&[u8]; 2] = [b"action", b"formaction"];
/// Attributes whose address is loaded when the document is shown.
const LOADS: [&[u8]; 5] = [b"src", b"srcset", b"background", b"poster", b"data"];
/// Longest start of an address that is looked at to see where it leads, in bytes.
const MAX_LEAD: usize = 256;

/// A file in a document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct File {
    pub(crate) name: Option<String>,
    pub(crate) declared: Option<String>,
    pub(crate) role: Role,
    pub(crate) content: Vec<u8>,
}

/// Scripts of one reading of a document, in order.
type Scripts = Vec<(Dialect, String)>;

/// See the module.
#[derive(Default)]
pub(crate) struct Found {
    views: Views,
    pub(crate) files: Vec<File>,
    /// Which files have a length and checksum, so that each comes once.
    known: BTreeMap<(usize, u32), Vec<usize>>,
    /// Documents in the document, and whether they are XML.
    pub(crate) documents: Vec<(Vec<u8>, bool)>,
    scripts: Scripts,
    /// Those of each reading so far, to be put together apart.
    groups: Vec<Scripts>,
    group_bytes: usize,
    script_bytes: usize,
    handlers: String,
    handlers_read: usize,
    /// Scripts with their constants put together.
    pub(crate) view: String,
    /// The first address of what is loaded from elsewhere.
    remote: Option<String>,
    /// There was more than is kept.
    pub(crate) over: bool,
    acts: usize,
}

impl Found {
    /// Reads a document in every mode in which it may be other markup.
    pub(crate) fn read(
        &mut self,
        document: &[u8],
        xml: bool,
        texts: bool,
        budget: &mut Budget,
        problems: &mut Vec<UnscannedReason>,
    ) {
        let further = self.read_as(document, xml, Mode::default(), texts);
        for mode in further {
            if let Err(limit) = budget.burn(document.len() as u64) {
                problems.push(limit.into());
                return;
            }
            self.read_as(document, xml, mode, false);
        }
    }

    /// Reads a document in one mode; gives the others in which it may be other markup.
    fn read_as(&mut self, document: &[u8], xml: bool, mode: Mode, texts: bool) -> Vec<Mode> {
        self.end_reading();
        let handlers = self.handlers.len();
        let further = self.walk(document, xml, mode, texts);
        if self.end_reading() {
            self.handlers.truncate(handlers);
            self.handlers_read = handlers;
        }
        further
    }

    /// Puts the scripts of a reading apart; tells whether another one had the same.
    fn end_reading(&mut self) -> bool {
        let mut scripts = std::mem::take(&mut self.scripts);
        let bytes = std::mem::take(&mut self.script_bytes);
        let handlers = self.handlers.get(self.handlers_read..).unwrap_or("").to_owned();
        self.handlers_read = self.handlers.len();
        if !handlers.is_empty() {
            scripts.push((Dialect::Js, handlers));
        }
        if scripts.is_empty() {
            return false;
        }
        if self.groups.contains(&scripts) {
            return true;
        }
        self.group_bytes = self.group_bytes.saturating_add(bytes);
        if self.group_bytes > MAX_SCRIPTS.saturating_mul(2) {
            self.over = true;
        } else {
            self.groups.push(scripts);
        }
        false
    }

    fn walk(&mut self, document: &[u8], xml: bool, mode: Mode, texts: bool) -> Vec<Mode> {
        let mut tokens = Tokens::with_mode(document, xml, mode);
        let mut page = Page::default();
        let mut dialect = Some(Dialect::Js);
        while let Some(token) = tokens.next() {
            match token {
                Token::Start(name) => {
                    if local(name).eq_ignore_ascii_case(b"script") {
                        dialect = language(tokens.attributes());
                    }
                    self.start(name, tokens.attributes());
                }
                Token::Raw(name, raw) if local(name).eq_ignore_ascii_case(b"script") => {
                    self.script(raw, dialect, tokens.is_xml());
                }
                Token::Raw(name, raw) if name.eq_ignore_ascii_case(b"style") => self.style(raw),
                _ => {}
            }
            if texts {
                page.token(token, &tokens, &mut self.views.text);
            }
        }
        self.over |= tokens.cut();
        tokens.further()
    }

    /// What acts, and the text.
    pub(crate) fn into_views(mut self) -> Views {
        if !self.handlers.is_empty() {
            self.views.act(Active::Script, Some("event handlers"), self.handlers);
        }
        if let Some(address) = self.remote {
            self.views.act(Active::RemoteContent, None, address);
        }
        self.views
    }

    /// Scripts that were read since the last time, by readings.
    pub(crate) fn take_scripts(&mut self) -> Vec<Scripts> {
        self.end_reading();
        self.group_bytes = 0;
        std::mem::take(&mut self.groups)
    }

    /// Keeps a file; one that no program would know is kept too.
    pub(crate) fn file(&mut self, file: File) {
        let same = self.known.entry((file.content.len(), crc32fast::hash(&file.content))).or_default();
        let known = same.iter().any(|at| self.files.get(*at).is_some_and(|other| other.content == file.content));
        if file.content.is_empty() || known {
            return;
        }
        if self.files.len() >= MAX_FILES {
            self.over = true;
            return;
        }
        same.push(self.files.len());
        // A page that does not look like one when it stands alone is read here.
        let html = file.declared.as_deref().is_some_and(|kind| kind.contains("html") || kind.contains("xml"));
        if html && !matches!(detect(&file.content), FileKind::Html | FileKind::Svg | FileKind::Xml) {
            self.document(file.content.clone(), false);
        }
        self.files.push(file);
    }

    /// Keeps a document in the document.
    pub(crate) fn document(&mut self, document: Vec<u8>, xml: bool) {
        if self.documents.iter().any(|(known, _)| *known == document) {
            return;
        }
        if self.documents.len() >= MAX_DOCUMENTS {
            self.over = true;
            return;
        }
        self.documents.push((document, xml));
    }

    /// Keeps a script that is no element of a page.
    pub(crate) fn code(&mut self, dialect: Dialect, text: &[u8]) {
        self.scripts.push((dialect, String::from_utf8_lossy(text).into_owned()));
    }

    /// Notes an address that opens itself, or at a click on the file.
    pub(crate) fn opens(&mut self, address: &str) {
        self.act(Active::OpenUri, address.to_owned());
        self.address(address.as_bytes(), || None);
    }

    /// Notes something that acts.
    pub(crate) fn acts(&mut self, what: Active, text: &str) {
        if !text.is_empty() {
            self.act(what, text.to_owned());
        }
    }

    /// A line of text that is shown.
    pub(crate) fn text(&mut self, line: &str) {
        self.views.text.push(line, false);
        self.views.text.end_line(false);
    }

    fn act(&mut self, what: Active, text: String) {
        self.acts = self.acts.saturating_add(1);
        // Comparing each with all the others costs; far too many are said to be by the views.
        if self.acts <= MAX_ACTIVE.saturating_mul(4) {
            self.views.act(what, None, text);
        } else {
            self.over = true;
        }
    }

    fn script(&mut self, raw: &[u8], dialect: Option<Dialect>, xml: bool) {
        let mut text = if memchr::memmem::find(raw, b"<![CDATA[").is_some() {
            String::from_utf8_lossy(raw).replace("<![CDATA[", "").replace("]]>", "")
        } else if xml {
            undone(raw)
        } else {
            String::from_utf8_lossy(raw).into_owned()
        };
        if text.trim().is_empty() {
            return;
        }
        self.script_bytes = self.script_bytes.saturating_add(text.len());
        if self.script_bytes > MAX_SCRIPTS {
            self.over = true;
            return;
        }
        // Data that scripts may read is looked at, but does nothing by itself.
        if dialect.is_some() {
            self.act(Active::Script, text.clone());
        }
        if let Some(plain) = encoded::undone(text.as_bytes()) {
            text = String::from_utf8_lossy(&plain).into_owned();
            self.view.push_str(&text);
            self.view.push('\n');
        }
        self.scripts.push((dialect.unwrap_or(Dialect::Js), text));
    }

    fn handler(&mut self, text: &str) {
        if self.handlers.len().saturating_add(text.len()) > MAX_HANDLERS {
            self.over = true;
            return;
        }
        self.handlers.push_str(text);
        self.handlers.push('\n');
    }

    /// `url(data:…)` in a style sheet, and addresses elsewhere.
    fn style(&mut self, css: &[u8]) {
        for at in memchr::memmem::find_iter(css, b"url(").take(if self.remote.is_none() { MAX_FILES } else { 0 }) {
            let rest = between(css, at.saturating_add(4), at.saturating_add(MAX_LEAD));
            self.loaded(between(rest, 0, memchr::memchr(b')', rest).unwrap_or(rest.len())));
        }
        let mut from = 0_usize;
        for at in memchr::memmem::find_iter(css, b"data:").filter(|at| css.get(at.wrapping_sub(1)) != Some(&b'-')) {
            if at < from || self.over {
                continue;
            }
            let rest = between(css, at, css.len());
            let end = rest.iter().position(|byte| matches!(byte, b')' | b'"' | b'\'' | b'}')).unwrap_or(rest.len());
            from = at.saturating_add(end);
            self.data(between(rest, 0, end), None);
        }
    }

    /// Notes an address that is loaded from elsewhere when the document is shown.
    fn loaded(&mut self, address: &[u8]) {
        if self.remote.is_some() {
            return;
        }
        let address = undone(between(address, 0, MAX_LEAD));
        let address = address.trim_matches(|letter: char| letter <= ' ' || letter == '"' || letter == '\'');
        let lower = address.to_ascii_lowercase();
        if ["http:", "https:", "//"].iter().any(|start| lower.starts_with(start)) {
            self.remote = Some(address.to_owned());
        }
    }

    /// A `data:` address.
    pub(crate) fn data(&mut self, address: &[u8], name: Option<String>) {
        if let Some((declared, content)) = data_url(address) {
            self.file(File { name, declared: Some(declared), role: Role::File, content });
        }
    }

    fn start(&mut self, name: &[u8], attributes: &[(&[u8], &[u8])]) {
        let find = |wanted: &[u8]| attributes.iter().find(|(key, _)| key.eq_ignore_ascii_case(wanted)).map(|a| a.1);
        if name.eq_ignore_ascii_case(b"form") || name.eq_ignore_ascii_case(b"isindex") {
            let method = find(b"method").map_or("get".to_owned(), |method| undone(method).to_ascii_lowercase());
            let action = find(b"action").map(undone).unwrap_or_default();
            self.act(Active::Form, format!("{} {}", method.trim(), action.trim()).trim().to_owned());
        }
        if name.eq_ignore_ascii_case(b"meta")
            && find(b"http-equiv").is_some_and(|kind| kind.eq_ignore_ascii_case(b"refresh"))
        {
            self.refresh(&undone(find(b"content").unwrap_or(b"")));
        }
        let offered = || find(b"download").map(undone);
        let sheet = name.eq_ignore_ascii_case(b"link")
            && find(b"rel").is_some_and(|kind| kind.eq_ignore_ascii_case(b"stylesheet"));
        for (key, value) in attributes {
            if key.len() > 2 && key.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(b"on")) {
                if !value.trim_ascii().is_empty() {
                    self.handler(&undone(value));
                }
                continue;
            }
            if LOADS.iter().any(|loads| loads.eq_ignore_ascii_case(key)) || sheet && key.eq_ignore_ascii_case(b"href") {
                self.loaded(value);
            }
            if key.eq_ignore_ascii_case(b"srcdoc") {
                let content = undone(value).into_bytes();
                self.file(File { name: None, declared: Some("text/html".to_owned()), role: Role::File, content });
            } else if FORM.iter().any(|form| form.eq_ignore_ascii_case(key)) && !name.eq_ignore_ascii_case(b"form") {
                self.act(Active::Form, undone(value));
            } else if key.eq_ignore_ascii_case(b"style") {
                if memchr::memmem::find(value, b"data:").is_some() || memchr::memmem::find(value, b"//").is_some() {
                    self.style(undone(value).as_bytes());
                }
                continue;
            }
            self.address(value, offered);
        }
    }

    /// An attribute's value that may be an address which is a file or a script.
    fn address(&mut self, value: &[u8], offered: impl Fn() -> Option<String>) {
        // Blanks and control characters before and in a scheme do not count.
        let first = value.iter().find(|byte| **byte > b' ');
        if !matches!(first, Some(b'd' | b'D' | b'j' | b'J' | b'v' | b'V' | b'&')) {
            return;
        }
        // What is long and no `data:` address need not be undone whole to see what it is.
        let lead = undone(between(value, 0, 256));
        let letters = lead.chars().filter(|letter| *letter > ' ').take(12).collect::<String>().to_ascii_lowercase();
        if letters.starts_with("data:") {
            let address: String =
                undone(value).chars().filter(|letter| !matches!(letter, '\t' | '\r' | '\n')).collect();
            self.data(address.trim_start_matches(|letter| letter <= ' ').as_bytes(), offered());
        } else if letters.starts_with("javascript:") || letters.starts_with("vbscript:") {
            let address: String =
                undone(value).chars().filter(|letter| !matches!(letter, '\t' | '\r' | '\n')).collect();
            if let Some((_, script)) = address.split_once(':').filter(|(_, script)| !is_nothing(script)) {
                self.handler(script);
            }
        }
    }

    /// `<meta http-equiv=refresh content="0; url=…">`.
    fn refresh(&mut self, content: &str) {
        let lower = content.to_ascii_lowercase();
        let Some(at) = lower.find("url").and_then(|at| content.get(at.checked_add(3)?..)) else { return };
        let address = at.trim_start().trim_start_matches('=').trim().trim_matches(['"', '\'']);
        if !address.is_empty() {
            self.opens(address);
        }
    }
}

/// What pages write where nothing is to happen: `void(0)`, `;`, `return false`.
fn is_nothing(script: &str) -> bool {
    let script: String = script.chars().filter(|letter| !letter.is_whitespace()).collect();
    matches!(script.trim_end_matches(';'), "" | "void(0)" | "void0" | "%20" | "returnfalse")
}

/// The language of a `script` element; `None` for data.
fn language(attributes: &[(&[u8], &[u8])]) -> Option<Dialect> {
    let find = |wanted: &[u8]| attributes.iter().find(|(key, _)| key.eq_ignore_ascii_case(wanted)).map(|a| a.1);
    let kind = find(b"type").filter(|kind| !kind.is_empty()).or_else(|| find(b"language")).unwrap_or(b"");
    let kind = undone(between(kind, 0, MAX_KIND)).to_ascii_lowercase();
    if kind.contains("json") || kind.contains("template") || kind.starts_with("text/x-") {
        None
    } else if kind.contains("vb") {
        Some(Dialect::Vb)
    } else {
        Some(Dialect::Js)
    }
}
