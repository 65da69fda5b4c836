//! Sample mail, made at run time: every message has CRLF line ends, a header and a body.
//!
//! The EICAR string is put together here from an encoded form, so that no file of a checkout
//! contains it.

/// The EICAR string with its letters rotated by 13.
const ROTATED: &[u8; 68] = br"K5B!C%@NC[4\CMK54(C^)7PP)7}$RVPNE-FGNAQNEQ-NAGVIVEHF-GRFG-SVYR!$U+U*";

/// Encoded bytes a line of base64 holds (RFC 2045, section 6.8: at most 76 characters).
const BASE64_LINE: usize = 57;

/// The 68 bytes of the EICAR standard antivirus test file.
pub fn eicar() -> Vec<u8> {
    ROTATED
        .iter()
        .map(|b| match b {
            b'A'..=b'Z' => (b - b'A' + 13) % 26 + b'A',
            b'a'..=b'z' => (b - b'a' + 13) % 26 + b'a',
            other => *other,
        })
        .collect()
}

/// A plain text message without anything of note; `subject` tells it from others.
pub fn clean(subject: &str) -> Vec<u8> {
    let mut mail = header(subject);
    mail.extend_from_slice(
        b"Content-Type: text/plain; charset=us-ascii\r\n\r\nHello Bob,\r\nlunch at noon?\r\nAlice\r\n",
    );
    mail
}

/// Text, HTML and a small image, as ordinary mail programs send it.
pub fn multipart(subject: &str) -> Vec<u8> {
    let mut mail = header(subject);
    mail.extend_from_slice(
        b"Content-Type: multipart/alternative; boundary=\"=_alt\"\r\n\r\nThis is MIME.\r\n\
        --=_alt\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
        Gr=C3=BC=C3=9Fe aus Z=C3=BCrich\r\n\
        --=_alt\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Greetings, <b>all</b></p>\r\n\
        --=_alt--\r\n",
    );
    mail
}

/// A text and one attachment in base64.
pub fn with_attachment(subject: &str, name: &str, media_type: &str, content: &[u8]) -> Vec<u8> {
    let mut mail = header(subject);
    mail.extend_from_slice(
        format!(
            "Content-Type: multipart/mixed; boundary=\"=_mixed\"\r\n\r\n\
            --=_mixed\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nSee the attachment.\r\n\
            --=_mixed\r\nContent-Type: {media_type}; name=\"{name}\"\r\n\
            Content-Disposition: attachment; filename=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        )
        .as_bytes(),
    );
    mail.extend_from_slice(base64(content).as_bytes());
    mail.extend_from_slice(b"--=_mixed--\r\n");
    mail
}

/// A message with the EICAR test file attached.
pub fn eicar_attached(subject: &str) -> Vec<u8> {
    with_attachment(subject, "eicar.com", "application/octet-stream", &eicar())
}

/// A message with the EICAR test file inside a zip.
pub fn eicar_zipped(subject: &str) -> Vec<u8> {
    let content = zip(&[("readme.txt", b"nothing here\r\n"), ("eicar.com", &eicar())]);
    with_attachment(subject, "invoice.zip", "application/zip", &content)
}

/// A clean message of `size` bytes exactly (at least about 400), mostly a text in lines of 78.
pub fn sized(subject: &str, size: usize) -> Vec<u8> {
    let mut mail = header(subject);
    mail.extend_from_slice(b"Content-Type: text/plain; charset=us-ascii\r\n\r\n");
    const LINE: &[u8] = b"The quick brown fox jumps over the lazy dog, and the dog does not mind at all.\r\n";
    while mail.len() + LINE.len() + 2 < size {
        mail.extend_from_slice(LINE);
    }
    while mail.len() + 2 < size {
        mail.push(b'x');
    }
    mail.extend_from_slice(b"\r\n");
    mail
}

/// A zip archive of stored (uncompressed) members, written by hand (APPNOTE 4.3.7, 4.3.12, 4.3.16).
pub fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for (name, content) in members {
        let offset = length(out.len());
        let mut common = Vec::new();
        for half in [10u16, 0, 0, 0, 0x5a21] {
            common.extend_from_slice(&half.to_le_bytes());
        }
        for word in [crc32(content), length(content.len()), length(content.len())] {
            common.extend_from_slice(&word.to_le_bytes());
        }
        common.extend_from_slice(&u16::try_from(name.len()).expect("a short name").to_le_bytes());
        common.extend_from_slice(&0u16.to_le_bytes());

        out.extend_from_slice(b"PK\x03\x04");
        out.extend_from_slice(&common);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(content);

        directory.extend_from_slice(b"PK\x01\x02");
        directory.extend_from_slice(&20u16.to_le_bytes());
        directory.extend_from_slice(&common);
        directory.extend_from_slice(&[0; 10]); // comment length, disk, attributes
        directory.extend_from_slice(&offset.to_le_bytes());
        directory.extend_from_slice(name.as_bytes());
    }
    let start = length(out.len());
    out.extend_from_slice(&directory);
    let count = u16::try_from(members.len()).expect("few members").to_le_bytes();
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&count);
    out.extend_from_slice(&count);
    out.extend_from_slice(&length(directory.len()).to_le_bytes());
    out.extend_from_slice(&start.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    out
}

/// Base64 in lines of 76 characters, each ended by CRLF (RFC 2045, section 6.8).
pub fn base64(bytes: &[u8]) -> String {
    bytes.chunks(BASE64_LINE).map(|line| base64_simd::STANDARD.encode_to_string(line) + "\r\n").collect()
}

/// The bytes of base64 that may be broken into lines.
///
/// # Panics
/// It is not base64.
pub fn unbase64(coded: &str) -> Vec<u8> {
    base64_simd::forgiving_decode_to_vec(coded.as_bytes()).expect("base64")
}

/// What stands in base64 in the parts of a message, in their order. Lines end with CRLF.
pub fn attachments(content: &str) -> Vec<Vec<u8>> {
    let bodies = content.split("Content-Transfer-Encoding: base64").skip(1);
    bodies
        .map(|part| {
            let body = part.split_once("\r\n\r\n").expect("a body").1;
            unbase64(body.split("\r\n--").next().unwrap_or_default())
        })
        .collect()
}

/// The header lines all samples begin with; more may follow.
fn header(subject: &str) -> Vec<u8> {
    format!(
        "From: Alice <alice@example.org>\r\nTo: Bob <bob@example.com>\r\nSubject: {subject}\r\n\
        Date: Fri, 21 Nov 2025 18:00:00 +0000\r\nMessage-ID: <{:016x}@example.org>\r\nMIME-Version: 1.0\r\n",
        u64::from(crc32(subject.as_bytes()))
    )
    .into_bytes()
}

/// A length as zip writes it.
fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("under 4 GiB")
}

/// CRC-32 as zip and gzip use it (polynomial 0xEDB88320), bit by bit: small before fast.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = !0u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_file_is_the_one_all_scanners_know() {
        assert_eq!(eicar().len(), 68);
        assert_eq!(crc32(&eicar()), 0x6851_CF3C);
    }

    #[test]
    fn base64_has_the_padding_of_rfc_4648() {
        for (plain, coded) in [("f", "Zg==\r\n"), ("fo", "Zm8=\r\n"), ("foo", "Zm9v\r\n"), ("foobar", "Zm9vYmFy\r\n")] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
        assert!(base64(&[7; 500]).lines().all(|l| l.len() <= 76));
        assert_eq!(unbase64(&base64(&[7; 500])), [7; 500]);
    }

    #[test]
    fn a_sized_message_has_its_size_and_clean_line_ends() {
        for size in [500, 4096, 100_000] {
            let mail = sized("size", size);
            assert_eq!(mail.len(), size);
            assert!(!String::from_utf8(mail).expect("text").replace("\r\n", "").contains(['\r', '\n']));
        }
    }

    #[test]
    fn an_archive_passes_the_test_of_unzip() {
        let Some(unzip) = crate::peers::find("unzip") else { return };
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("a.zip");
        std::fs::write(&path, zip(&[("a.txt", b"one"), ("dir/b.txt", b"")])).expect("written");
        let out = std::process::Command::new(unzip).arg("-t").arg(&path).output().expect("unzip runs");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stdout));
    }
}
