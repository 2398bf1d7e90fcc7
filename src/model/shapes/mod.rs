//! AWS's shapes with their lengths, ranges, patterns and members (botocore `kms` 2014-11-01), by
//! kind. Those that are enums are [`wire_enum!`](crate::model)s.

mod blob;
mod enums;
mod list;
mod number;
mod structure;
mod text;

pub use blob::*;
pub use enums::*;
pub use list::*;
pub use number::*;
pub use structure::*;
pub use text::*;
