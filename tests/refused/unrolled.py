"""Networks whose calls cannot be laid one behind the other, and those that carry nothing on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import keras
import numpy as np
import torch
from keras import layers as L
from keras.ops import convert_to_numpy as to_numpy

from refused.registry import section
from rnnlens.api import fidelity, read
from rnnlens.network.network import Network

case = section("Networks unrolled over a series of calls")


def made(*layers: L.Layer, shape: tuple[int, ...] = (1, 3)) -> keras.Model:
    keras.utils.clear_session(free_memory=False)
    return keras.Sequential([keras.Input(batch_shape=(1, *shape)), *layers])


def stateful(kind: type = L.LSTM, **options: object) -> L.Layer:
    return kind(2, stateful=True, name="memory", **options)


def with_start() -> keras.Model:
    x = keras.Input(batch_shape=(1, 1, 3))
    start = L.Dense(2, name="start")(L.Flatten()(x))
    return keras.Model(x, stateful(L.GRU)(x, initial_state=start))


def of_other_ranks() -> keras.Model:
    x = keras.Input(batch_shape=(1, 1, 3))
    added = L.Add(name="sum")([L.Dense(3)(x), L.Dense(3)(L.Flatten()(x))])
    return keras.Model(x, stateful()(added))


def handed_within() -> keras.Model:
    x = keras.Input(batch_shape=(1, 1, 3))
    states = stateful(return_state=True)(x)[1:]
    return keras.Model(x, L.LSTM(2, stateful=True, name="second")(L.RepeatVector(1)(states[1])))


def started_within() -> keras.Model:
    x = keras.Input(batch_shape=(1, 1, 3))
    start = L.Dense(2)(L.Flatten()(x))
    plain = L.GRU(2, return_sequences=True, name="plain")(x, initial_state=start)
    return keras.Model(x, stateful()(plain))


def two_lengths() -> keras.Model:
    one = keras.Input(batch_shape=(1, 2, 3), name="one")
    other = keras.Input(batch_shape=(1, 3, 3), name="other")
    both = [stateful()(one), L.LSTM(2, stateful=True, name="second")(other)]
    return keras.Model([one, other], L.Concatenate()(both))


def refused(make: Callable[[], keras.Model], unroll: int) -> None:
    model = make()
    assert read(model).nodes  # what the sentence says to do
    read(model, unroll=unroll)


CASES: dict[str, tuple[Callable[[], keras.Model], int]] = {
    "nothing carried on": (lambda: made(L.LSTM(2), shape=(5, 3)), 60),
    "no whole number of calls": (lambda: made(stateful(), shape=(5, 3)), 12),
    "inputs of different steps": (two_lengths, 6),
    "read newest first": (lambda: made(stateful(go_backwards=True), shape=(5, 3)), 10),
    "started from the call": (with_start, 6),
    "joined over ranks": (of_other_ranks, 6),
    "state within a call": (handed_within, 6),
    "masked calls": (lambda: made(L.Masking(name="mask"), stateful()), 6),
    "states taken within a call": (started_within, 6),
}


def run(name: str, folder: Path) -> None:
    make, unroll = CASES[name]
    refused(make, unroll)


for name in CASES:
    case(name)(partial(run, name))


class Kept(torch.nn.Module):
    """Keeps the state of a cell, which takes a step without an axis of steps."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.h = torch.nn.GRUCell(3, 2), torch.zeros(1, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.h = self.cell(x, self.h)
        return self.h


def in_one_call(net: Network, source: object, call: Callable[[np.ndarray], np.ndarray]) -> None:
    series = np.random.default_rng(0).normal(size=(1, 2, 3))
    for step in np.split(series, 2, axis=1):  # what the sentence says to do
        last = call(step)
    assert fidelity(net, np.asarray(last), series).attrs["agrees"]
    fidelity(net, source, series)


@case("run in one call")
def _(folder: Path) -> None:
    model = made(stateful(L.GRU, go_backwards=True))
    in_one_call(read(model, unroll=2), model, lambda step: to_numpy(model(step)))


@case("run in one call that fails")
def _(folder: Path) -> None:
    module = Kept().eval()
    net = read(module, example=torch.zeros(1, 3), unroll=2)
    with torch.no_grad():
        in_one_call(net, module, lambda step: module(torch.tensor(step[0]).float()).numpy())
