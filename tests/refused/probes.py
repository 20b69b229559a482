"""What a probe is asked to read off the states of a network and cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import rnnlens
from networks import cell, chain, forecaster, head
from refused.registry import section
from rnnlens.network.layers import Conv1D, Recurrent, RepeatVector
from rnnlens.network.network import Network, Node
from small_networks import small

case = section("Concepts to read off states")

SAMPLES = 60
X = np.random.default_rng(4).normal(size=(SAMPLES, 7, 3))
CONCEPT = np.arange(float(SAMPLES))


def ask(concept: np.ndarray, net: Network | None = None, **options: Any) -> object:
    net = forecaster("gru_after", np.random.default_rng(4)) if net is None else net
    return rnnlens.probe(
        net, X, concept, **{"target": 0, "gap": 2, "draws": 1, "shifts": 1} | options
    )


def called_step_by_step() -> Network:
    """A cell that is called twice, one step each, behind a layer that reads the window."""
    rng = np.random.default_rng(4)
    decoder = Recurrent(cell("gru_after", rng, 5, 5), return_sequences=True)
    plain = chain(Recurrent(cell("lstm", rng)), decoder, head(rng, 5), shape=(7, 3))
    by_name = {node.name: node for node in plain.nodes}
    nodes = (
        *plain.nodes[:2],
        Node("once", RepeatVector(1), (("recurrent", 0),)),
        Node("first", decoder, (("once", 0),)),
        Node("second", decoder, (("first", 0),)),
        replace(by_name["dense"], inputs=(("second", 0),)),
    )
    return replace(plain, nodes=nodes)


@case("another number of values")
def _(_: Path) -> object:
    return ask(CONCEPT[:-1])


@case("NaN among the values")
def _(_: Path) -> object:
    return ask(np.where(CONCEPT == 3, np.nan, CONCEPT))


@case("constant concept")
def _(_: Path) -> object:
    return ask(np.ones(SAMPLES))


@case("too few windows between blocks")
def _(_: Path) -> object:
    return ask(CONCEPT, gap=20)


@case("layer that is not there")
def _(_: Path) -> object:
    return ask(CONCEPT, layer="lstm_9")


@case("state that is not there")
def _(_: Path) -> object:
    return ask(CONCEPT, state="cell")


@case("network in which nothing recurs")
def _(_: Path) -> object:
    net, x = small("no recurrent layer")
    return rnnlens.probe(net, x, np.arange(float(len(x))), target=0)


@case("steps of a layer that has fewer")
def _(_: Path) -> object:
    rng = np.random.default_rng(4)
    net = chain(
        Recurrent(cell("lstm", rng), return_sequences=True),
        Conv1D(rng.normal(size=(3, 5, 4)), rng.normal(size=4)),
        Recurrent(cell("gru_after", rng, 4, 5)),
        head(rng, 5),
        shape=(7, 3),
    )
    return ask(np.random.default_rng(4).normal(size=(SAMPLES, 7)), net)


@case("cell that is called step by step")
def _(_: Path) -> object:
    return ask(CONCEPT, called_step_by_step(), layer="first")


@case("untrained network of another shape")
def _(_: Path) -> object:
    other = forecaster("gru_after", np.random.default_rng(4), units=4)
    return ask(CONCEPT, untrained=[other])
