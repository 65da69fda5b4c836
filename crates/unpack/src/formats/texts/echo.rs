//! Files that a script writes line by line with `echo`, as batch files carry what `certutil -decode` undoes.
//!
//! Limits: [`MAX_FILES`], [`MAX_WORD`]. Not handled: names and lines that the script puts together, and lines of which
//! the command processor would take something away.

use std::collections::BTreeMap;

use super::shell::{Here, line};
use crate::bytes::between;
use crate::names;

/// Most files of a script that have two lines or more.
const MAX_FILES: usize = 1000;
/// Longest name, in bytes.
const MAX_WORD: usize = 256;

/// The files of at least two lines that a script writes; the flag says that there are more.
pub(super) fn written(text: &[u8]) -> (Vec<Here>, bool) {
    let mut files: Vec<(Here, usize)> = Vec::new();
    let mut latest: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    let (mut at, mut count, mut more) = (0_usize, 0_usize, false);
    while at < text.len() {
        let (one, next) = line(text, at);
        at = next;
        let Some(Echo { said, target, adds }) = echo(one) else { continue };
        // What begins anew takes the place of what had one line only: that is given nowhere.
        let known = latest.get(&target).copied();
        let single = |number: &usize| files.get(*number).is_some_and(|(_, lines)| *lines < 2);
        let number = match known.filter(|number| adds || single(number)) {
            Some(number) => number,
            None => {
                let name = Some(names::decode(&target));
                files.push((Here { name, content: Vec::new() }, 0));
                latest.insert(target, files.len().saturating_sub(1));
                files.len().saturating_sub(1)
            }
        };
        if let Some((file, lines)) = files.get_mut(number) {
            if !adds {
                (file.content, *lines) = (Vec::new(), 0);
            }
            if *lines == 1 && count >= MAX_FILES {
                more = true;
                continue;
            }
            count = count.saturating_add(usize::from(*lines == 1));
            file.content.extend_from_slice(said);
            file.content.push(b'\n');
            *lines = lines.saturating_add(1);
        }
    }
    (files.into_iter().filter(|(_, lines)| *lines > 1).map(|(file, _)| file).collect(), more)
}

/// A line that writes one: what, where, and whether behind what is there.
struct Echo<'a> {
    said: &'a [u8],
    target: Vec<u8>,
    adds: bool,
}

/// Reads `@echo TEXT>>NAME` and `>>NAME echo TEXT`.
fn echo(line: &[u8]) -> Option<Echo<'_>> {
    let line = line.trim_ascii_start();
    let line = line.strip_prefix(b"@").unwrap_or(line).trim_ascii_start();
    let line = line.strip_prefix(b"(").unwrap_or(line).trim_ascii_start();
    if let Some(rest) = line.strip_prefix(b">") {
        let (adds, rest) = rest.strip_prefix(b">").map_or((false, rest), |rest| (true, rest));
        let (target, rest) = target(rest)?;
        return Some(Echo { said: said(rest.trim_ascii_start())?, target, adds });
    }
    let said = said(line)?;
    let arrow = memchr::memrchr(b'>', said)?;
    let (target, _) = target(between(said, arrow.saturating_add(1), said.len()))?;
    let said = between(said, 0, arrow);
    let (said, adds) = said.strip_suffix(b">").map_or((said, false), |said| (said, true));
    Some(Echo { said: unquoted(said.strip_suffix(b")").unwrap_or(said)), target, adds })
}

/// What stands behind `echo` and the one character after it.
fn said(line: &[u8]) -> Option<&[u8]> {
    let (word, rest) = line.split_at_checked(4)?;
    let (mark, rest) = rest.split_first()?;
    (word.eq_ignore_ascii_case(b"echo") && b" \t.:,;=/+([".contains(mark)).then_some(rest)
}

/// A name of a file, and what stands behind it.
fn target(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let text = text.trim_ascii_start();
    let (name, rest) = match text.strip_prefix(b"\"") {
        Some(quoted) => {
            let end = memchr::memchr(b'"', between(quoted, 0, MAX_WORD))?;
            (between(quoted, 0, end), between(quoted, end.saturating_add(1), quoted.len()))
        }
        None => {
            let ends = |byte: &u8| byte.is_ascii_whitespace() || b"&|)<>;".contains(byte);
            let end = text.iter().take(MAX_WORD).position(ends).unwrap_or(text.len().min(MAX_WORD));
            text.split_at_checked(end)?
        }
    };
    (!name.is_empty() && !name.eq_ignore_ascii_case(b"nul") && name != b"/dev/null")
        .then(|| (name.to_ascii_lowercase(), rest))
}

/// A text without blanks around it and, as the shell of Unix takes them away, without quotes.
fn unquoted(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    let inner = |quote: &[u8]| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    inner(b"\"").or_else(|| inner(b"'")).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(String, String)> {
        let text_of = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        written(text.as_bytes()).0.into_iter().map(|it| (it.name.unwrap(), text_of(it.content))).collect()
    }

    #[test]
    fn lines_that_are_echoed_are_put_together() {
        let text = "@echo off\r\n@echo -----BEGIN-----> a\r\n@ECHO QUJD>>a\r\n>>\"a\" echo REVG\r\n(echo.R0hJ)>>A\r\necho x >nul\r\n\
                    echo one>b\necho two>b\necho 'q' >> c.txt & rem\necho \"r\" >> c.txt\necho y>nul\necho z>nul\n";
        let expected = [("a", "-----BEGIN-----\nQUJD\nREVG\nR0hJ\n"), ("c.txt", "q\nr\n")];
        assert_eq!(told(text), expected.map(|(name, content)| (name.to_owned(), content.to_owned())));
    }

    #[test]
    fn what_only_looks_like_it_is_none() {
        assert_eq!(told("echoes>a\nechoes>a\necho\necho >\n>\n>> \n<p>echo >x\nso echo a>b\nso echo a>b"), []);
    }

    #[test]
    fn many_files_are_said_to_be_more() {
        let text: String = (0..=MAX_FILES).map(|number| format!("echo a>f{number}\necho b>>f{number}\n")).collect();
        let (files, more) = written(text.as_bytes());
        assert!(more && files.len() == MAX_FILES);
    }

    #[test]
    fn files_of_one_line_do_not_count() {
        let mut text: String = (0..2 * MAX_FILES).map(|number| format!("echo a>f{number}\necho b>log\n")).collect();
        text.push_str("echo one>last\necho two>>last\necho new>last\necho c>>log\n");
        let (files, more) = written(text.as_bytes());
        let contents: Vec<_> = files.iter().map(|file| &file.content[..]).collect();
        assert!(!more);
        assert_eq!(contents, [&b"b\nc\n"[..], b"one\ntwo\n"]);
    }
}
