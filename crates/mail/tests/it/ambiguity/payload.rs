//! Payloads, and templates that are filled with them.
//!
//! In a template a line feed stands for CRLF; `{CR}`, `{LF}`, `{NUL}` stand for one byte, and these for
//! the payload: `{B64}` in lines, `{B64LINE}` in one line, `{QP}`, `{UU}`, `{YENC}`, `{BINHEX}`,
//! `{RAW}` (texts only), `{UTF7}` and `{UTF16}` (texts only), `{MEDIA}`, `{NAME}`; `{P}` for a part that
//! holds it, `{M}` for a body of two parts with the boundary `b`.

use mail::transfer::encode_base64;

/// What is hidden.
pub(crate) struct Payload {
    pub(crate) name: &'static str,
    media: &'static str,
    file: &'static str,
    text: Option<&'static str>,
}

/// The three kinds.
pub(crate) const PAYLOADS: &[Payload] = &[
    Payload { name: "zip", media: "application/zip", file: "a.zip", text: None },
    Payload {
        name: "plain",
        media: "text/plain",
        file: "a.txt",
        text: Some("The payload is this line of text, which stands nowhere else in the message."),
    },
    Payload {
        name: "html",
        media: "text/html",
        file: "a.html",
        text: Some("<html><body><script>payload();</script><p>The payload is this page.</p></body></html>"),
    },
];

/// The fields in front of everything.
pub(crate) const HEAD: &str = "From: Ann <ann@example.org>\nTo: bob@example.net\nSubject: files\nMIME-Version: 1.0\n";

/// A part with the payload in base64.
const PART: &str = "Content-Type: {MEDIA}; name=\"{NAME}\"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\"{NAME}\"\n\n{B64}";

/// Two parts.
const MIXED: &str = "--b\nContent-Type: text/plain\n\nHello\n--b\n{P}\n--b--\n";

/// Ordinary mail.
pub(crate) const ORDINARY: &[&str] = &[
    "{H}Content-Type: multipart/mixed; boundary=b\n\n{M}",
    "{H}Content-Type: multipart/mixed;\n boundary=\"b\"\n\nThis is a multi-part message in MIME format.\n\n{M}",
    "{H}{P}\n",
    "{H}Content-Type: multipart/mixed; boundary=\"=_a\"\n\n--=_a\nContent-Type: multipart/alternative; boundary=b\n\n{M}\n--=_a--\n",
    "{H}Content-Type: message/rfc822\n\n{H}Content-Type: multipart/mixed; boundary=b\n\n{M}",
    "{H}Content-Type: multipart/digest; boundary=d\n\n--d\n\n{H}{P}\n--d--\n",
    "{H}Content-Type: multipart/signed; micalg=pgp-sha256; protocol=\"application/pgp-signature\"; boundary=s\n\n--s\n{P}\n--s\nContent-Type: application/pgp-signature; name=\"signature.asc\"\n\n-----BEGIN PGP SIGNATURE-----\n\niQEzBAEBCAAdFiEEq1w9vX0y8mQ9aK2mV3nS1kZ5x2QFAmWZ0AAKCRBXedLWRnnH\n=abcd\n-----END PGP SIGNATURE-----\n--s--\n",
];

impl Payload {
    /// Its bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self.text {
            Some(text) => text.as_bytes().to_vec(),
            None => zip(),
        }
    }

    /// The message of a template; `None` where the payload cannot stand in it.
    pub(crate) fn fill(&self, template: &str) -> Option<Vec<u8>> {
        let plain_only = ["{RAW}", "{UTF", "{HZ}", "{ISO", "{QPSTREWN}"];
        if self.text.is_none() && plain_only.iter().any(|mark| template.contains(mark)) {
            return None;
        }
        let text = template.replace("{M}", MIXED).replace("{P}", PART).replace("{H}", HEAD);
        let text = text.replace("{MEDIA}", self.media).replace("{NAME}", self.file).replace('\n', "\r\n");
        let bytes = self.bytes();
        let mut out = Vec::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find('{') {
            out.extend_from_slice(&rest.as_bytes()[..at]);
            let end = at + rest[at..].find('}').expect("a mark that ends");
            out.extend(self.mark(&rest[at + 1..end], &bytes));
            rest = &rest[end + 1..];
        }
        out.extend_from_slice(rest.as_bytes());
        Some(out)
    }

    fn mark(&self, mark: &str, bytes: &[u8]) -> Vec<u8> {
        match mark {
            "CR" => b"\r".to_vec(),
            "LF" => b"\n".to_vec(),
            "NUL" => b"\0".to_vec(),
            "FF" => b"\xff".to_vec(),
            "B64" => encode_base64(bytes, b"\r\n"),
            "B64NOPAD" => encode_base64(bytes, b"\r\n").into_iter().filter(|byte| *byte != b'=').collect(),
            "B64LINE" => encode_base64(bytes, b""),
            "B64CR" => encode_base64(bytes, b"\r"),
            "B64LF" => encode_base64(bytes, b"\n"),
            // In two pieces, each with padding: fewer than three bytes over in the first.
            "B64TWO" => {
                let (one, two) = bytes.split_at(20);
                [encode_base64(one, b""), b"\r\n".to_vec(), encode_base64(two, b"\r\n")].concat()
            }
            "B64HEAD" => encode_base64(bytes, b"\r\n")[..30].to_vec(),
            "B64TAIL" => encode_base64(bytes, b"\r\n")[30..].to_vec(),
            "B64URL" => encode_base64(bytes, b"\r\n")
                .iter()
                .map(|b| match b {
                    b'+' => b'-',
                    b'/' => b'_',
                    b => *b,
                })
                .collect(),
            "B64PADS" => encode_base64(bytes, b"").chunks(8).collect::<Vec<_>>().join(&b"="[..]),
            "QP" => quoted(bytes),
            "QPALL" => bytes
                .iter()
                .flat_map(|b| format!("={b:02X}").into_bytes())
                .collect::<Vec<_>>()
                .chunks(72)
                .collect::<Vec<_>>()
                .join(&b"=\r\n"[..]),
            "QPLOW" => bytes
                .iter()
                .flat_map(|b| format!("={b:02x}").into_bytes())
                .collect::<Vec<_>>()
                .chunks(72)
                .collect::<Vec<_>>()
                .join(&b"=\r\n"[..]),
            "UU" => uuencode(bytes, self.file),
            "UUB64" => encode_base64(&uuencode(bytes, self.file), b"\r\n"),
            "UUQP" => quoted_lines(&uuencode(bytes, self.file)),
            "UUBODY" => {
                let all = uuencode(bytes, self.file);
                let first = all.iter().position(|byte| *byte == b'\n').unwrap();
                all[first + 1..].to_vec()
            }
            "YENCB64" => encode_base64(&yenc(bytes, self.file), b"\r\n"),
            "B64B64" => encode_base64(&encode_base64(bytes, b"\r\n"), b"\r\n"),
            "QPSTREWN" => self
                .text
                .unwrap()
                .bytes()
                .flat_map(|b| if b == b'=' { b"=3D".to_vec() } else { vec![b, 0x80] })
                .collect(),
            "HZ" => cut_by(bytes, b"~\r\n"),
            "ISO2022" => cut_by(bytes, b"\x1b(B"),
            "ISO2022B64" => encode_base64(&cut_by(bytes, b"\x0f"), b"\r\n"),
            "YENC" => yenc(bytes, self.file),
            "BINHEX" => binhex(bytes, self.file),
            "RAW" => bytes.to_vec(),
            "UTF7" => utf7(self.text.unwrap()),
            "UTF16" => self.text.unwrap().encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "UTF16BE" => self.text.unwrap().encode_utf16().flat_map(u16::to_be_bytes).collect(),
            "UTF32" => self.text.unwrap().chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(),
            other => panic!("no mark {other}"),
        }
    }
}

/// A zip archive of one stored file, with every byte value somewhere in it.
fn zip() -> Vec<u8> {
    let content: Vec<u8> = b"the content of the archive".iter().copied().chain(0xe0..=0xff).collect();
    let size = (content.len() as u32).to_le_bytes();
    let name = b"in.txt";
    let common =
        [&[10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4][..], &size, &size, &[name.len() as u8, 0, 0, 0]].concat();
    let local = [b"PK\x03\x04".as_slice(), &common, name, &content].concat();
    let entry = [b"PK\x01\x02\x14\0".as_slice(), &common, &[0; 14], name].concat();
    let (start, length) = ((local.len() as u32).to_le_bytes(), (entry.len() as u32).to_le_bytes());
    let end = [b"PK\x05\x06".as_slice(), &[0, 0, 0, 0, 1, 0, 1, 0], &length, &start, &[0, 0]].concat();
    [local, entry, end].concat()
}

/// Quoted-printable in which CR and LF are escaped, too.
fn quoted(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (at, byte) in bytes.iter().enumerate() {
        if at % 20 == 19 {
            out.extend_from_slice(b"=\r\n");
        }
        if (33..=126).contains(byte) && *byte != b'=' {
            out.push(*byte);
        } else {
            out.extend_from_slice(format!("={byte:02X}").as_bytes());
        }
    }
    out
}

/// Quoted-printable line by line, so that the line ends stay; words are cut by soft breaks.
fn quoted_lines(bytes: &[u8]) -> Vec<u8> {
    bytes
        .split_inclusive(|byte| *byte == b'\n')
        .flat_map(|line| {
            let text = line.strip_suffix(b"\r\n").unwrap_or(line);
            [&quoted(&text[..text.len().min(2)]), &b"=\r\n"[..], &quoted(&text[text.len().min(2)..]), b"\r\n"].concat()
        })
        .collect()
}

/// A text with something in it that a charset leaves out, in the middle of words.
fn cut_by(bytes: &[u8], what: &[u8]) -> Vec<u8> {
    bytes.chunks(5).collect::<Vec<_>>().join(what)
}

fn uuencode(bytes: &[u8], name: &str) -> Vec<u8> {
    let sextet = |value: u8| if value & 63 == 0 { b'`' } else { (value & 63) + 32 };
    let mut out = format!("begin 644 {name}\r\n").into_bytes();
    for line in bytes.chunks(45) {
        out.push(sextet(line.len() as u8));
        for three in line.chunks(3) {
            let at = |n: usize| three.get(n).copied().unwrap_or(0);
            let (a, b, c) = (at(0), at(1), at(2));
            out.extend([a >> 2, a << 4 | b >> 4, b << 2 | c >> 6, c].map(sextet));
        }
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"`\r\nend\r\n");
    out
}

fn yenc(bytes: &[u8], name: &str) -> Vec<u8> {
    let mut out = format!("=ybegin line=128 size={} name={name}\r\n", bytes.len()).into_bytes();
    for byte in bytes {
        let byte = byte.wrapping_add(42);
        if matches!(byte, 0 | b'\r' | b'\n' | b'=') {
            out.extend([b'=', byte.wrapping_add(64)]);
        } else {
            out.push(byte);
        }
    }
    out.extend_from_slice(format!("\r\n=yend size={}\r\n", bytes.len()).as_bytes());
    out
}

fn binhex(bytes: &[u8], name: &str) -> Vec<u8> {
    let alphabet = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";
    let mut all = vec![name.len() as u8];
    all.extend_from_slice(name.as_bytes());
    all.extend_from_slice(b"\0TEXTttxt\0\0");
    all.extend((bytes.len() as u32).to_be_bytes());
    all.extend([0; 6]);
    all.extend_from_slice(bytes);
    all.extend([0; 4]);
    let packed: Vec<u8> = all.iter().flat_map(|byte| if *byte == 0x90 { vec![0x90, 0] } else { vec![*byte] }).collect();
    let mut text = vec![b':'];
    for three in packed.chunks(3) {
        let at = |n: usize| three.get(n).copied().unwrap_or(0);
        let (a, b, c) = (at(0), at(1), at(2));
        text.extend(
            [a >> 2, (a << 4 | b >> 4) & 63, (b << 2 | c >> 6) & 63, c & 63].map(|value| alphabet[usize::from(value)]),
        );
    }
    text.push(b':');
    let lines: Vec<&[u8]> = text.chunks(64).collect();
    [b"(This file must be converted with BinHex 4.0)\r\n\r\n".as_slice(), &lines.join(&b"\r\n"[..]), b"\r\n"].concat()
}

fn utf7(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || c == ' ' {
            out.push(c as u8);
        } else {
            let encoded = encode_base64(&(c as u16).to_be_bytes(), b"");
            out.push(b'+');
            out.extend(encoded.iter().filter(|byte| **byte != b'='));
            out.push(b'-');
        }
    }
    out
}
