//! The sealed bytes of mails in the outbox: `outbox/ID`, made in `outbox/tmp/`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use mail::arrival::Surface;

use super::{NewQueued, QueueId};
use crate::Original;
use crate::backup::{WRITE_BUFFER, pour, sealing_error, trailer};
use crate::entry::{BackupId, NewEntry, SenderType};
use crate::error::{StoreError, io_error};
use crate::files::{make_dir, remove_unfinished, sync_dir};
use crate::keys::Keys;
use crate::sealed::{CHUNK, Kind, Opened, Sealer, broken};

/// Names that are tried for a new mail.
const MAX_TRIES: u32 = 64;

/// The directory.
pub(crate) struct QueueFiles {
    root: PathBuf,
}

impl QueueFiles {
    /// Opens `outbox/` in a data directory and removes unfinished files.
    pub(crate) fn open(dir: &Path) -> Result<Self, StoreError> {
        let root = dir.join("outbox");
        let tmp = root.join("tmp");
        if !tmp.is_dir() {
            make_dir(&root)?;
            make_dir(&tmp)?;
            sync_dir(&root)?;
            sync_dir(dir)?;
        }
        remove_unfinished(&tmp)?;
        Ok(Self { root })
    }

    /// Whether a data directory holds mail of an outbox.
    pub(crate) fn any(dir: &Path) -> bool {
        let names = fs::read_dir(dir.join("outbox")).into_iter().flatten().flatten().map(|entry| entry.file_name());
        names.filter_map(|name| name.into_string().ok()).any(|name| name.parse::<QueueId>().is_ok())
    }

    fn place(&self, id: QueueId) -> PathBuf {
        self.root.join(id.to_string())
    }

    /// Seals a mail's bytes into a durable file of a new name; its name and bytes on disk.
    pub(crate) fn put(
        &self,
        mail: &NewQueued,
        body: &mut dyn Read,
        keys: &Keys,
        count: impl Fn() -> u32,
    ) -> Result<(QueueId, u64), StoreError> {
        let (id, path, file) = self.stage(mail.created_ms, count)?;
        let written = self.write(id, &path, file, mail, body, keys);
        if written.is_err() {
            let _ = fs::remove_file(&path);
            self.remove(id);
        }
        written.map(|stored| (id, stored))
    }

    /// A file under a name that nothing has yet.
    fn stage(&self, created_ms: u64, count: impl Fn() -> u32) -> Result<(QueueId, PathBuf, File), StoreError> {
        for _ in 0..MAX_TRIES {
            let id = QueueId(BackupId::new(created_ms, count()));
            let path = self.root.join("tmp").join(id.to_string());
            if self.place(id).exists() {
                continue;
            }
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => return Ok((id, path, file)),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(io_error("create", &path, e)),
            }
        }
        Err(StoreError::TooLarge { what: "the number of mails in one millisecond", limit: MAX_TRIES.into() })
    }

    fn write(
        &self,
        id: QueueId,
        path: &Path,
        file: File,
        mail: &NewQueued,
        body: &mut dyn Read,
        keys: &Keys,
    ) -> Result<u64, StoreError> {
        let fail = |e| sealing_error(path, e);
        let out = io::BufWriter::with_capacity(WRITE_BUFFER, file);
        let mut sealer = Sealer::new(out, Kind::Queued, keys).map_err(fail)?;
        pour(body, mail.size, |data| sealer.push(data).map_err(fail))?;
        let (out, _) = sealer.finish(|address| trailer(id.0, &described(mail), address)).map_err(fail)?;
        let file = out.into_inner().map_err(|e| fail(e.into_error()))?;
        file.sync_all().map_err(|e| io_error("make durable", path, e))?;
        let stored = file.metadata().map_err(|e| io_error("look at", path, e))?.len();
        let to = self.place(id);
        fs::rename(path, &to).map_err(|e| io_error("put in place", &to, e))?;
        sync_dir(&self.root)?;
        Ok(stored)
    }

    /// Opens a mail's bytes.
    pub(crate) fn read(&self, id: QueueId, keys: &Keys) -> Result<Original, StoreError> {
        let path = self.place(id);
        let file = File::open(&path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => {
                StoreError::Corrupted { what: "the file of the mail is missing", path: path.clone() }
            }
            _ => io_error("open", &path, e),
        })?;
        let file: Box<dyn crate::files::Source> = Box::new(file);
        let opened = Opened::new(io::BufReader::with_capacity(CHUNK, file), keys).map_err(|e| match broken(&e) {
            Some(what) => StoreError::Corrupted { what, path: path.clone() },
            None => io_error("read", &path, e),
        })?;
        if opened.kind != Kind::Queued || opened.trailer.id != id.0 {
            return Err(StoreError::Corrupted { what: "the file is another mail than its name says", path });
        }
        Ok(Original::of(opened, keys))
    }

    /// Removes a file. Best effort: one that stays has no row, and goes at the next opening.
    pub(crate) fn remove(&self, id: QueueId) {
        match fs::remove_file(self.place(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%id, %error, "the file of a mail in the outbox could not be removed");
            }
            _ => {}
        }
    }

    /// The names of all files.
    pub(crate) fn names(&self) -> Result<Vec<QueueId>, StoreError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.root).map_err(|e| io_error("list", &self.root, e))? {
            let name = entry.map_err(|e| io_error("list", &self.root, e))?.file_name();
            match name.to_str().map(str::parse) {
                Some(Ok(id)) => names.push(id),
                _ if name == "tmp" => {}
                _ => tracing::warn!(name = %name.to_string_lossy().escape_debug(), "a foreign file lies in the outbox"),
            }
        }
        Ok(names)
    }
}

/// What the sealed file says of itself: enough for somebody who has only the file and the key.
fn described(mail: &NewQueued) -> NewEntry {
    NewEntry {
        id: mail.message,
        surface: Surface::Smtp,
        direction: mail.direction,
        mail_from: mail.mail_from.clone(),
        recipients: mail.recipients.iter().map(|r| r.address.clone()).collect(),
        header_from: None,
        header_to: None,
        header_cc: None,
        subject: None,
        date: None,
        objects: Vec::new(),
        status: "queued".to_owned(),
        reason: mail.kind.name().to_owned(),
        malware: Vec::new(),
        sender_type: SenderType::External,
        peer_ip: None,
        connection: 0,
        size: mail.size,
        spam: None,
        action: "queued".to_owned(),
        received_ms: mail.created_ms,
    }
}
