//! What a document shows and does, apart from the files in it: its text, its hidden text, and what in
//! it acts. Every document format fills a [`Views`] while it is read and gives the members at its end.
//!
//! Limits: [`MAX_ACTIVE`], [`MAX_ACTIVE_BYTES`], and those of [`text`].

pub(crate) mod html;
pub(crate) mod links;
pub(crate) mod script;
pub(crate) mod text;

use mail::evidence::{Active, FileKind, Role, UnscannedReason};
use mail::untrusted::Untrusted;

use crate::budget::{Budget, Meter};
use crate::container::Member;
use crate::names;
pub(crate) use text::TextView;

/// Most active things of one document; further ones are a limit that was reached.
pub(crate) const MAX_ACTIVE: usize = 256;
/// Most bytes that all active things of one document take together.
pub(crate) const MAX_ACTIVE_BYTES: usize = 16 * 1024 * 1024;

/// One thing that acts.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Act {
    what: Active,
    name: Option<String>,
    text: String,
}

/// What was seen of one document.
#[derive(Clone, Default, Debug)]
pub(crate) struct Views {
    /// Its text.
    pub(crate) text: TextView,
    acts: Vec<Act>,
    bytes: usize,
    over: bool,
}

impl Views {
    /// Notes something that acts: what it is, where it stands if that has a name, and its text (the
    /// formula, command, address or source). The same thing is noted once.
    pub(crate) fn act(&mut self, what: Active, name: Option<&str>, text: String) {
        let same = |act: &Act| act.what == what && act.text == text && act.name.as_deref() == name;
        if self.acts.len() >= MAX_ACTIVE || self.bytes.saturating_add(text.len()) > MAX_ACTIVE_BYTES {
            self.over = true;
        } else if !self.acts.iter().any(same) {
            self.bytes = self.bytes.saturating_add(text.len());
            self.acts.push(Act { what, name: name.map(str::to_owned), text });
        }
    }

    /// Notes that something of the document was beyond a limit of its reader.
    pub(crate) fn limit(&mut self) {
        self.over = true;
    }

    /// The members, numbered from `first`: what acts, then the text, then the hidden text. Beside them
    /// the limits that were reached; what was over the budget is left out.
    pub(crate) fn into_members(
        self,
        first: u32,
        budget: &mut Budget,
        meter: &mut Meter,
    ) -> (Vec<Member>, Vec<UnscannedReason>) {
        let mut problems: Vec<UnscannedReason> = Vec::new();
        if self.over {
            problems.push(UnscannedReason::LimitObjects);
        }
        let texts = self.text.into_roles().into_iter().map(|(role, text)| (role, None, text));
        let acts = self.acts.into_iter().map(|act| (Role::Active(act.what), act.name, act.text));
        let mut members = Vec::new();
        for ((role, name, text), index) in acts.chain(texts).zip(first..) {
            meter.next_object();
            if let Err(limit) = budget.produce(meter, text.len() as u64, text.len() as u64) {
                problems.push(limit.into());
                break;
            }
            let name = name.map(|name| Untrusted::new(names::cut(name)));
            members.push(Member {
                index,
                name,
                role,
                kind: kind(role),
                content: text.into_bytes(),
                ..Member::default()
            });
        }
        (members, problems)
    }
}

/// What a member of a role is: text is text; what may be a script is looked at and opened like any file.
pub(crate) fn kind(role: Role) -> Option<FileKind> {
    let script = matches!(role, Role::Active(Active::Script | Active::Launch | Active::CommandLine | Active::Vba));
    (!script).then_some(FileKind::Text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{Limits, StopFlag};

    #[test]
    fn what_acts_comes_once_and_before_the_texts() {
        let mut views = Views::default();
        views.text.push("shown", false);
        views.text.push("not shown", true);
        for _ in 0..2 {
            views.act(Active::Dde, None, "cmd".to_owned());
        }
        let mut budget = Budget::new(Limits::default(), StopFlag::new());
        let (members, problems) = views.into_members(7, &mut budget, &mut Meter::new(100));
        let found: Vec<_> =
            members.iter().map(|member| (member.index, member.role, member.content.as_slice())).collect();
        let expected = [
            (7, Role::Active(Active::Dde), &b"cmd"[..]),
            (8, Role::Text, b"shown"),
            (9, Role::HiddenText, b"not shown"),
        ];
        assert_eq!(found, expected);
        assert!(problems.is_empty());
        assert_eq!(budget.bytes_used(), 17);
    }

    #[test]
    fn more_than_is_noted_is_said() {
        let mut views = Views::default();
        for number in 0..MAX_ACTIVE + 1 {
            views.act(Active::Dde, None, number.to_string());
        }
        let mut budget = Budget::new(Limits::default(), StopFlag::new());
        let (members, problems) = views.into_members(0, &mut budget, &mut Meter::new(100));
        assert_eq!(members.len(), MAX_ACTIVE);
        assert_eq!(problems, [UnscannedReason::LimitObjects]);
    }
}
