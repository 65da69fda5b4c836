//! Text by its first bytes: plain, HTML, XML or a script.
//!
//! UTF-16 is read by its lower bytes, which is enough for telling kinds apart. What a script is
//! stays a matter of a few strong marks: a wrong "script" would block mail, a missed one is still
//! scanned as text.

use std::sync::LazyLock;

use mail::evidence::FileKind;

use crate::bytes::between;
use crate::formats::shortcut::ini;
use crate::words::Words;

/// How much of a file is looked at, in bytes.
pub(super) const SAMPLE: usize = 8 * 1024;
/// One control character in this many bytes is still text.
const CONTROLS: usize = 32;

/// At the start, behind blanks: HTML, as browsers tell it.
const HTML_STARTS: &[&[u8]] = &[
    b"<!doctype html",
    b"<html",
    b"<job",
    b"<package",
    b"<head",
    b"<body",
    b"<script",
    b"<iframe",
    b"<table",
    b"<div",
    b"<title",
    b"<style",
    b"<meta",
    b"<link",
    b"<img",
    b"<font",
    b"<center",
    b"<form",
    b"<h1",
    b"<a href",
    b"<br",
    b"<p>",
    b"<b>",
    b"<hta:",
    b"<base",
    b"<object",
    b"<embed",
    b"<span",
    b"<input",
    b"<video",
    b"<audio",
    b"<marquee",
];
/// Anywhere in the sample: HTML with something in front.
static HTML_MARKS: LazyLock<Words> = LazyLock::new(|| Words::new(&[b"<!doctype html", b"<html", b"<body", b"<script"]));
/// At the start: XML.
const XML_STARTS: &[&[u8]] = &[b"<?xml", b"<svg", b"<!doctype svg", b"<xml"];
/// At the start: a script.
const SCRIPT_STARTS: &[&[u8]] = &[
    b"#!",
    b"@echo off",
    b"@echo on",
    b"<?php",
    b"<%@",
    b"#@~^",
    b"powershell ",
    b"powershell.exe",
    b"cmd /c",
    b"cmd.exe /c",
    b"wscript.",
    b"on error resume next",
    b"option explicit",
];
/// Anywhere in the sample: a script.
static SCRIPT_MARKS: LazyLock<Words> = LazyLock::new(|| {
    Words::new(&[
        b"wscript.createobject",
        b"createobject(\"wscript.shell\")",
        b"createobject(\"shell.application\")",
        b"new activexobject(",
        b"wscript.shell",
        b"invoke-expression",
        b"[reflection.assembly]",
        b"-executionpolicy bypass",
        b"new-object net.webclient",
        b"new-object system.net.webclient",
        b"frombase64string(",
        b"/dev/tcp/",
        b"setlocal enabledelayedexpansion",
    ])
});

/// Whether the sample of something that is no text holds the marks of HTML, zeros passed over.
pub(super) fn holds_markup(bytes: &[u8]) -> bool {
    let sample = between(bytes, 0, SAMPLE).iter().filter(|byte| **byte != 0).map(u8::to_ascii_lowercase);
    HTML_MARKS.any(&sample.collect::<Vec<u8>>())
}

/// What begins as a page for all its zeros and control characters, which browsers read over.
fn rough(sample: &[u8]) -> Option<FileKind> {
    let visible = sample.iter().filter(|byte| !byte.is_ascii_control() || byte.is_ascii_whitespace());
    let lower: Vec<u8> = visible.map(u8::to_ascii_lowercase).collect();
    let start = lower.trim_ascii_start();
    let begins = |marks: &[&[u8]]| marks.iter().any(|mark| start.starts_with(mark));
    if begins(HTML_STARTS) || begins(XML_STARTS) && HTML_MARKS.any(&lower) {
        Some(FileKind::Html)
    } else {
        begins(&[b"<svg", b"<!doctype svg"]).then_some(FileKind::Svg)
    }
}

/// The kind of a text; `None` when it is none.
pub(super) fn kind(bytes: &[u8]) -> Option<FileKind> {
    let bytes = between(bytes, 0, SAMPLE);
    let Some(sample) = plain(bytes) else { return rough(bytes) };
    let start = sample.trim_ascii_start();
    let begins = |marks: &[&[u8]]| marks.iter().any(|mark| start.starts_with(mark));
    let holds = |marks: &[&[u8]]| marks.iter().any(|mark| memchr::memmem::find(&sample, mark).is_some());
    Some(if begins(SCRIPT_STARTS) {
        FileKind::Script
    } else if begins(&[b"begin:vcalendar"]) {
        FileKind::Calendar
    } else if begins(&[b"begin:vcard"]) {
        FileKind::VCard
    } else if ini::is_internet_shortcut(&sample) {
        FileKind::InternetShortcut
    } else if begins(HTML_STARTS) {
        FileKind::Html
    } else if begins(XML_STARTS) {
        // XHTML is HTML.
        if holds(&[b"<html"]) {
            FileKind::Html
        } else if holds(&[b"<svg", b":svg"]) && !holds(&[b"<office:", b"<pkg:package"]) {
            FileKind::Svg
        } else {
            FileKind::Xml
        }
    } else if HTML_MARKS.any(&sample)
        || start.starts_with(b"<!--") && memchr::memchr(b'<', between(start, 4, SAMPLE)).is_some()
    {
        FileKind::Html
    } else if SCRIPT_MARKS.any(&sample) {
        FileKind::Script
    } else {
        FileKind::Text
    })
}

/// The sample in lower case, one byte a character; `None` when it is no text.
fn plain(sample: &[u8]) -> Option<Vec<u8>> {
    let sample = sample.strip_prefix(b"\xef\xbb\xbf").unwrap_or(sample);
    let narrow = |[low, high]: [u8; 2]| if high == 0 { low } else { b'x' };
    let pairs = || sample.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok());
    let bytes: Vec<u8> = match wide(sample) {
        Some(Wide { first_is_low: true, mark }) => pairs().skip(mark).map(narrow).collect(),
        Some(Wide { mark, .. }) => pairs().skip(mark).map(|[high, low]| narrow([low, high])).collect(),
        None => sample.to_vec(),
    };
    if memchr::memchr(0, &bytes).is_some() {
        return None;
    }
    // As many as there may be end the search for them.
    let most = bytes.len() / CONTROLS;
    let is_control = |byte: &u8| matches!(byte, 1..=7 | 11 | 14..=26 | 28..=31 | 127);
    let mut rest = bytes.as_slice();
    for _ in 0..=most {
        let Some(at) = rest.iter().position(is_control) else { return Some(bytes.to_ascii_lowercase()) };
        rest = between(rest, at.saturating_add(1), rest.len());
    }
    None
}

/// How a text in UTF-16 stands.
struct Wide {
    first_is_low: bool,
    /// Pairs to pass over: the byte order mark.
    mark: usize,
}

/// Whether a text is in UTF-16: by a byte order mark, or where nearly every second byte is NUL.
fn wide(sample: &[u8]) -> Option<Wide> {
    if sample.starts_with(b"\xff\xfe") || sample.starts_with(b"\xfe\xff") {
        return Some(Wide { first_is_low: sample.starts_with(b"\xff"), mark: 1 });
    }
    memchr::memchr(0, sample)?;
    let pairs = sample.len() / 2;
    let nuls = |at: usize| sample.iter().skip(at).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (nuls(0), nuls(1));
    let most = pairs.saturating_sub(pairs / 4);
    let wide = pairs >= 4 && (odd >= most && even == 0 || even >= most && odd == 0);
    wide.then_some(Wide { first_is_low: even == 0, mark: 0 })
}
