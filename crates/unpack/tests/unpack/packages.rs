//! RPM packages and files of messages.

use mail::evidence::{FileKind, UnscannedReason::Damaged};
use unpack::{Limits, detect};

use crate::support::{members, name, walk};
use crate::tools::Folder;

#[test]
fn a_package_gives_its_scripts_and_its_files() {
    let folder = Folder::new("rpm");
    folder.write("file.txt", b"what is in the package");
    folder.write(
        "x.spec",
        b"Name: x\nVersion: 1\nRelease: 1\nSummary: x\nLicense: x\nBuildArch: noarch\n%description\nx\n\
        %install\nmkdir -p %{buildroot}/opt\ncp %{_sourcedir}/file.txt %{buildroot}/opt/\n\
        %post\necho installed\n%files\n/opt/file.txt\n",
    );
    for payload in ["w9.gzdio", "w6.xzdio", "w3.zstdio", "w9.bzdio"] {
        let line = format!(
            "rpmbuild -bb --quiet --define \"_topdir $PWD\" --define \"_sourcedir $PWD\" \
             --define \"_binary_payload {payload}\" --define \"_rpmdir $PWD\" x.spec 2>&1 && mv noarch/*.rpm x.rpm"
        );
        if folder.shell("rpmbuild", &line).is_none() {
            return;
        }
        let data = folder.read("x.rpm");
        assert_eq!(detect(&data), FileKind::Rpm);
        let (found, problems) = members(FileKind::Rpm, &data);
        assert_eq!(problems, []);
        let script = found.iter().find(|member| name(member) == "after-install.sh").unwrap();
        assert_eq!(script.content, b"echo installed");
        let walk = walk(&data, Limits::default());
        assert!(walk.names.iter().any(|name| name.ends_with("opt/file.txt")), "{payload}: {:?}", walk.names);
        assert_eq!(walk.reasons.len(), 0, "{payload}: {:?}", walk.reasons);
    }
}

#[test]
fn a_package_whose_header_is_broken_is_damaged_and_given_as_it_is() {
    let mut data = b"\xed\xab\xee\xdb\x03\0".to_vec();
    data.resize(96, 0);
    data.extend(b"\x8e\xad\xe8\x01\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff and what follows");
    let (found, problems) = members(detect(&data), &data);
    assert_eq!(problems, [Damaged]);
    assert!(found[0].hidden && found[0].content.ends_with(b"what follows"));
}

const MESSAGE: &str =
    "From: ann@example.org\nTo: bob@example.net\nSubject: one\n\nFrom here on it is text.\n\nFrom the start\n";

#[test]
fn a_file_of_messages_gives_each() {
    let second = MESSAGE.replace("one", "two");
    for end in ["\n", "\r\n"] {
        let mbox = format!(
            "From ann@example.org Mon Nov  2 09:00:00 2026\n{MESSAGE}\nFrom bob Mon Nov  2 10:00:00 2026\n{second}\n"
        )
        .replace('\n', end);
        assert_eq!(detect(mbox.as_bytes()), FileKind::Mbox);
        let (found, problems) = members(FileKind::Mbox, mbox.as_bytes());
        assert_eq!(problems, []);
        let contents: Vec<String> =
            found.iter().map(|member| String::from_utf8(member.content.clone()).unwrap()).collect();
        assert_eq!(contents, [format!("{MESSAGE}\n").replace('\n', end), format!("{second}\n").replace('\n', end)]);
        assert!(found.iter().all(|member| detect(&member.content) == FileKind::Message));
    }
}

#[test]
fn one_message_with_its_line_is_a_message() {
    let one = format!("From ann@example.org Mon Nov  2 09:00:00 2026\n{MESSAGE}");
    assert_eq!(detect(one.as_bytes()), FileKind::Message);
}

#[test]
fn a_million_separators_end_by_objects() {
    let data = b"From a 9:0\nA: b\nFrom: c\n\n".repeat(200_000);
    let walk = walk(&data, Limits { objects: 1000, ..Limits::default() });
    assert!(walk.names.len() <= 1000);
    assert!(walk.reasons.contains(&mail::evidence::UnscannedReason::LimitObjects), "{:?}", walk.reasons);
}
