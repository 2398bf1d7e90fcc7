//! Pagination as AWS has it: `Limit`, `Marker`, `NextMarker`, `Truncated`.

use crate::model::shapes::Marker;
use crate::{Error, ErrorCode};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// AWS's page length where the caller names none.
pub(super) const DEFAULT_LIMIT: i64 = 100;

/// Where a page begins and how long it is.
pub(super) struct Page {
    /// The last item of the page before.
    pub(super) after: Option<String>,
    /// The most items.
    pub(super) limit: i64,
}

impl Page {
    /// From the request; a marker is opaque to callers and good for this gateway alone.
    ///
    /// # Errors
    /// `InvalidMarkerException`.
    pub(super) fn new(
        limit: Option<impl Into<i64>>,
        marker: Option<&Marker>,
        default: i64,
    ) -> Result<Self, Error> {
        let after = marker.map(|marker| {
            URL_SAFE_NO_PAD
                .decode(marker.as_bytes())
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
                // No id has a NUL, and Postgres takes none.
                .filter(|text| !text.contains('\0'))
                .ok_or_else(|| Error::new(ErrorCode::InvalidMarker, "Could not deserialize marker"))
        });
        Ok(Self {
            after: after.transpose()?,
            limit: limit.map_or(default, Into::into),
        })
    }

    /// The page's part of a list that is at hand as a whole, and the next marker if more follow.
    ///
    /// # Errors
    /// `InvalidMarkerException`: the item that the marker names is not in it.
    pub(super) fn of<T>(
        &self,
        mut items: Vec<T>,
        id: impl Fn(&T) -> &str,
    ) -> Result<(Vec<T>, Option<String>), Error> {
        if let Some(after) = &self.after {
            let at = items.iter().position(|item| id(item) == after);
            let at = at.ok_or_else(|| {
                let message = "The marker names nothing in this list";
                Error::new(ErrorCode::InvalidMarker, message)
            })?;
            items.drain(..=at);
        }
        let next = self.cut(&mut items, id);
        Ok((items, next))
    }

    /// Cuts the one item too many that was asked for, to see whether more follow; answers the
    /// next marker if so.
    pub(super) fn cut<T>(&self, items: &mut Vec<T>, id: impl Fn(&T) -> &str) -> Option<String> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        if items.len() <= limit {
            return None;
        }
        items.truncate(limit);
        items.last().map(|last| URL_SAFE_NO_PAD.encode(id(last)))
    }
}
