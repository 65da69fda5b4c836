//! An archive's bytes that a decoder keeps hold of: containers keep no reference to theirs, but a
//! solid archive is decoded member after member by one decoder. The one copy of an archive is made
//! when its first such decoder is.

use std::cell::Cell;
use std::io::{self, Read};
use std::ops::Range;
use std::rc::Rc;

use crate::budget::StopFlag;
use crate::bytes::between;

/// The bytes, and how many of them were read.
pub(crate) struct Shared {
    data: Vec<u8>,
    taken: Cell<u64>,
    stop: StopFlag,
}

impl Shared {
    /// A copy of an archive.
    pub(crate) fn new(data: &[u8], stop: &StopFlag) -> Rc<Self> {
        Rc::new(Self { data: data.to_vec(), taken: Cell::new(0), stop: stop.clone() })
    }

    /// How many bytes all parts have read so far.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.get()
    }

    /// A reader of some of the bytes.
    pub(crate) fn part(self: &Rc<Self>, range: Range<usize>) -> Part {
        Part { shared: Rc::clone(self), range }
    }
}

/// See [`Shared::part`].
pub(crate) struct Part {
    shared: Rc<Shared>,
    range: Range<usize>,
}

impl Read for Part {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.shared.stop.is_set() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let mut rest = between(&self.shared.data, self.range.start, self.range.end);
        let read = rest.read(out)?;
        self.range.start = self.range.start.saturating_add(read);
        self.shared.taken.set(self.shared.taken.get().saturating_add(read as u64));
        Ok(read)
    }
}
