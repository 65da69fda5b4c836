//! Techniques in the fields of MIME.

use super::Case;

/// Content-Type fields of a message whose body is `{M}`, its boundary `b`.
const TYPES: &[(&str, &str)] = &[
    ("type twice, the first is text", "Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=b"),
    ("type twice, the last is text", "Content-Type: multipart/mixed; boundary=b\nContent-Type: text/plain"),
    (
        "type three times, the middle counts",
        "Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=b\nContent-Type: text/html",
    ),
    (
        "type twice, boundaries differ, first",
        "Content-Type: multipart/mixed; boundary=b\nContent-Type: multipart/mixed; boundary=c",
    ),
    (
        "type twice, boundaries differ, last",
        "Content-Type: multipart/mixed; boundary=c\nContent-Type: multipart/mixed; boundary=b",
    ),
    ("type and boundary in two fields", "Content-Type: multipart/mixed\nContent-Type: text/plain; boundary=b"),
    ("boundary and type in two fields", "Content-Type: text/plain; boundary=b\nContent-Type: multipart/mixed"),
    ("type twice in other case", "content-type: text/plain\nCONTENT-TYPE: multipart/mixed; boundary=b"),
    ("blank before the colon of the type", "Content-Type : multipart/mixed; boundary=b"),
    ("tab before the colon of the type", "Content-Type\t: multipart/mixed; boundary=b"),
    (
        "blank before the colon of the first type",
        "Content-Type : text/plain\nContent-Type: multipart/mixed; boundary=b",
    ),
    ("blank before the colon of the last type", "Content-Type: text/plain\nContent-Type : multipart/mixed; boundary=b"),
    ("blank in the name of the type", "Content- Type: multipart/mixed; boundary=b"),
    ("NUL in the name of the type", "Content-Type{NUL}: multipart/mixed; boundary=b"),
    ("8-bit byte in the name of the type", "Content-Type{FF}: multipart/mixed; boundary=b"),
    ("NUL in the type", "Content-Type: multipart/mixed{NUL}; boundary=b"),
    ("boundary twice, last", "Content-Type: multipart/mixed; boundary=c; boundary=b"),
    ("boundary twice, first", "Content-Type: multipart/mixed; boundary=b; boundary=c"),
    ("boundary three times, middle", "Content-Type: multipart/mixed; boundary=c; boundary=b; boundary=d"),
    ("boundary twice, one empty", "Content-Type: multipart/mixed; boundary=; boundary=b"),
    ("boundary twice, one quoted empty", "Content-Type: multipart/mixed; boundary=\"\"; boundary=b"),
    ("boundary in RFC 2231 and plain", "Content-Type: multipart/mixed; boundary*=us-ascii''c; boundary=b"),
    ("boundary plain and in RFC 2231", "Content-Type: multipart/mixed; boundary=c; boundary*=us-ascii''b"),
    ("boundary in RFC 2231 only", "Content-Type: multipart/mixed; boundary*=us-ascii''b"),
    ("boundary in RFC 2231, escaped", "Content-Type: multipart/mixed; boundary*=us-ascii''%62"),
    ("boundary in one piece", "Content-Type: multipart/mixed; boundary*0=b"),
    ("boundary in an extended piece", "Content-Type: multipart/mixed; boundary*0*=''%62"),
    ("boundary in pieces and plain", "Content-Type: multipart/mixed; boundary*0=c; boundary*1=c; boundary=b"),
    ("boundary escaped as text", "Content-Type: multipart/mixed; boundary=%62; boundary*=''%62"),
    ("boundary as an encoded word", "Content-Type: multipart/mixed; boundary=\"=?us-ascii?Q?b?=\""),
    ("boundary in single quotes", "Content-Type: multipart/mixed; boundary='b'"),
    ("boundary with an open quote", "Content-Type: multipart/mixed; boundary=\"b"),
    ("boundary with a quote at its end", "Content-Type: multipart/mixed; boundary=b\""),
    ("boundary with blanks around its sign", "Content-Type: multipart/mixed; boundary = b"),
    ("boundary with a comment before it", "Content-Type: multipart/mixed; boundary=(c)b"),
    ("boundary with a comment behind it", "Content-Type: multipart/mixed; boundary=b(c)"),
    ("boundary with a comment that looks like one", "Content-Type: multipart/mixed; (boundary=c;) boundary=b"),
    ("boundary in a comment only", "Content-Type: multipart/mixed; (boundary=b)"),
    ("boundary in another parameter", "Content-Type: multipart/mixed; x=\"; boundary=c; \"; boundary=b"),
    ("boundary inside a quoted parameter only", "Content-Type: multipart/mixed; x=\"; boundary=b; \""),
    ("boundary quoted, blank at its end", "Content-Type: multipart/mixed; boundary=\"b \""),
    ("boundary quoted, blank at its start", "Content-Type: multipart/mixed; boundary=\" b\""),
    ("boundary quoted with an escape", "Content-Type: multipart/mixed; boundary=\"\\b\""),
    ("boundary quoted and more", "Content-Type: multipart/mixed; boundary=\"b\"c"),
    ("boundary with a slash", "Content-Type: multipart/mixed; boundary=b/"),
    ("boundary with a comma behind it", "Content-Type: multipart/mixed; boundary=b, x=y"),
    ("boundary with a tab behind it", "Content-Type: multipart/mixed; boundary=b\t"),
    ("boundary and a word behind it", "Content-Type: multipart/mixed; boundary=b c"),
    ("boundary with a NUL behind it", "Content-Type: multipart/mixed; boundary=b{NUL}c"),
    ("boundary with a vertical tab", "Content-Type: multipart/mixed; boundary=b\u{b}"),
    ("boundary folded inside quotes", "Content-Type: multipart/mixed; boundary=\"\n b\""),
    ("boundary folded before its sign", "Content-Type: multipart/mixed; boundary\n =b"),
    ("boundary name in upper case", "Content-Type: multipart/mixed; BOUNDARY=c; boundary=b"),
    ("no semicolon before the boundary", "Content-Type: multipart/mixed boundary=b"),
    ("comma before the boundary", "Content-Type: multipart/mixed, boundary=b"),
    ("two semicolons, text before the boundary", "Content-Type: multipart/mixed; charset;; boundary=b"),
    ("type in quotes", "Content-Type: \"multipart/mixed\"; boundary=b"),
    ("type with a comment inside", "Content-Type: multipart/(x)mixed; boundary=b"),
    ("type with a comment before it", "Content-Type: (x) multipart/mixed; boundary=b"),
    ("type with an open comment", "Content-Type: multipart/mixed; (boundary=b"),
    ("type with blanks around its slash", "Content-Type: multipart / mixed; boundary=b"),
    ("type without subtype", "Content-Type: multipart; boundary=b"),
    ("type with an empty subtype", "Content-Type: multipart/; boundary=b"),
    ("type with two slashes", "Content-Type: multipart/mixed/x; boundary=b"),
    ("type with a semicolon in front", "Content-Type: ; multipart/mixed; boundary=b"),
    ("two types in one field", "Content-Type: text/plain, multipart/mixed; boundary=b"),
    ("type folded at its start", "Content-Type:\n multipart/mixed;\n\tboundary=b"),
    ("type folded with a bare CR", "Content-Type: multipart/mixed;{CR} boundary=b"),
    ("type behind a bare CR", "X-A: y{CR}Content-Type: multipart/mixed; boundary=b"),
    ("type behind a bare LF", "X-A: y{LF}Content-Type: multipart/mixed; boundary=b"),
    ("no type at all", "X-A: y"),
    ("no boundary", "Content-Type: multipart/mixed"),
    ("empty boundary", "Content-Type: multipart/mixed; boundary=\"\""),
    ("a boundary that never occurs", "Content-Type: multipart/mixed; boundary=c"),
];

/// Those whose readings all give the same.
const HARMLESS_TYPES: &[&str] = &[
    "type folded at its start",
    "boundary with blanks around its sign",
    "no type at all",
    "boundary with a tab behind it",
    "type with a comment before it",
    "boundary in one piece",
    "boundary in RFC 2231 only",
    "boundary in RFC 2231, escaped",
    "boundary in an extended piece",
    "boundary with a comment behind it",
    "boundary quoted, blank at its end",
    "boundary quoted with an escape",
    "boundary with a comment before it",
    "boundary with a comment that looks like one",
    "boundary in another parameter",
    "boundary folded before its sign",
    "type with a comment inside",
    "type with blanks around its slash",
];

/// Content-Transfer-Encoding fields of a part whose body is base64, and the same for quoted-printable.
const ENCODINGS: &[(&str, &str)] = &[
    ("encoding twice, last", "Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: {E}"),
    ("encoding twice, first", "Content-Transfer-Encoding: {E}\nContent-Transfer-Encoding: 7bit"),
    (
        "encoding three times",
        "Content-Transfer-Encoding: 8bit\nContent-Transfer-Encoding: {E}\nContent-Transfer-Encoding: binary",
    ),
    ("two encodings that differ, last", "Content-Transfer-Encoding: {O}\nContent-Transfer-Encoding: {E}"),
    ("two encodings that differ, first", "Content-Transfer-Encoding: {E}\nContent-Transfer-Encoding: {O}"),
    ("comments around the encoding", "Content-Transfer-Encoding: (x) {E} (y)"),
    ("comment that names an encoding", "Content-Transfer-Encoding: ({O}) {E}"),
    ("encoding in a comment only", "Content-Transfer-Encoding: ({E})"),
    ("encoding with a parameter", "Content-Transfer-Encoding: {E}; x=y"),
    ("encoding with a semicolon", "Content-Transfer-Encoding: {E};"),
    ("encoding in quotes", "Content-Transfer-Encoding: \"{E}\""),
    ("encoding in single quotes", "Content-Transfer-Encoding: '{E}'"),
    ("encoding with a dot", "Content-Transfer-Encoding: {E}."),
    ("encoding with a comma", "Content-Transfer-Encoding: {E}, 7bit"),
    ("two encodings in a field", "Content-Transfer-Encoding: 7bit {E}"),
    ("encoding with x- in front", "Content-Transfer-Encoding: x-{E}"),
    ("encoding with a NUL", "Content-Transfer-Encoding: {E}{NUL}"),
    ("encoding with a NUL inside", "Content-Transfer-Encoding: {E}{NUL}7bit"),
    ("encoding with a tab", "Content-Transfer-Encoding:\t{E}\t"),
    ("encoding with many blanks", "Content-Transfer-Encoding:                                        {E}"),
    ("encoding in upper case", "CONTENT-TRANSFER-ENCODING: {U}"),
    ("encoding folded", "Content-Transfer-Encoding:\n {E}"),
    ("encoding folded behind blanks", "Content-Transfer-Encoding: \n \n {E}"),
    ("encoding as an encoded word", "Content-Transfer-Encoding: =?us-ascii?Q?{E}?="),
    ("blank before the colon of the encoding", "Content-Transfer-Encoding : {E}"),
    ("NUL in the name of the encoding", "Content-Transfer-Encoding{NUL}: {E}"),
    ("blank in the name of the encoding", "Content-Transfer- Encoding: {E}"),
    ("encoding with a bare CR behind it", "Content-Transfer-Encoding: {E}{CR}"),
    ("encoding behind a bare CR", "X-A: y{CR}Content-Transfer-Encoding: {E}"),
    ("encoding behind a bare LF", "X-A: y{LF}Content-Transfer-Encoding: {E}"),
    ("encoding that nobody knows", "Content-Transfer-Encoding: mystery"),
    ("empty encoding", "Content-Transfer-Encoding:"),
    ("encoding with a byte above 127", "Content-Transfer-Encoding: {E}{FF}"),
];

/// Those that are no ambiguity.
const HARMLESS_ENCODINGS: &[&str] =
    &["encoding with a tab", "encoding with many blanks", "encoding in upper case", "encoding folded"];

pub(super) fn cases() -> Vec<Case> {
    let mut out = Vec::new();
    for (name, fields) in TYPES {
        let template = format!("{{H}}{fields}\n\n{{M}}");
        let case = Case::new(name, template);
        out.push(Case { ambiguous: !HARMLESS_TYPES.contains(name), ..case });
    }
    for (encoding, other, upper, body) in
        [("base64", "quoted-printable", "BASE64", "{B64}"), ("quoted-printable", "base64", "Quoted-PRINTABLE", "{QP}")]
    {
        for (name, fields) in ENCODINGS {
            let fields = fields.replace("{E}", encoding).replace("{O}", other).replace("{U}", upper);
            let template = format!(
                "{{H}}Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHello\n--b\nContent-Type: {{MEDIA}}\n{fields}\n\n{body}\n--b--\n"
            );
            let case = Case::new(&format!("{name}, {encoding}"), template);
            out.push(Case { ambiguous: !HARMLESS_ENCODINGS.contains(name), ..case });
        }
    }
    out
}
