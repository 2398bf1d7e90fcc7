//! Why a request is denied, and how AWS says it.

/// Why a request is denied. Where there are several reasons, the first in this order is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// An identity-based policy denies it.
    ExplicitIdentity,
    /// The resource's policy denies it.
    ExplicitResource,
    /// The session's policy denies it.
    ExplicitSession,
    /// No identity-based policy allows it, and the resource's would have left it to one.
    NoIdentity,
    /// Neither the resource's policy nor a grant allows it.
    NoResource,
    /// The session's policy does not allow what the role may do.
    NoSession,
}

impl Reason {
    /// Whether a policy says no, and not only none yes: then no grant helps.
    pub(super) fn is_explicit(self) -> bool {
        match self {
            Reason::ExplicitIdentity | Reason::ExplicitResource | Reason::ExplicitSession => true,
            Reason::NoIdentity | Reason::NoResource | Reason::NoSession => false,
        }
    }

    /// How AWS's message goes on: `… because no identity-based policy allows the X action`, `… with
    /// an explicit deny in a resource-based policy`.
    ///
    /// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>.
    pub fn sentence(self, action: &str) -> String {
        let no = |policy: &str| format!("because no {policy} policy allows the {action} action");
        let explicit = |policy: &str| format!("with an explicit deny in {policy} policy");
        match self {
            Reason::ExplicitIdentity => explicit("an identity-based"),
            Reason::ExplicitResource => explicit("a resource-based"),
            Reason::ExplicitSession => explicit("a session"),
            Reason::NoIdentity => no("identity-based"),
            Reason::NoResource => no("resource-based"),
            Reason::NoSession => no("session"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Reason::*;

    #[test]
    fn sentences() {
        for (reason, sentence) in [
            (
                NoIdentity,
                "because no identity-based policy allows the kms:Encrypt action",
            ),
            (
                NoResource,
                "because no resource-based policy allows the kms:Encrypt action",
            ),
            (
                NoSession,
                "because no session policy allows the kms:Encrypt action",
            ),
            (
                ExplicitIdentity,
                "with an explicit deny in an identity-based policy",
            ),
            (
                ExplicitResource,
                "with an explicit deny in a resource-based policy",
            ),
            (ExplicitSession, "with an explicit deny in a session policy"),
        ] {
            assert_eq!(reason.sentence("kms:Encrypt"), sentence);
        }
    }
}
