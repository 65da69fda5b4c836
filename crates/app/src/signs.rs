//! Signs of spam as message log and Backup have them (D-10).

use judge::spam::SpamStatus;
use mail::untrusted::escape;
use serde::Serialize;
use store::{KeptSign, MAX_SIGN_TEXT};

/// Most characters of a word.
const MAX_TEXT: usize = 60;

/// A sign for programs: keys are only added.
#[derive(Serialize)]
pub(crate) struct SignLine<'a> {
    id: &'a str,
    points: f64,
    /// Whether it counted, by the policy and by what the message is.
    counts: bool,
    /// The beginning of what was seen, unescaped.
    evidence: &'a str,
}

impl<'a> SignLine<'a> {
    /// Of a sign.
    pub(crate) fn of(sign: &'a KeptSign) -> Self {
        let points = f64::from(sign.points) / 100.0;
        Self { id: &sign.id, points, counts: sign.counts, evidence: sign.evidence.raw() }
    }
}

/// A line a sign, each behind `indent`.
pub(crate) fn lines(signs: &[KeptSign], indent: &str) -> String {
    let line = |sign: &KeptSign| {
        let (points, id) = (judge::spam::decimal(sign.points.into()), escape(&sign.id, MAX_TEXT));
        let off = if sign.counts { "" } else { " (does not count)" };
        format!("{indent}{points:>6}  {id}{off}: {}\n", sign.evidence.escaped(MAX_SIGN_TEXT))
    };
    signs.iter().map(line).collect()
}

/// Whether nobody wants to hear of a status as to spam: it is the rule, or a message passed over. One that this
/// version does not know is told.
pub(crate) fn is_quiet(status: &str) -> bool {
    SpamStatus::ALL.into_iter().any(|it| it.name() == status && it.rule().is_none())
}

/// Why a message was not examined for spam, in words.
pub(crate) fn words(why: &str) -> String {
    escape(why, MAX_TEXT).replace('_', " ")
}

/// Whether a line has to say it. Where the policy wants no mail examined, each would.
pub(crate) fn is_told(why: &str) -> bool {
    why != "disabled"
}
