//! Finding the part of the catalog outside of which a rule cannot be true.
//!
//! `"Mugs" in product.category && product.price < 20.0` can only hold in the category Mugs: its members are in
//! the catalog's index, so the other thousands of products need not be asked. Only ever leaves out products for
//! which the rule is false; it never decides that one is shown.

use cel::IdedExpr;
use cel::common::ast::{Expr, LiteralValue, operators};

/// A set of products by what they have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Narrowing {
    Category(String),
    Brand(String),
}

/// Looks through the parts that must all be true.
pub(super) fn find(node: &IdedExpr) -> Option<Narrowing> {
    let Expr::Call(call) = &node.expr else { return None };
    let [left, right] = call.args.as_slice() else { return None };
    match call.func_name.as_str() {
        operators::LOGICAL_AND => find(left).or_else(|| find(right)),
        operators::IN if product_field(right) == Some("category") => text(left).map(Narrowing::Category),
        operators::EQUALS => equal(left, right).or_else(|| equal(right, left)),
        _ => None,
    }
}

/// `product.brand == "…"`. An empty text also equals what is absent, and that is in no index.
fn equal(field: &IdedExpr, value: &IdedExpr) -> Option<Narrowing> {
    let value = text(value).filter(|value| !value.is_empty())?;
    match product_field(field)? {
        "brand" => Some(Narrowing::Brand(value)),
        "leaf_category" => Some(Narrowing::Category(value)),
        _ => None,
    }
}

fn product_field(node: &IdedExpr) -> Option<&str> {
    match &node.expr {
        Expr::Select(select) => match &select.operand.expr {
            Expr::Ident(name) if name == "product" => Some(&select.field),
            _ => None,
        },
        _ => None,
    }
}

fn text(node: &IdedExpr) -> Option<String> {
    match &node.expr {
        Expr::Literal(LiteralValue::String(value)) => Some(value.inner().to_owned()),
        _ => None,
    }
}
