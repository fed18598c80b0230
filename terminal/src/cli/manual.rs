//! `completions` and `man`.

use std::fs;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;
use serde_json::json;

use super::arguments::Arguments;
use super::failure::Failure;
use super::output::Reply;

/// `completions`
pub(crate) fn completions(shell: Shell) -> Result<Reply, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "purse", &mut script);
    let script = text(script)?;
    let document = json!({ "shell": shell.to_string(), "script": script });
    Ok(Reply::new(script, document))
}

/// `man`
pub(crate) fn manual(out: Option<&Path>) -> Result<Reply, Failure> {
    let Some(directory) = out else {
        let mut page = Vec::new();
        Man::new(Arguments::command())
            .render(&mut page)
            .map_err(|error| Failure::other(error.to_string(), "Report this as a defect."))?;
        let page = text(page)?;
        let document = json!({ "page": page });
        return Ok(Reply::new(page, document));
    };
    let failed = |error| Failure::file(directory, &error);
    fs::create_dir_all(directory).map_err(failed)?;
    clap_mangen::generate_to(Arguments::command(), directory).map_err(failed)?;
    let mut pages = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if name.starts_with("purse") && Path::new(&name).extension().is_some_and(|end| end == "1") {
            pages.push(name);
        }
    }
    pages.sort();
    Ok(Reply::new(pages.join("\n"), json!({ "directory": directory, "pages": pages })))
}

fn text(bytes: Vec<u8>) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|error| Failure::other(error.to_string(), "Report this as a defect."))
}
