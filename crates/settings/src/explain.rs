//! One setting of the policy, or all of a table, with everything that is known of it.

use judge::policy::{Policy, Profile, Rule};

use crate::fields::{Field, at, fields, one_line};
use crate::schema;

/// A setting.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explained {
    /// Its key: `malware.action`.
    pub key: String,
    /// What it means.
    pub meaning: String,
    /// What is written there: a number, a list, ….
    pub kind: String,
    /// Its value, as TOML on one line.
    pub value: String,
    /// Its default in each profile, by the profile's name.
    pub defaults: Vec<(String, String)>,
    /// The words that can be written and what they mean; empty if it is no choice of words.
    pub words: Vec<(String, String)>,
}

/// The setting with this key, or all settings of the table with this name, in the order of their
/// definition; none if there is no such setting or table.
pub fn explain_policy(policy: &Policy, name: &str) -> Vec<Explained> {
    let schema = schema::policy();
    let profiles: Vec<(String, Vec<Field>)> =
        Profile::ALL.iter().map(|profile| (profile.name().to_owned(), fields(&Policy::of(*profile)))).collect();
    let under = format!("{name}.");
    let wanted = fields(policy).into_iter().filter(|field| field.key() == name || field.key().starts_with(&under));
    wanted
        .map(|field| {
            let key = field.key();
            let node = at(&schema, &key);
            let words = node.map(|node| node.items().unwrap_or(node).words()).unwrap_or_default();
            let default = |known: &[Field]| {
                known.iter().find(|other| other.key() == key).map_or_else(String::new, |other| one_line(&other.value))
            };
            Explained {
                meaning: node.map(|node| node.description().to_owned()).unwrap_or_default(),
                kind: node.map(|node| node.kind()).unwrap_or_default(),
                value: one_line(&field.value),
                defaults: profiles.iter().map(|(name, known)| (name.clone(), default(known))).collect(),
                words: words.iter().map(|word| (word.word.to_owned(), word.description.to_owned())).collect(),
                key,
            }
        })
        .collect()
}

/// What a rule is about, in words.
pub fn explain_rule(rule: Rule) -> String {
    let schema = schema::policy();
    let words = at(&schema, "monitor.rules").and_then(|node| node.items()).map(|node| node.words()).unwrap_or_default();
    words.iter().find(|word| word.word == rule.name()).map(|word| word.description.to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_told_whole() {
        let found = explain_policy(&Policy::default(), "malware.action");
        let [action] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((action.key.as_str(), action.value.as_str()), ("malware.action", "\"automatic\""));
        assert!(!action.meaning.is_empty() && action.words.iter().any(|(word, _)| word == "block"));
        assert_eq!(action.defaults.len(), Profile::ALL.len());
    }

    #[test]
    fn a_table_is_all_of_its_settings_and_nothing_else() {
        let found = explain_policy(&Policy::default(), "unscannable");
        assert!(found.len() > 3 && found.iter().all(|setting| setting.key.starts_with("unscannable.")));
        assert!(explain_policy(&Policy::default(), "unscannabl").is_empty());
    }

    #[test]
    fn every_rule_has_words_and_settings_that_exist() {
        for rule in Rule::ALL {
            assert!(!explain_rule(rule).is_empty(), "{rule:?}");
            assert!(!explain_policy(&Policy::default(), rule.setting()).is_empty(), "{rule:?}: {}", rule.setting());
        }
    }
}
