//! Which records are asked for.

use crate::audit::MadeKeys;
use serde::Deserialize;
use std::borrow::Cow;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time};

/// Of those that are given, all have to hold.
#[derive(clap::Args)]
pub(super) struct Filter {
    /// Records of requests that came to this key: its ARN or its id.
    #[arg(long)]
    key: Option<String>,
    /// Of this principal: its ARN, its name, its access key id, or the role's ARN of a session.
    #[arg(long)]
    principal: Option<String>,
    /// Of this operation.
    #[arg(long)]
    operation: Option<String>,
    /// From this time on: 2026-01-31, or 2026-01-31T08:00:00Z.
    #[arg(long, value_parser = moment)]
    pub(super) from: Option<OffsetDateTime>,
    /// Before this time.
    #[arg(long, value_parser = moment)]
    pub(super) to: Option<OffsetDateTime>,
    /// Failures and refusals alone.
    #[arg(long)]
    errors: bool,
}

/// Reads a date, in UTC, or a time.
pub(super) fn moment(text: &str) -> Result<OffsetDateTime, String> {
    let date = Date::parse(text, format_description!("[year]-[month]-[day]"));
    let midnight = |date| PrimitiveDateTime::new(date, Time::MIDNIGHT).assume_utc();
    let time = date.map(midnight);
    let time = time.or_else(|_| OffsetDateTime::parse(text, &Rfc3339));
    time.map_err(|_| "a date, or a time with its zone: 2026-01-31T08:00:00Z".to_owned())
}

/// What of a record is looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    #[serde(borrow)]
    event_time: Cow<'a, str>,
    #[serde(borrow)]
    event_name: Cow<'a, str>,
    #[serde(borrow, default)]
    error_code: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    user_identity: Identity<'a>,
    #[serde(borrow, default)]
    resources: Vec<Resource<'a>>,
    #[serde(borrow, default)]
    response_elements: Option<MadeKeys<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Identity<'a> {
    #[serde(borrow)]
    arn: Option<Cow<'a, str>>,
    #[serde(borrow)]
    user_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    access_key_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    invoked_by: Option<Cow<'a, str>>,
    #[serde(borrow)]
    session_context: Option<Session<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session<'a> {
    #[serde(borrow)]
    session_issuer: Issuer<'a>,
}

#[derive(Deserialize)]
struct Issuer<'a> {
    #[serde(borrow)]
    arn: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(rename = "ARN", borrow)]
    arn: Cow<'a, str>,
}

impl Filter {
    /// Whether a record is asked for. One that cannot be read is not, but where nothing is asked.
    pub(super) fn takes(&self, record: &[u8]) -> bool {
        let all = self.key.is_none()
            && self.principal.is_none()
            && self.operation.is_none()
            && self.from.is_none()
            && self.to.is_none()
            && !self.errors;
        all || serde_json::from_slice(record).is_ok_and(|event| self.takes_event(&event))
    }

    fn takes_event(&self, event: &Event<'_>) -> bool {
        let made = event.response_elements.iter().flat_map(MadeKeys::arns);
        let arns = event.resources.iter().map(|resource| &*resource.arn);
        let mut arns = arns.chain(made);
        let of_key = |key: &String| {
            let id = |arn: &str| arn.rsplit_once("key/").is_some_and(|(_, id)| id == key);
            arns.any(|arn| arn == key || id(arn))
        };
        let of_operation = |name: &String| *name == event.event_name;
        self.key.as_ref().is_none_or(of_key)
            && self
                .principal
                .as_ref()
                .is_none_or(|who| event.user_identity.is(who))
            && self.operation.as_ref().is_none_or(of_operation)
            && (!self.errors || event.error_code.is_some())
            && self.is_of_time(&event.event_time)
    }

    fn is_of_time(&self, time: &str) -> bool {
        if self.from.is_none() && self.to.is_none() {
            return true;
        }
        OffsetDateTime::parse(time, &Rfc3339).is_ok_and(|time| {
            self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time < to)
        })
    }
}

impl Identity<'_> {
    fn is(&self, who: &str) -> bool {
        let own = [
            &self.arn,
            &self.user_name,
            &self.access_key_id,
            &self.invoked_by,
        ];
        let session = self.session_context.as_ref();
        own.into_iter().flatten().any(|name| name == who)
            || session.is_some_and(|session| session.session_issuer.arn == who)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &[u8] = br#"{"eventTime":"2026-01-31T08:00:00.5Z","eventName":"Encrypt",
        "userIdentity":{"arn":"arn:aws:sts::1:assumed-role/r/s","sessionContext":{"sessionIssuer":
        {"arn":"arn:aws:iam::1:role/r"}}},
        "resources":[{"ARN":"arn:aws:kms:eu-north-1:1:key/mrk-1","type":"AWS::KMS::Key"}]}"#;

    const REPLICATED: &[u8] = br#"{"eventTime":"2026-01-31T08:00:00.5Z","eventName":"ReplicateKey",
        "resources":[{"ARN":"arn:aws:kms:eu-north-1:1:key/mrk-2","type":"AWS::KMS::Key"}],
        "responseElements":{"replicaKeyMetadata":{"arn":"arn:aws:kms:eu-west-1:1:key/mrk-2"}}}"#;

    /// From when members were named as the API names them.
    const OLD: &[u8] = br#"{"eventTime":"2026-01-31T08:00:00.5Z","eventName":"CreateKey",
        "resources":[],
        "responseElements":{"KeyMetadata":{"Arn":"arn:aws:kms:eu-north-1:1:key/2"}}}"#;

    fn filter() -> Filter {
        Filter {
            key: None,
            principal: None,
            operation: None,
            from: None,
            to: None,
            errors: false,
        }
    }

    fn takes(change: impl FnOnce(&mut Filter)) -> bool {
        let mut filter = filter();
        change(&mut filter);
        filter.takes(RECORD)
    }

    #[test]
    fn a_record_is_asked_for_by_what_it_says() {
        let some = |text: &str| Some(text.to_owned());
        assert!(takes(|_| ()) && filter().takes(b"nothing"));
        assert!(takes(|f| f.key = some("mrk-1")));
        assert!(takes(|f| f.key = some("arn:aws:kms:eu-north-1:1:key/mrk-1")));
        assert!(!takes(|f| f.key = some("mrk")));
        let of_key = |key| Filter {
            key: some(key),
            ..filter()
        };
        assert!(of_key("2").takes(OLD) && !of_key("2").takes(RECORD));
        assert!(of_key("arn:aws:kms:eu-west-1:1:key/mrk-2").takes(REPLICATED));
        assert!(takes(|f| f.principal = some("arn:aws:iam::1:role/r")));
        assert!(takes(
            |f| f.principal = some("arn:aws:sts::1:assumed-role/r/s")
        ));
        assert!(!takes(|f| f.principal = some("r")));
        assert!(takes(|f| f.operation = some("Encrypt")));
        assert!(!takes(|f| f.operation = some("Decrypt")));
        assert!(!takes(|f| f.errors = true));
        assert!(takes(|f| f.from = moment("2026-01-31").ok()));
        assert!(!takes(|f| f.to = moment("2026-01-31").ok()));
        assert!(takes(|f| f.to = moment("2026-01-31T09:00:01+01:00").ok()));
        assert!(!takes(|f| f.from = moment("2026-01-31T08:00:01Z").ok()));
        assert!(moment("yesterday").is_err());
    }
}
