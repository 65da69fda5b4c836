//! On well-formed messages another parser finds the same leaves.

use mail::graph::{Limits, parse};
use mailparse::ParsedMail;
use proptest::prelude::*;

use crate::generate::{Leaf, message, part};

fn leaves_of(mail: &ParsedMail<'_>, out: &mut Vec<Leaf>) {
    if mail.subparts.is_empty() {
        out.push((mail.ctype.mimetype.clone(), mail.get_body_raw().unwrap()));
    }
    for part in &mail.subparts {
        leaves_of(part, out);
    }
}

/// The other parser keeps the line end in front of a delimiter.
fn trimmed(leaves: Vec<Leaf>) -> Vec<Leaf> {
    leaves.into_iter().map(|(media, bytes)| (media, bytes.trim_ascii_end().to_vec())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mailparse_finds_the_same_leaves(tree in part(false), crlf in any::<bool>()) {
        let (raw, _) = message(&tree, if crlf { "\r\n" } else { "\n" });
        let mut theirs = Vec::new();
        leaves_of(&mailparse::parse_mail(&raw).unwrap(), &mut theirs);
        let parsed = parse(&raw, &Limits::default());
        let ours: Vec<Leaf> = parsed
            .primary()
            .filter_map(|id| parsed.entity(id).filter(|entity| entity.is_leaf()).map(|entity| (id, entity)))
            .map(|(id, entity)| (entity.media.clone(), parsed.content(id, usize::MAX).bytes.into_owned()))
            .collect();
        prop_assert_eq!(trimmed(ours), trimmed(theirs));
        let theirs = mailparse::parse_headers(&raw).unwrap().0;
        let subject = parsed.facts().subject.unwrap();
        prop_assert_eq!(subject.raw().replace('\t', " "), theirs.iter().find(|h| h.get_key_ref() == "Subject").unwrap().get_value().replace('\t', " "));
    }
}
