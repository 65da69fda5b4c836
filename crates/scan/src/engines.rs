//! The table of engines: which there are, loaded from texts once, shared by all examinations.

use ::engines::malware::eicar::Eicar;
use ::engines::malware::hashlist::{HashList, HashLists};
use ::engines::malware::yara::{BUILTIN, BUILTIN_LEN, Yara};
use ::engines::{LoadProblem, ObjectEngine};
use mail::evidence::{EngineId, PasswordSource, Unable, UnableWhy};
use serde::{Deserialize, Serialize};
use unpack::Passwords;

/// Passwords. Their `Debug` shows only how many there are.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Secrets(pub Vec<String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passwords", self.0.len())
    }
}

/// What engines to have, as texts.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct EngineSpec {
    /// Hash lists: name and content.
    #[serde(with = "crate::blob::named")]
    pub hash_lists: Vec<(String, Vec<u8>)>,
    /// YARA rules: name and text.
    pub yara: Vec<(String, String)>,
    /// Whether our own YARA rules run.
    pub builtin_rules: bool,
    /// Engines that are asked outside about the raw message.
    pub external: Vec<EngineId>,
    /// Passwords that are tried on what is encrypted.
    pub passwords: Secrets,
}

impl EngineSpec {
    /// Who must have looked before a report may be clean, sorted: what `Evidence::close` needs.
    pub fn required(&self) -> Vec<EngineId> {
        let mut required = vec![EngineId::Unpack, EngineId::Eicar];
        if !self.hash_lists.is_empty() {
            required.push(EngineId::HashList);
        }
        if self.builtin_rules || !self.yara.is_empty() {
            required.push(EngineId::Yara);
        }
        required.extend(&self.external);
        required.sort();
        required.dedup();
        required
    }
}

/// The empty password, and the given ones.
fn passwords(given: &Secrets) -> Passwords {
    let mut passwords = Passwords::empty();
    for password in &given.0 {
        passwords.add(password, PasswordSource::Configured);
    }
    passwords
}

/// The loaded engines.
pub struct Engines {
    pub(crate) objects: Vec<Box<dyn ObjectEngine>>,
    pub(crate) external: Vec<EngineId>,
    /// Engines of which a source could not be loaded: said in all evidence.
    pub(crate) incomplete: Vec<Unable>,
    /// What is tried on what is encrypted.
    pub(crate) passwords: Passwords,
    has_signatures: bool,
}

impl Engines {
    /// Loads everything. What could not be loaded is in the list of problems; engines made in spite
    /// of problems work with what is in order, and all evidence says `Unable(no_database)`, so that
    /// nothing they pass reads as clean.
    pub fn load(spec: &EngineSpec) -> (Self, Vec<LoadProblem>) {
        let mut engines = Self {
            objects: vec![Box::new(Eicar)],
            external: spec.external.clone(),
            incomplete: Vec::new(),
            passwords: passwords(&spec.passwords),
            has_signatures: !spec.external.is_empty(),
        };
        engines.external.sort();
        engines.external.dedup();
        let mut problems = Vec::new();
        engines.load_hash_lists(spec, &mut problems);
        engines.load_yara(spec, &mut problems);
        let mut broken: Vec<EngineId> = problems.iter().map(|problem| problem.engine).collect();
        broken.sort();
        broken.dedup();
        let unable = |engine| Unable::new(engine, UnableWhy::NoDatabase, "some of its sources could not be loaded");
        engines.incomplete = broken.into_iter().map(unable).collect();
        (engines, problems)
    }

    fn load_hash_lists(&mut self, spec: &EngineSpec, problems: &mut Vec<LoadProblem>) {
        if spec.hash_lists.is_empty() {
            return;
        }
        let mut lists = Vec::new();
        for (name, text) in &spec.hash_lists {
            match HashList::load(name, text) {
                Ok(list) => lists.push(list),
                Err(mut bad) => problems.append(&mut bad),
            }
        }
        let lists = HashLists::new(lists);
        self.has_signatures |= !lists.is_empty();
        self.objects.push(Box::new(lists));
    }

    fn load_yara(&mut self, spec: &EngineSpec, problems: &mut Vec<LoadProblem>) {
        if spec.yara.is_empty() && !spec.builtin_rules {
            return;
        }
        let own = BUILTIN.iter().copied().filter(|_| spec.builtin_rules);
        let given = spec.yara.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let (yara, mut bad) = Yara::compile(own.chain(given));
        problems.append(&mut bad);
        let own_rules = if spec.builtin_rules { BUILTIN_LEN } else { 0 };
        self.has_signatures |= yara.len() > own_rules;
        self.objects.push(Box::new(yara));
    }

    /// With one engine more.
    #[must_use]
    pub fn with(mut self, engine: Box<dyn ObjectEngine>) -> Self {
        self.objects.push(engine);
        self
    }

    /// Who must have looked before a report may be clean, sorted: what `Evidence::close` needs.
    pub fn required(&self) -> Vec<EngineId> {
        let mut required = self.inside();
        required.extend(&self.external);
        required.sort();
        required.dedup();
        required
    }

    /// Those of [`Engines::required`] that run here.
    pub(crate) fn inside(&self) -> Vec<EngineId> {
        std::iter::once(EngineId::Unpack).chain(self.objects.iter().map(|engine| engine.id())).collect()
    }

    /// Engines that are asked outside.
    pub fn external(&self) -> &[EngineId] {
        &self.external
    }

    /// Whether there are signatures beyond our own few rules: a hash list, given YARA rules, or an
    /// external engine. Without, "clean" means little, and whoever starts us should be told.
    pub fn has_signatures(&self) -> bool {
        self.has_signatures
    }
}
