//! When a customer wants the same thing again: by the product, else by what buyers did, else after a usual time.

use mercer_recommend::Item;
use mercer_recommend::repurchase::{Bought, Due, due_after};
use mercer_schema::{Product, Timestamp};

use crate::World;
use crate::gate::Person;

/// How long a product is out of sight after a purchase while nothing has been learnt and the shop says nothing.
const USUAL_DAYS: i64 = 30;

/// Where a customer stands with a product that was bought at `last`.
pub(crate) fn standing(world: &World, (item, product): (Item, &Product), last: Timestamp, now: Timestamp) -> Due {
    match product.repurchase_days {
        Some(days) => due_after(f64::from(days), last, now),
        None if world.models.version.is_some() => world.models.repurchase.due(item, last, now),
        None if now.since(last) < USUAL_DAYS * Timestamp::DAY => Due::JustBought,
        None => Due::NotYet,
    }
}

/// What this customer bought and may want again now, the most likely first.
///
/// Where the shop says how long a product lasts, its chance is a half raised by every return of this customer and
/// halved for every time it was let pass; the model scores the others by the same formula with the share it learnt.
pub(crate) fn due(world: &World, person: &Person, now: Timestamp) -> Vec<Item> {
    let (mut scored, mut to_model) = (Vec::new(), Vec::new());
    for (item, bought) in &person.bought {
        let Some(product) = world.catalog.product(*item) else { continue };
        if bought.returned {
            continue;
        }
        match product.repurchase_days {
            Some(days) if due_after(f64::from(days), bought.last, now) == Due::Due => {
                let returns = f64::from(bought.times.saturating_sub(1));
                let passed_days = now.since(bought.last) as f64 / Timestamp::DAY as f64;
                let missed = (passed_days / f64::from(days.max(1)) - 1.0).max(0.0);
                scored.push((((0.5 + returns) / (1.0 + returns) * (-missed).exp2()) as f32, *item));
            }
            Some(_) => {}
            None => to_model.push(Bought { item: *item, last_at: bought.last, times: bought.times }),
        }
    }
    let learnt = world.models.repurchase.buy_again(&to_model, now, to_model.len());
    scored.extend(learnt.into_iter().map(|found| (found.score, found.item)));
    scored.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    scored.into_iter().map(|(_, item)| item).collect()
}
