//! A queue of bytes with a bound, read from the front.

/// Bytes waiting to be read by a machine or written by a pump. At most `max` of them are held.
pub(crate) struct ByteQueue {
    bytes: Vec<u8>,
    head: usize,
    max: usize,
}

impl ByteQueue {
    /// An empty queue that takes at most `max` bytes.
    pub(crate) fn new(max: usize) -> Self {
        ByteQueue { bytes: Vec::new(), head: 0, max }
    }

    /// Takes from `input` what fits and returns how many bytes that was.
    pub(crate) fn push(&mut self, input: &[u8]) -> usize {
        let room = self.max.saturating_sub(self.len());
        let taken = input.get(..room).unwrap_or(input);
        self.compact();
        self.bytes.extend_from_slice(taken);
        taken.len()
    }

    /// Takes all of `input`. Only for our own output, whose size is bounded by the caller.
    pub(crate) fn append(&mut self, input: &[u8]) {
        self.compact();
        self.bytes.extend_from_slice(input);
    }

    /// The vector to write further output into, for writers that append.
    pub(crate) fn tail(&mut self) -> &mut Vec<u8> {
        self.compact();
        &mut self.bytes
    }

    /// What waits, oldest byte first.
    pub(crate) fn pending(&self) -> &[u8] {
        self.bytes.get(self.head..).unwrap_or_default()
    }

    /// Removes `n` bytes from the front (all of them if fewer are there).
    pub(crate) fn consume(&mut self, n: usize) {
        self.head = self.head.saturating_add(n).min(self.bytes.len());
        if self.head == self.bytes.len() {
            self.clear();
        }
    }

    /// How many bytes wait.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len().saturating_sub(self.head)
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Throws everything away.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.head = 0;
    }

    /// Moves what is left to the front once more than half is read, so that each byte moves at most once or twice.
    fn compact(&mut self) {
        if self.head > self.bytes.len() / 2 {
            self.bytes.drain(..self.head);
            self.head = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_only_what_fits_and_gives_it_back_in_order() {
        let mut q = ByteQueue::new(4);
        assert_eq!(q.push(b"abcdef"), 4);
        assert_eq!(q.push(b"x"), 0);
        q.consume(3);
        assert_eq!(q.push(b"efghi"), 3);
        assert_eq!(q.pending(), b"defg");
        q.consume(100);
        assert!(q.is_empty());
    }
}
