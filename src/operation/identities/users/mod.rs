//! Users: they have policies, and access keys.

pub mod create_user;
pub mod delete_user;
pub mod delete_user_policy;
pub mod get_user;
pub mod get_user_policy;
pub mod list_user_policies;
pub mod list_users;
pub mod put_user_policy;
pub mod tag_user;
pub mod untag_user;

use super::PATH;
use super::tags::{self, Tag};
use crate::model::shapes::Timestamp;
use crate::store::Identity;

/// IAM's `User`. A root has neither name nor path, and its account's number for an id.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct UserDetail {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    pub user_id: String,
    pub arn: String,
    pub create_date: Timestamp,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
}

impl From<&Identity> for UserDetail {
    fn from(user: &Identity) -> Self {
        Self {
            path: user.name.as_ref().map(|_| PATH),
            user_name: user.name.clone(),
            user_id: match &user.unique_id {
                Some(id) => id.clone(),
                None => user.account.to_string(),
            },
            arn: user.arn.clone(),
            create_date: Timestamp(user.created),
            tags: tags::of(user),
        }
    }
}
