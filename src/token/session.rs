//! One thread's logged-in session: object handles, random bytes, and what an error means.

use super::attributes::Class;
use super::cipher::RandomBlock;
use super::compare;
use super::epoch::Epoch;
use super::error::{TokenError, TokenErrorClass};
use super::key::Place;
use super::public_key::subject_public_key_info;
use crate::model::KeySpec;
use cryptoki::error::RvError;
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, ObjectHandle};
use cryptoki::session::{Session, SessionState};
use cryptoki::types::Ulong;
use std::num::NonZeroUsize;
use std::sync::Arc;
use uuid::Uuid;

/// The type of cryptoki's results.
type CkResult<T> = cryptoki::error::Result<T>;

/// A session and what belongs to its thread alone.
pub(super) struct TokenSession {
    session: Session,
    epoch: Arc<Epoch>,
    read_write: bool,
    random: RandomBlock,
}

impl TokenSession {
    /// Opens a session; the user is logged in already, by the epoch's anchor session.
    pub(super) fn open(epoch: Arc<Epoch>, read_write: bool) -> Result<Self, TokenError> {
        let session = Self::open_raw(&epoch, read_write)?;
        Ok(Self {
            session,
            epoch,
            read_write,
            random: RandomBlock::default(),
        })
    }

    fn open_raw(epoch: &Epoch, read_write: bool) -> Result<Session, TokenError> {
        let session = if read_write {
            epoch.pkcs11.open_rw_session(epoch.slot)?
        } else {
            epoch.pkcs11.open_ro_session(epoch.slot)?
        };
        check_logged_in(&session)?;
        Ok(session)
    }

    /// A new session in the place of one that `error` says is lost.
    pub(super) fn reopen(&mut self, error: &TokenError) -> Result<(), TokenError> {
        let fresh = Self::open_raw(&self.epoch, self.read_write)?;
        let stale = std::mem::replace(&mut self.session, fresh);
        self.random = RandomBlock::default();
        if matches!(
            error.code,
            Some(RvError::SessionHandleInvalid | RvError::SessionClosed)
        ) {
            // Closing a number that the token no longer knows could close a neighbour's session
            // that was since given the same number.
            std::mem::forget(stale);
        }
        Ok(())
    }

    pub(super) fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// The session itself. Every call through it must be single-shot: an operation left active
    /// would spoil the next job.
    pub(super) fn raw(&self) -> &Session {
        &self.session
    }

    pub(super) fn fill_random(&mut self, out: &mut [u8]) -> Result<(), TokenError> {
        self.random.fill(&self.session, out)
    }

    /// Runs `call` with the handle of one object, found by `CKA_ID` and `CKA_CLASS`. A handle
    /// that has gone stale is looked up again, once; what is looked up is refused unless it is what
    /// it was made as.
    pub(super) fn with_key<'p, T>(
        &mut self,
        place: impl Into<Place<'p>>,
        class: Class,
        mut call: impl FnMut(&Session, ObjectHandle) -> CkResult<T>,
    ) -> Result<T, TokenError> {
        let place = place.into();
        let version = place.version;
        let cached = self.epoch.handles.get(&(version, class));
        let handle = match cached {
            Some(handle) => handle,
            None => self.search(place, class)?,
        };
        match call(&self.session, handle).map_err(TokenError::from) {
            Err(error) if error.is_stale_handle() && cached.is_some() => {
                self.forget(version, class);
                let handle = self.search(place, class)?;
                Ok(call(&self.session, handle)?)
            }
            answer => answer,
        }
    }

    /// Drops a kept handle.
    pub(super) fn forget(&self, version: Uuid, class: Class) {
        self.epoch.handles.remove(&(version, class));
    }

    fn search(&self, place: Place<'_>, class: Class) -> Result<ObjectHandle, TokenError> {
        let found = self.find(place, class)?;
        let version = place.version;
        match found.as_slice() {
            [handle] => {
                if let Some(key) = place.key {
                    compare::first_sight(self, *handle, class, key)?;
                }
                self.epoch.handles.insert((version, class), *handle);
                Ok(*handle)
            }
            [] => {
                self.check_present()?;
                Err(TokenError::new(
                    TokenErrorClass::NoSuchObject,
                    "C_FindObjects",
                    format!("the token has no {class:?} key object with CKA_ID {version}"),
                ))
            }
            _ => Err(TokenError::new(
                TokenErrorClass::Bug,
                "C_FindObjects",
                format!("more than one {class:?} key object has CKA_ID {version}"),
            )),
        }
    }

    /// The objects of one class under a `CKA_ID`; two at most, for more than one is an error.
    pub(super) fn find<'p>(
        &self,
        place: impl Into<Place<'p>>,
        class: Class,
    ) -> Result<Vec<ObjectHandle>, TokenError> {
        self.find_by(Attribute::Id(place.into().id().to_vec()), class)
    }

    /// As [`TokenSession::find`], by another attribute.
    pub(super) fn find_by(
        &self,
        attribute: Attribute,
        class: Class,
    ) -> Result<Vec<ObjectHandle>, TokenError> {
        self.first_two(&[
            Attribute::Token(true),
            Attribute::Class(class.object_class()),
            attribute,
        ])
    }

    /// Whether there is an object of any class under a `CKA_ID`: one search, where a token that searches slowly
    /// would take three.
    pub(super) fn has_any(&self, id: Uuid) -> Result<bool, TokenError> {
        let id = Attribute::Id(id.as_bytes().to_vec());
        Ok(!self.first_two(&[Attribute::Token(true), id])?.is_empty())
    }

    fn first_two(&self, template: &[Attribute]) -> Result<Vec<ObjectHandle>, TokenError> {
        const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap(); // Unwrap safety: evaluated at compile time
        let found = self
            .session
            .iter_objects_with_cache_size(template, TWO)?
            .take(2)
            .collect::<CkResult<Vec<_>>>()?;
        Ok(found)
    }

    /// The public half as SubjectPublicKeyInfo.
    pub(super) fn with_public<'p>(
        &mut self,
        place: impl Into<Place<'p>>,
        spec: KeySpec,
    ) -> Result<Vec<u8>, TokenError> {
        // The handle is taken through the cache, with its recovery; reading it is not one call.
        let mut handle = None;
        self.with_key(place, Class::Public, |raw, object| {
            handle = Some(object);
            raw.get_attributes(object, &[cryptoki::object::AttributeType::Id])
        })?;
        match handle {
            Some(object) => subject_public_key_info(&self.session, object, spec),
            None => Err(TokenError::new(
                TokenErrorClass::Bug,
                "with_public",
                "no handle",
            )),
        }
    }

    /// Fails with class TokenLost or SessionLost unless the token is there and shows its private
    /// objects. An empty search proves nothing: SoftHSM without its directory, or without a login,
    /// answers CKR_OK and no objects.
    pub(super) fn check_present(&self) -> Result<(), TokenError> {
        check_logged_in(&self.session)?;
        self.epoch.check_present()
    }

    /// What an error of a job means in the end: a code that says nothing of its cause is token
    /// trouble if the token does not answer.
    pub(super) fn refine(&self, error: TokenError) -> TokenError {
        if error.is_ambiguous()
            && let Err(lost) = self.check_present()
        {
            return lost;
        }
        error
    }

    /// Whether `error`, from one of `functions`, means that the caller's input does not
    /// authenticate (`Ok(None)`) or that something is wrong with the token (`Err`). Codes that
    /// say only one thing are believed; the others (SoftHSM: CKR_GENERAL_ERROR for a bad tag)
    /// only after the token has shown that it is well.
    pub(super) fn bad_input<T>(
        &mut self,
        error: TokenError,
        functions: &[&str],
    ) -> Result<Option<T>, TokenError> {
        use RvError as R;
        if !functions.contains(&error.function) {
            return Err(error);
        }
        match error.code {
            Some(
                R::EncryptedDataInvalid
                | R::EncryptedDataLenRange
                | R::SignatureInvalid
                | R::SignatureLenRange,
            ) => Ok(None),
            Some(
                R::GeneralError
                | R::FunctionFailed
                | R::DataInvalid
                | R::DataLenRange
                | R::ArgumentsBad
                | R::VendorDefined(_),
            ) => {
                self.check_present()?;
                self.canary()?;
                Ok(None)
            }
            _ => Err(error),
        }
    }

    /// Encrypts a byte under the epoch's own session key: no key of a customer's is used up.
    fn canary(&mut self) -> Result<(), TokenError> {
        let mut iv = [0; 12];
        self.fill_random(&mut iv)?;
        let params = GcmParams::new(&mut iv, &[], Ulong::from(128))?;
        self.session
            .encrypt(&Mechanism::AesGcm(params), self.epoch.canary, &[0])?;
        Ok(())
    }
}

/// Fails with class TokenLost if the login is gone (C_Logout or C_CloseAllSessions elsewhere in
/// the process), and with it every handle of the epoch.
fn check_logged_in(session: &Session) -> Result<(), TokenError> {
    match session.get_session_info()?.session_state() {
        SessionState::RoUser | SessionState::RwUser => Ok(()),
        state => Err(TokenError::new(
            TokenErrorClass::TokenLost,
            "C_GetSessionInfo",
            format!("the user is no longer logged in ({state:?})"),
        )),
    }
}
