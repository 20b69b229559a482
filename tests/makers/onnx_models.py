"""ONNX models made node by node, run by onnxruntime, for the tests."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
STEPS, FEATURES, UNITS, SAMPLES = 6, 3, 4, 5


def tensor(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def model(nodes, inputs, outputs, arrays, *, opset=21, ir=8):
    """A model of nodes; inputs and outputs as name to shape, arrays as name to array."""
    graph = helper.make_graph(
        nodes,
        "made_in_a_test",
        [one if not isinstance(one, tuple) else tensor(*one) for one in inputs],
        [tensor(name, shape) for name, shape in outputs],
        [numpy_helper.from_array(np.asarray(values), name) for name, values in arrays.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    made.ir_version = ir
    return made


def saved(made, folder, name="model.onnx"):
    path = folder / name
    onnx.save(made, path)
    return path


def ran(made, feed, names=None):
    """What onnxruntime gives, in float64."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        made.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return [np.asarray(value, float) for value in session.run(names, feed)]


def arrays_of(rng, kind, directions=1, *, bias=True, peepholes=False, features=FEATURES):
    """Distinct random weights for one recurrent node."""
    rows = GATES[kind] * UNITS
    made = {
        "W": rng.normal(size=(directions, rows, features)) * 0.6,
        "R": rng.normal(size=(directions, rows, UNITS)) * 0.5,
    }
    if bias:
        made["B"] = rng.normal(size=(directions, 2 * rows)) * 0.4
    if peepholes:
        made["P"] = rng.normal(size=(directions, 3 * UNITS)) * 0.5
    return {name: values.astype(np.float32) for name, values in made.items()}


def single(kind, arrays, *, layout=0, lengths=False, states=(), opset=21, wants=None, **options):
    """One recurrent node with every output, weights as initialisers.

    Sequence lengths and initial states are inputs of the graph where asked for.
    """
    directions = arrays["W"].shape[0]
    peepholes = "P" in arrays
    names = ["X", "W", "R", "B" if "B" in arrays else ""]
    names += ["lengths" if lengths else "", *(f"{s}0" if s in states else "" for s in "hc")]
    names += ["P" if peepholes else ""]
    if kind != "LSTM":
        names = names[:6]
    outputs = ["Y", "Y_h", "Y_c"][: 3 if kind == "LSTM" else 2]
    attributes = {"hidden_size": UNITS, **options}
    if directions == 2:
        attributes["direction"] = "bidirectional"
    if layout:
        attributes["layout"] = 1
    while names and not names[-1]:
        names.pop()
    wants = wants or outputs
    node = helper.make_node(kind, names, [n if n in wants else "" for n in outputs], **attributes)
    sequence = ("n", "t", FEATURES) if layout else ("t", "n", FEATURES)
    state = ("n", directions, UNITS) if layout else (directions, "n", UNITS)
    inputs = [("X", sequence), *((f"{s}0", state) for s in "hc" if s in states)]
    if lengths:
        inputs.append(tensor("lengths", ("n",), TensorProto.INT32))
    whole = ("n", "t", directions, UNITS) if layout else ("t", directions, "n", UNITS)
    shapes = {"Y": whole, "Y_h": state, "Y_c": state}
    return model([node], inputs, [(n, shapes[n]) for n in wants], arrays, opset=opset)


def feeds(rng, directions=1, *, lengths=False, states=()):
    """Inputs of `single` with layout 0."""
    made = {"X": rng.normal(size=(STEPS, SAMPLES, FEATURES)).astype(np.float32)}
    for s in states:
        made[f"{s}0"] = rng.normal(size=(directions, SAMPLES, UNITS)).astype(np.float32)
    if lengths:
        made["lengths"] = np.array([6, 1, 3, 5, 2], dtype=np.int32)
    return made
