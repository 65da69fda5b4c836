//! How the text is written: letters that are not what they look like, noise, shouting.

mod digits_for_letters;
mod disguised_word;
mod hidden_letters_in_name;
mod hidden_letters_in_subject;
mod invisible_letters;
mod large_sum;
mod loud_text;
mod many_exclamations;
mod mixed_letters_in_domain;
mod mixed_letters_in_name;
mod mixed_letters_in_subject;
mod mixed_letters_in_text;
mod mostly_capitals;
mod much_money;
mod noise_words;
mod reversed_writing;
mod spaced_letters;
mod stacked_marks;
mod styled_letters;
mod styled_letters_in_name;

use mail::letters::is_empty;

use crate::spam::Row;

/// Most mailboxes of From whose names are looked at.
const MAX_AUTHORS: usize = 10;

/// The signs of the family, in the order of the documentation.
pub(crate) const SIGNS: &[Row] = &[
    mixed_letters_in_subject::SIGN,
    mixed_letters_in_text::SIGN,
    mixed_letters_in_name::SIGN,
    mixed_letters_in_domain::SIGN,
    hidden_letters_in_name::SIGN,
    hidden_letters_in_subject::SIGN,
    styled_letters_in_name::SIGN,
    styled_letters::SIGN,
    invisible_letters::SIGN,
    reversed_writing::SIGN,
    stacked_marks::SIGN,
    spaced_letters::SIGN,
    digits_for_letters::SIGN,
    disguised_word::SIGN,
    loud_text::SIGN,
    mostly_capitals::SIGN,
    many_exclamations::SIGN,
    much_money::SIGN,
    large_sum::SIGN,
    noise_words::SIGN,
];

/// What hides in a name or subject: a character that shows nothing inside of a word, or one that turns writing
/// round. Joiners inside of words of Indic scripts, Persian and emoji belong there, and so do marks of direction
/// beside letters that are written from right to left.
fn hidden(text: &str) -> Option<String> {
    let to_left = text.chars().any(is_to_left);
    let turned = |c: char| c == '\u{202e}' || matches!(c, '\u{202b}' | '\u{2067}') && !to_left;
    // The letter in front, and what stands behind it that shows nothing.
    let (mut in_word, mut empty) = (false, None);
    let mut inside = |c: char| {
        if is_empty(c) {
            empty = empty.or(Some(c).filter(|_| in_word));
            return None;
        }
        in_word = is_european(c);
        empty.take().filter(|_| in_word)
    };
    let seen = text.chars().find_map(|c| Some(c).filter(|c| turned(*c)).or_else(|| inside(c)))?;
    Some(format!("U+{:04X}", u32::from(seen)))
}

/// A letter of Latin, Greek or Cyrillic.
fn is_european(letter: char) -> bool {
    letter.is_alphabetic()
        && matches!(letter, 'A'..='z' | '\u{c0}'..='\u{24f}' | '\u{370}'..='\u{52f}' | '\u{1e00}'..='\u{1fff}')
}

/// A letter that is written from right to left.
fn is_to_left(letter: char) -> bool {
    matches!(letter, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}'
        | '\u{1e800}'..='\u{1efff}')
}

#[cfg(test)]
mod tests {
    use crate::spam::tests::facts;

    /// Honest names: of many scripts, with joiners, marks that close what turns writing, and ornaments.
    const NAMES: &[&str] = &[
        "From: =?utf-8?B?QW5uIERvZQ==?= <a@example.org>",
        "From: =?utf-8?B?0JDQvdC90LAg0JrQsNGA0LXQvdC40L3QsA==?= <a@example.org>",
        "From: =?utf-8?B?0JjQstCw0L3QvtCyLVNQYg==?= <a@example.org>",
        "From: =?utf-8?B?zpPOuc+Oz4HOs86/z4IgzqDOsc+AzrHOtM+Mz4DOv8+FzrvOv8+C?= <a@example.org>",
        "From: =?utf-8?B?5bGx55Sw5aSq6YOO?= <a@example.org>",
        "From: =?utf-8?B?6rmA7LKg7IiY?= <a@example.org>",
        "From: =?utf-8?B?2LnZhNuM4oCM2LHYttin?= <a@example.org>",
        "From: =?utf-8?B?15PXldeTINeb15TXnw==?= <a@example.org>",
        "From: =?utf-8?B?4oCr15PXldeTINeb15TXn+KArA==?= <a@example.org>",
        "From: =?utf-8?B?4KSw4KS+4KSuIOCkleCljeKAjeCktw==?= <a@example.org>",
        "From: =?utf-8?B?ScWfxLFrIFnEsWxkxLF6?= <a@example.org>",
        "From: =?utf-8?B?QW5uIPCfkanigI3wn5K7?= <a@example.org>",
        "From: =?utf-8?B?4p2k77iPIFpvw6sgTcO8bGxlcg==?= <a@example.org>",
        "From: =?utf-8?B?4Liq4Lih4LiK4Liy4Lii?= <a@example.org>",
        "From: =?utf-8?B?8KCut+mHjuWutg==?= <a@example.org>",
        "From: =?utf-8?B?4oGoQW5u4oGp?= <a@example.org>",
    ];

    #[test]
    fn honest_names_of_all_scripts_are_no_disguise() {
        for name in NAMES {
            let seen: Vec<&str> =
                super::SIGNS.iter().filter(|row| (row.check)(&facts(name)).is_some()).map(|row| row.id).collect();
            assert_eq!(seen, [""; 0], "{name}");
        }
    }
}
