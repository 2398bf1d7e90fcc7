//! What policies mean: a table of questions from AWS's pages, documents that do not parse, and
//! random policies, for which `authz` and an evaluator that is slow and obvious must agree.

mod case;
mod slow;
mod table;
