//! The ceremony of a first set-up: who was there, what they did with the PINs, and the transcript of
//! it all, which is the audit log's first record.

use crate::audit::{Actor, Record, VerifierKey, origin};
use crate::clock::{Clock, SystemClock};
use crate::model::{AccountId, Region, hex};
use crate::store::Transaction;
use crate::token::{SystemKey, Token, TokenIdentity};
use crate::version::VERSION;
use crate::{Error, ErrorCode};
use openssl::sha::sha256;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

/// The longest text, in bytes, and the most of one kind.
const LONGEST: usize = 500;
const MOST: usize = 50;

/// Who was there, and what they did.
#[derive(Debug, Clone)]
pub struct Ceremony {
    /// What was done with the PINs, in order.
    pub custody: Vec<CustodyStep>,
    /// The names of those who watched.
    pub witnesses: Vec<String>,
    /// Who ran the command, as the machine knows them.
    pub operator: String,
}

/// What somebody did with a PIN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CustodyStep {
    /// Their name.
    pub custodian: String,
    /// What they did: never the PIN itself.
    pub step: String,
}

/// What was set up.
pub(super) struct Place<'a> {
    pub(super) deployment: Uuid,
    pub(super) account: &'a AccountId,
    pub(super) region: &'a Region,
    pub(super) access_key_id: &'a str,
}

/// Refuses a set-up that is not the first one, and keeps it the first one until it is committed.
///
/// # Errors
/// Whatever was there before; those of the database.
pub(super) async fn refuse_unless_first(tx: &Transaction<'_>) -> Result<(), Error> {
    if !tx.hold_empty_log().await? {
        return Err(refused(
            "the audit log has records already, and a ceremony's transcript is its first one: it can \
             only be of the first set-up. Nothing was done",
        ));
    }
    if tx.has_accounts().await? {
        return Err(refused(
            "the deployment was set up already, without a ceremony, and it can only be of the first \
             set-up. Nothing was done",
        ));
    }
    Ok(())
}

impl Ceremony {
    /// Refuses what is no transcript of anything, and one that would give the PIN away.
    ///
    /// # Errors
    /// What is missing, or must not be there.
    pub fn check(&self, pin: &SecretString) -> Result<(), Error> {
        if self.custody.is_empty() {
            return Err(refused("a ceremony has at least one PIN custody step"));
        }
        if self.witnesses.is_empty() {
            return Err(refused("a ceremony has at least one witness"));
        }
        if self.custody.len() > MOST || self.witnesses.len() > MOST {
            return Err(refused(format!(
                "at most {MOST} custody steps and {MOST} witnesses"
            )));
        }
        let custody = self.custody.iter();
        let texts = custody.flat_map(|step| [&step.custodian, &step.step]);
        for text in texts.chain(&self.witnesses) {
            if text.trim().is_empty() || text.len() > LONGEST || text.contains(char::is_control) {
                return Err(refused(format!(
                    "names and custody steps are lines of 1 to {LONGEST} bytes"
                )));
            }
            let pin = pin.expose_secret();
            if !pin.is_empty() && text.contains(pin) {
                return Err(refused(
                    "a name or a custody step holds the PIN itself, which must not be written down here",
                ));
            }
        }
        Ok(())
    }

    /// Makes the transcript, and records it in the transaction of the set-up. Answers its text.
    ///
    /// # Errors
    /// Those of token and database.
    pub(super) async fn record(
        &self,
        tx: &Transaction<'_>,
        token: &Token,
        place: Place<'_>,
    ) -> Result<String, Error> {
        let key = token.system_key(place.deployment, SystemKey::Audit);
        let spki = token.public_key(&key).await?;
        let transcript = Transcript {
            time: SystemClock.now(),
            ceremony: self,
            token: token.identity().await?,
            audit_key: AuditKey::of(place.deployment, &spki)?,
            place,
        };
        let text = transcript.text()?;
        let digest = hex::encode(&sha256(text.as_bytes()));
        let Place {
            account, region, ..
        } = transcript.place;
        let facts = transcript.facts(&digest);
        let record = Record {
            parameters: facts.as_object(),
            ..Record::unasked(
                transcript.time,
                "Ceremony",
                region.as_str(),
                Actor::Ceremony(account),
            )
        };
        tx.record(record.request_id, &record.to_bytes()?).await?;
        Ok(format!("{text}SHA-256 of all lines above: {digest}\n"))
    }
}

/// The public half of the key that signs the log's checkpoints.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AuditKey {
    /// SHA-256 over the DER SubjectPublicKeyInfo.
    fingerprint: String,
    /// As C2SP's notes have it.
    verifier_key: String,
    public_key: String,
}

impl AuditKey {
    fn of(deployment: Uuid, spki: &[u8]) -> Result<Self, Error> {
        let key = VerifierKey::ecdsa(&origin(deployment), spki);
        let forms = key.and_then(|key| key.vkey().zip(key.pem()));
        let (verifier_key, public_key) =
            forms.ok_or_else(|| Error::internal("the audit key is not of P-256"))?;
        Ok(Self {
            fingerprint: hex::encode(&sha256(spki)),
            verifier_key,
            public_key,
        })
    }
}

struct Transcript<'a> {
    time: OffsetDateTime,
    ceremony: &'a Ceremony,
    token: TokenIdentity,
    audit_key: AuditKey,
    place: Place<'a>,
}

impl Transcript<'_> {
    /// What people read, print and sign; without the last line, which is its hash.
    fn text(&self) -> Result<String, Error> {
        let Place {
            deployment,
            account,
            access_key_id,
            ..
        } = &self.place;
        let token = &self.token;
        let AuditKey {
            fingerprint,
            verifier_key,
            public_key,
        } = &self.audit_key;
        let time = self.time.format(&Rfc3339).map_err(Error::internal)?;
        let custody = self.ceremony.custody.iter();
        let custody = numbered(custody.map(|step| format!("{}: {}", step.custodian, step.step)));
        let witnesses = numbered(self.ceremony.witnesses.iter().cloned());
        Ok(format!(
            "Strongroom key ceremony\n\n\
             deployment        {deployment}\n\
             time              {time}\n\
             gateway version   {VERSION}\n\
             run by            {}\n\
             account           {account}\n\
             root access key   {access_key_id}\n\n\
             Token\n\n\
             label             {}\n\
             serial number     {}\n\
             manufacturer      {}\n\
             model             {}\n\
             hardware version  {}\n\
             firmware version  {}\n\
             PKCS#11 module    {}, {}, version {}\n\
             PKCS#11 version   {}\n\n\
             PIN custody\n\n{custody}\n\
             Witnesses\n\n{witnesses}\n\
             Audit key\n\n\
             fingerprint       {fingerprint}\n\
             {verifier_key}\n\
             {public_key}\n",
            self.ceremony.operator,
            token.label,
            token.serial,
            token.manufacturer,
            token.model,
            token.hardware_version,
            token.firmware_version,
            token.library_manufacturer,
            token.library,
            token.library_version,
            token.cryptoki_version,
        ))
    }

    /// The same for programs.
    fn facts(&self, digest: &str) -> Value {
        json!({
            "deployment": self.place.deployment,
            "gatewayVersion": VERSION,
            "operator": self.ceremony.operator,
            "account": self.place.account.as_str(),
            "rootAccessKeyId": self.place.access_key_id,
            "token": self.token,
            "pinCustody": self.ceremony.custody,
            "witnesses": self.ceremony.witnesses,
            "auditKey": self.audit_key,
            "transcriptSha256": digest,
        })
    }
}

fn numbered(lines: impl Iterator<Item = String>) -> String {
    let numbered = (1..).zip(lines);
    numbered
        .map(|(number, line)| format!("{number}. {line}\n"))
        .collect()
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::Validation, message)
}
