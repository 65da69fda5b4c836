//! Files that a shell script holds between its lines (here-documents, POSIX shell 2.7.4), as shell archives
//! ("shar") do.
//!
//! Limits: [`MAX_FILES`], [`MAX_WORD`]. A document that does not end goes on to the end of the script, as it does for
//! the shell. Not handled: names and delimiters that the shell would put together.

use crate::bytes::between;
use crate::names;

/// Most documents of a script.
const MAX_FILES: usize = 1000;
/// Longest delimiter or name, in bytes.
const MAX_WORD: usize = 256;

/// A document: its name and its content.
pub(super) struct Here {
    pub(super) name: Option<String>,
    pub(super) content: Vec<u8>,
}

/// Whether a text may be a script of the shell.
pub(super) fn is_script(text: &[u8]) -> bool {
    let head = between(text, 0, 4096);
    text.starts_with(b"#!") || memchr::memmem::find(&head.to_ascii_lowercase(), b"shell archive").is_some()
}

/// The documents of a script; the flag says that there are more.
pub(super) fn documents(text: &[u8]) -> (Vec<Here>, bool) {
    let (mut all, mut at) = (Vec::new(), 0_usize);
    while at < text.len() {
        let (line, next) = line(text, at);
        at = next;
        let Some(open) = memchr::memmem::find(line, b"<<").filter(|_| !line.trim_ascii_start().starts_with(b"#"))
        else {
            continue;
        };
        let behind = between(line, open.saturating_add(2), line.len());
        let tabs = behind.starts_with(b"-");
        let (end, _) = word(behind.strip_prefix(b"-").unwrap_or(behind));
        if end.is_empty() || behind.starts_with(b"<") {
            continue;
        }
        if all.len() >= MAX_FILES {
            return (all, true);
        }
        // Many archives put a letter in front of each line, and take it off again.
        let letter =
            memchr::memmem::find(line, b"s/^").and_then(|at| match between(line, at.saturating_add(3), line.len()) {
                [letter, b'/', b'/', ..] => Some(*letter),
                _ => None,
            });
        let (content, next) = content(text, at, &end, tabs, letter);
        at = next;
        let name = memchr::memrchr(b'>', line).map(|at| word(between(line, at.saturating_add(1), line.len())).0);
        let name = name.filter(|name| !name.is_empty()).map(|name| names::decode(&name));
        all.push(Here { name, content });
    }
    (all, false)
}

/// A line without its end, and where the next one begins.
pub(super) fn line(text: &[u8], at: usize) -> (&[u8], usize) {
    let rest = between(text, at, text.len());
    let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    let line = between(rest, 0, length);
    (line.strip_suffix(b"\r").unwrap_or(line), at.saturating_add(length).saturating_add(1))
}

/// A word without its quotes, and what stands behind it.
fn word(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let text = text.trim_ascii_start();
    let (mut out, mut quote) = (Vec::new(), None);
    for (at, byte) in text.iter().copied().enumerate().take(MAX_WORD) {
        match (quote, byte) {
            (Some(open), byte) if byte == open => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'\\') => {}
            (None, b' ' | b'\t' | b';' | b'&' | b'|' | b'<' | b'>' | b')') => {
                return (out, between(text, at, text.len()));
            }
            (_, byte) => out.push(byte),
        }
    }
    (out, &[])
}

/// The lines up to a delimiter, and where what follows begins.
fn content(text: &[u8], from: usize, end: &[u8], tabs: bool, letter: Option<u8>) -> (Vec<u8>, usize) {
    let (mut out, mut at) = (Vec::new(), from);
    while at < text.len() {
        let (mut one, next) = line(text, at);
        let whole = between(text, at, next);
        at = next;
        if tabs {
            one = one.iter().position(|byte| *byte != b'\t').map_or(&[], |from| between(one, from, one.len()));
        }
        if one == end {
            break;
        }
        let kept = if tabs { whole.trim_ascii_start() } else { whole };
        out.extend_from_slice(letter.and_then(|letter| kept.strip_prefix(&[letter])).unwrap_or(kept));
    }
    (out, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_what_the_shell_reads() {
        let text = b"#!/bin/sh\n# a << b\nsed 's/^X//' << 'SHAR_EOF' > 'a b.txt' &&\nXone\nXXtwo\n\nSHAR_EOF\necho x\n\
            cat > n.sh <<\\END; echo\n$1\nEND\nuudecode <<-E\n\tbegin 600 a\n\tE\ncat <<<word\ncat <<Q\nto the end\n";
        let (all, more) = documents(text);
        let found: Vec<(Option<&str>, &str)> =
            all.iter().map(|it| (it.name.as_deref(), std::str::from_utf8(&it.content).unwrap())).collect();
        let expected = [
            (Some("a b.txt"), "one\nXtwo\n\n"),
            (Some("n.sh"), "$1\n"),
            (None, "begin 600 a\n"),
            (None, "to the end\n"),
        ];
        assert_eq!((found, more), (expected.to_vec(), false));
        assert!(is_script(text) && is_script(b"x\n# This is a shell archive (x)\n") && !is_script(b"text << x"));
        assert!(documents(&b"cat <<A\nA\n".repeat(MAX_FILES + 1)).1);
    }
}
