//! Which texts and links of a message are read, and what is told of the rest.

use mail::graph::{Limits, parse};

use super::*;
use crate::spam::examine;

pub(super) fn of(message: &str) -> Facts {
    let raw = message.replace('\n', "\r\n");
    Facts::of(&parse(raw.as_bytes(), &Limits::default()), Vec::new(), Session::default())
}

pub(super) fn ids(facts: &Facts) -> Vec<String> {
    examine(facts, true).into_iter().map(|sign| sign.id).collect()
}

pub(super) fn multipart(kind: &str, parts: &[&str]) -> String {
    let parts: String = parts.iter().map(|part| format!("--b\n{part}\n")).collect();
    format!("Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/{kind}; boundary=b\n\n{parts}--b--\n")
}

const PLAIN: &str = "Content-Type: text/plain\n\nbuy bitcoin at http://bad.example/";
pub(super) const HTML: &str = "Content-Type: text/html\n\n<p>buy bitcoin <a href=http://bad.example/>here</a></p>";

/// Whether what both texts above say was read.
pub(super) fn is_read(facts: &Facts) -> bool {
    let said = facts.phrases.iter().any(|(_, phrase)| *phrase == "bitcoin");
    said && facts.hosts == ["bad.example"] && facts.shown().contains("bitcoin")
}

#[test]
fn a_name_does_not_hide_a_text() {
    let named = |part: &str| part.replacen('\n', "; name=\"m.html\"\n", 1);
    let inline = |part: &str| part.replacen("\n", "\nContent-Disposition: inline; filename=m.html\n", 1);
    let attached = |part: &str| part.replacen("\n", "\nContent-Disposition: attachment; filename=m.html\n", 1);
    let image = "Content-Type: image/png\n\nx";
    for text in [PLAIN, HTML] {
        for changed in [text.to_owned(), named(text), inline(text)] {
            for whole in [
                format!("Subject: x\n{changed}\n"),
                multipart("alternative", &["Content-Type: text/plain\n\n", &changed]),
                multipart("mixed", &[&changed, image]),
            ] {
                assert!(is_read(&of(&whole)), "{whole}");
            }
        }
        // What is the message, or a form of it, is read whatever is said of it.
        assert!(is_read(&of(&format!("Subject: x\n{}\n", attached(text)))));
        assert!(is_read(&of(&multipart("alternative", &["Content-Type: text/plain\n\n", &attached(text)]))));
        let other = "Content-Type: text/plain\n\nthe file";
        assert!(!is_read(&of(&multipart("mixed", &[&attached(text), other, image]))), "{text}");
    }
}

#[test]
fn plain_text_beside_html_is_seen_and_of_the_other_form_of_it_the_phrases_count() {
    for html in ["x", "&nbsp;..", "--", "<p>see the footer</p>"] {
        let html = format!("Content-Type: text/html\n\n{html}");
        assert!(is_read(&of(&multipart("mixed", &[PLAIN, &html]))), "{html}");
        assert!(is_read(&of(&multipart("mixed", &[&html, PLAIN]))), "{html}");
        assert!(is_read(&of(&multipart("related", &[&html, PLAIN]))), "{html}");
        let choice = of(&multipart("alternative", &[PLAIN, &html]));
        assert_eq!((choice.shown().contains("bitcoin"), choice.phrases.is_empty()), (false, false), "{html}");
    }
    let blank = of(&multipart("alternative", &[PLAIN, "Content-Type: text/html\n\n&nbsp;"]));
    assert!(is_read(&blank), "a form that shows nothing");
    // Forms inside of forms.
    let inner = "Content-Type: multipart/alternative; boundary=c\n\n--c\nContent-Type: text/plain\n\nsame\n--c\n\
                 Content-Type: text/html\n\n<p>same</p>\n--c--";
    let both = of(&multipart("mixed", &[inner, PLAIN]));
    assert!(is_read(&both) && both.shown().matches("same").count() == 1, "{}", both.shown());
}

#[test]
fn of_too_many_parts_the_last_form_is_read_and_it_is_told() {
    let mut parts = vec!["Content-Type: text/plain\n"; MAX_PARTS];
    parts.push(PLAIN);
    let facts = of(&multipart("alternative", &parts));
    assert!(is_read(&facts));
    assert_eq!(facts.cut, ["parts"]);
    assert!(ids(&facts).iter().any(|id| id == "not_all_read"));
    let many = of(&multipart("mixed", &parts));
    assert_eq!(many.cut, ["parts"]);
    assert!(of(&multipart("mixed", &parts[MAX_PARTS - 9..])).cut.is_empty());
}

#[test]
fn a_long_style_sheet_does_not_hide_the_text_and_what_is_longer_still_is_told() {
    let page = |style: usize| {
        let style = ".a { color: red }\n".repeat(style / 18);
        format!(
            "Subject: x\nContent-Type: text/html\n\n<style>{style}</style><p>bitcoin <a href=http://bad.example/>x</a>"
        )
    };
    let facts = of(&page(2 * 1024 * 1024));
    assert!(is_read(&facts) && facts.cut.is_empty(), "{:?}", facts.cut);
    let facts = of(&page(page::MAX_HTML));
    assert_eq!(facts.cut, ["html"]);
    assert!(ids(&facts).iter().any(|id| id == "not_all_read"));
}

#[test]
fn of_a_long_text_head_and_end_are_folded_and_it_is_told() {
    let filler = "word ".repeat(MAX_UNFOLDED / 5 + 1);
    let facts = of(&format!("Subject: x\n{PLAIN}\n{filler}\nviagra\n"));
    for phrase in ["bitcoin", "viagra"] {
        assert!(facts.phrases.iter().any(|(_, found)| *found == phrase), "{phrase}");
    }
    assert_eq!(facts.cut, ["text"]);
    let header = of(&format!("Subject: x\nX: {}\n\nx\n", "y".repeat(MAX_VALUE + 1)));
    assert_eq!(header.cut, ["value"]);
    let header = of(&format!("{}\nx\n", "X: y\n".repeat(MAX_FIELDS + 1)));
    assert_eq!(header.cut, ["fields"]);
    let authors = |count: usize| of(&format!("From: {}\nFrom: a@example.org\n\nx\n", "a@b.example,".repeat(count))).cut;
    assert_eq!((authors(MAX_LOOKED_UP - 1), authors(MAX_LOOKED_UP)), (vec![], vec!["authors"]));
}

#[test]
fn hosts_that_a_reader_can_click_on_come_first() {
    let honest: String =
        (0..30).map(|at| format!("<img src=http://p{at}.example/><a href=http://h{at}.example/></a>")).collect();
    for link in ["<a href=http://bad.example/>x</a>", "<a href=http://bad.example/><img src=cid:x></a>"] {
        let facts = of(&format!("Subject: x\nContent-Type: text/html\n\n{honest}{link}"));
        assert_eq!((facts.hosts[0].as_str(), facts.hosts.len(), facts.more_hosts), ("bad.example", 20, true));
        assert!(ids(&facts).iter().any(|id| id == "more_link_hosts_than_asked"));
    }
    let many = format!("Subject: x\n\n{}\n", "http://a.example/ ".repeat(link::MAX_LINKS + 1));
    let facts = of(&many);
    assert_eq!((facts.links.len(), facts.cut), (link::MAX_LINKS, vec!["links"]));
}

#[test]
fn lists_are_asked_about_whatever_leads_somewhere() {
    let body = "Content-Type: text/html\n\n";
    let page = "Content-Type: text/html; name=a.html\nContent-Disposition: attachment; filename=a.html\n\n";
    let file = "Content-Type: application/octet-stream\nContent-Disposition: attachment; filename=\"a.HTM\"\n\n";
    let text = "Content-Type: text/plain\n\nsee the file\n";
    let cases = [
        "Subject: see http://bad.example/x now\n\nhello\n".to_owned(),
        format!("Subject: x\n{body}<meta http-equiv=refresh content='0;url=http://bad.example/'>hello"),
        format!("Subject: x\n{body}<p style='background:url(http://bad.example/x.gif)'>hello"),
        format!("Subject: x\n{body}<style>@IMPORT \"http://bad.example/x.css\"; p{{}}</style>hello"),
        format!("Subject: x\n{body}<table><td background=http://bad.example/x.gif>hello"),
        format!(
            "Subject: x\n{body}<img srcset=',,,,,,,,,,,http://bad.example/x.gif 2x, http://www.bad.example/y.gif'>hello"
        ),
        format!("Subject: x\n{body}<link rel=stylesheet href=http://bad.example/x.css>hello"),
        format!("Subject: x\n{body}<button formaction=http://bad.example/>hello</button>"),
        format!("Subject: x\n{body}<input type=image src=http://bad.example/x.gif>hello"),
        format!("Subject: x\n{body}<iframe src=http://bad.example/></iframe>hello"),
        format!("Subject: x\n{body}<svg><a xlink:href=http://bad.example/>hello</a></svg>"),
        multipart("mixed", &[text, &format!("{page}<a href=http://bad.example/>x</a>")]),
        multipart("mixed", &[text, &format!("{page}<meta http-equiv=refresh content='0;url=http://bad.example/'>")]),
        multipart("mixed", &[text, &format!("{file}<form action=http://bad.example/login></form>")]),
    ];
    for case in cases {
        let facts = of(&case);
        assert_eq!(facts.hosts, ["bad.example"], "{case}");
        assert!(facts.links.is_empty(), "no link of the text: {case}");
    }
    let through = [
        "https://www.google.com/url?q=http://bad.example/x&sa=D",
        "https://www.google.com/url?q=https%3A%2F%2Fbad.example%2Fx&sa=D",
        "https://www.google.com/url?q=https%253A%252F%252Fbad.example%252Fx",
        "https://www.google.com/amp/s/bad.example/x",
        "https://r.google.com/https://bad.example/",
        "http://google.com/x?u=www.bad.example",
    ];
    for link in through {
        let facts = of(&format!("Subject: x\n\n{link}\n"));
        assert_eq!(facts.hosts, ["google.com", "bad.example"], "{link}");
    }
    let behind = [
        "https://r.example/?x=http://ok.example&u=http%3A%2F%2Fbad.example%2F",
        "https://r.example/url?q=https://ok.example/?u=https://bad.example/x",
        "https://r.example/url?q=https%3A%2F%2Fok.example%2F%3Fu%3Dhttps%253A%252F%252Fbad.example%252Fx",
        "https://r.example/?a=http://ok.example/1&b=http://ok.example/2&c=http://ok.example/3&d=http://bad.example/",
    ];
    for link in behind {
        let facts = of(&format!("Subject: x\n\n{link}\n"));
        assert_eq!(facts.hosts, ["r.example", "ok.example", "bad.example"], "{link}");
    }
    let decoys: String = (0..12).map(|at| format!("&u{at}=http://ok.example/{at}")).collect();
    for (link, cut) in
        [(format!("http://a.example/?{decoys}"), true), ("http://a.example/?u=http://b.example".to_owned(), false)]
    {
        let facts = of(&format!("Subject: x\n\n{link}\n"));
        assert_eq!(facts.cut.contains(&"links"), cut, "{link}");
    }
    let many: String = (0..200).map(|at| format!("http://a.example/{at}?{}\n", decoys.get(..150).unwrap())).collect();
    assert!(of(&format!("Subject: x\n\n{many}")).cut.contains(&"links"), "what is left out is told");
    for link in ["http://a.example/x?u=http", "http://a.example/%%%", "http://a.example/?q=http://"] {
        assert_eq!(of(&format!("Subject: x\n\n{link}\n")).hosts, ["a.example"], "{link}");
    }
}

#[test]
fn what_is_attached_or_leads_on_never_takes_the_place_of_what_is_clicked_on() {
    let attached: String = (0..30).map(|at| format!("<a href=http://p{at}.example/>x</a>")).collect();
    let text = "Content-Type: text/plain\n\nhttp://bad.example/?u=http://other.example/\n";
    let page = format!("Content-Type: text/html\nContent-Disposition: attachment; filename=a.html\n\n{attached}");
    let facts = of(&multipart("mixed", &[text, &page]));
    assert_eq!((facts.hosts[0].as_str(), facts.hosts.len(), facts.more_hosts), ("bad.example", 20, true));
}

#[test]
fn addresses_that_are_clicked_on_come_before_pictures_however_many_lead_to_one_place() {
    let pictures: String = (0..20).map(|at| format!("<img src=http://p{at}.example/x.gif>")).collect();
    let links = "<a href=http://sites.google.com/a>x</a><a href=http://sites.google.com/phish>x</a>";
    let facts = of(&format!("Subject: x\nContent-Type: text/html\n\n{pictures}{links}"));
    assert_eq!(facts.urls[..3], ["sites.google.com/a", "sites.google.com/phish", "p0.example/x.gif"]);
    assert_eq!(facts.urls.len(), mail::evidence::MAX_URLS + 1);
    let few = of(&format!("Subject: x\nContent-Type: text/html\n\n{links}{links}"));
    assert_eq!(few.urls.len(), 2);
}

#[test]
fn addresses_that_links_lead_on_to_are_looked_up_whole_behind_those_that_are_seen() {
    let picture = "<img src=http://picture.example/>";
    let links = "<a href='https://www.google.com/url?q=http://bad.example/x&sa=D'>x</a><a href=http://b.example/>x</a>";
    let facts = of(&format!("Subject: x\nContent-Type: text/html\n\n{picture}{links}"));
    assert_eq!(facts.hosts, ["google.com", "b.example", "bad.example", "picture.example"]);
    assert_eq!(facts.urls[1..], ["b.example/", "bad.example/x", "picture.example/"]);
}

#[test]
fn what_style_sheets_load_keeps_nothing_away_that_leads_somewhere() {
    let loaded: String = (0..600).map(|at| format!("p{{background:url(http://s.example/{at})}}")).collect();
    let body = format!("Content-Type: text/html\n\n<style>{loaded}</style>hello");
    let page = "Content-Type: text/html\nContent-Disposition: attachment; filename=a.html\n\n\
                <a href=http://page.example/>x</a><form action=http://form.example/></form>";
    let raw = multipart("mixed", &[&body, "Content-Type: text/plain\n\nhttp://text.example/", page]);
    let raw = raw.replacen("Subject: x", "Subject: http://subject.example/", 1).replace('\n', "\r\n");
    let session = Session {
        documents: "http://document.example/".to_owned(),
        leads: vec!["http://lead.example/".to_owned()],
        ..Session::default()
    };
    let facts = Facts::of(&parse(raw.as_bytes(), &Limits::default()), Vec::new(), session);
    let known = ["text", "subject", "page", "form", "lead", "document", "s"].map(|name| format!("{name}.example"));
    assert_eq!(facts.hosts, known);
    assert_eq!(facts.cut, ["links"], "what was left out is told");
}

#[test]
fn what_is_left_out_of_attached_pages_is_told() {
    let attached = |content: &str| {
        let page = format!("Content-Type: text/html\nContent-Disposition: attachment; filename=a.html\n\n{content}");
        of(&multipart("mixed", &["Content-Type: text/plain\n\nsee the file\n", &page])).cut
    };
    assert!(attached("<a href=http://a.example/>x</a>").is_empty());
    assert_eq!(attached(&"<a href=http://a.example/>x</a>".repeat(link::MAX_BESIDE + 1)), ["links"]);
    assert_eq!(attached(&"<img src=http://a.example/>".repeat(link::MAX_BESIDE + 1)), ["links"]);
    assert_eq!(attached(&"<p>a page\n".repeat(page::MAX_HTML / 9)), ["html"]);
}

#[test]
fn a_report_in_words_is_told_from_backscatter_by_what_it_returns() {
    let facts = |sender: &str, head: &str| {
        let raw = format!(
            "From: MAILER-DAEMON@mx.example.net\nTo: ann@example.org\nSubject: failure notice\n\n\
             Hi. This is the qmail-send program at mx.example.net.\n\n\
             --- Below this line is a copy of the message.\n\n{head}\nbuy now\n"
        );
        let session = Session { mail_from: Some(sender.to_owned()), ..Session::default() };
        Facts::of(&parse(raw.replace('\n', "\r\n").as_bytes(), &Limits::default()), Vec::new(), session)
    };
    let of_another = "Received: from pc77 (dyn.isp.example [192.0.2.7]) by mx.example.net with SMTP\n\
                      From: ann@example.org\nMessage-ID: <ABCD1@pc77>\nSubject: y\n";
    let sent_here = "Received: from mx.example.org (mx.example.org [192.0.2.9]) by mx.example.net with SMTP\n\
                     From: ann@example.org\nMessage-ID: <1@example.org>\nSubject: y\n";
    let says = |facts: &Facts| ids(facts).contains(&"report_of_another".to_owned());
    assert!(says(&facts("", of_another)));
    assert!(!says(&facts("", sent_here)));
    // Such a line in mail of somebody says nothing.
    assert!(!says(&facts("bob@example.net", of_another)));
    let cut = facts("", &"From: ann@example.org\n".repeat(MAX_RETURNED));
    assert!(cut.returned_cut && cut.returned.len() <= MAX_RETURNED);
}

#[test]
fn styles_and_redirects_without_end_take_linear_time() {
    let begun = testkit::CpuClock::now();
    let styles = format!("<style>{}</style>", "url(".repeat(1_000_000));
    let led = format!("<a href='http://a.example/?%252525{}'>x</a>", "http://?".repeat(240)).repeat(2000);
    let facts = of(&format!("Subject: x\nContent-Type: text/html\n\n{styles}{led}\n"));
    assert_eq!(facts.hosts, ["a.example"]);
    assert!(facts.cut.contains(&"links"), "what is not looked for is told");
    assert!(begun.elapsed().as_secs() < 60);
}

#[test]
fn attached_text_is_looked_at_where_that_is_wanted() {
    let file = "Content-Type: text/plain; charset=utf-8\nContent-Disposition: attachment; filename=a.txt\n\n\
                buy bitcoin at http://bad.example/";
    let raw = multipart("mixed", &["Content-Type: text/plain\n\nsee the file\n", file]).replace('\n', "\r\n");
    for texts in [false, true] {
        let session = Session { texts, ..Session::default() };
        let facts = Facts::of(&parse(raw.as_bytes(), &Limits::default()), Vec::new(), session);
        assert_eq!(facts.phrases.iter().any(|(_, phrase)| *phrase == "bitcoin"), texts);
        assert_eq!(facts.hosts, if texts { vec!["bad.example"] } else { Vec::new() });
        assert!(!facts.shown().contains("bitcoin"));
    }
}

#[test]
fn attached_text_that_is_not_looked_at_is_told() {
    let file =
        |text: &str| format!("Content-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\n{text}");
    let cases: [(&[String], bool, bool, &[&str]); 5] = [
        (&[file(&"a word\n".repeat(MAX_DOCUMENTS / 8 - 1))], true, false, &[]),
        (&[file(&"a word\n".repeat(MAX_DOCUMENTS / 7 + 1))], true, true, &[]),
        (&[file(&"a word\n".repeat(MAX_DOCUMENTS / 7 + 1))], false, false, &[]),
        (&[file(&"a word\n".repeat(MAX_DOCUMENTS / 7 + 1)), file("buy bitcoin")], true, true, &[]),
        (&vec![file("x"); MAX_PARTS + 1], true, false, &["parts"]),
    ];
    for (files, texts, more, cut) in cases {
        let mut parts = vec!["Content-Type: text/plain\n\nsee the file\n"];
        parts.extend(files.iter().map(String::as_str));
        let raw = multipart("mixed", &parts).replace('\n', "\r\n");
        let facts =
            Facts::of(&parse(raw.as_bytes(), &Limits::default()), Vec::new(), Session { texts, ..Session::default() });
        assert_eq!(facts.cut, cut, "{} {texts}", files.len());
        let told = ids(&facts).iter().any(|id| id == "documents_not_all_read");
        assert_eq!((told, facts.session.more_documents), (more, more), "{} {texts}", files.len());
    }
    let session = Session { more_documents: true, ..Session::default() };
    let facts = Facts::of(&parse(b"Subject: x\r\n\r\nx", &Limits::default()), Vec::new(), session);
    assert!(ids(&facts).iter().any(|id| id == "documents_not_all_read"));
    assert!(facts.cut.is_empty());
}

#[test]
fn links_lead_where_browsers_go() {
    let cases = [
        "<a href=\"ht&#10;tps://bad.example\">x</a>",
        "<a href=\"ht\ttp://bad.example/\">x</a>",
        "<a href=\" &#1; http://bad.example/\">x</a>",
        "<a href=\"http://ba&#9;d.example/\">x</a>",
        "<a href=\"http:bad.example\">x</a>",
        "<a href=\"http:\\\\bad.example\\x\">x</a>",
        "<a href=\"//bad.example/\">x</a>",
        "<a href=\"\\\\bad.example/\">x</a>",
        "<base href=\"http://bad.example/\"><a href=x>x</a>",
        "<a href=\"?x\">x</a><BASE target=_top><Base href=\"http://www.bad.example/\">",
        "<base href=\"http://bad.example/\"><form action=x></form>",
        "<a href=\"http://bad%2eexample/\">x</a>",
        "<a href=\"http://bad\u{3002}example/\">x</a>",
        "<a href=\"http://\u{ff42}ad.ex\u{ad}ample/\">x</a>",
        "<a href=\"http://www.bad.example.:80/\">x</a>",
        "<a href=\"http://honest.example:x@bad.example/\">x</a>",
    ];
    for case in cases {
        let facts = of(&format!("Subject: x\nContent-Type: text/html; charset=utf-8\n\n{case}\n"));
        assert_eq!(facts.hosts, ["bad.example"], "{case}");
    }
    let numbers =
        ["192.0.2.1", "3221225985", "0xC0000201", "0300.0.2.1", "192.0.513", "[::ffff:192.0.2.1]", "x@192.0.2.1:80"];
    for number in numbers {
        let facts = of(&format!("Subject: x\n\nsee http://{number}/x\n"));
        assert_eq!(facts.hosts, ["192.0.2.1"], "{number}");
    }
    assert_eq!(of("Subject: x\n\nhttp://[2001:db8::1]/x\n").hosts, ["2001:db8::1"]);
    let long = format!("Subject: x\n\nhttp://{}@bad.example/{}\n", "u".repeat(3000), "p".repeat(3000));
    let facts = of(&long);
    assert_eq!(facts.hosts, ["bad.example"]);
    assert!(facts.links[0].raw.len() <= 2000 && facts.links[0].path.len() <= 2000);
    for none in ["<a href=cid:x>x</a>", "<a href=x>x</a>", "<a href=\"#x\">x</a>", "<a href=\"http://a b/\">x</a>"] {
        assert!(of(&format!("Subject: x\nContent-Type: text/html\n\n{none}\n")).hosts.is_empty(), "{none}");
    }
}

#[test]
fn texts_of_other_readings_are_seen() {
    // One program takes the first boundary for the boundary, another the second.
    let message = "Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=a; boundary=c\n\n--a\n\
        Content-Type: text/plain\n\nlunch\n--a--\n--c\nContent-Type: text/html\n\n<p>buy bitcoin \
        <a href=http://bad.example/>here</a></p>\n--c--\n";
    let raw = message.replace('\n', "\r\n");
    let strict = parse(raw.as_bytes(), &Limits { readings: false, ..Limits::default() });
    let strict = Facts::of(&strict, Vec::new(), Session::default());
    assert!(!is_read(&strict) && strict.shown().contains("lunch"), "{}", strict.shown());
    let all = of(message);
    assert!(is_read(&all) && all.shown().contains("lunch"), "{:?} {}", all.hosts, all.shown());
}

#[test]
fn some_hundred_damaged_messages_are_read() {
    let seeds = [multipart("alternative", &[PLAIN, HTML]), multipart("mixed", &[HTML, PLAIN, HTML])];
    let mut state = 7_u32;
    for at in 0..400 {
        let mut raw = seeds[at % 2].clone().into_bytes();
        for _ in 0..4 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let place = state as usize % raw.len();
            raw[place] = (state >> 24) as u8;
        }
        let facts = Facts::of(&parse(&raw, &Limits::default()), Vec::new(), Session::default());
        assert!(facts.shown().len() <= 10 * raw.len() && facts.hosts.len() <= mail::evidence::MAX_HOSTS);
    }
}

#[test]
fn a_language_is_told_by_content_whatever_the_label_says() {
    // The same Chinese letter: in GB 18030, as a page that names GB 2312 itself, in UTF-8.
    let gb = "1/C+tLXEv827p8T6usPO0sPHuavLvr/J0tTOqsT6zOG5qbeixrGjrMfr0+vO0sPHwarPtaOs0LvQu7rP1/eho9fwvrS1\n\
         xL/Nu6fE+rrDztLDx7mry76/ydLUzqrE+szhuam3osaxo6zH69PrztLDx8Gqz7WjrNC70Lu6z9f3oaPX8L60tcS/zbun\n\
         xPq6w87Sw8e5q8u+v8nS1M6qxPrM4bmpt6LGsaOsx+vT687Sw8fBqs+1o6zQu9C7us/X96Gj";
    let page = "PGh0bWw+PGhlYWQ+PE1FVEEgaHR0cC1lcXVpdj0nQ29udGVudC1UeXBlJyBjb250ZW50PSd0ZXh0L2h0bWw7IGNoYXJz\n\
         ZXQ9Z2IyMzEyJz48L2hlYWQ+PGJvZHk+1/C+tLXEv827p8T6usPO0sPHuavLvr/J0tTOqsT6zOG5qbeixrGjrMfr0+vO\n\
         0sPHwarPtaOs0LvQu7rP1/eho9fwvrS1xL/Nu6fE+rrDztLDx7mry76/ydLUzqrE+szhuam3osaxo6zH69PrztLDx8Gq\n\
         z7WjrNC70Lu6z9f3oaPX8L60tcS/zbunxPq6w87Sw8e5q8u+v8nS1M6qxPrM4bmpt6LGsaOsx+vT687Sw8fBqs+1o6zQ\n\
         u9C7us/X96GjPC9ib2R5Pg==";
    let unicode = "5bCK5pWs55qE5a6i5oi35oKo5aW95oiR5Lus5YWs5Y+45Y+v5Lul5Li65oKo5o+Q5L6b5Y+R56Wo77yM6K+35LiO5oiR\n\
         5Lus6IGU57O777yM6LCi6LCi5ZCI5L2c44CC5bCK5pWs55qE5a6i5oi35oKo5aW95oiR5Lus5YWs5Y+45Y+v5Lul5Li6\n\
         5oKo5o+Q5L6b5Y+R56Wo77yM6K+35LiO5oiR5Lus6IGU57O777yM6LCi6LCi5ZCI5L2c44CC5bCK5pWs55qE5a6i5oi3\n\
         5oKo5aW95oiR5Lus5YWs5Y+45Y+v5Lul5Li65oKo5o+Q5L6b5Y+R56Wo77yM6K+35LiO5oiR5Lus6IGU57O777yM6LCi\n\
         6LCi5ZCI5L2c44CC";
    let cases = [
        ("text/plain", gb),
        ("text/plain; charset=cp936", gb),
        ("text/plain; charset=us-ascii", gb),
        ("text/plain; charset=gb2312", gb),
        ("text/html", page),
        ("text/plain; charset=us-ascii", unicode),
        ("text/plain; charset=iso-8859-1", unicode),
    ];
    for (media, content) in cases {
        let facts = of(&format!("Subject: x\nContent-Type: {media}\nContent-Transfer-Encoding: base64\n\n{content}\n"));
        assert!(ids(&facts).iter().any(|id| id == "hr_07_chinese"), "{media}: {}", facts.shown());
    }
    let names = ["<meta charset=utf-8>", "<META CHARSET = 'utf-8'/>", "<meta content=\"text/html; charset=UTF-8\">"];
    assert!(names.iter().all(|page| super::page::charset(page.as_bytes()).as_deref() == Some("utf-8")));
    let others = ["<p>charset=utf-8", "<meta charset>", "<meta charset=", "<meta", "", "<meta charset=''>"];
    assert!(others.iter().all(|page| super::page::charset(page.as_bytes()).is_none()));
}

#[test]
fn utf_7_is_read_as_some_programs_show_it_and_as_others_do() {
    let text = "+AGgAdAB0AHAAOgAvAC8-www.bad.example/ buy+ACE- 1+-1";
    let typed = |media: &str, rest: &str| format!("Subject: x\nContent-Type: {media}\n{rest}\n");
    let page = "<meta charset=utf-7>+ADw-a href+AD0AIg-http://bad.example/+ACIAPg-buy+ACE- 1+-1+ADw-/a+AD4-";
    let attached = "MIME-Version: 1.0\nContent-Disposition: attachment; filename=a.html\n";
    let cases = [
        typed("text/plain; charset=utf-7", &format!("\n{text}")),
        typed("text/plain; charset=UTF-7", &format!("Content-Transfer-Encoding: quoted-printable\n\n{text}")),
        typed("text/plain; charset=unicode-1-1-utf-7", &format!("\n{text}")),
        typed("text/html; charset=utf-7", &format!("\n<p>{text}")),
        typed("text/html", &format!("\n{page}")),
    ];
    for case in &cases {
        let facts = of(case);
        assert_eq!(facts.hosts, ["bad.example"], "{case}");
        let seen = [facts.html.text.as_str(), &facts.plain].concat();
        assert!(seen.contains("buy! 1+1") && seen.contains('+'), "{seen}");
    }
    let beside =
        multipart("mixed", &["\nhello", &format!("Content-Type: text/html; charset=utf-7\n{attached}\n{page}")]);
    assert_eq!(of(&beside).hosts, ["bad.example"]);
    let subject = of("Subject: =?utf-7?Q?+AGIAdQB5ACE-?= 1+-1\n\nx\n");
    assert_eq!(subject.subject, "buy! 1+-1");
    // A text that says nothing of it has it not.
    let facts = of(&typed("text/html", "\n<p>charset=utf-7 +ADw-a href=http://bad.example/+AD4-"));
    assert!(facts.html.text.contains("+ADw-a"), "{}", facts.html.text);
}

#[test]
fn bare_domains_are_asked_about_behind_links_and_change_no_sign() {
    let facts =
        of("Subject: see example.net\n\nhttp://example.org/x or www.example.com and shop.example.com/buy?id=7, \
                    ann@mail.example.net, readme.md\n");
    assert_eq!(facts.hosts, ["example.org", "example.com", "example.net"]);
    let urls = ["example.org/x", "www.example.com/", "example.net/", "shop.example.com/buy?id=7"];
    assert_eq!(facts.urls, urls);
    assert_eq!(facts.links.len(), 2, "what signs compare are links of every program");
    let page =
        of("Content-Type: text/html\n\n<p>our shop: <b>shop.example.com</b><img src=http://example.net/a.png>\n");
    assert_eq!(page.hosts, ["example.com", "example.net"], "before what is only loaded");
    let page = of("Content-Type: text/html\n\n<p>see http://bad.example/x or www.example.com\n");
    assert_eq!((page.hosts, page.links.len()), (vec!["bad.example".to_owned(), "example.com".to_owned()], 0));
    // Those that are clicked on come first, however many there are of the others.
    let many: String = (0..300).map(|at| format!("a{at}.com ")).collect();
    let facts = of(&format!("Subject: x\n\n{many} http://bad.example/\n"));
    assert_eq!((facts.hosts[0].as_str(), facts.hosts.len()), ("bad.example", 20));
    assert!(facts.more_hosts && facts.cut.contains(&"links"));
}
