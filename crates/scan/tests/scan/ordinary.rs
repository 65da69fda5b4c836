//! Ordinary mail that no public collection has (of scripts, devices, services and people) is no spam.

use std::path::Path;

use mail::evidence::{Sign, SignGroup};
use scan::{Context, EngineSpec, Engines, SpamContext, Step, StopFlag, start};

/// Most points of such mail in hundredths: half a point below probable spam at the default level.
const MOST: i32 = 450;

fn signs(engines: &Engines, raw: &[u8]) -> Vec<Sign> {
    let spam = SpamContext { fuel: u64::MAX, ..SpamContext::default() };
    let context = Context { spam: Some(spam), ..Context::default() };
    let Step::Done(evidence) = start(engines, raw, &context, &StopFlag::new()) else { panic!("questions") };
    evidence.spam.signs().to_vec()
}

fn points(signs: &[Sign], of: impl Fn(SignGroup) -> bool) -> i32 {
    let groups = SignGroup::ALL.into_iter().filter(|group| of(*group));
    let sum = |group| signs.iter().filter(|sign| sign.group == group).map(|sign| i32::from(sign.points)).sum::<i32>();
    groups.map(|group| sum(group).min(group.most())).sum()
}

#[test]
fn ordinary_mail_of_scripts_devices_services_and_people_is_no_spam() {
    let (engines, _) = Engines::load(&EngineSpec::default());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ordinary/ham");
    let mut seen = 0;
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let signs = signs(&engines, &std::fs::read(entry.path()).unwrap());
        let sum = points(&signs, |group| !matches!(group, SignGroup::Bulk | SignGroup::Automatic));
        if sum >= MOST {
            wrong.push(format!("{}: {sum}: {signs:?}", entry.path().display()));
        }
        seen += 1;
    }
    assert!(seen >= 30, "{seen} messages");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
