//! Archives behind programs, and files that are two things at once.

use mail::evidence::{FileKind, UnscannedReason};
use unpack::{Budget, Limits, Opening, StopFlag, detect, open};

use crate::samples::stored_sample;
use crate::support::{archive, deflated, members, name, noise};

/// What looks like a Windows program.
fn program() -> Vec<u8> {
    let mut out = vec![0; 512];
    out[..2].copy_from_slice(b"MZ");
    out[60] = 128;
    out[128..132].copy_from_slice(b"PE\0\0");
    out.extend(noise(5000, 9));
    out
}

#[test]
fn archives_behind_a_program_are_opened() {
    for sample in ["7z_lzma2", "rar_5", "rar_3_solid", "cab_mszip"] {
        let archive = stored_sample(sample);
        let data = [program(), archive.clone()].concat();
        assert_eq!(detect(&data), FileKind::Pe, "{sample}");
        let (found, problems) = members(FileKind::Pe, &data);
        let (wanted, _) = members(detect(&archive), &archive);
        assert_eq!((found.len(), problems.len()), (2, 0), "{sample}");
        assert!(found.iter().zip(&wanted).all(|(found, wanted)| found == wanted), "{sample}");
    }
}

#[test]
fn a_program_without_an_archive_is_a_leaf_even_when_it_bears_their_magic() {
    let data = [&program()[..], b"Rar!\x1a\x07\x09 7z\xbc\xaf\x27\x1c and more"].concat();
    let mut budget = Budget::new(Limits::default(), StopFlag::new());
    assert!(matches!(open(FileKind::Pe, &data, &mut budget), Opening::Leaf));
}

#[test]
fn a_zip_behind_another_archive_is_read_as_unlisted_members() {
    let rar = stored_sample("rar_5");
    let data = [&rar[..], &deflated(&[("behind.txt", b"behind")])].concat();
    let (found, problems) = members(FileKind::Rar, &data);
    assert_eq!(problems, []);
    let last = found.last().unwrap();
    assert_eq!((name(last), last.hidden, &last.content[..]), ("behind.txt", true, &b"behind"[..]));
    assert!(found.windows(2).all(|pair| pair[0].index < pair[1].index));
    // What is recognised only keeps being reported.
    let data = [&b"\x12\x34\x31\0\0\0\x90**ACE**"[..], &deflated(&[("behind.txt", b"behind")])].concat();
    let (found, problems) = members(FileKind::OtherArchive, &data);
    assert_eq!((found.len(), &problems[..]), (1, &[UnscannedReason::UnknownFormat][..]));
}

#[test]
fn archives_in_what_no_member_of_a_zip_claims_are_read() {
    let note: &[u8] = b"a text that is no archive";
    for sample in ["rar_5", "7z_lzma2", "cab_mszip"] {
        let inner = stored_sample(sample);
        let zip = deflated(&[("note.txt", note)]);
        let directory = zip.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
        // In the comment, behind the end, and between the members and the directory.
        let mut comment = zip.clone();
        let length = comment.len() - 2;
        comment[length..].copy_from_slice(&(inner.len() as u16).to_le_bytes());
        comment.extend(&inner);
        let mut between = [&zip[..directory], &inner, &zip[directory..]].concat();
        let offset = between.len() - 6;
        between[offset..offset + 4].copy_from_slice(&((directory + inner.len()) as u32).to_le_bytes());
        for data in [comment, [&zip[..], &inner].concat(), between] {
            let (found, _) = members(FileKind::Zip, &data);
            let strays: Vec<_> = found.iter().filter(|member| member.hidden).collect();
            let told: Vec<_> = found.iter().map(|member| (name(member), member.content.len(), member.hidden)).collect();
            assert!(strays.len() == 1 && found.iter().any(|member| member.content == note), "{sample}: {told:?}");
            let (wanted, _) = members(detect(&inner), &inner);
            let (inside, _) = members(detect(&strays[0].content), &strays[0].content);
            assert!(wanted.iter().all(|wanted| inside.iter().any(|found| found.content == wanted.content)), "{sample}");
        }
        // Stored as a member it is a member, once.
        let stored = archive(zip::CompressionMethod::Stored, &[("inner", &inner)]);
        assert_eq!(members(FileKind::Zip, &stored).0.len(), 1, "{sample}");
    }
}
