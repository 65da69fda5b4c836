//! Well-formed messages for the property tests.

use proptest::prelude::*;

/// A part to be written.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// Text as it is, in lines.
    Text(Vec<String>),
    /// Bytes in base64, with a name.
    File(Vec<u8>, String),
    /// Text in quoted-printable.
    Quoted(String),
    /// Parts.
    Mixed(Vec<Part>),
    /// A message inside.
    Forward(Box<Part>),
}

/// What a reader must find in a leaf: media type and decoded bytes.
pub(crate) type Leaf = (String, Vec<u8>);

fn leaf() -> impl Strategy<Value = Part> {
    prop_oneof![
        proptest::collection::vec("[ -,.-~]{0,60}", 0..6).prop_map(Part::Text),
        (proptest::collection::vec(any::<u8>(), 1..200), "[a-z]{1,8}\\.[a-z]{3}").prop_map(|(b, n)| Part::File(b, n)),
        "[a-zäöü=€ .-]{1,120}".prop_map(Part::Quoted),
    ]
}

/// A part of any shape; without messages inside where `forwards` is not set.
pub(crate) fn part(forwards: bool) -> BoxedStrategy<Part> {
    let inner = move |inner: BoxedStrategy<Part>| {
        let mixed = proptest::collection::vec(inner.clone(), 1..4).prop_map(Part::Mixed);
        if forwards {
            prop_oneof![3 => mixed, 1 => inner.prop_map(|part| Part::Forward(Box::new(part)))].boxed()
        } else {
            mixed.boxed()
        }
    };
    leaf().prop_recursive(4, 24, 4, inner).boxed()
}

/// The whole message, and its leaves in order.
pub(crate) fn message(part: &Part, end: &str) -> (Vec<u8>, Vec<Leaf>) {
    let mut writer = Writer { end, out: Vec::new(), leaves: Vec::new(), boundaries: 0 };
    writer.line("From: =?utf-8?Q?J=C3=B6rg?= <joerg@example.org>");
    writer.line("Subject: a subject that is");
    writer.line("\tfolded");
    writer.line("MIME-Version: 1.0");
    writer.part(part);
    (writer.out, writer.leaves)
}

struct Writer<'e> {
    end: &'e str,
    out: Vec<u8>,
    leaves: Vec<Leaf>,
    boundaries: usize,
}

impl Writer<'_> {
    fn line(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
        self.out.extend_from_slice(self.end.as_bytes());
    }

    fn leaf(&mut self, media: &str, encoded: &[u8], decoded: Vec<u8>) {
        self.line("");
        self.out.extend_from_slice(encoded);
        self.leaves.push((media.to_owned(), decoded));
    }

    /// Fields, empty line and body.
    fn part(&mut self, part: &Part) {
        let end = self.end;
        match part {
            Part::Text(lines) => {
                self.line("Content-Type: text/plain; charset=us-ascii");
                let body = lines.join(end).into_bytes();
                self.leaf("text/plain", &body, body.clone());
            }
            Part::File(bytes, name) => {
                self.line(&format!("Content-Type: application/octet-stream; name=\"{name}\""));
                self.line("Content-Transfer-Encoding: base64");
                let encoded = mail::transfer::encode_base64(bytes, end.as_bytes());
                self.leaf("application/octet-stream", &encoded, bytes.clone());
            }
            Part::Quoted(text) => {
                self.line("Content-Type: text/html; charset=utf-8");
                self.line("Content-Transfer-Encoding: quoted-printable");
                let encoded = mail::transfer::encode_quoted_printable(text.as_bytes(), end.as_bytes());
                self.leaf("text/html", &encoded, text.clone().into_bytes());
            }
            Part::Mixed(parts) => {
                self.boundaries += 1;
                let boundary = format!("=_b{}", self.boundaries);
                self.line(&format!("Content-Type: multipart/mixed;{end} boundary=\"{boundary}\""));
                self.line("");
                for part in parts {
                    self.line(&format!("--{boundary}"));
                    self.part(part);
                    self.line("");
                }
                self.out.extend_from_slice(format!("--{boundary}--").as_bytes());
            }
            Part::Forward(part) => {
                self.line("Content-Type: message/rfc822");
                self.line("");
                self.line("Subject: inside");
                self.part(part);
            }
        }
    }
}
