//! A logarithmic axis: load and latency go over decades.

/// From values to places.
pub(super) struct Scale {
    low: f64,
    high: f64,
    places: (f64, f64),
}

impl Scale {
    /// That has all of `values`, from one round number to another.
    pub(super) fn over(values: impl Iterator<Item = f64> + Clone, places: (f64, f64)) -> Self {
        let values = || values.clone().filter(|value| *value > 0.0);
        let low = values().fold(f64::INFINITY, f64::min);
        let high = values().fold(0.0, f64::max);
        let (low, high) = if low > high { (1.0, 10.0) } else { (low, high) };
        let below = round_numbers(low).rfind(|round| *round <= low);
        let above = round_numbers(high).find(|round| *round > high);
        Self {
            low: below.unwrap_or(low),
            high: above.unwrap_or(2.0 * high),
            places,
        }
    }

    pub(super) fn at(&self, value: f64) -> f64 {
        let (from, to) = self.places;
        from + (to - from) * (value / self.low).ln() / (self.high / self.low).ln()
    }

    /// The round numbers on it; only powers of ten where there are many.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let decades = (self.high / self.low).log10().ceil() as i32 + 1;
        let first = self.low.log10().floor() as i32;
        let few = decades <= 3;
        let numbers = (first..=first + decades).flat_map(|decade| {
            let factors = if few { &[1.0, 2.0, 5.0][..] } else { &[1.0] };
            factors
                .iter()
                .map(move |factor| factor * 10_f64.powi(decade))
        });
        let inside = self.low * 0.999..=self.high * 1.001;
        numbers.filter(|number| inside.contains(number)).collect()
    }
}

/// 1, 2 and 5 in the decades around a number.
fn round_numbers(near: f64) -> impl DoubleEndedIterator<Item = f64> {
    let decade = near.log10().floor() as i32;
    (decade - 1..=decade + 1)
        .flat_map(|decade| [1.0, 2.0, 5.0].map(|factor| factor * 10_f64.powi(decade)))
}

/// `20k`.
pub(super) fn count(number: f64) -> String {
    match number {
        number if number >= 1e6 => format!("{}M", number / 1e6),
        number if number >= 1e3 => format!("{}k", number / 1e3),
        number => format!("{number}"),
    }
}

/// `50 µs`, of nanoseconds.
pub(super) fn time(nanos: f64) -> String {
    match nanos {
        nanos if nanos >= 1e9 => format!("{} s", nanos / 1e9),
        nanos if nanos >= 1e6 => format!("{} ms", nanos / 1e6),
        nanos if nanos >= 1e3 => format!("{} µs", nanos / 1e3),
        nanos => format!("{nanos} ns"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_holds_its_values_between_round_numbers() {
        let scale = Scale::over([1100.0, 45_000.0].into_iter(), (0.0, 100.0));
        assert_eq!((scale.low, scale.high), (1000.0, 50_000.0));
        assert_eq!((scale.at(1000.0), scale.at(50_000.0)), (0.0, 100.0));
        assert_eq!(
            scale.ticks(),
            [1e3, 2e3, 5e3, 1e4, 2e4, 5e4],
            "one, two, five"
        );
        let none = Scale::over(std::iter::empty(), (0.0, 1.0));
        assert!(none.at(2.0).is_finite());
        let wide = Scale::over([20e3, 400e6].into_iter(), (1.0, 0.0));
        assert_eq!(wide.ticks(), [1e5, 1e6, 1e7, 1e8]);
        assert_eq!((count(20e3), time(5e4)), ("20k".into(), "50 µs".into()));
    }
}
