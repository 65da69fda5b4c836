//! What is wrong, or likely not meant, in a policy that can be read.

use judge::policy::{DmarcAction, EngineFailure, GroupId, MalwareAction, Manners, Policy, UnscannedAction};
use judge::units::{Bytes, Time};
use mail::address::Address;

use crate::problem::Problem;
use crate::spam_check::check_spam;
use crate::values::is_host;

/// Most objects that Backup may be told to keep (BK-05).
const MAX_BACKUP_OBJECTS: u64 = 1_000_000;
/// Postfix waits 100 s for a before-queue proxy; a reply needs a little of that (D-23).
const LONGEST_DEADLINE: Time = Time(95_000);
/// Most groups of recipients: each of a message's groups is a decision and a delivery of its own.
const MAX_GROUPS: usize = 200;
/// Longest label in a subject, in bytes: a longer one leaves nothing of the subject to be seen.
pub(crate) const MAX_LABEL: usize = 200;
/// Longest refusal text in bytes: a reply line has 512 octets (RFC 5321 section 4.5.3.1.5).
const MAX_REFUSAL: usize = 400;

/// Everything that is wrong or doubtful in a policy.
pub fn check_policy(policy: &Policy) -> Vec<Problem> {
    let mut found = Vec::new();
    check_malware(policy, &mut found);
    check_texts(policy, &mut found);
    check_unscannable(policy, &mut found);
    check_spam(policy, &mut found);
    check_limits(policy, &mut found);
    check_refusal(policy, &mut found);
    check_backup(policy, &mut found);
    check_monitor(policy, &mut found);
    check_before(policy, &mut found);
    check_sealers(policy, &mut found);
    check_dmarc(policy, &mut found);
    check_reports(policy, &mut found);
    check_groups(policy, &mut found);
    found
}

/// Reports of DMARC: they come from somewhere.
fn check_reports(policy: &Policy, found: &mut Vec<Problem>) {
    let reports = &policy.authentication.reports;
    let key = "authentication.reports.from";
    if reports.enabled && Address::parse(&reports.from).is_none_or(|from| from.domain().is_empty()) {
        found.push(Problem::error(
            key,
            format!("{key}: {:?} is not an address that reports can come from", reports.from),
        ));
    }
    let key = "authentication.reports.received_at";
    for text in &reports.received_at {
        if Address::parse(text).is_none_or(|address| address.domain().is_empty()) {
            found.push(Problem::error(key, format!("{key}: {text:?} is not an address that reports can come to")));
        }
    }
    if reports.organisation.len() > MAX_LABEL || reports.organisation.chars().any(char::is_control) {
        let key = "authentication.reports.organisation";
        found.push(Problem::error(key, format!("{key}: one line of at most {MAX_LABEL} bytes")));
    }
}

/// Groups: names and recipients, and what is wrong in their own sections and not in the policy itself.
fn check_groups(policy: &Policy, found: &mut Vec<Problem>) {
    if policy.group.len() > MAX_GROUPS {
        found.push(Problem::error("group", format!("more than {MAX_GROUPS} groups")));
    }
    let known: Vec<String> = found.iter().map(|problem| problem.message.clone()).collect();
    for (at, group) in policy.group.iter().enumerate().take(MAX_GROUPS) {
        let key = format!("group[{at}]");
        let earlier = policy.group.get(..at).unwrap_or_default();
        if group.name.trim().is_empty() || group.name.chars().any(char::is_control) || group.name.len() > MAX_LABEL {
            found.push(Problem::error(&format!("{key}.name"), format!("{key}.name: a group needs a name of one line")));
        } else if earlier.iter().any(|other| other.name == group.name) {
            found.push(Problem::error(&format!("{key}.name"), format!("{key}.name: {:?} is taken", group.name)));
        }
        if group.recipients.is_empty() {
            found.push(Problem::error(
                &format!("{key}.recipients"),
                format!("{key}.recipients is empty: it is for nobody"),
            ));
        }
        for mask in &group.recipients {
            if earlier.iter().any(|other| other.recipients.contains(mask)) {
                let message = format!("{key}.recipients: {mask} belongs to an earlier group, which counts first");
                found.push(Problem::warning(&format!("{key}.recipients"), message));
            }
        }
        let own = policy.for_group(GroupId::Group(at));
        let mut of_group = Vec::new();
        check_malware(&own, &mut of_group);
        check_texts(&own, &mut of_group);
        check_unscannable(&own, &mut of_group);
        check_spam(&own, &mut of_group);
        check_refusal(&own, &mut of_group);
        for mut problem in of_group.into_iter().filter(|problem| !known.contains(&problem.message)) {
            problem.message = format!("group {:?}: {}", group.name, problem.message);
            problem.key = format!("{key}.{}", problem.key);
            found.push(problem);
        }
    }
}

/// Domains whose seals are believed.
fn check_sealers(policy: &Policy, found: &mut Vec<Problem>) {
    let key = "authentication.trusted_sealers";
    for domain in policy.authentication.trusted_sealers.iter().filter(|domain| !is_host(domain)) {
        let message = format!("{key}: {domain:?} is no domain");
        found.push(Problem::error(key, message).hint("write it like \"lists.example.org\""));
    }
}

/// What is wished of who failed DMARC, where nobody is asked.
fn check_dmarc(policy: &Policy, found: &mut Vec<Problem>) {
    let authentication = &policy.authentication;
    if !authentication.enabled && authentication.dmarc == DmarcAction::Honour {
        let message = "authentication.dmarc = \"honour\", but authentication.enabled = false: nothing is checked, and \
                       nothing refused for it";
        found.push(Problem::warning("authentication.dmarc", message));
    }
}

/// Whether an action can end with something deleted.
fn deletes(action: MalwareAction) -> bool {
    !matches!(action, MalwareAction::Allow | MalwareAction::Block | MalwareAction::DisinfectOrBlock)
}

fn check_malware(policy: &Policy, found: &mut Vec<Problem>) {
    let malware = &policy.malware;
    if !malware.enabled {
        found.push(Problem::warning(
            "malware.enabled",
            "malware.enabled = false: mail is not scanned for malware (AV-01)",
        ));
    }
    if !malware.keep_copy && (deletes(malware.action) || deletes(malware.probable_action)) {
        let message = "malware.keep_copy = false: deleted mail vanishes without trace (D-5)";
        found.push(Problem::warning("malware.keep_copy", message));
    }
    for (key, action) in [("malware.action", malware.action), ("malware.probable_action", malware.probable_action)] {
        if malware.enabled && action == MalwareAction::Allow {
            found.push(Problem::warning(key, format!("{key} = \"allow\": infected mail is delivered (ACT-13)")));
        }
    }
    for address in &malware.forward_to {
        let known = Address::parse(address).filter(|address| {
            !address.local().is_empty()
                && !address.domain().is_empty()
                && !address.as_str().contains([' ', '<', '>', ',', ';'])
        });
        if known.is_none() {
            let message = format!("malware.forward_to: {address:?} is not an address");
            found.push(Problem::error("malware.forward_to", message).hint("write it like \"postmaster@example.org\""));
        }
    }
}

/// Texts that end up in a header must be one line.
fn check_texts(policy: &Policy, found: &mut Vec<Problem>) {
    let labels = &policy.malware.labels;
    let notice = &policy.malware.notice;
    let lines = [
        ("malware.labels.detected", &labels.detected),
        ("malware.labels.deleted", &labels.deleted),
        ("malware.labels.disinfected", &labels.disinfected),
        ("malware.labels.attachment_removed", &labels.attachment_removed),
        ("unscannable.label", &policy.unscannable.label),
        ("malware.notice.file_name", &notice.file_name),
        ("refusal.text", &policy.refusal.text),
    ];
    for (key, text) in lines {
        if text.chars().any(char::is_control) {
            found.push(Problem::error(key, format!("{key} must be one line without control characters")));
        }
        let limit = if key == "refusal.text" { MAX_REFUSAL } else { MAX_LABEL };
        if text.len() > limit {
            found.push(Problem::error(key, format!("{key} is longer than {limit} bytes")));
        }
    }
    if notice.file_name.trim().is_empty() {
        let message = "malware.notice.file_name is empty: the notice needs a name";
        found.push(Problem::error("malware.notice.file_name", message));
    }
    if notice.file_name.contains(['/', '\\']) {
        let message = "malware.notice.file_name: a file name cannot hold / or \\";
        found.push(Problem::error("malware.notice.file_name", message));
    }
    for (key, text) in [
        ("malware.notice.text", &notice.text),
        ("malware.notice.kept", &notice.kept),
        ("malware.notice.not_kept", &notice.not_kept),
    ] {
        if text.contains('\0') {
            found.push(Problem::error(key, format!("{key} cannot hold a NUL")));
        }
    }
}

fn check_unscannable(policy: &Policy, found: &mut Vec<Problem>) {
    let unscannable = &policy.unscannable;
    let reasons = [
        ("unscannable.encrypted", unscannable.encrypted, "encrypted"),
        ("unscannable.damaged", unscannable.damaged, "damaged"),
    ];
    for (key, action, what) in reasons {
        if action == UnscannedAction::Allow {
            let message = format!("{key} = \"allow\": {what} objects are delivered unseen and unmarked (D-18)");
            found.push(
                Problem::advice(key, message).hint("\"label\" tells the reader, \"delete_object\" keeps them out"),
            );
        }
    }
    if unscannable.limits == UnscannedAction::Allow {
        let message = "unscannable.limits = \"allow\": a bomb is a way past every engine (D-18)";
        found.push(Problem::warning("unscannable.limits", message).hint("write \"as_infected\""));
    }
    if unscannable.engine_failed == EngineFailure::Label {
        let message =
            "unscannable.engine_failed = \"label\": mail is delivered unscanned while an engine is down (D-19)";
        found.push(
            Problem::warning("unscannable.engine_failed", message).hint("write \"tempfail\": the sender tries again"),
        );
    }
}

fn check_limits(policy: &Policy, found: &mut Vec<Problem>) {
    let limits = &policy.limits;
    if limits.deadline == Time(0) {
        found.push(Problem::error("limits.deadline", "limits.deadline is 0: nothing could be examined"));
    }
    if limits.deadline > LONGEST_DEADLINE {
        let message =
            format!("limits.deadline is more than {LONGEST_DEADLINE}: Postfix gives up on us after 100 s (D-23)");
        found.push(Problem::warning("limits.deadline", message));
    }
    let counts = [
        ("limits.depth", u64::from(limits.depth)),
        ("limits.objects", u64::from(limits.objects)),
        ("limits.unpacked_size", limits.unpacked_size.0),
        ("limits.object_size", limits.object_size.0),
        ("limits.ratio", u64::from(limits.ratio)),
    ];
    for (key, count) in counts {
        if count == 0 {
            found.push(Problem::error(key, format!("{key} is 0: nothing could be examined")));
        }
    }
    if limits.objects as usize > mail::evidence::MAX_OBJECTS {
        let message = format!("limits.objects is more than {}", mail::evidence::MAX_OBJECTS);
        found.push(Problem::error("limits.objects", message));
    }
    if limits.object_size > limits.unpacked_size {
        let message = "limits.object_size is more than limits.unpacked_size, which counts first";
        found.push(Problem::advice("limits.object_size", message));
    }
    if policy.archives.max_time > limits.deadline {
        let message = "archives.max_time is more than limits.deadline, which counts first (D-23)";
        found.push(Problem::advice("archives.max_time", message));
    }
}

fn check_refusal(policy: &Policy, found: &mut Vec<Problem>) {
    let refusal = &policy.refusal;
    if !(500..=599).contains(&refusal.code) {
        let message = format!("refusal.code: {} is not a reply code from 500 to 599 (D-4)", refusal.code);
        found.push(Problem::error("refusal.code", message));
    }
    if !is_enhanced(&refusal.enhanced) {
        let message =
            format!("refusal.enhanced: {:?} is not an enhanced status code for a refusal (RFC 3463)", refusal.enhanced);
        found.push(Problem::error("refusal.enhanced", message).hint("write it like \"5.7.1\""));
    }
    if !refusal.text.is_ascii() {
        let message = "refusal.text: a reply is ASCII (RFC 5321 section 2.4); other characters are shown as ?";
        found.push(Problem::warning("refusal.text", message));
    }
}

/// `5.subject.detail`, one to three digits each (RFC 3463 section 2).
fn is_enhanced(text: &str) -> bool {
    let number = |part: &str| {
        (1..=3).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part.len() == 1 || !part.starts_with('0'))
    };
    let parts: Vec<&str> = text.split('.').collect();
    matches!(parts.as_slice(), ["5", subject, detail] if number(subject) && number(detail))
}

fn check_backup(policy: &Policy, found: &mut Vec<Problem>) {
    let backup = &policy.backup;
    if backup.max_objects > MAX_BACKUP_OBJECTS {
        found.push(Problem::error(
            "backup.max_objects",
            format!("backup.max_objects is more than {MAX_BACKUP_OBJECTS} (BK-05)"),
        ));
    }
    if backup.max_objects == 0 {
        found.push(Problem::error("backup.max_objects", "backup.max_objects is 0: nothing could be kept"));
    }
    if backup.max_size == Bytes(0) && backup.max_age == Time(0) {
        let message =
            "backup: neither max_size nor max_age: only the number of messages keeps the disk from filling up";
        found.push(Problem::advice("backup.max_size", message));
    }
}

fn check_monitor(policy: &Policy, found: &mut Vec<Problem>) {
    let monitor = &policy.monitor;
    if monitor.enabled || !monitor.surfaces.is_empty() || !monitor.rules.is_empty() {
        let message = "monitor: what is found is only recorded, infected mail is delivered (D-26)";
        let key = if monitor.enabled {
            "monitor.enabled"
        } else if monitor.surfaces.is_empty() {
            "monitor.rules"
        } else {
            "monitor.surfaces"
        };
        found.push(Problem::advice(key, message));
    }
}

fn check_before(policy: &Policy, found: &mut Vec<Problem>) {
    let before = &policy.before;
    let list = &before.greylist;
    if list.enabled && list.window <= list.delay {
        let message = "before.greylist.window is not more than before.greylist.delay: nobody can come again in time";
        found.push(Problem::error("before.greylist.window", message));
    }
    if list.enabled && list.remember < list.window {
        let message = "before.greylist.remember is less than before.greylist.window: who waits would be forgotten";
        found.push(Problem::error("before.greylist.remember", message));
    }
    if before.early_talkers == Manners::Reject && before.greeting_delay == Time(0) {
        let message = "before.early_talkers has no effect without before.greeting_delay";
        found.push(Problem::warning("before.early_talkers", message).hint("write greeting_delay = \"2 s\""));
    }
}

#[cfg(test)]
mod tests {
    use judge::policy::Profile;

    use super::*;
    use crate::problem::Severity;

    fn found(change: impl FnOnce(&mut Policy)) -> Vec<(String, Severity)> {
        let mut policy = Policy::default();
        change(&mut policy);
        check_policy(&policy).into_iter().map(|problem| (problem.key, problem.severity)).collect()
    }

    #[test]
    fn as_18_se_01_what_does_nothing_while_spam_is_off_is_told() {
        let told = |change: fn(&mut Policy)| {
            let mut policy = Policy::default();
            policy.spam.sensitivity = judge::policy::Sensitivity::High;
            policy.spam.spam.action = judge::policy::SpamAction::Reject;
            change(&mut policy);
            check_policy(&policy).into_iter().map(|problem| problem.key).collect::<Vec<_>>()
        };
        assert_eq!(told(|p| p.spam.enabled = false), ["spam.sensitivity", "spam.spam"]);
        assert_eq!(told(|p| (p.spam.enabled, p.spam.outgoing) = (false, true)), ["spam.spam"]);
        assert_eq!(told(|_| {}), [""; 0]);
    }

    #[test]
    fn no_profile_has_a_problem() {
        for profile in Profile::ALL {
            assert_eq!(check_policy(&Policy::of(profile)), [], "{}", profile.name());
        }
    }

    /// A key, how bad it is, and a change of the default policy that must be found.
    type Case = (&'static str, Severity, fn(&mut Policy));

    #[test]
    fn each_doubtful_setting_is_found_and_nothing_else() {
        use Severity::{Advice, Error, Warning};
        let cases: &[Case] = &[
            ("malware.enabled", Warning, |p| p.malware.enabled = false),
            ("malware.keep_copy", Warning, |p| p.malware.keep_copy = false),
            ("malware.action", Warning, |p| p.malware.action = MalwareAction::Allow),
            ("malware.probable_action", Warning, |p| p.malware.probable_action = MalwareAction::Allow),
            ("malware.forward_to", Error, |p| p.malware.forward_to = vec!["not an address".to_owned()]),
            ("malware.forward_to", Error, |p| p.malware.forward_to = vec!["a@example.org\r\nDATA".to_owned()]),
            ("malware.labels.detected", Error, |p| p.malware.labels.detected = "[a]\r\nBcc: b@example.org".to_owned()),
            ("unscannable.label", Error, |p| p.unscannable.label = "[a]\n".to_owned()),
            ("malware.notice.file_name", Error, |p| p.malware.notice.file_name = " ".to_owned()),
            ("malware.notice.file_name", Error, |p| p.malware.notice.file_name = "../x.txt".to_owned()),
            ("malware.notice.text", Error, |p| p.malware.notice.text = "\0".to_owned()),
            ("unscannable.encrypted", Advice, |p| p.unscannable.encrypted = UnscannedAction::Allow),
            ("unscannable.damaged", Advice, |p| p.unscannable.damaged = UnscannedAction::Allow),
            ("unscannable.limits", Warning, |p| p.unscannable.limits = UnscannedAction::Allow),
            ("unscannable.engine_failed", Warning, |p| p.unscannable.engine_failed = EngineFailure::Label),
            ("limits.deadline", Warning, |p| p.limits.deadline = Time(96_000)),
            ("limits.depth", Error, |p| p.limits.depth = 0),
            ("limits.objects", Error, |p| p.limits.objects = 100_001),
            ("limits.object_size", Advice, |p| p.limits.object_size = Bytes(2 << 30)),
            ("archives.max_time", Advice, |p| p.archives.max_time = Time(81_000)),
            ("refusal.code", Error, |p| p.refusal.code = 450),
            ("refusal.code", Error, |p| p.refusal.code = 600),
            ("refusal.enhanced", Error, |p| p.refusal.enhanced = "4.7.1".to_owned()),
            ("refusal.enhanced", Error, |p| p.refusal.enhanced = "5.7".to_owned()),
            ("refusal.enhanced", Error, |p| p.refusal.enhanced = "5.7.1 ".to_owned()),
            ("refusal.text", Error, |p| p.refusal.text = "a\r\nb".to_owned()),
            ("refusal.text", Error, |p| p.refusal.text = "a".repeat(401)),
            ("refusal.text", Warning, |p| p.refusal.text = "é".to_owned()),
            ("backup.max_objects", Error, |p| p.backup.max_objects = 1_000_001),
            ("backup.max_objects", Error, |p| p.backup.max_objects = 0),
            ("monitor.enabled", Advice, |p| p.monitor.enabled = true),
            ("before.greylist.window", Error, |p| {
                p.before.greylist.enabled = true;
                p.before.greylist.window = p.before.greylist.delay;
            }),
            ("before.greylist.remember", Error, |p| {
                p.before.greylist.enabled = true;
                p.before.greylist.remember = Time(3_600_000);
            }),
            ("before.early_talkers", Warning, |p| p.before.early_talkers = Manners::Reject),
        ];
        for (key, severity, change) in cases {
            assert_eq!(found(change), [((*key).to_owned(), *severity)], "{key}");
        }
    }

    #[test]
    fn what_is_only_blocked_needs_no_copy_of_deleted_mail() {
        let found = found(|p| {
            p.malware.keep_copy = false;
            p.malware.action = MalwareAction::Block;
            p.malware.probable_action = MalwareAction::DisinfectOrBlock;
        });
        assert_eq!(found, []);
    }
}
