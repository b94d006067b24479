//! The sign test: of pairs that one or the other side won, how probable is it that chance alone gave a lead as large?

/// Two-sided and exact; what nobody won is left out before. 1 where there is nothing to go by.
pub(crate) fn sign_test(first: u64, second: u64) -> f64 {
    let (all, fewer) = (first + second, first.min(second));
    // ln of the binomial coefficient, from one to the next.
    let mut ways = 0.0;
    let mut sum = 0.0;
    let halves = all as f64 * std::f64::consts::LN_2;
    for wins in 0..=fewer {
        if wins > 0 {
            ways += ((all - wins + 1) as f64 / wins as f64).ln();
        }
        sum += (ways - halves).exp();
    }
    (2.0 * sum).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_what_the_tables_say() {
        assert_eq!(sign_test(0, 0), 1.0);
        assert_eq!(sign_test(5, 5), 1.0);
        // Binomial(10, 1/2): P(X ≤ 1) = 11/1024.
        assert!((sign_test(9, 1) - 22.0 / 1024.0).abs() < 1e-12);
        // R: binom.test(40, 100)$p.value.
        assert!((sign_test(40, 60) - 0.056_887_93).abs() < 1e-7);
        assert!(sign_test(40_000, 60_000) < 1e-300 || sign_test(40_000, 60_000) == 0.0);
    }
}
