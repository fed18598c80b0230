//! pcscd's configuration of readers that are not on USB, as far as it is about vpcd, the virtual reader.

use std::fs;
use std::path::{Path, PathBuf};

/// The port of vpcd's first slot where none is configured.
pub(super) const DEFAULT_PORT: u16 = 35963;

/// vpcd's driver is known by its name.
const DRIVER: &str = "libifdvpcd.so";

/// A reader of vpcd's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VirtualReader {
    /// The file that configures it.
    pub(super) file: PathBuf,
    /// Its name, to which pcscd adds two numbers.
    pub(super) name: String,
    pub(super) driver: PathBuf,
    pub(super) has_driver: bool,
    pub(super) link: Link,
}

/// How vpcd and its cards come together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// vpcd listens, on every interface; its second slot on the next port.
    Listens(u16),
    /// vpcd connects to a card at this host; for its second slot to the next port.
    Connects(String, u16),
    /// vpcd makes no sense of it.
    Unreadable(String),
}

impl Link {
    /// The driver's reading: the part before the first colon is `/dev/null` or a host, the rest a port as in C.
    fn parse(device: Option<&str>) -> Self {
        let Some((host, port)) = device.and_then(|device| device.split_once(':')) else {
            return Self::Listens(DEFAULT_PORT);
        };
        // Both slots need a port.
        match number(port).filter(|port| (1..u16::MAX).contains(port)) {
            None => Self::Unreadable(device.unwrap_or("").to_owned()),
            Some(port) if host == "/dev/null" => Self::Listens(port),
            Some(port) => Self::Connects(host.to_owned(), port),
        }
    }
}

/// C's notation: 0x for hexadecimal, a leading 0 for octal.
fn number(text: &str) -> Option<u16> {
    let text = text.trim();
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u16::from_str_radix(digits, 16).ok();
    }
    match text.strip_prefix('0') {
        Some(digits) if !digits.is_empty() => u16::from_str_radix(digits, 8).ok(),
        _ => text.parse().ok(),
    }
}

/// All of vpcd's readers in a directory. What cannot be read is not there: pcscd has the last word.
pub(super) fn virtual_readers(directory: &Path) -> Vec<VirtualReader> {
    let mut files: Vec<PathBuf> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    let mut readers = Vec::new();
    for file in files {
        let text = fs::read(&file).unwrap_or_default();
        readers.extend(parse(&file, &String::from_utf8_lossy(&text)));
    }
    readers
}

#[derive(Default)]
struct Entry {
    name: Option<String>,
    device: Option<String>,
    driver: Option<String>,
}

fn parse(file: &Path, text: &str) -> Vec<VirtualReader> {
    let mut readers = Vec::new();
    let mut entry = Entry::default();
    for line in text.lines() {
        let line = line.trim();
        let Some((key, value)) = line.split_once(char::is_whitespace) else { continue };
        let value = value.trim().trim_matches('"').to_owned();
        let field = match key {
            "FRIENDLYNAME" => &mut entry.name,
            "DEVICENAME" => &mut entry.device,
            "LIBPATH" => &mut entry.driver,
            _ => continue,
        };
        if field.is_some() {
            // A key once more: the next reader has begun.
            readers.extend(finish(file, std::mem::take(&mut entry)));
        }
        match key {
            "FRIENDLYNAME" => entry.name = Some(value),
            "DEVICENAME" => entry.device = Some(value),
            _ => entry.driver = Some(value),
        }
    }
    readers.extend(finish(file, entry));
    readers
}

fn finish(file: &Path, entry: Entry) -> Option<VirtualReader> {
    let driver = PathBuf::from(entry.driver?);
    if driver.file_name()? != DRIVER {
        return None;
    }
    Some(VirtualReader {
        file: file.to_owned(),
        name: entry.name.unwrap_or_default(),
        has_driver: driver.is_file(),
        driver,
        link: Link::parse(entry.device.as_deref()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_as_the_driver_reads_them() {
        let host = |port| Link::Connects("127.0.0.1".to_owned(), port);
        for (device, link) in [
            (None, Link::Listens(35963)),
            (Some("/dev/null"), Link::Listens(35963)),
            (Some("/dev/null:0x8C7B"), Link::Listens(35963)),
            (Some("/dev/null:0X8c7b"), Link::Listens(35963)),
            (Some("/dev/null:4000"), Link::Listens(4000)),
            (Some("/dev/null:0144"), Link::Listens(100)),
            (Some("127.0.0.1:0x8C7B"), host(35963)),
            (Some("127.0.0.1:65534"), host(65534)),
        ] {
            assert_eq!(Link::parse(device), link, "{device:?}");
        }
        for device in
            ["/dev/null:", "/dev/null:0", "host:65535", "host:70000", "host:0x", "host:09", "host:port"]
        {
            assert_eq!(Link::parse(Some(device)), Link::Unreadable(device.to_owned()));
        }
    }

    #[test]
    fn only_readers_of_vpcd_are_found() {
        let directory = tempfile::tempdir().unwrap();
        let driver = directory.path().join(DRIVER);
        let path = driver.display();
        fs::create_dir(directory.path().join("a-directory")).unwrap();
        fs::write(
            directory.path().join("b"),
            "#LIBPATH /x/libifdvpcd.so\nLIBPATH /x/libccidtwin.so\n\nodd\n",
        )
        .unwrap();
        let text = format!(
            "FRIENDLYNAME \"Virtual PCD\"\nDEVICENAME   /dev/null:0x8C7B\nLIBPATH {path}\nCHANNELID 1\n\n\
             FRIENDLYNAME Second\nLIBPATH /nowhere/libifdvpcd.so\nDEVICENAME localhost:7000\n"
        );
        fs::write(directory.path().join("vpcd"), text).unwrap();
        let readers = virtual_readers(directory.path());
        assert_eq!(readers.len(), 2, "{readers:#?}");
        assert_eq!((readers[0].name.as_str(), &readers[0].link), ("Virtual PCD", &Link::Listens(35963)));
        assert!(!readers[0].has_driver);
        assert_eq!(readers[1].driver, Path::new("/nowhere/libifdvpcd.so"));
        assert_eq!(
            (readers[1].name.as_str(), &readers[1].link),
            ("Second", &Link::Connects("localhost".to_owned(), 7000))
        );
        fs::write(&driver, "").unwrap();
        assert!(virtual_readers(directory.path()).iter().any(|reader| reader.has_driver));
        assert_eq!(virtual_readers(Path::new("/nowhere/at/all")), []);
    }
}
