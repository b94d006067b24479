//! How sure is a mean? The percentile bootstrap (Efron 1979) over cases, from a seed.

/// A mean and the middle 95 % of what it could have been.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Interval {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

/// Draws as many values with replacement, `rounds` times.
pub fn mean_interval(values: &[f64], rounds: usize, seed: u64) -> Interval {
    if values.is_empty() {
        return Interval::default();
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let mut state = seed;
    let mut draw = || values[(random(&mut state) % values.len() as u64) as usize];
    let mut means: Vec<f64> =
        (0..rounds).map(|_| (0..values.len()).map(|_| draw()).sum::<f64>() / values.len() as f64).collect();
    means.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| means.get((share * means.len() as f64) as usize).copied().unwrap_or(mean);
    Interval { mean, low: at(0.025), high: at(0.975) }
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014).
const fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
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

    #[test]
    fn the_generator_is_the_published_one() {
        let mut state = 1_234_567;
        assert_eq!(
            [(); 3].map(|()| random(&mut state)),
            [6457827717110365317, 3203168211198807973, 9817491932198370423]
        );
    }
}
