"""Effective couplings of a model."""

import itertools

import numpy as np
import pytest

from harmonium import Couplings, Rbm


def model(n_visible, n_hidden=3, **about):
    rng = np.random.RandomState(3)
    return Rbm(rng.normal(0, 1.5, (n_visible, n_hidden)), rng.normal(size=n_visible), rng.normal(size=n_hidden), **about)


@pytest.mark.parametrize("gauge", ["ising", "lattice-gas"])
def test_three_bits_have_no_higher_couplings(gauge):
    rbm = model(3)
    found = rbm.couplings(gauge, triples=True)
    assert isinstance(found, Couplings) and found.triples.shape == (3, 3, 3)
    bits = np.array(list(itertools.product([0, 1], repeat=3)))
    x = bits if gauge == "lattice-gas" else 2 * bits - 1
    log_p = x @ found.fields + np.einsum("ni,nj,ij->n", x, x, found.pairs) / 2
    log_p += np.einsum("ni,nj,nk,ijk->n", x, x, x, found.triples) / 6
    expected = -rbm.free_energy(bits)
    np.testing.assert_allclose(log_p - log_p[0], expected - expected[0], atol=1e-12)
    assert (found.scores == found.pairs).all()


def test_couplings_of_categories_sum_to_zero_over_a_site():
    rbm = model(3 + 4, columns=[3, 4])
    found = rbm.couplings()
    assert found.triples is None and found.scores.shape == (2, 2)
    block = found.pairs[:3, 3:]
    np.testing.assert_allclose(block.sum(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(block.sum(axis=1), 0, atol=1e-12)
    assert (found.pairs[:3, :3] == 0).all() and (found.pairs == found.pairs.T).all()
    one = rbm.couplings(threads=1)
    assert all((a == b).all() for a, b in [(one.fields, found.fields), (one.pairs, found.pairs)])


def test_a_gauge_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="gauge is ising, but must be zero-sum, as the model has sites"):
        model(7, columns=[3, 4]).couplings("ising")
    with pytest.raises(ValueError, match="gauge is potts, but must be `zero-sum`, `ising` or `lattice-gas`"):
        model(3).couplings("potts")


def test_scores_of_sequences_leave_the_gap_out_as_the_command_does(tmp_path, command_line):
    alphabet = "-ACGU"
    columns = {"sequences": {"alphabet": alphabet, "length": 6, "unknown_letters": "refuse"}}
    rbm = model(6 * len(alphabet), columns=columns)
    rbm.save(tmp_path / "model.safetensors")
    found = {gaps: rbm.couplings(gaps=gaps) for gaps in ["leave-out", "count"]}
    assert (rbm.couplings().scores == found["leave-out"].scores).all()
    assert (found["leave-out"].pairs == found["count"].pairs).all()
    for gaps, first in [("leave-out", 1), ("count", 0)]:
        blocks = found[gaps].pairs.reshape(6, 5, 6, 5)[:, first:, :, first:]
        norms = np.sqrt((blocks**2).sum(axis=(1, 3)))
        expected = norms - norms.sum(0) * norms.sum(1)[:, None] / norms.sum() * 6 / 5
        np.fill_diagonal(expected, 0)
        np.testing.assert_allclose(found[gaps].scores, expected, atol=1e-12)
        out = tmp_path / f"{gaps}.npz"
        command_line("couplings", tmp_path / "model.safetensors", "--gaps", gaps, "--out", out)
        assert (np.load(out)["scores"] == found[gaps].scores).all()
    # Sites that are no sequences have no gap.
    bare = model(6 * len(alphabet), columns=[list(alphabet)] * 6)
    assert (bare.couplings().scores == found["count"].scores).all()
    with pytest.raises(ValueError, match="gaps is none, but must be `leave-out` or `count`"):
        rbm.couplings(gaps="none")
