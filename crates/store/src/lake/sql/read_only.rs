//! Which statements are questions. Everything else is refused before it is planned.

use datafusion::common::{DataFusionError, plan_datafusion_err};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{SetExpr, Statement as Sql};

use super::fault::Refused;

/// The one question in `sql`, and whether a limit may be put on its rows.
pub(super) fn parse(session: &SessionContext, sql: &str) -> Result<(Statement, bool), DataFusionError> {
    let limit = session.copied_config().options().sql_parser.recursion_limit.get();
    let statements = DFParserBuilder::new(sql).with_recursion_limit(limit).build()?.parse_statements()?;
    let mut statements = statements.into_iter();
    let Some(statement) = statements.next() else {
        return Err(plan_datafusion_err!("there is no query; write for example SELECT count(*) FROM events"));
    };
    if statements.next().is_some() {
        return Err(refusal("more than one statement"));
    }
    match refused(&statement) {
        Some(what) => Err(refusal(&what)),
        None => {
            let is_query = matches!(&statement, Statement::Statement(inner) if matches!(**inner, Sql::Query(_)));
            Ok((statement, is_query))
        }
    }
}

pub(super) fn refusal(what: &str) -> DataFusionError {
    DataFusionError::External(Box::new(Refused(what.to_owned())))
}

/// What the statement is called, if it is none that only reads.
fn refused(statement: &Statement) -> Option<String> {
    match statement {
        Statement::Explain(explain) => refused(&explain.statement),
        Statement::Statement(inner) => match &**inner {
            Sql::Query(query) => changed_by(&query.body),
            Sql::ShowTables { .. }
            | Sql::ShowColumns { .. }
            | Sql::ShowVariable { .. }
            | Sql::ShowFunctions { .. }
            | Sql::ExplainTable { .. } => None,
            other => Some(first_words(&other.to_string())),
        },
        Statement::CreateExternalTable(_) => Some("CREATE EXTERNAL TABLE".into()),
        Statement::CopyTo(_) => Some("COPY".into()),
        Statement::Reset(_) => Some("RESET".into()),
    }
}

/// A query may end in an INSERT and the like, behind a WITH.
fn changed_by(body: &SetExpr) -> Option<String> {
    match body {
        SetExpr::Insert(change) | SetExpr::Update(change) | SetExpr::Delete(change) | SetExpr::Merge(change) => {
            Some(first_words(&change.to_string()))
        }
        _ => None,
    }
}

/// The leading keywords: the statement's kind, as it is written.
fn first_words(statement: &str) -> String {
    let words = statement.split_whitespace().take(2);
    words.take_while(|word| word.chars().all(|letter| letter.is_ascii_uppercase())).collect::<Vec<_>>().join(" ")
}
