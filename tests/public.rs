//! `tests/public.txt` lists every public item of the library, so that none is added or removed unnoticed.
//! `HARMONIUM_RECORD=1 cargo test --test public` updates the list.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The names in a list of imports, such as `A` and `c` in `a::{A, b as c}`.
fn imported(list: &str) -> impl Iterator<Item = &str> {
    let paths = list.split([',', '{', '}']).map(str::trim);
    let paths = paths.filter(|path| !path.is_empty() && !path.ends_with("::"));
    paths.map(|path| path.rsplit("::").next().unwrap().rsplit(' ').next().unwrap())
}

/// Adds the public items of the module `name`, whose code is in `file`.
fn gather(file: &Path, name: &str, found: &mut BTreeSet<String>) {
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let mut is_hidden = false;
    for (at, _) in code.match_indices('\n') {
        let line = code[at + 1..].lines().next().unwrap_or_default();
        let Some(item) = line.strip_prefix("pub ").filter(|_| !is_hidden) else {
            // An attribute belongs to the item below it.
            is_hidden = line == "#[doc(hidden)]" || is_hidden && line.starts_with("#[");
            continue;
        };
        let item = item.replace("const fn ", "fn ");
        let (kind, rest) = item.split_once(' ').unwrap();
        let item = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
        match kind {
            "use" => {
                let list = code[at + 1..].split(';').next().unwrap();
                let names = imported(list.trim_start_matches("pub use "));
                found.extend(names.map(|item| format!("{name}::{item}")));
            }
            // A page of the guide.
            "mod" if line.ends_with("{}") => drop(found.insert(format!("{name}::{item}"))),
            "mod" => {
                let folder = file.parent().unwrap().join(item);
                let inside = folder.join("mod.rs");
                let file = if inside.exists() { inside } else { folder.with_extension("rs") };
                gather(&file, &format!("{name}::{item}"), found);
            }
            _ => drop(found.insert(format!("{name}::{item}"))),
        }
    }
}

#[test]
fn public_items_match_the_list() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = root.join("tests/public.txt");
    let mut found = BTreeSet::new();
    gather(&root.join("src/lib.rs"), "harmonium", &mut found);
    if std::env::var_os("HARMONIUM_RECORD").is_some() {
        let lines: String = found.iter().map(|item| format!("{item}\n")).collect();
        fs::write(&list, lines).unwrap();
    }
    let text = fs::read_to_string(list).unwrap();
    let listed: BTreeSet<_> = text.lines().map(str::to_string).collect();
    let (more, fewer) = (&found - &listed, &listed - &found);
    assert!(more.is_empty() && fewer.is_empty(), "not listed: {more:#?}\nonly listed: {fewer:#?}");
}

#[test]
fn the_list_names_its_own_crate() {
    let text = include_str!("public.txt");
    let listed: BTreeSet<_> = text.lines().collect();
    for item in ["harmonium::Trainer", "harmonium::evaluate::Exact", "harmonium::rng::Stream"] {
        assert!(listed.contains(item), "{item}");
    }
    for module in ["kernels", "state", "whole_file", "cli"] {
        let start = format!("harmonium::{module}::");
        assert!(listed.iter().all(|item| !item.starts_with(&start)), "{module}");
    }
}
