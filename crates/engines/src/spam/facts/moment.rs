//! Dates of the header (RFC 5322 sections 3.3 and 4.3), and how well formed they are.

/// Seconds of a day.
const DAY: i64 = 86_400;
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// A point in time with its zone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    /// Seconds since 1970.
    pub unix: i64,
    /// Minutes east of Greenwich.
    pub zone: i32,
    /// Whether the zone is written as digits.
    pub numeric: bool,
}

/// Reads a date; `None` where there is none. Comments, odd blanks, two-digit years and a missing day of
/// the week pass.
pub(crate) fn read(text: &str) -> Option<Moment> {
    let text = text.split('(').next().unwrap_or(text);
    let mut words = text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty()).peekable();
    if words.peek()?.starts_with(|c: char| c.is_ascii_alphabetic()) {
        words.next();
    }
    let day: i64 = words.next()?.parse().ok().filter(|day| (1..=31).contains(day))?;
    let month = words.next()?.get(..3)?.to_ascii_lowercase();
    let month = i64::try_from(MONTHS.iter().position(|name| *name == month)?).ok()?.checked_add(1)?;
    let year: i64 = words.next()?.parse().ok().filter(|year| (0..=9999).contains(year))?;
    let year = match year {
        0..=49 => year.checked_add(2000)?,
        50..=999 => year.checked_add(1900)?,
        year => year,
    };
    let mut clock = words.next()?.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute) = (clock.next()??, clock.next()??);
    let second = clock.next().unwrap_or(Some(0))?;
    if !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0..=60).contains(&second) {
        return None;
    }
    let (zone, numeric) = zone(words.next().unwrap_or(""));
    let seconds = hour.checked_mul(3600)?.checked_add(minute.checked_mul(60)?)?.checked_add(second)?;
    let local = days(year, month, day)?.checked_mul(DAY)?.checked_add(seconds)?;
    let unix = local.checked_sub(i64::from(zone).checked_mul(60)?)?;
    Some(Moment { unix, zone, numeric })
}

/// Minutes east of Greenwich, and whether it was written as digits. What is unknown counts as UTC.
fn zone(text: &str) -> (i32, bool) {
    let sign = match text.chars().next() {
        Some('+') => 1,
        Some('-') => -1,
        _ => {
            let west = match text.to_ascii_uppercase().as_str() {
                "EDT" => -240,
                "EST" | "CDT" => -300,
                "CST" | "MDT" => -360,
                "MST" | "PDT" => -420,
                "PST" => -480,
                "CET" | "MET" | "BST" => 60,
                "CEST" => 120,
                _ => 0,
            };
            return (west, false);
        }
    };
    let digits: Option<i32> = text.get(1..).and_then(|digits| digits.parse().ok()).filter(|n| (0..=9999).contains(n));
    let Some(digits) = digits else { return (0, false) };
    let minutes = (digits / 100).saturating_mul(60).saturating_add(digits % 100);
    (minutes.saturating_mul(sign), true)
}

/// Days since 1970-01-01 in the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    // Years that begin in March, so that the leap day is the last one.
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let era = year.div_euclid(400);
    let in_era = year.rem_euclid(400);
    let shifted = if month > 2 { month.checked_sub(3)? } else { month.checked_add(9)? };
    let in_year = shifted.checked_mul(153)?.checked_add(2)?.checked_div(5)?.checked_add(day)?.checked_sub(1)?;
    let of_era = in_era
        .checked_mul(365)?
        .checked_add(in_era.checked_div(4)?)?
        .checked_sub(in_era.checked_div(100)?)?
        .checked_add(in_year)?;
    era.checked_mul(146_097)?.checked_add(of_era)?.checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read() {
        let cases = [
            ("Thu, 01 Jan 1970 00:00:00 +0000", Some((0, 0, true))),
            ("Fri, 11 Nov 2022 22:50:07 +0100", Some((1_668_203_407, 60, true))),
            ("11 Nov 22 21:50:07 GMT", Some((1_668_203_407, 0, false))),
            ("Fri,11 Nov 2022 13:50:07 -0800 (PST)", Some((1_668_203_407, -480, true))),
            ("29 Feb 2000 12:00 +0000", Some((951_825_600, 0, true))),
            ("2022-11-11", None),
            ("Fri, 41 Nov 2022 22:50:07", None),
            ("", None),
            ("Fri", None),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).map(|m| (m.unix, m.zone, m.numeric)), expected, "{text}");
        }
    }
}
