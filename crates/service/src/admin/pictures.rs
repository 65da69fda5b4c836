//! What an administrator can ask of the sample base of pictures (LM-06).

use engines::image::{Base, Known};
use mail::evidence::{COPY_BYTES, MAX_PICTURES, MAX_VIEWS, Memory, Picture};
use store::{Sample, Store};

use super::{AdminError, Request, Response};
use crate::memory::nearest;
use crate::{id, memory};

use super::words::ShownPicture;

/// Answers a request about pictures.
pub(super) fn answer(store: &Store, request: Request) -> Result<Response, AdminError> {
    Ok(match request {
        Request::Recall { pictures, parties } => {
            let base = memory::load(store)?;
            let pictures = checked(pictures)?;
            let contact = parties.map(|(parties, rules)| memory::contact(store, &parties, &rules)).transpose()?;
            Response::Recalled { memory: Memory { picture: nearest(&base, &pictures), contact } }
        }
        Request::PicturesShow => show(store)?,
        Request::PicturesLearn { pictures } => learn(store, checked(pictures)?)?,
        Request::PicturesRemove { ids } => remove(store, &ids)?,
        Request::PicturesForget { pictures } => forget(store, checked(pictures)?)?,
        _ => return Err(AdminError::Other("this is answered elsewhere".to_owned())),
    })
}

/// No more than one message can have.
fn checked(pictures: Vec<Picture>) -> Result<Vec<Picture>, AdminError> {
    let small = |it: &Picture| it.views.len() <= MAX_VIEWS && it.copy.len() <= COPY_BYTES;
    let fits = pictures.len() <= MAX_PICTURES && pictures.iter().all(small);
    if fits { Ok(pictures) } else { Err(AdminError::Other("more pictures than a message has".to_owned())) }
}

fn show(store: &Store) -> Result<Response, AdminError> {
    let usage = store.picture_usage()?;
    let (spam, spared): (Vec<_>, Vec<_>) = store.pictures()?.into_iter().partition(|it| it.spam);
    let shown = |it: store::Sample| ShownPicture {
        id: it.id,
        learnt_ms: it.learnt_ms,
        used_ms: it.used_ms,
        hits: it.hits,
        width: it.picture.width,
        height: it.picture.height,
    };
    let (samples, spared) = (spam.into_iter().map(shown).collect(), spared.into_iter().map(shown).collect());
    Ok(Response::Pictures { samples, spared, hits: usage.hits })
}

/// By number: the way back from what was learnt or forgotten by mistake.
fn remove(store: &Store, ids: &[i64]) -> Result<Response, AdminError> {
    let mut wanted = ids.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    let gone = store.forget_pictures(&wanted)?;
    tracing::info!(pictures = gone, "pictures were removed by number");
    let unchanged = (wanted.len() as u64).saturating_sub(gone);
    Ok(Response::PicturesChanged { changed: gone, unchanged, spared: 0 })
}

/// These samples, ready for looking up.
fn base(samples: &[Sample]) -> Base {
    Base::new(samples.iter().cloned().map(memory::known).collect())
}

fn learn(store: &Store, pictures: Vec<Picture>) -> Result<Response, AdminError> {
    let (mut changed, mut unchanged, mut spared) = (0u64, 0u64, 0u64);
    for picture in pictures {
        // Read anew each time: the pictures of one message may be like each other.
        let samples = store.pictures()?;
        let has_copy = |id: i64| samples.iter().any(|it| it.id == id && it.picture.copy.len() == COPY_BYTES);
        match base(&samples).nearest(&picture) {
            // Learnt before there were copies of this size: what is shown now takes its place.
            Some(old) if old.spam && !has_copy(old.id) => {
                store.replace_pictures(&[old.id], &picture, true, id::now_ms())?;
                changed = changed.saturating_add(1);
            }
            Some(known) if known.spam => unchanged = unchanged.saturating_add(1),
            Some(_) => spared = spared.saturating_add(1),
            None => {
                store.learn_picture(&picture, true, id::now_ms())?;
                changed = changed.saturating_add(1);
            }
        }
    }
    if changed > 0 {
        tracing::info!(pictures = changed, "pictures of spam were learnt");
    }
    Ok(Response::PicturesChanged { changed, unchanged, spared })
}

fn forget(store: &Store, pictures: Vec<Picture>) -> Result<Response, AdminError> {
    let (mut changed, mut unchanged) = (0u64, 0u64);
    for picture in pictures {
        let samples = store.pictures()?;
        let spam: Vec<Sample> = samples.iter().filter(|it| it.spam).cloned().collect();
        // Crops of what was forgotten find what was learnt, and the other way round.
        let mut ids: Vec<i64> = base(&spam).all_near(&picture).iter().map(|found| found.id).collect();
        let own = Known { id: 0, spam: false, views: picture.views.clone(), copy: picture.copy.clone() };
        let own = Base::new(vec![own]);
        ids.extend(samples.iter().filter(|it| it.spam && own.nearest(&it.picture).is_some()).map(|it| it.id));
        ids.sort_unstable();
        ids.dedup();
        let spared = samples.iter().any(|it| !it.spam && it.picture.views == picture.views);
        let gone = match spared {
            true => store.forget_pictures(&ids)?,
            false => store.replace_pictures(&ids, &picture, false, id::now_ms())?,
        };
        match gone {
            0 => unchanged = unchanged.saturating_add(1),
            gone => changed = changed.saturating_add(gone),
        }
    }
    tracing::info!(pictures = changed, "pictures of spam were forgotten");
    Ok(Response::PicturesChanged { changed, unchanged, spared: 0 })
}
