//! The tokens of a gateway: its own, which has its system keys, and those of custom key stores.

use super::key_stores::password;
use crate::metrics::{self, MetricFamily};
use crate::model::{AccountId, ConnectionErrorCode, ConnectionState};
use crate::store::{Key, KeyStore};
use crate::token::{KeyRef, Token, TokenConfig, TokenSelector, TokenTrouble};
use crate::{Error, ErrorCode};
use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long a token is waited for that has just been opened.
const PATIENCE: Duration = Duration::from_secs(10);

/// See the module.
pub struct Tokens {
    home: Token,
    /// Of the gateway's own token: PINs of others are wrapped under it.
    wrapping: KeyRef,
    /// Those of the configuration that can be custom key stores, by their names.
    clusters: BTreeMap<String, Cluster>,
    /// By the row of their custom key store.
    open: RwLock<HashMap<Uuid, Open>>,
    /// One at a time, so that a store's token is opened once.
    opening: tokio::sync::Mutex<()>,
}

/// A token that can be a custom key store.
pub struct Cluster {
    /// Without its PIN.
    pub token: TokenConfig,
    /// The accounts that may have it; `None` for all.
    pub accounts: Option<Vec<AccountId>>,
}

struct Open {
    connection: Uuid,
    /// That of the custom key store's row, when it was opened.
    row_version: i64,
    cluster: String,
    token: Token,
    since: Instant,
}

impl Tokens {
    /// With the gateway's own token and its wrapping key.
    pub fn new(home: Token, wrapping: KeyRef, clusters: BTreeMap<String, Cluster>) -> Self {
        Self {
            home,
            wrapping,
            clusters,
            open: RwLock::default(),
            opening: tokio::sync::Mutex::default(),
        }
    }

    /// The gateway's own token.
    pub fn home(&self) -> &Token {
        &self.home
    }

    /// The gateway's own wrapping key.
    pub fn wrapping(&self) -> &KeyRef {
        &self.wrapping
    }

    /// The metrics of all of them: `token` is `home`, or the name that the configuration has for it.
    pub fn metrics(&self) -> Vec<MetricFamily> {
        let open = self.read();
        let mut named = BTreeMap::from([("home", &self.home)]);
        for open in open.values() {
            // Of two key stores on one token, the first has it open and the other never.
            let known = named.entry(&open.cluster).or_insert(&open.token);
            if known.serial().is_none() {
                *known = &open.token;
            }
        }
        let labelled =
            |(name, token): (&str, &Token)| metrics::labelled(token.metrics(), "token", name);
        named.into_iter().flat_map(labelled).collect()
    }

    /// The token of the configuration under this name, if the account may have it.
    pub fn cluster(&self, id: &str, account: &AccountId) -> Option<&TokenConfig> {
        let cluster = self.clusters.get(id)?;
        let accounts = cluster.accounts.as_ref();
        let may = accounts.is_none_or(|accounts| accounts.contains(account));
        may.then_some(&cluster.token)
    }

    /// The token that has a key.
    ///
    /// # Errors
    /// `KeyUnavailableException` if it is a custom key store's and not open here.
    pub fn of(&self, key: &Key) -> Result<Token, Error> {
        let Some(row) = key.key_store else {
            return Ok(self.home.clone());
        };
        let open = self.read();
        let token = open.get(&row).map(|open| open.token.clone());
        token.ok_or_else(|| away("The token of the custom key store is not open. Retry later."))
    }

    /// The token with this serial number; `None` names the gateway's own.
    ///
    /// # Errors
    /// `KeyUnavailableException` if it is not ready here.
    pub fn with_serial(&self, serial: Option<&str>) -> Result<Token, Error> {
        let Some(serial) = serial else {
            return Ok(self.home.clone());
        };
        let is_it = |token: &&Token| token.serial().as_deref() == Some(serial);
        let open = self.read();
        let mut all = std::iter::once(&self.home).chain(open.values().map(|open| &open.token));
        let found = all.find(is_it).cloned();
        found.ok_or_else(|| away(format!("The token with serial {serial} is not open.")))
    }

    /// The serial numbers of the tokens that are ready; `None` among them stands for the gateway's
    /// own as well.
    pub fn at_hand(&self) -> Vec<Option<String>> {
        let mut serials = Vec::new();
        if let Some(serial) = self.home.serial() {
            serials.extend([None, Some(serial)]);
        }
        let open = self.read();
        serials.extend(
            open.values()
                .map(|open| open.token.serial())
                .filter(Option::is_some),
        );
        serials
    }

    /// The token of a custom key store that is connected, opened if it is not yet.
    ///
    /// # Errors
    /// `KeyUnavailableException` if it cannot be had now.
    pub async fn of_store(&self, store: &KeyStore) -> Result<Token, Error> {
        let (token, since) = match self.known(store) {
            Some(known) => known,
            None => self.open(store, false).await?,
        };
        // As long as the one who opened it waits; after that, a call says whether it is there.
        let left = PATIENCE.saturating_sub(since.elapsed());
        if !left.is_zero() {
            token.wait_ready(left).await?;
        }
        Ok(token)
    }

    /// Its token, and since when it is being opened, or open.
    fn known(&self, store: &KeyStore) -> Option<(Token, Instant)> {
        let open = self.read();
        let open = open.get(&store.row)?;
        (open.connection == store.connection).then(|| (open.token.clone(), open.since))
    }

    /// Whether the token is open for a later connection of the custom key store than `store` has.
    fn has_since(&self, store: &KeyStore) -> bool {
        let open = self.read();
        let open = open.get(&store.row);
        open.is_some_and(|open| open.row_version > store.row_version)
    }

    /// Opens the token of a custom key store for the first time, and says what came of it: its
    /// serial number, or why not. `retry_pin` is for a password that was not tried before.
    pub async fn connect(
        &self,
        store: &KeyStore,
        retry_pin: bool,
    ) -> Result<String, ConnectionErrorCode> {
        let token = match self.open(store, retry_pin).await {
            Ok((token, _)) => token,
            Err(error) if error.cause::<UnknownCluster>().is_some() => {
                return Err(ConnectionErrorCode::ClusterNotFound);
            }
            Err(error) => {
                log::error!("custom key store {}: {error}", store.id);
                return Err(ConnectionErrorCode::InternalError);
            }
        };
        let ready = token.wait_ready(PATIENCE).await;
        match (ready, token.serial()) {
            (Ok(()), Some(serial)) => Ok(serial),
            (outcome, _) => {
                let trouble = token.trouble();
                log::warn!("custom key store {} ({trouble:?}): {outcome:?}", store.id);
                self.give_up(store).await;
                Err(error_code(trouble))
            }
        }
    }

    async fn open(&self, store: &KeyStore, retry_pin: bool) -> Result<(Token, Instant), Error> {
        let _turn = self.opening.lock().await;
        if let Some(known) = self.known(store) {
            return Ok(known);
        }
        // Who asks knows an old row: with its password a wrong PIN would be tried.
        if self.has_since(store) {
            return Err(away("The custom key store was connected anew. Retry."));
        }
        let config = self.config(store)?;
        let pin = password::open(&self.home, &self.wrapping, store).await?;
        // The token of an earlier connection: a token has one user.
        self.close(store.row).await;
        let token = Token::open(TokenConfig {
            pin,
            retry_pin,
            ..config
        })?;
        let open = Open {
            connection: store.connection,
            row_version: store.row_version,
            cluster: store.cluster.clone(),
            token: token.clone(),
            since: Instant::now(),
        };
        let since = open.since;
        self.write().insert(store.row, open);
        Ok((token, since))
    }

    /// How the token is opened: that of the configuration, which has to be the one that the store
    /// was first connected to.
    fn config(&self, store: &KeyStore) -> Result<TokenConfig, Error> {
        let unknown = || Error::internal(UnknownCluster(store.cluster.clone()));
        let config = self.cluster(&store.cluster, &store.account);
        let mut config = config.ok_or_else(unknown)?.clone();
        if let Some(serial) = &store.token_serial {
            if matches!(&config.select, TokenSelector::Serial(other) if other != serial) {
                return Err(unknown());
            }
            config.select = TokenSelector::Serial(serial.clone());
        }
        Ok(config)
    }

    /// Opens the token of a custom key store that is connected, unless it is open; does not wait for
    /// it.
    ///
    /// # Errors
    /// The configuration has no such token, or the password does not open.
    pub async fn keep_open(&self, store: &KeyStore) -> Result<(), Error> {
        self.open(store, false).await.map(drop)
    }

    /// Closes the tokens of all custom key stores but those that `stores` has as connected, or as
    /// being connected, in the same connection.
    pub async fn retain(&self, stores: &[KeyStore]) {
        let wanted = |row: Uuid, open: &Open| {
            stores.iter().any(|store| {
                let state = matches!(
                    store.state,
                    ConnectionState::Connected | ConnectionState::Connecting
                );
                state && store.row == row && store.connection == open.connection
            })
        };
        let unwanted: Vec<Uuid> = {
            let open = self.read();
            let unwanted = open.iter().filter(|(row, open)| !wanted(**row, open));
            unwanted.map(|(row, _)| *row).collect()
        };
        for row in unwanted {
            self.close(row).await;
        }
    }

    /// Closes the token that did not open for `store`, unless it has been connected anew meanwhile:
    /// then that connection has closed it, and has its own.
    async fn give_up(&self, store: &KeyStore) {
        let _turn = self.opening.lock().await;
        if self.known(store).is_some() {
            self.close(store.row).await;
        }
    }

    async fn close(&self, row: Uuid) {
        let open = self.write().remove(&row);
        if let Some(open) = open {
            open.token.close().await;
        }
    }

    /// Closes all of them, the gateway's own last.
    pub async fn close_all(&self) {
        self.retain(&[]).await;
        self.home.close().await;
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, HashMap<Uuid, Open>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<Uuid, Open>> {
        self.open.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The configuration has no such token.
#[derive(Debug, thiserror::Error)]
#[error("the configuration names no token {0} for the key store's account, with its serial number")]
struct UnknownCluster(String);

fn away(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::KeyUnavailable, message)
}

fn error_code(trouble: Option<TokenTrouble>) -> ConnectionErrorCode {
    match trouble {
        Some(TokenTrouble::NotFound) => ConnectionErrorCode::ClusterNotFound,
        Some(TokenTrouble::InUse) => ConnectionErrorCode::UserLoggedIn,
        Some(TokenTrouble::WrongPin) => ConnectionErrorCode::InvalidCredentials,
        Some(TokenTrouble::PinLocked) => ConnectionErrorCode::UserLockedOut,
        Some(TokenTrouble::NoPin) => ConnectionErrorCode::UserNotFound,
        Some(TokenTrouble::Unfit) => ConnectionErrorCode::InternalError,
        Some(TokenTrouble::Silent) | None => ConnectionErrorCode::NetworkErrors,
    }
}
