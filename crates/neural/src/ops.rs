//! What the network does besides matrix products, each with its derivative.
//!
//! candle keeps the graph, multiplies the matrices and carries the gradients. These steps are fused by hand for the
//! processor, because as chains of tensor operations they would take longer than the products do; each has the chain
//! beside it, which tests hold it to and which other devices use.

mod attention;
mod gate;
mod norm;
mod sampled;
mod softmax;
mod table;

use std::sync::Mutex;

use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};

pub(crate) use attention::{attend, attend_row};
pub(crate) use gate::gate;
pub(crate) use norm::{EPSILON, norm};
pub(crate) use sampled::{Sample, sampled_cross_entropy};
pub(crate) use softmax::{Loss, cross_entropy};
pub(crate) use table::{Features, table};

/// The numbers of a tensor, row by row.
pub(crate) fn values(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.flatten_all()?.to_vec1()
}

/// A result worked out by hand, to be put into the graph, and how its gradient goes on to the arguments.
struct Known<Backward> {
    name: &'static str,
    result: Mutex<Option<(Vec<f32>, Shape)>>,
    backward: Backward,
}

impl<Backward> Known<Backward> {
    fn new(name: &'static str, result: Vec<f32>, shape: impl Into<Shape>, backward: Backward) -> Self {
        Self { name, result: Mutex::new(Some((result, shape.into()))), backward }
    }

    fn take(&self) -> Result<(CpuStorage, Shape)> {
        let taken = self.result.lock().ok().and_then(|mut result| result.take());
        let (values, shape) = taken.ok_or_else(|| candle_core::Error::Msg(format!("{} was used twice", self.name)))?;
        Ok((CpuStorage::F32(values), shape))
    }
}

impl<Backward: Fn(&Tensor) -> Result<[Option<Tensor>; 1]>> CustomOp1 for Known<Backward> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.take()
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let [first] = (self.backward)(gradient)?;
        Ok(first)
    }
}

impl<Backward: Fn(&Tensor) -> Result<[Option<Tensor>; 2]>> CustomOp2 for Known<Backward> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.take()
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let [first, second] = (self.backward)(gradient)?;
        Ok((first, second))
    }
}

impl<Backward: Fn(&Tensor) -> Result<[Option<Tensor>; 3]>> CustomOp3 for Known<Backward> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.take()
    }

    fn bwd(
        &self,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [first, second, third] = (self.backward)(gradient)?;
        Ok((first, second, third))
    }
}

#[cfg(test)]
mod testing {
    use candle_core::{Device, Result, Tensor, Var};

    /// Numbers that look random and are the same every time.
    pub(crate) fn some(shape: &[usize], salt: u32) -> Var {
        let count: usize = shape.iter().product();
        let number = |place: usize| {
            let mixed = (place as u32 + 1).wrapping_mul(2_654_435_761).wrapping_add(salt.wrapping_mul(40_503));
            (mixed >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        let values: Vec<f32> = (0..count).map(number).collect();
        Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu).unwrap()).unwrap()
    }

    /// Both must have the same values, and the same derivatives by every variable.
    pub(crate) fn alike(variables: &[&Var], fused: impl Fn() -> Result<Tensor>, chain: impl Fn() -> Result<Tensor>) {
        let (fused, chain) = (fused().unwrap(), chain().unwrap());
        assert_eq!(fused.dims(), chain.dims());
        close(&fused, &chain, "the values");
        let weights = some(fused.dims(), 99);
        let gradients =
            |result: &Tensor| (result * weights.as_tensor()).unwrap().sum_all().unwrap().backward().unwrap();
        let (fused, chain) = (gradients(&fused), gradients(&chain));
        for (place, variable) in variables.iter().enumerate() {
            close(fused.get(variable).unwrap(), chain.get(variable).unwrap(), &format!("gradient {place}"));
        }
    }

    fn close(a: &Tensor, b: &Tensor, what: &str) {
        let (a, b) = (super::values(a).unwrap(), super::values(b).unwrap());
        for (a, b) in a.iter().zip(&b) {
            assert!((a - b).abs() < 1e-4, "{what}: {a} is not {b}");
        }
    }
}
