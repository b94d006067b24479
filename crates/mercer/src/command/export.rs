//! `mercer export`: the log, the catalog, the lake or a backup, for other tools and for safety.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use mercer_schema::{Fact, Position};

use crate::cli::{Export, ExportKind};
use crate::config::Config;
use crate::failure::Failure;
use crate::home::Home;
use crate::output;

const PAGE: usize = 5_000;

pub(crate) fn run(export: &Export, config: &Config) -> Result<(), Failure> {
    if export.format != "jsonl" {
        return Err(Failure::job(format!("the format `{}` is not known; use jsonl", export.format)));
    }
    let home = Home::open_existing(config)?;
    match export.kind {
        ExportKind::Events => events(&home, &mut writer(export.out.as_deref())?),
        ExportKind::Products => products(&home, &mut writer(export.out.as_deref())?),
        ExportKind::Lake => lake(&home, needed(export)?),
        ExportKind::Backup => {
            let target = needed(export)?;
            home.back_up(target)?;
            output::remark(format!("the backup is complete: {}", target.display()));
            Ok(())
        }
    }
}

fn events(home: &Home, out: &mut dyn Write) -> Result<(), Failure> {
    let mut position = Position(0);
    loop {
        let page = home.engine.read(position, PAGE)?;
        let Some(last) = page.last() else { break };
        position = last.position;
        for record in &page {
            if let Fact::Event(event) = &record.fact {
                write_line(out, event)?;
            }
        }
    }
    Ok(out.flush()?)
}

fn products(home: &Home, out: &mut dyn Write) -> Result<(), Failure> {
    for (_, product) in home.engine.snapshot().world.catalog.products() {
        write_line(out, product)?;
    }
    Ok(out.flush()?)
}

fn lake(home: &Home, target: &Path) -> Result<(), Failure> {
    home.engine.extend_lake()?;
    let files = home.lake.files();
    for file in &files {
        let dataset = file.parent().and_then(Path::file_name).unwrap_or_default();
        let folder = target.join(dataset);
        let copy = folder.join(file.file_name().unwrap_or_default());
        std::fs::create_dir_all(&folder).map_err(unwritable(&folder))?;
        std::fs::copy(file, &copy).map_err(unwritable(&copy))?;
    }
    output::remark(format!("{} files in {}", files.len(), target.display()));
    Ok(())
}

fn write_line(out: &mut dyn Write, value: &impl serde::Serialize) -> Result<(), Failure> {
    serde_json::to_writer(&mut *out, value).map_err(|error| Failure::job(error.to_string()))?;
    Ok(out.write_all(b"\n")?)
}

fn writer(file: Option<&Path>) -> Result<BufWriter<Box<dyn Write>>, Failure> {
    let out: Box<dyn Write> = match file {
        Some(path) => Box::new(File::create(path).map_err(unwritable(path))?),
        None => Box::new(std::io::stdout()),
    };
    Ok(BufWriter::new(out))
}

fn unwritable(path: &Path) -> impl FnOnce(std::io::Error) -> Failure {
    move |error| Failure::job(format!("cannot write `{}`: {error}", path.display()))
}

fn needed(export: &Export) -> Result<&Path, Failure> {
    export.out.as_deref().ok_or_else(|| Failure::job("say where to with --out FOLDER"))
}
