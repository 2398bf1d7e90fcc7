//! The members of AWS's shapes: decoded and checked in one place, so that an operation's input,
//! once it exists, is right.
//!
//! [`input!`] declares an operation's input, [`structure!`] a structure within one; every type of
//! a member implements [`Member`], which says what the wire has, which values the model allows, and
//! what the audit record may show.
//! A wrong type is `SerializationException`; what the model does not allow is one
//! `ValidationException` that lists every violation, worded as AWS words it.

use super::EncryptionContext;
use super::names::camel;
use super::shapes::GrantToken;
use crate::{Error, ErrorCode};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt::Write;

/// A type that an input member can have.
pub trait Member: Sized {
    /// What is read from JSON before it is checked.
    type Wire: DeserializeOwned;

    /// The checked value, or `None` once the violations are noted. `at` is where it stands, in
    /// snake_case: `key_id`, `tags.1.member.tag_value`.
    fn check(wire: Self::Wire, at: &str, violations: &mut Violations) -> Option<Self>;

    /// What the audit record shows of it; `None` for what it must never show.
    fn recorded(&self) -> Option<Value>;

    /// What every value must satisfy, as a list of such says it; empty where lists do not.
    fn constraint() -> String {
        String::new()
    }
}

/// A structure: what [`input!`] and [`structure!`] implement.
pub trait Structure: Member {
    /// The names of its members in snake_case, and whether they are required.
    const MEMBERS: &'static [(&'static str, bool)];
}

/// How far a request with `DryRun` goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DryRun {
    /// All of it is done, and nothing kept.
    Everything,
    /// `IGNORE_CIPHERTEXT`: only whether the caller may, and the key can.
    Authorization,
}

/// The members of an input by their names, for whoever has the name of one and not its type: the
/// condition keys of policies are named so.
pub trait Members: std::fmt::Debug + Send + Sync {
    /// What the audit record may show of a member; `Null` where the request does not have it, and
    /// `None` where the operation has no such member.
    fn member(&self, name: &str) -> Option<Value>;

    /// `EncryptionContext`, if the operation has it and the request too.
    fn encryption_context(&self) -> Option<&EncryptionContext>;
}

/// An operation's input: what [`input!`] implements.
pub trait Decode: Structure + Members {
    /// What is to be tried, where the caller only asks if the request would succeed.
    fn dry_run(&self) -> Option<DryRun>;

    /// `GrantTokens`, if the operation has it and the request too.
    fn grant_tokens(&self) -> &[GrantToken];

    /// Decodes and checks a request body. Members that the model does not have are ignored.
    ///
    /// # Errors
    /// `SerializationException`, `ValidationException`.
    fn decode(body: &[u8]) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let input = Self::check(read(body)?, "", &mut violations);
        violations.finish()?;
        input.ok_or_else(|| Error::internal("a member was lost in checking"))
    }

    /// `requestParameters` of the audit record: the members that may be shown.
    fn parameters(&self) -> Map<String, Value> {
        match self.recorded() {
            Some(Value::Object(parameters)) => parameters,
            _ => Map::new(),
        }
    }
}

/// What the model does not allow in one request.
#[derive(Debug, Default)]
pub struct Violations(Vec<String>);

impl Violations {
    /// A required member that is absent.
    pub fn missing(&mut self, at: &str) {
        let at = camel(at);
        self.0.push(format!(
            "Value null at '{at}' failed to satisfy constraint: Member must not be null"
        ));
    }

    /// A value that breaks `constraint`; `value` is left out where it is sensitive.
    pub fn breaks(&mut self, at: &str, value: Option<&str>, constraint: impl std::fmt::Display) {
        let at = camel(at);
        let shown = value.map(|value| format!("'{value}' ")).unwrap_or_default();
        self.0.push(format!(
            "Value {shown}at '{at}' failed to satisfy constraint: Member must {constraint}"
        ));
    }

    /// Checks that `len` is within `min..=max`; answers whether it is.
    pub fn length(
        &mut self,
        at: &str,
        value: Option<&str>,
        len: usize,
        min: usize,
        max: usize,
    ) -> bool {
        if len < min {
            self.breaks(
                at,
                value,
                format_args!("have length greater than or equal to {min}"),
            );
        } else if len > max {
            self.breaks(
                at,
                value,
                format_args!("have length less than or equal to {max}"),
            );
        }
        (min..=max).contains(&len)
    }

    /// `Ok` if there are none.
    ///
    /// # Errors
    /// `ValidationException` that lists them all.
    pub fn finish(self) -> Result<(), Error> {
        let n = self.0.len();
        if n == 0 {
            return Ok(());
        }
        let plural = if n == 1 { "error" } else { "errors" };
        let mut message = format!("{n} validation {plural} detected: ");
        for (at, violation) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "; " };
            let _ = write!(message, "{separator}{violation}");
        }
        Err(Error::new(ErrorCode::Validation, message))
    }
}

/// Reads the wire form of an input. The error names a place, never a value.
///
/// # Errors
/// `SerializationException`.
pub fn read<W: DeserializeOwned>(body: &[u8]) -> Result<W, Error> {
    serde_json::from_slice(body).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Data => "a member of the request has the wrong type",
            _ => "the request body is not JSON",
        };
        let message = format!("{what} (line {}, column {})", error.line(), error.column());
        Error::new(ErrorCode::Serialization, message)
    })
}

/// Where the member `name` of the structure at `at` stands; a request's own stand at its name.
pub fn within(at: &str, name: &'static str) -> Cow<'static, str> {
    match at {
        "" => Cow::Borrowed(name),
        at => Cow::Owned(format!("{at}.{name}")),
    }
}

/// Declares a structure: required members, then optional ones (`Option`), by their snake_case
/// names.
macro_rules! structure {
    (
        $(#[$meta:meta])*
        $name:ident {
            required { $($req:ident: $req_ty:ty,)* }
            optional { $($opt:ident: $opt_ty:ty,)* }
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug)]
        #[allow(missing_docs)] // AWS's own members, documented by AWS
        pub struct $name {
            $(pub $req: $req_ty,)*
            $(pub $opt: Option<$opt_ty>,)*
        }

        impl $crate::model::member::Structure for $name {
            const MEMBERS: &'static [(&'static str, bool)] =
                &[$((stringify!($req), true),)* $((stringify!($opt), false),)*];
        }

        const _: () = {
            #[allow(unused_imports)] // where there are no members
            use $crate::model::member::{Member, Violations, within};
            #[allow(unused_imports)] // where there are no members
            use $crate::model::names::camel;

            #[derive(serde::Deserialize)]
            #[serde(rename_all = "PascalCase")]
            pub struct Wire {
                $($req: Option<<$req_ty as Member>::Wire>,)*
                $($opt: Option<<$opt_ty as Member>::Wire>,)*
            }

            #[allow(unused_variables, unused_mut)] // where there are no members
            impl Member for $name {
                type Wire = Wire;

                fn check(wire: Wire, at: &str, violations: &mut Violations) -> Option<Self> {
                    $(let $req = {
                        let at = within(at, stringify!($req));
                        match wire.$req {
                            Some(value) => <$req_ty as Member>::check(value, &at, violations),
                            None => {
                                violations.missing(&at);
                                None
                            }
                        }
                    };)*
                    $(let $opt = match wire.$opt {
                        Some(value) => {
                            let at = within(at, stringify!($opt));
                            Some(<$opt_ty as Member>::check(value, &at, violations))
                        }
                        None => None,
                    };)*
                    Some(Self {
                        $($req: $req?,)*
                        $($opt: match $opt {
                            Some(checked) => Some(checked?),
                            None => None,
                        },)*
                    })
                }

                fn recorded(&self) -> Option<serde_json::Value> {
                    let mut members = serde_json::Map::new();
                    $(if let Some(value) = self.$req.recorded() {
                        members.insert(camel(stringify!($req)), value);
                    })*
                    $(if let Some(value) = self.$opt.as_ref().and_then(Member::recorded) {
                        members.insert(camel(stringify!($opt)), value);
                    })*
                    Some(members.into())
                }
            }
        };
    };
}
pub(crate) use structure;

/// Declares an operation's `Input`, as [`structure!`] does.
macro_rules! input {
    (required { $($req:ident: $req_ty:ty,)* } optional { $($opt:ident: $opt_ty:ty,)* }) => {
        $crate::model::member::structure! {
            /// The operation's request, checked.
            Input {
                required { $($req: $req_ty,)* }
                optional { $($opt: $opt_ty,)* }
            }
        }

        #[allow(unused_imports, unused_variables)] // where there are no members
        impl $crate::model::member::Members for Input {
            fn member(&self, name: &str) -> Option<serde_json::Value> {
                use $crate::model::member::Member;
                $(if name == stringify!($req) {
                    return Some(self.$req.recorded().unwrap_or_default());
                })*
                $(if name == stringify!($opt) {
                    let value = self.$opt.as_ref().and_then(Member::recorded);
                    return Some(value.unwrap_or_default());
                })*
                None
            }

            fn encryption_context(&self) -> Option<&$crate::model::EncryptionContext> {
                $crate::model::member::input!(@encryption_context self; $($opt)*)
            }
        }

        impl $crate::model::member::Decode for Input {
            fn dry_run(&self) -> Option<$crate::model::member::DryRun> {
                use $crate::model::member::DryRun;
                let modifiers = $crate::model::member::input!(@modifiers self; $($opt)*);
                let far = match modifiers {
                    Some(modifiers) if modifiers.ignore_ciphertext() => DryRun::Authorization,
                    _ => DryRun::Everything,
                };
                $crate::model::member::input!(@dry_run self; $($opt)*).then_some(far)
            }

            fn grant_tokens(&self) -> &[$crate::model::shapes::GrantToken] {
                $crate::model::member::input!(@grant_tokens self; $($opt)*)
            }
        }
    };
    (@dry_run $self:ident; dry_run $($rest:ident)*) => {
        $self.dry_run.as_ref().is_some_and(|dry_run| dry_run.0)
    };
    (@dry_run $self:ident; $first:ident $($rest:ident)*) => {
        $crate::model::member::input!(@dry_run $self; $($rest)*)
    };
    (@dry_run $self:ident;) => { false };
    (@modifiers $self:ident; dry_run_modifiers $($rest:ident)*) => {
        $self.dry_run_modifiers.as_ref()
    };
    (@modifiers $self:ident; $first:ident $($rest:ident)*) => {
        $crate::model::member::input!(@modifiers $self; $($rest)*)
    };
    (@modifiers $self:ident;) => { None::<&$crate::model::shapes::DryRunModifiers> };
    (@encryption_context $self:ident; encryption_context $($rest:ident)*) => {
        $self.encryption_context.as_ref()
    };
    (@encryption_context $self:ident; $first:ident $($rest:ident)*) => {
        $crate::model::member::input!(@encryption_context $self; $($rest)*)
    };
    (@encryption_context $self:ident;) => { None };
    (@grant_tokens $self:ident; grant_tokens $($rest:ident)*) => {
        $self.grant_tokens.as_ref().map_or(&[], |tokens| &tokens.0)
    };
    (@grant_tokens $self:ident; $first:ident $($rest:ident)*) => {
        $crate::model::member::input!(@grant_tokens $self; $($rest)*)
    };
    (@grant_tokens $self:ident;) => { &[] };
}
pub(crate) use input;
