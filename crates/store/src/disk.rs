//! Durable file operations: a name never points to a half-written file, and what was written stays after a
//! power cut. Knows files and folders, not what is in them.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::Error;

/// Names that begin so are unfinished work, or on their way out; nobody reads them.
pub(crate) const UNFINISHED: &str = ".new-";

/// Makes a folder and its parents, readable by its owner only: it holds customers' data.
pub(crate) fn create_folder(path: &Path) -> Result<(), Error> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(Error::file("create the folder", path))
}

/// The file's bytes; `None` when there is no such file.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file("read", path)(error)),
    }
}

/// Writes a new file and waits until the disk has it. The folder entry is not yet durable.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(Error::file("create", path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(Error::file("write", path))
}

/// Makes an empty file that only its owner may read, when there is none.
pub(crate) fn make_private(path: &Path) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(Error::file("open", path))
}

/// Puts `bytes` in the place of whatever `path` held: readers see the old file or the new one.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let unfinished = unfinished(path);
    remove_file(&unfinished)?;
    let replaced = write_new(&unfinished, bytes).and_then(|()| rename(&unfinished, path));
    if replaced.is_err() {
        // On a full disk half a file takes room; the error that matters is the first.
        let _ = remove_file(&unfinished);
    }
    replaced
}

/// Renames within one folder, durably.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    fs::rename(from, to).map_err(Error::file("put a finished file in place at", to))?;
    sync_folder(parent(to))
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), Error> {
    if cfg!(unix) {
        File::open(path).and_then(|folder| folder.sync_all()).map_err(Error::file("sync the folder", path))?;
    }
    Ok(())
}

/// The folder that `path` is in.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Where the work on `path` goes until it is finished.
pub(crate) fn unfinished(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{UNFINISHED}{name}"))
}

pub(crate) fn remove_file(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::file("remove", path)(error)),
        _ => Ok(()),
    }
}

/// The names in a folder, in order. Names that are no UTF-8 are not Mercer's and come back with marks in them.
pub(crate) fn names(folder: &Path) -> Result<Vec<String>, Error> {
    let list = || -> std::io::Result<Vec<String>> {
        fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    };
    let mut names = list().map_err(Error::file("list the folder", folder))?;
    names.sort_unstable();
    Ok(names)
}

/// Removes the unfinished work that a crash left behind.
pub(crate) fn remove_unfinished(folder: &Path) -> Result<(), Error> {
    for name in names(folder)?.iter().filter(|name| name.starts_with(UNFINISHED)) {
        let path = folder.join(name);
        if path.is_dir() {
            fs::remove_dir_all(&path).map_err(Error::file("remove", &path))?;
        } else {
            remove_file(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_and_leaves_nothing_unfinished() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("aliases.json");
        write_new(&unfinished(&path), b"left by a crash").unwrap();
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(read_if_there(&path).unwrap().as_deref(), Some(b"two".as_slice()));
        assert_eq!(names(folder.path()).unwrap(), ["aliases.json"]);
    }

    #[test]
    fn removes_only_what_is_unfinished() {
        let folder = tempfile::tempdir().unwrap();
        create_folder(&folder.path().join(".new-000003")).unwrap();
        write_new(&folder.path().join(".new-000003/model"), b"half").unwrap();
        write_new(&folder.path().join("000002"), b"whole").unwrap();
        remove_unfinished(folder.path()).unwrap();
        assert_eq!(names(folder.path()).unwrap(), ["000002"]);
    }
}
