//! Reports as they come, and as they are written.

use std::io::Write as _;

use super::*;

fn sample() -> Aggregate {
    let seen = |domain: &str, detail: &str, result: &str| AuthSeen {
        domain: domain.to_owned(),
        detail: detail.to_owned(),
        result: result.to_owned(),
    };
    let record = Record {
        source: "192.0.2.1".to_owned(),
        count: 7,
        disposition: "quarantine".to_owned(),
        dkim: "fail".to_owned(),
        spf: "pass".to_owned(),
        reasons: vec!["local_policy".to_owned()],
        header_from: "example.org".to_owned(),
        envelope_from: "bounce.example.org".to_owned(),
        dkim_seen: vec![seen("example.org", "s1", "fail"), seen("example.net", "", "pass")],
        spf_seen: vec![seen("bounce.example.org", "mfrom", "pass")],
    };
    let other = Record { source: "2001:db8::1".to_owned(), count: 1, ..record.clone() };
    Aggregate {
        org: "A <company> & sons".to_owned(),
        email: "reports@example.com".to_owned(),
        id: "1.example.org".to_owned(),
        begin: 1_700_000_000,
        end: 1_700_086_399,
        domain: "example.org".to_owned(),
        policy: [("p", "reject"), ("sp", "none"), ("testing", "n")].map(|(a, b)| (a.to_owned(), b.to_owned())).into(),
        records: vec![record, other],
        left_out: (0, 0),
        damaged: false,
    }
}

/// As many senders still write it (RFC 7489).
const OLD: &str = "<?xml version=\"1.0\"?>\n<!-- a comment -->\n<feedback>\n <report_metadata><org_name>x</org_name>\
    <date_range><begin>1</begin><end>2</end></date_range></report_metadata>\n <policy_published><domain>a.example\
    </domain><adkim>r</adkim><p>none</p><pct>100</pct></policy_published><record><row><source_ip>192.0.2.9\
    </source_ip><count> 3 </count><policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>fail</spf>\
    </policy_evaluated></row><identifiers><header_from>a.example</header_from></identifiers><auth_results><spf>\
    <domain>b.example</domain><result>softfail</result></spf></auth_results></record></feedback>";

#[test]
fn what_is_written_reads_back() {
    assert_eq!(read(to_xml(&sample()).as_bytes()), Some(sample()));
}

#[test]
fn reports_are_found_in_what_they_are_sent_in() {
    let xml = to_xml(&sample());
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(xml.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("r.xml", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(OLD.as_bytes()).unwrap();
    let zip = zip.finish().unwrap().into_inner();
    let mail = |bytes: &[u8]| {
        format!(
            "From: a@example.org\r\nSubject: Report domain: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; \
             boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\nContent-Type: application/gzip\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n",
            base64_simd::STANDARD.encode_to_string(bytes)
        )
        .into_bytes()
    };
    let old = read(OLD.as_bytes()).unwrap();
    assert_eq!((old.domain.as_str(), old.records[0].count, old.records[0].passes()), ("a.example", 3, true));
    assert_eq!(old.records[0].spf_seen[0].result, "softfail");
    assert!(!old.damaged);
    let cases = [
        (xml.clone().into_bytes(), sample()),
        (gzip.clone(), sample()),
        (zip.clone(), old.clone()),
        (mail(&gzip), sample()),
        (mail(&zip), old.clone()),
        (mail(OLD.as_bytes()), old),
    ];
    for (at, (bytes, expected)) in cases.into_iter().enumerate() {
        assert_eq!(find(&bytes), Found { reports: vec![expected], more: false }, "case {at}");
    }
    for other in [b"".as_slice(), b"<html>feedback</html>", b"plain", &mail(b"nothing")] {
        assert_eq!(find(other), Found::default(), "{}", String::from_utf8_lossy(other));
    }
    // What keeps the search from looking at everything is told, whether a report stands behind it or not.
    let archive = |names: &[String], bytes: &[u8]| {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for name in names {
            zip.start_file(name.as_str(), zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    };
    let many: Vec<String> = (0..1_100).map(|number| format!("{number}.txt")).collect();
    let deep = (0..8).fold(xml.clone().into_bytes(), |inner, _| archive(&["a.zip".to_owned()], &inner));
    let bomb = archive(&["a.xml".to_owned()], &vec![b' '; 32 << 20]);
    for (what, bytes) in
        [("cut off", gzip[..20].to_vec()), ("many", archive(&many, b"x")), ("deep", deep), ("a bomb", bomb)]
    {
        let found = find(&mail(&bytes));
        assert!(found.more && found.reports.is_empty(), "{what}: {found:?}");
    }
}

#[test]
fn what_is_broken_or_hostile_is_read_as_far_as_it_goes() {
    let cut = &OLD[..OLD.len() - 40];
    assert!(read(cut.as_bytes()).unwrap().damaged);
    let crossed = OLD.replace("</count>", "</row>");
    assert!(read(crossed.as_bytes()).unwrap().damaged);
    let entities = OLD.replace("<feedback>", "<!DOCTYPE f [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><feedback>");
    let entities = entities.replace("<org_name>x", "<org_name>&b;&b;");
    let read_as = read(entities.as_bytes()).unwrap();
    assert!(read_as.damaged && read_as.org.is_empty(), "{:?}", read_as.org);
    let deep = format!("<feedback>{}{}</feedback>", "<a>".repeat(100_000), "</a>".repeat(100_000));
    assert_eq!(read(deep.as_bytes()).unwrap().records, []);
    let long = OLD.replace("<org_name>x", &format!("<org_name>{}", "é".repeat(10_000)));
    assert!(read(long.as_bytes()).unwrap().org.len() <= MAX_TEXT);
    let named = format!("<{0}>x</{0}>", "a".repeat(MAX_TEXT + 1));
    let named = read(OLD.replace("<policy_published>", &format!("<policy_published>{named}")).as_bytes()).unwrap();
    assert!(named.is_valid() && named.damaged);
    let many = OLD.replace("<record>", &"<record></record>".repeat(MAX_RECORDS + 5)).replace("</record></record>", "");
    let many = read(many.as_bytes()).unwrap();
    assert!(many.records.len() <= MAX_RECORDS);
}

#[test]
fn what_a_report_says_wrongly_makes_it_damaged() {
    let cases = [
        ("<count> 3 ", "<count>-5"),
        ("<count> 3 ", "<count>99999999999999999999999"),
        ("<count> 3 ", "<count>1000000000001"),
        ("<count> 3 ", "<count>three"),
        ("<count> 3 </count>", ""),
        ("192.0.2.9", "not.an.ip"),
        ("192.0.2.9", ""),
        ("<end>2", "<end>0"),
        ("<end>2", "<end>999999999999999"),
        ("<begin>1</begin>", ""),
        ("<begin>1", "<begin>-1"),
        ("<org_name>x</org_name>", ""),
        ("<domain>a.example", "<domain>"),
    ];
    assert!(!read(OLD.as_bytes()).unwrap().damaged);
    for (from, to) in cases {
        let report = read(OLD.replacen(from, to, 1).as_bytes()).unwrap();
        assert!(report.damaged && report.records.len() == 1, "{from} -> {to}");
        assert!(report.is_valid() && report.sums().0 <= 3, "{from} -> {to}");
    }
    for empty in ["<feedback/>", "<feedback><record></record></feedback>"] {
        assert!(read(empty.as_bytes()).unwrap().damaged, "{empty}");
    }
    // The same address and count in another way of writing them, in the next record.
    let two = OLD.replace("</feedback>", "<record><row><source_ip>2001:DB8::1</source_ip></row></record></feedback>");
    assert!(read(two.as_bytes()).unwrap().damaged, "no count is that of the record before");
    let two = two.replace("2001:DB8::1</source_ip>", "2001:DB8::1</source_ip><count>0</count>");
    assert!(!read(two.as_bytes()).unwrap().damaged);
}

#[test]
fn mutated_reports_do_no_harm() {
    for number in 0..400 {
        crate::fuzzing::fuzz_dmarc(&testkit::mutated(OLD.as_bytes(), number, b"<>/&;\""));
    }
}

#[test]
fn what_is_written_is_valid_by_the_schema() {
    let Some(xmllint) = testkit::peers::find("xmllint") else { return testkit::peers::skipped("xmllint") };
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/src/dmarc/rfc9990.xsd");
    let dir = tempfile::tempdir().unwrap();
    let valid = |xml: &str| {
        let file = dir.path().join("r.xml");
        std::fs::write(&file, xml).unwrap();
        let checked = std::process::Command::new(&xmllint)
            .args(["--noout", "--nonet", "--schema", schema])
            .arg(&file)
            .output()
            .unwrap();
        (checked.status.success(), String::from_utf8_lossy(&checked.stderr).into_owned())
    };
    let mut hostile = sample();
    hostile.org = "\u{0}\u{1b}]]>&<!--\u{ffff}\u{fffe}\u{85}é".to_owned();
    hostile.policy.push(("<p>".to_owned(), "x".to_owned()));
    hostile.records[0].envelope_from = "</record>".to_owned();
    hostile.records[1].disposition = "pass".to_owned();
    for report in [sample(), hostile] {
        let (good, said) = valid(&to_xml(&report));
        assert!(good, "{said}");
    }
    let bad = to_xml(&sample()).replace("<disposition>quarantine", "<disposition>spoil");
    assert!(!valid(&bad).0, "the schema refuses something");
    assert!(!valid(&to_xml(&Aggregate { records: Vec::new(), ..sample() })).0, "a report without records is none");
}

#[test]
fn what_is_left_out_of_a_report_counts_in_its_sums() {
    let mut report = sample();
    let fails = |record: &Record| Record { dkim: "fail".to_owned(), spf: "fail".to_owned(), ..record.clone() };
    let (first, mut passing) = (fails(&report.records[0]), fails(&report.records[1]));
    passing.dkim = "pass".to_owned();
    report.records = [vec![first.clone(); 3], vec![passing; 4]].concat();
    let whole = report.sums();
    assert_eq!(whole, (4, first.count * 3));
    for most in [5, 2, 0] {
        report.shorten(most);
        assert_eq!((report.records.len(), report.sums(), report.damaged), (most, whole, true), "{most}");
    }
}
