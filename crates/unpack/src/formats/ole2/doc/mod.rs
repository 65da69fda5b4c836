//! Documents of Word 97 to 2003 (MS-DOC): their text piece by piece, what of it is hidden, and fields
//! that start programs or load content from elsewhere.
//!
//! Limits: [`MAX_PIECES`], [`MAX_TEXT`], those of the readers beside this one, and the budget. Not handled: documents
//! before Word 97, whose streams are given as they stand; the old XOR obfuscation, which is reported as
//! encrypted; text that is hidden by a style, or by having the colour of the paper.

mod fields;

pub use fields::acts as field_acts;
mod hidden;

use mail::evidence::{Active, UnscannedReason};

use super::acting_links;
use super::crypt::{Closed, Legacy};
use super::text::{decode, utf16};
use super::work::Work;
use crate::budget::Limit;
use crate::bytes::{between, le16, le32};
use crate::views::Views;
use crate::views::links::kept;
use fields::Fields;
use hidden::Hidden;

/// Most pieces of one document.
const MAX_PIECES: usize = 1 << 20;
/// Most bytes of text that are read: pieces may lie over one another.
const MAX_TEXT: usize = 32 << 20;
/// What a letter costs, in fuel: it is looked at several times.
const LETTER_FUEL: u64 = 16;
/// What a byte costs that is looked through for links, in fuel.
const LINK_FUEL: u64 = 3;
/// What a piece costs, in fuel, beside its bytes.
const PIECE_FUEL: u64 = 32;
/// Length of what is never encrypted at the start of the main stream, in bytes (MS-DOC 2.2.6.2).
const PLAIN: usize = 68;
/// The key changes with each block of these bytes.
const BLOCK: usize = 512;
/// Starts a document of Word 6 and after.
const MAGIC: [u16; 2] = [0xa5ec, 0xa5dc];
/// The version of Word 97 in the head; what is less is older.
const WORD_97: u16 = 0x00c1;
/// Flags of the head.
const ENCRYPTED: u16 = 0x0100;
const SECOND_TABLE: u16 = 0x0200;
const OBFUSCATED: u16 = 0x8000;

/// A document's streams.
struct Document {
    main: Vec<u8>,
    table: Vec<u8>,
    /// Pictures, and where links lead.
    data: Vec<u8>,
}

/// One piece: where its text stands, and how wide its letters are.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// Where it starts in the main stream.
    pub start: usize,
    /// How many letters it has.
    pub letters: usize,
    /// Whether a letter takes two bytes, in place of one.
    pub wide: bool,
}

/// The pieces of a document's text, in the order in which it is shown, by its main stream and its table
/// stream, which are not encrypted; `None` if they cannot be found.
pub fn pieces(main: &[u8], table: &[u8]) -> Option<Vec<Piece>> {
    list(table_part(main, table, 33))
}

/// Reads a document and gives what it shows and does.
pub(crate) fn document(number: u32, work: &mut Work<'_>) {
    let Some(storage) = work.cfb.entry(number).map(|entry| entry.parent) else { return };
    let main = work.read(number).bytes;
    let version = le16(&main, 2).unwrap_or(0);
    if !le16(&main, 0).is_some_and(|magic| MAGIC.contains(&magic)) || version < WORD_97 {
        return;
    }
    let flags = le16(&main, 10).unwrap_or(0);
    let name = if flags & SECOND_TABLE != 0 { "1Table" } else { "0Table" };
    let Some(table) = work.cfb.find(storage, name) else { return work.problem(UnscannedReason::Damaged) };
    let data = work.cfb.find(storage, "Data").map(|number| work.read(number).bytes).unwrap_or_default();
    let mut document = Document { main, table: work.read(table).bytes, data };
    if flags & ENCRYPTED != 0
        && let Err(closed) = document.decrypt(flags, [number, table], storage, work)
    {
        return work.problem(closed.into());
    }
    work.made.known.extend([number, table]);
    let mut views = Views::default();
    document.template(&mut views);
    document.links(&mut views, work);
    if document.text(&mut views, work).is_none() {
        work.problem(UnscannedReason::Damaged);
    }
    work.views(views);
}

impl Document {
    /// Decrypts the streams, and gives them in place of those that are encrypted.
    fn decrypt(&mut self, flags: u16, streams: [u32; 2], storage: u32, work: &mut Work<'_>) -> Result<(), Closed> {
        if flags & OBFUSCATED != 0 {
            return Err(Closed::Encrypted);
        }
        let head = (le32(&self.main, 14).unwrap_or(0) as usize).min(self.table.len());
        let (key, source) = Legacy::unlock(between(&self.table, 0, head), work.budget)?;
        undo(&key, &mut self.main, PLAIN, work)?;
        undo(&key, &mut self.table, head, work)?;
        let all = [("WordDocument", self.main.clone(), streams[0]), ("Table", self.table.clone(), streams[1])];
        for (name, content, number) in all {
            work.made.taken.insert(number);
            work.decrypted(name, content, source);
        }
        if let Some(number) = work.cfb.find(storage, "Data") {
            undo(&key, &mut self.data, 0, work)?;
            work.made.taken.insert(number);
            work.decrypted("Data", self.data.clone(), source);
        }
        Ok(())
    }

    /// A place and a length in the table stream, by its number in the head (MS-DOC 2.5.6).
    fn part(&self, number: usize) -> &[u8] {
        table_part(&self.main, &self.table, number)
    }

    /// Notes a template that is loaded from elsewhere (`SttbfAssoc`, 2.9.272).
    fn template(&self, views: &mut Views) {
        let names = self.part(32);
        let mut at = 6_usize;
        for number in 0..3 {
            let Some(letters) = le16(names, at) else { return };
            let start = at.saturating_add(2);
            at = start.saturating_add(usize::from(letters).saturating_mul(2));
            let name = utf16(between(names, start, at));
            if number == 1 && fields::is_remote(&name) {
                views.act(Active::RemoteTemplate, Some("template"), name);
            }
        }
    }

    /// Notes links that act, of fields (MS-DOC 2.9.119) and of drawings: programs follow these, and not what stands in
    /// the instruction of a field.
    fn links(&self, views: &mut Views, work: &mut Work<'_>) {
        for stream in [&self.data, &self.table] {
            if let Err(limit) = work.burn((stream.len() as u64).saturating_mul(LINK_FUEL)) {
                return work.problem(limit.into());
            }
            let (acting, over) = acting_links(stream);
            acting.iter().for_each(|link| views.act(Active::Launch, Some("link"), kept(&link.address)));
            if over {
                views.limit();
            }
        }
    }

    /// The text, in the order in which it is shown; `None` if it cannot be found.
    fn text(&self, views: &mut Views, work: &mut Work<'_>) -> Option<()> {
        let pieces = pieces(&self.main, &self.table)?;
        let hidden = Hidden::read(self.part(12), &self.main);
        let (mut fields, mut read) = (Fields::default(), 0_usize);
        for piece in pieces {
            let width = if piece.wide { 2 } else { 1 };
            let end = piece.start.saturating_add(piece.letters.saturating_mul(width));
            let bytes = between(&self.main, piece.start, end);
            read = read.saturating_add(bytes.len());
            let fuel = (bytes.len() as u64).saturating_mul(LETTER_FUEL).saturating_add(PIECE_FUEL);
            if let Err(reason) = over(work.burn(fuel), read) {
                work.problem(reason);
                break;
            }
            // Runs of letters that are all shown or all hidden.
            let mut at = piece.start;
            while at < piece.start.saturating_add(bytes.len()) {
                let (is_hidden, until) = hidden.at(at);
                let until = until.clamp(at.saturating_add(width), end);
                let run = between(&self.main, at, until);
                let text = if piece.wide { utf16(run) } else { decode(run, 1252) };
                text.chars().for_each(|letter| fields.push(letter, is_hidden, views));
                at = until;
            }
        }
        fields.finish(views);
        Some(())
    }
}

/// The list of pieces (`Clx`, 2.9.38): behind changes of format that are passed over.
fn list(clx: &[u8]) -> Option<Vec<Piece>> {
    let mut at = 0_usize;
    while clx.get(at) == Some(&1) {
        at = at.checked_add(3)?.checked_add(le16(clx, at.checked_add(1)?)?.into())?;
    }
    if clx.get(at) != Some(&2) {
        return None;
    }
    let size = le32(clx, at.checked_add(1)?)? as usize;
    let start = at.checked_add(5)?;
    let list = between(clx, start, start.saturating_add(size));
    let count = list.len().saturating_sub(4) / 12;
    let places = between(list, count.saturating_add(1).saturating_mul(4), list.len());
    let piece = |number: usize| {
        let at = number.saturating_mul(4);
        let letters = le32(list, at.saturating_add(4))?.checked_sub(le32(list, at)?)? as usize;
        let place = le32(places, number.saturating_mul(8).saturating_add(2))?;
        // Letters of one byte stand at half the place that is said (2.9.73).
        let narrow = place & 0x4000_0000 != 0;
        let start = (place & 0x3fff_ffff) as usize;
        Some(Piece { start: if narrow { start / 2 } else { start }, letters, wide: !narrow })
    };
    Some((0..count.min(MAX_PIECES)).filter_map(piece).collect())
}

/// A place and a length in the table stream, by its number in the head (MS-DOC 2.5.6).
fn table_part<'a>(main: &[u8], table: &'a [u8], number: usize) -> &'a [u8] {
    let at = number.saturating_mul(8).saturating_add(0x9a);
    let (start, size) = (le32(main, at).unwrap_or(0), le32(main, at.saturating_add(4)).unwrap_or(0));
    between(table, start as usize, (start as usize).saturating_add(size as usize))
}

/// Which limit ends the reading of pieces, if one does.
fn over(burnt: Result<(), Limit>, read: usize) -> Result<(), UnscannedReason> {
    burnt?;
    if read > MAX_TEXT { Err(UnscannedReason::LimitBytes) } else { Ok(()) }
}

/// Decrypts a stream but for its head.
fn undo(key: &Legacy, data: &mut [u8], head: usize, work: &mut Work<'_>) -> Result<(), Closed> {
    let plain = between(data, 0, head).to_vec();
    key.decrypt(data, BLOCK, work.budget)?;
    data.iter_mut().zip(plain).for_each(|(byte, old)| *byte = old);
    Ok(())
}
