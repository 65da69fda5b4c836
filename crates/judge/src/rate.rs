//! How many in how long: `"100 / 1 h"`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::units::Time;

/// A number in a length of time. Written `"NUMBER / TIME"`; an empty text is no limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rate(Option<(u32, Time)>);

impl Rate {
    /// Reads the written form; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        if text.trim().is_empty() {
            return Some(Self(None));
        }
        let (number, time) = text.split_once('/')?;
        let number: u32 = number.trim().parse().ok()?;
        // "100/h" is how many people write it.
        let time = time.trim();
        let time = if time.starts_with(|c: char| c.is_ascii_digit()) { time.to_owned() } else { format!("1 {time}") };
        let time = Time::parse(&time).filter(|time| time.0 > 0)?;
        (number > 0).then_some(Self(Some((number, time))))
    }

    /// The number and the time; `None` for no limit.
    pub fn limit(self) -> Option<(u32, Time)> {
        self.0
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some((number, time)) => write!(f, "{number} / {time}"),
            None => Ok(()),
        }
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| de::Error::custom(format!("\"{text}\" is not a rate; write it like \"100 / 1 h\"")))
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "examples": ["100 / 1 h"], "format": "a rate" })
    }

    fn inline_schema() -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_and_shown() {
        for (text, shown) in [("100 / 1 h", "100 / 1 h"), ("5/60s", "5 / 1 min"), ("7/h", "7 / 1 h"), ("", "")] {
            assert_eq!(Rate::parse(text).map(|rate| rate.to_string()).as_deref(), Some(shown), "{text}");
        }
        for wrong in ["100", "0/h", "1/0 s", "-1/h", "many/h", "1/fortnight", "/"] {
            assert_eq!(Rate::parse(wrong), None, "{wrong}");
        }
    }
}
