//! A writer of compound files, honest ones and lying ones.

/// End of a chain.
pub(crate) const END: u32 = 0xffff_fffe;
/// No entry, a free sector.
pub(crate) const NONE: u32 = 0xffff_ffff;
const SECTOR: usize = 512;
const MINI: usize = 64;
const CUTOFF: usize = 4096;

/// An entry of the directory.
#[derive(Clone)]
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) kind: u8,
    pub(crate) links: [u32; 3],
    pub(crate) class: [u8; 16],
    pub(crate) start: u32,
    pub(crate) size: u32,
}

/// A compound file being written: its entries, tables and sectors.
pub(crate) struct Compound {
    /// Length of a sector, in bytes: 512, or 4096 and more in version 4.
    pub(crate) sector: usize,
    pub(crate) items: Vec<Item>,
    pub(crate) fat: Vec<u32>,
    pub(crate) sectors: Vec<u8>,
    mini: Vec<u8>,
    mini_fat: Vec<u32>,
}

impl Compound {
    pub(crate) fn new() -> Self {
        Self::of(SECTOR)
    }

    /// One with sectors of that length.
    pub(crate) fn of(sector: usize) -> Self {
        let (items, fat, sectors) = (Vec::new(), Vec::new(), Vec::new());
        let mut new = Self { sector, items, fat, sectors, mini: Vec::new(), mini_fat: Vec::new() };
        new.item("Root Entry", 5);
        new
    }

    fn item(&mut self, name: &str, kind: u8) -> usize {
        let item = Item { name: name.into(), kind, links: [NONE; 3], class: [0; 16], start: 0, size: 0 };
        self.items.push(item);
        self.items.len() - 1
    }

    /// What a storage holds under a name.
    pub(crate) fn find(&self, storage: usize, name: &str) -> Option<usize> {
        let mut at = self.items[storage].links[2];
        while at != NONE {
            if self.items[at as usize].name == name {
                return Some(at as usize);
            }
            at = self.items[at as usize].links[1];
        }
        None
    }

    /// Adds an entry to a storage; siblings stand in one line.
    fn add(&mut self, storage: usize, name: &str, kind: u8) -> usize {
        let new = self.item(name, kind);
        self.items[new].links[1] = self.items[storage].links[2];
        self.items[storage].links[2] = new as u32;
        new
    }

    /// A storage by its path, made where it is not there.
    pub(crate) fn storage(&mut self, path: &str) -> usize {
        let mut at = 0;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            at = self.find(at, name).unwrap_or_else(|| self.add(at, name, 1));
        }
        at
    }

    /// Writes a stream.
    pub(crate) fn stream(&mut self, path: &str, content: &[u8]) -> usize {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let storage = self.storage(folder);
        let item = self.add(storage, name, 2);
        self.items[item].size = content.len() as u32;
        self.items[item].start = match content.len() {
            0 => END,
            1..CUTOFF => chain(&mut self.mini, &mut self.mini_fat, content, MINI),
            _ => chain(&mut self.sectors, &mut self.fat, content, self.sector),
        };
        item
    }

    /// The file.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        if !self.mini.is_empty() {
            let mini = std::mem::take(&mut self.mini);
            self.items[0].size = mini.len() as u32;
            self.items[0].start = chain(&mut self.sectors, &mut self.fat, &mini, self.sector);
        }
        let table: Vec<u8> = self.mini_fat.iter().flat_map(|number| number.to_le_bytes()).collect();
        let mini_start =
            if table.is_empty() { END } else { chain(&mut self.sectors, &mut self.fat, &table, self.sector) };
        let mut directory: Vec<u8> = self.items.iter().flat_map(entry).collect();
        directory.resize(directory.len().next_multiple_of(self.sector), 0);
        let directory = chain(&mut self.sectors, &mut self.fat, &directory, self.sector);
        self.close(directory, mini_start)
    }

    /// Adds the table of sectors and the header.
    fn close(mut self, directory: u32, mini_start: u32) -> Vec<u8> {
        let per = self.sector / 4;
        let (mut fats, mut lists) = (1, 0);
        while fats * per < self.fat.len() + fats + lists {
            fats += 1;
            lists = fats.saturating_sub(109).div_ceil(per - 1);
        }
        let first = self.fat.len() as u32;
        let numbers: Vec<u32> = (first..first + fats as u32).collect();
        self.fat.extend(vec![0xffff_fffd; fats]);
        self.fat.extend(vec![0xffff_fffc; lists]);
        self.fat.resize(fats * per, NONE);
        let mut out = header(directory, mini_start, &numbers, lists, first + fats as u32);
        if self.sector > SECTOR {
            out[26] = 4;
            out[30] = self.sector.ilog2() as u8;
            out.resize(self.sector, 0);
        }
        out.extend(&self.sectors);
        out.extend(self.fat.iter().flat_map(|number| number.to_le_bytes()));
        for (at, part) in numbers.get(109..).unwrap_or(&[]).chunks(per - 1).enumerate() {
            let mut list = part.to_vec();
            list.resize(per - 1, NONE);
            list.push(if at + 1 == lists { END } else { first + (fats + at + 1) as u32 });
            out.extend(list.iter().flat_map(|number| number.to_le_bytes()));
        }
        out
    }
}

/// Puts content into sectors, and gives the first.
fn chain(sectors: &mut Vec<u8>, fat: &mut Vec<u32>, content: &[u8], size: usize) -> u32 {
    let first = fat.len() as u32;
    let count = content.len().div_ceil(size) as u32;
    fat.extend((first + 1..first + count).chain([END]));
    sectors.extend(content);
    sectors.resize(fat.len() * size, 0);
    first
}

fn entry(item: &Item) -> Vec<u8> {
    let mut out: Vec<u8> = item.name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let length = out.len() + 2;
    out.resize(64, 0);
    out.extend((length as u16).to_le_bytes());
    out.extend([item.kind, 1]);
    out.extend(item.links.iter().flat_map(|link| link.to_le_bytes()));
    out.extend(item.class);
    out.extend([0; 20]);
    out.extend(item.start.to_le_bytes());
    out.extend(item.size.to_le_bytes());
    out.extend([0; 4]);
    out
}

fn header(directory: u32, mini_start: u32, fats: &[u32], lists: usize, first_list: u32) -> Vec<u8> {
    let mut out = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    out.extend([0; 16]);
    for number in [0x3e_u16, 3, 0xfffe, 9, 6] {
        out.extend(number.to_le_bytes());
    }
    out.extend([0; 10]);
    let list = if lists == 0 { END } else { first_list };
    for number in [fats.len() as u32, directory, 0, CUTOFF as u32, mini_start, 1, list, lists as u32] {
        out.extend(number.to_le_bytes());
    }
    out.extend((0..109).flat_map(|at| fats.get(at).copied().unwrap_or(NONE).to_le_bytes()));
    out
}

/// Compresses the way of MS-OVBA, with literal bytes only.
pub(crate) fn compress(source: &[u8]) -> Vec<u8> {
    let mut out = vec![1];
    for chunk in source.chunks(3600) {
        let tokens: Vec<u8> = chunk.chunks(8).flat_map(|eight| [&[0], eight].concat()).collect();
        out.extend((0xb000 | (tokens.len() - 1) as u16).to_le_bytes());
        out.extend(tokens);
    }
    out
}

/// A directory of a project: its modules, and where in its stream the source of each starts.
pub(crate) fn project(modules: &[(&str, usize)]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut put = |id: u16, value: &[u8]| {
        out.extend(id.to_le_bytes());
        out.extend((value.len() as u32).to_le_bytes());
        out.extend(value);
    };
    put(1, &[3, 0, 0, 0]);
    put(3, &1252_u16.to_le_bytes());
    put(4, b"Project");
    put(15, &(modules.len() as u16).to_le_bytes());
    for (name, offset) in modules {
        put(0x19, name.as_bytes());
        put(0x1a, name.as_bytes());
        put(0x31, &(*offset as u32).to_le_bytes());
        put(0x21, b"");
        put(0x2b, b"");
    }
    put(0x10, b"");
    compress(&out)
}
