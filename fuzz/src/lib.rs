//! The table of fuzz targets: the name of each, and the function of a crate that it calls.

#![forbid(unsafe_code)]

/// A target's name and its entry point. An entry point asserts what must hold for any bytes.
pub type Target = (&'static str, fn(&[u8]));

/// Every target, in the order of the crates.
pub const TARGETS: &[Target] = &[
    ("mime", mail::fuzzing::fuzz_message),
    ("mime_header", mail::fuzzing::fuzz_header),
    ("smtp_server", wire::fuzzing::fuzz_server),
    ("smtp_client", wire::fuzzing::fuzz_client),
    ("smtp_reply", wire::fuzzing::fuzz_reply),
    ("dot", wire::fuzzing::fuzz_dot),
    ("clamd", wire::fuzzing::fuzz_clamd),
    ("proxy", wire::fuzzing::fuzz_proxy),
    ("certificate", wire::fuzzing::fuzz_certificate),
    ("mail_filename", mail::fuzzing::fuzz_filename),
    ("sts", wire::fuzzing::fuzz_sts),
    ("octets", wire::fuzzing::fuzz_octets),
    ("milter", wire::fuzzing::fuzz_milter),
    ("milter_edits", wire::fuzzing::fuzz_milter_edits),
    ("unpack_detect", unpack::fuzzing::fuzz_detect),
    ("unpack_zip", unpack::fuzzing::fuzz_zip),
    ("unpack_compressed", unpack::fuzzing::fuzz_compressed),
    ("unpack_tar", unpack::fuzzing::fuzz_tar),
    ("unpack_seven_zip", unpack::fuzzing::fuzz_seven_zip),
    ("unpack_pdf", unpack::fuzzing::fuzz_pdf),
    ("unpack_rarer", unpack::fuzzing::fuzz_rarer),
    ("unpack_html", unpack::fuzzing::fuzz_html),
    ("unpack_executable", unpack::fuzzing::fuzz_executable),
    ("unpack_calendar", unpack::fuzzing::fuzz_calendar),
    ("unpack_lnk", unpack::fuzzing::fuzz_lnk),
    ("unpack_script", unpack::fuzzing::fuzz_script),
    ("unpack_rar", unpack::fuzzing::fuzz_rar),
    ("unpack_cab", unpack::fuzzing::fuzz_cab),
    ("unpack_ole2", unpack::fuzzing::fuzz_ole2),
    ("unpack_ooxml", unpack::fuzzing::fuzz_ooxml),
    ("unpack_odf", unpack::fuzzing::fuzz_odf),
    ("unpack_rtf", unpack::fuzzing::fuzz_rtf),
    ("unpack_one_note", unpack::fuzzing::fuzz_one_note),
    ("unpack_document_part", unpack::fuzzing::fuzz_document_part),
    ("unpack_arj", unpack::fuzzing::fuzz_arj),
    ("unpack_lha", unpack::fuzzing::fuzz_lha),
    ("unpack_cpio", unpack::fuzzing::fuzz_cpio),
    ("unpack_ar", unpack::fuzzing::fuzz_ar),
    ("unpack_iso", unpack::fuzzing::fuzz_iso),
    ("unpack_disk", unpack::fuzzing::fuzz_disk),
    ("unpack_rpm", unpack::fuzzing::fuzz_rpm),
    ("unpack_mbox", unpack::fuzzing::fuzz_mbox),
    ("unpack_passwords", unpack::fuzzing::fuzz_passwords),
    ("unpack_tnef", unpack::fuzzing::fuzz_tnef),
    ("unpack_cms", unpack::fuzzing::fuzz_cms),
    ("unpack_embedded", unpack::fuzzing::fuzz_embedded),
    ("unpack_gzip", unpack::fuzzing::fuzz_gzip),
    ("unpack_message", unpack::fuzzing::fuzz_message),
    ("dmarc", unpack::fuzzing::fuzz_dmarc),
    ("dmarc_record", unpack::fuzzing::fuzz_dmarc_record),
    ("hash_list", engines::fuzzing::fuzz_hashlist),
    ("image", engines::fuzzing::fuzz_image),
    ("picture_copy", engines::fuzzing::fuzz_picture_copy),
    ("disarm_active", disarm::fuzzing::fuzz_disarm),
    ("disarm_zip", disarm::fuzzing::fuzz_zip_without),
    ("disarm_tar", disarm::fuzzing::fuzz_tar),
    ("disarm_seven_zip", disarm::fuzzing::fuzz_seven_zip),
    ("disarm_to_zip", disarm::fuzzing::fuzz_to_zip),
    ("disarm_stream", disarm::fuzzing::fuzz_stream),
    ("disarm_message", disarm::fuzzing::fuzz_message),
    ("disarm_ooxml", disarm::fuzzing::fuzz_ooxml),
    ("disarm_odf", disarm::fuzzing::fuzz_odf),
    ("disarm_rtf", disarm::fuzzing::fuzz_rtf),
    ("disarm_ole2", disarm::fuzzing::fuzz_ole2),
    ("disarm_pdf", disarm::fuzzing::fuzz_pdf),
    ("disarm_html", disarm::fuzzing::fuzz_html),
    ("scan_protocol", scan::fuzzing::fuzz_protocol),
    ("scan_examine", scan::fuzzing::fuzz_examine),
    ("worker_reply", confine::fuzzing::fuzz_reply),
    ("lists", judge::fuzzing::fuzz_lists),
    ("list_value", judge::fuzzing::fuzz_list_value),
    ("store_sealed", store::fuzzing::fuzz_sealed),
    ("store_texts", store::fuzzing::fuzz_texts),
];

/// Runs a target by its name; panics if there is none of it.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    let (_, entry) = target.unwrap_or_else(|| panic!("no target {name:?}"));
    entry(data);
}

/// Longest input that is kept in `grown/`, in bytes.
pub const MAX_KEPT: usize = 1024;

/// The inputs that a file of `grown/` holds: each behind its length in four bytes, least first.
pub fn kept(mut file: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while let Some((length, rest)) = file.split_first_chunk() {
        let (input, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).expect("a whole input");
        found.push(input);
        file = rest;
    }
    found
}
