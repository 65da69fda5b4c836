//! The message that is sent: multipart, mostly one attachment in base64 from a fixed generator.
//! No two are the same, so that nothing can answer from a cache.

/// Characters of base64.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A line of base64 with its CRLF.
const LINE: usize = 78;

/// A message without the few bytes that tell it from others.
pub(crate) struct Sample {
    text: Vec<u8>,
    /// Where in the attachment the number goes.
    mark: usize,
}

impl Sample {
    /// About `size` bytes.
    pub(crate) fn new(size: usize) -> Self {
        let mut text = b"From: Alice <alice@example.org>\r\nTo: Bob <bob@example.com>\r\nSubject: Report\r\n\
            Date: Fri, 21 Nov 2025 18:00:00 +0000\r\nMIME-Version: 1.0\r\n\
            Content-Type: multipart/mixed; boundary=\"=_part\"\r\n\r\n\
            --=_part\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello Bob,\r\n\r\n"
            .to_vec();
        while text.len() < size.min(4_000) / 2 {
            text.extend_from_slice(
                b"The numbers of last month are attached, see also http://www.example.com/report\r\n",
            );
        }
        text.extend_from_slice(
            b"\r\n--=_part\r\nContent-Type: application/octet-stream; name=\"numbers.dat\"\r\n\
            Content-Disposition: attachment; filename=\"numbers.dat\"\r\nContent-Transfer-Encoding: base64\r\n\r\n",
        );
        let mark = text.len();
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        while text.len() + LINE < size {
            for _ in 0..LINE - 2 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                text.push(ALPHABET[(state >> 58) as usize]);
            }
            text.extend_from_slice(b"\r\n");
        }
        text.extend_from_slice(b"--=_part--\r\n.\r\n");
        Self { text, mark }
    }

    /// The bytes to send after 354, the final dot included. No line of it begins with a dot.
    pub(crate) fn numbered(&self, number: u64) -> Vec<u8> {
        let header = format!("Message-ID: <{number}.bench@example.org>\r\n");
        let mut out = Vec::with_capacity(header.len() + self.text.len());
        out.extend_from_slice(header.as_bytes());
        out.extend_from_slice(&self.text);
        let at = header.len() + self.mark;
        out[at..at + 16].copy_from_slice(format!("{number:016x}").as_bytes());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::Sample;

    #[test]
    fn messages_have_their_size_and_differ() {
        for size in [4_000, 100_000] {
            let sample = Sample::new(size);
            let (a, b) = (sample.numbered(1), sample.numbered(2));
            assert!(a.len().abs_diff(size) < 200, "{}", a.len());
            assert_ne!(a, b);
            let text = String::from_utf8(a).expect("text");
            assert_eq!(text.matches("\r\n.").count(), 1);
            assert!(text.ends_with("\r\n.\r\n"));
        }
    }
}
