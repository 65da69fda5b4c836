//! The subject ends in a number or code that only a program needs, or has a time of day (HR-06).

use mail::evidence::SignGroup;

use super::is_answer;
use crate::spam::signs::when;
use crate::spam::signs::words::digits;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "hr_06_stamp_in_subject",
    group: SignGroup::Subject,
    points: Points::AtLeast { least: 50, fitted: 107 },
    about: "The subject ends in a number or code that only a program needs, or has a time of day (HR-06).",
    check,
    #[cfg(test)]
    fires: &[
        "Subject: Your order 83749284761",
        "Subject: hello xk27qz91",
        "Subject: Notice 11/24/2023 10:22:17 am",
        "Subject: You won (ID:8837462)",
    ],
    #[cfg(test)]
    quiet: &[
        "Subject: Meeting at ten",
        "Subject: [Bug 12345] crash",
        "Subject: plan for 2023",
        "Subject: Re: [PATCH v2 3/7] fix",
    ],
};

fn check(f: &Facts) -> Option<String> {
    if is_answer(f) {
        return None;
    }
    let lower = f.subject.to_lowercase();
    let time = lower.split_whitespace().find(|word| {
        let parts: Vec<&str> = word.trim_matches(|c: char| !c.is_ascii_digit()).split(':').collect();
        parts.len() == 3 && parts.iter().all(|p| p.len() == 2 && p.bytes().all(|b| b.is_ascii_digit()))
    });
    if let Some(time) = time {
        return Some(time.to_owned());
    }
    let last = f.subject.split_whitespace().last()?.trim_matches(|c: char| !c.is_alphanumeric());
    let last = last.rsplit([':', '#', '-']).next().unwrap_or(last);
    let long_number = digits(last) >= 7 && digits(last) == last.len();
    let code = last.len() >= 6
        && digits(last) >= 2
        && last.bytes().any(|b| b.is_ascii_alphabetic())
        && last.is_ascii()
        && is_code(last);
    when(f.subject.split_whitespace().count() > 1 && (long_number || code), last)
}

/// Letters and digits in turns.
fn is_code(word: &str) -> bool {
    let kinds: Vec<bool> = word.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.is_ascii_digit()).collect();
    kinds.windows(2).filter(|pair| matches!(pair, [a, b] if a != b)).count() >= 2
}
