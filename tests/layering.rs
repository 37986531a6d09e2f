//! Data flow downwards: a module imports only from modules that are declared above it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A module or a name in the crate: `["gibbs", "chains"]`.
type Place = Vec<String>;

/// A module: its child modules in order, its imports, and its code without comments and tests.
struct Module {
    children: Vec<String>,
    /// The imported paths, by their names in this module.
    imports: BTreeMap<String, Place>,
    code: String,
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
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
fn code(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// All modules of the library by place; the crate itself is `[]`.
fn modules() -> BTreeMap<Place, Module> {
    let modules = rust_files(&source()).into_iter().filter_map(|file| {
        let inside = file.strip_prefix(source()).unwrap().with_extension("");
        let mut place: Place =
            inside.iter().map(|part| part.to_str().unwrap().to_string()).collect();
        match place.last().unwrap().as_str() {
            "mod" | "lib" => drop(place.pop()),
            "main" => return None,
            _ => {}
        }
        let code = code(&fs::read_to_string(file).unwrap());
        let children = code.lines().filter_map(|line| {
            let (_, name) = line.split_once("mod ")?;
            let is_declaration = line.starts_with("mod ") || line.starts_with("pub");
            name.strip_suffix(';').filter(|_| is_declaration).map(str::to_string)
        });
        let children: Vec<_> = children.collect();
        let imports = imports(&code, &place, &children);
        Some((place, Module { children, imports, code }))
    });
    modules.collect()
}

/// The paths of a tree such as `a::{b, c::{self, d as e}}`, and the text after it.
fn tree(text: &str) -> (Vec<(String, Place)>, &str) {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        let mut paths = Vec::new();
        loop {
            rest = rest.trim_start().trim_start_matches(',').trim_start();
            if let Some(rest) = rest.strip_prefix('}') {
                return (paths, rest);
            }
            let (more, after) = tree(rest);
            assert!(after.len() < rest.len(), "{rest:.60}");
            paths.extend(more);
            rest = after;
        }
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '*');
    let (first, rest) = text.split_at(end.unwrap_or(text.len()));
    if first.is_empty() {
        // `Type::<T>` has no more names.
        return (vec![(String::new(), Vec::new())], rest);
    }
    let (mut paths, rest) = match rest.strip_prefix("::") {
        Some(rest) => tree(rest),
        None => match rest.strip_prefix(" as ") {
            Some(alias) => {
                let (name, rest) = tree(alias);
                (vec![(name[0].0.clone(), Vec::new())], rest)
            }
            None => return (vec![(first.to_string(), vec![first.to_string()])], rest),
        },
    };
    for (name, path) in &mut paths {
        match path.first() {
            None if name.is_empty() => *name = first.to_string(),
            Some(inner) if inner == "self" => {
                path.clear();
                if name == "self" {
                    *name = first.to_string();
                }
            }
            _ => {}
        }
        path.insert(0, first.to_string());
    }
    (paths, rest)
}

/// The absolute path of a path in a module; `None` if it leads out of the crate.
fn absolute(path: &[String], from: &[String], children: &[String]) -> Option<Place> {
    let mut place = match path[0].as_str() {
        "crate" => Vec::new(),
        "self" | "super" => from.to_vec(),
        first if children.iter().any(|child| child == first) => [from, &path[..1]].concat(),
        _ => return None,
    };
    let n_up = path.iter().take_while(|part| *part == "super").count();
    place.truncate(place.len().checked_sub(n_up).expect("a path within the crate"));
    place.extend_from_slice(&path[n_up.max(1)..]);
    Some(place)
}

/// The imports of a module, including re-exports.
fn imports(code: &str, place: &[String], children: &[String]) -> BTreeMap<String, Place> {
    let items = code.split('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len() + 1;
        Some((start, line))
    });
    let mut found = BTreeMap::new();
    for (start, line) in items {
        let Some((before, _)) = line.split_once("use ") else { continue };
        if !before.is_empty() && !before.starts_with("pub") {
            continue;
        }
        for (name, path) in tree(&code[start + before.len() + "use ".len()..]).0 {
            if let Some(path) = absolute(&path, place, children) {
                found.insert(name, path);
            }
        }
    }
    found
}

/// All paths from `crate` or `super` in the code of a module, inside and outside of imports.
fn mentioned(module: &Module, place: &[String]) -> BTreeSet<Place> {
    let mut found = BTreeSet::new();
    for start in ["crate::", "super::"] {
        for (at, _) in module.code.match_indices(start) {
            let is_inner = |c: char| c.is_alphanumeric() || "_:$".contains(c);
            if module.code[..at].ends_with(is_inner) {
                continue;
            }
            let paths = tree(&module.code[at..]).0;
            found.extend(paths.iter().filter_map(|(_, path)| absolute(path, place, &[])));
        }
    }
    found
}

/// The place where an item is defined, following re-exports.
fn defined(mut path: Place, modules: &BTreeMap<Place, Module>) -> Place {
    let mut depth = 0;
    while depth < path.len() {
        let Some(module) = modules.get(&path[..depth]) else { break };
        match module.imports.get(&path[depth]) {
            Some(origin) if !module.children.contains(&path[depth]) => {
                path = [origin, &path[depth + 1..]].concat();
                depth = 0;
            }
            _ => depth += 1,
        }
    }
    path
}

/// The imports from modules that are declared below.
fn upward(modules: &BTreeMap<Place, Module>) -> Vec<String> {
    let mut found = Vec::new();
    for (place, module) in modules {
        for path in mentioned(module, place) {
            let origin = defined(path.clone(), modules);
            let n_common = place.iter().zip(&origin).take_while(|(a, b)| a == b).count();
            let (Some(from), Some(to)) = (place.get(n_common), origin.get(n_common)) else {
                continue;
            };
            let order = &modules[&place[..n_common]].children;
            let position = |name| order.iter().position(|child| child == name);
            if position(to) > position(from) {
                let (place, path) = (place.join("::"), path.join("::"));
                found.push(format!("{place} imports {path}, of {}", origin.join("::")));
            }
        }
    }
    found
}

#[test]
fn modules_import_only_from_those_declared_above_them() {
    let modules = modules();
    assert!(modules[&Vec::new()].children.len() > 10);
    let upward = upward(&modules);
    assert!(upward.is_empty(), "imports from modules declared below:\n{}", upward.join("\n"));
}

#[test]
fn every_form_of_an_upward_import_is_found() {
    let module = |place: &str, code: &str, children: &[&str]| {
        let place: Place = place.split_terminator("::").map(str::to_string).collect();
        let children: Vec<_> = children.iter().map(|name| name.to_string()).collect();
        let imports = imports(code, &place, &children);
        (place, Module { children, imports, code: code.to_string() })
    };
    let seen = |code: &str| {
        let below = "pub use c::Late;\npub(crate) use c::{\n    self as other,\n    later,\n};";
        let modules = [
            module("", "pub use last::Last;\nuse std::fmt;", &["first", "folder", "last"]),
            module("first", "", &[]),
            module("folder", below, &["a", "b", "c"]),
            module("folder::a", "", &[]),
            module("folder::b", code, &[]),
            module("folder::c", "", &[]),
            module("last", "", &[]),
        ];
        upward(&modules.into_iter().collect()).len()
    };
    for code in [
        "use super::c;",
        "use super::c::{A, B};",
        "use super::{Late, a};",
        "use super::{a::{A, B}, c::{C, D}};",
        "use super::other::C as D;",
        "fn f() { super::later() }",
        "use crate::{\n    first,\n    last::A,\n};",
        "use crate::Last;",
        "use crate::folder::Late;",
        "fn f() -> Vec<crate::last::A> { crate::first::g() }",
        "use super::super::last;",
    ] {
        assert!(seen(code) > 0, "{code}");
    }
    for code in [
        "use super::{a, b};\nuse super::InModRs;",
        "use crate::{first::{self, A}, folder::a};",
        "use std::{fmt, last};\nfn c() {}",
        "use super::super::first;",
        "fn f() { super::a::g::<u8>(); }",
    ] {
        assert_eq!(seen(code), 0, "{code}");
    }
}

/// The characters outside all brackets, with their positions. The `>` of an arrow is not a bracket.
fn outside(text: &str) -> impl Iterator<Item = (usize, char)> {
    let (mut depth, mut last) = (0, ' ');
    text.char_indices().filter_map(move |(at, c)| {
        let is_arrow = c == '>' && matches!(last, '-' | '=');
        last = c;
        let closes = ")]}>".contains(c) && !is_arrow;
        depth -= i32::from(closes);
        let is_outside = depth == 0;
        depth += i32::from("([{<".contains(c));
        is_outside.then_some((at, c))
    })
}

/// Splits at the commas outside all brackets.
fn split(text: &str) -> Vec<&str> {
    let commas = outside(text).filter(|(_, c)| *c == ',').map(|(at, _)| at);
    let mut start = 0;
    let mut parts: Vec<_> =
        commas.map(|at| text[std::mem::replace(&mut start, at + 1)..at].trim()).collect();
    parts.push(text[start..].trim());
    parts
}

/// Whether a parameter, `pattern: type`, is a tuple of anything but sizes.
fn is_tuple(parameter: &str) -> bool {
    let Some((colon, _)) = outside(parameter).find(|(_, c)| *c == ':') else { return false };
    let kind = parameter[colon + 1..].trim().trim_start_matches('&').trim_start_matches("mut ");
    let Some(parts) = kind.strip_prefix('(').and_then(|kind| kind.strip_suffix(')')) else {
        return false;
    };
    let parts = split(parts);
    parts.len() > 1 && parts.iter().any(|part| !matches!(*part, "usize" | ""))
}

/// The names of the functions that have such a parameter.
fn with_tuples(code: &str) -> Vec<String> {
    let functions = code.split("\nfn ").flat_map(|code| code.split(" fn ")).skip(1);
    let functions = functions.filter_map(|text| {
        let (open, _) = outside(text).find(|(_, c)| *c == '(')?;
        let (close, _) = outside(text).find(|(at, c)| *at > open && *c == ')')?;
        let name = text[..open].split('<').next()?;
        split(&text[open + 1..close]).into_iter().any(is_tuple).then(|| name.to_string())
    });
    functions.collect()
}

#[test]
fn a_parameter_that_is_a_tuple_has_a_name() {
    let mut found = Vec::new();
    for file in rust_files(&source()) {
        let code = code(&fs::read_to_string(&file).unwrap());
        let inside = file.strip_prefix(source()).unwrap().to_str().unwrap().replace('\\', "/");
        found.extend(with_tuples(&code).iter().map(|name| format!("{inside}:{name}")));
    }
    assert!(found.is_empty(), "these have a tuple as a parameter; name it: {found:#?}");
}

#[test]
fn tuples_are_found_and_shapes_are_not() {
    for (signature, has_tuple) in [
        ("\nfn f((a, b): (u64, u64)) {}", true),
        ("\nfn f<T: Fn(u8)>(&self, x: T, what: &(A, Vec<B>),\n) -> u8 {}", true),
        ("\nfn f(x: &mut (A, (B, C))) {}", true),
        ("\nfn f(shape: (usize, usize), other: Vec<(A, B)>) -> (A, B) {}", false),
        ("\nfn f((): &mut (), g: impl Fn(A, B) -> (A, B)) {}", false),
    ] {
        assert_eq!(!with_tuples(signature).is_empty(), has_tuple, "{signature}");
    }
}

#[test]
fn unsafe_code_is_allowed_only_in_the_kernels_and_where_files_are_mapped() {
    for file in rust_files(&source()) {
        let allows = fs::read_to_string(&file).unwrap().contains("allow(unsafe_code");
        let may = file.ends_with("kernels/mod.rs") || file.ends_with("src/mapped.rs");
        assert_eq!(allows, may, "{file:?}");
    }
}

/// The instruction set is chosen once, at the top of a program, and handed down.
#[test]
fn only_the_top_reads_the_environment() {
    for file in rust_files(&source()) {
        let text = fs::read_to_string(&file).unwrap();
        let asks = code(&text).contains("from_environment");
        let may = file.ends_with("kernels/isa.rs") || file.ends_with("cli/mod.rs");
        assert!(!asks || may, "{file:?} reads the instruction set from the environment");
    }
}
