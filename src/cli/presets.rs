//! `harmonium presets`.

use super::output::{print, print_text};
use crate::error::Result;
use crate::preset::Preset;
use clap::Args;
use serde_json::json;

#[derive(Debug, Args)]
pub struct Presets {
    /// Print JSON, one line per preset, with all settings
    #[arg(long)]
    json: bool,
}

impl Presets {
    pub fn run(self) -> Result<()> {
        let all = Preset::all();
        let width = all.iter().map(|preset| preset.name.len()).max().unwrap_or(0);
        for preset in all {
            let Preset { name, purpose, time, result, data, config } = preset;
            if self.json {
                print(json!({
                    "name": name,
                    "purpose": purpose,
                    "time": time,
                    "result": result,
                    "data": data.to_string(),
                    "settings": config,
                }))?;
            } else {
                let text = format!("{name:<width$}  {purpose}\n{:width$}  {time}; {result}", "");
                print_text(&text, width + 2)?;
            }
        }
        Ok(())
    }
}
