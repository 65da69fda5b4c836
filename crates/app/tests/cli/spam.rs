//! `mailward spam`: teaching and forgetting.

use crate::backup::entry;
use crate::support::{files, run, with_store};

/// A message with a picture, in lines of base64.
fn mail(picture: &[u8]) -> Vec<u8> {
    let body = testkit::sample::base64(picture);
    format!(
        "Date: Fri, 21 Nov 2025 18:00:00 +0000\r\nFrom: Ann <a@example.org>\r\nTo: b@example.com\r\n\
         Message-ID: <1@example.org>\r\nSubject: look\r\nMIME-Version: 1.0\r\nContent-Type: image/jpeg; name=a.jpg\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{body}"
    )
    .into_bytes()
}

#[test]
fn lm_06_what_was_learnt_is_told_in_other_messages_until_it_is_forgotten() {
    let jpeg = include_bytes!("../../../../fuzz/seeds/image/base.jpg").as_slice();
    let other = include_bytes!("../../../../fuzz/seeds/image/progressive.jpg").as_slice();
    let dir = files(&[("one.eml", &mail(jpeg)), ("two.eml", &mail(other)), ("one.jpg", jpeg), ("none.txt", b"words")]);
    std::fs::create_dir(dir.path().join("data")).expect("a directory");
    let spam = |args: &[&str]| run(dir.path(), &[&["spam", "--data-dir", "data"], args].concat());
    let explain = |file: &str| run(dir.path(), &["explain", "--data-dir", "data", file]).out;
    assert!(!explain("two.eml").contains("known_spam_image"));
    assert!(spam(&["learn", "none.txt"]).exits(1).out.contains("no picture"));
    assert!(spam(&["learn", "one.eml"]).exits(0).out.contains("learnt: 1; known already: 0"));
    assert!(spam(&["learn", "one.jpg"]).exits(1).out.contains("learnt: 0; known already: 1"));
    assert!(spam(&["show"]).exits(0).out.contains("1 pictures of spam, found in 0 messages; 0 pictures"));
    let told = explain("two.eml");
    assert!(
        told.contains("4.00  known_spam_image (network): picture 1 of 120 by 96 pixels is near sample 1"),
        "{told}"
    );
    assert!(spam(&["forget", "two.eml"]).exits(0).out.contains("forgotten: 1; not known: 0"));
    assert!(!explain("one.eml").contains("known_spam_image"));
    assert!(spam(&["learn", "one.eml"]).exits(1).out.contains("learnt: 0; known already: 0; never taken for spam: 1"));
    assert!(spam(&["learn", "--backup", "nothing"]).exits(2).err.contains("neither the id"));
}

#[test]
fn lm_06_what_is_in_backup_is_learnt_and_what_was_forgotten_can_be_learnt_again() {
    let jpeg = include_bytes!("../../../../fuzz/seeds/image/base.jpg").as_slice();
    let other = include_bytes!("../../../../fuzz/seeds/image/progressive.jpg").as_slice();
    let dir = files(&[("two.eml", &mail(other))]);
    let (id, plain) = with_store(dir.path(), |store| {
        let keep = |number: u8, content: &[u8]| {
            let entry = entry(number, "look", content.len());
            store.keep(entry, &mut &content[..]).expect("kept").backup_id().to_string()
        };
        (keep(1, &mail(jpeg)), keep(2, &testkit::sample::clean("no picture")))
    });
    let spam = |args: &[&str]| run(dir.path(), &[&["spam", "--data-dir", "data"], args].concat());
    let known = || run(dir.path(), &["explain", "--data-dir", "data", "two.eml"]).out.contains("known_spam_image");
    assert!(!known());
    assert!(spam(&["learn", "--backup", &id]).exits(0).out.contains("learnt: 1; known already: 0"));
    assert!(known(), "what was learnt from Backup is found in other mail");
    assert!(spam(&["learn", "--backup", &id, "--backup", &plain]).exits(1).out.contains("learnt: 0; known already: 1"));
    assert!(spam(&["learn", "--backup", &plain]).exits(1).out.contains("no picture"));
    let shown = spam(&["show"]).exits(0).out;
    assert!(shown.contains("120 by 96  never found\n"), "{shown}");
    assert!(spam(&["forget", "--backup", &id]).exits(0).out.contains("forgotten: 1"));
    // It was forgotten by mistake.
    let refused = spam(&["learn", "--backup", &id]).exits(1).out;
    assert!(refused.contains("never taken for spam: 1 (spam show"), "{refused}");
    let shown = spam(&["show"]).exits(0).out;
    let line = shown.lines().find(|line| line.ends_with("never taken for spam")).expect("the picture that is spared");
    let number = line.split_whitespace().next().expect("its number");
    assert!(spam(&["remove", "999999"]).exits(1).out.contains("removed: 0; no such number: 1"));
    assert!(spam(&["remove", number]).exits(0).out.contains("removed: 1; no such number: 0"));
    assert!(spam(&["learn", "--backup", &id]).exits(0).out.contains("learnt: 1"));
    assert!(known());
}

#[test]
fn as_21_what_users_moved_to_their_junk_folder_is_learnt_from_there() {
    let jpeg = include_bytes!("../../../../fuzz/seeds/image/base.jpg").as_slice();
    let other = include_bytes!("../../../../fuzz/seeds/image/progressive.jpg").as_slice();
    let dir = files(&[("new.eml", &mail(other))]);
    std::fs::create_dir(dir.path().join("data")).expect("a directory");
    let junk = dir.path().join("Maildir/.Junk");
    for folder in ["cur", "new", "tmp"] {
        std::fs::create_dir_all(junk.join(folder)).expect("a folder");
    }
    std::fs::write(junk.join("cur/1.a:2,S"), mail(jpeg)).expect("written");
    std::fs::write(junk.join("new/2.a"), testkit::sample::clean("no picture")).expect("written");
    let spam = |args: &[&str]| run(dir.path(), &[&["spam", "--data-dir", "data"], args].concat());
    assert!(spam(&["learn", "Maildir/.Junk"]).exits(0).out.contains("learnt: 1; known already: 0"));
    assert!(spam(&["learn", "Maildir/.Junk"]).exits(1).out.contains("learnt: 0; known already: 1"));
    let told = run(dir.path(), &["explain", "--data-dir", "data", "new.eml"]).out;
    assert!(told.contains("known_spam_image"), "{told}");
}
