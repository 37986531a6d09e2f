"""Settings come from one table: keywords, their types, their documentation, and messages about errors."""

import ast
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import harmonium
from harmonium import BernoulliRBM, SettingError, Trainer, default_settings, runs, train
from harmonium._harmonium import run_setting_table, setting_table
from harmonium._settings import annotation

BITS = np.eye(4)
WIDE = np.eye(30)


def test_the_stub_has_the_settings_of_the_table():
    stub = ast.parse((Path(harmonium.__file__).parent / "_harmonium.pyi").read_text())
    for name, table in [("Settings", setting_table()), ("_OfRun", run_setting_table())]:
        (settings,) = [node for node in stub.body if getattr(node, "name", "") == name]
        stated = {line.target.id: ast.unparse(line.annotation) for line in settings.body}
        assert stated == {row["name"]: annotation(row) for row in table}
    assert {row["name"]: row["default"] for row in setting_table()} == default_settings()


@pytest.mark.parametrize("function", [train, runs.train])
def test_a_signature_spells_the_settings_out(function):
    table = setting_table() if function is train else [*run_setting_table(), *setting_table()]
    parameters = inspect.signature(function).parameters
    assert all(p.kind is not p.VAR_KEYWORD for p in parameters.values())
    for row in table:
        assert parameters[row["name"]].default == row["default"], row["name"]
        assert parameters[row["name"]].annotation == annotation(row)
        # As help shows it: the name as far left as other parameters, its meaning four columns further.
        text = rf"^{row['name']} : .*\n    \S"
        assert re.search(text, inspect.getdoc(function), re.MULTILINE), row["name"]
    assert "{settings}" not in inspect.getdoc(function)


def test_each_setting_is_documented_with_its_default():
    for row in setting_table():
        name = re.escape(row["name"])
        default = re.escape(repr(row["default"]))
        assert re.search(rf"^{name} : .*, default {default}$", train.__doc__, re.MULTILINE), name
    assert "{settings}" not in train.__doc__
    assert "`sparsity_cost`" in train.__doc__ and "*sparsity_cost*" not in train.__doc__


def test_an_exception_has_the_setting_its_value_and_the_rule():
    with pytest.raises(SettingError, match="learning_rate is -1, but must be above 0") as caught:
        train(BITS, learning_rate=-1)
    error = caught.value
    rule = "above 0 and at most 1000000"
    assert (error.setting, error.value, error.rule) == ("learning_rate", "-1", rule)
    with pytest.raises(SettingError) as caught:
        train(BITS, learning_rate=float("nan"))
    assert (caught.value.setting, caught.value.rule) == ("learning_rate", "a finite number")
    with pytest.raises(TypeError) as caught:
        train(BITS, hidden="many")
    assert (caught.value.setting, caught.value.rule) == ("hidden", "a whole number")


def test_an_estimator_names_its_own_parameter():
    with pytest.raises(SettingError, match="^n_gibbs_steps is 10000000, but must be at") as caught:
        BernoulliRBM(2, n_gibbs_steps=10_000_000).fit(BITS)
    assert caught.value.setting == "n_gibbs_steps"
    with pytest.raises(SettingError, match="^binarization is median, but must be"):
        BernoulliRBM(2, binarization="median").fit(BITS)


def test_a_setting_without_effect_is_refused():
    for settings, rule in [
        ({"swap_rate": 0.3}, 'left out without algorithm="pt" or algorithm="ptt"'),
        ({"adam_beta1": 0.8}, 'left out without optimizer="adam"'),
        ({"offset_rate": 0.5, "centering": False}, "left out without centering or sparsity_cost"),
        ({"epochs": 3, "updates": 4}, "left out with epochs"),
    ]:
        with pytest.raises(SettingError) as caught:
            Trainer(WIDE, hidden=2, **settings)
        assert caught.value.rule == rule
        with pytest.raises(SettingError):
            Trainer.online(WIDE, hidden=2, **settings)
    # Small models use tempering by default.
    assert Trainer(BITS, hidden=2, swap_rate=0.3).settings["algorithm"] == "pt"
    # A setting that equals its default is not refused.
    settings = Trainer(WIDE, **{**default_settings(), "hidden": 2}).settings
    assert Trainer(WIDE, **settings).settings == settings


def test_a_misspelt_keyword_is_answered_with_the_one_that_is_meant():
    for keyword, meant in [("hiden", "hidden"), ("n_hidden", "hidden"), ("inital", "initial")]:
        with pytest.raises(TypeError, match=f"^{keyword} is not known; did you mean {meant}\\?$"):
            train(BITS, **{keyword: 5})
        with pytest.raises(TypeError, match=f"did you mean {meant}"):
            Trainer(BITS, **{keyword: 5})
    online = Trainer.online(BITS, hidden=2, chains=4)
    for call, keyword, meant in [
        (train, "calback", "; did you mean callback?"),
        (Trainer, "callback", None),
        (Trainer, "as_nunbers", "; did you mean as_numbers?"),
        (Trainer.online, "hiden_states", "; did you mean hidden_states?"),
        (Trainer.online, "held_out", None),
        (lambda _, **keywords: online.with_settings(**keywords), "initial", None),
    ]:
        with pytest.raises(TypeError) as caught:
            call(BITS, **{keyword: 5})
        assert str(caught.value) == keyword + (
            " is not a setting" if meant is None else f" is not known{meant}"
        )
    for call in [train, Trainer]:
        with pytest.raises(TypeError, match="^patience is a setting of runs in folders.*runs.train$"):
            call(BITS, patience=3)
    with pytest.raises(TypeError, match="^nonsense is not a setting$"):
        train(BITS, nonsense=5)
    with pytest.raises(SettingError, match="did you mean pcd"):
        train(BITS, algorithm="pdc")


@pytest.mark.parametrize("function", [train, Trainer, Trainer.online, runs.train])
def test_each_keyword_of_a_call_may_be_meant(function):
    settings = {row["name"] for row in [*setting_table(), *run_setting_table()]}
    parameters = inspect.signature(function).parameters.values()
    own = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.name not in settings]
    assert "threads" in own
    for name in own:
        with pytest.raises(TypeError, match=f"^{name}x is not known; did you mean {name}\\?$"):
            function(*([] if function is runs.train else [BITS]), **{f"{name}x": 5})


def test_sweeps_have_an_upper_bound():
    rbm = train(BITS, hidden=2, epochs=1)
    for call in [rbm.sample, lambda **kwargs: rbm.gibbs(BITS, **kwargs)]:
        with pytest.raises(SettingError, match="gibbs_steps is 10000000000, but must be at most"):
            call(gibbs_steps=10**10)
    with pytest.raises(SettingError, match="burn_in is 10000000000, but must be at most"):
        rbm.log_likelihood(BITS, method="ais", burn_in=10**10)
    with pytest.raises(SettingError, match='burn_in is 5, but must be left out without method="ais"'):
        rbm.log_likelihood(BITS, method="exact", burn_in=5)


def test_the_environment_has_the_limit_of_threads():
    code = "import harmonium, numpy as np; harmonium.train(np.eye(4), epochs=1, batch_size=4)"

    def run(threads):
        variables = {**os.environ, "RAYON_NUM_THREADS": str(threads)}
        command = [sys.executable, "-c", code]
        return subprocess.run(command, env=variables, capture_output=True, text=True)

    rule = "SettingError: RAYON_NUM_THREADS is 100000, but must be from 1 to 1024"
    assert rule in run(100_000).stderr
    crowd = 4 * len(os.sched_getaffinity(0)) + 1
    assert f"RuntimeWarning: {crowd} threads share" in run(crowd).stderr
    assert run(1).stderr == ""
