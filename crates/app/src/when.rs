//! Times on the command line: dates and lengths of time, all in UTC.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use judge::units::Time;

/// A time as somebody wrote it: `2025-11-21`, `2025-11-21 18:00`, `2025-11-21T18:00:00Z`, or a
/// length of time before `now_ms`, such as `7 d` or `12 h`. Milliseconds since 1970.
///
/// # Errors
/// How to write it.
pub(crate) fn parse(text: &str, now_ms: u64) -> Result<u64, String> {
    let text = text.trim();
    let plain_number = text.bytes().all(|byte| byte.is_ascii_digit());
    if let (false, Some(length)) = (plain_number, Time::parse(text)) {
        return Ok(now_ms.saturating_sub(length.0));
    }
    let utc = |time: DateTime| time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let time = text
        .parse::<Timestamp>()
        .ok()
        .or_else(|| text.parse::<DateTime>().ok().and_then(utc))
        .or_else(|| text.parse::<Date>().ok().and_then(|date| utc(date.at(0, 0, 0, 0))));
    let time = time.and_then(|time| u64::try_from(time.as_millisecond()).ok());
    time.ok_or_else(|| "write a date (2025-11-21), a time (2025-11-21T18:00:00Z) or how long ago (7d, 12h)".to_owned())
}

/// A time for people: `2025-11-21 18:00:00`.
pub(crate) fn shown(unix_ms: u64) -> String {
    format(unix_ms, "%Y-%m-%d %H:%M:%S")
}

/// A day for people: `2025-11-21`.
pub(crate) fn day(unix_ms: u64) -> String {
    format(unix_ms, "%Y-%m-%d")
}

/// A time for programs: `2025-11-21T18:00:00Z`.
pub(crate) fn rfc3339(unix_ms: u64) -> String {
    format(unix_ms, "%Y-%m-%dT%H:%M:%SZ")
}

fn format(unix_ms: u64, form: &str) -> String {
    let seconds = i64::try_from(unix_ms / 1000).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_or_else(|_| "-".to_owned(), |time| time.strftime(form).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_form() {
        let day = 1_763_683_200_000;
        let cases = [
            ("2025-11-21", day),
            ("2025-11-21 18:00", day + 18 * 3_600_000),
            ("2025-11-21T18:00:00", day + 18 * 3_600_000),
            ("2025-11-21T18:00:00Z", day + 18 * 3_600_000),
            ("2025-11-21T18:00:00+01:00", day + 17 * 3_600_000),
            ("7d", day - 7 * 86_400_000),
            ("12 h", day - 12 * 3_600_000),
        ];
        for (text, time) in cases {
            assert_eq!(parse(text, day), Ok(time), "{text}");
        }
        for bad in ["", "yesterday", "2025-13-01", "12", "-5d"] {
            assert!(parse(bad, day).is_err(), "{bad}");
        }
        assert_eq!(shown(day + 18 * 3_600_000), "2025-11-21 18:00:00");
        assert_eq!(rfc3339(day), "2025-11-21T00:00:00Z");
        assert_eq!(shown(u64::MAX), "-");
    }
}
