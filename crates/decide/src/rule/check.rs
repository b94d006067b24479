//! Parsing a rule and checking it before anything depends on it.
//!
//! Bounds first, so that a hostile expression costs nothing: length, nesting, size, one loop deep. Then every
//! name must be known; a mistyped one is answered with the name that was probably meant. `has(x.y)` becomes
//! `"y" in x`, because reading an absent field is no error here.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, SelectExpr, operators};

use super::names::{self, FUNCTIONS, Field, Kind, ROOTS, is_readable_trait, nearest};
use super::{ENV, Reads, Subject, short};

const MOST_BYTES: usize = 2_000;
const MOST_NESTING: usize = 24;
const MOST_NODES: usize = 400;
const MOST_DEPTH: usize = 64;

/// What is wrong with an expression, and the name that may have been meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RuleError {
    pub(crate) message: String,
    pub(crate) nearest: Option<String>,
}

impl RuleError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), nearest: None }
    }

    fn unknown(what: &str, typed: &str, meant: Option<String>) -> Self {
        Self { message: format!("{what} `{typed}` is unknown"), nearest: meant }
    }
}

/// A checked expression and what it reads.
pub(super) fn parse(text: &str, subject: Subject) -> Result<(IdedExpr, Reads), RuleError> {
    if text.trim().is_empty() {
        return Err(RuleError::new("the expression is empty; leave the field out instead"));
    }
    if text.len() > MOST_BYTES {
        return Err(RuleError::new(format!(
            "the expression has {} bytes; at most {MOST_BYTES} are allowed",
            text.len()
        )));
    }
    if nesting(text) > MOST_NESTING {
        return Err(RuleError::new(format!("brackets or signs are nested more than {MOST_NESTING} deep")));
    }
    let program = ENV.compile(text).map_err(|errors| {
        let first = errors.errors.first().map_or_else(String::new, |error| {
            format!(" (line {}, column {}): {}", error.pos.0.max(1), error.pos.1.max(0) + 1, short(&error.msg))
        });
        RuleError::new(format!("this is no CEL expression{first}"))
    })?;
    let mut expression = program.expression().clone();
    let mut checker = Checker { subject, reads: Reads::default(), nodes: 0, bound: Vec::new() };
    checker.walk(&mut expression, 0)?;
    Ok((expression, checker.reads))
}

/// How deep brackets and runs of signs go, text included: a cheap bound before the parser sees anything.
fn nesting(text: &str) -> usize {
    let (mut open, mut deepest, mut signs) = (0_usize, 0, 0_usize);
    for letter in text.chars() {
        match letter {
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => open = open.saturating_sub(1),
            _ => {}
        }
        signs = match letter {
            '!' | '-' => signs + 1,
            letter if letter.is_whitespace() => signs,
            _ => 0,
        };
        deepest = deepest.max(open + signs);
    }
    deepest
}

struct Checker {
    subject: Subject,
    reads: Reads,
    nodes: usize,
    /// Variables of the loop that is being walked.
    bound: Vec<String>,
}

impl Checker {
    /// Checks a node and everything below it. `None` is a kind that only evaluation knows.
    fn walk(&mut self, node: &mut IdedExpr, depth: usize) -> Result<Option<Kind>, RuleError> {
        self.nodes += 1;
        if self.nodes > MOST_NODES || depth > MOST_DEPTH {
            return Err(RuleError::new("the expression is too large; split it up or make it shorter"));
        }
        match &mut node.expr {
            Expr::Literal(_) => Ok(None),
            Expr::Ident(name) => self.variable(name),
            Expr::Select(select) => {
                let kind = self.select(select, depth)?;
                if select.test {
                    node.expr = presence(std::mem::take(select));
                    return Ok(Some(Kind::Flag));
                }
                Ok(kind)
            }
            Expr::Call(call) => self.call(call, depth),
            Expr::List(list) => {
                for element in &mut list.elements {
                    self.walk(element, depth + 1)?;
                }
                Ok(None)
            }
            Expr::Comprehension(comprehension) => self.comprehension(comprehension, depth),
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                Err(RuleError::new("maps and structures cannot be written in a rule"))
            }
        }
    }

    fn variable(&mut self, name: &str) -> Result<Option<Kind>, RuleError> {
        if self.bound.iter().any(|bound| bound == name) {
            return Ok(None);
        }
        let Some(root) = ROOTS.iter().find(|root| root.name == name) else {
            let meant = nearest(name, ROOTS.iter().map(|root| root.name)).map(str::to_owned);
            return Err(RuleError::unknown("the variable", name, meant));
        };
        match (name, self.subject) {
            ("product", Subject::Page) => {
                return Err(RuleError::new("`product` cannot be read here: the condition is asked once for the page"));
            }
            ("product", Subject::Product) => self.reads.product = true,
            _ => self.reads.page = true,
        }
        Ok(Some(root.kind))
    }

    fn select(&mut self, select: &mut SelectExpr, depth: usize) -> Result<Option<Kind>, RuleError> {
        let name = spelling(&select.operand);
        match self.walk(&mut select.operand, depth + 1)? {
            Some(Kind::Record(fields)) => {
                let field = known_field(fields, &name, &select.field)?;
                self.reads.tastes |= name == "customer" && matches!(field.name, "categories" | "brands");
                Ok(Some(field.kind))
            }
            Some(Kind::Attributes) => Ok(Some(Kind::Text)),
            Some(Kind::Amounts) => Ok(Some(Kind::Number)),
            Some(Kind::Traits) if is_readable_trait(&select.field) => Ok(None),
            Some(Kind::Traits) => Err(RuleError::new(format!(
                "the trait `{}` identifies a person or needs special care; rules may not read it",
                select.field
            ))),
            Some(_) => Err(RuleError::new(format!("`{name}` has no fields, so not `{}` either", select.field))),
            None => Ok(None),
        }
    }

    fn call(&mut self, call: &mut CallExpr, depth: usize) -> Result<Option<Kind>, RuleError> {
        let name = call.func_name.as_str();
        // Operators are spelt with signs that no function's name can have.
        let is_operator = name.contains(['_', '@']) && !matches!(name, operators::OPT_INDEX | operators::OPT_SELECT);
        if !is_operator && !FUNCTIONS.contains(&name) {
            let meant = nearest(name, FUNCTIONS.iter().copied()).map(str::to_owned);
            return Err(RuleError::unknown("the function", name, meant));
        }
        let is_index = name == operators::INDEX;
        if let Some(target) = &mut call.target {
            self.walk(target, depth + 1)?;
        }
        let mut first = None;
        for (place, argument) in call.args.iter_mut().enumerate() {
            let kind = self.walk(argument, depth + 1)?;
            if place == 0 {
                first = kind;
            }
        }
        match (is_index, first) {
            (true, Some(Kind::Record(_) | Kind::Traits)) => {
                Err(RuleError::new("write fields with a dot: `product.title`, not `product[\"title\"]`"))
            }
            (true, Some(Kind::Attributes | Kind::Texts)) => Ok(Some(Kind::Text)),
            (true, Some(Kind::Amounts)) => Ok(Some(Kind::Number)),
            _ => Ok(None),
        }
    }

    fn comprehension(&mut self, of: &mut ComprehensionExpr, depth: usize) -> Result<Option<Kind>, RuleError> {
        if !self.bound.is_empty() {
            return Err(RuleError::new("a loop (`all`, `exists`, `filter`, `map`) cannot stand in another one"));
        }
        self.walk(&mut of.iter_range, depth + 1)?;
        if ROOTS.iter().any(|root| root.name == of.iter_var) {
            return Err(RuleError::new(format!(
                "`{}` already has a meaning; name the loop's variable otherwise",
                of.iter_var
            )));
        }
        self.bound = vec![of.iter_var.clone(), of.accu_var.clone()];
        self.bound.extend(of.iter_var2.clone());
        let parts = [&mut of.accu_init, &mut of.loop_cond, &mut of.loop_step, &mut of.result];
        for part in parts {
            self.walk(part, depth + 1)?;
        }
        self.bound.clear();
        Ok(None)
    }
}

fn known_field(fields: &'static [Field], owner: &str, typed: &str) -> Result<&'static Field, RuleError> {
    fields.iter().find(|field| field.name == typed).ok_or_else(|| {
        let meant = names::nearest(typed, fields.iter().map(|field| field.name));
        let all: Vec<&str> = fields.iter().map(|field| field.name).collect();
        let mut error =
            RuleError::unknown("the field", &format!("{owner}.{typed}"), meant.map(|name| format!("{owner}.{name}")));
        if error.nearest.is_none() {
            error.message.push_str(&format!("; {owner} has {}", all.join(", ")));
        }
        error
    })
}

/// `has(x.y)` as `"y" in x`.
fn presence(select: SelectExpr) -> Expr {
    let name = IdedExpr { id: 0, expr: Expr::Literal(LiteralValue::String(select.field.into())) };
    Expr::Call(CallExpr { func_name: operators::IN.to_owned(), target: None, args: vec![name, *select.operand] })
}

fn spelling(node: &IdedExpr) -> String {
    match &node.expr {
        Expr::Ident(name) => name.clone(),
        Expr::Select(select) => format!("{}.{}", spelling(&select.operand), select.field),
        _ => "this value".to_owned(),
    }
}
