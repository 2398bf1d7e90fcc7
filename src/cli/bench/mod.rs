//! `strongroom bench`: what a running gateway does in a second, and at what cost; beside it the token
//! without the gateway, and OpenBao's Transit engine.

mod arguments;
mod arrivals;
mod connection;
mod direct;
mod drive;
mod files;
mod kms;
mod meter;
mod noise;
mod plot;
mod process;
mod results;
mod rounds;
mod sample;
mod system;
mod table;
mod tally;
mod transit;
mod workload;

use super::client::Endpoint;
use super::{failed, runtime};
use crate::Error;
use crate::model::Url;
use crate::token::BaselineOperation as Operation;
pub use arguments::Arguments;
use direct::Direct;
use kms::Kms;
use meter::Meter;
use noise::Noise;
use results::Results;
use rounds::Subjects;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::runtime::Runtime;
use transit::Transit;

/// Measures, prints the tables, and schedules the deletion of its keys; after Ctrl-C with what
/// there is.
///
/// # Errors
/// The gateway or the token cannot be used, or requests failed.
pub fn run(arguments: &Arguments) -> Result<(), Error> {
    let endpoint = Endpoint::new(&arguments.endpoint)?;
    let runtime = runtime()?;
    let meter = gateway_meter(arguments, endpoint.url(), &runtime)?;
    let mut transit = transit(arguments)?;
    let stop = Arc::new(AtomicBool::new(false));
    runtime.spawn(stop_on_ctrl_c(Arc::clone(&stop)));
    let authority = endpoint.url().authority();
    let mut kms = Kms::new(endpoint);
    let mut results = Results::default();
    let measured = measure(
        arguments,
        (&runtime, &stop),
        (&mut kms, meter),
        transit.as_mut(),
        &mut results,
    );
    let cleaned = runtime.block_on(kms.clean_up());
    let others = transit.map_or(Ok(()), |it| runtime.block_on(it.clean_up()));
    print!("{authority}, 32-byte plaintexts; medians over the rounds");
    match (
        arguments.rate.is_empty(),
        arguments.connections.iter().max(),
    ) {
        (false, Some(most)) => println!("; {most} connections\n"),
        _ => println!("\n"),
    }
    print!("{}", table::text(&results));
    if arguments.config.is_none() {
        println!("The token alone was not measured: no --config.");
    }
    write(arguments, &authority, &results)?;
    measured?;
    others?;
    println!(
        "{} keys of this run are scheduled for deletion in 7 days.",
        cleaned?
    );
    match results.errors() {
        0 => Ok(()),
        errors => Err(failed(format!("{errors} requests failed"))),
    }
}

/// Makes keys wherever something is measured, and measures; what was opened for it is closed.
fn measure<'a>(
    arguments: &'a Arguments,
    (runtime, stop): (&'a Runtime, &AtomicBool),
    (kms, meter): (&'a mut Kms, Meter<'a>),
    mut transit: Option<&'a mut Transit>,
    results: &mut Results,
) -> Result<(), Error> {
    let workloads = arguments.workloads();
    let asked = |it: &Operation| workloads.iter().any(|of| of.pattern().contains(it));
    let operations: Vec<Operation> = Operation::ALL.into_iter().filter(asked).collect();
    runtime.block_on(kms.prepare(&operations, arguments.extra_keys, stop))?;
    if let Some(transit) = &mut transit {
        runtime.block_on(transit.prepare(&operations))?;
    }
    let noise = runtime.block_on(noise(arguments))?;
    let config = arguments.config.as_deref();
    let direct = config.map(|config| Direct::open(config, &operations));
    let measured = direct.transpose().and_then(|direct| {
        let measured = Subjects {
            arguments,
            runtime,
            kms: (kms, meter),
            noise: noise.as_ref(),
            transit: transit.map(|it| {
                let meter = transit_meter(it, runtime);
                (&*it, meter)
            }),
            direct: direct.as_ref(),
        }
        .measure(stop, results);
        measured.and(direct.map_or(Ok(()), Direct::close))
    });
    let Some(noise) = noise else {
        return measured;
    };
    println!("{}", noise.text());
    measured.and(runtime.block_on(noise.clean_up()))
}

/// The meters of the gateway: as told, or as found where it is on this machine.
fn gateway_meter<'a>(
    arguments: &Arguments,
    url: &Url,
    runtime: &'a Runtime,
) -> Result<Meter<'a>, Error> {
    let page = |url: &String| {
        Url::parse_any(url)
            .ok_or_else(|| failed(format!("{url} is not http(s)://host:port/metrics")))
    };
    let server = arguments.gateway_pid.or_else(|| listening(url));
    let postmaster = arguments.postgres_pid;
    Ok(Meter {
        server,
        postmaster: postmaster.or_else(|| server.and_then(|_| process::only_postmaster())),
        page: arguments.metrics.as_ref().map(page).transpose()?,
        ..Meter::none(runtime)
    })
}

fn transit_meter<'a>(transit: &Transit, runtime: &'a Runtime) -> Meter<'a> {
    Meter {
        server: listening(system::System::url(transit)),
        ..Meter::none(runtime)
    }
}

/// Who listens at an address, if it is of this machine.
fn listening(url: &Url) -> Option<process::Pid> {
    url.is_loopback().then(|| process::listening_on(url.port))?
}

/// OpenBao, if it is to be measured.
fn transit(arguments: &Arguments) -> Result<Option<Transit>, Error> {
    let open = |url: &String| {
        let variable = &arguments.transit_token_env;
        let token =
            std::env::var(variable).map_err(|_| failed(format!("{variable} is not set")))?;
        Transit::new(url, token.into())
    };
    arguments.against_transit.as_ref().map(open).transpose()
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

/// The files that were asked for.
fn write(arguments: &Arguments, authority: &str, results: &Results) -> Result<(), Error> {
    if let Some(path) = &arguments.json {
        files::write(path, &files::json(results))?;
    }
    if let Some(path) = &arguments.csv {
        files::csv(results, path)?;
    }
    if let Some(path) = &arguments.plot {
        let title = format!("Latency against load: {authority}");
        files::write(path, &plot::svg(results, &title))?;
    }
    Ok(())
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
