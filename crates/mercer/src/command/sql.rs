//! `mercer sql`: questions in SQL to the lake. Without the feature `sql` it says how to build with it.

#[cfg(feature = "sql")]
mod print;
#[cfg(feature = "sql")]
mod products;
#[cfg(feature = "sql")]
mod question;
#[cfg(feature = "sql")]
mod table;

use crate::cli::Sql;
use crate::config::Config;
use crate::failure::Failure;

#[cfg(feature = "sql")]
pub(crate) fn run(sql: &Sql, config: &Config, as_json: bool) -> Result<(), Failure> {
    let input = question::read(sql)?;
    let home = crate::home::Home::open_existing(config)?;
    home.engine.extend_lake()?;
    let options = mercer_store::sql::SqlOptions {
        memory_bytes: sql.memory.saturating_mul(1 << 20),
        rows: print::row_limit(sql, as_json),
        tables: vec![products::table(&home.engine.snapshot())?],
    };
    match input {
        None => print::tables(&home.lake.tables(&options)?, as_json),
        Some(text) => print::answer(&home.lake, &text, &options, print::format(sql, as_json))?,
    }
    Ok(())
}

#[cfg(not(feature = "sql"))]
pub(crate) fn run(_: &Sql, _: &Config, _: bool) -> Result<(), Failure> {
    Err(Failure::job(
        "this program was built without SQL, which takes long to build. Build one that has it:\n  \
         cargo build --release --features sql\n\
         Or write the lake out for any tool that reads Parquet: mercer export lake --out lake/",
    ))
}

#[cfg(feature = "sql")]
impl From<mercer_store::sql::SqlError> for Failure {
    fn from(error: mercer_store::sql::SqlError) -> Self {
        match error {
            mercer_store::sql::SqlError::Store(error) => error.into(),
            other => Self::job(other.to_string()),
        }
    }
}
