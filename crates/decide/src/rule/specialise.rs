//! Folding away what a page already settles, so that products are asked only what depends on them.
//!
//! The folded rule has the same answer as the whole one for every product. What cannot be folded without
//! changing that (lists, loops, errors) is left as it is.

use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};
use cel::common::types::{CelBool, CelDouble, CelInt, CelString};
use cel::common::value::Val;
use cel::{IdedExpr, Value};

use super::Scope;

/// The rule with every part that does not read `product` replaced by its value on this page.
pub(super) fn specialise(node: &IdedExpr, scope: &Scope<'_>) -> IdedExpr {
    if matches!(node.expr, Expr::Literal(_)) {
        return node.clone();
    }
    if !reads_product(node) {
        return Value::resolve_val(node, &scope.0)
            .ok()
            .and_then(|value| literal(&*value))
            .map_or_else(|| node.clone(), |value| IdedExpr { id: node.id, expr: Expr::Literal(value) });
    }
    match &node.expr {
        Expr::Call(call) => {
            let part = |node: &IdedExpr| specialise(node, scope);
            let folded = CallExpr {
                func_name: call.func_name.clone(),
                target: call.target.as_ref().map(|target| Box::new(part(target))),
                args: call.args.iter().map(part).collect(),
            };
            simplify(node.id, folded)
        }
        // Loops bind names of their own, and a selection on the product is all about the product.
        _ => node.clone(),
    }
}

/// The truth that an expression always has.
pub(super) fn constant(node: &IdedExpr) -> Option<bool> {
    match &node.expr {
        Expr::Literal(LiteralValue::Boolean(value)) => Some(*value.inner()),
        _ => None,
    }
}

/// `true && x` is `x`, `false && x` is false, and so on. In CEL `&&` and `||` have no order.
fn simplify(id: u64, mut call: CallExpr) -> IdedExpr {
    let truths: Vec<Option<bool>> = call.args.iter().map(constant).collect();
    let always = |truth: bool| IdedExpr { id, expr: Expr::Literal(LiteralValue::Boolean(CelBool::from(truth))) };
    let kept = match (call.func_name.as_str(), truths.as_slice()) {
        (operators::LOGICAL_AND, [Some(false), _] | [_, Some(false)]) => return always(false),
        (operators::LOGICAL_OR, [Some(true), _] | [_, Some(true)]) => return always(true),
        (operators::LOGICAL_NOT, [Some(truth)]) => return always(!truth),
        (operators::LOGICAL_AND, [Some(true), _]) | (operators::LOGICAL_OR, [Some(false), _]) => Some(1),
        (operators::LOGICAL_AND, [_, Some(true)]) | (operators::LOGICAL_OR, [_, Some(false)]) => Some(0),
        (operators::CONDITIONAL, [Some(true), ..]) => Some(1),
        (operators::CONDITIONAL, [Some(false), ..]) => Some(2),
        _ => None,
    };
    match kept {
        Some(place) if place < call.args.len() => call.args.swap_remove(place),
        _ => IdedExpr { id, expr: Expr::Call(call) },
    }
}

pub(super) fn reads_product(node: &IdedExpr) -> bool {
    match &node.expr {
        Expr::Ident(name) => name == "product",
        Expr::Select(select) => reads_product(&select.operand),
        Expr::Call(call) => {
            call.target.iter().any(|target| reads_product(target)) || call.args.iter().any(reads_product)
        }
        Expr::List(list) => list.elements.iter().any(reads_product),
        Expr::Comprehension(of) => {
            [&of.iter_range, &of.accu_init, &of.loop_cond, &of.loop_step, &of.result].into_iter().any(reads_product)
        }
        Expr::Literal(_) | Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => false,
    }
}

/// A simple value as it would be written. Lists are cheaper to read where they are.
fn literal(value: &dyn Val) -> Option<LiteralValue> {
    if let Some(truth) = value.downcast_ref::<CelBool>() {
        return Some(LiteralValue::Boolean(*truth));
    }
    if let Some(number) = value.downcast_ref::<CelInt>() {
        return Some(LiteralValue::Int(*number));
    }
    if let Some(number) = value.downcast_ref::<CelDouble>() {
        return Some(LiteralValue::Double(*number));
    }
    if let Some(text) = value.downcast_ref::<CelString<'_>>() {
        return Some(LiteralValue::String(text.clone().into_static()));
    }
    (value.get_type().name() == "null_type").then_some(LiteralValue::Null)
}
