//! Inner loops that the compiler turns into wide instructions.
//!
//! Everything here is `inline(always)`, so that a caller inside [`wide`] gets it compiled for the widest instructions of
//! the processor it runs on; that takes plain loops, because the adapters of iterators are compiled apart. Sums are split
//! over a fixed number of lanes and products are never fused, so the bits do not depend on the processor.

/// Partial sums of a dot product.
const LANES: usize = 16;

/// Runs a closure with the widest instructions there are. The closure must be `#[inline(always)]`: any other is compiled
/// apart, for a machine without them, and only called from here.
pub(crate) fn wide<Output>(work: impl FnOnce() -> Output) -> Output {
    pulp::Arch::new().dispatch(work)
}

/// eˣ to about two units in the last place; 0 from −87 down, finite up to 88.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Adding 1.5 · 2²³ rounds to an integer and leaves it in the low bits.
    const SHIFT: f32 = 12_582_912.0;
    // ln 2 in two pieces, the first exact in few bits.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + SHIFT;
    let power = shifted - SHIFT;
    let rest = x - power * LN_2_HIGH - power * LN_2_LOW;
    let mut series = 1.0 / 720.0;
    for term in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        series = series * rest + term;
    }
    let exponent = shifted.to_bits().wrapping_sub(SHIFT.to_bits()).wrapping_add(127);
    series * f32::from_bits(exponent << 23)
}

#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// x · Φ(x), with the error function of Abramowitz and Stegun, 7.1.26, which is right to 1.5e-7.
#[inline(always)]
pub(crate) fn gelu(x: f32) -> f32 {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let mut series = 1.061_405_4;
    for term in [-1.453_152, 1.421_413_8, -0.284_496_74, 0.254_829_6] {
        series = series * t + term;
    }
    let error = 1.0 - series * t * exp(-z * z);
    0.5 * x * (1.0 + if x < 0.0 { -error } else { error })
}

#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (a_whole, a_rest) = a.as_chunks::<LANES>();
    let (b_whole, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_whole.iter().zip(b_whole) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    total(lanes) + rest
}

#[inline(always)]
pub(crate) fn sum(values: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (whole, rest) = values.as_chunks::<LANES>();
    for values in whole {
        for lane in 0..LANES {
            lanes[lane] += values[lane];
        }
    }
    total(lanes) + rest.iter().sum::<f32>()
}

/// `into += factor · row`.
#[inline(always)]
pub(crate) fn add_scaled(into: &mut [f32], factor: f32, row: &[f32]) {
    for (into, value) in into.iter_mut().zip(row) {
        *into += factor * value;
    }
}

#[inline(always)]
fn total(mut lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

#[inline(always)]
pub(crate) fn largest(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (whole, rest) = values.as_chunks::<LANES>();
    for values in whole {
        for lane in 0..LANES {
            lanes[lane] = if values[lane] > lanes[lane] { values[lane] } else { lanes[lane] };
        }
    }
    lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max)
}

/// Every value becomes e^(value − largest); their sum and the largest.
#[inline(always)]
pub(crate) fn exponentials(values: &mut [f32]) -> (f32, f32) {
    let largest = largest(values);
    let mut lanes = [0.0_f32; LANES];
    let (whole, rest) = values.as_chunks_mut::<LANES>();
    for values in whole {
        for lane in 0..LANES {
            values[lane] = exp(values[lane] - largest);
            lanes[lane] += values[lane];
        }
    }
    let mut sum = total(lanes);
    for value in rest {
        *value = exp(*value - largest);
        sum += *value;
    }
    (sum, largest)
}

/// `gain · (x − mean) / deviation + shift` of one row; the mean and 1 / deviation, with `epsilon` under its root.
#[inline(always)]
pub(crate) fn normalize(row: &[f32], gain: &[f32], shift: &[f32], epsilon: f32, into: &mut [f32]) -> (f32, f32) {
    let mean = sum(row) / row.len() as f32;
    for (into, value) in into.iter_mut().zip(row) {
        *into = value - mean;
    }
    let inverse = 1.0 / (dot(into, into) / row.len() as f32 + epsilon).sqrt();
    for ((into, gain), shift) in into.iter_mut().zip(gain).zip(shift) {
        *into = *into * inverse * gain + shift;
    }
    (mean, inverse)
}

/// Makes a row so long; a row of zeros stays.
#[inline(always)]
pub(crate) fn resize(row: &mut [f32], length: f32) {
    let factor = length / (dot(row, row) + 1e-12).sqrt();
    for value in row {
        *value *= factor;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_right_everywhere() {
        for step in -8_700..8_800 {
            let x = step as f32 / 100.0;
            let exact = f64::from(x).exp();
            assert!((f64::from(exp(x)) - exact).abs() <= exact * 4e-7, "{x}");
        }
        assert!(exp(-1e9) < 1e-37 && exp(1e9).is_finite() && exp(0.0) == 1.0);
    }

    #[test]
    fn gelu_is_as_in_the_tables() {
        for (x, expected) in [(0.0, 0.0), (1.0, 0.841_344_8), (-1.0, -0.158_655_25), (2.5, 2.484_475_8), (-9.0, 0.0)] {
            assert!((gelu(x) - expected).abs() < 1e-6, "{x}: {}", gelu(x));
        }
    }

    #[test]
    fn dots_and_exponentials_take_the_rest_too() {
        let a: Vec<f32> = (0..37).map(|step| step as f32 / 10.0).collect();
        let exact: f32 = a.iter().map(|value| value * value).sum();
        assert!(
            (wide(
                #[inline(always)]
                || dot(&a, &a)
            ) - exact)
                .abs()
                < 1e-3
        );
        let mut values = a.clone();
        let (sum, largest) = wide(
            #[inline(always)]
            || exponentials(&mut values),
        );
        assert_eq!(largest, 3.6);
        assert!((sum - a.iter().map(|value| (value - 3.6).exp()).sum::<f32>()).abs() < 1e-4);
    }
}
