//! What was seen: header, objects, findings, defects. Everything a sender wrote is escaped.

use std::collections::BTreeMap;
use std::fmt::Write;

use mail::defect::Ambiguity;
use mail::evidence::{
    AuthResult, Certainty, EngineId, Facts, FindingKind, Object, ObjectId, Origin, Report, Seen, UnscannedReason,
};
use mail::untrusted::Untrusted;

use crate::looking::bench::Looked;
use crate::looking::content::Content;
use crate::looking::outside::NotAsked;
use crate::looking::{objects as all_objects, spam};
use crate::terminal::size;

/// Most objects, findings or defects that are shown.
const MAX_SHOWN: usize = 1000;
/// Most characters of a header field, a name or a piece of evidence.
const MAX_TEXT: usize = 200;

fn heading(text: &str, out: &mut String) {
    let _ = writeln!(out, "\n{text}");
}

/// Says how much was left out of a list.
fn more(all: usize, out: &mut String) {
    if all > MAX_SHOWN {
        let _ = writeln!(out, "  and {} more", all - MAX_SHOWN);
    }
}

/// What the header says.
pub(super) fn header(content: &Content, report: &Report, out: &mut String) {
    let Facts { subject, from, to, cc, date, message_id, .. } = report.facts();
    let fields =
        [("From", from), ("To", to), ("Cc", cc), ("Subject", subject), ("Date", date), ("Message-ID", message_id)];
    heading("The header, as it is written", out);
    let mut any = false;
    for (name, value) in fields {
        if let Some(value) = value {
            any = true;
            let _ = writeln!(out, "  {name:<11} {}", value.escaped(MAX_TEXT));
        }
    }
    if !any {
        out.push_str("  it says nothing, or there is none\n");
    }
    let bytes = content.spool.len();
    let _ = writeln!(out, "  {:<11} {} ({bytes} bytes)", "(size)", size(bytes));
}

/// The tree of objects.
pub(super) fn objects(report: &Report, out: &mut String) {
    heading("What is in it", out);
    let mut children: BTreeMap<Option<ObjectId>, Vec<ObjectId>> = BTreeMap::new();
    for (id, object) in all_objects(report) {
        children.entry(object.parent).or_default().push(id);
    }
    // A stack instead of recursion: the depth is the sender's choice.
    let mut stack: Vec<ObjectId> = children.remove(&None).unwrap_or_default();
    let mut shown = 0;
    while let Some(id) = stack.pop() {
        if shown == MAX_SHOWN {
            more(report.objects().len(), out);
            break;
        }
        shown += 1;
        if let Some(object) = report.object(id) {
            let indent = "  ".repeat(usize::from(object.depth).min(40) + 1);
            let _ = writeln!(out, "{indent}{}", object_line(object));
        }
        stack.extend(children.remove(&Some(id)).unwrap_or_default().into_iter().rev());
    }
    let _ = writeln!(out, "  Looked at by {}.", engines(report).join(", "));
}

fn object_line(object: &Object) -> String {
    let name = object.name.as_ref().map(|name| name.escaped(MAX_TEXT));
    let number = match object.origin {
        Origin::Root => "message".to_owned(),
        Origin::Entity(_) => object.part.clone(),
        Origin::Member(at) if name.is_none() => format!("#{}", u64::from(at) + 1),
        Origin::Member(_) => String::new(),
    };
    let label = match (object.origin, name) {
        (Origin::Root, Some(name)) => name,
        (_, Some(name)) if number.is_empty() => name,
        (_, Some(name)) => format!("{number} {name}"),
        // A multipart that is the whole message has no number.
        (_, None) if number.is_empty() => "(all parts)".to_owned(),
        (_, None) => number,
    };
    let mut line = format!("{label}: {}, {}", object.kind.name().replace('_', " "), size(object.size));
    if let Some(declared) = &object.declared {
        let _ = write!(line, ", declared as {}", declared.escaped(MAX_TEXT));
    }
    if object.attachment {
        line.push_str(", attachment");
    }
    let others = names(&object.other_names);
    if !others.is_empty() {
        let _ = write!(line, ", other programs may call it {others}");
    }
    for coverage in &object.coverage {
        match coverage.seen {
            Seen::Examined => {}
            Seen::Excluded => {
                let _ = write!(line, "; not for {}", coverage.engine.name());
            }
            Seen::Unable(why) => {
                let _ = write!(line, "; {} could not look: {}", coverage.engine.name(), why.name().replace('_', " "));
            }
        }
    }
    line
}

fn names(names: &[Untrusted<String>]) -> String {
    let shown: Vec<String> = names.iter().map(|name| format!("\"{}\"", name.escaped(MAX_TEXT))).collect();
    shown.join(" or ")
}

/// Every engine that looked at something, by name.
fn engines(report: &Report) -> Vec<&'static str> {
    let coverage = report.objects().iter().flat_map(|object| &object.coverage);
    let mut engines: Vec<EngineId> = coverage.filter(|c| c.seen == Seen::Examined).map(|c| c.engine).collect();
    engines.sort_unstable();
    engines.dedup();
    engines.into_iter().map(EngineId::name).collect()
}

/// Malware.
pub(super) fn findings(report: &Report, out: &mut String) {
    heading("What was found", out);
    let mut count = 0;
    for finding in report.findings() {
        let FindingKind::Malware { name, kind, certainty } = &finding.kind else { continue };
        count += 1;
        if count > MAX_SHOWN {
            continue;
        }
        let sure = match certainty {
            Certainty::Certain => "known malware",
            Certainty::Probable => "typical of malware",
        };
        let (node, engine) = (report.node(finding.object), finding.engine.name());
        let evidence = finding.evidence.escaped(MAX_TEXT);
        let _ = writeln!(out, "  {node}: {name} ({kind}; {sure}), found by {engine}: {evidence}");
    }
    if count == 0 {
        out.push_str("  no malware\n");
    }
    more(count, out);
    opened(report, out);
}

/// What was encrypted, and whose password opened it.
fn opened(report: &Report, out: &mut String) {
    let mut count = 0;
    for finding in report.findings() {
        let FindingKind::Opened { .. } = finding.kind else { continue };
        count += 1;
        if count <= MAX_SHOWN {
            let _ = writeln!(out, "  {}: {}", report.node(finding.object), finding.evidence.escaped(MAX_TEXT));
        }
    }
    more(count, out);
}

/// What was left out, and why.
pub(super) fn unscanned(looked: &Looked, out: &mut String) {
    let report = &looked.report;
    heading("What was not looked at", out);
    let mut count = 0;
    for finding in report.findings() {
        let FindingKind::Unscanned { reason } = finding.kind else { continue };
        count += 1;
        if count <= MAX_SHOWN {
            let (node, engine) = (report.node(finding.object), finding.engine.name());
            let evidence = finding.evidence.escaped(MAX_TEXT);
            let _ = writeln!(out, "  {node}: {} ({engine}: {evidence})", why(reason));
        }
    }
    more(count, out);
    let spam = looked.plan.spam.as_ref().and_then(spam::unexamined);
    let others: Vec<String> = spam.into_iter().chain(NotAsked::told(&looked.not_asked)).collect();
    match (count, others.is_empty()) {
        (0, true) => out.push_str("  nothing: everything was looked at\n"),
        (0, false) => out.push_str("  of the message itself nothing\n"),
        _ => {}
    }
    for line in others {
        let _ = writeln!(out, "  {line}");
    }
}

fn why(reason: UnscannedReason) -> &'static str {
    match reason {
        UnscannedReason::Encrypted => "it is encrypted, and no password opens it",
        UnscannedReason::Damaged => "it is damaged, and part of it cannot be read",
        UnscannedReason::UnknownFormat => "it is a container of a kind that is not opened",
        UnscannedReason::Packed => "it is a program that a packer has packed, and that is not unpacked",
        UnscannedReason::LimitDepth => "what is in it is nested deeper than the limit",
        UnscannedReason::LimitObjects => "there are more objects than the limit",
        UnscannedReason::LimitBytes => "it unpacks to more bytes than the limit",
        UnscannedReason::LimitRatio => "it expands more than the limit",
        UnscannedReason::LimitTime => "it takes more work than the limit",
        UnscannedReason::SizeExcluded => "the policy excludes archives of this size",
        UnscannedReason::EngineFailed => "an engine could not look",
        UnscannedReason::Volume => "it is one file of an archive that is split over several",
    }
}

/// What is wrong with the form of the message.
pub(super) fn defects(report: &Report, out: &mut String) {
    heading("The form of the message", out);
    out.push_str(match report.evidence().ambiguity {
        Ambiguity::None => "  nothing unusual\n",
        Ambiguity::Cosmetic => "  something is wrong that every mail program reads the same way\n",
        Ambiguity::Ambiguous => "  mail programs may see different content in it\n",
        Ambiguity::TooAmbiguous => "  there are more ways to read it than are looked at\n",
    });
    let mut lines: Vec<String> = Vec::new();
    for (id, object) in all_objects(report).filter(|(_, object)| !object.defects.is_empty()) {
        let node = report.node(id);
        let mut codes: Vec<_> = object.defects.iter().map(|defect| defect.code).collect();
        codes.sort_unstable();
        codes.dedup();
        lines.extend(codes.iter().map(|code| format!("  {node}: {} ({})", code.explanation(), code.name())));
    }
    for line in lines.iter().take(MAX_SHOWN) {
        let _ = writeln!(out, "{line}");
    }
    more(lines.len(), out);
}

/// Who really sent it, if that was asked.
pub(super) fn sender(report: &Report, out: &mut String) {
    let Some(auth) = report.auth() else { return };
    heading("Who really sent it", out);
    let mut line = |what: &str, result: AuthResult, of: &Untrusted<String>, why: &Untrusted<String>| {
        let _ = write!(out, "  {what:<6} {:<9} {}", result.name(), of.escaped(MAX_TEXT));
        if !why.raw().is_empty() {
            let _ = write!(out, " ({})", why.escaped(MAX_TEXT));
        }
        out.push('\n');
    };
    line("SPF", auth.spf.result, &auth.spf.domain, &auth.spf.why);
    line("HELO", auth.helo.result, &auth.helo.domain, &auth.helo.why);
    for check in &auth.dkim {
        line("DKIM", check.result, &check.domain, &check.why);
    }
    for check in &auth.dmarc {
        line("DMARC", check.result, &check.domain, &check.why);
    }
    line("ARC", auth.arc.result, &auth.arc.sealer, &auth.arc.why);
    line("name", auth.reverse.result, &auth.reverse.name, &auth.reverse.why);
    if !auth.one_author {
        out.push_str("  From does not name exactly one author: DMARC never passes\n");
    }
}
