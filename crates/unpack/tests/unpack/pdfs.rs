//! PDF: what acts, what is embedded, what is hidden, what is encrypted, and files that want to cost much.

use std::io::Write;

use mail::evidence::{Active, FileKind, PasswordSource, Role, UnscannedReason};
use unpack::{Budget, Limits, Member, Opening, Passwords, StopFlag, detect, open};

use crate::support::{deflated, members, name, noise, walk};
use crate::tools::Folder;

/// A document of these objects, numbered from 1, with its table; the first is the catalog.
pub(crate) fn pdf(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in (1..).zip(objects) {
        places.push(out.len());
        writeln!(out, "{number} 0 obj").unwrap();
        out.extend(object);
        out.extend(b"\nendobj\n");
    }
    table(&mut out, &places, "")
}

/// Adds a table of the objects from 1 on that stand at these places.
fn table(out: &mut Vec<u8>, places: &[usize], more: &str) -> Vec<u8> {
    let start = out.len();
    write!(out, "xref\n0 {}\n0000000000 65535 f \n", places.len() + 1).unwrap();
    for place in places {
        writeln!(out, "{place:010} 00000 n ").unwrap();
    }
    write!(out, "trailer\n<</Size {}/Root 1 0 R{more}>>\nstartxref\n{start}\n%%EOF\n", places.len() + 1).unwrap();
    out.clone()
}

/// An object that is a stream.
fn stream(dict: &str, content: &[u8]) -> Vec<u8> {
    [format!("<<{dict}/Length {}>>\nstream\n", content.len()).as_bytes(), content, b"\nendstream"].concat()
}

fn zlib(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn text(object: &str) -> Vec<u8> {
    object.into()
}

/// A document with one of nearly everything.
pub(crate) fn rich() -> Vec<u8> {
    pdf(&[
        text("<</Type/Catalog/Pages 2 0 R/OpenAction 5 0 R/Names<</EmbeddedFiles 7 0 R/JavaScript 10 0 R>>/AcroForm<</XFA 12 0 R>>>>"),
        text("<</Type/Pages/Kids[3 0 R]/Count 1>>"),
        text("<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>/Annots[9 0 R]/AA<</O<</S/URI/URI(http://open.example.org/)>>>>>>"),
        stream("/Filter/FlateDecode", &zlib(b"BT /F1 12 Tf 72 700 Td (Hello, reader) Tj 3 Tr 0 -20 Td (nobody sees this) Tj ET")),
        text("<</S/JavaScript/JS(app.alert\\(1\\))/Next 6 0 R>>"),
        text("<</S/Launch/F(cmd.exe)/Win<</F(cmd.exe)/P(/c echo launched)>>>>"),
        text("<</Names[(a)8 0 R]>>"),
        text("<</Type/Filespec/F(a.zip)/UF<feff0061002e007a00690070>/EF<</F 11 0 R>>>>"),
        text("<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A<</S/URI/URI(https://link.example.org/)>>>>"),
        text("<</Names[(n)<</S/JavaScript/JS 13 0 R>>]>>"),
        stream("/Type/EmbeddedFile/Filter/FlateDecode", &zlib(&deflated(&[("inner.txt", b"inner")]))),
        stream("/Filter[/ASCIIHexDecode/FlateDecode]", hex(&zlib(b"<xdp:xdp><script contentType='application/x-javascript'>xfa.host.messageBox(&quot;1&quot;)</script></xdp:xdp>")).as_bytes()),
        stream("/Filter/FlateDecode", &zlib(b"var named = 1;")),
        text("<</S/SubmitForm/F<</FS/URL/F(https://form.example.org/)>>>>"),
    ])
}

fn hex(data: &[u8]) -> String {
    data.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The members with this role.
fn with_role(data: &[u8], role: Role) -> Vec<(String, bool)> {
    let (found, _) = members(FileKind::Pdf, data);
    let found = found.into_iter().filter(|member| member.role == role);
    found.map(|member| (String::from_utf8(member.content).unwrap(), member.hidden)).collect()
}

/// The same, told in one line each.
fn active(data: &[u8]) -> Vec<(Active, String, bool)> {
    let (found, problems) = members(FileKind::Pdf, data);
    assert_eq!(problems, []);
    let tell = |member: Member| match member.role {
        Role::Active(what) => Some((what, String::from_utf8(member.content).unwrap(), member.hidden)),
        _ => None,
    };
    found.into_iter().filter_map(tell).collect()
}

#[test]
fn what_acts_is_told_with_its_words() {
    let mut found = active(&rich());
    found.sort_by(|a, b| a.1.cmp(&b.1));
    let told: Vec<_> = found.iter().map(|(what, text, hidden)| (*what, text.as_str(), *hidden)).collect();
    let expected = [
        (Active::Launch, "Launch cmd.exe /c echo launched", false),
        (Active::Form, "SubmitForm https://form.example.org/", false),
        (Active::OlePackage, "a.zip (123 bytes)", false),
        (Active::Script, "app.alert(1)", false),
        (Active::OpenUri, "http://open.example.org/", false),
        (Active::Script, "var named = 1;", false),
        (Active::Script, "xfa.host.messageBox(\"1\")", false),
    ];
    assert_eq!(told, expected);
}

#[test]
fn embedded_files_come_with_their_names() {
    let (found, problems) = members(FileKind::Pdf, &rich());
    assert_eq!(problems, []);
    let files: Vec<_> = found.iter().filter(|member| member.role == Role::File).collect();
    assert_eq!(files.len(), 1);
    assert_eq!((name(files[0]), files[0].hidden, detect(&files[0].content)), ("a.zip", false, FileKind::Zip));
    assert!(walk(&rich(), Limits::default()).names.contains(&"inner.txt".to_owned()));
}

#[test]
fn objects_in_object_streams_count_and_strings_may_look_like_heads() {
    let inner = b"20 0 21 40 <</S/JavaScript/JS(in a (1 0 obj) stream)>>   [/AA<</X<</S/Launch/F(x.exe)>>>>]";
    let data = pdf(&[
        text("<</Type/Catalog/OpenAction 20 0 R>>"),
        stream("/Type/ObjStm/N 2/First 11/Filter/FlateDecode", &zlib(inner)),
        text("<</Note(2 0 obj is no head)/S/JavaScript/JS(behind)>>"),
    ]);
    let found = active(&data);
    let told: Vec<_> = found.iter().map(|(what, text, _)| (*what, text.as_str())).collect();
    assert_eq!(
        told,
        [(Active::Script, "behind"), (Active::Script, "in a (1 0 obj) stream"), (Active::Launch, "Launch x.exe"),]
    );
}

#[test]
fn older_versions_and_what_no_table_lists_are_hidden() {
    let script = |code: &str| format!("1 0 obj\n<</Type/Catalog/OpenAction<</S/JavaScript/JS({code})>>>>\nendobj\n");
    let mut data = format!("%PDF-1.4\n{}", script("old")).into_bytes();
    let old = 9;
    let first = data.len();
    table(&mut data, &[old], "");
    data.extend(b"9 0 obj <</S/JavaScript/JS(unlisted)>> endobj\n");
    let new = data.len();
    data.extend(script("new").as_bytes());
    table(&mut data, &[new], &format!("/Prev {first}"));
    let found: Vec<_> = active(&data).into_iter().map(|(_, text, hidden)| (text, hidden)).collect();
    let expected = [("old", true), ("unlisted", true), ("new", false)].map(|(text, hidden)| (text.to_owned(), hidden));
    assert_eq!(found, expected);
    // A broken table: the last word counts.
    let broken = String::from_utf8(data).unwrap().replace("xref\n0", "xfer\n0");
    let found: Vec<_> = active(broken.as_bytes()).into_iter().map(|(_, text, hidden)| (text, hidden)).collect();
    let expected = [("old", true), ("unlisted", false), ("new", false)].map(|(text, hidden)| (text.to_owned(), hidden));
    assert_eq!(found, expected);
}

#[test]
fn what_only_the_table_shows_is_seen() {
    let mut data = b"%PDF-1.4\n1 0 obj <</Type/Catalog>> endobj\n".to_vec();
    let place = data.len();
    data.extend(b"2 %\n 0 %\n obj <</S/JavaScript/JS(listed)>> endobj\n");
    table(&mut data, &[9, place], "");
    let found = active(&data);
    assert_eq!(found, [(Active::Script, "listed".to_owned(), true)]);
}

#[test]
fn lengths_that_lie_and_streams_without_an_end_are_read() {
    let program = deflated(&[("inner.txt", b"inner")]);
    let bytes = zlib(&program);
    for length in [0, 5, 1_000_000, bytes.len()] {
        let head = format!("<</Type/EmbeddedFile/Filter/FlateDecode/Length {length}>>\nstream\r\n");
        let data = pdf(&[text("<</Type/Catalog>>"), [head.as_bytes(), &bytes, b"\r\nendstream"].concat()]);
        let (mut found, problems) = members(FileKind::Pdf, &data);
        found.retain(|member| member.role == Role::File);
        assert_eq!((found.len(), problems.len(), &found[0].content), (1, 0, &program), "{length}");
        assert_eq!(found[0].problems, []);
    }
}

#[test]
fn a_file_that_nothing_names_is_given_as_hidden() {
    let program = deflated(&[("inner.txt", b"inner")]);
    for (dict, content) in [("/Filter/FlateDecode", zlib(&program)), ("", program.clone())] {
        let data = pdf(&[text("<</Type/Catalog>>"), stream(dict, &content), stream("", &noise(3000, 2))]);
        let (found, _) = members(FileKind::Pdf, &data);
        let files: Vec<_> = found.iter().filter(|member| member.content == program).collect();
        assert!(files.len() == 1 && files[0].hidden, "{dict}");
    }
}

#[test]
fn a_pdf_behind_junk_and_in_another_file_is_read() {
    let late = [&b"junk\0\x01".repeat(30)[..], &rich()].concat();
    assert_eq!(detect(&late), FileKind::Pdf);
    assert_eq!(active(&late).len(), 7);
    let gif = [&b"GIF89a"[..], &rich()].concat();
    let (found, _) = members(detect(&gif), &gif);
    assert!(found.iter().any(|member| member.role == Role::Active(Active::Launch)));
}

#[test]
fn encrypted_documents_are_opened_by_their_passwords() {
    let folder = Folder::new("qpdf");
    folder.write("plain.pdf", &rich());
    let ways: [&[&str]; 6] = [
        &["40", "--"],
        &["128", "--use-aes=n", "--"],
        &["128", "--use-aes=y", "--"],
        &["128", "--use-aes=y", "--cleartext-metadata", "--"],
        &["256", "--force-R5", "--"],
        &["256", "--"],
    ];
    for way in ways {
        for (user, owner, try_with, expected) in [
            ("", "owner", "nothing", Some(PasswordSource::Empty)),
            ("secret", "owner", "secret", Some(PasswordSource::Message)),
            ("secret", "owner", "owner", Some(PasswordSource::Message)),
            ("secret", "owner", "wrong", None),
        ] {
            let mut arguments =
                vec!["--warning-exit-0", "--allow-weak-crypto", "plain.pdf", "out.pdf", "--encrypt", user, owner];
            arguments.extend(way);
            if folder.run("qpdf", &arguments).is_none() {
                return;
            }
            let data = folder.read("out.pdf");
            let mut passwords = Passwords::empty();
            passwords.add(try_with, PasswordSource::Message);
            let mut budget = Budget::new(Limits::default(), StopFlag::new()).with_passwords(passwords);
            let Opening::Container(mut container) = open(FileKind::Pdf, &data, &mut budget) else { panic!() };
            let mut found = Vec::new();
            while let Some(member) = container.next(&data, &mut budget) {
                found.push(member);
            }
            let word = format!("{way:?} {user} {try_with}");
            let script = found.iter().any(|member| member.content == b"var named = 1;");
            let string = found.iter().any(|member| member.content == b"app.alert(1)");
            let file = found.iter().any(|member| detect(&member.content) == FileKind::Zip && name(member) == "a.zip");
            assert_eq!([script, string, file], [expected.is_some(); 3], "{word}");
            assert_eq!(container.problems().contains(&UnscannedReason::Encrypted), expected.is_none(), "{word}");
            if expected.is_some() {
                assert!(found.iter().all(|member| member.opened_with == expected), "{word}");
            }
        }
    }
}

#[test]
fn hostile_documents_end_soon() {
    let many = |count: usize, object: &str| -> Vec<u8> {
        let mut data = b"%PDF-1.4\n".to_vec();
        for number in 1..=count {
            data.extend(format!("{number} 0 obj {object}\n").bytes());
        }
        data.extend(b"trailer <</Root 1 0 R>>");
        data
    };
    let mut chain = vec![0; 1 << 20];
    for _ in 0..10 {
        chain = zlib(&chain);
    }
    let filters = "/FlateDecode".repeat(10);
    let mut loops =
        b"%PDF-1.4\nxref\n0 1\n0000000000 65535 f \ntrailer <</Root 1 0 R/Prev 9/XRefStm 9>> startxref 9".to_vec();
    loops.extend(b"1 0 obj <</Pages 1 0 R/Kids[1 0 R]/Parent 1 0 R/Names 1 0 R/OpenAction 1 0 R/Next 1 0 R/S 1 0 R/JS 1 0 R/EF 1 0 R/XFA 1 0 R/Contents 1 0 R/Length 1 0 R/Filter 1 0 R>> stream x endstream endobj");
    let cases = [
        ("objects", many(40_000, "<</A 1>> endobj")),
        ("open strings", many(20_000, "(")),
        ("open brackets", many(20_000, "<< [ <<")),
        ("streams without an end", many(10_000, "<</Length 9>> stream")),
        ("lengths that lead in circles", many(10_000, "<</Length 7 0 R>> stream")),
        ("scripts", many(12_000, "<</JS(x)>> endobj")),
        ("bomb", pdf(&[text("<</Type/Catalog>>"), stream(&format!("/Type/EmbeddedFile/Filter[{filters}]"), &chain)])),
        (
            "object stream of object streams",
            pdf(&[
                text("<<>>"),
                stream("/Type/ObjStm/N 9/First 20", b"3 0 2 0 1 0 4 0      <</Type/ObjStm/N 1/First 0>>"),
            ]),
        ),
        ("loops", loops),
    ];
    let drawn = zlib(&b"BT /F1 9 Tf (x) Tj ET ".repeat(100_000));
    let kids = "3 0 R ".repeat(20_000);
    let pages = pdf(&[
        text("<</Type/Catalog/Pages 2 0 R>>"),
        text(&format!("<</Type/Pages/Kids[{kids}]>>")),
        text(&format!("<</Type/Page/Contents[{}]>>", "4 0 R ".repeat(1000))),
        stream("/Filter/FlateDecode", &drawn),
    ]);
    let cases = cases.into_iter().chain([("one content on all pages", pages)]);
    for (what, data) in cases {
        let start = testkit::CpuClock::now();
        let limits = Limits { fuel: 4 << 30, ..Limits::default() };
        let walked = walk(&data, limits);
        assert!(start.elapsed().as_secs() < 60, "{what}: {:?}", start.elapsed());
        assert!(!walked.reasons.contains(&UnscannedReason::LimitTime), "{what}: {:?}", walked.reasons);
        if what == "scripts" {
            assert!(walked.reasons.contains(&UnscannedReason::LimitObjects));
        }
    }
}

/// The text of a document whose one page has this content, shown and hidden.
fn page_text(content: &str) -> (String, String) {
    let fonts = "/F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>/F2 5 0 R";
    let data = pdf(&[
        text("<</Type/Catalog/Pages 2 0 R>>"),
        text(&format!("<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 600 800]/Resources<</Font<<{fonts}>>/XObject<</X 7 0 R>>>>>>")),
        text("<</Type/Page/Parent 2 0 R/Contents 4 0 R>>"),
        stream("", content.as_bytes()),
        text("<</Type/Font/Subtype/Type0/Encoding/Identity-H/ToUnicode 6 0 R/DescendantFonts[<</DW 500>>]>>"),
        stream("", b"1 begincodespacerange <0000> <ffff> endcodespacerange 1 beginbfchar <0001> <00480069> endbfchar 2 beginbfrange <0010> <0012> <0061> <0020> <0021> [<0416> <D83DDE00>] endbfrange"),
        stream("/Subtype/Form/Matrix[1 0 0 1 0 0]/Resources<<>>", b"BT /F1 9 Tf (no font here) Tj ET /X Do"),
    ]);
    let one = |role| with_role(&data, role).pop().map(|(text, _)| text).unwrap_or_default();
    (one(Role::Text), one(Role::HiddenText))
}

#[test]
fn pages_give_their_text_and_tell_what_is_hidden() {
    let cases = [
        ("BT /F1 12 Tf 72 700 Td (Hel) Tj (lo) Tj 0 -14 Td (World \\200) Tj ET", "Hello\nWorld €\n", ""),
        ("BT /F1 12 Tf 14 TL 72 700 Td [(W) 80 (ide) -300 (gap)] TJ (next) ' ET", "Wide gap\nnext\n", ""),
        ("BT /F2 12 Tf 1 0 0 1 72 700 Tm <0001001000110012> Tj <00200021> Tj ET", "HiabcЖ😀\n", ""),
        ("BT /F1 12 Tf 72 700 Td (seen) Tj 3 Tr (unseen) Tj ET", "seen\n", "unseen\n"),
        ("BT 1 g /F1 12 Tf 72 700 Td (white) Tj 0 g (black) Tj ET", "black\n", "white\n"),
        ("0 0 1 rg 0 0 600 800 re f BT 1 g /F1 12 Tf 72 700 Td (white on blue) Tj ET", "white on blue\n", ""),
        ("BT 1 1 1 rg /F1 12 Tf 72 700 Td (w) Tj 0 0 0 0 k (x) Tj ET", "", "wx\n"),
        ("BT /F1 0.2 Tf 72 700 Td (tiny) Tj ET BT /F1 1 Tf 11 0 0 11 72 700 Tm (large) Tj ET", "large\n", "tiny\n"),
        ("BT /F1 12 Tf 72 900 Td (above) Tj ET BT /F1 12 Tf 72 -90 Td (below) Tj ET", "", "above\nbelow\n"),
        (
            "q 0.01 0 0 0.01 0 0 cm BT /F1 12 Tf 72 700 Td (scaled) Tj ET Q BT /F1 9 Tf 9 9 Td (back) Tj ET",
            "back\n",
            "scaled\n",
        ),
        ("/X Do /X Do BT /F1 9 Tf 9 9 Td (after) Tj ET", "after\n", ""),
        ("BI /W 1 /H 1 ID (x EI Q BT /F1 9 Tf 9 9 Td (image) Tj ET", "image\n", ""),
    ];
    for (content, shown, hidden) in cases {
        assert_eq!(page_text(content), (shown.to_owned(), hidden.to_owned()), "{content}");
    }
}

#[test]
fn addresses_and_fields_belong_to_the_text() {
    let shown = with_role(&rich(), Role::Text).pop().unwrap().0;
    for part in ["Hello, reader", "https://link.example.org/", "http://open.example.org/"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert_eq!(with_role(&rich(), Role::HiddenText), [("nobody sees this\n".to_owned(), false)]);
}

#[test]
fn text_is_what_pdftotext_gives() {
    let folder = Folder::new("ghostscript");
    let words = "The quick brown fox, jumps over\nthe lazy dog: 12,50 EUR (netto).\nA second line; and more?";
    let shows: String = words
        .lines()
        .zip((0..).step_by(20))
        .map(|(line, down)| {
            let line = line.replace('(', "\\(").replace(')', "\\)");
            format!("72 {} moveto ({line}) show\n", 700 - down)
        })
        .collect();
    folder.write("page.ps", format!("%!PS\n/Times-Roman findfont 12 scalefont setfont\n{shows}showpage\n").as_bytes());
    if folder.run("gs", &["-q", "-dBATCH", "-dNOPAUSE", "-sDEVICE=pdfwrite", "-o", "page.pdf", "page.ps"]).is_none() {
        return;
    }
    let Some(theirs) = folder.run("pdftotext", &["page.pdf", "-"]) else { return };
    let plain = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let ours = with_role(&folder.read("page.pdf"), Role::Text).pop().unwrap().0;
    let theirs = String::from_utf8(theirs).unwrap();
    assert_eq!(plain(&theirs), plain(words));
    assert!(ours.starts_with(words), "{ours}");
}
