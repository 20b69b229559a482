"""What a refused question advises is asked instead, and answered."""

import re

import numpy as np
import pandas as pd
import pytest

import rnnlens
from joined_networks import joined
from networks import forecaster
from rnnlens import Certificates, Shares, Target
from rnnlens.attribution.registry import METHODS
from rnnlens.errors import RnnlensError
from rnnlens.series.sidecar import Sidecar, Variable
from small_networks import small

explain, lags, certify = rnnlens.explain, rnnlens.lags, rnnlens.certify


def _long(features=1):
    rng = np.random.default_rng(3)
    network = forecaster("lstm", rng, steps=24, features=features, targets=1)
    return network, rng.normal(size=(2, 24, features))


def _timeless():
    """The same windows without times and with them, of a series by the hour."""
    rng = np.random.default_rng(3)
    columns = {"rain": rng.normal(size=60), "flow": rng.normal(size=60)}
    variables = tuple(Variable(name) for name in columns)
    sidecar = Sidecar(variables, window=4, targets=variables[:1])
    hours = np.datetime64("2024-01-01T00") + np.arange(60) * np.timedelta64(1, "h")
    timed = rnnlens.windows(pd.DataFrame(columns, index=pd.DatetimeIndex(hours)), sidecar)
    return forecaster("lstm", rng, steps=4, features=2, targets=1), (
        rnnlens.windows(columns, sidecar),
        timed,
    )


#: The network, a question that is refused, words of the advice, and what follows each part of it.
FOLLOWED = {
    "mean of tokens": (
        lambda: small("tokens"),
        lambda net, x: explain(net, x, baseline="mean"),
        "choose 'zero', 'persistence' or 'background', or the token that stands for any other, as",
        [
            lambda net, x, one=one: explain(net, x, baseline=one)
            for one in ("zero", "persistence", "background", [1])
        ],
    ),
    "windows of a certificate": (
        lambda: small("one step"),
        lambda net, x: certify(net, x, lag=1, certificates=Certificates(windows=3)),
        "leave windows= out, and give those that are wanted",
        [lambda net, x: certify(net, x[:3], lag=1)],
    ),
    "features of a certificate": (
        lambda: small("one step"),
        lambda net, x: certify(net, x, lag=1, features="rain"),
        "give one of feature 0, feature 1",
        [lambda net, x: certify(net, x[:2], lag=1, features="feature 1")],
    ),
    "margin of zero": (
        lambda: small("one feature"),
        lambda net, x: lags(net, x, margin=0.0),
        "state one that does not matter to you",
        [lambda net, x: lags(net, x, margin=0.5, certificates=None)],
    ),
    "one array for several inputs": (
        lambda: joined("static repeated"),
        lambda net, x: explain(net, x, baseline=np.zeros(2)),
        "give a mapping of input name to baseline",
        [
            lambda net, x: explain(
                net, x, baseline={name: np.zeros(one.shape[-1]) for name, one in x.items()}
            )
        ],
    ),
    "conditional baseline of several inputs": (
        lambda: joined("static repeated"),
        lambda net, x: explain(net, x, baseline="conditional"),
        "name one with of=, or choose another baseline",
        [
            lambda net, x: explain(net, x, baseline="zero"),
            lambda net, x: explain(net, x, of=next(iter(x)), baseline="mean"),
        ],
    ),
    "one array for a network of several inputs": (
        lambda: joined("two towers"),
        lambda net, x: rnnlens.predict(net, x["hours"]),
        "give a mapping from input name to array",
        [rnnlens.predict],
    ),
    "several steps": (
        lambda: small("several steps"),
        explain,
        "give a horizon from 1 to 3 with Target(horizon=)",
        [lambda net, x: explain(net, x, target=Target(horizon=1))],
    ),
    "memory without recurrence": (
        lambda: small("no recurrent layer"),
        rnnlens.memory,
        "ask rnnlens.lags which steps of its window matter",
        [lambda net, x: lags(net, x, certificates=None)],
    ),
    "tree of too many lags": (
        _long,
        lambda net, x: explain(net, x, method="tree", newest=24),
        "use method 'secant' for every lag by itself",
        [lambda net, x: explain(net, x, method="secant")],
    ),
    "option of another method": (
        lambda: small("one feature"),
        lambda net, x: explain(net, x, method="secant", newest=2),
        "leave it out, or choose one of",
        [
            lambda net, x: explain(net, x, method="secant"),
            lambda net, x: explain(net, x, method="tree", newest=2),
        ],
    ),
    "certificate of blocks": (
        lambda: small("blocks"),
        lambda net, x: certify(net, x, lag=1),
        "ask the other lag evidence instead",
        [lags],
    ),
    "conditional baseline of a method that mixes": (
        lambda: small("one feature"),
        lambda net, x: explain(net, x, method="secant", baseline="conditional"),
        "use 'tree', 'owen', 'permutation' or 'occlusion', or an interventional baseline",
        [
            *(
                lambda net, x, one=one: explain(net, x, method=one, baseline="conditional")
                for one in ("tree", "owen", "permutation", "occlusion")
            ),
            lambda net, x: explain(net, x, method="secant", baseline="mean"),
        ],
    ),
    "conditional baseline of padded windows": (
        lambda: small("masked"),
        lambda net, x: explain(net, x, method="tree", baseline="conditional"),
        "choose an interventional baseline",
        [lambda net, x: explain(net, x, method="tree", baseline="mean")],
    ),
    "baseline by the hour of no times": (
        _timeless,
        lambda net, x: explain(net, x[0], baseline="hourly mean"),
        "give windows",
        [lambda net, x: explain(net, x[1], baseline="hourly mean")],
    ),
    "exact values of too many players": (
        lambda: _long(3),
        lambda net, x: explain(net, x, method="owen", newest=18),
        "ask for fewer newest lags, put features in groups, or use method 'permutation' or 'sec",
        [
            lambda net, x: explain(net, x, method="owen", newest=4),
            lambda net, x: explain(net, x, method="permutation"),
            lambda net, x: explain(net, x, method="secant"),
        ],
    ),
    "everything held": (
        lambda: small("one step"),
        lambda net, x: explain(net, x, method="permutation", held=["feature 0", "feature 1"]),
        "hold fewer",
        [lambda net, x: explain(net, x, method="permutation", held=["feature 0"])],
    ),
    "tokens that are no tokens": (
        lambda: small("tokens"),
        lambda net, x: explain(net, x / 4),
        "give the tokens themselves, unscaled",
        [explain],
    ),
    "target of several": (
        lambda: (forecaster("gru_after", np.random.default_rng(3), steps=3), np.ones((2, 3, 3))),
        lambda net, x: explain(net, x, baseline="zero"),
        "name one of output 0, output 1",
        [lambda net, x: explain(net, x, target="output 1", baseline="zero")],
    ),
    "method that is none": (
        lambda: small("one feature"),
        lambda net, x: explain(net, x, method="secnat"),
        "give one of",
        [lambda net, x, name=name: explain(net, x, method=name) for name in ("secant", "owen")],
    ),
    "shares by a method of lags alone": (
        lambda: small("one step"),
        lambda net, x: lags(
            net, x, by="feature", certificates=None, test=None, shares=Shares(method="tree")
        ),
        "use method='secant' to see them by feature",
        [
            lambda net, x: lags(
                net, x, by="feature", certificates=None, test=None, shares=Shares(method="secant")
            )
        ],
    ),
}


@pytest.mark.parametrize("kind", FOLLOWED)
def test_what_a_refused_question_advises_is_answered(kind):
    make, refused, words, followed = FOLLOWED[kind]
    net, x = make()
    with pytest.raises(RnnlensError) as said:
        refused(net, x)
    assert words in str(said.value)
    for ask in followed:
        assert ask(net, x) is not None


NAMED = re.compile(r"method '(\w+)'")
FORMS = ("both ways", "several outputs", "masked", "tokens", "no recurrent layer", "lengths")


def _against(method):
    return {"baseline": "zero"} if METHODS[method].hides else {}


@pytest.mark.parametrize("form", FORMS)
def test_the_method_that_a_refusal_names_answers(form):
    net, x = small(form)
    named = set()
    for method in METHODS:
        try:
            explain(net, x, method=method, **_against(method))
        except RnnlensError as refused:
            said = str(refused)
            named |= {one for one in NAMED.findall(said) if f"use method '{one}'" in said}
    for method in named - {"auto"}:
        assert explain(net, x, method=method, **_against(method)) is not None
    assert named or form not in {"both ways", "tokens"}
