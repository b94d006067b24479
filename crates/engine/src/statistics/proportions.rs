//! Shares of people, and how two of them differ.
//!
//! One share: Wilson's score interval (1927), right also for few people and rare events. The difference of two: Newcombe's
//! hybrid of both ("Interval estimation for the difference between independent proportions", Statistics in Medicine 17,
//! 1998, method 10).

use serde::Serialize;

/// A value and what it could have been.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Estimate {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

/// The share `hits / people`; nothing is known of nobody.
pub(crate) fn proportion(hits: u64, people: u64, z: f64) -> Estimate {
    if people == 0 {
        return Estimate { mean: 0.0, low: 0.0, high: 1.0 };
    }
    let (count, share) = (people as f64, hits as f64 / people as f64);
    let squared = z * z;
    let middle = (share + squared / (2.0 * count)) / (1.0 + squared / count);
    let half = z / (1.0 + squared / count) * (share * (1.0 - share) / count + squared / (4.0 * count * count)).sqrt();
    Estimate { mean: share, low: (middle - half).clamp(0.0, share), high: (middle + half).clamp(share, 1.0) }
}

/// The first share less the second, each as hits and people.
pub(crate) fn difference(first: (u64, u64), second: (u64, u64), z: f64) -> Estimate {
    let (a, b) = (proportion(first.0, first.1, z), proportion(second.0, second.1, z));
    let mean = a.mean - b.mean;
    let below = ((a.mean - a.low).powi(2) + (b.high - b.mean).powi(2)).sqrt();
    let above = ((a.high - a.mean).powi(2) + (b.mean - b.low).powi(2)).sqrt();
    Estimate { mean, low: mean - below, high: mean + above }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn follows_the_published_examples() {
        // Newcombe 1998, table II: 56/70 against 48/80.
        let found = difference((56, 70), (48, 80), 1.959_964);
        assert!((found.mean - 0.2).abs() < 1e-12);
        assert!((found.low - 0.0524).abs() < 5e-5 && (found.high - 0.3339).abs() < 5e-5, "{found:?}");
        // The same table: 9/10 against 3/10.
        let found = difference((9, 10), (3, 10), 1.959_964);
        assert!((found.low - 0.1705).abs() < 5e-5 && (found.high - 0.8090).abs() < 5e-5, "{found:?}");
    }

    proptest! {
        #[test]
        fn intervals_hold_the_share_and_stay_in_bounds(people in 0_u64..5_000, part in 0.0_f64..=1.0, others in 0_u64..5_000) {
            let hits = (people as f64 * part) as u64;
            let share = proportion(hits, people, 3.0);
            prop_assert!((0.0..=1.0).contains(&share.low) && (0.0..=1.0).contains(&share.high));
            prop_assert!(share.low <= share.mean && share.mean <= share.high);
            let other = ((others as f64 * part) as u64, others);
            let one_way = difference((hits, people), other, 3.0);
            let other_way = difference(other, (hits, people), 3.0);
            prop_assert!(one_way.low <= one_way.mean && one_way.mean <= one_way.high);
            prop_assert!((one_way.low + other_way.high).abs() < 1e-9 && (one_way.high + other_way.low).abs() < 1e-9);
        }
    }
}
