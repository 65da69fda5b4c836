//! What this installation remembers: pictures of spam (LM-06). Asked about a message before it is judged,
//! told about it afterwards.

use std::sync::{Arc, Mutex, PoisonError};

use engines::image::{Base, Known};
use judge::policy::Policy;
use mail::evidence::{KnownPicture, Memory, Picture, Report};
use store::{Store, StoreError};

use crate::id;

/// The sample base as it was read last, and the state of the store then.
type Loaded = Option<(u64, Arc<Base>)>;

/// What is held in memory of it.
#[derive(Debug, Default)]
pub struct Recollection {
    base: Mutex<Loaded>,
}

/// Reads the sample base.
///
/// # Errors
/// What the store says.
pub fn load(store: &Store) -> Result<Base, StoreError> {
    let known = store.pictures()?.into_iter();
    Ok(Base::new(known.map(|it| Known { id: it.id, spam: it.spam, views: it.picture.views }).collect()))
}

/// The nearest known picture of spam among those of a message.
pub fn nearest(base: &Base, pictures: &[Picture]) -> Option<KnownPicture> {
    let known = |(at, picture): (usize, &Picture)| {
        let found = base.nearest(picture).filter(|found| found.spam)?;
        Some(KnownPicture { id: found.id, distance: found.distance, at: u32::try_from(at).ok()? })
    };
    pictures.iter().enumerate().filter_map(known).min_by_key(|known| known.distance)
}

impl Recollection {
    /// The sample base, read again if it was changed.
    fn base(&self, store: &Store) -> Result<Arc<Base>, StoreError> {
        let mut held = self.base.lock().unwrap_or_else(PoisonError::into_inner);
        let state = store.picture_changes();
        if let Some((known, base)) = held.as_ref()
            && *known == state
        {
            return Ok(Arc::clone(base));
        }
        let base = Arc::new(load(store)?);
        *held = Some((state, Arc::clone(&base)));
        Ok(base)
    }

    /// Whether pictures of a message are of any use: the policy wants them compared, and there is something
    /// to compare them with.
    pub async fn wants_pictures(self: &Arc<Self>, store: &Store, policies: &[Arc<Policy>]) -> bool {
        if !policies.iter().any(|policy| policy.spam.image_analysis) {
            return false;
        }
        self.with_base(store).await.is_some_and(|base| !base.is_empty())
    }

    /// What is remembered about a message.
    pub async fn recall(self: &Arc<Self>, store: &Store, report: &Report) -> Memory {
        if report.facts().pictures.is_empty() {
            return Memory::default();
        }
        let Some(base) = self.with_base(store).await else { return Memory::default() };
        Memory { picture: nearest(&base, &report.facts().pictures) }
    }

    /// The sample base; nothing, said in the log, if it cannot be read: then no picture is known.
    async fn with_base(self: &Arc<Self>, store: &Store) -> Option<Arc<Base>> {
        let (held, store) = (Arc::clone(self), store.clone());
        match tokio::task::spawn_blocking(move || held.base(&store)).await {
            Ok(Ok(base)) => Some(base),
            Ok(Err(error)) => {
                tracing::error!(%error, "the sample base of pictures cannot be read; no picture is known");
                None
            }
            Err(crash) => {
                tracing::error!(%crash, "reading the sample base of pictures crashed; no picture is known");
                None
            }
        }
    }
}

/// Notes what was found in a message, on a thread of its own: nobody waits for it.
pub(crate) fn note(store: &Store, report: &Report) {
    let Some(found) = report.memory().and_then(|memory| memory.picture) else { return };
    let store = store.clone();
    tokio::task::spawn_blocking(move || {
        if let Err(error) = store.note_picture(found.id, id::now_ms()) {
            tracing::warn!(%error, "that a known picture was seen again could not be noted");
        }
    });
}
