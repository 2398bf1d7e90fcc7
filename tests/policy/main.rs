//! What policies mean: a table of questions from AWS's pages, documents that do not parse, and
//! random policies, about which `authz` and an evaluator that is slow and obvious must agree.

mod any;
mod case;
mod engine;
mod malformed;
mod property;
mod slow;
mod table;
