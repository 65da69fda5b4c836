//! Documents in one file of XML: OpenDocument without its macros, event handlers, DDE, linked content and embedded
//! OLE objects, and any XML without the style sheets that it loads from elsewhere. What stays stands as it was. Linear
//! in the size of the file.
//!
//! Not handled, and refused if there is nothing else that goes: Word and Excel 2003, Office Open XML in one file, and
//! shortcuts. Where something goes and something else that acts stays, the examination of the new form tells.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

use mail::evidence::Active;
use unpack::{is_office_xml, remote_sheet};

use crate::DisarmError;
use crate::odf;
use crate::remove::Changes;
use crate::rtf::may_be_pdf;
use crate::xml::{self, Fate};

/// The file without active content of these kinds.
///
/// # Errors
/// [`DisarmError::Format`]: there is nothing in it that is taken out here, or a file in it is to go;
/// [`DisarmError::NotSound`]: programs may read it as a PDF, too.
pub(crate) fn edit(data: &[u8], changes: &Changes, active: &BTreeSet<Active>) -> Result<Vec<u8>, DisarmError> {
    if !changes.is_empty() || !xml::holds_markup(data) {
        return Err(DisarmError::Format);
    }
    if may_be_pdf(data) {
        return Err(DisarmError::NotSound);
    }
    let (text, recoded) = xml::read(data).ok_or(DisarmError::Format)?;
    let kept = if active.contains(&Active::RemoteTemplate) { without_sheets(&text) } else { Cow::Borrowed(&*text) };
    let mut open = false;
    xml::visit(&text, &mut |root| {
        open = root.name == "document";
        ControlFlow::Break(())
    });
    let gone = BTreeSet::new();
    let new = xml::edit(&kept, &mut |tag| match tag.name {
        _ if !open => Fate::Keep,
        // What it holds stands in it.
        "object-ole" if active.contains(&Active::OlePackage) => Fate::Drop,
        _ => odf::element(tag, &gone, active),
    });
    let new = new.ok_or(DisarmError::NotSound)?;
    if new == *text { Err(DisarmError::Format) } else { Ok(xml::written(new, recoded)) }
}

/// A text without the style sheets that are loaded from elsewhere.
fn without_sheets(text: &str) -> Cow<'_, str> {
    let office = is_office_xml(text.as_bytes());
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, instruction, behind)) = rest.find("<?").and_then(|at| {
        let (before, from) = rest.split_at_checked(at)?;
        let (instruction, behind) = from.get(2..)?.split_once("?>")?;
        Some((before, instruction, behind))
    }) {
        out.push_str(before);
        if remote_sheet(instruction, office).is_none() {
            out.extend(["<?", instruction, "?>"]);
        }
        rest = behind;
    }
    out.push_str(rest);
    if out == text { Cow::Borrowed(text) } else { Cow::Owned(out) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn style_sheets_from_elsewhere_go_and_the_others_stay() {
        let local = "<?xml version=\"1.0\"?><?xml-stylesheet href=\"a.xsl\"?><r>x</r>";
        let remote = "<?xml version=\"1.0\"?><?xml-stylesheet type='text/xsl' href='file&#58;//example.org/a.xsl'?><?xml-stylesheet href=\"a.xsl\"?><r>x</r>";
        let active = BTreeSet::from([Active::RemoteTemplate]);
        assert_eq!(edit(remote.as_bytes(), &Changes::new(), &active).unwrap(), local.as_bytes());
        let web = local.replace("\"a.xsl", "\"http://example.org/a.xsl");
        let office = web.replace("<r>", "<?mso-application progid=\"Word.Document\"?><r>");
        assert_eq!(
            edit(office.as_bytes(), &Changes::new(), &active).unwrap(),
            b"<?xml version=\"1.0\"?><?mso-application progid=\"Word.Document\"?><r>x</r>"
        );
        for (text, active) in [(local, &active), (&web, &active), (remote, &BTreeSet::from([Active::Dde]))] {
            assert_eq!(edit(text.as_bytes(), &Changes::new(), active), Err(DisarmError::Format), "{text}");
        }
    }
}
