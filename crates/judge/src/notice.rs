//! The notice that stands in place of a removed object (spec ACT-19, ACT-26): a template with
//! variables, filled in one pass, so that nothing a sender wrote is taken for a variable.

use jiff::Timestamp;
use mail::evidence::{FileKind, ObjectId};
use mail::untrusted::escape;

use crate::draft::{Case, Hit};
use crate::plan::Rebuilt;
use crate::policy::Rule;

/// Longest value of one variable, in characters.
const MAX_VALUE: usize = 300;
/// Most things that were taken out which a notice lists.
const MAX_REMOVED: usize = 20;

/// A notice, ready to become a part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoticePart {
    /// Its file name.
    pub file_name: String,
    /// Its text, with LF line ends.
    pub text: String,
}

/// Fills `%NAME%` variables. A name that is not known stays as it stands; the values are not
/// looked at again.
pub fn fill(template: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let found = after
            .split_once('%')
            .filter(|(name, _)| {
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
            })
            .and_then(|(name, tail)| value(name).map(|value| (value, tail)));
        match found {
            Some((value, tail)) => {
                out.push_str(&value);
                rest = tail;
            }
            None => {
                out.push('%');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// The notice in place of one object.
pub fn notice(case: &Case<'_>, object: ObjectId, what: &[String], reason: &str, kept: bool) -> NoticePart {
    let policy = &case.policy.malware.notice;
    let about = About { object, what, reason, kept, new_name: "", removed: "" };
    written(case, &about, &policy.file_name, &policy.text)
}

/// The notice beside an object that was changed.
pub fn changed(case: &Case<'_>, made: &Rebuilt, what: &[String], reason: &str, kept: bool) -> NoticePart {
    let policy = &case.policy.malware.notice;
    let name = case.report.object(made.object).and_then(|object| object.name.as_ref());
    let name = name.map_or_else(|| "message".to_owned(), |name| escape(name.raw(), 120));
    let mut lines: Vec<&str> = made.removed.iter().take(MAX_REMOVED).map(String::as_str).collect();
    if made.removed.len() > MAX_REMOVED {
        lines.push("and more");
    }
    let removed = lines.join("\n          ");
    let about = About {
        object: made.object,
        what,
        reason,
        kept,
        new_name: &format!("{name}{}", made.suffix),
        removed: &removed,
    };
    written(case, &about, &policy.changed_file_name, &policy.changed_text)
}

/// The notice behind a part that was changed, in a message of attachments.
pub(crate) fn beside(case: &Case<'_>, made: &Rebuilt, hits: &[&Hit], kept: bool) -> Option<NoticePart> {
    let declared = |id: ObjectId| {
        let object = case.report.object(id).filter(|object| object.kind == FileKind::Multipart)?;
        object.declared.as_ref().map(|declared| declared.raw().as_str())
    };
    let parent = case.report.object(made.object).and_then(|object| object.parent)?;
    if case.policy.malware.notice.changed_text.trim().is_empty() || declared(parent) != Some("multipart/mixed") {
        return None;
    }
    let malware = hits.iter().any(|hit| hit.rule.is_about_malware());
    let reason = if malware { "it contained malware" } else { "active content is not delivered here" };
    Some(changed(case, made, &names_of(hits), reason, kept))
}

/// The names of what was found, each once.
pub(crate) fn names_of(hits: &[&Hit]) -> Vec<String> {
    let mut names: Vec<String> = hits.iter().map(|hit| hit.what.replace('_', " ")).collect();
    names.sort();
    names.dedup();
    names
}

/// Why an object was deleted, in words.
pub(crate) fn why_deleted(hits: &[&Hit]) -> &'static str {
    let malware = hits.iter().any(|hit| hit.rule.is_about_malware());
    let disarm = hits.iter().any(|hit| hit.rule == Rule::DisarmDocument);
    match (malware, disarm) {
        (true, _) => "it contains malware",
        (false, true) => "its active content could not be taken out",
        (false, false) => "it could not be scanned",
    }
}

/// What a notice is about.
struct About<'a> {
    object: ObjectId,
    what: &'a [String],
    reason: &'a str,
    kept: bool,
    new_name: &'a str,
    removed: &'a str,
}

fn written(case: &Case<'_>, about: &About<'_>, file_name: &str, text: &str) -> NoticePart {
    let policy = &case.policy.malware.notice;
    let About { object, what, reason, kept, .. } = *about;
    let seen = case.report.object(object);
    let name = seen.and_then(|o| o.name.as_ref()).map_or_else(|| "message".to_owned(), |n| escape(n.raw(), 120));
    let backup_template = if kept { &policy.kept } else { &policy.not_kept };
    let simple = |variable: &str| -> Option<String> {
        Some(match variable {
            "OBJECT_NAME" => name.clone(),
            "OBJECT_PATH" => case.report.node(object),
            "OBJECT_SIZE" => seen.map_or(0, |o| o.size).to_string(),
            "OBJECT_SHA256" => seen.map(|o| hex(&o.sha256)).unwrap_or_default(),
            "VIRUS_NAME" => cut(&what.join(", ")),
            "REASON" => cut(reason),
            "DATE" => date(case.arrival.received_ms),
            "MESSAGE_ID" => case.arrival.id.to_string(),
            "HOST" => case.site.hostname.clone(),
            "NEW_NAME" => about.new_name.to_owned(),
            "REMOVED" => about.removed.to_owned(),
            _ => return None,
        })
    };
    let backup = fill(backup_template, &simple);
    let all = |variable: &str| if variable == "BACKUP_NOTE" { Some(backup.clone()) } else { simple(variable) };
    NoticePart { file_name: one_line(&fill(file_name, &simple)), text: fill(text, &all) }
}

/// A file name holds no separators and no line ends, and hides nothing by a leading dot, whatever
/// the template says.
fn one_line(text: &str) -> String {
    let harmless = |c: char| if c.is_control() || "/\\:*?\"<>|".contains(c) { '_' } else { c };
    let name: String = text.trim_start_matches('.').chars().map(harmless).take(150).collect();
    let empty = name.chars().all(|c| c == '_' || c.is_whitespace());
    if empty { "removed.txt".to_owned() } else { name }
}

fn cut(text: &str) -> String {
    escape(text, MAX_VALUE)
}

/// A time as RFC 3339 in UTC, to the second.
pub(crate) fn date(unix_ms: u64) -> String {
    let seconds = i64::try_from(unix_ms / 1000).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_or_else(|_| "unknown".to_owned(), |t| t.to_string())
}

/// Lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_once() {
        let value = |name: &str| match name {
            "A" => Some("%B%".to_owned()),
            "B" => Some("b".to_owned()),
            _ => None,
        };
        let cases = [
            ("%A%", "%B%"),
            ("x %B% y", "x b y"),
            ("100% of %B%", "100% of b"),
            ("%C%", "%C%"),
            ("50%", "50%"),
            ("%%B%%", "%b%"),
            ("", ""),
        ];
        for (template, filled) in cases {
            assert_eq!(fill(template, &value), filled, "{template}");
        }
    }

    #[test]
    fn file_names_are_harmless() {
        assert_eq!(one_line("../../etc/passwd\r\n.txt"), "_.._etc_passwd__.txt");
        assert_eq!(one_line(" \t"), "removed.txt");
    }

    #[test]
    fn dates_are_plain() {
        assert_eq!(date(1_700_000_000_123), "2023-11-14T22:13:20Z");
    }
}
