//! What can be otherwise, and how each is explained.

use crate::model::{AccountId, Region, arn};
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt;
use uuid::Uuid;

/// What a comparison came to.
#[derive(Debug)]
pub struct Report {
    /// The deployment.
    pub deployment: Uuid,
    /// The serial number of the token.
    pub token_serial: String,
    /// Key versions in the database.
    pub versions: usize,
    /// Key objects on the token.
    pub objects: usize,
    /// What is worth knowing, and is no difference.
    pub notes: Vec<String>,
    /// What has to be explained.
    pub differences: Vec<Difference>,
}

/// One difference between token and database.
#[derive(Debug, Clone)]
pub struct Difference {
    /// Which kind.
    pub kind: Kind,
    /// What it is about: a version, a `CKA_ID`, a row.
    pub subject: String,
    /// What was found.
    pub found: String,
    /// What can be done about it here.
    pub repair: Option<Repair>,
}

/// Where a key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The account.
    pub account: AccountId,
    /// One of its Regions.
    pub region: Region,
    /// The key id.
    pub key_id: String,
}

/// What an operator can have done about a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // Repair::does says it
pub enum Repair {
    DestroyObject {
        object: Uuid,
        serial: String,
    },
    FinishIntent(Uuid),
    ForgetIntent(Uuid),
    AwaitImport {
        key: Place,
        version: Uuid,
    },
    MoveVersion {
        key: Place,
        version: Uuid,
        to: String,
    },
    CancelDeletion(Place),
    DestroyMaterial(Uuid),
}

/// Defines [`Kind`] as one table: variant, name, probable cause, what to do where nothing can be
/// repaired here.
macro_rules! kinds {
    ($($variant:ident $name:literal $cause:literal, $remedy:literal;)*) => {
        /// The kinds of difference.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs)] // the table says it
        pub enum Kind { $($variant,)* }

        impl Kind {
            /// As it stands in the id of a difference.
            pub const fn name(self) -> &'static str {
                match self { $(Kind::$variant => $name,)* }
            }

            /// What has probably happened.
            pub const fn cause(self) -> &'static str {
                match self { $(Kind::$variant => $cause,)* }
            }

            /// What an operator can do elsewhere.
            pub const fn remedy(self) -> &'static str {
                match self { $(Kind::$variant => $remedy,)* }
            }
        }
    };
}

kinds! {
    ObjectWithoutRow "object-without-row"
        "the database was restored from a backup that is older than the key",
        "restore a newer backup of the database, if there is one; without its row the key cannot be used";
    RowWithoutObject "row-without-object"
        "the token was restored from a backup that is older than the key, or the object was destroyed \
         with other tools",
        "restore the token from a newer backup; if there is none, its owner can schedule the key for \
         deletion";
    ObjectDiffers "object-differs"
        "the object was changed or replaced with other tools",
        "take the key out of use (DisableKey), and find out who had the token's PIN; rotate what it \
         protects";
    SeveralObjects "several-objects"
        "somebody copied a key, or gave its CKA_ID to another, with other tools",
        "the gateway refuses to choose: look at them by CKA_ID, and destroy the one that was not made \
         when the key was";
    MaterialWithoutKey "material-without-key"
        "rows were removed from the database without Strongroom, or it was restored in part",
        "restore the database from its backup";
    VersionElsewhere "version-elsewhere"
        "the token was replaced, or another one is configured",
        "attach that token; if this one is a clone of it, run again with --replaces and its serial";
    VersionMoved "version-moved"
        "this token is a clone of the one that it replaces",
        "";
    IntentOverdue "intent-overdue"
        "a gateway stopped half way; any that runs finishes it within its worker interval",
        "start a gateway";
    IntentInUse "intent-in-use"
        "the intent was put back from another state of the database",
        "";
    IntentElsewhere "intent-elsewhere"
        "a gateway stopped half way, and then the token was replaced",
        "attach that token";
    DeletionDue "deletion-due"
        "the database was restored, or no gateway has run since; the first one that does destroys the \
         key",
        "if the deletion was cancelled after the backup, cancel it before a gateway runs";
    RowRefused "row-refused"
        "the row was edited or written outside Strongroom, or put there by a restore of single tables",
        "the gateway refuses it: restore the database from its backup";
    SystemKeyMissing "system-key-missing"
        "the object was destroyed with other tools, or the token's backup is older than the deployment",
        "restore the token from its backup; `strongroom init` would make another, under which nothing \
         of what there is can be opened";
    SystemKeyDiffers "system-key-differs"
        "the object was changed or replaced with other tools",
        "find out who had the token's PIN; restore the token from its backup";
}

impl Difference {
    /// Names it from one run to the next: kind and subject.
    pub fn id(&self) -> String {
        format!("{}/{}", self.kind.name(), self.subject)
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id(),
            "kind": self.kind.name(),
            "found": self.found,
            "cause": self.kind.cause(),
            "remedy": self.kind.remedy(),
            "repair": self.repair.as_ref().map(Repair::does),
        })
    }
}

/// One line: what it means, what has probably caused it, what can be done.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, found, cause) = (self.id(), &self.found, self.kind.cause());
        write!(f, "{id}: {found}; probably {cause}")?;
        let remedy = self.kind.remedy();
        if !remedy.is_empty() {
            write!(f, "; {remedy}")?;
        }
        match &self.repair {
            Some(repair) => write!(f, "; --repair {}", repair.does()),
            None => write!(f, "; nothing can be repaired here"),
        }
    }
}

impl Repair {
    /// What it does, after "--repair".
    pub fn does(&self) -> &'static str {
        match self {
            Repair::DestroyObject { .. } => {
                "destroys the object, and for good whatever was encrypted under it"
            }
            Repair::FinishIntent(_) => {
                "destroys the object, which no key has, and forgets the intent, as a gateway would"
            }
            Repair::ForgetIntent(_) => "removes the intent alone, and touches no object",
            Repair::AwaitImport { .. } => {
                "makes the key await its material, which its owner can then import again"
            }
            Repair::MoveVersion { .. } => {
                "writes this token's serial number into the version, whose object is here as it was made"
            }
            Repair::CancelDeletion(_) => {
                "cancels the deletion and leaves the key disabled, as CancelKeyDeletion does"
            }
            Repair::DestroyMaterial(_) => {
                "removes the versions and destroys their objects, for good"
            }
        }
    }

    /// The `eventName` of its record.
    pub(super) fn event_name(&self) -> &'static str {
        match self {
            Repair::DestroyObject { .. } => "DestroyUnknownObject",
            Repair::FinishIntent(_) => "FinishIntent",
            Repair::ForgetIntent(_) => "ForgetIntent",
            Repair::AwaitImport { .. } => "AwaitImport",
            Repair::MoveVersion { .. } => "MoveKeyVersion",
            Repair::CancelDeletion(_) => "CancelKeyDeletion",
            Repair::DestroyMaterial(_) => "DestroyKeyMaterial",
        }
    }

    /// The key that it changes.
    pub(super) fn key(&self) -> Option<&Place> {
        match self {
            Repair::AwaitImport { key, .. } | Repair::MoveVersion { key, .. } => Some(key),
            Repair::CancelDeletion(key) => Some(key),
            _ => None,
        }
    }
}

impl Place {
    /// The key's ARN.
    pub(super) fn arn(&self) -> String {
        arn::key_arn(&self.account, &self.region, &self.key_id)
    }
}

impl Serialize for Report {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let differences: Vec<Value> = self.differences.iter().map(Difference::to_json).collect();
        json!({
            "deployment": self.deployment,
            "tokenSerial": self.token_serial,
            "versions": self.versions,
            "objects": self.objects,
            "notes": self.notes,
            "differences": differences,
        })
        .serialize(serializer)
    }
}
