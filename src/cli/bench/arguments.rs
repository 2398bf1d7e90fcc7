//! The command line of `bench`.

use super::workload::{self, Workload};
use crate::token::BaselineOperation as Operation;
use std::path::PathBuf;
use std::time::Duration;

/// Options of `bench`. The credentials and the Region come from the environment, as with any AWS
/// client.
#[derive(clap::Args)]
pub struct Arguments {
    /// The gateway, as http://host:port or https://host:port.
    #[arg(long, env = "AWS_ENDPOINT_URL_KMS")]
    pub(super) endpoint: String,
    /// What is measured, one operation after the other.
    #[arg(long, value_delimiter = ',', value_parser = workload::operation,
          default_value = "encrypt,generate-data-key,decrypt,sign-rsa-2048-pss,sign-ecc-p256")]
    pub(super) operations: Vec<Operation>,
    /// Measure a mix of operations instead, by their shares: encrypt=70,decrypt=25,sign-ecc-p256=5.
    #[arg(long, value_name = "OPERATION=SHARE,...", value_parser = Workload::mix,
          conflicts_with = "operations")]
    mix: Option<Workload>,
    /// How many connections at once; each sends its next request after the last answer.
    #[arg(long, value_delimiter = ',', default_value = "1,8,32",
          value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) connections: Vec<u16>,
    /// Instead: so many requests a second, whether or not the ones before are answered, over as many
    /// connections as the most of --connections. Latencies count from when each request was due.
    #[arg(long, value_delimiter = ',', value_name = "PER_SECOND",
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) rate: Vec<u32>,
    /// How long each measurement takes.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(super) seconds: u64,
    /// For how long before each the same load is not counted.
    #[arg(long, value_name = "SECONDS", default_value = "0.5", value_parser = seconds)]
    pub(super) warm_up: Duration,
    /// How often each is taken.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(super) rounds: u64,
    /// Threads of this client; what they use of shared processors is not there for the gateway.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(super) threads: u8,
    /// The gateway's configuration file: its token is measured without the gateway as well.
    #[arg(long)]
    pub(super) config: Option<PathBuf>,
    /// With how many sessions, each of a thread of its own, the token alone is measured.
    #[arg(long, value_delimiter = ',', default_value = "1,2",
          value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) sessions: Vec<u16>,
    /// The gateway's page of metrics, as http://host:port/metrics: what a request is at the token.
    #[arg(long, value_name = "URL")]
    pub(super) metrics: Option<String>,
    /// The gateway's process on this machine, for its CPU; found by itself where it may be.
    #[arg(long, value_name = "PID")]
    pub(super) gateway_pid: Option<u32>,
    /// The Postgres server's process on this machine; found by itself where there is one alone.
    #[arg(long, value_name = "PID")]
    pub(super) postgres_pid: Option<u32>,
    /// Put OpenBao's Transit engine, mounted at `transit`, under the same load in turn.
    #[arg(long, value_name = "URL")]
    pub(super) against_transit: Option<String>,
    /// The variable of the environment that has OpenBao's token.
    #[arg(long, value_name = "VAR", default_value = "BAO_TOKEN")]
    pub(super) transit_token_env: String,
    /// Make so many more keys first, which are not used.
    #[arg(long, default_value_t = 0)]
    pub(super) extra_keys: usize,
    /// Measure everything once more in each round while another tenant, whose access key this file has
    /// (as `strongroom init --out` writes it), encrypts.
    #[arg(long, requires = "noise_per_second")]
    pub(super) noise: Option<PathBuf>,
    /// How many requests the other tenant makes in a second.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) noise_per_second: Option<u32>,
    /// Write the results here too.
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Write every round of them here.
    #[arg(long, value_name = "FILE")]
    pub(super) csv: Option<PathBuf>,
    /// Draw latency against load here, as SVG.
    #[arg(long, value_name = "FILE")]
    pub(super) plot: Option<PathBuf>,
}

impl Arguments {
    /// What is asked for, in turn.
    pub(super) fn workloads(&self) -> Vec<Workload> {
        match &self.mix {
            Some(mix) => vec![mix.clone()],
            None => self.operations.iter().copied().map(Workload::one).collect(),
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().map_err(|error| error.to_string())?;
    if !(0.0..=600.0).contains(&seconds) {
        return Err("between 0 and 600 seconds".into());
    }
    Ok(Duration::from_secs_f64(seconds))
}
