//! What a file name pretends: the ways to make one kind of file look like another.
//!
//! A name is judged as it stands; all the names that clients may take are in
//! [`crate::graph::Entity::names`]. Not handled: look-alikes beyond Cyrillic, Greek and full-width
//! letters.

use crate::letters::{is_directional, is_empty, turns};

/// Extensions of what runs or installs at a click.
const PROGRAMS: &[&str] = &[
    "exe", "scr", "com", "pif", "cpl", "bat", "cmd", "js", "jse", "vbs", "vbe", "wsf", "wsh", "hta", "lnk", "ps1",
    "jar", "msi", "msp", "url", "reg", "dll", "chm", "iso", "img", "vhd",
];
/// Extensions of what people open without a thought.
const DOCUMENTS: &[&str] = &[
    "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "rtf", "txt", "csv", "jpg", "jpeg", "png", "gif", "htm",
    "html", "zip", "rar", "mp3", "mp4",
];
/// Letters that look like others, in pairs: as they are, and as they look.
const LOOKALIKES: &str =
    "аaеeоoрpсcхxуyѕsіiјjһhԁdԛqԝwмmтtкkвbнhοoαaρpιiνvκkτtχxυuАAВBЕEКKМMНHОOРPСCТTХXІIЈJЅSΑAΒBΕEΗHΙIΚKΜMΝNΟOΡPΤTΧXΥYΖZ";
/// Longest extension that is one, in characters.
const MAX_EXTENSION: usize = 12;

/// What a name pretends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Signs {
    /// It holds characters that turn the direction of text, so that its end is shown elsewhere.
    pub turned: bool,
    /// Its extension is written with letters that only look like others.
    pub lookalike: bool,
    /// The extension of a document stands in front of that of a program.
    pub double: bool,
    /// A NUL, or dots and blanks at its end, which a disk drops, hide its extension.
    pub padded: bool,
}

impl Signs {
    /// Looks at a name. Linear in its length.
    pub fn of(name: &str) -> Self {
        let end = name.trim_end_matches(['.', ' ']);
        let plain = as_it_looks(name);
        Self {
            turned: name.chars().any(turns),
            lookalike: extension(name).is_some_and(|last| !last.is_ascii() && as_it_looks(last).is_ascii()),
            double: is_double(&visible(&plain)),
            padded: name.contains('\0') || (end.len() < name.len() && extension(end).is_some()),
        }
    }

    /// Whether it pretends anything.
    pub fn any(self) -> bool {
        self != Self::default()
    }
}

/// What stands behind the last dot, dots and blanks at the end left out.
pub fn extension(name: &str) -> Option<&str> {
    let (stem, last) = name.trim_end_matches(['.', ' ']).rsplit_once('.')?;
    let fits = !last.is_empty() && last.chars().count() <= MAX_EXTENSION;
    (fits && !stem.is_empty()).then_some(last)
}

/// A name with look-alike letters as what they look like.
pub fn as_it_looks(name: &str) -> String {
    name.chars().map(plain_letter).collect()
}

/// A name as a screen shows it where an override turns its direction: what follows U+202E runs backwards,
/// up to U+202C.
pub fn as_it_is_shown(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((front, turned)) = rest.split_once('\u{202e}') {
        out.push_str(front);
        let (turned, behind) = turned.split_once('\u{202c}').unwrap_or((turned, ""));
        out.extend(turned.chars().rev());
        rest = behind;
    }
    out.push_str(rest);
    visible(&out)
}

/// A name without characters that turn the direction of text or take no room, and without controls.
pub fn visible(name: &str) -> String {
    name.chars().filter(|c| !c.is_control() && !is_empty(*c) && !is_directional(*c)).collect()
}

/// The letter that a character looks like.
fn plain_letter(c: char) -> char {
    match c {
        // Full-width forms stand in the order of ASCII; some dots look like one.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c).saturating_sub(0xfee0)).unwrap_or(c),
        '\u{2024}' | '\u{3002}' | '\u{ff61}' | '\u{fe52}' => '.',
        c if c.is_ascii() => c,
        c => {
            let mut pairs = LOOKALIKES.chars();
            while let (Some(one), Some(looks)) = (pairs.next(), pairs.next()) {
                if one == c {
                    return looks;
                }
            }
            c
        }
    }
}

/// Whether the extension of a document stands in front of that of a program.
fn is_double(name: &str) -> bool {
    let known = |list: &[&str], what: &str| list.iter().any(|one| what.eq_ignore_ascii_case(one));
    let Some(last) = extension(name).filter(|last| known(PROGRAMS, last)) else { return false };
    let end = name.trim_end_matches(['.', ' ']);
    let stem = end.get(..end.len().saturating_sub(last.len())).unwrap_or("").trim_end_matches(['.', ' ', '_', '-']);
    extension(stem).is_some_and(|inner| known(DOCUMENTS, inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_pretend_is_told() {
        let none = Signs::default();
        let cases = [
            ("report.pdf", none),
            ("archive.tar.gz", none),
            ("Übersicht 2.5.docx", none),
            ("отчет.pdf", none),
            ("...", none),
            ("end of sentence.", none),
            ("invoice.pdf.exe", Signs { double: true, ..none }),
            ("invoice.pdf      .scr", Signs { double: true, ..none }),
            ("invoice.pdf_.js", Signs { double: true, ..none }),
            ("photo\u{202e}gpj.exe", Signs { turned: true, ..none }),
            ("setup.ехе", Signs { lookalike: true, ..none }),
            ("scan.pdf.ｅｘｅ", Signs { lookalike: true, double: true, ..none }),
            ("a.exe\0.txt", Signs { padded: true, ..none }),
            ("a.exe. .", Signs { padded: true, ..none }),
        ];
        for (name, signs) in cases {
            assert_eq!(Signs::of(name), signs, "{name:?}");
            assert_eq!(Signs::of(name).any(), signs != none);
        }
    }

    #[test]
    fn names_are_shown_as_screens_show_them() {
        let cases = [
            ("photo\u{202e}gpj.exe", "photoexe.jpg"),
            ("a\u{202e}cod\u{202c}.scr", "adoc.scr"),
            ("a\u{200b}.txt", "a.txt"),
            ("plain.txt", "plain.txt"),
        ];
        for (name, shown) in cases {
            assert_eq!(as_it_is_shown(name), shown, "{name:?}");
        }
        assert_eq!(as_it_looks("ｓetup．ехе"), "setup.exe");
        assert_eq!(LOOKALIKES.chars().count() % 2, 0);
        assert!(LOOKALIKES.chars().skip(1).step_by(2).all(|c| c.is_ascii_alphabetic()));
    }
}
