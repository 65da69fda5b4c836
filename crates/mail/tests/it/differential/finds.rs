//! What the campaign found, made small and named: the message, and a leaf that another parser gives.

use super::missing;
use super::peers::Found;

/// What it is about, who reads it so, the message, the leaf.
const FINDS: &[(&str, &[u8], &[u8])] = &[];

#[test]
fn what_campaigns_found_stays_among_our_leaves() {
    for (name, raw, leaf) in FINDS {
        let found = Found { bytes: leaf.to_vec(), text: false };
        assert!(missing(raw, &[found]).is_empty(), "{name}: {:?}", leaf.escape_ascii().to_string());
    }
}
