//! Rules: CEL expressions that are true or false for a product on a page.
//!
//! A rule is parsed and checked once. For each page it is [specialised](Rule::on_page): everything that does not
//! depend on the product is worked out and folded away, and what is left is asked product by product, only for
//! as many products as a placement needs. Evaluation is total: it never panics, loops or reads anything but its
//! four variables.

mod check;
mod names;
mod narrow;
mod sample;
mod specialise;
#[cfg(test)]
mod tests;
mod values;
mod variables;

use std::sync::{Arc, LazyLock};

use cel::common::types::CelBool;
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::{Context, Env, ExecutionError, IdedExpr, Value};
use mercer_schema::{Page, Timestamp};

pub(crate) use check::RuleError;
pub(crate) use names::nearest;
pub(crate) use narrow::Narrowing;
pub(crate) use variables::{CustomerFacts, ProductFacts};

use values::Record;
use variables::{NowFacts, PageFacts};

/// The functions of CEL with its string extension. Making it takes longer than a decision may.
static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    // Fails only for names declared twice, which the tests would show: then the names are simply not there.
    let _ = env.add_extension(cel::extensions::strings);
    Arc::new(env)
});

/// Which variables a rule reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    pub(crate) product: bool,
    /// `page`, `customer` or `now`.
    pub(crate) page: bool,
    /// `customer.categories` or `customer.brands`, which take work to find.
    pub(crate) tastes: bool,
}

/// A checked expression.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    text: Arc<str>,
    expression: Arc<IdedExpr>,
    reads: Reads,
}

/// Where a rule stands, which decides what it may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// `product`, `page`, `customer`, `now`.
    Product,
    /// All but `product`.
    Page,
}

/// Why a rule could not be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It compared something that is absent: an answer of "no", not worth a note.
    Absent,
    Failed(String),
}

impl Rule {
    /// Parses and checks an expression: its size, its names and, on a sample, its types.
    pub(crate) fn compile(text: &str, subject: Subject) -> Result<Self, RuleError> {
        let (expression, reads) = check::parse(text, subject)?;
        let rule = Self { text: text.into(), expression: Arc::new(expression), reads };
        sample::try_out(&rule)?;
        Ok(rule)
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) const fn reads(&self) -> Reads {
        self.reads
    }

    /// The rule as it stands on one page.
    pub(crate) fn on_page(&self, scope: &Scope<'_>) -> PageRule {
        let expression = if self.reads.page {
            Arc::new(specialise::specialise(&self.expression, scope))
        } else {
            Arc::clone(&self.expression)
        };
        PageRule { narrowing: narrow::find(&expression), expression }
    }
}

/// A rule in which only the product is still open.
#[derive(Debug, Clone)]
pub(crate) struct PageRule {
    expression: Arc<IdedExpr>,
    narrowing: Option<Narrowing>,
}

impl PageRule {
    /// Is it true for this product? Without a product, `product` is an unknown name.
    pub(crate) fn holds(&self, scope: &Scope<'_>, product: Option<ProductFacts<'_>>) -> Result<bool, Fault> {
        if let Some(constant) = specialise::constant(&self.expression) {
            return Ok(constant);
        }
        truth(&self.expression, scope, product)
    }

    /// A set of products that holds every product the rule can be true for.
    pub(crate) const fn narrowing(&self) -> Option<&Narrowing> {
        self.narrowing.as_ref()
    }

    /// The same answer for every product, where there is one.
    pub(crate) fn constant(&self) -> Option<bool> {
        specialise::constant(&self.expression)
    }
}

/// The variables of one page.
pub(crate) struct Scope<'a>(Context<'a, 'a>);

impl<'a> Scope<'a> {
    pub(crate) fn new(page: &'a Page, customer: CustomerFacts<'a>, now: Timestamp) -> Self {
        let mut context = Context::with_env(Arc::clone(&ENV));
        context.add_variable_as_val("page", Box::new(Record::new(PageFacts(page))));
        context.add_variable_as_val("customer", Box::new(Record::new(customer)));
        context.add_variable_as_val("now", Box::new(Record::new(NowFacts(now))));
        Self(context)
    }
}

/// Answers for `product` only; the other variables are looked up in the page's scope.
struct ProductVariable<'a>(Record<'a, ProductFacts<'a>>);

impl VariableResolver for ProductVariable<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        (variable == "product").then_some(CowVal::Borrowed(&self.0))
    }
}

fn truth(expression: &IdedExpr, scope: &Scope<'_>, product: Option<ProductFacts<'_>>) -> Result<bool, Fault> {
    let answer = |context: &Context<'_, '_>| {
        let value = Value::resolve_val(expression, context).map_err(|error| fault(&error))?;
        value.downcast_ref::<CelBool>().map(|truth| *truth.inner()).ok_or_else(|| not_a_truth(&*value))
    };
    match product {
        None => answer(&scope.0),
        Some(facts) => {
            let variable = ProductVariable(Record::new(facts));
            let mut inner = scope.0.new_inner_scope();
            inner.set_variable_resolver(&variable);
            answer(&inner)
        }
    }
}

fn not_a_truth(value: &dyn Val) -> Fault {
    match value.get_type().name() {
        "null_type" => Fault::Absent,
        name => Fault::Failed(format!("it gives a {name}, not true or false")),
    }
}

/// A fault that comes from an absent value is silent: shops have products without a price.
fn fault(error: &ExecutionError) -> Fault {
    let is_null = |value: &Value| matches!(value, Value::Null);
    let is_absence = match error {
        ExecutionError::NoSuchOverload(overload) => overload.argument_types().iter().any(|name| name == "null_type"),
        ExecutionError::UnsupportedBinaryOperator(_, left, right)
        | ExecutionError::ValuesNotComparable(left, right) => is_null(left) || is_null(right),
        _ => false,
    };
    if is_absence { Fault::Absent } else { Fault::Failed(short(&error.to_string())) }
}

/// The first line, within reason: errors may quote values.
fn short(message: &str) -> String {
    message.lines().next().unwrap_or_default().chars().take(160).collect()
}
