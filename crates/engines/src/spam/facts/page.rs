//! What an HTML text shows, hides, links to and is built of.
//!
//! Limits: [`MAX_HTML`] bytes of a part, those of [`Links`]. Style sheets and scripts elsewhere are not
//! fetched.

use std::borrow::Cow;

use unpack::html::{Page, TextView, Token, Tokens, undone};

use super::elements::{KNOWN, is_flag};
use super::link::{Link, Links};

/// How much of one HTML part is read, in bytes.
pub(crate) const MAX_HTML: usize = 16 * 1024 * 1024;
/// Most pictures of one `srcset`.
const MAX_SOURCES: usize = 10;
/// In how much of a page it says what its charset is, in bytes.
const MAX_PRESCAN: usize = 1024;
/// Longest address of a style sheet, in bytes.
const MAX_STYLE_URL: usize = 2000;

/// One HTML text, or several as one.
#[derive(Clone, Debug, Default)]
pub struct Html {
    /// How many HTML parts there are.
    pub parts: u32,
    /// Bytes of their source.
    pub bytes: usize,
    /// The text that is seen.
    pub text: String,
    /// The text that is not.
    pub hidden: String,
    /// Its title.
    pub title: String,
    /// Start tags.
    pub tags: u32,
    /// Start tags of elements that do not exist.
    pub unknown: u32,
    /// Attributes without a value.
    pub bare: u32,
    /// Pictures.
    pub images: u32,
    /// Pictures that are loaded from elsewhere.
    pub remote_images: u32,
    /// Pictures of one pixel.
    pub pixels: u32,
    /// Pictures inside of links.
    pub linked_images: u32,
    /// Forms.
    pub forms: u32,
    /// Fields for passwords.
    pub passwords: u32,
    /// Scripts, and attributes that are scripts.
    pub scripts: u32,
    /// Frames and embedded objects.
    pub frames: u32,
    /// `meta` elements that lead elsewhere.
    pub refreshes: u32,
    /// `base` elements.
    pub bases: u32,
    /// `font` elements.
    pub fonts: u32,
    /// `table` elements.
    pub tables: u32,
    /// Image maps.
    pub maps: u32,
    /// Words that a tag or a comment cuts in two.
    pub split_words: u32,
    /// Comments, and their bytes.
    pub comments: u32,
    /// Bytes of the comments.
    pub comment_bytes: usize,
    /// Bytes of visible text inside of links.
    pub linked_text: usize,
    /// Whether there is an `html` start tag.
    pub has_html: bool,
    /// Whether there is a `body` start tag.
    pub has_body: bool,
    /// Whether there is an `html` end tag.
    pub closed: bool,
    /// `blink` and `marquee`.
    pub moving: u32,
    /// Style declarations that hide or shrink text.
    pub hiding: u32,
}

/// An open link.
struct Open {
    link: Option<Link>,
    from: usize,
    /// How many pictures there were.
    images: u32,
}

/// Reads one part, in UTF-8, into what was read before.
pub(crate) fn read(source: &str, html: &mut Html, links: &mut Links) {
    let source = source.get(..source.floor_char_boundary(MAX_HTML)).unwrap_or(source);
    html.parts = html.parts.saturating_add(1);
    html.bytes = html.bytes.saturating_add(source.len());
    count_comments(source.as_bytes(), html);
    let base = base(source);
    let mut tokens = Tokens::new(source.as_bytes(), false);
    let (mut page, mut text) = (Page::default(), TextView::default());
    let mut open: Option<Open> = None;
    let mut word = Word::default();
    while let Some(token) = tokens.next() {
        match token {
            Token::Start(name) => {
                word.tag(name);
                start(name, tokens.attributes(), html, &mut Targets { links, base: base.as_ref() }, open.is_some());
                if name.eq_ignore_ascii_case(b"a") {
                    close(&mut open, &text, html, links);
                    let href = attribute(tokens.attributes(), b"href");
                    let link = href.and_then(|href| Link::within(&undone(href), base.as_ref()));
                    open = Some(Open { link, from: text.visible().len(), images: html.images });
                }
            }
            Token::End(name) => {
                word.tag(name);
                html.closed |= name.eq_ignore_ascii_case(b"html");
            }
            Token::Text(raw) => word.text(raw, html),
            Token::Raw(name, raw) if name.eq_ignore_ascii_case(b"title") => {
                html.title.push_str(&undone(raw.get(..500).unwrap_or(raw)));
            }
            Token::Raw(name, raw) if name.eq_ignore_ascii_case(b"style") => styles(raw, links, base.as_ref()),
            Token::Raw(..) | Token::Cdata(_) => {}
        }
        page.token(token, &tokens, &mut text);
        if matches!(token, Token::End(name) if name.eq_ignore_ascii_case(b"a")) {
            close(&mut open, &text, html, links);
        }
    }
    close(&mut open, &text, html, links);
    html.text.push_str(text.visible());
    html.text.push('\n');
    html.hidden.push_str(text.hidden());
}

/// Ends an open link: its text is known now.
fn close(open: &mut Option<Open>, text: &TextView, html: &mut Html, links: &mut Links) {
    let Some(Open { link, from, images }) = open.take() else { return };
    let shown = text.visible().get(from.min(text.visible().len())..).unwrap_or("").trim();
    html.linked_text = html.linked_text.saturating_add(shown.len());
    if let Some(mut link) = link {
        link.shown = Some(shown.get(..shown.floor_char_boundary(300)).unwrap_or("").to_owned());
        link.clicked = true;
        link.visible = !shown.is_empty() || html.images > images;
        links.push(link);
    }
}

/// Where links of a page go, and what those begin with that say only a part of an address.
struct Targets<'a> {
    links: &'a mut Links,
    base: Option<&'a Link>,
}

impl Targets<'_> {
    /// Takes an address that leads into the web; `None` where it does not.
    fn push(&mut self, address: Option<&[u8]>, clicked: bool) -> Option<()> {
        let link = Link::within(&undone(address?), self.base).filter(Link::is_web)?;
        self.links.push(Link { clicked, visible: clicked, shown: None, ..link });
        Some(())
    }

    /// Takes an address that stands beside links and pictures. `leads`: somebody is led there by it.
    fn beside(&mut self, address: &[u8], leads: bool) {
        self.links.push_beside(Link::within(&undone(address), self.base), leads);
    }
}

/// The first `base` of a page that has an address; it holds for what stands in front of it, too.
fn base(source: &str) -> Option<Link> {
    let bytes = source.as_bytes();
    let is_base = |at: usize| {
        let name = bytes.get(at.saturating_add(1)..at.saturating_add(5));
        name.is_some_and(|name| name.eq_ignore_ascii_case(b"base"))
    };
    memchr::memchr_iter(b'<', bytes).find(|at| is_base(*at))?;
    let mut tokens = Tokens::new(bytes, false);
    while let Some(token) = tokens.next() {
        if matches!(token, Token::Start(name) if name.eq_ignore_ascii_case(b"base"))
            && let Some(href) = attribute(tokens.attributes(), b"href")
        {
            return Link::within(&undone(href), None).filter(Link::is_web);
        }
    }
    None
}

fn attribute<'a>(attributes: &[(&'a [u8], &'a [u8])], name: &[u8]) -> Option<&'a [u8]> {
    attributes.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
}

fn start(name: &[u8], attributes: &[(&[u8], &[u8])], html: &mut Html, links: &mut Targets<'_>, in_link: bool) {
    let more = |count: &mut u32| *count = count.saturating_add(1);
    more(&mut html.tags);
    let lower = String::from_utf8_lossy(name.get(..24).unwrap_or(name)).to_ascii_lowercase();
    if KNOWN.binary_search(&lower.as_str()).is_err() && !lower.contains(':') && !lower.starts_with('!') {
        more(&mut html.unknown);
    }
    for (key, value) in attributes {
        if value.is_empty() && key.len() > 1 && !is_flag(key) {
            more(&mut html.bare);
        }
        if key.len() > 3 && key.get(..2).is_some_and(|on| on.eq_ignore_ascii_case(b"on")) {
            more(&mut html.scripts);
        }
        if let Some(leads) = beside(&lower, key) {
            links.beside(value, leads);
        } else if key.eq_ignore_ascii_case(b"srcset") {
            let all = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|one| !one.is_empty());
            for (at, one) in all.take(MAX_SOURCES.saturating_add(1)).enumerate() {
                match at < MAX_SOURCES {
                    true => links.beside(one.split(u8::is_ascii_whitespace).next().unwrap_or(one), false),
                    false => links.links.more = true,
                }
            }
        }
        if key.eq_ignore_ascii_case(b"style") {
            styles(undone(value).as_bytes(), links.links, links.base);
            if hides(value) {
                more(&mut html.hiding);
            }
        }
    }
    let is = |value: Option<&[u8]>, wanted: &[u8]| value.is_some_and(|v| v.trim_ascii().eq_ignore_ascii_case(wanted));
    match lower.as_str() {
        "html" => html.has_html = true,
        "body" => html.has_body = true,
        "form" => more(&mut html.forms),
        "input" if is(attribute(attributes, b"type"), b"password") => more(&mut html.passwords),
        "script" => more(&mut html.scripts),
        "iframe" | "frame" | "object" | "embed" | "frameset" => more(&mut html.frames),
        "meta" if is(attribute(attributes, b"http-equiv"), b"refresh") => {
            more(&mut html.refreshes);
            let content = undone(attribute(attributes, b"content").unwrap_or(b""));
            links.links.push_beside(Link::within(refreshed(&content), links.base), true);
        }
        "base" => more(&mut html.bases),
        "font" => more(&mut html.fonts),
        "table" => more(&mut html.tables),
        "blink" | "marquee" => more(&mut html.moving),
        "area" => {
            more(&mut html.maps);
            links.push(attribute(attributes, b"href"), true);
        }
        "img" | "image" => image(attributes, html, links, in_link),
        _ => {}
    }
    if lower == "form" {
        links.push(attribute(attributes, b"action"), true);
    }
}

/// Whether an attribute that is neither a link's nor a picture's has an address, and whether somebody is led there by it.
fn beside(element: &str, key: &[u8]) -> Option<bool> {
    let is = |name: &[u8]| key.eq_ignore_ascii_case(name);
    match element {
        "button" | "input" if is(b"formaction") => Some(true),
        "iframe" | "frame" if is(b"src") => Some(true),
        "object" if is(b"data") => Some(true),
        "link" if is(b"href") => Some(false),
        "input" | "embed" | "video" | "audio" | "source" | "script" if is(b"src") => Some(false),
        "video" if is(b"poster") => Some(false),
        // Buttons and pictures that Outlook draws (VML): `v:roundrect`, `v:rect`.
        _ if element.starts_with("v:") && is(b"href") => Some(true),
        "a" | "image" | "use" if is(b"xlink:href") => Some(element == "a"),
        _ => is(b"background").then_some(false),
    }
}

/// Where a `meta` element leads: what stands behind `url=`, or behind the number.
fn refreshed(content: &str) -> &str {
    let rest = content.split_once([';', ',']).map_or("", |(_, rest)| rest.trim());
    let rest = match rest.get(..3).filter(|word| word.eq_ignore_ascii_case("url")) {
        Some(_) => rest.get(3..).and_then(|rest| rest.trim_start().strip_prefix('=')).unwrap_or(rest),
        None => rest,
    };
    rest.trim().trim_matches(['\'', '"'])
}

/// Takes the addresses that a style sheet loads. What stands inside of one is not looked at again.
fn styles(source: &[u8], links: &mut Links, base: Option<&Link>) {
    imports(source, links, base);
    let mut rest = source;
    while let Some(at) = memchr::memchr(b'(', rest) {
        let (before, inside) = (rest.get(..at).unwrap_or(&[]), rest.get(at.saturating_add(1)..).unwrap_or(&[]));
        rest = inside;
        let word = before.get(before.len().saturating_sub(3)..).unwrap_or(&[]);
        if !word.eq_ignore_ascii_case(b"url") {
            continue;
        }
        let (address, behind) = until(inside, b')');
        links.push_beside(Link::within(address.trim().trim_matches(['\'', '"']), base), false);
        rest = behind;
    }
}

/// Takes the style sheets that one loads by their names: `@import "…"`.
fn imports(source: &[u8], links: &mut Links, base: Option<&Link>) {
    let mut rest = source;
    while let Some(at) = memchr::memchr(b'@', rest) {
        rest = rest.get(at.saturating_add(1)..).unwrap_or(&[]);
        let Some(behind) = rest.get(6..).filter(|_| rest.get(..6).is_some_and(|w| w.eq_ignore_ascii_case(b"import")))
        else {
            continue;
        };
        rest = behind.trim_ascii_start();
        let Some((quote, inside)) = rest.split_first().filter(|(quote, _)| matches!(quote, b'"' | b'\'')) else {
            continue;
        };
        let (address, behind) = until(inside, *quote);
        links.push_beside(Link::within(&address, base), false);
        rest = behind;
    }
}

/// An address of a style sheet that ends at `mark`, or at its greatest length, and what follows from there.
fn until(inside: &[u8], mark: u8) -> (Cow<'_, str>, &[u8]) {
    let near = inside.get(..MAX_STYLE_URL).unwrap_or(inside);
    let end = memchr::memchr(mark, near).unwrap_or(near.len());
    let (address, behind) = inside.split_at_checked(end).unwrap_or((inside, &[]));
    (String::from_utf8_lossy(address), behind)
}

fn image(attributes: &[(&[u8], &[u8])], html: &mut Html, links: &mut Targets<'_>, in_link: bool) {
    let more = |count: &mut u32| *count = count.saturating_add(1);
    more(&mut html.images);
    if in_link {
        more(&mut html.linked_images);
    }
    let small = |name: &[u8]| {
        let value = attribute(attributes, name).map(|v| String::from_utf8_lossy(v).trim().to_owned());
        value.is_some_and(|v| matches!(v.trim_end_matches("px"), "0" | "1" | "2"))
    };
    if small(b"width") && small(b"height") {
        more(&mut html.pixels);
    }
    if links.push(attribute(attributes, b"src"), false).is_some() {
        more(&mut html.remote_images);
    }
}

fn hides(style: &[u8]) -> bool {
    let lower: String = String::from_utf8_lossy(style.get(..2000).unwrap_or(style))
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect::<String>()
        .to_ascii_lowercase();
    ["display:none", "visibility:hidden", "font-size:0", "font-size:1px", "opacity:0;", "line-height:0"]
        .iter()
        .any(|way| lower.contains(way))
}

fn count_comments(source: &[u8], html: &mut Html) {
    let mut from = 0_usize;
    while let Some(at) = source.get(from..).and_then(|rest| memchr::memmem::find(rest, b"<!--")) {
        let start = from.saturating_add(at);
        let rest = source.get(start..).unwrap_or(&[]);
        let end = memchr::memmem::find(rest, b"-->").map_or(rest.len(), |end| end.saturating_add(3));
        let conditional = rest.get(4..).is_some_and(|inside| inside.trim_ascii_start().starts_with(b"[if"));
        if !conditional {
            html.comments = html.comments.saturating_add(1);
            html.comment_bytes = html.comment_bytes.saturating_add(end);
        }
        from = start.saturating_add(end.max(4));
    }
}

/// Tells whether what stands between two texts cuts a word.
#[derive(Default)]
struct Word {
    letter_before: bool,
    broken: bool,
}

impl Word {
    fn tag(&mut self, name: &[u8]) {
        let inline: [&[u8]; 14] =
            [b"font", b"span", b"b", b"i", b"u", b"em", b"strong", b"small", b"big", b"a", b"bdo", b"s", b"tt", b"wbr"];
        let known = inline.iter().any(|tag| name.eq_ignore_ascii_case(tag));
        let lower = String::from_utf8_lossy(name.get(..24).unwrap_or(name)).to_ascii_lowercase();
        self.broken |= !known && KNOWN.binary_search(&lower.as_str()).is_ok();
    }

    fn text(&mut self, raw: &[u8], html: &mut Html) {
        let letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
        if self.letter_before && !self.broken && letter(raw.first()) {
            html.split_words = html.split_words.saturating_add(1);
        }
        self.letter_before = letter(raw.last());
        self.broken = false;
    }
}

/// The charset that a page names itself (HTML Standard, 13.2.3.2: in its first 1,024 bytes), in small letters.
pub(super) fn charset(page: &[u8]) -> Option<String> {
    let head = page.get(..MAX_PRESCAN).unwrap_or(page).to_ascii_lowercase();
    let meta = memchr::memmem::find(&head, b"<meta")?;
    let behind = head.get(meta.saturating_add(memchr::memmem::find(head.get(meta..)?, b"charset")?)..)?.get(7..)?;
    let value = behind.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value);
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':' | b'.');
    let name: Vec<u8> = value.iter().copied().take_while(is_name).collect();
    String::from_utf8(name).ok().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(source: &str) -> (Html, Vec<Link>) {
        let (mut html, mut links) = (Html::default(), Links::default());
        read(source, &mut html, &mut links);
        (html, links.list)
    }

    #[test]
    fn the_known_elements_are_sorted() {
        assert!(KNOWN.is_sorted());
    }

    #[test]
    fn what_a_page_is_built_of_is_counted() {
        let (html, links) = of("<html><body><a href='http://a.example/'>see <b>http://b.example</b></a>\
             <img src=http://c.example/x.gif width=1 height=1><zork q><form action=https://d.example/>\
             <input type=password></form><!-- xx --><span style='display: none'>h</span></body></html>");
        assert_eq!((html.images, html.remote_images, html.pixels, html.unknown), (1, 1, 1, 1));
        assert_eq!((html.forms, html.passwords, html.comments, html.hiding), (1, 1, 1, 1));
        assert_eq!((html.text.trim(), html.hidden.trim()), ("see http://b.example", "h"));
        assert!(html.has_html && html.has_body && html.closed);
        let first = &links[0];
        assert_eq!((first.host.as_str(), first.shown.as_deref()), ("a.example", Some("see http://b.example")));
        assert_eq!(links.len(), 3);
    }

    #[test]
    fn what_a_page_leads_to_and_loads_without_a_click_is_known() {
        let cases = [
            ("<meta http-equiv=refresh content='0; URL=http://a.example/'>", "a.example", true),
            ("<META HTTP-EQUIV=\"Refresh\" CONTENT=\"5;url='http://a.example/x'\">", "a.example", true),
            ("<meta http-equiv=refresh content='0, http://a.example/'>", "a.example", true),
            ("<base href=http://a.example/><meta http-equiv=refresh content='0;url=x'>", "a.example", true),
            ("<style>td { background: URL( \"http://a.example/x.gif\" ) }</style>", "a.example", false),
            ("<td style=\"background:url(http://a.example/x)\">x</td>", "a.example", false),
            (
                "<!--[if mso]><v:roundrect href='http://a.example/x' arcsize=1></v:roundrect><![endif]-->",
                "a.example",
                true,
            ),
            ("<base href=http://a.example/d/><meta http-equiv=refresh content='0;url=http:x'>", "a.example", true),
            ("<td style=\"background:url(&quot;http://a.example/x&quot;)\">x</td>", "a.example", false),
        ];
        for (source, host, leads) in cases {
            let (mut html, mut links) = (Html::default(), Links::default());
            read(source, &mut html, &mut links);
            let [link] = links.beside.as_slice() else { panic!("{source}: {:?}", links.beside) };
            assert_eq!((link.host.as_str(), link.visible), (host, leads), "{source}");
        }
        for source in
            ["<meta http-equiv=refresh content=5>", "<td style='width:calc(1px)'>", "<style>a:not(b){}</style>"]
        {
            let (mut html, mut links) = (Html::default(), Links::default());
            read(source, &mut html, &mut links);
            assert!(links.beside.is_empty(), "{source}");
        }
    }

    #[test]
    fn cut_words_are_counted() {
        for (source, expected) in [
            ("via<!-- x -->gra", 1),
            ("via<font></font>gra", 1),
            ("via<zork>gra", 1),
            ("one<br>two", 0),
            ("one <b>two</b> three", 0),
            ("<td>one</td><td>two</td>", 0),
        ] {
            assert_eq!(of(source).0.split_words, expected, "{source}");
        }
    }
}
