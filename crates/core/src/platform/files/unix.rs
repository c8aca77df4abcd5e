//! Linux and macOS: modes and owners.

use std::ffi::{OsStr, OsString};
use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};

use super::{Distrust, Entry, EntryKind};

/// What opens a folder to go on from: where the system can, also one that this user may enter and not list.
#[cfg(target_os = "linux")]
const ENTER: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const ENTER: OFlags = OFlags::RDONLY;

pub(super) struct Folder(File);

impl Folder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        open_at(CWD, path, ENTER | OFlags::DIRECTORY).map(Self)
    }

    pub(super) fn open_folder(&self, name: &OsStr) -> io::Result<Self> {
        open_at(&self.0, name.as_ref(), ENTER | OFlags::DIRECTORY | OFlags::NOFOLLOW).map(Self)
    }

    pub(super) fn path(&self) -> Option<PathBuf> {
        path_of_open(&self.0).filter(|path| self.is_at(path))
    }

    pub(super) fn is_foreign(&self) -> bool {
        self.0.metadata().map_or(true, |data| is_foreign(&data))
    }

    pub(super) fn entry(&self, name: &OsStr) -> io::Result<Entry> {
        let data = rustix::fs::statat(&self.0, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)?;
        let kind = match rustix::fs::FileType::from_raw_mode(data.st_mode) {
            rustix::fs::FileType::RegularFile => EntryKind::File,
            rustix::fs::FileType::Directory => EntryKind::Folder,
            rustix::fs::FileType::Symlink => EntryKind::Link,
            _ => EntryKind::Other,
        };
        Ok(Entry { kind, is_foreign: data.st_uid != rustix::process::geteuid().as_raw() })
    }

    pub(super) fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::new(self.readable()?)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        Ok(names)
    }

    fn readable(&self) -> io::Result<File> {
        open_at(&self.0, ".".as_ref(), OFlags::RDONLY | OFlags::DIRECTORY)
    }

    pub(super) fn open_lock(&self, name: &OsStr) -> io::Result<File> {
        open_lock_at(&self.0, name.as_ref())
    }

    pub(super) fn clear_foreign_lock(&self, name: &OsStr) {
        let Ok(data) = rustix::fs::statat(&self.0, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW) else { return };
        let is_open_file = match rustix::fs::FileType::from_raw_mode(data.st_mode) {
            rustix::fs::FileType::Symlink => true,
            rustix::fs::FileType::RegularFile => data.st_mode & 0o077 != 0,
            _ => false,
        };
        if is_open_file {
            let _ = self.remove(name);
        }
    }

    pub(super) fn holds(&self, file: &File, name: &OsStr) -> bool {
        let there = rustix::fs::statat(&self.0, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW);
        let open = rustix::fs::fstat(file);
        open.is_ok_and(|open| there.is_ok_and(|there| (open.st_dev, open.st_ino) == (there.st_dev, there.st_ino)))
    }

    pub(super) fn open_beneath(&self, path: &Path) -> io::Result<File> {
        let mut folder = self.0.try_clone()?;
        for part in path.parent().into_iter().flat_map(Path::components) {
            let Component::Normal(name) = part else { return Err(io::ErrorKind::InvalidFilename.into()) };
            folder = open_at(&folder, name.as_ref(), ENTER | OFlags::DIRECTORY | OFlags::NOFOLLOW)?;
        }
        open_plain_at(&folder, path.file_name().unwrap_or_default().as_ref())
    }

    pub(super) fn is_at(&self, path: &Path) -> bool {
        let (open, there) = (self.0.metadata(), std::fs::metadata(path));
        open.is_ok_and(|open| there.is_ok_and(|there| (open.dev(), open.ino()) == (there.dev(), there.ino())))
    }

    pub(super) fn create_private(&self, name: &OsStr) -> io::Result<File> {
        create_private_at(&self.0, name.as_ref())
    }

    pub(super) fn open_plain(&self, name: &OsStr) -> io::Result<File> {
        open_plain_at(&self.0, name.as_ref())
    }

    pub(super) fn remove_lock(&self, name: &OsStr) {
        let _ = self.remove(name);
    }

    pub(super) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.0, from, &self.0, to)?)
    }

    pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name, rustix::fs::AtFlags::empty())?)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.readable()?.sync_all()
    }
}

pub(super) fn open_plain(path: &Path) -> io::Result<File> {
    open_plain_at(CWD, path)
}

fn open_plain_at(folder: impl AsFd, path: &Path) -> io::Result<File> {
    open_at(folder, path, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK)
}

/// A file in an open folder, with the mode of a private one where it is created.
fn open_at(folder: impl AsFd, path: &Path, flags: OFlags) -> io::Result<File> {
    let (flags, mode) = (flags | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR);
    Ok(rustix::io::retry_on_intr(|| rustix::fs::openat(&folder, path, flags, mode))?.into())
}

pub(super) fn open_behind_links(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)
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
    create_private_at(CWD, path)
}

fn create_private_at(folder: impl AsFd, path: &Path) -> io::Result<File> {
    let file = open_at(folder, path, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

pub(super) fn open_lock(path: &Path) -> io::Result<File> {
    open_lock_at(CWD, path)
}

fn open_lock_at(folder: impl AsFd, path: &Path) -> io::Result<File> {
    let mut tries = 0..1000;
    loop {
        match create_private_at(&folder, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made,
        }
        match open_at(&folder, path, OFlags::RDWR | OFlags::NOFOLLOW) {
            // Its holder has let it go since, and the file with it.
            Err(error) if error.kind() == io::ErrorKind::NotFound && tries.next().is_some() => {}
            opened => return opened,
        }
    }
}

pub(super) fn open_log(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.read(true).append(true).mode(0o600).custom_flags(flags.bits().cast_signed());
    loop {
        match options.open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
        match options.clone().create_new(true).open(path) {
            // Another cast process created it first, and one more may have renamed it since.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(file) => {
                file.set_permissions(Permissions::from_mode(0o600))?;
                return Ok(file);
            }
        }
    }
}

pub(super) fn is_removed(file: &File) -> bool {
    file.metadata().is_ok_and(|data| data.nlink() == 0)
}

pub(super) fn create_private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)?;
    // By descriptor, without following a link: another user may have replaced the folder.
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
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

pub(super) fn path_bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_bytes().to_vec()
}

pub(super) fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

pub(super) fn is_same_path(written: &Path, real: &Path) -> bool {
    written == real
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

pub(super) fn is_writable_by_others(file: &File) -> bool {
    file.metadata().is_ok_and(|data| data.mode() & 0o022 != 0 || is_of_another_person(&data))
}

pub(super) fn is_fed_by_others(file: &File) -> bool {
    let Ok(data) = file.metadata() else { return false };
    let kind = data.file_type();
    if kind.is_file() || kind.is_fifo() && !is_nameless(&data) {
        return is_writable_by_others(file);
    }
    // Another device: its group may write to it, which is not what is read from it.
    !kind.is_fifo() && is_of_another_person(&data)
}

pub(super) fn is_of_another_user(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|data| is_of_another_person(&data))
}

/// The kernel has one file system for all pipes without a name.
fn is_nameless(pipe: &Metadata) -> bool {
    let another = io::pipe().and_then(|(end, _)| File::from(OwnedFd::from(end)).metadata());
    another.is_ok_and(|another| another.dev() == pipe.dev())
}

/// No link is in that path.
#[cfg(target_os = "linux")]
pub(super) fn path_of_open(file: &File) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn path_of_open(_file: &File) -> Option<PathBuf> {
    None
}
