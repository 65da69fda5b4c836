//! Quantum in cabinets: an encoder, whose cabinets cabextract and 7-Zip read as well.

use mail::evidence::{FileKind, UnscannedReason};
use unpack::Limits;

use crate::cabs::cabinet;
use crate::support::{members, noise, walk};
use crate::tools::Folder;

/// Most bytes of a block.
const BLOCK: usize = 32 * 1024;

/// The models' side of the format, as an encoder has it: symbols with their counts, most recent sums.
struct Model {
    rows: Vec<(u8, u32)>,
    rounds: u32,
}

impl Model {
    fn new(first: u8, count: u8) -> Self {
        Self { rows: (first..=first + (count - 1)).map(|symbol| (symbol, 1)).collect(), rounds: 4 }
    }

    /// How much stands behind a symbol, how much with it, and all.
    fn interval(&self, symbol: u8) -> (usize, u32, u32, u32) {
        let place = self.rows.iter().position(|row| row.0 == symbol).unwrap();
        let behind = self.rows[place + 1..].iter().map(|row| row.1).sum();
        let all = self.rows.iter().map(|row| row.1).sum();
        (place, behind, behind + self.rows[place].1, all)
    }

    fn learn(&mut self, place: usize) {
        self.rows[place].1 += 8;
        if self.rows.iter().map(|row| row.1).sum::<u32>() <= 3800 {
            return;
        }
        self.rounds -= 1;
        if self.rounds > 0 {
            // The sums are halved, from the last to the first, and stay different from each other.
            let (mut old, mut new) = (0, 0);
            for row in self.rows.iter_mut().rev() {
                old += row.1;
                let half = (old / 2).max(new + 1);
                row.1 = half - new;
                new = half;
            }
            return;
        }
        self.rounds = 50;
        for row in &mut self.rows {
            row.1 = row.1.div_ceil(2);
        }
        for first in 0..self.rows.len() {
            for second in first + 1..self.rows.len() {
                if self.rows[first].1 < self.rows[second].1 {
                    self.rows.swap(first, second);
                }
            }
        }
    }
}

/// The arithmetic coder, and the bits that stand between its own.
struct Coder {
    low: u32,
    high: u32,
    pending: usize,
    coded: Vec<bool>,
    shifts: usize,
    /// After how many shifts, and the bits.
    between: Vec<(usize, Vec<bool>)>,
}

impl Coder {
    fn new() -> Self {
        Self { low: 0, high: 0xffff, pending: 0, coded: Vec::new(), shifts: 0, between: Vec::new() }
    }

    fn symbol(&mut self, model: &mut Model, symbol: u8) {
        let (place, behind, with, all) = model.interval(symbol);
        let range = self.high - self.low + 1;
        self.high = self.low + with * range / all - 1;
        self.low += behind * range / all;
        model.learn(place);
        loop {
            if (self.low ^ self.high) & 0x8000 == 0 {
                self.put(self.low & 0x8000 != 0);
            } else if self.low & 0x4000 != 0 && self.high & 0x4000 == 0 {
                self.pending += 1;
                self.low &= 0x3fff;
                self.high |= 0x4000;
            } else {
                return;
            }
            self.low = self.low << 1 & 0xffff;
            self.high = (self.high << 1 | 1) & 0xffff;
            self.shifts += 1;
        }
    }

    fn put(&mut self, bit: bool) {
        self.coded.push(bit);
        self.coded.extend(std::iter::repeat_n(!bit, std::mem::take(&mut self.pending)));
    }

    fn bits(&mut self, value: usize, count: u32) {
        self.between.push((self.shifts, (0..count).rev().map(|bit| value >> bit & 1 == 1).collect()));
    }

    fn finish(mut self) -> Vec<u8> {
        // The decoder reads 16 bits ahead.
        for bit in (0..16).rev() {
            self.put(self.low >> bit & 1 == 1);
        }
        let mut all = Vec::new();
        let mut between = self.between.into_iter().peekable();
        for (place, bit) in self.coded.into_iter().enumerate() {
            while let Some((_, bits)) = between.next_if(|(shifts, _)| shifts + 16 == place) {
                all.extend(bits);
            }
            all.push(bit);
        }
        all.extend(between.flat_map(|(_, bits)| bits));
        // 7-Zip wants two more.
        all.extend([false; 2]);
        all.chunks(8)
            .map(|bits| (0..8).fold(0, |byte, bit| byte << 1 | u8::from(bits.get(bit) == Some(&true))))
            .collect()
    }
}

/// The symbol of a place or a length in a table, with the bits behind it.
fn slot(table: &[(usize, u32)], value: usize) -> (u8, usize, u32) {
    let slot = table.iter().rposition(|(base, _)| *base <= value).unwrap();
    (slot as u8, value - table[slot].0, table[slot].1)
}

/// Packs content: the blocks with their sizes. `bits`: of the window.
pub(crate) fn pack(content: &[u8], bits: u8) -> Vec<(Vec<u8>, usize)> {
    let places: Vec<(usize, u32)> = (0..42_usize)
        .map(|slot| if slot < 4 { (slot, 0) } else { ((2 + slot % 2) << (slot / 2 - 1), slot as u32 / 2 - 1) })
        .collect();
    let mut at = 0;
    let mut lengths: Vec<(usize, u32)> = Vec::new();
    for symbol in 0..26_u32 {
        let extra = symbol.saturating_sub(2) / 4;
        lengths.push((at, extra));
        at += 1 << extra;
    }
    lengths.push((254, 0));
    let mut selectors = Model::new(0, 7);
    let mut literals = [0, 64, 128, 192].map(|first| Model::new(first, 64));
    let mut near = [24, 36, 42].map(|most| Model::new(0, most.min(bits * 2)));
    let mut long = Model::new(0, 27);
    let mut last = std::collections::HashMap::new();
    let mut blocks = Vec::new();
    for start in (0..content.len()).step_by(BLOCK) {
        let end = content.len().min(start + BLOCK);
        let mut coder = Coder::new();
        let mut at = start;
        while at < end {
            let here =
                content.get(at..at + 3).and_then(|three| last.insert(three, at)).filter(|from| at - from <= 1 << bits);
            let length = here.map_or(0, |from| {
                (at..end.min(at + 259)).take_while(|to| content[*to] == content[from + to - at]).count()
            });
            let places = |kind: usize| &places[..near[kind].rows.len()];
            let fits = |kind: usize| {
                here.is_some_and(|from| at - from <= 1 << (places(kind).len() / 2).min(usize::from(bits)))
            };
            let length = match length {
                3 | 4 if fits(length - 3) => length,
                4 if fits(0) => 3,
                5.. => length,
                _ => 0,
            };
            if length == 0 {
                let part = usize::from(content[at] / 64);
                coder.symbol(&mut selectors, part as u8);
                coder.symbol(&mut literals[part], content[at]);
                at += 1;
                continue;
            }
            let kind = (length - 3).min(2);
            let (symbol, rest, extra) = slot(places(kind), at - here.unwrap() - 1);
            coder.symbol(&mut selectors, kind as u8 + 4);
            if kind == 2 {
                let (symbol, rest, extra) = slot(&lengths, length - 5);
                coder.symbol(&mut long, symbol);
                coder.bits(rest, extra);
            }
            coder.symbol(&mut near[kind], symbol);
            coder.bits(rest, extra);
            at += length;
        }
        blocks.push((coder.finish(), end - start));
    }
    blocks
}

/// A cabinet of one file.
pub(crate) fn packed(content: &[u8], bits: u8) -> Vec<u8> {
    let method = 2 | 7 << 4 | u16::from(bits) << 8;
    cabinet(method, &pack(content, bits), &[("file.bin", 0, content.len() as u32)])
}

/// Contents of every sort: text, noise, long runs, all literals; over several blocks.
fn contents() -> Vec<(&'static str, Vec<u8>)> {
    let text: Vec<u8> =
        (0..12_000_u32).flat_map(|line| format!("line {} of {line}\n", line * line % 977).into_bytes()).collect();
    let mixed = [&text[..50_000], &noise(20_000, 3), &[0; 40_000], &text[20_000..60_000]].concat();
    vec![("text", text), ("noise", noise(70_000, 9)), ("zeros", vec![0; 100_000]), ("mixed", mixed), ("one", vec![7])]
}

#[test]
fn quantum_is_read_with_every_window_and_so_do_others_read_it() {
    let folder = Folder::new("quantum");
    for bits in [10, 12, 15, 18, 21] {
        for (name, content) in contents() {
            let data = packed(&content, bits);
            let (found, problems) = members(FileKind::Cab, &data);
            assert_eq!((problems.len(), found.len(), &found[0].problems[..]), (0, 1, &[][..]), "{name} {bits}");
            assert!(found[0].content == content, "{name} {bits}");
            folder.write("q.cab", &data);
            if let Some(made) = folder.run("cabextract", &["-q", "-p", "q.cab"]) {
                assert!(made == content, "cabextract: {name} {bits}");
            }
            if let Some(made) = folder.run("7z", &["x", "-so", "q.cab"]) {
                assert!(made == content, "7z: {name} {bits}");
            }
        }
    }
}

#[test]
fn damage_in_quantum_is_told_and_what_came_before_is_kept() {
    let content = contents().remove(0).1;
    let mut blocks = pack(&content, 15);
    let whole = blocks[1].0.len();
    blocks[1].0.truncate(whole / 2);
    let data = cabinet(2 | 15 << 8, &blocks, &[("a", 0, content.len() as u32)]);
    let found = members(FileKind::Cab, &data).0.remove(0);
    assert_eq!(found.problems, [UnscannedReason::Damaged]);
    assert!(found.content.len() < 2 * BLOCK);
    // What the last bits made of nothing say is not content.
    let same = content.iter().zip(&found.content).take_while(|(a, b)| a == b).count();
    assert!(same > BLOCK + 8000, "{same}");
    // A match from before the start, and blocks of nothing.
    for block in [vec![0xff; 40], vec![0; 40], vec![], vec![0xaa; 9]] {
        let data = cabinet(2 | 21 << 8, &[(block, 30_000)], &[("a", 0, 30_000)]);
        assert_eq!(members(FileKind::Cab, &data).0[0].problems, [UnscannedReason::Damaged]);
    }
}

#[test]
fn a_window_that_there_is_not_is_an_unknown_format() {
    for bits in [0, 9, 22, 31] {
        let data = cabinet(2 | 1 << 4 | bits << 8, &[(vec![1; 20], 20)], &[("a", 0, 20)]);
        assert_eq!(members(FileKind::Cab, &data).0[0].problems, [UnscannedReason::UnknownFormat]);
    }
}

#[test]
fn a_bomb_of_quantum_ends_by_ratio() {
    let data = packed(&vec![0; 200 * BLOCK], 15);
    let limits = Limits { ratio: 20, ..Limits::default() };
    let walk = walk(&data, limits);
    assert!(walk.reasons.contains(&UnscannedReason::LimitRatio), "{:?}", walk.reasons);
}
