//! What is wrong with a message's form: stable codes, how much they matter, and where they are.

use serde::{Deserialize, Serialize};

use crate::graph::EntityId;
use crate::span::Span;

/// How far clients may differ about a message.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ambiguity {
    /// Nothing is wrong.
    #[default]
    None,
    /// Something is wrong that every client reads the same way.
    Cosmetic,
    /// Clients may see different content.
    Ambiguous,
    /// More readings than are looked at.
    TooAmbiguous,
}

impl Ambiguity {
    /// The word for it in JSON and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Cosmetic => "cosmetic",
            Self::Ambiguous => "ambiguous",
            Self::TooAmbiguous => "too_ambiguous",
        }
    }
}

/// One defect at one place.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Defect {
    /// What is wrong.
    pub code: DefectCode,
    /// In which entity.
    pub entity: EntityId,
    /// Where, in that entity's buffer.
    pub span: Span,
}

/// Defines the codes once: variant, stable name, severity, explanation, example.
macro_rules! defects {
    ($($variant:ident $name:literal $ambiguity:ident $text:literal $example:literal;)*) => {
        /// What can be wrong. The names are stable.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum DefectCode { $(#[doc = $text] $variant,)* }

        impl DefectCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The stable name of the code.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What a client would do with it.
            pub fn ambiguity(self) -> Ambiguity {
                match self { $(Self::$variant => Ambiguity::$ambiguity,)* }
            }

            /// A message that has it; in parentheses, a description of one that is too long to show. A byte
            /// above 127 stands for itself.
            pub fn example(self) -> &'static str {
                match self { $(Self::$variant => $example,)* }
            }

            /// One sentence for people.
            pub fn explanation(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

defects! {
    MixedLineEnds "mixed_line_ends" Ambiguous "Lines end with CRLF in some places and with a bare LF or CR in others."
        "Subject: a\r\n\r\none\ntwo\r\n";
    NulByte "nul_byte" Ambiguous "A NUL byte stands in a header or in text."
        "Subject: a\0b\r\n\r\ntext\r\n";
    HeaderWithoutColon "header_without_colon" Ambiguous "A line in the header is neither a field nor a continuation."
        "Subject: a\r\nno field at all\r\nTo: b\r\n\r\ntext\r\n";
    SpaceBeforeColon "space_before_colon" Ambiguous "White space stands between a field's name and its colon."
        "Subject: a\r\nContent-Type : text/html\r\n\r\ntext\r\n";
    NoHeader "no_header" Ambiguous "The entity has no header at all where one was expected."
        "just text\r\nand more\r\n";
    EightBitHeader "eight_bit_header" Cosmetic "A header field holds bytes above 127 that are not UTF-8."
        "Subject: caf\u{e9} in Latin-1\r\n\r\ntext\r\n";
    LongLine "long_line" Cosmetic "A line is longer than 998 bytes."
        "(a line of 1,000 letters)";
    DuplicateHeader "duplicate_header" Ambiguous "A field that may stand only once stands several times."
        "Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\ntext\r\n";
    BadContentType "bad_content_type" Ambiguous "The Content-Type does not follow its grammar."
        "Content-Type: text\r\n\r\ntext\r\n";
    DuplicateParameter "duplicate_parameter" Ambiguous "A parameter stands several times with different values."
        "Content-Type: text/plain; name=a.txt; name=b.exe\r\n\r\ntext\r\n";
    MissingBoundary "missing_boundary" Ambiguous "A multipart names no boundary."
        "Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\ntext\r\n--b--\r\n";
    BoundaryNotFound "boundary_not_found" Ambiguous "A multipart's boundary never occurs."
        "Content-Type: multipart/mixed; boundary=b\r\n\r\ntext\r\n";
    UnterminatedMultipart "unterminated_multipart" Ambiguous "A multipart is never closed."
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n";
    EncodedMultipart "encoded_multipart" Ambiguous "A multipart or message carries a transfer encoding that it may not have."
        "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64\r\n\r\n--b\r\n\r\ntext\r\n--b--\r\n";
    UnknownEncoding "unknown_encoding" Ambiguous "The transfer encoding is not a known one."
        "Content-Transfer-Encoding: base63\r\n\r\ndGV4dA==\r\n";
    Base64Junk "base64_junk" Ambiguous "Base64 holds characters outside its alphabet."
        "Content-Transfer-Encoding: base64\r\n\r\ndGV4!!!dGV4dA==\r\n";
    Base64Padding "base64_padding" Ambiguous "Base64 is padded wrongly, or goes on after its padding."
        "Content-Transfer-Encoding: base64\r\n\r\ndGV4dA==dGV4dA==\r\n";
    QuotedPrintableDamage "quoted_printable_damage" Ambiguous "Quoted-printable holds an escape that is none."
        "Content-Transfer-Encoding: quoted-printable\r\n\r\na=ZZb\r\n";
    BadEncodedWord "bad_encoded_word" Cosmetic "An encoded word could not be decoded."
        "Subject: =?utf-8?q?a=ZZ?=\r\n\r\ntext\r\n";
    UnknownCharset "unknown_charset" Cosmetic "The charset is not a known one."
        "Content-Type: text/plain; charset=klingon\r\n\r\ntext\r\n";
    LimitReached "limit_reached" TooAmbiguous "The message has more parts, fields or levels than are read."
        "(a message with more than 10,000 parts)";
    BlankLineWithSpace "blank_line_with_space" Ambiguous "A line of nothing but white space stands in the header."
        "Subject: a\r\n \r\nTo: b\r\n\r\ntext\r\n";
    MissingSeparator "missing_separator" Ambiguous "No empty line stands between header and body."
        "Content-Type: multipart/mixed; boundary=b\r\n--b\r\n\r\ntext\r\n--b--\r\n";
    ContentAfterClose "content_after_close" Ambiguous "A multipart's delimiter occurs again after its end."
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b--\r\n--b\r\n\r\ntwo\r\n--b--\r\n";
    BoundaryReused "boundary_reused" Ambiguous "A multipart has the boundary of a multipart around it."
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b--\r\n--b--\r\n";
    OtherReading "other_reading" Ambiguous "Another way to read it, which clients use, gives other content."
        "Content-Type: text/plain\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b--\r\n";
    TooManyReadings "too_many_readings" TooAmbiguous "There are more ways to read the message than are looked at."
        "(hundreds of parts, each with several ways to be read)";
    FileInText "file_in_text" Ambiguous "A text holds a file in uuencode, yEnc or BinHex."
        "Subject: a\r\n\r\nbegin 644 a.txt\r\n#0V%T\r\n`\r\nend\r\n";
    Base64InText "base64_in_text" Cosmetic "A text holds something in base64 or quoted-printable by itself; few clients look for it there."
        "Subject: a\r\n\r\nsee\r\nContent-Transfer-Encoding: base64\r\n\r\nUEsDBA==\r\n";
    TextOutsideParts "text_outside_parts" Cosmetic "A multipart holds text in front of its first part or behind its last."
        "Content-Type: multipart/mixed; boundary=b\r\n\r\nwords in front\r\n--b\r\n\r\ntext\r\n--b--\r\n";
    ContentOutsideParts "content_outside_parts" Ambiguous "A multipart holds content in front of its first part or behind its last."
        "(an archive in base64 in front of the first delimiter)";
    StructureInText "structure_in_text" Cosmetic "A text holds what looks like the parts of a multipart."
        "Subject: a\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\ntext\r\n--b--\r\n";
    WideCharset "wide_charset" Cosmetic "A text is in UTF-7, UTF-16, UTF-32, ISO-2022 or HZ, where ASCII is not as it looks."
        "Content-Type: text/plain; charset=utf-7\r\n\r\n+AEE-\r\n";
    FileInEncodedText "file_in_encoded_text" Cosmetic "A text in base64 or quoted-printable holds a file in an encoding of its own; few clients look for it there."
        "Content-Transfer-Encoding: quoted-printable\r\n\r\nbegin 644 a=2Etxt\r\n#0V%T\r\n`\r\nend\r\n";
    DeceptiveName "deceptive_name" Cosmetic "A file's name hides its extension: turned text, look-alike letters, a document's extension in front of a program's, a NUL or dots at its end."
        "Content-Disposition: attachment; filename=\"invoice.pdf.exe\"\r\n\r\ntext\r\n";
    RawBytesInQuotedPrintable "raw_bytes_in_quoted_printable" Cosmetic "Quoted-printable holds bytes above 127 or controls, which some clients leave out."
        "Content-Transfer-Encoding: quoted-printable\r\n\r\ncaf\u{e9}\r\n";
    PartialMessage "partial_message" Ambiguous "The part is one piece of a message that clients put together."
        "Content-Type: message/partial; id=a; number=1; total=2\r\n\r\ntext\r\n";
    ExternalBody "external_body" Ambiguous "The part names content that lies elsewhere."
        "Content-Type: message/external-body; access-type=URL; URL=\"http://example.org/a\"\r\n\r\nContent-Type: text/plain\r\n\r\n";
    BoundaryPrefix "boundary_prefix" Ambiguous "A line begins like a delimiter and goes on."
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--bc\r\n\r\ntwo\r\n--b--\r\n";
}

/// The worst of several defects.
pub fn worst<'d>(defects: impl IntoIterator<Item = &'d Defect>) -> Ambiguity {
    defects.into_iter().map(|defect| defect.code.ambiguity()).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Limits, parse};

    /// Every defect of a message: of its structure, and of the contents of its leaves.
    fn defects(raw: &[u8]) -> Vec<DefectCode> {
        let message = parse(raw, &Limits::default());
        let mut found: Vec<DefectCode> = message.defects().iter().map(|d| d.code).collect();
        for leaf in message.leaves() {
            found.extend(message.content(leaf, raw.len()).defects.iter().map(|d| d.code));
        }
        found
    }

    #[test]
    fn every_example_has_its_defect() {
        let shown = DefectCode::ALL.iter().filter(|code| !code.example().starts_with('('));
        let bytes = |code: &DefectCode| {
            code.example().chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect::<Vec<u8>>()
        };
        let wrong: Vec<_> = shown.filter(|code| !defects(&bytes(code)).contains(code)).collect();
        assert!(wrong.is_empty(), "no such defect in the example of {wrong:?}");
    }
}
