"""What a probe is asked to read off a memory and cannot."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from networks import forecaster
from refused.registry import section
from rnnlens.checks.probe import probe

case = section("Quantities to read off a memory")

SAMPLES = 60
INPUTS = {"x": np.random.default_rng(4).normal(size=(SAMPLES, 7, 3))}
QUANTITY = np.arange(float(SAMPLES))


def ask(quantity: np.ndarray, *, layer: str = "recurrent", gap: int = 2) -> object:
    network = forecaster("lstm", np.random.default_rng(4))
    return probe(network, INPUTS, quantity, of="x", layer=layer, gap=gap)


@case("another number of values")
def _(_: Path) -> object:
    return ask(QUANTITY[:-1])


@case("NaN among the values")
def _(_: Path) -> object:
    return ask(np.where(QUANTITY == 3, np.nan, QUANTITY))


@case("constant quantity")
def _(_: Path) -> object:
    return ask(np.ones(SAMPLES))


@case("too few windows between blocks")
def _(_: Path) -> object:
    return ask(QUANTITY, gap=20)


@case("layer that is not there")
def _(_: Path) -> object:
    return ask(QUANTITY, layer="lstm_9")
