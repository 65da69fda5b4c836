//! Sizes and times as people write them in a configuration: `"25 MB"`, `"100 KiB"`, `"80 s"`.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A number of bytes. Written as a number with a unit (`B`, `kB`, `MB`, `GB` in powers of 1000;
/// `KiB`, `MiB`, `GiB` in powers of 1024), or as a plain number of bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Bytes(pub u64);

/// A length of time in whole milliseconds. Written as a number with a unit: `ms`, `s`, `min`, `h`,
/// `d`; or as a plain number of seconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Time(pub u64);

const BYTE_UNITS: &[(&str, u64)] = &[
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("KB", 1_000),
    ("B", 1),
];

const TIME_UNITS: &[(&str, u64)] = &[("ms", 1), ("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000)];

impl Time {
    /// As the standard library's type.
    pub fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

/// Reads `number unit`; the number may have a fraction where the result is whole.
fn parse(text: &str, units: &[(&str, u64)], plain: u64) -> Option<u64> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(split)?;
    let number: u64 = number.replace('_', "").parse().ok()?;
    let unit = unit.trim();
    let factor = match unit {
        "" => plain,
        _ => units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?.1,
    };
    number.checked_mul(factor)
}

/// The shortest exact form.
fn show(value: u64, units: &[(&str, u64)], smallest: &str) -> String {
    for (name, factor) in units {
        if value != 0 && value.is_multiple_of(*factor) {
            return format!("{} {name}", value / factor);
        }
    }
    format!("{value} {smallest}")
}

/// Units from large to small, so that the first that divides is the shortest form.
const TIME_SHOWN: &[(&str, u64)] = &[("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000), ("ms", 1)];

macro_rules! quantity {
    ($type:ident, $units:expr, $shown:expr, $plain:expr, $smallest:literal, $what:literal, $example:literal) => {
        impl $type {
            /// Reads the written form; `None` if it is not one.
            pub fn parse(text: &str) -> Option<Self> {
                parse(text, $units, $plain).map(Self)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&show(self.0, $shown, $smallest))
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                #[derive(Deserialize)]
                #[serde(untagged)]
                enum Written {
                    Number(u64),
                    Text(String),
                }
                let wrong = |text: &str| de::Error::custom(format!(concat!("\"{}\" is not ", $what, "; write it like \"", $example, "\""), text));
                match Written::deserialize(deserializer) {
                    Ok(Written::Number(number)) => number.checked_mul($plain).map(Self).ok_or_else(|| wrong(&number.to_string())),
                    Ok(Written::Text(text)) => Self::parse(&text).ok_or_else(|| wrong(&text)),
                    Err(_) => Err(wrong("this value")),
                }
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": ["string", "integer"], "examples": [$example], "format": $what })
            }

            fn inline_schema() -> bool {
                true
            }
        }
    };
}

quantity!(Bytes, BYTE_UNITS, BYTE_UNITS, 1, "B", "a size", "25 MB");
quantity!(Time, TIME_UNITS, TIME_SHOWN, 1_000, "ms", "a length of time", "80 s");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_and_show() {
        let cases = [
            ("25 MB", 25_000_000, "25 MB"),
            ("8MiB", 8 << 20, "8 MiB"),
            ("1536 KiB", 1_572_864, "1536 KiB"),
            ("7 GB", 7_000_000_000, "7 GB"),
            ("512", 512, "512 B"),
            ("0", 0, "0 B"),
            ("1_000 kb", 1_000_000, "1 MB"),
        ];
        for (text, value, shown) in cases {
            assert_eq!(Bytes::parse(text), Some(Bytes(value)), "{text}");
            assert_eq!(Bytes(value).to_string(), shown);
            assert_eq!(Bytes::parse(shown), Some(Bytes(value)), "{shown} reads back");
        }
        for bad in ["", "MB", "1 XB", "-1", "1.5 MB", "99999999999999999999", "18446744073709551615 kB"] {
            assert_eq!(Bytes::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn times_read_and_show() {
        let cases = [
            ("80s", 80_000, "80 s"),
            ("5 min", 300_000, "5 min"),
            ("30 d", 2_592_000_000, "30 d"),
            ("250 ms", 250, "250 ms"),
            ("90", 90_000, "90 s"),
        ];
        for (text, value, shown) in cases {
            assert_eq!(Time::parse(text), Some(Time(value)), "{text}");
            assert_eq!(Time(value).to_string(), shown);
        }
    }

    #[test]
    fn a_wrong_unit_names_the_right_form() {
        let error = serde_json::from_str::<Bytes>("\"25 megs\"").unwrap_err().to_string();
        assert!(error.contains("\"25 megs\" is not a size; write it like \"25 MB\""), "{error}");
    }
}
