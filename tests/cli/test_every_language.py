"""What a command says in another language, it says whole: no sentence of it stays English."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import MinMaxScaler

import rnnlens
from pseudo import outside, pseudo_language
from rnnlens.demo.weather import demo_files
from rnnlens.series.draft.draft import draft
from rnnlens.series.draft.facts import Asked, Facts
from rnnlens.series.draft.several import draft_of_inputs
from rnnlens.series.scalers.variables import columns_given
from rnnlens.views.words.origin import fact_text

#: What is typed after each command's model and data.
COMMANDS: dict[str, tuple[str, ...]] = {
    "inspect": (),
    "fidelity": (),
    "check": ("--target", "temp"),
    "trace": ("--last", "2"),
    "explain": ("--target", "temp", "--last", "5", "--budget", "400000"),
    "explain one": ("--target", "temp", "--newest", "3"),
    "explain by samples": ("--target", "temp", "--method", "permutation", "--budget", "30000"),
    "certify": ("--lag", "1", "--range", "0.5", "--budget", "2", "--tolerance", "5", "--no-check"),
    "gate-contributions": (),
    "memory": ("--target", "temp", "--histories", "4"),
    "trust": ("--target", "temp", "--last", "30"),
    "fixed-points": ("--last", "5"),
    "bifurcations": ("--move", "temp=20:80:3", "--last", "5"),
    "summarize-weights": ("--last", "20"),
    "compare-weights": (),
    "convert": ("--no-check",),
}
#: What is said in every language as it is: names of the network's layers, arrays and features, of
#: files, formats, libraries, kinds of layers, settings, measures and methods, of units, and words
#: that are typed. Errors, and so the reason why something could not be had, are English.
NAMES = frozenset({
    "temp",
    "dewp",
    "humid",
    "wind",
    "visib",
    "pressure",
    "precip",
    "hour",
    "sin",
    "cos",
    "lstm",
    "dense",
    "weather",
    "forecast",
    "keras",
    "Keras",
    "archive",
    "rnnlens",
    "npz",
    "made",
    "toml",
    "named",
    "arrays",
    "LSTM",
    "Dense",
    "Input",
    "Activate",
    "kernel",
    "bias",
    "recurrent",
    "activation",
    "tanh",
    "sigmoid",
    "linear",
    "MAE",
    "RMSE",
    "SHA-",
    "secant",
    "permutation",
    "owen",
    "Owen",
    "Shapley",
    "Gaussian",
    "Lyapunov",
    "Ctrl-C",
    "mph",
    "mbar",
})


@pytest.fixture
def words(call, model, data, tmp_path, monkeypatch):
    """Ask a command in a language that nobody speaks, and give the words that stay English."""
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.chdir(tmp_path)
    second = {"inspect": (), "convert": ("made.npz",), "compare-weights": (model.name,)}
    second["fidelity"] = (Path(demo_files().outputs),)

    def said(command, *typed):
        verb = command.split(" ")[0]
        with pseudo_language(tmp_path / "languages", monkeypatch) as code:
            monkeypatch.setenv("RNNLENS_LANGUAGE", code)
            asked = (verb, model.name, *second.get(verb, (data.name,)), *typed)
            answer = call(*asked, "--language", code)
        assert answer.code == 0, answer.err
        text = re.sub(r"\b[0-9a-f]{64}\b|--[a-z-]+", "", f"{answer.out}\n{answer.err}")
        # a word in our letters is a part of a name where letters of another kind do not part them
        return outside(re.sub(r"[_/.:]", " ", text), NAMES)

    return said


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_says_nothing_that_no_catalogue_has(command, words):
    assert words(command, *COMMANDS[command]) == []


def comments_of(sidecar):
    """What a sidecar says to a person."""
    return "\n".join(line.partition("#")[2] for line in sidecar.splitlines())


def test_a_first_sidecar_says_nothing_that_no_catalogue_has(
    call, model, data, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pseudo_language(tmp_path / "languages", monkeypatch) as code:
        answer = call("init", model.name, data.name, "--language", code)
    assert answer.code == 0, answer.err
    comments = comments_of(answer.out)
    assert comments.count("CHECK: ") > 10
    said = re.sub(r"rnnlens check \S+ \S+ --target \w+", "", f"{comments}\n{answer.err}")
    assert outside(re.sub(r"[_/.:]", " ", said), NAMES | {"CHECK", "time"}) == []


@pytest.mark.parametrize("known", ["nothing", "features", "scaler"])
def test_a_draft_of_days_gaps_and_stations_is_said_whole(known, rng, tmp_path, monkeypatch):
    days = pd.date_range("2013-01-05", periods=90, freq="D").strftime("%d/%m/%Y")
    numbers = {name: rng.normal(size=90) + 5 for name in ("temp", "dewp", "wind")}
    table = pd.DataFrame({"day": days, **numbers, "hour": 3.0})
    table.loc[[7, 8], "temp"] = np.nan
    parts = [table.drop(index=20).assign(station=name) for name in ("east", "west")]
    scaler = MinMaxScaler(clip=True).fit(table[["temp"]].to_numpy())
    asked = {
        "nothing": Asked(),
        "features": Asked(features=("temp",)),
        "scaler": Asked(scaler=columns_given(scaler)),
    }
    made = draft(
        Facts(4 if known == "nothing" else 1, 1, None),
        pd.concat(parts, ignore_index=True),
        asked[known],
        lambda values: values[:, -1, :1],
    )
    inputs = draft_of_inputs({"x": (None, 3), "site": (2,), "later": (6, 1)}, 24, None)
    assert inputs.checks == inputs.text.count("CHECK") == 12
    with pseudo_language(tmp_path, monkeypatch):
        said = [comments_of(one.text_by(fact_text)) for one in (made, inputs)]
        said += map(fact_text, (*made.notes, *inputs.notes))
    text = re.sub(r"%d/%m/%Y|MinMaxScaler", "", "\n".join(said))
    names = NAMES | {"CHECK", "day", "station", "time"}  # columns, and a line to be typed
    assert outside(text, names) == []


def test_a_sentence_that_stays_english_within_another_is_found(tmp_path, monkeypatch):
    from rnnlens.views.words.language import say

    with pseudo_language(tmp_path, monkeypatch):
        assert outside(say("{name}: {fact}", name=say("forget gate"), fact="is open")) == ["open"]


def test_a_table_of_tests_says_nothing_that_no_catalogue_has(rng, tmp_path, monkeypatch):
    from networks import forecaster
    from rnnlens.views.tables.lags import made_how
    from rnnlens.views.words.lags import evidence_sentences

    network, X = forecaster("lstm", rng), rng.normal(size=(120, 7, 3)).cumsum(axis=1)
    X[:, :, 2] = X[:, :, 0]  # of which the rest of the window leaves nothing
    y = rnnlens.predict(network, X)[:, 0] + 0.1 * rng.normal(size=120)
    table = rnnlens.lags(
        network,
        X,
        y,
        target=0,
        shares=rnnlens.Shares(baseline="background"),
        certificates=rnnlens.Certificates(budget=2, windows=2),
        test=rnnlens.Test(),
    )
    assert any(map(bool, np.ravel(table["note"].values)))
    with pseudo_language(tmp_path, monkeypatch):
        text = " ".join([*made_how(table), *evidence_sentences(table)])
    assert outside(text, NAMES | {"feature", "output"}) == []
