//! Macros in Visual Basic.

use mail::evidence::{Active, Role, UnscannedReason};
use unpack::Limits;

use super::build::{Compound, compress, project};
use super::{named, opened};
use crate::support::walk;

const SOURCE: &str = "Attribute VB_Name = \"Module1\"\r\nSub AutoOpen()\r\n    MsgBox \"hello\"\r\nEnd Sub\r\n";

/// A project of one module: what stands in front of its source, and the source.
fn with(cache: &[u8], source: &[u8], offset: usize) -> Vec<u8> {
    let mut file = Compound::new();
    file.stream("Macros/VBA/dir", &project(&[("Module1", offset)]));
    file.stream("Macros/VBA/Module1", &[cache, source].concat());
    file.finish()
}

/// A file to be mutated.
pub(crate) fn seed() -> Vec<u8> {
    let cache = literal("only compiled");
    with(&cache, &compress(SOURCE.as_bytes()), cache.len())
}

/// The code for a text in p-code.
fn literal(text: &str) -> Vec<u8> {
    [b"\xb9\0", &(text.len() as u16).to_le_bytes()[..], text.as_bytes()].concat()
}

#[test]
fn modules_come_as_source_by_name() {
    let (all, problems) = opened(&with(b"compiled", &compress(SOURCE.as_bytes()), 8));
    assert!(problems.is_empty(), "{problems:?}");
    let module = named(&all, "Module1");
    assert_eq!(module.role, Role::Active(Active::Vba));
    assert_eq!(String::from_utf8_lossy(&module.content), SOURCE);
    assert_eq!(all[0].name, module.name, "macros come first");
    assert!(!all.iter().any(|member| member.name.as_ref().is_some_and(|name| name.raw() == "Macros/VBA/Module1")));
}

#[test]
fn a_module_of_attributes_alone_does_not_act() {
    let source = b"Attribute VB_Name = \"ThisDocument\"\r\nAttribute VB_Base = \"1\"\r\nOption Explicit\r\n' note\r\n";
    let (all, _) = opened(&with(b"", &compress(source), 0));
    assert_eq!(named(&all, "Module1").role, Role::Decoded);
}

#[test]
fn a_wrong_offset_and_a_lost_directory_do_not_hide_a_module() {
    let (all, _) = opened(&with(b"compiled", &compress(SOURCE.as_bytes()), 999));
    assert_eq!(String::from_utf8_lossy(&named(&all, "Module1").content), SOURCE);
    let mut file = Compound::new();
    file.stream("Macros/VBA/dir", b"nothing of sense here at all");
    file.stream("Macros/VBA/Module1", &[&b"compiled"[..], &compress(SOURCE.as_bytes())].concat());
    let (all, _) = opened(&file.finish());
    let found = all.iter().find(|member| member.role == Role::Active(Active::Vba)).unwrap();
    assert_eq!(String::from_utf8_lossy(&found.content), SOURCE);
}

#[test]
fn texts_of_compiled_code_that_the_source_lacks_are_told() {
    let cache = [literal("hello"), literal("cmd /c \"calc\"")].concat();
    let (all, _) = opened(&with(&cache, &compress(SOURCE.as_bytes()), cache.len()));
    let compiled = named(&all, "Module1 (p-code)");
    assert_eq!(compiled.role, Role::Active(Active::Vba));
    assert_eq!(String::from_utf8_lossy(&compiled.content), "cmd /c \"calc\"\n");

    let (all, _) = opened(&with(&cache, &[0; 40], cache.len()));
    assert_eq!(String::from_utf8_lossy(&named(&all, "Module1 (p-code)").content), "hello\ncmd /c \"calc\"\n");

    let honest = literal("hello");
    let (all, _) = opened(&with(&honest, &compress(SOURCE.as_bytes()), honest.len()));
    assert!(all.iter().all(|member| member.name.as_ref().is_none_or(|name| !name.raw().contains("p-code"))));
}

#[test]
fn a_source_that_is_a_bomb_ends_at_the_ratio() {
    // Each chunk of five bytes gives 4096.
    let bomb = [&b"\x01"[..], &b"\x03\xb0\x02A\xff\x0f".repeat(400_000)].concat();
    let limits = Limits { bytes_out: 8 << 20, ..Limits::default() };
    let found = walk(&with(b"", &bomb, 0), limits);
    let told = [UnscannedReason::LimitBytes, UnscannedReason::Damaged, UnscannedReason::LimitRatio];
    assert!(found.reasons.iter().any(|reason| told.contains(reason)), "{:?}", found.reasons);
    assert!(found.bytes <= 17 << 20, "{}", found.bytes);
}
