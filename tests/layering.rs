//! Data flow downwards: a module imports only from modules that are declared above it.

use std::fs;
use std::path::{Path, PathBuf};

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The modules that a file declares, in order.
fn declared(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let names = text.lines().filter_map(|line| {
        let line = line.strip_prefix("pub ").unwrap_or(line);
        line.strip_prefix("mod ")?.strip_suffix(';').map(str::to_string)
    });
    names.collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The code of a file, without comments and unit tests.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Names after `prefix` in a piece of code, such as `a` in `crate::a::b`.
fn names_after<'a>(code: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    code.match_indices(prefix).map(|(at, _)| {
        let rest = &code[at + prefix.len()..];
        rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap()
    })
}

#[test]
fn modules_import_only_from_those_declared_above_them() {
    let order = declared(&source().join("lib.rs"));
    assert!(order.len() > 10, "{order:?}");
    for file in rust_files(&source()) {
        let inside = file.strip_prefix(source()).unwrap();
        let module = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        let Some(place) = order.iter().position(|name| name == module) else { continue };
        for name in names_after(&code(&file), "crate::") {
            let found = order.iter().position(|other| other == name);
            let found = found.unwrap_or_else(|| panic!("{file:?} imports crate::{name}"));
            assert!(found <= place, "{file:?} imports {name}, which is declared below {module}");
        }
    }
}

#[test]
fn files_of_a_folder_import_only_from_those_declared_above_them() {
    for folder in fs::read_dir(source()).unwrap().map(|entry| entry.unwrap().path()) {
        if !folder.is_dir() {
            continue;
        }
        let order = declared(&folder.join("mod.rs"));
        for (place, module) in order.iter().enumerate() {
            let code = code(&folder.join(format!("{module}.rs")));
            for name in names_after(&code, "super::") {
                if let Some(found) = order.iter().position(|other| other == name) {
                    assert!(found <= place, "{folder:?}: {module} imports {name}, declared below");
                }
            }
        }
    }
}

#[test]
fn unsafe_code_is_allowed_in_the_kernels_alone() {
    for file in rust_files(&source()) {
        let allows = fs::read_to_string(&file).unwrap().contains("allow(unsafe_code");
        assert_eq!(allows, file.ends_with("kernels/mod.rs"), "{file:?}");
    }
}

/// The instruction set is chosen once, at the top of a program, and handed down.
#[test]
fn the_environment_is_asked_at_the_top_alone() {
    for file in rust_files(&source()) {
        let asks = code(&file).contains("from_environment");
        let may = file.ends_with("kernels/isa.rs") || file.ends_with("cli/mod.rs");
        assert!(!asks || may, "{file:?} asks the environment which instruction set to take");
    }
}
