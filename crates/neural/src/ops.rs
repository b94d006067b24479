//! What the network does besides matrix products, each with its derivative.
//!
//! candle keeps the graph, multiplies the matrices and carries the gradients. These steps are fused by hand for the
//! processor, because as chains of tensor operations they would take longer than the products do. A card takes the same
//! steps and derivatives as tensor operations, as few as will do, because there every one of them costs a start. Tests hold
//! both to the plain chain that candle derives by itself.

mod attention;
mod gate;
mod mask;
mod norm;
mod pick;
mod sampled;
mod softmax;
mod table;

use std::sync::Mutex;

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CudaStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape, Storage, Tensor};

pub(crate) use attention::{Sequences, attend, attend_row};
pub(crate) use gate::gate;
pub(crate) use mask::masked;
pub(crate) use norm::{EPSILON, norm};
pub(crate) use pick::{NOTHING, pick};
pub(crate) use sampled::{Sample, sampled_cross_entropy};
pub(crate) use softmax::{Loss, cross_entropy};
pub(crate) use table::{Features, Means, table};

/// The numbers of a tensor, row by row.
pub(crate) fn values(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.flatten_all()?.to_vec1()
}

/// A result worked out by hand, to be put into the graph, and how its gradient goes on to the arguments.
struct Known<Backward> {
    name: &'static str,
    result: Mutex<Option<Made>>,
    backward: Backward,
}

enum Made {
    Numbers(Vec<f32>, Shape),
    /// In one piece.
    Rows(Tensor),
}

impl<Backward> Known<Backward> {
    fn new(name: &'static str, result: Vec<f32>, shape: impl Into<Shape>, backward: Backward) -> Self {
        Self { name, result: Mutex::new(Some(Made::Numbers(result, shape.into()))), backward }
    }

    /// Worked out by tensor operations, wherever the tensor lies.
    fn of(name: &'static str, result: &Tensor, backward: Backward) -> Result<Self> {
        let rows = result.detach().contiguous()?;
        Ok(Self { name, result: Mutex::new(Some(Made::Rows(rows))), backward })
    }

    fn take(&self) -> Result<Made> {
        let taken = self.result.lock().ok().and_then(|mut result| result.take());
        taken.ok_or_else(|| candle_core::Error::Msg(format!("{} was used twice", self.name)))
    }

    fn on_processor(&self) -> Result<(CpuStorage, Shape)> {
        match self.take()? {
            Made::Numbers(values, shape) => Ok((CpuStorage::F32(values), shape)),
            Made::Rows(rows) => Ok((CpuStorage::F32(values(&rows)?), rows.shape().clone())),
        }
    }

    fn on_card(&self) -> Result<(CudaStorage, Shape)> {
        let Made::Rows(rows) = self.take()? else { candle_core::bail!("{} was made on the processor", self.name) };
        let (storage, layout) = rows.storage_and_layout();
        match &*storage {
            Storage::Cuda(storage) => Ok((storage.try_clone(layout)?, rows.shape().clone())),
            _ => candle_core::bail!("{} was made on the processor", self.name),
        }
    }
}

impl<Backward: Fn(&Tensor) -> Result<[Option<Tensor>; 1]>> CustomOp1 for Known<Backward> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.on_processor()
    }

    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
        self.on_card()
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
        self.on_processor()
    }

    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout, _: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
        self.on_card()
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
        self.on_processor()
    }

    fn cuda_fwd(
        &self,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        self.on_card()
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
pub(crate) mod testing {
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

    /// Both must have the same values, and the same derivatives by every variable. The first is worked out on the processor,
    /// the second on a card where there is one.
    pub(crate) fn alike(
        variables: &[Var],
        one: impl Fn(&[Var]) -> Result<Tensor>,
        other: impl Fn(&[Var]) -> Result<Tensor>,
    ) {
        let (card, _) = crate::device::best();
        let moved = |variable: &Var| Var::from_tensor(&variable.to_device(&card).unwrap()).unwrap();
        let copies: Vec<Var> = variables.iter().map(moved).collect();
        let (one, other) = (one(variables).unwrap(), other(&copies).unwrap());
        assert_eq!(one.dims(), other.dims());
        close(&one, &other, "the values");
        let weights = some(one.dims(), 99);
        let gradients = |result: &Tensor| {
            let weights = weights.to_device(result.device()).unwrap();
            (result * weights).unwrap().sum_all().unwrap().backward().unwrap()
        };
        let (one, other) = (gradients(&one), gradients(&other));
        for (place, (variable, copy)) in variables.iter().zip(&copies).enumerate() {
            close(one.get(variable).unwrap(), other.get(copy).unwrap(), &format!("gradient {place}"));
        }
    }

    fn close(a: &Tensor, b: &Tensor, what: &str) {
        let (a, b) = (super::values(a).unwrap(), super::values(b).unwrap());
        for (a, b) in a.iter().zip(&b) {
            assert!((a - b).abs() < 1e-4, "{what}: {a} is not {b}");
        }
    }
}
