//! From a plan to bytes: what is sent to the next hop.
//!
//! Changes of the header need only the header in memory: it is rendered, and the rest of the spool
//! follows untouched. Changes of content need the whole message, and the proof that the original is
//! kept.

use std::io::{self, Read};
use std::sync::Arc;

use judge::notice::NoticePart;
use judge::plan::{Change, Plan};
use judge::site::Site;
use mail::edit::{Edit, EditSet, HeaderName, HeaderValue, Kept, NewPart, Rewrite, with_charset};
use mail::evidence::{ObjectId, Origin, Report};
use mail::graph::{self, BufferId, EntityId, Limits, Message};
use mail::render::render;

use crate::flow::NewBody;
use crate::spool::Spool;

/// How much of a message is read to find the end of its header; a longer header is rendered as a
/// whole message.
pub(crate) const HEAD_MAX: usize = 256 * 1024;

/// What goes to the next hop.
#[derive(Clone, Debug)]
pub enum Output {
    /// The message as it came.
    Original,
    /// A new head, then the message from `rest` on.
    Head {
        /// The rendered header.
        head: Vec<u8>,
        /// Where the untouched rest begins, in bytes.
        rest: u64,
    },
    /// A whole new message.
    Whole(Arc<[u8]>),
}

impl Output {
    /// Bytes that go out; `spool` is the message as it came.
    pub fn len(&self, spool: &Spool) -> u64 {
        match self {
            Self::Original => spool.len(),
            Self::Head { head, rest } => (head.len() as u64).saturating_add(spool.len().saturating_sub(*rest)),
            Self::Whole(bytes) => bytes.len() as u64,
        }
    }

    /// Reads them.
    pub fn reader(&self, spool: &Spool) -> Box<dyn Read + Send> {
        match self {
            Self::Original => Box::new(spool.reader()),
            Self::Head { head, rest } => Box::new(io::Cursor::new(head.clone()).chain(spool.reader_from(*rest))),
            Self::Whole(bytes) => Box::new(Spool::Memory(Arc::clone(bytes)).reader()),
        }
    }
}

/// Why a plan could not be rendered.
#[derive(Debug)]
pub enum RenderFailure {
    /// The spool could not be read.
    Io(io::Error),
    /// A change does not fit the message.
    Edit(String),
    /// Content would change although no copy was kept: a mistake of ours, never of the message.
    NotKept,
    /// It ought to be signed, cannot be, and is not to leave so (`signing.failure`).
    Unsigned(String),
}

impl std::fmt::Display for RenderFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => write!(f, "cannot read the spooled message: {error}"),
            Self::Edit(why) => write!(f, "a change does not fit the message: {why}"),
            Self::NotKept => f.write_str("the original was not kept before its content changed"),
            Self::Unsigned(why) => write!(f, "it cannot be signed: {why}"),
        }
    }
}

impl std::error::Error for RenderFailure {}

impl From<io::Error> for RenderFailure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Everything that rendering needs.
pub(crate) struct Job<'a> {
    /// The plan.
    pub(crate) plan: &'a Plan,
    /// The report, to find the entity of an object.
    pub(crate) report: Option<&'a Report>,
    /// Rebuilt containers.
    pub(crate) rebuilt: &'a [NewBody],
    /// The value of our `Received` header, if one is added.
    pub(crate) received: Option<&'a str>,
    /// Whose Authentication-Results are ours.
    pub(crate) site: &'a Site,
}

/// Whether rendering may need more than the start of the message. A sender can make the header end
/// nowhere.
pub(crate) fn may_be_long(plan: &Plan, spool: &Spool) -> bool {
    spool.len() > HEAD_MAX as u64 || plan.changes.iter().any(Change::is_below_header)
}

/// Renders a plan that delivers.
pub(crate) fn output(job: &Job<'_>, spool: &Spool, kept: Option<&dyn Kept>) -> Result<Output, RenderFailure> {
    if job.plan.changes.contains(&Change::Normalised) && kept.is_none() {
        return Err(RenderFailure::NotKept);
    }
    if job.plan.changes.is_empty() && job.received.is_none() {
        return Ok(Output::Original);
    }
    if !job.plan.changes.iter().any(Change::is_below_header) {
        let start = spool.read_at(0, HEAD_MAX)?;
        if let Some(end) = head_end(&start) {
            let head = start.get(..end).unwrap_or(&start);
            let rendered = rendered(job, head, None)?;
            return Ok(Output::Head { head: rendered, rest: end as u64 });
        }
    }
    let bytes = spool.bytes()?;
    Ok(Output::Whole(Arc::from(rendered(job, &bytes, kept)?)))
}

/// Where the header ends: behind its empty line. `None` if there is no empty line in sight.
pub(crate) fn head_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let line = bytes.get(at..)?;
        let end = line.iter().position(|b| *b == b'\n')?.saturating_add(1);
        if matches!(line.get(..end), Some(b"\r\n" | b"\n")) {
            return Some(at.saturating_add(end));
        }
        at = at.saturating_add(end);
    }
}

fn rendered(job: &Job<'_>, raw: &[u8], kept: Option<&dyn Kept>) -> Result<Vec<u8>, RenderFailure> {
    let message = graph::parse(raw, &Limits::default());
    let edits = edits(job, &message)?;
    let set = EditSet::new(&message, edits).map_err(|e| RenderFailure::Edit(e.to_string()))?;
    let rewrite = Rewrite::Edit(set);
    let rendered = render(&message, &rewrite, kept).map_err(|e| match e {
        mail::render::RenderError::NotKept => RenderFailure::NotKept,
        other => RenderFailure::Edit(other.to_string()),
    })?;
    Ok(rendered.to_vec())
}

fn edits(job: &Job<'_>, message: &Message<'_>) -> Result<Vec<Edit>, RenderFailure> {
    let mut edits = Vec::new();
    if let Some(value) = job.received {
        edits.push(prepend("Received", value)?);
    }
    for change in &job.plan.changes {
        match change {
            // The bytes that are edited are that form already.
            Change::Normalised => {}
            Change::StripForged => edits.extend(forged(message, job.site)),
            Change::Prepend { name, value } => edits.push(prepend(name, value)?),
            Change::Label(text) => edits.push(Edit::Label { text: HeaderValue::lossy(text) }),
            Change::PartStatus { object, value } => edits.extend(part_status(job, message, *object, value)?),
            Change::Notice { object, part } => {
                edits.push(Edit::Replace { entity: entity(job, *object)?, part: notice(part) });
            }
            Change::Beside { object, part } => {
                let id = entity(job, *object)?;
                // Where no delimiter follows there is no place for it; the headers tell of it too.
                if message.is_followed(id) {
                    edits.push(Edit::Beside { entity: id, part: notice(part) });
                }
            }
            Change::Rebuilt { object, .. } => edits.push(rebuilt_part(job, message, *object)?),
        }
    }
    Ok(edits)
}

fn prepend(name: &str, value: &str) -> Result<Edit, RenderFailure> {
    let name = HeaderName::new(name).map_err(|_| RenderFailure::Edit(format!("bad header name {name}")))?;
    Ok(Edit::Prepend { name, value: HeaderValue::lossy(value) })
}

fn entity(job: &Job<'_>, object: ObjectId) -> Result<EntityId, RenderFailure> {
    match job.report.and_then(|r| r.object(object)).map(|o| o.origin) {
        Some(Origin::Entity(id)) => Ok(id),
        _ => Err(RenderFailure::Edit("the object is no part of the message".to_owned())),
    }
}

/// The field that tells what was found in a part (SC-08): above the header of the part itself, or of the one that
/// holds it where it is encoded. `None` where there is no such part but the message, whose fields tell it already, or
/// a signature would break.
fn part_status(
    job: &Job<'_>,
    message: &Message<'_>,
    object: ObjectId,
    value: &str,
) -> Result<Option<Edit>, RenderFailure> {
    let Ok(mut id) = entity(job, object) else { return Ok(None) };
    let mut found = None;
    // Parents stand in front of their children, so this ends.
    while let Some(at) = message.entity(id) {
        let (written, top) = (at.buffer == BufferId::RAW && at.primary, id == EntityId(0));
        if found.is_none() && written && !top {
            found = Some(id);
        }
        let changed = |change: &Change| match change {
            Change::Notice { object, .. } | Change::Rebuilt { object, .. } => entity(job, *object).ok() == Some(id),
            _ => false,
        };
        let replaced = found != Some(id) && job.plan.changes.iter().any(changed);
        if replaced || at.media == "multipart/signed" {
            return Ok(None);
        }
        let Some(parent) = at.parent else { break };
        id = parent;
    }
    let name = HeaderName::new("X-Mailward-Part-Status")
        .map_err(|_| RenderFailure::Edit("bad name of a part's field".to_owned()))?;
    Ok(found.map(|entity| Edit::PartField { entity, name, value: HeaderValue::lossy(value) }))
}

fn notice(part: &NoticePart) -> NewPart {
    NewPart {
        media: "text/plain".to_owned(),
        charset_utf8: true,
        name: Some(part.file_name.clone()),
        attachment: true,
        body: part.text.clone().into_bytes(),
        again: false,
    }
}

fn rebuilt_part(job: &Job<'_>, message: &Message<'_>, object: ObjectId) -> Result<Edit, RenderFailure> {
    let missing = || RenderFailure::Edit("there is no rebuilt form of the object".to_owned());
    let new = job.rebuilt.iter().find(|new| new.object == object).ok_or_else(missing)?;
    let seen = job.report.and_then(|r| r.object(object)).ok_or_else(missing)?;
    let declared = seen.declared.as_ref().map_or("application/octet-stream", |d| d.raw().as_str());
    let id = entity(job, object)?;
    // What is declared no longer holds for another format.
    let media = match new.suffix.as_str() {
        "" => with_charset(message, id, declared),
        ".zip" => "application/zip".to_owned(),
        _ => "application/octet-stream".to_owned(),
    };
    let part = NewPart {
        media,
        charset_utf8: false,
        name: seen.name.as_ref().map(|n| format!("{}{}", n.raw(), new.suffix)),
        attachment: seen.attachment,
        body: new.bytes.clone(),
        again: true,
    };
    Ok(Edit::Replace { entity: id, part })
}

/// Names that only a filter in front of the mailbox may write (SC-11, D-13).
fn is_ours(name: &[u8]) -> bool {
    let starts = |prefix: &str| name.get(..prefix.len()).is_some_and(|p| p.eq_ignore_ascii_case(prefix.as_bytes()));
    const EXACT: [&str; 3] =
        ["X-MS-Exchange-Organization-SCL", "X-MS-Exchange-Organization-PCL", "MIME-Ambiguity-Results"];
    starts("X-Mailward-") || starts("X-Spam-") || EXACT.iter().any(|n| name.eq_ignore_ascii_case(n.as_bytes()))
}

fn forged(message: &Message<'_>, site: &Site) -> Vec<Edit> {
    let raw = message.raw();
    let fields = message.fields(EntityId(0));
    let ours = fields.iter().enumerate().filter(|(_, field)| {
        let name = field.name.of(raw);
        is_ours(name)
            || (name.eq_ignore_ascii_case(b"Authentication-Results")
                && is_our_authserv(field.value.of(raw), site.authserv_id()))
    });
    ours.map(|(at, _)| Edit::Strip { field: u32::try_from(at).unwrap_or(u32::MAX) }).collect()
}

/// Whether the authserv-id of an Authentication-Results value is ours (RFC 8601 section 5): compared without case,
/// after comments, folding and quotes are gone. Programs end it at a blank, take blanks around its dots out, or all
/// of them: it is ours if it is in one of these ways. What is no printable character counts as a blank.
fn is_our_authserv(value: &[u8], authserv_id: &str) -> bool {
    let mut text = Vec::new();
    let (mut depth, mut escaped) = (0u32, false);
    for byte in value {
        match byte {
            _ if escaped => {
                escaped = false;
                if depth == 0 {
                    text.push(*byte);
                }
            }
            b'\\' => escaped = true,
            b'(' => depth = depth.saturating_add(1),
            b')' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            b';' => break,
            b'"' | b'\r' | b'\n' => {}
            byte if *byte == b' ' || byte.is_ascii_control() => text.push(b' '),
            byte => text.push(*byte),
        }
    }
    let is_ours = |id: &[u8]| id.eq_ignore_ascii_case(authserv_id.as_bytes());
    let joined: Vec<u8> = text.iter().copied().filter(|byte| *byte != b' ').collect();
    is_ours(&first_word(&text)) || is_ours(&joined)
}

/// The first word of a text, without the blanks around its dots; it ends where a name cannot go on.
fn first_word(text: &[u8]) -> Vec<u8> {
    let mut word = Vec::new();
    let mut blank = false;
    for byte in text.trim_ascii() {
        let goes_on = *byte == b'.' || word.last() == Some(&b'.');
        match byte {
            b' ' => blank = true,
            _ if std::mem::take(&mut blank) && !goes_on => break,
            b'/' | b'=' | b',' | b':' | b'<' | b'>' | b'@' | b'?' | b'[' | b']' => break,
            byte => word.push(*byte),
        }
    }
    word
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    #[test]
    fn our_authserv_id_is_known_in_every_spelling() {
        let ours = [
            "mx.example.org; dkim=pass",
            " MX.Example.ORG;",
            "(comment) mx.example.org 1; x",
            "\"mx.example.org\"; x",
            "\r\n\tmx.example.org;",
            "(a(b)c)mx.example.org",
            "mx.example.org",
            "mx.\r\n example.org; spf=pass",
            "mx\r\n\t.example.org; x",
            "mx . example . org; x",
            "mx.\r\n example.org 1; x",
            "\"mx.\"\r\n \"example.org\"; x",
            "mx.(c) example.org; x",
            "mx.example.org\x0c; x",
            "mx.example.org\x0b; x",
            "\x0cmx.example.org; x",
            "mx.\x0bexample.org; x",
            "mx.exam\r\n ple.org; x",
            "mx.example.org/1; x",
            "mx.example.org=1; x",
        ];
        for value in ours {
            assert!(is_our_authserv(value.as_bytes(), "mx.example.org"), "{value}");
        }
        let others = [
            "mx.example.org.evil.example; x",
            "mx.example.org . evil.example; x",
            "x.mx.example.org; x",
            "mx.example.orgx; x",
            "other.example mx.example.org; x",
            "other.example; mx.example.org; x",
            "example.org;",
            "(mx.example.org) other;",
            "",
        ];
        for value in others {
            assert!(!is_our_authserv(value.as_bytes(), "mx.example.org"), "{value}");
        }
    }

    #[test]
    fn a_header_without_an_end_is_not_rendered_among_short_work() {
        let case = |len: usize| Spool::from(vec![b'a'; len]);
        let plan = |changes| Plan { changes, ..plain() };
        let header = Change::Prepend { name: "X-Mailward-Status", value: String::new() };
        assert!(!may_be_long(&plan(vec![header.clone()]), &case(HEAD_MAX)));
        assert!(may_be_long(&plan(vec![header]), &case(HEAD_MAX + 1)));
        assert!(may_be_long(&plan(vec![Change::Normalised]), &case(1)));
    }

    pub(crate) fn plain() -> Plan {
        Plan { status: judge::status::Status::Clean, ..judge::plan::passing() }
    }

    #[test]
    fn the_head_ends_at_the_first_empty_line() {
        assert_eq!(head_end(b"A: b\r\nC: d\r\n\r\nbody\r\n\r\n"), Some(14));
        assert_eq!(head_end(b"A: b\n\nbody"), Some(6));
        assert_eq!(head_end(b"\r\nbody"), Some(2));
        assert_eq!(head_end(b"A: b\r\n"), None);
        assert_eq!(head_end(b""), None);
    }
}
