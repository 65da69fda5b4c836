//! Texts and scripts: the files that stand in them (uuencode, xxencode, yEnc, BinHex, base64, hexadecimal digits),
//! and scripts with their coats undone (Microsoft's encoder, PowerShell's encoded commands, constants
//! put together, batch variables), and the files in scripts of the shell and those that scripts write line by line.
//!
//! Limits: [`MAX_CODE`] is put together, [`SAMPLE`] tells the language; those of what it calls. What is
//! a part of a mail has its files found by the mail's reader, and they are not looked for again.

pub(crate) mod command;
mod echo;
pub(crate) mod encoded;
mod shell;
mod xx;

use std::sync::LazyLock;

use mail::evidence::{FileKind, Role};
use mail::transfer::{self, embedded};

use crate::budget::Budget;
use crate::bytes::between;
use crate::container::Container;
use crate::formats::html::{File, Found, finish, marked};
use crate::formats::shortcut::ini;
use crate::views::script::{self, Dialect};
use crate::words::Words;

/// How much of a text that nothing calls a script tells whether it is code, and in which language, in bytes.
const SAMPLE: usize = 32 * 1024;
/// Longest script whose constants are put together, in bytes.
const MAX_CODE: usize = 32 * 1024 * 1024;
/// Words of scripts that hide something; prose seldom has them.
static CODE: LazyLock<Words> = LazyLock::new(|| {
    Words::new(&[
        b"fromcharcode",
        b"unescape(",
        b"eval(",
        b"atob(",
        b"createobject",
        b"activexobject",
        b"strreverse(",
        b"chrw(",
        b"frombase64string",
        b"wscript.",
        b"invoke-expression",
        b"new-object",
        b"[char]",
        b"function(",
        b"chr(",
        b"split(\"\")",
    ])
});
/// Words of Visual Basic.
static BASIC: LazyLock<Words> = LazyLock::new(|| {
    Words::new(&[b"dim ", b"end sub", b"end function", b"createobject(", b"on error", b"chr(", b"vbcrlf", b"end if"])
});
/// Words of PowerShell.
static SHELL: LazyLock<Words> = LazyLock::new(|| {
    Words::new(&[b"[char]", b"frombase64string", b"new-object", b"invoke-", b"-join", b"$env:", b"iex", b"[convert]"])
});
/// Words of JavaScript.
static JAVA: LazyLock<Words> = LazyLock::new(|| {
    Words::new(&[b"var ", b"function", b"fromcharcode", b"activexobject", b"eval(", b"===", b"return ", b"){"])
});
/// Words of batch files.
static BATCH: LazyLock<Words> = LazyLock::new(|| Words::new(&[b"@echo", b"set ", b"goto ", b"cmd ", b"%~"]));

/// Opens a text or script. `searched`: its files were found already.
pub(crate) fn open(kind: FileKind, data: &[u8], searched: bool, budget: &mut Budget) -> Option<Box<dyn Container>> {
    let text = marked(data);
    let mut found = Found::default();
    if !searched {
        files(&text, &mut found);
    }
    let (coded, more) = xx::files(&text);
    found.over |= more;
    for file in coded {
        found.file(File { name: Some(file.name), declared: None, role: Role::File, content: file.content });
    }
    if shell::is_script(&text) {
        let (documents, more) = shell::documents(&text);
        found.over |= more;
        for it in documents {
            found.file(File { name: it.name, declared: None, role: Role::File, content: it.content });
        }
    }
    if memchr::memmem::find(&text, b">").is_some() {
        let (files, more) = echo::written(&text);
        found.over |= more;
        for it in files {
            found.file(File { name: it.name, declared: None, role: Role::File, content: it.content });
        }
    }
    let (commands, more) = command::encoded_commands(&text);
    found.over |= more;
    for command in commands {
        found.file(decoded(command));
    }
    // What is known to run is code to its end; of any other text the start tells.
    let long = kind == FileKind::Script && text.len() <= MAX_CODE && budget.burn(text.len() as u64).is_ok();
    let lower = between(&text, 0, if long { MAX_CODE } else { SAMPLE }).to_ascii_lowercase();
    ini::read(&text, &lower, &mut found);
    if let Some(script) = encoded::undone(&text) {
        found.file(decoded(script));
    } else if text.len() <= MAX_CODE && (kind == FileKind::Script || CODE.any(&lower)) {
        code(&text, &lower, &mut found);
    }
    finish(found, data.len(), budget)
}

/// A script in another form.
fn decoded(content: Vec<u8>) -> File {
    File { name: None, declared: None, role: Role::Decoded, content }
}

/// Files in a text.
fn files(text: &[u8], found: &mut Found) {
    let blocks = embedded::find(text);
    // There may be more than are looked for.
    found.over |= blocks.len() >= embedded::MAX_BLOCKS;
    for block in &blocks {
        let content = transfer::decode(block.encoding, block.span.of(text), usize::MAX).bytes;
        let name = block.name.as_ref().map(|name| String::from_utf8_lossy(name).into_owned());
        found.file(File { name, declared: None, role: Role::File, content });
    }
    if let Some(blob) = blocks.is_empty().then(|| script::undone(text)).flatten() {
        let role = if blob.text { Role::Decoded } else { Role::File };
        found.file(File { name: None, declared: None, role, content: blob.content });
    }
}

/// Puts a script's constants together.
fn code(text: &[u8], lower: &[u8], found: &mut Found) {
    let scores =
        [(BASIC.count(lower), Some(Dialect::Vb)), (SHELL.count(lower), Some(Dialect::Ps)), (BATCH.count(lower), None)];
    let best = scores.into_iter().max_by_key(|(score, _)| *score).filter(|(score, _)| *score > JAVA.count(lower));
    match best.map_or(Some(Dialect::Js), |(_, dialect)| dialect) {
        Some(dialect) => found.code(dialect, text),
        None => {
            let (script, over) = command::batch(&String::from_utf8_lossy(text));
            found.view.push_str(&script.unwrap_or_default());
            found.over |= over;
        }
    }
}
