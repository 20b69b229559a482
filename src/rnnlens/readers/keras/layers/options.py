"""A layer's options as Keras states them: read, or inert, or refused; never ignored.

The one rule. A builder reads the options that it implements. Options that act only in training or
only say how fast to compute are inert (`INERT`, `INERT_ENDINGS` and what the builder names). Any
other option is refused, with the layer and the option named, unless its value is ``None``,
``False``, ``0`` or empty: in every version of Keras these switch an option off.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.network.json_values import Json, JsonObject

__all__ = ["BFLOAT16", "HALF", "INERT", "INERT_ENDINGS", "LayerOptions", "revive"]

#: Options that change nothing when a trained network predicts.
INERT = frozenset({
    "name",
    "trainable",
    "dtype",
    "activity_regularizer",
    "batch_input_shape",
    "batch_shape",
    "input_shape",
    "input_dtype",
    "batch_size",
    "seed",
    "autocast",
    "weights",
})

#: Options with these endings act in training alone.
INERT_ENDINGS = ("_initializer", "_regularizer", "_constraint")


#: Policies under which a layer computes in half precision.
BFLOAT16 = frozenset({"bfloat16", "mixed_bfloat16"})
HALF = frozenset({"float16", "mixed_float16"}) | BFLOAT16

#: Every policy of a layer that is not quantized; integers are those of tokens.
PRECISIONS = frozenset({*HALF, "float32", "float64", "int32", "int64", "uint8", "bool"})


def revive(value: Json) -> Json:
    """Turn the forms in which Keras writes tuples and arrays into JSON back into plain values."""
    if isinstance(value, Mapping):
        kind = value.get("class_name")
        if kind == "__tuple__":
            return [revive(item) for item in value.get("items", [])]
        if kind in {"__numpy__", "__tensor__"}:
            return revive(value.get("config", {}).get("value"))
        if kind == "TensorShape":
            return revive(value.get("items", []))
        if value.get("type") == "ndarray":
            return revive(value.get("value"))
    if isinstance(value, (list, tuple)):
        return [revive(item) for item in value]
    return value


class LayerOptions:
    """The options of one layer.

    Parameters
    ----------
    layer : str
        The layer in words, such as ``"'lstm_1' (LSTM)"``.
    values : mapping
        Its configuration.
    """

    def __init__(self, layer: str, values: JsonObject) -> None:
        self.layer = layer
        self.values = values
        self._read: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def take(self, key: str, default: Json = ...) -> Json:
        """Give an option."""
        self._read.add(key)
        value = self.values.get(key, default)
        if value is ...:
            raise UnreadableFile(
                f"layer {self.layer}: its configuration lacks {key!r}; the file is damaged or was "
                "written by a version of Keras that rnnlens does not know"
            )
        return revive(value)

    def flag(self, key: str, default: bool = False) -> bool:
        """Give an option that is true or false."""
        value = self.take(key, default)
        if not isinstance(value, (bool, int)) or value not in {0, 1}:
            raise self.wrong(key, "true or false")
        return bool(value)

    def integer(self, key: str, default: Json = ...) -> int:
        """Give an option that is one whole number; Keras may write it as a list of one."""
        value = self.take(key, default)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong(key, "a whole number")
        return value

    def size(self, key: str, default: Json = ...) -> int:
        """Give an option that is a whole number of at least 1."""
        value = self.integer(key, default)
        if value < 1:
            raise self.wrong(key, "a whole number of at least 1")
        return value

    def number(self, key: str, default: Json = ...) -> float:
        """Give an option that is a number."""
        value = self.take(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.wrong(key, "a number")
        return float(value)

    def integers(self, key: str) -> tuple[int, ...]:
        """Give an option that is a whole number or several."""
        value = self.take(key)
        listed = value if isinstance(value, list) else [value]
        if any(isinstance(item, bool) or not isinstance(item, int) for item in listed):
            raise self.wrong(key, "whole numbers")
        return tuple(listed)

    def choice(self, key: str, known: Sequence[str | None], default: Json = ...) -> Json:
        """Give an option that is one of a few words."""
        value = self.take(key, default)
        if value not in known:
            words = ", ".join(map(repr, known))
            raise UnsupportedModel(
                f"layer {self.layer}: the option {key} = {value!r} is not implemented; rnnlens "
                f"implements {words}"
            )
        return value

    def wrong(self, key: str, wanted: str) -> UnreadableFile:
        """Give the error for an option of the wrong type."""
        return UnreadableFile(
            f"layer {self.layer}: the option {key} must be {wanted}, not {self.values.get(key)!r}"
        )

    def finish(self, inert: Iterable[str] = ()) -> None:
        """Refuse every option that was neither read nor known to be inert."""
        known = self._read | INERT | set(inert)
        for key, value in self.values.items():
            switched_off = value is None or value is False or value in (0, "", [], {}, ())
            if key in known or key.endswith(INERT_ENDINGS) or switched_off:
                continue
            raise UnsupportedModel(
                f"layer {self.layer}: the option {key} = {_short(value)} is not implemented, and "
                "rnnlens does not ignore options; build the layer without it"
            )

    @property
    def precision(self) -> str:
        """The dtype policy by name, such as ``"float32"`` or ``"mixed_float16"``."""
        policy = self.values.get("dtype") or "float32"
        if isinstance(policy, Mapping):
            policy = policy.get("config", {}).get("name")
        return str(policy)

    def check_weights(self) -> None:
        """Refuse the options by which the arrays are not the layer's plain weights."""
        for key in ("lora_rank", "quantization_config"):
            if self.values.get(key):
                raise UnsupportedModel(
                    f"layer {self.layer}: the option {key} = {_short(self.values[key])} is not "
                    "implemented: rnnlens reads plain weights; merge or leave out the adapters "
                    "and the quantization, and save the model again"
                )
        policy = self.values.get("dtype")
        kind = str(policy.get("class_name")) if isinstance(policy, Mapping) else "DTypePolicy"
        if self.precision not in PRECISIONS or kind not in {"DTypePolicy", "Policy"}:
            raise UnsupportedModel(
                f"layer {self.layer}: the dtype policy {self.precision!r} is not implemented: "
                "rnnlens reads models that are not quantized"
            )


def _short(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
