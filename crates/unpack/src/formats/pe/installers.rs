//! Programs that bring others: installers and compiled scripts, told by the marks of their data. They are not
//! opened, but for cabinets and programs that stand in them.

use memchr::memmem;

/// How far behind the program's end a mark may stand, in bytes.
const WINDOW: usize = 4096;

/// Marks in the data behind the program, and whose they are.
const BEHIND: &[(&[u8], &str)] = &[
    (b"\xef\xbe\xad\xdeNullsoftInst", "NSIS"),
    (b"\xef\xbe\xad\xdenullsoftinst", "NSIS"),
    (b"InstallShield\0", "InstallShield"),
    (b"ISSetupStream", "InstallShield"),
    (b"ISc(", "InstallShield"),
    (b"zlb\x1a", "Inno Setup"),
    (b"idska32\x1a", "Inno Setup"),
    (b"AU3!EA05", "AutoIt"),
    (b"AU3!EA06", "AutoIt"),
    (b"\xa3\x48\x4b\xbe\x98\x6c\x4a\xa9\x99\x4c\x53\x0a\x86\xd6\x48\x7d", "AutoIt"),
    (b"\0\x01WISE", "Wise"),
    (b"MEI\x0c\x0b\x0a\x0b\x0e", "PyInstaller"),
];
/// Marks anywhere in the program.
const ANYWHERE: &[(&[u8], &str)] = &[
    (b"Inno Setup Setup Data (", "Inno Setup"),
    (b"rDlPtS\xcd\xe6\xd7\x7b\x0b\x2a", "Inno Setup"),
    (b"InstallShield Wizard\0", "InstallShield"),
    (b"AU3!EA06", "AutoIt"),
];

/// The kind of installer that a program is, if any; `end`: where the program itself ends.
pub(super) fn known(data: &[u8], end: usize) -> Option<&'static str> {
    let behind = data.get(end..).unwrap_or(&[]);
    // PyInstaller writes its mark at the very end.
    let head = behind.get(..WINDOW).unwrap_or(behind);
    let tail = behind.get(behind.len().saturating_sub(WINDOW)..).unwrap_or(behind);
    let found = |area: &[u8], marks: &[(&[u8], &'static str)]| {
        marks.iter().find(|(mark, _)| memmem::find(area, mark).is_some()).map(|(_, name)| *name)
    };
    found(head, BEHIND).or_else(|| found(tail, BEHIND)).or_else(|| found(data, ANYWHERE))
}
