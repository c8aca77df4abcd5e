//! The files of npm, which may name a file of authorities of their own. With one, npm looks neither at those of Node.js
//! nor at `NODE_EXTRA_CA_CERTS`, so cast has to give it one that has the run's authority as well.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::program;
use crate::disk;

/// Far more than anybody writes there, in bytes.
const LONGEST: usize = 1 << 20;

/// The files of authorities that npm would use, of the user and of the machine.
pub(super) fn cafiles(variable: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let home = ["HOME", "USERPROFILE"].into_iter().find_map(variable).map(PathBuf::from);
    let named = |name: &str| [name.to_owned(), name.to_ascii_uppercase()].iter().find_map(|name| variable(name));
    let user = named("npm_config_userconfig").map(PathBuf::from).or(home.as_ref().map(|home| home.join(".npmrc")));
    let machine = match named("npm_config_globalconfig") {
        Some(path) => vec![path.into()],
        // Debian's npm, and where others look: in the folder that Node.js was installed into.
        None => [Some("/etc/npmrc".into()), beside_node()].into_iter().flatten().collect(),
    };
    let texts = user.into_iter().chain(machine).filter_map(|path| read(&path));
    texts.filter_map(|text| cafile(&text, home.as_deref(), variable)).collect()
}

fn beside_node() -> Option<PathBuf> {
    let node = program::find(OsStr::new("node")).ok()?.canonicalize().ok()?;
    Some(node.parent()?.parent()?.join("etc/npmrc"))
}

fn read(path: &Path) -> Option<String> {
    let file = disk::open_regular_behind_links(path).ok()??;
    let bytes = disk::read_limited(&file, path, LONGEST).ok().filter(|bytes| bytes.len() <= LONGEST)?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// What such a file says: the last line counts, a `~` is the home, and `${NAME}` a variable.
fn cafile(text: &str, home: Option<&Path>, variable: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let value = |line: &'_ str| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == "cafile").then(|| value.trim().trim_matches(['"', '\'']).to_owned())
    };
    let mut rest = text.lines().filter_map(value).next_back().filter(|path| !path.is_empty() && path != "null")?;
    let mut path = String::new();
    while let Some((before, (name, after))) =
        rest.split_once("${").and_then(|(before, behind)| Some((before, behind.split_once('}')?)))
    {
        path += before;
        path += variable(name)?.to_str()?;
        rest = after.to_owned();
    }
    path += &rest;
    let path = match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => path.into(),
    };
    // A relative one depends on where npm is started.
    path.is_absolute().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_npm_is_read_as_npm_does() {
        // `@` is the root of this system.
        let rooted = |text: &str| text.replace('@', if std::path::MAIN_SEPARATOR == '/' { "/" } else { "C:/" });
        let variable = |name: &str| (name == "CORP").then(|| OsString::from(rooted("@corp")));
        let home = PathBuf::from(rooted("@home/me"));
        let said = |text: &str| {
            let found = cafile(&rooted(text), Some(&home), &variable)?;
            Some(found.to_str().unwrap().replace('\\', "/"))
        };
        let root = |path: &str| Some(rooted(path));
        assert_eq!(said("cafile=@a.pem\n"), root("@a.pem"));
        assert_eq!(said("registry=x\n; cafile=@b\n#cafile=@c\n cafile = \"@a.pem\" \n"), root("@a.pem"));
        assert_eq!(said("cafile=@a.pem\ncafile=@b.pem"), root("@b.pem"));
        assert_eq!(said("cafile=~/a.pem"), root("@home/me/a.pem"));
        assert_eq!(said("cafile=${CORP}/x.pem"), root("@corp/x.pem"));
        assert_eq!(said("cafile=@x${NO}.pem"), None);
        for none in ["", "cafile=", "cafile=null", "cafile", "xcafile=@a", "cafile=a.pem", "cafile=${NONE}/a.pem"] {
            assert_eq!(said(none), None, "{none}");
        }
    }

    #[test]
    fn the_files_of_the_user_and_of_the_machine() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at(".npmrc"), format!("cafile={}\n", at("user.pem").display())).unwrap();
        std::fs::write(at("machine"), format!("cafile={}\n", at("machine.pem").display())).unwrap();
        let home = |name: &str| match name {
            "HOME" => Some(folder.path().as_os_str().to_owned()),
            "NPM_CONFIG_GLOBALCONFIG" => Some(at("machine").into_os_string()),
            _ => None,
        };
        assert_eq!(cafiles(&home), [at("user.pem"), at("machine.pem")]);
        let named = |name: &str| match name {
            "npm_config_userconfig" | "npm_config_globalconfig" => Some(at("none").into_os_string()),
            name => home(name),
        };
        assert_eq!(cafiles(&named), [] as [PathBuf; 0]);
    }
}
