"""What is read, as data: for every format and option a way to make the smallest case of it.

Each cell of the matrix is a `Compared`, which makes a source, an input and the outputs that the
source's own library gives for it; a `Refused`, with the sentence; or an `Absent`, with the reason
why there is nothing to test. `run` takes a cell and says which of the three it is, once it holds.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from refused.registry import REFUSALS
from rnnlens.engine.forward import predict
from rnnlens.errors import InputError
from rnnlens.readers.open import read
from rnnlens.readers.options import ReadOptions
from support_models import (
    KERAS,
    KERAS_REFUSED,
    MODULES,
    MODULES_REFUSED,
    ONNX_NODES,
    STATES,
    made,
)

__all__ = ["CELLS", "FORMATS", "ROWS", "Absent", "Compared", "Refused", "Source", "run", "versions"]

#: float32 keeps 6e-8 of a number and a few layers add up some; a wrong gate moves outputs by 1e-2.
TOLERANCE = 1e-5


#: Formats in which a word may mean what it meant before Keras 3.
OLD = {"tf_keras", "keras_2", "keras_2_json", "keras_1"}

#: Rows that are graphs of the zoo, by the name of the graph there.
DRAWN = {
    "told_code": "one feature by lambda",
    "cells": "convolution before the cells",
    "cell_stack": "cells in a stack",
    "residual": "residual by plus",
    "softmax_pool": "softmax pooling",
    "additive": "additive attention",
    "heads": "multi head self attention",
    "statics": "statics by repeated axis",
    "static_states": "statics as first states",
    "statics_behind": "statics behind the state",
    "handed_over": "encoder hands its states over",
    "repeated": "encoder and repeat vector",
    "by_itself": "three steps ahead by themselves",
    "quantiles": "quantiles that never cross",
    "own_scale": "window scaled by itself",
    "step_model": "model on every step",
    "masked_pool": "attention over the real steps",
}


@dataclass(frozen=True)
class Source:
    """A model, inputs for it, and what its own library gives for them."""

    model: Any
    inputs: list[np.ndarray] = field(default_factory=list)
    outputs: list[np.ndarray] = field(default_factory=list)
    options: Mapping[str, Any] = field(default_factory=dict)
    #: How far its library's own rounding may move outputs, as a part of the largest.
    coarse: float = 0.0


@dataclass(frozen=True)
class Compared:
    """A cell that is read, and compared."""

    make: Callable[[Path], Source]


@dataclass(frozen=True)
class Refused:
    """A cell that is refused, with the sentence."""

    make: Callable[[Path], Source]
    sentence: str


@dataclass(frozen=True)
class Absent:
    """A cell with nothing to test, and why."""

    why: str


Cell = Compared | Refused | Absent


@dataclass(frozen=True)
class Format:
    """A format: its short name in the table, who wrote it, and what ran the source."""

    name: str
    written: str
    runs: str


FORMATS: dict[str, Format] = {
    "keras": Format("Keras 3 `.keras`", "by {keras}", "{keras}"),
    "keras_h5": Format("Keras 3 HDF5", "by {keras}", "{keras}"),
    "keras_live": Format("Keras 3, live", "in memory, by {keras}", "{keras}"),
    "keras_json": Format(
        "Keras 3 JSON + weights", "architecture and `.weights.h5`, by {keras}", "{keras}"
    ),
    "tf_keras": Format("tf.keras HDF5", "in the words of tf.keras 2.15.0", "{keras}, same arrays"),
    "keras_2": Format("Keras 2 HDF5", "in the words of Keras 2.3.1", "{keras}, same arrays"),
    "keras_2_json": Format(
        "Keras 2 JSON + weights",
        "architecture and weights in the words of Keras 2.2.2",
        "{keras}, same arrays",
    ),
    "keras_1": Format("Keras 1 HDF5", "in the words of Keras 1.2.2", "{keras}, same arrays"),
    "torch_zip": Format("PyTorch state dict", "by {torch}", "{torch}"),
    "torch_old": Format(
        "PyTorch state dict, old", "by {torch}, in the container before 1.6", "{torch}"
    ),
    "safetensors": Format("safetensors", "from its specification", "{torch}"),
    "torch_live": Format("PyTorch, live", "in memory, by {torch}", "{torch}"),
    "onnx": Format("ONNX", "by rnnlens, or node by node with {onnx}", "{onnxruntime}"),
    "npz": Format("rnnlens `.npz`", "by rnnlens", "what ran the network it was written from"),
}

ROWS: dict[str, str] = {
    "lstm": "LSTM",
    "gru_after": "GRU, reset after the product",
    "gru_before": "GRU, reset before the product",
    "rnn_tanh": "SimpleRNN, tanh",
    "rnn_relu": "SimpleRNN, relu",
    "bidirectional": "both directions",
    "stacked": "stacked",
    "backwards": "reading backwards",
    "states": "states given and taken",
    "masking": "masked steps or lengths",
    "embedding": "embedding",
    "hard_sigmoid": "gates of hard sigmoid",
    "peepholes": "peepholes",
    "projection": "projected hidden state",
    "two_biases": "two biases a gate",
    "conv": "Conv1D",
    "pooling": "pooling",
    "batch_norm": "batch normalisation",
    "layer_norm": "layer normalisation",
    "each_step": "a head at every step",
    "inputs": "several inputs",
    "outputs": "several outputs",
    "nested": "nested models",
    "attention": "attention",
    "conv_lstm": "ConvLSTM",
    "code": "Python code (Lambda)",
    "told_code": "Lambda that is a slice or a sum",
    "own_class": "a class of one's own that changes nothing",
    "cells": "cells given apart",
    "cell_stack": "a stack of cells",
    "residual": "a residual, as an operation",
    "softmax_pool": "softmax pooling, as operations",
    "additive": "additive attention",
    "heads": "attention of several heads",
    "statics": "statics repeated over the steps",
    "static_states": "statics as first states",
    "statics_behind": "statics behind the state",
    "handed_over": "a decoder with the encoder's states",
    "repeated": "a decoder of the repeated state",
    "by_itself": "a forecast fed back, step by step",
    "quantiles": "quantiles that never cross",
    "own_scale": "a window scaled by itself",
    "step_model": "a model at every step",
    "masked_pool": "attention over masked steps",
    "hand_lstm": "an LSTM written by hand",
    "hand_gru": "a GRU written by hand, reset before",
    "hand_ea": "an EA-LSTM written by hand",
    "hand_norm": "a layer-normalised LSTM written by hand",
    "hand_decoder": "a decoder written by hand",
}

#: Rows of cells that are written by hand: the module's class in `handwritten_cells`.
HAND = {
    "hand_lstm": "PackedIFGO",
    "hand_gru": "GRUBefore",
    "hand_ea": "EntityAware",
    "hand_norm": "LayerNormed",
    "hand_decoder": "HandDecoder",
}


def run(cell: Cell, folder: Path) -> str:
    """Require that a cell is what it says, and give its status as the table has it."""
    if isinstance(cell, Absent):
        return "-"
    source = cell.make(folder)
    if isinstance(cell, Refused):
        try:
            read(source.model, ReadOptions(**source.options))
        except InputError as error:
            said = str(error)
            if isinstance(source.model, Path):  # wherever it lies
                said = said.replace(str(source.model), source.model.name)
            if said != cell.sentence:
                raise AssertionError(f"refused with {said!r}") from error
            return "refused"
        raise AssertionError("it was read")
    network = read(source.model, ReadOptions(**source.options))
    ours = predict(network, dict(zip(network.inputs, source.inputs, strict=True)))
    many = ours if isinstance(ours, tuple) else (ours,)
    for mine, theirs in zip(many, source.outputs, strict=True):
        assert mine.shape == theirs.shape
        size = max(1.0, float(np.abs(theirs).max()))
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=max(TOLERANCE, source.coarse) * size)
    return "tested"


def versions() -> dict[str, str]:
    """Give the libraries that ran the sources, by name."""
    import keras
    import onnx
    import onnxruntime
    import torch

    return {
        "keras": f"Keras {keras.__version__}",
        "torch": f"PyTorch {torch.__version__.split('+')[0]}",
        "onnx": f"onnx {onnx.__version__}",
        "onnxruntime": f"onnxruntime {onnxruntime.__version__}",
    }


# --- sources -----------------------------------------------------------------------------------


def _keras(row: str, form: str) -> Cell:
    return Compared(lambda folder: _keras_source(row, form, folder))


def _keras_source(row: str, form: str, folder: Path) -> Source:
    case = made(row, old=row == "hard_sigmoid" and form in OLD)
    source, options = _written(case.model, form, folder)
    return Source(source, list(case.inputs), case.outputs, options)


def _cudnn_source(form: str, folder: Path) -> Source:
    from old_keras import on_cudnn

    case = made("lstm")
    source, options = _written(case.model, form, folder)
    return Source(
        on_cudnn(source, options.get("architecture")), list(case.inputs), case.outputs, options
    )


def _written(model: Any, form: str, folder: Path) -> tuple[Any, dict[str, Any]]:
    from keras_models import saved
    from old_keras import as_keras_1, as_keras_2, parts_of_keras_2
    from rnnlens.writers import native as npz_file
    from rnnlens.writers.onnx import file as onnx_file

    path = folder / "model"
    beside = {"architecture": folder / "architecture.json"}
    match form:
        case "keras":
            return saved(model, folder), {}
        case "keras_h5":
            return saved(model, folder, "h5"), {}
        case "keras_json":
            beside["architecture"].write_text(model.to_json())
            model.save_weights(folder / "model.weights.h5")
            return folder / "model.weights.h5", beside
        case "tf_keras":
            return as_keras_2(model, path, version="2.15.0"), {}
        case "keras_2":
            return as_keras_2(model, path, version="2.3.1"), {}
        case "keras_2_json":
            return parts_of_keras_2(model, folder, version="2.2.2"), beside
        case "keras_1":
            return as_keras_1(model, path), {}
        case "onnx" | "npz":
            writer = onnx_file if form == "onnx" else npz_file
            path.write_bytes(writer.write(read(model)).data)
            return path, {}
    return model, {}


def _drawn_source(row: str, form: str, folder: Path) -> Source:
    """A graph of the zoo, in one of the forms in which Keras 3 keeps it."""
    from keras_models import outputs_of
    from keras_zoo import drawn

    case = drawn(DRAWN[row])
    inputs = list(case.inputs.values())
    source, options = _written(case.model, form, folder)
    return Source(source, inputs, outputs_of(case.model, inputs), options)


def _own_class_source(form: str, folder: Path) -> Source:
    """A model whose recurrent layer is of a class of the user's."""
    import keras

    from keras_models import outputs_of, scrambled, sequence

    @keras.saving.register_keras_serializable(package="mine")
    class Memory(keras.layers.LSTM):
        """A layer that changes nothing."""

    model = scrambled(keras.Sequential([keras.Input((6, 3)), Memory(4, name="memory")]))
    windows = sequence(np.random.default_rng(4))
    source, options = _written(model, form, folder)
    told = {**options, "same_as": {"Memory": "LSTM"}}
    return Source(source, [windows], outputs_of(model, windows), told)


def _onnx_source(row: str, folder: Path) -> Source:
    """A file written from a Keras model, or of one node, run by onnxruntime."""
    from onnx_models import saved
    from rnnlens.readers.run import source_outputs

    if row in ONNX_NODES:
        graph, inputs = ONNX_NODES[row]()
        path = saved(graph, folder)
    else:
        case = made(row)
        path, inputs = _written(case.model, "onnx", folder)[0], list(case.inputs)
    ran = source_outputs(path, dict(zip(read(path).inputs, inputs, strict=True)))
    assert ran is not None
    return Source(path, inputs, ran[0])


def _npz_of(source: Source, folder: Path) -> Source:
    """Write what another cell reads, and keep its outputs."""
    from rnnlens.writers import native as npz_file

    path = folder / "network.npz"
    path.write_bytes(npz_file.write(read(source.model, ReadOptions(**source.options))).data)
    return Source(path, source.inputs, source.outputs)


def _live_source(row: str) -> Source:
    import torch

    module, inputs = MODULES[row]()
    with torch.no_grad():
        outputs = module(*map(torch.as_tensor, inputs))
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    return Source(module, inputs, [each.numpy() for each in outputs], {"example": tuple(inputs)})


def _state_source(row: str, container: str, folder: Path) -> Source:
    import torch

    from torch_models import saved

    module, inputs, options = STATES[row]()
    with torch.no_grad():
        outputs = module(*map(torch.as_tensor, inputs))
    outputs = [each.numpy() for each in (outputs if isinstance(outputs, tuple) else (outputs,))]
    return Source(saved(module.state_dict(), folder, container), inputs, outputs, options)


# --- the matrix --------------------------------------------------------------------------------

NO_PEEPHOLES = Absent("Keras has no peepholes")
NO_PROJECTION = Absent("Keras does not project hidden states")
ONE_BIAS = Absent("Its LSTM has one bias a gate")
HOW_CALLED = Absent(
    "A state dict does not say how its layers are called, and no statement of them says this"
)
FIXED = Absent("PyTorch's layers have fixed gates")
ONLY_READ = Absent("It holds networks that were read")
ELSEWHERE = Absent("Where its library has the like, tests of that reader's own read it")


def _sentence(case: str) -> str:
    """Give the sentence of a case, without the class of the error."""
    return REFUSALS[f"Rows of the table of support: {case}"].partition(": ")[2]


def _keras_column(form: str) -> dict[str, Cell]:
    column: dict[str, Cell] = {row: _keras(row, form) for row in KERAS}
    column |= {
        row: Refused(
            lambda folder, make=make, form=form: Source(*_refused(make(), form, folder)),
            _sentence(f"{row} in Keras"),
        )
        for row, make in KERAS_REFUSED.items()
    }
    if form not in OLD:
        column |= {
            row: Compared(lambda folder, row=row: _drawn_source(row, form, folder)) for row in DRAWN
        }
        column["own_class"] = Compared(lambda folder: _own_class_source(form, folder))
    return {
        **dict.fromkeys((*DRAWN, "own_class"), ELSEWHERE),
        **column,
        "peepholes": NO_PEEPHOLES,
        "projection": NO_PROJECTION,
        "two_biases": ONE_BIAS,
    }


def _refused(model: Any, form: str, folder: Path) -> tuple[Any, list, list, dict[str, Any]]:
    source, options = _written(model, form, folder)
    return source, [], [], options


def _keras_2_column(form: str) -> dict[str, Cell]:
    """Keras 2 and tf.keras have layers of CuDNN; tf.keras alone has the newer layers."""
    column = _keras_column(form)
    column["two_biases"] = Compared(lambda folder: _cudnn_source(form, folder))
    later = () if form == "tf_keras" else ("layer_norm", "attention")
    return {
        **column,
        **dict.fromkeys(later, Absent("Keras 2 without TensorFlow has no such layer")),
    }


def _keras_1_column() -> dict[str, Cell]:
    missing = {
        "gru_after": "Keras 1 resets before the product",
        "states": "Layers of Keras 1 neither take states from others nor give them",
        "layer_norm": "Keras 1 has no such layer",
        "attention": "Keras 1 has no such layer",
    }
    return _keras_column("keras_1") | {row: Absent(why) for row, why in missing.items()}


def _state_column(container: str) -> dict[str, Cell]:
    column: dict[str, Cell] = {
        row: Compared(lambda folder, row=row: _state_source(row, container, folder))
        for row in STATES
    }
    return {
        **dict.fromkeys(ROWS, HOW_CALLED),
        "gru_before": Absent("PyTorch resets after the product"),
        "hard_sigmoid": FIXED,
        "peepholes": FIXED,
        "conv_lstm": Absent("PyTorch has no such layer"),
        **column,
    }


def _live_column() -> dict[str, Cell]:
    column: dict[str, Cell] = {
        row: Compared(lambda _, row=row: _live_source(row)) for row in MODULES
    }
    refused = {
        row: Refused(
            lambda _, make=make, given=given: Source(make(), options={"example": given}),
            _sentence(f"{row} in PyTorch"),
        )
        for row, (make, given) in MODULES_REFUSED.items()
    }
    return {
        **dict.fromkeys((*DRAWN, "own_class"), ELSEWHERE),
        "gru_before": Absent("PyTorch resets after the product"),
        "hard_sigmoid": FIXED,
        "peepholes": FIXED,
        "conv_lstm": Absent("PyTorch has no such layer"),
        "code": Absent("Forward code is followed, operation by operation"),
        **column,
        **refused,
    }


def _onnx_column() -> dict[str, Cell]:
    rows = set(KERAS) | set(ONNX_NODES)
    column: dict[str, Cell] = {
        row: Compared(lambda folder, row=row: _onnx_source(row, folder)) for row in sorted(rows)
    }
    return {
        **dict.fromkeys((*DRAWN, "own_class"), ELSEWHERE),
        **column,
        "projection": Absent("ONNX does not project hidden states"),
        "conv_lstm": Absent("ONNX has no such operator"),
        "code": Absent("ONNX holds operators alone"),
    }


def _npz_column() -> dict[str, Cell]:
    column: dict[str, Cell] = {row: _keras(row, "npz") for row in KERAS}
    column["peepholes"] = Compared(
        lambda folder: _npz_of(_onnx_source("peepholes", folder), folder)
    )
    for row in ("projection", "two_biases"):
        column[row] = Compared(lambda folder, row=row: _npz_of(_live_source(row), folder))
    only_read = ("attention", "conv_lstm", "code", "own_class")
    return {**dict.fromkeys(DRAWN, ELSEWHERE), **column, **dict.fromkeys(only_read, ONLY_READ)}


_COLUMNS: dict[str, dict[str, Cell]] = {
    **{
        form: _keras_column(form)
        for form in FORMATS
        if form.startswith("keras") and form not in OLD
    },
    **{form: _keras_2_column(form) for form in ("tf_keras", "keras_2", "keras_2_json")},
    "keras_1": _keras_1_column(),
    **{form: _state_column(form.removeprefix("torch_")) for form in ("torch_zip", "torch_old")},
    "safetensors": _state_column("safetensors"),
    "torch_live": _live_column(),
    "onnx": _onnx_column(),
    "npz": _npz_column(),
}


def _hand_source(row: str, form: str, folder: Path) -> Source:
    """A module with a loop over a cell of its own, live or as ONNX holds it."""
    import torch

    import handwritten_cells

    module = getattr(handwritten_cells, HAND[row])().eval()
    shapes = [(3, 4, handwritten_cells.FEATURES)]
    shapes += [(3, handwritten_cells.STATIC)] if row == "hand_ea" else []
    inputs = [np.random.default_rng(5).normal(size=shape).astype("f4") for shape in shapes]
    tensors = tuple(map(torch.from_numpy, inputs))
    outputs = [module(*tensors).detach().numpy()]
    live = Source(module, inputs, outputs, {"example": tuple(inputs)})
    if form == "torch_live":
        return live
    if form == "npz":
        return _npz_of(live, folder)
    names, path = ["x", "z"][: len(inputs)], folder / "hand.onnx"
    axes = {name: {0: "n"} for name in names}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, tensors, path, dynamo=False, input_names=names, dynamic_axes=axes)
    return Source(path, inputs, outputs)


WRITTEN = Absent("Written by hand in the forward code of PyTorch")

for _form, _column in _COLUMNS.items():
    for _row in HAND:
        _column[_row] = (
            Compared(lambda folder, row=_row, form=_form: _hand_source(row, form, folder))
            if _form in {"torch_live", "onnx", "npz"}
            else WRITTEN
        )

#: Every cell, by format and row.
CELLS: dict[tuple[str, str], Cell] = {
    (form, row): _COLUMNS[form][row] for row in ROWS for form in FORMATS
}
