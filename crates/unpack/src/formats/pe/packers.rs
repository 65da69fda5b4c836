//! Packers of programs: FSG, which is undone, and others, which are only told.
//!
//! Limits: those of the window. A packer is known by the code at the program's start or by the names of its
//! sections, both of which a packer may change. Not handled: FSG beyond the three forms below.

use super::aplib;
use super::header::Program;
use super::image::{Piece, build};
use super::window::{Failure, Window};
use crate::budget::{Budget, Meter};
use crate::bytes::{le32, take};

/// How much of the code is looked at, in bytes.
pub(super) const CODE: usize = 64;

/// Names of sections as packers give them, in lower case, and the packers.
#[rustfmt::skip]
const SECTIONS: &[(&[u8], &str)] = &[
    (b"upx0", "UPX"), (b"upx1", "UPX"), (b"upx!", "UPX"),
    (b".aspack", "ASPack"), (b".adata", "ASPack"), (b".asprotect", "ASProtect"),
    (b".petite", "Petite"), (b"petite", "Petite"),
    (b".wwp32", "WWPack32"), (b".wwpack", "WWPack32"),
    (b"ps\xff\xd5\xab\xeb\xe7\xc3", "Upack"), (b".upack", "Upack"), (b".byd", "Upack"),
    (b"yc", "yoda's Crypter"), (b".yp", "yoda's Protector"),
    (b".mpress1", "MPRESS"), (b".mpress2", "MPRESS"),
    (b".nsp0", "NsPack"), (b".nsp1", "NsPack"), (b"nsp0", "NsPack"), (b"nsp1", "NsPack"), (b".nspack", "NsPack"),
    (b"pec1", "PECompact"), (b"pec2", "PECompact"), (b"pec2mo", "PECompact"), (b"pecompact2", "PECompact"),
    (b".themida", "Themida"), (b"winlicen", "Themida"),
    (b".vmp0", "VMProtect"), (b".vmp1", "VMProtect"), (b".vmp2", "VMProtect"),
    (b".enigma1", "Enigma"), (b".enigma2", "Enigma"),
    (b".perplex", "Perplex"), (b".packed", "RLPack"), (b".rlpack", "RLPack"),
    (b".neolite", "NeoLite"), (b".neolit", "NeoLite"), (b"pebundle", "PEBundle"),
    (b".taz", "PESpin"), (b".svkp", "SVKP"), (b".spack", "SPack"), (b".maskpe", "MaskPE"),
    (b"bitarts", "Crunch"), (b"kkrunchy", "kkrunchy"), (b"pelock", "PELock"), (b".pelock", "PELock"),
    (b"exestealth", "EXEStealth"), (b".boom", "Boomerang"), (b"telock", "tElock"),
    (b"mew", "MEW"),
];

/// Code that programs of a packer start with; `None` fits any byte.
#[rustfmt::skip]
const CODES: &[(&[Option<u8>], &str)] = &[
    (&[Some(0xeb), Some(0x01), Some(0x68), Some(0x60), Some(0xe8), Some(0), Some(0), Some(0), Some(0), Some(0x8b), Some(0x1c), Some(0x24)], "PESpin"),
    (&[Some(0x60), Some(0xe8), Some(0x03), Some(0), Some(0), Some(0), Some(0xe9), Some(0xeb)], "ASPack"),
    (&[Some(0x53), Some(0x55), Some(0x8b), Some(0xe8), Some(0x33), Some(0xdb), Some(0xeb), Some(0x60)], "WWPack32"),
    (&[Some(0xbe), None, None, None, None, Some(0xad), Some(0x50), Some(0xff), Some(0x76), Some(0x34), Some(0xeb)], "Upack"),
    (&[Some(0xb8), None, None, None, None, Some(0x68), None, None, None, None, Some(0x64), Some(0xff), Some(0x35)], "Petite"),
    (&[Some(0xb8), None, None, None, None, Some(0x50), Some(0x64), Some(0xff), Some(0x35), Some(0), Some(0), Some(0), Some(0)], "PECompact"),
    (&[Some(0x55), Some(0x8b), Some(0xec), Some(0x53), Some(0x56), Some(0x57), Some(0x60), Some(0xe8), Some(0), Some(0), Some(0), Some(0), Some(0x5d)], "yoda's Crypter"),
];

/// The packer that a program shows, if any.
pub(super) fn known(data: &[u8], program: &Program) -> Option<&'static str> {
    let code = program.code(data, CODE);
    let fits = |pattern: &[Option<u8>]| {
        pattern.len() <= code.len() && pattern.iter().zip(code).all(|(want, is)| want.is_none_or(|want| want == *is))
    };
    let by_code = CODES.iter().find(|(pattern, _)| fits(pattern)).map(|(_, name)| *name);
    let named = |name: &[u8]| {
        let name = name.trim_ascii().to_ascii_lowercase();
        SECTIONS.iter().find(|(known, _)| *known == name).map(|(_, packer)| *packer)
    };
    by_code.or_else(|| program.sections.iter().find_map(|section| named(&section.name)))
}

/// What came of unpacking.
#[derive(Default)]
pub(super) struct Unpacked {
    /// The program, as far as it could be unpacked.
    pub(super) content: Option<Vec<u8>>,
    /// Why that is not all of it.
    pub(super) failure: Option<Failure>,
}

impl From<Result<Vec<u8>, Failure>> for Unpacked {
    fn from(result: Result<Vec<u8>, Failure>) -> Self {
        match result {
            Ok(content) => Self { content: Some(content), failure: None },
            Err(failure) => Self { content: None, failure: Some(failure) },
        }
    }
}

/// Unpacks a program of FSG; `None` if it is none.
pub(super) fn small(data: &[u8], program: &Program, budget: &mut Budget, meter: &mut Meter) -> Option<Unpacked> {
    let plan = fsg(data, program)?;
    let mut window = Window::new(budget, meter);
    let ended = aplib::decompress(data, plan.source, &mut window);
    let content = std::mem::take(&mut window.content);
    let pieces = vec![Piece { address: plan.target, content }];
    let build = |_| build(program, plan.target, pieces);
    Some(ended.map(build).into())
}

/// How a program is to be unpacked: it starts where its packed bytes go.
struct Plan {
    /// Where the packed bytes stand in the file.
    source: usize,
    /// Where they go, from the image's base.
    target: usize,
}

/// An address from the image's base.
pub(super) fn relative(program: &Program, address: u32) -> Option<usize> {
    usize::try_from(u64::from(address).checked_sub(program.base)?).ok()
}

/// FSG 2.0 takes its registers from a table; 1.33 reads a table; earlier ones load the registers.
fn fsg(data: &[u8], program: &Program) -> Option<Plan> {
    let code = program.code(data, CODE);
    let plan = |source: u32, target: u32| {
        let source = program.absolute(u64::from(source))?;
        Some(Plan { source, target: relative(program, target)? })
    };
    if code.starts_with(b"\x87\x25") && take(code, 6, 5) == Some(b"\x61\x94\x55\xa4\xb6") {
        let pointer = program.absolute(u64::from(le32(code, 2)?))?;
        let table = program.absolute(u64::from(le32(data, pointer)?))?;
        return plan(le32(data, table.checked_add(4)?)?, le32(data, table)?);
    }
    if code.first() == Some(&0xbe) && take(code, 5, 9) == Some(b"\xad\x93\xad\x97\xad\x56\x96\xb2\x80") {
        let table = program.absolute(u64::from(le32(code, 1)?))?;
        return plan(le32(data, table.checked_add(8)?)?, le32(data, table.checked_add(4)?)?);
    }
    let loads = [code.first(), code.get(5), code.get(10)];
    if loads == [Some(&0xbb), Some(&0xbf), Some(&0xbe)] && take(code, 15, 2) == Some(b"\x53\xe8") {
        return plan(le32(code, 11)?, le32(code, 6)?);
    }
    None
}
