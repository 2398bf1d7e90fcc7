//! What requests cost at the other end, where that can be known: CPU of a process on this machine, and
//! the work of the token by the gateway's own metrics.

use super::process::{self, Pid};
use crate::Error;
use crate::cli::client::{PATIENCE, Wire};
use crate::cli::failed;
use crate::model::Url;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// The meters of one system.
pub(super) struct Meter<'a> {
    pub(super) runtime: &'a Runtime,
    pub(super) server: Option<Pid>,
    pub(super) postmaster: Option<Pid>,
    /// The page of its metrics.
    pub(super) page: Option<Url>,
}

/// What one request cost, as far as it is known.
#[derive(Default, Clone, Copy)]
pub(super) struct Cost {
    /// Microseconds of CPU in the server's process.
    pub(super) server: Option<f64>,
    /// Microseconds of CPU in Postgres.
    pub(super) postgres: Option<f64>,
    /// Jobs at the token: one or several PKCS#11 calls each.
    pub(super) jobs: Option<f64>,
    /// Microseconds of a token's session.
    pub(super) session: Option<f64>,
}

/// What the meters showed at the beginning.
pub(super) struct Before {
    counters: Option<Counters>,
    server: Option<Duration>,
    postgres: Option<Duration>,
}

/// What a whole measurement cost.
#[derive(Default)]
pub(super) struct Spent {
    server: Option<Duration>,
    postgres: Option<Duration>,
    counters: Option<Counters>,
}

/// Of the gateway's metrics.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Counters {
    requests: f64,
    jobs: f64,
    seconds: f64,
}

impl<'a> Meter<'a> {
    /// That show nothing.
    pub(super) fn none(runtime: &'a Runtime) -> Self {
        Self {
            runtime,
            server: None,
            postmaster: None,
            page: None,
        }
    }

    /// Waits for the beginning, and reads them. The page is read while it warms up: it has both counts,
    /// so they are of the same time.
    ///
    /// # Errors
    /// There is no such page.
    pub(super) fn begin(&self, at: Instant) -> Result<Before, Error> {
        let counters = self.counters()?;
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
        Ok(Before {
            counters,
            server: self.server.and_then(process::cpu),
            postgres: self.postmaster.and_then(process::cpu_of_family),
        })
    }

    /// Waits for the end, and reads them again.
    ///
    /// # Errors
    /// As [`Meter::begin`].
    pub(super) fn end(&self, at: Instant, before: Before) -> Result<Spent, Error> {
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
        let server = self.server.and_then(process::cpu);
        let postgres = self.postmaster.and_then(process::cpu_of_family);
        let since = |now: Option<Duration>, before| Some(now?.saturating_sub(before?));
        let counters = self.counters()?;
        Ok(Spent {
            server: since(server, before.server),
            postgres: since(postgres, before.postgres),
            counters: counters.zip(before.counters).map(|(now, before)| Counters {
                requests: now.requests - before.requests,
                jobs: now.jobs - before.jobs,
                seconds: now.seconds - before.seconds,
            }),
        })
    }

    fn counters(&self) -> Result<Option<Counters>, Error> {
        let Some(url) = &self.page else {
            return Ok(None);
        };
        let page = async {
            let (target, host) = (&url.target, url.authority());
            let request = format!("GET {target} HTTP/1.1\r\nhost: {host}\r\n\r\n");
            let mut wire = Wire::open(url).await?;
            match wire.exchange(request.as_bytes()).await? {
                (200, page) => Ok(Counters::of(&String::from_utf8_lossy(page))),
                (status, _) => Err(failed(format!("the page of metrics: HTTP {status}"))),
            }
        };
        let page = async { tokio::time::timeout(PATIENCE, page).await };
        let page = self.runtime.block_on(page);
        page.map_err(|_| failed("the page of metrics does not come"))?
            .map(Some)
    }
}

impl Counters {
    /// Sums over all labels, of a page in Prometheus's text format.
    fn of(page: &str) -> Self {
        let sum = |name: &str| {
            let values = page.lines().filter_map(|line| {
                let rest = line.strip_prefix(name)?;
                let ours = rest.starts_with(['{', ' ']);
                ours.then(|| rest.rsplit(' ').next()?.parse::<f64>().ok())?
            });
            values.sum()
        };
        Self {
            requests: sum("strongroom_requests_total"),
            jobs: sum("strongroom_token_job_duration_seconds_count"),
            seconds: sum("strongroom_token_job_duration_seconds_sum"),
        }
    }
}

impl Spent {
    /// By the number of requests that were answered meanwhile.
    pub(super) fn each(self, answered: u64) -> Cost {
        let each = |time: Duration| time.as_secs_f64() * 1e6 / answered as f64;
        let counted = self.counters.filter(|it| it.requests > 0.0);
        Cost {
            server: self.server.filter(|_| answered > 0).map(each),
            postgres: self.postgres.filter(|_| answered > 0).map(each),
            jobs: counted.map(|it| it.jobs / it.requests),
            session: counted.map(|it| it.seconds * 1e6 / it.requests),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_summed_over_its_labels() {
        let page = "# HELP strongroom_requests_total x\n\
            strongroom_requests_total{operation=\"Encrypt\",outcome=\"success\"} 40\n\
            strongroom_requests_total{operation=\"Sign\",outcome=\"a b\"} 2\n\
            strongroom_requests_total_other 1000\n\
            strongroom_token_job_duration_seconds_sum{lane=\"read_only\",token=\"home\"} 0.25\n\
            strongroom_token_job_duration_seconds_count{lane=\"read_only\",token=\"home\"} 84\n";
        let counters = Counters::of(page);
        let expected = Counters {
            requests: 42.0,
            jobs: 84.0,
            seconds: 0.25,
        };
        assert_eq!(counters, expected);
        let spent = Spent {
            server: Some(Duration::from_millis(1)),
            postgres: None,
            counters: Some(counters),
        };
        let cost = spent.each(10);
        assert_eq!((cost.server, cost.postgres), (Some(100.0), None));
        assert_eq!(cost.jobs, Some(2.0));
    }
}
