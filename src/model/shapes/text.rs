//! Texts with their lengths and patterns, and those that the model marks as sensitive.

use crate::model::Region;
use crate::model::member::{Member, Violations};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// A text newtype with a length range and, where the model has one, a pattern with its check.
macro_rules! text_shape {
    ($($(#[$doc:meta])* $name:ident $min:literal ..= $max:literal $(, $pattern:literal, $check:expr)?;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(pub String);

        impl Member for $name {
            type Wire = String;
            fn check(wire: String, at: &str, violations: &mut Violations) -> Option<Self> {
                let mut right = violations.length(at, Some(&wire), wire.chars().count(), $min, $max);
                $(
                    let check: fn(&str) -> bool = $check;
                    if !check(&wire) {
                        violations.breaks(at, Some(&wire), concat!("satisfy regular expression pattern: ", $pattern));
                        right = false;
                    }
                )?
                const PATTERN: &[&str] = &[$($pattern)?];
                right = right && (!PATTERN.is_empty() || has_no_nul(&wire, at, Some(&wire), violations));
                right.then_some(Self(wire))
            }
            fn recorded(&self) -> Option<Value> {
                Some(Value::from(self.0.as_str()))
            }
            fn constraint() -> String {
                concat!(
                    "Member must have length less than or equal to ", $max,
                    ", Member must have length greater than or equal to ", $min,
                    $(", Member must satisfy regular expression pattern: ", $pattern)?
                )
                .to_owned()
            }
        }

        impl std::ops::Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }
    )*};
}

text_shape! {
    /// `KeyIdType`.
    KeyId 1..=2048;
    /// `AliasNameType`.
    AliasName 1..=256, "^[a-zA-Z0-9:/_-]+$", |t| some(t, |c| word(c) || matches!(c, ':' | '/' | '-'));
    /// `DescriptionType`.
    Description 0..=8192;
    /// `MarkerType`.
    Marker 1..=1024, "[\\u0020-\\u00FF]*", |t| t.chars().all(|c| matches!(c, ' '..='\u{ff}'));
    /// `PolicyType`.
    Policy 1..=131072, "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+",
        |t| some(t, |c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}'));
    /// `PolicyNameType`.
    PolicyName 1..=128, "[\\w]+", |t| some(t, word);
    /// `CustomKeyStoreIdType`.
    CustomKeyStoreId 1..=64;
    /// `CustomKeyStoreNameType`.
    CustomKeyStoreName 1..=256;
    /// `CloudHsmClusterIdType`.
    CloudHsmClusterId 19..=24, "cluster-[2-7a-zA-Z]{11,16}", cloud_hsm_cluster_id;
    /// `TrustAnchorCertificateType`.
    TrustAnchorCertificate 1..=5000;
    /// `AccountIdType`: the `XksProxyVpcEndpointServiceOwner`.
    Account 12..=12, "[0-9]{12}", |t| t.len() == 12 && some(t, |c| c.is_ascii_digit());
    /// `XksKeyIdType`.
    XksKeyId 1..=128, "^[a-zA-Z0-9-_.]+$", |t| some(t, |c| word(c) || matches!(c, '-' | '.'));
    /// `XksProxyUriEndpointType`.
    XksProxyUriEndpoint 10..=128, "^https://[a-zA-Z0-9.-]+$", |t| {
        t.strip_prefix("https://")
            .is_some_and(|host| some(host, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')))
    };
    /// `XksProxyUriPathType`.
    XksProxyUriPath 10..=128, "^(/[a-zA-Z0-9\\/_-]+/kms/xks/v\\d{1,2})$|^(/kms/xks/v\\d{1,2})$",
        xks_proxy_uri_path;
    /// `XksProxyVpcEndpointServiceNameType`.
    XksProxyVpcEndpointServiceName 20..=64,
        "^(com|eu)\\.amazonaws\\.vpce\\.([a-z]+-){2,3}\\d+\\.vpce-svc-[0-9a-z]+$",
        vpc_endpoint_service_name;
    /// `BackingKeyIdType`: the `KeyMaterialId` of a request.
    KeyMaterialId 64..=64, "^[a-f0-9]+$", |t| some(t, |c| matches!(c, '0'..='9' | 'a'..='f'));
    /// `KeyMaterialDescriptionType`.
    KeyMaterialDescription 0..=256, "^[a-zA-Z0-9:/_\\s.-]+$", |t| {
        some(t, |c| word(c) || matches!(c, ':' | '/' | '.' | '-' | ' ' | '\t'..='\r'))
    };
    /// `RegionType`.
    RegionName 1..=32, "^([a-z]+-){2,3}\\d+$", region_name;
    /// `GrantIdType`.
    GrantId 1..=128;
    /// `GrantTokenType`: names a grant, and is no right of its own.
    GrantToken 1..=8192;
    /// `GrantNameType`.
    GrantName 1..=256, "^[a-zA-Z0-9:/_-]+$", |t| some(t, |c| word(c) || matches!(c, ':' | '/' | '-'));
    /// `PrincipalIdType`.
    PrincipalId 1..=256, "^[\\w+=,.@:/-]+$",
        |t| some(t, |c| word(c) || matches!(c, '+' | '=' | ',' | '.' | '@' | ':' | '/' | '-'));
    /// `ServicePrincipalType`.
    ServicePrincipal 1..=128, "^([A-Za-z0-9\\-]+)\\.([A-Za-z0-9\\-]+)(\\.[A-Za-z0-9\\-]+)+$", |t| {
        let mut labels = t.split('.');
        t.split('.').count() >= 3
            && labels.all(|label| some(label, |c| c.is_ascii_alphanumeric() || c == '-'))
    };
    /// `GrantConstraintSourceArnType`.
    SourceArn 20..=512, "^arn:aws[a-z0-9-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]{12}:.+$", source_arn;
    /// Of Strongroom.AdoptKey: a `CKA_ID` in hexadecimal.
    ObjectId 2..=510, "[0-9a-fA-F]+", |t| some(t, |c| c.is_ascii_hexdigit());
    /// Of Strongroom.AdoptKey: a `CKA_LABEL`.
    ObjectLabel 1..=255;
    /// Of the gateway's own: names an approval request.
    ApprovalId 36..=36, "[0-9a-f-]{36}", |t| some(t, |c| matches!(c, '0'..='9' | 'a'..='f' | '-'));
    /// IAM's `userNameType`.
    UserName 1..=64, "[\\w+=,.@-]+", |t| some(t, named);
    /// IAM's `roleNameType`.
    RoleName 1..=64, "[\\w+=,.@-]+", |t| some(t, named);
    /// IAM's `policyNameType`: of a user's or a role's own policy.
    InlinePolicyName 1..=128, "[\\w+=,.@-]+", |t| some(t, named);
    /// IAM's `pathType`.
    IdentityPath 1..=512;
    /// IAM's `arnType`.
    Arn 20..=2048;
    /// IAM's `accessKeyIdType`.
    AccessKeyId 16..=128, "[\\w]+", |t| some(t, word);
    /// `TagKeyType`.
    TagKey 1..=128;
    /// `TagValueType`.
    TagValue 0..=256;
    /// STS's `arnType`, of a role.
    RoleArn 20..=2048;
    /// STS's `roleSessionNameType`.
    RoleSessionName 2..=64, "[\\w+=,.@-]*", |t| t.chars().all(|c| word(c) || "+=,.@-".contains(c));
    /// STS's `externalIdType`.
    ExternalId 2..=1224, "[\\w+=,.@:\\/-]*", |t| t.chars().all(|c| word(c) || "+=,.@:/-".contains(c));
    /// STS's `sessionPolicyDocumentType`.
    SessionPolicy 1..=2048, "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+",
        |t| some(t, |c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}'));
}

/// A text that the model marks as sensitive: never in an error, never recorded, wiped.
macro_rules! secret_shape {
    ($($(#[$doc:meta])* $name:ident $min:literal ..= $max:literal $(, $pattern:literal, $check:expr)?;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(pub SecretString);

        impl Member for $name {
            type Wire = SecretString;
            fn check(wire: SecretString, at: &str, violations: &mut Violations) -> Option<Self> {
                let length = wire.expose_secret().chars().count();
                let mut right = violations.length(at, None, length, $min, $max);
                $(
                    let check: fn(&str) -> bool = $check;
                    if !check(wire.expose_secret()) {
                        violations.breaks(at, None, concat!("satisfy regular expression pattern: ", $pattern));
                        right = false;
                    }
                )?
                const PATTERN: &[&str] = &[$($pattern)?];
                right = right && (!PATTERN.is_empty() || has_no_nul(wire.expose_secret(), at, None, violations));
                right.then_some(Self(wire))
            }
            fn recorded(&self) -> Option<Value> {
                None
            }
        }
    )*};
}

secret_shape! {
    /// `KeyStorePasswordType`.
    KeyStorePassword 7..=32;
    /// `XksProxyAuthenticationAccessKeyIdType`.
    XksProxyAuthenticationAccessKeyId 20..=30, "^[A-Z2-7]+$",
        |t| some(t, |c| matches!(c, 'A'..='Z' | '2'..='7'));
    /// `XksProxyAuthenticationRawSecretAccessKeyType`.
    XksProxyAuthenticationRawSecretAccessKey 43..=64, "^[a-zA-Z0-9\\/+=]+$",
        |t| some(t, |c| c.is_ascii_alphanumeric() || matches!(c, '/' | '+' | '='));
}

secret_shape! {
    /// STS's `clientTokenType`: the token of an OIDC issuer.
    WebIdentityToken 4..=20000;
}

/// Where the model has no pattern: a text of the database cannot have this character.
fn has_no_nul(text: &str, at: &str, shown: Option<&str>, violations: &mut Violations) -> bool {
    let has = text.contains('\0');
    if has {
        violations.breaks(at, shown, "not contain the character U+0000");
    }
    !has
}

/// `[…]+`: at least one character, and only such.
fn some(text: &str, of: fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(of)
}

/// `\w` as the model means it.
fn word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// What names in IAM are made of.
fn named(c: char) -> bool {
    word(c) || matches!(c, '+' | '=' | ',' | '.' | '@' | '-')
}

fn cloud_hsm_cluster_id(text: &str) -> bool {
    text.strip_prefix("cluster-").is_some_and(|id| {
        (11..=16).contains(&id.len())
            && some(id, |c| c.is_ascii_alphabetic() || matches!(c, '2'..='7'))
    })
}

fn xks_proxy_uri_path(text: &str) -> bool {
    let Some((prefix, version)) = text.rsplit_once("/kms/xks/v") else {
        return false;
    };
    let prefix_is_right = prefix.is_empty()
        || prefix
            .strip_prefix('/')
            .is_some_and(|rest| some(rest, |c| word(c) || matches!(c, '/' | '-')));
    prefix_is_right && version.len() <= 2 && some(version, |c| c.is_ascii_digit())
}

fn vpc_endpoint_service_name(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let ["com" | "eu", "amazonaws", "vpce", region, service] = parts[..] else {
        return false;
    };
    region_name(region)
        && service
            .strip_prefix("vpce-svc-")
            .is_some_and(|id| some(id, |c| c.is_ascii_digit() || c.is_ascii_lowercase()))
}

fn region_name(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let Some((number, words)) = parts.split_last() else {
        return false;
    };
    matches!(words.len(), 2 | 3)
        && words.iter().all(|w| some(w, |c| c.is_ascii_lowercase()))
        && some(number, |c| c.is_ascii_digit())
}

fn source_arn(text: &str) -> bool {
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, service, region, account, resource] = parts[..] else {
        return false;
    };
    partition
        .strip_prefix("aws")
        .is_some_and(|rest| rest.chars().all(lower))
        && some(service, lower)
        && region.chars().all(lower)
        && account.len() == 12
        && some(account, |c| c.is_ascii_digit())
        && !resource.is_empty()
        && !resource.contains(['\n', '\r'])
}

impl Member for Region {
    type Wire = String;
    fn check(wire: String, at: &str, violations: &mut Violations) -> Option<Self> {
        RegionName::check(wire, at, violations).and_then(|name| Region::parse(&name))
    }
    fn recorded(&self) -> Option<Value> {
        Some(Value::from(self.as_str()))
    }
}
