//! Learning by contrast: Adam (Kingma, Ba, ICLR 2015) on batches that share their negatives.
//!
//! A batch is some (customer, item) pairs and some items drawn evenly. The item is left out of its customer's mean, so that
//! no pair explains itself. Gradients, with û and ê being u and e at length 1 and g the derivative of the loss by a cosine:
//! ∂L/∂u = (x − û (û·x)) / ‖u‖ with x = Σ g ê, the same for e with x = Σ g û; then ∂L/∂V = ∂u hᵀ, and Vᵀ ∂u / |H| goes to
//! every item of the mean h.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rustc_hash::FxHashMap;

use super::Contrast;
use crate::dense::{add_scaled, dot};
use crate::interactions::{Basket, Matrix};
use crate::random::Random;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ContrastSettings {
    pub dimensions: usize,
    pub epochs: usize,
    /// Pairs, and also negatives, of a batch.
    pub batch: usize,
    pub negatives: usize,
    /// m
    pub margin: f32,
    /// w
    pub weight: f32,
    pub rate: f32,
    /// Items of a customer that are averaged for one pair, drawn evenly.
    pub most_averaged: usize,
    pub seed: u64,
}

impl Default for ContrastSettings {
    fn default() -> Self {
        Self {
            dimensions: 64,
            epochs: 30,
            batch: 1_024,
            negatives: 1_024,
            margin: 0.5,
            weight: 150.0,
            rate: 0.002,
            most_averaged: 50,
            seed: 1,
        }
    }
}

/// Parameters with their moments.
struct Adam {
    values: Vec<f32>,
    gradients: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
    width: usize,
    is_touched: Vec<bool>,
    touched: Vec<u32>,
}

impl Adam {
    fn new(values: Vec<f32>, width: usize) -> Self {
        let (length, rows) = (values.len(), values.len() / width.max(1));
        let zeros = vec![0.0; length];
        Self {
            values,
            gradients: zeros.clone(),
            first: zeros.clone(),
            second: zeros,
            width,
            is_touched: vec![false; rows],
            touched: Vec::new(),
        }
    }

    fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.width..(row + 1) * self.width]
    }

    fn add(&mut self, row: usize, factor: f32, gradient: &[f32]) {
        if !std::mem::replace(&mut self.is_touched[row], true) {
            self.touched.push(row as u32);
        }
        add_scaled(&mut self.gradients[row * self.width..(row + 1) * self.width], factor, gradient);
    }

    /// Moves the rows that were touched since the last step.
    fn step(&mut self, rate: f32) {
        const DECAY: (f32, f32) = (0.9, 0.999);
        for row in self.touched.drain(..) {
            self.is_touched[row as usize] = false;
            for place in row as usize * self.width..(row as usize + 1) * self.width {
                let gradient = std::mem::take(&mut self.gradients[place]);
                self.first[place] = DECAY.0 * self.first[place] + (1.0 - DECAY.0) * gradient;
                self.second[place] = DECAY.1 * self.second[place] + (1.0 - DECAY.1) * gradient * gradient;
                self.values[place] -= rate * self.first[place] / (self.second[place].sqrt() + 1e-8);
            }
        }
    }
}

/// The pairs of one batch, made ready.
struct Pair {
    customer: usize,
    item: usize,
    averaged: Vec<u32>,
    mean: Vec<f32>,
    length: f32,
}

struct Training<'a> {
    customers: &'a Matrix,
    items: Adam,
    map: Adam,
    settings: &'a ContrastSettings,
    random: Random,
}

impl Contrast {
    /// Learns from one basket a customer. Customers with one item teach nothing.
    pub fn fit(baskets: &[Basket], settings: &ContrastSettings) -> Self {
        let settings = &ContrastSettings { dimensions: settings.dimensions.max(1), ..*settings };
        let customers = Matrix::of_baskets(baskets);
        let (dimensions, mut random) = (settings.dimensions, Random::new(settings.seed));
        let deviation = 1.0 / (dimensions as f32).sqrt();
        let vectors = (0..customers.width() * dimensions).map(|_| deviation * random.normal()).collect();
        let identity = (0..dimensions * dimensions).map(|place| f32::from(u8::from(place % (dimensions + 1) == 0)));
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        for row in (0..customers.height()).filter(|row| customers.columns_of(*row).len() > 1) {
            pairs.extend(customers.columns_of(row).iter().map(|item| (row as u32, *item)));
        }
        let mut training = Training {
            items: Adam::new(vectors, dimensions),
            map: Adam::new(identity.collect(), dimensions),
            customers: &customers,
            settings,
            random,
        };
        for epoch in 0..settings.epochs {
            training.random.shuffle(&mut pairs);
            // Down to a tenth along half a cosine.
            let done = epoch as f32 / settings.epochs as f32;
            let rate = settings.rate * (0.55 + 0.45 * (std::f32::consts::PI * done).cos());
            pairs.chunks(settings.batch.max(1)).for_each(|batch| training.learn(batch, rate));
        }
        let Training { mut items, map, .. } = training;
        let taken = customers.transposed();
        for item in (0..taken.height()).filter(|item| taken.columns_of(*item).is_empty()) {
            items.values[item * dimensions..(item + 1) * dimensions].fill(0.0);
        }
        Self::of(dimensions, items.values, &map.values)
    }
}

impl Training<'_> {
    fn learn(&mut self, batch: &[(u32, u32)], rate: f32) {
        let dimensions = self.settings.dimensions;
        let mut customers = Vec::with_capacity(batch.len() * dimensions);
        let pairs: Vec<Pair> = batch.iter().map(|pair| self.prepare(*pair, &mut customers)).collect();
        let negatives: Vec<usize> =
            (0..self.settings.negatives).map(|_| self.random.below(self.customers.width())).collect();
        let mut directions = Vec::with_capacity(negatives.len() * dimensions);
        let lengths: Vec<f32> =
            negatives.iter().map(|item| push_direction(self.items.row(*item), &mut directions)).collect();
        let (height, width) = (pairs.len(), negatives.len());
        let of_customers = MatRef::from_row_major_slice(&customers, height, dimensions);
        let of_negatives = MatRef::from_row_major_slice(&directions, width, dimensions);
        let mut slopes = vec![0.0; height * width];
        let cosines = MatMut::from_row_major_slice_mut(&mut slopes, height, width);
        matmul(cosines, Accum::Replace, of_customers, of_negatives.transpose(), 1.0, Par::rayon(0));
        let slope = self.settings.weight / width.max(1) as f32;
        slopes.iter_mut().for_each(|cosine| *cosine = if *cosine > self.settings.margin { slope } else { 0.0 });
        self.spare_own(&pairs, &negatives, &mut slopes);
        let slopes = MatRef::from_row_major_slice(&slopes, height, width);
        let (mut by_customer, mut by_negative) = (vec![0.0; height * dimensions], vec![0.0; width * dimensions]);
        let into = MatMut::from_row_major_slice_mut(&mut by_customer, height, dimensions);
        matmul(into, Accum::Replace, slopes, of_negatives, 1.0, Par::rayon(0));
        let into = MatMut::from_row_major_slice_mut(&mut by_negative, width, dimensions);
        matmul(into, Accum::Replace, slopes.transpose(), of_customers, 1.0, Par::rayon(0));
        let share = 1.0 / height as f32;
        for (place, item) in negatives.iter().enumerate() {
            let range = place * dimensions..(place + 1) * dimensions;
            let turned = across(&by_negative[range.clone()], &directions[range], lengths[place]);
            self.items.add(*item, share, &turned);
        }
        for (place, pair) in pairs.iter().enumerate() {
            let range = place * dimensions..(place + 1) * dimensions;
            self.explain(pair, &customers[range.clone()], &mut by_customer[range], share);
        }
        self.items.step(rate);
        self.map.step(rate);
    }

    /// What a customer took is no negative of that customer.
    fn spare_own(&self, pairs: &[Pair], negatives: &[usize], slopes: &mut [f32]) {
        let mut places: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
        negatives.iter().enumerate().for_each(|(place, item)| places.entry(*item).or_default().push(place));
        for (pair, slopes) in pairs.iter().zip(slopes.chunks_exact_mut(negatives.len().max(1))) {
            let own = self.customers.columns_of(pair.customer).iter().filter_map(|item| places.get(&(*item as usize)));
            own.flatten().for_each(|place| slopes[*place] = 0.0);
        }
    }

    /// The customer's direction without the item is pushed to `customers`.
    fn prepare(&mut self, (row, item): (u32, u32), customers: &mut Vec<f32>) -> Pair {
        let all = self.customers.columns_of(row as usize);
        let mut averaged: Vec<u32> = all.iter().copied().filter(|other| *other != item).collect();
        let most = self.settings.most_averaged.max(1);
        if averaged.len() > most {
            for place in 0..most {
                let drawn = place + self.random.below(averaged.len() - place);
                averaged.swap(place, drawn);
            }
            averaged.truncate(most);
        }
        let mut mean = vec![0.0; self.settings.dimensions];
        let share = 1.0 / averaged.len() as f32;
        averaged.iter().for_each(|other| add_scaled(&mut mean, share, self.items.row(*other as usize)));
        let vector: Vec<f32> = (0..self.settings.dimensions).map(|row| dot(self.map.row(row), &mean)).collect();
        let length = push_direction(&vector, customers);
        Pair { customer: row as usize, item: item as usize, averaged, mean, length }
    }

    /// Adds the pair's own item to what pulls at the customer, and passes that on.
    fn explain(&mut self, pair: &Pair, customer: &[f32], pull: &mut [f32], share: f32) {
        let mut direction = Vec::with_capacity(customer.len());
        let length = push_direction(self.items.row(pair.item), &mut direction);
        add_scaled(pull, -1.0, &direction);
        let own: Vec<f32> = customer.iter().map(|value| -value).collect();
        self.items.add(pair.item, share, &across(&own, &direction, length));
        let turned = across(pull, customer, pair.length);
        let mut back = vec![0.0; turned.len()];
        for (row, value) in turned.iter().enumerate() {
            add_scaled(&mut back, *value, self.map.row(row));
            self.map.add(row, share * value, &pair.mean);
        }
        let each = share / pair.averaged.len() as f32;
        pair.averaged.iter().for_each(|other| self.items.add(*other as usize, each, &back));
    }
}

/// Pushes the vector at length 1 and tells its length.
fn push_direction(vector: &[f32], directions: &mut Vec<f32>) -> f32 {
    let length = dot(vector, vector).sqrt().max(1e-6);
    directions.extend(vector.iter().map(|value| value / length));
    length
}

/// The part of a pull on a direction that turns it, as a pull on the vector of this length.
fn across(pull: &[f32], direction: &[f32], length: f32) -> Vec<f32> {
    let along = dot(pull, direction);
    pull.iter().zip(direction).map(|(pull, direction)| (pull - direction * along) / length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Item, Query, Recommender};

    /// Two groups of customers with two kinds of ten items.
    fn baskets() -> Vec<Basket> {
        let basket =
            |number: u32| (0..5).map(|step| (Item((number * 7 + step * 3) % 10 + 10 * (number % 2)), 1.0)).collect();
        (0..120).map(basket).collect()
    }

    #[test]
    fn proposes_what_the_group_takes() {
        let settings = ContrastSettings {
            dimensions: 8,
            batch: 64,
            negatives: 32,
            margin: 0.3,
            weight: 2.0,
            rate: 0.02,
            ..ContrastSettings::default()
        };
        let model = Contrast::fit(&baskets(), &settings);
        let history = [(Item(12), 1.0), (Item(15), 1.0)];
        let found = model.recommend(&Query { history: &history, ..Query::default() }, 5);
        assert!(found.len() == 5 && found.iter().all(|scored| scored.item.0 >= 10), "{found:?}");
        assert!(found.iter().all(|scored| scored.because_of.is_some() && scored.score <= 1.0 + 1e-5));
        assert_eq!(Contrast::fit(&baskets(), &settings), model, "the same seed gives the same model");
    }

    #[test]
    fn gradients_are_those_of_the_loss() {
        // cos(u, e) by e, against a difference quotient.
        let (u, e) = ([0.6_f32, -0.8, 0.0], [0.5_f32, 1.0, -2.0]);
        let cosine = |e: &[f32]| dot(&u, e) / dot(e, e).sqrt();
        let mut direction = Vec::new();
        let length = push_direction(&e, &mut direction);
        let gradient = across(&u, &direction, length);
        for place in 0..3 {
            let (mut more, mut less) = (e, e);
            more[place] += 1e-2;
            less[place] -= 1e-2;
            let quotient = (cosine(&more) - cosine(&less)) / 2e-2;
            assert!((quotient - gradient[place]).abs() < 1e-4, "{quotient} {gradient:?}");
        }
    }
}
