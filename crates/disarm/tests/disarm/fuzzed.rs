//! Every remover with some hundred damaged files: what its fuzz target promises holds for them too.

use std::collections::BTreeSet;

use disarm::fuzzing;

use crate::archives::made;
use crate::documents::{open_document, package, rich_text, word};
use crate::ole2::build::Compound;
use crate::ole2::{presentation, small_workbook, with_macro_sheet, with_macros};
use crate::read;
use crate::samples::sample;
use crate::told::crowded;

/// How many damaged forms of each file are tried.
const ROUNDS: usize = 150;

/// A workbook with a sheet of macros and a project.
fn workbook() -> Vec<u8> {
    let mut file = Compound::new();
    file.stream("Workbook", &with_macro_sheet(&small_workbook()));
    with_macros(&mut file, "_VBA_PROJECT_CUR");
    file.finish()
}

/// A message with two parts and one in it.
fn message() -> Vec<u8> {
    b"From: a@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
      --b\r\n\r\nthe text\r\n--b\r\nContent-Type: application/octet-stream; name=a.bin\r\n\
      Content-Transfer-Encoding: base64\r\n\r\nAAECAwQF\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n\
      Subject: inner\r\n\r\ninner text\r\n--b--\r\n"
        .to_vec()
}

const PAGE: &[u8] =
    b"<html><body onload='a()'><p>the text that stays</p><script>run()</script><a href='javascript:b()'>x</a>\
    <form action='https://example.org/'><input name=n></form><img src='data:text/html,x'></body></html>";
const PICTURE: &[u8] =
    b"<svg xmlns='http://www.w3.org/2000/svg' onload='a()'><script>run()</script><rect width='9'/></svg>";

/// One change after the other: a bit, a cut, a piece that is doubled.
fn damaged(data: &[u8], round: usize) -> Vec<u8> {
    let mut bad = data.to_vec();
    let at = round.wrapping_mul(7919) % bad.len();
    match round % 8 {
        6 => bad.truncate(at.max(1)),
        7 => {
            let piece = bad[at..(at + 40).min(data.len())].to_vec();
            bad.splice(at..at, piece);
        }
        bit => bad[at] ^= 1 << bit,
    }
    bad
}

/// An entry point and what it is given.
type Try = (fn(&[u8]), Vec<u8>);

#[test]
fn what_each_remover_promises_holds_for_damaged_files() {
    let chosen = |choice: u8, data: Vec<u8>| [vec![choice], data].concat();
    let mut cases: Vec<Try> = vec![
        (fuzzing::fuzz_ooxml, word()),
        (fuzzing::fuzz_ooxml, crate::xlsb::workbook(false)),
        (fuzzing::fuzz_odf, open_document()),
        (fuzzing::fuzz_rtf, rich_text()),
        (fuzzing::fuzz_ole2, workbook()),
        (fuzzing::fuzz_ole2, presentation()),
        (fuzzing::fuzz_pdf, crate::pdf::rich()),
        (fuzzing::fuzz_html, chosen(0, PAGE.to_vec())),
        (fuzzing::fuzz_html, chosen(1, PICTURE.to_vec())),
        (fuzzing::fuzz_message, chosen(1, message())),
        (fuzzing::fuzz_to_zip, chosen(0, sample("arj_1"))),
        (fuzzing::fuzz_to_zip, chosen(0, sample("lha"))),
        (fuzzing::fuzz_to_zip, chosen(1, sample("rar_5"))),
        (fuzzing::fuzz_to_zip, chosen(0, sample("cab_mszip"))),
        (fuzzing::fuzz_to_zip, chosen(0, sample("ar"))),
        (fuzzing::fuzz_stream, chosen(0, sample("tar_v7_gzip"))),
        (fuzzing::fuzz_stream, chosen(0, sample("tar_gnu_bzip2"))),
        (fuzzing::fuzz_seven_zip, chosen(0, sample("7z_ppmd"))),
    ];
    cases.extend(made("tar", &["-cf"], "a.tar").map(|data| (fuzzing::fuzz_tar as fn(&[u8]), chosen(1, data))));
    for data in [word(), open_document(), rich_text(), workbook(), presentation(), crate::pdf::rich(), PAGE.to_vec()] {
        fuzzing::assert_disarmed(&data);
    }
    let mut failed = BTreeSet::new();
    for (entry, data) in cases {
        entry(&data);
        for round in 0..ROUNDS {
            let bad = damaged(&data, round);
            if let Err(why) = std::panic::catch_unwind(|| entry(&bad)) {
                failed.insert((why.downcast_ref::<String>().cloned().unwrap_or_default(), round));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// How many damaged forms of each part are tried.
const PART_ROUNDS: usize = 40;

#[test]
fn nothing_that_acts_is_left_of_documents_with_a_damaged_part() {
    let mut failed = BTreeSet::new();
    for data in [word(), open_document()].into_iter().chain(crowded()) {
        let files = read(&data);
        for at in 0..files.len() {
            for round in (0..PART_ROUNDS).filter(|_| !files[at].1.is_empty()) {
                let mut bad = files.clone();
                bad[at].1 = damaged(&files[at].1, round);
                let whole = package(&bad, zip::CompressionMethod::Stored);
                if let Err(why) = std::panic::catch_unwind(|| fuzzing::fuzz_disarm(&whole)) {
                    let why = why.downcast_ref::<String>().cloned().unwrap_or_default();
                    failed.insert((why, files[at].0.clone(), String::from_utf8_lossy(&bad[at].1).into_owned()));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Rich text with much that acts.
fn crowded_text() -> Vec<u8> {
    let codes = [
        "DDEAUTO cmd x",
        "{DD}{\\b E} cmd x",
        "INCLUDETEXT http://example.org/a.docx",
        "HYPERLINK ms-msdt:/id",
        "{\\field{\\*\\fldinst QUOTE 68 68 69}} cmd x",
        "\\'44\\u68?E cmd x",
    ];
    let field = |code: &&str| format!("{{\\field{{\\*\\fldinst {code}}}{{\\fldrslt shown}}}}");
    let fields: String = codes.iter().map(field).collect();
    String::from_utf8(rich_text()).unwrap().replacen("the text that stays", &fields, 1).into_bytes()
}

#[test]
fn nothing_that_acts_is_left_of_damaged_rich_text() {
    let data = crowded_text();
    fuzzing::assert_disarmed(&data);
    (0..10 * ROUNDS).for_each(|round| fuzzing::fuzz_rtf(&damaged(&data, round)));
}
