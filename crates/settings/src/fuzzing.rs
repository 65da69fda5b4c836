//! Entry points for fuzzing: any bytes in, the readers' promises checked.

use crate::{Config, LoadedPolicy, MAX_PROBLEMS, Problems, check_policy, parse_policy, policy_to_toml};

/// Reads bytes as both kinds of file: each is either read or refused with a reason, and what was
/// read has no errors and, written down, reads back the same.
pub fn fuzz_settings(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match Config::parse(&text, "fuzz") {
        Ok(config) => assert!(!Problems(config.check()).has_errors()),
        Err(problems) => refused(&problems),
    }
    match LoadedPolicy::parse(&text, "fuzz", &["a_sign"]) {
        Ok(loaded) => {
            assert!(!Problems(check_policy(&loaded.policy)).has_errors());
            let again = parse_policy(&policy_to_toml(&loaded.policy, false), "fuzz");
            assert_eq!(again.as_ref(), Ok(&loaded.policy));
        }
        Err(problems) => refused(&problems),
    }
}

fn refused(problems: &Problems) {
    assert!(problems.has_errors() && problems.0.len() <= MAX_PROBLEMS, "{problems}");
    for problem in &problems.0 {
        assert!(!problem.message.is_empty() && problem.line != Some(0) && problem.column != Some(0), "{problem:?}");
    }
}
