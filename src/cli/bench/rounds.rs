//! The rounds: everything once in each, so that a machine that is busy for a while spoils one round and
//! not one row.

use super::arguments::Arguments;
use super::direct::Direct;
use super::drive::{Load, drive};
use super::kms::Kms;
use super::meter::Meter;
use super::noise::Noise;
use super::results::{Results, Subject, Who};
use super::sample::Sample;
use super::transit::Transit;
use super::workload::Workload;
use crate::Error;
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Runtime;

/// Everybody that is measured.
pub(super) struct Subjects<'a> {
    pub(super) arguments: &'a Arguments,
    pub(super) runtime: &'a Runtime,
    pub(super) kms: (&'a Kms, Meter<'a>),
    pub(super) noise: Option<&'a Noise>,
    pub(super) transit: Option<(&'a Transit, Meter<'a>)>,
    pub(super) direct: Option<&'a Direct>,
}

impl Subjects<'_> {
    /// Takes the measurements until told to stop.
    ///
    /// # Errors
    /// What keeps one from being taken; failed requests are in the results.
    pub(super) fn measure(&self, stop: &AtomicBool, results: &mut Results) -> Result<(), Error> {
        let workloads = self.arguments.workloads();
        let mut list = self.list();
        let each = (workloads.len() * list.len()) as u64;
        let bar = progress_bar(self.arguments.rounds * each);
        for _ in 0..self.arguments.rounds {
            for workload in &workloads {
                for subject in &list {
                    if stop.load(Ordering::Relaxed) {
                        bar.abandon();
                        return Ok(());
                    }
                    bar.set_message(workload.name());
                    let sample = self.one(workload, *subject)?;
                    results.add(workload.name(), *subject, sample);
                    bar.inc(1);
                }
            }
            list.reverse(); // or one would always come after the same other
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// In the order of the first round: those who are compared, one after the other.
    fn list(&self) -> Vec<Subject> {
        let Arguments {
            connections, rate, ..
        } = self.arguments;
        let gateway = |at_once: u16, rate| Subject {
            who: Who::Gateway,
            at_once: at_once.into(),
            rate,
        };
        let loads: Vec<Subject> = match connections.iter().max() {
            Some(most) if !rate.is_empty() => {
                rate.iter().map(|it| gateway(*most, Some(*it))).collect()
            }
            _ => connections.iter().map(|it| gateway(*it, None)).collect(),
        };
        let mut list = Vec::new();
        for load in loads {
            list.push(load);
            list.extend(self.noise.map(|_| load.of(Who::Beside)));
            list.extend(self.transit.as_ref().map(|_| load.of(Who::Transit)));
        }
        if self.direct.is_some() {
            let sessions = self.arguments.sessions.iter();
            list.extend(sessions.map(|it| gateway(*it, None).of(Who::Direct)));
        }
        list
    }

    fn one(&self, workload: &Workload, subject: Subject) -> Result<Sample, Error> {
        let load = Load {
            connections: subject.at_once,
            threads: self.arguments.threads.into(),
            rate: subject.rate,
            warm_up: self.arguments.warm_up,
            duration: Duration::from_secs(self.arguments.seconds),
        };
        let (kms, meter) = &self.kms;
        match subject.who {
            Who::Gateway => drive(*kms, workload, load, meter),
            Who::Beside => {
                let noise = self.runtime.block_on(async {
                    let noise = self.noise.map(Noise::start).transpose()?;
                    if let Some(noise) = &noise {
                        noise.throttled().await;
                    }
                    Ok::<_, Error>(noise)
                })?;
                // The noise would be in what the meters show.
                let sample = drive(*kms, workload, load, &Meter::none(self.runtime));
                if let Some(noise) = noise {
                    self.runtime.block_on(noise.stop())?;
                }
                sample
            }
            Who::Transit => match &self.transit {
                Some((transit, meter)) => drive(*transit, workload, load, meter),
                None => Ok(Sample::default()),
            },
            Who::Direct => match self.direct {
                Some(direct) => direct.run(workload, subject.at_once, load.duration),
                None => Ok(Sample::default()),
            },
        }
    }
}

fn progress_bar(len: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg} (ready in {eta})");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(len).with_style(style)
}
