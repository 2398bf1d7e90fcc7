//! Roles: they have policies, and whoever their trust policy lets may assume them.

pub mod create_role;
pub mod delete_role;
pub mod delete_role_policy;
pub mod get_role;
pub mod get_role_policy;
pub mod list_role_policies;
pub mod list_roles;
pub mod put_role_policy;
pub mod tag_role;
pub mod untag_role;
pub mod update_assume_role_policy;

use super::PATH;
use super::tags::{self, Tag};
use crate::model::shapes::Timestamp;
use crate::store::Identity;

/// IAM's `Role`.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct RoleDetail {
    pub path: &'static str,
    pub role_name: Option<String>,
    pub role_id: Option<String>,
    pub arn: String,
    pub create_date: Timestamp,
    pub assume_role_policy_document: Option<String>,
    pub max_session_duration: Option<i32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
}

impl From<&Identity> for RoleDetail {
    fn from(role: &Identity) -> Self {
        Self {
            path: PATH,
            role_name: role.name.clone(),
            role_id: role.unique_id.clone(),
            arn: role.arn.clone(),
            create_date: Timestamp(role.created),
            assume_role_policy_document: role.trust.clone(),
            max_session_duration: role.max_session_seconds,
            tags: tags::of(role),
        }
    }
}
