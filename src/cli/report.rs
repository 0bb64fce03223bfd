//! `report`: what was typed, made into an [`AgainPlan`].

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::{
    bench::{again::AgainPlan, report::html::MOST},
    error::Trouble,
    values::show,
};

#[derive(Debug, Args)]
#[command(
    override_usage = "netproto report [OPTIONS] FILE...",
    after_help = "Examples:
  netproto bench tcp localhost:8080 -J > run.json
  netproto report run.json                        the text of it
  netproto report run.json --html run.html        its charts, in a browser
  netproto report a.json b.json --html both.html  laid over one another"
)]
pub struct Report {
    /// Reports of bench -J; - is standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// Draw them as a page, in place of the text; - is standard output
    #[arg(long, value_name = "PAGE", value_hint = ValueHint::FilePath)]
    html: Option<PathBuf>,
    /// No hints
    #[arg(short, long, conflicts_with = "html")]
    quiet: bool,
    /// More detail
    #[arg(short, long, action = clap::ArgAction::Count, conflicts_with_all = ["quiet", "html"])]
    verbose: u8,
}

impl Report {
    /// # Errors
    /// No file was named, one twice, too many for one page, or the page is one of them.
    pub fn plan(&self) -> Result<AgainPlan, Trouble> {
        let files = &self.files;
        if files.is_empty() {
            return Err(Trouble::usage("report needs a report of bench -J").hint("as in: report run.json --html run.html"));
        }
        if let Some((_, file)) = files.iter().enumerate().find(|(at, file)| files[..*at].contains(file)) {
            return Err(Trouble::usage(format!("{} is named twice", show::path(file))).hint("name each file once"));
        }
        if self.html.is_some() && files.len() > MOST {
            return Err(Trouble::usage(format!("one page shows at most {MOST} runs, and {} were named", files.len()))
                .hint("more than these could not be told apart; draw several pages"));
        }
        if let Some(page) = self.html.as_ref().filter(|page| page.as_os_str() != "-" && files.contains(page)) {
            return Err(Trouble::usage(format!("--html {} would take the place of the report itself", show::path(page)))
                .hint("the page needs a name of its own, such as run.html"));
        }
        Ok(AgainPlan { files: files.clone(), html: self.html.clone(), quiet: self.quiet, verbose: self.verbose })
    }
}
