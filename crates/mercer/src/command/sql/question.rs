//! Where the question comes from: the command line, a file, or standard input.

use std::io::{IsTerminal, Read};

use crate::cli::Sql;
use crate::failure::Failure;

/// The question; none when only the tables are asked for.
pub(super) fn read(sql: &Sql) -> Result<Option<String>, Failure> {
    if sql.tables {
        return Ok(None);
    }
    match (&sql.query, &sql.file) {
        (Some(query), _) if query != "-" => Ok(Some(query.clone())),
        (_, Some(file)) => std::fs::read_to_string(file)
            .map(Some)
            .map_err(|error| Failure::job(format!("the query in `{}` cannot be read: {error}", file.display()))),
        _ => standard_input().map(Some),
    }
}

fn standard_input() -> Result<String, Failure> {
    let mut input = std::io::stdin();
    if input.is_terminal() {
        return Err(Failure::job(
            "there is no query. Write for example: mercer sql \"SELECT count(*) FROM orders\"\n\
             `mercer sql --tables` lists what can be asked",
        ));
    }
    let mut text = String::new();
    input.read_to_string(&mut text)?;
    Ok(text)
}
