//! Entry points for fuzzing: what comes over the control socket.

use crate::control::parse_request;

/// Reads arbitrary bytes as a request's line.
///
/// # Panics
/// When an invariant does not hold.
pub fn fuzz_control(data: &[u8]) {
    match parse_request(data) {
        Ok(request) => {
            let line = serde_json::json!({ "version": crate::control::VERSION, "request": request }).to_string();
            assert!(parse_request(line.as_bytes()) == Ok(request), "a request reads back");
        }
        Err(message) => {
            assert!(message.len() < 4096, "a complaint is short");
            assert!(!message.chars().any(char::is_control), "a complaint is safe to show");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::fuzz_control;

    const LINES: [&str; 4] = [
        r#"{"version":1,"request":{"ask":"backup_list","filter":{"sender":"a"},"before":"01H0000000000","limit":5}}"#,
        r#"{"version":1,"request":{"ask":"backup_release","id":"x","to":["a@example.org"]}}"#,
        r#"{"version":1,"request":{"ask":"policy_apply","text":"a\n","author":"b","comment":"\u202e"}}"#,
        r#"{"version":1,"request":{"ask":"key_export"}}"#,
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn changed_lines_keep_the_invariants(which in 0..LINES.len(), changes in prop::collection::vec((0usize..120, any::<u8>()), 0..6)) {
            let mut line = LINES[which].as_bytes().to_vec();
            for (at, byte) in changes {
                let at = at % line.len();
                line[at] = byte;
            }
            fuzz_control(&line);
        }
    }
}
