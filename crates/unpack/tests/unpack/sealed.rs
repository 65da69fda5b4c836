//! Encrypted archives, by the programs that users have, opened with the passwords of the budget.

use mail::evidence::PasswordSource::{Configured, Empty, Message};
use mail::evidence::{PasswordSource, UnscannedReason};
use unpack::{Budget, Limits, Member, Opening, Passwords, StopFlag, detect, open};

use crate::support::{name, noise};
use crate::tools::Folder;

const TEXT: &[u8] = b"what is in the archive, and again what is in the archive";

fn list(passwords: &[&str]) -> Passwords {
    let mut all = Passwords::empty();
    for password in passwords {
        all.add(password, Configured);
    }
    all
}

fn with(data: &[u8], passwords: Passwords) -> (Vec<Member>, Vec<UnscannedReason>, Budget) {
    let mut budget = Budget::new(Limits::default(), StopFlag::new()).with_passwords(passwords);
    let Opening::Container(mut container) = open(detect(data), data, &mut budget) else { panic!("no archive") };
    let mut found = Vec::new();
    while let Some(member) = container.next(data, &mut budget) {
        found.push(member);
    }
    let problems = container.problems().to_vec();
    (found, problems, budget)
}

/// Names, contents and how they were opened of all members, which must be whole.
fn opened(data: &[u8], passwords: &[&str]) -> Vec<(String, Vec<u8>, Option<PasswordSource>)> {
    let (found, problems, _) = with(data, list(passwords));
    assert_eq!(problems, []);
    let whole = |member: Member| {
        assert_eq!(member.problems, [], "{}", name(&member));
        (name(&member).to_owned(), member.content.clone(), member.opened_with)
    };
    found.into_iter().map(whole).collect()
}

/// Whether nothing of an archive is shown, and it says that it is encrypted.
fn stays_shut(data: &[u8], passwords: &[&str]) {
    let (found, problems, _) = with(data, list(passwords));
    let told = problems.contains(&UnscannedReason::Encrypted) || !found.is_empty();
    assert!(told, "{problems:?}");
    for member in found {
        assert_eq!(member.problems, [UnscannedReason::Encrypted], "{}", name(&member));
        assert_eq!((member.content.len(), member.opened_with), (0, None));
    }
}

fn folder(name: &str) -> (Folder, Vec<u8>) {
    let (folder, noise) = (Folder::new(name), noise(50_000, 77));
    folder.write("a.txt", TEXT);
    folder.write("b.bin", &noise);
    (folder, noise)
}

/// Makes an archive, opens it with the right password among wrong ones, and not with wrong ones.
fn check(folder: &Folder, noise: &[u8], program: &str, arguments: &[&str], archive: &str, password: &str) {
    if folder.run(program, arguments).is_none() {
        return;
    }
    let data = folder.read(archive);
    let found = opened(&data, &["wrong", "Secret", password, "never"]);
    let expected = [("a.txt", TEXT.to_vec()), ("b.bin", noise.to_vec())];
    let expected = expected.map(|(name, content)| (name.to_owned(), content, Some(Configured)));
    assert_eq!(found, expected, "{arguments:?}");
    stays_shut(&data, &["wrong", "Secret", "never"]);
    folder.remove(archive);
}

#[test]
fn zip_opens_with_the_old_cipher_and_with_aes() {
    let (folder, noise) = folder("sealed-zip");
    check(&folder, &noise, "zip", &["-q", "-P", "secret 1", "x.zip", "a.txt", "b.bin"], "x.zip", "secret 1");
    for method in ["AES128", "AES192", "AES256", "ZipCrypto"] {
        for way in ["Copy", "Deflate", "LZMA", "BZip2"] {
            let (em, mm) = (format!("-mem={method}"), format!("-mm={way}"));
            let arguments = ["a", "-tzip", "-psecret", &em, &mm, "x.zip", "a.txt", "b.bin"];
            check(&folder, &noise, "7z", &arguments, "x.zip", "secret");
        }
    }
}

#[test]
fn a_streamed_zip_opens() {
    let (folder, _) = folder("sealed-stream");
    let Some(data) = folder.shell("zip", "cat a.txt | zip -q -P secret - -") else { return };
    assert_eq!(opened(&data, &["secret"])[0].1, TEXT);
}

#[test]
fn passwords_beyond_ascii_open_in_every_form() {
    let folder = Folder::new("sealed-forms");
    let seal = |password: &[u8]| {
        // By the old cipher run forwards.
        crate::support::lying(&[crate::support::sealed("a", TEXT, password)])
    };
    for form in ["grüße".as_bytes(), b"gr\xfc\xdfe", b"gr\x81\xe1e"] {
        assert_eq!(opened(&seal(form), &["grüße"])[0].1, TEXT, "{form:x?}");
    }
    drop(folder);
}

#[test]
fn what_passes_one_check_is_not_clean() {
    // The right password, and a checksum that is wrong: programs warn, and unpack.
    let mut member = crate::support::sealed("a", TEXT, b"secret");
    member.crc ^= 0x0000_ffff;
    let (found, _, _) = with(&crate::support::lying(&[member]), list(&["secret"]));
    assert_eq!(found[0].content, TEXT);
    assert_eq!(found[0].problems, [UnscannedReason::Damaged, UnscannedReason::Encrypted]);
}

#[test]
fn the_empty_password_is_told_as_such() {
    let data = crate::support::lying(&[crate::support::sealed("a", TEXT, b"")]);
    assert_eq!(opened(&data, &[])[0].2, Some(Empty));
}

#[test]
fn members_may_have_passwords_of_their_own() {
    let seal = crate::support::sealed;
    let data =
        crate::support::lying(&[seal("a", b"aaaa", b"one"), seal("b", b"bbbb", b"two"), seal("c", b"cccc", b"one")]);
    let found = opened(&data, &["two", "one"]);
    let contents: Vec<&[u8]> = found.iter().map(|(_, content, _)| content.as_slice()).collect();
    assert_eq!(contents, [&b"aaaa"[..], b"bbbb", b"cccc"]);
}

#[test]
fn trials_end_with_their_share_of_the_budget() {
    let (folder, _) = folder("sealed-share");
    if folder.run("7z", &["a", "-tzip", "-psecret", "-mem=AES256", "x.zip", "a.txt"]).is_none() {
        return;
    }
    let data = folder.read("x.zip");
    let wrong: Vec<String> = (0..60).map(|number| format!("wrong-{number}")).collect();
    let wrong: Vec<&str> = wrong.iter().map(String::as_str).collect();
    let limits = Limits { fuel: 8 << 20, ..Limits::default() };
    let mut budget = Budget::new(limits, StopFlag::new()).with_passwords(list(&wrong));
    let Opening::Container(mut zip) = open(detect(&data), &data, &mut budget) else { panic!("no archive") };
    assert_eq!(zip.next(&data, &mut budget).unwrap().problems, [UnscannedReason::Encrypted]);
    assert!(budget.fuel_used() < limits.fuel / 3, "{}", budget.fuel_used());
}

#[test]
fn a_password_in_the_message_opens_its_archive() {
    let archive = crate::support::lying(&[crate::support::sealed("a", TEXT, b"4711-x")]);
    let attached = base64_simd::STANDARD.encode_to_string(&archive);
    let mail = format!(
        "From: a@example.org\r\nSubject: Invoice\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
        --b\r\nContent-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n{attached}\r\n\
        --b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
        <p>Please find it attached.<br>Pass<b>wo=\r\nrd</b>: <i>4711</i>-x</p>\r\n--b--\r\n"
    );
    let mut budget = Budget::new(Limits::default(), StopFlag::new());
    let Opening::Container(mut parts) = open(mail::evidence::FileKind::Message, mail.as_bytes(), &mut budget) else {
        panic!("no message")
    };
    parts.next(mail.as_bytes(), &mut budget).unwrap();
    let part = parts.next(mail.as_bytes(), &mut budget).unwrap();
    assert_eq!(part.content, archive);
    let Opening::Container(mut zip) = open(detect(&archive), &archive, &mut budget) else { panic!("no archive") };
    let member = zip.next(&archive, &mut budget).unwrap();
    assert_eq!((member.content.as_slice(), member.opened_with), (TEXT, Some(Message)));
}

#[test]
fn seven_zip_opens_its_content_and_its_header() {
    let (folder, noise) = folder("sealed-7z");
    for way in ["-m0=LZMA2", "-m0=LZMA", "-m0=PPMd", "-m0=Copy"] {
        let (header, solid) = if way.ends_with("LZMA2") { ("-mhe=on", "-ms=on") } else { ("-mhe=off", "-ms=off") };
        let arguments = ["a", "-t7z", "-pgeheim ä", way, header, solid, "x.7z", "a.txt", "b.bin"];
        check(&folder, &noise, "7z", &arguments, "x.7z", "geheim ä");
    }
}

#[test]
fn rounds_beyond_the_limit_are_not_made() {
    let (folder, _) = folder("sealed-rounds");
    if folder.run("7z", &["a", "-t7z", "-psecret", "x.7z", "a.txt"]).is_none() {
        return;
    }
    let data = folder.read("x.7z");
    // The coder's number, the length of its properties, and the rounds in the first of them.
    let at = data.windows(4).position(|window| window == [0x24, 6, 0xf1, 7]).unwrap() + 6;
    assert_eq!(data[at] & 0x3f, 19);
    for (rounds, most) in [(0x18, 1 << 20), (0x3e, 1 << 20)] {
        let mut data = data.clone();
        data[at] = data[at] & 0xc0 | rounds;
        let header = data.len() - usize::from(data[20]) - usize::from(data[21]) * 256;
        let sum = crc32fast::hash(&data[header..]).to_le_bytes();
        data[28..32].copy_from_slice(&sum);
        let sum = crc32fast::hash(&data[12..32]).to_le_bytes();
        data[8..12].copy_from_slice(&sum);
        let (_, _, budget) = with(&data, list(&["secret"]));
        assert!(budget.fuel_used() < most, "{}", budget.fuel_used());
    }
}

#[test]
fn empty_members_prove_no_password() {
    stays_shut(&crate::samples::stored_sample("rar_3_password"), &["wrong", "password"]);
}

#[test]
fn rar_opens_members_and_headers() {
    for sample in ["rar_3_password_headers", "rar_5_password", "rar_5_password_headers"] {
        let data = crate::samples::stored_sample(sample);
        let found = opened(&data, &["wrong", "password", "never"]);
        assert!(!found.is_empty(), "{sample}");
        for (name, content, source) in found {
            // Those of RAR 3 hold nothing.
            assert_eq!((content.is_empty(), source), (sample.contains('3'), Some(Configured)), "{sample} {name}");
        }
        stays_shut(&data, &["wrong", "never"]);
    }
}
