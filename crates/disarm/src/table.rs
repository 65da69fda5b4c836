//! What can be taken out of which format, one row each. The pages of the manual are made of it.

use mail::evidence::FileKind::{self, *};

/// What can be made anew of one kind of file.
#[derive(Clone, Copy, Debug)]
pub struct Remaking {
    /// The kinds.
    pub kinds: &'static [FileKind],
    /// What can be taken out.
    pub takes: &'static str,
    /// What becomes of the rest.
    pub rest: &'static str,
}

/// All kinds that can be made anew; others are deleted as a whole.
#[rustfmt::skip]
pub const REMAKINGS: &[Remaking] = &[
    Remaking { kinds: &[Zip, Jar], takes: "members", rest: "all other members byte for byte, encrypted ones too" },
    Remaking { kinds: &[Tar], takes: "members", rest: "headers and data of the others byte for byte" },
    Remaking { kinds: &[Gzip, Compressed], takes: "what is in it", rest: "compressed again by the same method; what has no encoder here becomes gzip" },
    Remaking { kinds: &[SevenZip], takes: "members", rest: "names and contents; not when encrypted" },
    Remaking { kinds: &[Rar, Cab, Arj, Lha, Iso, Cpio, Ar], takes: "members", rest: "becomes a zip archive; not when encrypted or damaged" },
    Remaking { kinds: &[Message], takes: "parts", rest: "the other parts" },
    Remaking { kinds: &[Ooxml], takes: "macros, Excel 4.0 macro sheets, DDE, remote templates, ActiveX, embedded objects", rest: "all other parts byte for byte" },
    Remaking { kinds: &[Odf], takes: "scripts, event handlers, DDE, linked content, embedded OLE objects", rest: "all other parts; not when encrypted" },
    Remaking { kinds: &[Rtf], takes: "objects, templates, DDE", rest: "everything outside of their groups byte for byte" },
    Remaking { kinds: &[Ole2], takes: "macros, Excel 4.0 macro sheets, DDE, packages and objects, remote templates", rest: "a new compound file; not when encrypted" },
];

/// What can be made anew of a kind; `None`: nothing.
pub fn remaking(kind: FileKind) -> Option<&'static Remaking> {
    REMAKINGS.iter().find(|row| row.kinds.contains(&kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_one_row() {
        for row in REMAKINGS {
            for kind in row.kinds {
                assert_eq!(REMAKINGS.iter().filter(|row| row.kinds.contains(kind)).count(), 1, "{kind:?}");
            }
        }
    }
}
