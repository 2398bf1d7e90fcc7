//! The members of AWS's shapes: decoded and checked in one place, so that an operation's input,
//! once it exists, is right.
//!
//! [`input!`] declares an operation's input; every type of a member implements [`Member`], which
//! says what the wire has, which values the model allows, and what the audit record may show.
//! A wrong type is `SerializationException`; what the model does not allow is one
//! `ValidationException` that lists every violation, worded as AWS words it.

use crate::{Error, ErrorCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt::Write;

/// A type that an input member can have.
pub trait Member: Sized {
    /// What is read from JSON before it is checked.
    type Wire: DeserializeOwned;

    /// The checked value, or `None` once the violations are noted.
    fn check(wire: Self::Wire, at: &'static str, violations: &mut Violations) -> Option<Self>;

    /// What the audit record shows of it; `None` for what it must never show.
    fn recorded(&self) -> Option<Value>;
}

/// An operation's input: what [`input!`](crate::model::member::input) implements.
pub trait Decode: Sized {
    /// Decodes and checks a request body.
    ///
    /// # Errors
    /// `SerializationException`, `ValidationException`.
    fn decode(body: &[u8]) -> Result<Self, Error>;

    /// `requestParameters` of the audit record: the members that may be shown.
    fn parameters(&self) -> serde_json::Map<String, Value>;

    /// Whether the caller only asks if the request would succeed.
    fn dry_run(&self) -> bool;

    /// `GrantTokens`, if the operation has it and the request too.
    fn grant_tokens(&self) -> &[String];
}

/// What the model does not allow in one request.
#[derive(Debug, Default)]
pub struct Violations(Vec<String>);

impl Violations {
    /// A required member that is absent.
    pub fn missing(&mut self, at: &'static str) {
        let at = camel(at);
        self.0.push(format!(
            "Value null at '{at}' failed to satisfy constraint: Member must not be null"
        ));
    }

    /// A value that breaks `constraint`; `value` is left out where it is sensitive.
    pub fn breaks(
        &mut self,
        at: &'static str,
        value: Option<&str>,
        constraint: impl std::fmt::Display,
    ) {
        let at = camel(at);
        let shown = value.map(|value| format!("'{value}' ")).unwrap_or_default();
        self.0.push(format!(
            "Value {shown}at '{at}' failed to satisfy constraint: Member must {constraint}"
        ));
    }

    /// Checks that `len` is within `min..=max`; answers whether it is.
    pub fn length(
        &mut self,
        at: &'static str,
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

/// `key_id` -> `keyId`: AWS names members so in its messages, and CloudTrail in its records.
pub fn camel(snake: &str) -> String {
    let mut out = String::with_capacity(snake.len());
    let mut upper = false;
    for c in snake.chars() {
        match c {
            '_' => upper = true,
            c if upper => {
                out.push(c.to_ascii_uppercase());
                upper = false;
            }
            c => out.push(c),
        }
    }
    out
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

/// Declares an operation's `Input`: required members, then optional ones (`Option`), by their
/// snake_case names.
macro_rules! input {
    (required { $($req:ident: $req_ty:ty,)* } optional { $($opt:ident: $opt_ty:ty,)* }) => {
        /// The operation's request, checked.
        #[allow(missing_docs)] // AWS's own members, documented by AWS
        pub struct Input {
            $(pub $req: $req_ty,)*
            $(pub $opt: Option<$opt_ty>,)*
        }

        impl $crate::model::member::Decode for Input {
            fn decode(body: &[u8]) -> Result<Self, $crate::Error> {
                use $crate::model::member::{Member, Violations, read};
                #[derive(serde::Deserialize)]
                #[serde(rename_all = "PascalCase")]
                struct Wire {
                    $($req: Option<<$req_ty as Member>::Wire>,)*
                    $($opt: Option<<$opt_ty as Member>::Wire>,)*
                }
                #[allow(unused_variables)]
                let wire: Wire = read(body)?;
                #[allow(unused_mut)]
                let mut violations = Violations::default();
                $(let $req = match wire.$req {
                    Some(value) => <$req_ty as Member>::check(value, stringify!($req), &mut violations),
                    None => {
                        violations.missing(stringify!($req));
                        None
                    }
                };)*
                $(let $opt = wire.$opt.and_then(|value| {
                    <$opt_ty as Member>::check(value, stringify!($opt), &mut violations)
                });)*
                violations.finish()?;
                $(let Some($req) = $req else {
                    return Err($crate::Error::internal(concat!(stringify!($req), " lost in checking")));
                };)*
                Ok(Self { $($req,)* $($opt,)* })
            }

            fn parameters(&self) -> serde_json::Map<String, serde_json::Value> {
                #[allow(unused_imports)]
                use $crate::model::member::{Member, camel};
                #[allow(unused_mut)]
                let mut parameters = serde_json::Map::new();
                $(if let Some(value) = self.$req.recorded() {
                    parameters.insert(camel(stringify!($req)), value);
                })*
                $(if let Some(value) = self.$opt.as_ref().and_then(Member::recorded) {
                    parameters.insert(camel(stringify!($opt)), value);
                })*
                parameters
            }

            fn dry_run(&self) -> bool {
                $crate::model::member::input!(@dry_run self; $($opt)*)
            }

            fn grant_tokens(&self) -> &[String] {
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
    (@grant_tokens $self:ident; grant_tokens $($rest:ident)*) => {
        $self.grant_tokens.as_ref().map_or(&[], |tokens| &tokens.0)
    };
    (@grant_tokens $self:ident; $first:ident $($rest:ident)*) => {
        $crate::model::member::input!(@grant_tokens $self; $($rest)*)
    };
    (@grant_tokens $self:ident;) => { &[] };
}
pub(crate) use input;
