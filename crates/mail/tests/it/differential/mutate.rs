//! Mutations of mail: lines that say how to read it are changed more often than others.

/// Repeatable numbers.
pub(crate) struct Random(u64);

impl Random {
    /// Of a name and a number: each message has its own, whatever else is compared.
    pub(crate) fn new(name: &str, number: usize) -> Self {
        let start = 0x2545_f491_4f6c_dd1d;
        let seed = name.bytes().fold(start, |sum: u64, byte| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        Self(seed.wrapping_add(number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below another.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % limit.max(1) as u64) as usize
    }
}

/// Pieces that mean something.
const PIECES: &[&[u8]] = &[
    b" ",
    b"\t",
    b";",
    b"=",
    b"\r",
    b"\n",
    b"\r\n",
    b"\n ",
    b"\"",
    b"'",
    b"--",
    b"(",
    b")",
    b"\\",
    b"\0",
    b":",
    b",",
    b"*",
    b"*0",
    b"*0*",
    b"%20",
    b"\xff",
    b"=?utf-8?q?",
    b"?=",
    b"/",
    b"<",
    b"=3D",
    b"==",
    b"begin 644 a.exe\n",
];
/// Fields that say how to read a part.
const FIELDS: &[&[u8]] = &[
    b"Content-Transfer-Encoding: base64\n",
    b"Content-Transfer-Encoding: 7bit\n",
    b"Content-Transfer-Encoding: quoted-printable\n",
    b"Content-Transfer-Encoding: x-uuencode\n",
    b"Content-Transfer-Encoding: \"base64\"\n",
    b"Content-Type: text/plain\n",
    b"Content-Type: message/rfc822\n",
    b"Content-Type: multipart/mixed; boundary=b\n",
    b"Content-Type: multipart/mixed; boundary=\"x\"\n",
    b"Content-Type: application/octet-stream; name=a.exe\n",
    b"Content-Disposition: attachment; filename=b.exe\n",
    b"MIME-Version: 1.0\n",
    b"no field\n",
    b"\n",
    b" \n",
];

/// Some changes at once.
pub(crate) fn mutate(raw: &[u8], random: &mut Random) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = raw.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    for _ in 0..=random.below(3) {
        if lines.is_empty() {
            break;
        }
        change(&mut lines, random);
    }
    lines.concat()
}

/// A line to change: mostly one of those that say something.
fn place(lines: &[Vec<u8>], random: &mut Random) -> usize {
    let says = |line: &[u8]| {
        let lower = line.to_ascii_lowercase();
        lower.starts_with(b"content-")
            || lower.starts_with(b"--")
            || lower.trim_ascii().is_empty()
            || (lower.starts_with(b" ") || lower.starts_with(b"\t")) && lower.contains(&b'=')
    };
    let telling: Vec<usize> = (0..lines.len()).filter(|at| says(&lines[*at])).take(500).collect();
    if telling.is_empty() || random.below(4) == 0 {
        random.below(lines.len())
    } else {
        telling[random.below(telling.len())]
    }
}

fn change(lines: &mut Vec<Vec<u8>>, random: &mut Random) {
    let at = place(lines, random);
    match random.below(9) {
        0 => drop(lines.remove(at)),
        1 => {
            let (to, line) = (place(lines, random), lines[at].clone());
            lines.insert(to, line);
        }
        2 => {
            let other = place(lines, random);
            lines.swap(at, other);
        }
        3 => lines.insert(at, FIELDS[random.below(FIELDS.len())].to_vec()),
        4 => {
            let line = &mut lines[at];
            if !line.is_empty() {
                let from = random.below(line.len());
                let to = (from + 1 + random.below(4)).min(line.len());
                line.drain(from..to);
            }
        }
        5 => {
            let line = &mut lines[at];
            line.iter_mut().for_each(|byte| *byte = byte.to_ascii_uppercase());
        }
        _ => {
            let line = &mut lines[at];
            let to = random.below(line.len() + 1);
            line.splice(to..to, PIECES[random.below(PIECES.len())].iter().copied());
        }
    }
}
