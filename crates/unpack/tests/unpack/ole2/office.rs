//! Documents, workbooks, presentations and what is encrypted of them: files that LibreOffice and
//! msoffcrypto-tool wrote, and built ones.

use mail::evidence::{Active, FileKind, PasswordSource, Role, UnscannedReason};
use unpack::{Budget, Limits, Member, Opening, Passwords, StopFlag, open};

use super::build::Compound;
use super::{named, opened};
use crate::samples::stored_sample;

/// The members of a file that is opened with these passwords, and its problems.
fn with(data: &[u8], passwords: &[&str]) -> (Vec<Member>, Vec<UnscannedReason>) {
    let mut all = Passwords::empty();
    passwords.iter().for_each(|password| all.add(password, PasswordSource::Message));
    let mut budget = Budget::new(Limits::default(), StopFlag::new()).with_passwords(all);
    let Opening::Container(mut container) = open(FileKind::Ole2, data, &mut budget) else { panic!("does not open") };
    let mut found = Vec::new();
    while let Some(member) = container.next(data, &mut budget) {
        found.push(member);
    }
    (found, container.problems().to_vec())
}

/// The content of all members of a role, as text.
fn of_role(all: &[Member], role: Role) -> String {
    let found = all.iter().filter(|member| member.role == role);
    found.map(|member| String::from_utf8_lossy(&member.content).into_owned()).collect::<Vec<_>>().join("\n---\n")
}

const SHOWN: &str = "Dear reader, this is the visible text of Word with grüße and Привет.\n\
    <http://example.org/login> bank link\nlast paragraph.";

#[test]
fn a_document_shows_its_text_and_what_of_it_is_hidden() {
    let (all, problems) = opened(&stored_sample("doc"));
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(of_role(&all, Role::Text), SHOWN);
    assert_eq!(of_role(&all, Role::HiddenText), "this is the hidden secret text");
}

#[test]
fn a_document_that_is_encrypted_opens_with_its_password() {
    let data = stored_sample("doc_password");
    let (all, problems) = with(&data, &["wrong", "secret"]);
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(of_role(&all, Role::Text), SHOWN);
    assert_eq!(named(&all, "WordDocument").opened_with, Some(PasswordSource::Message));
    let (all, problems) = with(&data, &["wrong"]);
    assert_eq!(problems, [UnscannedReason::Encrypted]);
    assert_eq!(of_role(&all, Role::Text), "");
}

#[test]
fn a_workbook_shows_its_text_and_what_stands_in_hidden_sheets() {
    let (all, problems) = opened(&stored_sample("xls"));
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(of_role(&all, Role::Text), "visible cell text with grüße");
    assert_eq!(of_role(&all, Role::HiddenText), "hidden sheet text");
}

#[test]
fn an_agile_package_opens_with_its_password() {
    let data = stored_sample("docx_password_agile");
    let (all, problems) = with(&data, &["secret"]);
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(all[0].opened_with, Some(PasswordSource::Message));
    assert_eq!(unpack::detect(&all[0].content), FileKind::Ooxml);
    let (_, problems) = with(&data, &[]);
    assert_eq!(problems, [UnscannedReason::Encrypted]);
}

/// One record of a workbook.
fn record(id: u16, body: &[u8]) -> Vec<u8> {
    [&id.to_le_bytes()[..], &(body.len() as u16).to_le_bytes(), body].concat()
}

/// A workbook of one sheet of macros that runs a program, with a link to another.
fn macros(pass: &[u8]) -> Vec<u8> {
    let start = |kind: u8| record(0x0809, &[0, 6, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let name = [&[0x20, 0, 0, 1, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1][..], &[0x3a, 0, 0, 0, 0, 0, 0]].concat();
    let head = [start(5), pass.to_vec()].concat();
    let behind = [
        record(0x01ae, b"\x01\0\x01\x04"),
        record(0x01ae, b"\0\0\x09\0\0cmd\x03/c ab"),
        record(0x0017, &[1, 0, 0, 0, 0, 0, 0, 0]),
        record(0x0018, &name),
        record(0x00fc, b"\x01\0\0\0\x01\0\0\0\x04\0\0text"),
        record(0x000a, b""),
    ]
    .concat();
    let entry = |at: usize| record(0x0085, &[&(at as u32).to_le_bytes()[..], b"\x02\x01\x02\0M1"].concat());
    let at = head.len() + entry(0).len() + behind.len();
    let tokens = b"\x17\x04\0calc\x42\x01\x6e\0";
    let mut formula = vec![0; 20];
    formula.extend((tokens.len() as u16).to_le_bytes());
    formula.extend(tokens);
    let sheet =
        [start(0x40), record(0x0006, &formula), record(0x00fd, &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0]), record(0x000a, b"")];
    [head, entry(at), behind, sheet.concat()].concat()
}

fn workbook(stream: &[u8]) -> Vec<u8> {
    let mut file = Compound::new();
    file.stream("Workbook", stream);
    file.finish()
}

#[test]
fn macros_of_excel_4_are_written_out() {
    let (all, problems) = opened(&workbook(&macros(b"")));
    assert!(problems.is_empty(), "{problems:?}");
    let sheet = named(&all, "M1 (very hidden)");
    assert_eq!(sheet.role, Role::Active(Active::Xlm));
    assert_eq!(String::from_utf8_lossy(&sheet.content), "A1 =EXEC(\"calc\")\nA2 text\n");
    assert_eq!(String::from_utf8_lossy(&named(&all, "names").content), "Auto_Open =M1!A1\n");
    assert_eq!(of_role(&all, Role::Active(Active::Dde)), "cmd|/c ab");
    assert_eq!(of_role(&all, Role::HiddenText), "text");
}

/// What XOR obfuscation makes of a workbook with the password that Excel itself uses, by its sixteen
/// bytes as another program gives them.
fn obfuscated() -> Vec<u8> {
    const KEY: [u8; 16] = [135, 107, 154, 226, 30, 227, 5, 98, 30, 105, 150, 96, 152, 110, 148, 4];
    let mut data = macros(&record(0x002f, &[0, 0, 0, 0, 0x0a, 0x9a]));
    let mut at = 0;
    while at < data.len() {
        let id = u16::from_le_bytes([data[at], data[at + 1]]);
        let size = usize::from(u16::from_le_bytes([data[at + 2], data[at + 3]]));
        let start = at + 4;
        let skip = match id {
            0x0809 | 0x002f => size,
            0x0085 => 4,
            _ => 0,
        };
        for offset in skip..size {
            let key = KEY[(start + size + offset) % 16];
            data[start + offset] = data[start + offset].rotate_left(5) ^ key;
        }
        at = start + size;
    }
    data
}

#[test]
fn a_workbook_under_the_password_of_excel_itself_opens() {
    let (all, problems) = with(&workbook(&obfuscated()), &[]);
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(named(&all, "Workbook").opened_with, Some(PasswordSource::Empty));
    assert!(of_role(&all, Role::Active(Active::Xlm)).contains("EXEC(\"calc\")"));
}

/// A presentation and its other stream, encrypted with the keys that msoffcrypto-tool derives.
const PRESENTATION: &str = "k9jJwjjSVWnPR3CL0vrN1IFA3+YUHWZSfmE3HdNg1SLkGTc5Dw8AFC9sAAAAAgACAAQAAAAkAAAABAAAAAAAAAABaAAABIAA\
    AIAAAAABAAAAAAAAAAAAAABYAAAAEAAAAAABAgMEBQYHCAkKCwwNDg9yD+dP4HefNvlZMX2Y965JFAAAAHUp2Kf69K/5uDbZ\
    XOIUGYFNCixRAAByFwwAAAABACAAAAAAACUAAAAAAPUPIAAAAAAAAAAAAAADAAAAAJkAAAABAAAAAgAAAAAAAAACAAAA";
const USER: &str = "AAD2DxgAAAAUAAAA38TR860AAAAAAAAAAAAAAAAAAAA=";

#[test]
fn an_encrypted_presentation_opens_with_its_password() {
    let bytes = |text: &str| base64_simd::STANDARD.decode_to_vec(text).unwrap();
    let mut file = Compound::new();
    file.stream("PowerPoint Document", &bytes(PRESENTATION));
    file.stream("Current User", &bytes(USER));
    let data = file.finish();
    let (all, problems) = with(&data, &["secret"]);
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(of_role(&all, Role::Text), "slide text that was encrypted");
    let (_, problems) = with(&data, &["other"]);
    assert_eq!(problems, [UnscannedReason::Encrypted]);
}

#[test]
fn presentations_are_read_and_their_objects_opened() {
    let inner = workbook(&macros(b""));
    let mut packed = (inner.len() as u32).to_le_bytes().to_vec();
    packed.extend([0x78, 0x9c]);
    packed.extend(crate::support::deflate(&inner));
    let atom = |head: u16, id: u16, body: &[u8]| {
        [&head.to_le_bytes()[..], &id.to_le_bytes(), &(body.len() as u32).to_le_bytes(), body].concat()
    };
    let mut file = Compound::new();
    file.stream("PowerPoint Document", &[atom(0, 0x0fa8, b"slide text"), atom(0x10, 0x1011, &packed)].concat());
    let (all, problems) = opened(&file.finish());
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(of_role(&all, Role::Text), "slide text");
    assert!(named(&all, "object 1").content == inner);
}

#[test]
fn packages_give_their_file_and_links_their_target() {
    let inner = b"\x02\0a.txt\0C:\\a.txt\0\0\0\x03\0\x04\0\0\0a.t\0\x15\0\0\0what the package has.";
    let native = [&(inner.len() as u32).to_le_bytes()[..], inner].concat();
    let address: Vec<u8> = "http://example.org/x.hta\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let moniker = b"\xe0\xc9\xea\x79\xf9\xba\xce\x11\x8c\x82\0\xaa\0\x4b\xa9\x0b";
    let link = [&b"\x01\0\0\x02"[..], moniker, &(address.len() as u32).to_le_bytes(), &address].concat();
    let mut file = Compound::new();
    file.stream("ObjectPool/_1/\u{1}Ole10Native", &native);
    file.stream("ObjectPool/_1/\u{1}Ole", &link);
    file.stream("ObjectPool/_2/Equation Native", &[7; 40]);
    let (all, problems) = opened(&file.finish());
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(named(&all, "a.txt").content, b"what the package has.");
    assert!(of_role(&all, Role::Active(Active::OlePackage)).contains("equation editor"));
    assert!(of_role(&all, Role::Active(Active::OlePackage)).contains("C:\\a.txt"));
    assert_eq!(of_role(&all, Role::Active(Active::RemoteTemplate)), "http://example.org/x.hta\n");
}

/// The text of a property in UTF-16.
fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn items_of_outlook_give_bodies_and_attachments_by_name() {
    let mut file = Compound::new();
    file.stream("__properties_version1.0", &[0; 32]);
    file.stream("__substg1.0_0037001F", &wide("Offer"));
    file.stream("__substg1.0_1000001F", &wide("The body."));
    file.stream("__substg1.0_10130102", b"<html><p>The body in HTML</p></html>");
    file.stream("__substg1.0_851F001F", &wide("\\\\192.0.2.1\\a\\b.wav"));
    file.stream("__attach_version1.0_#00000000/__substg1.0_3707001F", &wide("long name.txt"));
    file.stream("__attach_version1.0_#00000000/__substg1.0_3704001E", b"LONGNA~1.TXT");
    file.stream("__attach_version1.0_#00000000/__substg1.0_37010102", b"attached");
    let inner = "__attach_version1.0_#00000001/__substg1.0_3701000D";
    file.stream(&format!("{inner}/__properties_version1.0"), &[0; 24]);
    file.stream(&format!("{inner}/__substg1.0_0037001F"), &wide("Inner"));
    file.stream(&format!("{inner}/__attach_version1.0_#00000000/__substg1.0_37010102"), b"deep");
    let (all, problems) = opened(&file.finish());
    assert!(problems.is_empty(), "{problems:?}");
    assert!(of_role(&all, Role::Text).starts_with("Subject: Offer\nThe body."));
    assert_eq!(named(&all, "body.html").content, b"<html><p>The body in HTML</p></html>");
    let attached = named(&all, "long name.txt");
    assert!(attached.attachment && attached.content == b"attached");
    assert_eq!(attached.other_names[0].raw(), "LONGNA~1.TXT");
    assert_eq!(of_role(&all, Role::Active(Active::OpenUri)), "\\\\192.0.2.1\\a\\b.wav");
    let item = named(&all, "Inner");
    assert_eq!(item.kind, Some(FileKind::Message));
    let deep = all.iter().find(|member| member.content == b"deep").unwrap();
    assert_eq!(deep.parent, Some(item.index));
    assert_eq!(all.len(), 7, "{all:?}");
}

#[test]
fn installers_tell_what_they_run() {
    let pool = b"\xe4\x04\0\0\x03\0\x01\0\x02\0\x01\0\x0a\0\x01\0";
    let mut file = Compound::new();
    // Names are packed: two letters in one.
    file.stream("\u{4840}\u{3f3f}\u{4577}\u{446c}\u{3e6a}\u{44b2}\u{482f}", pool);
    file.stream("\u{4840}\u{3f3f}\u{4577}\u{446c}\u{3b6a}\u{45e4}\u{4824}", b"Runxxcmd /c dir");
    file.stream("\u{4840}\u{460c}\u{45f6}\u{4432}\u{418a}\u{4337}\u{4472}", b"\x01\0\x32\x80\x02\0\x03\0");
    let (all, problems) = opened(&file.finish());
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(of_role(&all, Role::Active(Active::Launch)), "Run xx cmd /c dir");
    assert_eq!(named(&all, "!_StringPool").content, pool);
}

/// Files to be mutated: one of each reader.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut item = Compound::new();
    item.stream("__properties_version1.0", &[0; 64]);
    item.stream("__substg1.0_1000001F", &wide("The body."));
    item.stream("__attach_version1.0_#00000000/__substg1.0_37010102", b"attached");
    item.stream("__attach_version1.0_#00000001/__substg1.0_3701000D/__properties_version1.0", &[0; 24]);
    let bytes = |text: &str| base64_simd::STANDARD.decode_to_vec(text).unwrap();
    let mut slides = Compound::new();
    slides.stream("PowerPoint Document", &bytes(PRESENTATION));
    slides.stream("Current User", &bytes(USER));
    vec![item.finish(), slides.finish(), workbook(&macros(b"")), workbook(&obfuscated()), super::vba::seed()]
}

#[test]
fn mutated_files_of_every_reader_end_within_the_budget() {
    for (number, seed) in seeds().into_iter().enumerate() {
        for round in 0..60 {
            let mut data = seed.clone();
            let noise = crate::support::noise(24, number as u64 * 1000 + round);
            for four in noise.chunks_exact(4).take(1 + round as usize % 6) {
                // Half of the changes hit the streams' first sectors, where heads stand.
                let place = u32::from_le_bytes([four[0], four[1], four[2], 0]) as usize;
                let range = if round % 2 == 0 { data.len() } else { data.len().min(2048) };
                data[place % range] = four[3];
            }
            unpack::fuzzing::fuzz_ole2(&data);
        }
    }
}

#[test]
fn pieces_that_lie_over_one_another_end_at_a_limit() {
    let mut main = vec![b'a'; 1 << 20];
    main[..4].copy_from_slice(&[0xec, 0xa5, 0xc1, 0]);
    main[10..12].fill(0);
    let pieces = 60_000_u32;
    let mut list: Vec<u8> = (0..=pieces).flat_map(|number| (number * 70_000).to_le_bytes()).collect();
    list.extend((0..pieces).flat_map(|_| [0, 0, 0, 0, 0, 0x40, 0, 0]));
    let table = [&b"\x02"[..], &(list.len() as u32).to_le_bytes(), &list].concat();
    main[0x1a2..0x1a6].fill(0);
    main[0x1a6..0x1aa].copy_from_slice(&(table.len() as u32).to_le_bytes());
    let mut file = Compound::new();
    file.stream("WordDocument", &main);
    file.stream("0Table", &table);
    let start = testkit::CpuClock::now();
    let (all, problems) = opened(&file.finish());
    assert_eq!(problems, [UnscannedReason::LimitBytes]);
    assert!(of_role(&all, Role::Text).len() <= 4 << 20);
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}
