//! Formulas as text: the tokens of a formula stand in the order in which they are computed (MS-XLS
//! 2.2.2), and become a tree that is then written out.
//!
//! `CHAR(n)` of a number and the joining of known texts are computed, because macros are hidden so. A
//! token that is not known ends the formula with `?` and its number. Limits: [`MAX_TOKENS`],
//! [`MAX_TEXT`], [`MAX_JOINED`]. Not handled: natural-language formulas, and the content of arrays.

use super::functions;
use super::records::Form;
use crate::bytes::{le16, le32, le64};

/// Most tokens of one formula.
const MAX_TOKENS: usize = 8192;
/// Longest text of a formula, in bytes.
const MAX_TEXT: usize = 32 * 1024;
/// Longest text, in bytes, that is joined to another one while reading.
const MAX_JOINED: usize = 256;
/// Between two operands.
const BINARY: [&str; 15] = ["+", "-", "*", "/", "^", "&", "<", "<=", "=", ">=", ">", "<>", " ", ",", ":"];
/// The function that a workbook or add-in defines: its name is the first argument.
const DEFINED: u16 = 255;

/// What formulas name by number.
pub(super) trait Names {
    /// A name, by its number from 1.
    fn name(&self, number: u32) -> String;
    /// A name elsewhere.
    fn outer_name(&self, sheet: u16, number: u32) -> String;
    /// A sheet, by its number in the list of what formulas refer to.
    fn sheet(&self, number: u16) -> String;
    /// A sheet before Excel 97, by its book's number, which is negative for this one, and its own.
    fn old_sheet(&self, book: u16, number: u16) -> String;
}

/// One node of the tree.
enum Node {
    /// As it is written.
    Text(String),
    /// A string, without its quotation marks.
    String(String),
    /// Pieces, and the nodes between them: the first piece, then node and piece in turn.
    Call { head: String, between: &'static str, tail: &'static str, arguments: Vec<usize> },
}

/// A formula being read.
pub(super) struct Formula<'a> {
    tokens: &'a [u8],
    at: usize,
    form: Form,
    /// The cell it stands in: row and column, from 0.
    cell: (u16, u16),
    nodes: Vec<Node>,
    stack: Vec<usize>,
}

/// A formula as text, without an equals sign.
pub(super) fn render(tokens: &[u8], form: Form, cell: (u16, u16), names: &dyn Names) -> String {
    let mut formula = Formula { tokens, at: 0, form, cell, nodes: Vec::new(), stack: Vec::new() };
    for _ in 0..MAX_TOKENS {
        let Some(token) = formula.number(1) else { break };
        // A token that is cut off ends it too.
        if formula.token(token, names).is_none() {
            formula.push(Node::Text(format!("?{token:02x}")));
            break;
        }
    }
    formula.text()
}

/// The name of a cell: `A1`.
pub(super) fn cell_name(row: u16, column: u16) -> String {
    let mut letters = Vec::new();
    let mut rest = u32::from(column).saturating_add(1);
    while rest > 0 {
        let digit = rest.saturating_sub(1) % 26;
        letters.push(char::from(b'A'.saturating_add(u8::try_from(digit).unwrap_or(0))));
        rest = rest.saturating_sub(1) / 26;
    }
    let letters: String = letters.into_iter().rev().collect();
    format!("{letters}{}", u32::from(row).saturating_add(1))
}

impl Formula<'_> {
    /// The next little-endian number.
    fn number(&mut self, bytes: usize) -> Option<u32> {
        let number = match bytes {
            1 => self.tokens.get(self.at).copied().map(u32::from),
            2 => le16(self.tokens, self.at).map(u32::from),
            _ => le32(self.tokens, self.at),
        };
        self.at = self.at.saturating_add(bytes);
        number
    }

    fn short(&mut self) -> Option<u16> {
        self.number(2).and_then(|number| u16::try_from(number).ok())
    }

    fn skip(&mut self, bytes: usize) -> Option<()> {
        self.at = self.at.checked_add(bytes)?;
        (self.at <= self.tokens.len()).then_some(())
    }

    fn push(&mut self, node: Node) {
        self.stack.push(self.nodes.len());
        self.nodes.push(node);
    }

    fn put(&mut self, text: impl Into<String>) -> Option<()> {
        self.push(Node::Text(text.into()));
        Some(())
    }

    fn pop(&mut self) -> usize {
        self.stack.pop().unwrap_or_else(|| {
            self.nodes.push(Node::Text("?".to_owned()));
            self.nodes.len().saturating_sub(1)
        })
    }

    /// A function or an operator around the last `count` operands.
    fn call(&mut self, head: String, between: &'static str, tail: &'static str, count: usize) {
        let mut arguments: Vec<usize> = (0..count.min(self.stack.len().max(1))).map(|_| self.pop()).collect();
        arguments.reverse();
        self.push(Node::Call { head, between, tail, arguments });
    }

    /// One token; `None` if it is not known or cut off.
    fn token(&mut self, token: u32, names: &dyn Names) -> Option<()> {
        // The upper ones exist three times, by what becomes of their value.
        let base = if token >= 0x20 { token & 0x1f | 0x20 } else { token };
        match base {
            0x01 | 0x02 => {
                self.skip(4)?;
                self.put("(shared)")
            }
            0x03..=0x11 => self.binary(base),
            0x12 => self.unary("+", ""),
            0x13 => self.unary("-", ""),
            0x14 => self.unary("", "%"),
            0x15 => self.parenthesis(),
            0x16 => self.put(""),
            0x17 => {
                let (text, end) = self.form.short(self.tokens, self.at);
                self.at = end;
                self.push(Node::String(text));
                Some(())
            }
            0x19 => self.attribute(),
            0x1c => {
                let code = self.number(1)?;
                self.put(format!("#ERR{code}"))
            }
            0x1d => {
                let value = self.number(1)? != 0;
                self.put(if value { "TRUE" } else { "FALSE" })
            }
            0x1e => {
                let value = self.number(2)?;
                self.put(value.to_string())
            }
            0x1f => {
                let bits = le64(self.tokens, self.at)?;
                self.skip(8)?;
                self.put(f64::from_bits(bits).to_string())
            }
            _ => self.operand(base, names),
        }
    }

    /// Functions, names and references.
    fn operand(&mut self, base: u32, names: &dyn Names) -> Option<()> {
        let wide = self.form.wide;
        match base {
            0x20 => {
                self.skip(7)?;
                self.put("{array}")
            }
            0x21 => self.function(None),
            0x22 => {
                let count = self.number(1)? & 0x7f;
                self.function(Some(count as usize))
            }
            0x23 => {
                let number = self.number(2)?;
                self.skip(if wide { 2 } else { 12 })?;
                self.put(names.name(number))
            }
            0x24 | 0x2c => {
                let cell = self.reference(base == 0x2c)?;
                self.put(cell)
            }
            0x25 | 0x2d => {
                let area = self.area(base == 0x2d)?;
                self.put(area)
            }
            0x26..=0x28 => self.skip(6),
            0x29 | 0x2e | 0x2f => self.skip(2),
            0x2a | 0x2b => {
                let size = if base == 0x2a {
                    if wide { 4 } else { 3 }
                } else if wide {
                    8
                } else {
                    6
                };
                self.skip(size)?;
                self.put("#REF!")
            }
            0x39..=0x3d => self.elsewhere(base, names),
            _ => None,
        }
    }

    /// Names and references that stand in another sheet.
    fn elsewhere(&mut self, base: u32, names: &dyn Names) -> Option<()> {
        let sheet = self.short()?;
        if base == 0x39 {
            let number = if self.form.wide {
                self.number(4)?
            } else {
                self.skip(8)?;
                let number = self.number(2)?;
                self.skip(12)?;
                number
            };
            return self.put(names.outer_name(sheet, number));
        }
        let sheet = if self.form.wide {
            names.sheet(sheet)
        } else {
            // A negative number is of this workbook; its sheets are numbered behind eight bytes.
            self.skip(8)?;
            let (first, _) = (self.short()?, self.short()?);
            names.old_sheet(sheet, first)
        };
        let place = match base {
            0x3a => self.reference(false)?,
            0x3b => self.area(false)?,
            _ => {
                self.skip(match (base, self.form.wide) {
                    (0x3c, true) => 4,
                    (0x3c, false) => 3,
                    (_, true) => 8,
                    (_, false) => 6,
                })?;
                "#REF!".to_owned()
            }
        };
        self.put(format!("{sheet}!{place}"))
    }

    fn reference(&mut self, relative: bool) -> Option<String> {
        let row = self.short()?;
        let column = if self.form.wide { self.short()? } else { u16::try_from(self.number(1)?).ok()? };
        Some(self.cell(row, column, relative))
    }

    fn area(&mut self, relative: bool) -> Option<String> {
        let (first, last) = (self.short()?, self.short()?);
        let size = if self.form.wide { 2 } else { 1 };
        let (left, right) = (self.number(size)?, self.number(size)?);
        let cell = |row, column| Some(self.cell(row, u16::try_from(column).ok()?, relative));
        Some(format!("{}:{}", cell(first, left)?, cell(last, right)?))
    }

    /// A cell, without the marks of what stays when it is copied; `relative`: counted from this one.
    fn cell(&self, row: u16, column: u16, relative: bool) -> String {
        let (flags, row, column) =
            if self.form.wide { (column, row, column & 0x3fff) } else { (row, row & 0x3fff, column & 0xff) };
        if !relative {
            return cell_name(row, column);
        }
        let row = if flags & 0x8000 != 0 { self.cell.0.wrapping_add(row) } else { row };
        let column = if flags & 0x4000 != 0 { self.cell.1.wrapping_add(column) & 0xff } else { column };
        cell_name(row, column)
    }

    fn unary(&mut self, head: &str, tail: &'static str) -> Option<()> {
        self.call(head.to_owned(), "", tail, 1);
        Some(())
    }

    fn parenthesis(&mut self) -> Option<()> {
        let last = self.stack.last().and_then(|last| self.nodes.get(*last));
        if !matches!(last, Some(Node::String(_))) {
            self.call("(".to_owned(), "", ")", 1);
        }
        Some(())
    }

    fn binary(&mut self, base: u32) -> Option<()> {
        let operator = BINARY.get((base as usize).saturating_sub(3))?;
        if *operator == "&" && self.join() {
            return Some(());
        }
        self.call(String::new(), operator, "", 2);
        Some(())
    }

    /// Joins the last two operands if both are known texts.
    fn join(&mut self) -> bool {
        let Some(&[left, right]) = self.stack.last_chunk::<2>() else { return false };
        let tail = match self.nodes.get(right) {
            Some(Node::String(text)) if text.len() <= MAX_JOINED => text.clone(),
            _ => return false,
        };
        let Some(Node::String(text)) = self.nodes.get_mut(left) else { return false };
        text.push_str(&tail);
        self.stack.pop();
        true
    }

    /// Jumps and the like (`PtgAttr`): shown only where they are more than layout.
    fn attribute(&mut self) -> Option<()> {
        let (kind, value) = (self.number(1)?, self.number(2)? as usize);
        if kind & 0x04 != 0 {
            self.skip(value.saturating_add(1).saturating_mul(2))?;
        }
        if kind & 0x10 != 0 {
            self.call("SUM(".to_owned(), "", ")", 1);
        }
        Some(())
    }

    fn function(&mut self, count: Option<usize>) -> Option<()> {
        let number = self.short()?;
        if number & 0x8000 != 0 {
            let number = number & 0x7fff;
            let name = functions::command(number).map_or_else(|| format!("COMMAND.{number}"), str::to_owned);
            self.call(name + "(", ",", ")", count.unwrap_or(0));
            return Some(());
        }
        let known = functions::function(number);
        let count = count.unwrap_or_else(|| known.and_then(|(_, count)| count).unwrap_or(1).into());
        if number == DEFINED && count > 0 {
            let name = self.stack.len().checked_sub(count).filter(|at| *at < self.stack.len());
            let name = name.map(|at| self.stack.remove(at)).and_then(|name| self.nodes.get(name));
            let name = match name {
                Some(Node::Text(name) | Node::String(name)) => name.clone(),
                _ => "?".to_owned(),
            };
            self.call(name + "(", ",", ")", count.saturating_sub(1));
            return Some(());
        }
        let name = known.map_or_else(|| format!("FUNCTION.{number}"), |(name, _)| name.to_owned());
        let letter = (name == "CHAR" && count == 1).then(|| self.letter()).flatten();
        match letter {
            Some(letter) => {
                self.stack.pop();
                self.push(Node::String(letter.to_string()));
            }
            None => self.call(name + "(", ",", ")", count),
        }
        Some(())
    }

    /// The letter whose number is the last operand.
    fn letter(&self) -> Option<char> {
        let Node::Text(number) = self.nodes.get(*self.stack.last()?)? else { return None };
        let number = number.parse::<f64>().ok().filter(|number| (1.0..256.0).contains(number))?;
        (1..=255_u8).rev().find(|byte| f64::from(*byte) <= number).map(char::from)
    }

    /// Writes the tree, without recursion.
    fn text(&self) -> String {
        enum Piece<'b> {
            Node(usize),
            Text(&'b str),
        }
        let mut out = String::new();
        let mut waiting: Vec<Piece<'_>> = Vec::new();
        for top in self.stack.iter().rev() {
            waiting.push(Piece::Text(" "));
            waiting.push(Piece::Node(*top));
        }
        while let Some(piece) = waiting.pop() {
            if out.len() > MAX_TEXT {
                out.push('…');
                break;
            }
            let node = match piece {
                Piece::Text(text) => {
                    out.push_str(text);
                    continue;
                }
                Piece::Node(node) => self.nodes.get(node),
            };
            match node {
                Some(Node::Text(text)) => out.push_str(text),
                Some(Node::String(text)) => {
                    out.push('"');
                    out.push_str(&text.replace('"', "\"\""));
                    out.push('"');
                }
                Some(Node::Call { head, between, tail, arguments }) => {
                    out.push_str(head);
                    waiting.push(Piece::Text(tail));
                    for (at, argument) in arguments.iter().enumerate().rev() {
                        waiting.push(Piece::Node(*argument));
                        if at > 0 {
                            waiting.push(Piece::Text(between));
                        }
                    }
                }
                None => {}
            }
        }
        out.truncate(out.trim_end().len());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Numbers;
    impl Names for Numbers {
        fn name(&self, number: u32) -> String {
            format!("name{number}")
        }
        fn outer_name(&self, sheet: u16, number: u32) -> String {
            format!("outer{sheet}.{number}")
        }
        fn sheet(&self, number: u16) -> String {
            format!("sheet{number}")
        }
        fn old_sheet(&self, _: u16, number: u16) -> String {
            format!("sheet{number}")
        }
    }

    const NEW: Form = Form { wide: true, page: 1252 };
    const OLD: Form = Form { wide: false, page: 1252 };

    #[test]
    fn formulas_read_as_they_were_typed() {
        let cases: [(&[u8], &str); 10] = [
            (b"\x17\x04\0calc\x42\x01\x6e\0", "EXEC(\"calc\")"),
            (b"\x1e\x01\0\x1e\x02\0\x03\x15\x1e\x03\0\x05", "(1+2)*3"),
            (b"\x1e\x63\0\x41\x6f\0\x17\x03\0alc\x08", "\"calc\""),
            (b"\x44\x04\0\x02\xc0\x25\0\0\x01\0\0\xc0\x01\xc0\x42\x02\x04\0", "SUM(C5,A1:B2)"),
            (b"\x23\x02\0\0\0\x3a\x01\0\0\0\0\0\x08", "name2&sheet1!A1"),
            (b"\x39\0\0\x01\0\0\0\x1e\x05\0\x42\x02\xff\0", "outer0.1(5)"),
            (b"\x42\0\x36\0", "HALT()"),
            (b"\x17\x01\0\"\x14", "\"\"\"\"%"),
            (b"\x1e\x05\0\x18\x01", "5 ?18"),
            (b"\x03", "?"),
        ];
        for (tokens, text) in cases {
            assert_eq!(render(tokens, NEW, (0, 0), &Numbers), text, "{tokens:?}");
        }
        assert_eq!(render(b"\x17\x04calc\x44\x01\0\x02\x42\x02\x6e\0", OLD, (0, 0), &Numbers), "EXEC(\"calc\",C2)");
        assert_eq!(render(b"\x4c\xff\xff\x01\xc0", NEW, (4, 1), &Numbers), "C4");
        assert_eq!(cell_name(0, 26), "AA1");
    }

    #[test]
    fn a_deep_formula_is_written_without_a_deep_stack() {
        let deep = [&b"\x1e\x01\0"[..], &[0x13; 20_000]].concat();
        let text = render(&deep, NEW, (0, 0), &Numbers);
        assert!(text.starts_with("-----"));
        let wide = [&b"\x1e\x01\0".repeat(3000)[..], &[0x08; 3000]].concat();
        assert!(render(&wide, NEW, (0, 0), &Numbers).len() <= MAX_TEXT + 16);
    }
}
