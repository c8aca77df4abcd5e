//! Linux and macOS: modes and owners.

use std::ffi::OsStr;
use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::Distrust;

pub(super) struct Folder(File);

impl Folder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = rustix::fs::OFlags::DIRECTORY;
        OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path).map(Self)
    }

    pub(super) fn holds(&self, file: &File, name: &OsStr) -> bool {
        let there = rustix::fs::statat(&self.0, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW);
        let open = rustix::fs::fstat(file);
        open.is_ok_and(|open| there.is_ok_and(|there| (open.st_dev, open.st_ino) == (there.st_dev, there.st_ino)))
    }

    pub(super) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.0, from, &self.0, to)?)
    }

    pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name, rustix::fs::AtFlags::empty())?)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}

pub(super) fn open_plain(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

pub(super) fn open_behind_links(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed()).open(path)
}

pub(super) fn is_symlink_refusal(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)
}

pub(super) fn create_private(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

pub(super) fn open_lock(path: &Path) -> io::Result<File> {
    match create_private(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made,
    }
    let flags = rustix::fs::OFlags::NOFOLLOW;
    OpenOptions::new().read(true).write(true).custom_flags(flags.bits().cast_signed()).open(path)
}

pub(super) fn open_log(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.read(true).append(true).mode(0o600).custom_flags(flags.bits().cast_signed());
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => return opened,
    }
    match options.clone().create_new(true).open(path) {
        // Another cast process created it first.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => options.open(path),
        Err(error) => Err(error),
        Ok(file) => {
            file.set_permissions(Permissions::from_mode(0o600))?;
            Ok(file)
        }
    }
}

pub(super) fn is_removed(file: &File) -> bool {
    file.metadata().is_ok_and(|data| data.nlink() == 0)
}

pub(super) fn create_private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)?;
    // By descriptor, without following a link: another user may have replaced the folder.
    let flags = rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::NOFOLLOW;
    let private = Permissions::from_mode(0o700);
    match OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path) {
        Ok(folder) if is_foreign(&folder.metadata()?) => Err(io::ErrorKind::PermissionDenied.into()),
        Ok(folder) => folder.set_permissions(private),
        // A umask that takes this user's own rights away.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => std::fs::set_permissions(path, private),
        Err(error) => Err(error),
    }
}

pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

pub(super) fn distrust(file: &File) -> io::Result<Option<Distrust>> {
    let data = file.metadata()?;
    Ok(if is_foreign(&data) {
        Some(Distrust::OtherOwner)
    } else if is_open(&data) {
        Some(Distrust::OthersCanRead)
    } else {
        None
    })
}

pub(super) fn is_open_to_others(file: &File) -> bool {
    file.metadata().is_ok_and(|data| data.mode() & 0o044 != 0)
}

pub(super) fn stdout_is_readable_by_others() -> bool {
    let data = rustix::fs::fstat(rustix::stdio::stdout());
    data.is_ok_and(|data| {
        let mode = data.st_mode;
        rustix::fs::FileType::from_raw_mode(mode) == rustix::fs::FileType::RegularFile && mode & 0o044 != 0
    })
}

pub(super) fn is_foreign(data: &Metadata) -> bool {
    data.uid() != rustix::process::geteuid().as_raw()
}

fn is_of_another_person(data: &Metadata) -> bool {
    is_foreign(data) && data.uid() != 0
}

pub(super) fn is_of_another_than_root(data: &Metadata) -> bool {
    rustix::process::geteuid().is_root() && data.uid() != 0
}

pub(super) fn is_open(data: &Metadata) -> bool {
    data.mode() & 0o077 != 0
}

pub(super) fn check_writable(path: &Path) -> io::Result<()> {
    use rustix::fs::Access;
    let wanted = if path.is_dir() { Access::WRITE_OK | Access::EXEC_OK } else { Access::WRITE_OK };
    rustix::fs::access(path, wanted)?;
    let disk = rustix::fs::statvfs(path)?;
    if disk.f_blocks > 0 && disk.f_bavail == 0 { Err(rustix::io::Errno::NOSPC.into()) } else { Ok(()) }
}

pub(super) fn is_at(file: &File, path: &Path) -> bool {
    let (open, there) = (file.metadata(), std::fs::symlink_metadata(path));
    open.is_ok_and(|open| there.is_ok_and(|there| (open.dev(), open.ino()) == (there.dev(), there.ino())))
}

pub(super) fn remove_lock(path: &Path) {
    let _ = std::fs::remove_file(path);
}

pub(super) fn is_writable_by_others(file: &File) -> bool {
    file.metadata().is_ok_and(|data| data.mode() & 0o022 != 0 || is_of_another_person(&data))
}

pub(super) fn clear_foreign_lock(path: &Path) {
    let Ok(data) = std::fs::symlink_metadata(path) else { return };
    if data.is_symlink() || data.is_file() && data.mode() & 0o077 != 0 {
        let _ = std::fs::remove_file(path);
    }
}
