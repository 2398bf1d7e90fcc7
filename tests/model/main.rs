//! Faithfulness to AWS's model: botocore's `kms`, read when the tests run, is held against the
//! gateway's own tables and against its answers.

#[allow(dead_code)] // each test process uses a part
#[path = "../support/dev.rs"]
mod dev;

mod api;
mod botocore;
mod constraints;
mod coverage;
mod documentation;
mod dry_run;
mod examples;
mod fixtures;
mod key_ids;
mod outputs;
mod permissions;
mod places;
mod specs;
mod states;
mod stores;
#[allow(dead_code)] // each test process uses a part
#[path = "../support/who.rs"]
mod who;
