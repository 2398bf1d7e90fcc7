//! The names of condition operators.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>.

use std::cmp::Ordering;

/// A condition operator with what its name says around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operator {
    pub(super) comparison: Comparison,
    /// `Not`: true where none of the policy's values matches.
    pub(super) negated: bool,
    pub(super) set: Option<Set>,
    /// `…IfExists`.
    pub(super) if_exists: bool,
}

/// What is compared, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    Numeric(Order),
    Date(Order),
    Bool,
    BinaryEquals,
    IpAddress,
    Arn,
    Null,
}

/// How the values of the request are to match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    /// `ForAllValues:`.
    All,
    /// `ForAnyValue:`.
    Any,
}

/// How a number or a date is to stand to the policy's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    pub(super) fn admits(self, ordering: Ordering) -> bool {
        match self {
            Order::Equal => ordering.is_eq(),
            Order::Less => ordering.is_lt(),
            Order::LessOrEqual => ordering.is_le(),
            Order::Greater => ordering.is_gt(),
            Order::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

impl Operator {
    /// Reads a name; `None` for what is no operator.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (set, name) = match name.split_once(':') {
            Some(("ForAllValues", name)) => (Some(Set::All), name),
            Some(("ForAnyValue", name)) => (Some(Set::Any), name),
            Some(_) => return None,
            None => (None, name),
        };
        let (if_exists, name) = match name.strip_suffix("IfExists") {
            Some("Null") => return None,
            Some(name) => (true, name),
            None => (false, name),
        };
        let (comparison, negated) = comparison(name)?;
        Some(Self {
            comparison,
            negated,
            set,
            if_exists,
        })
    }
}

fn comparison(name: &str) -> Option<(Comparison, bool)> {
    use Comparison as C;
    Some(match name {
        "StringEquals" => (C::StringEquals, false),
        "StringNotEquals" => (C::StringEquals, true),
        "StringEqualsIgnoreCase" => (C::StringEqualsIgnoreCase, false),
        "StringNotEqualsIgnoreCase" => (C::StringEqualsIgnoreCase, true),
        "StringLike" => (C::StringLike, false),
        "StringNotLike" => (C::StringLike, true),
        "Bool" => (C::Bool, false),
        "BinaryEquals" => (C::BinaryEquals, false),
        "IpAddress" => (C::IpAddress, false),
        "NotIpAddress" => (C::IpAddress, true),
        "ArnEquals" | "ArnLike" => (C::Arn, false),
        "ArnNotEquals" | "ArnNotLike" => (C::Arn, true),
        "Null" => (C::Null, false),
        _ => {
            let (of, name): (fn(Order) -> C, _) = match name.strip_prefix("Numeric") {
                Some(name) => (C::Numeric, name),
                None => (C::Date, name.strip_prefix("Date")?),
            };
            let (order, negated) = match name {
                "Equals" => (Order::Equal, false),
                "NotEquals" => (Order::Equal, true),
                "LessThan" => (Order::Less, false),
                "LessThanEquals" => (Order::LessOrEqual, false),
                "GreaterThan" => (Order::Greater, false),
                "GreaterThanEquals" => (Order::GreaterOrEqual, false),
                _ => return None,
            };
            (of(order), negated)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_full() {
        let read = |name: &str| Operator::parse(name).expect(name);
        assert_eq!(
            read("ForAnyValue:StringNotLikeIfExists"),
            Operator {
                comparison: Comparison::StringLike,
                negated: true,
                set: Some(Set::Any),
                if_exists: true,
            }
        );
        assert_eq!(
            read("DateGreaterThanEquals").comparison,
            Comparison::Date(Order::GreaterOrEqual)
        );
        assert_eq!(read("ArnEquals"), read("ArnLike"));
        assert!(read("NumericNotEquals").negated);
    }

    #[test]
    fn what_is_no_operator() {
        for wrong in [
            "",
            "stringEquals",
            "StringEqualsIfExistsIfExists",
            "NullIfExists",
            "ForAllValues:NullIfExists",
            "ForSomeValues:StringEquals",
            "ForAllValues:ForAnyValue:StringEquals",
            "NumericLike",
            "DateBefore",
            "NotStringEquals",
            "BinaryNotEquals",
            "BoolNot",
            "IfExists",
            "IpAddressLike",
        ] {
            assert_eq!(Operator::parse(wrong), None, "{wrong}");
        }
    }
}
