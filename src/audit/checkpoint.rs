//! What the token signs of the log: its size and its root.
//!
//! Source: <https://c2sp.org/tlog-checkpoint>.

use super::merkle::Hash;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use uuid::Uuid;

/// The text of a checkpoint's note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name: [`origin`].
    pub origin: String,
    /// How many leaves it has.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// The name of a deployment's log, and of the key that signs for it.
pub fn origin(deployment: Uuid) -> String {
    format!("strongroom/{deployment}")
}

impl Checkpoint {
    /// Reads a note's text. Lines after the third are no matter of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let origin = lines.next().filter(|origin| !origin.is_empty())?.to_owned();
        let digits = lines.next()?;
        let size: u64 = digits.parse().ok()?;
        let root = STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
        let well_formed = size.to_string() == digits && lines.all(|line| !line.is_empty());
        well_formed.then_some(Self { origin, size, root })
    }
}

/// The note's text, which is what is signed.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, size, root } = self;
        writeln!(f, "{origin}\n{size}\n{}", STANDARD.encode(root))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The specification's example.
    const EXAMPLE: &str = "example.com/behind-the-sofa\n20852163\n\
                           CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    #[test]
    fn a_text_is_read_and_written() {
        let checkpoint = Checkpoint::parse(EXAMPLE).unwrap();
        assert_eq!(checkpoint.origin, "example.com/behind-the-sofa");
        assert_eq!(checkpoint.size, 20_852_163);
        assert_eq!(checkpoint.to_string(), EXAMPLE);
        let extended = format!("{EXAMPLE}more\n");
        assert_eq!(Checkpoint::parse(&extended), Some(checkpoint));
    }

    #[test]
    fn what_is_no_checkpoint_is_refused() {
        for (what, with) in [
            ("example.com/behind-the-sofa", ""),
            ("20852163", "020852163"),
            ("20852163", "+20852163"),
            ("20852163", "99999999999999999999"),
            ("CsUY", ""),
            ("q2I=\n", "q2I="),
            ("q2I=\n", "q2I=\n\n"),
        ] {
            assert_eq!(
                Checkpoint::parse(&EXAMPLE.replace(what, with)),
                None,
                "{with:?}"
            );
        }
    }
}
