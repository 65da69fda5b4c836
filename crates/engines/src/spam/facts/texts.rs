//! The texts of a message that a reader sees: which parts are read, and which of them stand beside each
//! other.
//!
//! Limits: [`MAX_PARTS`] parts, [`MAX_TEXT`] of plain text, [`MAX_SHOWN`] of what HTML shows. Of more parts
//! the last forms of a choice come first: that is what programs show. What is left out is told
//! ([`Facts::cut`], and of documents [`Session::more_documents`](super::Session::more_documents)).

use std::borrow::Cow;
use std::collections::BTreeMap;

use mail::charset;
use mail::graph::{Encoding, Entity, EntityId, Message, Shape};

use super::bare::Bare;
use super::link::Links;
use super::{
    Facts, Html, MAX_DOCUMENTS, MAX_PARTS, MAX_RETURNED, MAX_SHOWN, MAX_TEXT, PartFact, Shown, link, page, url,
};

/// Most bytes that a character of a file may have, in any character set.
const MAX_WIDTH: usize = 4;

/// One text that was read.
struct Text {
    /// The choices that it stands in, each with the form of it that holds the text.
    forms: Vec<(EntityId, EntityId)>,
    html: bool,
    blank: bool,
    /// Where it stands in all plain text.
    from: usize,
    to: usize,
}

/// What is to be read of a message.
struct Leaf {
    id: EntityId,
    /// Which fact is about it.
    part: Option<usize>,
    /// Whether it is, or stands in, the last form of the innermost choice that it is in.
    last: bool,
    forms: Vec<(EntityId, EntityId)>,
}

/// Reads the parts of a message into its facts.
pub(super) fn read(facts: &mut Facts, message: &Message<'_>) {
    let (mut leaves, attached) = parts(facts, message);
    leaves.extend(of_other_readings(message));
    if leaves.len() > MAX_PARTS {
        facts.cut("parts");
        // Those come first that programs show; the order of the message is kept.
        let (last, others): (Vec<Leaf>, Vec<Leaf>) = leaves.into_iter().partition(|leaf| leaf.last);
        leaves = last.into_iter().chain(others).take(MAX_PARTS).collect();
        leaves.sort_by_key(|leaf| leaf.id.0);
    }
    let mut links = Links::default();
    link::in_subject(&facts.subject, &mut links);
    let mut texts: Vec<Text> = leaves.into_iter().map(|leaf| text(facts, message, leaf, &mut links)).collect();
    // A text that is only attached is what there is to read, where nothing else is.
    let beside_it = |leaf: &Leaf| !facts.session.body_only || leaf.id == EntityId(0);
    let attached: Vec<Leaf> = attached.into_iter().filter(beside_it).take(MAX_PARTS).collect();
    for leaf in attached {
        let is_text = message.entity(leaf.id).is_some_and(|entity| entity.media.starts_with("text/"));
        match is_text && texts.iter().all(|text| text.blank) {
            true => texts.push(text(facts, message, leaf, &mut links)),
            false => beside(facts, message, leaf.id, &mut links),
        }
    }
    link::in_documents(&facts.session.leads, &mut links);
    let mut found = Links::default();
    link::in_text(&facts.session.documents, &mut found);
    links.take_beside(found);
    let mut bare = Bare::default();
    for text in [&facts.subject, &facts.html.text, &facts.plain, &facts.session.documents] {
        bare.read(text);
    }
    // What a page shows without making a link of it, programs do.
    let mut written = Links::default();
    link::in_text(&facts.html.text, &mut written);
    written.list.extend(bare.list);
    let (places, more) = link::places(&links.list, &links.beside, &written.list);
    if links.more || more || bare.more || written.more || facts.session.more_leads {
        facts.cut("links");
    }
    (facts.hosts, facts.more_hosts) = link::hosts(&places);
    facts.urls = url::urls(&places);
    facts.links = links.list;
    facts.shown = shown(facts, &texts);
}

/// Facts about the parts of the strict reading, those of them that are read, and the texts that are attached.
fn parts(facts: &mut Facts, message: &Message<'_>) -> (Vec<Leaf>, Vec<Leaf>) {
    let (mut leaves, mut attached) = (Vec::new(), Vec::new());
    let mut skip_below: Option<u16> = None;
    for id in message.primary() {
        let Some(entity) = message.entity(id) else { continue };
        if skip_below.is_some_and(|depth| entity.depth > depth) {
            continue;
        }
        skip_below = None;
        // The top message itself is one, too.
        if entity.shape() == Shape::Message && id != EntityId(0) {
            skip_below = Some(entity.depth);
            facts.has_message = true;
        }
        let returned = is_returned(message, entity);
        if returned || skip_below.is_some() {
            facts.read_returned(message, id);
        }
        let is_read = is_read(message, entity);
        let part = (facts.parts.len() < MAX_PARTS).then_some(facts.parts.len());
        match part {
            Some(_) => facts.parts.push(fact(message, id, entity, is_read)),
            None => facts.cut("parts"),
        }
        let (forms, last) = if is_read { forms(message, id) } else { (Vec::new(), false) };
        let leaf = Leaf { id, part, last, forms };
        if is_read {
            leaves.push(leaf);
        } else if entity.is_leaf()
            && (entity.media.starts_with("text/") || is_page(entity) || is_named_text(entity))
            && !returned
        {
            attached.push(leaf);
        }
    }
    (leaves, attached)
}

/// Whether an attached file is a page, by its type or its name; browsers open SVG like one.
fn is_page(entity: &Entity) -> bool {
    let is_typed = entity.media == "text/html" || entity.media.contains("xhtml") || entity.media == "image/svg+xml";
    is_typed || ends_in(entity, &["htm", "html", "shtml", "xht", "xhtml", "svg"])
}

/// Whether an attached file is plain text by its name.
fn is_named_text(entity: &Entity) -> bool {
    ends_in(entity, &["txt", "text"])
}

/// Whether a name of a part has one of these endings.
fn ends_in(entity: &Entity, endings: &[&str]) -> bool {
    let ending = |name: &str| name.trim().rsplit('.').next().unwrap_or("").to_ascii_lowercase();
    entity.names.iter().any(|name| endings.contains(&ending(name.raw()).as_str()))
}

/// Reads what is only attached: where pages lead, and, where that is wanted, what plain text says.
fn beside(facts: &mut Facts, message: &Message<'_>, id: EntityId, links: &mut Links) {
    let Some(entity) = message.entity(id) else { return };
    let is_page = is_page(entity);
    if !is_page && !facts.session.texts {
        return;
    }
    let room = MAX_DOCUMENTS.saturating_sub(facts.session.documents.len());
    // No more bytes than fill the room, and one letter that shows that there are more.
    let most =
        if is_page { page::MAX_HTML.saturating_add(1) } else { room.saturating_add(1).saturating_mul(MAX_WIDTH) };
    let content = message.content(id, most);
    let whole = likely(entity, &content.bytes, is_page);
    let whole = match charset::unshifted(&content.bytes, entity.charset.as_deref().filter(|_| !is_page)) {
        Some(text) => Cow::Owned(text),
        None => whole,
    };
    let mut found = Links::default();
    if is_page {
        if whole.len() > page::MAX_HTML {
            facts.cut("html");
        }
        page::read(&whole, &mut Html::default(), &mut found);
        let label = entity.charset.as_deref().filter(|label| !label.is_empty());
        let other = charset::unshifted(&content.bytes, label).or_else(|| unshifted(entity, &content.bytes));
        if let Some(other) = other {
            page::read(&other, &mut Html::default(), &mut found);
        }
    } else {
        facts.session.more_documents |= whole.len() > room;
        let text = whole.get(..whole.floor_char_boundary(room)).unwrap_or("");
        facts.session.documents.push_str(text);
        facts.session.documents.push('\n');
    }
    links.take_beside(found);
}

/// What a program may show that reads a broken message in another way; nothing of others has any.
fn of_other_readings<'a>(message: &'a Message<'_>) -> impl Iterator<Item = Leaf> + 'a {
    let outside = |entity: &Entity| {
        let mut above = entity.parent;
        while let Some((id, holder)) = above.and_then(|id| Some((id, message.entity(id)?))) {
            if holder.primary && holder.shape() == Shape::Message && id != EntityId(0) {
                return false;
            }
            above = holder.parent;
        }
        true
    };
    let other = move |id: EntityId| {
        let entity = message.entity(id)?;
        let wanted = !entity.primary && is_read(message, entity) && outside(entity);
        wanted.then_some(Leaf { id, part: None, last: true, forms: Vec::new() })
    };
    message.leaves().filter_map(other)
}

/// Whether a part is a text that programs show: what is attached by its disposition is not. A name alone
/// attaches nothing, and neither does anything that is the message, or a form of it.
fn is_read(message: &Message<'_>, entity: &Entity) -> bool {
    let holder = entity.parent.and_then(|id| message.entity(id));
    let is_form = holder.is_none_or(|holder| holder.media == "multipart/alternative");
    let attached = entity.disposition.as_deref() == Some("attachment") && !is_form;
    entity.is_leaf() && entity.media.starts_with("text/") && !attached && !is_returned(message, entity)
}

/// Whether a part is the header of a message that is returned: nobody wrote it here.
fn is_returned(message: &Message<'_>, entity: &Entity) -> bool {
    let holder = entity.parent.and_then(|id| message.entity(id));
    entity.media == "text/rfc822-headers" && holder.is_some_and(|holder| holder.media == "multipart/report")
}

/// The choices that a part stands in, from the inside out, and whether it is the last form of the innermost.
fn forms(message: &Message<'_>, id: EntityId) -> (Vec<(EntityId, EntityId)>, bool) {
    let (mut found, mut below) = (Vec::new(), id);
    let mut last = None;
    while let Some(above) = message.entity(below).and_then(|entity| entity.parent) {
        if message.entity(above).is_some_and(|holder| holder.media == "multipart/alternative") {
            last = last.or_else(|| Some(message.children(above).last() == Some(&below)));
            found.push((above, below));
        }
        below = above;
    }
    (found, last.unwrap_or(false))
}

fn fact(message: &Message<'_>, id: EntityId, entity: &Entity, is_read: bool) -> PartFact {
    PartFact {
        media: entity.media.clone(),
        charset: entity.charset.clone().unwrap_or_default(),
        encoding: entity.encoding,
        children: (entity.shape() == Shape::Multipart).then(|| message.children(id).len()),
        attachment: entity.is_attachment() && !is_read,
        depth: entity.depth,
        raw_size: entity.body.of(message.buffer(entity.buffer)).len(),
        eight_bit: false,
        ascii: true,
    }
}

/// The text of a part, by its label, or by that of the page itself, or by its bytes.
fn likely<'b>(entity: &Entity, bytes: &'b [u8], html: bool) -> Cow<'b, str> {
    let label = entity.charset.clone().filter(|charset| !charset.is_empty());
    let label = label.or_else(|| html.then(|| page::charset(bytes)).flatten());
    charset::to_likely_text(bytes, label.as_deref())
}

/// A page that says itself that it is in UTF-7, where the mail does not, as those programs show it that believe it.
/// What the mail says is a reading of the message.
fn unshifted(entity: &Entity, bytes: &[u8]) -> Option<String> {
    let silent = entity.charset.as_deref().is_none_or(str::is_empty);
    charset::unshifted(bytes, page::charset(bytes).filter(|_| silent).as_deref())
}

/// Reads one text.
fn text(facts: &mut Facts, message: &Message<'_>, leaf: Leaf, links: &mut Links) -> Text {
    let from = facts.plain.len();
    let mut read = Text { forms: leaf.forms, html: false, blank: true, from, to: from };
    let Some(entity) = message.entity(leaf.id) else { return read };
    let content = message.content(leaf.id, page::MAX_HTML.saturating_add(1));
    if let Some(part) = leaf.part.and_then(|at| facts.parts.get_mut(at)) {
        part.ascii = content.bytes.is_ascii();
        part.eight_bit = !part.ascii && part.encoding == Encoding::Identity;
    }
    // What programs show instead of the page where they know it (AMP): its text counts, not how it is built.
    let instead = entity.media == "text/x-amp-html";
    read.html = entity.media == "text/html" || entity.media.contains("xhtml") || instead;
    let whole = likely(entity, &content.bytes, read.html);
    if read.html {
        let before = facts.html.text.len();
        if whole.len() > page::MAX_HTML {
            facts.cut("html");
        }
        if instead {
            let mut page = Html::default();
            page::read(&whole, &mut page, links);
            facts.html.text.push_str(&page.text);
        } else {
            page::read(&whole, &mut facts.html, links);
        }
        if let Some(other) = unshifted(entity, &content.bytes) {
            page::read(&other, &mut facts.html, links);
        }
        if facts.html.text.len() > MAX_SHOWN {
            facts.cut("text");
            facts.html.text.truncate(facts.html.text.floor_char_boundary(MAX_SHOWN));
        }
        read.blank = facts.html.text.get(before.min(facts.html.text.len())..).unwrap_or("").trim().is_empty();
        return read;
    }
    let room = MAX_TEXT.saturating_sub(facts.plain.len());
    if whole.len() > room {
        facts.cut("text");
    }
    let part = whole.get(..whole.floor_char_boundary(room)).unwrap_or("");
    let unfolded = is_folded(entity).then(|| unfolded(part));
    let part = unfolded.as_deref().unwrap_or(part);
    link::in_text(part, links);
    // Nobody wrote here what a mail server returns below such a line; links in it count all the same.
    let below = (facts.session.mail_from.as_deref() == Some("")).then(|| below(part)).flatten();
    let (part, copy) = below.and_then(|at| part.split_at_checked(at)).unwrap_or((part, ""));
    if facts.returned.is_empty() && !copy.is_empty() {
        let header = copy.split_once('\n').map_or("", |(_, rest)| rest.trim_start_matches(['\r', '\n']));
        let kept = header.get(..header.floor_char_boundary(MAX_RETURNED)).unwrap_or("");
        facts.keep_returned(kept, kept.len() < header.len());
        facts.returned_in_text = true;
    }
    facts.plain.push_str(part);
    facts.plain.push('\n');
    read.blank = part.trim().is_empty();
    read.to = facts.plain.len();
    read
}

/// Whether lines of a text may be folded: calendars and cards.
fn is_folded(entity: &Entity) -> bool {
    matches!(entity.media.as_str(), "text/calendar" | "text/vcard" | "text/x-vcard" | "text/directory")
}

/// Lines as they were before they were folded (RFC 5545, section 3.1; RFC 6350, section 3.2): a line end with a blank
/// behind it is nothing.
fn unfolded(text: &str) -> String {
    text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "")
}

/// Where a line says that a copy of a message follows, as servers write it that make no parts.
fn below(text: &str) -> Option<usize> {
    let mut at = 0_usize;
    for line in text.split_inclusive('\n') {
        if line.starts_with("---") && line.contains(" is a copy of ") && line.len() < 200 {
            return Some(at);
        }
        at = at.saturating_add(line.len());
    }
    None
}

/// What a reader sees: HTML with the plain text that stands beside it, or all plain text where there is no
/// HTML. Of a choice between both it is the HTML.
fn shown(facts: &Facts, texts: &[Text]) -> Shown {
    // The choices that have a form in HTML: which one, and whether there are several.
    let mut choices: BTreeMap<EntityId, (EntityId, bool)> = BTreeMap::new();
    for (choice, form) in texts.iter().filter(|text| text.html && !text.blank).flat_map(|text| &text.forms) {
        choices.entry(*choice).and_modify(|(first, more)| *more |= first != form).or_insert((*form, false));
    }
    if facts.html.text.trim().is_empty() {
        return Shown::Plain;
    }
    let other =
        |(choice, form): &(EntityId, EntityId)| choices.get(choice).is_some_and(|(first, more)| *more || first != form);
    let beside = texts.iter().filter(|text| !text.html && !text.blank && !text.forms.iter().any(other));
    let mut texts = vec![facts.html.text.as_str()];
    texts.extend(beside.filter_map(|text| facts.plain.get(text.from..text.to)));
    if texts.len() == 1 { Shown::Html } else { Shown::Both(texts.concat()) }
}
