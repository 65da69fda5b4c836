//! Attachments by name and type. Whether they are dangerous is for the malware engines to say.

mod double_ending;
mod encrypted_attachment;
mod name_is_code;
mod other_type_than_declared;
mod page_attached;
mod pdf_and_little_text;
mod picture_attached;
mod program_under_false_name;
mod runs_when_opened;

use crate::spam::{Attached, Facts, Row};

/// The signs of the family, in the order of the documentation.
pub(crate) const SIGNS: &[Row] = &[
    runs_when_opened::SIGN,
    double_ending::SIGN,
    page_attached::SIGN,
    encrypted_attachment::SIGN,
    name_is_code::SIGN,
    other_type_than_declared::SIGN,
    program_under_false_name::SIGN,
    picture_attached::SIGN,
    pdf_and_little_text::SIGN,
];

/// Endings of what runs, or pretends to be something else.
const RUNS: &[&str] = &[
    "exe", "scr", "pif", "com", "bat", "cmd", "js", "jse", "vbs", "vbe", "wsf", "hta", "lnk", "jar", "ps1", "msi",
    "cpl", "chm", "iso", "img", "vhd", "vhdx", "url", "one", "xll", "reg", "appx",
];

fn find(f: &Facts, is_it: impl Fn(&Attached) -> bool) -> Option<String> {
    f.attached.iter().find(|attached| is_it(attached)).map(|a| a.name.chars().take(80).collect::<String>())
}

fn ending(name: &str) -> String {
    name.rsplit_once('.').map_or("", |(_, ending)| ending).trim().to_ascii_lowercase()
}
