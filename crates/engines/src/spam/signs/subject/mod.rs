//! The subject: length, form, and what it promises.

mod address_in_subject;
mod advertisement_tag;
mod asking_subject;
mod emoji_in_subject;
mod exclaiming_subject;
mod false_answer;
mod half_loud_subject;
mod hr_04_long_subject;
mod hr_05_blanks_in_subject;
mod hr_06_stamp_in_subject;
mod link_in_subject;
mod loud_subject;
mod marks_in_subject;
mod money_in_subject;
mod much_exclaiming_subject;
mod number_first_in_subject;
mod one_word_subject;
mod percent_in_subject;
mod question_marks_for_letters;
mod spaced_letters_in_subject;
mod subject_encoded_for_nothing;
mod tail_in_subject;

use crate::spam::{Facts, Row};

/// The signs of the family, in the order of the documentation.
pub(crate) const SIGNS: &[Row] = &[
    hr_04_long_subject::SIGN,
    hr_05_blanks_in_subject::SIGN,
    hr_06_stamp_in_subject::SIGN,
    loud_subject::SIGN,
    half_loud_subject::SIGN,
    exclaiming_subject::SIGN,
    much_exclaiming_subject::SIGN,
    asking_subject::SIGN,
    money_in_subject::SIGN,
    percent_in_subject::SIGN,
    emoji_in_subject::SIGN,
    false_answer::SIGN,
    subject_encoded_for_nothing::SIGN,
    address_in_subject::SIGN,
    link_in_subject::SIGN,
    number_first_in_subject::SIGN,
    advertisement_tag::SIGN,
    marks_in_subject::SIGN,
    one_word_subject::SIGN,
    spaced_letters_in_subject::SIGN,
    tail_in_subject::SIGN,
    question_marks_for_letters::SIGN,
];

/// What programs put in front of the subject of an answer or a forwarded message.
const ANSWERS: [&str; 13] =
    ["re:", "re :", "aw:", "fw:", "fwd:", "sv:", "wg:", "tr:", "rv:", "antw:", "odp:", "vs:", "ref:"];
/// Most of these that are taken off.
const MAX_ANSWERS: usize = 10;

/// Whether the subject is that of an answer or a forwarded message.
pub(super) fn is_answer(f: &Facts) -> bool {
    let lower = f.subject.trim_start().to_lowercase();
    ANSWERS.iter().chain(&["re[", "[fwd"]).any(|tag| lower.starts_with(tag))
}

/// A subject in lower case without what answers have in front.
fn without_answers(lower: &str) -> &str {
    let mut rest = lower.trim_start();
    for _ in 0..MAX_ANSWERS {
        let Some(less) = ANSWERS.iter().find_map(|tag| rest.strip_prefix(tag)) else { break };
        rest = less.trim_start();
    }
    rest
}

/// Five letters or more, each alone, with the same sign or blank between.
pub(super) fn spaced(text: &str) -> Option<String> {
    let letters: Vec<char> = text.chars().take(2000).collect();
    let mut run = 0_usize;
    let mut between = '\0';
    let mut at = 0_usize;
    let mut word = String::new();
    while let (Some(letter), Some(mark)) = (letters.get(at), letters.get(at.saturating_add(1))) {
        let alone = letter.is_alphabetic() && matches!(mark, ' ' | '.' | '-' | '*' | '_' | '/' | '|' | '+');
        let lone_start = at == 0 || letters.get(at.saturating_sub(1)).is_none_or(|before| !before.is_alphanumeric());
        if alone && lone_start && (run == 0 || *mark == between) {
            between = *mark;
            run = run.saturating_add(1);
            word.push(*letter);
            at = at.saturating_add(2);
            if run >= 4 {
                return Some(word);
            }
        } else {
            run = 0;
            word.clear();
            at = at.saturating_add(1);
        }
    }
    None
}
