//! The guide says what the program says. `.ci/pages` types its commands.

use std::fs;
use std::path::{Path, PathBuf};

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The code of a folder, with strings that go on in the next line joined.
fn code(folder: &Path) -> String {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let texts = paths.map(|path| match path.extension().and_then(|ending| ending.to_str()) {
        None => code(&path),
        Some("rs") => {
            let text = fs::read_to_string(path).unwrap();
            let mut parts = text.split("\\\n");
            let first = parts.next().unwrap().to_string();
            parts.fold(first, |all, part| all + part.trim_start())
        }
        Some(_) => String::new(),
    });
    texts.collect()
}

/// The messages of a page: its quotations.
fn messages(page: &str) -> Vec<&str> {
    page.lines().filter_map(|line| line.strip_prefix("> ")).collect()
}

/// The parts of a message, between its names and numbers, that the code does not have.
fn unknown<'a>(message: &'a str, code: &str) -> Vec<&'a str> {
    let parts = message.split('…').filter(|part| part.chars().any(char::is_alphabetic));
    parts.filter(|part| !code.contains(part)).collect()
}

#[test]
fn the_messages_of_the_page_on_troubles_are_those_of_the_program() {
    let page = fs::read_to_string(source().join("guide/troubleshooting.md")).unwrap();
    let (messages, code) = (messages(&page), code(&source()));
    assert!(messages.len() > 20, "{messages:?}");
    for message in messages {
        let unknown = unknown(message, &code);
        assert!(unknown.is_empty(), "{message:?} has {unknown:?}, which the program never says");
    }
    assert_eq!(
        unknown("the weights are … shrinking", &code),
        ["the weights are ", " shrinking"][1..]
    );
}

#[test]
fn each_page_is_a_module_and_in_the_list_of_pages() {
    let module = fs::read_to_string(source().join("guide/mod.rs")).unwrap();
    for entry in fs::read_dir(source().join("guide")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if name != "mod" {
            let lines = [
                format!("//! | [`{name}`] |"),
                format!("include_str!(\"{name}.md\")]\npub mod {name} {{}}\n"),
            ];
            assert!(lines.iter().all(|line| module.contains(line)), "{name}");
        }
    }
}
