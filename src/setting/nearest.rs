//! The name that a user may have meant.

/// The least likeness of two names of which one is taken for a misspelling of the other.
const LEAST_LIKENESS: f64 = 0.6;

/// The name in `among` that `name` is likely to mean: a similar one, or one that has all its words or
/// only words of it (`batch` means `batch_size`, and `no_shuffle` means `shuffle`).
pub fn nearest<'a>(name: &str, among: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |other: &str| strsim::normalized_damerau_levenshtein(name, other);
    let is_near = |other: &&str| {
        likeness(other) >= LEAST_LIKENESS || has_words(name, other) || has_words(other, name)
    };
    let near = among.into_iter().filter(is_near);
    near.max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
}

/// Whether every word of `few` is one of `many`.
fn has_words(many: &str, few: &str) -> bool {
    let words = |name| str::split(name, ['_', '-']);
    words(few).all(|word| words(many).any(|other| other == word))
}

/// "; did you mean …?", or nothing if no choice in `among` is near. A choice is a name, or a name with a
/// colon and a placeholder (`tail:SHARE`).
pub fn did_you_mean<'a>(name: &str, among: impl IntoIterator<Item = &'a str>) -> String {
    let head = |text: &'a str| text.split(':').next().unwrap_or_default();
    let among: Vec<_> = among.into_iter().collect();
    let name = name.split(':').next().unwrap_or_default();
    let near = nearest(name, among.iter().copied().map(head)).filter(|near| *near != name);
    let near = near.and_then(|near| among.iter().find(|choice| head(choice) == near));
    near.map_or(String::new(), |near| format!("; did you mean {near}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_a_similar_one_or_one_with_its_words_or_none() {
        let settings = ["hidden", "epochs", "batch_size", "invert", "learning_rate", "shuffle"];
        for (name, meant) in [
            ("hiden", Some("hidden")),
            ("n_hidden", Some("hidden")),
            ("hidden_units", Some("hidden")),
            ("epoch", Some("epochs")),
            ("batchsize", Some("batch_size")),
            ("batch", Some("batch_size")),
            ("size-of-batch", Some("batch_size")),
            ("lerning_rate", Some("learning_rate")),
            ("no_shuffle", Some("shuffle")),
            ("no_report", None),
            ("quiet", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, settings), meant, "{name}");
        }
        assert_eq!(did_you_mean("mnsit", ["mnist", "shifter"]), "; did you mean mnist?");
        assert_eq!(did_you_mean("coins", ["mnist", "shifter"]), "");
        assert_eq!(did_you_mean("tial:0.5", ["none", "tail:SHARE"]), "; did you mean tail:SHARE?");
        // The name is right, and what follows is not.
        assert_eq!(did_you_mean("tail:2", ["none", "tail:SHARE"]), "");
    }
}
