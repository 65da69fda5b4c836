//! Every `tests/golden/<stem>.eml` gives `<stem>.tree`. `MAILWARD_BLESS=1` writes what came out.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use mail::defect::Defect;
use mail::graph::{Limits, Message, parse};

/// How many characters of a text the dump shows.
const SHOWN: usize = 100;

/// The messages, sorted by name.
pub(crate) fn messages() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "eml"))
        .collect();
    files.sort();
    files
}

#[test]
fn messages_read_as_their_trees() {
    let files = messages();
    assert!(files.len() >= 15, "only {} messages", files.len());
    let mut wrong = Vec::new();
    for path in files {
        let raw = std::fs::read(&path).unwrap();
        let tree = dump(&parse(&raw, &Limits::default()));
        let expected = path.with_extension("tree");
        if std::env::var_os("MAILWARD_BLESS").is_some() {
            std::fs::write(&expected, &tree).unwrap();
        }
        if std::fs::read_to_string(&expected).unwrap_or_default() != tree {
            wrong.push(format!("{}\n{tree}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "these read differently now:\n{}", wrong.join("\n"));
}

fn dump(message: &Message<'_>) -> String {
    let mut out = String::new();
    for id in message.primary() {
        let entity = message.entity(id).unwrap();
        let indent = "  ".repeat(usize::from(entity.depth));
        let content = message.content(id, 1 << 20);
        let _ = write!(
            out,
            "{indent}{} [{}] {} {:?} {:?} buffer {} at {}..{} body {}..{}",
            id.0,
            entity.part,
            entity.media.escape_debug(),
            entity.shape(),
            entity.encoding,
            entity.buffer.0,
            entity.whole.start,
            entity.whole.end,
            entity.body.start,
            entity.body.end,
        );
        if entity.is_leaf() {
            let _ = write!(out, " content {}", content.bytes.len());
        }
        for (what, value) in [("charset", &entity.charset), ("disposition", &entity.disposition)] {
            if let Some(value) = value {
                let _ = write!(out, " {what} {}", value.escape_debug());
            }
        }
        for name in &entity.names {
            let _ = write!(out, " name \"{}\"", name.escaped(SHOWN));
        }
        if entity.is_attachment() {
            out.push_str(" attachment");
        }
        out.push('\n');
        if entity.is_leaf() {
            let text: String = String::from_utf8_lossy(&content.bytes).chars().take(SHOWN).collect();
            let _ = writeln!(out, "{indent}  | {}", text.escape_debug());
            out.push_str(&defects(&content.defects, &indent));
        }
    }
    out.push_str(&others(message));
    let _ = writeln!(out, "ambiguity {}", message.ambiguity().name());
    out.push_str(&defects(message.defects(), ""));
    let facts = message.facts();
    for (what, fact) in [("subject", facts.subject), ("from", facts.from)] {
        if let Some(fact) = fact {
            let _ = writeln!(out, "{what} {}", fact.escaped(SHOWN));
        }
    }
    out
}

/// The leaves that only other readings have.
fn others(message: &Message<'_>) -> String {
    let mut out = String::new();
    for id in message.leaves() {
        let entity = message.entity(id).unwrap();
        if entity.primary {
            continue;
        }
        let content = message.content(id, 1 << 20);
        let text: String = String::from_utf8_lossy(&content.bytes).chars().take(SHOWN).collect();
        let (part, media, encoding) = (&entity.part, entity.media.escape_debug(), entity.encoding);
        let _ = writeln!(out, "other [{part}] {media} {encoding:?} content {}", content.bytes.len());
        let _ = writeln!(out, "  | {}", text.escape_debug());
    }
    out
}

fn defects(defects: &[Defect], indent: &str) -> String {
    let line = |d: &Defect| format!("{indent}  ! {} {} {}..{}\n", d.entity.0, d.code.name(), d.span.start, d.span.end);
    defects.iter().map(line).collect()
}
