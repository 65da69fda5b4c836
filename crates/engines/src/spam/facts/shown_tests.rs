//! Text that a screen shows in another way than it stands in the message.

use super::tests::{HTML, ids, is_read, multipart, of};

#[test]
fn what_some_programs_show_instead_of_the_page_is_read() {
    let amp = HTML.replace("text/html", "text/x-amp-html").replace("<p>", "<html amp4email><amp-img src=x></amp-img>");
    let others = ["Content-Type: text/plain\n\nsee you", "Content-Type: text/html\n\n<p>see you</p>"];
    let facts = of(&multipart("alternative", &[others[0], &amp, others[1]]));
    assert!(is_read(&facts) && facts.shown().contains("see you"));
    assert_eq!((facts.html.parts, facts.html.unknown), (1, 0), "how it is built counts for nothing");
}

#[test]
fn letters_that_run_backwards_in_the_source_are_read_as_they_are_shown() {
    for backwards in [
        "Content-Type: text/plain; charset=utf-8\n\n\u{202e}nioctib yub\u{202c}",
        "Content-Type: text/html\n\n<bdo dir=rtl>nioctib yub</bdo>",
        "Content-Type: text/html\n\n<p style='unicode-bidi:bidi-override;direction:rtl'>nioctib yub",
    ] {
        let facts = of(&format!("Subject: x\n{backwards}\n"));
        assert!(facts.phrases.iter().any(|(_, phrase)| *phrase == "bitcoin"), "{backwards}");
        assert!(ids(&facts).contains(&"reversed_writing".to_owned()), "{backwards}");
    }
}
