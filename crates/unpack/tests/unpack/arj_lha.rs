//! ARJ and LHA: methods, damage, what stands behind.

use mail::evidence::{FileKind, UnscannedReason};
use unpack::{Member, detect};

use crate::samples::stored_sample;
use crate::support::{members, name, noise};
use crate::tools::Folder;

fn all(data: &[u8]) -> (Vec<Member>, Vec<UnscannedReason>) {
    members(detect(data), data)
}

#[test]
fn every_method_of_arj_is_read() {
    let folder = Folder::new("arj");
    let text: Vec<u8> = (0..20_000).flat_map(|line| format!("line {}\n", line * line % 977).into_bytes()).collect();
    folder.write("text.txt", &text);
    folder.write("noise.bin", &noise(50_000, 8));
    folder.write("empty", b"");
    for method in ["-m0", "-m1", "-m2", "-m3", "-m4"] {
        let archive = format!("out{method}.arj");
        if folder.run("arj", &["a", "-y", method, &archive, "text.txt", "noise.bin", "empty"]).is_none() {
            return;
        }
        let data = folder.read(&archive);
        assert_eq!(detect(&data), FileKind::Arj);
        let (found, problems) = all(&data);
        assert_eq!((found.len(), problems.len()), (3, 0), "{method}");
        assert!(found.iter().all(|member| member.problems.is_empty()), "{method}");
        assert!(found.iter().any(|member| name(member) == "text.txt" && member.content == text), "{method}");
        assert!(found.iter().any(|member| member.content == noise(50_000, 8)), "{method}");
    }
}

#[test]
fn damage_is_told_and_what_stands_in_front_of_it_is_kept() {
    for sample in ["arj_1", "arj_4", "lha"] {
        let data = stored_sample(sample);
        let whole = all(&data).0;
        let (cut, _) = all(&data[..data.len() - 100]);
        let last = cut.last().unwrap();
        assert_eq!(last.problems, [UnscannedReason::Damaged], "{sample}");
        assert_eq!(cut[0].content, whole[0].content, "{sample}");
        let mut changed = data.clone();
        let at = data.len() - 200;
        changed[at] ^= 0x10;
        let told = all(&changed).0.iter().any(|member| member.problems == [UnscannedReason::Damaged]);
        assert!(told, "{sample}: the checksum");
    }
}

#[test]
fn what_stands_behind_the_end_is_an_unlisted_member() {
    for sample in ["arj_1", "lha"] {
        let data = [stored_sample(sample), b"MZ a program".to_vec()].concat();
        let (found, problems) = all(&data);
        assert_eq!(problems, [], "{sample}");
        let last = found.last().unwrap();
        assert!(last.hidden && last.content == b"MZ a program", "{sample}");
    }
}

#[test]
fn an_unknown_method_of_lha_is_told() {
    let mut data = stored_sample("lha");
    // The first header: its method, and with that the sum of its bytes.
    data[5] = b'8';
    data[1] = data[1].wrapping_add(8);
    let (found, _) = members(FileKind::Lha, &data);
    assert_eq!((name(&found[0]), &found[0].problems[..]), ("first.txt", &[UnscannedReason::UnknownFormat][..]));
    assert_eq!(found.len(), 3);
}

#[test]
fn what_only_begins_like_lha_is_damage_and_not_its_own_member() {
    let data = b"  -lh5- is how some text may begin, too.";
    let (found, problems) = all(data);
    assert_eq!((found.len(), &problems[..]), (0, &[UnscannedReason::Damaged][..]));
}
