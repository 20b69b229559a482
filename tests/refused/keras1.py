"""Keras 1: what its words say and rnnlens does not do, and damage in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from keras_models import write_hdf5
from refused.registry import section
from rnnlens.readers.open import read

case = section("Keras 1")

Entry = dict[str, Any]


def entry(kind: str, **options: Any) -> Entry:
    return {"class_name": kind, "config": options}


def dense(name: str = "d", **options: Any) -> Entry:
    return entry("Dense", name=name, output_dim=2, batch_input_shape=[None, 3], **options)


def merge(*branches: Entry, **options: Any) -> Entry:
    return entry("Merge", name="m", mode="concat", layers=list(branches), **options)


def chain(*layers: Entry) -> Entry:
    return {"class_name": "Sequential", "config": list(layers)}


def within(depth: int, make: Callable[[Entry], Entry]) -> Entry:
    """Nest a layer in itself."""
    made = dense()
    for _ in range(depth):
        made = make(made)
    return made


NORMAL = entry("BatchNormalization", name="n", mode=0)
LSTM = {"name": "a", "output_dim": 2, "batch_input_shape": [None, 5, 3]}

#: The layers and the version that the file states.
LAYERS: dict[str, tuple[list[Entry], str | None]] = {
    "layer that Keras 2 no longer has": (
        [entry("MaxoutDense", name="x", output_dim=2)],
        "1.2.2",
    ),
    "BatchNormalization by the data at hand": (
        [entry("BatchNormalization", name="n", mode=2)],
        "1.2.2",
    ),
    "Merge by a function": ([dense(), entry("Merge", name="m", mode="<lambda>")], "1.2.2"),
    "BatchNormalization of an unstated version": ([dense(), NORMAL], None),
    "words of Keras 2 without a version": ([dense(kernel_initializer="ones")], None),
    "unknown option": ([dense(spectral=3)], "1.2.2"),
    "unknown way to compute": (
        [entry("LSTM", **LSTM, dropout_W=0.0, consume_less="best")],
        "1.2.2",
    ),
    "option in the words of both versions": ([dense(units=2)], "1.2.2"),
    "layers nested without end": (
        [within(40, lambda inner: entry("TimeDistributed", name="t", layer=inner))],
        "1.2.2",
    ),
    "merges nested without end": ([within(40, lambda inner: merge(chain(inner)))], "1.2.2"),
    "Merge of no layers": ([merge(chain(), chain(dense()))], "1.2.2"),
    "Merge of another model": ([merge(entry("Model", layers=[]))], "1.2.2"),
    "Merge of branches that share a layer": ([merge(chain(dense()), chain(dense()))], "1.2.2"),
    "damaged configuration": ([merge(chain(entry("Dense", output_dim=2)))], "1.2.2"),
}

for name, (layers, version) in LAYERS.items():

    @case(name)
    def _(folder: Path, layers: list = layers, version: str | None = version) -> object:
        rng = np.random.default_rng(4)
        arrays = {"d_W:0": rng.normal(size=(3, 2)), "d_b:0": rng.normal(size=2)}
        gates = {f"a_{kind}_{gate}:0": size for gate in "icfo" for kind, size in SIZES.items()}
        cell = {name: rng.normal(size=size) for name, size in gates.items()}
        weights = {"d": arrays, "a": cell}
        return read(write_hdf5(folder / "model.h5", layers, weights, version=version))


SIZES = {"W": (3, 2), "U": (2, 2), "b": (2,)}


def convolution(folder: Path, length: int, step: int) -> object:
    options = {"filter_length": length, "border_mode": "same", "subsample_length": step}
    made = entry("Convolution1D", name="c", nb_filter=4, bias=False, **options)
    made["config"]["batch_input_shape"] = [None, 6, 2]
    weights = {"c": {"c_W": np.random.default_rng(4).normal(size=(length, 1, 2, 4))}}
    return read(write_hdf5(folder / "model.h5", [made], weights, version="1.2.2"))


@case("padding of an even kernel by Theano")
def _(folder: Path) -> object:
    return convolution(folder, 4, 1)


@case("padding of strides by Theano")
def _(folder: Path) -> object:
    return convolution(folder, 3, 2)


@case("padding of a pool by Theano")
def _(folder: Path) -> object:
    pool = entry("MaxPooling1D", name="p", pool_length=2, border_mode="same")
    first = entry("Dense", name="d", output_dim=2, batch_input_shape=[None, 6, 3])
    weights = {"d": {"d_W": np.ones((3, 2)), "d_b": np.ones(2)}}
    return read(write_hdf5(folder / "model.h5", [first, pool], weights, version="1.2.2"))


def recurrent(folder: Path, *arrays: str) -> object:
    sizes = {name: SIZES[name.split("_")[1]] for name in arrays}
    weights = {"a": {f"{name}:0": np.ones(size) for name, size in sizes.items()}}
    layers = [entry("LSTM", **LSTM)]
    return read(write_hdf5(folder / "model.h5", layers, weights, version="1.2.2"))


@case("arrays of a GRU for an LSTM")
def _(folder: Path) -> object:
    return recurrent(folder, *(f"a_{kind}_{gate}" for gate in "zrh" for kind in "WUb"))


@case("arrays of other gates")
def _(folder: Path) -> object:
    return recurrent(folder, *(f"a_{kind}_{gate}" for gate in "zrho" for kind in "WUb"))
