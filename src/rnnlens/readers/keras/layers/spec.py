"""What a builder of layers is given: name, options, weights and what the version means."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.network.activations import Activation
from rnnlens.network.cells import FloatArray
from rnnlens.network.json_values import JsonObject
from rnnlens.network.layers import Layer
from rnnlens.network.network import Source
from rnnlens.readers.keras.layers.activations import activation_of
from rnnlens.readers.keras.layers.options import LayerOptions
from rnnlens.readers.variables import Shape, VariableStore, load

__all__ = [
    "BuiltLayer",
    "KerasVersion",
    "LayerSpec",
    "Variable",
    "class_of",
    "keras_version_of",
    "spec_of",
]


class BuiltLayer(NamedTuple):
    """A layer with the places its arrays came from."""

    layer: Layer
    sources: dict[str, Source]


@dataclass(frozen=True)
class KerasVersion:
    """What a version of Keras means by the same words."""

    #: As the file states it.
    number: str
    #: Keras 1, multi-backend Keras 2, the Keras within TensorFlow 2, or Keras 3.
    generation: Literal["Keras 1", "Keras 2", "tf.keras", "Keras 3"]
    #: Whether Theano computed it, which turns the kernels of convolutions round.
    theano: bool = False
    #: Whether the file states the number; it is the oldest that may be meant where not.
    stated: bool = True

    @property
    def hard_slope(self) -> float:
        """The slope of ``hard_sigmoid``: 0.2 until Keras 3 made it 1/6."""
        return 1 / 6 if self.generation == "Keras 3" else 0.2

    @property
    def merges_masks(self) -> Literal["newest", "all", "lost"]:
        """How merges make one mask: as Keras 3.4, as Keras 2, or not at all (3.0 to 3.3)."""
        if self.generation != "Keras 3":
            return "all"
        minor = re.match(r"3\.(\d+)", self.number)
        return "newest" if minor and int(minor[1]) >= 4 else "lost"

    @property
    def zeroes_masked_outputs(self) -> bool:
        """Whether Bidirectional gives zero at masked steps (tf.keras and Keras 3 do)."""
        return self.generation not in {"Keras 1", "Keras 2"}


def keras_version_of(version: str) -> KerasVersion:
    """Tell what a version of Keras means from its number, as a file states it.

    Examples
    --------
    >>> keras_version_of("2.2.4-tf").generation, keras_version_of("2.2.4").generation
    ('tf.keras', 'Keras 2')
    """
    match = re.match(r"(\d+)\.(\d+)", version)
    if not match:
        raise UnreadableFile(
            f"the file states the Keras version {version!r}, which is not a version number: the "
            "meaning of its options cannot be told; save the model again"
        )
    major, minor = int(match[1]), int(match[2])
    if major == 1:
        return KerasVersion(version, "Keras 1")
    if major == 2:
        tensorflow = version.endswith("-tf") or minor >= 4
        return KerasVersion(version, "tf.keras" if tensorflow else "Keras 2")
    if major == 3:
        return KerasVersion(version, "Keras 3")
    raise UnsupportedModel(
        f"the model was written by Keras {version}; rnnlens reads Keras 1 to 3 and tf.keras"
    )


@dataclass(frozen=True, eq=False)
class Variable:
    """One array of a layer with its place."""

    #: Our own copy, in the source's dtype.
    values: FloatArray
    source: Source


@dataclass(frozen=True, eq=False)
class LayerSpec:
    """One layer as a reader found it."""

    #: The layer's full name, such as ``"encoder.lstm"``.
    name: str
    #: The same in the source's words, ``"encoder/lstm"``.
    path: str
    #: The source's class.
    kind: str
    options: LayerOptions
    store: VariableStore
    #: What the version means.
    keras_version: KerasVersion
    #: The shape that the layer was built for, batch axis first, where the file states it.
    build_shape: tuple[int | None, ...] | None = None
    #: Whether the store is that of a recurrent layer's cell, not of the layer.
    of_cell: bool = False

    def refuse(self, what: str) -> UnsupportedModel:
        """Give the error that says what of this layer is not implemented."""
        return UnsupportedModel(f"layer {self.name!r} ({self.kind}): {what}")

    def variables(self, shapes: Mapping[str, Shape], optional: int = 0) -> dict[str, Variable]:
        """Read the layer's own variables."""
        stored = self.store.variables(list(shapes), optional)
        return {
            item.role: Variable(
                load(item, shapes[item.role], self.name),
                Source(item.text or f"{self.path}/{item.role}", item.stored_at),
            )
            for item in stored
        }

    def activation(self, option: str = "activation", default: str = "linear") -> Activation:
        """Read an option that is an activation."""
        self.options.take(option, default)
        return activation_of(
            self.options.values.get(option, default),
            layer=self.options.layer,
            option=option,
            hard_slope=self.keras_version.hard_slope,
        )


def class_of(entry: JsonObject) -> str:
    """Give the class of a serialised layer, once it is sure that it is Keras's own."""
    kind = str(entry["class_name"])
    module = entry.get("module")
    registered = entry.get("registered_name")
    roots = {"keras", "tf_keras", "tensorflow"}
    foreign = module is not None and str(module).split(".", maxsplit=1)[0] not in roots
    if foreign or ">" in kind or (registered and ">" in str(registered)):
        name = entry.get("name") or entry.get("config", {}).get("name")
        which = f"layer {name!r}" if name else "the model"
        plain = kind.rsplit(">", 1)[-1]
        said_so = (
            "; if it computes what a class of Keras does, say so with same_as="
            f"{{{plain!r}: 'LSTM'}} (--same-as {plain}=LSTM)"
        )
        raise UnsupportedModel(
            f"{which} is of the class {kind!r}, which is not Keras's own"
            + (f" (it comes from {module!r})" if foreign else "")
            + ": what it computes is in Python code that the file does not hold"
            + (said_so if name else "")
        )
    return kind


def spec_of(
    entry: JsonObject,
    *,
    name: str,
    path: str,
    store: VariableStore,
    keras_version: KerasVersion,
) -> LayerSpec:
    """Make the spec of a serialised layer."""
    kind = class_of(entry)
    config = entry["config"]
    built = entry.get("build_config") or {}
    shape = built.get("input_shape") if isinstance(built, Mapping) else None
    plain = isinstance(shape, Sequence) and all(side is None or type(side) is int for side in shape)
    options = LayerOptions(f"{name!r} ({kind})", config)
    options.check_weights()
    return LayerSpec(
        name,
        path,
        kind,
        options,
        store,
        keras_version,
        tuple(shape) if plain and shape else None,
    )
