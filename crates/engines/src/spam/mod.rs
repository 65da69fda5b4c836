//! Signs of spam, of bulk mail and of automatic notices: small pure checks of one message.
//!
//! [`Facts`] are made once a message; each sign of the catalogue ([`all`]) looks at them and says what it
//! saw. Nothing here adds anything up: points go into the evidence, `judge` rates them.
//!
//! A sign is one file, `signs/FAMILY/NAME.rs`: name, group, points, documentation, check, and cases where it fires
//! and where it must not. To add one, write the file, and name it in the family's `mod.rs`: as a module, and in
//! the list, at its place in the documentation. The cases are run and `docs/reference/signs.md` is made from it
//! without more. Points that are fitted begin as `Points::Fitted(0)`; `cargo xtask evaluate spam --write` puts the
//! numbers that the corpora give into the files.
//!
//! Not here: what needs an answer from outside. Such signs ([`SignGroup::Network`]) are made from answers
//! and join the list in `scan`.

pub mod facts;
mod signs;

use std::cell::OnceCell;
use std::sync::OnceLock;

use mail::evidence::{MAX_SIGNS, Sign, SignGroup};

pub use facts::{Attached, Facts, MAX_DOCUMENTS, MAX_LEADS, Session};

/// A sign's points in hundredths, and where they come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Points {
    /// Fitted on the corpora: `cargo xtask evaluate spam --write` writes the number.
    Fitted(i16),
    /// Fitted as well, but never below the least: the specification, or the format of messages, says that it
    /// counts.
    AtLeast {
        /// The fewest points.
        least: i16,
        /// What the corpora say; written like that of [`Points::Fitted`].
        fitted: i16,
    },
    /// Set here: the corpora cannot tell.
    Fixed(i16),
}

/// One row of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The sign's stable name.
    pub id: &'static str,
    /// What it is about.
    pub group: SignGroup,
    /// What it means, in a sentence.
    pub about: &'static str,
    /// Its points, and where they come from.
    pub points: Points,
    /// What was seen, if it was.
    pub(crate) check: fn(&Facts) -> Option<String>,
    /// Messages on which it fires: header lines, or a whole message if there is an empty line.
    #[cfg(test)]
    pub(crate) fires: &'static [&'static str],
    /// Messages on which it must not.
    #[cfg(test)]
    pub(crate) quiet: &'static [&'static str],
}

impl Row {
    /// The sign's points in hundredths.
    pub fn value(&self) -> i16 {
        match self.points {
            Points::Fitted(points) | Points::Fixed(points) => points,
            Points::AtLeast { least, fitted } => fitted.max(least),
        }
    }
}

/// The catalogue, in the order of the documentation.
pub fn all() -> impl Iterator<Item = &'static Row> {
    signs::TABLES.iter().flat_map(|table| table.iter())
}

/// The catalogue with its points, which are looked up once, not for each message.
fn rated() -> &'static [(&'static Row, i16)] {
    static RATED: OnceLock<Vec<(&'static Row, i16)>> = OnceLock::new();
    RATED.get_or_init(|| all().map(|row| (row, row.value())).collect())
}

/// What the checks of one message saw, by their places in the catalogue. Each runs when it is asked for first:
/// conjunctions ask about signs that are examined anyway, and about some that count nothing.
#[derive(Clone, Debug)]
pub(crate) struct Looks(Vec<OnceCell<Option<String>>>);

impl Default for Looks {
    fn default() -> Self {
        Self(vec![OnceCell::new(); rated().len()])
    }
}

/// What the sign at this place of the catalogue says of a message. A conjunction must not ask about another.
fn look(facts: &Facts, at: usize) -> Option<&str> {
    let (row, _) = rated().get(at)?;
    facts.looks.0.get(at)?.get_or_init(|| (row.check)(facts)).as_deref()
}

/// What was seen in a message, sorted. Signs that count nothing are left out, unless `unrated` asks for
/// them.
pub fn examine(facts: &Facts, unrated: bool) -> Vec<Sign> {
    let wanted = rated().iter().enumerate().filter(|(_, (_, points))| *points != 0 || unrated);
    let mut found: Vec<Sign> = wanted
        .filter_map(|(at, (row, points))| Some(Sign::new(row.id, row.group, *points, look(facts, at)?)))
        .take(MAX_SIGNS)
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The facts of a case.
    pub(crate) fn facts(case: &str) -> Facts {
        let whole = if case.contains("\n\n") { case.to_owned() } else { format!("{}\n\nHello.\n", case.trim_end()) };
        let message = mail::graph::parse(whole.as_bytes(), &mail::graph::Limits::default());
        let attached = message
            .primary()
            .filter_map(|id| Some((id, message.entity(id)?)))
            .filter(|(_, entity)| entity.is_leaf())
            .map(|(id, entity)| Attached {
                name: entity.names.first().map(|name| name.raw().clone()).unwrap_or_default(),
                kind: unpack::detect(&message.content(id, usize::MAX).bytes),
                declared: entity.media.clone(),
                size: entity.body.len() as u64,
                attachment: entity.is_attachment(),
                inside: false,
                encrypted: false,
            })
            .collect();
        Facts::of(&message, attached, Session::default())
    }

    #[test]
    fn every_sign_fires_where_it_should_and_nowhere_else() {
        let mut wrong = Vec::new();
        for row in all() {
            if row.fires.is_empty() && !APART.contains(&row.id) || row.quiet.is_empty() {
                wrong.push(format!("{}: needs a case where it fires and one where it does not", row.id));
            }
            for case in row.fires.iter().filter(|case| (row.check)(&facts(case)).is_none()) {
                wrong.push(format!("{}: does not fire on {case:?}", row.id));
            }
            for case in row.quiet {
                if let Some(seen) = (row.check)(&facts(case)) {
                    wrong.push(format!("{}: fires on {case:?}: {seen}", row.id));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// Signs about what no message text holds, or only a very long one: tested below.
    const APART: [&str; 4] =
        ["envelope_not_in_header", "encrypted_attachment", "not_all_read", "documents_not_all_read"];

    #[test]
    fn what_stands_outside_of_the_text_is_seen() {
        let mut given = facts("To: c@example.net");
        given.session.recipients = vec!["b@example.net".to_owned()];
        given.attached.push(Attached {
            name: "a.zip".to_owned(),
            kind: mail::evidence::FileKind::Zip,
            declared: String::new(),
            size: 1,
            attachment: true,
            inside: false,
            encrypted: true,
        });
        given.cut = vec!["parts"];
        given.session.more_documents = true;
        let seen: Vec<String> = examine(&given, true).into_iter().map(|sign| sign.id).collect();
        assert!(APART.iter().all(|id| seen.iter().any(|seen| seen == id)), "{seen:?}");
    }

    #[test]
    fn names_are_unique_and_valid() {
        let mut seen = std::collections::BTreeSet::new();
        for row in all() {
            assert!(seen.insert(row.id), "{} twice", row.id);
            assert!(row.id.len() <= mail::evidence::MAX_SIGN_ID, "{}", row.id);
            assert!(row.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{}", row.id);
            assert!(row.about.ends_with('.') && row.about.len() < 200, "{}", row.id);
            assert!(row.value().abs() <= mail::evidence::MAX_SIGN_POINTS, "{}", row.id);
        }
        assert!(seen.len() < MAX_SIGNS);
    }

    #[test]
    fn what_small_programs_write_is_no_spam_for_being_bare() {
        let cases = [
            "Subject: x\n\n",
            "Subject: test\n\nhello world\n",
            "From: root@host\nTo: root\nSubject: Cron <root@host> run-parts /etc/cron.daily\n\nno such file\n",
            "From: scanner@example.org\nTo: a@example.org\nSubject: Scan\nContent-Type: application/pdf; \
             name=scan0001.pdf\nContent-Disposition: attachment; filename=scan0001.pdf\n\nx\n",
            "To: a@example.org\nSubject: ALARM\n\nDisk full!\n",
            "\nhello\n",
        ];
        for case in cases {
            let seen = examine(&facts(case), false);
            let sum: i32 = SignGroup::ALL
                .into_iter()
                .filter(|group| !matches!(group, SignGroup::Bulk | SignGroup::Automatic))
                .map(|group| (group, seen.iter().filter(move |sign| sign.group == group)))
                .map(|(group, signs)| signs.map(|sign| i32::from(sign.points)).sum::<i32>().min(group.most()))
                .sum();
            assert!(sum < 450, "{sum} points: {case:?}: {seen:?}");
        }
    }

    /// Whether a sign is seen in a message.
    fn sees(id: &str, case: &str) -> bool {
        examine(&facts(case), true).iter().any(|sign| sign.id == id)
    }

    #[test]
    fn hr_01_to_without_an_address_is_seen() {
        let id = "hr_01_to_without_address";
        assert!(sees(id, "To: undisclosed-recipients:;") && sees(id, "From: a@example.org"));
        assert!(!sees(id, "To: b@example.net") && !sees(id, "Cc: b@example.net"));
    }

    #[test]
    fn hr_02_digits_of_any_senders_whole_address_are_seen() {
        let id = "hr_02_digits_in_sender";
        assert!(sees(id, "From: ann7@example.org") && sees(id, "From: A <1.2@example.org>"));
        assert!(sees(id, "From: ann@example7.org") && sees(id, "From: ann@example.org, bob7@example.org"));
        assert!(!sees(id, "From: Ann 7 <ann@example.org>") && !sees(id, "From: ann@xn--80ak6aa92e.example"));
    }

    #[test]
    fn hr_03_a_sender_without_a_domain_is_seen() {
        let id = "hr_03_sender_without_domain";
        assert!(sees(id, "From: ann") && sees(id, "From: Ann <>") && sees(id, "From: Ann <ann>"));
        assert!(!sees(id, "From: Ann <ann@example.org>"));
    }

    #[test]
    fn hr_04_subjects_above_250_characters_are_seen() {
        let id = "hr_04_long_subject";
        let subject =
            |letters: usize| format!("Subject: {}", "ab cd ".repeat(50).chars().take(letters).collect::<String>());
        assert!(sees(id, &subject(252)) && !sees(id, &subject(248)));
        // Characters count, not bytes of their encoding.
        assert!(!sees(id, &format!("Subject: =?utf-8?Q?{}?=", "=C3=BC".repeat(200))));
    }

    #[test]
    fn hr_05_many_blanks_or_dots_in_the_subject_are_seen() {
        let id = "hr_05_blanks_in_subject";
        assert!(sees(id, "Subject: buy        now") && sees(id, "Subject: buy.........now"));
        assert!(!sees(id, "Subject: let us see ... maybe") && !sees(id, "Subject: a plain one"));
    }

    #[test]
    fn hr_06_stamps_and_times_in_the_subject_are_seen() {
        let id = "hr_06_stamp_in_subject";
        assert!(sees(id, "Subject: Your prize 8492017384") && sees(id, "Subject: Offer of 12:44:31"));
        assert!(sees(id, "Subject: Re: Your prize 8492017384"), "the row spares no answers");
        assert!(!sees(id, "Subject: Meeting on Monday") && !sees(id, "Subject: The plan for 2024"));
    }

    #[test]
    fn hr_07_hr_08_hr_09_hr_10_languages_are_told_by_content_not_by_charset() {
        let cases = [
            ("hr_07_chinese", "尊敬的客户您好我们公司可以为您提供发票"),
            ("hr_08_korean", "안녕하세요 고객님 이 메일은 광고입니다"),
            ("hr_09_thai", "สวัสดีครับ นี่คือโฆษณาสำหรับลูกค้า"),
            ("hr_10_japanese", "こんにちは、お客様の特別なご案内です"),
        ];
        for (id, text) in cases {
            let case = |charset: &str, text: &str| {
                format!("Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n{text}\n")
            };
            assert!(sees(id, &case("utf-8", text)), "{id}");
            assert!(!sees(id, &case("gb2312", "A plain English text for everybody")), "{id}");
            let others = cases.iter().filter(|(other, _)| *other != id);
            assert!(others.into_iter().all(|(other, _)| !sees(other, &case("utf-8", text))), "{id} alone");
        }
    }

    #[test]
    fn hr_11_every_sign_of_the_specification_has_points() {
        let rows: Vec<_> = all().filter(|row| row.id.starts_with("hr_")).collect();
        assert_eq!(rows.len(), 10);
        assert!(rows.iter().all(|row| row.value() > 0), "{rows:?}");
        // The weights are ours; one of these signs alone is never probable spam.
        assert!(rows.iter().all(|row| row.value() < 500));
    }

    #[test]
    fn an_ordinary_message_has_hardly_a_sign() {
        let case = "Received: from mail.example.org (mail.example.org [192.0.2.1]) by mx.example.net with ESMTPS; \
                    Tue, 19 Sep 2023 12:11:42 +0000\nReceived: from desk.example.org (desk.example.org [192.0.2.9]) \
                    by mail.example.org with ESMTPSA; Tue, 19 Sep 2023 12:11:41 +0000\nDate: Tue, 19 Sep 2023 14:11:40 +0200\n\
                    From: Ann Writer <ann@example.org>\nTo: Bob Reader <bob@example.net>\nSubject: The plan for Monday\n\
                    Message-ID: <20230919121140.GA1234@example.org>\nMIME-Version: 1.0\n\
                    Content-Type: text/plain; charset=us-ascii\n\nHello Bob,\n\nlet us meet at ten.\n\nAnn\n";
        let seen = examine(&facts(case), true);
        assert!(seen.is_empty(), "{seen:?}");
    }
}
