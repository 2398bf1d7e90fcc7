//! `strongroom bench`: what a running gateway does in a second, and the token without it.
//!
//! Rounds go through everything once, so that a machine that is busy for a while spoils one round
//! and not one row: a row's figure is the median over the rounds.

mod direct;
mod load;
mod noise;
mod table;

use super::client::Endpoint;
use super::{failed, runtime};
use crate::Error;
use crate::token::BaselineOperation as Operation;
use direct::Direct;
use indicatif::{ProgressBar, ProgressStyle};
use load::Load;
use noise::Noise;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use table::{Results, Sample, Subject};

/// Options of `bench`. The credentials and the Region come from the environment, as with any AWS
/// client.
#[derive(clap::Args)]
pub struct Arguments {
    /// The gateway, as http://host:port or https://host:port.
    #[arg(long, env = "AWS_ENDPOINT_URL_KMS")]
    endpoint: String,
    /// What is measured.
    #[arg(long, value_delimiter = ',', value_parser = operation,
          default_value = "encrypt,generate-data-key,decrypt,sign-rsa-2048-pss,sign-ecc-p256")]
    operations: Vec<Operation>,
    /// How many connections at once; each sends its next request after the last answer.
    #[arg(long, value_delimiter = ',', default_value = "1,8,32",
          value_parser = clap::value_parser!(u16).range(1..=1024))]
    connections: Vec<u16>,
    /// How long each measurement takes.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// How often each is taken.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=1000))]
    rounds: u64,
    /// The gateway's configuration file: its token is measured without the gateway as well.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Make so many more keys first, which are not used.
    #[arg(long, default_value_t = 0)]
    extra_keys: usize,
    /// Measure everything once more in each round while another tenant, whose access key this file has
    /// (as `strongroom init --out` writes it), encrypts.
    #[arg(long, requires = "noise_per_second")]
    noise: Option<PathBuf>,
    /// How many requests the other tenant makes in a second.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    noise_per_second: Option<u32>,
    /// Write the results here too.
    #[arg(long)]
    json: Option<PathBuf>,
}

fn operation(name: &str) -> Result<Operation, String> {
    let mut all = Operation::ALL.into_iter();
    all.find(|operation| operation.name() == name)
        .ok_or_else(|| format!("one of {}", Operation::ALL.map(Operation::name).join(", ")))
}

/// Measures, prints the tables, and schedules the deletion of its keys; after Ctrl-C with what
/// there is.
///
/// # Errors
/// The gateway or the token cannot be used, or requests failed.
pub fn run(arguments: Arguments) -> Result<(), Error> {
    let endpoint = Endpoint::new(&arguments.endpoint)?;
    let runtime = runtime()?;
    let stop = Arc::new(AtomicBool::new(false));
    runtime.spawn(stop_on_ctrl_c(Arc::clone(&stop)));
    let authority = endpoint.authority().to_owned();
    let mut load = Load::new(endpoint);
    let mut results = Results::default();
    let measured = runtime
        .block_on(load.prepare(&arguments.operations, arguments.extra_keys, &stop))
        .and_then(|()| runtime.block_on(noise(&arguments)))
        .and_then(|noise| {
            let gateway = Gateway {
                runtime: &runtime,
                load: &load,
                noise: noise.as_ref(),
            };
            let measured = beside_direct(&arguments, &gateway, &stop, &mut results);
            let Some(noise) = noise else {
                return measured;
            };
            println!("{}", noise.text());
            measured.and(runtime.block_on(noise.clean_up()))
        });
    let cleaned = runtime.block_on(load.clean_up());
    println!("{authority}, 32-byte plaintexts; medians over the rounds\n");
    println!("{}", results.text());
    if arguments.config.is_none() {
        println!("The token alone was not measured: no --config.");
    }
    if let Some(path) = &arguments.json {
        results.write_json(path)?;
    }
    measured?;
    println!(
        "{} keys of this run are scheduled for deletion in 7 days.",
        cleaned?
    );
    match results.errors() {
        0 => Ok(()),
        errors => Err(failed(format!("{errors} requests failed"))),
    }
}

/// The gateway, and whoever uses it.
struct Gateway<'a> {
    runtime: &'a tokio::runtime::Runtime,
    load: &'a Load,
    noise: Option<&'a Noise>,
}

impl Gateway<'_> {
    /// One measurement, with or without the other tenant.
    fn run(
        &self,
        operation: Operation,
        connections: usize,
        duration: Duration,
        noisy: bool,
    ) -> Result<Sample, Error> {
        self.runtime.block_on(async {
            let noise = self.noise.filter(|_| noisy).map(Noise::start).transpose()?;
            if let Some(noise) = &noise {
                noise.throttled().await;
            }
            let sample = self.load.run(operation, connections, duration).await;
            if let Some(noise) = noise {
                noise.stop().await?;
            }
            sample
        })
    }
}

/// The other tenant, if there is to be one.
async fn noise(arguments: &Arguments) -> Result<Option<Noise>, Error> {
    match (&arguments.noise, arguments.noise_per_second) {
        (Some(file), Some(per_second)) => Noise::prepare(&arguments.endpoint, file, per_second)
            .await
            .map(Some),
        _ => Ok(None),
    }
}

/// Opens the token, if it is to be measured, and sees that its keys are destroyed.
fn beside_direct(
    arguments: &Arguments,
    gateway: &Gateway<'_>,
    stop: &AtomicBool,
    results: &mut Results,
) -> Result<(), Error> {
    let config = arguments.config.as_deref();
    let direct = config
        .map(|config| Direct::open(config, &arguments.operations))
        .transpose()?;
    let measured = measure(arguments, gateway, direct.as_ref(), stop, results);
    let closed = direct.map_or(Ok(()), Direct::close);
    measured.and(closed)
}

/// The rounds.
fn measure(
    arguments: &Arguments,
    gateway: &Gateway<'_>,
    direct: Option<&Direct>,
    stop: &AtomicBool,
    results: &mut Results,
) -> Result<(), Error> {
    let duration = Duration::from_secs(arguments.seconds);
    let mut subjects: Vec<Subject> = Vec::new();
    for connections in &arguments.connections {
        let connections = usize::from(*connections);
        subjects.push(Subject::Gateway { connections });
        if gateway.noise.is_some() {
            subjects.push(Subject::Beside { connections });
        }
    }
    if direct.is_some() {
        subjects.extend(direct::THREADS.map(|threads| Subject::Direct { threads }));
    }
    let each = (arguments.operations.len() * subjects.len()) as u64;
    let bar = progress_bar(arguments.rounds * each);
    for _ in 0..arguments.rounds {
        for operation in &arguments.operations {
            for subject in &subjects {
                if stop.load(Ordering::Relaxed) {
                    bar.abandon();
                    return Ok(());
                }
                bar.set_message(operation.name());
                let sample = match (*subject, direct) {
                    (Subject::Gateway { connections }, _) => {
                        gateway.run(*operation, connections, duration, false)?
                    }
                    (Subject::Beside { connections }, _) => {
                        gateway.run(*operation, connections, duration, true)?
                    }
                    (Subject::Direct { threads }, Some(direct)) => {
                        direct.run(*operation, threads, duration)?
                    }
                    (Subject::Direct { .. }, None) => continue,
                };
                results.add(*operation, *subject, sample);
                bar.inc(1);
            }
        }
    }
    bar.finish_and_clear();
    Ok(())
}

fn progress_bar(len: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg} (ready in {eta})");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(len).with_style(style)
}

/// The first Ctrl-C ends the run after the measurement under way; the second ends it at once.
async fn stop_on_ctrl_c(stop: Arc<AtomicBool>) {
    if tokio::signal::ctrl_c().await.is_ok() {
        stop.store(true, Ordering::Relaxed);
        eprintln!("stopping after this measurement; again to stop at once and leave the keys");
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    }
}
