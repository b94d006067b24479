//! A made-up shop, the same on every machine, that can be had in several sizes with everything else alike.
//!
//! Items stand in groups of 125 and are wanted by Zipf's law. A customer has two groups, orders a number of lines that is
//! Zipf's again (1 to 310, 50 on average) in orders of 1 to 20, and takes a line from the own groups (3 in 5), again what
//! was taken before (1 in 5), or anything (1 in 5). Two customers of one group thus meet in it, however large the shop is.

use mercer_recommend::Item;
use mercer_recommend::interactions::{Basket, Customer, Order, tastes};
use mercer_schema::Timestamp;

use crate::synthetic::Dice;

const CUSTOMERS: u32 = 62_500;
const ITEMS: u32 = 6_250;
/// Items in a group.
const GROUP: u32 = 125;
/// Bounds of Zipf's law for a customer's lines and an order's.
const MOST_LINES: u64 = 310;
const LONGEST_ORDER: u64 = 20;
const DAYS: f64 = 365.0;

/// A customer looks at an item.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Click {
    pub(crate) at: Timestamp,
    pub(crate) customer: u32,
    pub(crate) item: Item,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Shop {
    customers: u32,
    items: u32,
}

impl Shop {
    pub(crate) const fn of(size: u32) -> Self {
        Self { customers: CUSTOMERS * size, items: ITEMS * size }
    }

    /// Which group an item stands in.
    pub(crate) const fn group(&self, item: Item) -> u32 {
        item.0 % (self.items / GROUP)
    }

    /// One customer after the other.
    pub(crate) fn orders(&self) -> Vec<Order> {
        self.gather(|orders| orders)
    }

    pub(crate) fn baskets(&self) -> Vec<Basket> {
        self.gather(|orders| orders.into_iter().map(|order| order.lines).collect())
    }

    /// One basket a customer.
    pub(crate) fn tastes(&self) -> Vec<Basket> {
        self.gather(|orders| tastes(&orders))
    }

    /// What is ordered was looked at, half a minute each; in time.
    pub(crate) fn clicks(&self) -> Vec<Click> {
        let of_order = |order: &Order, customer: u32| -> Vec<Click> {
            let at = (0..).map(|place| order.at.plus(place * Timestamp::MINUTE / 2));
            order.lines.iter().zip(at).map(|((item, _), at)| Click { at, customer, item: *item }).collect()
        };
        let customer = |order: &Order| order.customer.map_or(0, |customer| customer.0);
        let mut clicks =
            self.gather(|orders| orders.iter().flat_map(|order| of_order(order, customer(order))).collect());
        clicks.sort_unstable_by_key(|click: &Click| (click.at, click.customer));
        clicks
    }

    /// What `part` makes of the orders of each customer, in just the memory that it needs: made twice, first to be counted.
    fn gather<Part>(&self, part: impl Fn(Vec<Order>) -> Vec<Part>) -> Vec<Part> {
        let parts = || (0..self.customers).flat_map(|customer| part(self.orders_of(customer)));
        let mut gathered = Vec::with_capacity(parts().count());
        gathered.extend(parts());
        gathered
    }

    fn orders_of(&self, customer: u32) -> Vec<Order> {
        let mut dice = Dice(u64::from(customer) << 32);
        let groups = self.items / GROUP;
        let own = [0, 1].map(|_| ((dice.share() * f64::from(groups)) as u32).min(groups - 1));
        let mut left = 1 + dice.zipf(MOST_LINES);
        let (mut taken, mut orders): (Vec<Item>, Vec<Order>) = (Vec::new(), Vec::new());
        while left > 0 {
            let lines = (1 + dice.zipf(LONGEST_ORDER)).min(left);
            left -= lines;
            let at = Timestamp((dice.share() * DAYS * Timestamp::DAY as f64) as i64);
            let mut order = Order { customer: Some(Customer(customer)), at, lines: Vec::with_capacity(lines as usize) };
            for _ in 0..lines {
                let item = self.line(&mut dice, &own, &taken);
                if order.lines.iter().all(|(known, _)| *known != item) {
                    order.lines.push((item, 1.0));
                }
            }
            order.lines.shrink_to_fit();
            taken.extend(order.lines.iter().map(|(item, _)| *item));
            orders.push(order);
        }
        orders
    }

    fn line(&self, dice: &mut Dice, own: &[u32; 2], taken: &[Item]) -> Item {
        let groups = self.items / GROUP;
        let turn = dice.share();
        match taken {
            [_, ..] if turn < 0.2 => taken[((dice.share() * taken.len() as f64) as usize).min(taken.len() - 1)],
            _ if turn < 0.8 => {
                let group = own[usize::from(dice.share() < 0.5)];
                Item(group + groups * dice.zipf(u64::from(GROUP)) as u32)
            }
            _ => Item(dice.zipf(u64::from(self.items)) as u32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_shop_is_alike() {
        let of = |size: u32| {
            let shop = Shop { customers: 2_000 * size, items: 1_250 * size };
            let tastes = shop.tastes();
            let distinct = tastes.iter().map(Vec::len).sum::<usize>() as f64 / tastes.len() as f64;
            (shop.clicks().len() as f64 / tastes.len() as f64, distinct)
        };
        let ((lines, distinct), (more_lines, more_distinct)) = (of(1), of(3));
        assert!((45.0..55.0).contains(&lines) && (lines / more_lines - 1.0).abs() < 0.1, "{lines} {more_lines}");
        assert!((distinct / more_distinct - 1.0).abs() < 0.15, "{distinct} {more_distinct}");
    }
}
