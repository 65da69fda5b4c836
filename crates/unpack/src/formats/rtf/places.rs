//! Where in RTF stands what acts, as its reader reads it: for whoever takes it out.
//!
//! Each place is a group: of an object as a whole, of a template, of a field's instruction. Limits: those of
//! the reader, and [`MAX_DEPTH`].

use std::ops::Range;

use mail::evidence::Active;

use super::tokens::Tokens;
use super::work::Work;

/// Most groups in one another whose places are known; the reader tells no deeper ones apart either.
const MAX_DEPTH: usize = 10_000;

/// What [`places`] finds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Places {
    /// What acts, and the group to cut out, in bytes; each group behind those in it.
    pub acting: Vec<(Active, Range<usize>)>,
    /// Groups do not close, or close twice, something was cut off, or a limit was reached: there may be more.
    pub unsound: bool,
}

/// The groups of a file that act.
pub fn places(data: &[u8]) -> Places {
    let mut work = Work::new();
    work.marks = Some(Marks::default());
    let mut tokens = Tokens::new(data);
    loop {
        let start = tokens.at();
        let Some(token) = tokens.next() else { break };
        if let Some(marks) = &mut work.marks {
            marks.token = start..tokens.at();
        }
        work.token(token);
    }
    work.finish();
    let marks = work.marks.unwrap_or_default();
    let unsound = marks.unsound || !marks.open.is_empty() || tokens.damaged || work.over || work.fields.is_over();
    Places { acting: marks.acting, unsound }
}

/// The groups that are open, and what was found of those that are closed.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Where the present token stands.
    token: Range<usize>,
    /// Where each group begins, and what acts in it.
    open: Vec<(usize, Vec<Active>)>,
    acting: Vec<(Active, Range<usize>)>,
    unsound: bool,
}

impl Marks {
    /// The present token opens a group.
    pub(super) fn open(&mut self) {
        if self.open.len() < MAX_DEPTH {
            self.open.push((self.token.start, Vec::new()));
        } else {
            self.unsound = true;
        }
    }

    /// The present token closes a group.
    pub(super) fn close(&mut self) {
        match self.open.pop() {
            Some((start, acting)) => {
                let end = self.token.end;
                self.acting.extend(acting.into_iter().map(|what| (what, start..end)));
            }
            None => self.unsound = true,
        }
    }

    /// The present group goes with what acts in it.
    pub(super) fn mark(&mut self, what: Active) {
        match self.open.last_mut() {
            Some((_, acting)) if !acting.contains(&what) => acting.push(what),
            Some(_) => {}
            None => self.unsound = true,
        }
    }

    /// The object around the present group, or that group, is linked to something.
    pub(super) fn mark_link(&mut self) {
        let object = self.open.iter_mut().rev().find(|(_, acting)| acting.contains(&Active::OlePackage));
        match object {
            Some((_, acting)) => acting.push(Active::RemoteTemplate),
            None => self.mark(Active::RemoteTemplate),
        }
    }
}
