//! The subject: length, form, and what it promises.

use super::sender::encoded_for_nothing;
use super::words::{digits, is_loud, is_random};
use super::{sign, when};
use crate::spam::Facts;
use crate::spam::Points::{AtLeast, Fitted};
use crate::spam::Row;
use crate::spam::facts::is_emoji;

/// Characters above which a subject is long (HR-04).
const LONG: usize = 250;

pub(crate) const SIGNS: &[Row] = &[
    sign!(AtLeast(100), "hr_04_long_subject", Subject, "The subject is longer than 250 characters (HR-04).",
        |f| {
            let length = f.subject.chars().count();
            when(length > LONG, format!("{length} characters"))
        },
        fires: ["Subject: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"],
        quiet: ["Subject: short"]),
    sign!(AtLeast(50), "hr_05_blanks_in_subject", Subject, "The subject has many blanks or dots in a row (HR-05).",
        |f| ["     ", "......", "\t\t", ". . . .", "\u{3000}\u{3000}\u{3000}", "\u{a0}\u{a0}\u{a0}"].iter().find(|run| f.subject.trim().contains(**run)).map(|run| format!("{run:?}")),
        fires: ["Subject: Buy now          xk27", "Subject: wait......... what"],
        quiet: ["Subject: well... what now", "Subject: a  b"]),
    sign!(AtLeast(50), "hr_06_stamp_in_subject", Subject, "The subject ends in a number or code that only a program needs, or has a time of day (HR-06).", stamp,
        fires: ["Subject: Your order 83749284761", "Subject: hello xk27qz91", "Subject: Notice 11/24/2023 10:22:17 am", "Subject: You won (ID:8837462)"],
        quiet: ["Subject: Meeting at ten", "Subject: [Bug 12345] crash", "Subject: plan for 2023", "Subject: Re: [PATCH v2 3/7] fix"]),
    sign!(Fitted, "loud_subject", Subject, "The subject is all capitals.",
        |f| when(is_loud(&f.subject, 10) && f.subject.contains(' '), "capitals only"),
        fires: ["Subject: MAKE MONEY FAST"],
        quiet: ["Subject: Make money", "Subject: FAQ"]),
    sign!(Fitted, "half_loud_subject", Subject, "Several words of the subject are all capitals.",
        |f| {
            let count = f.subject.split_whitespace().filter(|w| w.chars().filter(|c| c.is_alphabetic()).count() >= 4 && is_loud(w, 4)).count();
            when(count >= 2 && !is_loud(&f.subject, 10), format!("{count} words"))
        },
        fires: ["Subject: get your FREE GIFT now"],
        quiet: ["Subject: the NATO plan"]),
    sign!(Fitted, "exclaiming_subject", Subject, "The subject exclaims.",
        |f| when(f.subject.contains('!') || f.subject.contains('！'), "!"),
        fires: ["Subject: You won!"],
        quiet: ["Subject: You won"]),
    sign!(Fitted, "much_exclaiming_subject", Subject, "The subject exclaims again and again.",
        |f| when(f.subject.matches(['!', '！']).count() >= 2 || f.subject.contains("?!") || f.subject.contains("!?"), "!!"),
        fires: ["Subject: You won!!"],
        quiet: ["Subject: You won!"]),
    sign!(Fitted, "asking_subject", Subject, "The subject asks the reader something.",
        |f| when(f.subject.trim_end().ends_with('?') && !is_answer(f), "?"),
        fires: ["Subject: Need a loan?"],
        quiet: ["Subject: Re: lunch?", "Subject: a loan"]),
    sign!(Fitted, "money_in_subject", Subject, "The subject names a sum of money.",
        |f| {
            let money = |mark: char| f.subject.match_indices(mark).any(|(at, m)| {
                let after = f.subject.get(at.saturating_add(m.len())..).unwrap_or("").trim_start();
                let before = f.subject.get(..at).unwrap_or("").trim_end();
                after.starts_with(|c: char| c.is_ascii_digit()) || before.ends_with(|c: char| c.is_ascii_digit())
            });
            ['$', '€', '£', '¥'].into_iter().find(|mark| money(*mark)).map(String::from)
        },
        fires: ["Subject: Earn $5000 a week", "Subject: =?utf-8?Q?500_=E2=82=AC?="],
        quiet: ["Subject: the $PATH of it"]),
    sign!(Fitted, "percent_in_subject", Subject, "The subject names percents.",
        |f| when(f.subject.match_indices('%').any(|(at, _)| f.subject.get(..at).is_some_and(|b| b.trim_end().ends_with(|c: char| c.is_ascii_digit()))), "%"),
        fires: ["Subject: 80% off"],
        quiet: ["Subject: the % sign"]),
    sign!(Fitted, "emoji_in_subject", Subject, "The subject has a pictogram.",
        |f| when(f.subject.chars().any(is_emoji), "a pictogram"),
        fires: ["Subject: =?utf-8?Q?=F0=9F=8E=81_gift?="],
        quiet: ["Subject: gift"]),
    sign!(Fitted, "false_answer", Subject, "The subject says Re: or Fwd:, and nothing is answered or forwarded.",
        |f| when(is_answer(f) && !f.has("in-reply-to") && !f.has("references") && !quotes(f), f.subject.chars().take(60).collect::<String>()),
        fires: ["Subject: Re: your request\n\nbuy\n"],
        quiet: ["Subject: Re: x\nIn-Reply-To: <1@example.org>", "Subject: x", "Subject: Re: x\n\n> what\nyes\n"]),
    sign!(Fitted, "subject_encoded_for_nothing", Subject, "The subject is plain ASCII, but encoded.",
        |f| encoded_for_nothing(f.field("subject").unwrap_or("")),
        fires: ["Subject: =?utf-8?B?aGVsbG8=?="],
        quiet: ["Subject: hello", "Subject: =?utf-8?Q?gr=C3=BC=C3=9Fe?="]),
    sign!(Fitted, "address_in_subject", Subject, "A mail address stands in the subject.",
        |f| f.subject.split_whitespace().find(|w| w.contains('@') && w.rsplit('@').next().is_some_and(|d| d.contains('.'))).map(str::to_owned),
        fires: ["Subject: Notice for bob@example.net"],
        quiet: ["Subject: meet @ ten"]),
    sign!(Fitted, "link_in_subject", Subject, "An address of the web stands in the subject.",
        |f| {
            let lower = f.subject.to_lowercase();
            ["http://", "https://", "www.", ".com ", ".ru "].iter().find(|w| lower.contains(*w)).map(|w| (*w).to_owned())
        },
        fires: ["Subject: see www.example.com"],
        quiet: ["Subject: see it"]),
    sign!(Fitted, "number_first_in_subject", Subject, "The subject begins with a number and goes on to praise.",
        |f| when(f.subject.trim_start().starts_with(|c: char| c.is_ascii_digit()) && f.subject.split_whitespace().count() > 2 && !is_answer(f), "a number first"),
        fires: ["Subject: 5 ways to win"],
        quiet: ["Subject: win in 5 ways"]),
    sign!(Fitted, "advertisement_tag", Subject, "The subject says that it is an advertisement.",
        |f| {
            let lower = f.subject.to_lowercase();
            ["adv:", "adv ", "(adv)", "[adv]", "adv-", "publi:", "(ad)", "광고", "[ad]", "広告"].iter().find(|w| lower.trim_start().starts_with(*w) || w.len() > 4 && lower.contains(*w)).map(|w| (*w).to_owned())
        },
        fires: ["Subject: ADV: cheap ink"],
        quiet: ["Subject: advice"]),
    sign!(Fitted, "marks_in_subject", Subject, "The subject is decorated: stars, hashes, arrows, brackets.",
        |f| ["**", "==", ">>", "<<", "~~", "##", "★", "☆", "✅", "►", "»", "【", "♥", "✔", "!*", "*!", "$$", "||"].iter().find(|m| f.subject.contains(**m)).map(|m| (*m).to_owned()),
        fires: ["Subject: ** win **"],
        quiet: ["Subject: [list] win", "Subject: a * b"]),
    sign!(Fitted, "one_word_subject", Subject, "The subject is one short word, and no answer.",
        |f| when(!is_answer(f) && f.subject.split_whitespace().count() == 1 && f.subject.trim().len() <= 12, f.subject.trim()),
        fires: ["Subject: hi"],
        quiet: ["Subject: Re: hi", "Subject: the plan"]),
    sign!(Fitted, "spaced_letters_in_subject", Subject, "A word of the subject is written with something between its letters.",
        |f| spaced(&f.subject),
        fires: ["Subject: buy V.I.A.G.R.A now", "Subject: F R E E stuff"],
        quiet: ["Subject: U.S. plan", "Subject: a b c"]),
    sign!(Fitted, "tail_in_subject", Subject, "The subject ends in a word that no language has.",
        |f| {
            let last = f.subject.split_whitespace().last()?;
            let inner = last.trim_matches(|c: char| !c.is_alphanumeric());
            when(f.subject.split_whitespace().count() > 1 && (is_random(inner) || inner.len() >= 5 && no_vowels(inner)), inner)
        },
        fires: ["Subject: cheap pills xkqjzvbwpt", "Subject: hello bzxkw"],
        quiet: ["Subject: the Schwarz plan", "Subject: hello world"]),
    sign!(Fitted, "question_marks_for_letters", Subject, "Letters of the subject became question marks: it was written in a charset that it does not name.",
        |f| when(f.subject.contains("????"), "????"),
        fires: ["Subject: ???? ??????"],
        quiet: ["Subject: what??"]),
];

/// Whether the subject is that of an answer or a forwarded message.
pub(super) fn is_answer(f: &Facts) -> bool {
    let lower = f.subject.trim_start().to_lowercase();
    ["re:", "re :", "aw:", "fw:", "fwd:", "sv:", "wg:", "tr:", "rv:", "antw:", "re[", "odp:", "vs:", "ref:", "[fwd"]
        .iter()
        .any(|tag| lower.starts_with(tag))
}

/// Whether the text quotes another message.
fn quotes(f: &Facts) -> bool {
    let text = f.shown();
    text.lines().take(400).any(|line| {
        line.starts_with('>') || line.trim_start().starts_with("On ") && line.trim_end().ends_with("wrote:")
    }) || ["-----Original", "Forwarded message", "Forwarded by", "---- Original", "From:", "Begin forwarded"]
        .iter()
        .any(|mark| text.contains(mark))
        || f.has_message
}

fn no_vowels(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_lowercase())
        && !word.bytes().any(|b| matches!(b, b'a' | b'e' | b'i' | b'o' | b'u' | b'y'))
}

fn stamp(f: &Facts) -> Option<String> {
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
