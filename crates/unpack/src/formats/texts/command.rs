//! Command lines with their coats undone: PowerShell's `-EncodedCommand`, and what the Windows command
//! processor takes away (carets) or puts in (`%variables%`, and parts of them).
//!
//! Limits: [`MAX_COMMANDS`], [`MAX_VARIABLES`], [`MAX_GROWTH`]. Not handled: `for` loops, delayed
//! expansion of what a command sets later, variables of the environment.

use std::collections::BTreeMap;

use mail::graph::{Encoding, Recode};
use mail::transfer;

use crate::bytes::between;

/// Most encoded commands of one file.
const MAX_COMMANDS: usize = 64;
/// Shortest encoded command, in base64.
const MIN_COMMAND: usize = 16;
/// Most variables of one batch file.
const MAX_VARIABLES: usize = 4096;
/// How many times as long as the file its commands may become, beside [`FLOOR`].
const MAX_GROWTH: usize = 8;
/// See [`MAX_GROWTH`], in bytes.
const FLOOR: usize = 1 << 16;
/// What the command processor has from the start, as far as attacks use it to spell words.
const KNOWN: [(&str, &str); 6] = [
    ("comspec", "C:\\Windows\\system32\\cmd.exe"),
    ("windir", "C:\\Windows"),
    ("systemroot", "C:\\Windows"),
    ("programfiles", "C:\\Program Files"),
    ("public", "C:\\Users\\Public"),
    ("programdata", "C:\\ProgramData"),
];

/// The commands behind `-EncodedCommand` and what it may be cut to (`-e`, `-enc`), with `-` or `/`; the flag
/// says that there are more.
pub(crate) fn encoded_commands(text: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let mut all = Vec::new();
    let mut from = 0_usize;
    for at in memchr::memchr2_iter(b'-', b'/', text) {
        let rest = between(text, at.saturating_add(1), text.len());
        if at < from || !matches!(rest.first(), Some(b'e' | b'E')) {
            continue;
        }
        let word = rest.iter().take(20).take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'^').count();
        let name: Vec<u8> =
            between(rest, 0, word).iter().filter(|byte| **byte != b'^').map(u8::to_ascii_lowercase).collect();
        if !b"encodedcommand".starts_with(&name) && name != b"ec" {
            continue;
        }
        let rest = between(rest, word, rest.len());
        let lead = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b':' | b'"' | b'\'' | b'^')).count();
        let rest = between(rest, lead, rest.len());
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'^');
        let length = rest.iter().take_while(|byte| is_part(byte)).count();
        if lead == 0 || length < MIN_COMMAND {
            continue;
        }
        from = at.saturating_add(word).saturating_add(lead).saturating_add(length);
        let bytes = transfer::base64(between(rest, 0, length), length).bytes;
        // It is UTF-16: nearly every second byte is zero.
        let zeros = bytes.iter().skip(1).step_by(2).filter(|byte| **byte == 0).count();
        if zeros.saturating_mul(3) >= bytes.len() && bytes.len() >= MIN_COMMAND / 2 {
            if all.len() >= MAX_COMMANDS {
                return (all, true);
            }
            all.push(transfer::decode_text(Encoding::Identity, Recode::Wide, &bytes, usize::MAX).bytes);
        }
    }
    (all, false)
}

/// A batch file's lines as they are executed, if that differs; the flag says that there was more than was
/// followed.
pub(crate) fn batch(text: &str) -> (Option<String>, bool) {
    let mut variables: BTreeMap<String, String> = BTreeMap::new();
    variables.extend(KNOWN.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let most = text.len().saturating_mul(MAX_GROWTH).saturating_add(FLOOR);
    let mut out = String::new();
    let (mut changed, mut over) = (0_usize, false);
    for line in text.lines() {
        let (line, changes) = expanded(line, &variables, most.saturating_sub(out.len()));
        changed = changed.saturating_add(changes);
        if let Some((name, value)) = assignment(&line) {
            if variables.len() < MAX_VARIABLES || variables.contains_key(&name) {
                variables.insert(name, value);
            } else {
                over = true;
            }
        }
        if out.len().saturating_add(line.len()) >= most {
            over = true;
            break;
        }
        out.push_str(&line);
        out.push('\n');
    }
    ((changed > 1).then_some(out), over)
}

/// `set name=value`, with quotes around the whole or without.
fn assignment(line: &str) -> Option<(String, String)> {
    let line = line.trim_start().trim_start_matches('@').trim_start();
    let rest = line.get(..4).filter(|start| start.eq_ignore_ascii_case("set ")).and_then(|_| line.get(4..))?;
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('"').map_or(rest, |rest| rest.rsplit_once('"').map_or(rest, |(rest, _)| rest));
    let (name, value) = rest.split_once('=')?;
    Some((name.trim().to_ascii_lowercase(), value.to_owned()))
}

/// A line without carets and with its variables, at most `most` bytes, and how much was changed.
fn expanded(line: &str, variables: &BTreeMap<String, String>, most: usize) -> (String, usize) {
    let mut out = String::new();
    let mut changed = 0_usize;
    let mut rest = line;
    while let Some(at) = rest.find(['%', '^', '!']).filter(|_| out.len() < most) {
        out.push_str(rest.get(..at).unwrap_or(""));
        let sign = rest.get(at..).and_then(|rest| rest.chars().next()).unwrap_or('%');
        rest = rest.get(at.saturating_add(1)..).unwrap_or("");
        if sign == '^' {
            changed = changed.saturating_add(1);
            if let Some(letter) = rest.chars().next() {
                out.push(letter);
                rest = rest.get(letter.len_utf8()..).unwrap_or("");
            }
            continue;
        }
        let end = rest.bytes().take(200).position(|byte| byte == sign as u8);
        let value = end.and_then(|end| value(rest.get(..end)?, variables));
        match (value, end) {
            (Some(value), Some(end)) => {
                changed = changed.saturating_add(1);
                out.push_str(value.get(..most.min(value.len())).unwrap_or(""));
                rest = rest.get(end.saturating_add(1)..).unwrap_or("");
            }
            _ => out.push(sign),
        }
    }
    out.push_str(rest);
    (out, changed)
}

/// `name`, `name:~from,length`: of a variable that is known.
fn value(what: &str, variables: &BTreeMap<String, String>) -> Option<String> {
    let (name, part) = what.split_once(":~").map_or((what, None), |(name, part)| (name, Some(part)));
    let value = variables.get(&name.to_ascii_lowercase())?;
    let Some(part) = part else { return Some(value.clone()) };
    let letters: Vec<char> = value.chars().collect();
    let all = i64::try_from(letters.len()).ok()?;
    let mut numbers = part.split(',').map(|number| number.trim().parse::<i64>());
    let from = numbers.next()?.ok()?;
    let from = if from < 0 { all.saturating_add(from) } else { from }.clamp(0, all);
    let to = match numbers.next() {
        None => all,
        Some(Ok(length)) if length < 0 => all.saturating_add(length),
        Some(Ok(length)) => from.saturating_add(length),
        Some(Err(_)) => return None,
    };
    let (from, to) = (usize::try_from(from).ok()?, usize::try_from(to.clamp(0, all)).ok()?);
    Some(letters.get(from..to).unwrap_or(&[]).iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(command: &str) -> String {
        let wide: Vec<u8> = command.encode_utf16().flat_map(u16::to_le_bytes).collect();
        String::from_utf8(transfer::encode_base64(&wide, b"")).unwrap()
    }

    #[test]
    fn encoded_commands_are_undone() {
        let command = "Write-Output 'hello'";
        let base = encoded(command);
        for line in [
            format!("powershell -enc {base}"),
            format!("powershell.exe -NoP -w hidden -EncodedCommand \"{base}\" & exit"),
            format!("p^owershell /e {base}"),
            format!("pwsh -e^nc   {base}"),
            format!("-EC {base}"),
        ] {
            assert_eq!(encoded_commands(line.as_bytes()).0, [command.as_bytes()], "{line}");
        }
        for line in
            [format!("grep -e {base}x=y -E abcdefghijklmnopqrstuv"), "ls -e -en".to_owned(), format!("-exec {base}")]
        {
            // What follows an option of this name is taken for one.
            let expected = usize::from(line.starts_with("grep"));
            assert_eq!(encoded_commands(line.as_bytes()).0.len(), expected, "{line}");
        }
    }

    #[test]
    fn batch_files_are_put_together() {
        let cases = [
            ("@echo off\nset a=pow\nset \"b=ershell\"\n%a%%b% -x", Some("pow")),
            ("p^o^w^e^r", Some("power")),
            ("set x=abcdef\n%x:~2,2%%x:~-1%!x:~0,1!", Some("cdfa")),
            ("echo 100% of 50%", None),
            ("%comspec:~-7,3% /c %windir%", Some("cmd /c C:\\Windows")),
        ];
        for (text, part) in cases {
            let (seen, over) = batch(text);
            assert!(!over, "{text}");
            assert_eq!(seen.is_some(), part.is_some(), "{text}: {seen:?}");
            assert!(seen.unwrap_or_default().contains(part.unwrap_or("")), "{text}");
        }
        let doubling = format!("set a=xxxxxxxxxxxxxxxx\n{}", "set a=%a%%a%\n".repeat(100));
        let (seen, over) = batch(&doubling);
        assert!(seen.unwrap().len() <= doubling.len() * MAX_GROWTH + FLOOR && over);
        let names: String = (0..MAX_VARIABLES).map(|number| format!("set v{number}=1\n")).collect();
        assert!(batch(&format!("{names}set a=powers\nset b=hell\n%a%%b%")).1);
    }
}
