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
    let mut files = Files::default();
    let mut at = 0_usize;
    while at < text.len() {
        let (one, next) = line(text, at);
        at = next;
        echoes(one).into_iter().for_each(|echo| files.add(echo));
    }
    let long = files.all.into_iter().filter(|(_, lines)| *lines > 1).map(|(file, _)| file);
    (long.collect(), files.more)
}

/// The files so far.
#[derive(Default)]
struct Files {
    /// Each with the number of its lines.
    all: Vec<(Here, usize)>,
    /// The latest of each name.
    latest: BTreeMap<Vec<u8>, usize>,
    /// How many have two lines or more, and whether there are more than are kept.
    count: usize,
    more: bool,
}

impl Files {
    fn add(&mut self, Echo { said, target, adds }: Echo<'_>) {
        // What begins anew takes the place of what had one line only: that is given nowhere.
        let known = self.latest.get(&target).copied();
        let single = |number: &usize| self.all.get(*number).is_some_and(|(_, lines)| *lines < 2);
        let number = match known.filter(|number| adds || single(number)) {
            Some(number) => number,
            None => {
                let name = Some(names::decode(&target));
                self.all.push((Here { name, content: Vec::new() }, 0));
                self.latest.insert(target, self.all.len().saturating_sub(1));
                self.all.len().saturating_sub(1)
            }
        };
        let Some((file, lines)) = self.all.get_mut(number) else { return };
        if !adds {
            (file.content, *lines) = (Vec::new(), 0);
        }
        if *lines == 1 && self.count >= MAX_FILES {
            self.more = true;
            return;
        }
        self.count = self.count.saturating_add(usize::from(*lines == 1));
        file.content.extend_from_slice(said);
        file.content.push(b'\n');
        *lines = lines.saturating_add(1);
    }
}

/// A line that writes one: what, where, and whether behind what is there.
struct Echo<'a> {
    said: &'a [u8],
    target: Vec<u8>,
    adds: bool,
}

/// What the commands of a line write. Where none of them writes, the line is taken as one: its texts may hold what
/// parts commands elsewhere.
fn echoes(line: &[u8]) -> Vec<Echo<'_>> {
    let found: Vec<Echo<'_>> = commands(line).filter_map(echo).collect();
    if found.is_empty() { echo(line).into_iter().collect() } else { found }
}

/// The commands of a line: `&` parts them, but not in quotes, behind its escape, or where it names a handle.
fn commands(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut before) = (false, 0);
    line.split(move |byte| {
        quoted ^= *byte == b'"';
        let front = std::mem::replace(&mut before, *byte);
        *byte == b'&' && !quoted && !matches!(front, b'^' | b'>')
    })
}

/// Reads `@echo TEXT>>NAME` and `>>NAME echo TEXT`.
fn echo(line: &[u8]) -> Option<Echo<'_>> {
    let line = line.trim_ascii_start();
    let line = line.strip_prefix(b"@").unwrap_or(line).trim_ascii_start();
    let line = line.strip_prefix(b"(").unwrap_or(line).trim_ascii_start();
    if let Some(rest) = line.strip_prefix(b">") {
        let (adds, rest) = rest.strip_prefix(b">").map_or((false, rest), |rest| (true, rest));
        let (target, rest) = target(rest)?;
        let said = said(rest.trim_ascii_start()).filter(|_| !is_nothing(&target))?;
        return Some(Echo { said, target, adds });
    }
    let said = said(line)?;
    // The last arrow that leads into a file: others tell where errors go, or that nothing is kept of them.
    for arrow in memchr::memrchr_iter(b'>', said) {
        let (front, behind) = (between(said, 0, arrow), between(said, arrow.saturating_add(1), said.len()));
        // The first half of one that was passed over.
        if behind.starts_with(b">") {
            continue;
        }
        let (front, adds) = front.strip_suffix(b">").map_or((front, false), |front| (front, true));
        // A digit behind a blank says whose output it is; 1 is what `echo` says.
        let front = match front {
            [text @ .., b' ' | b'\t', b'1'] => text,
            [.., b' ' | b'\t', b'0'..=b'9'] => continue,
            text => text,
        };
        let (target, _) = target(behind)?;
        if !is_nothing(&target) {
            return Some(Echo { said: unquoted(front.strip_suffix(b")").unwrap_or(front)), target, adds });
        }
    }
    None
}

/// Whether a name is the one of what keeps nothing.
fn is_nothing(name: &[u8]) -> bool {
    name == b"nul" || name == b"/dev/null"
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
    (!name.is_empty()).then(|| (name.to_ascii_lowercase(), rest))
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
    fn where_errors_go_is_not_where_the_text_goes() {
        for line in [
            "echo AA>>a 2>nul",
            "echo AA >> a 2>&1",
            "echo AA>>a 2>>err.txt",
            "echo AA>>a >nul",
            "echo AA>>a & rem >x",
            "echo AA>>a&&echo.>nul",
            "echo AA 1>>a 2>nul & del \"b & c\" >x",
            "rem & @echo AA>>a",
            "@echo AA>>a & rem \"&\" ^& >x",
        ] {
            let text = format!("{line}\r\n").repeat(2);
            assert_eq!(told(&text), [("a".to_owned(), "AA\nAA\n".to_owned())], "{line}");
        }
        // Two on one line are two lines, and a text in quotes is one.
        assert_eq!(told("echo A>>a & echo B>>a"), [("a".to_owned(), "A\nB\n".to_owned())]);
        assert_eq!(told("echo 'a & b' >> f\n".repeat(2).as_str()), [("f".to_owned(), "a & b\na & b\n".to_owned())]);
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
