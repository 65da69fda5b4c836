//! `mailward policy explain`.

use judge::policy::Rule;
use mail::untrusted::escape;
use settings::{Explained, explain_policy, explain_rule};

use super::history::{page, revision};
use crate::ask::Administration;
use crate::failure::Failure;
use crate::place::PlaceArgs;
use crate::{terminal, when};

/// Most revisions that are looked at to find who set a value.
const MAX_REVISIONS: usize = 200;
/// Most characters of an author or comment.
const MAX_TEXT: usize = 200;

/// Runs it.
pub(super) fn run(place: &PlaceArgs, name: &str) -> Result<(), Failure> {
    let mut administration = Administration::open(&place.find()?)?;
    let (policy, origin) = administration.policy()?;
    let rule = Rule::ALL.into_iter().find(|rule| rule.name() == name);
    let found = explain_policy(&policy, rule.map_or(name, |rule| rule.setting()));
    if found.is_empty() {
        let shown = escape(name, 80);
        return Err(Failure::new(format!(
            "\"{shown}\" is no rule, setting or table of the policy: `mailward policy show --full` has all settings"
        )));
    }
    let mut text = rule.map_or_else(String::new, |rule| {
        format!("{}: {}\nWhat it does is said by {}.\n\n", rule.name(), explain_rule(rule), rule.setting())
    });
    for setting in &found {
        text.push_str(&told(setting));
        if found.len() == 1 && origin.starts_with("revision") {
            text.push_str(&since(&mut administration, setting)?);
        }
        text.push('\n');
    }
    text.push_str(&format!("The policy in force: {}\n", escape(&origin, 1000)));
    Ok(terminal::put(&text)?)
}

fn told(setting: &Explained) -> String {
    let mut text = format!("{} = {}\n  {}\n", setting.key, setting.value, setting.meaning);
    let defaults: Vec<String> = setting.defaults.iter().map(|(name, value)| format!("{name} {value}")).collect();
    text.push_str(&format!("  Default: {}\n", defaults.join(", ")));
    if setting.words.is_empty() {
        text.push_str(&format!("  Type: {}\n", setting.kind));
    }
    for (word, meaning) in &setting.words {
        text.push_str(&format!("  {word}: {meaning}\n"));
    }
    text
}

/// Who gave the setting its present value, when and why: the first of the latest revisions that have it.
fn since(administration: &mut Administration, setting: &Explained) -> Result<String, Failure> {
    let heads = page(administration, None, MAX_REVISIONS)?;
    let mut first = None;
    for head in &heads {
        let past = explain_policy(&revision(administration, head.number)?, &setting.key);
        if past.first().is_none_or(|past| past.value != setting.value) {
            break;
        }
        first = Some(head);
    }
    Ok(first.map_or_else(String::new, |head| {
        let (author, comment) = (escape(&head.author, MAX_TEXT), escape(&head.comment, MAX_TEXT));
        format!("  Since revision {}, {}, by {author}: {comment}\n", head.number, when::shown(head.at_ms))
    }))
}
