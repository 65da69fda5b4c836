//! The subject says Re: or Fwd:, and nothing is answered or forwarded.

use mail::evidence::SignGroup;

use super::is_answer;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "false_answer",
    group: SignGroup::Subject,
    points: Points::Fitted(46),
    about: "The subject says Re: or Fwd:, and nothing is answered or forwarded.",
    check,
    #[cfg(test)]
    fires: &["Subject: Re: your request\n\nbuy\n"],
    #[cfg(test)]
    quiet: &["Subject: Re: x\nIn-Reply-To: <1@example.org>", "Subject: x", "Subject: Re: x\n\n> what\nyes\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        is_answer(f) && !f.has("in-reply-to") && !f.has("references") && !quotes(f),
        f.subject.chars().take(60).collect::<String>(),
    )
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
