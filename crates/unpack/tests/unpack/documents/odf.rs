//! OpenDocument files, in packages and flat.

use mail::evidence::{Active, FileKind, PasswordSource, Role, UnscannedReason};
use unpack::{Passwords, detect};

use super::{seen, seen_with};
use crate::samples::stored_sample;
use crate::support::{archive, members};

const ODT: &str = "application/vnd.oasis.opendocument.text";

/// A package of these parts.
fn odf(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut all: Vec<(&str, &[u8])> = vec![("mimetype", ODT.as_bytes())];
    all.extend(parts.iter().map(|(name, content)| (*name, content.as_bytes())));
    archive(zip::CompressionMethod::Stored, &all)
}

fn content(styles: &str, body: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><office:document-content><office:automatic-styles>{styles}</office:automatic-styles>\
         <office:body><office:text>{body}</office:text></office:body></office:document-content>"
    )
}

#[test]
fn text_is_told_apart_from_hidden_text() {
    let styles = "<style:style style:name=\"T1\"><style:text-properties text:display=\"none\"/></style:style>\
        <style:style style:name=\"T2\"><style:text-properties fo:color=\"#FFFFFF\"/></style:style>\
        <style:style style:name=\"T3\"><style:text-properties fo:color=\"#ffffff\" fo:background-color=\"#000000\"/></style:style>\
        <style:style style:name=\"T4\"><style:text-properties fo:font-size=\"1pt\"/></style:style>\
        <style:style style:name=\"ta2\"><style:table-properties table:display=\"false\"/></style:style>";
    let body = "<text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>\
        <text:h>Head</text:h><text:p>a<text:s/>b <text:span text:style-name=\"T1\">none</text:span>\
        <text:span text:style-name=\"T2\"> white</text:span><text:span text:style-name=\"T3\">on black</text:span>\
        <text:span text:style-name=\"T4\"> tiny</text:span></text:p>\
        <text:section text:display=\"none\"><text:p>section</text:p></text:section>\
        <table:table table:name=\"Sheet1\"><table:table-row><text:p>cell</text:p></table:table-row>\
        <table:table-row table:visibility=\"collapse\"><text:p>row</text:p></table:table-row></table:table>\
        <table:table table:name=\"Sheet2\" table:style-name=\"ta2\"><text:p>sheet</text:p></table:table>";
    let found = seen(&odf(&[("content.xml", &content(styles, body))]));
    assert_eq!(found.text, "Head\na b on black\nSheet1\ncell");
    assert_eq!(found.hidden, "deleted\nnone white tiny\nsection\nrow\nSheet2\nsheet");
    assert_eq!((found.acts, found.problems), (vec![], vec![]));
}

#[test]
fn what_acts_is_told() {
    let body = "<script:event-listener script:event-name=\"dom:load\" xlink:href=\"vnd.sun.star.script:Standard.Module1.Main?language=Basic\"/>\
        <presentation:event-listener presentation:action=\"execute\" xlink:href=\"file:///C:/Windows/calc.exe\"/>\
        <office:dde-source office:dde-application=\"soffice\" office:dde-topic=\"/tmp/a\" office:dde-item=\"x\"/>\
        <text:section-source xlink:href=\"http://example.org/a.odt\"/><draw:image xlink:href=\"http://example.org/a.png\"/>\
        <draw:image xlink:href=\"file://192.0.2.1/a.png\"/><text:a xlink:href=\"https://example.org\">x</text:a>\
        <draw:image xlink:href=\"Pictures/1.png\"/>";
    let basic = "<?xml version=\"1.0\"?><!DOCTYPE script:module PUBLIC \"x\" \"module.dtd\">\
        <script:module script:name=\"Module1\">Sub Main\nShell(&quot;calc&quot;)\nEnd Sub</script:module>";
    let data = odf(&[
        ("content.xml", &content("", body)),
        ("Basic/Standard/Module1.xml", basic),
        ("Scripts/python/a.py", "print(1)"),
    ]);
    let found = seen(&data);
    let expected = [
        (Active::Script, "print(1)".to_owned()),
        (Active::Script, "dom:load vnd.sun.star.script:Standard.Module1.Main?language=Basic".to_owned()),
        (Active::Launch, "file:///C:/Windows/calc.exe".to_owned()),
        (Active::Dde, "soffice|/tmp/a!x".to_owned()),
        (Active::RemoteTemplate, "http://example.org/a.odt".to_owned()),
        (Active::RemoteTemplate, "file://192.0.2.1/a.png".to_owned()),
        (Active::Script, "Sub Main\nShell(\"calc\")\nEnd Sub".to_owned()),
    ];
    assert_eq!(found.acts, expected);
    assert_eq!(found.problems, []);
    let script =
        members(FileKind::Odf, &data).0.into_iter().find(|member| member.content.starts_with(b"Sub Main")).unwrap();
    assert_eq!(
        (script.name.unwrap().raw().as_str(), script.role),
        ("Basic/Standard/Module1.xml", Role::Active(Active::Script))
    );
}

#[test]
fn flat_documents_give_what_they_hold() {
    let text = "<?xml version=\"1.0\"?><office:document xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\">\
        <office:scripts><office:script><ooo:module ooo:name=\"M\"><ooo:source-code>Sub A</ooo:source-code></ooo:module></office:script></office:scripts>\
        <office:body><office:text><text:p>flat</text:p><draw:frame draw:name=\"Picture\"><draw:image>\
        <office:binary-data>aGVsbG8=</office:binary-data></draw:image></draw:frame></office:text></office:body></office:document>";
    let found = seen(text.as_bytes());
    assert_eq!(found.text, "flat");
    assert_eq!(found.acts, [(Active::Script, "Sub A".to_owned())]);
    assert_eq!(found.files, [("Picture".to_owned(), b"hello".to_vec())]);
}

#[test]
fn documents_whose_type_is_not_first_are_documents() {
    let parts: [(&str, &[u8]); 2] = [("content.xml", b"<a/>"), ("META-INF/manifest.xml", b"<manifest:manifest/>")];
    assert_eq!(detect(&archive(zip::CompressionMethod::Deflated, &parts)), FileKind::Odf);
}

#[test]
fn encrypted_documents_are_opened_with_a_password_that_fits() {
    for name in ["libreoffice_odt_password", "libreoffice_odt_password_old"] {
        let data = stored_sample(name);
        let mut passwords = Passwords::empty();
        passwords.add("correct horse", PasswordSource::Message);
        let found = seen_with(&data, passwords);
        assert_eq!(found.text, "A secret letter.", "{name}");
        assert_eq!(found.problems, [], "{name}");
        assert!(found.acts.iter().any(|(what, text)| *what == Active::Script && text.contains("Shell(")), "{name}");
        let closed = seen(&data);
        assert_eq!((closed.text.as_str(), closed.acts.len()), ("", 0), "{name}");
        assert!(
            !closed.problems.is_empty() && closed.problems.iter().all(|reason| *reason == UnscannedReason::Encrypted)
        );
    }
}

/// A document whose content is encrypted, and its true manifest, which tells of so many parts before it.
fn locked(others: usize) -> (Vec<u8>, String) {
    let small = "<manifest:encryption-data/>";
    let how = "<manifest:encryption-data manifest:checksum-type=\"SHA1/1K\" manifest:checksum=\"AAAAAAAAAAAAAAAAAAAAAAAAAAA=\">\
        <manifest:algorithm manifest:algorithm-name=\"http://www.w3.org/2001/04/xmlenc#aes256-cbc\" \
        manifest:initialisation-vector=\"AAAAAAAAAAAAAAAAAAAAAA==\"/><manifest:key-derivation \
        manifest:key-derivation-name=\"PBKDF2\" manifest:key-size=\"32\" manifest:iteration-count=\"1000\" \
        manifest:salt=\"AAAAAAAAAAAAAAAAAAAAAA==\"/></manifest:encryption-data>";
    let entry = |path: &str, how: &str| {
        format!("<manifest:file-entry manifest:full-path=\"{path}\">{how}</manifest:file-entry>")
    };
    let decoys: String = (0..others).map(|number| entry(&format!("x{number}"), small)).collect();
    let manifest = format!("<manifest:manifest>{decoys}{}</manifest:manifest>", entry("content.xml", how));
    (crate::support::noise(3200, 7), manifest)
}

#[test]
fn an_encrypted_part_is_told_whatever_manifests_say() {
    let told = |manifests: &[(&str, &str)], content: &[u8]| {
        let mut parts: Vec<(&str, &[u8])> = vec![("mimetype", b"application/vnd.oasis.opendocument.text")];
        parts.extend(manifests.iter().map(|(name, text)| (*name, text.as_bytes())));
        parts.push(("content.xml", content));
        let data = crate::support::archive(zip::CompressionMethod::Stored, &parts);
        let (found, mut problems) = crate::support::members(mail::evidence::FileKind::Odf, &data);
        problems.extend(
            found
                .into_iter()
                .filter(|member| crate::support::name(member) == "content.xml")
                .flat_map(|member| member.problems),
        );
        problems
    };
    let name = "META-INF/manifest.xml";
    let (content, manifest) = locked(0);
    assert_eq!(told(&[(name, &manifest)], &content), [UnscannedReason::Encrypted]);
    // A decoy in front, in other letters, says nothing of it.
    let decoy = ("meta-inf/manifest.xml", "<manifest/>");
    assert_eq!(told(&[decoy, (name, &manifest)], &content), [UnscannedReason::Damaged, UnscannedReason::Encrypted]);
    // So many others that its entry is not kept, or none at all.
    let (_, many) = locked(20_000);
    let problems = told(&[(name, &many)], &content);
    assert!(
        problems.contains(&UnscannedReason::LimitObjects) && problems.contains(&UnscannedReason::Damaged),
        "{problems:?}"
    );
    assert_eq!(told(&[(name, "<manifest/>")], &content), [UnscannedReason::Damaged]);
    assert_eq!(told(&[(name, "<manifest/>")], b"<a/>"), []);
}
