//! What each rule passes over, and what not.

use super::super::peers::Found;
use super::{RULES, reason};

/// Who reads, the message, the leaf, and why it is not followed.
type Case = (&'static str, &'static [u8], &'static [u8], Option<&'static str>);

#[test]
fn only_what_a_rule_makes_is_not_followed() {
    let cases: &[Case] = &[
        ("munpack", b"Content-Type:a/p\ng\0b\n-", b"g-", Some("lines of a file cut at their NUL")),
        ("ripmime", b"Content-Type:a/p\ng\0b\n-", b"g-", None),
        ("munpack", b"Content-Type:a/p\ng\0b\n-", b"g+", None),
        ("munpack", b"e:\n\nContent-Type:/\r\nC\0il\r\nd", b"Cd", Some("lines of a file cut at their NUL")),
        ("munpack", b"e:\n\nContent-Type:/\r\nC\0il\r\nd", b"il\r\nd", None),
        (
            "munpack",
            b"Content-Type:a/p\nContent-Transfer-Encoding: base64\0\n\nA:\nQUJDREVGR0hJ",
            b"ABCDEFGHI",
            Some("lines of a file cut at their NUL"),
        ),
        (
            "munpack",
            b"Content-Type:a/p\nContent-Transfer-Encoding: base64\0\n\nA:\nQUJDREVGR0hJ",
            b"BCDEFGHI",
            None,
        ),
        (
            "munpack",
            b"Content-Type:a/p\nContent-Transfer-Encoding\0: base64\n\nQUJD",
            b"Content-Transfer-Encoding\nQUJD",
            Some("lines of a file cut at their NUL"),
        ),
        (
            "ripmime",
            b"Content-Type:multipart/d;boundary=b\nContent-Transfer-Encoding: quoted-printable\n\n\0<th=3D5",
            b" <th=5",
            Some("NUL bytes as blanks"),
        ),
        (
            "ripmime",
            b"Content-Type:multipart/d;boundary=b\nContent-Transfer-Encoding: quoted-printable\n\n\0<th=3D5",
            b" <th=6",
            None,
        ),
        (
            "ripmime",
            b"Content-Transfer-Encoding base64\n\nRGF0ZTogYQoKQQBCQ0RFRkdI",
            b"A BCDEFGH",
            Some("NUL bytes as blanks"),
        ),
        (
            "ripmime",
            b"r:=??I?=\nContent-Type: multipart/a; boundary=b\n\na8\nContent-Transfer-Encoding: quoted-printable\n\n\n--b\n\n<a b=3D\"cd\">",
            b"\n--b\n\n<a b=\"cd\">",
            Some("nothing of a header with a word that cannot be decoded"),
        ),
        (
            "ripmime",
            b"r:=??Q?=\nContent-Type: multipart/a; boundary=b\n\na8\nContent-Transfer-Encoding: quoted-printable\n\n\n--b\n\n<a b=3D\"cd\">",
            b"\n--b\n\n<a b=\"cd\">",
            None,
        ),
        (
            "mail-parser",
            b"Content-Transfer-Encoding:quoted-printable\n\n>=4\rm=a.",
            b">=\rm=a.",
            Some("a digit lost in front of a CR"),
        ),
        ("mail-parser", b"Content-Transfer-Encoding:quoted-printable\n\n>=4\rm=a.", b">m=b.", None),
        (
            "npm",
            b"Content-Transfer-Encoding:quoted-printable\n\na=41\xff",
            b"aA\xfd",
            Some("what is no character as a byte"),
        ),
        ("npm", b"Content-Transfer-Encoding:quoted-printable\n\na=41\xff", b"aA\xfe", None),
        (
            "ripmime",
            b"Content-Type:multipart/d;boundary=b\nContent-Transfer-Encoding: base64\r\n--b\r\n\r\nHello\r\n--b\r\n",
            b"\x1d\xe9e",
            Some("an encoded multipart as one file"),
        ),
        (
            "ripmime",
            b"Content-Type: boundary=b\nContent-Transfer-Encoding: quoted-printable\n\nh=3ell@\n--b-",
            b"h>ll@\n",
            Some("a text cut at a line like a delimiter"),
        ),
        (
            "ripmime",
            b"Content-Type: boundary=b\nContent-Transfer-Encoding: quoted-printable\n\nh=3ell@\n-b-",
            b"h>ll@\n",
            None,
        ),
        (
            "ripmime",
            b"Content-Type: multipart/x; boundary=bb\n\n--bb\nContent-Transfer-Encoding: quoted-printable\n\nq=3D=\n--bb--",
            b"q=--bb--",
            Some("a delimiter behind a soft break"),
        ),
        (
            "reformime",
            b"Content-Transfer-Encoding:base64\"\nContent-Type: multipart/x; boundary=b\n\n--b\nHell",
            b"lw\xa5",
            Some("an encoded multipart as one file"),
        ),
        (
            "reformime",
            b"Content-Transfer-Encoding:base64\"\nContent-Type: multipart/x; boundary=b\n\n--b\nHell",
            b"lw\xa6",
            None,
        ),
        (
            "ripmime",
            b"a:\n\ntext\nContent-Transfer-Encoding: base64\n\nQUJDREVGR0hJ\n\n\nQUJDREVGR0hJ",
            b"ABCDEFGHI",
            Some("damage in what only another reading decodes"),
        ),
        (
            "ripmime",
            b"a:\n\ntext\nContent-Transfer-Encoding: base64\n\nQUJDREVGR0h\n\n\nQUJDREVGR0hJ",
            b"ABCDEF",
            Some("damage in what only another reading decodes"),
        ),
        (
            "ripmime",
            b"Content-Transfer-Encoding: base64\n\nQUJDREVGR0hJ\n\n\nQUJDREVGR0hJ",
            b"ABCDEFGHIA",
            None,
        ),
        (
            "thunderbird",
            b"Content-Transfer-Encoding: quoted-printable\n\na=3Db\nc=xyz=E4",
            b"a=b\nc=z\xe4",
            Some("characters lost behind an escape that is none"),
        ),
        (
            "thunderbird",
            b"Content-Transfer-Encoding: quoted-printable\n\na=3Db\nc=xyz=E4",
            b"a=b\ncxyz\xe5",
            None,
        ),
        (
            "thunderbird",
            b"Content-Type: text/plain\n\none\nbegin 644 a\n#86)C\n`\nend\ntwo\n",
            b"one\ntwo\n",
            Some("a text without the file in it"),
        ),
        (
            "reformime",
            b"Content-Transfer-Encoding:base64\n\nHello\nt-Tyry=b",
            b"\x1d\xe9e\xa2\xd4\xf2\xaf\xdb",
            Some("a body that is damaged in many ways"),
        ),
        (
            "reformime",
            b"Content-Transfer-Encoding:quoted-printable\n\na=0r= the Co\nx==3D=zz\ny=\rz\n= \nb=4\n1=xy",
            b"arx=zz\nyb\n1xy",
            Some("a body that is damaged in many ways"),
        ),
        (
            "thunderbird",
            b"Content-Transfer-Encoding: quoted-printable\nContent-Type: multipart/signed; boundary=\"=xb\"; protocol=\"application/pgp-signature\"\n\n--=xb\nContent-Type: text/plain\n\nH=41i\n--=xb\nContent-Type: text/plain\n\nse=xyzcond\n--=xb--\n",
            b"HAi\n--=\nContent-Type: text/plain\n\nse=zcond\n--=--\n",
            Some("the end of a part lost with the encoding of a multipart/signed"),
        ),
        (
            "thunderbird",
            b"Content-Transfer-Encoding: quoted-printable\nContent-Type: multipart/signed; boundary=\"=xb\"; protocol=\"application/pgp-signature\"\n\n--=xb\nContent-Type: text/plain\n\nH=41i\n--=xb\nContent-Type: text/plain\n\nse=xyzcond\n--=xb--\n",
            b"HAi\n--=\nContent-Type: text/plain\n\nsexyzcond\n--=--\n",
            None,
        ),
        (
            "thunderbird",
            b"Content-Transfer-Encoding: quoted-printable\nContent-Type: multipart/mixed; boundary=\"=xb\"\n\n--=xb\nContent-Type: text/plain\n\nH=41i\n--=xb\nContent-Type: text/plain\n\nse=xyzcond\n--=xb--\n",
            b"HAi\n--=\nContent-Type: text/plain\n\nse=zcond\n--=--\n",
            None,
        ),
        (
            "ripmime",
            b"Content-Transfer-Encoding quoted-printable\n\n e=3\xff",
            b" e0",
            Some("bytes above 127 as digits"),
        ),
        (
            "ripmime",
            b"Content-Transfer-Encoding: quoted-printable\n\na=41\r\ne=3\x80=\xc3\xa9=\xffzf=3Dg\xff",
            b"aA\ne~t=\xffzf=g\xff",
            Some("bytes above 127 as digits"),
        ),
        ("ripmime", b"Content-Transfer-Encoding: quoted-printable\n\ne=3\x80f=3Dg", b"e~f=h", None),
        ("ripmime", b"Content-Transfer-Encoding: quoted-printable\n\ne=3\x80f=3Dg", b"e~~f=g", None),
        ("ripmime", b"Content-Transfer-Encoding: quoted-printable\n\ne=3zf=3Dg", b"e0f=g", None),
        ("reformime", b"Content-Transfer-Encoding: quoted-printable\n\ne=3\x80f=3Dg", b"e~f=g", None),
        ("reformime", b"Content-Transfer-Encoding:base64\n\nt-Tyry=b", b"\xb5<\xab\xbf", None),
        (
            "ripmime",
            b"Conte=??q?nt-Transfer-Encoding: quoted-printable\n\n<=3D2",
            b"<=2",
            Some("encoded words in names of fields"),
        ),
        ("ripmime", b"Conte=??nt-Transfer-Encoding: quoted-printable\n\n<=3D2", b"<2", None),
        (
            "ripmime",
            b"\n--000Content-Transfer-Encoding: quoted-printable\n\n\ndir=3D2",
            b"\ndir=2",
            Some("the name of a field inside a word"),
        ),
        ("ripmime", b"\nthe Content-Transfer-Encoding: quoted-printable\n\n\ndir=3D", b"\ndirx", None),
    ];
    for (peer, raw, leaf, why) in cases {
        let found = Found { bytes: leaf.to_vec(), text: false };
        assert_eq!(reason(peer, raw, &found), *why, "{peer}: {}", raw.escape_ascii());
    }
    let names: Vec<&str> = cases.iter().filter_map(|(.., why)| *why).collect();
    assert!(RULES.iter().all(|rule| names.contains(&rule.name)), "a rule without a case");
}
