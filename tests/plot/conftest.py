"""Real results of the shipped network, each made once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import rnnlens
from drawings import DRAWN
from rnnlens.demo.weather import demo_files, weather_windows


@pytest.fixture(scope="session")
def results() -> Callable[[str], Any]:
    """Give the result of a verb by its name, of a few windows."""
    net = rnnlens.read(demo_files().network)
    windows = weather_windows().newest(40)
    asked: dict[str, Any] = {"target": "temp"}
    made: dict[str, Any] = {}
    makers: dict[str, Callable[[], Any]] = {
        "net": lambda: net,
        "windows": lambda: windows,
        "describe": lambda: rnnlens.describe(net),
        "explain": lambda: rnnlens.explain(net, windows, method="secant", **asked),
        "tree": lambda: rnnlens.explain(net, windows.newest(4), method="tree", newest=3, **asked),
        "occlusion": lambda: rnnlens.explain(net, windows, method="occlusion", **asked),
        "lags": lambda: rnnlens.lags(net, windows, certificates=None, test=None, **asked),
        "certify": lambda: rnnlens.certify(
            net,
            windows.newest(2),
            lag=[1, 2, 24],
            certificates=rnnlens.Certificates(budget=1),
            **asked,
        ),
        "interactions": lambda: rnnlens.interactions(net, windows.newest(4), newest=4, **asked),
        "compare_baselines": lambda: rnnlens.compare_baselines(net, windows.newest(6), **asked),
        "memory": lambda: rnnlens.memory(net, windows, histories=4, **asked),
        "gate_contributions": lambda: rnnlens.gate_contributions(net, windows.newest(6), **asked),
        "trace": lambda: rnnlens.trace(net, windows.newest(3)),
        "weights": lambda: rnnlens.weights(net),
        "summarize_weights": lambda: rnnlens.summarize_weights(net),
        "compare_weights": lambda: rnnlens.compare_weights(net, net),
        "fixed_points": lambda: rnnlens.fixed_points(net, windows.newest(3)),
        "bifurcations": lambda: rnnlens.bifurcations(
            net, windows.newest(1), "temp", [30.0, 60.0], **asked
        ),
        "check": lambda: rnnlens.check(net, windows, **asked),
    }

    def give(name: str) -> Any:
        if name not in made:
            made[name] = makers[name]()
        return made[name]

    return give


@pytest.fixture(scope="session")
def spec_of(results) -> Callable[[str], dict[str, Any]]:
    """Give the specification of a chart by its name, drawn once."""
    drawn: dict[str, dict[str, Any]] = {}

    def give(name: str) -> dict[str, Any]:
        if name not in drawn:
            drawn[name] = DRAWN[name](results).to_dict()
        return drawn[name]

    return give
