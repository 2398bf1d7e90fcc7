//! ASCII of a fixed length, kept in place: it is as small as it can be, and nothing is allocated or
//! counted for it.

use std::fmt;
use std::ops::Deref;

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Ascii<const N: usize>([u8; N]);

impl<const N: usize> TryFrom<&str> for Ascii<N> {
    type Error = ();

    fn try_from(text: &str) -> Result<Self, ()> {
        let bytes = text.as_bytes().try_into().map_err(drop)?;
        text.is_ascii().then_some(Self(bytes)).ok_or(())
    }
}

impl<const N: usize> Deref for Ascii<N> {
    type Target = str;

    fn deref(&self) -> &str {
        // Never empty: it was text when it was made.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl<const N: usize> fmt::Debug for Ascii<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
