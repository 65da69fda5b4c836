//! A compound file as a tree in memory: storages, streams and their content. What no storage leads to,
//! and what stands in freed sectors or behind the file, is not in it.

use std::collections::BTreeMap;

use unpack::formats::ole2::{Cfb, Kind};

use crate::DisarmError;

/// How many times the file's size all streams together may have: entries may share their sectors.
const MAX_GROWTH: u64 = 2;

/// A storage or a stream.
pub(super) struct Node {
    /// Its name as it stands.
    pub(super) name: String,
    /// Its name in lower case.
    pub(super) lower: String,
    /// Whether it is a stream.
    pub(super) stream: bool,
    /// The class of a storage.
    pub(super) class: [u8; 16],
    /// The storage that holds it; the root holds itself.
    pub(super) parent: usize,
    /// The content of a stream.
    pub(super) content: Vec<u8>,
    /// It goes, and all that is in it.
    pub(super) gone: bool,
}

/// The tree; the root is number 0, and a storage stands before what it holds.
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    names: BTreeMap<(usize, String), usize>,
}

impl Tree {
    /// A root that holds nothing.
    pub(super) fn empty() -> Self {
        let root = Node {
            name: "Root Entry".to_owned(),
            lower: String::new(),
            stream: false,
            class: [0; 16],
            parent: 0,
            content: Vec::new(),
            gone: false,
        };
        Self { nodes: vec![root], names: BTreeMap::new() }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`DisarmError::NotSound`] when any of it could not be read.
    pub(super) fn read(data: &[u8]) -> Result<Self, DisarmError> {
        let cfb = Cfb::open(data);
        if cfb.damaged || cfb.too_many {
            return Err(DisarmError::NotSound);
        }
        let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let mut bytes = 0_u64;
        for (number, entry) in cfb.entries().filter(|(_, entry)| entry.reached) {
            bytes = bytes.saturating_add(if entry.kind == Kind::Stream { entry.size } else { 0 });
            if entry.parent != number {
                children.entry(entry.parent).or_default().push(number);
            }
        }
        if bytes > (data.len() as u64).saturating_mul(MAX_GROWTH) {
            return Err(DisarmError::NotSound);
        }
        let mut tree = Self { nodes: Vec::new(), names: BTreeMap::new() };
        let mut waiting = std::collections::VecDeque::from([(0_u32, 0_usize)]);
        while let Some((number, parent)) = waiting.pop_front() {
            let entry = cfb.entry(number).ok_or(DisarmError::NotSound)?;
            let stream = (entry.kind == Kind::Stream).then(|| cfb.read(data, number));
            if stream.as_ref().is_some_and(|stream| !stream.whole) {
                return Err(DisarmError::NotSound);
            }
            let at = tree.nodes.len();
            let lower = entry.name.to_lowercase();
            if at > 0 {
                tree.names.entry((parent, lower.clone())).or_insert(at);
            }
            tree.nodes.push(Node {
                name: entry.name.clone(),
                lower,
                stream: stream.is_some(),
                class: entry.class,
                parent,
                content: stream.map(|stream| stream.bytes).unwrap_or_default(),
                gone: false,
            });
            waiting.extend(children.remove(&number).unwrap_or_default().into_iter().map(|child| (child, at)));
        }
        Ok(tree)
    }

    /// What a storage holds under a name, in lower case.
    pub(super) fn find(&self, storage: usize, name: &str) -> Option<usize> {
        self.names.get(&(storage, name.to_owned())).copied()
    }

    /// One of them.
    pub(super) fn node(&self, at: usize) -> Option<&Node> {
        self.nodes.get(at)
    }

    /// Takes a stream's content out, to be changed and put back.
    pub(super) fn take(&mut self, at: usize) -> Vec<u8> {
        self.nodes.get_mut(at).map(|node| std::mem::take(&mut node.content)).unwrap_or_default()
    }

    /// Gives a stream its content.
    pub(super) fn put(&mut self, at: usize, content: Vec<u8>) {
        if let Some(node) = self.nodes.get_mut(at) {
            node.content = content;
        }
    }

    /// Says that a node goes; the root never does. Whether it was still there.
    pub(super) fn remove(&mut self, at: usize) -> bool {
        match self.nodes.get_mut(at).filter(|_| at > 0) {
            Some(node) => !std::mem::replace(&mut node.gone, true),
            None => false,
        }
    }

    /// What is in a storage that goes, goes too.
    pub(super) fn settle(&mut self) {
        for at in 1..self.nodes.len() {
            let above = self.node(at).and_then(|node| self.node(node.parent)).is_some_and(|above| above.gone);
            if above {
                self.remove(at);
            }
        }
    }
}
