"""Keras's ways of naming an activation, turned into an `Activation`."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from rnnlens.errors import UnsupportedModel
from rnnlens.network.activations import ACTIVATIONS, Activation
from rnnlens.network.json_values import Json
from rnnlens.readers.keras.layers.options import LayerOptions

__all__ = ["ACTIVATION_LAYERS", "activation_of", "activation_of_layer"]

#: Other names of the same function.
ALIASES = {"swish": "silu", "hard_swish": "hard_silu"}

#: Functions that are a known one with parameters: keras/src/activations/activations.py.
PRESETS = {
    "relu6": ("relu", {"max_value": 6.0}),
    "leaky_relu": ("relu", {"negative_slope": 0.2}),
}

#: Layers that are an activation function and nothing else.
ACTIVATION_LAYERS = ("Activation", "ReLU", "LeakyReLU", "ELU", "Softmax", "ThresholdedReLU")

#: Functions that Keras cannot call by name alone.
NEED_ARGUMENTS = frozenset({"threshold"})


def activation_of(value: Json, *, layer: str, option: str, hard_slope: float) -> Activation:
    """Turn the value of an option into an activation.

    Examples
    --------
    >>> str(activation_of("relu6", layer="'d' (Dense)", option="activation", hard_slope=0.2))
    'relu(max_value=6)'
    """
    if value is None:
        return Activation("linear")
    if isinstance(value, Mapping):
        return _from_object(value, layer=layer, option=option, hard_slope=hard_slope)
    if isinstance(value, str):
        name = ALIASES.get(value, value)
        if name == "hard_sigmoid":
            return Activation(name, {"slope": hard_slope})
        if name in PRESETS:
            return Activation(*PRESETS[name])
        if name == "sparsemax":
            raise UnsupportedModel(
                f"layer {layer}: the option {option} = 'sparsemax' is not implemented: versions of "
                "Keras up to 3.15 compute another function by that name, and newer ones correct it"
            )
        if name in ACTIVATIONS and name not in NEED_ARGUMENTS:
            return Activation(name)
    raise UnsupportedModel(
        f"layer {layer}: the option {option} = {value!r} is not an activation that rnnlens knows; "
        "it reads Keras's own and never runs a function of the user's"
    )


def _from_object(value: Mapping, *, layer: str, option: str, hard_slope: float) -> Activation:
    kind, config = value.get("class_name"), value.get("config")
    module = value.get("module")
    own = module is None or str(module).split(".")[0] in {"keras", "tf_keras", "builtins"}
    registered = value.get("registered_name")
    if kind == "function" and own and isinstance(config, str) and registered in {None, config}:
        return activation_of(config, layer=layer, option=option, hard_slope=hard_slope)
    if kind in ACTIVATION_LAYERS and own and isinstance(config, Mapping):
        options = LayerOptions(f"{layer}, option {option}", config)
        return activation_of_layer(str(kind), options, hard_slope)
    raise UnsupportedModel(
        f"layer {layer}: the option {option} holds {kind or 'an object'} "
        f"({config if isinstance(config, str) else registered or module or 'of the user'}), which "
        "is not one of Keras's activation functions; rnnlens never runs a function of the user's"
    )


def activation_of_layer(kind: str, options: LayerOptions, hard_slope: float) -> Activation:
    """Turn an activation layer into an activation."""
    if kind == "Activation":
        value = options.values.get("activation")
        options.take("activation")
        activation = activation_of(
            value, layer=options.layer, option="activation", hard_slope=hard_slope
        )
    elif kind == "ReLU":
        limit = options.take("max_value", None)
        activation = Activation(
            "relu",
            {
                "max_value": inf if limit is None else options.number("max_value"),
                "negative_slope": options.number("negative_slope", 0.0),
                "threshold": options.number("threshold", 0.0),
            },
        )
    elif kind == "LeakyReLU":
        # Keras 2 calls the slope alpha; both take 0.3 where it is not stated.
        key = "negative_slope" if "negative_slope" in options else "alpha"
        activation = Activation("relu", {"negative_slope": options.number(key, 0.3)})
    elif kind == "ELU":
        activation = Activation("elu", {"alpha": options.number("alpha", 1.0)})
    elif kind == "ThresholdedReLU":
        activation = Activation("threshold", {"threshold": options.number("theta", 1.0)})
    else:
        activation = Activation("softmax", {"axis": options.integer("axis", -1)})
    options.finish()
    return activation
