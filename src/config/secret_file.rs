//! Files that nobody else may read.

use super::wrong;
use crate::Error;
use secrecy::SecretString;
use std::path::Path;
use zeroize::Zeroizing;

/// A file with one secret, on one line; nobody but its owner and group may read it.
pub(super) fn read_secret(path: &Path) -> Result<SecretString, Error> {
    check_private(path)?;
    let failed = |error| wrong(format!("cannot read {}: {error}", path.display()));
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(failed)?);
    let line = text.strip_suffix('\n').unwrap_or(&text);
    if line.is_empty() {
        return Err(wrong(format!("{} is empty", path.display())));
    }
    Ok(SecretString::from(line))
}

/// Refuses a file that more than its owner and group can read.
pub(super) fn check_private(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    let path_shown = path.display();
    let metadata = std::fs::metadata(path)
        .map_err(|error| wrong(format!("cannot read {path_shown}: {error}")))?;
    if metadata.permissions().mode() & 0o007 != 0 {
        return Err(wrong(format!(
            "{path_shown} can be read by anyone: chmod 600 {path_shown}"
        )));
    }
    Ok(())
}
