//! A recommender of one's own, measured beside the ones that are there: `docs/adding-a-model.md` walks through it.
//!
//! `cargo run --release -p mercer-recommend --example own_model`
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;

use mercer_recommend::benchmark::{Dataset, Measured, Spec, SpecError, compare, read_interactions};
use mercer_recommend::interactions::Basket;
use mercer_recommend::{Item, Query, Recommender, Scored, best_of};

/// How many customers took both: the plainest neighbour there is.
struct Together {
    customers: BTreeMap<(Item, Item), f32>,
}

impl Together {
    fn fit(baskets: &[Basket]) -> Self {
        let mut customers = BTreeMap::new();
        for basket in baskets {
            for (one, _) in basket {
                for (other, _) in basket.iter().filter(|(other, _)| other != one) {
                    *customers.entry((*one, *other)).or_default() += 1.0;
                }
            }
        }
        Self { customers }
    }
}

impl Recommender for Together {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        let mut scores: BTreeMap<Item, f32> = BTreeMap::new();
        for (known, _) in query.history {
            for ((_, other), customers) in self.customers.range((*known, Item(0))..=(*known, Item(u32::MAX))) {
                *scores.entry(*other).or_default() += customers;
            }
        }
        query.seeds.iter().chain(query.history.iter().map(|(item, _)| item)).for_each(|item| {
            scores.remove(item);
        });
        best_of(scores.into_iter().map(|(item, score)| Scored { item, score, because_of: None }).collect(), limit)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Forty customers of two tastes; each lacks one of their taste's eight things, which they should be shown.
    let line = |customer: usize, places: std::ops::Range<usize>| {
        let things = places.map(|place| format!("thing{}", (customer / 2 + place) % 8 + 10 * (customer % 2)));
        format!("customer{customer} {}\n", things.collect::<Vec<_>>().join(" "))
    };
    let train: String = (0..40).map(|customer| line(customer, 0..7)).collect();
    let test: String = (0..40).map(|customer| line(customer, 7..8)).collect();
    let data = read_interactions(&train, &test)?;
    let fit = |spec: Spec| -> Result<Box<dyn Recommender + '_>, SpecError> {
        if spec.name() == "together" { Ok(Box::new(Together::fit(&data.train))) } else { data.fit(spec) }
    };
    let specs = ["popularity", "knn", "together", "blend:knn=1:together=1"].map(Spec::parse);
    let specs = specs.into_iter().collect::<Result<Vec<_>, _>>()?;
    let (metrics, popularity) = (["HR@1".parse()?, "NDCG@5".parse()?], data.popularity());
    let measured = Measured { metrics: &metrics, popularity: &popularity };
    compare(&specs, data.questions(), &measured, fit, |outcome| {
        let means = outcome.metrics(|_| true);
        println!("{:<24} HR@1 {:.3}  NDCG@5 {:.3}", outcome.model, means[0].1.mean, means[1].1.mean);
    })?;
    Ok(())
}
