//! HTML and SVG: what acts, what stands in it, and its text.

use mail::evidence::{Active, FileKind, Role, UnscannedReason};
use testkit::eicar;
use unpack::{Beside, Budget, Limits, Member, Opening, StopFlag, detect, open, open_as, shown_as};

use crate::support::{deflated, members, name, open_all};

fn base64(bytes: &[u8]) -> String {
    String::from_utf8(mail::transfer::encode_base64(bytes, b"")).unwrap()
}

fn html(document: &str) -> Vec<Member> {
    let (members, problems) = open_all(FileKind::Html, document.as_bytes());
    assert_eq!(problems, [], "{document}");
    members
}

fn of(members: &[Member], role: Role) -> Vec<String> {
    let text = |member: &Member| String::from_utf8_lossy(&member.content).into_owned();
    members.iter().filter(|member| member.role == role).map(text).collect()
}

/// A page with a little of everything, to be changed.
pub(crate) fn rich() -> Vec<u8> {
    include_bytes!("../../../../fuzz/seeds/unpack_html/page").to_vec()
}

#[test]
fn what_acts_is_taken_out() {
    let cases: [(&str, Active, &[&str]); 14] = [
        ("<script>go()</script>", Active::Script, &["go()"]),
        ("<SCRIPT language=javascript>go()", Active::Script, &["go()"]),
        ("<img src=x onerror=go(1) onload='go(2)'>", Active::Script, &["go(1)\ngo(2)\n"]),
        ("<a href=\" java&#10;script:go()\">", Active::Script, &["go()\n"]),
        ("<a href=javascript:void(0)>", Active::Script, &[]),
        ("<script type=application/ld+json>{}</script>", Active::Script, &[]),
        ("<!--[if mso]><script>go()</script><![endif]-->", Active::Script, &["go()"]),
        ("<form method=POST action='https://example.org/x'>", Active::Form, &["post https://example.org/x"]),
        ("<form><button formaction=https://example.org/y>", Active::Form, &["get", "https://example.org/y"]),
        ("<meta http-equiv=Refresh content='0; URL=https://example.org/'>", Active::OpenUri, &["https://example.org/"]),
        ("<meta http-equiv=refresh content=\"0;url='javascript:go()'\">", Active::Script, &["go()\n"]),
        ("<svg><script><![CDATA[a<b]]></script></svg>", Active::Script, &["a<b"]),
        ("<svg onload=go()>", Active::Script, &["go()\n"]),
        ("<iframe srcdoc='&lt;b onclick=go()>'></iframe>", Active::Script, &["go()\n"]),
    ];
    for (document, what, expected) in cases {
        assert_eq!(of(&html(document), Role::Active(what)), expected, "{document}");
    }
}

#[test]
fn files_in_a_page_are_found() {
    let zip = deflated(&[("test.com", &eicar())]);
    let based = base64(&zip);
    let (one, two) = based.split_at(40);
    let cases = [
        format!("<a download='a.zip' href='data:application/zip;base64,{based}'>"),
        format!("<a download=a.zip href=\" DATA:application/zip;charset=x;base64,{one}\r\n{two}\">"),
        format!("<a download=a.zip href='&#100;ata:application/zip;base64,{based}'>"),
        format!(
            "<script>var b='{one}'+'{two}';var a=x();a.download='a.zip';a.href=URL.createObjectURL(new Blob([f(b)]))</script>"
        ),
        format!("<body onload=\"go('{based}');s(b,x);saveAs(b,'a.zip')\">"),
        format!(
            "<script>b='{one}'</script><p>x</p><script>b+='{two}';navigator.msSaveOrOpenBlob(f(b),'a.zip')</script>"
        ),
        format!(
            "<script>document.write(unescape('%3Ca%20download=a.zip%20href=\"data:application/zip;base64,{based}\"%3E'))</script>"
        ),
        format!("<svg><script><![CDATA[x('{based}','');saveAs(1,'a.zip')]]></script></svg>"),
    ];
    for document in cases {
        let members = html(&document);
        let files: Vec<&Member> = members.iter().filter(|member| member.role == Role::File).collect();
        assert_eq!(files.len(), 1, "{document}");
        assert_eq!((files[0].content.as_slice(), name(files[0])), (zip.as_slice(), "a.zip"), "{document}");
    }
}

#[test]
fn a_page_in_another_charset_is_read() {
    let page = "<script>go()</script>";
    let wide: Vec<u8> = page.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let marked = [b"\xfe\xff".as_slice(), &wide].concat();
    let shifted = page.replace('<', "+ADw-").replace('>', "+AD4-");
    let shifted = format!("<meta charset=UTF-7>{shifted}");
    for data in [wide, marked, shifted.into_bytes()] {
        let (members, _) = members(FileKind::Html, &data);
        assert_eq!(of(&members, Role::Active(Active::Script)), ["go()"]);
    }
}

#[test]
fn text_and_hidden_text_stand_apart() {
    let members = html("<title>T</title><p>Hello <b>you</b><div style='display:none'>salad</div>");
    assert_eq!(of(&members, Role::Text), ["T\nHello you"]);
    assert_eq!(of(&members, Role::HiddenText), ["salad"]);
    assert!(members.iter().all(|member| member.kind == Some(FileKind::Text)));
}

#[test]
fn scripts_are_shown_with_their_constants_put_together() {
    let members = html("<script>new ActiveXObject('WScr'+'ipt.Shell')</script>");
    assert_eq!(of(&members, Role::Decoded), ["new ActiveXObject(\"WScript.Shell\")\n"]);
    assert!(of(&html("<script>plain('a')</script>"), Role::Decoded).is_empty());
}

#[test]
fn more_than_the_limits_is_said() {
    let many: String = (0..1100).map(|n| format!("<a href='data:,{n}'>")).collect();
    let (found, problems) = members(FileKind::Html, many.as_bytes());
    assert_eq!(found.len(), 1000);
    assert_eq!(problems, [UnscannedReason::LimitObjects]);
    let doubled = format!("<script>a='{}';{}</script>", "x".repeat(64), "a=a+a;b=a+a;a=b;".repeat(40));
    let (_, problems) = members(FileKind::Html, doubled.as_bytes());
    assert!(problems.len() <= 1, "{problems:?}");
    let chain = format!("<script>a='{}';{}</script>", "x".repeat(64), "b=a+a;a=b+b;".repeat(40));
    let (_, problems) = members(FileKind::Html, chain.as_bytes());
    assert_eq!(problems, [UnscannedReason::LimitRatio]);
}

#[test]
fn hostile_pages_end_soon() {
    let deep = (0..12).fold("<p>x".to_owned(), |inner, _| {
        format!("<iframe srcdoc=\"{}\">", inner.replace('&', "&amp;").replace('"', "&quot;"))
    });
    let pages = [
        "<".repeat(2 << 20),
        "<a b='".repeat(200_000),
        "<a ".repeat(300_000),
        "<a href=data:,x>".repeat(100_000),
        "<form>".repeat(100_000),
        "<p onclick=a>".repeat(100_000),
        "<script>a='b'+'c'</script>".repeat(20_000),
        "&#".repeat(500_000),
        "<style>a{background:url(data:x</style>".repeat(20_000),
        format!("<style>{}", "data:".repeat(200_000)),
        deep,
    ];
    for page in pages {
        let begun = testkit::CpuClock::now();
        let _opened = open_all(FileKind::Html, page.as_bytes());
        assert!(begun.elapsed().as_secs() < 10, "{}", page.get(..30).unwrap());
    }
}

/// Members of bytes that are opened by what they are and as what they are shown.
fn shown(data: &[u8], also: Option<FileKind>) -> Vec<Member> {
    let mut budget = Budget::new(Limits::default(), StopFlag::new());
    let beside = Beside { also, files_found: false, alone: false };
    let Opening::Container(mut container) = open_as(detect(data), beside, data, &mut budget) else { return Vec::new() };
    std::iter::from_fn(|| container.next(data, &mut budget)).collect()
}

#[test]
fn what_is_shown_as_a_page_is_read_as_one_whatever_it_looks_like() {
    let zip = deflated(&[("a.txt", b"content")]);
    let link = format!("<a download=a.zip href='data:application/zip;base64,{}'>", base64(&zip));
    let pages: [Vec<u8>; 8] = [
        format!("Dear X,<br>{link}").into_bytes(),
        format!("<p style='x'>{link}").into_bytes(),
        format!("{}{link}", "words ".repeat(4000)).into_bytes(),
        format!("ID3{link}").into_bytes(),
        format!("GIF89a<html>{link}").into_bytes(),
        format!("fLaC{link}").into_bytes(),
        format!("\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}{link}").into_bytes(),
        format!("a\0b{link}").into_bytes(),
    ];
    for page in pages {
        let members = shown(&page, Some(FileKind::Html));
        assert!(members.iter().any(|member| member.content == zip), "{:?}", String::from_utf8_lossy(&page[..20]));
    }
    // Markup that zeros or control characters stand in is markup all the same.
    for page in
        ["\0\0<html><script>go()</script>", "\u{1}\u{2}<script>go()</script>", "a\0\u{1}<body><script>go()</script>"]
    {
        let members = shown(page.as_bytes(), None);
        assert!(of(&members, Role::Active(Active::Script)).contains(&"go()".to_owned()), "{page:?}");
    }
    assert_eq!(shown(b"words\0and zeros", None), []);
}

#[test]
fn names_and_types_tell_what_is_shown_as_a_page() {
    let html = Some(FileKind::Html);
    let cases: [(Option<&str>, &[&str], Option<FileKind>); 11] = [
        (Some("text/html"), &[], html),
        (Some("application/xhtml+xml; charset=x"), &[], html),
        (Some("image/svg+xml"), &[], Some(FileKind::Svg)),
        (Some("image/gif"), &["a.gif", "b.HTM"], html),
        (None, &["a.html. "], html),
        (None, &["a.hta"], html),
        (None, &["a.shtml"], html),
        (None, &["a.SVG"], Some(FileKind::Svg)),
        (None, &["html"], None),
        (Some("text/plain"), &["a.html.txt"], None),
        (None, &[], None),
    ];
    for (declared, names, kind) in cases {
        assert_eq!(shown_as(declared, names.iter().copied()), kind, "{declared:?} {names:?}");
    }
}

#[test]
fn what_only_another_program_reads_as_markup_is_told() {
    for document in [
        "<noscript><p title=\"</noscript><script>evil()</script>\">",
        "<svg><p><script/>evil()</script>",
        "<svg><p><style><a title=\"</style><script>evil()</script>\">",
        "<svg><p><![CDATA[><script>evil()</script>]]>",
        "<!-- charset=iso-2022-jp --><meta charset=utf-8>\u{1b}$B<script>evil()</script>\u{1b}(B",
        "<!-- charset=utf-8 --><meta charset=utf-7>+ADw-script+AD4-evil()+ADw-/script+AD4-",
        "<!doctype html><scr\0ipt>evil()</script>",
    ] {
        let (members, problems) = open_all(FileKind::Html, document.as_bytes());
        let scripts = of(&members, Role::Active(Active::Script));
        assert!(scripts.contains(&"evil()".to_owned()), "{document:?}: {scripts:?} {problems:?}");
        assert_eq!(problems, [], "{document:?}");
    }
}

#[test]
fn scripts_of_several_readings_are_put_together_apart() {
    let zip = deflated(&[("test.com", &eicar())]);
    let based = base64(&zip);
    let (one, two) = based.split_at(based.len() / 2);
    // The same in each reading: it is found once, and not twice as long.
    let page = format!(
        "<noscript>x</noscript><script>var a='{one}';</script><script>a+='{two}';document.write(atob(a))</script>"
    );
    let members = html(&page);
    assert_eq!(members.iter().filter(|member| member.content == zip).count(), 1);
    let texts = of(&members, Role::Active(Active::Script));
    assert_eq!(texts.len(), 2, "{texts:?}");
}

#[test]
fn attributes_beyond_the_first_hundred_count_and_too_many_are_said() {
    let many = |count: usize| format!("<p {}onclick=evil()>", "a=1 ".repeat(count));
    assert_eq!(of(&html(&many(1000)), Role::Active(Active::Script)), ["evil()\n"]);
    let (_, problems) = open_all(FileKind::Html, many(2000).as_bytes());
    assert_eq!(problems, [UnscannedReason::LimitObjects]);
    // Nor does much of one kind hide another.
    let forms = format!("{}<script>evil()</script>", "<form>".repeat(3000));
    let (members, problems) = open_all(FileKind::Html, forms.as_bytes());
    assert!(!of(&members, Role::Active(Active::Script)).is_empty() || problems == [UnscannedReason::LimitObjects]);
}

/// Processor time of this thread, in seconds.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_ascii_whitespace().next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

/// A page may have readings by charsets, without zeros, and in six modes each: what all of them cost is a multiple
/// of one that does not grow with the page, and each is counted as work.
#[test]
fn all_readings_of_a_page_cost_a_bounded_multiple_of_one() {
    let row = "<tr><td style=\"color:#333;font-size:12px\"><a href=\"https://example.org/?a=1&amp;b=2\">an offer</a> of today &amp; more</td></tr>\n";
    let newsletter = format!("<html><body><table>{}</table></body></html>", row.repeat(3000));
    let odd = "<svg><style><b></svg><noscript><p title='</noscript>'></noscript><svg><![CDATA[x]]></svg>";
    let modes = newsletter.replace("<table>", &format!("{odd}<table>"));
    let charsets = "<!-- charset=utf-7 charset=iso-2022-jp charset=shift_jis -->";
    let all = modes.replace("<html>", &format!("<html>{charsets}\0"));
    let cost = |page: &str| {
        let mut budget = Budget::new(Limits::default(), StopFlag::new());
        let begun = cpu();
        let Opening::Container(mut container) = open(FileKind::Html, page.as_bytes(), &mut budget) else { panic!() };
        while container.next(page.as_bytes(), &mut budget).is_some() {}
        (budget.fuel_used() as f64, cpu() - begun)
    };
    let one = cost(&newsletter);
    for (what, page, most) in [("modes", &modes, 6.0), ("modes and charsets", &all, 36.0)] {
        let (fuel, seconds) = cost(page);
        println!("{what}: {:.1} times the work, {:.1} times the time", fuel / one.0, seconds / one.1);
        assert!(fuel / one.0 > 1.5 && fuel / one.0 <= most + 2.0, "{what}: {:.1}", fuel / one.0);
        // Further readings take no text; undoing a charset costs besides.
        assert!(seconds / one.1 <= most * 2.0, "{what}: {:.1}", seconds / one.1);
    }
}
