//! Entry points for fuzzing: each takes any bytes and asserts what must hold.

use std::collections::HashSet;

use crate::lists::exchange::{Form, MAX_PROBLEMS, Stamp, applied, merge, read, write};
use crate::lists::{List, Lists, Subject, Value};

/// A file of lists in either form: what is read can be written and says the same when it is read again; what is not
/// has a place for each mistake. The first byte chooses form and list.
pub fn fuzz_lists(data: &[u8]) {
    let Some((choice, text)) = data.split_first() else { return };
    let form = if choice & 1 == 0 { Form::Xml } else { Form::Txt };
    let list = if choice & 2 == 0 { List::Allow } else { List::Deny };
    let entries = match read(text, form, list, None) {
        Ok(entries) => entries,
        Err(problems) => {
            let told = problems.iter().all(|it| it.line > 0 && it.column > 0 && !it.what.is_empty());
            assert!(told && (1..=MAX_PROBLEMS + 1).contains(&problems.len()), "{problems:?}");
            return;
        }
    };
    let stamp = Stamp { by: "fuzz".to_owned(), at_ms: 0 };
    let mut count = 0u32;
    let new_id = || {
        count += 1;
        format!("00000000-0000-4000-8000-{count:012x}")
    };
    let merged = merge(&Lists::default(), entries, &stamp, new_id);
    let Ok(lists) = Lists::new(applied(&Lists::default(), &merged.changes)) else { return };
    let again = read(write(list, lists.records()).as_bytes(), Form::Xml, list, None);
    assert!(again.is_ok(), "what was written does not read: {again:?}");
    // Every entry that is read back is known, so that none needs a name.
    let merged = merge(&lists, again.unwrap_or_default(), &stamp, String::new);
    assert!(merged.changes.is_empty() && merged.unchanged == lists.records().len(), "{merged:?}");
    let ids: HashSet<&str> = lists.records().iter().map(|record| record.id.as_str()).collect();
    assert_eq!(ids.len(), lists.records().len(), "every entry has a name of its own");
}

/// One entry and one address: what is shown reads back, and an entry fits what the lists find it for.
pub fn fuzz_list_value(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (value, address) = text.split_once('\n').unwrap_or((&text, "user@example.org"));
    let Ok(value) = Value::parse(value) else { return };
    assert!(Value::parse(&value.to_string()).as_ref() == Ok(&value), "{value}");
    let Some(subject) = Subject::parse(address) else { return };
    let entry = crate::lists::exchange::Entry::new(List::Deny, value.clone());
    let stamp = Stamp { by: String::new(), at_ms: 0 };
    let merged = merge(&Lists::default(), vec![entry], &stamp, || "1".to_owned());
    let Ok(lists) = Lists::new(applied(&Lists::default(), &merged.changes)) else { return };
    // Very long addresses are compared with simple masks only.
    if subject.to_string().len() < 300 {
        assert!(lists.names(&subject) == value.fits(&subject), "{value} {subject}");
    }
}

#[cfg(test)]
mod tests {
    use super::{fuzz_list_value, fuzz_lists};

    fn mutated(seed: &[u8], number: usize) -> Vec<u8> {
        testkit::mutated(seed, number, b"<>&;\"/*?@.-\n")
    }

    #[test]
    fn hundreds_of_mutations_hold_the_invariants() {
        let xml =
            b"\x00<?xml version=\"1.0\"?>\n<wlist version=\"1\"><entry id=\"00000000-0000-4000-8000-000000000001\">\
            <type>address</type><value>*@example.org</value><scope>mass</scope><owner>a@example.com</owner>\
            <comment>a &amp; b &#x41;</comment></entry><!-- x --></wlist>";
        let txt = b"\x03# ours\na@example.org\n*@*.example.net\n192.0.2.0/24\n";
        for number in 0..600 {
            fuzz_lists(&mutated(xml, number));
            fuzz_lists(&mutated(txt, number));
            for seed in
                ["news-*@*.example.org\nnews-1@a.example.org", "a@example.org\nA@example.org", "*.b\u{fc}.example"]
            {
                fuzz_list_value(&mutated(seed.as_bytes(), number));
            }
        }
        fuzz_lists(xml);
        fuzz_lists(txt);
    }
}
