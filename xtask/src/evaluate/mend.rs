//! A collection whose collector took addresses out of the header, with neutral ones put back.
//!
//! In `glitchy` stands `[removed]`, or nothing, where addresses stood: `From:[removed]`, `To:`,
//! `Message-ID: <[removed]>`. Filters take that for a forged header: what they find there is the collector's
//! work. So the set is measured twice, as it came and mended, and points are fitted on the mended one only.
//! Put back is what says least: one address at the domain that signed the message, one recipient, a plain
//! Message-ID; fields for answers and blind copies go.

use std::path::{Path, PathBuf};

use crate::cargo;

/// The set, and what it is called when it is mended.
pub(crate) const SCRUBBED: &str = "glitchy";
pub(crate) const MENDED: &str = "glitchy-mended";
/// What the collector wrote in place of addresses.
const REMOVED: &str = "[removed]";

/// Writes the mended set below the target directory; `None` where there is no such set.
pub(crate) fn write(corpora: &Path) -> Result<Option<PathBuf>, String> {
    let from = corpora.join(SCRUBBED).join("spam");
    let Ok(entries) = std::fs::read_dir(&from) else { return Ok(None) };
    let root = cargo::target().join("evaluate");
    let to = root.join(MENDED).join("spam");
    let told = |path: &Path, e: std::io::Error| format!("{}: {e}", path.display());
    std::fs::create_dir_all(&to).map_err(|e| told(&to, e))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        let raw = std::fs::read(&path).map_err(|e| told(&path, e))?;
        let name = path.file_name().unwrap_or_default();
        std::fs::write(to.join(name), mended(&raw)).map_err(|e| told(&path, e))?;
    }
    Ok(Some(root))
}

/// One message with neutral addresses in its header; its body as it was.
fn mended(raw: &[u8]) -> Vec<u8> {
    let end = raw.windows(2).position(|pair| pair == b"\n\n").unwrap_or(raw.len());
    let (header, body) = raw.split_at(end);
    // The header of some is not UTF-8: each byte is a letter of its own, and goes back as that byte.
    let header: String = header.iter().copied().map(char::from).collect();
    let domain = signer(&header).unwrap_or("example.com").to_owned();
    let mut name = String::new();
    let mut lines: Vec<String> = Vec::new();
    for line in header.split('\n') {
        if !line.starts_with([' ', '\t']) {
            name = line.split(':').next().unwrap_or("").to_ascii_lowercase();
        }
        if let Some(line) = mended_line(line, &name, &domain) {
            lines.push(line);
        }
    }
    let text = lines.join("\n");
    let mut out: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
    out.extend_from_slice(body);
    out
}

/// The domain of the first signature.
fn signer(header: &str) -> Option<&str> {
    let rest = header.split("DKIM-Signature:").nth(1)?;
    let value = rest.split("d=").nth(1)?;
    let end = value.find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-').unwrap_or(value.len());
    value.get(..end).filter(|domain| domain.contains('.'))
}

fn mended_line(line: &str, name: &str, domain: &str) -> Option<String> {
    let addresses = ["from", "to", "cc", "bcc", "reply-to", "sender", "delivered-to", "return-path", "message-id"];
    let empty = line.trim_end().ends_with(':') && !line.starts_with([' ', '\t']) && addresses.contains(&name);
    if !empty && !line.contains(REMOVED) {
        return Some(line.to_owned());
    }
    let field = line.split(':').next().unwrap_or("");
    Some(match name {
        "from" => format!("From: Writer <writer@{domain}>"),
        "to" | "delivered-to" if !line.starts_with([' ', '\t']) => format!("{field}: reader@example.net"),
        "cc" | "bcc" | "reply-to" | "in-reply-to" | "references" => return None,
        "message-id" if empty || line.contains("<[") => format!("{field}: <20240131094012.7c1d2e9f04@{domain}>"),
        "message-id" => line.replace(&format!("={REMOVED}"), &format!("@mail.{domain}")),
        "return-path" | "sender" if empty => format!("{field}: <writer@{domain}>"),
        "return-path" | "sender" => line.replace(REMOVED, &format!("writer@{domain}")),
        _ => line.replace(REMOVED, "reader@example.net"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_out_is_put_back_and_the_body_stays() {
        let raw =
            b"DKIM-Signature: v=1; d=mail.example.org;\n s=x\nFrom:[removed]\nTo:\nReply-To:[removed]\nSubject: a\n\
            Message-ID: <CAA=[removed]\n\nwrite to [removed]\n";
        let expected = "DKIM-Signature: v=1; d=mail.example.org;\n s=x\nFrom: Writer <writer@mail.example.org>\n\
            To: reader@example.net\nSubject: a\nMessage-ID: <CAA@mail.mail.example.org\n\nwrite to [removed]\n";
        assert_eq!(String::from_utf8_lossy(&mended(raw)), expected);
        assert_eq!(mended(b"From: a@example.org\n\nx [removed]"), b"From: a@example.org\n\nx [removed]");
    }
}
