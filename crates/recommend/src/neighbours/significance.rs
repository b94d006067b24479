//! Do two items meet more often than chance explains?
//!
//! The log-likelihood ratio of Dunning, "Accurate methods for the statistics of surprise and coincidence",
//! Computational Linguistics 19(1), 1993. Unlike a chi-squared test it holds for the small counts of most pairs.

/// G² = 2 Σ observed · ln(observed / expected) over the two-by-two table of baskets with both, one or neither item;
/// about chi-squared with one degree of freedom when the two are independent. It has no sign: compare `both` with
/// `first` · `second` / `total` for the direction.
pub fn log_likelihood_ratio(both: u64, first: u64, second: u64, total: u64) -> f64 {
    let (both, first, second, total) = (both as f64, first as f64, second as f64, total as f64);
    let cell = |observed: f64, expected: f64| if observed > 0.0 { observed * (observed / expected).ln() } else { 0.0 };
    let sum = cell(both, first * second / total)
        + cell(first - both, first * (total - second) / total)
        + cell(second - both, (total - first) * second / total)
        + cell(total - first - second + both, (total - first) * (total - second) / total);
    (2.0 * sum).max(0.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equals_dunnings_example() {
        // Table 2 of the paper, "the swiss": 110, 2442, 111, 29114 as (both, first only, second only, neither).
        let ratio = log_likelihood_ratio(110, 110 + 2_442, 110 + 111, 110 + 2_442 + 111 + 29_114);
        assert!((ratio - 270.72).abs() < 0.01, "{ratio}");
    }

    #[test]
    fn independent_items_have_none() {
        assert!(log_likelihood_ratio(25, 50, 50, 100).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn is_finite_symmetric_and_never_negative(a in 0_u64..500, b in 0_u64..500, c in 0_u64..500, d in 0_u64..500) {
            prop_assume!(a + b + c + d > 0);
            let total = a + b + c + d;
            let ratio = log_likelihood_ratio(a, a + b, a + c, total);
            prop_assert!(ratio.is_finite() && ratio >= 0.0);
            prop_assert!((ratio - log_likelihood_ratio(a, a + c, a + b, total)).abs() < 1e-6);
        }
    }
}
