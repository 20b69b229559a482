"""Live Keras 3 models: the configuration and the arrays, copied as they are now."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Protocol, TypeGuard, cast

import numpy as np

from rnnlens.errors import UnsupportedModel
from rnnlens.network.network import Network, Origin
from rnnlens.readers.keras.layers.spec import keras_version_of
from rnnlens.readers.keras.partial.whole import WholeModel
from rnnlens.readers.options import ReadOptions
from rnnlens.readers.variables import StoredVariable, VariableStore, check_count

__all__ = ["TAKES", "LiveModel", "match", "read"]

#: The options of `read` that a live model takes.
TAKES = frozenset({"same_as", "until"})


class LiveVariable(Protocol):
    """What is asked of a variable of Keras 3."""

    def numpy(self) -> np.ndarray:
        """Give its values."""
        ...


class LiveLayer(Protocol):
    """What is asked of a layer of Keras 3."""

    name: str
    weights: Sequence[LiveVariable]


class LiveStack(LiveLayer, Protocol):
    """What is asked of a stack of cells."""

    cells: Sequence[LiveLayer]


class LiveEntry(Protocol):
    """What is asked of an input of a model of Keras 3."""

    shape: tuple[int | None, ...]


class LiveModel(LiveLayer, Protocol):
    """What is asked of a model of Keras 3."""

    built: bool
    layers: Sequence[LiveLayer]
    inputs: Sequence[LiveEntry]

    def predict(self, x: object, *, batch_size: int | None = None, verbose: int) -> object:
        """Run it."""
        ...


def match(source: object) -> TypeGuard[LiveModel]:
    """Tell whether an object is a Keras 3 model, without importing Keras."""
    keras = sys.modules.get("keras")
    model = getattr(keras, "Model", None)
    version = str(getattr(keras, "__version__", ""))
    return isinstance(model, type) and isinstance(source, model) and version.startswith("3.")


def read(source: LiveModel, options: ReadOptions | None = None) -> Network:
    """Read a live Keras 3 model."""
    keras = sys.modules["keras"]
    if not source.built:
        raise UnsupportedModel(
            f"the model {source.name!r} is not built: it has no weights yet; call it on data or "
            "give it an Input layer"
        )
    try:
        entry = json.loads(json.dumps(keras.saving.serialize_keras_object(source)))
    except (NotImplementedError, TypeError, ValueError) as error:
        raise UnsupportedModel(
            f"the model {source.name!r} cannot say how it is built; rnnlens reads Sequential and "
            "functional models of Keras's own layers"
        ) from error
    version = str(keras.__version__)
    origin = Origin("live Keras 3 model", version)
    model = WholeModel(entry, _LiveVariables(source), keras_version_of(version), origin, tuple)
    return model.read(options or ReadOptions())


class _LiveVariables(VariableStore):
    """A live layer or model."""

    def __init__(self, layer: LiveLayer) -> None:
        self.layer = layer

    def variables(self, roles: Sequence[str], optional: int = 0) -> list[StoredVariable]:
        variables = list(self.layer.weights)
        check_count(len(variables), roles, optional, f"layer {self.layer.name!r}")
        arrays = [_widened(np.asarray(variable.numpy())) for variable in variables]
        return [
            StoredVariable(role, "", array.shape, array.dtype, lambda array=array: array)
            for role, array in zip(roles, arrays, strict=False)
        ]

    def sublayer(self, attribute: str) -> VariableStore:
        return _LiveVariables(getattr(self.layer, attribute))

    def part(self, attribute: str, name: str) -> VariableStore:
        return self.sublayer(f"_{attribute}")

    def layers(self, entries: Sequence[tuple[str, str]]) -> dict[str, VariableStore]:
        return self._named(cast("LiveModel", self.layer).layers, entries)

    def cells(
        self, entries: Sequence[tuple[str, str]], arrays: Sequence[int]
    ) -> dict[str, VariableStore]:
        return self._named(cast("LiveStack", self.layer).cells, entries)

    @staticmethod
    def _named(
        within: Sequence[LiveLayer], entries: Sequence[tuple[str, str]]
    ) -> dict[str, VariableStore]:
        live = {layer.name: layer for layer in within}
        return {name: _LiveVariables(live[name]) for _, name in entries if name in live}


def _widened(values: np.ndarray) -> np.ndarray:
    """Give bfloat16 numbers, which NumPy alone does not know, as the float32 that each is."""
    return values.astype(np.float32) if values.dtype.name == "bfloat16" else values
