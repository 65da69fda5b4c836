//! Signs of spam, of bulk mail and of automatic notices: small pure checks of one message.
//!
//! [`Facts`] are made once a message; each sign of the catalogue ([`all`]) looks at them and says what it
//! saw. Nothing here adds anything up: points go into the evidence, `judge` rates them. A sign stands as
//! one row of a file in `signs/`: name, group, documentation, check, and cases where it fires and where it
//! must not. Its points are in `points.rs`, which `cargo xtask evaluate spam --write` makes from the
//! corpora, unless the row fixes them.
//!
//! Not here: what needs an answer from outside. Such signs ([`SignGroup::Network`]) are made from answers
//! and join the list in `scan`.

pub mod facts;
mod points;
mod signs;

use mail::evidence::{MAX_SIGNS, Sign, SignGroup};

pub use facts::{Attached, Facts, Session};

/// Where a sign's points come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Points {
    /// Fitted on the corpora.
    Fitted,
    /// Fitted on the corpora, but never below this, in hundredths: the specification says that it counts.
    AtLeast(i16),
    /// Set here, in hundredths: the corpora cannot tell.
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
    /// Where its points come from.
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
        let fitted = || {
            let found = points::POINTS.binary_search_by_key(&self.id, |(id, _)| id);
            found.ok().and_then(|at| points::POINTS.get(at)).map_or(0, |(_, points)| *points)
        };
        match self.points {
            Points::Fitted => fitted(),
            Points::AtLeast(least) => fitted().max(least),
            Points::Fixed(points) => points,
        }
    }
}

/// The catalogue, in the order of the documentation.
pub fn all() -> impl Iterator<Item = &'static Row> {
    signs::TABLES.iter().flat_map(|table| table.iter())
}

/// What was seen in a message, sorted. Signs that count nothing are left out, unless `unrated` asks for
/// them.
pub fn examine(facts: &Facts, unrated: bool) -> Vec<Sign> {
    let mut found: Vec<Sign> = all()
        .map(|row| (row, row.value()))
        .filter(|(_, points)| *points != 0 || unrated)
        .filter_map(|(row, points)| (row.check)(facts).map(|seen| Sign::new(row.id, row.group, points, seen)))
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
            .filter_map(|id| message.entity(id))
            .filter(|entity| entity.is_leaf())
            .map(|entity| Attached {
                name: entity.names.first().map(|name| name.raw().clone()).unwrap_or_default(),
                kind: mail::evidence::FileKind::Unknown,
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

    /// Signs about what no message text holds: tested below.
    const APART: [&str; 2] = ["envelope_not_in_header", "encrypted_attachment"];

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
    fn points_are_sorted_and_of_signs_that_exist() {
        assert!(points::POINTS.is_sorted_by_key(|(id, _)| *id));
        for (id, _) in points::POINTS {
            assert!(all().any(|row| row.id == *id && !matches!(row.points, Points::Fixed(_))), "{id}");
        }
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
