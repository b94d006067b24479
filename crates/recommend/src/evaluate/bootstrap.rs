//! How sure is a mean? The percentile bootstrap (Efron 1979) over cases, from a seed.

use crate::random::Random;

/// A mean and the middle 95 % of what it could have been.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Interval {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

/// Draws as many values with replacement, `rounds` times.
pub fn mean_interval(values: &[f64], rounds: usize, seed: u64) -> Interval {
    mean_interval_at(0.95, values, rounds, seed)
}

/// The same with the middle `level` of what the mean could have been: 0.99 needs more rounds than 0.95.
pub fn mean_interval_at(level: f64, values: &[f64], rounds: usize, seed: u64) -> Interval {
    if values.is_empty() {
        return Interval::default();
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let mut random = Random::new(seed);
    let mut draw = || values[random.below(values.len())];
    let mut means: Vec<f64> =
        (0..rounds).map(|_| (0..values.len()).map(|_| draw()).sum::<f64>() / values.len() as f64).collect();
    means.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| means.get((share * means.len() as f64) as usize).copied().unwrap_or(mean);
    let outside = (1.0 - level) / 2.0;
    Interval { mean, low: at(outside), high: at(level + outside) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_has_about_the_width_that_theory_gives() {
        let values: Vec<f64> = (0..1_000).map(|number| f64::from(number % 2)).collect();
        let interval = mean_interval(&values, 2_000, 7);
        let half_width = 1.96 * 0.5 / 1_000_f64.sqrt();
        assert!((interval.mean - 0.5).abs() < 1e-12);
        assert!(
            (interval.low - (0.5 - half_width)).abs() < 0.004 && (interval.high - (0.5 + half_width)).abs() < 0.004
        );
        assert_eq!(mean_interval(&values, 2_000, 7), interval);
    }

    #[test]
    fn few_values_and_no_rounds_are_answered() {
        assert_eq!(mean_interval(&[], 100, 1), Interval::default());
        assert_eq!(mean_interval(&[0.25], 0, 1), Interval { mean: 0.25, low: 0.25, high: 0.25 });
    }
}
