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

#[test]
fn what_is_taken_for_hidden_is_looked_at_for_phrases() {
    for hidden in
        ["<p style='display:none;display:block'>", "<style>.h{display:none}.h{display:block}</style><p class=h>"]
    {
        let facts = of(&format!("Subject: x\nContent-Type: text/html\n\n<p>Hello</p>{hidden}buy bitcoin</p>\n"));
        assert!(!facts.shown().contains("bitcoin"), "{hidden}");
        assert!(facts.phrases.iter().any(|(_, phrase)| *phrase == "bitcoin"), "{hidden}");
    }
}

#[test]
fn a_plain_letter_beside_a_harmless_part_for_amp_counts() {
    let plain = "Content-Type: text/plain\n\nbuy bitcoin";
    let facts = of(&multipart("alternative", &[plain, "Content-Type: text/x-amp-html\n\n<p>lunch today?</p>"]));
    assert!(facts.phrases.iter().any(|(_, phrase)| *phrase == "bitcoin"));
}

#[test]
fn folded_lines_of_a_calendar_and_pictures_that_are_pages_hide_no_link() {
    let calendar = "BEGIN:VCALENDAR\nDESCRIPTION:see http://ba\n d.example/x\nEND:VCALENDAR";
    let calendar = format!("Subject: x\nContent-Type: text/calendar; charset=utf-8\n\n{calendar}\n");
    assert_eq!(of(&calendar).hosts, ["bad.example"]);
    let svg = "<svg xmlns='http://www.w3.org/2000/svg'><a href='http://bad.example/'><text>x</text></a></svg>";
    let svg = format!("Content-Type: image/svg+xml\nContent-Disposition: attachment; filename=x.svg\n\n{svg}");
    let facts = of(&multipart("mixed", &["Content-Type: text/plain\n\nsee the picture", &svg]));
    assert_eq!(facts.hosts, ["bad.example"]);
}
