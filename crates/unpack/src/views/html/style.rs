//! What CSS says about whether text is seen, and whether it runs backwards: in `style` attributes, and in the simple rules of style
//! sheets (one class, one id, one element).
//!
//! Limits: [`MAX_RULES`], [`MAX_STYLE`]. Not handled: the cascade's order and weights, `@media` and
//! other blocks (what hides only on some screens is shown on others), computed sizes.

use std::collections::BTreeMap;

/// Most rules of a document that are kept; only those that hide something or turn it round count.
const MAX_RULES: usize = 256;
/// Longest `style` attribute that is read, in bytes.
const MAX_STYLE: usize = 4096;
/// Up to this many pixels or points letters are not read.
const TINY: f32 = 1.5;
/// Further out than this, in pixels, is off the screen.
const FAR: f32 = -400.0;
/// Two colours that differ by less, summed over red, green and blue, are one to the eye.
const NEAR: u16 = 24;

/// A colour: red, green, blue.
pub(crate) type Colour = [u8; 3];

/// What one style says; `None`: nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Style {
    /// It takes all in it out of sight, whatever that says.
    pub(crate) gone: bool,
    /// `visibility`.
    pub(crate) invisible: Option<bool>,
    /// Whether letters are too small to read.
    pub(crate) tiny: Option<bool>,
    /// Colour of the text: `Some(None)` is one that is not known.
    pub(crate) colour: Option<Option<Colour>>,
    /// Colour behind it.
    pub(crate) back: Option<Option<Colour>>,
    /// Whether every letter runs in the direction of the element, whatever its own is (`unicode-bidi`, `bdo`).
    pub(crate) overrides: Option<bool>,
    /// Whether that direction is from right to left.
    pub(crate) to_left: Option<bool>,
}

/// How text looks where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Look {
    gone: bool,
    invisible: bool,
    tiny: bool,
    colour: Option<Colour>,
    back: Option<Colour>,
    overrides: bool,
    to_left: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            gone: false,
            invisible: false,
            tiny: false,
            colour: Some([0; 3]),
            back: Some([255; 3]),
            overrides: false,
            to_left: false,
        }
    }
}

impl Look {
    /// In an element of a style.
    pub(crate) fn within(self, style: &Style) -> Self {
        Self {
            gone: self.gone || style.gone,
            invisible: style.invisible.unwrap_or(self.invisible),
            tiny: style.tiny.unwrap_or(self.tiny),
            colour: style.colour.unwrap_or(self.colour),
            back: style.back.unwrap_or(self.back),
            overrides: style.overrides.unwrap_or(self.overrides),
            to_left: style.to_left.unwrap_or(self.to_left),
        }
    }

    /// Whether what is written from left to right is shown from right to left.
    pub(crate) fn is_reversed(&self) -> bool {
        self.overrides && self.to_left
    }

    /// Whether a reader does not see it.
    pub(crate) fn is_hidden(&self) -> bool {
        let same = match (self.colour, self.back) {
            (Some(text), Some(back)) => {
                text.iter().zip(back).map(|(a, b)| u16::from(a.abs_diff(b))).sum::<u16>() < NEAR
            }
            _ => false,
        };
        self.gone || self.invisible || self.tiny || same
    }
}

/// Reads the declarations of a style.
pub(crate) fn read(text: &str) -> Style {
    let mut style = Style::default();
    let end = (0..=text.len().min(MAX_STYLE)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let text = text.get(..end).unwrap_or("").to_ascii_lowercase();
    let (mut clipped, mut flat, mut absolute, mut far) = (false, false, false, false);
    for declaration in text.split(';') {
        let Some((key, value)) = declaration.split_once(':') else { continue };
        let value = value.trim().trim_end_matches("!important").trim();
        match key.trim() {
            "display" => style.gone |= value == "none",
            "mso-hide" => style.gone |= value == "all",
            "visibility" => style.invisible = Some(matches!(value, "hidden" | "collapse")),
            "opacity" => style.gone |= value.parse().is_ok_and(|opacity: f32| opacity < 0.05),
            "font-size" => style.tiny = Some(size(value).is_some_and(|size| size < TINY)),
            "font" => style.tiny = font_size(value).map(|size| size < TINY).or(style.tiny),
            "color" if value == "transparent" => style.gone = true,
            "color" => style.colour = Some(colour(value)),
            "background" | "background-color" | "background-image" => style.back = background(value).or(style.back),
            "unicode-bidi" => style.overrides = Some(matches!(value, "bidi-override" | "isolate-override")),
            "direction" => style.to_left = Some(value == "rtl"),
            "overflow" => clipped = value == "hidden",
            "max-height" | "height" | "width" | "max-width" => flat |= size(value).is_some_and(|size| size < TINY),
            "position" => absolute = matches!(value, "absolute" | "fixed"),
            "left" | "top" | "right" | "bottom" => far |= size(value).is_some_and(|size| size < FAR),
            "text-indent" | "margin-left" | "margin-top" => style.gone |= size(value).is_some_and(|size| size < FAR),
            _ => {}
        }
    }
    style.gone |= clipped && flat || absolute && far;
    style
}

/// A length in pixels or points; of other units only nothing and far out count.
fn size(value: &str) -> Option<f32> {
    let end = value.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | '+')).unwrap_or(value.len());
    let number: f32 = value.get(..end)?.parse().ok()?;
    let unit = value.get(end..)?.trim();
    let small = number.abs() < f32::EPSILON || matches!(unit, "px" | "pt" | "");
    // One em is about a line.
    Some(if small { number } else { number * 12.0 }).filter(|_| unit != "%" || number <= 1.0)
}

/// The size in `font: italic 12px/20px Arial`.
fn font_size(value: &str) -> Option<f32> {
    let word = value.split_ascii_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let word = word.split('/').next()?;
    // Without a unit it is a weight.
    size(word).filter(|_| !word.ends_with(|c: char| c.is_ascii_digit()) || word == "0")
}

/// The colour of `background`: `None` where it names none, `Some(None)` behind a picture.
fn background(value: &str) -> Option<Option<Colour>> {
    if value.contains("url(") || value.contains("gradient") {
        return Some(None);
    }
    if matches!(value, "none" | "transparent" | "inherit" | "initial" | "unset") {
        return None;
    }
    Some(colour(value).or_else(|| value.split_ascii_whitespace().find_map(colour)))
}

/// A colour by number or name.
pub(crate) fn colour(value: &str) -> Option<Colour> {
    let value = value.trim();
    let hex = value.strip_prefix('#').unwrap_or(value);
    if hex.bytes().all(|byte| byte.is_ascii_hexdigit()) && matches!(hex.len(), 3 | 4 | 6 | 8) {
        let short = hex.len() < 6;
        let part = |at: usize| -> Option<u8> {
            let digits =
                if short { hex.get(at..at.checked_add(1)?)? } else { hex.get(at.checked_mul(2)?..)?.get(..2)? };
            let number = u8::from_str_radix(digits, 16).ok()?;
            Some(if short { number.wrapping_mul(17) } else { number })
        };
        return Some([part(0)?, part(1)?, part(2)?]);
    }
    if let Some(inner) = value.strip_prefix("rgb(").or_else(|| value.strip_prefix("rgba(")) {
        let mut parts = inner.trim_end_matches(')').split([',', ' ', '/']).filter(|part| !part.is_empty());
        let mut next = || parts.next()?.parse::<u8>().ok();
        return Some([next()?, next()?, next()?]);
    }
    let named = match value {
        "white" | "window" => [255, 255, 255],
        "black" | "windowtext" => [0, 0, 0],
        "snow" => [255, 250, 250],
        "ivory" => [255, 255, 240],
        "whitesmoke" => [245, 245, 245],
        "red" => [255, 0, 0],
        "green" => [0, 128, 0],
        "blue" => [0, 0, 255],
        "yellow" => [255, 255, 0],
        "gray" | "grey" => [128, 128, 128],
        "silver" => [192, 192, 192],
        "navy" => [0, 0, 128],
        _ => return None,
    };
    Some(named)
}

/// The rules of a document's style sheets that hide something, or turn writing round: `.class`, `#id` or `element`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sheet(BTreeMap<String, Style>);

impl Sheet {
    /// Adds a style sheet.
    pub(crate) fn add(&mut self, css: &str) {
        let mut rest = css;
        while let Some((selectors, behind)) = rest.split_once('{') {
            let selectors = selectors.rsplit("*/").next().unwrap_or("").trim();
            let selectors = selectors.rsplit([';', '}']).next().unwrap_or("").trim().trim_start_matches("<!--").trim();
            if selectors.starts_with('@') {
                rest = behind_block(behind);
                continue;
            }
            let (body, behind) = behind.split_once('}').unwrap_or((behind, ""));
            let style = read(body);
            let hides = style.gone || style.invisible == Some(true) || style.tiny == Some(true);
            if hides || style.overrides == Some(true) {
                for selector in selectors.split(',').map(str::trim) {
                    let simple = !selector.contains([' ', '>', '[', ':', '+', '~', '*']) && !selector.is_empty();
                    if simple && self.0.len() < MAX_RULES {
                        self.0.insert(selector.to_ascii_lowercase(), style);
                    }
                }
            }
            rest = behind;
        }
    }

    /// Whether there is no rule.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the rules say of an element with these classes and this id.
    pub(crate) fn of(&self, element: &str, classes: &str, id: &str) -> Vec<Style> {
        let element = element.to_ascii_lowercase();
        let class = |class: &str| format!(".{}", class.to_ascii_lowercase());
        let classes: Vec<String> = classes.split_ascii_whitespace().take(16).map(class).collect();
        let id = format!("#{}", id.trim().to_ascii_lowercase());
        let both = classes.iter().map(|class| format!("{element}{class}"));
        let keys = classes.iter().cloned().chain(both).chain([format!("{element}{id}"), id, element.clone()]);
        keys.filter_map(|key| self.0.get(&key).copied()).collect()
    }
}

/// What follows a block, behind its `{`; blocks in it count.
fn behind_block(css: &str) -> &str {
    let mut depth = 1_u32;
    for (at, byte) in css.bytes().enumerate() {
        match byte {
            b'{' => depth = depth.saturating_add(1),
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return css.get(at.saturating_add(1)..).unwrap_or("");
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_text_is_known() {
        let hidden = [
            "display:none",
            "DISPLAY : None !important; color: red",
            "visibility: hidden",
            "font-size:0",
            "font-size:1px",
            "font: 0/0 a",
            "opacity:0",
            "color:#fff",
            "color:white;background:#FEFEFE",
            "color:rgb(10,20,30);background-color:rgb(12, 21, 30)",
            "color: transparent",
            "position:absolute; left:-9999px",
            "text-indent:-5000px",
            "max-height:0;overflow:hidden",
            "mso-hide:all",
        ];
        for style in hidden {
            assert!(Look::default().within(&read(style)).is_hidden(), "{style}");
        }
        let seen = [
            "",
            "display:block",
            "font-size:12px",
            "font:bold 14px/20px Arial",
            "font-size:100%",
            "font-size:0.9em",
            "opacity:0.5",
            "color:#fff;background:#000",
            "color:#fff;background:url(x.png)",
            "max-height:0",
            "left:-9999px",
            "height:1px",
        ];
        for style in seen {
            assert!(!Look::default().within(&read(style)).is_hidden(), "{style}");
        }
        let inner = Look::default().within(&read("font-size:0")).within(&read("font-size:14px"));
        assert!(!inner.is_hidden());
        assert!(Look::default().within(&read("display:none")).within(&read("display:block")).is_hidden());
    }

    #[test]
    fn simple_rules_hide() {
        let mut sheet = Sheet::default();
        sheet.add("<!-- p{color:red} .pre, td.x {display:none} @media screen{.m{display:none} .n{}} #i{font-size:0}");
        let hidden = |element, classes, id| !sheet.of(element, classes, id).is_empty();
        assert!(hidden("SPAN", "a PRE", ""));
        assert!(hidden("td", "x", "") && !hidden("tr", "x", ""));
        assert!(hidden("p", "", "i") && !hidden("p", "m n", "") && !hidden("p", "", ""));
    }
}
