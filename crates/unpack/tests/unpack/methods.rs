//! Old methods of zip, Brotli, garbled ARJ, encryption of 2024, and files of split archives.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use mail::evidence::{FileKind, PasswordSource, UnscannedReason};
use proptest::prelude::*;
use unpack::{Budget, Limits, Opening, Passwords, StopFlag, detect, detect_named, is_volume, open};

use crate::samples::stored_sample;
use crate::support::{Lie, lying, members, noise, only};
use crate::tools::Folder;

/// Bits, the lowest first.
#[derive(Default)]
struct Bits {
    out: Vec<u8>,
    held: u64,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: usize, width: u32) {
        self.held |= (value as u64) << self.count;
        self.count += width;
        while self.count >= 8 {
            self.out.push(self.held as u8);
            (self.held, self.count) = (self.held >> 8, self.count - 8);
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.out.push(self.held as u8);
        }
        self.out
    }
}

/// Shrinks: the longest code that the reader knows each time; what no code builds on is cleared when the
/// table has 700.
fn shrink(content: &[u8]) -> Vec<u8> {
    let mut bits = Bits::default();
    let mut table: Vec<Option<(usize, u8)>> = vec![None; 8192];
    let mut codes: BTreeMap<(usize, u8), usize> = BTreeMap::new();
    let (mut width, mut last, mut at, mut full) = (9, None, 0, 0);
    while at < content.len() {
        let (first, mut code, mut next) = (content[at], usize::from(content[at]), at + 1);
        while let Some(longer) = content.get(next).and_then(|byte| codes.get(&(code, *byte))) {
            (code, next) = (*longer, next + 1);
        }
        while code >> width != 0 {
            bits.put(256, width);
            bits.put(1, width);
            width += 1;
        }
        bits.put(code, width);
        if let Some(before) = last {
            let free = (257..8192).find(|code| table[*code].is_none()).unwrap();
            table[free] = Some((before, first));
            codes.entry((before, first)).or_insert(free);
            full += 1;
        }
        (last, at) = (Some(code), next);
        if full >= 700 && code < 256 {
            bits.put(256, width);
            bits.put(2, width);
            let used: Vec<usize> = table.iter().flatten().map(|(before, _)| *before).collect();
            for (code, entry) in table.iter_mut().enumerate() {
                *entry = entry.filter(|_| used.contains(&code));
            }
            codes.clear();
            for (code, entry) in table.iter().enumerate() {
                if let Some(entry) = entry {
                    codes.entry(*entry).or_insert(code);
                }
            }
            full = table.iter().flatten().count();
        }
    }
    bits.finish()
}

/// Reduces: copies found the slow way, then the bytes that follow others.
fn reduce(content: &[u8], factor: u32) -> Vec<u8> {
    let (length_bits, window) = (8 - factor, 256 << factor);
    let full = (1_usize << length_bits) - 1;
    let (mut inner, mut at) = (Vec::new(), 0);
    while at < content.len() {
        let found = (at.saturating_sub(window)..at)
            .map(|from| {
                let same = content[at..].iter().zip(&content[from..]).take_while(|(a, b)| a == b).count();
                (same.min(full + 255 + 3), at - from - 1)
            })
            .max_by_key(|(len, _)| *len)
            .filter(|(len, _)| *len > 5);
        match (found, content[at]) {
            (Some((len, distance)), _) => {
                let length = (len - 3).min(full);
                inner.extend([144, (distance >> 8 << length_bits | length) as u8]);
                inner.extend((length == full).then(|| (len - 3 - full) as u8));
                inner.push(distance as u8);
                at += len;
            }
            (None, 144) => {
                inner.extend([144, 0]);
                at += 1;
            }
            (None, byte) => {
                inner.push(byte);
                at += 1;
            }
        }
    }
    let mut followers: Vec<Vec<u8>> = vec![Vec::new(); 256];
    let mut before = 0_u8;
    for byte in &inner {
        let set = &mut followers[usize::from(before)];
        if set.len() < 32 && !set.contains(byte) {
            set.push(*byte);
        }
        before = *byte;
    }
    let mut bits = Bits::default();
    for set in followers.iter().rev() {
        bits.put(set.len(), 6);
        set.iter().for_each(|byte| bits.put((*byte).into(), 8));
    }
    before = 0;
    for byte in inner {
        let set = &followers[usize::from(before)];
        match set.iter().position(|known| *known == byte) {
            Some(place) => {
                bits.put(0, 1);
                bits.put(place, (usize::BITS - (set.len() - 1).leading_zeros()).max(1));
            }
            None => {
                if !set.is_empty() {
                    bits.put(1, 1);
                }
                bits.put(byte.into(), 8);
            }
        }
        before = byte;
    }
    bits.finish()
}

/// Contents of several kinds, and what both old methods make of them.
fn packed(content: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let reduced = (1..=4).map(|factor| (factor as u16 + 1, reduce(content, factor)));
    [(1, shrink(content))].into_iter().chain(reduced).collect()
}

#[test]
fn what_was_shrunk_or_reduced_is_read_as_another_program_reads_it() {
    let words = b"abcd efgh abcd ijkl mnop abcd efgh qrst\x90\x90 ".repeat(24);
    let mixed = [&words[..600], &noise(1400, 3), &[7; 500]].concat();
    for content in [&words[..], &mixed, &[0x90; 40], b"x"] {
        for (method, data) in packed(content) {
            let archive = lying(&[Lie { method, data, ..Lie::stored("a.txt", content) }]);
            let member = only(&archive);
            assert_eq!((member.problems.as_slice(), member.content == content), (&[][..], true), "method {method}");
            let mut other = zip::ZipArchive::new(Cursor::new(&archive)).unwrap();
            let mut seen = Vec::new();
            other.by_index(0).unwrap().read_to_end(&mut seen).unwrap();
            assert!(seen == content, "method {method}: the zip crate reads something else");
        }
    }
    // A code that stands for what is made only by it: "a", and then "aa".
    let mut bits = Bits::default();
    bits.put(97, 9);
    bits.put(257, 9);
    let archive = lying(&[Lie { method: 1, data: bits.finish(), ..Lie::stored("a", b"aaa") }]);
    assert_eq!(only(&archive).content, b"aaa");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn broken_old_methods_end(data in prop::collection::vec(any::<u8>(), 0..600), method in 1_u16..=6) {
        let archive = lying(&[Lie { method, data, size: 1 << 20, ..Lie::stored("a", b"") }]);
        prop_assert!(only(&archive).content.len() <= 1 << 20);
    }
}

#[test]
fn brotli_is_told_by_its_name_and_read_whole() {
    let folder = Folder::new("brotli");
    let text = b"what brotli packs, again and again ".repeat(4000);
    folder.write("a.txt", &text);
    if folder.run("brotli", &["-k", "a.txt"]).is_none() {
        return;
    }
    let data = folder.read("a.txt.br");
    for (name, expected) in [
        (Some("a.txt.br"), FileKind::Compressed),
        (Some("A.TBR"), FileKind::Compressed),
        (Some("a.txt"), FileKind::Unknown),
        (None, FileKind::Unknown),
    ] {
        assert_eq!(detect_named(&data, name), expected, "{name:?}");
    }
    assert_eq!(detect_named(&noise(9000, 5), Some("a.br")), FileKind::Unknown);
    assert_eq!(detect_named(b"Just a text.", Some("letter.br")), FileKind::Text);
    let (found, problems) = members(FileKind::Compressed, &data);
    assert!(problems.is_empty() && found.len() == 1 && found[0].problems.is_empty(), "{problems:?}");
    assert!(found[0].content == text);
    // What stands behind it is a member too, and said.
    let (found, _) = members(FileKind::Compressed, &[&data[..], b"and more behind it"].concat());
    assert_eq!(found[0].problems, [UnscannedReason::Damaged]);
    assert_eq!((found[1].hidden, &found[1].content[..]), (true, &b"and more behind it"[..]));
    let (found, _) = members(FileKind::Compressed, &data[..data.len() - 9]);
    assert_eq!(found[0].problems, [UnscannedReason::Damaged]);
}

/// The members of a file, with one password beside wrong ones: content, how they were opened, problems.
fn opened(data: &[u8], password: &str) -> Vec<(Vec<u8>, Option<PasswordSource>, Vec<UnscannedReason>)> {
    let mut passwords = Passwords::empty();
    for word in ["wrong", password, "also wrong"] {
        passwords.add(word, PasswordSource::Message);
    }
    let mut budget = Budget::new(Limits::default(), StopFlag::new()).with_passwords(passwords);
    let Opening::Container(mut container) = open(detect(data), data, &mut budget) else { panic!("no archive") };
    let mut found = Vec::new();
    while let Some(member) = container.next(data, &mut budget) {
        found.push((member.content, member.opened_with, member.problems));
    }
    found
}

#[test]
fn garbled_arj_members_are_opened() {
    let folder = Folder::new("arj-garbled");
    let text = b"the garbled content of a file, the garbled content of a file";
    folder.write("a.txt", text);
    for method in ["-m0", "-m1", "-m4"] {
        if folder.run("arj", &["a", method, "-gsecret", &format!("x{method}.arj"), "a.txt"]).is_none() {
            return;
        }
        let data = folder.read(&format!("x{method}.arj"));
        assert_eq!(opened(&data, "secret"), [(text.to_vec(), Some(PasswordSource::Message), vec![])], "{method}");
        assert_eq!(opened(&data, "Secret"), [(vec![], None, vec![UnscannedReason::Encrypted])], "{method}");
    }
}

#[test]
fn documents_behind_argon2_and_gcm_are_opened() {
    let data = stored_sample("odf_argon2");
    let found = opened(&data, "correct horse");
    let package = found.iter().find(|(_, with, _)| with.is_some()).expect("an opened package");
    assert_eq!((package.1, &package.2[..]), (Some(PasswordSource::Message), &[][..]));
    assert_eq!(detect(&package.0), FileKind::Odf);
    let found = opened(&data, "Correct horse");
    assert!(found.iter().all(|(_, with, _)| with.is_none()));
    assert!(found.iter().any(|(_, _, problems)| problems.contains(&UnscannedReason::Encrypted)));
    // A changed tag opens nothing, however right the password is.
    let mut changed = data;
    let package = memchr_end(&changed);
    changed[package] ^= 1;
    assert!(opened(&changed, "correct horse").iter().all(|(_, with, _)| with.is_none()));
}

/// A place within the encrypted part of the sample.
fn memchr_end(data: &[u8]) -> usize {
    let name = b"encrypted-package";
    let at = data.windows(name.len()).position(|window| window == name).unwrap();
    at + name.len() + 40
}

#[test]
fn files_of_a_split_archive_say_so() {
    let folder = Folder::new("volumes");
    folder.write("a.bin", &noise(60_000, 9));
    folder.write("c.bin", &noise(90_000, 10));
    for (archive, file) in [("a.zip", "a.bin"), ("c.zip", "c.bin")] {
        if folder.run("zip", &["-q", "-0", "-s", "64k", archive, file]).is_none() {
            return;
        }
    }
    for name in ["c.z01", "c.zip"] {
        let (_, problems) = members(FileKind::Zip, &folder.read(name));
        assert!(problems.contains(&UnscannedReason::Volume), "{name}: {problems:?}");
    }
    let (_, problems) = members(FileKind::Zip, &folder.read("a.zip"));
    assert!(!problems.contains(&UnscannedReason::Volume), "it fits into one: {problems:?}");
}

#[test]
fn names_of_split_archives_are_known() {
    for name in
        ["a.7z.001", "A.ZIP.017", "a.z01", "a.r00", "x.part02.rar", "a.part1.rar", "b.a01", "data.001", "t.tar.002"]
    {
        assert!(is_volume(name), "{name}");
    }
    for name in
        ["a.zip", "a.rar", "invoice.2024", "report.part.rar", "v1.002.txt", "a.z1", "song.mp3", "1.001.pdf", "", "."]
    {
        assert!(!is_volume(name), "{name}");
    }
}

#[test]
fn more_files_in_a_text_than_are_looked_for_are_said() {
    let text = |count: usize| (0..count).map(|n| format!("begin 644 {n}\n#{n:04}\n`\nend\n")).collect::<String>();
    for (count, limited) in [(40, false), (500, true)] {
        let (_, problems) = members(FileKind::Text, text(count).as_bytes());
        assert_eq!(problems.contains(&UnscannedReason::LimitObjects), limited, "{count}: {problems:?}");
    }
}
