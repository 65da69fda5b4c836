//! Formulas that LibreOffice obeys, by what it makes of them: a sheet that it wrote links to no program again
//! when it is opened after they were taken out.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use disarm::DisarmError;
use mail::evidence::{Active, FileKind};

use crate::documents::{active, disarmed};
use crate::samples::office;

const SHEET: &str = "<?xml version=\"1.0\"?><office:document xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" \
    xmlns:of=\"urn:oasis:names:tc:opendocument:xmlns:of:1.2\" xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\" \
    xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\" office:version=\"1.2\" \
    office:mimetype=\"application/vnd.oasis.opendocument.spreadsheet\"><office:body><office:spreadsheet><table:table table:name=\"S\">\
    <table:table-row><table:table-cell office:value-type=\"string\"><text:p>the text that stays</text:p></table:table-cell>CELLS\
    </table:table-row></table:table><table:named-expressions><table:named-expression table:name=\"named\" \
    table:base-cell-address=\"$S.$A$1\" table:expression=\"of:=DDE(&quot;soffice&quot;;&quot;/named&quot;;&quot;A1&quot;)\"/>\
    </table:named-expressions></office:spreadsheet></office:body></office:document>";

/// A sheet with formulas in these forms.
fn sheet() -> String {
    let topic =
        |function: &str, topic: &str| format!("{function}(&quot;soffice&quot;;&quot;/{topic}&quot;;&quot;A1&quot;)");
    let forms = [
        format!("of:={}", topic("DDE", "plain")),
        format!("of:={}", topic("d&#68;e ", "blank")),
        format!("of:=IF(1;{};0)", topic("DDE", "within")),
        "of:=named".to_owned(),
    ];
    let cell = |form: &String| {
        format!(
            "<table:table-cell table:formula=\"{form}\" office:value-type=\"string\"><text:p>x</text:p></table:table-cell>"
        )
    };
    SHEET.replace("CELLS", &forms.iter().map(cell).collect::<String>())
}

/// How many links to programs LibreOffice makes of a file: those that it writes in another form.
fn links(folder: &Path, name: &str) -> Option<usize> {
    let seen = tempfile::tempdir().unwrap();
    fs::copy(folder.join(name), seen.path().join(name)).unwrap();
    if name.ends_with(".fods") {
        // What is made of it would have its name.
        office(seen.path(), &["ods"], &[name])?;
        fs::remove_file(seen.path().join(name)).unwrap();
    }
    let name = name.replace(".fods", ".ods");
    let told = office(seen.path(), &["fods"], &[&name])?;
    let read = fs::read_to_string(seen.path().join(&name).with_extension("fods"));
    let text = read.unwrap_or_else(|_| panic!("{name}: {told}"));
    assert!(text.contains("the text that stays"), "{name}");
    Some(text.matches("<office:dde-source").count())
}

#[test]
fn documents_in_one_file_lose_what_acts_and_keep_the_rest() {
    let handler = "<office:scripts><office:script script:language=\"ooo:Basic\"><ooo:module ooo:name=\"M\"><ooo:source-code>\
        Sub A</ooo:source-code></ooo:module></office:script><office:event-listeners><script:event-listener \
        xlink:href=\"vnd.sun.star.script:Standard.M.A\"/></office:event-listeners></office:scripts>";
    let data = sheet().replace("<office:body>", &format!("{handler}<office:body>"));
    let told = [Active::Script, Active::Dde];
    assert!(told.iter().all(|what| active(data.as_bytes()).contains(what)));
    for data in [data.clone(), data.replacen("<?xml version=\"1.0\"?>", "", 1)] {
        assert_eq!(unpack::detect(data.as_bytes()), FileKind::Xml);
        let new = disarmed(data.as_bytes()).unwrap();
        assert_eq!(active(&new.bytes), BTreeSet::new());
        let text = String::from_utf8(new.bytes).unwrap();
        assert!(text.contains("<table:table-cell office:value-type=\"string\"><text:p>x</text:p></table:table-cell>"));
        assert!(text.contains("the text that stays") && !text.contains("Sub A") && !text.contains("/named"));
        let told: Vec<_> = new.removed.iter().map(|removal| removal.what).collect();
        assert!(told.contains(&Some(Active::Dde)) && told.contains(&Some(Active::Script)), "{told:?}");
    }
    // Those of Word and Excel are told and not made anew.
    let word = "<?xml version=\"1.0\"?><w:wordDocument xmlns:w=\"http://schemas.microsoft.com/office/word/2003/wordml\">\
        <w:body><w:fldSimple w:instr=\"DDEAUTO cmd x\"/></w:body></w:wordDocument>";
    assert!(active(word.as_bytes()).contains(&Active::Dde));
    assert_eq!(disarmed(word.as_bytes()), Err(DisarmError::Format));
}

#[test]
fn libreoffice_makes_no_link_to_a_program_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("sheet.fods"), sheet()).unwrap();
    if office(folder, &["ods"], &["sheet.fods"]).is_none() || office(folder, &["xlsx"], &["sheet.fods"]).is_none() {
        return;
    }
    for ending in ["ods", "xlsx", "fods"] {
        let (old, new) = (format!("sheet.{ending}"), format!("disarmed.{ending}"));
        let Ok(data) = fs::read(folder.join(&old)) else {
            testkit::peers::skipped("libreoffice-calc");
            return;
        };
        assert!(active(&data).contains(&Active::Dde), "{ending}");
        let rebuilt = disarmed(&data).unwrap_or_else(|why| panic!("{ending}: {why}"));
        assert!(!active(&rebuilt.bytes).contains(&Active::Dde), "{ending}: {:?}", active(&rebuilt.bytes));
        fs::write(folder.join(&new), &rebuilt.bytes).unwrap();
        assert!(links(folder, &old).unwrap() > 0, "{ending}");
        assert_eq!(links(folder, &new), Some(0), "{ending}");
    }
}
