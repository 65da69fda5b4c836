//! What the program says that wrote the message, against what such a program writes.

mod bulk_program;
mod eudora_or_foxmail;
mod express_without_mime_ole;
mod mime_ole_alone;
mod ms_priority_without_ole;
mod no_program;
mod old_outlook_express;
mod outlook_boundary_elsewhere;
mod outlook_with_other_boundary;
mod php_mailer;
mod program_random;
mod text_program_writes_html;
mod the_bat;
mod thread_fields_made_up;
mod two_programs;

use crate::spam::{Facts, Row};

/// The signs of the family, in the order of the documentation.
pub(crate) const SIGNS: &[Row] = &[
    express_without_mime_ole::SIGN,
    mime_ole_alone::SIGN,
    ms_priority_without_ole::SIGN,
    outlook_boundary_elsewhere::SIGN,
    outlook_with_other_boundary::SIGN,
    text_program_writes_html::SIGN,
    the_bat::SIGN,
    php_mailer::SIGN,
    program_random::SIGN,
    two_programs::SIGN,
    bulk_program::SIGN,
    eudora_or_foxmail::SIGN,
    old_outlook_express::SIGN,
    no_program::SIGN,
    thread_fields_made_up::SIGN,
];

/// The program's name in lower case.
pub(super) fn mailer(f: &Facts) -> String {
    f.field("x-mailer").or_else(|| f.field("user-agent")).unwrap_or("").to_lowercase()
}

/// The boundary of the top multipart.
pub(super) fn boundary(f: &Facts) -> String {
    let value = f.field("content-type").unwrap_or("");
    let lower = value.to_ascii_lowercase();
    let Some(at) = lower.find("boundary=") else { return String::new() };
    let rest = value.get(at.saturating_add(9)..).unwrap_or("").trim();
    let inner = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => rest.split([';', ' ']).next(),
    };
    inner.unwrap_or("").to_owned()
}
