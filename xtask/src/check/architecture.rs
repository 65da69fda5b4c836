//! The one direction of dependency, and where certain things may be written at all.
//!
//! Everything is a table: a change of the architecture is a change of a table, with its reason.

use std::fs;
use std::path::Path;

use super::{Findings, rust};
use crate::cargo::{self, Kind, Member};

/// The columns. A crate names only crates of columns to its left.
const COLUMNS: [&[&str]; 10] = [
    &["mail"],
    &["wire", "unpack", "signatures", "judge"],
    &["engines", "disarm"],
    &["scan"],
    &["settings", "store", "net", "confine"],
    &["service"],
    &["gateway", "api"],
    &["mailward"],
    // Both stand outside: nothing above may name them but in tests.
    &["testkit"],
    &["xtask"],
];

/// Crates of ours that are for tests: dev-dependencies only.
const TESTS_ONLY: [&str; 1] = ["testkit"];

/// Crates that name none of ours, whatever stands to their left.
const ALONE: [&str; 2] = ["testkit", "xtask"];

/// Dependencies within a column that are allowed, with the reason.
const ALLOWED: [(&str, &str, &str); 1] =
    [("net", "settings", "connections, TLS and external engines are made from their own settings")];

/// Dependencies to the left that are forbidden all the same, with the reason.
const FORBIDDEN: [(&str, &str, &str); 7] = [
    ("wire", "mail", "a protocol machine keeps addresses as validated text and knows no mail"),
    ("engines", "judge", "engines report and know no policy; only judge decides"),
    ("disarm", "judge", "rebuilding knows no policy"),
    ("scan", "judge", "an examination knows no policy"),
    ("confine", "judge", "a worker knows no policy"),
    ("scan", "wire", "an examination has no peers"),
    ("engines", "wire", "engines have no peers"),
];

/// The pure crates, and all that they may use from elsewhere.
const PURE: [(&str, &[&str]); 8] = [
    ("mail", &["base64-simd", "chardetng", "encoding_rs", "idna", "memchr", "serde"]),
    ("wire", &["base64-simd", "memchr"]),
    (
        "unpack",
        &[
            "aes",
            "argon2",
            "blowfish",
            "brotli-decompressor",
            "bzip2",
            "crc32fast",
            "deflate64",
            "delharc",
            "flate2",
            "hmac",
            "lzma-rust2",
            "lzxd",
            "md-5",
            "memchr",
            "pbkdf2",
            "ppmd-rust",
            "rars",
            "ruzstd",
            "serde",
            "sha1",
            "sha2",
        ],
    ),
    ("signatures", &[]),
    ("engines", &["aho-corasick", "boreal", "gif", "image-webp", "md-5", "memchr", "png", "sha1", "sha2", "zune-jpeg"]),
    ("disarm", &["bzip2", "crc32fast", "flate2", "lzma-rust2", "memchr", "ruzstd", "sha2"]),
    ("judge", &["ipnet", "jiff", "schemars", "serde"]),
    ("scan", &["postcard", "serde", "sha2"]),
];

/// The one crate that may contain `unsafe`.
const UNSAFE_CRATE: &str = "confine";

/// Files outside it that may too, with the reason.
const UNSAFE_FILES: [(&str, &str); 1] =
    [("crates/unpack/tests/memory.rs", "a counting allocator: nothing is allocated by a number that a sender wrote")];

/// Traits that only one crate implements, with the reason. Integration tests may stand in for it.
const SEALED: [(&str, &str, &str); 1] =
    [("Kept", "store", "a receipt for kept mail is made only by what made it durable")];

pub(crate) fn check() -> Result<Findings, String> {
    let members = cargo::members()?;
    let mut wrong = Vec::new();
    let mut edges = 0;
    for member in &members {
        for dependency in &member.dependencies {
            let ours = members.iter().any(|m| m.name == dependency.name);
            edges += usize::from(ours);
            let fault = if ours { internal(&member.name, &dependency.name, dependency.kind) } else { None };
            let fault =
                fault.or_else(|| if ours { None } else { external(&member.name, &dependency.name, dependency.kind) });
            wrong.extend(fault.map(|why| format!("{} -> {}: {why}", member.name, dependency.name)));
        }
        wrong.extend(column(&member.name).is_none().then(|| format!("{}: stands in no column", member.name)));
        wrong.extend(unsafe_is_forbidden(member));
    }
    let sources = rust_files()?;
    for (path, text) in &sources {
        let code = rust::code_only(text);
        wrong.extend(unsafe_words(path, &code));
        wrong.extend(sealed_traits(path, &code));
    }
    let looked_at = format!("{} crates, {edges} dependencies among them, {} sources", members.len(), sources.len());
    Ok(Findings { looked_at, wrong })
}

fn column(name: &str) -> Option<usize> {
    COLUMNS.iter().position(|c| c.contains(&name))
}

/// What is wrong with one of our crates naming another.
fn internal(from: &str, to: &str, kind: Kind) -> Option<String> {
    if ALONE.contains(&from) {
        return Some("it names no crate of ours".to_owned());
    }
    if TESTS_ONLY.contains(&to) {
        return (kind != Kind::Dev).then(|| "only as a dev-dependency".to_owned());
    }
    if let Some((.., why)) = FORBIDDEN.iter().find(|(f, t, _)| *f == from && *t == to) {
        return Some((*why).to_owned());
    }
    if ALLOWED.iter().any(|(f, t, _)| *f == from && *t == to) {
        return None;
    }
    (column(to)? >= column(from)?).then(|| "a crate names only crates of columns to its left".to_owned())
}

/// What is wrong with a crate naming one from elsewhere.
fn external(from: &str, to: &str, kind: Kind) -> Option<String> {
    let (_, allowed) = PURE.iter().find(|(name, _)| *name == from)?;
    let fine = kind == Kind::Dev || allowed.contains(&to);
    (!fine).then(|| format!("not on the list of what the pure crate `{from}` may use"))
}

/// Every crate but one has `#![forbid(unsafe_code)]` in each of its roots.
fn unsafe_is_forbidden(member: &Member) -> Vec<String> {
    if member.name == UNSAFE_CRATE {
        return Vec::new();
    }
    let roots = ["src/lib.rs", "src/main.rs"].map(|r| member.folder.join(r));
    let texts = roots.iter().filter_map(|r| fs::read_to_string(r).ok().map(|t| (r, t)));
    let open = texts.filter(|(_, text)| !rust::code_only(text).contains("#![forbid(unsafe_code)]"));
    open.map(|(root, _)| format!("{}: lacks #![forbid(unsafe_code)]", root.display())).collect()
}

fn unsafe_words(path: &str, code: &str) -> Vec<String> {
    if crate_of(path) == Some(UNSAFE_CRATE) || UNSAFE_FILES.iter().any(|(f, _)| *f == path) {
        return Vec::new();
    }
    let lines = rust::lines_with_word(code, "unsafe");
    lines.into_iter().map(|l| format!("{path}:{l}: `unsafe` is allowed in crates/{UNSAFE_CRATE} only")).collect()
}

fn sealed_traits(path: &str, code: &str) -> Vec<String> {
    let flat: String = code.split_whitespace().collect::<Vec<_>>().join(" ");
    let implements = |name: &str| {
        flat.match_indices(&format!("{name} for ")).any(|(at, _)| {
            let before = flat[..at].rsplit([';', '{', '}']).next().unwrap_or_default();
            before.split([' ', '<']).any(|w| w == "impl") && flat[..at].ends_with([' ', ':', '>'])
        })
    };
    let elsewhere = |home: &str| crate_of(path) != Some(home) && !path.contains("/tests/");
    let wrong = SEALED.iter().filter(|(name, home, _)| elsewhere(home) && implements(name));
    wrong.map(|(name, home, why)| format!("{path}: `{name}` is implemented in crates/{home} only: {why}")).collect()
}

/// The folder below `crates/` that a path belongs to.
fn crate_of(path: &str) -> Option<&str> {
    path.strip_prefix("crates/")?.split('/').next()
}

fn rust_files() -> Result<Vec<(String, String)>, String> {
    let files = cargo::files()?;
    let rust = files.iter().filter(|f| f.extension().is_some_and(|e| e == "rs"));
    rust.map(|f| read(f)).collect()
}

fn read(file: &Path) -> Result<(String, String), String> {
    let text = fs::read_to_string(cargo::root().join(file)).map_err(|e| format!("{}: {e}", file.display()))?;
    Ok((file.display().to_string(), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_direction_is_held() {
        for (from, to, kind, fine) in [
            ("scan", "engines", Kind::Normal, true),
            ("engines", "scan", Kind::Normal, false),
            ("engines", "disarm", Kind::Normal, false),
            ("engines", "judge", Kind::Normal, false),
            ("judge", "mail", Kind::Normal, true),
            ("wire", "mail", Kind::Normal, false),
            ("net", "settings", Kind::Normal, true),
            ("settings", "net", Kind::Normal, false),
            ("service", "gateway", Kind::Dev, false),
            ("gateway", "testkit", Kind::Dev, true),
            ("gateway", "testkit", Kind::Normal, false),
            ("testkit", "mail", Kind::Normal, false),
            ("mailward", "api", Kind::Normal, true),
        ] {
            assert_eq!(internal(from, to, kind).is_none(), fine, "{from} -> {to}");
        }
    }

    #[test]
    fn a_pure_crate_uses_only_what_is_listed() {
        assert!(external("mail", "memchr", Kind::Normal).is_none());
        assert!(external("mail", "tokio", Kind::Normal).is_some());
        assert!(external("mail", "proptest", Kind::Dev).is_none());
        assert!(external("net", "tokio", Kind::Normal).is_none());
    }

    #[test]
    fn a_sealed_trait_is_found_however_it_is_written() {
        for (code, found) in [
            ("impl Kept for Mine {}", true),
            ("impl<T> store::Kept\n    for Mine<T> {}", true),
            ("impl service::Kept<u8> for Mine {}", false),
            ("impl NotKept for Mine {}", false),
            ("fn f() { let kept = Kept; for x in y {} }", false),
        ] {
            assert_eq!(!sealed_traits("crates/gateway/src/x.rs", code).is_empty(), found, "{code}");
            assert!(sealed_traits("crates/store/src/x.rs", code).is_empty());
            assert!(sealed_traits("crates/mail/tests/it/x.rs", code).is_empty());
        }
    }
}
