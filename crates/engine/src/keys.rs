//! The keys under which the log finds a record again, and refuses to hold it twice.

use mercer_schema::{DecisionId, MessageId, RecordKey, SourceId};
use xxhash_rust::xxh3::Xxh3;

/// Key of an event: its message id is unique per source.
pub fn message_key(source: &SourceId, message: &MessageId) -> RecordKey {
    key_of(b"event", &[source.as_str(), message.as_str()])
}

/// Key of a page's decision. A placement's id (`page.2`) leads to its page.
pub fn decision_key(decision: &DecisionId) -> RecordKey {
    let page = decision.as_str().split('.').next().unwrap_or_default();
    key_of(b"decision", &[page])
}

fn key_of(domain: &[u8], parts: &[&str]) -> RecordKey {
    let mut hasher = Xxh3::new();
    hasher.update(domain);
    for part in parts {
        hasher.update(&[0]);
        hasher.update(part.as_bytes());
    }
    RecordKey(hasher.digest128().to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placement_id_finds_its_page() {
        let page = DecisionId::trusted("d1");
        assert_eq!(decision_key(&DecisionId::trusted("d1.3")), decision_key(&page));
        assert_ne!(decision_key(&DecisionId::trusted("d2")), decision_key(&page));
    }

    #[test]
    fn parts_do_not_run_together() {
        let key = |source, message| message_key(&SourceId::trusted(source), &MessageId::trusted(message));
        assert_ne!(key("a", "bc"), key("ab", "c"));
    }
}
