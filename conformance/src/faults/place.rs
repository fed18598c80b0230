//! Where faults are put into the card: a piece of its code, and what stands there instead.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

/// A piece of the card's code, and the faults that can be made of it.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The command that it belongs to.
    pub command: &'static str,
    /// From the root of the checkout.
    pub file: &'static str,
    /// What stands just before it: both together the file has once.
    pub before: &'static str,
    /// An expression or statements; nothing where something is put in.
    pub text: &'static str,
    /// What is wrong, and what does it.
    pub faults: &'static [(&'static str, &'static str)],
}

/// Where places are: in the code of which command, in which file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Code {
    pub(super) command: &'static str,
    pub(super) file: &'static str,
}

impl Code {
    /// A place there.
    pub(super) const fn place(
        self,
        before: &'static str,
        text: &'static str,
        faults: &'static [(&'static str, &'static str)],
    ) -> Place {
        Place { command: self.command, file: self.file, before, text, faults }
    }
}

/// A fault.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Where it is.
    pub place: &'static Place,
    /// What is wrong.
    pub what: &'static str,
    /// The code of it.
    pub instead: &'static str,
}

impl Fault {
    /// Its name.
    pub fn name(&self) -> String {
        format!("{}: {}", self.place.command, self.what)
    }
}

/// Every fault of these places; its number is its place here.
pub fn faults(places: &[&'static [Place]]) -> Vec<Fault> {
    let places = places.iter().copied().flatten();
    places
        .flat_map(|place| place.faults.iter().map(move |(what, instead)| Fault { place, what, instead }))
        .collect()
}

/// A stretch of a file that is replaced: where it begins, its length, and what is put there.
type Stretch = (usize, usize, String);

/// Each stretch of a checkout's files that has faults, with all of them behind their switches.
///
/// # Errors
/// A file does not have a place, or has it twice; or two places lie across each other.
pub fn stretches(
    root: &Path,
    faults: &[Fault],
) -> Result<BTreeMap<&'static str, Vec<Stretch>>, Box<dyn Error>> {
    let mut files: BTreeMap<&'static str, Vec<Stretch>> = BTreeMap::new();
    let mut lost: Vec<String> = Vec::new();
    for (number, fault) in faults.iter().enumerate() {
        let Place { file, before, text, faults: of_place, .. } = *fault.place;
        // The first fault of a place brings the others with it.
        if of_place.first().is_none_or(|(what, _)| *what != fault.what) {
            continue;
        }
        let content = fs::read_to_string(root.join(file))?;
        let wanted = [before, text].concat();
        let mut found = content.match_indices(&wanted).map(|(at, _)| at + before.len());
        let (Some(at), None) = (found.next(), found.next()) else {
            lost.push(format!("{}: {file} does not have, once: {wanted}", fault.name()));
            continue;
        };
        let switched = of_place.iter().zip(number..).map(|((_, instead), number)| {
            format!("if apdu_spec::seeded::is({number}) {{ {instead} }} else ")
        });
        let switched = format!("{}{{ {text} }}", switched.collect::<String>());
        files.entry(file).or_default().push((at, text.len(), switched));
    }
    for (file, stretches) in &mut files {
        stretches.sort();
        if let Some(pair) = stretches.windows(2).find(|pair| pair[0].0 + pair[0].1 > pair[1].0) {
            lost.push(format!("{file}: two places lie across each other: {}", pair[1].2));
        }
    }
    if lost.is_empty() { Ok(files) } else { Err(lost.join("\n").into()) }
}

/// Puts all faults into a copy of the checkout.
///
/// # Errors
/// As [`stretches`], and where a file cannot be written.
pub fn seed(tree: &Path, faults: &[Fault]) -> Result<(), Box<dyn Error>> {
    for (file, stretches) in stretches(tree, faults)? {
        let mut content = fs::read_to_string(tree.join(file))?;
        for (at, length, switched) in stretches.iter().rev() {
            content.replace_range(*at..at + length, switched);
        }
        fs::write(tree.join(file), content)?;
    }
    Ok(())
}
