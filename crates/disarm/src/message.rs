//! A message in a file without some of its parts: a removed part is replaced by a line of text, so that
//! the message keeps its structure and tells of it.

use mail::edit::{Edit, EditSet, NewPart, with_charset};
use mail::graph::{self, Limits};
use unpack::Member;

use crate::DisarmError;
use crate::remove::{Change, Changes};

/// What stands in place of a part.
const NOTICE: &str = "This part was removed because of what was found in it.\r\n";

/// The message with these changes.
///
/// # Errors
/// [`DisarmError::Format`] for a part that does not stand in the raw bytes.
pub(crate) fn edit(data: &[u8], members: &[Member], changes: &Changes) -> Result<Vec<u8>, DisarmError> {
    let message = graph::parse(data, &Limits::default());
    let mut edits = Vec::new();
    for member in members {
        let Some(change) = changes.get(&member.index) else { continue };
        let entity = member.entity.ok_or(DisarmError::Format)?;
        let name = member.name.as_ref().map(|name| name.raw().clone());
        let part = match change {
            Change::Remove => NewPart {
                media: "text/plain".to_owned(),
                charset_utf8: true,
                name: name.map(|name| format!("{name}.removed.txt")),
                attachment: member.attachment,
                body: NOTICE.as_bytes().to_vec(),
                again: false,
            },
            Change::Content { bytes, suffix } => NewPart {
                media: match (*suffix, member.declared.as_ref()) {
                    ("", Some(declared)) => with_charset(&message, entity, declared.raw()),
                    _ => "application/octet-stream".to_owned(),
                },
                charset_utf8: false,
                name: name.map(|name| format!("{name}{suffix}")),
                attachment: member.attachment,
                body: bytes.clone(),
                again: true,
            },
        };
        edits.push(Edit::Replace { entity, part });
    }
    let edits = EditSet::new(&message, edits).map_err(|_| DisarmError::NotSound)?;
    mail::render::member(&message, &edits).map(|new| new.to_vec()).map_err(|_| DisarmError::NotSound)
}
