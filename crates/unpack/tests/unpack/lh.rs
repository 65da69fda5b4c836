//! LHA's early methods, `-lh2-` and `-lh3-`: encoders. Of the first unar reads the archives as well; of the
//! second it does not, but jlha does, which made the stored sample.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use mail::evidence::{FileKind, UnscannedReason};
use unpack::detect;

use crate::support::{members, noise};
use crate::tools::Folder;

/// The window of both, in bytes.
const WINDOW: usize = 8192;

/// A literal, or a match: how far back, and how long.
enum Token {
    Byte(u8),
    Match(usize, usize),
}

impl Token {
    /// The symbol, and the eight bits that stand behind the last one.
    fn symbol(&self) -> (u16, Option<u32>) {
        match self {
            Self::Byte(byte) => (u16::from(*byte), None),
            Self::Match(_, length) if length + 253 < 285 => (*length as u16 + 253, None),
            Self::Match(_, length) => (285, Some((length + 253 - 285) as u32)),
        }
    }
}

fn tokens(content: &[u8]) -> Vec<Token> {
    let mut last: HashMap<&[u8], usize> = HashMap::new();
    let (mut at, mut out) = (0, Vec::new());
    while at < content.len() {
        let from = content.get(at..at + 3).and_then(|three| last.insert(three, at)).filter(|from| at - from <= WINDOW);
        let same = |from: usize| {
            (at..content.len().min(at + 256)).take_while(|to| content[*to] == content[from + to - at]).count()
        };
        match from.map(|from| (at - from, same(from))) {
            Some((back, length)) => {
                out.push(Token::Match(back, length));
                at += length;
            }
            None => {
                out.push(Token::Byte(content[at]));
                at += 1;
            }
        }
    }
    out
}

/// Bits, the highest of a byte first.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        self.0.extend((0..count).rev().map(|bit| value >> bit & 1 == 1));
    }

    fn bytes(self) -> Vec<u8> {
        self.0
            .chunks(8)
            .map(|bits| (0..8).fold(0, |byte, bit| byte << 1 | u8::from(bits.get(bit) == Some(&true))))
            .collect()
    }
}

/// A tree that learns: nodes from the most frequent on; each has a symbol, or its second child.
struct Learning {
    nodes: Vec<(u32, Result<usize, u16>)>,
    above: Vec<usize>,
    leaf: HashMap<u16, usize>,
    /// For the tree of places: how many came. The root of the other counts them itself.
    total: Option<u32>,
}

impl Learning {
    fn of_symbols() -> Self {
        let mut nodes: Vec<(u32, Result<usize, u16>)> = (0..286).rev().map(|symbol| (1, Err(symbol))).collect();
        let mut second = 570;
        while nodes.len() < 571 {
            let all = 571 - nodes.len();
            let sum = nodes[second - all].0 + nodes[second - all - 1].0;
            nodes.insert(0, (sum, Ok(second)));
            second -= 2;
        }
        let mut tree = Self { nodes, above: Vec::new(), leaf: HashMap::new(), total: None };
        tree.index();
        tree
    }

    fn of_places() -> Self {
        Self { nodes: vec![(1, Err(0))], above: vec![0], leaf: HashMap::from([(0, 0)]), total: Some(0) }
    }

    fn index(&mut self) {
        self.above = vec![0; self.nodes.len()];
        for node in 0..self.nodes.len() {
            self.place(node);
        }
    }

    fn place(&mut self, node: usize) {
        match self.nodes[node].1 {
            Ok(second) => (self.above[second], self.above[second - 1]) = (node, node),
            Err(symbol) => drop(self.leaf.insert(symbol, node)),
        }
    }

    fn encode(&self, symbol: u16, bits: &mut Bits) {
        let mut path = Vec::new();
        let mut node = self.leaf[&symbol];
        while node != 0 {
            let above = self.above[node];
            path.push(self.nodes[above].1 != Ok(node));
            node = above;
        }
        bits.0.extend(path.iter().rev());
    }

    fn learn(&mut self, symbol: u16) {
        if self.total.unwrap_or(self.nodes[0].0) == 0x8000 {
            self.halve();
            if self.total.is_some() {
                self.total = Some(std::mem::replace(&mut self.nodes[0].0, 0xffff));
            }
        }
        match &mut self.total {
            Some(total) => *total += 1,
            None => self.nodes[0].0 += 1,
        }
        let mut node = self.leaf[&symbol];
        while node != 0 {
            let mut first = node;
            while first > 1 && self.nodes[first - 1].0 == self.nodes[node].0 {
                first -= 1;
            }
            if first != node {
                let (one, other) = (self.nodes[first].1, self.nodes[node].1);
                (self.nodes[first].1, self.nodes[node].1) = (other, one);
                self.place(first);
                self.place(node);
            }
            self.nodes[first].0 += 1;
            node = self.above[first];
        }
    }

    fn halve(&mut self) {
        let mut leaves: Vec<(u32, Result<usize, u16>)> =
            self.nodes.iter().copied().filter(|node| node.1.is_err()).collect();
        for leaf in &mut leaves {
            leaf.0 = leaf.0.div_ceil(2);
        }
        let count = self.nodes.len();
        // From the end; what is in front of `made` is at the end of it.
        let mut made: Vec<(u32, Result<usize, u16>)> = Vec::new();
        let mut pair = 0;
        while made.len() < count {
            while made.len() < pair + 2 {
                made.push(leaves.pop().unwrap());
            }
            let sum = made[pair].0 + made[pair + 1].0;
            while leaves.last().is_some_and(|leaf| leaf.0 <= sum) {
                made.push(leaves.pop().unwrap());
            }
            made.push((sum, Ok(count - 1 - pair)));
            pair += 2;
        }
        made.reverse();
        self.nodes = made;
        self.index();
    }

    /// A symbol that did not come so far.
    fn grow(&mut self, symbol: u16) {
        let last = self.nodes.len() - 1;
        let old = self.nodes[last];
        self.nodes.extend([old, (0, Err(symbol))]);
        self.nodes[last].1 = Ok(last + 2);
        if last == 0 {
            self.nodes[0].0 = 0xffff;
        }
        self.index();
        self.learn(symbol);
    }
}

/// Packs by `-lh2-`.
pub(crate) fn lh2(content: &[u8]) -> Vec<u8> {
    let (mut symbols, mut places, mut bits) = (Learning::of_symbols(), Learning::of_places(), Bits::default());
    let (mut made, mut known) = (0, 1);
    for token in tokens(content) {
        let (symbol, more) = token.symbol();
        symbols.encode(symbol, &mut bits);
        symbols.learn(symbol);
        if let Some(more) = more {
            bits.put(more, 8);
        }
        let Token::Match(back, length) = token else {
            made += 1;
            continue;
        };
        while known < 128 && made > known * 64 {
            places.grow(known as u16);
            known += 1;
        }
        let place = ((back - 1) / 64) as u16;
        places.encode(place, &mut bits);
        places.learn(place);
        bits.put((back - 1) as u32 % 64, 6);
        made += length;
    }
    bits.bytes()
}

/// Lengths of codes for symbols that come so often, 15 bits at most.
fn code_lengths(counts: &[u32]) -> Vec<u32> {
    let mut counts = counts.to_vec();
    loop {
        let mut lengths = vec![0; counts.len()];
        let mut heap: BinaryHeap<Reverse<(u32, Vec<usize>)>> = (0..counts.len())
            .filter(|symbol| counts[*symbol] > 0)
            .map(|symbol| Reverse((counts[symbol], vec![symbol])))
            .collect();
        while let (Some(Reverse(one)), Some(Reverse(other))) = (heap.pop(), heap.pop()) {
            let both = [one.1, other.1].concat();
            both.iter().for_each(|symbol| lengths[*symbol] += 1);
            heap.push(Reverse((one.0 + other.0, both)));
            if heap.len() == 1 {
                break;
            }
        }
        if lengths.iter().all(|length| *length <= 15) {
            return lengths;
        }
        counts.iter_mut().for_each(|count| *count = count.div_ceil(2));
    }
}

/// The codes of such lengths.
fn codes(lengths: &[u32]) -> Vec<u32> {
    let mut codes = vec![0; lengths.len()];
    let mut next = 0;
    for length in 1..=16 {
        next <<= 1;
        for symbol in (0..lengths.len()).filter(|symbol| lengths[*symbol] == length) {
            codes[symbol] = next;
            next += 1;
        }
    }
    codes
}

/// Packs by `-lh3-`: every second block with a tree of places of its own.
pub(crate) fn lh3(content: &[u8]) -> Vec<u8> {
    let usual: Vec<u32> = [(2, 1), (4, 2), (5, 3), (6, 7), (7, 18), (8, 47), (9, 50)]
        .into_iter()
        .flat_map(|(length, count)| std::iter::repeat_n(length, count))
        .collect();
    let mut bits = Bits::default();
    for (number, block) in tokens(content).chunks(5000).enumerate() {
        let (mut symbols, mut places) = ([0; 286], [0; 128]);
        for token in block {
            symbols[usize::from(token.symbol().0)] += 1;
            if let Token::Match(back, _) = token {
                places[(back - 1) / 64] += 1;
            }
        }
        bits.put(block.len() as u32, 16);
        let mut lengths = code_lengths(&symbols);
        if symbols.iter().filter(|count| **count > 0).count() == 1 {
            // Three codes of one bit, and the only symbol.
            bits.put(0b100_0010_0001_0000, 15);
            bits.put(symbols.iter().position(|count| *count > 0).unwrap() as u32, 9);
            lengths = vec![0; 286];
        } else {
            for length in &lengths {
                bits.put(u32::from(*length > 0), 1);
                bits.put(length.saturating_sub(1), if *length > 0 { 4 } else { 0 });
            }
        }
        let own = number % 2 == 0 && places.iter().filter(|count| **count > 0).count() > 1;
        bits.put(own.into(), 1);
        let place_lengths = if own { code_lengths(&places) } else { usual.clone() };
        if own {
            place_lengths.iter().for_each(|length| bits.put(*length, 4));
        }
        let (symbol_codes, place_codes) = (codes(&lengths), codes(&place_lengths));
        for token in block {
            let (symbol, more) = token.symbol();
            bits.put(symbol_codes[usize::from(symbol)], lengths[usize::from(symbol)]);
            if let Some(more) = more {
                bits.put(more, 8);
            }
            if let Token::Match(back, _) = token {
                let place = (back - 1) / 64;
                bits.put(place_codes[place], place_lengths[place]);
                bits.put((back - 1) as u32 % 64, 6);
            }
        }
    }
    bits.bytes()
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum, byte| {
        (0..8).fold(sum ^ u16::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xa001 } else { sum >> 1 })
    })
}

/// An archive of one file.
pub(crate) fn archive(method: &[u8; 5], packed: &[u8], content: &[u8]) -> Vec<u8> {
    let mut head = method.to_vec();
    head.extend((packed.len() as u32).to_le_bytes());
    head.extend((content.len() as u32).to_le_bytes());
    head.extend([0, 0, 0x21, 0x50, 0x20, 0, 5]);
    head.extend(b"a.txt");
    head.extend(crc16(content).to_le_bytes());
    let sum = head.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    [&[head.len() as u8, sum][..], &head, packed, &[0]].concat()
}

/// Text with many matches, noise with many literals (both so many that counts are halved), runs, little.
fn contents() -> Vec<(&'static str, Vec<u8>)> {
    let text: Vec<u8> =
        (0..40_000_u32).flat_map(|line| format!("line {} of {line}\n", line * line % 977).into_bytes()).collect();
    let mixed = [&text[..30_000], &noise(20_000, 3), &[0; 30_000], &text[20_000..40_000]].concat();
    vec![
        ("text", text),
        ("noise", noise(60_000, 9)),
        ("zeros", vec![0; 50_000]),
        ("mixed", mixed),
        ("one", vec![7]),
        ("few", b"aaaaaaa".to_vec()),
    ]
}

#[test]
fn early_methods_are_read() {
    let folder = Folder::new("lh");
    for (method, pack) in [(b"-lh2-", lh2 as fn(&[u8]) -> Vec<u8>), (b"-lh3-", lh3)] {
        for (name, content) in contents() {
            let packed = pack(&content);
            let data = archive(method, &packed, &content);
            assert_eq!(detect(&data), FileKind::Lha);
            let (found, problems) = members(FileKind::Lha, &data);
            let what = format!("{name} {}", String::from_utf8_lossy(method));
            assert_eq!((found.len(), problems.len(), &found[0].problems[..]), (1, 0, &[][..]), "{what}");
            assert!(found[0].content == content, "{what}");
            folder.write("a.lzh", &data);
            if method == b"-lh2-" && folder.run("unar", &["-q", "-f", "a.lzh"]).is_some() {
                assert!(folder.read("a.txt") == content, "unar: {what}");
            }
        }
    }
}

#[test]
fn damage_in_early_methods_is_told() {
    let content = contents().remove(3).1;
    for (method, pack) in [(b"-lh2-", lh2 as fn(&[u8]) -> Vec<u8>), (b"-lh3-", lh3)] {
        let packed = pack(&content);
        let half = archive(method, &packed[..packed.len() / 2], &content);
        let found = members(FileKind::Lha, &half).0.remove(0);
        assert_eq!(found.problems, [UnscannedReason::Damaged]);
        assert!(found.content.len() > 20_000 && content.starts_with(&found.content[..20_000]));
        // Noise is no archive, and the sum of what comes out is wrong.
        let found = members(FileKind::Lha, &archive(method, &noise(3000, 5), &content)).0.remove(0);
        assert_eq!(found.problems, [UnscannedReason::Damaged]);
    }
}

#[test]
fn a_tree_of_one_place_is_read() {
    // Two symbols of one bit each: the letter and a match of three; one place; a letter, a match.
    let mut bits = Bits::default();
    bits.put(2, 16);
    for symbol in 0..286 {
        let there = matches!(symbol, 120 | 256);
        bits.put(u32::from(there) << 4, if there { 5 } else { 1 });
    }
    bits.put(1, 1);
    bits.put(0b0001_0001_0001, 12);
    bits.put(0, 7);
    bits.put(0b0100_0000, 8);
    let found = members(FileKind::Lha, &archive(b"-lh3-", &bits.bytes(), b"xxxx")).0.remove(0);
    assert_eq!((&found.content[..], found.problems.len()), (&b"xxxx"[..], 0));
}

#[test]
fn codes_that_cannot_be_are_damage() {
    // All symbols with a code of one bit.
    let mut bits = Bits::default();
    bits.put(9, 16);
    bits.put(0b0100_0010_0001_0000, 16);
    bits.put(u32::MAX, 32);
    let found = members(FileKind::Lha, &archive(b"-lh3-", &bits.bytes(), b"xxxx")).0.remove(0);
    assert_eq!(found.problems, [UnscannedReason::Damaged]);
}
