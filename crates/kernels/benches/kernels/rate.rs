//! Criterion's wall time with another throughput: GOP/s, and the share of the machine's peak at
//! the same time.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use criterion::Throughput;
use criterion::measurement::{Measurement, ValueFormatter, WallTime};

use super::peak;

/// Multiply-adds of the bursts since [`restart`], and the nanoseconds they took.
static OPERATIONS: AtomicU64 = AtomicU64::new(0);
static NANOSECONDS: AtomicU64 = AtomicU64::new(0);

/// Forgets the peak: the next case may run on another number of threads.
pub fn restart() {
    OPERATIONS.store(0, Relaxed);
    NANOSECONDS.store(0, Relaxed);
}

/// Wall time. Before each sample, all threads of the current pool measure the peak for about a
/// millisecond, so that a change of the machine's speed affects both.
pub struct Rate(pub WallTime);

impl Measurement for Rate {
    type Intermediate = Instant;
    type Value = Duration;

    fn start(&self) -> Instant {
        let begin = Instant::now();
        let operations = peak::burst();
        NANOSECONDS.fetch_add(begin.elapsed().as_nanos() as u64, Relaxed);
        OPERATIONS.fetch_add(operations, Relaxed);
        self.0.start()
    }

    fn end(&self, begin: Instant) -> Duration {
        self.0.end(begin)
    }

    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        self.0.add(a, b)
    }

    fn zero(&self) -> Duration {
        self.0.zero()
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        self.0.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        self
    }
}

fn operations(throughput: &Throughput) -> f64 {
    match *throughput {
        Throughput::Elements(n) => n as f64,
        _ => f64::NAN,
    }
}

impl ValueFormatter for Rate {
    fn format_throughput(&self, throughput: &Throughput, nanoseconds: f64) -> String {
        let speed = operations(throughput) / nanoseconds;
        let peak = OPERATIONS.load(Relaxed) as f64 / NANOSECONDS.load(Relaxed) as f64;
        format!("{speed:.1} GOP/s = {:.0} %", 100.0 * speed / peak)
    }

    fn scale_throughputs(&self, _: f64, throughput: &Throughput, values: &mut [f64]) -> &'static str {
        values.iter_mut().for_each(|value| *value = operations(throughput) / *value);
        "GOP/s"
    }

    fn scale_values(&self, typical: f64, values: &mut [f64]) -> &'static str {
        self.0.formatter().scale_values(typical, values)
    }

    fn scale_for_machines(&self, values: &mut [f64]) -> &'static str {
        self.0.formatter().scale_for_machines(values)
    }
}
