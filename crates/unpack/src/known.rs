//! The formats that are known here, one row each: what is opened of them, and what is not. The page
//! `docs/reference/formats.md` is made of it.

use mail::evidence::FileKind::{self, *};

/// How far a format is read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Tier {
    /// Opened, with everything in it.
    Opened,
    /// Opened as far as the row says; the rest is reported.
    InPart,
    /// Recognised, and reported as a format that is not opened.
    Reported,
}

/// Where samples of a format come from, in its tests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sample {
    /// Stored samples whose names begin so, made by other programs.
    Stored(&'static str),
    /// Made by this program at the time of the test, where it is installed.
    Tool(&'static str),
    /// Made by an encoder in the tests.
    Own,
}

/// One format.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// What people call it.
    pub name: &'static str,
    /// What [`crate::detect`] calls it.
    pub kind: FileKind,
    /// How far it is read.
    pub tier: Tier,
    /// What of it is opened: methods, parts, versions.
    pub opened: &'static str,
    /// How passwords are used; empty: the format has none, or none is tried.
    pub passwords: &'static str,
    /// Limits of its own, beside those of every examination, and what stays unread.
    pub limits: &'static str,
    /// Where its samples come from.
    pub samples: &'static [Sample],
}

use Sample::{Own, Stored, Tool};
use Tier::{InPart, Opened, Reported};

/// A row, for short.
const fn row(
    (name, kind, tier): (&'static str, FileKind, Tier),
    opened: &'static str,
    passwords: &'static str,
    limits: &'static str,
    samples: &'static [Sample],
) -> Format {
    Format { name, kind, tier, opened, passwords, limits, samples }
}

/// All formats, in the order of the documentation.
#[rustfmt::skip]
pub const FORMATS: &[Format] = &[
    // Archives.
    row(("zip, apk", Zip, Opened), "stored, Shrink, Reduce, Implode, Deflate, Deflate64, bzip2, LZMA, XZ, PPMd, Zstandard; by directory, by local headers, and members that no directory lists", "ZipCrypto, AES-128, 192, 256", "may be read 3 times over; not: PKWARE's strong encryption, WavPack, JPEG", &[Stored("zip_"), Tool("7z"), Tool("zip"), Own]),
    row(("jar, war, ear", Jar, Opened), "as zip", "as zip", "as zip", &[Own]),
    row(("RAR 1.3 to 7", Rar, Opened), "all methods, solid archives, the virtual machine of RAR 3", "RAR 3 and 5, headers too", "dictionary 128 MiB; links are passed over", &[Stored("rar_")]),
    row(("7z", SevenZip, Opened), "stored, LZMA, LZMA2, PPMd, bzip2, Deflate, Deflate64, Zstandard; Delta, BCJ, BCJ2", "AES-256, the header too", "dictionary 64 MiB, header 32 MiB", &[Stored("7z_"), Tool("7z")]),
    row(("tar", Tar, Opened), "v7, ustar, pax, GNU, sparse files; archives one behind the other", "", "", &[Stored("tar_"), Own]),
    row(("gzip", Gzip, Opened), "all streams, one behind the other", "", "65,536 streams", &[Stored("tar_v7_gzip"), Own]),
    row(("bzip2, xz, lzma, lzip, Zstandard, LZ4, compress (.Z)", Compressed, Opened), "all streams, frames that are skipped", "", "dictionary 64 MiB; not: pack, compress -H, lzop, lrzip", &[Stored("bzip2"), Stored("xz"), Stored("lzma"), Stored("lzip"), Stored("zstd"), Stored("lz4"), Stored("compress")]),
    row(("Brotli", Compressed, Opened), "one stream, where the name ends with `.br`, `.brotli` or `.tbr`: the format has no mark of its own", "", "window 16 MiB", &[Tool("brotli")]),
    row(("cabinet (cab)", Cab, Opened), "stored, MSZIP, Quantum, LZX", "", "16 passes over a folder", &[Stored("cab_"), Tool("gcab"), Own]),
    row(("arj", Arj, Opened), "methods 0 to 4", "garbled members", "not: GOST", &[Stored("arj_"), Tool("arj")]),
    row(("LHA, LZH, LArc, PMarc, ICE", Lha, Opened), "lh0 to lh7, lhx, lzs, lz4, lz5, pm0 to pm2; headers of levels 0 to 3", "", "", &[Stored("lha"), Own]),
    row(("cpio", Cpio, Opened), "newc, crc, odc, binary in either order", "", "", &[Stored("cpio_"), Own]),
    row(("ar, deb", Ar, Opened), "names of GNU and of BSD", "", "thin archives are reported", &[Stored("ar"), Stored("deb")]),
    row(("RPM", Rpm, Opened), "scripts, and the payload by any method above", "", "not: triggers", &[Tool("rpmbuild"), Own]),
    row(("ISO 9660, Joliet, UDF", Iso, Opened), "all three trees; what only one of them has comes as unlisted", "", "may be read 3 times over; not: interleaved or compressed files, further sessions of ISO 9660, earlier states of UDF discs that are written once", &[Stored("iso_"), Tool("genisoimage"), Tool("mkudffs")]),
    row(("disk images: raw, VHD, VHDX", DiskImage, InPart), "partition tables (MBR, GPT); FAT12, FAT16, FAT32, exFAT; discs and archives on them; discs in raw sectors", "", "other file systems (NTFS, ext4) and unknown data are reported", &[Tool("mformat"), Tool("qemu-img"), Tool("mkfs.ext4"), Own]),
    // Documents.
    row(("Word, Excel, PowerPoint 97 to 2003, msg, msi", Ole2, Opened), "every stream; VBA as source, Excel 4.0 macros, DDE, packages and objects, text and hidden text, attachments of mail items, cabinets of installers", "RC4, RC4 CryptoAPI, XOR, AES (standard and agile); the one that Excel supplies", "", &[Stored("doc"), Stored("xls"), Own]),
    row(("docx, xlsx, pptx, xlsb, vsdx and their kind", Ooxml, Opened), "all parts; macros, Excel 4.0 macros, DDE, ActiveX, objects, remote templates, text and hidden text", "AES (standard and agile), as an OLE2 file", "", &[Stored("libreoffice_docx"), Stored("libreoffice_xlsx"), Stored("openpyxl"), Stored("xlsxwriter"), Own]),
    row(("odt, ods, odp and their kind", Odf, Opened), "all parts; Basic and other scripts, event handlers, DDE, remote content, text and hidden text", "Blowfish, AES-256 (CBC, and GCM with Argon2id)", "Argon2id up to 128 MiB", &[Stored("libreoffice_od"), Stored("odf_")]),
    row(("RTF", Rtf, Opened), "objects, packages, stored data, pictures, templates, DDE, text and hidden text", "", "", &[Stored("libreoffice_rtf"), Own]),
    row(("PDF", Pdf, Opened), "object streams, all filters for data, embedded files, JavaScript, actions, forms, XFA, text and hidden text, older versions", "RC4, AES-128, AES-256 (revisions 2 to 6)", "16 filters in a chain; not: encryption for certificates, pictures", &[Tool("qpdf"), Own]),
    row(("OneNote", OneNote, Opened), "attached files (deleted ones too), text", "", "sections with a password are reported as `encrypted`: how is not documented", &[Own]),
    row(("TNEF (winmail.dat)", Tnef, Opened), "bodies, compressed RTF, attachments, messages in it", "", "", &[Own]),
    row(("S/MIME, PKCS #7", Cms, InPart), "what is signed, digested or compressed", "", "what is encrypted for a certificate is reported", &[Stored("cms_")]),
    row(("HTML", Html, Opened), "scripts, event handlers, forms, `data:` addresses, files that scripts assemble, documents in it, text and hidden text; UTF-16 and UTF-7", "", "1,000 files; scripts are not run, their constants are put together", &[Own]),
    row(("SVG", Svg, Opened), "as HTML", "", "", &[Own]),
    row(("XML", Xml, Opened), "Word 2003, flat OOXML and flat ODF; shortcuts in XML", "", "", &[Stored("libreoffice_word2003"), Own]),
    // Mail.
    row(("mail message (eml, mht)", Message, Opened), "every reading, at any depth; uuencode, yEnc and BinHex in text", "", "8 readings a part, 3 times the parts in all", &[Own]),
    row(("mbox", Mbox, Opened), "each message", "", "", &[Own]),
    row(("calendar (ics)", Calendar, Opened), "attachments, pages, text", "", "", &[Own]),
    row(("business card (vcf)", VCard, Opened), "pictures, sounds, keys, text", "", "", &[Own]),
    // What acts.
    row(("scripts (js, vbs, ps1, bat, hta, wsf, jse, vbe, sh, shar, …)", Script, Opened), "as text; Microsoft's encoder, `-EncodedCommand`, batch variables and constants undone; files in scripts of the shell", "", "8 layers", &[Tool("shar"), Tool("bsdtar"), Own]),
    row(("text", Text, Opened), "uuencode, xxencode, yEnc, BinHex, base64, hexadecimal digits; scripts by what stands in them", "", "", &[Own]),
    row(("Windows shortcut (lnk)", Lnk, Opened), "command line, remote icon, what is appended", "", "", &[Own]),
    row(("internet shortcut (url, desktop, …)", InternetShortcut, Opened), "address, command", "", "", &[Own]),
    row(("programs for Windows", Pe, InPart), "UPX, FSG and MEW (LZMA too) undone; resources, archives behind and in it (self-extracting ones, installers)", "", "other packers are reported as `packed`", &[Stored("upx_pe_"), Stored("mew_"), Own]),
    row(("programs in ELF", Elf, InPart), "UPX undone; what is behind its end, archives in it", "", "", &[Stored("upx_elf_")]),
    // Opened where it is cheap.
    row(("SZDD, KWAJ (COMPRESS.EXE)", OtherArchive, InPart), "LZSS, XOR, stored, MSZIP", "", "not: KWAJ with Huffman coding", &[Own]),
    row(("compiled help (chm)", OtherArchive, Opened), "all files, LZX", "", "window 2 MiB", &[Own]),
    row(("xar, macOS pkg", OtherArchive, Opened), "all files", "", "", &[Own]),
    row(("Flash (swf)", OtherArchive, InPart), "zlib and LZMA; films and files in its tags", "", "scripts are not read", &[Own]),
    row(("dmg (macOS)", OtherArchive, InPart), "its partitions; blocks by zlib, bzip2, LZFSE, LZMA, ADC", "", "HFS+ and APFS in it are reported", &[Stored("dmg_"), Own]),
    row(("WARC", OtherArchive, Opened), "the block of each record, of answers by HTTP the body", "", "head of a record 64 KiB", &[Tool("bsdtar"), Own]),
    row(("Symbian installer (sis)", OtherArchive, InPart), "its zlib streams", "", "", &[Own]),
    // Reported.
    row(("ace, zoo, ARC, ALZip, EGG, StuffIt, DMS, Squeeze It, UC2", OtherArchive, Reported), "", "", "", &[Own]),
    row(("FreeArc, UHARC, HA, GCA, KGB, JAR (by ARJ), NuFile, LZX of Amiga, Dzip, qpress, yz1, XPK, dar, dump", OtherArchive, Reported), "", "", "", &[Own]),
    row(("rzip, freeze, pack200, raw LZFSE, mozLz4, LZ5, Lizard, BCM", OtherArchive, Reported), "", "", "", &[Own]),
    row(("LHA by other methods than those above", OtherArchive, Reported), "", "", "", &[Own]),
    row(("wim, vmdk, QCOW, VDI, DAA, ISZ, CISO, EnCase, AFF, Parallels", OtherArchive, Reported), "", "", "", &[Own]),
    row(("SquashFS, cramfs, romfs, JFFS2, XFS, EROFS, Btrfs, UFS, HFS+, APFS", OtherArchive, Reported), "", "", "", &[Own]),
    row(("ext2 to ext4, Minix, HFS without a table of partitions", DiskImage, Reported), "", "", "", &[Tool("mkfs.ext4")]),
    row(("Outlook pst, mails of Outlook Express (dbx), PAR 2, thin ar", OtherArchive, Reported), "", "", "", &[Own]),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::detect::SIGNATURES;

    #[test]
    fn every_kind_that_is_told_and_may_hold_something_has_a_row() {
        for (kind, _, _, what) in SIGNATURES {
            let holds = !matches!(kind, Image | Media | Unknown | MachO);
            assert_eq!(FORMATS.iter().any(|format| format.kind == *kind), holds, "{what}");
        }
    }

    #[test]
    fn every_row_says_what_it_must() {
        for format in FORMATS {
            assert_eq!(format.opened.is_empty(), format.tier == Reported, "{}", format.name);
            assert!(!format.samples.is_empty(), "{}", format.name);
            for text in [format.name, format.opened, format.passwords, format.limits] {
                assert!(!text.contains('|'), "{text}: it stands in a table");
            }
        }
    }

    #[test]
    fn stored_samples_are_there_and_of_that_kind() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/unpack/samples");
        let names: Vec<String> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".expected"))
            .collect();
        for format in FORMATS {
            for stem in format.samples.iter().filter_map(|s| if let Stored(stem) = s { Some(*stem) } else { None }) {
                let found: Vec<_> = names.iter().filter(|name| name.starts_with(stem)).collect();
                assert!(!found.is_empty(), "{stem}");
                let told = |name: &&&String| {
                    let listing = std::fs::read_to_string(folder.join(name.as_str())).unwrap();
                    listing.split_ascii_whitespace().any(|word| word == format.kind.name())
                };
                assert!(found.iter().any(|name| told(&name)), "{stem}: none is {}", format.kind.name());
            }
        }
    }
}
