//! Who a request is from: a signature, a client certificate, or nothing but what its body holds.

use super::Shared;
use super::api::{Protocol, SECURITY_TOKEN};
use super::certificate::Mapped;
use crate::model::Region;
use crate::operation::credential::Credential;
use crate::operation::{Principal, Proof};
use crate::sigv4::{self, Authorization, SignedRequest, unrecognized};
use crate::{Error, ErrorCode};
use std::net::IpAddr;
use std::sync::Arc;

/// By what a request says who it is from.
pub(super) enum Presented<'a> {
    /// A signature, and the certificate of the connection that it came over.
    Signature(Authorization<'a>, Option<Mapped<'a>>),
    /// The certificate alone.
    Certificate(Mapped<'a>),
    /// Nothing but what may be in a form.
    Nothing,
}

/// What a request presents, and its Region: checked as far as it can be without asking anybody.
pub(super) fn presented<'r>(
    request: &SignedRequest<'r>,
    protocol: Protocol,
    certificate: Option<Mapped<'r>>,
    shared: &Shared,
) -> Result<(Presented<'r>, Region), Error> {
    let signed = request.header("authorization").is_some();
    match (protocol, certificate) {
        // Any page can make a browser send a form: its certificate counts for nothing.
        (Protocol::Query, _) if !signed => Ok((Presented::Nothing, shared.endpoint.region())),
        (Protocol::Json, Some(certificate)) if !signed => {
            let region = certificate.region_of(request, shared)?;
            Ok((Presented::Certificate(certificate), region))
        }
        (_, certificate) => {
            let (authorization, region) = authorization(request, protocol, shared)?;
            Ok((Presented::Signature(authorization, certificate), region))
        }
    }
}

/// Who the request is from; `None` for one that presents nothing.
pub(super) async fn authenticate(
    presented: &Presented<'_>,
    request: &SignedRequest<'_>,
    source_ip: IpAddr,
    shared: &Shared,
) -> Result<Option<(Principal, Proof)>, Error> {
    match presented {
        Presented::Signature(authorization, certificate) => {
            let credential = signer(authorization, request, source_ip, shared).await?;
            if let Some(certificate) = certificate {
                certificate.check_signer(&credential.principal.arn)?;
            }
            Ok(Some((
                credential.principal.clone(),
                credential.proof.clone(),
            )))
        }
        Presented::Certificate(certificate) => {
            let user = shared.endpoint.user(&certificate.rule.principal).await?;
            let proof = Proof::Certificate(certificate.fingerprint.to_owned());
            Ok(Some((user.ok_or_else(unrecognized)?, proof)))
        }
        Presented::Nothing => Ok(None),
    }
}

/// The `Authorization` header and its Region, checked without asking anybody.
fn authorization<'r>(
    request: &SignedRequest<'r>,
    protocol: Protocol,
    shared: &Shared,
) -> Result<(Authorization<'r>, Region), Error> {
    let authorization = Authorization::parse(request)?;
    authorization.check_access_key_id()?;
    authorization.check_scope(protocol.service())?;
    authorization.check_date(shared.endpoint.now())?;
    authorization.check_signed_headers(request)?;
    let region = Region::parse(authorization.region)
        .filter(|region| shared.endpoint.serves(region))
        .ok_or_else(|| {
            let message = "Credential should be scoped to a valid region.";
            Error::new(ErrorCode::InvalidSignature, message)
        })?;
    Ok((authorization, region))
}

/// The access key that signed the request.
async fn signer(
    authorization: &Authorization<'_>,
    request: &SignedRequest<'_>,
    source_ip: IpAddr,
    shared: &Shared,
) -> Result<Arc<Credential>, Error> {
    let token = request.header(SECURITY_TOKEN);
    let credential = shared
        .endpoint
        .credential(authorization.access_key_id, token, source_ip)
        .await?;
    let credential = credential.ok_or_else(unrecognized)?;
    sigv4::verify(authorization, request, &credential.secret)?;
    Ok(credential)
}
