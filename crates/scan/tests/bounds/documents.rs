//! Documents, mail and pages.

use testkit::bombs::compound;

use crate::Case;
use crate::bombs::{Entry, deflate, text, zip};

pub(crate) fn cases() -> Vec<Case> {
    let case = |name, limited, make| Case { name, message: false, limited, make };
    let mail = |name, limited, make| Case { name, message: true, limited, make };
    vec![
        mail("mail, 1,000,000 empty parts", true, || multipart(&b"--b\r\n\r\n".repeat(1_000_000))),
        mail("mail, 60,000 parts of a line", true, || {
            multipart(&b"--b\r\nContent-Type: text/plain; name=x\r\n\r\nx\r\n".repeat(60_000))
        }),
        mail("mail, 50 MB of text", false, || [&b"Subject: x\r\n\r\n"[..], &text(1, 50_000_000)].concat()),
        mail("mail in mail, 2,000 deep", true, || {
            [b"Subject: x\r\nContent-Type: message/rfc822\r\n\r\n".repeat(2_000), b"x\r\n".to_vec()].concat()
        }),
        case("mbox, 100,000 messages", true, || {
            b"From a@example.org Mon Jan  1 00:00:00 2024\nFrom: a@example.org\nSubject: x\n\nx\n\n".repeat(100_000)
        }),
        case("HTML, 20 MB of <", false, || [&b"<html>"[..], &vec![b'<'; 20_000_000]].concat()),
        case("HTML, 300,000 data: addresses", true, || {
            let one = |n: usize| format!("<img src=\"data:image/png;base64,{n:08}\">");
            format!("<html>{}", (0..300_000).map(one).collect::<String>()).into_bytes()
        }),
        case("HTML, 100,000 elements deep", false, || [&b"<html>"[..], &b"<div style=\"x\">".repeat(100_000)].concat()),
        case("script, constants that double", true, || {
            let line = |n: usize| format!("var a{}=a{n}+a{n};", n + 1);
            format!("<script>var a0=\"xxxxxxxxxxxxxxxx\";{}eval(a60)</script>", (0..60).map(line).collect::<String>())
                .into_bytes()
        }),
        case("script, 5 MB of pieces put together", false, || {
            format!("<script>var a=\"\"{};eval(a)</script>", "+\"ab\"".repeat(1_000_000)).into_bytes()
        }),
        case("PDF, one content on all of 10,000 pages", false, pages),
        case("PDF, ten filters, one after the other", true, filters),
        case("PDF, 1,000,000 objects", false, || {
            [&b"%PDF-1.7\n"[..], &b"1 0 obj null endobj\n".repeat(1_000_000)].concat()
        }),
        case("PDF, tables that name each other", false, || {
            let table = "xref\n0 1\n0000000000 65535 f \ntrailer<</Root 1 0 R/Prev 9>>\n";
            format!("%PDF-1.7\n{}startxref\n9\n%%EOF", table.repeat(20_000)).into_bytes()
        }),
        case("docx, 5 million cells of text", false, || {
            let document = format!(
                "<w:document><w:body>{}</w:body></w:document>",
                "<w:p><w:r><w:t>x</w:t></w:r></w:p>".repeat(1_000_000)
            );
            office("word/document.xml", document.as_bytes())
        }),
        case("xlsx, one text of 30 KB in 60,000 cells", false, || {
            let strings = format!("<sst><si><t>{}</t></si></sst>", "x".repeat(30_000));
            let sheet =
                format!("<worksheet><sheetData>{}</sheetData></worksheet>", "<c t=\"s\"><v>0</v></c>".repeat(60_000));
            zip(vec![
                Entry::named("[Content_Types].xml", b"<Types/>"),
                Entry::named("xl/sharedStrings.xml", strings.as_bytes()),
                Entry::named("xl/worksheets/sheet1.xml", sheet.as_bytes()),
            ])
        }),
        case("XML, a billion laughs", false, || {
            let entity = |n: usize| format!("<!ENTITY a{}\"{}\">", n + 1, format!("&a{n};").repeat(10));
            let document = format!(
                "<!DOCTYPE x [<!ENTITY a0 \"lol\">{}]><w:document>&a9;</w:document>",
                (0..9).map(entity).collect::<String>()
            );
            office("word/document.xml", document.as_bytes())
        }),
        case("RTF, 2,000,000 groups deep", false, || [&b"{\\rtf1"[..], &b"{".repeat(2_000_000)].concat()),
        case("RTF, 100,000 objects", true, || {
            [&b"{\\rtf1"[..], &b"{\\object{\\*\\objdata 0105000002000000}}".repeat(100_000)].concat()
        }),
        case("OLE2, a directory in a circle", true, compound),
        case("OneNote, 500,000 marks of files", true, || {
            [
                &b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3"[..],
                &b"\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac".repeat(500_000),
            ]
            .concat()
        }),
        case("TNEF, 300,000 attachments", true, || {
            let one = b"\x02\x02\x90\x06\0\0\0\0\0\0\0\x02\x0f\x80\x06\0\x01\0\0\0x\x78\0";
            [&b"\x78\x9f\x3e\x22\x01\x00"[..], &one.repeat(300_000)].concat()
        }),
        case("text, 100,000 uuencoded files", true, || {
            let one = |n: usize| format!("begin 644 a\n#{}\n`\nend\n", uu(n));
            (0..100_000).map(one).collect::<String>().into_bytes()
        }),
        case("calendar, 100,000 attachments", true, || {
            let one = |n: usize| format!("ATTACH;ENCODING=BASE64;VALUE=BINARY:{n:08}\r\n");
            format!("BEGIN:VCALENDAR\r\n{}END:VCALENDAR\r\n", (0..100_000).map(one).collect::<String>()).into_bytes()
        }),
        case("program, 200,000 that look like programs in it", false, || {
            [&b"MZ"[..], &[0; 58], b"\x40\0\0\0PE\0\0", &b"MZ\0\0PE\0\0".repeat(200_000)].concat()
        }),
    ]
}

/// Three bytes that differ with a number, uuencoded.
fn uu(number: usize) -> String {
    (0..4)
        .rev()
        .map(|at| char::from(b' ' + (number >> (6 * at) & 63) as u8))
        .map(|c| if c == ' ' { '`' } else { c })
        .collect()
}

fn multipart(parts: &[u8]) -> Vec<u8> {
    [
        &b"From: a@example.org\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"[..],
        parts,
        b"--b--\r\n",
    ]
    .concat()
}

fn office(name: &str, content: &[u8]) -> Vec<u8> {
    zip(vec![Entry::named("[Content_Types].xml", b"<Types/>"), Entry::named(name, content)])
}

/// Pages that all show the same large content.
fn pages() -> Vec<u8> {
    let content = deflate(&b"BT /F 12 Tf (the same text on all pages) Tj ET\n".repeat(20_000));
    let kids: String = (0..10_000).map(|n| format!("{} 0 R ", n + 10)).collect();
    let mut out = format!(
        "%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 10000/Kids[{kids}]>>endobj\n\
         3 0 obj<</Length {}/Filter/FlateDecode>>stream\n",
        content.len()
    )
    .into_bytes();
    out.extend(content);
    out.extend(b"\nendstream endobj\n");
    for n in 0..10_000 {
        out.extend(format!("{} 0 obj<</Type/Page/Parent 2 0 R/Contents 3 0 R>>endobj\n", n + 10).bytes());
    }
    out.extend(b"trailer<</Root 1 0 R>>\n");
    out
}

/// Zeros deflated again and again.
fn filters() -> Vec<u8> {
    let mut content = vec![0; 200 << 20];
    let mut names = String::new();
    for _ in 0..4 {
        content = zlib(&content);
        names += "/FlateDecode";
    }
    let head = format!("%PDF-1.7\n1 0 obj<</Type/EmbeddedFile/Length {}/Filter[{names}]>>stream\n", content.len());
    [head.as_bytes(), &content, b"\nendstream endobj\ntrailer<</Root 1 0 R>>\n"].concat()
}

fn zlib(content: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(9));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}
