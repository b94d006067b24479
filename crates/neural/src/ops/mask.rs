//! `x ⊙ mask`: what candle would do too, but it would also work out the derivatives by the mask, which nobody wants.

use candle_core::{Result, Tensor};

use super::Known;

pub(crate) fn masked(x: &Tensor, mask: Tensor) -> Result<Tensor> {
    let result = (x.detach() * &mask)?;
    let backward = move |gradient: &Tensor| Ok([Some((gradient * &mask)?)]);
    x.apply_op1(Known::of("masked", &result, backward)?)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{alike, some};
    use super::*;

    #[test]
    fn it_is_a_product() {
        let mask = some(&[5, 3], 2).as_detached_tensor();
        alike(
            &[some(&[5, 3], 1)],
            |of| of[0].as_tensor() * &mask,
            |of| masked(&of[0], mask.to_device(of[0].device())?),
        );
    }
}
