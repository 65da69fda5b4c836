//! Attachments by name and type. Whether they are dangerous is for the malware engines to say.

use mail::evidence::FileKind;

use super::words::{digits, is_random};
use super::{sign, when};
use crate::spam::Points::{Fitted, Fixed};
use crate::spam::{Attached, Facts, Row};

/// Endings of what runs, or pretends to be something else.
const RUNS: &[&str] = &[
    "exe", "scr", "pif", "com", "bat", "cmd", "js", "jse", "vbs", "vbe", "wsf", "hta", "lnk", "jar", "ps1", "msi",
    "cpl", "chm", "iso", "img", "vhd", "vhdx", "url", "one", "xll", "reg", "appx",
];

pub(crate) const SIGNS: &[Row] = &[
    sign!(Fixed(100), "runs_when_opened", Attachment, "An attachment, or a file in one, is a program, a script, a shortcut or a disk image by its name.",
        |f| find(f, |a| RUNS.contains(&ending(&a.name).as_str())),
        fires: ["Content-Type: application/octet-stream; name=invoice.exe\n\nx\n"], quiet: ["Content-Type: application/pdf; name=a.pdf\n\nx\n"]),
    sign!(Fixed(150), "double_ending", Attachment, "An attachment's name has a harmless ending in front of a dangerous one.",
        |f| find(f, |a| {
            let lower = a.name.to_lowercase();
            let mut parts = lower.rsplit('.');
            let (last, before) = (parts.next().unwrap_or(""), parts.next().unwrap_or("").trim());
            (RUNS.contains(&last) || matches!(last, "htm" | "html" | "zip" | "rar")) && matches!(before, "pdf" | "doc" | "docx" | "xls" | "xlsx" | "jpg" | "png" | "txt" | "gif" | "mp3" | "mp4")
        }),
        fires: ["Content-Type: application/octet-stream; name=\"invoice.pdf.exe\"\n\nx\n"], quiet: ["Content-Type: application/pdf; name=a.b.pdf\n\nx\n"]),
    sign!(Fixed(100), "page_attached", Attachment, "A page of the web is attached: it opens in the browser, past every filter of links.",
        |f| find(f, |a| matches!(ending(&a.name).as_str(), "htm" | "html" | "shtml" | "xhtml" | "svg" | "mht") && !a.inside && a.attachment),
        fires: ["Content-Type: application/octet-stream; name=login.html\n\nx\n"], quiet: ["Content-Type: text/html\n\nx\n"]),
    sign!(Fixed(50), "encrypted_attachment", Attachment, "An attachment is encrypted, so that no filter looks into it.",
        |f| find(f, |a| a.encrypted),
        fires: [], quiet: ["Content-Type: application/zip; name=a.zip\n\nx\n"]),
    sign!(Fitted, "name_is_code", Attachment, "An attachment's name is a code.",
        |f| find(f, |a| a.attachment && !a.inside && a.name.split('.').next().is_some_and(|stem| is_random(stem) || stem.len() >= 6 && digits(stem) == stem.len())),
        fires: ["Content-Type: application/pdf; name=83749284.pdf\n\nx\n"], quiet: ["Content-Type: application/pdf; name=report.pdf\n\nx\n"]),
    sign!(Fitted, "other_type_than_declared", Attachment, "An attachment says that it is a picture or a text, and its name says otherwise.",
        |f| find(f, |a| a.attachment && !a.inside && (a.declared.starts_with("image/") || a.declared.starts_with("audio/")) && RUNS.contains(&ending(&a.name).as_str())),
        fires: ["Content-Type: image/gif; name=a.exe\n\nx\n"], quiet: ["Content-Type: image/gif; name=a.gif\n\nx\n"]),
    sign!(Fitted, "picture_attached", Attachment, "A picture is the only attachment of an HTML text.",
        |f| when(f.html.parts > 0 && f.attached.iter().filter(|a| !a.inside && a.attachment).count() == 1 && f.attached.iter().any(|a| !a.inside && a.attachment && (a.declared.starts_with("image/") || a.kind == FileKind::Image)), "one picture"),
        fires: ["Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>x\n--b\nContent-Type: image/gif; name=a.gif\n\nx\n--b--\n"], quiet: ["Content-Type: text/html\n\n<p>x\n"]),
    sign!(Fitted, "pdf_and_little_text", Attachment, "A PDF, and hardly a word that tells what it is.",
        |f| when(f.shown().trim().len() < 200 && f.attached.iter().any(|a| !a.inside && (a.kind == FileKind::Pdf || ending(&a.name) == "pdf")), "a PDF"),
        fires: ["Content-Type: application/pdf; name=a.pdf\n\nx\n"], quiet: ["Subject: x"]),
];

fn find(f: &Facts, is_it: impl Fn(&Attached) -> bool) -> Option<String> {
    f.attached.iter().find(|attached| is_it(attached)).map(|a| a.name.chars().take(80).collect::<String>())
}

fn ending(name: &str) -> String {
    name.rsplit_once('.').map_or("", |(_, ending)| ending).trim().to_ascii_lowercase()
}
