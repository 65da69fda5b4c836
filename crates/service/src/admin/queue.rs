//! What an administrator can ask of the outbox.

use store::{QueueId, Store, StoreError};

use super::{AdminError, MAX_PAGE, Request, Response};
use crate::id;

/// Answers a request about the outbox.
pub(super) fn answer(store: &Store, request: Request) -> Result<Response, AdminError> {
    Ok(match request {
        Request::QueueList { after, limit } => {
            let limit = limit.clamp(1, MAX_PAGE);
            let mails = store.queue_list(after, limit)?;
            let next = mails.last().map(|mail| mail.id).filter(|_| mails.len() == limit);
            Response::Queue { mails, next }
        }
        Request::QueueShow { id } => Response::Queue { mails: vec![store.queue_show(queue_id(&id)?)?], next: None },
        Request::QueueRetry { ids } if ids.is_empty() => {
            Response::QueueDone { count: store.queue_retry(None, id::now_ms())? }
        }
        Request::QueueRetry { ids } => each(&ids, |id| Ok(store.queue_retry(Some(id), id::now_ms())? > 0))?,
        Request::QueueHold { ids } => each(&ids, |id| store.queue_hold(id))?,
        Request::QueueDelete { ids } => each(&ids, |id| store.queue_delete(id))?,
        _ => return Err(AdminError::Other("this is answered elsewhere".to_owned())),
    })
}

fn queue_id(text: &str) -> Result<QueueId, AdminError> {
    let shown = mail::untrusted::escape(text, 60);
    text.parse()
        .map_err(|_| AdminError::Other(format!("\"{shown}\" is not the id of a mail in the outbox (13 characters)")))
}

/// Does something to mails in the outbox; every id is looked at before anything is done.
fn each(ids: &[String], mut act: impl FnMut(QueueId) -> Result<bool, StoreError>) -> Result<Response, AdminError> {
    let ids = ids.iter().map(|id| queue_id(id)).collect::<Result<Vec<_>, _>>()?;
    let mut count = 0;
    for id in ids {
        if !act(id)? {
            return Err(AdminError::Other(format!("the outbox has no mail {id} (any more); {count} were done before")));
        }
        count += 1;
    }
    Ok(Response::QueueDone { count })
}
