//! How the kernel schedules the threads that serve connections.

use scheduler::{Policy, set_self_policy};

/// SCHED_BATCH (sched(7)) for this thread: when it is woken it waits for its turn on the processor. A session thread
/// or the database's wakes it with an answer, and would be pushed aside in the midst of the next. The thread's share
/// and its niceness stay as they are.
///
/// Without it all works, and slower: where it is not allowed, nothing is said.
pub(super) fn waits_for_its_turn() {
    let _ = set_self_policy(Policy::Batch, 0);
}
