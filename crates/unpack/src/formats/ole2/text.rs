//! Text of documents in its old encodings, by the numbers of Windows code pages.

use mail::charset;

use crate::bytes::le16;

/// Bytes of a code page as text; an unknown one is read as windows-1252.
pub(crate) fn decode(bytes: &[u8], page: u32) -> String {
    let label = match page {
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        866 => "ibm866".to_owned(),
        1200 => "utf-16le".to_owned(),
        10_000 => "macintosh".to_owned(),
        20_866 => "koi8-r".to_owned(),
        28_591..=28_605 => format!("iso-8859-{}", page.saturating_sub(28_590)),
        65_001 => "utf-8".to_owned(),
        page => format!("windows-{page}"),
    };
    let label = if charset::is_known(&label) { label.as_str() } else { "windows-1252" };
    charset::to_text(bytes, Some(label)).into_owned()
}

/// Little-endian UTF-16 as text; an odd byte at the end is left out.
pub(crate) fn utf16(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes.chunks_exact(2).filter_map(|pair| le16(pair, 0)).collect();
    String::from_utf16_lossy(&units)
}

/// Runs of at least `least` printable ASCII characters, one byte or two bytes wide, a line each.
pub(crate) fn strings(bytes: &[u8], least: usize) -> String {
    let mut out = String::new();
    for (first, step) in [(0, 1), (0, 2), (1, 2)] {
        let mut run = String::new();
        let mut put = |run: &mut String| {
            if run.len() >= least {
                out.push_str(run);
                out.push('\n');
            }
            run.clear();
        };
        for unit in bytes.get(first..).unwrap_or(&[]).chunks_exact(step) {
            match unit {
                [byte @ 0x20..=0x7e] | [byte @ 0x20..=0x7e, 0] => run.push(char::from(*byte)),
                _ => put(&mut run),
            }
        }
        put(&mut run);
    }
    out
}
