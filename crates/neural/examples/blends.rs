//! Measures blends of a saved next-item network with simple models.
//!
//!     cargo run --release -p mercer-neural --example blends -- Beauty validation beauty.model
//!     cargo run --release -p mercer-neural --example blends -- Beauty test beauty.model 1,1 0.3,0.5 0.1,1
//!
//! After the model come weight and sharpness of the network, of VSTAN over the training sequences, and of item-item
//! neighbours. Without them all of a small grid are tried; do that on the validation part only.
#![allow(clippy::print_stdout)]

mod public;

use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mercer_neural::NextItem;
use mercer_recommend::benchmark::{Outcome, Question, ask};
use mercer_recommend::blend::{Blend, Part};
use mercer_recommend::neighbours::{Measure, Neighbours, Settings};
use mercer_recommend::sessions::{Repeats, StanSettings};
use mercer_recommend::{Item, Query, Recommender, Scored};

/// Places of each answer that are blended.
const DEPTH: usize = 200;

/// Answers to all questions in their order, asked once.
struct Kept {
    answers: Vec<Vec<Scored>>,
    next: AtomicUsize,
}

impl Kept {
    fn new(model: &dyn Recommender, questions: &[Question]) -> Self {
        let answer = |asked: &Question| {
            let query = Query { session: &asked.session, history: &asked.history, now: asked.at, ..Query::default() };
            let mut answer = model.recommend(&query, DEPTH + asked.masked.len());
            answer.retain(|scored| !asked.masked.contains(&scored.item));
            answer.truncate(DEPTH);
            answer
        };
        Self { answers: questions.iter().map(answer).collect(), next: AtomicUsize::new(0) }
    }
}

impl Recommender for Kept {
    fn recommend(&self, _: &Query<'_>, _: usize) -> Vec<Scored> {
        let number = self.next.fetch_add(1, Ordering::Relaxed) % self.answers.len();
        self.answers[number].clone()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [name, part, model, mixes @ ..] = words.as_slice() else { return Err("data, part, model, weights".into()) };
    let (mut data, part) = public::load(name, part)?;
    for asked in &mut data.questions {
        // The newest first in weight, halved every ten places.
        let newest = asked.session.iter().rev().enumerate();
        asked.history = newest.map(|(place, item)| (*item, 0.5_f32.powf(place as f32 / 10.0))).collect();
    }
    let number = |name: &str| name.parse().ok();
    let network = NextItem::decode(&std::fs::read(model)?, |name| number(name).map(Item), number)?;
    let index = data.index();
    let repeats = if data.are_sessions { Repeats::All } else { Repeats::None };
    let age_days = if data.are_sessions { 30.0 } else { 0.0 };
    let vstan = index.stan(StanSettings { repeats, age_days, ..StanSettings::vstan() });
    let baskets: Vec<Vec<(Item, f32)>> =
        data.train.iter().map(|items| items.iter().map(|item| (*item, 1.0)).collect()).collect();
    let settings = Settings {
        measure: Measure::Cosine { shrinkage: 1.0 },
        significance: 0.0,
        least_together: 1,
        damping: 0.5,
        ..Settings::default()
    };
    let neighbours = Neighbours::fit(&baskets, &settings);
    let models: [(&str, &dyn Recommender); 3] = [("network", &network), ("VSTAN", &vstan), ("neighbours", &neighbours)];
    let kept = models.map(|(name, model)| (name, Kept::new(model, &data.questions)));
    let cutoff = if data.are_sessions { 20 } else { 10 };
    let measure = |mix: [(f32, f32); 3]| -> Outcome {
        let used = kept.iter().zip(mix).filter(|(_, (weight, _))| *weight > 0.0);
        let parts = used.map(|((_, model), (weight, sharpness))| Part { model, weight, sharpness }).collect();
        let name = format!("{mix:?}");
        ask(&name, &Blend::new(parts, DEPTH), &data.questions, Duration::ZERO, &public::measures(cutoff))
    };
    let given: Vec<(f32, f32)> = mixes.iter().map(|mix| pair(mix)).collect::<Result<_, _>>()?;
    if let [network, vstan, neighbours] = given[..] {
        println!("{}", public::line(&measure([network, vstan, neighbours])));
        return Ok(());
    }
    if part == public::Part::Test {
        return Err("weights are tuned on the validation part".into());
    }
    for alone in 0..3 {
        let mut mix = [(0.0, 1.0); 3];
        mix[alone].0 = 1.0;
        println!("{} {}", kept[alone].0, public::line(&measure(mix)));
    }
    for (vstan, neighbours) in
        [(0.1, 0.0), (0.2, 0.0), (0.4, 0.0), (0.8, 0.0), (0.0, 0.1), (0.0, 0.2), (0.0, 0.4), (0.2, 0.2)]
    {
        for sharpness in [0.5, 1.0] {
            println!("{}", public::line(&measure([(1.0, 1.0), (vstan, sharpness), (neighbours, sharpness)])));
        }
    }
    Ok(())
}

fn pair(text: &str) -> Result<(f32, f32), Box<dyn Error>> {
    let (weight, sharpness) = text.split_once(',').ok_or("weight and sharpness look like 0.5,1")?;
    Ok((weight.parse()?, sharpness.parse()?))
}
