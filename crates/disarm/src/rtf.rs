//! RTF without active content: groups that hold an object, a template, or the instruction of a field that
//! acts are cut out; everything else stays byte for byte.
//!
//! What acts and where is told by the reader of `unpack`, so that nothing which it sees stays. Refused: what
//! it does not read to the end, documents whose groups do not close, fields that act without a group of their own, and
//! what programs may read as a PDF too, of which nothing would go. Linear in the size of the text.

use std::collections::BTreeSet;
use std::ops::Range;

use mail::evidence::Active;
use unpack::formats::rtf::places;

use crate::DisarmError;

/// The document without these kinds of active content.
///
/// # Errors
/// [`DisarmError::NotSound`], [`DisarmError::NothingToRemove`], [`DisarmError::NothingLeft`].
pub(crate) fn edit(data: &[u8], active: &BTreeSet<Active>) -> Result<Vec<u8>, DisarmError> {
    let found = places(data);
    if found.unsound || may_be_pdf(data) {
        return Err(DisarmError::NotSound);
    }
    let mut cuts: Vec<Range<usize>> = Vec::new();
    for (_, group) in found.acting.into_iter().filter(|(what, _)| active.contains(what)) {
        // A group stands behind those in it.
        while cuts.pop_if(|cut| cut.start >= group.start).is_some() {}
        cuts.push(group);
    }
    match cuts.first() {
        None => return Err(DisarmError::NothingToRemove),
        Some(first) if first.start == 0 => return Err(DisarmError::NothingLeft),
        Some(_) => {}
    }
    let (mut out, mut from) = (Vec::with_capacity(data.len()), 0);
    for cut in cuts {
        out.extend_from_slice(data.get(from..cut.start).unwrap_or_default());
        // What stood around the group does not come together to words or characters of its own.
        out.extend_from_slice(b"{}");
        from = cut.end;
    }
    out.extend_from_slice(data.get(from..).unwrap_or_default());
    Ok(out)
}

/// Whether programs may find a PDF in a text, by its first line or by its end.
pub(crate) fn may_be_pdf(data: &[u8]) -> bool {
    [&b"%PDF-"[..], b"startxref"].iter().any(|mark| memchr::memmem::find(data, mark).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_read_as_a_pdf_too_is_refused() {
        let all: BTreeSet<Active> = Active::ALL.into_iter().collect();
        let object = r"{\object\objemb{\*\objdata 0105}}";
        for pdf in ["%PDF-1.7\n1 0 obj\n<</S/Launch/F(a)>>", "1 0 obj\n<<>>\nstartxref 1\n%%EOF"] {
            let text = format!(r"{{\rtf1 {object}}}{pdf}");
            assert_eq!(edit(text.as_bytes(), &all), Err(DisarmError::NotSound), "{pdf}");
        }
        assert!(edit(format!(r"{{\rtf1 {object}}}").as_bytes(), &all).is_ok());
    }

    #[test]
    fn groups_go_and_the_rest_stays() {
        let all: BTreeSet<Active> = Active::ALL.into_iter().collect();
        let text =
            br"{\rtf1 a{\object\objemb{\*\objdata 0105}{\result x}} b{\*\template http://example.org/t}\'7d\{ c}";
        assert_eq!(edit(text, &all).as_deref(), Ok(&br"{\rtf1 a{} b{}\'7d\{ c}"[..]));
        let field = br"{\rtf1 {\field{\*\fldinst DDEAUTO c:\\x}{\fldrslt shown}}{\field{\*\fldinst PAGE}{\fldrslt 1}}}";
        let new = edit(field, &all).unwrap();
        assert!(!new.windows(3).any(|window| window == b"DDE"), "{}", String::from_utf8_lossy(&new));
        assert!(new.windows(5).any(|window| window == b"shown"));
        for hidden in [r"{DD}{\b EAUTO} c:\\x", r"\'44D\'45AUTO c:\\x", r"\u68?DE c:\\x", "D\r\nDE c:\\x"] {
            let field = format!(r"{{\rtf1 {{\field{{\*\fldinst {hidden}}}{{\fldrslt shown}}}}}}");
            assert_eq!(
                edit(field.as_bytes(), &all).as_deref(),
                Ok(&br"{\rtf1 {\field{}{\fldrslt shown}}}"[..]),
                "{hidden}"
            );
        }
        let link = br#"{\rtf1 {\field{\*\fldinst HYPERLINK "https://example.org/addenda"}{\fldrslt a}}}"#;
        assert_eq!(edit(link, &all), Err(DisarmError::NothingToRemove));
        assert_eq!(edit(br"{\rtf1 plain}", &all), Err(DisarmError::NothingToRemove));
        assert_eq!(edit(br"{\rtf1 {\object", &all), Err(DisarmError::NotSound));
        assert!(edit(&b"{".repeat(1_000_000), &all).is_err());
        // Objects by the hundred thousand take linear time, and fields beyond those that are told apart are refused.
        let many = |more: &[u8]| [&b"{\\rtf1 "[..], &b"{\\object x}".repeat(200_000), more, b"}"].concat();
        assert_eq!(edit(&many(b""), &all).map(|new| new.len()), Ok(8 + 200_000 * 2));
        assert_eq!(edit(&many(&b"\\fldinst x".repeat(200_000)), &all), Err(DisarmError::NotSound));
    }

    #[test]
    fn a_field_that_acts_without_a_group_of_its_own_is_refused() {
        let all: BTreeSet<Active> = Active::ALL.into_iter().collect();
        for data in [
            &br"{\rtf1 {\*\fldinst DDE q}{\fldinst DDE q\fldinst PAGE}}"[..],
            br"{\rtf1 {\*\fldinst DDE q}{\fldinst DDEAUTO c:\\x\fldinst 000}t}",
        ] {
            assert_eq!(edit(data, &all), Err(DisarmError::NotSound), "{}", String::from_utf8_lossy(data));
        }
    }

    #[test]
    fn what_the_reader_tells_goes_however_it_is_written_and_nothing_comes_together() {
        let all: BTreeSet<Active> = Active::ALL.into_iter().collect();
        let field = |code: &str| format!(r"{{\rtf1 a{{\field{{\*\fldinst {code}}}{{\fldrslt shown}}}}b}}");
        let gone = r"{\rtf1 a{\field{}{\fldrslt shown}}b}";
        for code in [
            r"{\field{\*\fldinst QUOTE 68 68 69 65 85 84 79}} c:\\x",
            r"INCLUDETEXT http://example.org/a.docx",
            r"INCLUDEPICTURE \\\\\\\\192.0.2.1\\\\a.png",
            r"LINK Word.Document.8 http://example.org/a.docx",
            r"HYPERLINK ms-msdt:/id",
            r"\u68\'3fDE c:\\x",
        ] {
            let data = field(code);
            let new = edit(data.as_bytes(), &all).map(|new| String::from_utf8(new).unwrap());
            assert_eq!(new.as_deref(), Ok(gone), "{code}");
            let again = edit(gone.as_bytes(), &all);
            assert_eq!(again, Err(DisarmError::NothingToRemove));
        }
        for (data, new) in [
            (r"{\rtf1 a{\OBJECT\objemb{\*\OBJDATA 0105}}b}", r"{\rtf1 a{}b}"),
            (
                r"{\rtf1 {\fie{\object x}ld{\*\fldin{\object x}st DDE c:\\x}}}",
                r"{\rtf1 {\fie{}ld{\*\fldin{}st DDE c:\\x}}}",
            ),
            (r"{\rtf1 {\*\TEMPLATE http://example.org/t}x}", r"{\rtf1 {}x}"),
        ] {
            let made = edit(data.as_bytes(), &all).map(|new| String::from_utf8(new).unwrap());
            assert_eq!(made.as_deref(), Ok(new), "{data}");
        }
        for stays in
            ["PAGE", r"HYPERLINK https://example.org/", r"INCLUDEPICTURE http://example.org/a.png", "QUOTE 68 68"]
        {
            assert_eq!(edit(field(stays).as_bytes(), &all), Err(DisarmError::NothingToRemove), "{stays}");
        }
    }
}
