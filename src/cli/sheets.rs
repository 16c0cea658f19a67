//! What commands share that go through sheets of cases: which files are meant, which cases, and how many seeds.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::out::Failure;

/// How many seeds a case may ask for.
pub const MAX_SEEDS: u32 = 1_000_000;

/// What is asked of a command that takes many seeds of each case.
#[derive(clap::Args)]
pub struct Many {
    /// Sheets, or folders of them; docs/cli.md says what they hold
    #[arg(required = true)]
    pub inputs: Vec<String>,
    /// How many seeds of each case, instead of as many as the sheet says
    #[arg(long, value_name = "N")]
    seeds: Option<u32>,
    /// The first seed
    #[arg(long, value_name = "SEED", default_value = "1", value_parser = super::input::seed)]
    pub from: u64,
    /// Only cases whose file or name has this in it
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

impl Many {
    /// How many seeds of each case are meant, where the sheet says `usual`.
    pub fn seeds(&self, usual: u32) -> u32 {
        self.seeds.unwrap_or(usual).clamp(1, MAX_SEEDS)
    }
    /// Sheets with `[[cases]]` in them, with those cases that are meant.
    ///
    /// # Errors
    /// For a file that cannot be read or is wrong, and where no case is left.
    pub fn sheets<S: Sheet>(&self, read: impl Fn(&Path) -> Result<S, String>) -> Result<Vec<S>, Failure> {
        let none = |input: &str| format!("there is no sheet in {input}: a *.toml with [[cases]]");
        let mut sheets = read_all(&self.inputs, has_cases, none, read)?;
        keep(&mut sheets, self.only.as_deref());
        if sheets.is_empty() {
            return Err(Failure::told("no case has this in its name"));
        }
        Ok(sheets)
    }
}

/// A sheet, as far as it matters to which of its cases are meant.
pub trait Sheet {
    /// Its cases.
    type Case;
    /// By these all of its cases are meant.
    fn names(&self) -> Vec<&str>;
    /// Its cases.
    fn cases(&mut self) -> &mut Vec<Self::Case>;
    /// What a case is called.
    fn name(case: &Self::Case) -> &str;
}

/// Keeps the cases whose name, or whose sheet's, has this in it, and the sheets that have any left.
pub fn keep<S: Sheet>(sheets: &mut Vec<S>, only: Option<&str>) {
    let meant = |text: &str| only.is_none_or(|only| text.contains(only));
    for sheet in &mut *sheets {
        let whole = sheet.names().into_iter().any(meant);
        sheet.cases().retain(|case| whole || meant(S::name(case)));
    }
    sheets.retain_mut(|sheet| !sheet.cases().is_empty());
}

/// What `read` makes of each of these files, and of those in these folders that `is_sheet`, by name.
///
/// # Errors
/// For a file that cannot be read or is wrong; and what `none` says of a folder without any.
pub fn read_all<S>(
    inputs: &[String],
    is_sheet: fn(&Path) -> bool,
    none: impl Fn(&str) -> String,
    read: impl Fn(&Path) -> Result<S, String>,
) -> Result<Vec<S>, Failure> {
    let mut sheets = Vec::new();
    for input in inputs {
        let path = Path::new(input);
        let mut paths: Vec<PathBuf> = if path.is_dir() {
            let entries = std::fs::read_dir(path).map_err(|why| Failure::told(format!("{input}: {why}")))?;
            entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| is_sheet(path)).collect()
        } else {
            vec![path.to_owned()]
        };
        paths.sort_unstable();
        if paths.is_empty() {
            return Err(Failure::told(none(input)));
        }
        for path in paths {
            sheets.push(read(&path).map_err(|told| Failure::told(format!("{}: {told}", path.display())))?);
        }
    }
    Ok(sheets)
}

/// A sheet as it is written in a file.
pub fn parse<W: DeserializeOwned>(path: &Path) -> Result<W, String> {
    let text = std::fs::read_to_string(path).map_err(|why| format!("it cannot be read: {why}"))?;
    toml::from_str(&text).map_err(|why| why.to_string())
}

/// A file's name without its ending.
pub fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Whether a file is a sheet; the documents beside sheets have no cases.
fn has_cases(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "toml")
        && std::fs::read_to_string(path).is_ok_and(|text| text.contains("[[cases]]"))
}
