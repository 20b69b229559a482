"""Keras 1 in the words of Keras 2: classes and options renamed, nothing dropped that computes.

Keras 1 states the same layers in other words (``output_dim``, ``inner_activation``, ``nb_filter``);
Keras 2's own table is in keras/legacy/interfaces.py and keras/legacy/layers.py of 2.x. An option
without an entry here goes on as it is and meets the rule of `LayerOptions`: read, inert or
refused.
"""

from __future__ import annotations

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.network.json_values import Json, JsonObject

__all__ = ["modern"]

#: Classes whose name changed and nothing else.
CLASSES = {"Convolution1D": "Conv1D", "AtrousConvolution1D": "Conv1D"}

RECURRENT = {"output_dim": "units", "inner_activation": "recurrent_activation"}
CONVOLUTION = {
    "nb_filter": "filters",
    "filter_length": "kernel_size",
    "border_mode": "padding",
    "subsample_length": "strides",
    "atrous_rate": "dilation_rate",
    "bias": "use_bias",
}
POOLING = {"pool_length": "pool_size", "stride": "strides", "border_mode": "padding"}
NOISE = {"p": "rate"}

#: Options by class: the word of Keras 1, the word of Keras 2.
RENAMED: dict[str, dict[str, str]] = {
    "LSTM": RECURRENT,
    "GRU": RECURRENT,
    "SimpleRNN": RECURRENT,
    "Dense": {"output_dim": "units", "bias": "use_bias"},
    "Conv1D": CONVOLUTION,
    "MaxPooling1D": POOLING,
    "AveragePooling1D": POOLING,
    "Dropout": NOISE,
    "SpatialDropout1D": NOISE,
    "GaussianDropout": NOISE,
    "GaussianNoise": {"sigma": "stddev"},
}

#: Options that act in training alone and do not say so by their ending.
TRAINING = frozenset({
    "init",
    "inner_init",
    "forget_bias_init",
    "beta_init",
    "gamma_init",
    "dropout_W",
    "dropout_U",
})

#: What one word of Keras 1's Merge became.
MERGES = {
    "sum": "Add",
    "mul": "Multiply",
    "ave": "Average",
    "concat": "Concatenate",
    "max": "Maximum",
    "dot": "Dot",
    "cos": "Dot",
}

#: Layers of Keras 1 that Keras 2 no longer has.
GONE = {
    "MaxoutDense": "it takes the largest of several products",
    "Highway": "it mixes its input with a product of it",
    "SReLU": "it is piecewise with learned thresholds",
    "ParametricSoftplus": "it is a softplus with learned slopes",
}


def modern(entry: JsonObject, depth: int = 0) -> dict[str, Json]:
    """Write a layer or a model of Keras 1 as Keras 2 would.

    Examples
    --------
    >>> modern({"class_name": "Dense", "config": {"name": "d", "output_dim": 2, "bias": True}})
    {'class_name': 'Dense', 'config': {'name': 'd', 'units': 2, 'use_bias': True}}
    """
    if depth > 32:
        raise UnreadableFile("layers are nested more than 32 deep; the file is damaged")
    kind, config = str(entry["class_name"]), entry["config"]
    if kind == "Sequential":
        return _sequential(entry, depth)
    if kind == "Model":
        layers = [modern(item, depth + 1) for item in config["layers"]]
        return {**entry, "config": {**config, "layers": layers}}
    if kind == "Merge":
        return {**entry, **_merge(config)}
    if kind == "TimeDistributedDense":
        return {**entry, **_time_distributed(config)}
    if kind in GONE:
        raise UnsupportedModel(
            f"layer {config.get('name')!r} ({kind}): {GONE[kind]}, which rnnlens does not implement"
        )
    kind = CLASSES.get(kind, kind)
    return {**entry, "class_name": kind, "config": _options(kind, config, depth)}


def _options(kind: str, config: JsonObject, depth: int) -> dict[str, Json]:
    names = RENAMED.get(kind, {})
    options = {names.get(key, key): value for key, value in config.items() if key not in TRAINING}
    if len(options) < sum(key not in TRAINING for key in config):
        raise UnreadableFile(
            f"layer {config.get('name')!r} ({kind}) states an option both in the words of Keras 1 "
            "and of Keras 2; the file is damaged"
        )
    if kind in {"Bidirectional", "TimeDistributed"}:
        options["layer"] = modern(options["layer"], depth + 1)
    elif kind in {"LSTM", "GRU"}:
        options.setdefault("recurrent_activation", "hard_sigmoid")
    elif kind == "Embedding":
        options.pop("dropout", None)
    elif kind == "BatchNormalization" and options.pop("mode", 0) != 0:
        raise UnsupportedModel(
            f"layer {config.get('name')!r} (BatchNormalization): mode = {config['mode']} takes its "
            "moments from the data it predicts for; rnnlens reads mode = 0"
        )
    return options


def _merge(config: JsonObject) -> dict[str, Json]:
    mode, name = config.get("mode"), config.get("name")
    if mode not in MERGES or config.get("mode_type", "raw") != "raw":
        raise UnsupportedModel(
            f"layer {name!r} (Merge): mode = {str(mode)[:40]!r} is Python code, which rnnlens "
            f"never runs; it reads the modes {', '.join(MERGES)} that are layers of Keras 2"
        )
    options: dict[str, Json] = {"name": name}
    if mode == "concat":
        options["axis"] = config.get("concat_axis", -1)
    return {"class_name": MERGES[mode], "config": options}


def _time_distributed(config: JsonObject) -> dict[str, Json]:
    """Write a TimeDistributedDense as the wrapper that took its place."""
    outer = {key: config[key] for key in ("name", "batch_input_shape") if key in config}
    inner = modern({"class_name": "Dense", "config": config})
    return {"class_name": "TimeDistributed", "config": {**outer, "layer": inner}}


def _sequential(entry: JsonObject, depth: int) -> dict[str, Json]:
    listed = entry["config"]
    if not listed or listed[0].get("class_name") != "Merge":
        return {**entry, "config": [modern(item, depth + 1) for item in listed]}
    graph: dict[str, dict[str, Json]] = {}
    last = _chain(listed, graph, depth)
    inputs = [[name, 0, 0] for name, item in graph.items() if item["class_name"] == "InputLayer"]
    return {
        **entry,
        "class_name": "Model",
        "config": {
            "name": entry.get("name", "sequential"),
            "layers": list(graph.values()),
            "input_layers": inputs,
            "output_layers": [[last, 0, 0]],
        },
    }


def _chain(listed: list[JsonObject], graph: dict[str, dict[str, Json]], depth: int) -> str:
    """Lay a Sequential model out as nodes of a graph and give the name of its last layer."""
    if depth > 32:
        raise UnreadableFile("layers are nested more than 32 deep; the file is damaged")
    takes: list[str] = []
    for place, item in enumerate(listed):
        kind, config = item["class_name"], item["config"]
        if place == 0 and kind == "Merge":
            takes = [_branch(branch, graph, depth) for branch in config["layers"]]
        elif place == 0 and kind != "InputLayer":
            takes = [_add_entry(config, graph)]
        made = modern({"class_name": kind, "config": config}, depth + 1)
        takes = [_add(str(made["config"]["name"]), made, takes, graph)]
    if not takes:
        raise UnreadableFile("a branch of the model has no layers; the file is damaged")
    return takes[0]


def _branch(branch: JsonObject, graph: dict[str, dict[str, Json]], depth: int) -> str:
    if branch["class_name"] != "Sequential":
        raise UnsupportedModel(
            f"the model merges a branch of the class {branch['class_name']!r}; rnnlens reads a "
            "Merge of Sequential models, or a functional model with Merge layers"
        )
    return _chain(branch["config"], graph, depth + 1)


def _add_entry(config: JsonObject, graph: dict[str, dict[str, Json]]) -> str:
    name = f"{config['name']}_input"
    options = {"name": name, "batch_input_shape": config["batch_input_shape"]}
    return _add(name, {"class_name": "InputLayer", "config": options}, [], graph)


def _add(name: str, made: JsonObject, takes: list[str], graph: dict[str, dict[str, Json]]) -> str:
    if name in graph:
        raise UnsupportedModel(
            f"the model merges branches that share the layer {name!r}, which Keras 1 writes "
            "without saying how often it is called; build it as a functional model"
        )
    calls = [[[taken, 0, 0] for taken in takes]] if takes else []
    graph[name] = {**made, "name": name, "inbound_nodes": calls}
    return name
