//! What in a formula or in an action of a slide acts: said once, for the reader that tells it and for whoever
//! takes it out.

/// Whether a formula asks a program: its name, a bar, a topic, `!` and an item (`cmd|'/c calc'!A0`). What stands in
/// quotes is text.
pub fn starts_program(formula: &str) -> bool {
    let outside: String = formula.split('"').step_by(2).collect();
    outside.split_once('|').is_some_and(|(_, rest)| rest.contains('!'))
}

/// Whether a formula fetches something from an address.
pub fn asks_web(formula: &str) -> bool {
    formula.to_ascii_uppercase().contains("WEBSERVICE(")
}

/// Whether an action of a shape runs something (ECMA-376 part 1, 21.1.2.3.5): a program, a macro, or an object's verb.
pub fn runs(action: &str) -> bool {
    let verb = action.to_ascii_lowercase();
    ["program", "macro", "ole"]
        .iter()
        .any(|what| verb.strip_prefix("ppaction://").is_some_and(|it| it.starts_with(what)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_told_from_what_looks_like_it() {
        assert!(starts_program("cmd|'/c calc'!A0") && starts_program("\"x\"&cmd|'y'!A0"));
        assert!(!starts_program("IF(A1=\"a|b\",Sheet2!A1,0)") && !starts_program("A1|B1"));
        assert!(asks_web("_xlfn.WebService(A1)") && !asks_web("SUM(A1)"));
        assert!(runs("PPaction://Macro?name=x") && runs("ppaction://program") && runs("ppaction://ole?verb=1"));
        assert!(!runs("ppaction://hlinksldjump") && !runs("program"));
    }
}
