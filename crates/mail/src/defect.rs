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

/// Defines the codes once: variant, stable name, severity, explanation.
macro_rules! defects {
    ($($variant:ident $name:literal $ambiguity:ident $text:literal;)*) => {
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

            /// One sentence for people.
            pub fn explanation(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

defects! {
    MixedLineEnds "mixed_line_ends" Ambiguous "Lines end with CRLF in some places and with a bare LF or CR in others.";
    NulByte "nul_byte" Ambiguous "A NUL byte stands in a header or in text.";
    HeaderWithoutColon "header_without_colon" Ambiguous "A line in the header is neither a field nor a continuation.";
    SpaceBeforeColon "space_before_colon" Ambiguous "White space stands between a field's name and its colon.";
    NoHeader "no_header" Ambiguous "The entity has no header at all where one was expected.";
    EightBitHeader "eight_bit_header" Cosmetic "A header field holds bytes above 127 that are not UTF-8.";
    LongLine "long_line" Cosmetic "A line is longer than 998 bytes.";
    DuplicateHeader "duplicate_header" Ambiguous "A field that may stand only once stands several times.";
    BadContentType "bad_content_type" Ambiguous "The Content-Type does not follow its grammar.";
    DuplicateParameter "duplicate_parameter" Ambiguous "A parameter stands several times with different values.";
    MissingBoundary "missing_boundary" Ambiguous "A multipart names no boundary.";
    BoundaryNotFound "boundary_not_found" Ambiguous "A multipart's boundary never occurs.";
    UnterminatedMultipart "unterminated_multipart" Ambiguous "A multipart is never closed.";
    EncodedMultipart "encoded_multipart" Ambiguous "A multipart or message carries a transfer encoding that it may not have.";
    UnknownEncoding "unknown_encoding" Ambiguous "The transfer encoding is not a known one.";
    Base64Junk "base64_junk" Ambiguous "Base64 holds characters outside its alphabet.";
    Base64Padding "base64_padding" Ambiguous "Base64 is padded wrongly, or goes on after its padding.";
    QuotedPrintableDamage "quoted_printable_damage" Ambiguous "Quoted-printable holds an escape that is none.";
    BadEncodedWord "bad_encoded_word" Cosmetic "An encoded word could not be decoded.";
    UnknownCharset "unknown_charset" Cosmetic "The charset is not a known one.";
    LimitReached "limit_reached" TooAmbiguous "The message has more parts, fields or levels than are read.";
    BlankLineWithSpace "blank_line_with_space" Ambiguous "A line of nothing but white space stands in the header.";
    MissingSeparator "missing_separator" Ambiguous "No empty line stands between header and body.";
    ContentAfterClose "content_after_close" Ambiguous "A multipart's delimiter occurs again after its end.";
    BoundaryReused "boundary_reused" Ambiguous "A multipart has the boundary of a multipart around it.";
    OtherReading "other_reading" Ambiguous "Another way to read it, which clients use, gives other content.";
    TooManyReadings "too_many_readings" TooAmbiguous "There are more ways to read the message than are looked at.";
    FileInText "file_in_text" Ambiguous "A text holds a file in uuencode, yEnc or BinHex.";
    Base64InText "base64_in_text" Cosmetic "A text holds a file in base64 that nothing announces.";
    TextOutsideParts "text_outside_parts" Cosmetic "A multipart holds text in front of its first part or behind its last.";
    ContentOutsideParts "content_outside_parts" Ambiguous "A multipart holds content in front of its first part or behind its last.";
    StructureInText "structure_in_text" Cosmetic "A text holds what looks like the parts of a multipart.";
    WideCharset "wide_charset" Cosmetic "A text is in UTF-7, UTF-16 or UTF-32, where ASCII is not as it looks.";
    PartialMessage "partial_message" Ambiguous "The part is one piece of a message that clients put together.";
    ExternalBody "external_body" Ambiguous "The part names content that lies elsewhere.";
    BoundaryPrefix "boundary_prefix" Ambiguous "A line begins like a delimiter and goes on.";
}

/// The worst of several defects.
pub fn worst<'d>(defects: impl IntoIterator<Item = &'d Defect>) -> Ambiguity {
    defects.into_iter().map(|defect| defect.code.ambiguity()).max().unwrap_or_default()
}
