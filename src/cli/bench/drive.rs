//! One measurement: threads of connections that all begin at once, and what it costs meanwhile.

use super::arrivals::Arrivals;
use super::connection::{Asking, Pace, Requests};
use super::meter::Meter;
use super::sample::Sample;
use super::system::{self, System};
use super::tally::{Tally, Window};
use super::workload::Workload;
use crate::Error;
use crate::cli::client::PATIENCE;
use crate::cli::failed;
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use rustix::time::{ClockId, clock_gettime};
use std::cell::RefCell;
use std::sync::{Barrier, OnceLock};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

/// How long after an open loop's end its last answers may come.
const GRACE: Duration = Duration::from_secs(2);

/// How much is asked for.
#[derive(Clone, Copy)]
pub(super) struct Load {
    pub(super) connections: usize,
    /// The client's.
    pub(super) threads: usize,
    /// Requests that arrive in a second; a closed loop without.
    pub(super) rate: Option<u32>,
    pub(super) warm_up: Duration,
    pub(super) duration: Duration,
}

/// Puts a system under load.
///
/// # Errors
/// What the meter says; failed requests are in the sample.
pub(super) fn drive(
    system: &dyn System,
    workload: &Workload,
    load: Load,
    meter: &Meter<'_>,
) -> Result<Sample, Error> {
    let threads = load.threads.clamp(1, load.connections);
    let runtimes: Vec<Runtime> = (0..threads)
        .map(|_| Builder::new_current_thread().enable_all().build())
        .collect::<Result<_, _>>()
        .map_err(Error::internal)?;
    let start = Start {
        load,
        barrier: Barrier::new(threads + 1),
        window: OnceLock::new(),
    };
    std::thread::scope(|scope| {
        let start = &start;
        let clients: Vec<_> = runtimes
            .into_iter()
            .enumerate()
            .map(|(nth, runtime)| {
                let client = Client {
                    nth,
                    threads,
                    start,
                };
                scope.spawn(move || client.run(system, workload, &runtime))
            })
            .collect();
        let window = start.wait();
        let before = meter.begin(window.begin);
        let cost = before.and_then(|before| meter.end(window.end, before));
        let mut all = Tally::new(window, workload.pattern());
        for client in clients {
            let tally = client.join().map_err(|_| failed("the client panicked"))?;
            all.merge(tally?);
        }
        Ok(Sample::of(all, load.duration, cost?))
    })
}

/// All begin when all are connected.
struct Start {
    load: Load,
    barrier: Barrier,
    window: OnceLock<Window>,
}

impl Start {
    fn wait(&self) -> Window {
        self.barrier.wait();
        *self.window.get_or_init(|| {
            let begin = Instant::now() + self.load.warm_up;
            let end = begin + self.load.duration;
            Window { begin, end }
        })
    }
}

/// One thread of the client.
struct Client<'a> {
    nth: usize,
    threads: usize,
    start: &'a Start,
}

impl Client<'_> {
    fn run(
        &self,
        system: &dyn System,
        workload: &Workload,
        runtime: &Runtime,
    ) -> Result<Tally, Error> {
        let pattern = workload.pattern();
        // Every `threads`th connection is this one's.
        let ours = || (self.nth..self.start.load.connections).step_by(self.threads);
        let first = |nth: usize| system::connect(system, pattern[nth % pattern.len()]);
        let wires = runtime.block_on(join_all(ours().map(first)));
        let window = self.start.wait();
        let asking = Asking {
            system,
            pattern,
            pace: self.pace(window),
            window,
            requests: Requests::default(),
            tally: RefCell::new(Tally::new(window, pattern)),
        };
        let (begun, cpu) = (Instant::now(), clock_gettime(ClockId::ThreadCPUTime));
        let mut loops = FuturesUnordered::new();
        for (nth, wire) in ours().zip(wires) {
            if let Err(error) = &wire {
                asking.tally.borrow_mut().error(error);
            }
            loops.push(asking.repeat(wire.ok(), nth));
        }
        runtime.block_on(self.all(&asking, &mut loops))?;
        let (left, took) = (loops.len(), clock_gettime(ClockId::ThreadCPUTime) - cpu);
        drop(loops);
        let mut tally = asking.tally.into_inner();
        tally.cpu = took.try_into().unwrap_or_default();
        tally.present = begun.elapsed();
        match &asking.pace {
            Pace::Open(arrivals) => tally.give_up(arrivals, pattern),
            Pace::Closed => {
                for _ in 0..left {
                    tally.error(&failed(format!("no answer within {PATIENCE:?}")));
                }
            }
        }
        Ok(tally)
    }

    fn pace(&self, window: Window) -> Pace {
        let load = self.start.load;
        let Some(rate) = load.rate else {
            return Pace::Closed;
        };
        let every = 1.0 / f64::from(rate);
        let first = window.begin - load.warm_up + Duration::from_secs_f64(every * self.nth as f64);
        Pace::Open(Arrivals::new(
            first,
            every * self.threads as f64,
            window.end,
        ))
    }

    /// Until all loops are done, or it takes too long.
    async fn all<F: Future<Output = ()>>(
        &self,
        asking: &Asking<'_>,
        loops: &mut FuturesUnordered<F>,
    ) -> Result<(), Error> {
        let connections = loops.len();
        let done = async { while loops.next().await.is_some() {} };
        let (released, patience) = match &asking.pace {
            Pace::Closed => (None, PATIENCE),
            Pace::Open(arrivals) => (Some(arrivals.release(connections)), GRACE),
        };
        let released = async {
            if let Some(released) = released {
                released.await?;
            }
            std::future::pending().await
        };
        tokio::select! {
            () = done => Ok(()),
            failed = released => failed,
            () = tokio::time::sleep_until((asking.window.end + patience).into()) => Ok(()),
        }
    }
}
