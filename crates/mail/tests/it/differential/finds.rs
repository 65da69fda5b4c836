//! What the campaign found, made small and named: the message, and a leaf that another parser gives.

use super::missing;
use super::peers::Found;

/// What it is about, who reads it so, the message, the leaf.
const FINDS: &[(&str, &[u8], &[u8])] = &[
    (
        "bytes above 127 in quoted-printable are left out (mailparse)",
        b"Content-Transfer-Encoding:quoted-printable\n\nF\xffA",
        b"FA",
    ),
    (
        "NUL in quoted-printable is left out (mailparse)",
        b"Content-Transfer-Encoding:quoted-printable\n\n\x00t=3Dt",
        b"t=t",
    ),
    (
        "an escape that is none takes the next along (mailparse)",
        b"Content-Transfer-Encoding:quoted-printable\n\n=e=D1=3Dh",
        b"=e=D1=h",
    ),
    (
        "an escape with one digit is left out (mail-parser)",
        b"Content-Transfer-Encoding:quoted-printable\n\nt=b\ns=\"",
        b"t\n=\ns=\"",
    ),
    (
        "the charset of the second type counts (mail-parser)",
        b"e\nContent-Type:\nContent-Type:text;charset=utf-7\n\n+AC4\r",
        b".",
    ),
    ("a colon in front of a field (mail-parser)", b":Content-Transfer-Encoding:quoted-printable\n\nr=30", b"r0"),
    (
        "a field in the line of a delimiter (mail-parser)",
        b"Content-Type:multipart;boundary=b\n\n--bContent-Type:t;charset=utf-7\n\n+ACb-",
        b"&",
    ),
    ("base64 ends at any padding (gmime)", b"Content-Transfer-Encoding:base64\n\nCTry=oundary", b"\t:\xf2"),
    ("base64 ends at padding behind one sextet (gmime)", b"Content-Transfer-Encoding:base64\n\nCy=bpositi", b"\x0b"),
    ("a line that is but a colon is a field (python)", b"Content-Transfer-Encoding:quoted-printable\n:\n)=3D|", b")=|"),
    (
        "such a line, then text without an empty line (python)",
        b"Content-Transfer-Encoding:quoted-printable\n:\nd\n\n=3e",
        b"d\n\n>",
    ),
    (
        "uuencode without a blank behind the mode (MIME::Tools)",
        b"\nbegin 644*\nAND THIS IS JUST THE TIP OF THE ICEBERG ...\n",
        b"\xba@4\xa2\x9c\xc0\xa70*\xd7=\x00\xd2\x89@\xd2\x9c\x00\xbe`4\xa2P)\x8eX\xa5\xcap\x0e8\xe0\x00",
    ),
    ("a header behind a line of text (munpack)", b"\no\nContent-Transfer-Encoding:base64\natxt\"", b"j\xdcm"),
    (
        "a header behind a continuation of nothing (munpack)",
        b" 3\nContent-Transfer-Encoding:quoted-printable\n20=FC",
        b"20\xfc",
    ),
    ("a blank in place of the colon (ripmime)", b"\rContent-Transfer-Encoding base64\r\nCont", b"\n\x89\xed"),
];

#[test]
fn what_campaigns_found_stays_among_our_leaves() {
    for (name, raw, leaf) in FINDS {
        let found = Found { bytes: leaf.to_vec(), text: false };
        assert!(missing(raw, &[found]).is_empty(), "{name}: {:?}", leaf.escape_ascii().to_string());
    }
}
