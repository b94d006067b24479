//! A shop's orders, for the examples that measure on them.

use std::collections::HashMap;

use mercer_recommend::Item;
use mercer_recommend::interactions::{Customer, Order};
use mercer_schema::Timestamp;

/// Reads `order,customer,at_micros,item,quantity` below a heading, sorted by order; items are numbered by first mention.
pub(crate) fn read_orders(text: &str, items: &mut HashMap<String, Item>, weight: impl Fn(&str) -> f32) -> Vec<Order> {
    let mut customers: HashMap<&str, u32> = HashMap::new();
    let mut orders: Vec<(&str, Order)> = Vec::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [number, customer, at, item, quantity] = fields[..] else { panic!("not five fields: {line}") };
        let next = customers.len() as u32;
        let customer = (!customer.is_empty()).then(|| Customer(*customers.entry(customer).or_insert(next)));
        let next = Item(items.len() as u32);
        let item = *items.entry(item.to_owned()).or_insert(next);
        if orders.last().is_none_or(|(last, _)| *last != number) {
            let at = Timestamp(at.parse().expect("a time in microseconds"));
            orders.push((number, Order { customer, at, lines: Vec::new() }));
        }
        orders.last_mut().unwrap().1.lines.push((item, weight(quantity)));
    }
    orders.into_iter().map(|(_, order)| order).collect()
}
