//! Files that Debian's programs write: one file, packed in every format that one of them has, and what each packs a
//! file into once more.

use std::path::Path;
use std::process::{Command, Stdio};

/// The password of all that is locked.
pub const SECRET: &str = "secret";

/// Names of files, and how a shell makes each from `e.com`.
pub const FORMATS: &[(&str, &str)] = &[
    ("plain.com", "cp e.com $O"),
    ("deflate.zip", "zip -q $O e.com"),
    ("stored.zip", "zip -q -0 $O e.com"),
    ("bzip2.zip", "zip -q -Z bzip2 $O e.com"),
    ("deflate64.zip", "7z a -mm=Deflate64 $O e.com"),
    ("lzma.zip", "7z a -mm=LZMA $O e.com"),
    ("ppmd.zip", "7z a -mm=PPMd $O e.com"),
    ("streamed.zip", "bsdtar --format zip -cf $O e.com"),
    ("locked.zip", "zip -q -P secret $O e.com"),
    ("locked128.zip", "7z a -psecret -mem=AES128 $O e.com"),
    ("locked256.zip", "7z a -psecret -mem=AES256 $O e.com"),
    ("lzma2.7z", "7z a $O e.com"),
    ("lzma.7z", "7z a -m0=LZMA $O e.com"),
    ("ppmd.7z", "7z a -m0=PPMd $O e.com"),
    ("bzip2.7z", "7z a -m0=BZip2 $O e.com"),
    ("stored.7z", "7z a -m0=Copy $O e.com"),
    ("locked.7z", "7z a -psecret $O e.com"),
    ("hidden.7z", "7z a -psecret -mhe=on $O e.com"),
    ("gnu.tar", "tar --format=gnu -cf $O e.com"),
    ("pax.tar", "tar --format=pax -cf $O e.com"),
    ("v7.tar", "tar --format=v7 -cf $O e.com"),
    ("t.tar.gz", "tar -czf $O e.com"),
    ("t.tar.bz2", "tar -cjf $O e.com"),
    ("t.tar.xz", "tar -cJf $O e.com"),
    ("t.tar.zst", "tar -cf - e.com | zstd -q -o $O"),
    ("t.tar.lz", "tar -cf - e.com | lzip > $O"),
    ("t.tar.lzma", "tar -cf - e.com | xz --format=lzma > $O"),
    ("t.tar.Z", "tar -cf - e.com | compress -f > $O"),
    ("l.lz4", "lz4 -q e.com $O"),
    ("c.cab", "gcab -c -n $O e.com"),
    ("z.cab", "gcab -c -z -n $O e.com"),
    ("a.arj", "arj a -y $O e.com"),
    ("stored.arj", "arj a -y -m0 $O e.com"),
    ("locked.arj", "arj a -y -gsecret $O e.com"),
    ("l.lzh", "jlha cq $O e.com"),
    ("newc.cpio", "echo e.com | cpio -o -H newc > $O"),
    ("odc.cpio", "echo e.com | cpio -o -H odc > $O"),
    ("bin.cpio", "echo e.com | cpio -o -H bin > $O"),
    ("a.ar", "ar rc $O e.com"),
    ("x.xar", "bsdtar --format xar -cf $O e.com"),
    ("w.warc", "bsdtar --format warc -cf $O e.com"),
    ("s.shar", "shar -B e.com > $O"),
    ("u.uu", "uuencode e.com e.com > $O"),
    ("m.txt", "uuencode -m e.com e.com > $O"),
    ("i.iso", "genisoimage -quiet -o $O e.com"),
    ("j.iso", "genisoimage -quiet -J -R -o $O e.com"),
    ("f.img", "truncate -s 1440k $O && mkfs.fat $O && mcopy -i $O e.com ::E.COM"),
    (
        "v.vhd",
        "truncate -s 1440k v.raw && mkfs.fat v.raw && mcopy -i v.raw e.com ::E.COM && qemu-img convert -O vpc v.raw $O",
    ),
];

/// Containers, and how a shell puts the file `$I` into each.
pub const CONTAINERS: &[(&str, &str)] = &[
    ("zip", "zip -q $O $I"),
    ("locked.zip", "zip -q -P secret $O $I"),
    ("7z", "7z a $O $I"),
    ("locked.7z", "7z a -psecret -mhe=on $O $I"),
    ("tar.gz", "tar -czf $O $I"),
    ("tar.xz", "tar -cJf $O $I"),
    ("cab", "gcab -c -z -n $O $I"),
    ("arj", "arj a -y $O $I"),
    ("lzh", "jlha cq $O $I"),
    ("iso", "genisoimage -quiet -J -o $O $I"),
    ("pdf", "qpdf --warning-exit-0 page.pdf --add-attachment $I -- $O"),
    ("html", "printf '<html><a href=\"data:application/octet-stream;base64,%s\">x</a></html>' $(base64 -w0 $I) > $O"),
];

/// A document of one empty page.
const PAGE: &[u8] = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n\
    2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
    3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\ntrailer<</Root 1 0 R>>\n";

/// Programs that [`FORMATS`] and [`CONTAINERS`] need.
const PROGRAMS: [&str; 20] = [
    "7z",
    "ar",
    "arj",
    "bsdtar",
    "bzip2",
    "compress",
    "cpio",
    "gcab",
    "genisoimage",
    "jlha",
    "lz4",
    "lzip",
    "mcopy",
    "mkfs.fat",
    "qemu-img",
    "qpdf",
    "uuencode",
    "xz",
    "zip",
    "zstd",
];

/// Whether every program is there that is needed; says which is not.
pub fn can_make() -> bool {
    PROGRAMS.iter().all(|program| crate::peers::find(program).is_some())
}

/// Puts into the folder what [`make`] starts from.
pub fn begin(folder: &Path, content: &[u8]) {
    std::fs::write(folder.join("e.com"), content).expect("a folder that can be written");
    std::fs::write(folder.join("page.pdf"), PAGE).expect("a folder that can be written");
}

/// Runs a command of the tables in a folder; whether it worked and the file is there now. `input`: the file that goes into a container.
pub fn make(folder: &Path, command: &str, input: &str, output: &str) -> bool {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).env("I", input).env("O", output).current_dir(folder);
    let path = std::env::var("PATH").unwrap_or_default();
    let done =
        shell.env("PATH", format!("{path}:/usr/sbin:/sbin")).stdout(Stdio::null()).stderr(Stdio::null()).status();
    done.is_ok_and(|status| status.success()) && folder.join(output).exists()
}
