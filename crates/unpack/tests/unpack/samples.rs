//! Stored samples: `samples/NAME.b64`, a file made by another program, and `samples/NAME.expected`,
//! what is inside. With `MAILWARD_BLESS=1` in the environment the expected lists are written anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use mail::evidence::Role;
use unpack::{Budget, Container, Limits, Opening, StopFlag, detect, open};

use crate::support::name;

/// All samples, by name.
pub(crate) fn stored_samples() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/unpack/samples");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "b64"));
    paths.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let text: String = text.split_ascii_whitespace().collect();
        let data = base64_simd::STANDARD.decode_to_vec(text).unwrap();
        (path, data)
    };
    paths.into_iter().map(read).collect()
}

/// One sample, by its name.
pub(crate) fn stored_sample(name: &str) -> Vec<u8> {
    let found = stored_samples().into_iter().find(|(path, _)| path.file_stem().is_some_and(|stem| stem == name));
    found.unwrap_or_else(|| panic!("there is no sample {name}")).1
}

/// Everything inside a file, a line each: how deep, name, kind, size, what is wrong.
fn listing(data: &[u8]) -> String {
    let mut budget = Budget::new(Limits::default(), StopFlag::new());
    let mut out = format!("{}\n", detect(data).name());
    let mut stack: Vec<(Vec<u8>, Box<dyn Container>)> = Vec::new();
    match open(detect(data), data, &mut budget) {
        Opening::Container(container) => stack.push((data.to_vec(), container)),
        other => panic!("{other:?}"),
    }
    while let Some((bytes, container)) = stack.last_mut() {
        let Some(member) = container.next(bytes, &mut budget) else {
            let problems = container.problems().to_vec();
            stack.pop();
            for problem in problems {
                writeln!(out, "{}! {problem:?}", "  ".repeat(stack.len() + 1)).unwrap();
            }
            continue;
        };
        let kind = detect(&member.content);
        write!(out, "{}{:?} {} {}", "  ".repeat(stack.len()), name(&member), kind.name(), member.content.len())
            .unwrap();
        write!(out, " {:08x}", crc32fast::hash(&member.content)).unwrap();
        out += if member.hidden { " unlisted" } else { "" };
        if member.role != Role::File {
            let text: String = String::from_utf8_lossy(&member.content).chars().take(120).collect();
            write!(out, " {:?} {text:?}", member.role).unwrap();
        }
        for problem in &member.problems {
            write!(out, " {problem:?}").unwrap();
        }
        out += "\n";
        // What the container knows already is not to be opened.
        let known = member.kind.is_some() && member.role != Role::File;
        if !known && let Opening::Container(inner) = open(kind, &member.content, &mut budget) {
            stack.push((member.content, inner));
        }
    }
    out
}

#[test]
fn stored_samples_are_read_as_expected() {
    let samples = stored_samples();
    assert!(samples.len() >= 8);
    for (path, data) in samples {
        let expected = path.with_extension("expected");
        let found = listing(&data);
        if std::env::var_os("MAILWARD_BLESS").is_some() {
            std::fs::write(&expected, &found).unwrap();
        }
        let expected = std::fs::read_to_string(expected).unwrap_or_default();
        assert_eq!(found, expected, "{}", path.display());
    }
}
