//! Fields of a document: what they do stands in its text between marks, what they show behind it.
//!
//! Limits, which are told where they matter: [`MAX_DEPTH`], [`MAX_INSTRUCTION`] (blanks in front are not counted). A field within another's instruction counts with what it
//! shows; `QUOTE` with numbers is read as the letters that it stands for, since commands are hidden so.

use mail::evidence::Active;

use crate::formats::ooxml::fields;
use crate::views::Views;

/// Most fields in one another; further ones are read as text.
const MAX_DEPTH: usize = 64;
/// Longest instruction that is kept, in letters.
const MAX_INSTRUCTION: usize = 8192;
/// Fields that load what they name.
const LOADERS: [&str; 6] = ["INCLUDETEXT", "INCLUDEPICTURE", "INCLUDE", "IMPORT", "LINK", "RD"];
/// Start of a field, start of what it shows, and its end.
const BEGIN: char = '\u{13}';
const SEPARATOR: char = '\u{14}';
const END: char = '\u{15}';

/// A field that has begun.
#[derive(Default, Debug)]
struct Field {
    instruction: String,
    letters: usize,
    /// There was more of it.
    cut: bool,
    shows: bool,
}

/// The fields that are open.
#[derive(Default, Debug)]
pub(super) struct Fields {
    open: Vec<Field>,
    /// How many of the open fields are in their instruction.
    instructions: usize,
    /// How many fields are open beyond [`MAX_DEPTH`].
    beyond: usize,
}

impl Fields {
    /// The next letter of the document.
    pub(super) fn push(&mut self, letter: char, hidden: bool, views: &mut Views) {
        match letter {
            BEGIN if self.open.len() < MAX_DEPTH => {
                self.open.push(Field::default());
                self.instructions = self.instructions.saturating_add(1);
            }
            BEGIN => {
                self.beyond = self.beyond.saturating_add(1);
                views.limit();
            }
            SEPARATOR if self.beyond == 0 => self.separate(views),
            END if self.beyond > 0 => self.beyond = self.beyond.saturating_sub(1),
            END => self.end(views),
            SEPARATOR => {}
            // Marks of pictures, notes and drawings.
            '\u{1}'..='\u{5}' | '\u{8}' => {}
            letter => self.letter(letter, hidden, views),
        }
    }

    /// A letter belongs to the innermost instruction that is open, or else to the text.
    fn letter(&mut self, letter: char, hidden: bool, views: &mut Views) {
        if self.instructions == 0 {
            // The end of a cell or a row.
            return views.text.push_char(if letter == '\u{7}' { '\n' } else { letter }, hidden);
        }
        let inner = self.open.iter_mut().rev().find(|field| !field.shows);
        let Some(field) = inner.filter(|field| field.letters > 0 || !letter.is_whitespace()) else { return };
        if field.letters < MAX_INSTRUCTION {
            field.instruction.push(letter);
            field.letters = field.letters.saturating_add(1);
        } else if !field.cut {
            field.cut = true;
            let word = field.instruction.split_whitespace().next().unwrap_or("").to_ascii_uppercase();
            if LOADERS.contains(&word.as_str()) || word == "QUOTE" {
                views.limit();
            }
        }
    }

    fn separate(&mut self, views: &mut Views) {
        let Some(field) = self.open.last_mut().filter(|field| !field.shows) else { return };
        field.shows = true;
        self.instructions = self.instructions.saturating_sub(1);
        let quiet = self.instructions > 0;
        note(&field.instruction, quiet, views);
    }

    fn end(&mut self, views: &mut Views) {
        let Some(field) = self.open.pop() else { return };
        if field.shows {
            return;
        }
        self.instructions = self.instructions.saturating_sub(1);
        let quiet = self.instructions > 0;
        note(&field.instruction, quiet, views);
        for letter in quoted(&field.instruction).chars() {
            self.letter(letter, false, views);
        }
    }

    /// The end of the document ends all fields.
    pub(super) fn finish(&mut self, views: &mut Views) {
        while !self.open.is_empty() {
            self.end(views);
        }
    }
}

/// Whether a path leads to another machine.
pub(super) fn is_remote(path: &str) -> bool {
    path.contains("://") || path.trim_start_matches([' ', '"']).starts_with("\\\\")
}

/// The first word of an instruction, in upper case, and what stands behind it.
fn words(instruction: &str) -> (String, &str) {
    let instruction = instruction.trim();
    let (word, rest) = instruction.split_once(|letter: char| letter.is_whitespace()).unwrap_or((instruction, ""));
    (word.to_ascii_uppercase(), rest)
}

/// What a field with this instruction does beside showing something, if anything: what it does in the formats that came
/// after, and pictures from elsewhere.
pub fn acts(instruction: &str) -> Option<Active> {
    let (word, rest) = words(instruction);
    match word.as_str() {
        "DDE" | "DDEAUTO" => Some(Active::Dde),
        word if LOADERS.contains(&word) && is_remote(rest) => Some(Active::RemoteTemplate),
        _ => fields::acts(instruction),
    }
}

/// Notes a field that does something; `quiet`: it stands in another's instruction.
fn note(instruction: &str, quiet: bool, views: &mut Views) {
    if let Some(what) = acts(instruction) {
        views.act(what, None, instruction.trim().to_owned());
    }
    let (word, rest) = words(instruction);
    // Where a link leads matters as much as what it shows.
    if word == "HYPERLINK" && !quiet {
        let target = rest.split('"').nth(1).unwrap_or(rest);
        if !target.trim().is_empty() {
            views.text.push(&format!(" <{}> ", target.trim()), false);
        }
    }
}

/// The letters that a `QUOTE` of numbers stands for.
fn quoted(instruction: &str) -> String {
    let mut words = instruction.split_whitespace();
    if !words.next().is_some_and(|word| word.eq_ignore_ascii_case("QUOTE")) {
        return String::new();
    }
    words.map_while(|word| char::from_u32(word.parse().ok()?)).collect()
}

#[cfg(test)]
mod tests {
    use mail::evidence::Role;

    use super::*;
    use crate::budget::{Budget, Limits, Meter, StopFlag};

    /// What a text shows and does.
    fn seen(text: &str) -> Vec<(Role, String)> {
        let (mut fields, mut views) = (Fields::default(), Views::default());
        text.chars().for_each(|letter| fields.push(letter, false, &mut views));
        fields.finish(&mut views);
        let mut budget = Budget::new(Limits::default(), StopFlag::new());
        let (members, _) = views.into_members(0, &mut budget, &mut Meter::new(1000));
        members.into_iter().map(|member| (member.role, String::from_utf8(member.content).unwrap())).collect()
    }

    #[test]
    fn fields_are_told_by_what_they_do() {
        let text = |text: &str| (Role::Text, text.to_owned());
        let acts = |what, text: &str| (Role::Active(what), text.to_owned());
        let cases = [
            ("a \u{13} PAGE \u{14}7\u{15} b", vec![text("a 7 b")]),
            (
                "\u{13} DDEAUTO c:\\\\x \"/c y\" \u{14}shown\u{15}",
                vec![acts(Active::Dde, "DDEAUTO c:\\\\x \"/c y\""), text("shown")],
            ),
            (
                "\u{13} INCLUDEPICTURE \"http://example.org/a\" \\d\u{15}",
                vec![acts(Active::RemoteTemplate, "INCLUDEPICTURE \"http://example.org/a\" \\d")],
            ),
            ("\u{13}INCLUDEPICTURE \"a.png\"\u{15}x", vec![text("x")]),
            ("\u{13} HYPERLINK \"http://example.org/\" \u{14}bank\u{15}", vec![text("<http://example.org/> bank")]),
            ("\u{13}DDE \u{13}QUOTE 99 109 100\u{15} x\u{15}", vec![acts(Active::Dde, "DDE cmd x")]),
            ("\u{13}DDE \u{13}SET a\u{14}cmd\u{15} x", vec![acts(Active::Dde, "DDE cmd x")]),
        ];
        for (document, expected) in cases {
            assert_eq!(seen(document), expected, "{document:?}");
        }
    }

    #[test]
    fn fields_without_end_end() {
        assert_eq!(seen(&"\u{13}".repeat(100_000)), []);
        assert_eq!(seen(&format!("{}x", "\u{15}\u{14}".repeat(1000))), [(Role::Text, "x".to_owned())]);
    }
}
