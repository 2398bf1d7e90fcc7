//! CreateGrant: <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html>.

use super::{check_principal, invalid};
use crate::model::key_id::KeyForms;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{
    Flag, GrantConstraints, GrantName, GrantOperation, GrantOperations, GrantTokens, KeyId,
    PrincipalId, ServicePrincipal,
};
use crate::model::{Constraints, GrantOperationSet, hex};
use crate::operation::access::{Access, By, Purpose};
use crate::operation::authorized::arn_of;
use crate::operation::{Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::{Grant, Transaction};
use crate::{Error, ErrorCode};
use serde_json::{Value, json};
use uuid::Uuid;

/// See the module.
pub struct CreateGrant;

input! {
    required {
        key_id: KeyId,
        operations: GrantOperations,
    }
    optional {
        grantee_principal: PrincipalId,
        retiring_principal: PrincipalId,
        constraints: GrantConstraints,
        grant_tokens: GrantTokens,
        name: GrantName,
        dry_run: Flag,
        grantee_service_principal: ServicePrincipal,
        retiring_service_principal: ServicePrincipal,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub grant_token: String,
    pub grant_id: String,
    /// The key's ARN, for the record alone.
    #[serde(skip)]
    pub key: String,
}

fn grantee(input: &Input) -> Result<&str, Error> {
    match (&input.grantee_principal, &input.grantee_service_principal) {
        (Some(principal), None) => {
            check_principal(principal)?;
            Ok(principal)
        }
        (None, Some(service)) => Ok(&service.0),
        _ => Err(invalid(
            "You must specify either GranteePrincipal or GranteeServicePrincipal, but not both.",
        )),
    }
}

fn retiring(input: &Input) -> Result<Option<&str>, Error> {
    match (&input.retiring_principal, &input.retiring_service_principal) {
        (Some(principal), None) => {
            check_principal(principal)?;
            Ok(Some(principal))
        }
        (None, service) => Ok(service.as_ref().map(|service| service.0.as_str())),
        (Some(_), Some(_)) => Err(invalid(
            "You can specify either RetiringPrincipal or RetiringServicePrincipal, but not both.",
        )),
    }
}

fn constraints(input: &Input) -> Result<Option<Constraints>, Error> {
    let constraints = input.constraints.as_ref().map(Constraints::of);
    let constraints = constraints.transpose()?.flatten();
    if let Some(both) = &constraints
        && both.encryption_context_subset.is_some()
        && both.encryption_context_equals.is_some()
    {
        return Err(invalid("More than one constraint supplied"));
    }
    Ok(constraints)
}

impl Operation for CreateGrant {
    const NAME: OperationName = OperationName::CreateGrant;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        grantee(input)?;
        let (retiring, constraints) = (retiring(input)?, constraints(input)?);
        if input.grantee_service_principal.is_some() {
            let source = constraints.as_ref().and_then(|c| c.source_arn.as_ref());
            if source.is_none() {
                return Err(invalid(
                    "A GranteeServicePrincipal needs a SourceArn constraint.",
                ));
            }
            if retiring.is_none() {
                return Err(invalid(
                    "A GranteeServicePrincipal needs a RetiringPrincipal or a RetiringServicePrincipal.",
                ));
            }
        }
        let operations = GrantOperationSet::from(&input.operations);
        if operations.iter().next().is_none() {
            return Err(invalid("Operations must name at least one operation."));
        }
        if operations.iter().all(|o| o == GrantOperation::CreateGrant) {
            return Err(invalid(
                "Grants must not contain only the CreateGrant operation.",
            ));
        }
        let context = constraints.is_some_and(|constraints| constraints.has_context());
        let by = By::Name(&input.key_id, KeyForms::KeyOnly);
        let purpose = Purpose::Grant {
            operations,
            context,
        };
        Ok(Access::one(by, StateRule::Grantable, purpose))
    }

    /// Without the token, as CloudTrail has it.
    fn recorded(output: &Output) -> Result<Value, Error> {
        Ok(json!({"grantId": output.grant_id, "keyId": output.key}))
    }
}

impl Change for CreateGrant {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        request: &Request,
        tx: &Transaction<'_>,
        cx: &Context,
    ) -> Result<Output, Error> {
        let key = call.key(0);
        let (grantee, retiring) = (grantee(input)?, retiring(input)?);
        let wanted = Grant {
            row: Uuid::new_v4(),
            row_version: 1,
            key: key.row,
            account: key.account.clone(),
            region: key.region.clone(),
            key_id: key.key_id.to_string(),
            grant_id: new_id()?,
            name: input.name.as_ref().map(|name| name.to_string()),
            grantee: grantee.to_owned(),
            retiring: retiring.map(str::to_owned),
            issuer: request.principal.account.clone(),
            operations: GrantOperationSet::from(&input.operations),
            constraints: constraints(input)?,
            created: tx.now().await?,
        };
        // The key is locked: nobody else makes the same grant meanwhile, or one too many.
        let grant = match tx.same_grant(&wanted).await? {
            Some(same) => same,
            None => {
                let quota = cx.store.quota(&key.account).grants_per_key;
                if tx.count_grants(key).await? >= i64::from(quota) {
                    let message = format!("The key has {quota} grants, as many as it may have.");
                    return Err(Error::new(ErrorCode::LimitExceeded, message));
                }
                tx.insert_grant(&wanted).await?;
                wanted
            }
        };
        Ok(Output {
            grant_token: tx.grant_token(&grant).await?,
            grant_id: grant.grant_id,
            key: arn_of(key),
        })
    }
}

/// 64 random hexadecimal digits; no secret.
fn new_id() -> Result<String, Error> {
    let mut id = [0; 32];
    openssl::rand::rand_bytes(&mut id).map_err(Error::internal)?;
    Ok(hex::encode(&id))
}
