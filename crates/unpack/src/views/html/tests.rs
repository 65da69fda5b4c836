//! Documents, and the tokens that programs make of them.

use super::*;

/// A document as one line: `<a|x=1|y>`, `</a>`, `"text"`, `{script:…}`, `[cdata]`.
fn shown(document: &str, xml: bool) -> String {
    let mut tokens = Tokens::new(document.as_bytes(), xml);
    let mut out = String::new();
    let word = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    while let Some(token) = tokens.next() {
        match token {
            Token::Text(text) => out += &format!("\"{}\"", word(text)),
            Token::End(name) => out += &format!("</{}>", word(name)),
            Token::Raw(name, text) => out += &format!("{{{}:{}}}", word(name), word(text)),
            Token::Cdata(text) => out += &format!("[{}]", word(text)),
            Token::Start(name) => {
                out += &format!("<{}", word(name));
                for (key, value) in tokens.attributes() {
                    out += &format!("|{}={}", word(key), word(value));
                }
                out.push('>');
            }
        }
    }
    out
}

#[test]
fn documents_read_as_browsers_read_them() {
    let cases = [
        ("a<b>c</b>", "\"a\"<b>\"c\"</b>"),
        ("<a href=x title='y z' k>", "<a|href=x|title=y z|k=>"),
        ("<a/href=\"x\"/b =  c>", "<a|href=x|b=c>"),
        ("<a b=\"<c>\" d='>'>x", "<a|b=<c>|d=>>\"x\""),
        ("1 < 2 <3 << <", "\"1 < 2 <3 << <\""),
        ("<a b=\"never closed> <c>", "<a|b=never closed> <c>>"),
        ("<a =x=1>", "<a|=x=1>"),
        ("x<!-- <b> -->y", "\"x\"\"y\""),
        ("x<!--> <b> --!>", "\"x\"\" \"<b>\" --!>\""),
        ("x<!-- a --!>y", "\"x\"\"y\""),
        ("<!doctype html><?php x?>a</ b>c</>d", "\"a\"\"c\"\"d\""),
        ("<!--[if mso]><b><![endif]-->x", "<b>\"x\""),
        ("<![if !mso]>x<![endif]>", "\"x\""),
        ("<!-- open <b>", "\" open \"<b>"),
        ("<title><b></title>x", "<title>{title:<b>}</title>\"x\""),
        ("<script>a</b></scriptx></script >x", "<script>{script:a</b></scriptx>}</script>\"x\""),
        ("<script><!-- <script> </script> --></script>x", "<script>{script:<!-- <script> </script> -->}</script>\"x\""),
        ("<script><!-- </script>x", "<script>{script:<!-- }</script>\"x\""),
        ("<script>never closed", "<script>{script:never closed}"),
        ("<svg><![CDATA[<b>]]></svg><![CDATA[x]]>", "<svg>[<b>]</svg>"),
        ("<STYLE>a<b</style>", "<STYLE>{STYLE:a<b}</style>"),
    ];
    for (document, expected) in cases {
        assert_eq!(shown(document, false), expected, "{document}");
    }
    let xml = "<svg:script><![CDATA[</script>]]></svg:script><style/><script/><b>";
    assert_eq!(shown(xml, true), "<svg:script>{svg:script:<![CDATA[</script>]]>}</svg:script><style><script><b>");
}

#[test]
fn what_programs_read_differently_is_read_in_each_way() {
    // Names of elements that some mode has and the first one may not have.
    let cases = [
        ("<noscript><p title=\"</noscript><script>evil()</script>\">", "script"),
        ("<svg><p><script/>evil()</script>", "script"),
        ("<svg><p><style><a title=\"</style><script>evil()</script>\">", "script"),
        ("<svg><p><![CDATA[><script>evil()</script>]]>", "script"),
        ("<svg/><style><a title=\"</style><script>evil()</script>\">", "script"),
        ("<svg><desc><style><a title=\"</style><script>evil()</script>\">", "script"),
        ("<svg><foreignObject><![CDATA[><script>evil()</script>]]>", "script"),
        ("<math><mtext></mtext><font color=x><style><a title=\"</style><script>x</script>\">", "script"),
        ("<svg></p><style><a title=\"</style><script>x</script>\">", "script"),
        ("<svg><style><script>x</script></style>", "script"),
        ("<svg><desc></desc><style><a title=\"</style><b>\"><script>x</script>", "script"),
    ];
    for (document, wanted) in cases {
        let mut first = Tokens::new(document.as_bytes(), false);
        let has = |tokens: &mut Tokens<'_>| {
            let mut raw = false;
            for token in tokens {
                raw |= matches!(token, Token::Raw(name, text) if name == wanted.as_bytes() && !text.is_empty());
            }
            raw
        };
        let found = has(&mut first);
        let modes = first.further();
        let further = modes.iter().any(|mode| has(&mut Tokens::with_mode(document.as_bytes(), false, *mode)));
        assert!(found || further, "{document}");
    }
}

#[test]
fn what_programs_read_alike_is_read_once() {
    for document in [
        "<p>a<br>b<style>x</style><script>y</script><!-- z -->",
        "<svg viewBox='0 0 1 1'><path d='M0 0'/><g><circle/></g></svg><p>behind",
        "<math><mi>x</mi></math>",
    ] {
        let mut tokens = Tokens::new(document.as_bytes(), false);
        assert!(tokens.by_ref().count() > 0);
        assert_eq!(tokens.further(), [], "{document}");
    }
}

#[test]
fn hostile_documents_take_linear_time() {
    for piece in [
        "<",
        "</",
        "<!--",
        "<a b=\"",
        "<script><!--<script>",
        "<a b",
        "&",
        "--",
        "<!--[if",
        "<svg>",
        "<svg><desc>",
        "</script",
        "<![CDATA[",
    ] {
        let document = piece.repeat(1 << 20).into_bytes();
        let begun = testkit::CpuClock::now();
        let mut tokens = Tokens::new(&document, false);
        assert!(tokens.by_ref().count() <= document.len());
        assert!(begun.elapsed().as_secs() < 20, "{piece}");
    }
}
