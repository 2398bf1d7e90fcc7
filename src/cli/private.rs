//! What keeps the memory of a serving process to itself.

use super::failed;
use crate::Error;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Turns core dumps off, for good, and keeps other processes of the same user from reading this one's
/// memory: whoever can have that has the secrets of all access keys in use.
///
/// # Errors
/// The kernel does not let us.
pub(super) fn keep_memory_private() -> Result<(), Error> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let failed = |error| failed(format!("cannot turn core dumps off: {error}"));
    setrlimit(Resource::Core, none).map_err(failed)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(failed)
}
