//! Clients that write down which of their requests were answered.

use crate::dev::Dev;
use aws_sdk_kms::Client;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::operation::RequestId;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{DataKeySpec, KeySpec, KeyUsageType, SigningAlgorithmSpec, Tag};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Clients of the gateway that is killed, without those that make changes.
const USERS: usize = 8;
/// Those of the one that stays.
const NEIGHBOURS: usize = 1;
/// No gateway is there: the next is on its way.
const PAUSE: Duration = Duration::from_millis(10);
const A_WHILE: Duration = Duration::from_secs(10);

/// What they use.
struct Keys {
    symmetric: String,
    signing: String,
    /// Is disabled and enabled again and again.
    changing: String,
    sealed: Blob,
}

/// The clients at work.
pub struct Load {
    gateway: watch::Sender<Option<Client>>,
    clients: JoinSet<()>,
    answers: Arc<Mutex<Answers>>,
}

impl Load {
    /// Makes the keys, and starts clients that wait for [`Load::turn_to`].
    pub async fn start(dev: &Dev) -> Self {
        let keys = Arc::new(Keys::make(&dev.client()).await);
        let (gateway, of_victim) = watch::channel(None);
        let of_neighbour = watch::channel(Some(dev.client())).1;
        let answers = Arc::new(Mutex::new(Answers::default()));
        let mut clients = JoinSet::new();
        for number in 0..USERS + NEIGHBOURS {
            let mut gateway = match number < USERS {
                true => of_victim.clone(),
                false => of_neighbour.clone(),
            };
            let (keys, answers, ended) = (keys.clone(), answers.clone(), of_victim.clone());
            clients.spawn(async move {
                let mut step = number;
                while let Some(client) = next(&mut gateway, &ended).await {
                    keys.use_one(step, &client, &answers).await;
                    step += 1;
                }
            });
        }
        let (mut changed, answers_of_changes) = (of_victim.clone(), answers.clone());
        clients.spawn(async move {
            let mut step = 0;
            while let Some(client) = next(&mut changed, &of_victim).await {
                keys.change(step, &client, &answers_of_changes).await;
                step += 1;
            }
        });
        Self {
            gateway,
            clients,
            answers,
        }
    }

    /// The clients ask this gateway from now on.
    pub fn turn_to(&mut self, client: Client) {
        self.gateway.send_replace(Some(client));
    }

    /// Waits until there are so many answers, a while at most.
    pub async fn wait_for(&self, answers: u64) {
        let begun = Instant::now();
        while (self.answers.lock().unwrap().len() as u64) < answers && begun.elapsed() < A_WHILE {
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Lets them end.
    pub async fn stop(mut self) -> Answers {
        drop(self.gateway);
        while let Some(ended) = self.clients.join_next().await {
            ended.expect("a client");
        }
        std::mem::take(&mut self.answers.lock().unwrap())
    }
}

/// The gateway to ask; `None` once there will be no more of them.
async fn next(
    gateway: &mut watch::Receiver<Option<Client>>,
    ended: &watch::Receiver<Option<Client>>,
) -> Option<Client> {
    ended.has_changed().ok()?;
    let client = gateway.wait_for(Option::is_some).await.ok()?;
    client.clone()
}

impl Keys {
    async fn make(client: &Client) -> Self {
        let make = async |spec, usage| {
            let made = client.create_key().key_spec(spec).key_usage(usage);
            let made = made.send().await.unwrap();
            made.key_metadata().unwrap().key_id().to_owned()
        };
        let (spec, usage) = (KeySpec::SymmetricDefault, KeyUsageType::EncryptDecrypt);
        let symmetric = make(spec.clone(), usage.clone()).await;
        let changing = make(spec, usage).await;
        let signing = make(KeySpec::EccNistP256, KeyUsageType::SignVerify).await;
        let sealed = client.encrypt().key_id(&symmetric);
        let sealed = sealed.plaintext(Blob::new("x")).send().await.unwrap();
        Self {
            symmetric,
            signing,
            changing,
            sealed: sealed.ciphertext_blob().unwrap().clone(),
        }
    }

    /// One request that changes nothing.
    async fn use_one(&self, step: usize, client: &Client, answers: &Mutex<Answers>) {
        let encrypt = |key: &str| client.encrypt().key_id(key).plaintext(Blob::new("x"));
        let noted = match step % 6 {
            0 => note(answers, encrypt(&self.symmetric).send().await),
            1 => {
                let decrypt = client.decrypt().ciphertext_blob(self.sealed.clone());
                note(answers, decrypt.send().await)
            }
            2 => {
                let generate = client.generate_data_key().key_id(&self.symmetric);
                note(answers, generate.key_spec(DataKeySpec::Aes256).send().await)
            }
            3 => {
                let sign = client.sign().key_id(&self.signing);
                let sign = sign.signing_algorithm(SigningAlgorithmSpec::EcdsaSha256);
                note(answers, sign.message(Blob::new("x")).send().await)
            }
            // A success or a refusal, and at times a result that must be withheld.
            4 => note(answers, encrypt(&self.changing).send().await),
            _ => {
                let nobodys = "00000000-0000-4000-8000-000000000000";
                note(answers, encrypt(nobodys).send().await)
            }
        };
        pause_unless(noted).await;
    }

    /// One that does.
    async fn change(&self, step: usize, client: &Client, answers: &Mutex<Answers>) {
        let key = &self.changing;
        let noted = match step % 3 {
            0 => note(answers, client.disable_key().key_id(key).send().await),
            1 => {
                let tag = Tag::builder().tag_key("step").tag_value(step.to_string());
                let tagging = client.tag_resource().key_id(key);
                note(answers, tagging.tags(tag.build().unwrap()).send().await)
            }
            _ => note(answers, client.enable_key().key_id(key).send().await),
        };
        pause_unless(noted).await;
    }
}

async fn pause_unless(answered: bool) {
    if !answered {
        tokio::time::sleep(PAUSE).await;
    }
}

/// What the clients were answered.
#[derive(Default)]
pub struct Answers {
    /// By request id.
    outcomes: HashMap<String, Outcome>,
    /// Faults of the gateway's, which it answers where it cannot write a record.
    faults: BTreeMap<String, u64>,
    lost: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Outcome {
    Success,
    Refusal,
}

/// Writes down what came of a request; answers whether an answer did.
fn note<T: RequestId, E: ProvideErrorMetadata>(
    answers: &Mutex<Answers>,
    result: Result<T, SdkError<E>>,
) -> bool {
    let mut answers = answers.lock().unwrap();
    let outcome = match &result {
        Ok(_) => Outcome::Success,
        Err(SdkError::ServiceError(refusal)) if refusal.raw().status().is_client_error() => {
            Outcome::Refusal
        }
        Err(SdkError::ServiceError(fault)) => {
            let code = fault.err().code().unwrap_or_default();
            *answers.faults.entry(code.to_owned()).or_default() += 1;
            return true;
        }
        Err(_) => {
            answers.lost += 1;
            return false;
        }
    };
    let id = result.request_id().expect("an answer has a request id");
    answers.outcomes.insert(id.to_owned(), outcome);
    true
}

impl Answers {
    pub fn len(&self) -> usize {
        self.outcomes.len()
    }

    /// Those that have no record.
    pub fn missing_from(&self, recorded: &HashMap<String, u32>) -> Vec<String> {
        let answered = self.outcomes.iter();
        let missing = answered.filter(|(id, _)| !recorded.contains_key(*id));
        missing
            .map(|(id, outcome)| format!("{outcome:?} {id}"))
            .collect()
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.outcomes.values().filter(|o| **o == outcome).count()
    }

    /// Fails where the kills hit nothing.
    pub fn assert_enough(&self, kills: u64) {
        let enough = self.lost >= kills
            && self.count(Outcome::Success) as u64 > 5 * kills
            && self.count(Outcome::Refusal) as u64 >= kills;
        assert!(enough, "hardly any load: {self}");
    }
}

impl std::fmt::Display for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (successes, refusals) = (self.count(Outcome::Success), self.count(Outcome::Refusal));
        write!(
            f,
            "{} answers ({successes} successes, {refusals} refusals), {} requests cut off, faults {:?}",
            self.len(),
            self.lost,
            self.faults
        )
    }
}
