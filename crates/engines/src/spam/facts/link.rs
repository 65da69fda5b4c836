//! Addresses of the web: found in text, and taken apart.
//!
//! Read as browsers do (URL Standard). Limits: [`MAX_LINKS`] of a message, beside them [`MAX_PICTURES`]; of the
//! subject, `meta` refreshes and what is attached [`MAX_BESIDE`], and as many that are only loaded, as style sheets
//! do; [`MAX_TARGETS`] that stand inside of one, [`MAX_LED`] of those in all; what is left out is told ([`Links::more`],
//! [`places`]). [`MAX_LENGTH`] of each piece of one that is kept, of a host its end. Not handled: what a server redirects
//! to, and targets of redirects that are written in Base64 or by number.

use std::borrow::Cow;
use std::collections::BTreeSet;

use mail::evidence::MAX_HOSTS;
use mail::header::percent_decode;

use super::bare::{parts_links, without_stops};
use super::host;
use super::route::is_ip;
use super::url::{is_page, normal};

/// Most links of one message that somebody clicks on.
pub(crate) const MAX_LINKS: usize = 2000;
/// Most pictures of one message.
const MAX_PICTURES: usize = 500;
/// Most addresses beside the links that lead somewhere, of the subject and of what is attached; and most of those that
/// are only loaded.
pub(crate) const MAX_BESIDE: usize = 500;
/// Most addresses that are taken out of one link that leads on.
const MAX_TARGETS: usize = 10;
/// In how many places of one link an address is looked for, read or not.
const MAX_STARTS: usize = 50;
/// Most addresses that are taken out of all such links.
const MAX_LED: usize = 1000;
/// How often escapes of such an address are undone.
const MAX_UNDONE: usize = 3;
/// Longest piece of a link that is kept, in bytes.
pub(super) const MAX_LENGTH: usize = 2000;
/// Longest name that the DNS can be asked for, in bytes.
pub(super) const MAX_HOST: usize = 253;
/// Second levels below which names are given out, in two-letter top domains.
const SECOND: [&str; 16] =
    ["co", "com", "org", "net", "gov", "gob", "gub", "edu", "ac", "or", "ne", "go", "gr", "ltd", "me", "web"];

/// One address.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Link {
    /// As written.
    pub raw: String,
    /// The scheme in lower case.
    pub scheme: String,
    /// What stands in front of an `@` of the host.
    pub user: String,
    /// The host that a browser goes to, in lower case; an IPv6 address without its brackets.
    pub host: String,
    /// The host as it is written, in lower case.
    pub written: String,
    /// The port, where one is written.
    pub port: String,
    /// Path, query and fragment.
    pub path: String,
    /// The text that a reader sees in its place; only of links in HTML.
    pub shown: Option<String>,
    /// Whether it leads somewhere at a click, and does not only load a picture.
    pub clicked: bool,
    /// Whether there is something to click on: a text, or a picture.
    pub visible: bool,
}

/// The links of a message, in order.
#[derive(Default)]
pub(crate) struct Links {
    pub(crate) list: Vec<Link>,
    pictures: usize,
    /// Addresses that are no links of the text, and are asked about.
    pub(crate) beside: Vec<Link>,
    /// How many of them are only loaded.
    loaded: usize,
    /// Whether there are more.
    pub(crate) more: bool,
}

impl Links {
    pub(crate) fn push(&mut self, link: Link) {
        let room = match link.clicked {
            true => self.list.len().saturating_sub(self.pictures) < MAX_LINKS,
            false => self.pictures < MAX_PICTURES,
        };
        if !room {
            self.more = true;
            return;
        }
        self.pictures = self.pictures.saturating_add(usize::from(!link.clicked));
        self.list.push(link);
    }

    /// Takes an address that stands beside the links. `visible`: it leads somewhere, and loads no picture.
    pub(crate) fn push_beside(&mut self, link: Option<Link>, visible: bool) {
        if let Some(link) = link {
            self.keep_beside(Link { clicked: visible, visible, ..link });
        }
    }

    /// Keeps an address beside the links: what is only loaded never takes the room of what leads somewhere.
    fn keep_beside(&mut self, link: Link) {
        if !link.is_web() {
            return;
        }
        let before = if link.clicked { self.beside.len().saturating_sub(self.loaded) } else { self.loaded };
        if before >= MAX_BESIDE {
            self.more = true;
            return;
        }
        self.loaded = self.loaded.saturating_add(usize::from(!link.clicked));
        self.beside.push(link);
    }

    /// Takes what leads somewhere in other texts.
    pub(crate) fn take_beside(&mut self, other: Links) {
        self.more |= other.more;
        other.list.into_iter().chain(other.beside).for_each(|link| self.keep_beside(link));
    }

    /// Whether a further link that somebody clicks on would not be kept, and that is told.
    fn is_done(&self) -> bool {
        self.more && self.list.len().saturating_sub(self.pictures) >= MAX_LINKS
    }
}

impl Link {
    /// Takes an address apart; `None` for what is none of the web or mail.
    pub(crate) fn read(raw: &str) -> Option<Self> {
        let raw = clean(raw);
        let raw = raw.as_ref();
        let (scheme, rest) = match scheme(raw) {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            None if raw.get(..4).is_some_and(|w| w.eq_ignore_ascii_case("www.")) => ("http".to_owned(), raw),
            None => return None,
        };
        if !matches!(scheme.as_str(), "http" | "https" | "ftp") {
            let known = matches!(scheme.as_str(), "mailto" | "tel" | "javascript" | "data" | "sms" | "whatsapp");
            let path = short(rest);
            return known.then(|| Self { raw: short(raw), scheme, path, ..Self::default() });
        }
        let rest = rest.trim_start_matches(['/', '\\']);
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (host, port) = match host.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (host, port),
            _ => (host, ""),
        };
        let written = host.trim_end_matches(['.', ',', ')', '>']).to_lowercase();
        // Of one that is too long its end, where the name stands that somebody registered.
        let written = written.get(written.ceil_char_boundary(written.len().saturating_sub(MAX_LENGTH))..).unwrap_or("");
        let host = host::canonical(written);
        (!host.is_empty()).then(|| Self {
            raw: short(raw),
            scheme,
            user: short(user),
            host,
            written: written.to_owned(),
            port: short(port),
            path: short(path),
            ..Self::default()
        })
    }

    /// Takes an address of an HTML text apart, which may say only a part of where it leads: the rest is
    /// that of the page's `base`.
    pub(crate) fn within(raw: &str, base: Option<&Self>) -> Option<Self> {
        let raw = clean(raw);
        // With the scheme of its page alone it is written relative to that (URL Standard, "special relative").
        let own = base.and_then(|base| {
            let (scheme, rest) = raw.split_at_checked(base.scheme.len())?;
            let rest = rest.strip_prefix(':').filter(|rest| !rest.starts_with(['/', '\\']))?;
            scheme.eq_ignore_ascii_case(&base.scheme).then(|| rest.to_owned())
        });
        let whole = if own.is_some() { None } else { Self::read(&raw) };
        if whole.is_some() {
            return whole;
        }
        if raw.is_empty() || own.is_none() && scheme(&raw).is_some() {
            return None;
        }
        let raw = own.map_or(raw, Cow::Owned);
        if raw.starts_with(['/', '\\']) && raw.get(1..).is_some_and(|rest| rest.starts_with(['/', '\\'])) {
            return Self::read(&["https:", &raw].concat()).map(|link| Self { raw: short(&raw), ..link });
        }
        base.map(|base| Self { raw: short(&raw), path: short(&beside(&base.path, &raw)), ..base.clone() })
    }

    /// In which order lists hear of it.
    pub(super) fn rank(&self) -> u8 {
        match (self.clicked, self.visible) {
            (true, true) => 0,
            (true, false) => 1,
            (false, _) => 2,
        }
    }

    /// Whether it is an address of the web.
    pub fn is_web(&self) -> bool {
        !self.host.is_empty()
    }
}

/// The path and query of an address that is written relative to a page with this path and query (RFC 3986 section
/// 5.2); `.` and `..` stay.
fn beside(page: &str, written: &str) -> String {
    let path = page.split(['?', '#']).next().unwrap_or("");
    let folder = path.rfind(['/', '\\']).and_then(|at| path.get(..=at)).unwrap_or("/");
    match written.as_bytes().first() {
        Some(b'/' | b'\\') => written.to_owned(),
        Some(b'?' | b'#') => [if path.is_empty() { "/" } else { path }, written].concat(),
        _ => [folder, written].concat(),
    }
}

/// What browsers read of an address: nothing around it, and no line ends and tabs in it.
fn clean(raw: &str) -> Cow<'_, str> {
    let raw = raw.trim_matches(|c: char| c <= ' ' || c.is_whitespace());
    if !raw.contains(['\t', '\r', '\n']) {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(raw.chars().filter(|c| !matches!(c, '\t' | '\r' | '\n')).collect())
}

/// The scheme of an address, and what follows its colon.
fn scheme(raw: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = raw.split_once(':')?;
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    (!scheme.is_empty() && scheme.bytes().all(letter)).then_some((scheme, rest))
}

fn short(text: &str) -> String {
    text.get(..text.floor_char_boundary(MAX_LENGTH)).unwrap_or(text).to_owned()
}

/// Somewhere that a message leads, for lists.
pub(super) struct Place<'a> {
    /// The lower it is, the sooner lists hear of it.
    pub(super) rank: u8,
    pub(super) link: Cow<'a, Link>,
}

/// Where a message leads, in the order in which lists hear of it. Links that a reader sees come first, those of subject
/// and attachments as well; then where they lead on, and what is `bare`, which not every program makes links of; what
/// nobody sees, and pictures, last: otherwise twenty of those would keep the one away that is clicked on. Where links lead on is read only until there are more places than lists
/// are asked about. And whether there is more inside of links than is read.
pub(super) fn places<'a>(links: &'a [Link], beside: &'a [Link], bare: &'a [Link]) -> (Vec<Place<'a>>, bool) {
    let of = |rank: u8| links.iter().chain(beside).filter(move |link| link.is_web() && link.rank() == rank);
    let borrowed = |rank: u8| move |link: &'a Link| Place { rank, link: Cow::Borrowed(link) };
    let mut found: Vec<Place<'a>> = of(0).map(borrowed(0)).collect();
    let known = |link: &Link| place(link).filter(|_| is_page(link)).map(str::to_owned);
    let mut pages: BTreeSet<String> = of(0).filter_map(known).collect();
    let (mut led, mut more) = (0_usize, false);
    for link in of(0) {
        if pages.len() > MAX_HOSTS {
            break;
        }
        let (inside, left) = targets(link);
        led = led.saturating_add(inside.len());
        more |= left;
        if led > MAX_LED {
            more = true;
            break;
        }
        for target in inside {
            pages.extend(known(&target));
            found.push(Place { rank: 1, link: Cow::Owned(target) });
        }
    }
    found.extend(bare.iter().map(borrowed(2)));
    found.extend(of(1).map(borrowed(3)).chain(of(2).map(borrowed(4))));
    (found, more)
}

/// The registered domains and addresses of places, for lists, in their order, each once; and whether there are more
/// than [`MAX_HOSTS`].
pub(super) fn hosts(places: &[Place<'_>]) -> (Vec<String>, bool) {
    let mut found = Hosts::default();
    places.iter().for_each(|place| found.add(&place.link));
    (found.list, found.more)
}

/// Hosts that were found so far.
#[derive(Default)]
struct Hosts {
    list: Vec<String>,
    more: bool,
}

impl Hosts {
    fn add(&mut self, link: &Link) {
        let Some(host) = place(link).filter(|_| !self.more) else { return };
        if self.list.iter().any(|known| known == host) {
            return;
        }
        match self.list.len() < MAX_HOSTS {
            true => self.list.push(host.to_owned()),
            false => self.more = true,
        }
    }
}

/// The addresses that stand inside of one, as those of redirects do, escaped or not, and those inside of these; each
/// once. And whether there are more than [`MAX_TARGETS`].
fn targets(link: &Link) -> (Vec<Link>, bool) {
    let mut found = Targets::default();
    let amp = link.path.strip_prefix("/amp/s/").or_else(|| link.path.strip_prefix("/amp/"));
    if let Some(rest) = amp.filter(|_| link.host.contains("google.")) {
        found.add(&["https://", rest].concat());
    }
    let mut text = Cow::Borrowed(link.path.as_str());
    found.read(&text);
    for _ in 0..MAX_UNDONE {
        if !text.contains('%') {
            break;
        }
        text = Cow::Owned(String::from_utf8_lossy(&percent_decode(text.as_bytes())).into_owned());
        found.read(&text);
    }
    (found.list, found.more)
}

/// The addresses inside of one that were found so far.
#[derive(Default)]
struct Targets {
    list: Vec<Link>,
    /// The same, in the form in which lists know them.
    known: BTreeSet<String>,
    /// In how many places one was looked for.
    starts: usize,
    more: bool,
}

impl Targets {
    /// Takes the addresses of a text. One may stand inside of the other.
    fn read(&mut self, text: &str) {
        let mut rest = text;
        while let Some(from) = next(rest).and_then(|at| rest.get(at..)).filter(|_| !self.more) {
            self.starts = self.starts.saturating_add(1);
            if self.starts > MAX_STARTS {
                self.more = true;
                return;
            }
            let end = from.find(['&', '"', '\'', '<', '>', ' ']).unwrap_or(from.len());
            self.add(from.get(..end).unwrap_or(""));
            rest = from.get(from.ceil_char_boundary(4)..).unwrap_or("");
        }
    }

    fn add(&mut self, address: &str) {
        let Some(link) = Link::read(address).filter(Link::is_web) else { return };
        if !self.known.insert(normal(&link)) {
            return;
        }
        match self.list.len() < MAX_TARGETS {
            true => self.list.push(link),
            false => self.more = true,
        }
    }
}

/// The registered domain or the address that a link leads to; `None` where the DNS cannot be asked for it.
pub(super) fn place(link: &Link) -> Option<&str> {
    let host = if is_ip(&link.host) { link.host.as_str() } else { registered(&link.host) };
    let plain = (host.contains('.') || is_ip(host)) && host.len() <= MAX_HOST;
    (plain && !host.chars().any(|c| c.is_control() || c.is_whitespace())).then_some(host)
}

/// Links that stand in a plain text.
pub(crate) fn in_text(text: &str, out: &mut Links) {
    let mut rest = text;
    while !out.is_done() {
        let Some(at) = next(rest) else { return };
        let from = rest.get(at..).unwrap_or("");
        let end = from.find(parts_links).unwrap_or(from.len());
        let word = without_stops(from.get(..end).unwrap_or(""));
        if let Some(mut link) = Link::read(word).filter(Link::is_web) {
            (link.clicked, link.visible) = (true, true);
            out.push(link);
        }
        rest = from.get(end.max(4)..).unwrap_or("");
    }
}

/// Links that stand in a subject: programs make them into some.
pub(crate) fn in_subject(subject: &str, out: &mut Links) {
    let mut found = Links::default();
    in_text(subject, &mut found);
    out.take_beside(found);
}

/// Where links of documents lead behind other words.
pub(crate) fn in_documents(leads: &[String], out: &mut Links) {
    leads.iter().for_each(|lead| out.push_beside(Link::read(lead), true));
}

/// Where the next `http://`, `https://` or `www.` begins.
fn next(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut from = 0_usize;
    loop {
        // Both have a letter that few words have, followed by what no word has.
        let rest = bytes.get(from..)?;
        let at = memchr::memchr2(b':', b'.', rest)?.saturating_add(from);
        let before = |word: &str| {
            let start = at.checked_sub(word.len())?;
            bytes.get(start..at).filter(|found| found.eq_ignore_ascii_case(word.as_bytes())).map(|_| start)
        };
        let begins = match bytes.get(at) {
            Some(b':') if bytes.get(at..at.saturating_add(3)) == Some(b"://") => {
                before("https").or_else(|| before("http"))
            }
            Some(b'.') => before("www").filter(|start| {
                let ahead = start.checked_sub(1).and_then(|at| bytes.get(at)).copied().unwrap_or(b' ');
                !ahead.is_ascii_alphanumeric() && !matches!(ahead, b'/' | b'.' | b'-' | b'@')
            }),
            _ => None,
        };
        if let Some(start) = begins.filter(|start| *start >= from) {
            return Some(start);
        }
        from = at.saturating_add(1);
    }
}

/// The part of a host that somebody registered, by rule of thumb: the last two labels, or three below
/// `co.uk` and the like. No list of public suffixes is consulted.
pub fn registered(host: &str) -> &str {
    let host = host.trim_end_matches('.');
    let mut dots = host.rmatch_indices('.').map(|(at, _)| at);
    let (Some(last), Some(second)) = (dots.next(), dots.next()) else { return host };
    let top = host.get(last.saturating_add(1)..).unwrap_or("");
    let middle = host.get(second.saturating_add(1)..last).unwrap_or("");
    if top.len() == 2 && SECOND.contains(&middle) {
        let third = dots.next().map_or(0, |at| at.saturating_add(1));
        return host.get(third..).unwrap_or(host);
    }
    host.get(second.saturating_add(1)..).unwrap_or(host)
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
