//! What is told about a verdict: which signs count, and the fields that a message gets (D-10, D-13).

use mail::arrival::Arrival;
use mail::evidence::{Report, Sign, SignGroup};

use super::{SpamVerdict, counts, deciding, decimal, limits, of_program, refuted, scl};
use crate::policy::Policy;

/// Longest value of a field, in characters.
const MAX_VALUE: usize = 900;
/// Longest list of names in `X-Spam-Status`, in characters.
const MAX_NAMES: usize = 600;

/// Whether a sign counts for a message, and if not, why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counts {
    /// It does.
    Yes,
    /// The policy switches it off.
    Off,
    /// Of outgoing mail what is attached does not count (OUT-06).
    Outgoing,
    /// The message is a program's notice, and of one this is not judged (SE-03).
    Notice,
    /// It speaks for a notice, and another sign refutes that.
    Refuted,
}

/// Every sign of a message, and whether it counts.
pub fn counted<'a>(policy: &Policy, arrival: &Arrival, report: &'a Report) -> Vec<(&'a Sign, Counts)> {
    let on = super::counting(policy, arrival, report);
    let refuted = refuted(&on);
    let notice = of_program(arrival, &on).filter(|_| !refuted);
    let of = |sign: &Sign| {
        if !counts(policy, arrival, sign) {
            return if super::switched_on(policy, sign) { Counts::Outgoing } else { Counts::Off };
        }
        match sign.group {
            SignGroup::Automatic if refuted && sign.points > 0 => Counts::Refuted,
            SignGroup::Automatic | SignGroup::Bulk => Counts::Yes,
            group if notice.is_some_and(|notice| !notice.decides(group)) => Counts::Notice,
            _ => Counts::Yes,
        }
    };
    report.spam().signs().iter().map(|sign| (sign, of(sign))).collect()
}

/// Words behind each other with `,` between them, in at most `most` characters. Where there is no room for all, the
/// last one says how many are missing: `+6`.
pub fn listing(words: &[String], most: usize) -> String {
    let whole = words.join(",");
    if whole.chars().count() <= most {
        return whole;
    }
    // Room for the number itself.
    let room = most.saturating_sub(8);
    let mut out = String::new();
    let mut shown = 0usize;
    for word in words {
        let longer = out.chars().count().saturating_add(word.chars().count()).saturating_add(1);
        if longer > room {
            break;
        }
        out.push_str(word);
        out.push(',');
        shown = shown.saturating_add(1);
    }
    format!("{out}+{}", words.len().saturating_sub(shown))
}

/// The fields that tell about a verdict, as name and value in printable ASCII (D-13).
pub fn headers(
    policy: &Policy,
    arrival: &Arrival,
    report: &Report,
    verdict: &SpamVerdict,
) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    if verdict.status.rule().is_some() || policy.spam.always_headers {
        let counted = counted(policy, arrival, report);
        let counted: Vec<&Sign> = counted.into_iter().filter(|it| it.1 == Counts::Yes).map(|it| it.0).collect();
        let why = verdict.why.map_or(String::new(), |why| format!(" ({})", why.name()));
        let status = verdict.status.name();
        let method = match deciding(policy, report, verdict) {
            Some(entry) => format!("list; list={}; entry={}", entry.list, entry.id),
            None => "signs".to_owned(),
        };
        let value = format!("{status}{why}; rating={}; method={method}; signs=", verdict.rating);
        let shown = |sign: &&Sign| format!("{}={}", sign.id, decimal(sign.points.into()));
        let shown: Vec<String> = counted.iter().map(shown).collect();
        let room = MAX_VALUE.saturating_sub(value.chars().count());
        out.push(("X-Mailward-AntiSpam", format!("{value}{}", listing(&shown, room))));
        let positive = verdict.status.is_positive();
        if verdict.why.is_none() && (positive || policy.spam.always_headers) {
            let word = if positive { "Yes" } else { "No" };
            out.push(("X-Spam-Flag", word.to_ascii_uppercase()));
            let score = decimal(verdict.points);
            let names: Vec<String> = counted.iter().map(|sign| sign.id.clone()).collect();
            let (list, required) = (listing(&names, MAX_NAMES), decimal(limits(policy).0));
            out.push(("X-Spam-Status", format!("{word}, score={score} required={required} tests={list}")));
            out.push(("X-Spam-Score", score));
        }
    }
    if let Some(level) = scl(policy, verdict) {
        out.push(("X-MS-Exchange-Organization-SCL", level.to_string()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_without_room_says_how_many_are_missing() {
        let words: Vec<String> = (0..100).map(|at| format!("sign_{at:02}")).collect();
        assert_eq!(listing(&words[..3], 100), "sign_00,sign_01,sign_02");
        assert_eq!(listing(&words, 799), words.join(","));
        for most in 20..799 {
            let short = listing(&words, most);
            let (shown, missing) = short.rsplit_once(",+").expect("a number of those that are missing");
            assert!(short.len() <= most, "{most}: {short}");
            let shown: Vec<&str> = shown.split(',').collect();
            assert_eq!(shown.len() + missing.parse::<usize>().expect("a number"), 100, "{short}");
            assert!(shown.iter().zip(&words).all(|(one, word)| one == word));
        }
        assert_eq!(listing(&words, 3), "+100");
    }
}
