"""Sequences are texts in Python: `read` gives them, and training and models take them."""

import gzip

import numpy as np
import pytest

import harmonium

FAMILY = ["ACGT-ACG", "ACGTTACG", "TTGT-ACA", "TTGTTACA"] * 30
SETTINGS = dict(hidden=3, epochs=3, batch_size=20)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "family.fasta.gz"
    text = "".join(f">s{n} of some\n{letters[:4]}\n{letters[4:]}aa.\n" for n, letters in enumerate(FAMILY))
    path.write_bytes(gzip.compress(text.encode()))
    return path


@pytest.mark.filterwarnings("ignore:.*the sequences are taken as")
def test_a_file_its_texts_and_its_letters_train_one_model(path):
    texts = harmonium.read(path)
    assert texts.dtype.kind == "U" and texts.tolist() == FAMILY
    letters = np.array([list(text) for text in FAMILY])
    forms = [path, str(path), texts, FAMILY, texts.astype("S"), letters, letters.tolist()]
    models = [harmonium.train(data, **SETTINGS) for data in forms]
    assert models[0].sites == [5] * 8
    assert models[0].columns["sequences"]["alphabet"] == "-ACGT"
    assert all(model == models[0] for model in models)
    rbm = models[0]
    for data in [*forms, rbm.sample(5)]:
        rows = rbm.mean_hidden(data)
        assert rows.shape == (5 if data is not forms[0] and len(data) == 5 else len(FAMILY), 3)
    one = rbm.free_energy(texts[7:9])
    for data in forms[3:]:
        np.testing.assert_array_equal(rbm.free_energy(data[7:9]), one)
    assert rbm.log_likelihood(path).mean == rbm.log_likelihood(letters).mean
    given = np.arange(8) < 4
    np.testing.assert_array_equal(rbm.conditional_mean(texts[:1], given), rbm.conditional_mean(letters[:1], given))


def test_samples_are_texts_that_models_take():
    rbm = harmonium.train(FAMILY, alphabet="dna", **SETTINGS)
    texts, numbers = rbm.sample(4, as_texts=True), rbm.sample(4)
    assert texts.dtype.kind == "U" and texts.shape == (4,)
    assert texts.tolist() == ["".join("-ACGT"[k] for k in row) for row in numbers]
    np.testing.assert_array_equal(rbm.free_energy(texts), rbm.free_energy(numbers))
    people = harmonium.train([["red", "yes"], ["blue", "no"]] * 20, categories="auto", **SETTINGS)
    assert set(people.sample(9, as_texts=True)[:, 0]) <= {"red", "blue"}
    bits = harmonium.train([[0, 1], [1, 0]] * 20, **SETTINGS)
    with pytest.raises(ValueError, match="the model has no columns"):
        bits.sample(1, as_texts=True)


def test_letters_are_read_by_the_settings_of_the_command_line():
    some = [*FAMILY, "ACGTNACG"]
    with pytest.raises(ValueError, match="N once, first at site 5 of example 120; .*unknown_letters=gap"):
        harmonium.train(some, alphabet="dna", **SETTINGS)
    with pytest.warns(UserWarning, match="1 sequence with other letters is left out"):
        dropped = harmonium.train(some, alphabet="dna", unknown_letters="drop", **SETTINGS)
    assert dropped == harmonium.train(FAMILY, alphabet="dna", **SETTINGS)
    with pytest.raises(ValueError, match="sequences with letters that the model does not know: 1;"):
        dropped.free_energy(some)
    gap = harmonium.train(some, alphabet="dna", unknown_letters="gap", **SETTINGS)
    assert gap == harmonium.train([*FAMILY, "ACGT-ACG"], alphabet="dna", **SETTINGS)
    assert gap.free_energy(["ACGTNACG"]) == gap.free_energy(["ACGT-ACG"])
    missing = dict(unknown_letters="missing", missing="marginal")
    assert harmonium.train(some, alphabet="dna", **missing, **SETTINGS).missing == "marginal"


def test_what_are_no_sequences_is_refused():
    with pytest.raises(ValueError, match="the data are no sequences"):
        harmonium.train([[0, 1], [1, 0]], alphabet="dna", **SETTINGS)
    with pytest.raises(ValueError, match="leave out grey_levels, spins, categories and ignore"):
        harmonium.train(FAMILY, alphabet="dna", spins=True, **SETTINGS)
    # 40 units, as many as 8 letters of 5 make one-hot.
    bits = harmonium.train(np.eye(40), **SETTINGS)
    with pytest.raises(ValueError, match="the model was trained on numbers"):
        bits.free_energy(np.array(["AC-GTTTT"]))


def test_packed_values_are_read_as_values(tmp_path):
    harmonium.pack(FAMILY, tmp_path / "family.packed", alphabet="dna")
    assert harmonium.read(tmp_path / "family.packed").tolist() == FAMILY
    people = [["red", "yes"], ["blue", "no"]]
    harmonium.pack(people, tmp_path / "people.packed", categories="auto")
    assert harmonium.read(tmp_path / "people.packed").tolist() == people
