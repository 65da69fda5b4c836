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
    (
        "a delimiter stands in the header, and the last type counts (mail-parser)",
        b"Content-Type:multipart/a;boundary=B\n--B\nContent-Type:\nContent-Transfer-Encoding:quoted-printable\n\n--B\ne=32",
        b"e2",
    ),
    (
        "delimiters only inside of lines (mail-parser)",
        b"Content-Type:multipart;boundary=e\n\n/--e87\nContent-Transfer-Encoding: quoted-printable\n\nle=3D\"f--e8",
        b"le=\"f",
    ),
    (
        "an escape goes on behind a line end (mail-parser)",
        b"CONTENT-TRANSFER-ENCODING:QUOTED-PRINTABLE\n\n=4\nC=b\nh",
        b"\nL\n=\nh",
    ),
    (
        "a single sextet at the end is a byte (postal-mime)",
        b"Content-Transfer-Encoding:base64\n\nUEsDBAoAb",
        b"PK\x03\x04\n\x00l",
    ),
    (
        "what is no escape is a zero (postal-mime)",
        b"Content-Transfer-Encoding:quoted-printable\n\no6PA==<divstylddoneb",
        b"o6PA\x00ivstylddoneb\n",
    ),
    (
        "an escape with one digit at the end is a byte (postal-mime)",
        b"Content-Transfer-Encoding:quoted-printable\n\n=E",
        b"\x0e",
    ),
    (
        "the lowest byte of a character counts (mailparser)",
        b"Content-Transfer-Encoding:quoted-printable\n\norg\xe8\xa1\xa8isChenTPIChr",
        b"orghisChenTPIChr",
    ),
    (
        "base64 ends at padding, in a message that is not encoded (mailparser)",
        b"Content-Type:message/rfc822\nContent-Transfer-Encoding:base64\n\nMIME-Version:0\nCotType:in=atxt",
        b"0\x83\x04U\xea\xec\x8a\x89\xf4\n\x8bS\xca\x97\xa2\xc6",
    ),
    (
        "a header that goes on behind an empty line (munpack)",
        b"n:\n\nContent-Transfer-Encoding:quoted-printable\nr=3D>\n",
        b"r=>\n",
    ),
    (
        "junk ends a header behind blank lines (munpack)",
        b"\nContent-Transfer-Encoding:base64\nJ\n\nEAD",
        b"$@\x03",
    ),
    (
        "a text names an encoding for what follows (munpack)",
        b">\n\n\n>\n \n>\n\n g\nContent-Transfer-Encoding: base64\nbody",
        b"n\x87r",
    ),
    (
        "a text names an encoding in quotes (ripmime)",
        b"s:\n\ng *)\nContent-Transfer-Encoding: \"base64\"\n\nXmle",
        b"^i^",
    ),
    (
        "a text names an encoding without a colon (ripmime)",
        b":\n\nContent-Transfer-Encoding base64\n\nWQga",
        b"Y\x08\x1a",
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
