//! The subject has many blanks or dots (HR-05).

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

/// How much of a subject is looked at, in bytes.
const MAX_SUBJECT: usize = 2000;
/// Blanks and dots in shorter runs that are many together.
const MANY: usize = 12;
/// Letters with a dot behind each.
const LETTERS: usize = 5;

pub(super) const SIGN: Row = Row {
    id: "hr_05_blanks_in_subject",
    group: SignGroup::Subject,
    points: Points::AtLeast { least: 50, fitted: 150 },
    about: "The subject has many blanks or dots (HR-05).",
    check,
    #[cfg(test)]
    fires: &[
        "Subject: Buy now          xk27",
        "Subject: wait......... what",
        "Subject: Buy..... now..... here..... it is",
        "Subject: b.u.y.n.o.w today",
        "Subject: Buy    now    here    it    is    cheap",
        "Subject: Buy\u{a0} \u{a0} now",
        "Subject: Buy\u{2026}\u{2026}now",
        "Subject: Buy\u{b7}\u{b7}\u{b7}\u{b7}\u{b7}\u{b7}now",
        "Subject: Buy . . . . now",
    ],
    #[cfg(test)]
    quiet: &[
        "Subject: well... what now",
        "Subject: a  b",
        "Subject: the U.S.A. and the E.U. and what... then...",
        "Subject: release 1.2.3.4.5",
        "Subject: configure,1.1.2.2,1.1.2.3",
        "Subject: a conference\t call",
        "Subject: Re:  Fwd:  a word",
    ],
};

fn check(f: &Facts) -> Option<String> {
    let subject = f.subject.trim();
    let plain = plain(subject.get(..subject.floor_char_boundary(MAX_SUBJECT)).unwrap_or(""));
    let long = [(' ', 5), ('.', 6)].into_iter().find(|(mark, most)| runs(&plain, *mark).any(|run| run >= *most));
    if let Some((mark, _)) = long {
        return Some(format!("{mark:?} in a row"));
    }
    let many = |mark: char, least: usize| runs(&plain, mark).filter(|run| *run >= least).sum::<usize>();
    let spaced = plain.contains(". . . .");
    if spaced || many('.', 4).saturating_add(many(' ', 3)) >= MANY {
        return Some("again and again".to_owned());
    }
    let is_letter = |piece: &str| piece.chars().all(char::is_alphabetic) && piece.chars().count() == 1;
    let letters = plain.split_whitespace().any(|word| {
        let pieces: Vec<&str> = word.split('.').collect();
        pieces.len() > LETTERS && pieces.iter().filter(|piece| is_letter(piece)).count() >= LETTERS
    });
    letters.then(|| "between letters".to_owned())
}

/// The subject with every kind of blank and of dots as blanks and full stops, as wide as they look.
fn plain(subject: &str) -> String {
    let mut out = String::with_capacity(subject.len());
    for letter in subject.chars() {
        match letter {
            '\t' => out.push_str("   "),
            '\u{3000}' | '\u{2003}' | '\u{a0}' => out.push_str("  "),
            '\u{2026}' => out.push_str("..."),
            '\u{b7}' | '\u{2022}' | '\u{3002}' | '\u{ff0e}' | '\u{2024}' => out.push('.'),
            letter if letter.is_whitespace() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}

/// How long the runs of a character are.
fn runs(text: &str, mark: char) -> impl Iterator<Item = usize> {
    text.split(move |letter| letter != mark).map(|run| run.chars().count()).filter(|run| *run > 0)
}
