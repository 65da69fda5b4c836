//! Lists in files: what is read, what is refused where, and what an import changes.

use super::*;
use crate::lists::Lists;

const FIRST: &str = "00000000-0000-4000-8000-0000000000aa";

fn stamp() -> Stamp {
    Stamp { by: "ann".to_owned(), at_ms: 1_700_000_000_000 }
}

fn ids() -> impl FnMut() -> String {
    let mut count = 0;
    move || {
        count += 1;
        format!("00000000-0000-4000-8000-{count:012x}")
    }
}

fn txt(text: &str) -> Result<Vec<Entry>, Vec<Problem>> {
    read(text.as_bytes(), Form::Txt, List::Allow, None)
}

fn wlist(inner: &str) -> Result<Vec<Entry>, Vec<Problem>> {
    read(format!("<wlist version=\"1\">\n{inner}\n</wlist>\n").as_bytes(), Form::Xml, List::Allow, None)
}

/// The first mistake, as `LINE:COLUMN WHAT`.
fn told(read: Result<Vec<Entry>, Vec<Problem>>) -> String {
    let first = read.expect_err("it is refused").remove(0);
    format!("{}:{} {}", first.line, first.column, first.what)
}

fn lists(entries: Vec<Entry>) -> Lists {
    Lists::new(applied(&Lists::default(), &merge(&Lists::default(), entries, &stamp(), ids()).changes)).unwrap()
}

#[test]
fn wl_10_wl_11_a_line_of_text_is_a_sender_and_spares_all() {
    let text = "\u{feff}# partners\r\n user@Example.org \r\n\r\n*@*.example.net\n192.0.2.0/24\nexample.com";
    let read = txt(text).expect("it is read");
    let values: Vec<String> = read.iter().map(|entry| entry.value.to_string()).collect();
    assert_eq!(values, ["user@example.org", "*@*.example.net", "192.0.2.0/24", "*@example.com"]);
    for entry in read {
        assert_eq!((entry.list, entry.purpose, entry.scope), (List::Allow, Purpose::Sender, Scope::All));
        assert_eq!((entry.owner, entry.comment), (None, String::new()));
    }
}

#[test]
fn d14_every_bad_line_is_told_and_nothing_is_read() {
    let problems = txt("a@example.org\nnonsense here\n\nb@\n*@*\n").expect_err("refused");
    let told: Vec<(u32, &str)> = problems.iter().map(|it| (it.line, it.what.as_str())).collect();
    assert_eq!(
        told,
        [
            (2, "nonsense here: the character   cannot be in an address"),
            (4, "b@: no domain, or one that is no name of the DNS"),
            (5, "*@*: it names every address there is"),
        ]
    );
    let many = "bad one\n".repeat(10_000);
    assert_eq!(txt(&many).expect_err("refused").len(), MAX_PROBLEMS);
}

#[test]
fn d14_lines_that_are_no_text_are_told_beside_all_others() {
    let file = b"a@example.org\nno domain\n*@*\nj\xfcrgen@example.org\nb@example.org\n# \xe9t\xe9\nc@\n";
    let problems = read(file, Form::Txt, List::Deny, None).expect_err("refused");
    let lines: Vec<(u32, bool)> = problems.iter().map(|it| (it.line, it.what.contains("neither UTF-8"))).collect();
    assert_eq!(lines, [(2, false), (3, false), (4, true), (6, true), (7, false)]);
    let xml = b"<blist version=\"1\">\n<entry><value>j\xfcrgen@example.org</value></entry>\n<\xe9/>\n</blist>";
    let problems = read(xml, Form::Xml, List::Deny, None).expect_err("refused");
    assert_eq!(problems.iter().map(|it| it.line).collect::<Vec<_>>(), [2, 3]);
    let many = b"\xff\n".repeat(10_000);
    assert_eq!(read(&many, Form::Txt, List::Deny, None).expect_err("refused").len(), MAX_PROBLEMS);
}

#[test]
fn d14_utf_16_with_its_mark_is_read_in_either_order() {
    let xml = "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\n<blist version=\"1\"><entry><value>*@b\u{fc}cher.example</value></entry></blist>";
    for (text, form) in [("*@b\u{fc}cher.example\r\n", Form::Txt), (xml, Form::Xml)] {
        let little: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect();
        for file in [&little, &big] {
            let entries = read(file, form, List::Deny, None).expect("it is read");
            assert_eq!(entries.iter().map(|it| it.value.to_string()).collect::<Vec<_>>().len(), 1);
            assert_eq!(
                entries,
                read("*@b\u{fc}cher.example".as_bytes(), Form::Txt, List::Deny, None).expect("so is this")
            );
        }
        // A half of a character at the end.
        let cut = little.get(..little.len() - 1).unwrap();
        assert!(read(cut, form, List::Deny, None).is_err());
    }
}

#[test]
fn wl_09_wl_12_bl_03_what_is_exported_reads_back_with_every_field() {
    let mut all = txt("user@example.org\n*@b\u{fc}cher.example\n2001:db8::/32").unwrap();
    all[0].purpose = Purpose::Recipient;
    all[0].comment = "Ann & \"Bob\" <both>".to_owned();
    all[1].scope = Scope::Mass;
    all[1].owner = Some("ann@example.com".to_owned());
    let held = lists(all);
    let file = write(List::Allow, held.records());
    assert!(file.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<wlist version=\"1\">\n"), "{file}");
    assert!(file.contains("<modified-by>ann</modified-by>\n    <modified>2023-11-14T22:13:20Z</modified>"), "{file}");
    let again = read(file.as_bytes(), Form::Xml, List::Allow, None).expect("it reads back");
    let merged = merge(&Lists::default(), again, &stamp(), || unreachable!("each has its name"));
    assert_eq!(applied(&Lists::default(), &merged.changes), held.records());

    let deny = read(b"a@example.org", Form::Txt, List::Deny, None).unwrap();
    let file = write(List::Deny, lists(deny).records());
    assert!(file.contains("<blist version=\"1\">") && !file.contains("<scope>"), "{file}");
    assert!(read(file.as_bytes(), Form::Xml, List::Deny, None).is_ok());
    assert_eq!(told(read(file.as_bytes(), Form::Xml, List::Allow, None)), "1:39 <blist> where <wlist> belongs");
}

#[test]
fn d14_what_is_not_known_is_refused_with_line_and_column() {
    for (inner, expected) in [
        ("<entry><value>a@example.org</value><colour>red</colour></entry>", "2:36 the element <colour> is not known"),
        (
            "<entry><type>user</type><value>a@example.org</value></entry>",
            "2:14 entries of the type user need a directory",
        ),
        ("<entry><type>network</type><value>a@example.org</value></entry>", "2:14 a@example.org is no network"),
        ("<entry><value>a b</value></entry>", "2:15 a b: the character   cannot"),
        ("<entry><value>a@example.org</value><scope>some</scope></entry>", "2:43 the scope some is not known"),
        ("<entry><value>a@example.org</value><purpose>x</purpose></entry>", "2:45 the purpose x is not known"),
        ("<entry><value>a@example.org</value><owner>x</owner></entry>", "2:43 x is no address"),
        ("<entry></entry>", "2:1 <value> is missing"),
        ("<entry/>", "2:1 <value> is missing"),
        ("<entry colour=\"red\"/>", "2:1 the attribute colour is not known"),
        ("<entry><value>a@example.org</value><value>b@example.org</value></entry>", "2:36 <value> is there twice"),
        ("<entry><value><b>a@example.org</b></value></entry>", "2:15 the element <b> is not known"),
        ("<list/>", "2:1 the element <list> is not known"),
        ("hello", "1:20 text where an element belongs: hello"),
        ("<entry>", "3:1 </wlist> where </entry> belongs"),
        ("<entry><value>&x;</value></entry>", "2:15 no such reference: &x;"),
        ("<entry><value>a & b</value></entry>", "2:17 \"&\" that begins no reference"),
        ("<![CDATA[x]]>", "2:1 a document type, CDATA section or instruction"),
        ("<entry id=\"1\" id=\"2\"/>", "2:15 the attribute id is there twice"),
        ("<entry id=1/>", "2:11 expected a value in quotes"),
    ] {
        let told = told(wlist(inner));
        assert!(told.starts_with(expected), "{inner}: {told}");
    }
    for (text, expected) in [
        ("", "1:1 there is no element"),
        ("<wlist>", "1:1 <wlist> has no version"),
        ("<wlist version=\"2\"></wlist>", "1:1 version 2 is not known"),
        ("<wlist version=\"1\">", "1:20 <wlist> has no end"),
        ("<wlist version=\"1\"></wlist><wlist/>", "1:28 a second element"),
        ("<!DOCTYPE x [<!ENTITY a \"b\">]><wlist version=\"1\"/>", "1:1 a document type"),
        ("<?xml version=\"1.0\" encoding=\"UTF-16\"?><wlist/>", "1:1 only UTF-8 is read"),
    ] {
        let told = told(read(text.as_bytes(), Form::Xml, List::Allow, None));
        assert!(told.starts_with(expected), "{text}: {told}");
    }
}

#[test]
fn d14_no_mistake_hides_the_next() {
    let bad = "\n<entry><value>worse worse</value></entry>\n";
    for (inner, lines) in [
        ("<a/>", &[2u32, 3][..]),
        ("<entry><value>a@example.org</value><value>b@example.org</value></entry>", &[2, 3]),
        ("<entry colour=\"red\"><value>b c</value></entry>", &[2, 3]),
        ("<entry><value>bad bad</value></entry>\n<entry colour=\"red\"/>", &[2, 3, 4]),
        ("<entry><value><b>a@example.org</b></value></entry>", &[2, 3]),
        ("<entry id=1><value>a@example.org</value></entry>", &[2, 3]),
        ("<entry><value>a & b</value></entry>", &[2, 3]),
        ("<entry><value>a@example.org</entry>", &[2, 3]),
        ("<entry><value>a@example.org</value>", &[3, 3]),
        ("<![CDATA[<entry>]]>", &[2, 3]),
        ("<entry><value>&x;</value></entry><!-- <entry/> -->", &[2, 3]),
        ("</entry>", &[2, 3]),
        ("<a><b><c><d><e><f><g>\n<entry/>", &[2, 3, 3, 4]),
        // What such a comment hides nobody knows.
        ("<entry><value>a & b</value></entry><!-- ", &[2]),
    ] {
        let problems = wlist(&format!("{inner}{bad}")).expect_err("refused");
        let told: Vec<u32> = problems.iter().map(|it| it.line).collect();
        assert_eq!(told, lines, "{inner}: {problems:?}");
    }
}

#[test]
fn d14_of_many_mistakes_it_is_told_how_many_more_there_are() {
    let told = |problems: Vec<Problem>| {
        assert_eq!(problems.len(), MAX_PROBLEMS);
        let last = problems.last().map(|it| (it.line, it.what.clone()));
        last.unwrap()
    };
    let lines = |count: usize| txt(&"bad one\n".repeat(count)).expect_err("refused");
    assert_eq!(told(lines(200)), (200, "bad one: the character   cannot be in an address".to_owned()));
    assert_eq!(told(lines(250)), (200, "and 51 more mistakes, from here on".to_owned()));
    assert!(told(lines(150_000)).1.starts_with("and at least "));
    let xml = wlist(&"<entry id=1/>\n".repeat(250)).expect_err("refused");
    assert_eq!(told(xml), (201, "and 51 more mistakes, from here on".to_owned()));
    let latin = [b"\xff\n".repeat(150), b"bad one\n".repeat(100)].concat();
    let latin = read(&latin, Form::Txt, List::Deny, None).expect_err("refused");
    assert_eq!(told(latin), (200, "and 51 more mistakes, from here on".to_owned()));
}

#[test]
fn hostile_files_are_bounded() {
    let deep = "<a>".repeat(100_000);
    assert!(told(read(deep.as_bytes(), Form::Xml, List::Allow, None)).contains("<a> where <wlist> belongs"));
    assert!(told(wlist(&deep)).contains("too many elements in one another") || wlist(&deep).is_err());
    let long = vec![b'a'; MAX_FILE + 1];
    assert_eq!(told(read(&long, Form::Txt, List::Allow, None)), "1:1 the file is longer than 32 MiB");
    let many: String = (0..=MAX_ENTRIES).map(|at| format!("a{at}@example.org\n")).collect();
    assert!(told(txt(&many)).ends_with("more than 200000 entries"));
}

#[test]
fn bl_04_one_bad_entry_refuses_a_persons_list_and_the_list_is_theirs() {
    let ann = Subject::parse("Ann@example.org").unwrap();
    let own = |text: &str| read(text.as_bytes(), Form::Txt, List::Deny, Some(&ann));
    assert_eq!(own("a@example.com\nb@example.com").unwrap()[1].owner.as_deref(), Some("ann@example.org"));
    assert_eq!(told(own("a@example.com\n192.0.2.1")), "2:1 a person's own list is about addresses of senders only");
    let other = "<blist version=\"1\"><entry><value>a@example.com</value><owner>b@example.org</owner></entry></blist>";
    let told = told(read(other.as_bytes(), Form::Xml, List::Deny, Some(&ann)));
    assert!(told.ends_with("this entry is b@example.org's"), "{told}");
}

#[test]
fn d14_what_is_twice_is_merged_and_a_preview_says_what_would_change() {
    let mut held = txt("a@example.org\nb@example.org\nc@example.org").unwrap();
    held[1].scope = Scope::Mass;
    held[2].comment = "kept".to_owned();
    let held = lists(held);
    let mut new = txt("a@example.org\nB@EXAMPLE.ORG\nc@example.org\nd@example.org\nd@example.org").unwrap();
    new[4].comment = "the second".to_owned();
    let merged = merge(&held, new, &stamp(), || FIRST.to_owned());
    assert_eq!((merged.unchanged, merged.merged, merged.changes.len()), (2, 1, 2));
    let scope = |record: &Option<Record>| record.as_ref().map(|record| record.scope);
    assert_eq!(
        (scope(&merged.changes[0].before), scope(&merged.changes[0].after)),
        (Some(Scope::Mass), Some(Scope::All))
    );
    assert_eq!(merged.changes[0].after.as_ref().unwrap().id, held.records()[1].id, "it stays the entry it was");
    let added = merged.changes[1].after.as_ref().unwrap();
    assert_eq!((added.id.as_str(), added.comment.as_str(), added.modified_by.as_str()), (FIRST, "the second", "ann"));
    assert_eq!(applied(&held, &merged.changes).len(), 4);
    let gone = Change { before: Some(held.records()[0].clone()), after: None };
    assert_eq!(applied(&held, &[gone]).len(), 2);
}

#[test]
fn wl_07_names_of_a_file_are_kept_where_they_are_free() {
    let named = |id: &str| wlist(&format!("<entry id=\"{id}\"><value>a@example.org</value></entry>")).unwrap();
    assert_eq!(named(&FIRST.to_uppercase())[0].id.as_deref(), Some(FIRST));
    assert_eq!(named("1")[0].id, None, "no GUID is no name");
    let held = lists(named(FIRST));
    let other = Entry { value: Value::parse("b@example.org").unwrap(), ..named(FIRST).remove(0) };
    let merged = merge(&held, vec![other], &stamp(), ids());
    assert_ne!(merged.changes[0].after.as_ref().unwrap().id, FIRST, "another entry has it");
}

#[test]
fn wl_12_the_schema_has_what_is_read() {
    let schema = include_str!("../../../../docs/reference/lists.xsd");
    let named = |name: &str| format!("<xs:element name=\"{name}\"");
    for name in FIELDS.iter().chain(&["wlist", "blist", "entry"]) {
        assert!(schema.contains(&named(name)), "{name}");
    }
    assert_eq!(schema.matches("<xs:element name=").count(), FIELDS.len() + 3);
    for word in ["sender", "recipient", "all", "mass", "address", "network"] {
        assert!(schema.contains(&format!("<xs:enumeration value=\"{word}\"/>")), "{word}");
    }
    assert!(schema.contains(&format!("maxOccurs=\"{MAX_ENTRIES}\"")) && schema.contains("maxLength value=\"320\""));
}
