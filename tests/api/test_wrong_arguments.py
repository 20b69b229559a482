"""Every argument of every verb x wrong values: an error of ours in one sentence, or a right result.

Each verb has one call that is right; in it one argument at a time is replaced. No exception of
another library comes out, and no warning of one.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import partial

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import rnnlens
from networks import forecaster
from rnnlens import Certificates, Effort, Intervention, Shares, Target, Test
from rnnlens.api.shared.recording import files, live
from rnnlens.errors import InputError, RnnlensError
from rnnlens.series.sidecar import Sidecar
from rnnlens.views.report import render

STEPS, FEATURES, SAMPLES = 3, 2, 12
rng = np.random.default_rng(11)
NET = forecaster("lstm", rng, steps=STEPS, features=FEATURES, units=2)
X = rng.normal(size=(SAMPLES, STEPS, FEATURES))
Y = rng.normal(size=SAMPLES)
#: Windows enough for blocks of time.
MORE = np.random.default_rng(12).normal(size=(60, STEPS, FEATURES))
QUICK = Certificates(windows=1, range=0.1, tolerance=0.1, budget=4, together=True)
FEW = Test(replacements=4, hiding=False)
CHEAP = Shares(draws=10)
CLAMP = Intervention(gate="forget", clamp=0.5)
FORGET = {"kernel": (2, 8), "recurrent": (2, 8), "bias": (8,)}
ARRAYS = [np.random.default_rng(k).normal(size=shape) for k, shape in enumerate(FORGET.values())]

#: Wrong where None is not allowed, and for most arguments whatever they are.
WRONG = {
    "None": None,
    "text": "x",
    "empty text": "",
    "-1": -1,
    "0": 0,
    "1.5": 1.5,
    "nan": float("nan"),
    "inf": float("inf"),
    "empty list": [],
    "empty mapping": {},
    "object": object(),
    "huge": 10**30,
    "True": True,
    "bytes": b"\xff\x00",
    "array of another shape": np.zeros((2, 5, 7)),
    "complex": np.ones(3) * 1j,
    "ragged": [[1, 2], [3]],
    "times": np.array(["2020-01-01"], "datetime64[D]"),
    "list of None": [None],
}

#: A right call of each verb: what it takes beside what is replaced.
CALLS: dict[str, dict[str, object]] = {
    "bifurcations": {"net": NET, "X": X, "feature": 0, "values": [0.0, 1.0], "target": 0},
    "certify": {"net": NET, "X": X, "lag": 1, "target": 0, "certificates": Certificates(
        range=0.1, tolerance=0.1, budget=4)},
    "check": {"net": NET, "X": X, "y": Y, "target": 0},
    "compare_baselines": {"net": NET, "X": X, "target": 0, "baselines": ["zero", "mean"]},
    "compare_weights": {"net": NET, "other": NET, "X": X, "target": 0},
    "convert": {"source": NET, "path": "out.npz", "check": False},
    "describe": {"net": NET},
    "explain": {"net": NET, "X": X, "target": 0, "method": "owen"},
    "explain_archive": {"net": NET, "archive": "rows.parquet", "out": "out.zarr",
                        "sidecar": Sidecar.plain(["a", "b"], window=3), "target": 0,
                        "baseline": "zero"},
    "explainer": {"net": NET, "X": X, "target": 0},
    "fidelity": {"net": NET, "source": rnnlens.predict(NET, X), "X": X},
    "fixed_points": {"net": NET, "X": X, "target": 0},
    "gate_contributions": {"net": NET, "X": X, "target": 0},
    "gate_effects": {"net": NET, "X": X, "target": 0},
    "identify": {"arrays": ARRAYS, "X": X, "Y": X[:, 0]},
    "init": {"net": NET, "data": {"a": Y, "b": Y[::-1]}},
    "interactions": {"net": NET, "X": X, "target": 0},
    "intervene": {"net": NET, "X": X, "interventions": CLAMP, "target": 0},
    "lags": {"net": NET, "X": X, "y": Y, "target": 0, "certificates": QUICK, "test": FEW,
             "shares": CHEAP},
    "memory": {"net": NET, "X": X, "y": Y, "target": 0},
    "on_device": {"name": "cpu"},
    "open": {"net": NET, "data": X, "target": 0},
    "paths": {"net": NET, "X": X, "target": 0},
    "predict": {"net": NET, "X": X},
    "probe": {"net": NET, "X": MORE, "concept": MORE[:, 0, 0], "target": 0, "draws": 1,
              "shifts": 1},
    "read": {"source": "no such file.keras"},
    "record": {"model": NET, "X": X, "path": "gates.csv", "target": 0},
    "report": {"net": NET, "data": X, "path": "page.html", "target": 0},
    "summarize_weights": {"net": NET, "X": X, "target": 0},
    "trace": {"net": NET, "X": X},
    "trust": {"net": NET, "X": X, "y": Y, "target": 0, "windows": 4},
    "weights": {"net": NET},
    "windows": {"data": {"a": Y, "b": Y}, "sidecar": Sidecar.plain(["a", "b"], window=3)},
}  # fmt: skip
#: Objects of options, and a verb that is asked with each.
OPTIONS: dict[type, tuple[str, str]] = {
    Certificates: ("certify", "certificates"),
    Effort: ("explain", "effort"),
    Intervention: ("intervene", "interventions"),
    Shares: ("lags", "shares"),
    Target: ("explain", "target"),
    Test: ("lags", "test"),
}
#: Of these the others are given too, so that one field is asked about at a time.
BESIDE: dict[type, dict[str, object]] = {
    Certificates: {"range": 0.1, "tolerance": 0.1, "budget": 4},
    Effort: {},
    Intervention: {"gate": "forget"},
    Shares: {"draws": 10},
    Target: {"name": 0},
    Test: {"replacements": 4, "hiding": False},
}


def verbs():
    return [name for name in rnnlens.__all__ if not is_dataclass(getattr(rnnlens, name))]


@pytest.fixture(autouse=True)
def _quick(tmp_path, monkeypatch, undrawn):
    """Write files where nobody looks, and draw no page: only arguments are asked about."""
    monkeypatch.chdir(tmp_path)
    pd.DataFrame({"a": Y, "b": Y[::-1]}).to_parquet("rows.parquet")
    monkeypatch.setattr(render, "render_report", lambda parts, figures, begun: "page")
    followed, refuse = live.followed, files.refuse_overwriting

    def standing_still(model, X):  # a network for the model that learns
        return (NET, lambda: NET) if model is NET else followed(model, X)

    def anew(path, tensorboard):
        if path.name == "gates.csv":
            path.unlink(missing_ok=True)
        refuse(path, tensorboard)

    monkeypatch.setattr(live, "followed", standing_still)
    monkeypatch.setattr(files, "refuse_overwriting", anew)


def refused(ask: Callable[[], object], label: str) -> bool:
    """Say whether what is asked is refused by an error of ours, in one sentence."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ask()
    except RnnlensError as error:
        said = str(error)
        assert said and "\n" not in said and "object at 0x" not in said, f"{label}: {said}"
        return True
    except Exception as error:
        error.add_note(label)
        raise
    return False


@pytest.mark.parametrize("verb", sorted(CALLS))
def test_no_wrong_argument_ends_in_an_error_of_another_library(verb):
    ask = getattr(rnnlens, verb)
    for name in inspect.signature(ask).parameters:
        for kind, value in WRONG.items():
            refused(partial(ask, **(CALLS[verb] | {name: value})), f"{verb}({name}={kind})")


@pytest.mark.parametrize("options", sorted(OPTIONS, key=lambda one: one.__name__))
def test_no_wrong_field_ends_in_an_error_of_another_library(options):
    verb, argument = OPTIONS[options]
    for spec in fields(options):
        for kind, value in WRONG.items():
            given, label = BESIDE[options] | {spec.name: value}, f"{options.__name__}({kind})"
            if not refused(partial(options, **given), label):
                call = CALLS[verb] | {argument: options(**given)}
                refused(partial(getattr(rnnlens, verb), **call), f"{verb}({label})")


@pytest.mark.parametrize("verb", sorted(CALLS))
def test_what_no_argument_takes_is_refused_by_each(verb):
    ask = getattr(rnnlens, verb)
    for name in inspect.signature(ask).parameters:
        call = CALLS[verb] | {name: object()}
        assert refused(partial(ask, **call), name), f"{verb}({name}=object())"


def test_every_verb_and_every_object_of_options_is_asked():
    assert set(CALLS) == set(verbs())
    assert {one.__name__ for one in OPTIONS} == set(rnnlens.__all__) - set(verbs())


@pytest.mark.parametrize("verb", sorted(set(CALLS) - {"read", "identify"}))
def test_the_call_that_arguments_are_replaced_in_is_right(verb):
    getattr(rnnlens, verb)(**CALLS[verb])


@pytest.mark.parametrize(
    ("verb", "name", "said"),
    [
        ("lags", "windows", "certificates=rnnlens.Certificates(windows=...)"),
        ("explain", "horizon", "target=rnnlens.Target(horizon=...)"),
        ("explain", "targets", "did you mean 'target'?"),
    ],
)
def test_an_argument_that_is_none_is_told_where_it_belongs(verb, name, said):
    with pytest.raises(TypeError) as refusal:
        getattr(rnnlens, verb)(**CALLS[verb], **{name: 1})
    assert said in str(refusal.value) and refusal.value.__suppress_context__


def test_what_happened_may_be_a_column_or_masked_and_what_is_wrong_is_named(rng):
    call = CALLS["check"] | {"X": rng.normal(size=(30, STEPS, FEATURES))}
    outcomes = rng.normal(size=len(call["X"]))
    plain = rnnlens.check(**{**call, "y": outcomes})
    xr.testing.assert_equal(rnnlens.check(**{**call, "y": outcomes[:, None]}), plain)
    masked = np.ma.masked_array(outcomes, mask=np.arange(len(outcomes)) == 1)
    holed = np.where(np.arange(len(outcomes)) == 1, np.nan, outcomes)
    unknown = rnnlens.check(**{**call, "y": holed})
    assert plain.attrs["judged"] == 30 and unknown.attrs["judged"] == 29
    xr.testing.assert_equal(rnnlens.check(**{**call, "y": masked}), unknown)
    frame = pd.DataFrame(rng.normal(size=(9, 2)), columns=["a", "b"])
    with pytest.raises(InputError, match="cut a table into windows with rnnlens.windows"):
        rnnlens.explain(NET, frame.assign(sky="grey"))
    with pytest.raises(InputError, match="give its .sidecar"):
        rnnlens.windows(frame, rnnlens.init(NET, frame))
    outcomes[3] = np.inf
    with pytest.raises(InputError, match="with 1 infinite"):
        rnnlens.check(**{**call, "y": outcomes})
