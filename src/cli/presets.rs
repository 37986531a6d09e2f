//! `harmonium presets`.

use super::print;
use crate::error::Result;
use crate::preset::Preset;
use clap::Args;
use serde_json::json;

#[derive(Debug, Args)]
pub struct Presets {
    /// Print JSON, a line for each, with all settings
    #[arg(long)]
    json: bool,
}

impl Presets {
    pub fn run(self) -> Result<()> {
        for preset in Preset::all() {
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
                print(format_args!("{name:<17} {purpose}\n{:17} {time}; {result}", ""))?;
            }
        }
        Ok(())
    }
}
