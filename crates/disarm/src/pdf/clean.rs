//! What goes out of the objects of a PDF. Values are as deep as the reader lets them be, so walking down
//! in them needs no stack of its own.

use std::collections::BTreeSet;

use mail::evidence::Active;
use unpack::formats::pdf::{Dict, Live, LiveObject, Value, references};

/// Most references that lead to one another.
const MAX_HOPS: usize = 8;
/// Kinds of content any of which makes what happens by itself go.
const BY_ITSELF: [Active; 4] = [Active::Script, Active::Launch, Active::Form, Active::OpenUri];

/// Cleans objects one by one.
pub(super) struct Cleaner<'a> {
    active: &'a BTreeSet<Active>,
    /// Objects that go as a whole.
    gone: BTreeSet<u32>,
    live: &'a Live,
    /// Whether anything went.
    pub(super) changed: bool,
}

impl<'a> Cleaner<'a> {
    /// `gone`: streams of embedded files that go.
    pub(super) fn new(active: &'a BTreeSet<Active>, gone: BTreeSet<u32>, live: &'a Live) -> Self {
        Self { active, gone, live, changed: false }
    }

    fn has(&self, what: Active) -> bool {
        self.active.contains(&what)
    }

    /// Finds objects that go as a whole; what a file that goes is named by goes with it.
    pub(super) fn find(&mut self, live: &Live) {
        // Files first: what names them is looked at then.
        for _ in 0..2 {
            for (number, object) in &live.objects {
                if let Value::Dict(dict) = &object.value
                    && self.goes(dict)
                {
                    self.gone.insert(*number);
                }
            }
        }
    }

    /// A value, or what it refers to.
    fn resolve<'v>(&'v self, mut value: &'v Value) -> &'v Value {
        for _ in 0..MAX_HOPS {
            let Value::Reference(number) = value else { return value };
            match self.live.objects.get(number) {
                Some(object) => value = &object.value,
                None => break,
            }
        }
        &Value::Null
    }

    fn name<'v>(&'v self, dict: &'v Dict, key: &[u8]) -> &'v [u8] {
        dict.get(key).map(|value| self.resolve(value)).and_then(Value::name).unwrap_or_default()
    }

    /// Whether a dictionary goes as a whole: an action, a note that plays or holds something, a file.
    fn goes(&self, dict: &Dict) -> bool {
        let script = self.has(Active::Script);
        let acts = match self.name(dict, b"S") {
            b"JavaScript" | b"Rendition" | b"RichMediaExecute" => script,
            b"Launch" | b"GoToE" | b"GoToR" => self.has(Active::Launch),
            b"SubmitForm" | b"ImportData" => self.has(Active::Form),
            b"URI" => script && self.is_script(dict),
            _ => false,
        };
        let note = match self.name(dict, b"Subtype") {
            b"RichMedia" | b"Screen" | b"Movie" | b"3D" => script || self.has(Active::Launch),
            b"FileAttachment" => dict.get(b"FS").is_some_and(|file| self.names_gone(file)),
            _ => false,
        };
        acts || note || dict.get(b"EF").is_some_and(|files| self.lists_gone(files))
    }

    /// Whether an address is a script.
    fn is_script(&self, dict: &Dict) -> bool {
        let text = dict.get(b"URI").map(|value| self.resolve(value)).and_then(Value::text).unwrap_or_default();
        let letters: Vec<u8> =
            text.iter().filter(|byte| byte.is_ascii_alphabetic() || **byte == b':').take(11).copied().collect();
        letters.eq_ignore_ascii_case(b"javascript:")
    }

    /// Whether a file specification goes.
    fn names_gone(&self, value: &Value) -> bool {
        match value {
            Value::Reference(number) if self.gone.contains(number) => true,
            value => {
                self.resolve(value).dict().and_then(|dict| dict.get(b"EF")).is_some_and(|files| self.lists_gone(files))
            }
        }
    }

    /// Whether any of the streams of a file goes.
    fn lists_gone(&self, files: &Value) -> bool {
        let mut all = Vec::new();
        references(self.resolve(files), &mut all);
        all.iter().any(|number| self.gone.contains(number))
    }

    /// An object without what goes; `None`: it goes as a whole.
    pub(super) fn object(&mut self, number: u32, object: &LiveObject) -> Option<Value> {
        if self.gone.contains(&number) {
            self.changed = true;
            return None;
        }
        Some(self.value(&object.value))
    }

    fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::Dict(dict) => {
                let kept: Vec<&(Vec<u8>, Value)> =
                    dict.0.iter().filter(|(key, value)| self.stays(key, value)).collect();
                self.changed |= kept.len() < dict.0.len();
                let pairs = kept.into_iter().map(|(key, value)| {
                    let tree = key == b"Names"
                        && value.array().is_some_and(|items| matches!(items.first(), Some(Value::Text(_))));
                    (key.clone(), if tree { self.names(value) } else { self.value(value) })
                });
                Value::Dict(Dict(pairs.collect()))
            }
            Value::Array(items) => {
                let kept: Vec<&Value> = items.iter().filter(|item| !self.drops(item)).collect();
                self.changed |= kept.len() < items.len();
                Value::Array(kept.into_iter().map(|item| self.value(item)).collect())
            }
            other => other.clone(),
        }
    }

    /// A leaf of a tree of names: each name goes with its value.
    fn names(&mut self, value: &Value) -> Value {
        let items = value.array().unwrap_or_default();
        let mut kept = Vec::new();
        for pair in items.chunks(2) {
            if pair.iter().any(|item| self.drops(item)) {
                self.changed = true;
            } else {
                kept.extend(pair.iter().map(|item| self.value(item)));
            }
        }
        Value::Array(kept)
    }

    /// Whether a value goes because of what it is.
    fn drops(&self, value: &Value) -> bool {
        match value {
            Value::Reference(number) => self.gone.contains(number),
            Value::Dict(dict) => self.goes(dict),
            _ => false,
        }
    }

    /// Whether a key of a dictionary stays.
    fn stays(&self, key: &[u8], value: &Value) -> bool {
        let script = self.has(Active::Script);
        let by_itself = BY_ITSELF.iter().any(|what| self.has(*what));
        let goes = match key {
            b"JS" | b"JavaScript" | b"OnInstantiate" | b"RichMediaContent" | b"RichMediaSettings" => script,
            b"XFA" => script || self.has(Active::Form),
            b"AA" => by_itself,
            b"OpenAction" => by_itself && !self.only_goes(value),
            b"EF" | b"RF" => self.lists_gone(value),
            // How a portfolio shows its files.
            b"Collection" => !self.gone.is_empty() && self.live.files.keys().all(|number| self.gone.contains(number)),
            _ => false,
        };
        !goes && !self.drops(value)
    }

    /// Whether what happens at opening only shows a place in the document.
    fn only_goes(&self, value: &Value) -> bool {
        match self.resolve(value) {
            Value::Dict(dict) => self.name(dict, b"S") == b"GoTo" && dict.get(b"Next").is_none(),
            _ => true,
        }
    }
}
