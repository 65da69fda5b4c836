//! Every file name that a client may show for a part.
//!
//! First what the grammar gives: of Content-Disposition, then of Content-Type. Then what other clients
//! take: the same of further fields of these names, `name` and `filename` in each other's place, pieces
//! in the order in which they stand, percent escapes undone or left, bytes above 127 as UTF-8 and as
//! windows-1252. Last, each name as it looks or works on a disk: up to a NUL, without controls and
//! characters that only turn the direction or have no width, without dots and blanks at its end, with
//! look-alike letters as what they look like, turned as a screen turns it.

use super::Field;
use crate::filename;
use crate::header::{self, Structured};
use crate::untrusted::Untrusted;

/// Most names of one entity; more are told.
const MAX_NAMES: usize = 32;
/// Most fields of one name that are looked at.
const MAX_FIELDS: usize = 6;
/// Longest name in bytes, and how much of its end is kept of a longer one.
const MAX_NAME: usize = 1024;
const NAME_END: usize = 256;

/// The names by these fields; `disposition` and `content_type` are the first of their kind, `several`
/// says whether they are not the only ones. The flag says that there are more.
pub(super) fn names(
    buffer: &[u8],
    fields: &[Field],
    several: bool,
    disposition: &Structured,
    content_type: &Structured,
) -> (Vec<Untrusted<String>>, bool) {
    let mut out = Names::default();
    disposition.texts("filename").into_iter().chain(content_type.texts("name")).for_each(|name| out.put(name));
    let odd = |value: &Structured, own: &str, other: &str| (value.has(own) && value.is_varied(own)) || value.has(other);
    let varied = odd(disposition, "filename", "name") || odd(content_type, "name", "filename");
    let is_name =
        |field: &&Field| field.name_is(buffer, "content-disposition") || field.name_is(buffer, "content-type");
    if varied || several || !out.all.iter().all(|name| is_simple(name.raw())) {
        for field in fields.iter().filter(is_name).take(MAX_FIELDS) {
            lax(&Structured::parse(field.value.of(buffer)), &mut out);
        }
        for at in 0..out.all.len() {
            let Some(name) = out.all.get(at).map(|name| name.raw().clone()) else { break };
            shown(&name, &mut out);
        }
    }
    (out.all, out.more)
}

/// Names without repetition.
#[derive(Default)]
struct Names {
    all: Vec<Untrusted<String>>,
    more: bool,
}

impl Names {
    fn put(&mut self, name: String) {
        let name = Untrusted::new(cut_middle(name));
        if name.raw().is_empty() || self.all.contains(&name) {
            return;
        }
        if self.all.len() < MAX_NAMES {
            self.all.push(name);
        } else {
            self.more = true;
        }
    }
}

/// Whether all clients show a name alike.
fn is_simple(name: &str) -> bool {
    name.bytes().all(|byte| matches!(byte, 32..=126) && !matches!(byte, b'%' | b'\'' | b'=' | b'"' | b'\\'))
        && !name.ends_with(['.', ' '])
}

/// What lax clients take from a field.
fn lax(field: &Structured, out: &mut Names) {
    for parameter in ["filename", "name"] {
        field.texts(parameter).into_iter().for_each(|name| out.put(name));
        for value in field.names(parameter) {
            out.put(header::decode_words(&value));
            if !value.is_ascii() {
                out.put(String::from_utf8_lossy(&value).into_owned());
                out.put(encoding_rs::WINDOWS_1252.decode_without_bom_handling(&value).0.into_owned());
            }
        }
    }
}

/// How a name looks, and what a disk makes of it.
fn shown(name: &str, out: &mut Names) {
    out.put(name.split('\0').next().unwrap_or(name).to_owned());
    let visible = filename::visible(name);
    out.put(visible.trim_end_matches(['.', ' ']).to_owned());
    out.put(filename::as_it_looks(&visible));
    out.put(filename::as_it_is_shown(name));
    out.put(visible);
}

/// A name cut in its middle: masks look at its end.
fn cut_middle(name: String) -> String {
    if name.len() <= MAX_NAME {
        return name;
    }
    let head = name.floor_char_boundary(MAX_NAME - NAME_END - '…'.len_utf8());
    let tail = name.ceil_char_boundary(name.len() - NAME_END);
    format!("{}…{}", name.get(..head).unwrap_or(""), name.get(tail..).unwrap_or(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(header: &str) -> Vec<String> {
        let raw = format!("{header}\r\n\r\n").into_bytes();
        named_raw(&raw)
    }

    fn named_raw(raw: &[u8]) -> Vec<String> {
        let message = crate::graph::parse(raw, &crate::graph::Limits::default());
        let names = &message.entity(crate::graph::EntityId(0)).unwrap().names;
        names.iter().map(|name| name.raw().clone()).collect()
    }

    #[test]
    fn every_name_that_a_client_may_show_is_given() {
        let d = "Content-Disposition: attachment; ";
        let cases: Vec<(String, Vec<&str>)> = vec![
            (format!("{d}filename=a.txt"), vec!["a.txt"]),
            (format!("{d}filename=\"my file.txt\""), vec!["my file.txt"]),
            (format!("{d}filename=a.txt\r\n{d}filename=b.exe"), vec!["a.txt", "b.exe"]),
            (format!("{d}filename=a.txt\r\nContent-Type: x/y; name=b.exe"), vec!["a.txt", "b.exe"]),
            (format!("{d}name=b.exe; filename=a.txt.%65xe"), vec!["a.txt.%65xe", "a.txt.exe", "b.exe"]),
            (format!("{d}filename*=utf-8''b.exe; filename=a.txt"), vec!["b.exe", "a.txt"]),
            (format!("{d}filename*1=exe; filename*0=a."), vec!["a.exe", "exea.", "exe", "exea"]),
            (format!("{d}filename=\"a.exe.  .\""), vec!["a.exe.  .", "a.exe"]),
            (format!("{d}filename=\"a.exe\0.txt\""), vec!["a.exe\0.txt", "a.exe", "a.exe.txt"]),
            (format!("{d}filename=\"=?utf-8?Q?b=2Eexe?=\""), vec!["b.exe"]),
            (format!("{d}filename*=utf-8''gpj.%E2%80%AEexe"), vec!["gpj.\u{202e}exe", "gpj.exe"]),
            (format!("{d}filename*=utf-8''a%E2%80%AEgpj.exe"), vec!["a\u{202e}gpj.exe", "agpj.exe", "aexe.jpg"]),
            (format!("{d}filename*=utf-8''a.%D0%B5%D1%85%D0%B5"), vec!["a.ехе", "a.exe"]),
            (format!("{d}filename=\"=?utf-8?Q?a=2E=D0=B5=D1=85=D0=B5?=\""), vec!["a.ехе", "a.exe"]),
            (format!("{d}filename=\"c:\\x\\y.exe\""), vec!["c:xy.exe", "c:\\x\\y.exe"]),
        ];
        for (header, expected) in cases {
            let names = named(&header);
            assert_eq!(names.first().map(String::as_str), expected.first().copied(), "{header:?}");
            for name in expected {
                assert!(names.iter().any(|known| known == name), "{name:?} not in {names:?}");
            }
            assert!(names.len() <= MAX_NAMES);
        }
        let names = named_raw(b"Content-Disposition: attachment; filename=\"\xc3\xbc.exe\"\r\n\r\n");
        assert_eq!(names, ["ü.exe", "Ã¼.exe"]);
    }

    #[test]
    fn a_long_name_keeps_its_end() {
        let name = cut_middle(format!("{}.exe", "ü".repeat(5000)));
        assert!(name.len() <= MAX_NAME && name.ends_with(".exe"), "{}", name.len());
        assert_eq!(cut_middle("a.exe".to_owned()), "a.exe");
    }
}
