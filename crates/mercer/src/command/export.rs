//! `mercer export`: the log, the catalog, the lake or a backup, for other tools and for safety.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use mercer_schema::{Fact, Position};

use crate::cli::{Export, ExportKind};
use crate::config::Config;
use crate::failure::Failure;
use crate::home::Home;
use crate::output;
use crate::remote::Server;

const PAGE: usize = 5_000;

pub(crate) fn run(export: &Export, config: &Config) -> Result<(), Failure> {
    if export.format != "jsonl" {
        return Err(Failure::usage(format!("the format `{}` is not known; use jsonl", export.format)));
    }
    if let Some(server) = Server::named(&export.remote)? {
        return from_server(export, &server);
    }
    let home = Home::open_existing(config)?;
    match export.kind {
        ExportKind::Events => events(&home, export.after, &mut writer(export.out.as_deref())?),
        ExportKind::Products => products(&home, &mut writer(export.out.as_deref())?),
        ExportKind::Lake => lake(&home, needed(export)?),
        ExportKind::Backup => {
            let target = needed(export)?;
            home.stores.back_up(target)?;
            output::remark(format!("the backup is complete: {}", target.display()));
            Ok(())
        }
    }
}

fn from_server(export: &Export, server: &Server) -> Result<(), Failure> {
    let after = export.after.to_string();
    match export.kind {
        ExportKind::Events => {
            let out = &mut writer(export.out.as_deref())?;
            let position = server.download("/v1/export/events", &[("after", &after)], out)?;
            tell_position(position.as_deref());
            Ok(())
        }
        ExportKind::Products => {
            server.download("/v1/export/products", &[], &mut writer(export.out.as_deref())?).map(|_| ())
        }
        ExportKind::Lake => Err(Failure::usage(
            "the lake is not sent over the network: copy the folder `lake` of the data folder, whose files never change",
        )),
        ExportKind::Backup => backup(needed(export)?, server),
    }
}

/// The archive as it is, or unpacked into a folder when the name is not one of an archive.
fn backup(target: &Path, server: &Server) -> Result<(), Failure> {
    if target.exists() {
        return Err(Failure::usage(format!("{} exists already; name a place that does not", target.display())));
    }
    let is_archive = target.extension().is_some_and(|extension| extension == "tar");
    let unfinished = beside(target, ".part");
    let received = server.download("/v1/backup", &[], &mut BufWriter::new(private(&unfinished)?));
    let placed = received
        .and_then(|_| if is_archive { Ok(std::fs::rename(&unfinished, target)?) } else { unpack(&unfinished, target) });
    if placed.is_err() || !is_archive {
        // Nobody needs half an archive, nor one that is unpacked.
        let _ = std::fs::remove_file(&unfinished);
    }
    placed?;
    output::remark(format!("the backup is complete: {}", target.display()));
    Ok(())
}

/// The one folder in the archive becomes `target`.
fn unpack(archive: &Path, target: &Path) -> Result<(), Failure> {
    let unpacked = beside(target, ".unpacked");
    tar::Archive::new(std::io::BufReader::new(File::open(archive)?)).unpack(&unpacked)?;
    std::fs::rename(unpacked.join("mercer-data"), target)?;
    Ok(std::fs::remove_dir(&unpacked)?)
}

fn beside(target: &Path, suffix: &str) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn events(home: &Home, after: u64, out: &mut dyn Write) -> Result<(), Failure> {
    let mut position = Position(after);
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
    out.flush()?;
    tell_position(Some(&position.to_string()));
    Ok(())
}

fn tell_position(position: Option<&str>) {
    if let Some(position) = position {
        output::remark(format!("all events up to position {position}; `--after {position}` goes on from there"));
    }
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
    let line = serde_json::to_vec(value).map_err(|error| Failure::job(error.to_string()))?;
    Ok(out.write_all(&line).and_then(|()| out.write_all(b"\n"))?)
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

/// For its owner only: a backup holds customers' data.
fn private(path: &Path) -> Result<File, Failure> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    Ok(options.open(path)?)
}

fn needed(export: &Export) -> Result<&Path, Failure> {
    export.out.as_deref().ok_or_else(|| Failure::usage("say where to with --out"))
}
