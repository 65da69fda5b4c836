//! Members that a document's reader has made already, given one by one.

use mail::evidence::UnscannedReason;

use crate::budget::Budget;
use crate::container::{Container, Member};

/// See the module.
pub(crate) struct Parts {
    members: std::vec::IntoIter<Member>,
    problems: Vec<UnscannedReason>,
}

impl Parts {
    /// Members in the order in which they are given, and what could not be read; `None` if there is
    /// nothing to tell.
    pub(crate) fn some(members: Vec<Member>, problems: Vec<UnscannedReason>) -> Option<Box<dyn Container>> {
        let empty = members.is_empty() && problems.is_empty();
        (!empty).then(|| Box::new(Self { members: members.into_iter(), problems }) as Box<dyn Container>)
    }
}

impl Container for Parts {
    fn next(&mut self, _data: &[u8], budget: &mut Budget) -> Option<Member> {
        if let Some(limit) = budget.exhausted().filter(|_| self.members.len() > 0) {
            self.members = Vec::new().into_iter();
            if !self.problems.contains(&limit.into()) {
                self.problems.push(limit.into());
            }
        }
        self.members.next()
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
