//! How far it is; on a terminal only.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar of so many records.
pub(super) fn records(count: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{bar:40} {human_pos}/{human_len} records, {per_sec} (ready in {eta})",
    );
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(count).with_style(style)
}
