//! Signatures: bytes at a fixed place that tell a file's kind. One line a signature; the first that
//! fits decides.

use mail::evidence::FileKind::{
    self, Ar, Cab, Compressed, DiskImage, Elf, Gzip, Image, Iso, Lha, Lnk, MachO, Media, Ole2, OneNote, OtherArchive,
    Pdf, Rar, Rpm, Rtf, SevenZip, Tar, Text, Tnef, Unknown, Zip,
};

use crate::bytes::take;

/// Kind, offset, bytes, and what it is.
pub(crate) type Signature = (FileKind, usize, &'static [u8], &'static str);

/// The kind that the first fitting signature tells.
pub(super) fn find(bytes: &[u8]) -> Option<FileKind> {
    let fits = |(_, at, magic, _): &&Signature| take(bytes, *at, magic.len()) == Some(*magic);
    SIGNATURES.iter().find(fits).map(|signature| signature.0)
}

#[rustfmt::skip]
pub(crate) const SIGNATURES: &[Signature] = &[
    // Documents.
    (Pdf, 0, b"%PDF-", "PDF"),
    (Rtf, 0, b"{\\rt", "RTF; Word opens anything that starts so"),
    (Ole2, 0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "OLE2 compound file"),
    (OneNote, 0, b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", "OneNote section"),
    (OneNote, 0, b"\xa1\x2f\xff\x43\xd9\xef\x76\x4c\x9e\xe2\x10\xea\x57\x22\x76\x5f", "OneNote table of contents"),
    (Lnk, 0, b"\x4c\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", "Windows shortcut"),
    // Programs.
    (Elf, 0, b"\x7fELF", "ELF"),
    (MachO, 0, b"\xfe\xed\xfa\xce", "Mach-O 32 bit big-endian"),
    (MachO, 0, b"\xfe\xed\xfa\xcf", "Mach-O 64 bit big-endian"),
    (MachO, 0, b"\xce\xfa\xed\xfe", "Mach-O 32 bit"),
    (MachO, 0, b"\xcf\xfa\xed\xfe", "Mach-O 64 bit"),
    (Unknown, 0, b"\0asm", "WebAssembly"),
    (Unknown, 0, b"dex\n", "Dalvik"),
    // Archives that are opened.
    (Compressed, 0, b"ActiveMime\0", "macros of a Word 2003 document"),
    (Zip, 0, b"PK\x03\x04", "zip"),
    (Zip, 0, b"PK\x05\x06", "empty zip"),
    (Zip, 0, b"PK00PK\x03\x04", "zip, one segment of a split archive"),
    (Zip, 0, b"PK\x07\x08PK\x03\x04", "zip, first segment"),
    (Gzip, 0, b"\x1f\x8b\x08", "gzip"),
    (SevenZip, 0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (Rar, 0, b"Rar!\x1a\x07", "RAR"),
    (Rar, 0, b"RE\x7e\x5e", "RAR before 1.5"),
    (Ar, 0, b"!<arch>\n", "ar, deb"),
    (OtherArchive, 0, b"!<thin>\n", "ar, its members other files"),
    (Iso, 32769, b"CD001", "ISO 9660"),
    (Iso, 32769, b"BEA01", "UDF"),
    (Iso, 32769, b"NSR0", "UDF"),
    (Rpm, 0, b"\xed\xab\xee\xdb", "RPM"),
    (DiskImage, 0, b"vhdxfile", "VHDX"),
    (DiskImage, 0, b"conectix", "VHD"),
    (Cab, 0, b"MSCF\0\0\0\0", "CAB"),
    (Lha, 2, b"-lh0-", "LHA"),
    (Lha, 2, b"-lh1-", "LHA"),
    (Lha, 2, b"-lh2-", "LHA"),
    (Lha, 2, b"-lh3-", "LHA"),
    (Lha, 2, b"-lh4-", "LHA"),
    (Lha, 2, b"-lh5-", "LHA"),
    (Lha, 2, b"-lh6-", "LHA"),
    (Lha, 2, b"-lh7-", "LHA"),
    (Lha, 2, b"-lhd-", "LHA"),
    (Lha, 2, b"-lhx-", "LHA"),
    (Lha, 2, b"-lzs-", "LArc"),
    (Lha, 2, b"-lz4-", "LArc"),
    (Lha, 2, b"-lz5-", "LArc"),
    (Lha, 2, b"-pm0-", "PMarc"),
    (Lha, 2, b"-pm1-", "PMarc"),
    (Lha, 2, b"-pm2-", "PMarc"),
    (Tar, 257, b"ustar", "tar"),
    (Tnef, 0, b"\x78\x9f\x3e\x22", "TNEF"),
    // Archives and images of disks that are recognised only.
    (OtherArchive, 0, b"ISc(", "InstallShield CAB"),
    (OtherArchive, 0, b"\xff\x06\0\0sNaPpY", "Snappy"),
    (OtherArchive, 0, b"\x1f\xa0", "compress -H"),
    (OtherArchive, 0, b"\x1f\x1e", "pack"),
    (OtherArchive, 0, b"\x89LZO\0\r\n\x1a\n", "lzop"),
    (OtherArchive, 0, b"LRZI", "lrzip"),
    (OtherArchive, 0, b"7kSt\xa0\x31\x83\xd3", "ZPAQ"),
    (OtherArchive, 0, b"RZIP\x02", "rzip"),
    (OtherArchive, 0, b"\x1f\x9e", "freeze 1"),
    (OtherArchive, 0, b"\x1f\x9f", "freeze 2"),
    (OtherArchive, 0, b"\xca\xfe\xd0\x0d", "pack200"),
    (OtherArchive, 0, b"bvx-", "LZFSE, stored"),
    (OtherArchive, 0, b"bvx1", "LZFSE"),
    (OtherArchive, 0, b"bvx2", "LZFSE"),
    (OtherArchive, 0, b"bvxn", "LZVN"),
    (OtherArchive, 0, b"mozLz40\0", "LZ4 of Mozilla"),
    (OtherArchive, 0, b"\x05\x22\x4d\x18", "LZ5"),
    (OtherArchive, 0, b"\x06\x22\x4d\x18", "Lizard"),
    (OtherArchive, 0, b"XPKF", "XPK"),
    (OtherArchive, 0, b"BCM!", "BCM"),
    (OtherArchive, 0, b"KGB_arch -", "KGB"),
    (OtherArchive, 0, b"ArC\x01", "FreeArc"),
    (OtherArchive, 14, b"\x1aJar\x1b", "JAR by ARJ"),
    (OtherArchive, 0, b"GCAX", "GCA"),
    (OtherArchive, 0, b"yz01", "DeepFreezer"),
    (OtherArchive, 0, b"N\xf5F\xe9l\xe5", "NuFile"),
    (OtherArchive, 0, b"LZX\0", "LZX of Amiga"),
    (OtherArchive, 0, b"DZ\x02\x09", "Dzip 2.9"),
    (OtherArchive, 0, b"DZ\x02\x01", "Dzip 2.1"),
    (OtherArchive, 0, b"qpress10", "qpress"),
    (OtherArchive, 24, b"\x6b\xea\0\0", "dump"),
    (OtherArchive, 24, b"\x6c\xea\0\0", "dump"),
    (OtherArchive, 24, b"\0\0\xea\x6b", "dump, big-endian"),
    (OtherArchive, 24, b"\0\0\xea\x6c", "dump, big-endian"),
    (OtherArchive, 24, b"\x19\x01\x54\x19", "dump of UFS2"),
    (OtherArchive, 24, b"\x19\x54\x01\x19", "dump of UFS2, big-endian"),
    (OtherArchive, 0, b"\xcf\xad\x12\xfe", "mails of Outlook Express"),
    (OtherArchive, 7, b"**ACE**", "ACE"),
    (OtherArchive, 0, b"SZDD\x88\xf0\x27\x33", "MS compress"),
    (OtherArchive, 0, b"KWAJ\x88\xf0\x27\xd1", "MS compress"),
    (OtherArchive, 0, b"xar!", "xar, pkg"),
    (OtherArchive, 0, b"WARC/", "WARC"),
    (OtherArchive, 20, b"\xdc\xa7\xc4\xfd", "zoo"),
    (OtherArchive, 0, b"ALZ\x01", "ALZip"),
    (OtherArchive, 0, b"EGGA", "EGG"),
    (OtherArchive, 8, b"\x19\x04\0\x10", "SIS of Symbian"),
    (OtherArchive, 0, b"\x7a\x1a\x20\x10", "SIS of Symbian 9"),
    (OtherArchive, 0, b"StuffIt!", "StuffIt X"),
    (OtherArchive, 0, b"DMS!", "DMS"),
    (OtherArchive, 0, b"PAR2\0PKT", "PAR 2"),
    (OtherArchive, 0, b"HLSQZ", "Squeeze It"),
    (OtherArchive, 0, b"UC2\x1a", "UltraCompressor"),
    (OtherArchive, 0, b"SIT!", "StuffIt"),
    (OtherArchive, 0, b"StuffIt ", "StuffIt 5"),
    (Text, 0, b"(This file must be converted with BinHex", "BinHex"),
    (Text, 0, b"begin 644 ", "uuencode"),
    (Text, 0, b"begin 755 ", "uuencode"),
    (Text, 0, b"begin 666 ", "uuencode"),
    (Text, 0, b"begin-base64 ", "uuencode -m"),
    (Text, 0, b"=ybegin ", "yEnc"),
    (OtherArchive, 0, b"!BDN", "Outlook PST"),
    (OtherArchive, 0, b"ITSF", "CHM"),
    (OtherArchive, 0, b"MSWIM\0\0\0", "WIM"),
    (OtherArchive, 0, b"KDMV", "VMDK"),
    (OtherArchive, 0, b"COWD", "VMDK"),
    (OtherArchive, 0, b"QFI\xfb", "QCOW"),
    (OtherArchive, 64, b"\x7f\x10\xda\xbe", "VDI"),
    (OtherArchive, 0, b"WithoutFreeSpace", "Parallels"),
    (OtherArchive, 0, b"WithouFreSpacExt", "Parallels 2"),
    (OtherArchive, 0, b"CISO\0", "CISO, compressed disc"),
    (OtherArchive, 0, b"ZISO\0", "ZISO, compressed disc"),
    (OtherArchive, 0, b"DAA\0\0\0\0\0", "PowerISO DAA"),
    (OtherArchive, 0, b"IsZ!", "UltraISO ISZ"),
    (OtherArchive, 0, b"EVF\x09\r\n\xff\0", "EnCase"),
    (OtherArchive, 0, b"LVF\x09\r\n\xff\0", "EnCase, logical"),
    (OtherArchive, 0, b"EVF2\r\n\x81\0", "EnCase 7"),
    (OtherArchive, 0, b"LEF2\r\n\x81\0", "EnCase 7, logical"),
    (OtherArchive, 0, b"AFF10\r\n\0", "AFF"),
    (OtherArchive, 0, b"hsqs", "SquashFS"),
    (OtherArchive, 0, b"sqsh", "SquashFS, big-endian"),
    (OtherArchive, 0, b"\x45\x3d\xcd\x28", "cramfs"),
    (OtherArchive, 0, b"\x28\xcd\x3d\x45", "cramfs, big-endian"),
    (OtherArchive, 0, b"-rom1fs-", "romfs"),
    (OtherArchive, 0, b"\x85\x19\x03\x20", "JFFS2"),
    (OtherArchive, 0, b"\x85\x19\x01\xe0", "JFFS2"),
    (OtherArchive, 0, b"\x85\x19\x02\xe0", "JFFS2"),
    (OtherArchive, 0, b"\x19\x85\x20\x03", "JFFS2, big-endian"),
    (OtherArchive, 0, b"\x19\x85\xe0\x01", "JFFS2, big-endian"),
    (OtherArchive, 0, b"\x19\x85\xe0\x02", "JFFS2, big-endian"),
    (OtherArchive, 0, b"XFSB", "XFS"),
    (OtherArchive, 1024, b"\xe2\xe1\xf5\xe0", "EROFS"),
    (OtherArchive, 65_600, b"_BHRfS_M", "Btrfs"),
    (OtherArchive, 9564, b"\x54\x19\x01\0", "UFS"),
    (OtherArchive, 66_908, b"\x19\x01\x54\x19", "UFS2"),
    (OtherArchive, 1024, b"H+\0\x04", "HFS+"),
    (OtherArchive, 1024, b"HX\0\x05", "HFSX"),
    (OtherArchive, 32, b"NXSB", "APFS"),
    // Pictures.
    (Image, 0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (Image, 0, b"\xff\xd8\xff", "JPEG"),
    (Image, 0, b"GIF87a", "GIF"),
    (Image, 0, b"GIF89a", "GIF"),
    (Image, 0, b"II*\0", "TIFF"),
    (Image, 0, b"MM\0*", "TIFF"),
    (Image, 6, b"\0\0\0\0\x36\0\0\0\x28\0\0\0", "BMP"),
    (Image, 6, b"\0\0\0\0\x8a\0\0\0\x7c\0\0\0", "BMP 5"),
    (Image, 6, b"\0\0\0\0\x7a\0\0\0\x6c\0\0\0", "BMP 4"),
    (Image, 6, b"\0\0\0\0\x36\x04\0\0\x28\0\0\0", "BMP, 256 colours"),
    (Image, 0, b"8BPS", "Photoshop"),
    (Image, 0, b"\xd7\xcd\xc6\x9a", "WMF"),
    (Image, 40, b" EMF", "EMF"),
    (Image, 0, b"\xff\x0a", "JPEG XL"),
    (Image, 0, b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (Image, 0, b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (Image, 0, b"\0\0\x01\0\x01\0", "icon, one image"),
    (Image, 0, b"\0\0\x01\0\x02\0", "icon, two images"),
    (Image, 0, b"\0\0\x01\0\x03\0", "icon, three images"),
    (Image, 0, b"gimp xcf", "GIMP"),
    (Image, 0, b"qoif", "QOI"),
    // Sound and pictures that move.
    (Media, 0, b"ID3", "MP3"),
    (Media, 0, b"OggS", "Ogg"),
    (Media, 0, b"fLaC", "FLAC"),
    (Media, 0, b"\x1a\x45\xdf\xa3", "Matroska"),
    (Media, 0, b"FLV\x01", "Flash video"),
    (Media, 0, b"MThd", "MIDI"),
    (Media, 0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "ASF"),
    (Media, 0, b"\0\0\x01\xba", "MPEG"),
    (Media, 0, b"\0\0\x01\xb3", "MPEG"),
    (Media, 0, b"#!AMR", "AMR"),
    (Media, 0, b".snd", "Sun audio"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signature_is_reachable_and_long_enough() {
        for (kind, at, magic, what) in SIGNATURES {
            let mut file = vec![0xaa; *at];
            file.extend_from_slice(magic);
            assert_eq!(find(&file), Some(*kind), "{what} is hidden by an earlier signature");
            assert!(magic.len() >= 2, "{what}: too short");
        }
    }

    #[test]
    fn what_has_a_row_and_no_reader_is_reported() {
        // These are opened.
        let read = [&b"SZDD"[..], b"KWAJ", b"xar!", b"WARC/", b"ITSF", b"\x19\x04\0\x10", b"\x7a\x1a\x20\x10"];
        let mut reported = 0;
        for (kind, at, magic, what) in SIGNATURES {
            if *kind != OtherArchive || read.iter().any(|opened| magic.starts_with(opened)) {
                continue;
            }
            let mut file: Vec<u8> = (0..*at).map(|place| (place % 251) as u8 | 1).collect();
            file.extend_from_slice(magic);
            file.extend((0..4000_u32).map(|place| (place.wrapping_mul(2_654_435_761) >> 24) as u8));
            let mut budget = crate::Budget::new(crate::Limits::default(), crate::StopFlag::new());
            let opened = crate::open(crate::detect(&file), &file, &mut budget);
            let reason = mail::evidence::UnscannedReason::UnknownFormat;
            assert!(matches!(opened, crate::Opening::Unscanned(told) if told == reason), "{what}: {opened:?}");
            reported += 1;
        }
        assert!(reported > 60, "{reported}");
    }
}
