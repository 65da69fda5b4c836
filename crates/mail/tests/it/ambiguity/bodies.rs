//! Techniques in encoded bodies, in texts that hold files, and in charsets.

use super::Case;

/// Bodies of a part in base64.
const BASE64: &[(&str, &str)] = &[
    ("padding in the middle of base64", "{B64TWO}"),
    ("base64 without its padding", "{B64NOPAD}"),
    ("padding in the middle, ignored", "{B64PADS}"),
    ("text in front of base64", "This text stands here!\n{B64}"),
    ("text behind base64", "{B64}\n-- \na footer, with words.\n"),
    ("base64 behind the padding", "{B64}\nQUFBQUFBQUFBQUFB\n"),
    ("base64 twice", "{B64}\n{B64}\n"),
    ("junk in base64", "{B64HEAD}!*.{B64TAIL}"),
    ("comment in base64", "{B64HEAD}\n(a comment, with words)\n{B64TAIL}"),
    ("blank lines in base64", "{B64HEAD}\n\n\n{B64TAIL}"),
    ("blanks in base64", "{B64HEAD} \t {B64TAIL}"),
    ("NUL in base64", "{B64HEAD}{NUL}{B64TAIL}"),
    ("8-bit bytes in base64", "{B64HEAD}{FF}{FF}{B64TAIL}"),
    ("base64 with the alphabet for URLs", "{B64URL}"),
    ("base64 with bare CRs", "{B64CR}"),
    ("base64 with bare LFs", "{B64LF}"),
    ("base64 in one line", "{B64LINE}"),
    ("a line begin-base64 in base64", "begin-base64 644 {NAME}\n{B64}\n====\n"),
    ("four pads behind base64", "{B64}====\n"),
];

/// Those that are no ambiguity.
const HARMLESS: &[&str] =
    &["base64 without its padding", "blank lines in base64", "blanks in base64", "base64 in one line"];

/// Whole parts.
const PARTS: &[(&str, &str)] = &[
    ("quoted-printable, all escaped", "Content-Transfer-Encoding: quoted-printable\n\n{QPALL}\n"),
    ("quoted-printable in lower case", "Content-Transfer-Encoding: quoted-printable\n\n{QPLOW}\n"),
    ("quoted-printable with damage in front", "Content-Transfer-Encoding: quoted-printable\n\n=zz=\n{QP}\n"),
    ("quoted-printable with blanks in soft breaks", "Content-Transfer-Encoding: quoted-printable\n\na= \t\nb=\n{QP}\n"),
    ("quoted-printable cut in an escape", "Content-Transfer-Encoding: quoted-printable\n\n{QP}=4"),
    ("uuencode in text", "Content-Type: text/plain\n\nsee below\n\n{UU}\nbye\n"),
    (
        "uuencode with the encoding x-uuencode",
        "Content-Type: application/octet-stream\nContent-Transfer-Encoding: x-uuencode\n\n{UU}\n",
    ),
    (
        "uuencode with the encoding uuencode",
        "Content-Type: application/octet-stream\nContent-Transfer-Encoding: uuencode\n\n{UU}\n",
    ),
    ("uuencode with the encoding x-uue", "Content-Transfer-Encoding: x-uue\n\n{UU}\n"),
    (
        "uuencode by its encoding, without a mode",
        "Content-Type: application/octet-stream\nContent-Transfer-Encoding: x-uuencode\n\nbegin {NAME}\n{UUBODY}\n",
    ),
    (
        "uuencode by its encoding, without a mode, in front of one with a mode",
        "Content-Type: application/octet-stream\nContent-Transfer-Encoding: x-uuencode\n\nbegin {NAME}\n{UUBODY}\n\
         begin 644 a.txt\n#0V%T\n`\nend\n",
    ),
    (
        "uuencode by its encoding, without a mode, behind one with a mode",
        "Content-Type: application/octet-stream\nContent-Transfer-Encoding: x-uuencode\n\nbegin 644 a.txt\n#0V%T\n`\nend\n\
         begin {NAME}\n{UUBODY}\n",
    ),
    (
        "uuencode by its encoding, without a mode, behind one without an end",
        "Content-Type: application/octet-stream\nContent-Transfer-Encoding: x-uuencode\n\nbegin 644 a.txt\n#0V%T\n`\n\n\
         begin {NAME}\n{UUBODY}\n",
    ),
    (
        "uuencode by its encoding, without a mode, behind one without either",
        "Content-Type: application/octet-stream\nContent-Transfer-Encoding: x-uuencode\n\nbegin a.txt\n#0V%T\n\
         begin {NAME}\n{UUBODY}\n",
    ),
    ("uuencode without a type", "\n{UU}\n"),
    ("uuencode twice", "\n{UU}\n{UU}\n"),
    ("uuencode in HTML", "Content-Type: text/html\n\n<pre>\n{UU}</pre>\n"),
    ("yEnc in text", "Content-Type: text/plain\n\n{YENC}\n"),
    ("yEnc with the encoding x-yenc", "Content-Transfer-Encoding: x-yenc\n\n{YENC}\n"),
    ("BinHex in text", "Content-Type: text/plain\n\n{BINHEX}\n"),
    (
        "BinHex with its type",
        "Content-Type: application/mac-binhex40\nContent-Transfer-Encoding: x-binhex\n\n{BINHEX}\n",
    ),
    ("begin-base64 in text", "Content-Type: text/plain\n\nbegin-base64 644 {NAME}\n{B64}\n====\n"),
    ("bare base64 in text", "Content-Type: text/plain\n\nsee\n\n{B64}\n\nbye\n"),
    ("bare base64 without a type", "\n{B64}\n"),
    ("base64 with the encoding 7bit", "Content-Type: {MEDIA}\nContent-Transfer-Encoding: 7bit\n\n{B64}\n"),
    ("UTF-7", "Content-Type: text/html; charset=utf-7\n\n{UTF7}\n"),
    ("UTF-7 by its long name", "Content-Type: text/html; charset=unicode-1-1-utf-7\n\n{UTF7}\n"),
    (
        "UTF-7 in quoted-printable",
        "Content-Type: text/html; charset=utf-7\nContent-Transfer-Encoding: quoted-printable\n\n{UTF7}\n",
    ),
    ("UTF-16 with its name", "Content-Type: text/html; charset=utf-16le\n\n{UTF16}\n"),
    ("UTF-16 without a name", "Content-Type: text/html\n\n{UTF16}\n"),
    ("UTF-16 with another name", "Content-Type: text/html; charset=utf-8\n\n{UTF16BE}\n"),
    ("UTF-32", "Content-Type: text/html; charset=utf-32\n\n{UTF32}\n"),
    ("UTF-7 named by the second type", "Content-Type: text/html\nContent-Type: text/html; charset=utf-7\n\n{UTF7}\n"),
    ("HZ, a word cut by an escape", "Content-Type: text/html; charset=hz-gb-2312\n\n{HZ}\n"),
    ("ISO-2022-JP, a word cut by an escape", "Content-Type: text/html; charset=iso-2022-jp\n\n{ISO2022}\n"),
    ("ISO-2022-JP without a name, a word cut by an escape", "Content-Type: text/html\n\n{ISO2022}\n"),
    ("ISO-2022-KR, a word cut by an escape", "Content-Type: text/html; charset=iso-2022-kr\n\n{ISO2022}\n"),
    (
        "ISO-2022-CN in base64, a word cut by an escape",
        "Content-Type: text/html; charset=iso-2022-cn\nContent-Transfer-Encoding: base64\n\n{ISO2022B64}\n",
    ),
    ("uuencode in text in base64", "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n{UUB64}\n"),
    (
        "uuencode in text in quoted-printable",
        "Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\n{UUQP}\n",
    ),
    ("yEnc in text in base64", "Content-Transfer-Encoding: base64\n\n{YENCB64}\n"),
    ("bare base64 in text in base64", "Content-Transfer-Encoding: base64\n\n{B64B64}\n"),
    (
        "bytes above 127 strewn into quoted-printable",
        "Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n{QPSTREWN}\n",
    ),
    (
        "escapes with one digit strewn into quoted-printable",
        "Content-Transfer-Encoding: quoted-printable\n\n=4\n{QP}\n",
    ),
    ("padding in front of base64", "Content-Transfer-Encoding: base64\n\n{B64}\n=AAAA\n"),
    ("begin with one digit", "\nbegin 6 {NAME}\n{UUBODY}"),
    ("NULs in text", "Content-Type: text/html\n\n{NUL}{RAW}{NUL}\n"),
];

/// Those that are no ambiguity.
const HARMLESS_PARTS: &[&str] = &[
    "quoted-printable, all escaped",
    "quoted-printable in lower case",
    "UTF-7",
    "UTF-7 by its long name",
    "UTF-7 in quoted-printable",
    "bare base64 in text",
    "bare base64 without a type",
    "base64 with the encoding 7bit",
    "HZ, a word cut by an escape",
    "ISO-2022-JP, a word cut by an escape",
    "ISO-2022-JP without a name, a word cut by an escape",
    "ISO-2022-KR, a word cut by an escape",
    "ISO-2022-CN in base64, a word cut by an escape",
    "uuencode in text in base64",
    "uuencode in text in quoted-printable",
    "yEnc in text in base64",
    "bare base64 in text in base64",
    "bytes above 127 strewn into quoted-printable",
];

pub(super) fn cases() -> Vec<Case> {
    let part =
        |part: &str| format!("{{H}}Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHello\n--b\n{part}\n--b--\n");
    let mut out = Vec::new();
    for (name, body) in BASE64 {
        let template = part(&format!("Content-Type: {{MEDIA}}\nContent-Transfer-Encoding: base64\n\n{body}"));
        out.push(Case { ambiguous: !HARMLESS.contains(name), ..Case::new(name, template) });
    }
    for (name, text) in PARTS {
        out.push(Case { ambiguous: !HARMLESS_PARTS.contains(name), ..Case::new(name, part(text)) });
    }
    out
}
