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
    (
        "a second encoding that a text names (ripmime)",
        b"Content-Transfer-Encoding quoted-printable\n\n>\nContent-Transfer-Encoding: \"base64\"\n\n</HTML",
        b"\xfct\xcc",
    ),
    (
        "a header in what a text names an encoding for (ripmime)",
        b"Content-Transfer-Encoding quoted-printable\n\nContent-Type:\n\n<=3Dr",
        b"<=r",
    ),
    (
        "a header in decoded base64 that a text names (ripmime)",
        b"Content-Transfer-Encoding base64\n\naW50ZWwuY29tPg0KU3ViamVjdDogVGVsZW1ldHJ5U2VydmljZSAtIGFsbCBwaWVjZXMgZGVzc2VkLg0KDQQo=",
        b"\x04(",
    ),
    (
        "a text in quoted-printable names an encoding (ripmime)",
        b"Content-Transfer-Encoding: quoted-printable\n\nhello=20\n\nContent-Transfer-Encoding: base64\n\nQUJD",
        b"ABC",
    ),
    (
        "base64 ends at two empty lines (ripmime)",
        b"Content-Transfer-Encoding:base64\n\noon@ENRON\n\n\nMessage-",
        b"\xa2\x89\xc45\x13\x8d",
    ),
    (
        "the name of the field at the end of another (ripmime)",
        b"t_Content-Transfer-Encoding: base64\nfdb870ec6f36163-Part_1\n\ntent-",
        b"\xb5\xe9\xed",
    ),
    (
        "the same without a colon (ripmime)",
        b"-Content-Transfer-Encoding quoted-printable'\r\nb\r\n\r\nT=2a",
        b"T*",
    ),
    (
        "a line that is no field ends a header and is gone (reformime)",
        b"Content-Transfer-Encoding:base64\nL,\net?subject=ube",
        b"z\xdb.n7\x9c\xb6;\x9b",
    ),
    (
        "a delimiter in another case (reformime)",
        b"MIME-Version:1\nContent-Type:multipart/a;boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nin=20t2\n--B--\r\n",
        b"in t2",
    ),
    (
        "a line that is no field behind an encoding that a text names (ripmime)",
        b"\n )\n\n= \n\ns\n\n=Bms\nContent-Transfer-Encoding: quoted-printable\n=dge\n\n=B7",
        b"\xb7",
    ),
    ("padding counts as a character (reformime)", b"Content-Transfer-Encoding:base64\n\ny=Wd", b"\xce5\x9d"),
    ("a line ends at its NUL (munpack)", b"Content-Type:/\ng\x00b\n-", b"g-"),
    (
        "a continuation of nothing in front of a field, lines that end with CR (python)",
        b" x\nContent-Transfer-Encoding:base64\ren",
        b"z",
    ),
    (
        "a delimiter ends a header and is gone (MIME::Tools)",
        b"Content-Type:multipart;boundary=b\n\n--b\nContent-Transfer-Encoding:quoted-printable\n--b--\ns=20t\n\n",
        b"s t\n\n",
    ),
    (
        "a line of uuencode that is not as long as it says is none (MIME::Tools)",
        b"\nbegin 644\n27\n(50) 725-421",
        b"U\x02@]%MQ$",
    ),
    (
        "what is over on a line of uuencode is one more (MIME::Tools)",
        b"\nbegin 644\n\"IT REA",
        b"\xa7@\x84\x00\x00",
    ),
    (
        "a file in a text that the strict reading takes for base64 (munpack)",
        b"Content-Transfer-Encoding:base64\nContent-Transfer-Encoding:t\n\nW.\nContent-Transfer-Encoding: base64\nLeiated.\n",
        b"-\xe8\x9a",
    ),
    (
        "a last group of base64 as it stands, behind padding (Thunderbird)",
        b"Content-Transfer-Encoding:base64\n\nQUJ=QUJDREV",
        b"ABABCREV=",
    ),
    (
        "padding within base64 is a zero, and a byte less (Thunderbird)",
        b"Content-Transfer-Encoding:base64\n\nSGktCo=b",
        b"Hi-\n\x80",
    ),
    (
        "uuencode ends at an empty line, and its lines are as long as they say (ripmime)",
        b"Content-Transfer-Encoding:\n\nbegin 6\no,\n\n<HL><HEAD>\n<META http-equi",
        b"0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    ),
    (
        "a line that names an encoding behind a line that begins a file (ripmime)",
        b"\nbegin 644\nContent-Transfer-Encoding quoted-printable\n\n<r=3D\"l",
        b"<r=\"l",
    ),
    (
        "padding alone is a zero for each four (Thunderbird)",
        b"Content-Transfer-Encoding:base64\n\nQUJD====\n========QUJD",
        b"ABC\0\0\0ABC",
    ),
    (
        "an empty line with another line end than the one in front of it ends no header (ripmime)",
        b"Content-Transfer-Encoding:quoted-printable\n\r\n->\n\nE=3D2>",
        b"E=2>",
    ),
    (
        "the same behind a field without a colon (ripmime)",
        b"Content-Transfer-Encoding base64\n\r\nlo\n\nW4gd",
        b"[\x88\x1d",
    ),
    (
        "a type without its second half, and a delimiter within a line (mail-parser)",
        b"Content-Type: multipart/; boundary=\"a1\"\n\n--a1f44d49\nContent-Transfer-Encoding: quoted-printable\n\nrl=3D?q?--a1f44",
        b"rl=?q?",
    ),
    (
        "a blank behind = takes the rest of the line along (reformime)",
        b"Content-Transfer-Encoding:quoted-printable\n\na= bc\nd=3D",
        b"ad=",
    ),
    (
        "the encoding of a multipart is that of its parts (reformime)",
        b"Content-Transfer-Encoding:base64\nContent-Type:multipart/mixed;boundary=b\n\n--b\n\nHello\n--b\nTo:b\n\nQUJD\n--b--\n",
        b"ABC",
    ),
    (
        "the begin of an encoded word in the name of the field (ripmime)",
        b"Content-Tran=?utf-8?q?sfer-Encoding: base64\n\nQUJD",
        b"ABC",
    ),
    (
        "a type without its second half, a delimiter, and another one within a line (mail-parser)",
        b"Content-Type:multipart;boundary=a1\n\n--9\n--a1\nContent-Transfer-Encoding:quoted-printable\n\nl=3D?--a1",
        b"l=?",
    ),
    (
        "four pads behind base64 are a group to those who take them for characters (reformime)",
        b"Content-Transfer-Encoding:base64\n\n2W4gdGhlIG1lc3NhZ2Uu====",
        b"\xd9n the message.\x8e",
    ),
    (
        "escapes of ISO-2022-JP tell the charset where none is named (Thunderbird)",
        b"Content-Type: text/html\n\n<sc\x1b(Bript>pay\x1b(Bload()</script>",
        b"<script>payload()</script>",
    ),
    (
        "uuencode by its encoding needs no mode (GMime)",
        b"Content-Transfer-Encoding:x-uuencode\n\nbegin \ny=b><",
        b"t'\x9c",
    ),
    (
        "a group of uuencode goes on in the next line (GMime)",
        b"Content-Transfer-Encoding:x-uuencode\n\nbegin 644 a\n#0V\n#%T\n",
        b"Cat",
    ),
    (
        "zeros for what a line of uuencode should have and has not, empty lines passed over (Thunderbird)",
        b"\nbegin 644 a\n&5DE3\n#0V\n\n$05)%\n#0V%T\n",
        b"VIS\0\0\0C\0\0ARE\0Cat",
    ),
    ("a blank in place of the colon (ripmime)", b"\rContent-Transfer-Encoding base64\r\nCont", b"\n\x89\xed"),
];

#[test]
fn what_campaigns_found_stays_among_our_leaves() {
    let found = |leaf: &[u8]| Found { bytes: leaf.to_vec(), text: false };
    let lost: Vec<&str> = FINDS
        .iter()
        .filter(|(_, raw, leaf)| !missing(raw, &[found(leaf)]).is_empty())
        .map(|(name, ..)| *name)
        .collect();
    assert!(lost.is_empty(), "{lost:#?}");
}
