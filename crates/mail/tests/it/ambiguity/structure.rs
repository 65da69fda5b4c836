//! Techniques in delimiters, in the border of header and body, and in nesting.

use super::Case;

/// Bodies of a multipart with the boundary `b`.
const BODIES: &[(&str, &str)] = &[
    ("delimiter with text behind it", "--b\n\nHello\n--bx\n{P}\n--b--\n"),
    ("delimiter with blank and text behind it", "--b\n\nHello\n--b x\n{P}\n--b--\n"),
    ("delimiter behind text in its line", "--b\n\nHello\nx --b\n{P}\n--b--\n"),
    ("delimiter with a NUL behind it", "--b\n\nHello\n--b{NUL}\n{P}\n--b--\n"),
    ("delimiter with a blank in front", "--b\n\nHello\n --b\n{P}\n--b--\n"),
    ("delimiter with a tab in front", "--b\n\nHello\n\t--b\n{P}\n--b--\n"),
    ("delimiter behind a bare CR", "--b\n\nHello{CR}--b{CR}\n{P}\n--b--\n"),
    ("delimiter that ends with a bare CR", "--b\n\nHello\n--b{CR}{P}\n--b--\n"),
    ("delimiter behind a bare LF", "--b\n\nHello{LF}--b\n{P}\n--b--\n"),
    ("delimiter that ends with a bare LF", "--b\n\nHello\n--b{LF}{P}\n--b--\n"),
    ("closed before the part", "--b\n\nHello\n--b--\n--b\n{P}\n--b--\n"),
    ("closed twice", "--b\n\nHello\n--b--\n--b--\n--b\n{P}\n"),
    ("closed at once", "--b--\n--b\n{P}\n--b--\n"),
    ("closing delimiter with text behind it", "--b\n\nHello\n--b--x\n{P}\n--b--\n"),
    ("part behind the closing delimiter", "--b\n\nHello\n--b--\n{P}\n"),
    ("part behind the closing delimiter and blank lines", "--b\n\nHello\n--b--\n\n\n{P}\n"),
    ("part in front of the first delimiter", "{P}\n--b\n\nHello\n--b--\n"),
    ("part in front, behind blank lines", "\n\n{P}\n--b\n\nHello\n--b--\n"),
    ("never closed", "--b\n\nHello\n--b\n{P}\n"),
    ("never closed and cut in the part", "--b\n\nHello\n--b\n{P}"),
    ("closing delimiter without line end before it", "--b\n\nHello\n--b\n{P}--b--\n"),
    ("delimiter with three dashes", "--b\n\nHello\n---b\n{P}\n--b\n{P}\n--b--\n"),
    ("no delimiter before the part", "{P}\n--b--\n"),
    ("part without header, then a field block", "--b\n\n\n{P}\n--b--\n"),
    ("part behind blank lines", "--b\n\n\n\n\n{P}\n--b--\n"),
    ("part behind a line of blanks", "--b\n  \n{P}\n--b--\n"),
    ("part with junk in its header", "--b\njunk without colon\n{P}\n--b--\n"),
    ("part with a continuation at its start", "--b\n folded from nothing\n{P}\n--b--\n"),
    ("part with NUL at its start", "--b\n{NUL}\n{P}\n--b--\n"),
    ("first delimiter in the header of the body", "--b\n{P}\n--b--\n"),
    ("other delimiters in the part", "--b\n\nHello\n--c\n{P}\n--c--\n--b--\n"),
    ("file in a preamble", "{UU}\n--b\n\nHello\n--b--\n"),
    ("file in an epilogue", "--b\n\nHello\n--b--\n{UU}\n"),
    ("base64 in a preamble", "{B64}\n--b\n\nHello\n--b--\n"),
    ("text in a preamble", "{RAW}\n--b\n\nHello\n--b--\n"),
    ("text in an epilogue", "--b\n\nHello\n--b--\n{RAW}\n"),
    ("delimiters in another case", "--B\n{P}\n--B--\n"),
    ("a second delimiter in another case", "--b\n\nHello\n--B\n{P}\n--b--\n"),
    (
        "inner multipart with the same boundary",
        "--b\nContent-Type: multipart/mixed; boundary=b\n\n--b\n{P}\n--b--\n--b--\n",
    ),
    (
        "inner multipart with a longer boundary",
        "--b\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\n{P}\n--bb--\n--b--\n",
    ),
    (
        "inner multipart that is never closed",
        "--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n{P}\n--b\n\nlast\n--b--\n",
    ),
    (
        "outer delimiter inside a part of the inner one",
        "--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\nContent-Type: {MEDIA}\nContent-Transfer-Encoding: base64\n\n{B64HEAD}\n--b\n{B64TAIL}\n--c--\n--b--\n",
    ),
    (
        "inner delimiter before its multipart",
        "--c\n--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n{P}\n--c--\n--b--\n",
    ),
    ("delimiter in upper case only", "--b\n\nHello\n--B\n\nx\n--b\n{P}\n--b--\n"),
];

/// Those that are no ambiguity.
const HARMLESS: &[&str] = &[
    "first delimiter in the header of the body",
    "inner multipart with a longer boundary",
    "other delimiters in the part",
    "inner delimiter before its multipart",
];

/// Whole messages: the border of header and body.
const BORDERS: &[(&str, &str)] = &[
    ("a line of blanks ends the header", "{H}X-A: y\n \nContent-Type: multipart/mixed; boundary=b\n\n{M}"),
    ("a line of blanks, the parts behind it", "{H}Content-Type: multipart/mixed; boundary=b\n \n{M}"),
    ("a line of a tab ends the header", "{H}Content-Type: multipart/mixed; boundary=b\n\t\n{M}"),
    ("a line of NUL ends the header", "{H}Content-Type: multipart/mixed; boundary=b\n{NUL}\n{M}"),
    (
        "an empty line with another line end than the line in front of it",
        "{H}X-A: y{LF}\nContent-Type: multipart/mixed; boundary=b\n\n{M}",
    ),
    (
        "two types around a line of blanks",
        "{H}Content-Type: text/plain\n \nContent-Type: multipart/mixed; boundary=b\n\n{M}",
    ),
    ("junk ends the header", "{H}Content-Type: multipart/mixed; boundary=b\njunk\nContent-Type: text/plain\n\n{M}"),
    ("junk before the type", "{H}junk\nContent-Type: multipart/mixed; boundary=b\n\n{M}"),
    ("junk in front of everything", "junk\n{H}Content-Type: multipart/mixed; boundary=b\n\n{M}"),
    ("blank line in front of everything", "\n{H}Content-Type: multipart/mixed; boundary=b\n\n{M}"),
    ("blank in front of everything", " \n{H}Content-Type: multipart/mixed; boundary=b\n\n{M}"),
    ("continuation in front of everything", " x\n{H}Content-Type: multipart/mixed; boundary=b\n\n{M}"),
    ("byte order mark in front", "\u{feff}Content-Type: multipart/mixed; boundary=b\n{H}\n{M}"),
    ("no line between header and body", "{H}Content-Type: multipart/mixed; boundary=b\n{M}"),
    ("header ends with bare CRs", "{H}Content-Type: multipart/mixed; boundary=b{CR}{CR}{M}"),
    (
        "header ends with bare LFs",
        "{H}Content-Type: text/plain{LF}{LF}X: y\nContent-Type: multipart/mixed; boundary=b\n\n{M}",
    ),
    ("header ends with LF CR", "{H}Content-Type: multipart/mixed; boundary=b{LF}{CR}{M}"),
    ("header ends with CR CR LF", "{H}Content-Type: multipart/mixed; boundary=b{CR}\n{CR}\n{M}"),
    ("an mbox line in the header", "{H}>From x\nContent-Type: multipart/mixed; boundary=b\n\n{M}"),
    (
        "the type in a continuation",
        "{H}X-A: y\n Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=b\n\n{M}",
    ),
];

/// Whole messages: types and nesting.
const NESTS: &[(&str, &str)] = &[
    (
        "encoded multipart that is not",
        "{H}Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\n{M}",
    ),
    (
        "boundary longer than 70 characters, cut in the delimiters",
        "{H}Content-Type: multipart/mixed; boundary=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n\n--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n\nHello\n--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n{P}\n--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa--\n",
    ),
    (
        "boundary longer than 70 characters",
        "{H}Content-Type: multipart/mixed; boundary=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n\n--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n\nHello\n--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n{P}\n--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa--\n",
    ),
    (
        "encoding of a multipart, for its parts",
        "{H}Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\n--b\nContent-Type: {MEDIA}\n\n{B64}\n--b--\n",
    ),
    (
        "quoted-printable multipart that is not",
        "{H}Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: quoted-printable\n\n--b\n\nHello\n--b\nContent-Type: {MEDIA}\n\n{UU}\n--b--\n",
    ),
    (
        "quoted-printable multipart, delimiter escaped",
        "{H}Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: quoted-printable\n\n--b\n\nHello\n=2D-b\nContent-Type: {MEDIA}\nContent-Transfer-Encoding: base64\n\n{B64}\n--b--\n",
    ),
    (
        "message that is not encoded as it says",
        "{H}Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{H}{P}\n",
    ),
    (
        "message in quoted-printable, folded",
        "{H}Content-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\n{H}Content-Type: {MEDIA}\nContent-=\nTransfer-Encoding: base64\n\n{B64LINE}\n",
    ),
    ("message/partial", "{H}Content-Type: message/partial; id=\"a@example.org\"; number=1; total=2\n\n{H}{P}\n"),
    (
        "message/external-body",
        "{H}Content-Type: message/external-body; access-type=URL; URL=\"http://example.org/\"\n\n{P}\n",
    ),
    ("message type in quotes", "{H}Content-Type: \"message/rfc822\"\n\n{H}{P}\n"),
    ("message type with a comment inside", "{H}Content-Type: message/(x)rfc822\n\n{H}{P}\n"),
    ("message and text, last", "{H}Content-Type: text/plain\nContent-Type: message/rfc822\n\n{H}{P}\n"),
    ("multipart under text/plain", "{H}Content-Type: text/plain; boundary=b\n\n{M}"),
    ("multipart under text/html", "{H}Content-Type: text/html\n\n{M}"),
    ("multipart under a type of nobody", "{H}Content-Type: x/y\n\n{M}"),
    ("digest with text parts", "{H}Content-Type: multipart/digest; boundary=b\n\n--b\n\n{H}{P}\n--b--\n"),
    ("twenty levels of multiparts", NESTED),
];

/// Harmless among them.
const HARMLESS_NESTS: &[&str] = &[
    "message type with a comment inside",
    "multipart under text/plain",
    "multipart under text/html",
    "multipart under a type of nobody",
    "digest with text parts",
    "twenty levels of multiparts",
];

const NESTED: &str = "{H}Content-Type: multipart/mixed; boundary=a1\n\n--a1\nContent-Type: multipart/mixed; boundary=a2\n\n--a2\nContent-Type: multipart/mixed; boundary=a3\n\n--a3\nContent-Type: message/rfc822\n\n{H}Content-Type: multipart/mixed; boundary=b\n\n{M}\n--a3--\n--a2--\n--a1--\n";

pub(super) fn cases() -> Vec<Case> {
    let mut out = Vec::new();
    for (name, body) in BODIES {
        let case = Case::new(name, format!("{{H}}Content-Type: multipart/mixed; boundary=b\n\n{body}"));
        out.push(Case { ambiguous: !HARMLESS.contains(name), ..case });
    }
    for (name, template) in BORDERS {
        out.push(Case { ambiguous: *name != "the type in a continuation", ..Case::new(name, *template) });
    }
    for (name, template) in NESTS {
        out.push(Case { ambiguous: !HARMLESS_NESTS.contains(name), ..Case::new(name, *template) });
    }
    out
}
