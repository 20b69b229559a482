"""Operations between layers: those of Keras 3, and the functions that tf.keras writes as layers.

Operations are compared with Keras's own; the functions of TensorFlow, which need not be installed,
with the same written in NumPy, in the words in which tf.keras 2.15 keeps them.
"""

import keras
import numpy as np
import pytest
from keras import ops

import rnnlens
from keras_graphs import X, entry, graph
from keras_models import agree, outputs_of
from rnnlens.engine.forward import predict
from rnnlens.readers.keras.operations.table import READ

#: Operations on two sequences ``(sample, 6, 3)``, none of them zero.
KERAS = {
    "x[:, None, ::2, 1:]": lambda s, i: s[:, None, ::2, 1:],
    "x[..., 0]": lambda s, i: s[..., 0],
    "minus": lambda s, i: 2.0 - s,
    "between features": lambda s, i: s + np.arange(3.0, dtype="float32"),
    "quotients": lambda s, i: 1.0 / (s + 9.0) + s / (i * i + 1.0),
    "powers": lambda s, i: ops.square(s) + ops.abs(s) ** 0.5 + 2.0**s + (i * i + 1.0) ** s,
    "roots": lambda s, i: ops.rsqrt(ops.abs(s) + 0.5) * ops.sqrt(ops.abs(i)),
    "logarithms": lambda s, i: ops.log(ops.abs(s) + 1.0) - ops.log1p(ops.abs(i)),
    "exponentials": lambda s, i: ops.exp(s) + ops.expm1(i),
    "signs": lambda s, i: ops.sign(s) * ops.round(3.0 * i) + ops.floor(s) + ops.ceil(i),
    "waves": lambda s, i: ops.sin(s) * ops.cos(i) + ops.arctan(s) + ops.erf(i),
    "activations": lambda s, i: ops.sigmoid(s) * ops.relu(i) + ops.silu(s) + ops.softplus(i),
    "more activations": lambda s, i: ops.gelu(s) + ops.elu(i, 0.7) + ops.leaky_relu(s, 0.3),
    "yet more activations": lambda s, i: ops.selu(s) + ops.hard_sigmoid(i) + ops.relu6(8.0 * s),
    "log softmax": lambda s, i: ops.log_softmax(s, axis=1),
    "comparisons": lambda s, i: ops.where(s > i, s, i) + ops.where(s <= 0.0, 1.0, i),
    "conditions": lambda s, i: ops.where(
        ops.logical_and(s >= 0.0, ops.logical_or(i < 0.0, ops.logical_not(s < i))), s, 0.0
    ),
    "extremes": lambda s, i: ops.maximum(s, i) - ops.minimum(s, 0.1) + ops.maximum(0.2, i),
    "reductions": lambda s, i: (
        ops.prod(s, axis=2) + ops.min(i, axis=-1) + ops.logsumexp(s, axis=2) + ops.std(i, axis=2)
    ),
    "mean over two axes": lambda s, i: ops.mean(s, axis=(1, 2), keepdims=True) * s,
    "norms": lambda s, i: ops.norm(s, axis=1, keepdims=True) + ops.normalize(i, axis=-1),
    "sums so far": lambda s, i: ops.cumsum(s, axis=1),
    "differences": lambda s, i: ops.diff(s, axis=1),
    "stack and unstack": lambda s, i: ops.unstack(ops.stack([s, i], axis=2), axis=1)[3],
    "split": lambda s, i: ops.split(s, 3, axis=-1)[1] * ops.split(i, [1], axis=2)[1],
    "take": lambda s, i: ops.take(s, [0, 2], axis=2) + ops.expand_dims(ops.take(i, 1, axis=2), -1),
    "repeats": lambda s, i: ops.repeat(s, 2, axis=1) + ops.tile(i, (1, 2, 1)),
    "roll": lambda s, i: ops.roll(s, 2, axis=1) + ops.roll(i, -1, axis=2),
    "pad": lambda s, i: ops.pad(s, ((0, 0), (2, 1), (0, 0)), constant_values=0.5),
    "axes moved": lambda s, i: ops.swapaxes(s, 1, 2) + ops.moveaxis(i, 1, 2),
    "reshaped": lambda s, i: ops.reshape(s, (-1, 2, 9)) + ops.reshape(i, (-1, 2, 9)),
    "matrices": lambda s, i: ops.matmul(s, ops.transpose(i, (0, 2, 1))),
    "matrix of numbers": lambda s, i: ops.matmul(s, np.arange(6.0, dtype="float32").reshape(3, 2)),
    "ones": lambda s, i: s / ops.sum(ops.ones_like(s), axis=1, keepdims=True) + ops.zeros_like(i),
    "mask as numbers": lambda s, i: s * ops.cast(ops.not_equal(i, 0.0), "float32"),
}


@pytest.mark.parametrize("name", KERAS)
def test_an_operation_computes_what_keras_does(name, rng):
    keras.utils.clear_session(free_memory=False)
    entries = [keras.Input((6, 3), name="s"), keras.Input((6, 3), name="i")]
    whole = keras.Model(entries, KERAS[name](*entries))
    windows = [rng.normal(size=(4, 6, 3)).astype("float32") for _ in entries]
    ours = rnnlens.predict(rnnlens.read(whole), dict(zip("si", windows, strict=True)))
    agree(ours, outputs_of(whole, windows))


def softmax(x, axis):
    e = np.exp(x)
    return e / e.sum(axis=axis, keepdims=True)


SLICE = {"start": None, "stop": None, "step": None}

#: Functions of TensorFlow: name, arguments by name, and what they give for x.
TENSORFLOW = [
    ("__operators__.getitem", {"slice_spec": [SLICE, -1, SLICE]}, lambda x: x[:, -1]),
    ("__operators__.getitem", {"slice_spec": [SLICE, {**SLICE, "start": -3}]}, lambda x: x[:, -3:]),
    ("__operators__.add", {"y": ["x", 0, 0], "name": None}, lambda x: x + x),
    ("__operators__.add", {"y": 1, "name": None}, lambda x: x + 1),
    ("math.multiply", {"y": 2, "name": None}, lambda x: 2 * x),
    ("math.truediv", {"y": 4.0, "name": None}, lambda x: x / 4),
    ("math.pow", {"y": 2, "name": None}, lambda x: x**2),
    ("math.negative", {"name": None}, lambda x: -x),
    ("math.reduce_sum", {"axis": 1, "keepdims": False}, lambda x: x.sum(1)),
    ("math.reduce_mean", {"axis": [1], "keepdims": True}, lambda x: x.mean(1, keepdims=True)),
    ("math.reduce_variance", {"axis": 1}, lambda x: x.var(1)),
    ("math.reduce_max", {"axis": 2}, lambda x: x.max(2)),
    ("nn.softmax", {"axis": 1}, lambda x: softmax(x, 1)),
    ("clip_by_value", {"clip_value_min": -0.5, "clip_value_max": 0.5}, lambda x: x.clip(-0.5, 0.5)),
    ("expand_dims", {"axis": 1}, lambda x: x[:, None]),
    ("reverse", {"axis": [1], "name": None}, lambda x: x[:, ::-1]),
    ("compat.v1.transpose", {"perm": [0, 2, 1], "conjugate": False}, lambda x: x.swapaxes(1, 2)),
    ("linalg.matmul", {"b": ["x", 0, 0], "transpose_b": True}, lambda x: x @ x.swapaxes(1, 2)),
    ("reshape", {"shape": [-1, 24]}, lambda x: x.reshape(-1, 24)),
    ("tile", {"multiples": [1, 2, 1], "name": None}, lambda x: np.tile(x, (1, 2, 1))),
    ("split", {"num_or_size_splits": [1, 3], "axis": -1}, lambda x: x[..., :1]),
    ("compat.v1.gather", {"indices": 2, "axis": 1, "batch_dims": 0}, lambda x: x[:, 2]),
    ("slice", {"begin": [0, 2, 0], "size": [-1, 3, 2]}, lambda x: x[:, 2:5, :2]),
    ("math.cumsum", {"axis": 1}, lambda x: x.cumsum(1)),
    ("nn.leaky_relu", {"alpha": 0.3}, lambda x: np.where(x > 0, x, 0.3 * x)),
    ("zeros_like", {}, lambda x: 0 * x),
    ("compat.v1.norm", {"ord": "euclidean", "axis": 1}, lambda x: np.sqrt((x**2).sum(1))),
]


@pytest.mark.parametrize(("function", "given", "gives"), TENSORFLOW)
def test_a_function_of_tensorflow_computes_what_it_says(function, given, gives, rng):
    kind = "SlicingOpLambda" if function.endswith("getitem") else "TFOpLambda"
    network = graph(entry(kind, f"tf.{function}", [["x", 0, 0, given]], function=function))
    windows = rng.normal(size=(3, 6, 4))
    np.testing.assert_allclose(predict(network, windows), gives(windows), rtol=1e-12, atol=1e-14)


def test_a_constant_comes_first_and_a_list_of_values_is_joined(rng):
    constant = ["_CONSTANT_VALUE", -1, 2.0, {"y": ["x", 0, 0], "name": None}]
    joined = [["x", 0, 0, {"axis": -1}], ["less", 0, 0, {"axis": -1}]]
    network = graph(
        entry("TFOpLambda", "less", [constant], function="math.subtract"),
        entry("TFOpLambda", "both", [joined], function="concat"),
    )
    windows = rng.normal(size=(3, 6, 4))
    expected = np.concatenate([windows, 2.0 - windows], axis=-1)
    np.testing.assert_allclose(predict(network, windows), expected, rtol=1e-13)


def test_a_mask_does_not_pass_an_operation_by(rng):
    # an engine that carried it on would hold the state at the masked steps of the sum
    keras.utils.clear_session(free_memory=False)
    x = keras.Input((6, 3))
    masked = keras.layers.Masking()(x)
    whole = keras.Model(x, keras.layers.LSTM(2)(masked * 1.0 + masked))
    windows = rng.normal(size=(3, 6, 3)).astype("float32")
    windows[1, 3:] = 0.0
    agree(rnnlens.predict(rnnlens.read(whole), windows), outputs_of(whole, windows))


def test_the_page_lists_what_is_read(root):
    page = (root / "docs" / "support.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for names in READ.values() for name in names)


def test_an_input_that_is_an_argument_is_told_from_a_number():
    network = graph(entry("TFOpLambda", "op", [["x", 0, 0, {"y": X}]], function="math.maximum"))
    assert network.nodes[-1].inputs == (("x", 0), ("x", 0))
