//! Packets out of a stream, and texts out of a packet.

use super::PACKET_MAX;

/// Bytes of a packet's length field.
const LENGTH_SIZE: usize = 4;

/// One packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// The command letter.
    pub command: u8,
    /// What follows it.
    pub payload: Vec<u8>,
}

/// A packet of no byte, or of more than [`PACKET_MAX`]. The connection cannot be used further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadLength(pub u32);

/// Collects packets. Holds one at most, and no more than has come.
#[derive(Default)]
pub struct PacketReader {
    bytes: Vec<u8>,
}

impl PacketReader {
    /// Reads on: how many bytes were used, and the packet if it is complete.
    ///
    /// # Errors
    /// [`BadLength`].
    pub fn push(&mut self, input: &[u8]) -> Result<(usize, Option<Packet>), BadLength> {
        let mut used = self.take(LENGTH_SIZE, input);
        let Some(length) = self.bytes.first_chunk().map(|bytes| u32::from_be_bytes(*bytes)) else {
            return Ok((used, None));
        };
        let size = usize::try_from(length).ok().filter(|size| (1..=PACKET_MAX).contains(size));
        let whole = size.and_then(|size| size.checked_add(LENGTH_SIZE)).ok_or(BadLength(length))?;
        let rest = input.get(used..).unwrap_or_default();
        used = used.saturating_add(self.take(whole, rest));
        if self.bytes.len() < whole {
            return Ok((used, None));
        }
        let bytes = std::mem::take(&mut self.bytes);
        let command = bytes.get(LENGTH_SIZE).copied().unwrap_or(0);
        let payload = bytes.get(LENGTH_SIZE.saturating_add(1)..).unwrap_or_default().to_vec();
        Ok((used, Some(Packet { command, payload })))
    }

    /// Takes from the input until `upto` bytes are held.
    fn take(&mut self, upto: usize, input: &[u8]) -> usize {
        let missing = upto.saturating_sub(self.bytes.len());
        let taken = input.get(..missing).unwrap_or(input);
        self.bytes.extend_from_slice(taken);
        taken.len()
    }
}

/// Writes a packet.
pub fn write(command: u8, payload: &[&[u8]], out: &mut Vec<u8>) {
    let size = payload.iter().fold(1usize, |sum, piece| sum.saturating_add(piece.len()));
    out.extend_from_slice(&u32::try_from(size).unwrap_or(u32::MAX).to_be_bytes());
    out.push(command);
    payload.iter().for_each(|piece| out.extend_from_slice(piece));
}

/// The texts of a payload, each ended by a NUL; `None` when the last one is not.
pub fn texts(payload: &[u8]) -> Option<Vec<&[u8]>> {
    if payload.is_empty() {
        return Some(Vec::new());
    }
    Some(payload.strip_suffix(&[0])?.split(|byte| *byte == 0).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_come_whole_however_they_are_cut() {
        let mut wire = Vec::new();
        write(b'H', &[b"a.example.org", b"\0"], &mut wire);
        write(b'N', &[], &mut wire);
        for cut in 1..=wire.len() {
            let (mut reader, mut found) = (PacketReader::default(), Vec::new());
            for piece in wire.chunks(cut) {
                let mut rest = piece;
                while !rest.is_empty() {
                    let (used, packet) = reader.push(rest).unwrap();
                    rest = &rest[used..];
                    found.extend(packet);
                }
            }
            let texts: Vec<_> = found.iter().map(|p| (p.command, p.payload.as_slice())).collect();
            assert_eq!(texts, [(b'H', b"a.example.org\0".as_slice()), (b'N', b"")], "pieces of {cut}");
        }
    }

    #[test]
    fn a_length_of_nothing_or_too_much_is_refused_before_any_room_is_made() {
        let max = u32::try_from(PACKET_MAX).unwrap();
        for length in [0, max + 1, u32::MAX] {
            let mut reader = PacketReader::default();
            assert_eq!(reader.push(&length.to_be_bytes()), Err(BadLength(length)));
        }
        let mut reader = PacketReader::default();
        assert_eq!(reader.push(&max.to_be_bytes()), Ok((4, None)));
        assert!(reader.bytes.capacity() < 1024);
    }

    #[test]
    fn texts_end_in_a_nul() {
        assert_eq!(texts(b"a\0bc\0\0"), Some(vec![b"a".as_slice(), b"bc", b""]));
        assert_eq!(texts(b""), Some(vec![]));
        assert_eq!(texts(b"a\0b"), None);
    }
}
