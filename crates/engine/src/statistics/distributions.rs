//! Do two samples come from one distribution?
//!
//! Kinds of things: the likelihood-ratio test (G, Woolf 1957; with Williams' correction of 1976), rare kinds put together
//! until each is expected five times. Sizes: the two-sample Kolmogorov–Smirnov test with Stephens' approximation (1970).
//! Many tests at once: Holm's step-down correction (1979). With enough data *every* difference is significant ("Too big to
//! fail", Lin, Lucas & Shmueli 2013), so each test also says how large the difference is: the share of the sample that
//! would have to be elsewhere (total variation distance), or the largest gap between the two cumulative curves.

/// Kinds that are expected less often are put together.
const LEAST_EXPECTED: f64 = 5.0;

/// How probable a difference like this is by chance, and how large it is, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tested {
    pub(crate) p: f64,
    pub(crate) distance: f64,
}

const SAME: Tested = Tested { p: 1.0, distance: 0.0 };

/// G-test of homogeneity over pairs of counts, one pair for each kind.
pub(crate) fn likelihood_ratio(pairs: &[(u64, u64)]) -> Tested {
    let total = |pairs: &[(f64, f64)]| pairs.iter().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
    let counts: Vec<(f64, f64)> = pairs.iter().map(|(a, b)| (*a as f64, *b as f64)).collect();
    let (first, second) = total(&counts);
    if first == 0.0 || second == 0.0 {
        return SAME;
    }
    let all = first + second;
    let distance = counts.iter().map(|(a, b)| (a / first - b / second).abs()).sum::<f64>() / 2.0;
    let is_common = |(a, b): &(f64, f64)| (a + b) * first.min(second) / all >= LEAST_EXPECTED;
    let (mut cells, rare): (Vec<_>, Vec<_>) = counts.into_iter().partition(is_common);
    let rare = total(&rare);
    if rare.0 + rare.1 > 0.0 {
        cells.push(rare);
    }
    if cells.len() < 2 {
        return Tested { p: 1.0, distance };
    }
    let part = |observed: f64, row: f64, column: f64| match observed > 0.0 {
        true => observed * (observed * all / (row * column)).ln(),
        false => 0.0,
    };
    let g = 2.0 * cells.iter().map(|(a, b)| part(*a, first, a + b) + part(*b, second, a + b)).sum::<f64>();
    let freedom = (cells.len() - 1) as f64;
    let rows = all / first + all / second - 1.0;
    let columns = cells.iter().map(|(a, b)| all / (a + b)).sum::<f64>() - 1.0;
    let correction = 1.0 + rows * columns / (6.0 * all * freedom);
    Tested { p: upper_gamma(freedom / 2.0, (g / correction).max(0.0) / 2.0), distance }
}

/// Two-sample test over pairs of counts in rising order of size.
pub(crate) fn smirnov(pairs: &[(u64, u64)]) -> Tested {
    let (first, second) = pairs.iter().fold((0, 0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
    if first == 0 || second == 0 {
        return SAME;
    }
    let (first, second) = (first as f64, second as f64);
    let (mut below, mut gap) = ((0.0, 0.0), 0.0_f64);
    for (a, b) in pairs {
        below = (below.0 + *a as f64 / first, below.1 + *b as f64 / second);
        gap = gap.max((below.0 - below.1).abs());
    }
    let root = (first * second / (first + second)).sqrt();
    Tested { p: kolmogorov((root + 0.12 + 0.11 / root) * gap), distance: gap }
}

/// The probability that Kolmogorov's statistic is larger.
fn kolmogorov(x: f64) -> f64 {
    if x < 0.2 {
        return 1.0;
    }
    let term = |number: i32| {
        let sign = if number % 2 == 1 { 2.0 } else { -2.0 };
        sign * (-2.0 * f64::from(number * number) * x * x).exp()
    };
    (1..=100).map(term).sum::<f64>().clamp(0.0, 1.0)
}

/// The probabilities as they are when the smallest of all of them is looked at, in the order given.
pub(crate) fn holm(probabilities: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]));
    let (mut adjusted, mut least) = (vec![1.0; probabilities.len()], 0.0_f64);
    for (rank, index) in order.into_iter().enumerate() {
        least = least.max(probabilities[index] * (probabilities.len() - rank) as f64).min(1.0);
        adjusted[index] = least;
    }
    adjusted
}

/// The regularized upper incomplete gamma function Q(a, x): a series below a + 1, a continued fraction (Lentz) above.
fn upper_gamma(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    let front = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum) = (1.0 / a, 1.0 / a);
        for step in 1..1_000 {
            term *= x / (a + f64::from(step));
            sum += term;
            if term < sum * 1e-15 {
                break;
            }
        }
        return (1.0 - front * sum).clamp(0.0, 1.0);
    }
    let (mut b, mut c) = (x + 1.0 - a, 1e300);
    let mut d = 1.0 / b;
    let mut fraction = d;
    for step in 1..1_000 {
        let step = f64::from(step);
        let an = -step * (step - a);
        b += 2.0;
        d = 1.0 / (an * d + b);
        c = b + an / c;
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-15 {
            break;
        }
    }
    (front * fraction).clamp(0.0, 1.0)
}

/// Lanczos' approximation, for positive numbers.
fn ln_gamma(x: f64) -> f64 {
    const PARTS: [f64; 6] = [
        76.180_091_729_471_46,
        -86.505_320_329_416_77,
        24.014_098_240_830_91,
        -1.231_739_572_450_155,
        0.001_208_650_973_866_179,
        -0.000_005_395_239_384_953,
    ];
    let shifted = x + 5.5;
    let sum = (1..).zip(PARTS).fold(1.000_000_000_190_015, |sum, (step, part)| sum + part / (x + f64::from(step)));
    (x + 0.5) * shifted.ln() - shifted + (2.506_628_274_631_000_5 * sum / x).ln()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn chi_square_tails_are_those_of_the_tables() {
        for (freedom, quantile, p) in
            [(1.0, 3.841_459, 0.05), (2.0, 5.991_465, 0.05), (10.0, 23.209_25, 0.01), (30.0, 18.492_66, 0.95)]
        {
            let found = upper_gamma(freedom / 2.0, quantile / 2.0);
            assert!((found - p).abs() < 1e-6, "{freedom}: {found}");
        }
        assert!((kolmogorov(1.358_1) - 0.05).abs() < 1e-4 && (kolmogorov(1.627_6) - 0.01).abs() < 1e-4);
    }

    #[test]
    fn equal_mixes_pass_and_other_mixes_do_not() {
        let same = likelihood_ratio(&[(500, 5_000), (300, 3_000), (200, 2_000)]);
        assert!(same.p > 0.999 && same.distance < 1e-12, "{same:?}");
        let other = likelihood_ratio(&[(200, 5_000), (300, 3_000), (500, 2_000)]);
        assert!(other.p < 1e-9 && (other.distance - 0.3).abs() < 1e-9, "{other:?}");
        let moved = smirnov(&[(0, 500), (500, 500), (500, 0)]);
        assert!(moved.p < 1e-9 && (moved.distance - 0.5).abs() < 1e-9, "{moved:?}");
        assert_eq!(likelihood_ratio(&[(0, 5)]), SAME);
        assert_eq!(smirnov(&[]), SAME);
    }

    #[test]
    fn holm_multiplies_the_smallest_most() {
        let found = holm(&[0.04, 0.01, 0.03]);
        let wanted = [0.06, 0.03, 0.06];
        assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
    }

    proptest! {
        #[test]
        fn answers_are_probabilities(pairs in prop::collection::vec((0_u64..2_000, 0_u64..2_000), 0..12)) {
            for tested in [likelihood_ratio(&pairs), smirnov(&pairs)] {
                prop_assert!((0.0..=1.0).contains(&tested.p) && (0.0..=1.0 + 1e-9).contains(&tested.distance), "{tested:?}");
            }
        }
    }
}
