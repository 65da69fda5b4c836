//! What stands behind more decoys than are looked at: it is found, or it is said that there is more.

use mail::evidence::FileKind;
use mail::evidence::UnscannedReason::{LimitObjects, LimitRatio};

use unpack::Member;

use crate::ole2::build::{Compound, compress};
use crate::support::{noise, open_all, program_of};

/// A record of a workbook, and one of a presentation or a film, whose numbers are wider.
fn record(id: u16, body: &[u8]) -> Vec<u8> {
    [&id.to_le_bytes()[..], &(body.len() as u16).to_le_bytes(), body].concat()
}

fn wide(id: u16, body: &[u8]) -> Vec<u8> {
    [&[0, 0][..], &id.to_le_bytes(), &(body.len() as u32).to_le_bytes(), body].concat()
}

fn compound(stream: &str, content: &[u8]) -> Vec<u8> {
    let mut file = Compound::new();
    file.stream(stream, content);
    file.finish()
}

fn workbook(records: &[u8]) -> Vec<u8> {
    let start = record(0x0809, &[0, 6, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    compound("Workbook", &[&start[..], records, &record(0x000a, b"")].concat())
}

/// Names that hold a number, and behind them one that runs by itself.
fn names(decoys: usize) -> Vec<u8> {
    let name =
        |flags: u8, letter: u8| record(0x0018, &[flags, 0, 0, 1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, letter, 0x1e, 7, 0]);
    workbook(&[name(0, b'a').repeat(decoys), name(0x20, 1)].concat())
}

/// Links to files beside the workbook, and behind them one that starts a program.
fn links(decoys: usize) -> Vec<u8> {
    let book = |text: &[u8]| record(0x01ae, &[&[0, 0, text.len() as u8, 0, 0][..], text].concat());
    workbook(&[book(b"\x01a.xls").repeat(decoys), book(b"cmd\x03/c ab")].concat())
}

/// Objects of a presentation, the last of which is a program.
fn objects(decoys: usize) -> Vec<u8> {
    let all = [wide(0x1011, b"decoy").repeat(decoys), wide(0x1011, &program_of(&[], 0))].concat();
    compound("PowerPoint Document", &all)
}

/// Tags of a film, the last of which holds a file.
fn film(decoys: usize) -> Vec<u8> {
    let head = b"FWS\x09\xff\0\0\0\x08\0\0\x18\x01\0";
    [&head[..], &[0x40, 0].repeat(decoys), b"\xcc\x15\x01\0\0\0\0\0secret"].concat()
}

/// Modules in one stream that no directory lists, the last of which acts.
fn modules(decoys: usize) -> Vec<u8> {
    // Zeros behind it, as no chunk begins with them.
    let decoy = [compress(b"Attribute VB_Name = \"a\"\r\n"), vec![0; 16]].concat();
    let last = compress(b"Attribute VB_Name = \"b\"\r\nSub AutoOpen()\r\nEnd Sub\r\n");
    compound("Data", &[&noise(16, 1)[..], &decoy.repeat(decoys), &last].concat())
}

/// Variables of a script, the last of which is a part of what is run.
fn variables(decoys: usize) -> Vec<u8> {
    let decoys: String = (0..decoys).map(|number| format!("var v{number}='a';\n")).collect();
    format!("{decoys}var x='WScript.Sh';var y='ell';eval('new ActiveXObject('+x+y+')');").into_bytes()
}

/// Pages that a script writes, the last of which has a form.
fn pages(decoys: usize) -> Vec<u8> {
    format!("{}document.write('<fo'+'rm action=x>');", "document.write('<p>'+'a');\n".repeat(decoys)).into_bytes()
}

#[test]
fn what_stands_behind_decoys_is_found_or_it_is_said_that_there_is_more() {
    type Build = fn(usize) -> Vec<u8>;
    let cases: [(&str, FileKind, usize, Build, &str); 7] = [
        ("names", FileKind::Ole2, 65_536, names, "Auto_Open"),
        ("links", FileKind::Ole2, 65_536, links, "cmd|/c ab"),
        ("objects", FileKind::Ole2, 4096, objects, "MZ"),
        ("tags", FileKind::OtherArchive, 65_536, film, "secret"),
        ("modules", FileKind::Ole2, 64, modules, "AutoOpen"),
        ("variables", FileKind::Script, 20_000, variables, "WScript.Shell"),
        ("pages", FileKind::Script, 1024, pages, "<form action=x>"),
    ];
    let mut wrong = Vec::new();
    for (what, kind, limit, build, victim) in cases {
        // With few of them the last is found, and nothing is said.
        let (few, problems) = open_all(kind, &build(1));
        let holds = |member: &Member| member.content.windows(victim.len()).any(|at| at == victim.as_bytes());
        if problems.contains(&LimitObjects) || !few.iter().any(holds) {
            wrong.push(format!("{what}: {victim} is not found behind one"));
        }
        let (_, problems) = open_all(kind, &build(limit));
        // Of scripts it is said that more would be made than is.
        let limits = if kind == FileKind::Script { &[LimitRatio][..] } else { &[LimitObjects] };
        if !problems.iter().any(|problem| limits.contains(problem)) {
            wrong.push(format!("{what}: more is not told"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
