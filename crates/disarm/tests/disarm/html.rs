//! HTML and SVG: what acts is gone, every other byte is as it was.

use std::collections::BTreeSet;

use disarm::{DisarmError, Wish, remove};
use mail::evidence::Active;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::documents::{active, budget, disarmed};

fn without(text: &[u8], kinds: &[Active]) -> Result<String, DisarmError> {
    let wish = Wish { active: kinds.iter().copied().collect(), ..Wish::default() };
    let rebuilt = remove(unpack::detect(text), text, &wish, &mut budget())?;
    Ok(String::from_utf8_lossy(&rebuilt.bytes).into_owned())
}

/// A page around something.
fn page(inner: &str) -> String {
    format!(
        "<!DOCTYPE html><html><head><title>t</title></head><body class=\"x\" >\r\n{inner}\t<p>stays &amp; stays</p></body></html>"
    )
}

#[test]
fn what_acts_goes_and_every_other_byte_stays() {
    let cases = [
        ("a<script>alert(1)</script>b", "a b"),
        ("a<SCRIPT src='x.js'/>y</ScRiPt >b", "a b"),
        (
            "<a href='https://example.org/' onclick=\"run()\" title=t>k</a>",
            "<a href='https://example.org/'   title=t>k</a>",
        ),
        ("<a href=\" java\tscript:run()\">k</a>", "<a  >k</a>"),
        ("<a href=&#106;avascript:run()>k</a>", "<a  >k</a>"),
        ("<img src=\"data:image/png;base64,iVBORw0KGgo=\">", "<img src=\"data:image/png;base64,iVBORw0KGgo=\">"),
        ("<a download=a.zip href=\"data:application/zip;base64,UEsDBA==\">k</a>", "<a download=a.zip  >k</a>"),
        ("<iframe srcdoc='&lt;p>'>old</iframe>k", " k"),
        ("<object data=x><embed src=y>k</object>", " k "),
        ("<base href='https://example.org/'>k", " k"),
        (
            "<svg><set attributeName=onload to='run()'/><animate attributeName=href values='#;javascript:run()'/></svg>",
            "<svg> </svg>",
        ),
        ("<div style='width:expression(run())'>k</div>", "<div  >k</div>"),
        ("<style>p{behavior:url(x.htc)}</style>", "<style></style>"),
        ("<style>p{color:red}</style>", "<style>p{color:red}</style>"),
        ("<!--[if mso]><script>x</script><![endif]-->k", "<!--[if mso]> <![endif]-->k"),
        ("<!-- <script>only said</script> -->k", "<!-- <script>only said</script> -->k"),
        ("<<script></script>script>run()</script >k", "< script>run() k"),
        ("<meta http-equiv=Refresh content='0;url=https://example.org/'>k", " k"),
        ("1 < 2 > 1 & <b>b</b>", "1 < 2 > 1 & <b>b</b>"),
    ];
    for (before, after) in cases {
        let marked = format!("{before}<i onload=x>");
        let made = without(page(&marked).as_bytes(), &[Active::Script, Active::OpenUri]).unwrap();
        assert_eq!(made, page(&format!("{after}<i  >")), "{before}");
    }
}

#[test]
fn forms_and_remote_content_go_where_that_is_asked_for() {
    let form = "<form action=https://example.org/ method=post>Name <input name=n><textarea><b></textarea><button formaction=x>Go</button></form>";
    assert_eq!(without(page(form).as_bytes(), &[Active::Form]).unwrap(), page(" Name  Go "));
    let remote = "<img src=https://example.org/a.png alt=a><img src=cid:x@y><link rel=stylesheet href=//example.org/a.css>\
        <td background='http://example.org/b.png'><a href=https://example.org/>k</a>\
        <style>p{background:url( 'https://example.org/c.png' )} q{color:red}</style><i style='background:url(//example.org/d)'>";
    let made = without(page(remote).as_bytes(), &[Active::RemoteContent]).unwrap();
    let left = "<img   alt=a><img src=cid:x@y> <td  ><a href=https://example.org/>k</a>\
        <style>p{background:url()} q{color:red}</style><i  >";
    assert_eq!(made, page(left));
    assert!(active(page(remote).as_bytes()).contains(&Active::RemoteContent));
    assert_eq!(active(made.as_bytes()), BTreeSet::new());
    assert_eq!(without(page("plain").as_bytes(), &Active::ALL), Err(DisarmError::NothingToRemove));
}

#[test]
fn pictures_lose_scripts_links_to_scripts_and_html_in_them() {
    let svg = "<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" onload=\"run()\">\
        <svg:script><![CDATA[ run() ]]></svg:script><a xlink:href=\"javascript:run()\"><circle r=\"5\"/></a>\
        <foreignObject><iframe src=\"x\"/></foreignObject><text>stays</text></svg>";
    let made = without(svg.as_bytes(), &Active::ALL).unwrap();
    assert!(!made.contains("run") && !made.contains("iframe"), "{made}");
    assert!(
        made.contains("<circle r=\"5\"/>") && made.contains("<text>stays</text>") && made.starts_with("<?xml version")
    );
    assert_eq!(active(made.as_bytes()), BTreeSet::new());
    let styled = svg.replace("\n<svg", "<?xml-stylesheet href=\"https://example.org/a.xsl\"?>\n<svg");
    assert!(!without(styled.as_bytes(), &Active::ALL).unwrap().contains("a.xsl"));
    let entities = svg.replace("\n<svg", "<!DOCTYPE svg [<!ENTITY e \"x\">]>\n<svg");
    assert_eq!(without(entities.as_bytes(), &Active::ALL), Err(DisarmError::Format));
}

#[test]
fn files_that_a_page_carries_go_however_it_does() {
    const VICTIM: &[u8] = b"%PDF-1.7\n1 0 obj\n<</Found(in the page, and it goes)>>\nendobj\n";
    let text = "JVBERi0xLjcKMSAwIG9iago8PC9Gb3VuZChpbiB0aGUgcGFnZSwgYW5kIGl0IGdvZXMpPj4KZW5kb2JqCg==";
    let wish = Wish { remove: [Sha256::digest(VICTIM).into()].into(), ..Wish::default() };
    let ways = [
        format!("<a href=\"data:application/octet-stream;base64,{text}\">k</a>"),
        format!("<img src=\"data:image/png;base64,{text}\">"),
        format!("<script>var b = new Blob([atob('{text}')]); navigator.msSaveBlob(b, 'a.exe');</script>"),
    ];
    for way in ways {
        let data = page(&way).into_bytes();
        let rebuilt = remove(unpack::detect(&data), &data, &wish, &mut budget()).unwrap_or_else(|why| {
            let seen = crate::documents::members(&data);
            panic!("{way}: {why}; {seen:?}")
        });
        let made = String::from_utf8(rebuilt.bytes).unwrap();
        assert!(!made.contains("JVBERi0x") && made.contains("stays &amp; stays"), "{way}: {made}");
    }
}

#[test]
fn charsets_that_hide_tags_become_utf_8_and_others_stay() {
    let text = page("grün<script>run()</script>");
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let made = disarmed(&wide).unwrap().bytes;
    assert_eq!(made, [b"\xef\xbb\xbf", page("grün ").as_bytes()].concat());
    let latin: Vec<u8> =
        page("<meta charset=iso-8859-1>gr\u{fc}n<script>run()</script>").chars().map(|c| c as u8).collect();
    let expected: Vec<u8> = page("<meta charset=iso-8859-1>gr\u{fc}n ").chars().map(|c| c as u8).collect();
    assert_eq!(disarmed(&latin).unwrap().bytes, expected);
    let marked = [b"\xef\xbb\xbf", page("<b onclick=x>").as_bytes()].concat();
    assert_eq!(disarmed(&marked).unwrap().bytes, [b"\xef\xbb\xbf", page("<b  >").as_bytes()].concat());
}

/// Pieces that make pages which are hard to read.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "<script>",
        "</script>",
        "<",
        ">",
        "script",
        " onload=x",
        "\"",
        "'",
        "=",
        "/",
        "<a href=",
        "javascript:x",
        "<!--",
        "-->",
        "<!--[if a]>",
        "<![endif]",
        "<svg>",
        "</svg>",
        "<![CDATA[",
        "]]>",
        "<style>",
        "</style>",
        "expression(",
        "<iframe>",
        "</iframe>",
        "<textarea>",
        "</textarea>",
        "<form>",
        "<title>",
        "</title>",
        "data:text/html,x",
        "&#60;",
        "text",
        " ",
        "\n",
        "<math>",
        "<?x",
        "<img src=//e/",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|all| format!("<html><body onload=x>{}", all.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_is_taken_out_nothing_that_acts_is_left(text in pieces()) {
        if let Ok(rebuilt) = disarmed(text.as_bytes()) {
            let left = active(&rebuilt.bytes);
            prop_assert!(left.is_empty(), "{:?} in {}", left, String::from_utf8_lossy(&rebuilt.bytes));
        }
    }
}
