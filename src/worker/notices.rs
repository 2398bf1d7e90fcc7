//! What is wrong and does not keep the gateway from serving: readiness tells of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// One text for each thing that something is wrong with. Cheap to clone; the clones are one.
#[derive(Debug, Clone, Default)]
pub struct Notices(Arc<Mutex<BTreeMap<&'static str, String>>>);

impl Notices {
    /// Says what is wrong with something, or that nothing is. Whether that is news.
    pub fn set(&self, about: &'static str, wrong: Option<String>) -> bool {
        let mut notices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match &wrong {
            Some(wrong) => notices.insert(about, wrong.clone()),
            None => notices.remove(about),
        };
        before != wrong
    }

    /// All that is wrong.
    pub fn all(&self) -> Vec<(&'static str, String)> {
        let notices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        notices
            .iter()
            .map(|(about, wrong)| (*about, wrong.clone()))
            .collect()
    }
}
