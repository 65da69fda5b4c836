//! The subject has a time stamp, or a number or code that only a program needs (HR-06).
//!
//! Not taken for one: a date alone, appointments (a time of day at full five minutes without a date), round
//! numbers, amounts of money, telephone numbers, and what a ticket system puts in front. What answers a message with
//! one has it as well: 3.8 % of the spam of the collections that says it is an answer (18 of 470), and 0.6 % of the ham
//! (29 of 4,854); of the rest 4.1 and 0.4 %.

use mail::evidence::SignGroup;

use super::without_answers;
use crate::spam::signs::words::digits;
use crate::spam::signs::{some, when};
use crate::spam::{Facts, Points, Row};

/// Fewest digits of a number that only a program needs.
const ID_DIGITS: usize = 7;
/// How much of a subject is looked at, in bytes.
const MAX_SUBJECT: usize = 2000;
/// Words in front of an amount of money.
const CURRENCIES: [&str; 8] = ["usd", "eur", "gbp", "chf", "cad", "aud", "rs", "inr"];
/// Words in front of a telephone number.
const CALLS: [&str; 8] = ["call", "cell", "fax", "mobile", "phone", "tel", "telephone", "whatsapp"];

pub(super) const SIGN: Row = Row {
    id: "hr_06_stamp_in_subject",
    group: SignGroup::Subject,
    points: Points::AtLeast { least: 50, fitted: 58 },
    about: "The subject has a time stamp, or a number or code that only a program needs (HR-06).",
    check,
    #[cfg(test)]
    fires: &[
        "Subject: Your order 83749284761",
        "Subject: hello xk27qz91",
        "Subject: Notice 11/24/2023 10:22:17 am",
        "Subject: You won (ID:8837462)",
        "Subject: Report 2026-11-22T10:22:33Z",
        "Subject: Report 2026-11-22T10:22:33",
        "Subject: [20261122-10:22:33] status",
        "Subject: Sale 11/22/2026 10:22 AM",
        "Subject: Invoice 22.11.2026 10:30",
        "Subject: Sale ends 10:22",
        "Subject: Sale ends 9:22 pm",
        "Subject: 8837482736 special offer",
        "Subject: Offer id 8837482736 for you",
        "Subject: 88374827361",
        "Subject: Offer (20261122102233)",
        "Subject: Special offer id=a8f7e6d5c4b3",
        "Subject: Your order #8837482",
        "Subject: Re: FW: Your order 83749284761",
    ],
    #[cfg(test)]
    quiet: &[
        "Subject: Meeting at ten",
        "Subject: [Bug 12345] crash",
        "Subject: plan for 2023",
        "Subject: Re: [PATCH v2 3/7] fix",
        "Subject: Report 2026-11-22",
        "Subject: Report 20261122",
        "Subject: Lunch at 12:30",
        "Subject: Lunch at 12:15 tomorrow?",
        "Subject: John 3:16 and a ratio of 16:9",
        "Subject: Budget of $1234567",
        "Subject: Budget of 12,345,678 EUR",
        "Subject: EUR 1234567 granted",
        "Subject: 10000000 users",
        "Subject: Call 0301234567",
        "Subject: +493012345678 called you",
        "Subject: Call 555-123-4567 or 030 12345678",
        "Subject: [Ticket#2023091910000017] Printer",
        "Subject: [Bug 1234567] crash",
        "Subject: Bug#1012345: does not start",
        "Subject: Re: Bug#1012345: does not start",
    ],
};

fn check(f: &Facts) -> Option<String> {
    let subject = f.subject.get(..f.subject.floor_char_boundary(MAX_SUBJECT)).unwrap_or("").to_lowercase();
    let subject = without_answers(&subject);
    time(subject).or_else(|| number(subject)).or_else(|| code(subject))
}

/// A time of day: with seconds, with a date, or at a minute at which nobody meets.
fn time(subject: &str) -> Option<String> {
    let is_dated = subject.split_whitespace().any(is_date);
    let mut words = subject.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let next = words.peek().copied().unwrap_or("");
        let halves = ["am", "pm", "a.m", "p.m"];
        let half = halves.iter().any(|half| next.starts_with(half) || word.trim_end_matches('.').ends_with(half));
        let mut times = word.split(|c: char| !c.is_ascii_digit() && c != ':').map(|piece| piece.trim_matches(':'));
        if let Some(time) = times.find(|piece| is_stamp(piece, is_dated, half)) {
            return some(time);
        }
    }
    None
}

/// Whether `hh:mm:ss` or `hh:mm` is a time that only a program writes. `half`: of a day of two halves.
fn is_stamp(piece: &str, is_dated: bool, half: bool) -> bool {
    let numbers: Option<Vec<u8>> =
        piece.split(':').take(4).map(|part| part.parse().ok().filter(|_| part.len() <= 2)).collect();
    let two = |part: Option<&str>| part.is_some_and(|part| part.len() == 2);
    let mut parts = piece.split(':');
    let full_hour = two(parts.next());
    let full_rest = parts.all(|part| part.len() == 2);
    match numbers.as_deref() {
        Some([hour, minute, second]) => *hour < 24 && *minute < 60 && *second <= 60 && full_rest,
        Some([hour, minute]) => {
            let time = *hour < 24 && *minute < 60 && full_rest && (full_hour || half);
            time && (is_dated || minute.checked_rem(5) != Some(0))
        }
        _ => false,
    }
}

/// Whether a word is a date in digits: `22/11/2026`, `2026-11-22`, `22.11.26`, `20261122`.
fn is_date(word: &str) -> bool {
    let word = word.split('t').next().unwrap_or(word).trim_matches(|c: char| !c.is_ascii_digit());
    ['/', '-', '.'].into_iter().any(|mark| {
        let parts: Vec<&str> = word.splitn(4, mark).collect();
        let digits =
            parts.iter().all(|part| matches!(part.len(), 1 | 2 | 4) && part.bytes().all(|b| b.is_ascii_digit()));
        parts.len() == 3 && digits
    }) || is_plain_date(word)
}

/// Whether eight digits are a date of this century or the one before, the year first or last.
fn is_plain_date(word: &str) -> bool {
    let year = |at: usize| word.get(at..at.saturating_add(2)).is_some_and(|century| matches!(century, "19" | "20"));
    word.len() == 8 && word.bytes().all(|b| b.is_ascii_digit()) && (year(0) || year(4))
}

/// A long number that is no date, no amount, no telephone number and no ticket.
fn number(subject: &str) -> Option<String> {
    let mut before = "";
    for word in untagged(subject).split_whitespace() {
        let is_id = |piece: &&str| {
            let long = piece.len() >= ID_DIGITS && piece.bytes().all(|b| b.is_ascii_digit());
            long && !is_plain_date(piece) && !piece.ends_with("000")
        };
        let pieces = word.split(|c: char| !c.is_alphanumeric());
        if let Some(id) =
            pieces.into_iter().find(is_id).filter(|id| !is_amount(word, before) && !is_call(word, before, id))
        {
            return some(id);
        }
        before = word;
    }
    None
}

fn is_amount(word: &str, before: &str) -> bool {
    let money = |word: &str| word.contains(['$', '€', '£', '¥', '₹', '₽']);
    money(word) || money(before) || CURRENCIES.contains(&before.trim_matches('.'))
}

/// Whether a number is one that somebody calls: behind a word that says so, with `+` or a zero in front, or
/// behind the number of an area.
fn is_call(word: &str, before: &str, number: &str) -> bool {
    let digits = before.trim_start_matches(['+', '(']).trim_end_matches(')');
    let area = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && before.starts_with(['+', '(', '0']);
    let national = number.starts_with('0') && (9..=12).contains(&number.len());
    let said = CALLS.contains(&before.trim_matches(|c: char| !c.is_alphanumeric()));
    word.trim_start_matches('(').starts_with('+') || national || area || said
}

/// A subject without the number that a ticket system puts in front: `[Ticket#123]`, `[Bug 123]`, `Bug#123:`.
fn untagged(subject: &str) -> &str {
    let start = subject.trim_start();
    let tag = start.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let named = |tag: &str| tag.chars().any(|c| c.is_alphabetic() || c == '#') && !tag.starts_with("id");
    if let Some((_, rest)) = tag.filter(|(tag, _)| named(tag)) {
        return rest;
    }
    let first = start.split_whitespace().next().unwrap_or("");
    match first.contains('#') && first.starts_with(char::is_alphabetic) {
        true => start.get(first.len()..).unwrap_or(""),
        false => start,
    }
}

/// The last word is a code of letters and digits in turns.
fn code(subject: &str) -> Option<String> {
    let last = subject.split_whitespace().last()?.trim_matches(|c: char| !c.is_alphanumeric());
    let last = last.rsplit([':', '#', '-', '=']).next().unwrap_or(last);
    let mixed = last.len() >= 6 && digits(last) >= 2 && last.bytes().any(|b| b.is_ascii_alphabetic());
    let turns = {
        let kinds: Vec<bool> = last.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.is_ascii_digit()).collect();
        kinds.windows(2).filter(|pair| matches!(pair, [a, b] if a != b)).count()
    };
    when(mixed && last.is_ascii() && turns >= 2 && subject.split_whitespace().count() > 1, last)
}
