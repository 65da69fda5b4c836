//! Signs what leaves, after everything else was done to it.

use std::io;
use std::sync::Arc;

use mail::arrival::MessageId;
use net::auth::sign::Signers;

use crate::render::{HEAD_MAX, Output, head_end};
use crate::spool::Spool;

/// The same output with signatures above it. A message that cannot be signed leaves without, and that is
/// said in the log: receivers take it as unsigned, and nobody is kept from sending.
pub(crate) fn signed(signers: &Signers, output: Output, spool: &Spool, id: MessageId) -> Output {
    match try_sign(signers, &output, spool) {
        Ok(Some(signed)) => signed,
        Ok(None) => output,
        Err(why) => {
            tracing::warn!(%id, %why, "an outgoing message leaves without a DKIM signature");
            output
        }
    }
}

fn try_sign(signers: &Signers, output: &Output, spool: &Spool) -> Result<Option<Output>, String> {
    let bytes = whole(output, spool).map_err(|e| e.to_string())?;
    let fields = signers.sign(&bytes)?;
    if fields.is_empty() {
        return Ok(None);
    }
    let above = |rest: &[u8]| [fields.as_slice(), rest].concat();
    Ok(Some(match output {
        Output::Head { head, rest } => Output::Head { head: above(head), rest: *rest },
        Output::Whole(bytes) => Output::Whole(Arc::from(above(bytes))),
        // The header as a whole, so that whoever compares headers has all of it.
        Output::Original => match head_end(bytes.get(..HEAD_MAX).unwrap_or(&bytes)) {
            Some(end) => Output::Head { head: above(bytes.get(..end).unwrap_or_default()), rest: end as u64 },
            None => Output::Whole(Arc::from(above(&bytes))),
        },
    }))
}

/// All bytes that leave.
fn whole(output: &Output, spool: &Spool) -> io::Result<Arc<[u8]>> {
    match output {
        Output::Original => spool.bytes(),
        Output::Whole(bytes) => Ok(Arc::clone(bytes)),
        Output::Head { head, rest } => {
            let body = spool.read_at(*rest, usize::try_from(spool.len()).unwrap_or(usize::MAX))?;
            Ok(Arc::from([head.as_slice(), &body].concat()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_key_nothing_changes() {
        let spool = Spool::from(b"From: a@example.org\r\n\r\nx\r\n".to_vec());
        let id = MessageId::new(0, [0; 10]);
        assert!(matches!(signed(&Signers::default(), Output::Original, &spool, id), Output::Original));
        let head = Output::Head { head: b"X: y\r\n\r\n".to_vec(), rest: 23 };
        assert_eq!(&*whole(&head, &spool).unwrap(), b"X: y\r\n\r\nx\r\n");
        assert_eq!(&*whole(&Output::Original, &spool).unwrap(), b"From: a@example.org\r\n\r\nx\r\n");
    }
}
