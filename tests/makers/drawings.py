"""Every public chart, drawn from real results; and what can be asked of its specification."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

from rnnlens import plot

__all__ = ["DRAWN", "encodings", "rows", "views"]

RECORD = pd.DataFrame({
    "step": [0, 10, 20],
    "k50": [2.0, 3.0, 4.0],
    "lstm/forget/mean": [0.5, 0.6, 0.7],
    "lstm/forget/saturated": [0.0, 0.1, 0.2],
    "lstm/input/saturated": [0.1, 0.1, 0.3],
})

Results = Callable[[str], Any]

#: How each chart is drawn, by its name; several where it has several forms.
DRAWN: dict[str, Callable[..., Any]] = {
    "anatomy": lambda of, **look: plot.anatomy(of("describe"), **look),
    "baselines": lambda of, **look: plot.baselines(of("compare_baselines"), **look),
    "beeswarm": lambda of, **look: plot.beeswarm(of("explain"), of("windows"), **look),
    "bifurcations": lambda of, **look: plot.bifurcations(of("bifurcations"), **look),
    "calendar": lambda of, **look: plot.calendar(of("explain"), **look),
    "certificates": lambda of, **look: plot.certificates(of("certify"), **look),
    "compared_weights": lambda of, **look: plot.compared_weights(of("compare_weights"), **look),
    "eigenvalues": lambda of, **look: plot.eigenvalues(of("fixed_points"), **look),
    "fixed_points": lambda of, **look: plot.fixed_points(of("fixed_points"), of("trace"), **look),
    "forecast": lambda of, **look: plot.forecast(of("explain"), **look),
    "gate_contributions": lambda of, **look: plot.gate_contributions(
        of("gate_contributions"), **look
    ),
    "gates": lambda of, **look: plot.gates(of("trace"), **look),
    "interactions": lambda of, **look: plot.interactions(of("interactions"), **look),
    "lag_contributions": lambda of, **look: plot.lag_contributions(of("explain"), **look),
    "lag_feature": lambda of, **look: plot.lag_feature(of("explain"), **look),
    "lag_shares": lambda of, **look: plot.lag_shares(of("lags"), **look),
    "memory": lambda of, **look: plot.memory(of("memory"), **look),
    "methods": lambda of, **look: plot.methods(
        {"secant": of("explain"), "occlusion": of("occlusion")}, **look
    ),
    "record": lambda _, **look: plot.record(RECORD, **look),
    "summarized_weights": lambda of, **look: plot.summarized_weights(
        of("summarize_weights"), **look
    ),
    "waterfall": lambda of, **look: plot.waterfall(of("explain"), **look),
    "weights": lambda of, **look: plot.weights(
        of("weights"), carried=of("gate_contributions"), **look
    ),
}


def views(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give every part of a specification that has a mark."""
    for name in ("layer", "concat", "vconcat", "hconcat"):
        for part in spec.get(name, ()):
            yield from views({"data": spec.get("data"), **part})
    if "mark" in spec:
        yield spec


def encodings(spec: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, dict[str, Any]]]:
    """Give every channel of every part: the part, the channel's name, what it encodes."""
    for part in views(spec):
        for name, channel in part.get("encoding", {}).items():
            for one in channel if isinstance(channel, list) else [channel]:
                yield part, name, one


def rows(spec: dict[str, Any], part: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the numbers that a part draws."""
    return spec["datasets"][part["data"]["name"]]
