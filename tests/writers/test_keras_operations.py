"""What stands between layers is written for Keras as its own operations, and Keras runs it."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from between_layers import network as between
from networks import cell, chain, head
from random_graphs import random_graph
from refused.writers import repeated_as_often, sum_of_ranks
from rnnlens.checks.inputs import random_inputs
from rnnlens.engine.forward import predict
from rnnlens.network.activations import Activation
from rnnlens.network.axes import (
    Constant,
    ExpandDims,
    Flip,
    Index,
    Mean,
    Repeat,
    Slice,
    Unmask,
)
from rnnlens.network.layers import (
    Activate,
    Add,
    Binary,
    Concatenate,
    CumulativeSum,
    Input,
    Masking,
    Recurrent,
    Reduction,
    Where,
)
from rnnlens.network.network import Network, Node, Origin
from rnnlens.readers.open import read
from rnnlens.writers.keras.archive import write
from run_by_pytorch import many
from writers_zoo import as_float32


def holds(network, folder, close=1e-6):
    """Have Keras run what is written, and read it back."""
    network = as_float32(network)
    inputs = random_inputs(network, samples=6)
    ours = many(predict(network, inputs))
    path = folder / "model.keras"
    path.write_bytes(write(network).data)
    model = keras.saving.load_model(path, safe_mode=True)
    given = [array.astype(np.float32) for array in inputs.values()]
    theirs = many(model(given if len(given) > 1 else given[0], training=False))
    back = read(path)
    again = many(predict(back, dict(zip(back.inputs, inputs.values(), strict=True))))
    for mine, other, same in zip(ours, theirs, again, strict=True):
        # Keras computes in float32; biases of two sides are added and rounded to it
        scale = max(1.0, np.abs(mine).max())
        np.testing.assert_allclose(keras.ops.convert_to_numpy(other), mine, atol=close * scale)
        np.testing.assert_allclose(same, mine, atol=1e-6 * scale)


@pytest.mark.parametrize("seed", range(0, 40, 4))
def test_random_forecasters_are_written_and_run_by_keras(seed, tmp_path):
    holds(random_graph(seed), tmp_path)


def test_every_operation_between_layers_is_written_and_run_by_keras(rng, tmp_path):
    # quotients by small numbers and powers magnify the rounding of float32
    holds(between(rng), tmp_path, 1e-5)


@pytest.mark.parametrize("make", [repeated_as_often, sum_of_ranks])
def test_vectors_beside_sequences_are_written(make, tmp_path):
    holds(make(), tmp_path)


CHAINS = {
    "place of any number of steps": (Index(2),),
    "any number of steps turned round": (Flip(1),),
    "every other step from the end": (Slice(-2, None, -2),),
    "steps backwards to a place": (Slice(None, 1, -1),),
    "features backwards between two": (Slice(3, 0, -2, 2),),
    "mean of all": (Mean((1, 2)),),
    "axis of one between open ones": (ExpandDims(1),),
    "sum up to each from the end": (CumulativeSum(1, reverse=True),),
    "spread by the count less one": (Reduction("variance", (2,), correction=1),),
    "comparisons": (Activate(Activation("step", {"at_zero": 1.0})),),
    "bounded on one side": (Activate(Activation("clip", {"min_value": -0.1})),),
    "no bounds": (Activate(Activation("clip")),),
}


@pytest.mark.parametrize("name", CHAINS)
def test_what_keras_has_as_operations_alone_is_written(name, rng, tmp_path):
    layers = (Recurrent(cell("lstm", rng), return_sequences=True), *CHAINS[name])
    holds(chain(*layers, shape=(None, 3)), tmp_path)


def test_masks_end_at_operations_as_they_do_here(rng, tmp_path):
    lstm = Recurrent(cell("lstm", rng), return_sequences=True)
    picked = chain(Masking(0.0), lstm, Index(0), head(rng, 5), shape=(6, 3))
    holds(picked, tmp_path)
    holds(chain(Masking(0.0), Unmask(), lstm, shape=(6, 3)), tmp_path)


def test_values_of_different_numbers_of_axes_meet(rng, tmp_path):
    nodes = (
        Node("x", Input((None, 3))),
        Node("z", Input((3,))),
        Node("one", Constant(rng.normal(size=(1, 3))), (("z", 0),)),
        Node("long", Repeat(1), (("one", 0), ("x", 0))),
        Node("both", Add(), (("x", 0), ("long", 0))),
        Node("least", Binary("minimum"), (("both", 0), ("z", 0))),
        Node("chosen", Where(), (("z", 0), ("least", 0), ("one", 0))),
        Node("all", Concatenate(), (("chosen", 0), ("x", 0))),
        Node("lstm", Recurrent(cell("lstm", rng, 6)), (("all", 0),)),
    )
    holds(Network(nodes, (("lstm", 0),), Origin("made in a test"), "meeting"), tmp_path)
