//! What of a part's header stays when its type, encoding and name are written anew: parameters of its type and
//! disposition, and fields that place it among other parts (RFC 2387, RFC 2392, RFC 2557, RFC 3676, RFC 5546).
//!
//! Only what all clients read alike: a field that stands once, a parameter that stands once and plainly. Limits:
//! [`MAX_PARAMETERS`], [`MAX_VALUE`].

use crate::graph::{EntityId, Message};
use crate::header::{Structured, unfold};
use crate::render::part::is_name_byte;

/// Most parameters of one field.
const MAX_PARAMETERS: usize = 32;
/// Longest name of a parameter, and longest value of a parameter or field, in bytes.
const MAX_NAME: usize = 40;
const MAX_VALUE: usize = 600;
/// Parameters of a type that are said anew, or that hold for the old bytes only.
const ANEW: [&str; 6] = ["boundary", "charset", "name", "filename", "protocol", "micalg"];
/// Parameters of a disposition (RFC 2183) that stay.
const DATES: [&str; 3] = ["creation-date", "modification-date", "read-date"];
/// Fields that stay.
const FIELDS: [&str; 6] =
    ["Content-ID", "Content-Location", "Content-Description", "Content-Language", "Content-Duration", "Content-Class"];

/// What stays of one header.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Carried {
    /// Parameters of the type, each with its semicolon and a fold in front.
    pub(crate) of_type: String,
    /// Parameters of the disposition, in the same way.
    pub(crate) of_disposition: String,
    /// Fields, without line ends.
    pub(crate) fields: Vec<String>,
}

impl Carried {
    /// Looks at a part's header; `end`: how lines end.
    pub(crate) fn of(message: &Message<'_>, id: EntityId, end: &str) -> Self {
        let once = |name: &str| once(message, id, name);
        let parameters = |field: &str, stays: &dyn Fn(&str) -> bool| {
            let value = once(field).map(|value| Structured::parse(&value)).filter(|value| !value.bad());
            value.map(|value| written(&value, end, stays)).unwrap_or_default()
        };
        Self {
            of_type: parameters("content-type", &|name| !ANEW.contains(&name)),
            of_disposition: parameters("content-disposition", &|name| DATES.contains(&name)),
            fields: FIELDS.iter().filter_map(|name| field(name, &once(name)?)).collect(),
        }
    }
}

/// The value of a field that stands once.
fn once(message: &Message<'_>, id: EntityId, name: &str) -> Option<Vec<u8>> {
    let buffer = message.buffer(message.entity(id)?.buffer);
    let mut found = message.fields(id).iter().filter(|field| field.name_is(buffer, name));
    let value = found.next()?.value.of(buffer);
    found.next().is_none().then(|| value.to_vec())
}

/// A field on one line; `None` where it is not of printable ASCII or too long.
fn field(name: &str, value: &[u8]) -> Option<String> {
    let value = unfold(value);
    let fits = !value.is_empty() && value.len() <= MAX_VALUE && value.iter().all(|b| matches!(b, b'\t' | 32..=126));
    // Programs refer to a part by its id in angle brackets only.
    let id = |value: &[u8]| {
        let inner = value.strip_prefix(b"<").and_then(|value| value.strip_suffix(b">"));
        inner.is_some_and(|inner| !inner.is_empty() && inner.iter().all(|b| !b" \t<>".contains(b)))
    };
    let fits = fits && (name != "Content-ID" || id(&value));
    fits.then(|| format!("{name}: {}", String::from_utf8_lossy(&value)))
}

/// The parameters that stay, as they are written.
fn written(value: &Structured, end: &str, stays: &dyn Fn(&str) -> bool) -> String {
    let mut out = String::new();
    for (name, value) in value.settled().into_iter().filter(|(name, _)| stays(name)).take(MAX_PARAMETERS) {
        let printable = value.iter().all(|byte| (32..=126).contains(byte) && !b"\"\\".contains(byte));
        let named = name.len() <= MAX_NAME && !name.is_empty() && name.bytes().all(is_name_byte);
        if !named || !printable || value.is_empty() || value.len() > MAX_VALUE {
            continue;
        }
        let text = String::from_utf8_lossy(value);
        let quote = if value.iter().copied().all(is_name_byte) { "" } else { "\"" };
        out.push_str(&format!(";{end} {name}={quote}{text}{quote}"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Limits, parse};

    /// What stays of a part with this header.
    fn carried(header: &str) -> Carried {
        let raw = format!("{header}\r\n\r\nx\r\n");
        Carried::of(&parse(raw.as_bytes(), &Limits::default()), EntityId(0), "\r\n")
    }

    #[test]
    fn what_all_clients_read_alike_stays_and_what_is_said_anew_goes() {
        for (header, of_type) in [
            ("Content-Type: text/plain; charset=x; format=flowed; delsp=yes", ";\r\n format=flowed;\r\n delsp=yes"),
            ("Content-Type: text/calendar; method=REQUEST; name=a.ics", ";\r\n method=REQUEST"),
            (
                "Content-Type: multipart/related; boundary=b; type=\"text/html\"; start=\"<a@b>\"",
                ";\r\n type=\"text/html\";\r\n start=\"<a@b>\"",
            ),
            // Clients differ about these.
            ("Content-Type: text/plain; format=flowed; format=fixed", ""),
            ("Content-Type: text/plain; format=flowed\r\nContent-Type: text/html", ""),
            ("Content-Type: text/plain; format*0=flo; format*1=wed", ""),
            ("Content-Type: text/plain; format=\"flow\\ed\"", ""),
            ("Content-Type: text/plain; format=\"a", ""),
        ] {
            assert_eq!(carried(header).of_type, of_type, "{header}");
        }
        let dates =
            "Content-Disposition: inline; filename=a;\r\n creation-date=\"Wed, 12 Feb 1997 16:29:51 -0500\"; size=9";
        let expected = ";\r\n creation-date=\"Wed, 12 Feb 1997 16:29:51 -0500\"";
        assert_eq!(carried(dates).of_disposition, expected);
        for (header, fields) in [
            ("Content-ID: <a@b>\r\nContent-Language: de", &["Content-ID: <a@b>", "Content-Language: de"][..]),
            ("Content-Location:\r\n http://example.org/a.png", &["Content-Location: http://example.org/a.png"]),
            ("Content-ID: <a@b>\r\nContent-ID: <c@d>", &[]),
            ("Content-ID: a b", &[]),
            ("Content-Description: \u{fc}", &[]),
        ] {
            assert_eq!(carried(header).fields, fields, "{header}");
        }
    }
}
